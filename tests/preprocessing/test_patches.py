"""Patches: order, sampling, overlap-add, and errors."""

import pickle

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sparsecode.preprocessing import PatchExtractor


def numbered(*shapes):
    """Images whose pixels all differ, so that a patch tells where it comes from."""
    ends = np.cumsum([h * w for h, w in shapes])
    return [np.arange(end - h * w, end, dtype=float).reshape(h, w) for end, (h, w) in zip(ends, shapes, strict=True)]


def naive_patches(images, patch, stride):
    rows = [
        image[y : y + patch[0], x : x + patch[1]].ravel()
        for image in images
        for y in range(0, image.shape[0] - patch[0] + 1, stride[0])
        for x in range(0, image.shape[1] - patch[1] + 1, stride[1])
    ]
    return np.array(rows)


@pytest.mark.parametrize(
    ("patch_size", "stride", "patch", "step"),
    [(3, 1, (3, 3), (1, 1)), ((2, 5), 1, (2, 5), (1, 1)), (4, 3, (4, 4), (3, 3)), ((1, 3), (2, 4), (1, 3), (2, 4))],
)
def test_dense_patches_and_their_means(patch_size, stride, patch, step):
    images = numbered((7, 12), (5, 5), (9, 6))
    extractor = PatchExtractor(patch_size, stride=stride).fit(images)
    rows = extractor.transform(images)
    expected = naive_patches(images, patch, step)
    np.testing.assert_array_equal(rows, expected)
    assert extractor.n_patches_ == len(expected)
    np.testing.assert_allclose(extractor.patch_means(images), expected.mean(axis=1), rtol=1e-14)
    centered = PatchExtractor(patch_size, stride=stride, center=True).fit(images)
    means = centered.patch_means(images)
    np.testing.assert_array_equal(centered.transform(images), rows - means[:, None])


def test_patches_of_an_array_are_those_of_the_list(rng):
    stack = rng.random((4, 8, 6))
    np.testing.assert_array_equal(PatchExtractor(3).fit_transform(stack), PatchExtractor(3).fit_transform(list(stack)))


def test_patches_are_a_copy_and_read_only_images_are_fine(rng):
    image = rng.random((6, 6))
    before = image.copy()
    image.setflags(write=False)
    rows = PatchExtractor(3, center=True).fit_transform([np.asfortranarray(image), image[::-1, ::2]])
    rows[:] = 0
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("as_array", [False, True])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize(("patch_size", "stride"), [(4, 1), ((4, 3), (2, 3)), (6, 6)])
def test_overlap_add_is_exact(patch_size, stride, center, as_array, rng, dtype):
    shapes = [(12, 18)] * 2 if as_array else [(12, 18), (6, 12), (18, 6)]
    images = [rng.random(shape).astype(dtype) for shape in shapes]
    images = np.stack(images) if as_array else images
    extractor = PatchExtractor(patch_size, stride=stride, center=center).fit(images)
    rows = extractor.transform(images)
    assert rows.dtype == dtype
    back = extractor.inverse_transform(rows, extractor.patch_means(images) if center else None)
    assert isinstance(back, np.ndarray) == as_array
    for image, restored in zip(images, back, strict=True):
        assert restored.dtype == dtype
        # Rounding of the averages: 2e-16 in float64, 1e-7 in float32
        np.testing.assert_allclose(restored, image, atol=1e-14 if dtype == np.float64 else 2e-6)


def test_overlap_add_averages(rng):
    """Against the plain loop, on rows that agree with no image."""
    extractor = PatchExtractor(3, stride=2).fit([np.zeros((7, 9))])
    rows = rng.random((extractor.n_patches_, 9))
    total, count = np.zeros((7, 9)), np.zeros((7, 9))
    positions = [(y, x) for y in range(0, 5, 2) for x in range(0, 7, 2)]
    for row, (y, x) in zip(rows, positions, strict=True):
        total[y : y + 3, x : x + 3] += row.reshape(3, 3)
        count[y : y + 3, x : x + 3] += 1
    np.testing.assert_allclose(extractor.inverse_transform(rows)[0], total / count, rtol=1e-13)


def test_random_patches_are_without_replacement_and_reproducible():
    images = numbered((20, 30), (15, 10))
    dense = PatchExtractor(5).fit_transform(images)
    available = len(dense)
    everything = PatchExtractor(5, n_patches=available, random_state=0).fit_transform(images)
    assert not np.array_equal(everything, dense)
    np.testing.assert_array_equal(everything[np.argsort(everything[:, 0])], dense)

    extractor = PatchExtractor(5, n_patches=100, center=True, random_state=3).fit(images)
    rows, means = extractor.transform(images), extractor.patch_means(images)
    whole = rows + means[:, None]
    assert len(np.unique(whole[:, 0])) == 100
    assert np.isin(np.round(whole[:, 0], 6), dense[:, 0]).all()
    np.testing.assert_array_equal(extractor.transform(images), rows)
    np.testing.assert_array_equal(clone(extractor).fit_transform(images), rows)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(extractor)).transform(images), rows)  # noqa: S301
    assert not np.array_equal(clone(extractor).set_params(random_state=4).fit_transform(images), rows)
    generator = np.random.default_rng(0)
    first, second = (PatchExtractor(5, n_patches=9, random_state=generator).fit_transform(images) for _ in range(2))
    assert not np.array_equal(first, second)


def test_random_positions_follow_the_stride():
    images = numbered((9, 9), (7, 11))
    dense = PatchExtractor(3, stride=2).fit_transform(images)
    rows = PatchExtractor(3, stride=2, n_patches=len(dense), random_state=0).fit_transform(images)
    np.testing.assert_array_equal(rows[np.argsort(rows[:, 0])], dense)


def test_random_positions_are_uniform_over_all_images():
    images = numbered((6, 9), (4, 4), (3, 8))  # 28 + 4 + 6 positions of 3 x 3
    dense = PatchExtractor(3).fit_transform(images)[:, 0]
    n_draws, n_patches = 1000, 8
    firsts = [
        PatchExtractor(3, n_patches=n_patches, random_state=seed).fit_transform(images)[:, 0] for seed in range(n_draws)
    ]
    for values, drawn in ((np.ravel(firsts), n_patches), ([first[0] for first in firsts], 1)):
        counts = np.array([np.count_nonzero(values == value) for value in dense])
        assert counts.sum() == n_draws * drawn
        share = drawn / len(dense)
        # Mean 37 for 38 positions, whatever was drawn; 29 to 54 over ten sets of draws, bound 69
        statistic = ((counts - n_draws * share) ** 2).sum() / (n_draws * share * (1 - share)) * 37 / 38
        assert chi2.sf(statistic, len(dense) - 1) > 1e-3


def test_transform_takes_other_images_than_fit():
    extractor = PatchExtractor(4, n_patches=6, random_state=0).fit(numbered((8, 8)))
    rows = extractor.transform(numbered((30, 5), (5, 30)))
    assert rows.shape == (6, 16)


def test_dtype_and_names(rng):
    floats = [rng.random((6, 6)).astype(np.float32), rng.random((5, 7)).astype(np.float32)]
    assert PatchExtractor(3, center=True).fit_transform(floats).dtype == np.float32
    assert PatchExtractor(3).fit_transform([floats[0], floats[1].astype(float)]).dtype == np.float64
    assert PatchExtractor(3).fit_transform([np.eye(6, dtype=np.uint8)]).dtype == np.float64
    extractor = PatchExtractor((2, 3)).set_output(transform="pandas")
    frame = extractor.fit_transform(floats)
    assert list(frame.columns) == list(extractor.get_feature_names_out()) == [f"patchextractor{i}" for i in range(6)]
    polars = PatchExtractor(2).set_output(transform="polars").fit_transform(floats)
    assert polars.shape == (25 + 24, 4)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"patch_size": 0}, r"`patch_size` must be an int >= 1 or a pair \(down, across\) of them, got 0"),
        ({"patch_size": (3, 2.5)}, "`patch_size` must be an int >= 1 or a pair"),
        ({"patch_size": (3, 3, 3)}, "`patch_size` must be an int >= 1 or a pair"),
        ({"patch_size": True}, "`patch_size` must be an int >= 1 or a pair"),
        ({"stride": 0}, "`stride` must be an int >= 1 or a pair"),
        ({"n_patches": 0}, "`n_patches` must be an int >= 1, or None for all patches, got 0"),
        ({"n_patches": 10.0}, "`n_patches` must be an int >= 1, or None"),
        ({"n_patches": 66}, "`n_patches`=66 is more than the 65 positions in these images. Lower it"),
        ({"patch_size": 7}, r"X\[1\] has 6 x 12 pixels, smaller than the patch of 7 x 7. Lower `patch_size`"),
    ],
)
def test_errors_name_parameter_and_remedy(parameters, message):
    with pytest.raises(ValueError, match=message):
        PatchExtractor(**{"patch_size": 5, **parameters}).fit(numbered((11, 11), (6, 12)))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.eye(12),
            r"got a 2-D array of shape \(12, 12\). Pass one image as `\[image\]`.*\(n_images, height, width\)",
        ),
        (np.zeros((2, 9, 9, 3)), "Turn colour into luminance"),
        ([np.eye(5), np.zeros((9, 9, 3))], r"X\[1\] has shape \(9, 9, 3\).*turn colour into luminance"),
        ([[1.0, 2.0], [3.0, 4.0]], r"X\[0\] has shape \(2,\)"),
        ([], "got an empty list"),
        ("image.png", "Expected images as a list of 2-D arrays .*got str"),
        ([np.eye(5), np.full((5, 5), np.inf)], r"X\[1\] contains infinity"),
        (np.full((2, 5, 5), np.nan), "X contains NaN"),
        (np.zeros((0, 5, 5)), r"0 sample\(s\)"),
    ],
)
def test_what_is_not_images(images, message):
    with pytest.raises(ValueError, match=message):
        PatchExtractor(2).fit(images)


def test_transform_checks_as_fit():
    with pytest.raises(NotFittedError):
        PatchExtractor(2).transform([np.eye(4)])
    extractor = PatchExtractor(4, n_patches=4, random_state=0).fit([np.eye(8)])
    with pytest.raises(ValueError, match="`n_patches`=4 is more than the 1 positions"):
        extractor.transform([np.eye(4)])
    with pytest.raises(ValueError, match=r"X\[0\] has 3 x 3 pixels, smaller than the patch of 4 x 4"):
        extractor.transform([np.eye(3)])


def test_inverse_errors():
    image = numbered((8, 9))
    random = PatchExtractor(4, n_patches=5, random_state=0).fit(image)
    with pytest.raises(ValueError, match=r"takes random ones\. Fit a PatchExtractor with n_patches=None"):
        random.inverse_transform(random.transform(image))
    gaps = PatchExtractor(3, stride=3).fit(image)
    with pytest.raises(ValueError, match=r"`stride`=3 leaves 18 pixels of image 0 \(8 x 9\) .*lower `stride`"):
        gaps.inverse_transform(gaps.transform(image))
    dense = PatchExtractor(4).fit(image)
    rows = dense.transform(image)
    with pytest.raises(ValueError, match=r"X must have shape \(30, 16\), .*got \(29, 16\). Fit the extractor on"):
        dense.inverse_transform(rows[1:])
    with pytest.raises(ValueError, match=r"X must have shape \(30, 16\), .*got \(30, 15\)"):
        dense.inverse_transform(rows[:, 1:])
    with pytest.raises(ValueError, match=r"`means` must have shape \(30,\), as from patch_means, got \(29,\)"):
        dense.inverse_transform(rows, means=np.zeros(29))


def test_random_positions_are_seeded_even_when_asked_for_after_fit(rng):
    images = [rng.random((20, 30))]
    extractor = PatchExtractor(4).fit(images).set_params(n_patches=10)
    assert np.array_equal(extractor.transform(images), extractor.transform(images))


def test_one_image_in_colour_is_named(rng):
    with pytest.raises(ValueError, match=r"\(20, 30, 3\), which looks like one image in colour"):
        PatchExtractor(4).fit(rng.random((20, 30, 3)))


def test_a_failed_fit_changes_nothing(rng):
    extractor = PatchExtractor(4).fit([rng.random((20, 30))])
    with pytest.raises(ValueError, match="random_state|seed"):
        extractor.set_params(random_state="x").fit([rng.random((9, 9))])
    assert extractor.image_shapes_ == [(20, 30)]
