"""Gabor functions, their geometry, and the orientations that a population of them covers."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from ._patches import check_shape, pixel_coordinates


class GaborFit(NamedTuple):
    """Gabor parameters of atoms, one entry an atom; all arrays are float64 of shape (n_atoms,).

    An atom that is zero everywhere has fvu 1 and nan in all other fields.

    Attributes
    ----------
    x0, y0 : ndarray
        Centre of the envelope in pixels from the patch centre, x to the right and y down.
    theta : ndarray
        Direction of the modulation in radians, in [0, pi), from x towards y (clockwise on the screen).
        It is nan for a blob: an atom that a Gaussian (frequency 0) fits almost as well.
    frequency : ndarray
        Cycles per pixel: 0 for a blob, else between ``0.1 / sigma_x`` and 0.5.
    sigma_x, sigma_y : ndarray
        Standard deviations of the envelope in pixels, along the modulation and across it. For a blob
        these are its short and its long axis.
    phase : ndarray
        In radians, in (-pi, pi]: 0 and pi are even (bright or dark bar), +-pi/2 odd (edge).
    amplitude : ndarray
        Positive, in units of the atoms; far above their values if the centre lies outside the patch.
    fvu : ndarray
        Fraction of variance unexplained, ``||g - fit||^2 / ||g||^2``, in [0, 1].
    """

    x0: np.ndarray
    y0: np.ndarray
    theta: np.ndarray
    frequency: np.ndarray
    sigma_x: np.ndarray
    sigma_y: np.ndarray
    phase: np.ndarray
    amplitude: np.ndarray
    fvu: np.ndarray

    @property
    def orientation(self):
        """Orientation of the bars in degrees, in [0, 180), as an experimenter would report it.

        Measured anticlockwise on the screen, row 0 on top: 0 is a horizontal bar, 45 rises to the right
        (/), 90 is vertical. Bars are perpendicular to `theta`, and rows grow downwards, so this is
        ``90 - theta`` in degrees, modulo 180; nan for blobs and for zero atoms.
        """
        return orientation_on_screen(self.theta)

    @property
    def nx(self):
        """Cycles per standard deviation of the envelope along the modulation, ``sigma_x * frequency``.

        Without dimension: the number of subfields grows with it. 0 for a blob, nan for a zero atom.
        """
        return self.sigma_x * self.frequency

    @property
    def ny(self):
        """Length of the bars, ``sigma_y * frequency``, in periods; 0 for a blob, nan for a zero atom."""
        return self.sigma_y * self.frequency

    def well_fitted(self, threshold=0.3):
        """Return the mask of atoms with an FVU below `threshold`; 0.2 to 0.4 are usual."""
        return self.fvu < threshold

    def in_nx_ny_plane(self, shape):
        """Return the mask of atoms whose `nx` and `ny` a patch of this shape can tell.

        The centre of the envelope lies within the patch and one period within two of its longer sides,
        ``frequency >= 1 / (2 max(height, width))``. Blobs and zero atoms are not in the plane.
        """
        height, width = check_shape(shape)
        inside = (np.abs(self.x0) <= width / 2) & (np.abs(self.y0) <= height / 2)
        return inside & (self.frequency >= 0.5 / max(height, width))

    def half_width(self, level=0.5):
        """Return the half-width of orientation tuning in degrees, at `level` of the largest response.

        ``atan(c / ny)`` with ``c = sqrt(2 ln(1 / level)) / (2 pi)``, which is 0.187 at half height. The
        response to gratings is a Gaussian of standard deviation ``1 / (2 pi sigma_y)`` across the preferred
        direction, and the half-width is the angle at which it falls to `level` there. Turning a grating
        of constant frequency, as `linear_tuning` does, gives a curve that is 1 to 6 % wider for nx from
        0.45 to 0.7 and ny from 0.45 to 1. nan for blobs and for zero atoms.
        """
        return np.where(np.isnan(self.theta), np.nan, np.rad2deg(np.arctan2(_spectral_reach(level), self.ny)))

    def octaves(self, level=0.5):
        """Return the bandwidth of spatial-frequency tuning in octaves, at `level` of the largest response.

        ``log2((nx + c) / (nx - c))`` with ``c = sqrt(2 ln(1 / level)) / (2 pi)``. inf for a low-pass atom,
        ``nx <= c``, hence for blobs, whose response does not fall to `level` above frequency 0; nan for
        zero atoms. The mirrored lobe of the spectrum is neglected: from nx = 0.35 on that changes half height
        by no more than 0.02 octaves, but for nx = 0.25 the formula says 2.8 octaves, while even functions
        are low-pass and odd ones have 2.3.
        """
        reach = _spectral_reach(level)
        ratio = np.full_like(self.nx, np.inf)
        np.divide(self.nx + reach, self.nx - reach, out=ratio, where=~(self.nx <= reach))
        return np.log2(ratio)


def orientation_on_screen(theta):
    """Return ``90 - theta`` in degrees, modulo 180: the orientation of bars with a modulation in direction theta."""
    degrees = np.mod(90.0 - np.rad2deg(theta), 180.0)
    return np.where(degrees == 180.0, 0.0, degrees)  # a tiny negative angle is rounded up by `mod`


def _spectral_reach(level):
    """Return where the Fourier transform of a Gaussian of standard deviation 1 falls to `level`, in cycles."""
    check_level(level)
    return np.sqrt(2.0 * np.log(1.0 / level)) / (2.0 * np.pi)


def check_level(level):
    """Raise unless `level` is a fraction of the largest response."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be a fraction of the largest response between 0 and 1, got {level!r}")


def gabor(shape, *, x0, y0, theta, frequency, sigma_x, sigma_y, phase, amplitude=1.0):
    r"""Return the Gabor function ``A exp(-x'^2/(2 sx^2) - y'^2/(2 sy^2)) cos(2 pi f x' + phi)`` on a patch.

    The coordinates turn with the modulation: ``x' = (x - x0) cos(theta) + (y - y0) sin(theta)`` and
    ``y' = -(x - x0) sin(theta) + (y - y0) cos(theta)``. All parameters may be arrays, which are broadcast
    against each other.

    Parameters
    ----------
    shape : tuple of 2 int
        Height and width of the patch in pixels.
    x0, y0 : float or array_like
        Centre in pixels from the patch centre: x to the right (columns), y down (rows).
    theta : float or array_like
        Direction of the modulation in radians, as in `skimage.filters.gabor_kernel`: 0 modulates along
        x (vertical bars), pi/2 along y (horizontal bars).
    frequency : float or array_like
        Cycles per pixel.
    sigma_x, sigma_y : float or array_like
        Standard deviations of the envelope in pixels, along x' and along y'.
    phase : float or array_like
        Phase of the cosine at the centre, in radians.
    amplitude : float or array_like, default=1.0
        Height of the envelope.

    Returns
    -------
    ndarray of shape (..., height, width)
        One patch for scalar parameters, else one for each of their entries.

    Raises
    ------
    ValueError
        If `shape` is not two positive integers or a sigma is not positive.

    Examples
    --------
    >>> from sparsecode.receptive_fields import gabor
    >>> bar = gabor((5, 5), x0=0, y0=0, theta=0, frequency=0.25, sigma_x=1, sigma_y=2, phase=0)
    >>> bar[2].round(2)
    array([-0.14,  0.  ,  1.  ,  0.  , -0.14])
    """
    height, width = check_shape(shape)
    names = ("x0", "y0", "theta", "frequency", "sigma_x", "sigma_y", "phase", "amplitude")
    given = (x0, y0, theta, frequency, sigma_x, sigma_y, phase, amplitude)
    columns = [np.asarray(value, dtype=float)[..., None, None] for value in given]
    for name, column in zip(names, columns, strict=True):
        if name.startswith("sigma") and np.any(column <= 0):
            raise ValueError(f"{name} must be positive, got {column.min()}")
    x0, y0, theta, frequency, sigma_x, sigma_y, phase, amplitude = columns
    x, y = pixel_coordinates(height, width)
    dx, dy = x - x0, y - y0
    u = dx * np.cos(theta) + dy * np.sin(theta)
    v = dy * np.cos(theta) - dx * np.sin(theta)
    envelope = np.exp(-0.5 * (u / sigma_x) ** 2 - 0.5 * (v / sigma_y) ** 2)
    return amplitude * envelope * np.cos(2.0 * np.pi * frequency * u + phase)


def orientation_coverage(fit, n_bins=8, fvu=0.3):
    """Return how many of `n_bins` orientation bins hold a well-fitted atom.

    Bins have the same width. They are centred on 0 and 90 degrees, where many atoms lie; if `n_bins` is
    odd and this is impossible, borders stay a quarter of a bin away from both.

    Parameters
    ----------
    fit : GaborFit
    n_bins : int, default=8
        Number of bins from 0 to 180 degrees.
    fvu : float, default=0.3
        Atoms with a fraction of unexplained variance below this count. Blobs have no orientation.

    Returns
    -------
    int
        From 0 to `n_bins`.

    Raises
    ------
    ValueError
        If `n_bins` is less than 1.

    Examples
    --------
    >>> from sparsecode.receptive_fields import fit_gabor, gabor, orientation_coverage
    >>> atoms = gabor(
    ...     (9, 9), x0=0, y0=0, theta=[0.0, 0.1, 1.5], frequency=0.2, sigma_x=2, sigma_y=2, phase=0
    ... )
    >>> orientation_coverage(fit_gabor(atoms))
    2
    """
    if not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins must be an int of at least 1, got {n_bins!r}")
    angles = fit.orientation[fit.well_fitted(fvu) & np.isfinite(fit.theta)]
    width = 180.0 / n_bins
    shift = width / 2 if n_bins % 2 == 0 else width / 4
    return len(np.unique(np.floor((angles + shift) / width).astype(int) % n_bins))
