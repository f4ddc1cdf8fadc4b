"""What classifiers and regressors with task-driven atoms share."""

import numpy as np
from scipy.sparse import csr_array

from .._core.history import TaskRecord, as_history, as_rows, from_rows
from .._core.products import correlations
from .._core.rng import as_generator
from .._core.validation import Integral, Interval, Real, binary_exponent
from ..dictionary import Dictionary
from ..dictionary.algebra import unit_rows
from ..encoder import Capabilities
from ..solvers._scales import rescale
from ..solvers.certificates import has_gap
from ._covariates import moments, split_columns
from ._fit import coder_settings
from ._nested import CHOICES, EncoderOfCoder, minimising_coder, restored_coder
from ._task_learn import Task, learn
from .sparse_coder import SparseCoder


class TaskDriven(EncoderOfCoder):
    """Atoms learned together with a linear predictor of their codes; subclasses know targets and losses."""

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's way to declare them)
        "encoder": [SparseCoder, None],
        "covariates": ["array-like", None],
        "l2_regularization": [Interval(Real, 0, None, closed="neither")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        encoder=None,
        *,
        covariates=None,
        l2_regularization=1e-4,
        learning_rate=0.1,
        max_iter=50,
        batch_size=200,
        random_state=None,
        verbose=0,
    ):
        self.encoder = encoder
        self.covariates = covariates
        self.l2_regularization = l2_regularization
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def capabilities(self):
        """Return what codes are; with covariates they say nothing about some columns of X, and cannot be inverted."""
        covariates = self._columns[1] if hasattr(self, "_columns") else self.covariates
        invertible = covariates is None or len(covariates) == 0
        return Capabilities("real", invertible, stateful=False, online=False, signed=self._has_signs())

    def transform(self, X):
        """Return the sparse codes of the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray, or CSR array if `encoder` says so, of shape (n_samples, n_components)
            With the dtype of X (float64 unless X is float32).
        """
        return self._encode(self._check_input(X, reset=False))

    def _encode(self, X):
        return self.encoder_.transform(X[:, self._columns[0]] if len(self._columns[1]) else X)

    def _scores(self, X):
        """Return the scores of rows, in float64; those of a row depend on no other row, bit for bit."""
        X = self._check_input(X, reset=False)
        scores = csr_array(self._encode(X), dtype=np.float64) @ np.atleast_2d(self.coef_).T
        if len(self._columns[1]):
            Z = X[:, self._columns[1]].astype(np.float64)
            scores += correlations(Z, np.atleast_2d(self.covariate_coef_))
        return scores + self.intercept_

    def _learn(self, X, Y, weights, loss):
        """Learn from checked rows and targets in columns, and set the fitted attributes."""
        rng = as_generator(self.random_state)
        names = getattr(self, "feature_names_in_", None)
        self._columns = split_columns(self.covariates, X.shape[1], names)
        used = weights > 0
        Y, weights = Y[used], weights[used]
        X, Z = X[used][:, self._columns[0]], X[used][:, self._columns[1]].astype(np.float64)
        encoder = self._first_encoder(rng).fit(X, sample_weight=weights)
        D = np.asarray(encoder.components_, dtype=np.float64)
        if not D.any(axis=1).all():
            raise ValueError("`encoder` has atoms that are zero; give every atom a direction.")
        exponent = binary_exponent(X)
        mean, deviation = moments(Z, weights, "the covariates")
        task = Task(
            X=np.ldexp(X, -exponent) if exponent else X,
            Z=(Z - mean) / deviation,
            Y=Y,
            weights=weights,
            loss=loss,
            penalty=rescale(encoder.penalty_, -exponent),
            settings=coder_settings(encoder),
            price=self.l2_regularization,
        )
        options = {"epochs": self.max_iter, "batch_size": self.batch_size, "learning_rate": self.learning_rate}
        learned, scale, before, records = learn(unit_rows(D)[0], task, rng=rng, verbose=self.verbose, **options)
        self.encoder_ = _with_atoms(encoder, learned.D.astype(X.dtype)).fit(X)
        by_code, by_covariate, intercept = np.split(learned.P, [len(D), -1])
        self.coef_ = np.ldexp(by_code.T / scale, -exponent)
        self.covariate_coef_ = by_covariate.T / deviation
        self.intercept_ = intercept[0] - self.covariate_coef_ @ mean
        self.objective_, self.initial_objective_ = learned.objective, before
        self._publish(records)

    def _first_encoder(self, rng):
        """Return what learns the first atoms."""
        encoder, penalty = minimising_coder(SparseCoder() if self.encoder is None else self.encoder, rng)
        if encoder.positive_dict:
            raise ValueError("`encoder` has positive_dict=True, but steps towards targets leave no atom non-negative.")
        if not has_gap(penalty):
            raise ValueError(
                f"`encoder` has {penalty!r}, whose codes jump when atoms move, and have no derivative; give it an "
                "l1-type penalty: 'l1', 'weighted-l1' or 'elastic-net'."
            )
        return encoder

    def _publish(self, records):
        self.history_ = as_history(records, TaskRecord)
        self.n_iter_ = len(records)

    def _get_fitted_state(self):
        scalars = {"encoder": self.encoder_, "objectives": [self.objective_, self.initial_objective_]}
        columns = dict(zip(("coded", "covariates"), self._columns, strict=True))
        arrays = {"coef": self.coef_, "covariate_coef": self.covariate_coef_, "intercept": np.array(self.intercept_)}
        return scalars, arrays | columns | {"history": as_rows(self.history_)}

    def _set_fitted_state(self, scalars, arrays):
        encoder, coef, intercept = restored_coder(scalars["encoder"]), arrays["coef"], arrays["intercept"]
        coded, covariates = arrays["coded"], arrays["covariates"]
        expected = (*intercept.shape, encoder.code_shape_[0]), (*intercept.shape, len(covariates))
        places = np.sort(np.concatenate([coded, covariates]))
        if (coef.shape, arrays["covariate_coef"].shape) != expected or len(coded) != encoder.n_features_in_:
            raise ValueError("the coefficients and the encoder do not go together.")
        if not np.array_equal(places, np.arange(self.n_features_in_)):
            raise ValueError("the columns are not those of X.")
        self.encoder_, self._columns = encoder, (coded, covariates)
        self.coef_, self.covariate_coef_ = coef, arrays["covariate_coef"]
        self.intercept_ = intercept if intercept.ndim else float(intercept)
        self.objective_, self.initial_objective_ = scalars["objectives"]
        self._publish(from_rows(arrays["history"], TaskRecord))


def _with_atoms(encoder, D):
    """Return an encoder for the penalty of a fitted one, with other atoms."""
    changes = dict.fromkeys((*CHOICES, "n_components")) | {"alpha_scale": "absolute", "positive": False}
    before = encoder.dictionary_
    atoms = Dictionary.from_array(D, shape=before.atom_shape, dims=before.dims)
    return SparseCoder(**encoder.get_params(deep=False) | changes | {"penalty": encoder.penalty_, "dictionary": atoms})
