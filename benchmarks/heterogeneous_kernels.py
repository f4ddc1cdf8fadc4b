"""Kernels of one orientation bandwidth against kernels of six: as published, and where the objective is at its least.

python benchmarks/heterogeneous_kernels.py [--side 256] [--images 9] [--alphas 1 0.5 0.2] [--steps 100 300 1000]
    [--tol 3e-4] [--solver balanced | sporco | sparsecode] [--json results.json]

Ladret, Casanova and Perrinet, Neuromorph. Comput. Eng. 4(3), 034004 (2024), report that 144 log-Gabor kernels of 12
orientations and six bandwidths make codes of natural images sparser than 72 orientations of one bandwidth, and
reconstructions worse. They stop the alternating direction method after 100 iterations, at a weight of 1e-2 and kernels
whose largest value is 1. Here the same problem is stopped after more and more iterations (`--steps`, each from zero),
of the method as published ("balanced"), by SPORCO itself, or of our own splitting (`--solver`); and then both banks,
with kernels of unit norm, are solved to a certified relative gap (`--tol`) at equal weights (`--alphas`, falling). A
gap of 1e-3 is not enough to say which code is sparser. Codes of equal weights differ in both sparseness and error, so
that the number of active coefficients is also compared at equal PSNR, between the weights.

Images are the central squares of the photographs that come with scikit-image and scikit-learn, resized to `--side`,
after local contrast normalisation. The study had 1145 others. PSNR is that of normalised images, relative to their
range.
"""

import argparse
import json
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, vstack

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, balanced_steps, solve_convolutional
from sparsecode.datasets import PHOTOGRAPHS, natural_images
from sparsecode.metrics import psnr
from sparsecode.penalties import L1
from sparsecode.preprocessing import LocalContrastNormalizer

PUBLISHED_ALPHA = 1e-2
BANKS = {"homogeneous": {"n_orientations": 72, "B_theta": np.pi / 15}, "heterogeneous": {}}

#: Which of two banks is better, by the sign of the difference.
BETTER = {"psnr": 1, "sparseness": 1, "objective": -1}


def photographs(side, n_images):
    """Return names and, as rows, images after local contrast normalisation."""
    names = list(PHOTOGRAPHS[:n_images])
    squares = np.array(natural_images(side=side)[:n_images], np.float32)
    images = LocalContrastNormalizer().fit_transform(squares)
    return names, images.reshape(len(images), -1)


def make_operator(name, side, normalization):
    """Return a bank of 144 kernels as an operator."""
    bank = Dictionary.log_gabor_bank(**BANKS[name], normalization=normalization)
    return ConvolutionOperator(bank, (side, side), dtype=np.float32, n_jobs=2)


def ours(operator, X, alpha, **settings):
    """Return our codes of images and their certificates."""
    result = solve_convolutional(X, operator, L1(alpha), n_jobs=2, **settings)
    return result.codes, {"gap": result.certificate, "n_iter": result.n_iter}


def balanced(operator, X, alpha, max_iter, **_):
    """Return the sparse iterate of the alternating direction method as published."""
    codes = []
    for row in X:
        maps = next(islice(balanced_steps(row, operator, alpha), max_iter - 1, None))
        codes.append(csr_array(maps.reshape(1, -1)))
    return vstack(codes, format="csr"), {}


def sporcos(operator, X, alpha, max_iter, **_):
    """Return the sparse maps of SPORCO's solver, with the options of the study."""
    from sporco.admm import cbpdn

    options = {"MaxMainIter": max_iter, "RelStopTol": 1e-4, "AuxVarObj": False, "DataType": np.float32}
    kernels, codes = np.ascontiguousarray(np.moveaxis(operator.kernels[:, 0], 0, -1)), []
    for image in X.reshape(-1, *operator.image_shape):
        solver = cbpdn.ConvBPDN(kernels, image, alpha, cbpdn.ConvBPDN.Options(options), dimK=0)
        solver.solve()
        codes.append(csr_array(np.moveaxis(solver.Y.reshape(*image.shape, -1), -1, 0).reshape(1, -1)))
    return vstack(codes, format="csr"), {}


SOLVERS = {"balanced": balanced, "sporco": sporcos, "sparsecode": ours}


def compare(X, side, normalization, alpha, solve, **settings):
    """Return what codes with both banks are worth: arrays with an entry for each image, by bank and name."""
    table = {}
    for name in BANKS:
        operator = make_operator(name, side, normalization)
        codes, certificates = solve(operator, X, alpha, **settings)
        restored = operator.decode(codes)
        error = np.square(restored - X, dtype=np.float64).sum(axis=1)
        table[name] = {
            "psnr": psnr(X, restored),
            "sparseness": 1 - np.diff(codes.indptr) / codes.shape[1],
            "objective": 0.5 * error + alpha * np.abs(codes).sum(axis=1),
        } | certificates
    return table


def summary(setting, table):
    """Return medians and ranges of both banks, and of how many images the heterogeneous one is better, as lines."""
    lines = []
    for name, values in table.items():
        words = [f"{k} {np.median(values[k]):.5g} ({min(values[k]):.5g} to {max(values[k]):.5g})" for k in BETTER]
        words += [f"largest gap {max(values['gap']):.2g}"] if "gap" in values else []
        lines.append(f"{setting}, {name}: {', '.join(words)}")
    gains = {k: sign * (table["heterogeneous"][k] - table["homogeneous"][k]) for k, sign in BETTER.items()}
    wins = ", ".join(f"{k} {np.sum(gain > 0)} of {len(gain)}" for k, gain in gains.items())
    return "\n".join([*lines, f"{setting}, heterogeneous better: {wins}"])


def at_equal_psnr(tables):
    """Return active coefficients of the heterogeneous bank over those of the other at its PSNRs, as lines."""
    psnrs, active = (
        {name: np.array([of(table[name]) for table in tables]).T for name in BANKS}
        for of in (lambda values: values["psnr"], lambda values: 1 - values["sparseness"])
    )
    curves = [psnrs["heterogeneous"], np.log(active["heterogeneous"])]
    needed = [np.exp(np.interp(goal, *curve)) for goal, *curve in zip(psnrs["homogeneous"], *curves, strict=True)]
    ratios = np.array(needed).T[1:] / active["homogeneous"].T[1:]
    words = (f"{np.median(ratio):.3f} ({ratio.min():.3f} to {ratio.max():.3f})" for ratio in ratios)
    return "\n".join(f"active at equal PSNR, heterogeneous over homogeneous: {word}" for word in words)


def main(arguments=None):
    """Compare, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=256, help="side of an image in pixels")
    parser.add_argument("--images", type=int, default=9, help="number of images, at most 9")
    parser.add_argument("--steps", type=int, nargs="*", default=[100, 300, 1000], help="iterations of the splitting")
    parser.add_argument("--alphas", type=float, nargs="*", default=[1.0, 0.5, 0.2], help="weights, kernels of norm 1")
    parser.add_argument("--tol", type=float, default=3e-4, help="relative duality gap at these weights")
    parser.add_argument("--solver", choices=SOLVERS, default="balanced", help="of `--steps`")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args(arguments)
    names, X = photographs(options.side, options.images)
    tables = {}
    stopped = SOLVERS[options.solver]
    for n in options.steps:
        settings = {"solver": "admm", "tol": 0.0, "max_iter": n}
        tables[f"{n} steps"] = compare(X, options.side, "max", PUBLISHED_ALPHA, stopped, **settings)
        print(summary(f"{n} steps", tables[f"{n} steps"]), flush=True)
    for alpha in options.alphas:
        settings = {"tol": options.tol, "max_iter": 5000}
        tables[f"alpha {alpha:g}"] = compare(X, options.side, "l2", alpha, ours, **settings)
        print(summary(f"alpha {alpha:g}", tables[f"alpha {alpha:g}"]), flush=True)
    print(at_equal_psnr([tables[f"alpha {alpha:g}"] for alpha in sorted(options.alphas, reverse=True)]))
    if options.json:
        options.json.write_text(json.dumps({"images": names} | tables, default=np.ndarray.tolist))


if __name__ == "__main__":
    main()
