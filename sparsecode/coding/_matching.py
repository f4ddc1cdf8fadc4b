"""How methods that are compared get their atoms, and meet a level."""

import math
import warnings
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from .._core.arrays import as_dense
from .._core.validation import Integral, Real, callers_level
from ..encoder import Encoder
from ._nested import CHOICES
from ._search import find_zero
from ._sparsity import MISSED, Amounts, OutOfReachError, Target, make_penalty
from .sparse_coder import SparseCoder

#: The search for a value of a parameter: second value over the first, how far it goes, and values at the most between
#: two that enclose it.
SECOND, FARTHEST, N_TRIES = 1.5, 100, 15


class Setting(NamedTuple):
    """What methods share while they are compared."""

    kind: str  # of the levels
    n_components: int | None
    seed: int
    atoms: np.ndarray | None = None  # common to all methods
    init: np.ndarray | None = None  # atoms that learning starts from

    def __str__(self):
        return f"seed={self.seed}" + (f", n_components={self.n_components}" if self.n_components else "")

    def with_atoms(self, dictionary, init, X):
        """Return the setting with the atoms that methods share, given ones or learned from X."""
        init = _common_atoms(init, X, self)
        return self._replace(init=init, atoms=_common_atoms(dictionary, X, self._replace(init=init)))


def _common_atoms(source, X, setting):
    if not isinstance(source, Encoder):
        return None if source is None else np.asarray(source)
    return _atoms_of(_set_learning(clone(source), setting).fit(X))


def check_coder(name, coder, kind, level):
    """Say what is wrong with a method that is to be compared, as far as it can be known before."""
    if isinstance(coder, tuple):
        _check_pair(name, coder)
    elif isinstance(coder, type) or (not isinstance(coder, Encoder) and not callable(coder)):
        raise TypeError(
            f"coder {name!r} must be an Encoder, a pair of one and the name of a parameter, or a function that returns "
            f"one, got {coder!r:.100}."
        )
    elif isinstance(coder, Encoder):
        parameter, parameters = _parameter_of(kind, coder), coder.get_params(deep=False)
        if parameter not in parameters:
            raise TypeError(
                f"coder {name!r}: {type(coder).__name__} has no parameter `{kind}`; give a pair of it and the name of "
                "the parameter that the level is met by, or a function of the level."
            )
        if isinstance(coder, SparseCoder) and parameter != "n_nonzero_coefs":
            choice = {name: parameters[name] for name in CHOICES} | {parameter: level}
            try:
                make_penalty(coder.penalty, positive=coder.positive, **choice)
            except ValueError as error:
                raise ValueError(f"coder {name!r}: {error}") from error


def _check_pair(name, pair):
    if len(pair) != 2 or not isinstance(pair[0], Encoder) or pair[1] not in pair[0].get_params():
        raise TypeError(
            f"coder {name!r} must be a pair of an Encoder and the name of its parameter, got {pair!r:.100}."
        )
    value = pair[0].get_params()[pair[1]]
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < np.inf:
        raise TypeError(f"coder {name!r} needs a positive `{pair[1]}`, from which the search starts, got {value!r}.")
    if isinstance(value, Integral) and not _takes_reals(*pair):
        raise TypeError(
            f"coder {name!r}: `{pair[1]}`={value!r} is an integer, and levels are met by real numbers; give a function "
            "of the level that returns an encoder, or a float if the parameter is real."
        )


def _takes_reals(encoder, parameter):
    """Tell whether an encoder says that a parameter may be any real number."""
    *owners, parameter = parameter.split("__")
    for owner in owners:
        encoder = encoder.get_params(deep=False)[owner]
    constraints = getattr(encoder, "_parameter_constraints", {}).get(parameter, ())
    types = [getattr(constraint, "type", constraint) for constraint in constraints]
    return any(isinstance(kind, type) and issubclass(float, kind) for kind in types)


def fit_to_level(coder, level, setting, X, X_test):
    """Return a fitted method with its atoms, which meets the level on X_test."""
    function = not isinstance(coder, Encoder | tuple)
    encoder, parameter = coder if isinstance(coder, tuple) else (coder(level) if function else coder, None)
    encoder = clone(encoder)
    own = encoder.get_params(deep=False).get("dictionary")
    atoms = setting.atoms if own is None else own
    _set(encoder, random_state=setting.seed)
    if own is None and atoms is not None:
        _set(encoder, dictionary=atoms)
        encoder = encoder.set_params(n_components=None) if isinstance(encoder, SparseCoder) else encoder
    elif own is None:
        _set_learning(encoder, setting)
    if parameter is not None:
        return _tuned(encoder, parameter, setting.kind, level, X, X_test)
    if not function:
        given = setting.init if atoms is None else atoms
        size = encoder.get_params(deep=False).get("n_components") if given is None else len(given)
        _set_level(encoder, setting.kind, level, size or np.shape(X)[1])
    if not isinstance(encoder, SparseCoder):
        return encoder.fit(X)
    if encoder.dictionary is None:
        encoder = clone(encoder).set_params(dictionary=_atoms_of(encoder.fit(X)), n_components=None)
    return encoder.fit(X_test)


def _tuned(encoder, parameter, kind, level, X, X_test):
    """Return the encoder, fitted to X with the value of a parameter for which codes of X_test meet the level."""
    start, tried = encoder.get_params()[parameter], {}

    def value_at(place):
        return start * math.exp(place) if place else start

    def error_at(place):
        if place not in tried:
            candidate = clone(encoder).set_params(**{parameter: value_at(place)}).fit(X)
            amounts = _amounts(candidate, X_test)
            target = _target(kind, level, amounts.n_entries / len(X_test))
            tried[place] = candidate, target.error_beyond_tolerance(amounts), target.reached(amounts)
        return tried[place][1]

    bracket = _bracket(error_at)
    if bracket is None:
        nearest = min(tried.values(), key=lambda attempt: abs(attempt[1]))[2]
        raise OutOfReachError(
            f"no `{parameter}` up to {FARTHEST:g} times the given one, or below, meets it: {nearest} at best."
        )
    above, below = bracket  # codes too dense, and too sparse
    sign = 1 if above <= below else -1  # the search is for functions that fall
    place, nearest = find_zero(
        lambda place: error_at(sign * place), sign * above, 0.0, below=(sign * below, error_at(below)), n_tries=N_TRIES
    )
    if nearest > MISSED:
        warnings.warn(
            f"the level is met up to {tried[sign * place][2]} only, at {parameter}={value_at(sign * place):.6g}.",
            ConvergenceWarning,
            stacklevel=callers_level(),
        )
    return tried[sign * place][0]


def _bracket(error_at):
    """Return neighbouring places, logarithms of a factor, at which the error is >= 0, and <= 0; None if there are none.

    From 1 and `SECOND` times the given value the search goes on where errors seem to shrink, then to the other side:
    errors may be equal at both (no atom is active), or change their direction.
    """
    second, far = math.log(SECOND), math.log(FARTHEST)
    at_start = error_at(0.0)
    if at_start == 0:
        return 0.0, 0.0
    slope = error_at(second) - at_start
    if at_start * error_at(second) <= 0:
        return (0.0, second) if at_start > 0 else (second, 0.0)
    upwards = slope * at_start < 0 or (slope == 0 and at_start > 0)  # most parameters make codes sparser
    for direction in (1, -1) if upwards else (-1, 1):
        place, stride = second if direction > 0 else 0.0, math.log(2)
        while abs(place) < far:
            previous, place = place, direction * min(abs(place) + stride, far)
            stride *= 2
            try:
                error = error_at(place)
            except ValueError:  # beyond what the parameter may be
                break
            if at_start * error <= 0:
                return (previous, place) if at_start > 0 else (place, previous)
    return None


def _amounts(encoder, X):
    """Return what a target needs to know of rows and their codes, without the constant atom."""
    X, codes = np.asarray(X), as_dense(encoder.transform(X))
    counted = csr_array(codes[:, n_constant(encoder) :])
    if not encoder.capabilities().invertible:
        return Amounts.of(X, counted, np.full(len(X), np.nan))
    return Amounts.of(X, counted, np.square(X - encoder.inverse_transform(codes), dtype=np.float64).sum(axis=1))


def _target(kind, level, n_atoms):
    """Return the target that a level stands for, for codes of so many atoms."""
    if kind == "target_snr":
        return Target(snr=level)
    if kind == "mean_l0":
        if level >= n_atoms:
            raise OutOfReachError(f"{level:g} of {n_atoms:g} atoms cannot be active.")
        level /= n_atoms
    return Target(sparsity=level)


def _parameter_of(kind, encoder):
    """Return the parameter of an encoder that takes levels of a kind."""
    if encoder.get_params(deep=False).get("n_nonzero_coefs") is not None:
        return "n_nonzero_coefs"
    return "target_snr" if kind == "target_snr" else "target_sparsity"


def _set_level(encoder, kind, level, n_atoms):
    """Give an encoder of so many atoms the level."""
    parameter, target = _parameter_of(kind, encoder), _target(kind, level, n_atoms)
    if parameter != "n_nonzero_coefs":
        encoder.set_params(**{parameter: target.snr or target.sparsity})
        return
    if target.sparsity is None:
        raise OutOfReachError("a fixed number of coefficients has no weight that meets a `target_snr`.")
    number = round(target.sparsity * n_atoms)
    if number < 1:
        raise OutOfReachError(f"{target.sparsity:g} of {n_atoms} atoms is less than one.")
    encoder.set_params(n_nonzero_coefs=number)


def _set_learning(encoder, setting):
    """Set what learning starts from, as far as it is given."""
    given = {"n_components": setting.n_components, "random_state": setting.seed, "init": setting.init}
    return _set(encoder, **{name: value for name, value in given.items() if value is not None})


def _set(encoder, **values):
    """Set those parameters that an encoder has."""
    return encoder.set_params(**{name: value for name, value in values.items() if name in encoder.get_params(False)})


def _atoms_of(encoder):
    """Return the atoms of a fitted encoder, without the constant one."""
    return encoder.components_[n_constant(encoder) :]


def n_constant(encoder):
    """Return how many atoms at the beginning are constant."""
    return int(bool(getattr(encoder, "fit_dc", False)))
