"""Fit of log-Gabor kernels to atoms by variable projection, many atoms at a time in NumPy."""

from numbers import Real

import numpy as np
from scipy.fft import fft2, ifft2

from ..dictionary.formulas import frequency_mask, log_gabor, window
from ._patches import check_atoms
from .fitting import spectral_peaks
from .log_gabor import LogGaborFit

#: Places of the nonlinear parameters.
X0, Y0, THETA, LOG_B_THETA, LOG_SF_0, LOG_B_SF = range(6)

MIN_SIZE = 4
B_THETA_RANGE = np.deg2rad([1.0, 90.0])
B_SF_RANGE = 0.05, 1.5
SF_0_MAX = 0.499

#: Bandwidths of the candidates from which the search starts, at each of the largest peaks of the spectrum.
B_THETAS = np.deg2rad([6.0, 14.0, 32.0])
B_SFS = 0.25, 0.6

#: The best candidate gets `BURST` trials and, unless its FVU is small then, the next ones too; the best one goes on.
N_STARTS, BURST, GOOD_FVU, MAX_TRIALS = 4, 6, 0.05, 60

#: As in `fit_gabor`: stop when the linear model promises to lower the FVU by less than this share, or it is this small.
PROMISE_FLOOR, FVU_FLOOR = 1e-8, 1e-24

#: Share of its norm below which what an atom has besides its mean is rounding.
CONSTANT = 1e-12

#: Atoms of so many pixels in all are fitted together.
CHUNK_PIXELS = 2**14


def fit_log_gabor(atoms, shape=None, *, sf_0=None, B_sf=None):
    r"""Fit a log-Gabor kernel to each atom or kernel.

    For each atom g, look for the parameters of `sparsecode.dictionary.formulas.log_gabor` and the amplitude A > 0 with
    the least

        FVU = ||g - A log_gabor(size, x0, y0, theta, B_theta, sf_0, B_sf, phase)||^2 / ||g||^2.

    Parameters
    ----------
    atoms : Dictionary, or array_like of shape (n_atoms, size * size) or (n_atoms, size, size)
        Square patches of at least 4 by 4 pixels; computed in float64 whatever their type. Kernels of a Dictionary that
        differ in size are each taken at their true extent.
    shape : tuple of 2 int, optional
        Height and width; needed where an atom is a row.
    sf_0 : float, optional
        Spatial frequency to hold fixed, between ``0.5 / size`` and 0.499 cycles per pixel; None fits it.
    B_sf : float, optional
        Frequency bandwidth to hold fixed, between 0.05 and 1.5; None fits it.

    Returns
    -------
    LogGaborFit
        Arrays of shape (n_atoms,).

    Raises
    ------
    TypeError
        If `sf_0` or `B_sf` is not a number.
    ValueError
        If `atoms` are not square or too small, do not agree with `shape`, or hold NaN or infinity, or a fixed
        parameter is out of range.

    See Also
    --------
    describe_log_gabor : The fit as a table, with widths.
    fit_gabor : The same with Gabor functions.

    Notes
    -----
    Phase and amplitude are the weights of an even and an odd kernel, and the median that the formula takes away is
    the weight of a constant: all three are eliminated (variable projection [2]_, with Kaufman's Jacobian), and a
    Levenberg-Marquardt method looks for the other parameters. Candidates are the peaks of the spectrum of the atom
    with three orientation and two frequency bandwidths each, placed where they correlate best. The four with the least
    FVU get a few iterations, one after the other until one of them is below 0.05, and the best is finished. What is
    returned is the FVU of the published formula, median and all, with these parameters.

    With ``sf_0=0.4, B_sf=0.4`` it is the fit that Ladret et al. [1]_ made to learned kernels, but for their threshold
    on small pixels and with the centre free.

    An orientation bandwidth below the angle between two frequencies of the grid, ``1 / (size f)``, hardly changes a
    kernel: there it depends on few digits of the atom.

    The minimum may be a local one, mostly where no log-Gabor kernel fits. O(size^2 log size) an iteration; 144 pixels
    take 0.7 to 1.5 ms on one core.

    References
    ----------
    .. [1] H. J. Ladret, C. Casanova and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural
       images representations", Neuromorph. Comput. Eng. 4(3), 034004 (2024).
    .. [2] G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
       problems whose variables separate", SIAM J. Numer. Anal. 10(2), 413-432, 1973.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.receptive_fields import fit_log_gabor
    >>> fit = fit_log_gabor(Dictionary.log_gabor(12, theta=0.5, B_theta=0.3, phase=1.0))
    >>> np.round([fit.theta[0], fit.B_theta[0], fit.phase[0], fit.sf_0[0], fit.B_sf[0]], 3).tolist()
    [0.5, 0.3, 1.0, 0.4, 0.4]
    """
    if getattr(atoms, "shapes", None) is not None:
        return _fit_by_size(atoms, sf_0=sf_0, B_sf=B_sf)
    patches = check_atoms(atoms, shape)
    n_atoms, size, width = patches.shape
    if size != width or size < MIN_SIZE:
        raise ValueError(
            f"log-Gabor kernels are square, of at least {MIN_SIZE} by {MIN_SIZE} pixels, but the atoms have {size} by "
            f"{width}; cut or pad them."
        )
    problem = _Problem(size, sf_0, B_sf)
    peak = np.abs(patches).max(axis=(1, 2))
    patches /= np.where(peak > 0, peak, 1.0)[:, None, None]  # norms neither overflow nor vanish
    centered = patches - patches.mean(axis=(1, 2), keepdims=True)
    norm = np.sqrt(_sum(centered.reshape(n_atoms, -1), 2))
    alive = np.flatnonzero(norm > CONSTANT * np.sqrt(_sum(patches.reshape(n_atoms, -1), 2)))
    fit = np.full((9, n_atoms), np.nan)
    fit[8] = 1.0
    step = max(1, CHUNK_PIXELS // size**2)
    for start in range(0, len(alive), step):
        rows = alive[start : start + step]
        p, phase = problem.fit(centered[rows] / norm[rows, None, None])
        fit[:, rows] = _canonical(patches[rows], p, phase)
    fit[7] *= peak
    return LogGaborFit(*fit)


def _fit_by_size(dictionary, **fixed):
    """Return the fit of kernels of different sizes, each at its true extent."""
    fit = np.empty((len(LogGaborFit._fields), len(dictionary)))
    for extent in np.unique(dictionary.shapes, axis=0):
        rows = np.flatnonzero((dictionary.shapes == extent).all(axis=1))
        fit[:, rows] = fit_log_gabor(dictionary.select(rows).cropped(), **fixed)
    return LogGaborFit(*fit)


class _Problem:
    """Log-Gabor kernels of one size as functions of their nonlinear parameters."""

    def __init__(self, size, sf_0, B_sf):
        self.size = size
        self.lower = np.array([-size / 2, -size / 2, -np.inf, *np.log([B_THETA_RANGE[0], 0.5 / size, B_SF_RANGE[0]])])
        self.upper = np.array([size / 2, size / 2, np.inf, *np.log([B_THETA_RANGE[1], SF_0_MAX, B_SF_RANGE[1]])])
        for place, name, value in ((LOG_SF_0, "sf_0", sf_0), (LOG_B_SF, "B_sf", B_sf)):
            if value is not None:
                self.lower[place] = self.upper[place] = self._log(name, value, place)
        self.free = np.flatnonzero(self.lower < self.upper)
        fx = np.fft.fftfreq(size)
        fx, fy = (grid.ravel() for grid in np.meshgrid(fx, fx))
        f = np.hypot(fx, fy)
        self.used = np.flatnonzero((f > 0) & (f < 0.5))
        self.fx, self.fy, f = fx[self.used], fy[self.used], f[self.used]
        self.row, self.column = np.divmod(self.used, size)
        self.log_f, self.direction = np.log(f), np.stack([self.fx, self.fy]) / f
        self.log_gain = np.log(frequency_mask(f, size)) - self.log_f
        self.window = window(size).ravel()

    def _log(self, name, value, place):
        if not isinstance(value, Real) or isinstance(value, bool):
            raise TypeError(f"`{name}` must be a number or None, got {type(value).__name__}.")
        low, high = np.exp([self.lower[place], self.upper[place]])
        if not low * (1 - 1e-12) <= value <= high * (1 + 1e-12):
            raise ValueError(f"`{name}` must lie between {low:.3g} and {high:.3g} for kernels of {self.size} pixels, "
                             f"or be None, got {value!r}.")  # fmt: skip
        return np.log(value)

    def envelopes(self, p):
        """Return spectra of largest size 1, and the derivatives of their logarithms by the six parameters."""
        x0, y0, theta, log_B_theta, log_sf_0, log_B_sf = p.T[:, :, None]
        by_B_theta, by_B_sf = np.exp(-2 * log_B_theta), np.exp(-2 * log_B_sf)
        c, s, octave = np.cos(theta), np.sin(theta), self.log_f - log_sf_0
        along = (c * self.direction[0] + s * self.direction[1] - 1.0) * by_B_theta
        logarithm = self.log_gain + along - 0.5 * octave**2 * by_B_sf
        logarithm -= logarithm.max(axis=1, keepdims=True)
        turns = -2j * np.pi * np.fft.fftfreq(self.size)
        across, down = (np.exp(turns * (offset + self.size // 2)) for offset in (x0, y0))
        Z = np.exp(logarithm) * across[:, self.column] * down[:, self.row]

        by_theta = (c * self.direction[1] - s * self.direction[0]) * by_B_theta
        by_sf_0 = octave * by_B_sf
        slopes = -2j * np.pi * self.fx, -2j * np.pi * self.fy, by_theta, -2.0 * along, by_sf_0, octave * by_sf_0
        return Z, slopes

    def kernels(self, Z):
        """Return complex kernels of spectra, without window: (..., n_pixels)."""
        spectrum = np.zeros((*Z.shape[:-1], self.size * self.size), complex)
        spectrum[..., self.used] = Z
        return ifft2(spectrum.reshape(*Z.shape[:-1], self.size, self.size), overwrite_x=True).reshape(spectrum.shape)

    def centered(self, z):
        """Return windowed real parts of kernels, less their means."""
        z = z * self.window
        z -= z.mean(axis=-1, keepdims=True)
        return z

    def project(self, g, p):
        """Return FVU, residuals, two orthonormal columns (n, 2, n_pixels), complex weights, spectra and their slopes.

        The model is ``Re(weight z)`` for the complex kernel z.
        """
        Z, slopes = self.envelopes(p)
        z = self.kernels(Z)
        first, second = self.centered(z.real), self.centered(z.imag)
        norm = np.sqrt(_sum(first, 2))
        inverse = np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)
        shared = inverse**2 * _sum(first * second)
        first, second = first * inverse[:, None], second - shared[:, None] * first
        square = _sum(second, 2)
        usable = square > 1e-14 * norm**2
        inverse2 = np.divide(1.0, np.sqrt(square), out=np.zeros_like(square), where=usable)
        second = second * inverse2[:, None]
        along1, along2 = _sum(first * g), _sum(second * g)
        residual = g - along1[:, None] * first - along2[:, None] * second
        b = along2 * inverse2
        a = along1 * inverse - shared * b
        return _sum(residual, 2), residual, np.stack([first, second], axis=1), a - 1j * b, Z, slopes

    def linearise(self, state):
        """Return the normal matrices and the downhill directions of the free parameters."""
        _, residual, columns, weight, Z, slopes = state
        weighted = weight[:, None] * Z
        J = self.centered(self.kernels(np.stack([weighted * slopes[place] for place in self.free], axis=1)).real)
        J = J - (J @ columns.transpose(0, 2, 1)) @ columns
        return J @ J.transpose(0, 2, 1), (J @ residual[:, :, None])[:, :, 0]

    def improve(self, g, p, n_trials):
        """Take up to `n_trials` Levenberg-Marquardt trials for each row; return the parameters and the FVU."""
        p = p.copy()
        state = self.project(g, p)
        fvu = state[0]
        N, d = self.linearise(state)
        damping, growth, busy = np.full(len(p), 1e-2), np.full(len(p), 2.0), np.arange(len(p))
        for _ in range(n_trials):
            step, promise = self._damped_step(p[busy], N[busy], d[busy], damping[busy])
            go = (promise > PROMISE_FLOOR * fvu[busy]) & (fvu[busy] > FVU_FLOOR)
            busy, step, promise = busy[go], step[go], promise[go]
            if not busy.size:
                break
            trial = p[busy]
            trial[:, self.free] += step
            trial = np.clip(trial, self.lower, self.upper)
            state = self.project(g[busy], trial)
            better = state[0] < fvu[busy]
            rows = busy[better]
            gain = 2.0 * (fvu[rows] - state[0][better]) / promise[better] - 1.0
            damping[rows] *= np.maximum(1.0 / 3.0, 1.0 - gain**3)
            growth[rows] = 2.0
            p[rows], fvu[rows] = trial[better], state[0][better]
            if rows.size:
                N[rows], d[rows] = self.linearise(_rows_of(state, better))
            damping[busy[~better]] *= growth[busy[~better]]
            growth[busy[~better]] *= 2.0
        return p, fvu

    def _damped_step(self, p, N, d, damping):
        """Return the damped steps, and the fall of the FVU that the linear model promises; bounds hold parameters."""
        low, high, at = self.lower[self.free], self.upper[self.free], p[:, self.free]
        moves = ~(((at <= low) & (d < 0)) | ((at >= high) & (d > 0)))
        d = d * moves
        diagonal = np.diagonal(N, axis1=1, axis2=2)
        scale = damping[:, None] * np.maximum(diagonal, 1e-12 * diagonal.max(axis=1, keepdims=True) + 1e-300)
        A = N * (moves[:, :, None] & moves[:, None, :])
        places = np.arange(A.shape[1])
        A[:, places, places] = diagonal + scale
        step = np.linalg.solve(A, d[:, :, None])[:, :, 0]
        return step, (step * (d + scale * step)).sum(axis=1)

    def fit(self, patches):
        """Return the nonlinear parameters and the phases of unit patches with mean 0."""
        n = len(patches)
        rows = patches.reshape(n, -1)
        starts = self.starts(patches)
        best = np.argsort(
            self.project(np.repeat(rows, starts.shape[1], axis=0), starts.reshape(-1, 6))[0].reshape(n, -1)
        )
        starts = np.take_along_axis(starts, best[:, :N_STARTS, None], axis=1)
        p, fvu = self.improve(rows, starts[:, 0], BURST)
        for k in range(1, N_STARTS):
            hard = np.flatnonzero(fvu >= GOOD_FVU)
            found, values = self.improve(rows[hard], starts[hard, k], BURST)
            better = values < fvu[hard]
            p[hard[better]], fvu[hard[better]] = found[better], values[better]
        p, _ = self.improve(rows, p, MAX_TRIALS)
        return p, np.angle(self.project(rows, p)[3])

    def starts(self, patches):
        """Return candidates at the peaks of the spectra, of several bandwidths: (n, n_candidates, 6)."""
        n = len(patches)
        fixed = self.lower == self.upper
        B_sfs = [np.exp(self.lower[LOG_B_SF])] if fixed[LOG_B_SF] else B_SFS
        grid = []
        for frequency, theta in spectral_peaks(patches):
            for B_sf in B_sfs:
                for B_theta in B_THETAS:
                    p = np.zeros((n, 6))
                    p[:, THETA], p[:, LOG_B_THETA], p[:, LOG_B_SF] = theta, np.log(B_theta), np.log(B_sf)
                    p[:, LOG_SF_0] = np.log(frequency) + B_sf**2
                    grid.append(np.clip(p, self.lower, self.upper))
        grid = np.stack(grid, axis=1)
        Z, _ = self.envelopes(grid.reshape(-1, 6))
        spectra = fft2(patches).reshape(n, 1, -1)[..., self.used]
        matched = np.zeros((n, grid.shape[1], self.size**2), complex)
        matched[..., self.used] = spectra * Z.reshape(n, grid.shape[1], -1).conj()
        place = np.abs(ifft2(matched.reshape(*grid.shape[:2], self.size, self.size))).reshape(matched.shape).argmax(-1)
        offsets = np.fft.fftfreq(self.size, 1 / self.size)
        grid[..., Y0], grid[..., X0] = offsets[place // self.size], offsets[place % self.size]
        return grid


def _canonical(patches, p, phase):
    """Return the nine rows of a fit, with amplitude > 0, theta in [0, pi) and phase in (-pi, pi]."""
    x0, y0, theta, log_B_theta, log_sf_0, log_B_sf = p.T
    turns = np.floor(theta / np.pi)
    theta = theta - turns * np.pi
    turns[theta >= np.pi] += 1.0
    theta[theta >= np.pi] = 0.0
    phase = np.where(turns % 2 == 1, -phase, phase)  # half a turn reverses the modulation
    B_theta, sf_0, B_sf = np.exp(log_B_theta), np.exp(log_sf_0), np.exp(log_B_sf)
    size = patches.shape[1]
    kernels = log_gabor(size, theta=theta, B_theta=B_theta, sf_0=sf_0, B_sf=B_sf, phase=phase, x0=x0, y0=y0)
    kernels, rows = kernels.reshape(len(p), -1), patches.reshape(len(p), -1)
    amplitude = _sum(kernels * rows) / _sum(kernels, 2)
    phase = np.where(amplitude < 0, phase + np.pi, phase)  # only where the mean of an atom outweighs all else
    residual = rows - amplitude[:, None] * kernels
    phase = np.pi - np.mod(np.pi - phase, 2 * np.pi) + 0.0
    fvu = np.minimum(_sum(residual, 2) / _sum(rows, 2), 1.0)
    return np.stack([x0, y0, theta, B_theta, sf_0, B_sf, phase, np.abs(amplitude), fvu])


def _rows_of(state, mask):
    *arrays, slopes = state
    slopes = [slope if slope.ndim == 1 else slope[mask] for slope in slopes]
    return *(array[mask] for array in arrays), slopes


def _sum(rows, power=1):
    return (rows if power == 1 else np.square(rows)).sum(axis=1)
