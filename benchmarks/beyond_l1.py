"""Coders at matched sparsity, at the size of the study "Beyond l1 sparse coding in V1" or any other.

python benchmarks/beyond_l1.py [--side 16] [--atoms 500 ...] [--patches 40000] [--test 2000] [--epochs 4] [--seeds 1]
    [--levels 0.015 0.03 0.05] [--methods soft hard half CEL0 MCP OMP-k OMP LCA-hard SAILnet] [--common]
    [--start l1 | noise] [--snr 5 8 11] [--json results.json]

Rentzeperis, Calatroni, Perrinet and Prandi, PLoS Comput. Biol. 19(9) (2023), report at fixed sparsity an error about
five times as large with l1 as with l0-type penalties, for 500 units and 16 x 16 patches. Here every method learns its
own dictionary from the same patches in the same number of epochs (or all share one, learned with CEL0 at 3 per cent,
with --common), and codes other patches with the weight that gives the same mean share of active units (or, with --snr,
the same error; then soft-debiased counts what least squares on its support leave). Learning starts from atoms that l1
has learned in as many epochs, or from noise as `SparseCoder` does. Seeds change patches and first atoms. "debiased" is
the error after least squares on the support of each code. Data are the photographs that come with scikit-image and
scikit-learn, whitened; test patches are others of the same photographs. The study used those of van Hateren and van der
Schaaf.
"""

import argparse
import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.coding import LCA, SAILnet, compare_coders
from sparsecode.datasets import natural_images

#: Methods by name; "hard" is splitting from zero, as in the study.
METHODS = {
    "soft": {"penalty": "l1"},
    "soft-debiased": {"penalty": "l1", "debias": True},
    "half": {"penalty": "l1/2", "encode_tol": 1e-2},
    "hard": {"penalty": "l0", "solver": "forward-backward", "encode_tol": 1e-2},
    "CEL0": {"penalty": "cel0"},
    "CEL0-splitting": {"penalty": "cel0", "solver": "forward-backward", "encode_tol": 1e-2},
    "MCP": {"penalty": "mcp", "encode_tol": 1e-2},
    "OMP-k": {"n_nonzero_coefs": 1, "solver": "omp"},
    "OMP": {"penalty": "l0", "solver": "omp"},
}

#: Circuits, with the parameter by which they meet a level. LCA learns nothing itself: give --common.
CIRCUITS = {
    "LCA-hard": (LCA(threshold="hard", alpha=0.1, anneal=0.98, n_jobs=2), "alpha"),
    "SAILnet": (SAILnet(target_rate=0.15, n_jobs=2), "target_rate"),
}

#: What is printed.
COLUMNS = [
    "n_atoms", "relative_error", "debiased_error", "active_fraction", "mean_l0", "n_iter", "certificate",
    "not_converged", "fit_seconds", "transform_seconds",
]  # fmt: skip


def compare(options, images, seed):
    """Return the table of one seed."""
    cutter = PatchExtractor(options.side, n_patches=options.patches + options.test, center=True, random_state=seed)
    patches = cutter.fit_transform(images).astype(np.float32)
    common = {"max_iter": options.epochs, "tol": 0, "n_jobs": 2}
    methods = {name: CIRCUITS.get(name) or SparseCoder(**METHODS[name], **common) for name in options.methods}
    shared = SparseCoder(penalty="cel0", target_sparsity=0.03, **common) if options.common else None
    start = SparseCoder(penalty="l1", target_sparsity=0.03, **common) if options.start == "l1" else None
    train, test = np.split(patches, [options.patches])
    levels = {"target_snr": options.snr} if options.snr else {"target_sparsity": options.levels}
    settings = {"n_components": options.atoms, "seeds": seed, "dictionary": shared, "init": start, "verbose": 1}
    return compare_coders(methods, train, test, **levels, **settings)


def markdown(table):
    """Return the means over seeds as a Markdown table."""
    lines = ["| coder | level | " + " | ".join(COLUMNS) + " |", "|" + " --- |" * (2 + len(COLUMNS))]
    for size, level, coder in itertools.product(*(table[dim].values for dim in ("n_components", "level", "coder"))):
        cell = table.mean("seed").sel(coder=coder, level=level, n_components=size)
        lines.append(f"| {coder} | {level:g} | " + " | ".join(f"{cell[name].item():.3g}" for name in COLUMNS) + " |")
    return "\n".join(lines)


def ratios(table):
    """Return the errors of soft thresholding over those of CEL0, in words."""
    lines = []
    for size, level in itertools.product(table.n_components.values, table.level.values):
        part = table.sel(level=level, n_components=size)
        soft, least = part.sel(coder="soft"), part.relative_error.sel(coder="CEL0")
        raw, debiased = soft.relative_error / least, soft.debiased_error / least
        values = {"soft over CEL0": raw, "debiased": debiased, "share of shrinkage": (raw - debiased) / (raw - 1)}
        words = (f"{name} {v.mean():.2f} ({v.min():.2f} to {v.max():.2f})" for name, v in values.items())
        lines.append(f"{size} atoms, {100 * level:g} % active: " + ", ".join(words))
    return "\n".join(lines)


def main(arguments=None):
    """Compare, print, and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=16, help="side of a patch in pixels")
    parser.add_argument("--atoms", type=int, nargs="+", default=[500], help="one or several numbers of atoms")
    parser.add_argument("--patches", type=int, default=40_000, help="patches to learn from")
    parser.add_argument("--test", type=int, default=2000, help="patches to code")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.015, 0.03, 0.05])
    usual = ["soft", "half", "hard", "CEL0", "MCP", "OMP-k", "OMP"]
    parser.add_argument("--methods", nargs="+", choices=[*METHODS, *CIRCUITS], default=usual)
    parser.add_argument("--snr", type=float, nargs="+", help="signal-to-noise ratios in dB to match instead of levels")
    parser.add_argument("--start", choices=["l1", "noise"], default="l1", help="atoms that learning starts from")
    parser.add_argument("--common", action="store_true", help="one dictionary for all")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args(arguments)
    if "LCA-hard" in options.methods and not options.common:
        parser.error("LCA-hard learns no atoms here: give --common too")
    images = Whitener().fit_transform(natural_images())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "codes of L0")  # of "hard" the step decides what enters
        table = xr.concat([compare(options, images, seed) for seed in range(options.seeds)], "seed")
    print(markdown(table))
    if {"soft", "CEL0"} <= set(options.methods) and not options.snr:
        print(ratios(table))
    if options.json:
        options.json.write_text(json.dumps(table.to_dict()))


if __name__ == "__main__":
    main()
