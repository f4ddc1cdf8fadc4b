"""What is done with binary rows: union, concatenation, parts, noise, dead features; and random rows and codes.

Rows come back in the layout that they came in: dense, CSR, or, where there is `n_units`, winners of modules. For the
others `to_csr` makes rows of winners. One seed means independent random numbers in each function.
"""

import numpy as np
from scipy.sparse import csr_array, hstack, issparse

from .._core.rng import as_generator
from .._core.samples import sequences
from ._checks import check_shares, check_size
from .layouts import as_rows, check_winners, csr_of_ones

__all__ = ["add_noise", "concat", "drop_features", "random_codes", "random_sdrs", "subsample", "union"]


def union(X, groups=None):
    """Return the features that any of the rows has: of all rows, or of the rows of each group.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Zeros and ones.
    groups : array-like of shape (n_samples,) or None, default=None
        Labels of rows that belong together and follow one another (see `sparsecode.groups_from_lengths`).

    Returns
    -------
    ndarray or CSR array of shape (n_groups, n_features), bool
        One row without `groups`; that of no rows is empty.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, or the rows of a group lie apart.

    Notes
    -----
    The union of M random rows with w of n features has the share ``1 - (1 - w / n)^M`` of all features: its members
    can be told from other rows while ``share^w`` is small.

    Examples
    --------
    >>> from sparsecode.sdr import union
    >>> union([[1, 0, 0], [0, 1, 0], [0, 0, 1]], groups=["a", "a", "b"]).astype(int)
    array([[1, 1, 0],
           [0, 0, 1]])
    """
    X = as_rows(X, "X")
    n = X.shape[0]
    runs = [rows for rows, _ in sequences(groups, n)] if n or groups is None else []
    if not issparse(X):
        return np.array([X[rows].any(axis=0) for rows in runs], bool).reshape(len(runs), X.shape[1])
    parts = [np.unique(X.indices[X.indptr[rows.start] : X.indptr[rows.stop]]) for rows in runs]
    return _csr(parts, X.shape[1])


def concat(batches):
    """Return rows of several batches side by side: those of one input that was encoded in several ways.

    Parameters
    ----------
    batches : sequence of array-like or sparse matrix of shape (n_samples, n_features_i)
        Zeros and ones.

    Returns
    -------
    ndarray or CSR array of shape (n_samples, sum of n_features_i), bool
        A CSR array if any of them is sparse.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, no batch, or different numbers of rows.

    Examples
    --------
    >>> from sparsecode.sdr import concat
    >>> concat([[[1, 0]], [[0, 0, 1]]]).astype(int)
    array([[1, 0, 0, 0, 1]])
    """
    rows = [as_rows(batch, f"batch {i}") for i, batch in enumerate(batches)]
    if len({X.shape[0] for X in rows}) != 1:
        raise ValueError(f"`batches` must have equally many rows, got {[X.shape[0] for X in rows]}.")
    return csr_array(hstack(rows, format="csr")) if any(map(issparse, rows)) else np.hstack(rows)


def subsample(X, n_active, *, n_units=None, random_state=None):
    """Return rows of which random ones are left: at most `n_active` each.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or (n_samples, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    n_active : int
        Ones of a row that are kept; rows that have no more are kept as they are.
    n_units : int or None, default=None
        Units of a module, if rows are winners.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray or CSR array, as X
        Of winners those that are left out are -1.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, winners or a number out of range.

    Examples
    --------
    >>> from sparsecode.sdr import subsample
    >>> subsample([[1, 1, 1, 0], [0, 0, 1, 0]], 2, random_state=0).sum(axis=1)
    array([2, 1])
    """
    n_active = check_size("n_active", n_active, least=0, whole=True)
    rng = as_generator(random_state, "subsample")

    def part(ones):
        return ones if len(ones) <= n_active else ones[_choose(rng, len(ones), n_active)]

    if n_units is not None:
        winners = check_winners(X, "X", n_units)
        kept = np.full_like(winners, -1)
        for row, out in zip(winners, kept, strict=True):
            modules = part(np.flatnonzero(row >= 0))
            out[modules] = row[modules]
        return kept
    return _each_row(as_rows(X, "X"), part)


def add_noise(X, share, *, n_units=None, random_state=None):
    """Return rows of which a share of the ones has moved to random other places; their number stays.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), or (n_samples, n_modules) with `n_units`
        Zeros and ones, or winners of modules, -1 where a module has none.
    share : float
        Share of the ones of a row that move, in [0, 1], rounded to whole ones (a half to even). Rows with more ones
        than zeros move as many as there is room for.
    n_units : int or None, default=None
        Units of a module, if rows are winners: other units of their modules win, and modules without a winner stay so.
        With ``n_units=1`` there are none, and nothing moves.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray or CSR array, as X

    Raises
    ------
    ValueError
        For other entries than zeros and ones, winners or a share out of range.

    Examples
    --------
    >>> from sparsecode.sdr import add_noise, overlap
    >>> X = [[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]]
    >>> overlap(X, add_noise(X, 0.25, random_state=0))
    array([[3]], dtype=int32)
    """
    share, rng = float(check_shares("share", share)), as_generator(random_state, "add_noise")
    if n_units is not None:
        return _other_winners(check_winners(X, "X", n_units).copy(), share, n_units, rng)
    X = as_rows(X, "X")
    n_features = X.shape[1]

    def move(ones):
        n = len(ones)
        m = min(round(share * n), n_features - n)
        ranks = _choose(rng, n_features - n, m)  # among the zeros: passed by as many ones as lie before them
        zeros = ranks + np.searchsorted(ones - np.arange(n), ranks, side="right")
        return np.concatenate([ones[_choose(rng, n, n - m)], zeros])

    return _each_row(X, move)


def drop_features(X, share, *, random_state=None):
    """Return rows without a share of the features, the same ones in all rows, as if their units had died.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Zeros and ones.
    share : float
        Share of the features, in [0, 1], rounded to whole ones (a half to even).
    random_state : int, RandomState, Generator or None, default=None
        Seed: for one number and equally many features, the same features die in each call.

    Returns
    -------
    ndarray or CSR array, as X
        Of the same width, with zeros in these columns.

    Raises
    ------
    ValueError
        For other entries than zeros and ones, or a share out of range.

    Examples
    --------
    >>> from sparsecode.sdr import drop_features
    >>> drop_features([[1, 1, 1, 1]], 0.5, random_state=0).sum()
    np.int64(2)
    """
    share, rng, X = float(check_shares("share", share)), as_generator(random_state, "drop_features"), as_rows(X, "X")
    alive = np.ones(X.shape[1], bool)
    alive[_choose(rng, len(alive), round(share * len(alive)))] = False
    if not issparse(X):
        return X & alive
    X.data = alive[X.indices]
    X.eliminate_zeros()
    return X


def random_sdrs(n_samples, n_features, n_active, *, sparse_output=False, random_state=None):
    """Return random rows with equally many ones.

    Parameters
    ----------
    n_samples, n_features, n_active : int
        Rows, features, and ones of a row, from 0 to `n_features`.
    sparse_output : bool, default=False
        Whether rows are a CSR array.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray or CSR array of shape (n_samples, n_features), bool

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    Two rows have ``n_active^2 / n_features`` ones in common on average, by a hypergeometric distribution.

    Examples
    --------
    >>> from sparsecode.sdr import random_sdrs
    >>> random_sdrs(3, 1024, 20, random_state=0).sum(axis=1)
    array([20, 20, 20])
    """
    n_samples = check_size("n_samples", n_samples, least=0, whole=True)
    n_features = check_size("n_features", n_features, whole=True)
    n_active = check_size("n_active", n_active, least=0, whole=True)
    if n_active > n_features:
        raise ValueError(f"`n_active` must lie in [0, {n_features}], the number of features, got {n_active}.")
    rng = as_generator(random_state, "random_sdrs")
    X = _csr([_choose(rng, n_features, n_active) for _ in range(n_samples)], n_features)
    return X if sparse_output else X.toarray()


def random_codes(n_samples, n_modules, n_units, *, random_state=None):
    """Return random codes: a winner of each module, all equally likely.

    Parameters
    ----------
    n_samples, n_modules, n_units : int
        Codes, modules, and units of a module.
    random_state : int, RandomState, Generator or None, default=None
        Seed.

    Returns
    -------
    ndarray of shape (n_samples, n_modules), int32
        From 0 to ``n_units - 1``.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> from sparsecode.sdr import code_overlap, random_codes
    >>> codes = random_codes(100, 70, 20, random_state=0)
    >>> float(code_overlap(codes[:50], codes[50:], n_units=20).mean().round(3))
    0.049
    """
    n_samples = check_size("n_samples", n_samples, least=0, whole=True)
    n_modules = check_size("n_modules", n_modules, whole=True)
    n_units = check_size("n_units", n_units, whole=True)
    rng = as_generator(random_state, "random_codes")
    return rng.integers(n_units, size=(n_samples, n_modules), dtype=np.int32)


def _choose(rng, n, m):
    """Return m of the numbers below n, in their order."""
    return np.sort(rng.choice(n, m, replace=False, shuffle=False))


def _other_winners(winners, share, n_units, rng):
    """Return winners of which a share of those of each row are other units of their modules."""
    if n_units > 1:
        for row in winners:
            modules = np.flatnonzero(row >= 0)
            modules = modules[_choose(rng, len(modules), round(share * len(modules)))]
            row[modules] = (row[modules] + rng.integers(1, n_units, size=len(modules))) % n_units
    return winners


def _each_row(X, change):
    """Return rows with other ones, in the layout of X."""
    if issparse(X):
        ones = [X.indices[start:stop] for start, stop in zip(X.indptr, X.indptr[1:], strict=False)]
        return _csr([change(row) for row in ones], X.shape[1])
    changed = np.zeros(X.shape, bool)
    for row, out in zip(X, changed, strict=True):
        out[change(np.flatnonzero(row))] = True
    return changed


def _csr(ones, n_features):
    """Return a CSR array with ones in these columns of each row."""
    columns = np.concatenate([np.sort(row) for row in ones] or [[]])
    return csr_of_ones([len(row) for row in ones], columns, n_features)
