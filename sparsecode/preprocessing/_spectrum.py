"""The Olshausen-Field filter and the spectra that it multiplies, by the discrete cosine transform."""

import numpy as np
from scipy.fft import dctn


def filter_gain(shape, f0, steepness):
    """Return f * exp(-(f / f0)^steepness) at the frequencies of the DCT-II of an array of this shape."""
    axes = [np.arange(n) / (2.0 * n) for n in shape]
    f = np.sqrt(sum(np.square(axis) for axis in np.ix_(*axes)))
    with np.errstate(over="ignore"):  # far above the cut-off the gain is 0
        return f * np.exp(-((f / f0) ** steepness))


def standardised_spectrum(block, first):
    """Return the DCT of each image or signal along the first axis, standardised by its mean and deviation."""
    axes = axes_of(block)
    low, high = block.min(axis=axes, keepdims=True), block.max(axis=axes, keepdims=True)
    constant = low == high
    if constant.any() and block.ndim == 3:
        raise ValueError(
            f"X[{first + constant.argmax()}] is constant, so that it has no contrast to whiten. Leave it out of X."
        )
    _, exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))
    z = np.ldexp(block, -exponent)  # exact; squares neither overflow nor vanish
    z = z - z.mean(axis=axes, keepdims=True, dtype=np.float64).astype(z.dtype)
    deviation = np.sqrt(np.mean(np.square(z), axis=axes, keepdims=True, dtype=np.float64))
    z = np.divide(z, deviation.astype(z.dtype), out=np.zeros_like(z), where=~constant)
    return dctn(z, axes=axes, norm="ortho")


def axes_of(block):
    """Return the axes of a sample in a block of samples."""
    return tuple(range(1, block.ndim))
