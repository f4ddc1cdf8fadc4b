r"""Layers of leaky neurons in time: what they give, and derivatives with a surrogate for that of a spike.

With inputs x(t), a layer has ``u(t) = kept (u(t-1) - s(t-1)) + W x(t) + b`` and ``s(t) = [u(t) >= 1]``; scores are
linear in the rates of the last layer. Derivatives take ``ds/du`` as ``g(u - 1)``, and the spikes that are subtracted as
constants.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from .._core.products import product
from .._core.training import run_epoch

#: What stands for the derivative of a step at 0: heights 1, 1 and 1, half-widths 0.017, 0.32 and 0.5.
SURROGATES = {
    "fast-sigmoid": lambda u: 1 / np.square(1 + 25 * np.abs(u)),
    "atan": lambda u: 1 / (1 + np.square(np.pi * u)),
    "boxcar": lambda u: (np.abs(u) < 0.5).astype(u.dtype),
}


class Rules(NamedTuple):
    """What is fixed while weights are learned."""

    n_steps: int
    kept: float  # share of a potential that is left after a step
    surrogate: str
    rate_penalty: float


class Trace(NamedTuple):
    """What a layer of neurons has done with a batch."""

    inputs: np.ndarray  # (n_rows, n_inputs), constant, or (n_steps, n_rows, n_inputs)
    potentials: np.ndarray  # (n_steps, n_rows, n_units), before spikes are subtracted
    spikes: np.ndarray  # of the same shape


def initial_arrays(sizes, *, rng, dtype):
    """Return weights (n_units, n_inputs) and intercepts (n_units,) of all layers, one after the other."""
    arrays = []
    for n_inputs, n_units in pairwise(sizes):
        bound = 1 / np.sqrt(n_inputs)
        arrays += [rng.uniform(-bound, bound, (n_units, n_inputs)).astype(dtype), np.zeros(n_units, dtype)]
    return arrays


def forward(arrays, X, rules):
    """Return the scores of the classes, and a `Trace` of each layer of neurons."""
    traces, inputs = [], X
    for W, b in zip(arrays[:-2:2], arrays[1:-2:2], strict=True):
        drive = product(inputs.reshape(-1, inputs.shape[-1]), W)
        drive += b
        if not np.isfinite(drive).all():
            raise ValueError("inputs of neurons are not finite: lower `learning_rate_init`, or scale X.")
        drive = np.broadcast_to(drive.reshape(-1, len(X), len(b)), (rules.n_steps, len(X), len(b)))
        potentials, spikes = np.empty_like(drive, order="C"), np.empty_like(drive, order="C")
        v = np.zeros(drive.shape[1:], drive.dtype)
        for t in range(rules.n_steps):
            v *= v.dtype.type(rules.kept)
            v += drive[t]
            potentials[t] = v
            spikes[t] = v >= 1
            v -= spikes[t]
        traces.append(Trace(inputs, potentials, spikes))
        inputs = spikes
    scores = product(inputs.mean(axis=0, dtype=X.dtype), arrays[-2])
    scores += arrays[-1]
    return scores, traces


def backward(arrays, traces, by_score, rules):
    """Return the derivatives of a loss by `arrays`, for its derivatives by the scores of a batch."""
    last, surrogate = traces[-1].spikes, SURROGATES[rules.surrogate]
    number, n_spikes = by_score.dtype.type, sum(trace.spikes.size for trace in traces)
    price = number(rules.rate_penalty / n_spikes)
    gradients = [by_score.sum(axis=0), product(by_score.T, last.mean(axis=0, dtype=last.dtype).T)]
    by_spike = product(by_score, arrays[-2].T)
    by_spike /= number(len(last))
    for k in reversed(range(len(traces))):
        trace = traces[k]
        by_drive = surrogate(trace.potentials - 1)
        by_drive *= by_spike + price
        for t in reversed(range(len(by_drive) - 1)):
            by_drive[t] += number(rules.kept) * by_drive[t + 1]
        # Constant inputs meet the sum over steps
        flat = by_drive.sum(axis=0) if trace.inputs.ndim == 2 else by_drive.reshape(-1, by_drive.shape[2])
        gradients += [flat.sum(axis=0), product(flat.T, trace.inputs.reshape(len(flat), -1).T)]
        if k:
            by_spike = product(flat, arrays[2 * k].T).reshape(trace.inputs.shape)
    return gradients[::-1]


def take_step(arrays, adam, X, numbers, rules):
    """Change weights in place by a batch; return the sum of the losses before, and a `Trace` of each layer."""
    scores, traces = forward(arrays, X, rules)
    logarithms, rows = log_softmax(scores, axis=1), np.arange(len(X))
    by_score = np.exp(logarithms)
    by_score[rows, numbers] -= 1
    by_score /= by_score.dtype.type(len(X))
    adam.step(arrays, backward(arrays, traces, by_score, rules))
    return -logarithms[rows, numbers].sum(dtype=np.float64), traces


def learn_epoch(arrays, adam, X, numbers, rules, *, epoch, batch_size, rng, bar):
    """Change weights in place by all rows, in a random order; return the record of the epoch.

    Parameters
    ----------
    arrays : list of ndarray
    adam : Adam
    X : ndarray of shape (n_rows, n_features)
    numbers : ndarray of int, shape (n_rows,)
        Classes.
    rules : Rules
    epoch, batch_size : int
    rng : numpy.random.Generator
    bar : tqdm.tqdm
    """
    order = rng.permutation(len(X))

    def step(rows):
        loss, traces = take_step(arrays, adam, X[rows], numbers[rows], rules)
        return loss, [trace.spikes for trace in traces]

    batches = np.split(order, range(batch_size, len(X), batch_size))
    widths = [len(b) for b in arrays[1:-2:2]]
    return run_epoch(batches, step, adam, widths, epoch=epoch, bar=bar, advice="scale X")
