"""What a fit of `SparseCoder` leaves behind: the choices it fixed, and the state that learning goes on from."""

from dataclasses import dataclass, field, replace

import numpy as np

from .._core.history import as_history, as_rows, from_rows
from .._core.products import correlations
from .._core.rng import as_generator
from .._core.validation import binary_exponent, check_atoms, warn_not_converged
from ..learning.homeostasis import Homeostasis
from ..learning.init import initial_atoms
from ..learning.online import OnlineState
from ..penalties import Penalty
from ..solvers._rows import Atoms
from ..solvers.debias import debias_codes
from ..solvers.registry import find_solver
from ._direct_current import center, constant_atom, with_constant
from ._encode import CoderSettings, encode_rows
from ._ksvd import check_ksvd, learn_ksvd
from ._learn import Preparation, Progress, learn
from ._sparsity import ROWS, Amounts, Target, make_penalty, rescale, resolve_alpha

#: Entries of a record that grow with the square of the data.
ENERGIES = ("objective", "data_term", "penalty")


@dataclass
class Fit:
    """Choices and state of one fit; methods return a new one."""

    penalty: Penalty  # with its weight, in units of the data
    target: Target | None
    constant: bool  # whether a constant atom codes the mean
    atoms: np.ndarray | None  # given ones, or those of K-SVD; None if they are learned online
    state: OnlineState | None = None
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

    def after_ksvd(self, coder, X):
        """Return the fit after K-SVD of the rows of X."""
        X, settings = self.preparation(X), coder_settings(coder)
        penalty = rescale(self.penalty, -self.exponent, X.dtype)
        options = {"epochs": coder.max_iter, "tol": coder.tol, "verbose": coder.verbose}
        atoms, records = learn_ksvd(self.atoms, X, penalty, settings, **options)
        last = records[-1]
        warn_not_converged(last.stopped, last.stalled, len(X), last.violation, coder.encode_max_iter)
        return replace(self, atoms=atoms, records=self.records + self._in_units_of_data(records))

    def _in_units_of_data(self, records):
        if not self.exponent:
            return records
        return [_in_units_of_data(record, self.exponent, self.penalty.degree) for record in records]

    def meet_target(self, coder, X):
        """Return the fit with the weight that meets its target on rows of X, if it has one."""
        if self.target is None:
            return self
        penalty = rescale(self.penalty, -self.exponent, self.state.D.dtype)
        penalty = _meet_target(coder, self.target, penalty, self.preparation(X), self.state.D)
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

    def encode(self, coder, X):
        """Return the SolveResult of validated rows."""
        D = coder.components_.astype(X.dtype, copy=False)
        settings = coder_settings(coder)._replace(sparse_output=coder.sparse_output)
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


def start_fit(coder, X):
    """Return the fit before learning, and the generator that goes on shuffling (None if atoms are given)."""
    choice = {name: getattr(coder, name) for name in ("alpha", "n_nonzero_coefs", "target_sparsity", "target_snr")}
    penalty = make_penalty(coder.penalty, positive=coder.positive, **choice)
    find_solver(coder.solver, penalty)
    target = None
    if coder.target_sparsity is not None or coder.target_snr is not None:
        target = Target(sparsity=coder.target_sparsity, snr=coder.target_snr)
    if coder.dictionary is None:
        if coder.learning == "k-svd":
            check_ksvd(penalty, target)
        rng = as_generator(coder.random_state)
        return _start_learning(coder, X, penalty, target, rng), rng
    atoms = check_atoms(
        coder.dictionary, "dictionary", n_features=X.shape[1], n_components=coder.n_components, dtype=X.dtype
    )
    rows, D = (center(X), center(atoms)) if coder.fit_dc else (X, atoms)
    penalty = resolve_alpha(penalty, rows, D, coder.alpha_scale)
    exponent = binary_exponent(rows)
    if not exponent:
        penalty.bind(np.square(D, dtype=np.float64).sum(axis=1), np.float64)  # raises for parameters out of range
    if target is not None:
        rows, penalty = np.ldexp(some_rows(rows), -exponent), rescale(penalty, -exponent)
        penalty = rescale(_meet_target(coder, target, penalty, rows, D), exponent)
    return Fit(penalty, target, bool(coder.fit_dc), atoms.copy()), None


def _start_learning(coder, X, penalty, target, rng):
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
    exponent = binary_exponent(rows)
    atoms = initial_atoms(rows, X.shape[1] if n_components is None else n_components, init, rng)
    if coder.fit_dc:
        atoms = center(atoms)
        atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    # A target is approached from the default weight: first, random atoms may not be able to meet it.
    penalty = resolve_alpha(penalty, rows, len(atoms), coder.alpha_scale)
    if coder.learning == "k-svd":
        return Fit(penalty, target, bool(coder.fit_dc), atoms, None, exponent)
    state = OnlineState.start(atoms, coder.homeostasis if penalty.takes_gains else None)
    return Fit(penalty, target, bool(coder.fit_dc), None, state, exponent)


def _in_units_of_data(record, exponent, degree):
    """Return a record of learning that saw the data times ``2**-exponent``; what overflows is infinite."""
    with np.errstate(over="ignore", under="ignore"):
        values = {name: float(np.ldexp(getattr(record, name), 2 * exponent)) for name in ENERGIES}
        values["alpha"] = float(record.alpha * np.exp2(exponent * degree))
    return record._replace(**values)


def coder_settings(coder):
    """Return the settings of the coder that are read at each call."""
    return CoderSettings(coder.solver, coder.encode_tol, coder.encode_max_iter, coder.n_jobs)


def some_rows(X):
    """Return rows of X, at most `ROWS`, on which a target is met."""
    if len(X) <= ROWS:
        return X
    # At random: rows at equal distances may all be of one kind, in data with a period
    return X[np.sort(np.random.default_rng(0).choice(len(X), ROWS, replace=False))]


def _meet_target(coder, target, penalty, X, D):
    """Return the penalty whose codes of the rows meet the target."""
    settings = coder_settings(coder)

    def encode(penalty):
        result = settings.solve(X, D, penalty)
        if coder.debias:
            refit = debias_codes(X, D, result.codes, positive=penalty.positive, n_jobs=coder.n_jobs)
            result = result._replace(square_error=refit.square_error)
        return Amounts.of(X, result.codes, result.square_error)

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
        rule = fit.state.homeostasis
        scalars |= {"n_steps": fit.state.n_steps, "n_replaced": fit.state.n_replaced}
        scalars |= {"rule": rule and rule.rule, "n_seen": rule and rule.n_seen}
        arrays |= {name: getattr(fit.state, name) for name in ("A", "B", "unused")}
        arrays |= {"usage": rule.usage, "gains": rule.gains} if rule else {}
    return scalars, arrays


def restore(coder, scalars, arrays):
    """Give a coder the state that `fitted_state` has returned; raise ValueError if it is not one."""
    components = arrays["components"]
    if components.ndim != 2 or components.dtype.kind != "f" or not np.isfinite(components).all():
        raise ValueError("the atoms are not a finite matrix.")
    if components.shape[1] != coder.n_features_in_ or not isinstance(scalars["penalty"], Penalty):
        raise ValueError("the atoms, the number of features and the penalty do not go together.")
    atoms = components[1:] if scalars["constant"] else components
    K, F = atoms.shape
    state = None
    if "n_steps" in scalars:
        expected = {"A": (K, K), "B": (K, F), "unused": (K,)}
        expected |= {"usage": (K,), "gains": (K,)} if scalars["rule"] else {}
        for name, shape in expected.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError(f"the learning state {name!r} is not a finite array of shape {shape}.")
        rule = None
        if scalars["rule"]:
            rule = Homeostasis(scalars["rule"], arrays["usage"], arrays["gains"], scalars["n_seen"])
        learned = (arrays[name] for name in ("A", "B", "unused"))
        state = OnlineState(atoms.copy(), *learned, rule, scalars["n_steps"], scalars["n_replaced"])
    records = from_rows(arrays["history"])
    target = scalars["target"] and Target(**scalars["target"])
    given = None if state else atoms.copy()
    coder._fit = Fit(scalars["penalty"], target, scalars["constant"], given, state, scalars["exponent"], records)
    coder._fit.publish(coder)
    coder.components_ = components
