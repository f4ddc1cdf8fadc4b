"""Whitening: spectra, gains, covariances, inverses, and scikit-learn's manners."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode.datasets import natural_images
from sparsecode.preprocessing import PatchExtractor, Whitener

SHAPES = [(24, 40), (40, 24), (17, 31), (1, 60)]


def gain(f, f0=0.4, steepness=4.0):
    return f * np.exp(-((f / f0) ** steepness))


def cosine(shape, ky, kx):
    """A basis image of the DCT-II: ky and kx half periods down and across."""
    y, x = (np.arange(n) + 0.5 for n in shape)
    return np.outer(np.cos(np.pi * ky * y / shape[0]), np.cos(np.pi * kx * x / shape[1]))


def slope(image, low=0.05, high=0.3, n_bins=12):
    """Slope of log power over log frequency: Hann window, Fourier transform, means over rings."""
    window = np.outer(*(np.hanning(n) for n in image.shape))
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    f = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij"))
    edges = np.geomspace(low, high, n_bins + 1)
    ring = np.digitize(f, edges)
    means = [power[ring == i].mean() for i in range(1, n_bins + 1)]
    centers = np.sqrt(edges[1:] * edges[:-1])
    return np.polyfit(np.log(centers), np.log(means), 1)[0], np.polyfit(np.log(centers), 2 * np.log(gain(centers)), 1)[
        0
    ]


@pytest.fixture(scope="module")
def photographs():
    return natural_images()


@pytest.fixture
def images(rng):
    return [rng.random(shape).cumsum(axis=1) for shape in SHAPES]


def correlated_rows(rng, n, p):
    return rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) + rng.standard_normal(p)


def test_spectra_of_photographs_become_flatter(photographs):
    whitener = Whitener().fit(photographs)
    whitened = whitener.transform(photographs)
    before, predicted = np.transpose([slope(image) for image in photographs])
    after, _ = np.transpose([slope(image) for image in whitened])
    # Slopes from 0.05 to 0.3 cycles per pixel, nine photographs: before -4.2 to -1.8, mean -2.66;
    # after -2.4 to -0.04, mean -0.88. The change is that of gain^2, within 0.012.
    assert -2.9 < before.mean() < -2.4
    assert -1.1 < after.mean() < -0.7
    np.testing.assert_allclose(after - before, predicted, atol=0.03)
    np.testing.assert_allclose(np.mean([image.var() for image in whitened]), 0.1, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("ky", "kx"), [(0, 1), (0, 12), (5, 9), (11, 3), (16, 20)])
def test_gain_of_a_cosine_is_the_formula_in_cycles_per_pixel(shape, ky, kx, images):
    ky = min(ky, shape[0] - 1)
    whitener = Whitener(f0=0.3, steepness=3.0).fit(images)
    image = cosine(shape, ky, kx)
    expected = whitener.scale_ * gain(np.hypot(ky / (2 * shape[0]), kx / (2 * shape[1])), 0.3, 3.0)
    [out] = whitener.transform([7.0 + 5.0 * image])
    np.testing.assert_allclose(out, expected * image / image.std(), atol=1e-13)  # largest error 6e-15


def test_equal_frequencies_have_equal_gain_on_both_axes_of_any_image(images):
    whitener = Whitener().fit(images)
    down, across = whitener.transform([cosine((32, 80), 8, 0), cosine((32, 80), 0, 20)])  # both 1/8 cycles per pixel
    np.testing.assert_allclose(down.std(), across.std(), rtol=1e-12)
    [turned] = whitener.transform([images[0].T])
    np.testing.assert_allclose(turned, whitener.transform(images)[0].T, atol=1e-13)


def test_filter_is_that_of_the_mirrored_image(images):
    """Borders do not wrap around: the same as the Fourier filter on the image with its mirror images."""
    image = images[0]
    mirrored = np.block([[image, image[:, ::-1]], [image[::-1], image[::-1, ::-1]]])
    f = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n) for n in mirrored.shape), indexing="ij"))
    filtered = np.fft.ifft2(np.fft.fft2(mirrored / image.std()) * gain(f)).real[: image.shape[0], : image.shape[1]]
    whitener = Whitener().fit(images)
    np.testing.assert_allclose(whitener.transform(images)[0], whitener.scale_ * filtered, atol=1e-13)


def test_mean_variance_is_that_asked_for(images, dtype):
    images = [image.astype(dtype) for image in images]
    for variance in (None, 0.1, 2.5):
        whitened = Whitener(variance=variance).fit_transform(images)
        assert {image.dtype for image in whitened} == {np.dtype(dtype)}
        tolerance = 1e-12 if dtype == np.float64 else 1e-6  # 5e-16 and 2e-7, ten seeds
        np.testing.assert_allclose(np.mean([w.var() for w in whitened]), variance or 0.1, rtol=tolerance)
        assert max(abs(w.mean()) for w in whitened) < tolerance


def test_factor_is_learned_in_fit_and_contrast_is_divided_out(images):
    whitener = Whitener().fit(images[:2])
    alone = whitener.transform(images[2:])
    together = whitener.transform(images)
    np.testing.assert_array_equal(alone[0], together[2])
    [scaled] = whitener.transform([3.0 - 40.0 * images[0]])
    np.testing.assert_allclose(scaled, -together[0], atol=1e-12)


def test_one_array_of_images_is_a_list_of_them(rng, dtype):
    stack = rng.random((5, 12, 9)).astype(dtype)
    whitener = Whitener().fit(stack)
    as_list = Whitener().fit(list(stack))
    out = whitener.transform(stack)
    assert out.shape == stack.shape
    assert out.dtype == dtype
    tolerance = 1e-13 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(out, as_list.transform(list(stack)), atol=tolerance)
    np.testing.assert_allclose(whitener.inverse_transform(out), as_list.inverse_transform(list(out)), atol=tolerance)
    objects = np.empty(5, object)
    objects[:] = list(stack)
    np.testing.assert_allclose(whitener.transform(objects), out, atol=tolerance)


def test_integer_images_give_float64():
    [out] = Whitener().fit_transform([np.arange(64, dtype=np.uint8).reshape(8, 8)])
    assert out.dtype == np.float64


def test_inverse_restores_the_pass_band_and_nothing_else(images):
    whitener = Whitener(regularization=0.3).fit(images)
    restored = whitener.inverse_transform(whitener.transform(images))
    from scipy.fft import dctn

    for image, back in zip(images, restored, strict=True):
        standard = dctn((image - image.mean()) / image.std(), norm="ortho")
        f = np.hypot(*np.meshgrid(*(np.arange(n) / (2 * n) for n in image.shape), indexing="ij"))
        inside = gain(f) > 0.3 * gain(f).max()
        np.testing.assert_allclose(dctn(back, norm="ortho"), np.where(inside, standard, 0), atol=1e-11)
        assert 0 < inside.mean() < 1
        assert not inside[0, 0]


def test_default_inverse_of_photographs(photographs):
    whitener = Whitener().fit(photographs)
    for image, back in zip(photographs, whitener.inverse_transform(whitener.transform(photographs)), strict=True):
        standard = (image - image.mean()) / image.std()
        assert np.sqrt(np.mean((back - standard) ** 2)) < 0.03  # 0.002 to 0.020: the corners of the spectrum


def test_pass_band_of_the_defaults_is_as_documented():
    f = np.linspace(1e-5, np.sqrt(0.5), 200_001)
    inside = f[gain(f) > 1e-3 * gain(f).max()]
    np.testing.assert_allclose([inside[0], inside[-1]], [0.00022, 0.675], rtol=0.02)


@pytest.mark.parametrize("method", ["pca", "zca"])
def test_covariance_is_the_identity_and_the_inverse_exact(method, rng, dtype):
    X = correlated_rows(rng, 500, 12).astype(dtype)
    whitener = Whitener(method).fit(X)
    Y = whitener.transform(X)
    assert Y.dtype == dtype
    exact = dtype == np.float64
    np.testing.assert_allclose(
        np.cov(Y, rowvar=False), np.eye(12), atol=1e-9 if exact else 1e-4
    )  # 3e-11, 7e-6, ten seeds
    back = whitener.inverse_transform(Y)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, X, atol=1e-11 if exact else 1e-3)  # 2e-13, 1e-4, ten seeds
    np.testing.assert_allclose(
        np.cov(Whitener(method, variance=3.0).fit_transform(X.astype(float)).T), 3 * np.eye(12), atol=1e-10
    )


def test_covariance_over_several_blocks_of_rows(rng):
    X = correlated_rows(rng, 9000, 4)  # blocks of 4096
    np.testing.assert_allclose(np.cov(Whitener("zca").fit_transform(X), rowvar=False), np.eye(4), atol=1e-9)


def test_pca_orders_and_truncates(rng):
    X = correlated_rows(rng, 300, 8)
    whole, part = Whitener("pca").fit(X), Whitener("pca", n_components=3).fit(X)
    assert (np.diff(whole.component_std_) <= 0).all()
    np.testing.assert_allclose(np.square(whole.component_std_).sum(), np.trace(np.cov(X.T)))
    np.testing.assert_allclose(part.transform(X), whole.transform(X)[:, :3], atol=1e-12)
    np.testing.assert_allclose(part.components_ @ part.components_.T, np.eye(3), atol=1e-12)
    centered = X - X.mean(axis=0)
    projected = centered @ part.components_.T @ part.components_ + X.mean(axis=0)
    np.testing.assert_allclose(part.inverse_transform(part.transform(X)), projected, atol=1e-11)
    assert part.get_feature_names_out().tolist() == ["whitener0", "whitener1", "whitener2"]


def test_zca_is_symmetric_and_nearest_to_the_rows(rng):
    X = correlated_rows(rng, 300, 8)
    zca, pca = Whitener("zca").fit(X), Whitener("pca").fit(X)
    np.testing.assert_allclose(zca.whitening_, zca.whitening_.T, atol=1e-12)
    centered = X - X.mean(axis=0)
    assert np.sum((zca.transform(X) - centered) ** 2) < np.sum((pca.transform(X) - centered) ** 2)
    assert zca.get_feature_names_out([f"pixel{i}" for i in range(8)])[3] == "pixel3"
    part = Whitener("zca", n_components=3).fit(X)
    kept = part.components_.T @ part.components_
    np.testing.assert_allclose(part.transform(X), zca.transform(X) @ kept, atol=1e-12)
    np.testing.assert_allclose(part.inverse_transform(part.transform(X)), centered @ kept + X.mean(axis=0), atol=1e-11)


@pytest.mark.parametrize("method", ["pca", "zca"])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_constant_columns_and_few_rows_stay_finite_and_invertible(method, scale, rng, dtype):
    X = (rng.standard_normal((5, 9)) * scale).astype(dtype)
    X[:, 2] = dtype(0.1 * scale)
    X[:, 4] = X[:, 5]
    whitener = Whitener(method).fit(X)
    Y = whitener.transform(X)
    assert np.isfinite(Y).all()
    # Relative to the scale, ten seeds: at most 1e-13 in float64, 2e-4 in float32 (gains differ by up to 1000)
    np.testing.assert_allclose(
        whitener.inverse_transform(Y) / scale, X / scale, atol=1e-11 if Y.itemsize == 8 else 2e-3
    )
    same = np.tile(X[:1], (4, 1))
    np.testing.assert_array_equal(Whitener(method).fit_transform(same), np.zeros_like(same))


def test_regularization_bounds_the_gain(rng):
    X = rng.standard_normal((400, 4)) * [1.0, 0.5, 1e-2, 1e-5]
    out = Whitener("pca", regularization=1e-2).fit_transform(X)
    np.testing.assert_allclose(out[:, :2].std(axis=0, ddof=1), 1.0, rtol=1e-12)
    assert (out[:, 2:].std(axis=0) < 0.12).all()  # s / (0.1 s_max)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_scale_of_images_does_not_matter(scale, images):
    np.testing.assert_allclose(
        Whitener().fit_transform([images[0] * scale])[0], Whitener().fit_transform(images[:1])[0], atol=1e-12
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "dog"}, r"`method` must be one of .*'zca'.*got 'dog'"),
        ({"f0": 0}, r"`f0` must be a number greater than 0 \(cycles per pixel\), got 0"),
        ({"f0": "0.4"}, "`f0` must be a number"),
        ({"f0": 1e-4}, "Filtering leaves nothing of X: raise `f0`=0.0001"),
        ({"f0": 1e-4, "steepness": 500}, "Filtering leaves nothing of X: raise `f0`=0.0001"),
        ({"steepness": -1.0}, "`steepness` must be a number greater than 0"),
        ({"variance": 0.0}, "`variance` must be a number greater than 0, or None"),
        ({"variance": np.nan}, "`variance` must be a number greater than 0, or None"),
        ({"regularization": 1.0}, "`regularization` must be a number between 0 and 1, or None"),
        ({"method": "zca"}, "method='zca' whitens rows and is given images. Cut patches first with PatchExtractor"),
    ],
)
def test_errors_name_parameter_and_remedy(parameters, message, images):
    with pytest.raises(ValueError, match=message):
        Whitener(**parameters).fit(images)


@pytest.mark.parametrize("n_components", [0, 7, 2.0, True])
def test_n_components_out_of_range(n_components, rng):
    with pytest.raises(ValueError, match="`n_components` must be an int from 1 to n_features=6, or None"):
        Whitener("pca", n_components=n_components).fit(rng.random((20, 6)))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda im: [im[0], np.full((9, 9), 0.1)], r"X\[1\] is constant, .*Leave it out"),
        (lambda im: np.stack([im[0], im[0] * 0, im[0]]), r"X\[1\] is constant"),
        (lambda im: [im[0], im[1] * np.nan], r"X\[1\] contains NaN"),
        (lambda im: [im[0] / 0.0], r"X\[0\] contains infinity"),
        (lambda im: [im[0], im[1][0]], r"X\[1\] has shape \(24,\).*Pass one image as `\[image\]`"),
        (lambda im: [im[0], np.stack([im[1]] * 3, axis=2)], r"X\[1\] has shape \(40, 24, 3\).*rgb2gray"),
        (lambda im: np.zeros((2, 4, 4, 3)), r"array of shape \(2, 4, 4, 3\).*skimage.color.rgb2gray"),
        (lambda im: [im[0], im[1][:, :0]], r"X\[1\] has no pixels: its shape is \(40, 0\)"),
    ],
)
def test_images_that_cannot_be_whitened(spoil, message, images):
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        Whitener().fit(spoil(images))


def test_kind_of_input_must_stay(images, rng):
    whitener = Whitener().fit(images)
    for method in (whitener.transform, whitener.inverse_transform):
        with pytest.raises(ValueError, match=r"fitted on images and is given rows.*pass one image as `\[image\]`"):
            method(images[0])
    assert not hasattr(whitener, "get_feature_names_out")
    whitener.fit(rng.random((6, 10)))
    assert whitener.n_features_in_ == 10
    with pytest.raises(ValueError, match="fitted on rows and is given images"):
        whitener.transform(images)
    with pytest.raises(ValueError, match="X has 9 columns, but transform returns 10"):
        whitener.inverse_transform(rng.random((6, 9)))
    assert not hasattr(whitener.fit(images), "n_features_in_")


def test_constant_signals_become_zeros(rng):
    """Rows may be anything, an image without contrast is a mistake."""
    X = rng.random((6, 10))
    X[4] = 0.3
    whitener = Whitener().fit(X)
    out = whitener.transform(X)
    np.testing.assert_array_equal(out[4], np.zeros(10))
    np.testing.assert_allclose(out.var(axis=1).mean(), 0.1, rtol=1e-12)
    np.testing.assert_allclose(whitener.transform(X[:4]), out[:4], atol=1e-14)
    with pytest.raises(ValueError, match="or give rows that are not constant"):
        Whitener().fit(X[4:5])


def test_pipelines_clone_pickle(images, rng):
    pipeline = make_pipeline(Whitener(), PatchExtractor(6), StandardScaler()).set_output(transform="pandas")
    frame = pipeline.fit_transform(images[:3])
    assert frame.shape[1] == 36
    loaded = pickle.loads(pickle.dumps(pipeline))  # noqa: S301
    np.testing.assert_array_equal(loaded.transform(images[:3]), frame)
    back = pipeline.inverse_transform(frame.to_numpy())
    standard = [(image - image.mean()) / image.std() for image in images[:3]]
    assert max(np.abs(b - s).max() for b, s in zip(back, standard, strict=True)) < 0.05  # corners; 0.007 measured
    copy = clone(Whitener("pca", n_components=2, variance=0.5))
    assert copy.get_params() == Whitener("pca", n_components=2, variance=0.5).get_params()
    X, y = correlated_rows(rng, 60, 5), np.arange(60) % 2
    search = GridSearchCV(make_pipeline(Whitener("pca"), LinearSVC()), {"whitener__n_components": [2, 5]}, cv=2)
    assert search.fit(X, y).best_estimator_[0].n_components in (2, 5)


@parametrize_with_checks([Whitener("zca"), Whitener("pca"), Whitener("pca", n_components=1), Whitener()])
def test_sklearn_checks(estimator, check):
    """With 2-D input, rows are signals to "olshausen-field"."""
    check(estimator)


def test_a_failed_fit_changes_nothing(rng):
    whitener = Whitener("zca").fit(rng.random((50, 9)))
    before = dict(vars(whitener))
    with pytest.raises(ValueError, match="n_components"):
        whitener.set_params(n_components=99).fit(rng.random((50, 5)))
    assert vars(whitener) == {**before, "n_components": 99}
