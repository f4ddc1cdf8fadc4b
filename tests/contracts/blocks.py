"""Blocks to learn from, and fits that are compared bit for bit."""

import numpy as np

from sparsecode import SparseCoder

from .encoders import same_bits


def mixtures(rng):
    """Sparse mixtures of 30 directions, 430 rows of 20."""
    return (rng.random((430, 30)) < 0.1) @ rng.normal(size=(30, 20)) + 0.1 * rng.normal(size=(430, 20))


def parts(X, size=50):
    """The rows as a list of blocks."""
    return [X[start : start + size] for start in range(0, len(X), size)]


def coder(**params):
    """A coder that learns from blocks of 50 rows."""
    return SparseCoder(12, **{"batch_size": 50, "max_iter": 3, "random_state": 0} | params)


def same_fit(a, b):
    """Tell whether two coders have learned the same, bit for bit, and would go on alike."""
    records = [coder.history_[[name for name in coder.history_.dtype.names if name != "seconds"]] for coder in (a, b)]
    states = [coder._fit.state for coder in (a, b)]
    arrays = [tuple(getattr(state, name) for name in ("D", *state.ARRAYS)) for state in states]
    numbers = [[getattr(state, name) for name in state.NUMBERS] for state in states]
    rules = [state.homeostasis and repr({k: np.asarray(v).tolist() for k, v in vars(state.homeostasis).items()})
             for state in states]  # fmt: skip
    return (
        same_bits(a.components_, b.components_)
        and (a.alpha_, a.n_iter_, a.n_resampled_) == (b.alpha_, b.n_iter_, b.n_resampled_)
        and repr(records[0].tolist()) == repr(records[1].tolist())
        and all(map(same_bits, *arrays))
        and numbers[0] == numbers[1]
        and rules[0] == rules[1]
    )


class Reader:
    """A sequence of blocks that notes what was read, and raises at some reading."""

    def __init__(self, blocks, fail_at=None, error=RuntimeError):
        self.blocks, self.fail_at, self.error, self.n_read = blocks, fail_at, error, 0

    def __len__(self):
        return len(self.blocks)

    def __getitem__(self, number):
        self.n_read += 1
        if self.n_read == self.fail_at:
            raise self.error
        return self.blocks[number]


#: Parameters that take different ways through learning.
CHOICES = [
    {},
    {"fit_dc": True, "alpha": 0.3},
    {"target_sparsity": 0.15, "homeostasis": "ols"},
    {"n_nonzero_coefs": 3, "init": "data", "homeostasis": None},
    {"penalty": "cel0", "target_sparsity": 0.15, "init": "data"},
    {"n_nonzero_coefs": 3, "solver": "mp", "learning": "gradient", "homeostasis": "heh"},
    {"alpha": 0.3, "learning": "gradient", "learning_rate": 0.3, "homeostasis": "emp", "positive_dict": True},
]
