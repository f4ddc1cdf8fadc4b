"""Numbers as spikes: by their rate, moment, phase, or place in a population; and tables of events."""

import math

import numpy as np

from .._core.rng import as_generator
from .._core.validation import Integral, Real


def rate_spikes(X, n_steps, *, kind="regular", random_state=None):
    r"""Return spikes whose rate is the number.

    Parameters
    ----------
    X : array-like of shape (...)
        From 0 to 1.
    n_steps : int
    kind : {"regular", "bernoulli"}, default="regular"
        At even intervals, such that counts of t steps are ``floor(x t + 1/2)``, or in each step with probability x.
    random_state : int, RandomState, Generator or None, default=None
        For "bernoulli".

    Returns
    -------
    ndarray of bool, shape (n_steps, ...)

    Raises
    ------
    ValueError
        If X is not within 0 and 1, or `n_steps` or `kind` is not one of those above.

    Notes
    -----
    Rates over `n_steps` steps are within ``1 / (2 n_steps)`` of x, or have the variance ``x (1 - x) / n_steps``.

    References
    ----------
    W. Gerstner, W. M. Kistler, R. Naud and L. Paninski, "Neuronal dynamics", Cambridge University Press (2014).

    Examples
    --------
    >>> from sparsecode.temporal import rate_spikes
    >>> rate_spikes([0.25, 0.75], 4).astype(int).tolist()
    [[0, 1], [1, 1], [0, 0], [0, 1]]
    """
    X, n_steps = as_shares(X), as_steps(n_steps)
    if kind == "bernoulli":
        return as_generator(random_state).random((n_steps, *X.shape)) < X
    if kind != "regular":
        raise ValueError(f"`kind` must be 'regular' or 'bernoulli', got {kind!r:.40}.")
    steps = np.arange(n_steps + 1).reshape(-1, *[1] * X.ndim)
    return np.diff(np.floor(steps * X + 0.5), axis=0) > 0


def latency_spikes(X, n_steps, *, kind="linear"):
    r"""Return one spike for each number, the earlier the larger it is.

    Parameters
    ----------
    X : array-like of shape (...)
        From 0, for which there is no spike, to 1, whose spike is in the first step.
    n_steps : int
    kind : {"linear", "logarithmic"}, default="linear"
        The step is ``(n_steps - 1) (1 - x)``, or ``n_steps - 1 - ln(x (exp(n_steps - 1) - 1) + 1)``, rounded.

    Returns
    -------
    ndarray of bool, shape (n_steps, ...)

    Raises
    ------
    ValueError
        If X is not within 0 and 1, or `n_steps` or `kind` is not one of those above.

    References
    ----------
    S. Thorpe, A. Delorme and R. Van Rullen, "Spike-based strategies for rapid processing", Neural Networks 14 (2001).

    Examples
    --------
    >>> from sparsecode.temporal import latency_spikes
    >>> latency_spikes([1.0, 0.5, 0.0], 5).argmax(axis=0).tolist(), latency_spikes([0.0], 5).any()
    ([0, 2, 0], np.False_)
    """
    X, n_steps = as_shares(X), as_steps(n_steps)
    if kind == "linear":
        moment = (n_steps - 1) * (1 - X)
    elif kind == "logarithmic":
        moment = -np.log(np.maximum(X + (1 - X) * np.exp(1.0 - n_steps), np.finfo(np.float64).tiny))
    else:
        raise ValueError(f"`kind` must be 'linear' or 'logarithmic', got {kind!r:.40}.")
    moment = np.minimum(np.rint(moment), n_steps - 1)
    steps = np.arange(n_steps).reshape(-1, *[1] * X.ndim)
    return (steps == moment) & (X > 0)


def phase_spikes(X, n_steps, *, n_phases=8):
    r"""Return the binary digits of numbers as spikes: one in step t stands for ``2**-(1 + t % n_phases)``.

    Parameters
    ----------
    X : array-like of shape (...)
        From 0 to 1; rounded to a multiple of ``2**-n_phases``, at most ``1 - 2**-n_phases``.
    n_steps : int
        All phases come round again and again.
    n_phases : int, default=8
        Steps of a period, at most 52.

    Returns
    -------
    ndarray of bool, shape (n_steps, ...)

    Raises
    ------
    ValueError
        If X is not within 0 and 1, or a number of steps is not an int >= 1.

    References
    ----------
    J. Kim, H. Kim, S. Huh, J. Lee and K. Choi, "Deep neural networks with weighted spikes", Neurocomputing 311 (2018).

    Examples
    --------
    >>> from sparsecode.temporal import phase_spikes
    >>> phase_spikes([0.5, 0.625], 4, n_phases=4).astype(int).T.tolist()
    [[1, 0, 0, 0], [1, 0, 1, 0]]
    """
    X, n_steps, n_phases = as_shares(X), as_steps(n_steps), as_steps(n_phases, "n_phases")
    if n_phases > 52:
        raise ValueError(f"`n_phases` must be at most 52, the digits of X, got {n_phases}.")
    digits = np.minimum(np.rint(np.ldexp(X, n_phases)), 2**n_phases - 1).astype(np.int64)
    shifts = n_phases - 1 - np.arange(n_steps) % n_phases
    return (digits >> shifts.reshape(-1, *[1] * X.ndim) & 1).astype(bool)


def population_code(X, n_units, *, low=0.0, high=1.0):
    r"""Return how much units respond to numbers, each to those around its own: ``exp(-(x - c)^2 / (2 s^2))``.

    Centres c are evenly spaced from `low` to `high`, and s is their distance. Responses are from 0 to 1, which the
    functions for rates, latencies and phases take.

    Parameters
    ----------
    X : array-like of shape (...)
    n_units : int
        At least 2.
    low, high : float
        First and last centre.

    Returns
    -------
    ndarray of shape (..., n_units)

    Raises
    ------
    ValueError
        If X is not finite, there are fewer than 2 units, or `low` is not below `high`.

    References
    ----------
    S. M. Bohte, J. N. Kok and H. La Poutre, "Error-backpropagation in temporally encoded networks of spiking neurons",
    Neurocomputing 48 (2002).

    Examples
    --------
    >>> from sparsecode.temporal import population_code
    >>> population_code([0.0, 0.5], 3).round(3).tolist()
    [[1.0, 0.607, 0.135], [0.607, 1.0, 0.607]]
    """
    X, n_units = as_numbers(X), as_steps(n_units, "n_units")
    numbers = isinstance(low, Real) and isinstance(high, Real)
    if n_units < 2 or not numbers or not (np.isfinite(float(high) - float(low)) and low < high):
        raise ValueError(
            f"there must be 2 units at least, and numbers `low` < `high`, got n_units={n_units}, low={low!r:.40}, "
            f"high={high!r:.40}."
        )
    centres = np.linspace(low, high, n_units)
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(-0.5 * np.square((X[..., None] - centres) / (centres[1] - centres[0])))


def to_events(A):
    """Return what is not zero in a time-first array as a table of events, in the order of time.

    Parameters
    ----------
    A : array-like of shape (n_steps, ...)
        Spikes, or changes of a stream.

    Returns
    -------
    structured ndarray of shape (n_events,)
        Fields "t", the step, "index", the place among all but the first axis in C order, both int64, and "value", with
        the dtype of A.

    Raises
    ------
    ValueError
        If A has no axis.

    Examples
    --------
    >>> from sparsecode.temporal import to_events
    >>> to_events([[0, 2], [0, 0], [3, 0]]).tolist()
    [(0, 1, 2), (2, 0, 3)]
    """
    A = np.asarray(A)
    if not A.ndim or A.dtype.kind not in "biuf":
        raise ValueError(f"A must be numbers of shape (n_steps, ...), got {A.dtype} of shape {A.shape}.")
    rows = A.reshape(len(A), int(np.prod(A.shape[1:])))
    t, index = np.nonzero(rows)
    events = np.empty(len(t), [("t", np.int64), ("index", np.int64), ("value", A.dtype)])
    events["t"], events["index"], events["value"] = t, index, rows[t, index]
    return events


def from_events(events, shape):
    """Return the time-first array of a table of events; values at the same place are added.

    Parameters
    ----------
    events : structured ndarray of shape (n_events,)
        As from `to_events`, in any order.
    shape : tuple of int
        (n_steps, ...), which a table does not say.

    Returns
    -------
    ndarray of shape (n_steps, ...)
        With the dtype of the values.

    Raises
    ------
    ValueError
        If it is not such a table, or an event is outside of the shape.

    Examples
    --------
    >>> from sparsecode.temporal import from_events, to_events
    >>> from_events(to_events([[0, 2], [0, 0], [3, 0]]), (3, 2)).tolist()
    [[0, 2], [0, 0], [3, 0]]
    """
    events = np.asarray(events)
    if (
        events.ndim != 1
        or not {"t", "index", "value"} <= set(events.dtype.names or ())
        or any(events[name].dtype.kind not in "iu" for name in ("t", "index"))
        or events["value"].dtype.kind not in "biuf"
    ):
        raise ValueError(
            f"`events` must be a table with t and index, both of int, and numbers as value, got {events.dtype} "
            f"{events.shape}."
        )
    if (
        not isinstance(shape, tuple | list)
        or not shape
        or not all(isinstance(side, Integral) and side >= 0 for side in shape)
    ):
        raise ValueError(f"`shape` must be ints (n_steps, ...), got {shape!r:.60}.")
    width = math.prod(shape[1:])
    for name, end in (("t", shape[0]), ("index", width)):
        outside = events[name][(events[name] < 0) | (events[name] >= end)]
        if outside.size:
            raise ValueError(f"`events` have {name} {outside[0]}, but in `shape` {shape} it is below {end}, and >= 0.")
    A = np.zeros((shape[0], width), events["value"].dtype)
    np.add.at(A, (events["t"], events["index"]), events["value"])
    return A.reshape(shape)


def as_numbers(X):
    """Return finite numbers as an array of float."""
    X = np.asarray(X)
    if X.dtype.kind not in "biuf" or not np.isfinite(X).all():
        raise ValueError(f"X must be finite numbers, got {X.dtype} of shape {X.shape}.")
    return X.astype(np.float64)


def as_shares(X):
    """Return numbers from 0 to 1 as an array of float."""
    X = as_numbers(X)
    if X.size and not 0 <= X.min() <= X.max() <= 1:
        raise ValueError(
            f"X must be within 0 and 1, got {X.min():.3g} to {X.max():.3g}; scale it, as MinMaxScaler does."
        )
    return X


def as_steps(number, name="n_steps"):
    """Return a number of steps as an int."""
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
        raise ValueError(f"`{name}` must be an int >= 1, got {number!r:.40}.")
    return int(number)
