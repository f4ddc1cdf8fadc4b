"""Learning loop of task-driven dictionary learning: atoms and a linear predictor of their codes, together."""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._core.history import TaskRecord
from .._core.progress import progress_bar
from .._core.validation import warn_not_converged
from ..dictionary.algebra import unit_rows
from ..penalties import Penalty
from ..solvers._rows import NON_FINITE, Atoms
from ._encode import CoderSettings, check_finite, count_unconverged
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

    def atom_gradient(self, rows, codes, atoms, by_code):
        """Return the derivative by the atoms of losses of rows, for their derivatives by the codes."""
        ridge = float(self.penalty.bind(atoms.norms, np.float64).ridge)
        return atom_gradient(self.X[rows].astype(np.float64), atoms, codes, by_code, ridge, self.settings.n_jobs)

    def best_predictor(self, codes, scale, start):
        """Return the best predictor for codes of all samples, and the objective."""
        features = self.features(codes, scale)
        return best_predictor(features, start, self.Y, self.weights, self.loss, self.price)


class Learned(NamedTuple):
    """Atoms with the best predictor for them."""

    D: np.ndarray  # float64, unit norm
    P: np.ndarray  # rows for codes over a scale, for covariates, and the intercept
    objective: float  # over all samples


@dataclass
class Learner:
    """Atoms and predictor while they learn."""

    task: Task
    D: np.ndarray
    P: np.ndarray
    scale: float  # of codes: the root mean square of the norms of the first ones
    learning_rate: float
    n_steps: int  # in all
    step: int = 0
    size: float = 0.0  # mean of the squared gradients of an atom so far

    def take_step(self, rows):
        """Change atoms and predictor by a batch; return the objective before, and the SolveResult of its codes."""
        task, weights = self.task, self.task.weights[rows]
        result, atoms = task.encode(self.D, rows)
        features = task.features(result.codes, self.scale, rows)
        value, by_predictor, by_score = evaluate(features, self.P, task.Y[rows], weights, task.loss, task.price)
        by_code = by_score @ (self.P[: len(self.D)] / self.scale).T
        direction = tangent(task.atom_gradient(rows, result.codes, atoms, by_code), self.D)
        self.step += 1
        self.size += (np.square(direction).sum() / len(self.D) - self.size) / self.step
        share = rate(self.step, self.n_steps)
        if self.size > 0:
            self.D = unit_rows(self.D - (self.learning_rate * share / np.sqrt(self.size)) * direction)[0]
        # No curvature is larger
        self.P -= (share / (features.mean_square(weights) + task.price)) * by_predictor
        return value, result

    def run_epoch(self, epoch, order, batch_size, bar):
        """Take the steps of an epoch, over rows in some order; return its record."""
        started = time.perf_counter()
        n_coefficients, used = 0, np.zeros(len(self.D), bool)
        objective = violation = total = 0.0
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            value, result = self.take_step(rows)
            weight = self.task.weights[rows].sum()
            total += weight
            objective += (value - objective) * weight / total
            n_coefficients += result.codes.nnz
            used[result.codes.indices] = True
            violation = max(violation, float(result.certificate.max()))
            bar.update()
            bar.set_postfix(objective=f"{objective:.4g}", refresh=False)
        return TaskRecord(
            epoch=epoch,
            objective=objective,
            violation=violation,
            sparsity=n_coefficients / (len(order) * len(self.D)),
            dead=int(np.count_nonzero(~used)),
            seconds=time.perf_counter() - started,
        )


def learn(D, task, *, epochs, batch_size, learning_rate, rng, verbose=0):
    """Return what was learned, the scale of the codes, the objective before, and one record an epoch.

    The atoms start from D, of unit norm. After the last epoch the predictor is the best one for the atoms; if first
    atoms with their best predictor had a lower objective, they are returned.
    """
    codes = task.encode(D)[0].codes
    scale = code_scale(codes, task.weights)
    start = np.zeros((len(D) + task.Z.shape[1] + 1, task.Y.shape[1]))
    before = Learned(D, *task.best_predictor(codes, scale, start))
    n_steps = epochs * -(-len(task.X) // batch_size)
    learner = Learner(task, D, before.P.copy(), scale, learning_rate, n_steps)
    with progress_bar(n_steps, verbose=verbose) as bar:
        orders = (rng.permutation(len(task.X)) for _ in range(epochs))
        records = [learner.run_epoch(epoch, order, batch_size, bar) for epoch, order in enumerate(orders)]
    result = task.encode(learner.D)[0]
    warn_not_converged(*count_unconverged(result), len(task.X), result.certificate.max(), task.settings.max_iter)
    after = Learned(learner.D, *task.best_predictor(result.codes, scale, learner.P))
    return (after if after.objective <= before.objective else before), scale, before.objective, records


def code_scale(codes, weights):
    """Return the root mean square of the norms of codes, 1 if all are zero."""
    squares = np.ravel(codes.multiply(codes).sum(axis=1))
    return float(np.sqrt(weights @ squares / weights.sum())) or 1.0


def rate(step, n_steps):
    """Return the share of the full rate: 1 for the first tenth of the steps, then falling as 1 / t."""
    return min(1.0, max(1.0, FULL_RATE * n_steps) / step)


def tangent(gradient, D):
    """Return the part of a gradient that turns the atoms, without what would change their norms."""
    return gradient - (gradient * D).sum(axis=1, keepdims=True) * D
