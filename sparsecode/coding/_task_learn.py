"""Learning loop of task-driven dictionary learning: atoms and a linear predictor of their codes, together."""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._core.history import TaskRecord
from .._core.progress import progress_bar
from ..penalties import Penalty
from ..solvers._rows import NON_FINITE, Atoms
from ._encode import CoderSettings, check_finite
from ._losses import Features, best_predictor, evaluate
from ._task_gradient import atom_gradient

#: Share of the steps that are taken at the full rate; then it falls as 1 / t.
FULL_RATE = 0.1


class Task(NamedTuple):
    """What is to be learned, and from what."""

    X: np.ndarray  # features that are coded, of a magnitude that can be squared
    Z: np.ndarray  # covariates, standardised
    Y: np.ndarray  # targets, one column a score
    weights: np.ndarray  # of the samples, positive
    loss: callable  # of `_losses`
    penalty: Penalty  # of the codes, for the magnitude of X
    settings: CoderSettings
    price: float  # of ||P[:-1]||^2 / 2

    def encode(self, D, rows=slice(None)):
        """Return the SolveResult of rows, and the atoms in float64 with their Gram matrix."""
        atoms = Atoms.prepare(D, self.settings.n_jobs)
        own = atoms if self.X.dtype == np.float64 else Atoms.prepare(D.astype(self.X.dtype), self.settings.n_jobs)
        result = self.settings.solve(self.X[rows], own, self.penalty)
        check_finite(result.status != NON_FINITE, self.X.dtype)
        return result._replace(codes=csr_array(result.codes, dtype=np.float64)), atoms

    def features(self, codes, scale, rows=slice(None)):
        """Return the features of the predictor."""
        return Features(codes, scale, self.Z[rows])

    def best_predictor(self, codes, scale, start):
        """Return the best predictor for codes of all samples, and the objective."""
        features = self.features(codes, scale)
        return best_predictor(features, start, self.Y, self.weights, self.loss, self.price)


@dataclass
class Learned:
    """Atoms and predictor at some moment of learning."""

    D: np.ndarray  # float64, unit norm
    P: np.ndarray  # rows for codes over `scale`, for covariates, and the intercept
    scale: float  # root mean square of the norm of a code
    objective: float  # over all samples, with the best predictor for these atoms
    sparsity: float

    @classmethod
    def with_best_predictor(cls, D, task, *, start=None, scale=None):
        """Return atoms with the best predictor for them."""
        codes = task.encode(D)[0].codes
        if scale is None:
            scale = code_scale(codes, task.weights)
            start = np.zeros((len(D) + task.Z.shape[1] + 1, task.Y.shape[1]))
        P, objective = task.best_predictor(codes, scale, start)
        return cls(D, P, scale, objective, codes.nnz / np.prod(codes.shape))


def code_scale(codes, weights):
    """Return the root mean square of the norms of codes, 1 if all are zero."""
    squares = np.asarray(codes.multiply(codes).sum(axis=1)).ravel()
    return float(np.sqrt(weights @ squares / weights.sum())) or 1.0


def rate(step, n_steps):
    """Return the share of the full rate: 1 for the first tenth of the steps, then falling as 1 / t."""
    full = FULL_RATE * n_steps
    return min(1.0, full / (step + 1)) if full > 0 else 1.0


def learn(D, task, *, epochs, batch_size, learning_rate, rng, verbose=0):
    """Return what was learned, the objective before, and one record an epoch.

    The atoms start from D, of unit norm. After the last epoch the predictor is the best one for the atoms; if first
    atoms with their best predictor had a lower objective, they are returned.
    """
    before = Learned.with_best_predictor(D, task)
    D, P = D.copy(), before.P.copy()
    n_batches = -(-len(task.X) // batch_size)
    n_steps, step, size = epochs * n_batches, 0, 0.0
    records = []
    with progress_bar(n_steps, verbose=verbose) as bar:
        for epoch in range(epochs):
            started, sums, nnz, used = time.perf_counter(), np.zeros(2), 0, np.zeros(len(D), np.int64)
            violation = 0.0
            order = rng.permutation(len(task.X))
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                result, atoms = task.encode(D, rows)
                codes, weights = result.codes, task.weights[rows]
                features = task.features(codes, before.scale, rows)
                value, by_predictor, by_score = evaluate(features, P, task.Y[rows], weights, task.loss, task.price)
                direction = tangent(task_gradient(task, rows, codes, atoms, P, before.scale, by_score), D)
                step += 1
                size += (np.square(direction).sum() / len(D) - size) / step
                share = rate(step, n_steps)
                if size > 0:
                    D = unit(D - (learning_rate * share / np.sqrt(size)) * direction)
                P -= (share / (features.mean_square(weights) + task.price)) * by_predictor
                sums += weights.sum() * np.array([value, 1.0])
                nnz += codes.nnz
                used += np.bincount(codes.indices, minlength=len(D))
                violation = max(violation, float(result.certificate.max()))
                bar.update()
            objective = float(sums[0] / sums[1])
            bar.set_postfix(objective=f"{objective:.4g}", refresh=False)
            records.append(
                TaskRecord(
                    epoch=epoch,
                    objective=objective,
                    violation=violation,
                    sparsity=nnz / (len(order) * len(D)),
                    dead=int(np.count_nonzero(used == 0)),
                    seconds=time.perf_counter() - started,
                )
            )
    after = Learned.with_best_predictor(D, task, start=P, scale=before.scale)
    return (after if after.objective <= before.objective else before), before.objective, records


def task_gradient(task, rows, codes, atoms, P, scale, by_score):
    """Return the derivative of the objective of a batch by the atoms."""
    by_code = by_score @ (P[: len(atoms.D)] / scale).T
    ridge = float(task.penalty.bind(atoms.norms, np.float64).ridge)
    X = task.X[rows].astype(np.float64, copy=False)
    return atom_gradient(X, atoms, codes, by_code, ridge, task.settings.n_jobs)


def tangent(gradient, D):
    """Return the part of a gradient that turns the atoms, without what would change their norms."""
    return gradient - (gradient * D).sum(axis=1, keepdims=True) * D


def unit(D):
    """Return the atoms at unit norm."""
    return D / np.linalg.norm(D, axis=1, keepdims=True)
