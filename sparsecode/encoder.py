r"""The contract of encoders: inputs -> codes -> inputs, whatever the family.

An encoder is a scikit-learn transformer. `Encoder` gives it what all share; the contract itself is held by a test
suite over configured instances, not by this class.

* ``capabilities()`` says what codes are and what the instance can do; methods that do not apply are not there.
* ``fit``, ``partial_fit`` (online), ``transform``, ``inverse_transform`` (invertible); rows are samples. Real codes and
  events have the float type of the input, binary codes are bool; they may be a CSR array, where there is a parameter
  `sparse_output`.
* Fitted: ``dictionary_`` (`Dictionary`, None where there are no atoms), ``components_`` where codes are linear,
  ``code_shape_`` and the names of its axes ``code_dims_``, ``n_iter_``, ``history_``, ``n_features_in_``.
* Stateful encoders have ``initial_state()`` and ``step(x, state, learn=False) -> (y, state)`` for one row. What is
  learned lives in the estimator, activity in the state, a NamedTuple of arrays that `step` does not change.
  ``transform(X, groups=None)`` scans rows as time from the initial state, and starts anew where `groups` change, as
  ``inverse_transform(X, groups=None)`` does; ``partial_fit(X, y=None, groups=None)`` goes on from ``state_``, so that
  chunks give what one call gives.
"""

import math
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array, check_is_fitted

from ._core.arrays import as_binary, as_dense
from ._core.samples import as_shape, flatten_input, groups_from_lengths, sequences
from ._core.saving import SavedMixin
from ._core.validation import (
    as_weights,
    binary_exponent,
    check_binary_rows,
    check_mask_columns,
    check_rows,
    known_entries,
)

__all__ = [
    "Capabilities",
    "Encoder",
    "as_dense",
    "available_if_capable",
    "groups_from_lengths",
    "sequences",
]


class Capabilities(NamedTuple):
    """What codes of an encoder are, and what it can do; it depends on parameters.

    Attributes
    ----------
    code_kind : {"real", "binary", "event"}
        Codes are real numbers, zeros and ones, or what happens at a moment and is zero while nothing does.
    invertible : bool
        Whether there are `inverse_transform` and `score`.
    stateful : bool
        Whether rows are moments of time, and there are `initial_state` and `step`.
    online : bool
        Whether there is `partial_fit`.
    signed : bool
        Whether codes can be negative.

    Examples
    --------
    >>> from sparsecode import SparseCoder
    >>> SparseCoder(positive=True).capabilities()
    Capabilities(code_kind='real', invertible=True, stateful=False, online=True, signed=False)
    """

    code_kind: str
    invertible: bool
    stateful: bool
    online: bool
    signed: bool = True


def available_if_capable(name):
    """Return the decorator of a method that exists only where ``capabilities()`` says so.

    Parameters
    ----------
    name : {"invertible", "stateful", "online"}

    Returns
    -------
    callable

    Examples
    --------
    >>> from sparsecode.encoder import Capabilities, Encoder, available_if_capable
    >>> class Learner(Encoder):
    ...     def __init__(self, frozen=False):
    ...         self.frozen = frozen
    ...
    ...     def capabilities(self):
    ...         return Capabilities("real", invertible=False, stateful=False, online=not self.frozen)
    ...
    ...     @available_if_capable("online")
    ...     def partial_fit(self, X, y=None):
    ...         return self
    >>> hasattr(Learner(), "partial_fit"), hasattr(Learner(frozen=True), "partial_fit")
    (True, False)
    """

    def check(encoder):
        if getattr(encoder.capabilities(), name):
            return True
        with_this = getattr(encoder, f"_{name}_with", None)  # the parameter that makes it so, if there is one
        hint = f"; give {with_this}" if with_this else ""
        raise AttributeError(f"{encoder!r:.200} is not {name}: see its capabilities(){hint}.")

    return available_if(check)


class Encoder(SavedMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of all encoders: shapes of input, score, files, tags.

    A subclass has ``capabilities()`` and the methods it promises, and sets the fitted attributes. Images and volumes
    come as flattened rows, or as arrays (n, *input_shape) where it has a parameter `input_shape`. Methods that only
    some of its instances have are decorated with ``@available_if_capable("online")`` and the like.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.encoder import Capabilities, Encoder, available_if_capable
    >>> class Sign(Encoder):
    ...     def __init__(self, input_shape=None):
    ...         self.input_shape = input_shape
    ...
    ...     def capabilities(self):
    ...         return Capabilities("real", invertible=False, stateful=False, online=False)
    ...
    ...     def fit(self, X, y=None):
    ...         self.code_shape_ = (self._check_input(X, reset=True).shape[1],)
    ...         self.n_iter_ = 1
    ...         return self
    ...
    ...     def transform(self, X):
    ...         return np.sign(self._check_input(X, reset=False))
    >>> encoder = Sign(input_shape=(2, 2)).fit([[1, 2, 3, 4]])
    >>> encoder.transform(np.array([[[3, 0], [-2, 1]]])).tolist()
    [[1.0, 0.0, -1.0, 1.0]]
    >>> encoder.get_feature_names_out().tolist(), encoder.code_dims_, hasattr(encoder, "score")
    (['sign0', 'sign1', 'sign2', 'sign3'], ('code',), False)
    """

    #: Atoms as a `Dictionary`; None in families without.
    dictionary_ = None

    def capabilities(self):
        """Return the `Capabilities` of this instance.

        They depend on parameters only, so that they are known before fit, and parameters that are not valid raise
        nothing here.
        """
        # Abstract: there is no answer for all, and a wrong one would be worse
        raise NotImplementedError(f"{type(self).__name__} does not say what its codes are.")

    def fit_transform(self, X, y=None, **params):
        """Fit to X and return its codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        **params : dict
            For `fit`; `groups` and `mask` go to `transform` too.

        Returns
        -------
        ndarray or CSR array of shape (n_samples, prod(code_shape_))
        """
        of_rows = {name: value for name, value in params.items() if name in ("groups", "mask")}
        return self.fit(X, y, **params).transform(X, **of_rows)

    @available_if_capable("invertible")
    def score(self, X, y=None, sample_weight=None):
        """Return the pooled explained variance ``1 - sum ||x - x_hat||^2 / sum ||x - mean||^2``.

        Predicting the mean of X scores 0. Scores are comparable at equal sparsity only: denser codes always score
        higher.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples in the sums and in the mean, >= 0: a weight of 2 is a row that occurs twice.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the rows of X that have a weight do not differ.
        """
        recovered = self.inverse_transform(self.transform(X))
        X = self._coded_part(self._check_input(X, reset=False))
        exponent = binary_exponent(X)
        X, recovered = np.ldexp(X, -exponent), np.ldexp(recovered, -exponent)
        if sample_weight is None:
            mean, roots = X.mean(axis=0, dtype=np.float64), 1
        else:
            weights = as_weights(sample_weight, X)
            weights = weights / weights.max()
            mean, roots = np.average(X, axis=0, weights=weights), np.sqrt(weights)[:, None]
        variance = np.square(roots * (X - mean)).sum(dtype=np.float64)
        if variance == 0:
            raise ValueError("`score` needs rows of X that differ: their variance is zero.")
        return float(1 - np.square(roots * (X - recovered)).sum(dtype=np.float64) / variance)

    def _update(self, row, changed, code):
        """Return the code of a checked row by that of another one, from which it differs where `changed` says."""
        return as_dense(self.transform(row[None]))[0] if changed.any() else code

    def _coded_part(self, X):
        """Return what codes of checked rows stand for, by which `score` goes: all of them, if not otherwise said."""
        return X

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`: "atom" where there is one coefficient for each atom."""
        check_is_fitted(self)
        n_axes = len(self.code_shape_)
        if n_axes != 1:
            return tuple(f"code_{axis}" for axis in range(n_axes))
        atoms = self.dictionary_
        return ("code",) if atoms is None or self.code_shape_ != (len(atoms),) else ("atom",)

    def _check_input(self, X, *, reset):
        """Return X as finite float rows; arrays (n, *input_shape) are flattened."""
        if not reset:
            check_is_fitted(self)
        return check_rows(self, self._flatten(X, reset), reset=reset)

    def _check_known(self, X, mask, *, reset):
        """Return X as rows that are finite where a mask says that they are known, zero elsewhere, and the mask."""
        if mask is None:
            return self._check_input(X, reset=reset), None
        if not reset:
            check_is_fitted(self)
        check_mask_columns(None if reset else self, mask, X)
        rows = check_rows(self, self._flatten(X, reset), reset=reset, finite=False)
        rows, mask = known_entries(rows, mask, self._sample_shape(reset) or ())
        return check_array(rows, dtype=None, estimator=self, input_name="X"), mask

    def _check_binary_input(self, X, *, reset):
        """Return X as rows of bool (see `check_binary_rows`)."""
        if not reset:
            check_is_fitted(self)
        return check_binary_rows(self, self._flatten(X, reset), reset=reset)

    def _check_sample(self, x):
        """Return one row as an ndarray (1, n_features) of float32 or float64."""
        x = self._check_numbers(x)
        return x.astype(np.float32 if x.dtype == np.float32 else np.float64, order="C", copy=False)[None]

    def _check_binary_sample(self, x):
        """Return one row as an ndarray (1, n_features) of bool."""
        return as_binary(self._check_numbers(x)[None], self.binarize)

    def _check_numbers(self, x):
        """Return one sample as a row, of its own dtype."""
        if "n_features_in_" not in vars(self):  # a stream asks for each row; scikit-learn takes ten microseconds
            check_is_fitted(self)
        x, shape = np.asarray(x), self._sample_shape(reset=False)
        if x.shape == shape:
            x = x.reshape(-1)
        if x.shape != (self.n_features_in_,) or x.dtype.kind not in "biuf" or not np.isfinite(x).all():
            raise ValueError(f"x must be {self.n_features_in_} finite numbers, got {x.dtype} of shape {x.shape}.")
        return x

    def _flatten(self, X, reset):
        shape = self._sample_shape(reset)
        return X if shape is None else flatten_input(X, shape)

    def _sample_shape(self, reset):
        """Return the shape in which samples may come, None for rows only; `reset` is whether this is a new fit."""
        shape = getattr(self, "input_shape", None)
        return None if shape is None else as_shape(shape)

    def _check_codes(self, codes):
        """Return codes as rows of the right width."""
        check_is_fitted(self)
        dtype = "numeric" if self.capabilities().code_kind == "binary" else [np.float64, np.float32]
        codes = check_array(codes, dtype=dtype, input_name="X", accept_sparse="csr")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but codes of this {type(self).__name__} have {self._n_features_out}."
            )
        return codes

    def _code_dtype(self, dtype):
        """Return the dtype of codes for input of a dtype."""
        if self.capabilities().code_kind == "binary":
            return np.dtype(bool)
        return np.dtype(np.float32 if dtype == np.float32 else np.float64)

    @property
    def _n_features_out(self):
        check_is_fitted(self)
        return math.prod(self.code_shape_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.capabilities().code_kind != "binary":
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        else:
            tags.transformer_tags.preserves_dtype = []
        tags.input_tags.three_d_array = getattr(self, "input_shape", None) is not None
        return tags
