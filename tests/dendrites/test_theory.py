"""Error rates of segments against published numbers, closed forms and simulations.

Numbers are those of the figures and spreadsheets that the authors of arXiv:1601.00720 and arXiv:1503.07469 published,
to the digits given there. Five of theirs are wrong and are not met: a rate of 1.6e-18 in the text of the first
preprint for 20 synapses, threshold 10, 2000 of 200 000 active (it is 1.65e-15); curves named "half of the cells
active", which have a quarter; two curves drawn 200 cells too far right; 3.1134e-16 for a false negative that is
3.142e-16; and rates of unions of synapses that are off by 1e-3 where sums cancelled, beside a list for half of the
cells active that repeats itself beyond 400 cells.
"""

import math

import mpmath
import numpy as np
import pytest

from sparsecode.dendrites.theory import (
    any_match_rate,
    classification_error,
    false_negative_rate,
    false_positive_rate,
    max_noise,
    max_union,
    min_synapses,
    min_threshold,
    overlap_set_size,
    prediction_quality,
    spontaneous_loss_rate,
    threshold_curve,
    union_containment_rate,
    union_false_positive_rate,
    union_size,
    union_size_distribution,
)

pytestmark = pytest.mark.nojit


def assert_agree(values, printed):
    """Compare with printed numbers, written as strings: to a unit of the last digit or 4e-8, their own error."""
    values, printed = np.broadcast_arrays(values, printed)
    for value, text in zip(values.ravel(), printed.ravel(), strict=True):
        mantissa, _, exponent = text.partition("e")
        digits = len(mantissa.partition(".")[2])
        unit = 10.0 ** (int(exponent or 0) - digits)
        assert abs(value - float(text)) <= max(1.0001 * unit, 4e-8 * value), (value, text)


def words(line):
    return np.array(line.split())


def test_table_of_the_paper():
    """20 000 of 200 000 cells: one pattern exactly, half of the synapses, several patterns on a segment."""
    theta = np.array([6, 8, 10])
    assert_agree(false_positive_rate(200_000, 2000, theta, theta), words("9.925957e-13 9.862183e-17 9.779363e-21"))
    theta = np.array([6, 8, 10, 12])
    rates = words("8.711435e-10 1.182131e-12 1.649899e-15 2.343084e-18")
    assert_agree(false_positive_rate(200_000, 2000, 2 * theta, theta), rates)
    assert_agree(false_positive_rate(200_000, 2000, [40, 80, 120], 10), words("6.313403e-12 8.537368e-09 4.194683e-07"))
    assert_agree(false_positive_rate(200_000, 2000, 120, 15), "1.685409e-12")
    assert_agree(
        false_positive_rate(100_000, 2000, [6, 8, 10], [6, 8, 10]),
        words("6.35308873e-11 2.52507239e-14 1.00163216e-17"),
    )
    rates = words("5.29386836e-08 2.81724529e-10 1.54192767e-12 8.58694100e-15")
    assert_agree(false_positive_rate(100_000, 2000, 2 * theta, theta), rates)
    assert_agree(
        false_positive_rate(100_000, 2000, [40, 80, 120], 10), words("4.91541865e-09 4.62568448e-06 1.58799793e-04")
    )
    assert_agree(false_positive_rate(100_000, 2000, 240, 20), "1.07990764e-07")


@pytest.mark.parametrize(
    ("n", "rates"),
    [
        (300, "1.09461662e-03 .292078214 .999997973 .00518604307"),
        (500, "5.69571109e-06 .00736788303 .629372755 .00595902790"),
        (1100, "8.36246969e-10 2.99642103e-06 .00350549722 .00662414646"),
        (2100, "4.51268e-13 2.29144e-09 5.89561e-06 .00689585"),
        (4100, "1.66259e-16 1.00649e-12 3.76438e-09 .00704341"),
        (10100, "3.58854e-21 2.41521e-17 1.12349e-13 .00713607"),
        (19900, "1.07499990e-24 7.49308887e-21 3.74182390e-17 .00716735"),
    ],
)
def test_effect_of_the_population(n, rates):
    assert_agree(false_positive_rate(n, [64, 128, 256, n // 4], 24, 12), words(rates))


@pytest.mark.parametrize(
    ("n", "a", "rates"),
    [
        (2000, 32, ".0317519 1.80708e-07 3.90434e-14 6.59697e-17 3.26957e-21"),
        (4000, 32, ".0159380 5.79576e-09 3.96690e-17 1.67619e-20 1.03308e-25"),
        (16000, 256, ".0317450 2.38036e-07 1.48103e-13 4.96196e-16 9.57163e-20"),
        (16000, 512, ".0629779 7.25890e-06 1.42977e-10 1.93491e-12 3.07766e-15"),
        (16000, 4000, ".437512 .0780630 .0138117 .00715949 .00272516"),
    ],
)
def test_effect_of_the_synapses(n, a, rates):
    s = np.array([2, 10, 20, 24, 30])
    assert_agree(false_positive_rate(n, a, s, s // 2), words(rates))


def test_effect_of_the_active_cells():
    """Thirty synapses on a cell of the thalamus, half of which must be active."""
    rates = words("2.19511e-19 8.92832e-13 2.42021e-08 .173592")
    assert_agree(false_positive_rate(2000, [40, 100, 200, 800], 30, 15), rates)


@pytest.mark.parametrize(
    ("theta", "rates"),
    [
        (8, "7.90e-10 3.45576e-06 7.35429e-04 .0268657 .263953 .770862"),
        (12, "1.09248e-05 .00279560 .0716985 .426526 .880923 .996377"),
        (16, ".00627504 .139067 .582502 .933878 .998319 .999998"),
    ],
)
def test_false_negatives(theta, rates):
    assert_agree(false_negative_rate(128, 30, theta, [38, 51, 64, 77, 90, 102]), words(rates))


def test_false_negatives_beyond_the_table():
    assert_agree(false_negative_rate(40, 8, 4, 12), ".0385741779")
    assert false_negative_rate(128, 30, 12, 18) == 0  # twelve are left
    assert false_negative_rate(128, 30, 12, 19) > 0
    assert_agree(spontaneous_loss_rate(30, 12, 0.25), "1.02e-05")


@pytest.mark.parametrize(
    ("n", "rates"),
    [
        (1000, "1.74967e-11 2.82659e-08 1.22462e-04 .0185736 .430124 .981624"),
        (4000, "1.85597e-17 4.17575e-14 4.70970e-10 3.32636e-07 1.29764e-04 .0154839"),
        (8000, "1.84408e-20 4.38205e-17 5.79646e-13 5.32309e-10 3.48058e-07 1.06987e-04"),
    ],
)
def test_union_of_activity(n, rates):
    assert_agree(union_false_positive_rate(n, 30, 20, 10, [1, 2, 5, 10, 20, 39], method="mean"), words(rates))


def test_union_of_synapses():
    n_patterns = np.array([1, 2, 5, 10, 19])
    assert_agree(union_size(1000, 20, n_patterns), words("20. 39.6 96.0792 182.9272 318.7674"))
    assert_agree(union_size(1000, 25, n_patterns), words("25. 49.375 118.9043 223.6704 381.8588"))
    assert_agree(union_size(1000, 30, n_patterns), words("30. 59.1 141.2660 262.5759 439.3873"))
    for n, n_patterns, rates in (
        (1000, [1, 2, 3, 4], "1.00140315e-05 .0473894530 .501650232 .899154755"),
        (10_000, [1, 2, 5, 10, 19], "5.30352425e-20 2.35602185e-14 2.27921916e-08 1.27080441e-04 .0453789479"),
        (20_000, [1, 2, 10, 19], "1.75826329e-24 9.73603541e-19 3.32242568e-08 8.14089056e-05"),
    ):
        sizes = np.round(union_size(n, 25, n_patterns))
        assert_agree(false_positive_rate(n, 200, sizes, 15), words(rates))
    # Over all sizes, computed anew from the chain of their probabilities in exact rationals
    options = {"union": "synapses", "method": "exact"}
    assert_agree(union_false_positive_rate(1000, 200, 25, 15, 2, **options), ".050773")
    assert_agree(union_false_positive_rate(10_000, 200, 25, 15, 5, **options), "2.3840e-08")
    assert_agree(union_false_positive_rate(2000, 40, 20, 10, [5, 20], **options), words("1.2655e-05 .17753"))
    assert_agree(union_false_positive_rate(1000, 200, 25, 15, 2, union="synapses", method="bound"), ".055952")


def test_containment():
    assert_agree(union_containment_rate(1024, [2, 20], 20, [2, 20]), words("1.47042577e-03 1.83536456e-10"))
    assert_agree(union_containment_rate(1024, 20, 40, 20), "5.48218935e-06")
    rates = union_false_positive_rate(1024, 20, 20, [20, 19, 18], 20, method="mean")
    assert_agree(rates, words("1.23782572e-10 5.55166122e-09 1.18086573e-07"))
    assert_agree(union_false_positive_rate(2048, 20, 20, 18, 20, method="mean"), "3.08795141e-12")


def test_whole_patterns_sampled():
    w = np.array([16, 32, 64])
    assert_agree(false_positive_rate(100, w, w, w // 2), words("4.57906988e-04 8.42698413e-03 .999993041"))
    assert_agree(false_positive_rate(500, w, w, w // 2), words("1.60872723e-09 3.78032982e-13 1.08156643e-15"))
    assert_agree(false_positive_rate(1000, w, w, w // 2), words("6.48337e-12 6.65226e-18 5.06018e-25"))
    assert_agree(false_positive_rate(2050, w, w, w // 2), words("2.11080740e-14 7.31310450e-23 7.22560699e-35"))
    w, theta = np.array([[4, 8, 8, 32, 32], [2, 4, 6, 16, 24]])
    rates = words(".01709382 .00616927 9.84351e-06 .59857385 6.70223e-05")
    assert_agree(false_positive_rate(64, w, w, theta), rates)
    assert_agree(false_positive_rate(1024, 20, 20, [17, 14, 10]), words("3.50022991e-31 9.93621156e-23 9.32923862e-14"))
    assert_agree(false_positive_rate([1024, 400], 8, 4, 2), words("3.18241665e-04 2.06314617e-03"))


def test_any_of_many_segments():
    # At most the sum of all, which was published too
    for n, w, theta, G, bound in (
        (100, 7, 3, 500, "3.337"), (100, 7, 4, 500, ".144691"), (100, 7, 5, 500, ".00282648"),
        (100, 7, 6, 500, "2.03654e-05"), (100, 7, 7, 500, "3.12352e-08"), (64, 3, 2, 10, ".0441628264"),
        (64, 12, 8, 10, "4.23111850e-04"), (1024, 21, 14, 10, "8.83490181e-21"), (1024, 21, 14, 10**9, "8.8349e-13"),
        (2048, 40, 20, 10**6, "2.49125e-20"),
    ):  # fmt: skip
        rate = false_positive_rate(n, w, w, theta)
        assert_agree(G * rate, bound)
        assert 0.28 * G * rate < any_match_rate(rate, G) <= G * rate
    rates = any_match_rate(false_positive_rate(100, 7, 7, [3, 4, 5]), 500)
    assert_agree(rates, words(".9648393 .134728 .00282249"))
    assert any_match_rate(4e-17, 500) == pytest.approx(2e-14, rel=1e-12)  # 1 - (1 - p)^G is 0 in floating point
    assert any_match_rate(1.0, [0, 3]).tolist() == [0, 1]


def test_rates_of_many_in_logarithms():
    """Where rates can be held, their logarithms; below, the first power, and what 50 digits give."""
    p, G = 10.0 ** -np.arange(0, 300, 7), np.array([[0], [1], [500], [2**50]])
    with np.errstate(divide="ignore"):
        expected = np.log(any_match_rate(p, G))
        found = any_match_rate(np.log(p), G, log=True)
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=2e-13)  # logarithms of p are off by 1e-13
    assert any_match_rate(-1e5, 10, log=True) == pytest.approx(np.log(10) - 1e5, rel=1e-15)
    assert any_match_rate([0.0, -1e-18], 3, log=True).tolist() == [0, 0]
    alone = false_positive_rate(10**6, 200, 100, 100, log=True)
    assert alone == pytest.approx(-882.0535, abs=1e-4)
    errors = classification_error(10**6, 200, 100, 100, [1, 500], log=True)
    np.testing.assert_allclose(errors, alone + np.log([0.5, 250]), rtol=1e-15)
    errors = classification_error(2000, 40, 20, [5, 10], 100)
    np.testing.assert_allclose(classification_error(2000, 40, 20, [5, 10], 100, log=True), np.log(errors), rtol=1e-14)
    # On both sides of where other powers are left out
    a, theta = 200, np.arange(60, 80)
    p = false_positive_rate(10**6, a, 100, theta, log=True)
    assert p[0] > -600 > p[-1]
    np.testing.assert_allclose(classification_error(10**6, a, 100, theta, 50, log=True), p + np.log(25), rtol=1e-15)
    rates = union_containment_rate(1024, 20, 20, [20, 300], log=True)
    assert rates[0] == pytest.approx(np.log(union_containment_rate(1024, 20, 20, 20)), rel=1e-15)
    assert rates[1] == pytest.approx(15 * rates[0], rel=1e-15)
    assert union_containment_rate(2048, [0, 2048, 40], [3, 3, 0], [0, 40, 40], log=True).tolist() == [0, 0, -np.inf]


@pytest.mark.parametrize(
    ("s", "theta", "loss"), [(400, 100, 1e-3), (400, 100, 1e-9), (100, 10, 0.5), (1000, 500, 0.05)]
)
def test_losses_in_logarithms(s, theta, loss):
    with mpmath.workdps(50):
        d = mpmath.mpf(loss)
        terms = [mpmath.binomial(s, k) * d**k * (1 - d) ** (s - k) for k in range(s - theta + 1, s + 1)]
        exact = float(mpmath.log(mpmath.fsum(terms)))
    assert spontaneous_loss_rate(s, theta, loss, log=True) == pytest.approx(exact, rel=1e-14)
    assert spontaneous_loss_rate(s, theta, [0.0, 1.0], log=True).tolist() == [-np.inf, 0]


def test_two_classes():
    assert_agree(classification_error([300, 500, 700, 900], 128, 24, 12, 500), words(".4804 .3561 .06877 .006179"))
    assert_agree(classification_error([900, 1100, 1300, 1500], 256, 24, 12, 500), words(".41079 .29537 .13441 .04260"))
    assert classification_error(1000, 40, 20, 0, 5) == pytest.approx(0.5)


def test_predictions_of_a_temporal_memory():
    quality = prediction_quality([300, 400, 500, 600, 700, 800, 1000], 64, 20, 10, 20_000)
    assert_agree(quality, words(".2133336 .2432088 .6044890 .8816535 .9678829 .9904193 .9988068"))


def test_curve_of_thresholds():
    """Eight is the first threshold at which the typical rate is below 1e-7."""
    curve = threshold_curve()
    printed = words(
        ".01733 .001989 1.71e-04 1.20e-05 6.57e-07 3.33e-08 1.35e-09 4.80e-11 1.54e-12 3.41e-14 6.40e-16 9.34e-18 "
        "1.37e-19 1.43e-21 1.42e-23 1.12e-25 5.18e-28 3.90e-30 1.70e-32 9.21e-35 4.62e-37 2.07e-39"
    )
    assert_agree(curve, printed)
    assert 3 + np.argmax(curve < 1e-7) == 8


def test_slope_with_the_population():
    """Ten times the cells, at a fixed number of active ones: the power -theta, nearly."""
    for a, slope in ((64, -11.96), (128, -11.91), (256, -11.81)):
        low, high = false_positive_rate([10_000, 20_000], a, 24, 12, log=True)
        assert (high - low) / np.log(2) == pytest.approx(slope, abs=0.005)


def test_sizes_of_unions_as_simulated(rng):
    law = union_size_distribution(60, 10, 4)
    assert law.sum() == pytest.approx(1, abs=1e-12)
    assert law @ np.arange(len(law)) == pytest.approx(union_size(60, 10, 4), rel=1e-12)
    patterns = rng.permuted(np.tile(np.arange(60) < 10, (20_000, 4, 1)), axis=2)
    sizes = np.bincount(patterns.any(axis=1).sum(axis=1), minlength=len(law)) / 20_000
    band = 4.5 * np.sqrt(law * (1 - law) / 20_000) + 2 / 20_000
    assert (np.abs(sizes - law) < band).all()


def test_unions_of_one_pattern_and_none():
    one = false_positive_rate(1000, 30, 20, 5)
    for union in ("activity", "synapses"):
        for method in ("exact", "mean", "bound"):
            rates = union_false_positive_rate(1000, 30, 20, 5, [0, 1], union=union, method=method)
            np.testing.assert_allclose(rates, [0, one], rtol=1e-12)
    np.testing.assert_array_equal(union_size_distribution(9, 3, 0), [1])
    np.testing.assert_array_equal(union_size_distribution(9, 0, 5), [1])
    np.testing.assert_allclose(union_size_distribution(4, 4, 3), [0, 0, 0, 0, 1])
    assert union_size(10, 10, [0, 1, 2]).tolist() == [0, 10, 10]


def test_rates_are_monotone(rng):
    n, a, s, theta = 500, 40, 20, 6
    assert (np.diff(false_positive_rate(n, a, s, np.arange(22), log=True)[:21]) <= 0).all()
    assert (np.diff(false_positive_rate(n, np.arange(10, 60), s, theta)) > 0).all()
    assert (np.diff(false_positive_rate(n, a, np.arange(6, 40), theta)) > 0).all()
    assert (np.diff(false_positive_rate(np.arange(100, 600), a, s, theta)) < 0).all()
    assert (np.diff(false_negative_rate(a, s, theta, np.arange(41))) >= 0).all()


def test_inverses_are_the_last_that_fit():
    np.testing.assert_array_equal(min_threshold(2048, 40, 20, 1e-3, [1, 100, 10**4, 10**6]), [4, 6, 7, 9])
    np.testing.assert_array_equal(min_threshold(2048, 40, 30, 1e-3, [1, 100, 10**4, 10**6]), [5, 7, 8, 10])
    assert min_threshold(10, 9, 2, 1e-3) == 3  # never reached: two synapses are not enough
    for target in (1e-4, 1e-9):
        s = min_synapses(10_000, 200, 0.5, target)
        smaller = np.arange(1, s)
        assert false_positive_rate(10_000, 200, s, -(-s // 2)) <= target
        assert (false_positive_rate(10_000, 200, smaller, -(-smaller // 2)) > target).all()
    assert min_synapses(20, 10, 0.5, 1e-9) == 0
    v = max_noise(128, 30, 12, 0.01)
    low, high = false_negative_rate(128, 30, 12, [v, v + 1])
    assert low <= 0.01 < high
    assert max_noise(40, 20, 0, 1e-3) == 40
    for union in ("activity", "synapses"):
        M = max_union(4000, 30, 20, 10, 1e-6, union=union)
        low, high = union_false_positive_rate(4000, 30, 20, 10, [M, M + 1], union=union)
        assert low <= 1e-6 < high
        M = max_union(4000, 30, 20, 10, 1e-6, union=union, method="mean")
        low, high = union_false_positive_rate(4000, 30, 20, 10, [M, M + 1], union=union, method="mean")
        assert low <= 1e-6 < high
    # Exact rates of strict thresholds are far above those of the mean size: the search goes far from its first guess
    strict = [max_union(300, 20, 40, 40, 1e-12, method=method) for method in ("exact", "mean")]
    low, high = union_false_positive_rate(300, 20, 40, 40, [strict[0], strict[0] + 1])
    assert low <= 1e-12 < high
    assert strict[1] - strict[0] >= 1
    assert max_union(100, 10, 5, 0, 0.5) == 0
    assert max_union(100, 10, 5, 6, 0.5) == 2**40
    assert max_union(100, 40, 20, 5, 1e-9) == 0
    assert max_union(100, 0, 20, 5, 1e-9) == 2**40


def test_overlap_sets_partition_all_patterns():
    from math import comb

    assert sum(overlap_set_size(30, 7, 5, b) for b in range(8)) == comb(30, 7)
    for a, chance in ((2, 1.90921309872923e-6), (5, 1.07628886213801e-13), (20, 1.82483624417666e-42)):
        assert 1 / comb(1024, a) == pytest.approx(chance, rel=1e-13)  # that two codes are the same, as published
        assert sum(overlap_set_size(1024, a, 20, b) for b in range(21)) == comb(1024, a)
    assert overlap_set_size(30, 2, 5, 3) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: false_positive_rate(100, 200, 10, 5), ValueError, r"`n_active` must .* `n_cells` \(100\), got 200"),
        (lambda: false_positive_rate(100, 20, [10, 101], 5), ValueError, "`n_synapses` must be .* got 101"),
        (lambda: false_positive_rate(100, 20, 10, -1), ValueError, "`threshold` must be whole numbers .* got -1"),
        (lambda: false_positive_rate(100, 20.5, 10, 5), ValueError, "`n_active` must be whole numbers .* got 20.5"),
        (lambda: false_positive_rate(np.nan, 20, 10, 5), ValueError, "`n_cells` must be .* got nan"),
        (lambda: false_positive_rate("many", 20, 10, 5), TypeError, "`n_cells` must be a number"),
        (lambda: false_negative_rate(20, 30, 5, 3), ValueError, "`n_synapses` .* `n_active`"),
        (lambda: false_negative_rate(40, 30, 5, 41), ValueError, "`n_noisy`"),
        (lambda: spontaneous_loss_rate(20, 10, 1.5), ValueError, r"`loss` must lie in \[0, 1\], got 1.5"),
        (lambda: any_match_rate(-0.1, 5), ValueError, "`rate`"),
        (lambda: any_match_rate(0.1, 5, log=True), ValueError, "`rate` must be logarithms .* got 0.1"),
        (lambda: classification_error(100, 10, 5, 3, 0), ValueError, "`n_segments` must be at least 1"),
        (lambda: prediction_quality(100, 0, 5, 3, 10), ValueError, "`n_active` must be at least 1"),
        (lambda: union_false_positive_rate(9, 2, 2, 1, 2, union="both"), ValueError, "`union` must be one of"),
        (lambda: union_false_positive_rate(9, 2, 2, 1, 2, method="guess"), ValueError, "`method` must be one of"),
        (lambda: min_threshold(100, 10, 5, 0), ValueError, r"`target` must lie in \(0, 1\], got 0"),
        (lambda: max_noise(20, 5, 6, 0.1), ValueError, "`threshold` must be at most `n_synapses`"),
        (lambda: max_union(20, 5, 6, 2, 1), ValueError, r"`target` must lie in \(0, 1\), got 1"),
        (lambda: overlap_set_size(10, 11, 2, 2), ValueError, "`n_active`"),
        (lambda: threshold_curve(sparsity=[2]), ValueError, "`sparsity`"),
    ],
)  # fmt: skip
def test_impossible_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("s", "theta", "loss", "exact"),
    [(20, 20, 1e-17, 2e-16), (20, 20, 1e-12, 2e-11), (20, 20, 1e-8, 1.99999981e-7), (20, 18, 1e-6, 1.13998546e-15)],
)
def test_rare_losses_do_not_cancel(s, theta, loss, exact):
    """Sums of the binomial law by hand; the last digits of the exact ones are beyond those printed."""
    terms = [math.comb(s, k) * loss**k * (1 - loss) ** (s - k) for k in range(s - theta + 1, s + 1)]
    assert spontaneous_loss_rate(s, theta, loss) == pytest.approx(math.fsum(terms), rel=1e-12)
    assert math.fsum(terms) == pytest.approx(exact, rel=1e-7)
    assert spontaneous_loss_rate(s, 0, loss) == 0
    assert spontaneous_loss_rate(s, s + 1, loss) == 1


def test_union_of_one_pattern_at_strict_thresholds():
    """The mean size of a union is whole where it should be, so that the only possible overlap counts."""
    n, a = np.meshgrid(np.arange(200, 20_001, 300), np.arange(5, 41))
    alone = false_positive_rate(n, a, 60, a, log=True)
    united = union_false_positive_rate(n, a, 60, a, 1, method="mean", log=True)
    np.testing.assert_allclose(united, alone, rtol=1e-10)
    with pytest.raises(ValueError, match="takes too much memory; use method='mean' or 'bound'"):
        union_false_positive_rate(10**6, 20_000, 40, 20, 5)
