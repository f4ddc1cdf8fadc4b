r"""The contract of encoders: inputs -> codes -> inputs, whatever the family.

An encoder is a scikit-learn transformer. `Encoder` gives it what all share; the contract itself is held by a test
suite over configured instances, not by this class.

* ``capabilities()`` says what codes are and what the instance can do; methods that do not apply are not there.
* ``fit``, ``partial_fit`` (online), ``transform``, ``inverse_transform`` (invertible); rows are samples.
* Fitted: ``dictionary_`` (`Dictionary`, None where there are no atoms), ``components_`` where codes are linear,
  ``code_shape_``, ``n_iter_``, ``history_``, ``n_features_in_``.
* Stateful encoders have ``initial_state()`` and ``step(x, state, learn=False) -> (y, state)``. What is learned lives
  in the estimator, activity in the state, a NamedTuple of arrays. ``transform`` scans rows as time from the
  initial state.
"""

import math
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from ._core.validation import binary_exponent, check_rows


class Capabilities(NamedTuple):
    """What codes of an encoder are, and what it can do; it depends on parameters.

    Attributes
    ----------
    code_kind : {"real", "binary", "event"}
    invertible : bool
        Whether there is `inverse_transform`.
    stateful : bool
        Whether rows are moments of time, and there are `initial_state` and `step`.
    online : bool
        Whether there is `partial_fit`.
    """

    code_kind: str
    invertible: bool
    stateful: bool
    online: bool


class Encoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of all encoders: shapes of input, score, files, tags.

    A subclass has ``capabilities()`` and the methods it promises, and sets the fitted attributes. Images and volumes
    come as flattened rows, or as arrays (n, *input_shape) where it has a parameter `input_shape`.
    """

    def capabilities(self):
        """Return the `Capabilities` of this instance."""
        raise NotImplementedError

    def score(self, X, y=None):
        """Return the pooled explained variance ``1 - sum ||x - x_hat||^2 / sum ||x - mean||^2``.

        Predicting the mean of X scores 0. Scores are comparable at equal sparsity only: denser codes always score
        higher.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the rows of X do not differ.
        """
        recovered = self.inverse_transform(self.transform(X))
        X = self._check_input(X, reset=False)
        exponent = binary_exponent(X)
        X, recovered = np.ldexp(X, -exponent), np.ldexp(recovered, -exponent)
        variance = np.square(X - X.mean(axis=0, dtype=np.float64)).sum(dtype=np.float64)
        if variance == 0:
            raise ValueError("`score` needs rows of X that differ: their variance is zero.")
        return float(1 - np.square(X - recovered).sum(dtype=np.float64) / variance)

    def save(self, path):
        """Save the fitted encoder in one file, which `sparsecode.load` gives back bit for bit.

        Parameters
        ----------
        path : str or path-like
            Usually ending in ``.npz``. Replaced in one step.
        """
        from .persistence import save

        save(self, path)

    def _check_input(self, X, *, reset):
        """Return X as finite float rows; arrays (n, *input_shape) are flattened."""
        shape = getattr(self, "input_shape", None)
        if shape is not None:
            X = flatten_input(X, shape)
        return check_rows(self, X, reset=reset)

    def _check_codes(self, codes):
        """Return codes as rows of the right width."""
        check_is_fitted(self)
        codes = check_array(codes, dtype=[np.float64, np.float32], input_name="X", accept_sparse="csr")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but codes of this {type(self).__name__} have {self._n_features_out}."
            )
        return codes

    @property
    def _n_features_out(self):
        return math.prod(self.code_shape_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.three_d_array = getattr(self, "input_shape", None) is not None
        return tags


def flatten_input(X, shape):
    """Return an array (n, *shape) as rows; rows are passed on; a wrong shape is an error."""
    shape = tuple(int(side) for side in np.atleast_1d(shape))
    n_features = math.prod(shape)
    given = np.shape(X)
    if len(given) > 2 and given[1:] == shape:
        return np.asarray(X).reshape(len(X), n_features)
    if len(given) > 2 or (len(given) == 2 and given[1] != n_features):
        raise ValueError(
            f"X has shape {given}, but `input_shape`={shape} asks for (n_samples, {n_features}) or "
            f"(n_samples, {', '.join(map(str, shape))})."
        )
    return X
