"""K-SVD loop of `SparseCoder`: encode all rows, improve the atoms for the supports that were found."""

import time

import numpy as np

from .._core.progress import progress_bar
from ..learning.ksvd import improve
from ..learning.statistics import totals_of, weighted
from ..penalties import L0, KSparse
from ..solvers._rows import NON_FINITE
from ._encode import check_finite
from ._learn import has_settled, make_record


def check_ksvd(penalty, target):
    """Raise ValueError if K-SVD cannot learn with the penalty, or a weight that moves."""
    if not isinstance(penalty, L0 | KSparse):
        raise ValueError(
            "learning='k-svd' changes coefficients of fixed supports by least squares, as if their size had no price: "
            f"that is so for 'l0', 'cel0' and 'k-sparse', not for {type(penalty).__name__}. Give `n_nonzero_coefs`, "
            "penalty='l0' or penalty='cel0', or take learning='online'."
        )
    if target is not None:
        raise ValueError(f"learning='k-svd' needs a fixed weight, not `{target}`; give `alpha` or `n_nonzero_coefs`.")


def learn_ksvd(D, X, penalty, settings, *, weights=None, positive_atoms=False, epochs, tol, verbose=0):
    """Return the best atoms that up to `epochs` epochs over the rows of X have led to, and one record an epoch.

    An epoch codes all rows and improves the atoms for the supports of the codes. The error only falls for fixed
    supports: with those of the next epoch it may be larger. Hence the atoms that are returned are those with the
    lowest objective, which that of the last ones is computed for.

    Parameters
    ----------
    D : ndarray of shape (n_components, n_features)
        First atoms, of unit norm.
    X : ndarray of shape (n_samples, n_features)
    penalty : L0, CEL0 or KSparse
    settings : CoderSettings
    weights : ndarray of shape (n_samples,) or None, default=None
        Of the rows, positive.
    positive_atoms : bool, default=False
    epochs : int
        Largest number of passes.
    tol : float
        As for online learning.
    verbose : int
    """
    records, best, lowest = [], D, np.inf
    with progress_bar(epochs, verbose=verbose, unit="epoch") as bar:
        for epoch in range(epochs + 1):
            started = time.perf_counter()
            result = settings.solve(X, D, penalty)
            check_finite(result.status != NON_FINITE, X.dtype)
            codes = result.codes
            totals = totals_of(result, weights)
            objective = (0.5 * totals.square_error + totals.penalty) / totals.weight
            if objective < lowest:
                best, lowest = D, objective
            if epoch == epochs or (tol > 0 and records and has_settled(records, tol)):
                break
            D, rows, errors = D.copy(), X, result.square_error
            if weights is not None:
                (rows, codes), errors = weighted(X, codes, weights), weights * errors
            signs = {"positive": penalty.positive, "positive_atoms": positive_atoms}
            replaced = improve(D, rows, codes, errors, **signs, n_jobs=settings.n_jobs)
            records.append(make_record(epoch, totals, penalty, replaced, time.perf_counter() - started))
            bar.update()
            bar.set_postfix(objective=f"{objective:.4g}", sparsity=f"{records[-1].sparsity:.3f}", refresh=False)
    return best, records
