"""Matched comparisons: encoders at the same sparsity, or the same error, as one table."""

import contextlib
import math
import re
import time
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from .._core.arrays import as_dense
from .._core.progress import progress_bar
from .._core.validation import callers_level
from ..encoder import Encoder
from ..metrics import relative_error
from ..solvers import debias
from ..solvers._rows import CONVERGED
from ._sparsity import OutOfReachError
from .sparse_coder import SparseCoder

#: Quantiles of the number of active atoms over samples.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

#: Units and meanings of what is measured.
MEASURES = {
    "n_atoms": ("1", "number of atoms"),
    "relative_error": ("1", "sum ||x - x_hat||^2 / sum ||x||^2 over the test samples"),
    "debiased_error": ("1", "relative error after least squares on the support of each code"),
    "active_fraction": ("1", "share of coefficients that are not zero"),
    "mean_l0": ("atoms/sample", "mean number of active atoms"),
    "alpha": ("1", "weight of the penalty, for data in their own units"),
    "n_iter": ("passes/sample", "mean number of passes of the solver over all atoms"),
    "certificate": ("1", "largest certificate of a code, see sparsecode.solvers.SolveResult"),
    "not_converged": ("1", "share of samples whose certificate stayed above its bound"),
    "fit_seconds": ("s", "learning, and the search for the weight"),
    "transform_seconds": ("s", "coding of the test samples"),
}
L0_QUANTILE = ("atoms", "quantiles over samples of the number of active atoms")

#: What levels may be, with units.
LEVELS = {"target_sparsity": "1", "target_snr": "dB", "mean_l0": "atoms/sample"}


def compare_coders(
    coders, X, X_test=None, *, target_sparsity=None, target_snr=None, mean_l0=None, n_components=None, seeds=0,
    dictionary=None, init=None, verbose=0,
):  # fmt: skip
    r"""Compare encoders at matched levels of sparsity or of error, and return the table as an xarray Dataset.

    For each `SparseCoder`, level, seed and number of atoms: atoms are learned from X at that level, or taken from
    `dictionary`; then the weight of the penalty is set so that the codes of `X_test` meet the level, and these are
    measured. So codes that are compared are equally sparse (or equally wrong) where they are measured. Other encoders
    are fitted to X as they are: their own parameters decide how near they come to the level.

    Parameters
    ----------
    coders : dict of str to Encoder or callable
        Methods by name, unfitted. The level is given to the parameter of that name; a coder whose `n_nonzero_coefs` is
        set gets ``round(target_sparsity * n_atoms)`` of them instead. For encoders with neither: a function of the
        level that returns one. `n_components`, `random_state` (the seed) and `dictionary` are set where there are
        such parameters; all others stay, such as `debias`, which a `target_snr` then counts.
    X : array-like of shape (n_samples, n_features)
        Samples to learn from.
    X_test : array-like of shape (n_test, n_features) or None, default=None
        Samples to measure; None takes X.
    target_sparsity : float, sequence of float or None, default=None
        Levels: shares of coefficients that are not zero.
    target_snr : float, sequence of float or None, default=None
        Levels: signal-to-noise ratios in dB; equal ones are equal errors.
    mean_l0 : float, sequence of float or None, default=None
        Levels: mean numbers of active atoms in a sample, whatever the number of atoms. Give one of the three.
    n_components : int, sequence of int or None, default=None
        Numbers of atoms; a sequence makes a dimension. None leaves them as they are.
    seeds : int or sequence of int, default=0
        Seeds of learning.
    dictionary : Encoder, Dictionary, array-like or None, default=None
        Atoms that all methods share: given ones, or an unfitted encoder that learns them from X, for each seed and
        number of atoms. None lets every method learn its own. A coder with a `dictionary` of its own keeps it.
    init : Encoder, array-like or None, default=None
        Atoms that learning starts from, also that of `dictionary`: given ones, or an unfitted encoder that learns them
        from X, for each seed and number of atoms. None leaves the `init` of each.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    xarray.Dataset
        Dimensions (coder, level, seed), and n_components if that is a sequence. Variables: n_atoms; relative_error;
        debiased_error (after least squares on the support of each code: what is left is what the supports are worth,
        and the difference is shrinkage); active_fraction and mean_l0, without the constant atom of `fit_dc`;
        l0_quantile, with the dimension quantile; alpha; n_iter, certificate (the largest), not_converged; fit_seconds
        and transform_seconds. Units are in ``attrs["units"]``. What an encoder does not know is NaN: only `SparseCoder`
        has alpha, n_iter and certificates, and only linear codes have a debiased error. A level that a method cannot
        meet is NaN throughout, with a warning. All but the seconds is the same in each run.

    Raises
    ------
    TypeError
        If a coder is not an Encoder, or has no parameter for the level.
    ValueError
        If not exactly one kind of level is given, or as the coders say.

    Warns
    -----
    UserWarning
        For each level that a method cannot meet. Warnings of the coders say which method they are about.

    Notes
    -----
    Atoms that are learned see the level on X while they are learned, and X_test only for one number, the weight.
    Costs a fit a cell, and some five encodings of X_test. The first call of a solver in a new installation compiles it,
    within its seconds: run ``python -m sparsecode warmup`` before seconds are compared.

    A comparison at equal sparsity does not say how sparse codes should be: `held_out_pixel_score` does. Datasets of
    several calls join: ``xarray.concat([...], "seed")``, where patches are to differ as well. With `init` all learn
    from the same atoms, those of l1, say, and for all epochs with their own penalty.

    References
    ----------
    I. Rentzeperis, L. Calatroni, L. U. Perrinet and D. Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol.
    19(9) (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import SparseCoder
    >>> from sparsecode.coding import compare_coders
    >>> rng = np.random.default_rng(0)
    >>> D = rng.standard_normal((30, 20))
    >>> X = (rng.random((300, 30)) < 0.1) * rng.standard_normal((300, 30)) @ D
    >>> methods = {"l1": SparseCoder(), "CEL0": SparseCoder(penalty="cel0")}
    >>> table = compare_coders(methods, X, target_sparsity=[0.05, 0.1], dictionary=D)
    >>> dict(table.sizes)
    {'coder': 2, 'level': 2, 'seed': 1, 'quantile': 5}
    >>> ratio = table.relative_error.sel(coder="l1") / table.relative_error.sel(coder="CEL0")
    >>> bool((ratio > 1.5).all())
    True
    """
    if not isinstance(coders, Mapping) or not coders:
        raise TypeError(f"`coders` must be a dict of at least one method by name, got {coders!r:.100}.")
    for name, coder in coders.items():
        if isinstance(coder, type) or (not isinstance(coder, Encoder) and not callable(coder)):
            raise TypeError(f"coder {name!r} must be an Encoder, or a function that returns one, got {coder!r:.100}.")
    kind, levels = _check_levels(target_sparsity=target_sparsity, target_snr=target_snr, mean_l0=mean_l0)
    seeds = _check_counts("seeds", seeds, least=0)
    sizes = [None] if n_components is None else _check_counts("n_components", n_components, least=1)
    X_test = X if X_test is None else X_test
    shape = len(coders), len(levels), len(seeds), len(sizes)
    measured = {name: np.full(shape, np.nan) for name in MEASURES}
    measured["l0_quantile"] = np.full((*shape, len(QUANTILES)), np.nan)
    with progress_bar(math.prod(shape), verbose=verbose, unit="fit") as bar:
        for c, size in enumerate(sizes):
            for s, seed in enumerate(seeds):
                start = _common_atoms(init, X, size, seed)
                setting = _Setting(kind, size, seed, _common_atoms(dictionary, X, size, seed, start), start)
                for i, m in np.ndindex(len(levels), len(coders)):
                    name = list(coders)[m]
                    with _named_warnings(f"coder {name!r}, {kind}={levels[i]:g}, {setting}"):
                        cell = _measure(coders[name], levels[i], setting, X, X_test)
                    for measure, value in cell.items():
                        measured[measure][m, i, s, c] = value
                    bar.update()
    table = _as_dataset(measured, list(coders), kind, levels, seeds, sizes)
    table.attrs |= {"n_samples": len(X), "n_test": len(X_test)}
    return table.isel(n_components=0, drop=True) if np.ndim(n_components) == 0 else table


class _Setting(NamedTuple):
    """What methods share while they are compared."""

    kind: str  # of the levels
    n_components: int | None
    seed: int
    atoms: np.ndarray | None  # common to all methods
    init: np.ndarray | None  # atoms that learning starts from

    def __str__(self):
        return f"seed={self.seed}" + (f", n_components={self.n_components}" if self.n_components else "")


def _check_levels(**given):
    """Return the kind of the levels, and the levels as a list of float."""
    given = {kind: levels for kind, levels in given.items() if levels is not None}
    if len(given) != 1:
        raise ValueError(f"give levels of exactly one of {', '.join(LEVELS)}; got {', '.join(given) or 'none'}.")
    ((kind, levels),) = given.items()
    levels = np.atleast_1d(np.asarray(levels, dtype=float))
    if levels.ndim != 1 or not levels.size or not (np.isfinite(levels) & (levels > 0)).all():
        raise ValueError(f"`{kind}` must be positive numbers, got {given[kind]!r}.")
    if kind == "target_sparsity" and levels.max() >= 1:
        raise ValueError(f"`target_sparsity` are shares of all coefficients, below 1, got {given[kind]!r}.")
    return kind, levels.tolist()


def _check_counts(name, counts, *, least):
    """Return an integer, or a sequence of them, as a list of different int."""
    array = np.atleast_1d(np.asarray(counts))
    bad = array.ndim != 1 or not array.size or array.dtype.kind not in "iu" or array.min() < least
    if bad or len(set(array.tolist())) < len(array):
        raise ValueError(f"`{name}` must be one or several different integers of at least {least}, got {counts!r}.")
    return array.tolist()


def _common_atoms(source, X, size, seed, init=None):
    """Return the atoms that methods share, given or learned, or None."""
    if not isinstance(source, Encoder):
        return None if source is None else np.asarray(source)
    return _atoms_of(_set_learning(clone(source), size, seed, init).fit(X))


@contextlib.contextmanager
def _named_warnings(where):
    """Add to warnings in the block what they are about; of those that differ by numbers only, give the last."""
    with warnings.catch_warnings(record=True) as told:
        yield
    last = {(re.sub(r"\d", "", str(warning.message)), warning.category): warning.message for warning in told}
    for (_, category), text in last.items():
        warnings.warn(f"{text} ({where})", category, stacklevel=callers_level())


def _measure(coder, level, setting, X, X_test):
    """Return what is measured of one method at one level; nothing where the level cannot be met."""
    try:
        started = time.perf_counter()
        encoder = _fitted(coder, level, setting, X, X_test)
        fitted = time.perf_counter()
    except OutOfReachError as error:
        warnings.warn(f"left out, NaN: {error}", UserWarning, stacklevel=callers_level())
        return {}
    cell = _code(encoder, X_test) | {"fit_seconds": fitted - started}
    codes = cell.pop("codes")
    counts = np.count_nonzero(codes[:, _n_constant(encoder) :], axis=1)
    cell |= {"n_atoms": codes.shape[1] - _n_constant(encoder), "mean_l0": counts.mean()}
    cell |= {"active_fraction": cell["mean_l0"] / cell["n_atoms"], "l0_quantile": np.quantile(counts, QUANTILES)}
    if encoder.capabilities().invertible:
        cell["relative_error"] = relative_error(X_test, encoder.inverse_transform(codes))
    atoms = getattr(encoder, "components_", None)
    if atoms is not None and np.shape(atoms) == (codes.shape[1], np.shape(X_test)[1]):
        positive = not encoder.capabilities().signed
        refit = debias(X_test, atoms, codes, positive=positive, n_jobs=getattr(encoder, "n_jobs", None))
        cell["debiased_error"] = relative_error(X_test, refit @ atoms)
    return cell


def _code(encoder, X):
    """Return the codes of rows, the seconds they took, and what the solver says of them."""
    started = time.perf_counter()
    if not isinstance(encoder, SparseCoder):
        codes = as_dense(encoder.transform(X))
        return {"codes": codes, "transform_seconds": time.perf_counter() - started}
    result = encoder._fit.encode(encoder, encoder._check_input(X, reset=False))
    return {
        "transform_seconds": time.perf_counter() - started,
        "codes": as_dense(result.codes),
        "alpha": np.nan if encoder.alpha_ is None else encoder.alpha_,
        "n_iter": result.n_iter.mean(),
        "certificate": result.certificate.max(),
        "not_converged": (result.status != CONVERGED).mean(),
    }


def _fitted(coder, level, setting, X, X_test):
    """Return a method with its atoms, which meets the level on X_test."""
    encoder = clone(coder) if isinstance(coder, Encoder) else coder(level)
    parameters = encoder.get_params(deep=False)
    own = parameters.get("dictionary")
    atoms = setting.atoms if own is None else own
    _set(encoder, random_state=setting.seed)
    if own is None and atoms is not None:
        _set(encoder, dictionary=atoms)
        encoder = encoder.set_params(n_components=None) if isinstance(encoder, SparseCoder) else encoder
    elif own is None:
        _set_learning(encoder, setting.n_components, setting.seed, setting.init)
    if isinstance(coder, Encoder):
        given = setting.init if atoms is None else atoms
        size = encoder.get_params(deep=False).get("n_components") if given is None else len(given)
        _set_level(encoder, setting.kind, level, size or np.shape(X)[1])
    if not isinstance(encoder, SparseCoder):
        return encoder.fit(X)
    if encoder.dictionary is None:
        encoder = clone(encoder).set_params(dictionary=_atoms_of(encoder.fit(X)), n_components=None)
    return encoder.fit(X_test)


def _set_level(encoder, kind, level, n_atoms):
    """Give an encoder of so many atoms the level."""
    parameters = encoder.get_params(deep=False)
    if kind == "mean_l0":
        kind, level = "target_sparsity", level / n_atoms
        if level >= 1:
            raise OutOfReachError(f"{level * n_atoms:g} of {n_atoms} atoms cannot be active.")
    if parameters.get("n_nonzero_coefs") is not None:
        if kind == "target_snr":
            raise OutOfReachError("a fixed number of coefficients has no weight that meets a `target_snr`.")
        if round(level * n_atoms) < 1:
            raise OutOfReachError(f"{level:g} of {n_atoms} atoms is less than one.")
        encoder.set_params(n_nonzero_coefs=round(level * n_atoms))
    elif kind in parameters:
        encoder.set_params(**{kind: level})
    else:
        raise TypeError(f"{type(encoder).__name__} has no parameter `{kind}`; give a function of the level instead.")


def _set_learning(encoder, size, seed, init):
    """Set what learning starts from, as far as it is given."""
    given = {"n_components": size, "random_state": seed, "init": init}
    return _set(encoder, **{name: value for name, value in given.items() if value is not None})


def _set(encoder, **values):
    """Set those parameters that an encoder has."""
    return encoder.set_params(**{name: value for name, value in values.items() if name in encoder.get_params(False)})


def _atoms_of(encoder):
    """Return the atoms of a fitted encoder, without the constant one."""
    return encoder.components_[_n_constant(encoder) :]


def _n_constant(encoder):
    return int(bool(getattr(encoder, "fit_dc", False)))


def _as_dataset(measured, names, kind, levels, seeds, sizes):
    """Return arrays (coder, level, seed, n_components) as a Dataset."""
    import xarray as xr

    dims = ("coder", "level", "seed", "n_components", "quantile")
    variables = {}
    for name, array in measured.items():
        units, text = MEASURES.get(name, L0_QUANTILE)
        variables[name] = (dims[: array.ndim], array, {"units": units, "long_name": text})
    coords = {"coder": names, "level": ("level", levels, {"long_name": kind, "units": LEVELS[kind]})}
    coords |= {"seed": seeds, "n_components": sizes, "quantile": list(QUANTILES)}
    return xr.Dataset(variables, coords)
