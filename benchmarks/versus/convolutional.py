"""Convolutional l1 codes of an image: seconds an iteration, and until the objective is near its least, against SPORCO.

The lower bound of the objective is that of our own codes at a smaller gap. SPORCO's time is that of its solver alone,
ten iterations at a time; the objective of its sparse maps is computed between them while the clock stands.
"""

import time

import numpy as np
import skimage.data
from scipy.ndimage import gaussian_filter

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import L1

#: Sides of the image, fractions of the largest alpha, gap to be reached, that of the lower bound, and SPORCO's limit.
SIDES, FRACTIONS, GAP, TIGHT, LIMIT = (256, 512), (0.05, 0.1, 0.3), 1e-2, 2e-3, 500


def run(report, dtype, threads, rounds, quick):
    """Compare sides and fractions, with 144 log-Gabor kernels of six bandwidths."""
    from sporco.admm import cbpdn  # noqa: F401  a peer that is missing is told before anything runs

    for side in SIDES[:1] if quick else SIDES:
        image = photograph(side).astype(dtype)
        operator = ConvolutionOperator(log_gabors().astype(dtype), image.shape)
        largest = float(alpha_max(image[None], operator, L1())[0])
        for fraction in (0.3,) if quick else FRACTIONS:
            compare(report, operator, image, fraction, fraction * largest, threads, rounds)


def compare(report, operator, image, fraction, alpha, threads, rounds):
    """Report seconds an iteration, and until the gap, in turns."""
    settings = {"n_jobs": threads, "max_iter": 2000}
    half = 0.5 * float(np.square(image, dtype=np.float64).sum())
    tight = solve_convolutional(image[None], operator, L1(alpha), tol=TIGHT, **settings)
    bound = 0.5 * tight.square_error[0] + tight.penalty[0] - tight.certificate[0] * half
    ours, theirs = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        result = solve_convolutional(image[None], operator, L1(alpha), tol=GAP, **settings)
        seconds = time.perf_counter() - started
        ours.append((seconds, seconds / result.n_iter[0]))
        theirs.append(sporco(operator, image, alpha, bound + GAP * half))
    ours, theirs = np.array(ours), np.array(theirs)
    rows = image.reshape(1, -1)
    for place, setting in enumerate((f"{fraction} alpha_max, gap {GAP:g}", f"{fraction} alpha_max, an iteration")):
        for name, times in (("sparsecode", ours), ("SPORCO", theirs)):
            ratio = np.median(times[:, place] / ours[:, place])
            report.add_time(
                "convolutional", rows, len(operator.kernels), threads, setting, name, np.median(times[:, place]), ratio
            )


def sporco(operator, image, alpha, goal):
    """Return seconds until the objective of its sparse maps is at the goal, and seconds an iteration."""
    from sporco.admm import cbpdn

    options = {"MaxMainIter": 10, "RelStopTol": 0.0, "AuxVarObj": False, "FastSolve": True, "DataType": image.dtype}
    kernels = np.ascontiguousarray(np.moveaxis(operator.kernels[:, 0], 0, -1))
    solver = cbpdn.ConvBPDN(kernels, image, alpha, cbpdn.ConvBPDN.Options(options), dimK=0)
    seconds = 0.0
    for n_iter in range(10, LIMIT + 1, 10):
        started = time.perf_counter()
        solver.solve()
        seconds += time.perf_counter() - started
        maps = np.moveaxis(solver.Y.reshape(*image.shape, -1), -1, 0)
        error = operator.decode(maps.reshape(1, -1))[0] - image.ravel()
        if 0.5 * np.square(error, dtype=np.float64).sum() + alpha * np.abs(maps).sum(dtype=np.float64) <= goal:
            return seconds, seconds / n_iter
    return np.inf, seconds / n_iter


def photograph(side):
    """Return a photograph with its local mean removed, of unit variance."""
    image = skimage.data.camera()[:side, :side] / 255
    image = image - gaussian_filter(image, 2.5)
    return image / image.std()


def log_gabors():
    """Return log-Gabor kernels of unit norm: 12 orientations, 6 bandwidths, 2 phases."""
    angles = np.pi * np.arange(12) / 12, np.pi * np.arange(1, 7) / 36, np.array([0, np.pi / 2])
    theta, B_theta, phase = np.meshgrid(*angles, indexing="ij")
    return Dictionary.log_gabor(12, theta=theta, B_theta=B_theta, phase=phase).normalized()
