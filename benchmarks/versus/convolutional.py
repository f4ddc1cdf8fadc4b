"""Convolutional l1 codes of an image: seconds until the objective is near its least, and an iteration, against SPORCO.

Kernels are log-Gabor functions, and those that come with SPORCO. Our time is that of a whole call, which ends with a
certified gap, but for the spectra of the kernels, which `alpha_max` has left in the operator. SPORCO's is that of its
solver alone, ten iterations at a time; the objective of its sparse maps is computed between them while the clock
stands, and is to come as near to the least that we have found. SPORCO is stopped when it has taken `PATIENCE` times as
long as we did, and `LEAST` seconds: then the ratio is a lower bound.
"""

import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage.data
from scipy.ndimage import gaussian_filter
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import L1

#: Sides of the image, fractions of the largest alpha, gaps to be reached, and the most iterations of ours.
SIDES, FRACTIONS, GAPS, OUR_LIMIT = (256, 512), (0.05, 0.1, 0.3), (1e-2, 1e-4), 20_000

#: Kernels that come with SPORCO.
LEARNED = ("G:12x12x36", "G:8x8x96", "G:12x12x144")

#: How long SPORCO is waited for: as a multiple of our time, and in seconds.
PATIENCE, LEAST = 20, 30

#: Side of the image of a quick run, and those seconds.
QUICK = 128, 6

#: SPORCO's iterations whose objective we are to reach too, and tolerances that are tried for it.
STEPS, TOLERANCES = 100, (0.3, 0.1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)

#: Our iterations of the same method that are timed.
TIMED = 30


def run(report, dtype, threads, rounds, quick, sides):
    """Compare sides, kernels and fractions; quickly 144 log-Gabor kernels of six bandwidths alone, to the wide gap."""
    sides, least = ([QUICK[0]], QUICK[1]) if quick else (sides, LEAST)
    import sporco

    kernels = {"log-Gabor": Dictionary.log_gabor_bank(normalization="l2").atoms}
    if not quick:
        learned = np.load(Path(sporco.__path__[0]) / "data" / "convdict.npz")
        kernels |= {name: np.moveaxis(learned[name], -1, 0) for name in LEARNED}
    for side in sides:
        image = photograph(side).astype(dtype)
        for name, bank in kernels.items():
            for fraction in (0.3,) if quick else FRACTIONS:
                setting, gaps = f"{name}, {fraction} alpha_max, {side} x {side}", GAPS[:1] if quick else GAPS
                compare(report, Problem.of(image, bank.astype(dtype), fraction), setting, gaps, least, threads, rounds)


class Problem(NamedTuple):
    """An image, kernels and a weight."""

    image: np.ndarray
    operator: ConvolutionOperator
    alpha: float

    @classmethod
    def of(cls, image, bank, fraction):
        """Return the problem for a fraction of the largest weight."""
        operator = ConvolutionOperator(bank, image.shape)
        return cls(image, operator, fraction * float(alpha_max(image[None], operator, L1())[0]))

    @property
    def half_energy(self):
        """Half of the squared norm of the image, to which gaps are relative."""
        return 0.5 * float(np.square(self.image, dtype=np.float64).sum())

    def objective(self, maps):
        """Return the objective of dense maps (K, rows, columns)."""
        error = self.operator.decode(maps.reshape(1, -1))[0] - self.image.ravel()
        return 0.5 * np.square(error, dtype=np.float64).sum() + self.alpha * np.abs(maps).sum(dtype=np.float64)

    def solve(self, threads, **settings):
        """Return seconds and the objective of our codes."""
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of what is stopped to count iterations
            result = solve_convolutional(self.image[None], self.operator, L1(self.alpha), n_jobs=threads, **settings)
        seconds = time.perf_counter() - started
        return seconds, float(0.5 * result.square_error[0] + result.penalty[0])


def compare(report, problem, setting, gaps, least, threads, rounds):
    """Report seconds until each gap, to an objective of SPORCO, and for an iteration, in turns."""
    half = problem.half_energy
    lowest = problem.solve(threads, tol=0.5 * min(gaps), max_iter=OUR_LIMIT)[1]
    # Compiled, and Fourier transforms of SPORCO planned, before the clock runs
    problem.solve(threads, solver="admm", tol=0.0, max_iter=1)
    Rival(problem).solver.solve()
    goals, tol, ours, theirs = lowest + half * np.array(gaps), None, [], []
    for _ in range(rounds):
        times = [problem.solve(threads, tol=gap, max_iter=OUR_LIMIT)[0] for gap in gaps]
        iteration = problem.solve(threads, solver="admm", tol=0.0, max_iter=TIMED)[0] / TIMED
        found = Rival(problem).run(goals, np.maximum(PATIENCE * np.array(times), least))
        tol = tol or as_low_as(problem, found.objective, threads)
        ours.append([*times, problem.solve(threads, tol=tol, max_iter=OUR_LIMIT)[0], iteration])
        theirs.append([*found.reached, found.steps, found.iteration])
    ours, theirs = np.array(ours), np.array(theirs)
    whats = [*(f"gap {gap:g}" for gap in gaps), f"objective of {STEPS} iterations", "an iteration of ADMM"]
    rows, K = problem.image.reshape(1, -1), len(problem.operator.kernels)
    for place, what in enumerate(whats):
        waited = theirs[:, place] < 0
        for name, times in (("sparsecode", ours), ("SPORCO", np.abs(theirs))):
            seconds, ratio = np.median(times[:, place]), np.median(times[:, place] / ours[:, place])
            name = f"{name}, not reached" if name == "SPORCO" and waited.any() else name
            report.add_time("convolutional", rows, K, threads, f"{setting}, {what}", name, seconds, ratio)


class Rival:
    """SPORCO's solver, its clock, and what it has reached."""

    def __init__(self, problem):
        from sporco.admm import cbpdn

        dtype = problem.image.dtype
        options = {"MaxMainIter": 10, "RelStopTol": 0.0, "AuxVarObj": False, "FastSolve": True, "DataType": dtype}
        kernels = np.ascontiguousarray(np.moveaxis(problem.operator.kernels[:, 0], 0, -1))
        settings = cbpdn.ConvBPDN.Options(options)
        self.solver = cbpdn.ConvBPDN(kernels, problem.image, problem.alpha, settings, dimK=0)
        self.problem = problem

    def run(self, goals, patience):
        """Iterate until all goals are reached, or for so many seconds each; return a `Reached`."""
        seconds, n_iter, objective, steps, done = 0.0, 0, None, None, np.zeros(len(goals))
        while n_iter < STEPS or (done == 0).any():
            started = time.perf_counter()
            self.solver.solve()
            seconds, n_iter = seconds + time.perf_counter() - started, n_iter + 10
            maps = np.moveaxis(self.solver.Y.reshape(*self.problem.image.shape, -1), -1, 0)
            found = self.problem.objective(maps)
            if n_iter == STEPS:
                objective, steps = found, seconds
            done[(found <= goals) & (done == 0)] = seconds
            done[(seconds > patience) & (done == 0)] = -seconds
        return Reached(done, objective, steps, seconds / n_iter)


class Reached(NamedTuple):
    """What SPORCO has reached, in seconds."""

    reached: np.ndarray  # for each goal; negative, the time that was waited, where it was not reached
    objective: float  # after some iterations
    steps: float  # for these
    iteration: float


def as_low_as(problem, goal, threads):
    """Return the largest tolerance with which our objective is no higher than the goal."""
    for tol in TOLERANCES:
        if problem.solve(threads, tol=tol, max_iter=OUR_LIMIT)[1] <= goal:
            break
    return tol


def photograph(side):
    """Return a photograph with its local mean removed, of unit variance."""
    image = skimage.data.camera()[:side, :side] / 255
    image = image - gaussian_filter(image, 2.5)
    return image / image.std()
