"""What a fit of log-Gabor kernels returns, and its description as a table."""

from typing import NamedTuple

import numpy as np

from .gabor import check_level, orientation_on_screen

#: Units and meanings of the measures of a log-Gabor kernel.
MEASURES = {
    "x0": ("pixel", "centre of the kernel, to the right of pixel size // 2"),
    "y0": ("pixel", "centre of the kernel, below pixel size // 2"),
    "theta": ("rad", "direction of the modulation, clockwise from the x axis"),
    "B_theta": ("rad", "orientation bandwidth: standard deviation of the von Mises function"),
    "sf_0": ("cycles/pixel", "spatial frequency of the formula"),
    "B_sf": ("1", "frequency bandwidth: standard deviation of the natural logarithm of the frequency"),
    "phase": ("rad", "phase at the centre"),
    "amplitude": ("1", "largest absolute value of the log-Gabor kernel, in units of the atoms"),
    "fvu": ("1", "fraction of variance that the log-Gabor kernel leaves unexplained"),
    "peak_frequency": ("cycles/pixel", "frequency at which the envelope is largest"),
    "orientation": ("degree", "orientation of the bars, anticlockwise from horizontal"),
    "orientation_bandwidth": ("degree", "B_theta in degrees"),
    "half_width": ("degree", "half-width of the envelope in direction"),
    "octaves": ("octave", "bandwidth of the envelope in frequency"),
}


class LogGaborFit(NamedTuple):
    """Log-Gabor parameters of atoms, one entry an atom; all arrays are float64 of shape (n_atoms,).

    An atom that is constant has fvu 1 and nan in all other fields.

    Attributes
    ----------
    x0, y0 : ndarray
        Centre in pixels from pixel ``size // 2``, x to the right and y down.
    theta : ndarray
        Direction of the modulation in radians, in [0, pi), from x towards y.
    B_theta : ndarray
        Orientation bandwidth in radians, between 1 and 90 degrees.
    sf_0 : ndarray
        Spatial frequency in cycles per pixel, between ``0.5 / size`` and 0.499.
    B_sf : ndarray
        Frequency bandwidth, between 0.05 and 1.5.
    phase : ndarray
        In radians, in (-pi, pi]: 0 and pi are even, +-pi/2 odd.
    amplitude : ndarray
        Positive, in units of the atoms: the factor on the kernel of largest absolute value 1.
    fvu : ndarray
        Fraction of variance unexplained, ``||g - fit||^2 / ||g||^2``, in [0, 1].
    """

    x0: np.ndarray
    y0: np.ndarray
    theta: np.ndarray
    B_theta: np.ndarray
    sf_0: np.ndarray
    B_sf: np.ndarray
    phase: np.ndarray
    amplitude: np.ndarray
    fvu: np.ndarray

    @property
    def orientation(self):
        """Orientation of the bars in degrees, in [0, 180), as in `GaborFit.orientation`."""
        return orientation_on_screen(self.theta)

    @property
    def peak_frequency(self):
        """Frequency at which the envelope is largest, ``sf_0 exp(-B_sf^2)``, in cycles per pixel.

        A Gabor function fitted to the kernel has about the frequency sf_0, in the middle of a spectrum that is skewed.
        """
        return self.sf_0 * np.exp(-np.square(self.B_sf))

    def well_fitted(self, threshold=0.3):
        """Return the mask of atoms with an FVU below `threshold`."""
        return self.fvu < threshold

    def half_width(self, level=0.5):
        """Return the half-width in degrees at which the von Mises function falls to `level` of its largest value.

        ``arccos(1 + B_theta^2 ln(level))``, about 1.18 B_theta at half height; nan where it never falls so low.
        """
        check_level(level)
        cosine = 1.0 + np.square(self.B_theta) * np.log(level)
        return np.rad2deg(np.arccos(np.where(cosine >= -1.0, cosine, np.nan)))

    def octaves(self, level=0.5):
        """Return the width in octaves in which the envelope is above `level` of its largest value.

        ``2 B_sf sqrt(2 ln(1 / level)) / ln 2``, which is 3.40 B_sf at half height.
        """
        check_level(level)
        return 2.0 * self.B_sf * np.sqrt(2.0 * np.log(1.0 / level)) / np.log(2.0)


def describe_log_gabor(atoms, shape=None, *, sf_0=None, B_sf=None, level=0.5):
    r"""Return the log-Gabor parameters of atoms and what follows from them, an entry an atom, as an xarray Dataset.

    Parameters
    ----------
    atoms : Dictionary, or array_like of shape (n_atoms, size * size) or (n_atoms, size, size)
        Square patches of at least 4 by 4 pixels.
    shape : tuple of 2 int, optional
        Height and width; needed where an atom is a row.
    sf_0, B_sf : float, optional
        Parameters to hold fixed, as in `fit_log_gabor`.
    level : float, default=0.5
        Share of the largest value of the envelope at which widths are measured.

    Returns
    -------
    xarray.Dataset
        By "atom": the parameters of `LogGaborFit`, fvu, peak_frequency, orientation, orientation_bandwidth (B_theta in
        degrees), half_width and octaves. Units are in ``attrs["units"]`` of each.

    Raises
    ------
    TypeError, ValueError
        As `fit_log_gabor`; or if `level` is not between 0 and 1.

    See Also
    --------
    fit_log_gabor : The fit, with its cost.
    describe_receptive_fields : The same of Gabor functions, with tuning to gratings.

    Examples
    --------
    The histogram of orientation bandwidths, of atoms that the formula describes:

    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.receptive_fields import describe_log_gabor
    >>> bank = Dictionary.log_gabor_bank(n_orientations=4)
    >>> table = describe_log_gabor(bank)
    >>> good = table.isel(atom=table.fvu < 0.3)
    >>> np.histogram(good.orientation_bandwidth, np.arange(2.5, 35, 5))[0].tolist()
    [8, 8, 8, 8, 8, 8]
    """
    import xarray as xr

    from .log_gabor_fitting import fit_log_gabor

    check_level(level)
    fit = fit_log_gabor(atoms, shape, sf_0=sf_0, B_sf=B_sf)
    own = {
        "orientation_bandwidth": np.rad2deg(fit.B_theta),
        "half_width": fit.half_width(level),
        "octaves": fit.octaves(level),
    }
    variables = {
        name: ("atom", own[name] if name in own else getattr(fit, name), {"units": units, "long_name": text})
        for name, (units, text) in MEASURES.items()
    }
    return xr.Dataset(variables, attrs={"level": float(level)})
