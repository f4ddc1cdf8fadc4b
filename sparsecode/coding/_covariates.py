"""Columns of X that enter a predictor as they are."""

from numbers import Integral

import numpy as np


def split_columns(covariates, n_features, names=None):
    """Return the columns of X that are coded, and those that are covariates, each as an array of int in order.

    Parameters
    ----------
    covariates : array-like of int or str, or None
        Columns by place (from the end if negative) or by name.
    n_features : int
    names : array of str or None
        Names of the columns of X.

    Raises
    ------
    ValueError
        If a column is not there, is named twice, or no column is left to be coded.
    """
    given = [] if covariates is None else np.ravel(np.asarray(covariates, dtype=object)).tolist()
    places = [_place(column, n_features, names) for column in given]
    if len(set(places)) < len(places):
        raise ValueError(f"`covariates`={covariates!r:.100} name a column of X twice; name each once.")
    if len(places) == n_features:
        raise ValueError(f"`covariates` are all {n_features} features of X; leave at least one to be coded.")
    places = np.array(places, dtype=np.int64)
    return np.setdiff1d(np.arange(n_features), places), places


def _place(column, n_features, names):
    if isinstance(column, str):
        if names is None:
            raise ValueError(f"`covariates` name {column!r:.60}, but X has no names; give its place, or a DataFrame.")
        found = np.flatnonzero(np.asarray(names) == column)
        if not found.size:
            raise ValueError(f"`covariates` name {column!r:.60}, which X has not; it has {', '.join(names)!s:.200}.")
        return int(found[0])
    if (
        isinstance(column, bool | np.bool_)
        or not isinstance(column, Integral)
        or not -n_features <= column < n_features
    ):
        raise ValueError(
            f"`covariates` must be places of columns of X, from 0 to {n_features - 1}, or their names, got {column!r}."
        )
    return int(column) % n_features


def moments(values, weights, name):
    """Return weighted means and standard deviations of columns, 1 for those that are constant; say if they overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = weights @ values / weights.sum()
        centred = values - mean
        size = np.abs(centred).max(axis=0, initial=0.0)
    if not np.isfinite(size).all():
        raise ValueError(f"{name} reach {np.abs(values).max():.1e}, which is too large to be squared; scale them.")
    # Up to rounding of a sum over the samples
    varies = size > 16 * np.finfo(np.float64).eps * np.abs(values).max(axis=0, initial=0.0)
    size = np.where(varies, size, 1.0)
    variance = weights @ np.square(centred / size) / weights.sum()
    return mean, np.where(varies, size * np.sqrt(variance), 1.0)
