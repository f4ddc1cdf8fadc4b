"""Encoders of positions and of images."""

import numpy as np
import pytest
from skimage.feature import canny
from skimage.filters import threshold_otsu
from skimage.morphology import skeletonize
from sklearn.datasets import load_digits

from sparsecode import load
from sparsecode.sdr import GridCellEncoder, ImageThreshold

from ..reference import encoders as naive

pytestmark = pytest.mark.nojit


# ---------------------------------------------------------------- grid cells


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_nearest_cells_are_those_of_the_naive_twin(n_features, rng):
    X = rng.normal(size=(60, n_features)) * 20
    encoder = GridCellEncoder(module_shape=(4, 5), n_active=3, periods=[7.0, 3.0, 11.0], random_state=0).fit(X)
    codes = encoder.transform(X)
    arrays = encoder.periods_, encoder.projections_, encoder.offsets_
    expected = [naive.grid_cells(x, *arrays, (4, 5), 3) for x in X]
    assert [set(np.flatnonzero(code).tolist()) for code in codes] == expected
    assert encoder.code_shape_ == (3, 4, 5)


def test_planes_of_modules():
    X = np.zeros((2, 4))
    for n_features in (2, 4):
        planes = GridCellEncoder(random_state=0).fit(X[:, :n_features]).projections_
        np.testing.assert_allclose(planes @ planes.swapaxes(1, 2), np.broadcast_to(np.eye(2), (16, 2, 2)), atol=1e-12)
    directions = GridCellEncoder(random_state=0).fit(X[:, :1]).projections_
    assert directions.shape == (16, 2, 1)
    assert (np.square(directions).sum(axis=1) <= 1 + 1e-12).all()


def test_a_module_repeats_at_its_period():
    """Along each of the three axes of the lattice."""
    encoder = GridCellEncoder(periods=[3.0], random_state=0).fit(np.zeros((1, 2)))
    axes = [[1, 0], [0.5, np.sqrt(0.75)], [-0.5, np.sqrt(0.75)]]
    steps = 3 * np.array(axes) @ encoder.projections_[0]
    start = np.array([[0.3, 0.7]])
    codes = encoder.transform(np.concatenate([start, start + steps, start + 5 * steps, start + steps / 2]))
    assert (codes[1:7] == codes[0]).all()
    assert not (codes[7:] & codes[0]).any()


def test_overlap_falls_with_distance_to_that_of_random_codes(rng):
    """Means over 400 places and directions: shares of the 64 ones, of which random codes share 1/16."""
    X = rng.uniform(0, 10, (400, 2))
    encoder = GridCellEncoder(random_state=0).fit(X)
    codes = encoder.transform(X)
    angles = rng.uniform(0, 2 * np.pi, 400)
    away = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shares = [
        (codes & encoder.transform(X + r * away)).sum(axis=1).mean() / 64 for r in (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
    ]
    assert shares[:5] == sorted(shares[:5], reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.12
    assert (codes.sum(axis=1) == 64).all()


def test_positions_can_be_missing_or_too_far(tmp_path):
    X = np.array([[0.0, 1.0], [np.nan, 2.0], [4.0, 4.0]])
    with pytest.raises(ValueError, match="1 values of column 0 are missing"):
        GridCellEncoder().fit(X)
    encoder = GridCellEncoder(handle_missing="ignore", random_state=0).fit(X)
    assert encoder.transform(X).sum(axis=1).tolist() == [64, 0, 64]
    np.testing.assert_allclose(encoder.periods_[[0, -1]], [0.5, 4.0])
    np.testing.assert_allclose(encoder.periods_[1:] / encoder.periods_[:-1], 8 ** (1 / 15))
    with pytest.raises(ValueError, match=r"X holds 1e\+200 in column 1, which is more than 2\*\*44 periods away"):
        encoder.transform([[0.0, 1e200]])
    encoder.save(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(load(tmp_path / "encoder.npz").transform(X), encoder.transform(X))


@pytest.mark.parametrize("values", [(3.0, 3.0), (-1.7e308, 1.7e308), (5e-324, 0.0), (1e300, 1e300)], ids=str)
def test_odd_ranges_of_positions(values):
    X = np.array(values)[:, None]
    if values == (1e300, 1e300):
        with pytest.raises(ValueError, match="periods away from 0"):
            GridCellEncoder(random_state=0).fit(X)
        return
    encoder = GridCellEncoder(random_state=0).fit(X)
    assert (encoder.transform(X).sum(axis=1) == 64).all()


def test_bad_grids():
    X = np.zeros((2, 2))
    for params in ({"module_shape": (3,)}, {"module_shape": (0, 3)}, {"periods": []}, {"periods": [1.0, -1.0]},
                   {"periods": [np.nan]}, {"n_active": 64}, {"periods": [[1.0]]}):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(params))):
            GridCellEncoder(**params).fit(X)
    assert GridCellEncoder(1, random_state=0).fit(X).periods_.tolist() == [1.0]


# ---------------------------------------------------------------- images


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:30]


def test_thresholds(digits):
    np.testing.assert_array_equal(ImageThreshold(7).fit_transform(digits), digits > 7)
    codes = ImageThreshold().fit_transform(digits)
    for code, x in zip(codes, digits, strict=True):
        np.testing.assert_array_equal(code, x > threshold_otsu(x))
    for scale, shift in ((2.0**1000, 0), (2.0**-1000, 0), (1.0, 1024.0)):
        np.testing.assert_array_equal(ImageThreshold().fit_transform(digits * scale + shift), codes)


def test_edges_and_skeletons(digits):
    images = digits.reshape(-1, 8, 8)
    edges = ImageThreshold("edges", sigma=0.5, input_shape=(8, 8))
    codes = edges.fit_transform(images)
    for code, x in zip(codes, images, strict=True):
        np.testing.assert_array_equal(code.reshape(8, 8), canny(x / np.ptp(x), sigma=0.5))
    np.testing.assert_array_equal(edges.transform(digits), codes)
    thin = ImageThreshold(7, skeleton=True, input_shape=(8, 8)).fit_transform(digits)
    for code, x in zip(thin, images, strict=True):
        np.testing.assert_array_equal(code.reshape(8, 8), skeletonize(x > 7))
    assert thin.sum() < 0.8 * (digits > 7).sum()
    for params in ({"threshold": "edges"}, {"skeleton": True}, {"skeleton": True, "input_shape": 64}):
        with pytest.raises(ValueError, match="edges and skeletons need the shape of the images"):
            ImageThreshold(**params).fit(digits)


def test_images_of_one_value_and_extreme_ones():
    X = np.array([[3.0] * 4, [0.0] * 4, [-1.7e308, 1.7e308, 0, 1.6e308], [5e-324, 0, 0, 0]])
    codes = ImageThreshold().fit_transform(X)
    assert codes.astype(int).tolist()[:3] == [[0] * 4, [0] * 4, [0, 1, 0, 1]]
    assert not ImageThreshold("edges", input_shape=(2, 2)).fit_transform(X[:2]).any()
