"""Whitening: the spectrum of images, or the covariance of rows, made flat."""

from numbers import Integral, Real

import numpy as np
from scipy.fft import dctn, idctn
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._core.validation import unchanged_on_failure
from ._spectrum import axes_of, filter_gain, standardised_spectrum
from .patches import FLOATS, check_images, is_list

METHODS = ("olshausen-field", "pca", "zca")
VARIANCE = {"olshausen-field": 0.1, "pca": 1.0, "zca": 1.0}
REGULARIZATION = {"olshausen-field": 1e-3, "pca": 1e-6, "zca": 1e-6}


def _gives_rows(whitener):
    """Images have no columns to name, and stay lists of arrays whatever `set_output` says."""
    return getattr(whitener, "input_kind_", "rows") != "images"


class Whitener(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Whiten images by the Olshausen-Field filter, or rows by PCA or ZCA.

    ``"olshausen-field"`` takes whole images. Each is standardised by its own mean and standard deviation,
    its discrete cosine transform is multiplied by

        gain(f) = f * exp(-(f / f0)^steepness),    f = sqrt(f_y^2 + f_x^2)  in cycles per pixel,

    and one factor `scale_`, learned over all training images, makes their mean variance `variance`. The
    ramp f flattens the 1/f amplitude of natural images, the rest removes the corners of the spectrum, where
    there is mostly noise. Index k of N along an axis has the frequency k / (2 N) cycles per pixel on images
    of any shape. The DCT-II filters the image as if mirrored at its borders, so that nothing wraps around
    from the opposite border as it does with the Fourier transform.

    ``"pca"`` and ``"zca"`` take rows. With the covariance C = V diag(s^2) V^T of the training rows about
    their mean m (eigenvalues in decreasing order, divisor n - 1),

        g = sqrt(variance) / max(s, sqrt(regularization) * s_max),
        pca:  y = (x - m) V diag(g),        zca:  y = (x - m) V diag(g) V^T.

    The covariance of y is `variance` times the identity, in ZCA on the pixels themselves; directions with
    s^2 < regularization * s_max^2 keep less. ZCA changes the rows least among all whitening transforms.

    Parameters
    ----------
    method : {"olshausen-field", "pca", "zca"}, default="olshausen-field"
        What to whiten with.
    f0 : float, default=0.4
        Cut-off of the Olshausen-Field filter in cycles per pixel; the limit of the grid is 0.5 on each axis.
    steepness : float, default=4.0
        Exponent of the cut-off.
    variance : float, default=None
        Variance of the output: the mean over the training images of each image's variance, or the variance
        of each whitened direction. None means 0.1 for ``"olshausen-field"``, 1 for ``"pca"`` and ``"zca"``.
    regularization : float, default=None
        Olshausen-Field: `inverse_transform` restores frequencies with gain > regularization * largest gain.
        PCA and ZCA: least eigenvalue to divide by, as a fraction of the largest. Between 0 and 1, both
        excluded. None means 1e-3 for ``"olshausen-field"``, 1e-6 for ``"pca"`` and ``"zca"``.
    n_components : int, default=None
        PCA and ZCA: number of directions to keep, those with the largest eigenvalues; None keeps all. PCA
        returns that many columns, ZCA all columns, without the other directions.

    Attributes
    ----------
    input_kind_ : {"images", "rows"}
        What `fit` was given.
    scale_ : float
        Olshausen-Field: the factor on the filtered images.
    mean_ : ndarray of shape (n_features,)
        PCA and ZCA: mean of the training rows.
    components_ : ndarray of shape (n_components, n_features)
        PCA and ZCA: orthonormal eigenvectors, with the entry of largest size positive.
    component_std_ : ndarray of shape (n_components,)
        PCA and ZCA: standard deviation s of the training rows along each of them.
    whitening_, dewhitening_ : ndarray of shape (n_features, n_outputs) and (n_outputs, n_features)
        PCA and ZCA: ``transform(X) = (X - mean_) @ whitening_`` and
        ``inverse_transform(Y) = Y @ dewhitening_ + mean_``.
    n_features_in_, feature_names_in_
        As in scikit-learn, when `fit` was given rows.

    Notes
    -----
    What `inverse_transform` cannot bring back. Olshausen-Field: the mean and the standard deviation of each
    image, which `transform` divides out (the result has mean 0 and, but for what was lost, standard deviation
    1), and all frequencies outside the pass band: with the default parameters those above 0.67 cycles per
    pixel, in the corners of the spectrum, and below 0.0002, found in images beyond 2270 pixels. PCA and ZCA:
    the directions that `n_components` leaves out. Otherwise it is the exact inverse, up to rounding.

    An image of N pixels costs O(N log N); PCA and ZCA cost O(n p^2 + p^3) for n rows of p features.
    Statistics are computed in float64; float32 input gives float32 output.

    See Also
    --------
    sparsecode.preprocessing.PatchExtractor : The step after: whitened images to rows.

    References
    ----------
    .. [1] B. A. Olshausen and D. J. Field, "Emergence of simple-cell receptive field properties by learning
       a sparse code for natural images", Nature 381, 607-609, 1996.
    .. [2] B. A. Olshausen and D. J. Field, "Sparse coding with an overcomplete basis set: a strategy employed
       by V1?", Vision Research 37, 3311-3325, 1997.
    .. [3] A. J. Bell and T. J. Sejnowski, "The 'independent components' of natural scenes are edge filters",
       Vision Research 37, 3327-3338, 1997. (ZCA)

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.preprocessing import Whitener
    >>> rng = np.random.default_rng(0)
    >>> images = [rng.random((20, 30)), rng.random((40, 25))]
    >>> whitened = Whitener().fit_transform(images)
    >>> round(float(np.mean([image.var() for image in whitened])), 6)
    0.1
    >>> rows = rng.random((100, 3)) @ rng.random((3, 3))
    >>> covariance = np.cov(Whitener("zca").fit_transform(rows), rowvar=False)
    >>> bool(np.allclose(covariance, np.eye(3)))
    True
    """

    def __init__(
        self,
        method="olshausen-field",
        *,
        f0=0.4,
        steepness=4.0,
        variance=None,
        regularization=None,
        n_components=None,
    ):
        self.method = method
        self.f0 = f0
        self.steepness = steepness
        self.variance = variance
        self.regularization = regularization
        self.n_components = n_components

    def fit(self, X, y=None):
        """Learn the factor on the filtered images, or the mean and covariance of the rows.

        Parameters
        ----------
        X : list of ndarray of shape (height, width), or ndarray of shape (n_images, height, width) or \
(n_samples, n_features)
            Images, whose shapes may differ, for ``"olshausen-field"``. A 2-D array is rows for every method:
            to ``"olshausen-field"`` each row is a signal in one dimension, and a constant one becomes zeros.
            One image is given as ``[image]``.
        y : ignored

        Returns
        -------
        Whitener
            The fitted whitener itself.

        Raises
        ------
        ValueError
            If a parameter is out of range, a value is NaN or infinite, an image is constant, or ``"pca"`` or
            ``"zca"`` is given images or fewer than two rows.
        """
        with unchanged_on_failure(self):
            self._check_parameters()
            data, kind = self._check_data(X, reset=True)
            if self.method == "olshausen-field":
                self._fit_filter(_blocks(data, kind))
            else:
                self._fit_covariance(data)
            self.input_kind_ = kind
        return self

    def transform(self, X):
        """Return whitened images, or whitened rows.

        Parameters
        ----------
        X : list of ndarray of shape (height, width), or ndarray of shape (n_images, height, width) or \
(n_samples, n_features)
            Of the kind given to `fit`; images may have other shapes than those.

        Returns
        -------
        list of ndarray, or ndarray
            Of the shape of X, except that ``"pca"`` gives (n_samples, n_components).

        Raises
        ------
        ValueError
            As `fit`, and if X is images where `fit` was given rows, or rows where it was given images.
        """
        check_is_fitted(self)
        data, kind = self._check_data(X, reset=False)
        if self.method != "olshausen-field":
            return (data - self.mean_.astype(data.dtype)) @ self.whitening_.astype(data.dtype)
        filtered = []
        for first, block in _blocks(data, kind):
            gain = self.scale_ * filter_gain(block.shape[1:], self.f0, self.steepness)
            spectrum = standardised_spectrum(block, first)
            filtered.append(idctn(spectrum * gain.astype(block.dtype), axes=axes_of(block), norm="ortho"))
        return _unblocked(filtered, data)

    def inverse_transform(self, X):
        """Return images or rows whose whitened form is X, as far as whitening kept them (see Notes).

        Parameters
        ----------
        X : list of ndarray of shape (height, width), or ndarray of shape (n_images, height, width) or \
(n_samples, n_outputs)
            What `transform` returned, or an approximation to it.

        Returns
        -------
        list of ndarray, or ndarray
            Standardised images or signals for ``"olshausen-field"``, rows of shape (n_samples, n_features)
            in the units of the training rows for ``"pca"`` and ``"zca"``.

        Raises
        ------
        ValueError
            If X has another kind or number of columns than `transform` returns, or is not finite.
        """
        check_is_fitted(self)
        if self.input_kind_ == "images":
            data, kind = self._check_data(X, reset=False)
        else:
            data, kind = check_array(X, dtype=FLOATS, input_name="X"), "rows"
            if data.shape[1] != self._n_features_out:
                raise ValueError(
                    f"X has {data.shape[1]} columns, but transform returns {self._n_features_out}. "
                    "Pass what this whitener's transform returned."
                )
        if self.method != "olshausen-field":
            return data @ self.dewhitening_.astype(data.dtype) + self.mean_.astype(data.dtype)
        least = self._or_default("regularization", REGULARIZATION)
        restored = []
        for _, block in _blocks(data, kind):
            gain = filter_gain(block.shape[1:], self.f0, self.steepness)
            inverse_gain = np.zeros_like(gain)
            np.divide(1.0 / self.scale_, gain, out=inverse_gain, where=gain > least * gain.max())
            spectrum = dctn(block, axes=axes_of(block), norm="ortho")
            restored.append(idctn(spectrum * inverse_gain.astype(block.dtype), axes=axes_of(block), norm="ortho"))
        return _unblocked(restored, data)

    @available_if(_gives_rows)
    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns: those of the input, or "whitener0", ... for ``"pca"``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input columns, when `fit` did not see any.

        Returns
        -------
        ndarray of str

        Raises
        ------
        AttributeError
            If `fit` was given images.
        """
        check_is_fitted(self)
        if self.method == "pca":
            return super().get_feature_names_out(input_features)
        return OneToOneFeatureMixin.get_feature_names_out(self, input_features)

    @property
    def _n_features_out(self):
        return self.whitening_.shape[1] if self.method == "pca" else self.n_features_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.method == "olshausen-field"
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _or_default(self, name, defaults):
        value = getattr(self, name)
        return defaults[self.method] if value is None else value

    def _check_parameters(self):
        if self.method not in METHODS:
            raise ValueError(f"`method` must be one of {METHODS}, got {self.method!r}.")
        _check_between("f0", self.f0, "greater than 0 (cycles per pixel)", np.inf)
        _check_between("steepness", self.steepness, "greater than 0", np.inf)
        if self.variance is not None:
            _check_between("variance", self.variance, "greater than 0, or None", np.inf)
        if self.regularization is not None:
            _check_between("regularization", self.regularization, "between 0 and 1, or None", 1.0)

    def _check_data(self, X, *, reset):
        """Return validated images or rows, and which of the two they are."""
        kind = "images" if _looks_like_images(X) else "rows"
        if not reset and kind != self.input_kind_:
            raise ValueError(
                f"This Whitener was fitted on {self.input_kind_} and is given {kind}. A 2-D array is rows: pass one "
                "image as `[image]`, several as a list or as an array of shape (n_images, height, width)."
            )
        if kind == "rows":
            least = "ensure_min_features" if self.method == "olshausen-field" else "ensure_min_samples"
            return validate_data(self, X, reset=reset, dtype=FLOATS, **{least: 2 if reset else 1}), kind
        if self.method != "olshausen-field":
            raise ValueError(
                f"method={self.method!r} whitens rows and is given images. Cut patches first with PatchExtractor, or "
                "use method='olshausen-field'."
            )
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)  # of an earlier fit on rows
        return check_images(X), kind

    def _fit_filter(self, blocks):
        variances = []
        for first, block in blocks:
            gain = filter_gain(block.shape[1:], self.f0, self.steepness)
            filtered = gain * standardised_spectrum(block, first)
            variances.append(np.square(filtered).sum(axis=axes_of(block)) / gain.size)  # by Parseval; the mean is 0
        mean_variance = np.concatenate(variances).mean()
        if not mean_variance > 0:
            raise ValueError(
                f"Filtering leaves nothing of X: raise `f0`={self.f0}, or give rows that are not constant."
            )
        self.scale_ = float(np.sqrt(self._or_default("variance", VARIANCE) / mean_variance))

    def _fit_covariance(self, X):
        n, p = X.shape
        keep = p if self.n_components is None else self.n_components
        if not isinstance(keep, Integral) or isinstance(keep, bool) or not 1 <= keep <= p:
            raise ValueError(f"`n_components` must be an int from 1 to n_features={p}, or None, got {keep!r}.")
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        _, exponent = np.frexp(max(abs(float(X.max())), abs(float(X.min()))))  # squares must not overflow
        covariance = np.zeros((p, p))
        for rows in gen_batches(n, 4096):
            centered = np.ldexp(X[rows] - self.mean_, -exponent)
            covariance += centered.T @ centered
        eigenvalues, vectors = eigh(covariance / (n - 1))
        std = np.ldexp(np.sqrt(np.maximum(eigenvalues[::-1], 0.0)), exponent)
        vectors = vectors[:, ::-1]
        vectors = vectors * np.where(vectors[np.abs(vectors).argmax(axis=0), np.arange(p)] < 0, -1.0, 1.0)
        floor = np.sqrt(self._or_default("regularization", REGULARIZATION)) * std[0]
        if floor < np.finfo(X.dtype).tiny:
            floor = 1.0  # no variance at all: rows are only centered
        gain = (np.sqrt(self._or_default("variance", VARIANCE)) / np.maximum(std, floor))[:keep]
        kept = vectors[:, :keep]
        after = np.eye(keep) if self.method == "pca" else kept.T
        self.components_, self.component_std_ = np.ascontiguousarray(kept.T), std[:keep]
        self.whitening_ = (kept * gain) @ after
        self.dewhitening_ = after.T @ (kept / gain).T


def _looks_like_images(X):
    if is_list(X):
        return len(X) > 0 and np.ndim(X[0]) >= 2
    return getattr(X, "ndim", 2) >= 3


def _blocks(data, kind):
    """Return pairs of first index and array of equal images or signals along the first axis."""
    if kind == "images" and isinstance(data, list):
        return [(i, image[None]) for i, image in enumerate(data)]
    return [(0, data)]


def _unblocked(blocks, data):
    return [block[0] for block in blocks] if isinstance(data, list) else blocks[0]


def _check_between(name, value, allowed, high):
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < high:
        raise ValueError(f"`{name}` must be a number {allowed}, got {value!r}.")
