"""l1 against CEL0 at matched sparsity: what shrinkage costs, and what the support."""

import numpy as np
import pytest
import xarray as xr

from sparsecode import PatchExtractor, SparseCoder
from sparsecode.coding import compare_coders

LEVELS = [0.015, 0.03, 0.05]


def compare(images, seed, dictionary):
    """Compare both with 288 atoms on 12 x 12 patches of one seed."""
    patches = PatchExtractor(12, n_patches=7500, center=True, random_state=seed).fit_transform(images)
    train, test = np.split(patches, [6000])
    budget = {"max_iter": 3, "tol": 0, "n_jobs": -1}
    coders = {"soft": SparseCoder(penalty="l1", **budget), "CEL0": SparseCoder(penalty="cel0", **budget)}
    learner = SparseCoder(penalty="cel0", target_sparsity=0.03, **budget) if dictionary == "common" else None
    settings = {"target_sparsity": LEVELS, "n_components": 288, "seeds": seed}
    return compare_coders(coders, train, test, dictionary=learner, **settings)


@pytest.mark.slow
@pytest.mark.parametrize("dictionary", ["common", "learned"])
def test_l1_needs_more_than_its_support_explains(whitened_images, dictionary):
    table = xr.concat([compare(whitened_images, seed, dictionary) for seed in range(3)], "seed")
    assert abs(table.active_fraction / table.level - 1).max() < 0.006
    soft, best = table.sel(coder="soft"), table.relative_error.sel(coder="CEL0")
    ratio, debiased = soft.relative_error / best, soft.debiased_error / best
    shrinkage = (soft.relative_error - soft.debiased_error) / (soft.relative_error - best)
    print(ratio.values, debiased.values, shrinkage.values)
