"""A task-driven regressor whose targets are made from X, so that it fits where encoders do: without y."""

import numpy as np

from sparsecode import Encoder
from sparsecode._core.validation import unchanged_on_failure
from sparsecode.coding import TaskDrivenRegressor


class Labelled(TaskDrivenRegressor):
    """Codes that predict two sums of features."""

    score = Encoder.__dict__["score"]  # of reconstructions, as the contract says; not of predictions

    def fit(self, X, y=None):
        values = np.ascontiguousarray(X)  # sums of rows depend on their layout, by rounding
        usable = values.ndim == 2 and values.size and values.dtype.kind in "fiu" and np.isfinite(values).all()
        targets = [values.sum(axis=1), values[:, 0] ** 2] if usable else np.zeros((2, len(values)))
        with unchanged_on_failure(self):
            return super().fit(X, np.transpose(targets))
