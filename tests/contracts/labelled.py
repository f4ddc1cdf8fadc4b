"""A task-driven regressor whose targets are made from X, so that it fits where encoders do: without y."""

import numpy as np

from sparsecode import Encoder
from sparsecode.coding import TaskDrivenRegressor


class Labelled(TaskDrivenRegressor):
    """Codes that predict two sums of features."""

    score = Encoder.__dict__["score"]  # of reconstructions, as the contract says; not of predictions

    def fit(self, X, y=None):
        X = np.asarray(X)
        usable = X.ndim == 2 and X.size and X.dtype.kind in "fiu" and np.isfinite(X).all()
        targets = [X.sum(axis=1), X[:, 0] ** 2] if usable else np.zeros((2, len(X)))
        return super().fit(X, np.transpose(targets))
