"""Atoms that are given by formulas: log-Gabor kernels, differences of Gaussians, cosines.

Gabor functions in space are in `sparsecode.receptive_fields.gabor`. All formulas share its coordinates: pixels
from the centre of the patch, x to the right along columns and y down along rows, angles from x towards y.
"""

from numbers import Integral

import numpy as np


def log_gabor(size, *, theta, B_theta, sf_0=0.4, B_sf=0.4, phase=0.0, x0=0.0, y0=0.0, normalization="max"):
    r"""Return log-Gabor kernels: log-normal in spatial frequency, von Mises in direction.

    In the frequency domain, with f in cycles per pixel and phi its direction, the kernel is

        exp(-ln(f / sf_0)^2 / (2 B_sf^2)) / f * exp(cos(phi - theta) / B_theta^2) * M(f) * exp(i phase)

    on one side only, of which the real part is taken in space. ``M(f) = (1 - exp((f - 0.5) / 0.035)) *
    (1 - exp(-0.5 (f size / 0.5)^2))`` for ``f < 0.5``, else 0, takes away the corners of the spectrum and its
    centre. In space the kernel is centred on pixel ``size // 2`` and windowed by
    ``((1 + cos(pi R)) / 2)^(1/3)``, where R is the distance from the centre of the patch in half sides (0 for
    ``R >= 1``); its median is subtracted.

    All parameters but `size` and `normalization` may be arrays, which are broadcast against each other.

    Parameters
    ----------
    size : int
        Side of the square kernel in pixels, at least 4.
    theta : float or array_like
        Direction of the modulation in radians, as in `sparsecode.receptive_fields.gabor`: 0 modulates along x
        (vertical bars).
    B_theta : float or array_like
        Orientation bandwidth in radians: about the standard deviation of the Gaussian that approximates the
        von Mises function. The half-width at half-height is about 1.18 times that.
    sf_0 : float or array_like, default=0.4
        Spatial frequency in cycles per pixel, between 0 and 0.5. By the factor 1 / f of the formula the spectrum is
        largest at ``sf_0 exp(-B_sf^2)``, which is 0.34 for the defaults.
    B_sf : float or array_like, default=0.4
        Frequency bandwidth: standard deviation of the natural logarithm of the frequency.
    phase : float or array_like, default=0.0
        In radians: 0 is even, +-pi/2 is odd, as in `sparsecode.receptive_fields.gabor`.
    x0, y0 : float or array_like, default=0.0
        Centre of the kernel in pixels from pixel ``size // 2``, x to the right and y down. The window stays.
    normalization : {"max", "l2"} or None, default="max"
        Whether the largest absolute value becomes 1, as published, or the Euclidean norm. With None the spectrum has
        unit energy, so that norms are 1 less what window and median take away.

    Returns
    -------
    ndarray of shape (..., size, size)

    Raises
    ------
    TypeError
        If `size` is not an int.
    ValueError
        If a parameter is out of range, or no frequency of the grid lies within the bandwidths.

    Notes
    -----
    O(size^2 log size) a kernel. Half a turn of `theta` changes the sign of the phase, up to rounding: the even kernel
    stays, the odd one changes its sign. The published code lets x run along rows and has the opposite sign of the
    phase: its kernel at (theta, phase) is the transpose of the one at (theta, -phase) here.

    References
    ----------
    .. [1] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural
       images representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).
    .. [2] S. Fischer, F. Sroubek, L. Perrinet, R. Redondo and G. Cristobal, "Self-invertible 2D log-Gabor
       wavelets", Int. J. Comput. Vis. 75, 231-246 (2007).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dictionary.formulas import log_gabor
    >>> kernels = log_gabor(12, theta=np.linspace(0, np.pi, 4, endpoint=False), B_theta=0.2)
    >>> kernels.shape, float(np.abs(kernels).max())
    ((4, 12, 12), 1.0)
    """
    if not isinstance(size, Integral):
        raise TypeError(f"`size` must be an int, got {type(size).__name__}.")
    if size < 4:
        raise ValueError(f"`size` must be at least 4 pixels, got {size}.")
    _check_range("sf_0", sf_0, 0, 0.5)
    for name, value in (("B_sf", B_sf), ("B_theta", B_theta)):
        _check_range(name, value, 0, np.inf)
    for name, value in (("theta", theta), ("phase", phase), ("x0", x0), ("y0", y0)):
        _check_range(name, value, -np.inf, np.inf)
    if normalization not in ("max", "l2", None):
        raise ValueError(f"`normalization` must be 'max', 'l2' or None, got {normalization!r:.60}.")
    sf_0, B_sf, theta, B_theta, phase, x0, y0 = (
        np.asarray(value, dtype=float)[..., None, None] for value in (sf_0, B_sf, theta, B_theta, phase, x0, y0)
    )
    grid = np.fft.fftfreq(size)
    fx, fy = grid, grid[:, None]
    f = np.hypot(fx, fy)
    f[0, 0] = 1e-6
    radial = np.exp(-0.5 * (np.log(f / sf_0) / B_sf) ** 2) / f
    angular = np.exp((np.cos(np.arctan2(fy, fx) - theta) - 1) / B_theta**2)  # the factor keeps exp from overflow
    to_centre = np.exp(-2j * np.pi * (fx * (x0 + size // 2) + fy * (y0 + size // 2)))
    spectrum = radial * angular * frequency_mask(f, size) * to_centre * np.exp(1j * phase)
    largest = np.abs(spectrum).max(axis=(-2, -1), keepdims=True)
    if not largest.all():
        raise ValueError(
            f"no frequency of a kernel of `size` {size} lies within `B_sf` of `sf_0` and `B_theta` of `theta`; "
            "give a larger size or bandwidth."
        )
    spectrum /= largest  # so that energies cannot vanish
    spectrum /= np.sqrt(np.square(np.abs(spectrum)).mean(axis=(-2, -1), keepdims=True) / 2)
    kernels = np.fft.ifft2(spectrum).real * window(size)
    kernels -= np.median(kernels, axis=(-2, -1), keepdims=True)
    if normalization == "max":
        kernels /= np.abs(kernels).max(axis=(-2, -1), keepdims=True)
    elif normalization == "l2":
        kernels /= np.sqrt(np.square(kernels).sum(axis=(-2, -1), keepdims=True))
    return kernels


def frequency_mask(f, size):
    """Return what keeps the corners and the centre of the spectrum out of log-Gabor kernels of this size."""
    corners = np.where(f < 0.5, -np.expm1((f - 0.5) / 0.035), 0.0)
    return corners * -np.expm1(-0.5 * (f * size / 0.5) ** 2)


def window(size):
    """Return the window of log-Gabor kernels of this size in space."""
    axis = np.linspace(-1, 1, size)
    R = np.hypot(axis, axis[:, None])
    return np.where(R < 1, (np.cos(np.pi * R) + 1) / 2, 0.0) ** (1 / 3)


def difference_of_gaussians(shape, *, sigma_center, sigma_surround, x0=0.0, y0=0.0, surround=1.0, amplitude=1.0):
    r"""Return centre-surround fields: a narrow Gaussian minus a wide one.

        g(x, y) = A (G(r, sigma_center) - k G(r, sigma_surround)),   G(r, s) = exp(-r^2 / (2 s^2)) / (2 pi s^2)

    with r the distance from (x0, y0). All parameters but `shape` may be arrays, which are broadcast against
    each other.

    Parameters
    ----------
    shape : tuple of 2 int
        Height and width in pixels.
    sigma_center, sigma_surround : float or array_like
        Standard deviations in pixels; that of the surround is the larger one.
    x0, y0 : float or array_like, default=0.0
        Centre in pixels from the patch centre.
    surround : float or array_like, default=1.0
        Volume k of the surround relative to the centre's. With 1, uniform light has no effect on a field that
        lies within the patch.
    amplitude : float or array_like, default=1.0
        A; positive for ON centres, negative for OFF centres.

    Returns
    -------
    ndarray of shape (..., height, width)

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    .. [1] R. W. Rodieck, "Quantitative analysis of cat retinal ganglion cell response to visual stimuli",
       Vision Res. 5, 583-601 (1965).

    Examples
    --------
    >>> from sparsecode.dictionary.formulas import difference_of_gaussians
    >>> field = difference_of_gaussians((15, 15), sigma_center=1.0, sigma_surround=1.6)
    >>> float(field[7, 7].round(3)), abs(float(field.sum())) < 1e-3
    (0.097, True)
    """
    height, width = check_shape(shape, n_axes=2)
    _check_range("sigma_center", sigma_center, 0, np.inf)
    _check_range("sigma_surround", sigma_surround, 0, np.inf)
    for name, value in (("x0", x0), ("y0", y0), ("surround", surround), ("amplitude", amplitude)):
        _check_range(name, value, -np.inf, np.inf)
    if np.any(np.asarray(sigma_center) >= np.asarray(sigma_surround)):
        raise ValueError(
            "`sigma_surround` must be larger than `sigma_center`; for OFF centres give a negative amplitude."
        )
    narrow, wide, x0, y0, surround, amplitude = (
        np.asarray(value, dtype=float)[..., None, None]
        for value in (sigma_center, sigma_surround, x0, y0, surround, amplitude)
    )
    x = np.arange(width) - (width - 1) / 2 - x0
    y = (np.arange(height) - (height - 1) / 2)[:, None] - y0
    half_square = 0.5 * (x**2 + y**2)

    def gaussian(sigma):
        return np.exp(-half_square / sigma**2) / (2 * np.pi * sigma**2)

    return amplitude * (gaussian(narrow) - surround * gaussian(wide))


def cosine_basis(n_pixels, n_frequencies):
    r"""Return sampled cosines of unit norm: ``c_k(i) ~ cos(pi k (i + 1/2) / n_frequencies)``, zero-mean for k > 0.

    With as many frequencies as pixels they are the orthonormal DCT-II; with more, an overcomplete dictionary.

    Parameters
    ----------
    n_pixels, n_frequencies : int
        Length of a cosine, number of cosines (at least as many).

    Returns
    -------
    ndarray of shape (n_frequencies, n_pixels)

    References
    ----------
    .. [1] N. Ahmed, T. Natarajan and K. R. Rao, "Discrete cosine transform", IEEE Trans. Comput. C-23, 90-93
       (1974).

    Examples
    --------
    >>> from sparsecode.dictionary.formulas import cosine_basis
    >>> cosine_basis(2, 2).round(3)
    array([[ 0.707,  0.707],
           [ 0.707, -0.707]])
    """
    k = np.arange(n_frequencies)[:, None]
    basis = np.cos(np.pi * k * (np.arange(n_pixels) + 0.5) / n_frequencies)
    basis[1:] -= basis[1:].mean(axis=1, keepdims=True)
    return basis / np.linalg.norm(basis, axis=1, keepdims=True)


def check_shape(shape, *, n_axes=None, name="shape"):
    """Return positive sides as a tuple of ints; an int stands for one axis."""
    sides = np.atleast_1d(np.asarray(shape))
    if sides.dtype.kind not in "iu" or sides.ndim != 1 or not sides.size or sides.min() < 1:
        raise ValueError(f"`{name}` must be positive integers, got {shape!r:.60}.")
    if n_axes is not None and len(sides) != n_axes:
        raise ValueError(f"`{name}` must have {n_axes} sides, got {shape!r:.60}.")
    return tuple(int(side) for side in sides)


def _check_range(name, value, low, high):
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or not ((array > low) & (array < high)).all():
        between = "be finite" if low == -np.inf else f"lie between {low} and {high}, both excluded"
        raise ValueError(f"`{name}` must {between}, got {value!r:.60}.")
