"""The published finding that the main job reproduces: sparse codes of natural images have Gabor-like atoms."""

import numpy as np
import pytest

from sparsecode import PatchExtractor, SparseCoder
from sparsecode._cli.v1 import load_images
from sparsecode.receptive_fields import fit_gabor, orientation_coverage


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_receptive_fields_of_natural_images(seed):
    train, held_out = load_images(None, patch_size=12)
    X = PatchExtractor(12, n_patches=40_000, center=True, random_state=seed).fit_transform(train)
    X_test = PatchExtractor(12, n_patches=10_000, center=True, random_state=seed).fit_transform(held_out)
    coder = SparseCoder(144, alpha=0.5, n_jobs=-1, random_state=seed).fit(X)
    codes = coder.transform(X_test)
    error = np.square(X_test - coder.inverse_transform(codes)).sum() / np.square(X_test).sum()
    fit = fit_gabor(coder.components_, shape=(12, 12), n_jobs=-1)
    raw = fit_gabor(X[:144], shape=(12, 12), n_jobs=-1)
    # Seeds 0 and 1: share 1.00; raw patches 0.26 and 0.22; error 0.233 and 0.240; active 6.3 and 6.2 %.
    # Of three times as many patches, over seeds 0 to 4: 1.00; 0.17 to 0.22; 0.233 to 0.237; 6.2 to 6.3 %.
    assert (fit.fvu < 0.3).mean() >= 0.95
    assert (fit.fvu < 0.3).mean() >= (raw.fvu < 0.3).mean() + 0.5
    assert orientation_coverage(fit, n_bins=8) == 8
    assert error <= 0.245
    assert (codes != 0).mean() <= 0.065
    assert codes.any(axis=0).all()
