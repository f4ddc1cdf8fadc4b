"""Gabor fitting kernels: variable projection and bounded Levenberg-Marquardt; `fit_gabor` has the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel

#: Places of the nonlinear parameters.
X0, Y0, THETA, LOG_SX, LOG_SY, FREQUENCY = range(6)
N_PARAMETERS = 6

#: Rows of `Workspace.columns` behind those of the six derivatives.
FIRST, SECOND, RESIDUAL = 6, 7, 8

#: Each start first gets this many Levenberg-Marquardt trials; then only the best `N_FINALISTS` go on. For a
#: plain int as an argument, Numba would compile one version a value.
BURST = np.int64(12)
MAX_TRIALS = np.int64(60)
N_FINALISTS = 3
FIRST_DAMPING = 1e-2

#: A start that comes below this FVU is finished at once and the other starts are not tried.
GOOD_FVU = 0.05

#: A Gaussian whose FVU is higher than that of the Gabor function by no more than this takes its place (a
#: blob). It is tried below so many cycles per sigma only: from there on the side lobes are far too strong.
BLOB_MARGIN = 0.005
BLOB_CYCLES = 0.35

#: Fewest cycles per sigma_x of what is not a blob. From here down an even function is a Gaussian and an odd
#: one its derivative, whatever the frequency, while the amplitude would grow without end. The rounding is
#: that of the bound itself.
CYCLES_MIN = 0.1
BOUND_ROUNDING = 1e-9

#: Stop when the linear model promises to lower the FVU by less than this share, or the FVU is this small.
PROMISE_FLOOR = 1e-8
FVU_FLOOR = 1e-24

#: A squared norm at or below this share of that of the cosine column counts as zero.
RANK_FLOOR = 1e-14


class Workspace(NamedTuple):
    """Work arrays of one thread for patches of n pixels."""

    x: np.ndarray  # (n,) pixel coordinates, origin at the patch centre
    y: np.ndarray
    even: np.ndarray  # (n,) envelope times cosine
    odd: np.ndarray  # (n,) envelope times sine
    columns: np.ndarray  # (9, n) six derivatives of the model, two orthonormal columns, residual
    weight: np.ndarray  # (2,) amplitudes of `even` and `odd`
    normal: np.ndarray  # (6, 6) normal matrix
    factor: np.ndarray  # (6, 6) Cholesky factor of the damped normal matrix
    descent: np.ndarray  # (6,) half the downhill gradient of the FVU
    free: np.ndarray  # (6,) 0 where a bound holds a parameter, else 1
    scale: np.ndarray  # (6,) damping of each parameter
    step: np.ndarray  # (6,)
    trial: np.ndarray  # (6,)
    lower: np.ndarray  # (6,) bounds
    upper: np.ndarray
    blob: np.ndarray  # (6,)
    fvu: np.ndarray  # (n_starts,) progress of each start
    damping: np.ndarray


def make_workspace(height, width, n_starts, lower, upper):
    """Allocate the work arrays; the bounds are copied, since a kernel moves them for a while."""
    n = height * width
    rows, cols = np.divmod(np.arange(n), width)
    return Workspace(
        x=cols - (width - 1) / 2,
        y=rows - (height - 1) / 2,
        even=np.empty(n),
        odd=np.empty(n),
        columns=np.empty((9, n)),
        weight=np.empty(2),
        normal=np.empty((N_PARAMETERS, N_PARAMETERS)),
        factor=np.empty((N_PARAMETERS, N_PARAMETERS)),
        descent=np.empty(N_PARAMETERS),
        free=np.empty(N_PARAMETERS),
        scale=np.empty(N_PARAMETERS),
        step=np.empty(N_PARAMETERS),
        trial=np.empty(N_PARAMETERS),
        lower=np.array(lower, dtype=float),
        upper=np.array(upper, dtype=float),
        blob=np.empty(N_PARAMETERS),
        fvu=np.empty(n_starts),
        damping=np.empty(n_starts),
    )


def _dot(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


def _project(atom, p, work):
    """Fit the two linear amplitudes for the parameters p; return the FVU of the unit-norm atom.

    Leaves the orthonormal columns, the residual and the amplitudes in `work`.
    """
    even, odd, weight = work.even, work.odd, work.weight
    first, second, residual = work.columns[FIRST], work.columns[SECOND], work.columns[RESIDUAL]
    c, s = np.cos(p[THETA]), np.sin(p[THETA])
    a, b = -0.5 * np.exp(-2.0 * p[LOG_SX]), -0.5 * np.exp(-2.0 * p[LOG_SY])
    k = 2.0 * np.pi * p[FREQUENCY]
    for i in range(atom.shape[0]):
        dx, dy = work.x[i] - p[X0], work.y[i] - p[Y0]
        u, v = c * dx + s * dy, c * dy - s * dx
        envelope = np.exp(a * u * u + b * v * v)
        even[i] = envelope * np.cos(k * u)
        odd[i] = envelope * np.sin(k * u)
    norm = np.sqrt(dot(even, even))
    inverse = 1.0 / norm if norm > 0.0 else 0.0  # an envelope beyond the patch may underflow to zero
    shared = inverse * inverse * dot(even, odd)
    for i in range(atom.shape[0]):
        first[i] = even[i] * inverse
        second[i] = odd[i] - shared * even[i]
    square = dot(second, second)
    # Without a sine column (frequency 0) the model is the cosine column alone.
    inverse2 = 1.0 / np.sqrt(square) if square > RANK_FLOOR * norm * norm else 0.0
    for i in range(atom.shape[0]):
        second[i] *= inverse2
    along1, along2 = dot(first, atom), dot(second, atom)
    for i in range(atom.shape[0]):
        residual[i] = atom[i] - along1 * first[i] - along2 * second[i]
    weight[1] = along2 * inverse2
    weight[0] = along1 * inverse - shared * weight[1]
    return dot(residual, residual)


def _linearise(p, work):
    """Write the normal matrix and the downhill direction at p, for which `project` has just been called.

    Kaufman's approximation of the Jacobian: the derivatives of the model at fixed amplitudes, minus their
    projection on the two linear columns.
    """
    columns, descent, normal = work.columns, work.descent, work.normal
    x, y = work.x, work.y
    c, s = np.cos(p[THETA]), np.sin(p[THETA])
    a, b = np.exp(-2.0 * p[LOG_SX]), np.exp(-2.0 * p[LOG_SY])
    k = 2.0 * np.pi * p[FREQUENCY]
    for i in range(x.shape[0]):
        dx, dy = x[i] - p[X0], y[i] - p[Y0]
        u, v = c * dx + s * dy, c * dy - s * dx
        model = work.weight[0] * work.even[i] + work.weight[1] * work.odd[i]
        slope = work.weight[1] * work.even[i] - work.weight[0] * work.odd[i]  # by the carrier's phase
        by_u, by_v = k * slope - a * u * model, -b * v * model
        columns[X0, i] = s * by_v - c * by_u
        columns[Y0, i] = -s * by_u - c * by_v
        columns[THETA, i] = v * by_u - u * by_v
        columns[LOG_SX, i] = a * u * u * model
        columns[LOG_SY, i] = b * v * v * model
        columns[FREQUENCY, i] = 2.0 * np.pi * u * slope
    for i in range(N_PARAMETERS):
        along1, along2 = dot(columns[i], columns[FIRST]), dot(columns[i], columns[SECOND])
        for n in range(x.shape[0]):
            columns[i, n] -= along1 * columns[FIRST, n] + along2 * columns[SECOND, n]
        descent[i] = dot(columns[i], columns[RESIDUAL])
        for j in range(i + 1):
            normal[i, j] = dot(columns[i], columns[j])


def _lowest_frequency(p, work):
    """Return the lower bound of the frequency for the sigma_x of p; 0 while `_fit_blob` sets the upper one to 0."""
    return min(CYCLES_MIN * np.exp(-p[LOG_SX]), work.upper[FREQUENCY])


def _solve_damped(p, damping, work):
    """Write the step ``(N + damping diag N)^-1 d``; return the fall of the FVU that the linear model promises.

    A parameter at a bound that the descent direction would cross stays where it is.
    """
    L, free, scale, step = work.factor, work.free, work.scale, work.step
    work.lower[FREQUENCY] = lowest_frequency(p, work) * (1.0 + BOUND_ROUNDING)
    top = 0.0
    for i in range(N_PARAMETERS):
        top = max(top, work.normal[i, i])
    for i in range(N_PARAMETERS):
        d = work.descent[i]
        fixed = (p[i] <= work.lower[i] and d < 0.0) or (p[i] >= work.upper[i] and d > 0.0)
        free[i] = 0.0 if fixed else 1.0
        # A parameter without effect (theta of a round blob) has a zero row: keep its pivot positive.
        scale[i] = damping * max(work.normal[i, i], 1e-12 * top + 1e-300)
        step[i] = free[i] * d
    for i in range(N_PARAMETERS):
        for j in range(i):
            total = free[i] * free[j] * work.normal[i, j]
            for m in range(j):
                total -= L[i, m] * L[j, m]
            L[i, j] = total / L[j, j]
            step[i] -= L[i, j] * step[j]
        pivot = work.normal[i, i] + scale[i]
        for m in range(i):
            pivot -= L[i, m] * L[i, m]
        L[i, i] = np.sqrt(max(pivot, scale[i]))
        step[i] /= L[i, i]
    promise = 0.0
    for i in range(N_PARAMETERS - 1, -1, -1):
        for m in range(i + 1, N_PARAMETERS):
            step[i] -= L[m, i] * step[m]
        step[i] /= L[i, i]
        promise += step[i] * (free[i] * work.descent[i] + scale[i] * step[i])
    return promise


def _improve(atom, p, damping, n_trials, work, stop):
    """Take up to `n_trials` Levenberg-Marquardt trials from p, in place; return (FVU, damping).

    The damping follows Nielsen's rule: it falls by up to 3 where the linear model held, and grows ever
    faster while trials fail.
    """
    fvu = np.inf
    growth = 2.0
    for i in range(N_PARAMETERS):
        work.trial[i] = p[i]
    for trial in range(n_trials + 1):
        promise = np.inf
        if trial > 0:
            promise = solve_damped(p, damping, work)
            if promise <= PROMISE_FLOOR * fvu or fvu <= FVU_FLOOR or stop[0] != 0:
                break
            for i in range(N_PARAMETERS):
                work.trial[i] = min(max(p[i] + work.step[i], work.lower[i]), work.upper[i])
            work.trial[FREQUENCY] = max(p[FREQUENCY] + work.step[FREQUENCY], lowest_frequency(work.trial, work))
            work.trial[FREQUENCY] = min(work.trial[FREQUENCY], work.upper[FREQUENCY])
        new = project(atom, work.trial, work)
        if trial == 0 or new < fvu:
            if trial > 0:
                gain = 2.0 * (fvu - new) / promise - 1.0
                damping *= max(1.0 / 3.0, 1.0 - gain * gain * gain)
                growth = 2.0
            fvu = new
            for i in range(N_PARAMETERS):
                p[i] = work.trial[i]
            linearise(p, work)
        else:
            damping *= growth
            growth *= 2.0
    return fvu, damping


def _best_start(atom, starts, work, stop):
    """Improve the starting points in place, giving up the hopeless ones early; return the place of the best."""
    fvu, damping = work.fvu, work.damping
    n_finalists = N_FINALISTS
    tried = 0
    finished = 0
    winner = -1
    while True:
        first = tried < starts.shape[0] and n_finalists > 1
        if not first and finished == n_finalists:
            return winner
        place = tried
        if first:
            damping[place] = FIRST_DAMPING
        else:
            place = -1
            for k in range(tried):
                if damping[k] > 0.0 and (place < 0 or fvu[k] < fvu[place]):
                    place = k
        trials = BURST if first else MAX_TRIALS
        fvu[place], damping[place] = improve(atom, starts[place], damping[place], trials, work, stop)
        if first:
            tried += 1
            if fvu[place] < GOOD_FVU:
                n_finalists = 1
        else:
            finished += 1
            damping[place] = -1.0
            if winner < 0 or fvu[place] < fvu[winner]:
                winner = place


def _fit_blob(atom, p, fvu, work, stop):
    """Replace p, of FVU `fvu`, by the Gaussian found from it if that is nearly as good; return the final FVU."""
    if p[FREQUENCY] * np.exp(p[LOG_SX]) < BLOB_CYCLES:
        for j in range(N_PARAMETERS):
            work.blob[j] = p[j]
        # At frequency 0 the FVU does not depend on the frequency to first order, so it stays there.
        highest = work.upper[FREQUENCY]
        work.blob[FREQUENCY] = work.upper[FREQUENCY] = 0.0
        blob_fvu, _ = improve(atom, work.blob, FIRST_DAMPING, MAX_TRIALS, work, stop)
        work.upper[FREQUENCY] = highest
        if blob_fvu <= fvu + BLOB_MARGIN:
            for j in range(N_PARAMETERS):
                p[j] = work.blob[j]
    return project(atom, p, work)  # which also leaves the weights of p


def _fit_rows(atoms, starts, parameters, weights, fvus, work, stop):
    """Fit all unit-norm atoms from their starting points, which are overwritten."""
    for i in range(atoms.shape[0]):
        if stop[0] != 0:
            return
        winner = best_start(atoms[i], starts[i], work, stop)
        p = starts[i, winner]
        fvus[i] = fit_blob(atoms[i], p, work.fvu[winner], work, stop)
        weights[i, 0], weights[i, 1] = work.weight[0], work.weight[1]
        for j in range(N_PARAMETERS):
            parameters[i, j] = p[j]


dot = kernel(_dot)
lowest_frequency = kernel(_lowest_frequency)
project = kernel(_project)
linearise = kernel(_linearise)
solve_damped = kernel(_solve_damped)
improve = kernel(_improve)
best_start = kernel(_best_start)
fit_blob = kernel(_fit_blob)
fit_rows = kernel(_fit_rows)
