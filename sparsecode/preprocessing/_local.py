"""What transformers share that take a local level out of images, and divide by a local scale: shapes and inverses."""

import math

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._core.samples import as_shape, flatten_input
from .._core.validation import check_rows, fit_context, unchanged_on_failure

#: Pixels that are filtered at a time; each plane by itself, so that results do not depend on it.
BLOCK_PIXELS = 2**20


def _gives_rows(transformer):
    """Images have no columns to name, and stay arrays whatever `set_output` says."""
    return getattr(transformer, "gives_rows_", True)


class LocalTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """``z = (x - level) / scale`` with a level and a scale for each pixel, which a subclass computes from the image.

    A subclass has `_level_and_scale(planes)`: planes are float arrays (n, length) or (n, height, width), and scale may
    be None for ones.
    """

    def __init__(self, *, input_shape=None):
        self.input_shape = input_shape

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the shape of the images, and nothing else.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or ndarray of shape (n_samples, height, width[, channels])
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X does not have `input_shape`, has too many axes, or holds NaN or infinity.
        """
        self._check_parameters()
        with unchanged_on_failure(self):
            shape = self.input_shape
            if shape is None:
                shape = np.shape(X)[1:] if n_axes(X) > 2 else None
            shape = None if shape is None else as_shape(shape)
            if shape is not None and len(shape) > 3:
                raise ValueError(
                    "images have shape (height, width) or (height, width, channels), and signals (length,), but "
                    f"{'X has samples of' if self.input_shape is None else '`input_shape` is'} {shape}."
                )
            rows = check_rows(self, X if shape is None else flatten_input(X, shape), reset=True)
            self.image_shape_ = (rows.shape[1],) if shape is None else shape
            self.gives_rows_ = n_axes(X) <= 2
        return self

    def transform(self, X):
        """Return images without their level, divided by their scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or ndarray of shape (n_samples, *image_shape_)

        Returns
        -------
        ndarray of the shape of X

        Raises
        ------
        ValueError
            If X does not have the shape given to `fit`, or holds NaN or infinity, or a parameter is out of range.
        """
        return self._map(X, _take_away)

    def inverse_transform(self, X, reference=None):
        """Return images whose transform is X, with the level and the scale of other images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or ndarray of shape (n_samples, *image_shape_)
            Transformed images, or an approximation to them.
        reference : array-like of as many samples
            Images that have the level and the scale which `transform` took away: those that were given to it (for
            denoising, the noisy ones). With these, and what `transform` returned for X, the images come back up to
            rounding. With others the result is only as good as their level and scale.

        Returns
        -------
        ndarray of the shape of X

        Raises
        ------
        ValueError
            If there is no `reference`, or it does not fit X.
        """
        if reference is None:
            raise ValueError(
                f"{type(self).__name__} has taken away what only images can give back: call inverse_transform(Z, "
                "reference=images) with the images that were given to transform."
            )
        return self._map(X, _give_back, reference)

    @available_if(_gives_rows)
    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns, those of the input.

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
            If `fit` was given an array of images.
        """
        return super().get_feature_names_out(input_features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _get_fitted_state(self):
        return {"image_shape_": self.image_shape_, "gives_rows_": self.gives_rows_}, {}

    def _set_fitted_state(self, scalars, arrays):
        self.image_shape_, self.gives_rows_ = as_shape(scalars["image_shape_"]), bool(scalars["gives_rows_"])

    def _rows(self, X):
        """Return X as validated rows; parameters may have been set since fit."""
        check_is_fitted(self)
        self._validate_params()
        self._check_parameters()
        X = X if len(self.image_shape_) == 1 else flatten_input(X, self.image_shape_)
        return check_rows(self, X, reset=False)

    def _check_parameters(self):
        """Check what types and ranges do not say."""

    def _map(self, X, combine, reference=None):
        """Return ``combine(images, level, scale)`` in the shape of X, with the level and scale of X or `reference`."""
        rows = self._rows(X)
        others = rows if reference is None else self._rows(reference)
        if len(others) != len(rows):
            raise ValueError(f"`reference` must have one image for each of the {len(rows)} of X, got {len(others)}.")
        planes, others = as_planes(rows, self.image_shape_), as_planes(others, self.image_shape_)
        out = np.empty(planes.shape, np.result_type(planes, others))
        step = max(1, BLOCK_PIXELS // math.prod(planes.shape[1:]))
        for block in (slice(start, start + step) for start in range(0, len(planes), step)):
            out[block] = combine(planes[block], *self._level_and_scale(others[block]))
        out = from_planes(out, len(rows), self.image_shape_)
        return out.reshape(len(rows), *self.image_shape_) if n_axes(X) > 2 else out


def _take_away(planes, level, scale):
    rest = planes - level
    return rest if scale is None else np.divide(rest, scale, out=np.zeros_like(rest), where=scale > 0)


def _give_back(planes, level, scale):
    return level + (planes if scale is None else planes * scale)


def n_axes(X):
    """Return the number of axes of an array, a data frame or nested lists."""
    return np.ndim(X) if isinstance(X, list | tuple) else getattr(X, "ndim", 2)


def as_planes(rows, shape):
    """Return rows as signals (n, length) or single-channel images (n * channels, height, width)."""
    if len(shape) < 3:
        return rows.reshape(len(rows), *shape)
    planes = np.moveaxis(rows.reshape(len(rows), *shape), 3, 1)
    return np.ascontiguousarray(planes).reshape(-1, *shape[:2])


def from_planes(planes, n_samples, shape):
    """Return what `as_planes` has made into planes as rows again."""
    if len(shape) == 3:
        planes = np.moveaxis(planes.reshape(n_samples, shape[2], *shape[:2]), 1, 3)
    return np.ascontiguousarray(planes).reshape(n_samples, math.prod(shape))
