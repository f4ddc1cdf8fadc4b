"""Matched comparisons: encoders at the same sparsity, or the same error, as one table."""

import contextlib
import math
import re
import time
import warnings
from collections.abc import Mapping

import numpy as np

from .._core.arrays import as_dense
from .._core.progress import progress_bar
from .._core.validation import callers_level
from ..metrics import relative_error
from ..solvers import debias
from ..solvers._rows import CONVERGED
from ._matching import Setting, check_coder, fit_to_level, n_constant
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
    "tuned": ("1", "value of the parameter that the level is met by, of a coder given with one"),
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
    are fitted to X: with the value of a parameter for which the codes of `X_test` meet the level, or as they are.

    Parameters
    ----------
    coders : dict of str to Encoder, (Encoder, str) or callable
        Methods by name, unfitted. The level is given to the parameter of that name; a coder whose `n_nonzero_coefs` is
        set gets ``round(target_sparsity * n_atoms)`` of them instead. For encoders with neither: a pair of an encoder
        and the name of a positive real parameter, whose value meets the level, such as
        ``(LCA(threshold="hard", alpha=0.1), "alpha")`` or ``(SAILnet(), "target_rate")``; or a function of the level
        that returns an encoder. `n_components`, `random_state` (the seed) and `dictionary` are set where there are
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
        l0_quantile, with the dimension quantile; alpha; tuned (of pairs, the value of the parameter); n_iter,
        certificate (the largest), not_converged; fit_seconds and transform_seconds. Units are in ``attrs["units"]``.
        What an encoder does not know is NaN: only `SparseCoder` has alpha, n_iter and certificates, and only linear
        codes have a debiased error. A level that a method cannot meet, or at which it fails, is NaN throughout, with a
        warning. All but the seconds is the same in each run.

    Raises
    ------
    TypeError
        If a coder is not one of these, or has no parameter for the level.
    ValueError
        If not exactly one kind of level is given, or a coder says otherwise how sparse codes shall be.
    Exception
        The first error of a coder, if for the first seed and size no coder works at any level.

    Warns
    -----
    UserWarning
        For each level that a method cannot meet, and each error of a coder (or of the learner of common atoms), which
        does not end the comparison. Warnings and errors say which coder, level, seed and size they are about. Warnings
        come when the table is complete; the exception that a filter makes of one has it as its attribute `table`.

    Notes
    -----
    Atoms that are learned see the level on X while they are learned, and X_test only for one number, the weight.
    Costs a fit a cell, and some five encodings of X_test; of a pair one to 22 of both, with values of the parameter up
    to 100 times the one that is given, or down to a hundredth. The first call of a solver in a new installation
    compiles it, within its seconds: run ``python -m sparsecode warmup`` before seconds are compared.

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
    kind, levels = _check_levels(target_sparsity=target_sparsity, target_snr=target_snr, mean_l0=mean_l0)
    for name, coder in coders.items():
        check_coder(name, coder, kind, levels[0])
    seeds = _check_counts("seeds", seeds, least=0)
    sizes = [None] if n_components is None else _check_counts("n_components", n_components, least=1)
    X_test = X if X_test is None else X_test
    shape = len(coders), len(levels), len(seeds), len(sizes)
    measured = {name: np.full(shape, np.nan) for name in MEASURES}
    told = []
    measured["l0_quantile"] = np.full((*shape, len(QUANTILES)), np.nan)
    with progress_bar(math.prod(shape), verbose=verbose, unit="fit") as bar:
        for c, s in np.ndindex(len(sizes), len(seeds)):
            setting, errors = Setting(kind, sizes[c], seeds[s]), []
            with _kept_going(errors, told, f"atoms that methods share, {setting}"):
                setting = setting.with_atoms(dictionary, init, X)
            for i, m in np.ndindex((0, 0) if errors else (len(levels), len(coders))):
                name = list(coders)[m]
                with _kept_going(errors, told, f"coder {name!r}, {kind}={levels[i]:g}, {setting}"):
                    cell = _measure(coders[name], levels[i], setting, X, X_test)
                    for measure, value in cell.items():
                        measured[measure][m, i, s, c] = value
                bar.update()
            if errors and np.isnan(measured["n_atoms"]).all():
                with contextlib.suppress(Warning):  # where they are errors, this one says more
                    _warn(told)
                raise errors[0]  # nothing works, and nothing is lost
    table = _as_dataset(measured, list(coders), kind, levels, seeds, sizes)
    table.attrs |= {"n_samples": len(X), "n_test": len(X_test)}
    table = table.isel(n_components=0, drop=True) if np.ndim(n_components) == 0 else table
    _warn(told, table)
    return table


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


@contextlib.contextmanager
def _kept_going(errors, told, where):
    """Add warnings of the block to `told`, with what they are about, and make one of an error, which `errors` gets.

    Of warnings that differ by numbers only, the last is kept.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # what the user makes an error shall not end a cell
        try:
            yield
        except OutOfReachError as error:
            warnings.warn(f"left out, NaN: {error}", UserWarning, stacklevel=1)
        except Exception as error:
            error.add_note(f"({where})")
            errors.append(error)
            warnings.warn(f"failed, NaN: {type(error).__name__}: {error}", UserWarning, stacklevel=1)
    last = {(re.sub(r"\d", "", str(warning.message)), warning.category): warning.message for warning in caught}
    told.extend((f"{text} ({where})", category) for (_, category), text in last.items())


def _warn(told, table=None):
    """Give the warnings; an error that the user makes of one has the table."""
    for text, category in told:
        try:
            warnings.warn(text, category, stacklevel=callers_level())
        except Warning as error:
            error.table = table
            raise


def _measure(coder, level, setting, X, X_test):
    """Return what is measured of one method at one level."""
    started = time.perf_counter()
    encoder = fit_to_level(coder, level, setting, X, X_test)
    fitted = time.perf_counter()
    cell = _code(encoder, X_test) | {"fit_seconds": fitted - started}
    if isinstance(coder, tuple):
        cell["tuned"] = encoder.get_params()[coder[1]]
    codes = cell.pop("codes")
    counts = np.count_nonzero(codes[:, n_constant(encoder) :], axis=1)
    cell |= {"n_atoms": codes.shape[1] - n_constant(encoder), "mean_l0": counts.mean()}
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
