"""Ways to make a bank of kernels from formulas: every parameter is a coordinate."""

import functools

import numpy as np

from . import formulas

#: Periods of the carrier that a side of a kernel holds where the size follows the frequency.
PERIODS = 4.8


class Banks:
    """The class methods of `Dictionary` that make one from formulas in space or frequency."""

    @classmethod
    def gabor(cls, shape, *, theta, frequency, sigma_x, sigma_y, x0=0.0, y0=0.0, phase=0.0, amplitude=1.0):
        """Return Gabor functions; see `sparsecode.receptive_fields.gabor` for the formula.

        Parameters may be arrays, which are broadcast against each other; there is one atom for each entry.

        Parameters
        ----------
        shape : tuple of 2 int
            Height and width in pixels.
        theta : float or array_like
            Direction of the modulation in radians: 0 modulates along x (vertical bars).
        frequency : float or array_like
            Cycles per pixel.
        sigma_x, sigma_y : float or array_like
            Standard deviations of the envelope in pixels, along the modulation and across it.
        x0, y0 : float or array_like, default=0.0
            Centre in pixels from the patch centre, x to the right and y down.
        phase : float or array_like, default=0.0
            In radians; 0 is even.
        amplitude : float or array_like, default=1.0

        Returns
        -------
        Dictionary
            With the parameters as coordinates.

        Raises
        ------
        ValueError
            If a parameter is out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> theta, phase = np.meshgrid(np.linspace(0, np.pi, 4, endpoint=False), [0, np.pi / 2], indexing="ij")
        >>> pairs = Dictionary.gabor((9, 9), theta=theta, phase=phase, frequency=0.2, sigma_x=2, sigma_y=2)
        >>> len(pairs), pairs.coords["phase"][:3].round(2)
        (8, array([0.  , 1.57, 0.  ]))
        """
        from ..receptive_fields import gabor

        return cls._of_formula(
            gabor, shape, x0=x0, y0=y0, theta=theta, frequency=frequency, sigma_x=sigma_x, sigma_y=sigma_y,
            phase=phase, amplitude=amplitude,
        )  # fmt: skip

    @classmethod
    def log_gabor(cls, size, *, theta, B_theta, sf_0=0.4, B_sf=0.4, phase=0.0, normalization="max"):
        """Return log-Gabor kernels; see `sparsecode.dictionary.formulas.log_gabor` for the formula.

        Parameters may be arrays, which are broadcast against each other; there is one atom for each entry.

        Parameters
        ----------
        size : int
            Side of the square kernel in pixels, at least 4.
        theta : float or array_like
            Direction of the modulation in radians: 0 modulates along x (vertical bars).
        B_theta : float or array_like
            Orientation bandwidth in radians (standard deviation).
        sf_0 : float or array_like, default=0.4
            Spatial frequency in cycles per pixel.
        B_sf : float or array_like, default=0.4
            Frequency bandwidth: standard deviation of the natural logarithm of the frequency.
        phase : float or array_like, default=0.0
            In radians; 0 is even.
        normalization : {"max", "l2"} or None, default="max"
            Whether the largest absolute value or the Euclidean norm of a kernel becomes 1.

        Returns
        -------
        Dictionary
            With the parameters as coordinates.

        Raises
        ------
        TypeError
            If `size` is not an int.
        ValueError
            If a parameter is out of range.

        See Also
        --------
        log_gabor_bank : All combinations of orientations, bandwidths, frequencies and phases.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> Dictionary.log_gabor(12, theta=np.linspace(0, np.pi, 8, endpoint=False), B_theta=0.2, normalization="l2")
        Dictionary(8 atoms of 12 x 12, float64, coords: sf_0, B_sf, theta, B_theta, phase)
        """
        formula = functools.partial(formulas.log_gabor, normalization=normalization)
        return cls._of_formula(formula, size, sf_0=sf_0, B_sf=B_sf, theta=theta, B_theta=B_theta, phase=phase)

    @classmethod
    def log_gabor_bank(
        cls, size=12, *, n_orientations=12, B_theta=None, sf_0=0.4, B_sf=0.4, phase=(0.0, np.pi / 2),
        normalization="max",
    ):  # fmt: skip
        r"""Return all combinations of evenly spaced orientations, bandwidths, spatial frequencies and phases.

        The defaults are the heterogeneous bank of Ladret et al. [1]_; ``n_orientations=72, B_theta=np.pi / 15`` is
        their homogeneous one, of as many kernels.

        Parameters
        ----------
        size : int, sequence of int, or None, default=12
            Side of the square kernels in pixels, at least 4: one for all, one for each of `sf_0`, or None for sides of
            ``4.8 / sf_0`` (12 for 0.4), rounded to an even number.
        n_orientations : int, default=12
            Directions of the modulation, ``theta = pi k / n_orientations``.
        B_theta : float, sequence of float, or None, default=None
            Orientation bandwidths in radians. None stands for 5, 10, 15, 20, 25 and 30 degrees.
        sf_0 : float or sequence of float, default=0.4
            Spatial frequencies in cycles per pixel.
        B_sf : float, default=0.4
            Frequency bandwidth: standard deviation of the natural logarithm of the frequency.
        phase : float or sequence of float, default=(0, pi / 2)
            In radians; 0 is even.
        normalization : {"max", "l2"} or None, default="max"
            As in `log_gabor`. "max" is as published, but a weight of a penalty then acts on each kernel in its own
            way: norms of the heterogeneous bank are between 1.5 and 3.9. "l2" treats all alike.

        Returns
        -------
        Dictionary
            Ordered by frequency, then theta, B_theta and phase, which varies fastest. With the parameters as
            coordinates, and `shapes` where kernels differ in size.

        Raises
        ------
        TypeError, ValueError
            As `log_gabor`, and if there is not one size for each frequency.

        References
        ----------
        .. [1] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural
           images representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import Dictionary
        >>> heterogeneous = Dictionary.log_gabor_bank()
        >>> heterogeneous
        Dictionary(144 atoms of 12 x 12, float64, coords: sf_0, B_sf, theta, B_theta, phase)
        >>> len(Dictionary.log_gabor_bank(n_orientations=72, B_theta=np.pi / 15))
        144
        >>> np.rad2deg(heterogeneous.coords["B_theta"].reshape(12, 6, 2)[0, :, 0]).round(1)
        array([ 5., 10., 15., 20., 25., 30.])
        >>> octaves = Dictionary.log_gabor_bank(None, n_orientations=8, sf_0=[0.4, 0.2, 0.1])
        >>> octaves.shapes[:, 0].tolist() == [12] * 96 + [24] * 96 + [48] * 96
        True
        """
        (n_orientations,) = formulas.check_shape(n_orientations, n_axes=1, name="n_orientations")
        bandwidths = np.pi / 36 * np.arange(1, 7) if B_theta is None else _list_of_numbers("B_theta", B_theta)
        frequencies, phases = _list_of_numbers("sf_0", sf_0), _list_of_numbers("phase", phase)
        sizes = _sizes(size, frequencies)
        thetas = np.linspace(0, np.pi, n_orientations, endpoint=False)
        theta, B_theta, phase = np.meshgrid(thetas, bandwidths, phases, indexing="ij")
        first, *others = (
            cls.log_gabor(
                side, theta=theta, B_theta=B_theta, phase=phase, sf_0=frequency, B_sf=B_sf, normalization=normalization
            )
            for side, frequency in zip(sizes, frequencies, strict=True)
        )
        return first.concat(*others)

    @classmethod
    def difference_of_gaussians(
        cls, shape, *, sigma_center, sigma_surround, x0=0.0, y0=0.0, surround=1.0, amplitude=1.0
    ):
        """Return centre-surround fields; see `sparsecode.dictionary.formulas.difference_of_gaussians`.

        Parameters may be arrays, which are broadcast against each other; there is one atom for each entry.

        Parameters
        ----------
        shape : tuple of 2 int
            Height and width in pixels.
        sigma_center, sigma_surround : float or array_like
            Standard deviations in pixels; that of the surround is the larger one.
        x0, y0 : float or array_like, default=0.0
            Centre in pixels from the patch centre, x to the right and y down.
        surround : float or array_like, default=1.0
            Volume of the surround relative to the centre's.
        amplitude : float or array_like, default=1.0
            Positive for ON centres, negative for OFF centres.

        Returns
        -------
        Dictionary
            With the parameters as coordinates.

        Raises
        ------
        ValueError
            If a parameter is out of range.

        Examples
        --------
        >>> from sparsecode import Dictionary
        >>> on_off = Dictionary.difference_of_gaussians((9, 9), sigma_center=1, sigma_surround=2, amplitude=[1, -1])
        >>> on_off.atoms[:, 4, 4].round(3)
        array([ 0.119, -0.119])
        """
        return cls._of_formula(
            formulas.difference_of_gaussians, shape, x0=x0, y0=y0, sigma_center=sigma_center,
            sigma_surround=sigma_surround, surround=surround, amplitude=amplitude,
        )  # fmt: skip

    @classmethod
    def _of_formula(cls, formula, shape, **parameters):
        columns = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in parameters.values()))
        coords = {name: column.ravel() for name, column in zip(parameters, columns, strict=True)}
        return cls(formula(shape, **coords), coords=coords)


def _list_of_numbers(name, values):
    array = np.atleast_1d(np.asarray(values))
    if array.dtype.kind not in "iuf" or array.ndim != 1 or not array.size:
        raise ValueError(f"`{name}` must be a number or a sequence of numbers, got {values!r:.60}.")
    return array.astype(float)


def _sizes(size, frequencies):
    """Return the side of the kernels of each frequency."""
    if size is None:
        with np.errstate(divide="ignore"):
            sides = PERIODS / frequencies
        if not (np.isfinite(sides) & (sides > 0)).all():
            raise ValueError(f"`sf_0` must lie between 0 and 0.5, both excluded, got {frequencies.tolist()!r:.60}.")
        return [max(4, 2 * round(side / 2)) for side in sides]
    if np.ndim(size) == 0:
        return [size] * len(frequencies)
    if len(size) != len(frequencies):
        raise ValueError(
            f"`size` must be one int, or one for each of the {len(frequencies)} entries of `sf_0`, got {size!r:.60}."
        )
    return [int(side) if isinstance(side, np.integer) else side for side in size]
