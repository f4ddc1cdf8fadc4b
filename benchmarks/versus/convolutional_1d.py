"""Convolutional codes of signals: time to the objective that alphacsc reaches, for non-negative l1.

In float64, since alphacsc takes nothing else. Of short signals the dense matrix of all shifted kernels is small enough
for the Lasso of scikit-learn too.
"""

import warnings

import numpy as np
import peers
from timing import Method, take_turns

from sparsecode.convolutional import ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import L1

#: Kernels, their samples, and the samples of a signal.
KERNELS, WIDTH, LENGTH = 10, 64, 10_000

#: Samples of signals that are short enough for the dense matrix, and the tolerance of the Lasso there.
SHORT, LASSO = 500, 1e-5

#: Weights as fractions of the largest, and tolerances: of alphacsc (relative to the std of the signal for "lgcd", in
#: machine precisions for "l-bfgs"), and of ours, the first of which leads to an objective as low is timed.
FRACTIONS = (0.5, 0.3, 0.1, 0.03)
THEIRS = {"lgcd": 1e-3, "l-bfgs": 1e7}
OURS = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)


def run(report, threads, rounds):
    """Compare weights; two signals for each thread, or one short one."""
    X, D = signals(2 * threads, LENGTH, np.float64)
    operator = ConvolutionOperator(D, X.shape[1], boundary="valid")
    largest = alpha_max(X, operator, L1(positive=True)).max()
    for fraction in FRACTIONS:
        alpha = float(fraction * largest)
        theirs = [
            Method(f"alphacsc {solver}", peers.alphacsc(X, D, alpha, tol * (X.std() if solver == "lgcd" else 1),
                                                        threads, solver), len(X))
            for solver, tol in THEIRS.items()
        ]  # fmt: skip
        compare(report, X, D, operator, alpha, theirs, threads, rounds, f"alpha = {fraction} alpha_max")
    X, D = signals(threads, SHORT, np.float64)
    operator = ConvolutionOperator(D, SHORT, boundary="valid")
    shifted = operator.decode(np.eye(np.prod(operator.code_shape)))
    for fraction in FRACTIONS[1:3]:
        alpha = float(fraction * alpha_max(X, operator, L1(positive=True)).max())
        theirs = [Method("scikit-learn Lasso", peers.scikit_learn_positive(X, shifted, alpha, LASSO), len(X))]
        setting = f"{SHORT} samples, alpha = {fraction} alpha_max"
        compare(report, X, D, operator, alpha, theirs, threads, rounds, setting)


def compare(report, X, D, operator, alpha, theirs, threads, rounds, setting):
    """Report the time to the objective of the first of the other methods."""
    goal = objective(operator, X, theirs[0].run(), alpha)
    ours = Method("sparsecode greedy", as_low_as(goal, operator, X, alpha, threads), len(X))

    def quality(timing):
        ratio = objective(operator, X, timing.result, alpha) / goal
        return f"objective / that of {theirs[0].name} - 1 = {ratio - 1:.1e}"

    report.add("convolutional-1d", X, D, threads, setting, take_turns([ours, *theirs], rounds), quality)


def signals(n, length, dtype):
    """Return signals of few kernels with noise, and the kernels: windowed oscillations."""
    rng, t = np.random.default_rng(0), np.arange(WIDTH) / WIDTH
    waves = np.sin(2 * np.pi * (rng.uniform(1, 12, (KERNELS, 1)) * t + rng.random((KERNELS, 1))))
    D = waves * np.hanning(WIDTH)
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    codes = rng.exponential(size=(n, KERNELS, length - WIDTH + 1)) * (
        rng.random((n, KERNELS, length - WIDTH + 1)) < 0.003
    )
    X = sum(np.array([np.convolve(row, kernel) for row in codes[:, k]]) for k, kernel in enumerate(D))
    return (X + 0.05 * rng.normal(size=X.shape)).astype(dtype), D.astype(dtype)


def objective(operator, X, codes, alpha):
    """Return the mean objective of codes."""
    residual = X - operator.decode(codes)
    return float(0.5 * np.square(residual, dtype=np.float64).sum() + alpha * abs(codes).sum(dtype=np.float64)) / len(X)


def as_low_as(goal, operator, X, alpha, threads):
    """Return the call with the largest tolerance by which our objective is no higher than the goal."""
    for tol in OURS:

        def call(tol=tol):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                penalty = L1(alpha, positive=True)
                return solve_convolutional(X, operator, penalty, solver="greedy", tol=tol, n_jobs=threads).codes

        if objective(operator, X, call(), alpha) <= goal:
            break
    return call
