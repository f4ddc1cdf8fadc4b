r"""Training of networks whose layers get quantized inputs, and pay for those that change from row to row.

The inputs a of layer l are rounded to ``q = S round(a / S)``, and give ``z = W q + b``. A row t that follows row t - 1
costs ``penalty * sum_l F_l sum_j |q_tj - q_(t-1)j| / sum_l F_l n_l``, for F_l outputs and n_l inputs of layer l: a
network that is fed with changes takes F_l products for each input that has changed. The mean of these costs over the
rows of a batch that follow the one before them is added to the mean loss of all its rows, so that the price of a change
does not depend on how many sequences begin in it, or on how pairs fall.

Derivatives pass the rounding as if it were not there (straight through). A step that is learned goes against
``sum_j dL/dq_j round(a_j / S)``, the derivative of q = S n with its sign reversed: else the price of changes would make
steps, and with them changes, smaller but not fewer.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from .._core.history import ChangesRecord
from .._core.products import product
from .._core.training import Scale, run_epoch
from ._networks import quantized

#: Least step of a layer that learns it, in units of what it began with.
LEAST_STEP = 1e-6


class Rules(NamedTuple):
    """What is fixed while weights are learned."""

    classifies: bool  # whether targets are classes, with cross-entropy, or numbers, with half the squared error
    penalty: float
    steps: np.ndarray  # (n_layers,), of the inputs of each layer, 0 for none
    learns_steps: bool  # whether the last array has factors of them
    scale: Scale  # of inputs, in whose units the first weights get them


def shuffled_pairs(begins, rng):
    """Return an order of rows in which some stay behind the one before them, and which these are.

    The rows of a sequence are paired from its first or its second on, by chance, so that all neighbours meet.

    Parameters
    ----------
    begins : ndarray of bool, shape (n_rows,)
        Where sequences begin.
    rng : numpy.random.Generator
    """
    n = len(begins)
    rows = np.arange(n)
    places = rows - np.maximum.accumulate(np.where(begins, rows, 0))
    shifts = rng.integers(2, size=np.count_nonzero(begins))[np.cumsum(begins) - 1]
    opens = begins | ((places + shifts) % 2 == 0)
    starts = np.flatnonzero(opens)
    lengths = np.diff(np.r_[starts, n])
    mixed = rng.permutation(len(starts))
    starts, lengths = starts[mixed], lengths[mixed]
    order = np.repeat(starts - np.r_[0, np.cumsum(lengths)[:-1]], lengths) + rows
    return order, ~opens[order]


def steps_of(arrays, rules):
    """Return the steps of all layers."""
    return rules.steps * np.maximum(np.abs(arrays[-1]), LEAST_STEP) if rules.learns_steps else rules.steps


def forward(arrays, X, rules):
    """Return the outputs for rows, and the inputs of each layer before and after rounding."""
    A, traces = X, []
    for number, step in enumerate(steps_of(arrays, rules)):
        A = np.maximum(A, 0) if number else A
        Q = quantized(A, step)
        traces.append((A, Q))
        A = product(Q if number else rules.scale.standardised(Q, Q.dtype), arrays[2 * number])
        A += arrays[2 * number + 1]
    return A, traces


def loss_of(outputs, targets, rules):
    """Return the sum of the losses of rows, and the derivatives of their mean by the outputs."""
    n, rows = outputs.dtype.type(len(outputs)), np.arange(len(outputs))
    if not rules.classifies:
        errors = outputs - targets
        return 0.5 * np.square(errors, dtype=np.float64).sum(), errors / n
    logarithms = log_softmax(outputs, axis=1)
    by_output = np.exp(logarithms)
    by_output[rows, targets] -= 1
    by_output /= n
    return -logarithms[rows, targets].sum(dtype=np.float64), by_output


def backward(arrays, traces, by_output, later, rules):
    """Return the derivatives of the mean loss and the price of changes by `arrays`.

    Parameters
    ----------
    arrays : list of ndarray
    traces : list of (ndarray, ndarray)
    by_output : ndarray of shape (n_rows, n_outputs)
    later : ndarray of int
        Rows that follow the one before them.
    rules : Rules
    """
    n_layers, number = len(traces), by_output.dtype.type
    steps, by_step, gradients = steps_of(arrays, rules), np.zeros(n_layers), []
    price = rules.penalty / (max(len(later), 1) * sum(W.size for W in arrays[: 2 * n_layers : 2]))
    for k in reversed(range(n_layers)):
        W, (A, Q) = arrays[2 * k], traces[k]
        inputs = Q if k else rules.scale.standardised(Q, Q.dtype)
        gradients += [by_output.sum(axis=0), product(by_output.T, inputs.T)]
        if not (k or rules.learns_steps):
            break
        by_input = product(by_output, W.T)
        changes = np.sign(Q[later] - Q[later - 1]) * number(price * len(W))  # of inputs in units of W
        by_input[later] += changes
        by_input[later - 1] -= changes
        if steps[k] > 0:
            begun = rules.steps[k] / (1 if k else rules.scale.unit)
            by_step[k] = -begun * (by_input * np.rint(A / number(steps[k]))).sum(dtype=np.float64)
        by_output = by_input * (A > 0)
    return gradients[::-1] + ([by_step * np.sign(arrays[-1])] if rules.learns_steps else [])


def share_of_changes(arrays, traces, later):
    """Return the products for inputs that have changed, summed over later rows, in parts of those of a row."""
    weights = arrays[: 2 * len(traces) : 2]
    changed = [np.count_nonzero(Q[later] != Q[later - 1]) for _, Q in traces]
    return sum(n * len(W) for n, W in zip(changed, weights, strict=True)) / sum(W.size for W in weights)


def learn_epoch(arrays, adam, X, targets, begins, rules, *, epoch, batch_size, rng, bar):
    """Change arrays in place by all rows, pair by pair in a random order; return the record of the epoch.

    Parameters
    ----------
    arrays : list of ndarray
        Weights (n_units, n_inputs) and intercepts of all layers, and factors of steps that are learned.
    adam : Adam
    X : ndarray of shape (n_rows, n_features)
    targets : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    begins : ndarray of bool, shape (n_rows,)
        Where sequences begin.
    rules : Rules
    epoch, batch_size : int
    rng : numpy.random.Generator
    bar : tqdm.tqdm
    """
    order, follows = shuffled_pairs(begins, rng)
    n_changes, n_later = 0.0, 0

    def take_step(batch):
        nonlocal n_changes, n_later
        rows = order[batch]
        later = np.flatnonzero(follows[batch][1:]) + 1
        outputs, traces = forward(arrays, X[rows], rules)
        loss, by_output = loss_of(outputs, targets[rows], rules)
        n_changes += share_of_changes(arrays, traces, later)
        n_later += len(later)
        adam.step(arrays, backward(arrays, traces, by_output, later, rules))
        return loss, [A > 0 for A, _ in traces[1:]]

    widths = [len(b) for b in arrays[1 : 2 * len(rules.steps) - 1 : 2]]
    batches = np.split(np.arange(len(X)), range(batch_size, len(X), batch_size))
    record = run_epoch(batches, take_step, adam, widths, epoch=epoch, bar=bar, advice="scale X")
    return ChangesRecord(**record._asdict(), changes=n_changes / n_later if n_later else np.nan)
