"""What a fit of `SparseCoder` leaves behind: the choices it fixed, and the state that learning goes on from."""

from dataclasses import dataclass, field, replace

import numpy as np

from .._core.history import as_history, as_rows, from_rows
from .._core.products import correlations
from .._core.rng import as_generator
from .._core.samples import center
from .._core.validation import binary_exponent, check_atoms, warn_not_converged
from ..learning.homeostasis import Homeostasis
from ..learning.init import initial_atoms
from ..learning.rules import RULES, WHOLE
from ..learning.state import LearningState
from ..learning.statistics import BINS
from ..penalties import Penalty
from ..solvers._rows import Atoms
from ..solvers._scales import rescale
from ..solvers.debias import debias_codes
from ..solvers.registry import find_solver
from ._blocks import Batches
from ._direct_current import constant_atom, with_constant
from ._encode import CoderSettings, Known, encode_rows
from ._ksvd import check_ksvd, learn_ksvd
from ._learn import Preparation, Progress, learn
from ._relaxation import count_relaxed
from ._sparsity import ROWS, Amounts, Target, make_penalty, resolve_alpha


@dataclass
class Fit:
    """Choices and state of one fit; methods return a new one."""

    penalty: Penalty  # with its weight, in units of the data
    target: Target | None
    constant: bool  # whether a constant atom codes the mean
    atoms: np.ndarray | None  # given ones, or those of K-SVD; None if a rule learns them
    state: LearningState | None = None
    exponent: int = 0  # learning sees the data times 2**-exponent
    records: list = field(default_factory=list)
    prepared: dict = field(default_factory=dict, init=False, repr=False, compare=False)  # `Atoms` by dtype

    def __getstate__(self):
        """Leave out what is computed again when it is needed."""
        return self.__dict__ | {"prepared": {}}

    @property
    def preparation(self):
        """What is done to rows before they are coded."""
        atoms = self.atoms if self.state is None else self.state.D
        return Preparation(self.exponent, self.constant, atoms.dtype)

    def begin(self):
        """Return the `Progress` of learning that goes on from here, which does not change this fit."""
        penalty = rescale(self.penalty, -self.exponent, self.state.D.dtype)
        return Progress(self.state.copy(), penalty, n_before=len(self.records))

    def learn(self, coder, source, progress, *, epochs, after_update=None):
        """Run epochs over the blocks of a source, changing `progress`."""
        options = {"target": self.target, "tol": coder.tol, "verbose": coder.verbose, "after_update": after_update}
        learn(progress, source, coder_settings(coder), self.preparation, epochs=epochs, **options)
        last = progress.records[-1]
        warn_not_converged(last.stopped, last.stalled, progress.n_rows, last.violation, coder.encode_max_iter)

    def after(self, progress):
        """Return the fit as it is at some point of learning."""
        penalty = self.penalty if self.target is None else rescale(progress.penalty, self.exponent)
        records = self.records + self._in_units_of_data(progress.records)
        return replace(self, penalty=penalty, state=progress.state, records=records)

    def learned(self, coder, X, weights, *, epochs, rng=None):
        """Return the fit after epochs over checked rows, shuffled if there is a generator."""
        if self.state is None:
            return self.after_ksvd(coder, X, weights)
        progress = self.begin()
        options = {"repeated": epochs > 1, "whole": coder.learning in WHOLE, "weights": weights}
        self.learn(coder, Batches(X, coder.batch_size, rng, **options), progress, epochs=epochs)
        return self.after(progress).meet_target(coder, *some_rows(X, weights))

    def after_ksvd(self, coder, X, weights=None):
        """Return the fit after K-SVD of the rows of X, which may have weights."""
        X, settings = self.preparation(X), coder_settings(coder)
        penalty = rescale(self.penalty, -self.exponent, X.dtype)
        options = {"epochs": coder.max_iter, "tol": coder.tol, "verbose": coder.verbose}
        options |= {"weights": weights, "positive_atoms": bool(coder.positive_dict)}
        atoms, records = learn_ksvd(self.atoms, X, penalty, settings, **options)
        last = records[-1]
        warn_not_converged(last.stopped, last.stalled, len(X), last.violation, coder.encode_max_iter)
        return replace(self, atoms=atoms, records=self.records + self._in_units_of_data(records))

    def _in_units_of_data(self, records):
        return [record.scaled(self.exponent, self.penalty.degree) for record in records]

    def meet_target(self, coder, X, weights=None):
        """Return the fit with the weight that meets its target on rows of X, if it has one; rows may have weights."""
        if self.target is None:
            return self
        penalty = rescale(self.penalty, -self.exponent, self.state.D.dtype)
        penalty = _meet_target(coder, self.target, penalty, self.preparation(X), self.state.D, weights)
        return replace(self, penalty=rescale(penalty, self.exponent))

    def publish(self, coder):
        """Set the fitted attributes of the estimator."""
        atoms = self.state.D if self.atoms is None else self.atoms
        if self.constant:
            atoms = np.concatenate([constant_atom(atoms.shape[1], atoms.dtype), atoms])
        coder.components_ = atoms.copy()
        coder.penalty_ = self.penalty
        coder.n_iter_ = max(1, len(self.records))
        coder.n_resampled_ = sum(record.replaced for record in self.records)
        coder.history_ = as_history(self.records)

    def encode(self, coder, X, mask=None):
        """Return the SolveResult of validated rows, of which a mask may say which entries are known."""
        D = coder.components_.astype(X.dtype, copy=False)
        settings = coder_settings(coder)._replace(sparse_output=coder.sparse_output)
        if mask is not None:
            known, D = Known(mask, self.constant), D[int(self.constant) :]
            atoms = self._prepare(center(D) if self.constant else D, coder)
            result = encode_rows(X, atoms, self.penalty, settings, debias=coder.debias, known=known)
            return result._replace(codes=with_constant(X, D, result.codes, mask)) if self.constant else result
        if not self.constant:
            return encode_rows(X, self._prepare(D, coder), self.penalty, settings, debias=coder.debias)
        D = D[1:]
        atoms = self._prepare(center(D), coder)
        result = encode_rows(center(X), atoms, self.penalty, settings, debias=coder.debias)
        return result._replace(codes=with_constant(X, D, result.codes))

    def _prepare(self, D, coder):
        """Return the atoms with their Gram matrix, which is kept for the next call unless they change."""
        atoms = self.prepared.get(D.dtype)
        if atoms is None or not np.array_equal(atoms.D, D):
            atoms = self.prepared[D.dtype] = Atoms.prepare(D, coder.n_jobs)
        return atoms


def start_fit(coder, X, weights=None, *, n_expected=None, n_update=1):
    """Return the fit before learning, and the generator that goes on shuffling (None if atoms are given).

    Rows of X may have weights, all positive. `n_expected` are the samples of all epochs together, None if not known,
    and `n_update` the most that are coded with the same atoms.
    """
    choice = {name: getattr(coder, name) for name in ("alpha", "n_nonzero_coefs", "target_sparsity", "target_snr")}
    penalty = make_penalty(coder.penalty, positive=coder.positive, **choice)
    find_solver(coder.solver, penalty)
    target = None
    if coder.target_sparsity is not None or coder.target_snr is not None:
        target = Target(sparsity=coder.target_sparsity, snr=coder.target_snr)
    if coder.dictionary is None:
        if coder.learning_rate is not None and coder.learning != "gradient":
            raise ValueError(
                f"`learning_rate` belongs to learning='gradient', not to {coder.learning!r}: leave it None."
            )
        if coder.learning == "k-svd":
            check_ksvd(penalty, target)
        rng = as_generator(coder.random_state)
        return _start_learning(coder, X, penalty, target, rng, weights, (n_expected, n_update)), rng
    atoms = check_atoms(
        coder.dictionary, "dictionary", n_features=X.shape[1], n_components=coder.n_components, dtype=X.dtype
    )
    if coder.positive_dict and atoms.min() < 0:
        raise ValueError("`dictionary` has negative entries, which `positive_dict` forbids; set it to False.")
    rows, D = (center(X), center(atoms)) if coder.fit_dc else (X, atoms)
    penalty = resolve_alpha(penalty, rows, D, coder.alpha_scale, weights)
    exponent = binary_exponent(rows)
    if not exponent:
        penalty.bind(np.square(D, dtype=np.float64).sum(axis=1), np.float64)  # raises for parameters out of range
    if target is not None:
        rows, weights = some_rows(rows, weights)
        rows, penalty = np.ldexp(rows, -exponent), rescale(penalty, -exponent)
        penalty = rescale(_meet_target(coder, target, penalty, rows, D, weights), exponent)
    return Fit(penalty, target, bool(coder.fit_dc), atoms.copy()), None


def _start_learning(coder, X, penalty, target, rng, weights, n_samples):
    rows = center(X) if coder.fit_dc else X
    if coder.fit_dc and X.shape[1] == 1:
        raise ValueError("`fit_dc`=True leaves nothing to learn of samples with n_features = 1; give fit_dc=False.")
    if rows.min() == rows.max():
        what = "every sample is constant" if coder.fit_dc else f"every entry is {X.flat[0]:g}"
        raise ValueError(
            f"X has zero variance: {what}. Learning needs samples that differ; check how the patches were cut and "
            "scaled."
        )
    n_components, init = coder.n_components, coder.init
    if not isinstance(init, str):
        init = check_atoms(init, "init", n_features=X.shape[1], n_components=n_components, dtype=X.dtype)
        n_components = len(init)
    if coder.fit_dc:
        init = init if isinstance(init, str) else center(init)
    if not isinstance(init, str) and not init.any(axis=1).all():
        raise ValueError("`init` has atoms that are zero (or constant, with fit_dc); give every atom a direction.")
    positive = _check_positive_atoms(coder, init)
    exponent = binary_exponent(rows)
    atoms = initial_atoms(rows, X.shape[1] if n_components is None else n_components, init, rng, positive=positive)
    if coder.fit_dc:
        atoms = center(atoms)
        atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    # A target is approached from the default weight: first, random atoms may not be able to meet it.
    penalty = resolve_alpha(penalty, rows, len(atoms), coder.alpha_scale, weights)
    rule = _homeostasis_rule(coder, penalty)
    if coder.learning == "k-svd":
        return Fit(penalty, target, bool(coder.fit_dc), atoms, None, exponent)
    homeostasis = rule and Homeostasis.start(rule, len(atoms))
    numbers = {"rate": float(coder.learning_rate)} if coder.learning == "gradient" and coder.learning_rate else {}
    numbers["n_relaxed"] = count_relaxed(coder, penalty, len(atoms), *n_samples)
    state = RULES[coder.learning].start(atoms, homeostasis, positive=positive, **numbers)
    return Fit(penalty, target, bool(coder.fit_dc), None, state, exponent)


def _homeostasis_rule(coder, penalty):
    """Return the rule of homeostasis, None for none, or say why it would have no effect."""
    rule, without = coder.homeostasis, None
    if coder.learning in WHOLE:
        without = f"learning={coder.learning!r}, which codes all samples before it changes an atom; take 'online'"
    elif not penalty.takes_gains:
        without = f"{penalty!r}, which takes no gains; take another penalty"
    if rule == "auto":
        return None if without else "hap"
    if rule and without:
        raise ValueError(f"`homeostasis`={rule!r} has no part in {without}, or homeostasis='auto' (or None).")
    return rule


def _check_positive_atoms(coder, init):
    """Return whether atoms are kept non-negative, or say why they cannot be."""
    if not coder.positive_dict:
        return False
    if coder.learning == "mod":
        raise ValueError(
            "learning='mod' solves for all atoms at once, whatever their signs; for `positive_dict` take 'online', "
            "'gradient' or 'k-svd'."
        )
    if coder.fit_dc:
        raise ValueError(
            "`fit_dc` makes atoms without a mean, which `positive_dict` forbids: an atom that is nowhere negative has "
            "one. Give one of the two."
        )
    if not isinstance(init, str) and init.min() < 0:
        raise ValueError("`init` has negative entries, which `positive_dict` forbids; use numpy.maximum(init, 0).")
    return True


def coder_settings(coder):
    """Return the settings of the coder that are read at each call."""
    return CoderSettings(coder.solver, coder.encode_tol, coder.encode_max_iter, coder.n_jobs)


def some_rows(X, weights=None):
    """Return rows of X, at most `ROWS`, on which a target is met, and their weights."""
    if len(X) <= ROWS:
        return X, weights
    # At random: rows at equal distances may all be of one kind, in data with a period
    chosen = np.sort(np.random.default_rng(0).choice(len(X), ROWS, replace=False))
    return X[chosen], None if weights is None else weights[chosen]


def _meet_target(coder, target, penalty, X, D, weights=None):
    """Return the penalty whose codes of the rows meet the target."""
    settings = coder_settings(coder)

    def encode(penalty):
        result = settings.solve(X, D, penalty)
        if coder.debias:
            refit = debias_codes(X, D, result.codes, positive=penalty.positive, n_jobs=coder.n_jobs)
            result = result._replace(square_error=refit.square_error)
        return Amounts.of(X, result.codes, result.square_error, weights)

    norms = np.square(D, dtype=np.float64).sum(axis=1)
    return target.search(penalty, float(penalty.alpha_max(correlations(X, D, coder.n_jobs), norms).max()), encode)


def fitted_state(coder):
    """Return all that a file needs to restore a fitted coder: scalars and arrays by name."""
    fit = coder._fit
    scalars = {
        "penalty": fit.penalty,
        "target": fit.target and {"sparsity": fit.target.sparsity, "snr": fit.target.snr},
        "constant": fit.constant,
        "exponent": fit.exponent,
    }
    arrays = {"components": coder.components_, "history": as_rows(fit.records)}
    if fit.state is not None:
        state, rule = fit.state, fit.state.homeostasis
        scalars |= {name: getattr(state, name) for name in state.NUMBERS}
        arrays |= {name: getattr(state, name) for name in state.ARRAYS}
        scalars |= {"learning": next(name for name, kind in RULES.items() if kind is type(state))}
        scalars |= {"rule": rule and rule.rule, "n_seen": rule and rule.n_seen, "half": rule and rule.half}
        arrays |= {name: getattr(rule, name) for name in _homeostasis_shapes(rule.rule, len(state.D))} if rule else {}
    return scalars, arrays


def _homeostasis_shapes(rule, n_components):
    """Return the shapes of the arrays of a rule of homeostasis."""
    shapes = {"usage": (n_components,), "gains": (n_components,)}
    return shapes | ({"tables": (n_components, BINS + 1)} if rule == "heh" else {})


def restore(coder, scalars, arrays):
    """Give a coder the state that `fitted_state` has returned; raise ValueError if it is not one."""
    components = arrays["components"]
    if components.ndim != 2 or components.dtype.kind != "f" or not np.isfinite(components).all():
        raise ValueError("the atoms are not a finite matrix.")
    if components.shape[1] != coder.n_features_in_ or not isinstance(scalars["penalty"], Penalty):
        raise ValueError("the atoms, the number of features and the penalty do not go together.")
    atoms = components[1:] if scalars["constant"] else components
    state = None
    if "n_steps" in scalars:
        kind = RULES[scalars.get("learning", "online")]
        shapes = kind.shapes(atoms)
        kept = _homeostasis_shapes(scalars["rule"], len(atoms)) if scalars["rule"] else {}
        for name, shape in (shapes | kept).items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(f"the learning state {name!r} is not a finite array of shape {shape}.")
        rule = None
        if scalars["rule"]:
            numbers = {"n_seen": scalars["n_seen"], "half": scalars.get("half")}
            rule = Homeostasis(scalars["rule"], **numbers, **{name: arrays[name] for name in kept})
        numbers = {name: scalars[name] for name in kind.NUMBERS if name in scalars}
        state = kind(atoms.copy(), rule, **numbers, **{name: arrays[name] for name in shapes})
    records = from_rows(arrays["history"])
    target = scalars["target"] and Target(**scalars["target"])
    given = None if state else atoms.copy()
    coder._fit = Fit(scalars["penalty"], target, scalars["constant"], given, state, scalars["exponent"], records)
    coder._fit.publish(coder)
    coder.components_ = components
