"""How far thresholds can be raised."""

import math
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from ._networks import labels_of

#: Halvings of the interval in which a factor is looked for.
HALVINGS = 24

#: Factors that are considered.
LEAST, LARGEST = 1e-6, 1e6

#: Factors by which the threshold of one layer is raised beyond those of all.
RAISES = 2 ** (np.arange(1, 9) / 2)


class Calibration(NamedTuple):
    """What thresholds of a network have been chosen for.

    Attributes
    ----------
    score : float
        Share of labels that are right, or the pooled explained variance of outputs.
    dense_score : float
        That of the network itself.
    loss : float
        The difference.
    saving : float
        All products over those that were taken: for changes, for first rows, and for sums that were computed anew. At
        the borders of images inputs count as much as elsewhere.
    """

    score: float
    dense_score: float
    loss: float
    saving: float


def largest_factor(squares, error, variance, thresholds, kind="an error"):
    """Return the largest factor of thresholds, near enough, with which an error is not exceeded.

    Parameters
    ----------
    squares : callable
        Sum of squared errors by the factor. It need not rise with the factor everywhere: the factor that is returned
        meets the error, but there may be larger ones.
    error : float
        Pooled relative error, in units of `variance`.
    variance : float
        Sum of squared differences to the mean.
    thresholds : ndarray
    kind : str
        What a message calls the error.

    Raises
    ------
    ValueError
        If `error` is not a number > 0, nothing differs, all thresholds are zero, no factor meets the error, or all do.
    """
    check_positive(error, "error")
    if variance == 0 or not thresholds.any():
        raise ValueError("`calibrate` needs rows of X that differ, and thresholds that are not all zero.")
    low, high = math.log(LEAST), math.log(LARGEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if squares(math.exp(middle)) <= error * variance:
            low = middle
        else:
            high = middle
    if low == math.log(LEAST):
        raise ValueError(f"no threshold leads to {kind} of {error:g}; another scheme, or a finer grid, may.")
    if high == math.log(LARGEST):
        raise ValueError(
            f"any threshold leads to {kind} of {error:g} at most: the rows of X tell nothing about thresholds, since "
            "nothing need be sent after first rows. Give streams that change as those to come, or allow less."
        )
    return math.exp(low)


def check_later(parts):
    """Raise if no row follows another one."""
    if all(rows.stop - rows.start == 1 for rows, _ in parts):
        raise ValueError("`calibrate` needs sequences of two rows or more: first rows are sent whole.")


def check_positive(number, name):
    """Raise if a number is not one > 0."""
    if not isinstance(number, Real) or not 0 < number < math.inf:
        raise ValueError(f"`{name}` must be a number > 0, such as 0.01, got {number!r:.60}.")


def calibrate_layers(run, X, parts, scorer, dense_score, max_loss):
    """Return thresholds of the linear layers of a `NetworkRun`, and the `Calibration` that they are for.

    Parameters
    ----------
    run : NetworkRun
    X : ndarray of shape (n_samples, n_features)
    parts : list of (slice, bool)
        Sequences of rows.
    scorer : callable
        Score of outputs.
    dense_score : float
        That of the outputs of the network itself.
    max_loss : float
        How much smaller than that of the network itself it may be.
    """
    check_positive(max_loss, "max_loss")
    fan_out = np.array([layer.fan_out(shape).mean() for layer, (shape, _) in zip(run.linear, run.shapes, strict=True)])
    units = run.deviations(X)
    if not units.all():
        alike = ", ".join(f"{number}, {run.linear[number]!r}" for number in np.flatnonzero(units == 0))
        raise ValueError(f"`calibrate` needs rows of X for which inputs differ; all are the same for layer {alike}.")

    def trial(thresholds):
        outputs, _, n_used = run.measure(X, parts, thresholds)
        return dense_score - scorer(outputs), float(n_used @ fan_out)

    def scaled(thresholds, loss):
        """Return a multiple of thresholds for a loss, and what `trial` says of it."""
        factor = largest_factor(lambda factor: trial(factor * thresholds)[0], loss, 1, units, "a loss")
        return factor * thresholds, *trial(factor * thresholds)

    thresholds, loss, n_products = scaled(units, max_loss / 2)
    for number, threshold in enumerate(thresholds.copy()):
        for raised in threshold * RAISES:
            others = thresholds.copy()
            others[number] = raised
            found, left = trial(others)
            if found <= max_loss and left < n_products:
                thresholds, loss, n_products = others, found, left
    raised, found, left = scaled(thresholds, max_loss)
    if left < n_products:
        thresholds, loss, n_products = raised, found, left
    whole = len(X) * float(np.array(run.n_inputs) @ fan_out)
    saving = whole / n_products if n_products else math.inf
    return thresholds, Calibration(dense_score - loss, dense_score, loss, saving)


def scorer_of(y, own, classes):
    """Return the function that scores outputs by what is right for the rows.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
        Labels or numbers. None is what `own` outputs of the network say.
    own : ndarray of shape (n_samples, n_outputs)
    classes : ndarray of shape (n_classes,) or None
        Labels of the outputs; with None they are numbers.
    """
    if classes is not None:
        right = labels_of(own, classes) if y is None else column_or_1d(y)
        check_consistent_length(own, right)
        if not np.isin(right, classes).all():
            raise ValueError(f"y has labels that are not among `classes`, {classes!s:.100}.")
        return lambda outputs: float((labels_of(outputs, classes) == right).mean())
    right = own if y is None else check_array(y, ensure_2d=False, input_name="y").reshape(len(y), -1)
    if right.shape != own.shape:
        raise ValueError(f"y must be numbers of shape {own.shape}, one for each output, got {right.shape}.")
    variance = np.square(right - right.mean(axis=0, dtype=np.float64)).sum()
    noise = 16 * np.finfo(right.dtype).eps * np.abs(right).max() if right.dtype.kind == "f" else 0
    if variance <= right.size * noise**2:
        raise ValueError("`calibrate` needs rows of X whose outputs, or y, differ.")
    return lambda outputs: 1 - float(np.square(outputs - right, dtype=np.float64).sum() / variance)
