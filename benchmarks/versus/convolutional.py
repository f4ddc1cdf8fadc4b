"""Convolutional l1 codes of an image: seconds an iteration, and until the objective is near its least, against SPORCO.

Kernels are log-Gabor functions, and those that come with SPORCO. The lower bound of the objective is that of our own
codes at a fifth of the smallest gap. SPORCO's time is that of its solver alone, ten iterations at a time; the objective
of its sparse maps is computed between them while the clock stands.
"""

import time
from pathlib import Path

import numpy as np
import skimage.data
from scipy.ndimage import gaussian_filter

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import L1

#: Sides of the image, fractions of the largest alpha, gaps to be reached, and the most iterations of both.
SIDES, FRACTIONS, GAPS, LIMIT, OUR_LIMIT = (256, 512), (0.05, 0.1, 0.3), (1e-2, 1e-4), 2000, 20_000

#: Kernels that come with SPORCO.
LEARNED = ("G:12x12x36", "G:8x8x96", "G:12x12x144")


def run(report, dtype, threads, rounds, quick):
    """Compare sides, kernels and fractions; quickly 144 log-Gabor kernels of six bandwidths alone, to the wide gap."""
    import sporco

    kernels = {"log-Gabor": Dictionary.log_gabor_bank(normalization="l2").atoms}
    if not quick:
        learned = np.load(Path(sporco.__path__[0]) / "data" / "convdict.npz")
        kernels |= {name: np.moveaxis(learned[name], -1, 0) for name in LEARNED}
    for side in SIDES[:1] if quick else SIDES:
        image = photograph(side).astype(dtype)
        for name, bank in kernels.items():
            operator = ConvolutionOperator(bank.astype(dtype), image.shape)
            largest = float(alpha_max(image[None], operator, L1())[0])
            for fraction in (0.3,) if quick else FRACTIONS:
                setting, gaps = f"{name}, {fraction} alpha_max", GAPS[:1] if quick else GAPS
                compare(report, operator, image, setting, fraction * largest, gaps, threads, rounds)


def compare(report, operator, image, setting, alpha, gaps, threads, rounds):
    """Report seconds until each gap, in turns, and for an iteration."""
    settings = {"n_jobs": threads, "max_iter": OUR_LIMIT}
    half = 0.5 * float(np.square(image, dtype=np.float64).sum())
    tight = solve_convolutional(image[None], operator, L1(alpha), tol=0.2 * min(gaps), **settings)
    bound = 0.5 * tight.square_error[0] + tight.penalty[0] - tight.certificate[0] * half
    ours, theirs = [], []
    for _ in range(rounds):
        times = []
        for gap in gaps:
            started = time.perf_counter()
            result = solve_convolutional(image[None], operator, L1(alpha), tol=gap, **settings)
            times.append(time.perf_counter() - started)
        ours.append([*times, times[-1] / result.n_iter[0]])
        theirs.append(sporco_times(operator, image, alpha, bound + half * np.array(gaps)))
    ours, theirs = np.array(ours), np.array(theirs)
    rows, K = image.reshape(1, -1), len(operator.kernels)
    for place, what in enumerate([*(f"gap {gap:g}" for gap in gaps), "an iteration"]):
        for name, times in (("sparsecode", ours), ("SPORCO", theirs)):
            seconds, ratio = np.median(times[:, place]), np.median(times[:, place] / ours[:, place])
            report.add_time("convolutional", rows, K, threads, f"{setting}, {what}", name, seconds, ratio)


def sporco_times(operator, image, alpha, goals):
    """Return seconds until the objective of SPORCO's maps is at each goal, inf if never, and for an iteration."""
    from sporco.admm import cbpdn

    options = {"MaxMainIter": 10, "RelStopTol": 0.0, "AuxVarObj": False, "FastSolve": True, "DataType": image.dtype}
    kernels = np.ascontiguousarray(np.moveaxis(operator.kernels[:, 0], 0, -1))
    solver = cbpdn.ConvBPDN(kernels, image, alpha, cbpdn.ConvBPDN.Options(options), dimK=0)
    seconds, n_iter, reached = 0.0, 0, np.full(len(goals), np.inf)
    while n_iter < LIMIT and not (reached < np.inf).all():
        started = time.perf_counter()
        solver.solve()
        seconds, n_iter = seconds + time.perf_counter() - started, n_iter + 10
        maps = np.moveaxis(solver.Y.reshape(*image.shape, -1), -1, 0)
        error = operator.decode(maps.reshape(1, -1))[0] - image.ravel()
        found = 0.5 * np.square(error, dtype=np.float64).sum() + alpha * np.abs(maps).sum(dtype=np.float64)
        reached[(found <= goals) & (reached == np.inf)] = seconds
    return [*reached, seconds / n_iter]


def photograph(side):
    """Return a photograph with its local mean removed, of unit variance."""
    image = skimage.data.camera()[:side, :side] / 255
    image = image - gaussian_filter(image, 2.5)
    return image / image.std()
