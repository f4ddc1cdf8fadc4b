"""Tikhonov filter: images without what changes slowly."""

from numbers import Real

import numpy as np
from scipy.fft import irfftn, rfftn

from .._core.validation import Integral, Interval
from ._local import LocalTransformer


class TikhonovFilter(LocalTransformer):
    r"""Split images into slow changes and the rest, and keep the rest (high-pass).

    The low-pass part of an image s is the smooth image

        low = argmin_x  1/2 ||x - s||^2 + alpha/2 (||G_r x||^2 + ||G_c x||^2)

    with differences G_r and G_c of neighbouring rows and columns, in the frequency domain

        low^ = s^ / (1 + alpha (|G_r^|^2 + |G_c^|^2)),    |G^(f)|^2 = 4 sin(pi f)^2,

    and `transform` gives ``s - low``. Kernels of a convolutional code have no mean, or a small one: such codes are for
    the high-pass part.

    Parameters
    ----------
    alpha : float, default=10.0
        Weight of smoothness, at least 0: larger ones leave more in the high-pass part. Half of a frequency f remains
        where ``2 sin(pi f) = 1 / sqrt(alpha)``, which is f = 0.05 cycles per pixel by default.
    pad : int, default=16
        Pixels by which images go on beyond their borders as if mirrored, before they are filtered circularly.
    input_shape : tuple of int, default=None
        Shape (height, width) or (height, width, channels) of the images that rows hold, or (length,) of signals. None
        takes an array of images as it is, and a row for a signal in one dimension.

    Attributes
    ----------
    image_shape_ : tuple of int
        Shape of a sample.
    gives_rows_ : bool
        Whether `fit` was given rows.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    What is left of the opposite border falls by e every ``sqrt(alpha)`` pixels of `pad`: to 0.6 % by default. Images
    may be smaller than `pad`; they are mirrored again and again. A constant image becomes zeros up to rounding.

    Images are treated one by one, whatever else is in X. O(n_pixels log n_pixels). Computed in the type of X, float32
    or float64.

    See Also
    --------
    LocalContrastNormalizer : Evens out contrast too.

    References
    ----------
    .. [1] B. Wohlberg, "Efficient algorithms for convolutional sparse representations", IEEE Trans. Image Process.
       25(1), 301-315 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.preprocessing import TikhonovFilter
    >>> images = np.random.default_rng(0).random((2, 20, 30)) + 5
    >>> split = TikhonovFilter().fit(images)
    >>> high, low = split.transform(images), split.lowpass(images)
    >>> bool(np.allclose(low + high, images)), bool(abs(high.mean()) < 0.01)
    (True, True)
    >>> bool(np.allclose(split.inverse_transform(high, reference=images), images))
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "alpha": [Interval(Real, 0, 1e12, closed="both")],
        "pad": [Interval(Integral, 0, None, closed="left")],
        "input_shape": [tuple, list, Integral, None],
    }

    def __init__(self, alpha=10.0, *, pad=16, input_shape=None):
        super().__init__(input_shape=input_shape)
        self.alpha = alpha
        self.pad = pad

    def lowpass(self, X):
        """Return the low-pass part of images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or ndarray of shape (n_samples, *image_shape_)

        Returns
        -------
        ndarray of the shape of X

        Raises
        ------
        ValueError
            As `transform`.
        """
        return self._map(X, lambda planes, low, scale: low)

    def _level_and_scale(self, planes):
        axes = tuple(range(1, planes.ndim))
        low, high = planes.min(axis=axes, keepdims=True), planes.max(axis=axes, keepdims=True)
        middle = low + (high / 2 - low / 2)  # constants need no filter, and lose digits in it
        padded = np.pad(planes - middle, [(0, 0)] + [(self.pad, self.pad)] * len(axes), mode="symmetric")
        sides = padded.shape[1:]
        spectrum = rfftn(padded, axes=axes)
        spectrum /= self._penalty(sides).astype(planes.dtype)
        inside = (slice(None), *(slice(self.pad, self.pad + side) for side in planes.shape[1:]))
        return irfftn(spectrum, sides, axes=axes)[inside] + middle, None

    def _penalty(self, sides):
        """Return ``1 + alpha sum |G^|^2`` at the frequencies of a real transform of these sides."""
        grids = [np.fft.fftfreq(side) for side in sides[:-1]] + [np.fft.rfftfreq(sides[-1])]
        return 1.0 + self.alpha * sum(4.0 * np.square(np.sin(np.pi * grid)) for grid in np.ix_(*grids))
