"""Codes of later epochs start from those of the epoch before, in bounded memory, and end where cold ones do."""

import numpy as np
import pytest

from sparsecode import SparseCoder
from sparsecode.coding import _blocks
from sparsecode.coding._encode import CoderSettings


@pytest.fixture
def starts(monkeypatch):
    """The codes that each batch starts from."""
    seen, solve = [], CoderSettings.solve

    def watched(self, X, D, penalty, gains=None, init=None):
        seen.append(init)
        return solve(self, X, D, penalty, gains, init)

    monkeypatch.setattr(CoderSettings, "solve", watched)
    return seen


def test_same_objective_as_cold_codes(patches, starts, monkeypatch):
    X = patches[:2000]
    warm = SparseCoder(40, alpha=0.5, max_iter=4, tol=0, random_state=0).fit(X)
    assert [init is None for init in starts] == [True] * 8 + [False] * 24
    monkeypatch.setattr(_blocks, "has_gap", lambda penalty: False)
    cold = SparseCoder(40, alpha=0.5, max_iter=4, tol=0, random_state=0).fit(X)
    np.testing.assert_allclose(warm.history_["objective"], cold.history_["objective"], rtol=1e-9)  # 2e-16
    np.testing.assert_allclose(warm.components_, cold.components_, atol=1e-7)  # 1e-13


@pytest.mark.parametrize("choice", [{"penalty": "cel0", "learning": "mod"}, {"n_nonzero_coefs": 3}, {"alpha": 1e-4}])
def test_other_penalties_and_dense_codes_start_cold(choice, patches, starts):
    SparseCoder(60, max_iter=3, tol=0, random_state=0, **choice).fit(patches[:300, :16])
    assert all(init is None for init in starts)
