"""The least encoder of binary codes: the k atoms that share most active inputs with a row win."""

import numpy as np
from scipy.sparse import csr_array

from sparsecode import Capabilities, Dictionary, Encoder
from sparsecode._core.history import as_history
from sparsecode._core.rng import as_generator
from sparsecode._core.validation import Integral, Interval, Real, fit_context, unchanged_on_failure


class RandomWinners(Encoder):
    """Binary codes by competition of random atoms (all win if they are fewer); an empty row has no winners."""

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_winners": [Interval(Integral, 1, None, closed="left")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(self, n_components=12, *, n_winners=3, binarize=None, sparse_output=False, random_state=None):
        self.n_components = n_components
        self.n_winners = n_winners
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.random_state = random_state

    def capabilities(self):
        return Capabilities("binary", invertible=False, stateful=False, online=False, signed=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        with unchanged_on_failure(self):
            X = self._check_binary_input(X, reset=True)
            self._inputs = as_generator(self.random_state).random((self.n_components, X.shape[1])) < 0.5
            self._publish()
        return self

    def transform(self, X):
        X = self._check_binary_input(X, reset=False)
        overlaps = X.astype(np.int32) @ self._inputs.T
        winners = np.argsort(-overlaps, axis=1, kind="stable")[:, : self.n_winners]
        codes = np.zeros(overlaps.shape, dtype=bool)
        np.put_along_axis(codes, winners, np.asarray(X.sum(axis=1) > 0)[:, None], axis=1)
        return csr_array(codes) if self.sparse_output else codes

    @property
    def dictionary_(self):
        return Dictionary(csr_array(self._inputs))

    def _publish(self):
        self.code_shape_ = (self.n_components,)
        self.n_iter_, self.history_ = 1, as_history([])

    def _get_fitted_state(self):
        return {}, {"inputs": self._inputs}

    def _set_fitted_state(self, scalars, arrays):
        self._inputs = arrays["inputs"]
        self._publish()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
