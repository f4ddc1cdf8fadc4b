r"""Sparse Bayesian learning: codes whose prior variances are found by maximising the evidence, for small dictionaries.

    x = w D + e,    w_j ~ N(0, gamma_j),    e ~ N(0, sigma^2 I),    C = sigma^2 I + D^T diag(gamma) D,
    log p(x | gamma, sigma^2) = -0.5 (x C^-1 x^T + log det C + F log 2 pi).

With ``s_j = d_j C^-1 d_j^T`` and ``q_j = d_j C^-1 x^T`` the posterior has means ``gamma_j q_j`` and variances
``gamma_j - gamma_j^2 s_j``. log det C is concave in the variances, hence below its tangent, and ``x C^-1 x^T`` is the
minimum over w of ``||x - w D||^2 / sigma^2 + sum_j w_j^2 / gamma_j``; what bounds both is least at

    gamma_j <- gamma_j |q_j| / sqrt(s_j),    sigma^2 <- sigma^2 ||C^-1 x^T|| / sqrt(trace C^-1).

So the evidence never falls, and variances of atoms that are not needed vanish geometrically, where those of expectation
maximisation, ``gamma_j + gamma_j^2 (q_j^2 - s_j)``, go as one over the number of iterations.

M. E. Tipping, "Sparse Bayesian learning and the relevance vector machine", J. Mach. Learn. Res. 1 (2001); D. Wipf and
S. Nagarajan, "A new view of automatic relevance determination", NIPS (2007); D. P. Wipf, J. P. Owen, H. T. Attias, K.
Sekihara and S. S. Nagarajan, "Robust Bayesian estimation of the location, orientation, and time course of multiple
correlated neural sources using MEG", NeuroImage 49 (2010), for the update.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from sklearn.utils import gen_batches

from .._core.validation import row_exponents
from ..penalties._base import check_positive
from ._rows import CONVERGED, MAX_ITER
from .registry import check_max_iter, check_problem, check_tol

#: Numbers in the largest work array of a batch of rows.
BATCH_NUMBERS = 2**20

#: Share of its sample's mean square that a learned noise variance does not fall below.
LEAST_NOISE = 1e-8

#: The same of one that is given: beside less, rounding would decide.
LEAST_GIVEN = 1e-12

#: ``gamma_j s_j``, what an atom adds to a direction of the noise, below which its variance is zero.
LEAST_RELEVANCE = 1e-14


class SparseBayesResult(NamedTuple):
    """Posteriors of codes, one row or entry a sample.

    Attributes
    ----------
    mean : ndarray of shape (n_samples, n_components)
    variance : ndarray of shape (n_samples, n_components)
        Of each coefficient by itself, zero where `gamma` is.
    gamma : ndarray of shape (n_samples, n_components)
        Prior variances; zero for atoms that the evidence leaves out.
    noise_variance : ndarray of shape (n_samples,)
        Of one feature.
    evidence : ndarray of shape (n_samples,)
        ``log p(x | gamma, sigma^2)`` in nats.
    certificate : ndarray of shape (n_samples,)
        Largest derivative of the evidence by the logarithm of a variance, in nats.
    n_iter : ndarray of shape (n_samples,)
    status : ndarray of shape (n_samples,)
        0 converged: the certificate is at most `tol`. 1 stopped at `max_iter`.
    """

    mean: np.ndarray
    variance: np.ndarray
    gamma: np.ndarray
    noise_variance: np.ndarray
    evidence: np.ndarray
    certificate: np.ndarray
    n_iter: np.ndarray
    status: np.ndarray


def sparse_bayes(X, D, *, noise_variance=None, tol=1e-3, max_iter=1000):
    r"""Find, for every row of X, the prior variances of its code that maximise the evidence, and the posterior.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        float32 is kept for the means, everything else becomes float64; computed in float64.
    D : array-like of shape (n_components, n_features)
        Atoms, of any norm.
    noise_variance : float or None, default=None
        Variance of the noise in one feature. None learns it, for each row by itself: that takes more features than
        atoms, or it comes out too small, down to its bound, 1e-8 of the row's mean square.
    tol : float, default=1e-3
        A row stops where no derivative of the log evidence by the logarithm of a variance is larger, in nats.
    max_iter : int or None, default=1000
        Largest number of iterations; None is the same.

    Returns
    -------
    SparseBayesResult

    Raises
    ------
    ValueError
        If X or D is not a finite 2-D array, their widths differ, rows are too large or small to be squared, or a
        parameter is out of range.

    Notes
    -----
    An iteration costs ``O(K m^2)`` for each row, with ``m = min(n_components, n_features)``, which is for dictionaries
    of up to a few hundred atoms: a row takes some 50 iterations and 10 ms for 20 atoms of 60 features, 150 and 50 ms
    for 128 of 64. The evidence rises from iteration to iteration. It has local maxima; all variances start equal, so
    that equal atoms share what they code.

    Posterior variances are right where the noise is given. Where 30 features have to tell the noise, it comes out at
    three quarters, and squared errors are 1.4 times the variances. A row of zeros has a zero code, and where its noise
    is learned no noise and infinite evidence. Products are those of BLAS, so that last bits may depend on its number of
    threads.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.solvers import sparse_bayes
    >>> rng = np.random.default_rng(0)
    >>> D = rng.normal(size=(6, 40))
    >>> X = 3 * D[:1] - 2 * D[2:3] + 0.1 * rng.normal(size=(1, 40))
    >>> result = sparse_bayes(X, D)
    >>> np.flatnonzero(result.gamma > 0.1).tolist(), result.mean[0, [0, 2]].round(1).tolist()
    ([0, 2], [3.0, -2.0])
    >>> bool(0.005 < result.noise_variance[0] < 0.02)
    True
    """
    X, D = check_problem(X, D)
    tol, max_iter = check_tol(tol), check_max_iter(max_iter) or 1000
    if noise_variance is not None:
        noise_variance = check_positive("noise_variance", noise_variance, "None learns it.")
    _check_scales(X, noise_variance)
    rotated, atoms, beyond = _rotate(X.astype(np.float64), D.astype(np.float64))
    result = _empty_result(len(X), len(D))
    start = _start(X.astype(np.float64), atoms, noise_variance)
    for rows in gen_batches(len(X), max(1, BATCH_NUMBERS // atoms.size)):
        model = Model(rotated[rows], atoms, beyond[rows], X.shape[1], noise_variance is None)
        _maximise(model, *(part[rows] for part in start), tol, max_iter, [part[rows] for part in result])
    return result._replace(mean=result.mean.astype(X.dtype))


def _check_scales(X, noise_variance):
    """Raise where squares would overflow, or rounding would make what is given as noise vanish beside the sample."""
    extreme = np.flatnonzero(row_exponents(X))
    if extreme.size:
        raise ValueError(f"Row {extreme[0]} of X is of extreme magnitude: its square leaves {X.dtype}; scale X.")
    least = LEAST_GIVEN * np.square(X, dtype=np.float64).mean(axis=1).max()
    if noise_variance is not None and noise_variance < least:
        raise ValueError(
            f"`noise_variance` must be at least {least:.1e}, {LEAST_GIVEN:g} of the largest mean square of a row, got "
            f"{noise_variance:g}; for codes without noise use a solver of `solve`."
        )


class Model(NamedTuple):
    """Rows and atoms in coordinates of the span of the atoms."""

    X: np.ndarray
    D: np.ndarray
    beyond: np.ndarray  # squared norms of what is not in the span
    n_features: int
    learns_noise: bool


class Moments(NamedTuple):
    """What the evidence and its updates take, at given variances."""

    s: np.ndarray  # d C^-1 d^T by atom
    q: np.ndarray  # d C^-1 x^T
    evidence: np.ndarray
    trace: np.ndarray  # of C^-1
    square: np.ndarray  # ||C^-1 x^T||^2


def _rotate(X, D):
    """Return rows and atoms in an orthonormal basis of as many dimensions as there are atoms, if these are fewer."""
    if len(D) >= X.shape[1]:
        return X, D, np.zeros(len(X))
    basis, triangle = scipy.linalg.qr(D.T, mode="economic")
    inside = X @ basis
    return inside, np.ascontiguousarray(triangle.T), np.square(X - inside @ basis.T).sum(axis=1)


def _start(X, atoms, noise_variance):
    """Return equal variances that explain the sample, noise of a tenth of its mean square if none is given, bounds."""
    square = np.square(X).sum(axis=1)
    total = np.square(atoms).sum()
    gamma = np.repeat((square / total if total > 0 else 0 * square)[:, None], len(atoms), axis=1)
    gamma[:, ~atoms.any(axis=1)] = 0
    noise = 0.1 * square / X.shape[1] if noise_variance is None else np.full(len(X), noise_variance)
    return gamma, noise, LEAST_NOISE * square / X.shape[1]


def _empty_result(n, K):
    codes = (np.zeros((n, K)) for _ in range(3))
    noise, certificate = np.zeros(n), np.zeros(n)
    return SparseBayesResult(
        *codes, noise, np.full(n, np.inf), certificate, np.zeros(n, np.int64), np.zeros(n, np.int8)
    )


def measure(model, gamma, noise):
    """Return the `Moments` of rows at given variances."""
    X, D = model.X, model.D
    m, outside = D.shape[1], model.n_features - D.shape[1]
    C = np.matmul((gamma[:, :, None] * D).transpose(0, 2, 1), D)
    C[:, np.arange(m), np.arange(m)] += noise[:, None]
    factor = np.linalg.cholesky(C)
    inverse = np.linalg.inv(factor)
    V = np.matmul(inverse, D.T)
    u = np.matmul(inverse, X[:, :, None])
    log_det = 2 * np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1) + outside * np.log(noise)
    fit = np.square(u).sum(axis=(1, 2)) + model.beyond / noise
    return Moments(
        np.square(V).sum(axis=1),
        np.matmul(V.transpose(0, 2, 1), u)[:, :, 0],
        -0.5 * (fit + log_det + model.n_features * np.log(2 * np.pi)),
        np.square(inverse).sum(axis=(1, 2)) + outside / noise,
        np.square(np.matmul(inverse.transpose(0, 2, 1), u)).sum(axis=(1, 2)) + model.beyond / noise**2,
    )


def _maximise(model, gamma, noise, least_noise, tol, max_iter, result):
    """Write the posteriors of rows to the arrays of a `SparseBayesResult`."""
    running = np.flatnonzero(noise > 0)  # all but rows of zeros whose noise is learned
    gamma, noise, least = gamma[running], noise[running], least_noise[running]
    for n_iter in range(max_iter + 1):
        if not running.size:
            return
        at = measure(model._replace(X=model.X[running], beyond=model.beyond[running]), gamma, noise)
        slopes = 0.5 * np.abs(gamma * (at.q**2 - at.s))
        certificate = slopes.max(axis=1)
        if model.learns_noise:
            slope = 0.5 * noise * (at.square - at.trace)
            certificate = np.maximum(certificate, np.where((noise <= least) & (slope < 0), 0.0, np.abs(slope)))
        done = certificate <= tol
        ended = done | (n_iter == max_iter)
        variance = gamma * np.maximum(1 - gamma * at.s, 0)
        status = np.where(done, CONVERGED, MAX_ITER)
        found = (gamma * at.q, variance, gamma, noise, at.evidence, certificate, np.full(len(gamma), n_iter), status)
        for whole, part in zip(result, found, strict=True):
            whole[running[ended]] = part[ended]
        gamma = gamma * np.abs(at.q) / np.sqrt(np.where(at.s > 0, at.s, 1))
        gamma[gamma * at.s < LEAST_RELEVANCE] = 0
        if model.learns_noise:
            noise = np.maximum(noise * np.sqrt(at.square / at.trace), least)
        running, gamma, noise, least = (part[~ended] for part in (running, gamma, noise, least))
