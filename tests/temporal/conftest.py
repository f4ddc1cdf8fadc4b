"""Data that tests of streams share."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier


@pytest.fixture(scope="session")
def digits():
    """A perceptron, films of digits that stand still with noise, and their labels."""
    digits, labels = load_digits(return_X_y=True)
    mlp = MLPClassifier((20, 15), tol=1e-2, random_state=0).fit(digits[:1000] / 16, labels[:1000])
    X = np.repeat(digits[1000:1200] / 16, 5, axis=0)
    return mlp, X + 0.02 * np.random.default_rng(0).normal(size=X.shape), np.repeat(labels[1000:1200], 5)
