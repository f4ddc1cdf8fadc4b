"""Tails of the hypergeometric distribution against exact rationals and 80 digits."""

from fractions import Fraction
from math import comb

import mpmath
import numpy as np
import pytest

from sparsecode._core.hypergeometric import log_probabilities, log_tails

pytestmark = pytest.mark.nojit


def exact_tail(N, K, n, least):
    """Return P[H >= least]."""
    hits = range(max(least, 0), min(K, n) + 1)
    return Fraction(sum(comb(K, h) * comb(N - K, n - h) for h in hits), comb(N, n))


def relative_error(log_value, exact):
    """Return how much the exponential of a logarithm differs from an exact value, relative to it."""
    exact = mpmath.mpf(exact.numerator) / exact.denominator if isinstance(exact, Fraction) else exact
    return abs(float(mpmath.expm1(mpmath.mpf(float(log_value)) - mpmath.log(exact))))


def test_both_tails_equal_exact_rationals(rng):
    with mpmath.workdps(60):
        for _ in range(150):
            N = int(rng.integers(1, 400))
            K, n = (int(k) for k in rng.integers(0, N + 1, 2))
            least = int(rng.integers(0, N + 2))
            exact = exact_tail(N, K, n, least)
            below, from_least = log_tails(N, K, n, least)
            for log_value, value in ((below, 1 - exact), (from_least, exact)):
                if value == 0:
                    assert log_value == -np.inf
                else:
                    # The exponential of a logarithm of 400 may be off by 6e-14; 1.3e-13 at most in 20 000 draws
                    assert relative_error(log_value, value) < 5e-13


@pytest.mark.parametrize(
    "problem",
    [
        (10**6, 100, 200, 100), (10**6, 200, 10**4, 60), (10**7, 60, 10**4, 40), (10**9, 40, 10**6, 20),
        (10**9, 1000, 10**8, 150), (10**9, 1000, 10**8, 500), (10**9, 300, 9 * 10**8, 290), (2**53, 40, 2**45, 9),
    ],
)  # fmt: skip
def test_large_populations_equal_80_digits(problem):
    N, K, n, least = problem

    with mpmath.workdps(80):

        def log_comb(m, k):
            return mpmath.loggamma(m + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(m - k + 1)

        terms = (log_comb(K, h) + log_comb(N - K, n - h) - log_comb(N, n) for h in range(least, K + 1))
        exact = mpmath.fsum(mpmath.exp(term) for term in terms)
        below, from_least = log_tails(N, K, n, least)
        # 2e-13 at most, for a logarithm of -514 that is right to the last digit
        assert relative_error(from_least, exact) < 1e-12
        assert relative_error(below, 1 - exact) < 1e-12


def test_tails_far_below_what_floats_hold():
    """A single term: C(N - K, n - K) / C(N, n) is the product of (n - i) / (N - i)."""
    N, K, n = 10**9, 1000, 10**6
    with mpmath.workdps(60):
        exact = mpmath.fsum(mpmath.log(mpmath.mpf(n - i) / (N - i)) for i in range(K))
    assert abs(float(log_tails(N, K, n, K)[1] / exact) - 1) < 1e-15 * 4
    assert log_tails(N, K, n, K)[1] < -6000


def test_symmetric_in_marked_and_drawn(rng):
    N = rng.integers(1, 5000, 200)
    K, n = (rng.integers(0, N + 1) for _ in range(2))
    least = rng.integers(0, 50, 200)
    one, other = log_tails(N, K, n, least), log_tails(N, n, K, least)
    # 3e-14 at most for logarithms up to 2300 in size
    np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)


def test_probabilities_sum_to_tails(rng):
    N, K, n = 300, 40, 90
    logs = log_probabilities(N, K, n, np.arange(41))
    np.testing.assert_allclose(np.exp(logs).sum(), 1, rtol=1e-13)
    tails = np.logaddexp.accumulate(logs[::-1])[::-1]
    np.testing.assert_allclose(log_tails(N, K, n, np.arange(41))[1], tails, rtol=1e-12, atol=1e-13)


def test_any_real_number_of_draws_lies_between_whole_ones():
    """With Vandermonde's identity for real numbers the probabilities still sum to one."""
    draws = np.linspace(30, 31, 5)
    logs = log_probabilities(1000, 20, draws[:, None], np.arange(21))
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-13)
    assert (np.diff(log_tails(1000, 20, draws, 5)[1]) > 0).all()


@pytest.mark.parametrize(
    ("problem", "tails"),
    [
        ((10, 3, 4, 0), (0, 1)),
        ((10, 3, 4, 4), (1, 0)),
        ((10, 0, 4, 1), (1, 0)),
        ((10, 10, 4, 4), (0, 1)),
        ((10, 10, 4, 5), (1, 0)),
        ((10, 3, 0, 1), (1, 0)),
        ((10, 3, 10, 3), (0, 1)),
        ((10, 8, 7, 5), (0, 1)),  # five at least are hit
        ((0, 0, 0, 0), (0, 1)),
        ((0, 0, 0, 1), (1, 0)),
        ((1, 1, 1, 1), (0, 1)),
    ],
)
def test_what_is_sure_or_impossible(problem, tails):
    np.testing.assert_array_equal(np.exp(log_tails(*problem)), tails)


def test_broadcasts_and_keeps_shapes():
    below, from_least = log_tails(100, [[5], [10]], 20, [1, 2, 3])
    assert below.shape == from_least.shape == (2, 3)
    assert log_tails(np.zeros((0, 3)), 0, 0, 0)[0].shape == (0, 3)
    assert log_tails(100, 10, 20, 3)[0].shape == ()


def test_one_problem_gives_the_bits_of_many(rng):
    """Few problems are solved by the calling thread, many by another one; either tail may be left out."""
    N = rng.integers(1, 5000, 3000)
    K, n = (rng.integers(0, N + 1) for _ in range(2))
    least = rng.integers(0, 50, 3000)
    below, from_least = log_tails(N, K, n, least)
    alone = [log_tails(*map(int, problem)) for problem in zip(N[:40], K[:40], n[:40], least[:40], strict=True)]
    np.testing.assert_array_equal(np.transpose(alone), [below[:40], from_least[:40]])
    nothing, upper = log_tails(N, K, n, least, below=False)
    assert nothing is None
    np.testing.assert_array_equal(upper, from_least)
    lower, nothing = log_tails(N, K, n, least, from_least=False)
    assert nothing is None
    np.testing.assert_array_equal(lower, below)


@pytest.mark.parametrize("K", [63, 64, 65])
def test_products_and_saddle_points_meet(K):
    """64 items are the most whose ratios are multiplied."""
    N, n = 2**40, 3 * 2**30
    hits = np.array([0, 1, 3, 4, 7, K // 2, K - 1, K])
    with mpmath.workdps(60):
        for h, found in zip(hits.tolist(), log_probabilities(N, K, n, hits).tolist(), strict=True):
            exact = mpmath.binomial(K, h)
            for i in range(K):
                exact *= mpmath.mpf(n - i if i < h else N - n - (i - h)) / (N - i)
            assert relative_error(found, exact) < 1e-13  # 5e-14 at most, of logarithms down to -373
