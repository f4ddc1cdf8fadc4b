"""Error rates of segments against simulations: our segments on random patterns, and published counts."""

import numpy as np
import pytest

from sparsecode.dendrites import DendriticSegmentDetector, theory
from sparsecode.sdr import add_noise, random_sdrs

#: Cells, active ones, synapses.
N, A, S = 200, 20, 12


def assert_in_band(counts, n_draws, rates, *, deviations=4):
    """Compare counts with rates, by standard deviations of independent draws; of rare ones one more may be there."""
    band = deviations * np.sqrt(n_draws * rates * (1 - rates)) + 1
    assert (np.abs(counts - n_draws * rates) < band).all(), (counts, n_draws * rates, band)


@pytest.fixture(scope="module")
def detector():
    """A segment for each of 500 random patterns, with its overlaps."""
    patterns = random_sdrs(500, N, A, random_state=1)
    return DendriticSegmentDetector(S, threshold=1, output="overlap", random_state=2).fit(patterns), patterns


def test_answers_to_random_patterns(detector):
    """Overlaps of 500 segments with 1000 patterns are independent of each other two by two, since both are random."""
    overlaps = detector[0].transform(random_sdrs(1000, N, A, random_state=3))
    theta = np.arange(1, 7)
    counts = (overlaps >= theta[:, None, None]).sum(axis=(1, 2))
    assert_in_band(counts, overlaps.size, theory.false_positive_rate(N, A, S, theta))
    assert counts[-1] > 5


@pytest.mark.parametrize("n_noisy", [6, 10])
def test_patterns_that_are_missed(detector, n_noisy):
    """Each pattern forty times, with other cells active in the place of some."""
    detector, patterns = detector
    theta = np.arange(3, 12)
    counts = np.zeros(len(theta))
    for seed in range(40):
        own = detector.transform(add_noise(patterns, n_noisy / A, random_state=seed)).diagonal()
        counts += (own < theta[:, None]).sum(axis=1)
    assert_in_band(counts, 40 * len(patterns), theory.false_negative_rate(A, S, theta, n_noisy))
    assert (counts > 50).sum() >= 4


@pytest.mark.parametrize(("union", "method"), [("activity", "exact"), ("synapses", "bound")])
def test_answers_to_unions(union, method):
    """Three patterns at once, on segments of one; and one at a time, on segments of three, which share no synapse."""
    several = {"patterns_per_segment": 3 if union == "synapses" else 1}
    counts, n_draws, theta = 0, 0, np.arange(3, 8)
    for seed in range(10):
        patterns = random_sdrs(300, N, A, random_state=100 + seed)
        detector = DendriticSegmentDetector(S, threshold=1, output="overlap", random_state=seed, **several)
        probes = random_sdrs(900, N, A, random_state=200 + seed)
        if union == "activity":
            probes = probes[:300] | probes[300:600] | probes[600:]
        overlaps = detector.fit(patterns).transform(probes)
        counts, n_draws = counts + (overlaps >= theta[:, None, None]).sum(axis=(1, 2)), n_draws + overlaps.size
    rates = theory.union_false_positive_rate(N, A, S, theta, 3, union=union, method=method)
    # The size of a union varies and is common to counts of a row. Of 20 sets of seeds each 4.2 deviations at most
    assert_in_band(counts, n_draws, rates, deviations=6)


def test_published_simulations():
    """Shares that the authors counted in 1e8 draws: up to 4.8 deviations of independent ones, which theirs are not."""
    n = np.array([300, 500, 300, 500, 700, 900])
    a = np.array([64, 64, 128, 128, 128, 128])
    shares = np.array([1.09318e-3, 5.74e-6, 0.292048, 0.00737836, 3.2014e-4, 2.585e-5])
    assert_in_band(1e8 * shares, 1e8, theory.false_positive_rate(n, a, 24, 12), deviations=6)
    for theta, shares in (
        (8, [7.358e-4, 0.0268579, 0.263911, 0.770817]),
        (12, [0.0716827, 0.426699, 0.880767, 0.99638]),
        (16, [0.582524, 0.933878]),  # others have too few digits
    ):
        rates = theory.false_negative_rate(128, 30, theta, [64, 77, 90, 102][: len(shares)])
        assert_in_band(1e8 * np.array(shares), 1e8, rates, deviations=6)
