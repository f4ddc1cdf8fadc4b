"""Fit of Gabor functions to atoms or receptive fields by variable projection.

The Gabor function is linear in ``A cos(phi)`` and ``A sin(phi)``: for given other parameters these follow
from a projection on two orthonormal columns, so that only (x0, y0, theta, log sigma_x, log sigma_y, f) are
searched for (Golub and Pereyra 1973, with Kaufman's Jacobian 1975), from several starting points.
"""

import numpy as np

from .._core.parallel import run_chunks
from ._kernels import CYCLES_MIN, LOG_SX, N_PARAMETERS, fit_rows, make_workspace
from ._patches import check_atoms, pixel_coordinates
from .gabor import GaborFit

#: Bounds: centres up to this share of a side from the patch centre, the narrowest envelope in pixels.
CENTRE_REACH = 0.75
SIGMA_MIN = 0.4

N_PEAKS = 3
PADDING = 4  # the spectrum is sampled this many times more finely than the patch
CHUNK_ATOMS = 16


def fit_gabor(atoms, shape=None, *, n_jobs=None):
    r"""Fit a Gabor function to each atom or receptive field.

    For each atom g of n pixels, minimise

        FVU = ||g - A exp(-x'^2/(2 sx^2) - y'^2/(2 sy^2)) cos(2 pi f x' + phi)||^2 / ||g||^2

    over the eight parameters that `gabor` explains.

    Parameters
    ----------
    atoms : array_like of shape (n_atoms, height * width) or (n_atoms, height, width)
        Patches of at least 3 by 3 pixels; computed in float64 whatever their type.
    shape : tuple of 2 int, optional
        Height and width; needed where an atom is a row.
    n_jobs : int, optional
        Threads, as in scikit-learn: None is 1 unless in a `joblib.parallel_config`, -1 is all cores.
        The result does not depend on it.

    Returns
    -------
    GaborFit
        Arrays of shape (n_atoms,). Scaling an atom or changing its sign changes only its amplitude
        and its phase.

    Raises
    ------
    ValueError
        If `atoms` is empty, has the wrong number of dimensions, does not agree with `shape`, or holds NaN
        or infinity.

    See Also
    --------
    gabor : The function itself.
    orientation_coverage : Number of orientations that a dictionary holds.

    Notes
    -----
    The amplitude and the phase enter linearly, as weights of a cosine and a sine column. They are
    eliminated by orthonormalising the two columns (variable projection [2]_). The other six parameters,
    with logarithms of the sigmas, follow from a Levenberg-Marquardt method on Kaufman's approximation of
    the Jacobian [3]_ with analytic derivatives. They are kept in ``|x0| <= 0.75 width``,
    ``|y0| <= 0.75 height``, ``0.4 <= sigma <= max(height, width)`` and ``0.1 / sigma_x <= f <= 0.5``. At
    the lower bound of f an odd function has become the derivative of a Gaussian: a single edge, whose
    frequency and amplitude cannot be told apart.

    The starting points combine the three largest peaks of the zero-padded power spectrum with a wide
    envelope at the centroid and a narrow one at the largest pixel; others have a lower frequency, two of
    them along the axes of the atom's energy. All get a few iterations, the best three are finished, and
    the first that falls below an FVU of 0.05 ends the search, so that white noise costs some six times as
    much as a Gabor function. The minimum may be a local one, mostly where no Gabor function fits.

    Where a Gaussian (f = 0) has an FVU within 0.005 of the best, it is returned: envelope and frequency
    could not be told apart, and the direction of the modulation has no meaning.

    An atom takes at most 350 iterations of O(n): for 144 pixels 0.1 to 0.8 ms on one core.

    References
    ----------
    .. [1] J. P. Jones and L. A. Palmer, "An evaluation of the two-dimensional Gabor filter model of
       simple receptive fields in cat striate cortex", J. Neurophysiol. 58(6), 1233-1258, 1987.
    .. [2] G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
       problems whose variables separate", SIAM J. Numer. Anal. 10(2), 413-432, 1973.
    .. [3] L. Kaufman, "A variable projection method for solving separable nonlinear least squares
       problems", BIT 15, 49-57, 1975.

    Examples
    --------
    >>> from sparsecode.receptive_fields import fit_gabor, gabor
    >>> atom = gabor((12, 12), x0=1, y0=-1, theta=0.5, frequency=0.2, sigma_x=2, sigma_y=3, phase=1)
    >>> fit = fit_gabor(atom[None])
    >>> float(fit.frequency[0].round(3)), float(fit.theta[0].round(3)), float(fit.orientation[0].round(1))
    (0.2, 0.5, 61.4)
    """
    patches = check_atoms(atoms, shape)
    n_atoms, height, width = patches.shape
    parameters = np.full((n_atoms, N_PARAMETERS), np.nan)
    weights = np.full((n_atoms, 2), np.nan)
    fvu = np.ones(n_atoms)
    lower, upper = _bounds(height, width)

    # Dividing by the largest value first lets the norm neither overflow nor vanish.
    peak = np.abs(patches).max(axis=(1, 2))
    alive = np.flatnonzero(peak)
    patches = patches[alive] / peak[alive, None, None]
    norm = np.sqrt((patches**2).sum(axis=(1, 2)))
    patches /= norm[:, None, None]

    def fit_chunk(start, end, stop):
        chunk = patches[start:end]
        starts = _starting_points(chunk, lower, upper)
        work = make_workspace(height, width, starts.shape[1], lower, upper)
        p, w, f = np.empty((end - start, N_PARAMETERS)), np.empty((end - start, 2)), np.empty(end - start)
        fit_rows(chunk.reshape(end - start, -1), starts, p, w, f, work, stop)
        rows = alive[start:end]
        parameters[rows], weights[rows], fvu[rows] = p, w, f

    run_chunks(fit_chunk, len(alive), n_jobs=n_jobs, chunk_rows=CHUNK_ATOMS)
    weights[alive] *= (norm * peak[alive])[:, None]
    return _canonical(parameters, weights, fvu)


def _bounds(height, width):
    """Return the lower and the upper bounds of the six nonlinear parameters."""
    extent = max(height, width)
    x, y, s = CENTRE_REACH * width, CENTRE_REACH * height, np.log(SIGMA_MIN)
    lower = np.array([-x, -y, -np.inf, s, s, 0.0])
    upper = np.array([x, y, np.inf, np.log(extent), np.log(extent), 0.5])
    return lower, upper


def _starting_points(patches, lower, upper):
    """Return points to start from, the most promising first: (n_atoms, 2 N_PEAKS + 3, 6)."""
    n, height, width = patches.shape
    x, y = pixel_coordinates(height, width)
    # The fourth power is blind to noise; that of an envelope has a quarter of its variance.
    weight = patches**4
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    cx, cy = (weight * x).sum(axis=(1, 2)), (weight * y).sum(axis=(1, 2))
    dx, dy = x - cx[:, None, None], y - cy[:, None, None]
    xx, xy, yy = ((weight * product).sum(axis=(1, 2)) for product in (dx * dx, dx * dy, dy * dy))
    wide = np.maximum(2.0 * np.sqrt(0.5 * (xx + yy)), SIGMA_MIN)
    top = np.abs(patches).reshape(n, -1).argmax(axis=1)
    points = []

    def add(px, py, theta, sigma, frequency):
        s = np.clip(np.log(sigma), lower[LOG_SX], upper[LOG_SX])
        frequency = np.clip(frequency, CYCLES_MIN * np.exp(-s), 0.5)
        points.append(np.stack([px, py, theta, s, s, frequency], axis=1))

    peaks = spectral_peaks(patches)
    for frequency, theta in peaks:
        add(cx, cy, theta, wide, frequency)
        add(x[top % width], y[top // width, 0], theta, 0.5 / frequency, frequency)
    add(cx, cy, peaks[0][1], wide, 0.6 * peaks[0][0])
    short_axis = 0.5 * np.arctan2(2.0 * xy, xx - yy) + 0.5 * np.pi
    low = 1.5 * CYCLES_MIN / wide
    add(cx, cy, short_axis, wide, low)
    add(cx, cy, short_axis + 0.5 * np.pi, wide, low)
    return np.ascontiguousarray(np.stack(points, axis=1))


def spectral_peaks(patches):
    """Return (frequency, direction) of the largest peaks of each power spectrum, one pair of arrays a peak."""
    n, height, width = patches.shape
    extent = max(height, width)
    shape = (PADDING * height, PADDING * width)
    power = np.abs(np.fft.rfft2(patches, s=shape)) ** 2
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])
    power[:, np.hypot(fx, fy) < 0.5 / extent] = 0.0  # half a cycle a patch: the mean, not a modulation
    peaks = []
    for _ in range(N_PEAKS):
        row, col = np.divmod(power.reshape(n, -1).argmax(axis=1), power.shape[2])
        py, px = fy[row, 0], fx[col]
        peaks.append((np.maximum(np.hypot(px, py), 0.5 / extent), np.arctan2(py, px)))
        px, py = px[:, None, None], py[:, None, None]
        for sign in (1, -1):  # on the axes a peak and its mirror image are both in this half of the plane
            power[np.hypot(fx - sign * px, fy - sign * py) < 1.0 / extent] = 0.0
    return peaks


def _canonical(parameters, weights, fvu):
    """Return the fit with amplitude > 0, theta in [0, pi), phase in (-pi, pi], and blobs marked as such."""
    x0, y0, angle, log_sx, log_sy, frequency = parameters.T.copy()
    sigma_x, sigma_y = np.exp(log_sx), np.exp(log_sy)
    turns = np.floor(angle / np.pi)
    theta = angle - turns * np.pi
    turns[theta >= np.pi] += 1.0  # an angle just below a multiple of pi is rounded up to it
    theta[theta >= np.pi] = 0.0
    phase = np.arctan2(-weights[:, 1], weights[:, 0])
    phase = np.where(turns % 2 == 1, -phase, phase)  # half a turn reverses x'
    phase = np.where(phase <= -np.pi, np.pi, phase) + 0.0  # no negative zero
    blob = frequency == 0
    theta[blob] = np.nan
    sigma_x[blob], sigma_y[blob] = np.minimum(sigma_x, sigma_y)[blob], np.maximum(sigma_x, sigma_y)[blob]
    amplitude = np.hypot(weights[:, 0], weights[:, 1])
    return GaborFit(x0, y0, theta, frequency, sigma_x, sigma_y, phase, amplitude, fvu)
