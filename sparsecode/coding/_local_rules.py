"""What `SAILnet` learns, by rules that see only what is at a synapse, and what it records."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

#: Thresholds fall no further than this where neurons stay silent, so that without input none fires.
LEAST_THRESHOLD = 1e-3

FIRST_THRESHOLD = 2.0


class Network(NamedTuple):
    """What a SAILnet learns; input is in units of its root mean square."""

    Q: np.ndarray  # feed-forward weights, (n_components, n_features)
    inhibition: np.ndarray  # lateral weights, symmetric, not negative, zero on the diagonal
    thresholds: np.ndarray

    @classmethod
    def random(cls, n_components, n_features, dtype, rng):
        """Return neurons that prefer random directions and know nothing of each other."""
        Q = rng.standard_normal((n_components, n_features))
        Q /= np.linalg.norm(Q, axis=1, keepdims=True)
        arrays = Q, np.zeros((n_components, n_components)), np.full(n_components, FIRST_THRESHOLD)
        return cls(*(array.astype(dtype) for array in arrays))

    def astype(self, dtype):
        """Return the network in another precision."""
        return Network(*(array.astype(dtype, copy=False) for array in self))


class Rules(NamedTuple):
    """Learning rates, and what they lead to."""

    target_rate: float
    inhibition_rate: float
    weight_rate: float
    threshold_rate: float


class SpikingRecord(NamedTuple):
    """Means over the samples of an epoch, each presented to the network of its time."""

    epoch: int  # counted from the first of the fit
    objective: float  # 0.5 ||x - y Q||^2, which no rule minimises by itself
    sparsity: float  # share of spike counts that are not zero
    rate: float  # spikes of a neuron for a sample
    rate_deviation: float  # root mean square over neurons of (rate - target), over the target
    correlation: float  # mean magnitude of the correlation of the counts of two neurons
    silent: int  # neurons that no sample made fire
    seconds: float


class Batch(NamedTuple):
    """Scaled samples and what they have made neurons do."""

    X: np.ndarray
    counts: csr_array
    weighted: csr_array  # counts times the weights of the samples
    weights: np.ndarray | None
    total: float  # of the weights, the number of samples without them
    products: np.ndarray  # sums of products of the counts of two neurons

    @classmethod
    def of(cls, X, counts, weights=None):
        """Take samples, their counts and their weights, None for ones."""
        counts = weighted = csr_array(counts)
        if weights is not None:
            entries = counts.data * np.repeat(weights, np.diff(counts.indptr)).astype(counts.dtype)
            weighted = csr_array((entries, counts.indices, counts.indptr), counts.shape)
        total = len(X) if weights is None else float(weights.sum())
        return cls(X, counts, weighted, weights, total, (counts.T @ weighted).toarray())


def updated(network, batch, rules, share):
    """Return the network after it has learned from a batch.

    Rates are multiplied by `share`, since the last batch of an epoch may be a small one.
    """
    Q, inhibition, thresholds = network
    number, n = Q.dtype.type, batch.total
    target = number(rules.target_rate)
    means = batch.weighted.sum(axis=0) / n
    products = batch.products / number(n)
    squares = products.diagonal().copy()
    inhibition = inhibition + number(share * rules.inhibition_rate) * (products - target * target)
    np.maximum(inhibition, 0, out=inhibition)
    np.fill_diagonal(inhibition, 0)
    rate = number(share * rules.weight_rate)
    rates = (rate / np.maximum(rate * squares, 1))[:, None]
    Q = Q + rates * ((batch.weighted.T @ batch.X) / n - squares[:, None] * Q)
    thresholds = thresholds + number(share * rules.threshold_rate) * (means - target)
    return Network(Q, inhibition, np.maximum(thresholds, number(LEAST_THRESHOLD)))


class Totals:
    """Sums over the batches of an epoch."""

    def __init__(self, n_components):
        self.total = self.active = 0
        self.square_error = 0.0
        self.sums, self.products = np.zeros(n_components), np.zeros((n_components, n_components))

    def add(self, batch, Q):
        """Take in a batch."""
        active, errors = np.diff(batch.counts.indptr), np.square(batch.X - batch.counts @ Q, dtype=np.float64)
        self.total += batch.total
        self.active += int(active.sum()) if batch.weights is None else float(batch.weights @ active)
        self.square_error += float(errors.sum() if batch.weights is None else batch.weights @ errors.sum(axis=1))
        self.sums += batch.weighted.sum(axis=0)
        self.products += batch.products

    def record(self, epoch, scale, target, seconds):
        """Return the record of the epoch."""
        rates = self.sums / self.total
        covariance = self.products / self.total - np.outer(rates, rates)
        deviations = np.sqrt(np.maximum(covariance.diagonal(), 0))
        several = np.flatnonzero(deviations > 0)
        correlation = 0.0
        if len(several) > 1:
            sizes = np.abs(covariance[np.ix_(several, several)]) / np.outer(deviations[several], deviations[several])
            correlation = (sizes.sum() - np.trace(sizes)) / (len(several) * (len(several) - 1))
        with np.errstate(over="ignore"):
            objective = 0.5 * np.square(np.float64(scale)) * self.square_error / self.total
        return SpikingRecord(
            epoch=epoch,
            objective=float(objective),
            sparsity=self.active / (self.total * len(rates)),
            rate=float(rates.mean()),
            rate_deviation=float(np.sqrt(np.square(rates - target).mean()) / target),
            correlation=float(correlation),
            silent=int(np.count_nonzero(self.sums == 0)),
            seconds=seconds,
        )
