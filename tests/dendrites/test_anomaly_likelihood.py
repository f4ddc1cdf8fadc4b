"""`AnomalyLikelihood` against its naive twin, in streams, and with odd input."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode.dendrites import AnomalyLikelihood

from ..reference.anomaly_likelihood import likelihoods

pytestmark = pytest.mark.nojit

TWINS = {
    "default": ({}, {}),
    "two-sided": ({"one_sided": False}, {"one_sided": False}),
    "short": (
        {
            "window": 60,
            "learning_period": 20,
            "estimation_samples": 7,
            "reestimation_period": 13,
            "averaging_window": 3,
        },
        {"window": 60, "learning": 20, "samples": 7, "period": 13, "averaging": 3},
    ),
    "at once": (
        {"window": 50, "learning_period": 0, "estimation_samples": 1, "reestimation_period": 1, "averaging_window": 1},
        {"window": 50, "learning": 0, "samples": 1, "period": 1, "averaging": 1},
    ),
}


def some_scores(rng, n=700):
    scores = rng.beta(0.5, 3, n)
    scores[450:470] = 1
    scores[600:640] = 0
    return scores


@pytest.mark.parametrize("name", TWINS)
def test_likelihoods_are_those_of_the_naive_twin(name, rng):
    params, settings = TWINS[name]
    scores = some_scores(rng)
    found = AnomalyLikelihood(**params).score_stream(scores)
    # Differences were up to 5e-13: tails are computed as differences from one
    np.testing.assert_allclose(found, likelihoods(scores.tolist(), **settings), rtol=0, atol=1e-11)
    assert found.max() > 0.99999


@pytest.mark.parametrize("params", [{}, TWINS["short"][0]])
def test_streams_are_batches(params, rng):
    detector, scores = AnomalyLikelihood(**params), some_scores(rng)
    expected, last = detector.advance(scores, detector.initial_state())
    state, found = detector.initial_state(), []
    for score in scores:
        kept, frozen = pickle.dumps(state), state
        likelihood, state = detector.step(score, state)
        assert pickle.dumps(frozen) == kept
        found.append(likelihood)
    assert found == expected.tolist()
    assert all(map(np.array_equal, state, last))
    half, middle = clone(detector).advance(scores[:433], detector.initial_state())
    rest, _ = detector.advance(scores[433:], pickle.loads(pickle.dumps(middle)))  # noqa: S301
    np.testing.assert_array_equal(np.r_[half, rest], expected)


def test_unusually_low_scores_are_no_anomaly_unless_asked_for(rng):
    scores = np.clip(rng.normal(0.6, 0.05, 800), 0, 1)
    scores[700:] = 0
    assert AnomalyLikelihood().score_stream(scores)[705:].max() < 0.5
    assert AnomalyLikelihood(one_sided=False).score_stream(scores)[700:710].max() > 0.99999
    assert AnomalyLikelihood().score_stream(scores)[:388].tolist() == [0.5] * 388


def test_a_run_of_extreme_rows_is_told_once(rng):
    scores = np.r_[np.full(500, 0.1), np.ones(30)]
    found = AnomalyLikelihood(averaging_window=1).score_stream(scores)
    assert found[500] == 1
    assert found[501:].tolist() == [0.999] * 29


def test_logarithms_of_tails():
    # Each factor of ten in the tail is worth 0.1, up to the 1e-10 that keeps the logarithm finite
    tails = 10.0 ** -np.arange(6)
    np.testing.assert_allclose(AnomalyLikelihood.log_scale(1 - tails), np.arange(6) / 10, atol=1e-6)
    assert AnomalyLikelihood.log_scale(1.0) == pytest.approx(1, abs=1e-6)


def test_what_does_not_fit_is_refused():
    detector = AnomalyLikelihood()
    state = detector.initial_state()
    for wrong in (np.nan, 1.01, -0.1, np.inf):
        with pytest.raises(ValueError, match="`scores` must be a list of numbers from 0 to 1"):
            detector.step(wrong, state)
    with pytest.raises(ValueError, match="`scores` must be a list"):
        detector.score_stream([[0.1]])
    with pytest.raises(ValueError, match="`state` is not one of these parameters"):
        AnomalyLikelihood(50, estimation_samples=10).step(0.1, state)
    with pytest.raises(ValueError, match="`window`=50 must be at least `estimation_samples`=100"):
        AnomalyLikelihood(50).initial_state()
    with pytest.raises(ValueError, match="The 'window' parameter of AnomalyLikelihood must be"):
        AnomalyLikelihood(0).score_stream([0.1])
    for wrong in (None, 3.0, ()):
        with pytest.raises(ValueError, match=r"`state` is not one of these parameters; begin with `initial_state\(\)`"):
            detector.step(0.1, wrong)
    for wrong in (2.0, -0.1, np.nan, [0.5, 1.1]):
        with pytest.raises(ValueError, match=r"`likelihood` must lie in \[0, 1\]"):
            detector.log_scale(wrong)
    assert len(detector.score_stream([])) == 0
