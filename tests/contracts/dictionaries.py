"""Dictionaries of every kind: each constructor, and the forms that atoms can take."""

import numpy as np
from scipy.sparse import csr_array, issparse

from sparsecode import Dictionary

RNG_SEED = 7


def _learned():
    """Atoms with coordinates of all kinds, attributes of all kinds, a zero atom and a negative zero."""
    atoms = np.random.default_rng(RNG_SEED).normal(size=(5, 3, 4))
    atoms[3] = 0
    atoms[0, 0, 0] = -0.0
    coords = {
        "atom": ["bar", "edge", "blob", "", "µ-fleck"],
        "theta": [0.1, np.nan, np.inf, -0.0, 2],
        "owner": np.arange(5, dtype=np.uint8),
        "place": np.arange(10, dtype=np.float32).reshape(5, 2),
        "lit": [True, False, True, True, False],
        "spatial frequency": np.arange(5.0),
    }
    attrs = {"seed": 3, "alpha": 0.1, "converged": True, "source": "näturally $", "snr": np.inf, "$x": float("nan")}
    return Dictionary(atoms, coords=coords, attrs=attrs)


def _binary():
    dense = np.random.default_rng(RNG_SEED).random((6, 40)) < 0.1
    dense[2] = False
    return Dictionary(csr_array(dense), coords={"threshold": np.arange(6)}, attrs={"cells": 3}, dims=("atom", "input"))


def _heterogeneous():
    kernels = [np.full((2, 3), 1.5), np.eye(4), np.ones((1, 1))]
    return Dictionary.from_array(kernels, dims=("atom", "row", "column"), coords={"scale": [2, 1, 3]})


def _samples():
    X = np.random.default_rng(RNG_SEED).normal(size=(30, 12))
    return Dictionary.from_samples(X, 6, shape=(3, 4), random_state=RNG_SEED)


def _gabor():
    return Dictionary.gabor((7, 8), theta=np.linspace(0, 3, 5), frequency=0.2, sigma_x=1.5, sigma_y=2, phase=[[0], [1]])


DICTIONARIES = {
    "learned": _learned,
    "binary csr": _binary,
    "float32 csr": lambda: Dictionary(csr_array(np.diag(np.arange(4, dtype=np.float32)))),
    "csr of zeros": lambda: Dictionary(csr_array((3, 5), dtype=bool)),
    "heterogeneous": _heterogeneous,
    "heterogeneous 1-D": lambda: Dictionary([[1, 2, 0], [3, 4, 5]], shapes=[[2], [3]]),
    "one axis": lambda: Dictionary.random(4, 9, random_state=RNG_SEED),
    "float32": lambda: Dictionary.random(4, (3, 3), random_state=RNG_SEED).astype("float32"),
    "one atom": lambda: Dictionary([[2.0, 0.0, -1.0]]),
    "one feature": lambda: Dictionary([[2.0], [-3.0]]),
    "colour": lambda: Dictionary.random(3, (3, 4, 5), random_state=RNG_SEED),
    "video": lambda: Dictionary.random(2, (2, 2, 3, 3), random_state=RNG_SEED),
    "extreme": lambda: Dictionary([[1e-200, 0.0], [1e200, 1e200], [5e-324, 0.0]]),
    "random": lambda: Dictionary.random(8, (4, 4), random_state=RNG_SEED),
    "from_samples": _samples,
    "gabor": _gabor,
    "log_gabor": lambda: Dictionary.log_gabor(8, theta=[0, 1, 2], B_theta=0.3, phase=[[0], [np.pi / 2]]),
    "log_gabor_bank": lambda: Dictionary.log_gabor_bank(
        [6, 9], n_orientations=3, B_theta=[0.2, 0.5], sf_0=[0.4, 0.2], normalization="l2"
    ),
    "colour, channel last": lambda: Dictionary.random(3, (5, 6, 3), random_state=RNG_SEED),
    "difference_of_gaussians": lambda: Dictionary.difference_of_gaussians((7, 6), sigma_center=1, sigma_surround=2),
    "dct": lambda: Dictionary.dct((3, 4)),
    "overcomplete dct": lambda: Dictionary.dct((3, 4), (5, 6)),
}


def arrays(dictionary):
    """Every array of a dictionary by name."""
    atoms = dictionary.atoms
    found = dict(dictionary.coords)
    found |= {f"csr {part}": getattr(atoms, part) for part in ("data", "indices", "indptr")} if issparse(atoms) else {}
    found |= {} if issparse(atoms) else {"atoms": atoms}
    return found | ({} if dictionary.shapes is None else {"shapes": dictionary.shapes})


def content(dictionary):
    """Every bit of a dictionary in plain Python, made without its own hash."""
    table = {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays(dictionary).items()}
    attrs = [(name, type(value), repr(value)) for name, value in dictionary.attrs.items()]
    return dictionary.atoms.shape, dictionary.dims, list(dictionary.coords), table, attrs


def dense(dictionary):
    """D as an ordinary float64 array."""
    atoms = dictionary.atoms.toarray() if issparse(dictionary.atoms) else dictionary.atoms
    return np.array(atoms, dtype=np.float64).reshape(len(dictionary), -1)
