"""Model selection for sparse coders: how well codes of some features predict the others."""

import copy

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._core.rng import as_generator
from .._core.validation import joined_warnings
from ..metrics import explained_variance
from ..penalties._base import check_count
from ..solvers.registry import choose_solver
from ._encode import decode
from .sparse_coder import SparseCoder


def held_out_pixel_score(estimator, X, y=None, *, fraction=0.5, n_masks=4, random_state=0):
    r"""Return the explained variance of features that the coder does not see, predicted from those that it sees.

    For each of `n_masks` random sets M of features,

        w = argmin_w 0.5 ||x_M - w D_M||^2 + pen(w),    x_hat = w D on the features that are not in M,

    and the score is ``1 - sum (x - x_hat)^2 / sum (x - mean)^2`` over all samples and hidden features. Unlike
    `SparseCoder.score` it does not grow with the number of coefficients: codes that fit the noise of the features
    they see predict the others worse. It compares weights, penalties and numbers of atoms, and is a scorer as it is:
    ``GridSearchCV(coder, grid, scoring=held_out_pixel_score)``.

    Parameters
    ----------
    estimator : SparseCoder or Pipeline
        A fitted coder, or a fitted pipeline that ends in one.
    X : array-like of shape (n_samples, n_features)
        Samples that it has not learned from.
    y : Ignored
    fraction : float, default=0.5
        Share of the features that are hidden, in (0, 1).
    n_masks : int, default=4
        Number of random sets.
    random_state : int, RandomState, Generator or None, default=0
        Draws the sets; the same for all estimators that are compared.

    Returns
    -------
    float
        1 for a perfect prediction, 0 for that of the mean of X.

    Raises
    ------
    TypeError
        If the estimator is not a SparseCoder and does not end in one.
    ValueError
        If `fraction` leaves nothing to see or to predict, or the rows of X do not differ.

    Notes
    -----
    Costs `n_masks` times as much as coding X with a fraction of its features. What a pixel shares with its neighbours
    through a filter, such as whitening, is seen too: scores of filtered images are comparable among themselves.

    References
    ----------
    A. B. Owen and P. O. Perry, "Bi-cross-validation of the SVD and the nonnegative matrix factorization", Ann. Appl.
    Stat. 3 (2009): hold out entries, not rows, to choose among factorizations.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import SparseCoder
    >>> from sparsecode.coding import held_out_pixel_score
    >>> rng = np.random.default_rng(0)
    >>> D = rng.standard_normal((30, 20))
    >>> X = (rng.random((200, 30)) < 0.05) @ D + 0.3 * rng.standard_normal((200, 20))
    >>> coders = [SparseCoder(dictionary=D, alpha=alpha).fit(X) for alpha in (0.01, 1.0, 100.0)]
    >>> scores = [held_out_pixel_score(coder, X) for coder in coders]
    >>> scores[0] < scores[1] > scores[2]
    True
    """
    if isinstance(estimator, Pipeline):
        X, estimator = estimator[:-1].transform(X), estimator[-1]
    if not isinstance(estimator, SparseCoder):
        raise TypeError(
            f"held_out_pixel_score needs a SparseCoder, or a Pipeline that ends in one, got {type(estimator).__name__}."
        )
    check_is_fitted(estimator)
    X = estimator._check_input(X, reset=False)
    n_hidden = round(fraction * X.shape[1]) if 0 < fraction < 1 else 0
    if not 0 < n_hidden < X.shape[1]:
        raise ValueError(
            f"`fraction`={fraction!r} of {X.shape[1]} features leaves nothing to see, or nothing to predict."
        )
    check_count("n_masks", n_masks)
    estimator = copy.copy(estimator)
    if estimator.solver == "auto":  # all rows have one mask, hence one Gram matrix, which is faster if it is asked for
        estimator.solver = choose_solver(estimator.penalty_)
    rng = as_generator(random_state)
    true, predicted = [], []
    with joined_warnings():
        for _ in range(n_masks):
            order = rng.permutation(X.shape[1])
            hidden, seen = order[:n_hidden], order[n_hidden:]
            true.append(X[:, hidden])
            predicted.append(_predict(estimator, X, seen, hidden))
    return explained_variance(np.hstack(true), np.hstack(predicted))


def _predict(coder, X, seen, hidden):
    """Return the hidden features that codes of the seen ones reconstruct."""
    mask = np.zeros(X.shape, bool)
    mask[:, seen] = True
    codes = coder._fit.encode(coder, np.where(mask, X, 0), mask).codes
    return decode(codes, coder.components_)[:, hidden]
