"""Local contrast normalisation: every place of an image with mean 0 and about the same contrast."""

import numpy as np
from scipy.ndimage import correlate1d

from .._core.validation import Integral, Interval
from ._local import LocalTransformer

#: An image whose range is no more than this times eps of its middle on either side is constant: what computing it in
#: several steps leaves of a constant, up to 4.4 eps for means, shall not be blown up.
CONSTANT = 16


class LocalContrastNormalizer(LocalTransformer):
    r"""Subtract the local mean of images and divide by their local standard deviation.

    With a Gaussian window g of `size` x `size` pixels and sum 1, for each image s (each channel of an image in colour)

        mu = g * s,    e = s - mu,    nu = sqrt(g * e^2),    z = e / max(nu, mean(nu)),

    where mean(nu) is over all pixels of the image, so that flat parts are not blown up. z does not change when s is
    multiplied by a positive number or a constant is added. A constant image becomes zeros, also
    one that is constant up to rounding (16 eps of its value on either side).

    Parameters
    ----------
    size : int, default=15
        Side of the window in pixels, an odd number of at least 3. The Gaussian is sampled on ``linspace(-3, 3, size)``:
        its standard deviation is ``(size - 1) / 6`` pixels, 2.33 by default.
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
    Images go on beyond their borders as if mirrored there, so that nothing wraps around and images may be smaller than
    the window. The published code filters an image with a ring of mirrored pixels circularly, so that opposite borders
    meet in the ring and raise mean(nu): for nine photographs of 256 x 256 pixels z was up to 0.7 to 30 % smaller there
    where contrast is below its mean, and the same elsewhere.

    Images are treated one by one, whatever else is in X: there is nothing to learn but shapes. O(n_pixels size).
    Computed in the type of X, float32 or float64.

    See Also
    --------
    TikhonovFilter : Takes away slow changes only, and leaves contrast alone.
    Whitener : Flattens the spectrum.

    References
    ----------
    .. [1] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural images
       representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).
    .. [2] K. Jarrett, K. Kavukcuoglu, M. Ranzato and Y. LeCun, "What is the best multi-stage architecture for object
       recognition?", ICCV, 2146-2153 (2009).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.preprocessing import LocalContrastNormalizer
    >>> images = np.random.default_rng(0).random((2, 20, 30))
    >>> normalizer = LocalContrastNormalizer().fit(images)
    >>> Z = normalizer.transform(images)
    >>> bool(np.allclose(normalizer.transform(7 - 3 * images), -Z))
    True
    >>> bool(np.allclose(normalizer.inverse_transform(Z, reference=images), images))
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "size": [Interval(Integral, 3, None, closed="left")],
        "input_shape": [tuple, list, Integral, None],
    }

    def __init__(self, size=15, *, input_shape=None):
        super().__init__(input_shape=input_shape)
        self.size = size

    def _check_parameters(self):
        if self.size % 2 == 0:
            raise ValueError(f"`size` must be odd, so that the window has a middle, got {self.size}.")

    def _level_and_scale(self, planes):
        axes = tuple(range(1, planes.ndim))
        low, high = planes.min(axis=axes, keepdims=True), planes.max(axis=axes, keepdims=True)
        middle = low + (high / 2 - low / 2)
        _, exponent = np.frexp(np.maximum(high / 2 - low / 2, np.finfo(planes.dtype).tiny))
        s = np.ldexp(planes - middle, -exponent)  # exact; squares neither overflow nor vanish
        s *= high / 2 - low / 2 > CONSTANT * np.finfo(planes.dtype).eps * np.abs(middle)
        mean = self._filter(s)
        contrast = np.sqrt(self._filter(np.square(s - mean)))
        floor = contrast.reshape(len(s), -1).mean(axis=1).reshape(exponent.shape)
        scale = np.maximum(contrast, floor)
        return np.ldexp(mean, exponent) + middle, np.ldexp(scale, exponent)

    def _filter(self, planes):
        gaussian = np.exp(-0.5 * np.square(np.linspace(-3, 3, self.size)))
        gaussian /= gaussian.sum()
        for axis in range(1, planes.ndim):
            planes = correlate1d(planes, gaussian, axis=axis, mode="reflect")
        return planes
