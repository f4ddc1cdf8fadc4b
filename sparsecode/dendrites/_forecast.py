"""Distributions of the next value, read from active cells by weights that learn online; input of series."""

import itertools

import numpy as np


def as_values(X):
    """Return a series as float64 of shape (n,), which is finite."""
    values = np.asarray(X)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.dtype.kind not in "biuf" or not len(values):
        raise ValueError(
            f"X must be a series of numbers, of shape (n_samples,) or (n_samples, 1), got {values.dtype} of shape "
            f"{values.shape}; other columns are for other predictors."
        )
    values = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(
            f"X holds {bad.size} values that are NaN or infinite, the first of them in row {bad[0]}. Fill them in, or "
            "leave these rows out and give `groups`, so that what comes after a gap begins a new series."
        )
    return values


def as_dates(dates):
    """Return dates as one column; those of pandas with a time zone as the clock there shows them."""
    local = getattr(dates, "dt", dates)
    dates = np.asarray(local.tz_localize(None) if hasattr(local, "tz_localize") else dates)
    return dates[:, None] if dates.ndim == 1 else dates


def softmax(scores):
    """Return exp(scores) with a sum of one along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def probabilities(weights, cells, ends):
    """Return the distribution that the active cells of each row stand for; evenly spread without any."""
    scores = np.zeros((len(ends) - 1, weights.shape[1]))
    for row, (start, end) in enumerate(itertools.pairwise(ends.tolist())):
        if end > start:
            scores[row] = weights[cells[start:end]].mean(axis=0)
    return softmax(scores)


def medians(p, bounds):
    """Return the median of each distribution, whose buckets are evenly filled."""
    sums = np.cumsum(p, axis=1)
    bucket = np.minimum((sums < 0.5).sum(axis=1), p.shape[1] - 1)
    rows = np.arange(len(p))
    share = (0.5 - (sums[rows, bucket] - p[rows, bucket])) / p[rows, bucket]
    return bounds[0] + (bounds[1] - bounds[0]) * (bucket + np.clip(share, 0, 1)) / p.shape[1]


def learn_forecasts(weights, found, before, begins, buckets, rate, bounds):
    """Return the weights after all rows, and the median that was expected of each before it was learned.

    Parameters
    ----------
    weights : ndarray of shape (n_cells, n_buckets)
    found : Scan
        Active cells of the rows.
    before : ndarray of int
        Active cells of the row before the first one, empty if there is none.
    begins : ndarray of shape (n,)
        Whether a series begins with the row; the expected value is NaN there.
    buckets : ndarray of shape (n,)
    rate : float
    bounds : ndarray of shape (2,)

    Returns
    -------
    weights : ndarray of shape (n_cells, n_buckets)
    expected : ndarray of shape (n,)
    """
    weights, expected = weights.copy(), np.full(len(buckets), np.nan)
    for row, bucket in enumerate(buckets.tolist()):
        if not begins[row] and len(before):
            p = softmax(weights[before].mean(axis=0))
            expected[row] = medians(p[None], bounds)[0]
            step = -rate * p
            step[bucket] += rate
            weights[before] += step
        before = found.cells[found.ends[row] : found.ends[row + 1]]
    return weights, expected
