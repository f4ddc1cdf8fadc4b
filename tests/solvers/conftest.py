"""Atoms to code with."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def learned(patches):
    """200 atoms learned from whitened patches: coherent as those of real use are."""
    from sparsecode import SparseCoder

    return np.asarray(SparseCoder(200, max_iter=2, random_state=0).fit(patches[:10_000]).components_)
