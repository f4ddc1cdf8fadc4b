"""Codes of what receivers of changes have, by an encoder that a delta encoder holds."""

import math
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import stacked
from ..encoder import as_dense

#: Entries of rows that are given to an encoder at a time: of the first of them, all patches are coded.
CODED = 1 << 22


class CodedState(NamedTuple):
    """Where a delta encoder with an encoder is: as `DeltaState`, and the last code.

    Attributes
    ----------
    received, memory, gain, n_rows : ndarray
    code : ndarray of shape (prod(code_shape_),)
    """

    received: np.ndarray
    memory: np.ndarray
    gain: np.ndarray
    n_rows: np.ndarray
    code: np.ndarray


class HeldCodesMixin:
    """What a delta encoder does with its `encoder_`, which may be None."""

    @property
    def dictionary_(self):
        """Of `encoder_`, if there is one."""
        check_is_fitted(self)
        return None if self.encoder_ is None else self.encoder_.dictionary_

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`."""
        check_is_fitted(self)
        return super().code_dims_ if self.encoder_ is None else self.encoder_.code_dims_

    def _fit_encoder(self, X):
        """Return a clone of the encoder, fitted to rows."""
        if self.encoder.capabilities().stateful:
            raise ValueError(
                f"`encoder` is a {type(self.encoder).__name__}, which is itself for streams; give one whose "
                "capabilities().stateful is False, or put the two in a Pipeline."
            )
        encoder = clone(self.encoder)
        if self.input_shape is not None and encoder.get_params(deep=False).get("input_shape", 0) is None:
            encoder.set_params(input_shape=self.input_shape)
        return encoder.fit(X)

    def _codes(self, parts):
        """Yield the codes of what receivers have, each once as long as nothing is sent."""
        last = None
        for _, sent, received, begins in received_of(parts):
            changed = sent.any(axis=1)
            changed[0] |= begins
            if changed.any():
                codes = self.encoder_.transform(received[changed])
                codes = codes if issparse(codes) else as_dense(codes)
            if not changed[0]:
                codes = stacked([last, codes]) if changed.any() else last
            if not changed.all():
                codes = codes[np.cumsum(changed) - changed[0]]
            last = codes[-1:]
            yield codes

    def _with_code(self, state, code):
        """Return the state of channels with the last code, if codes are what is made; None is one of zeros."""
        if self.encoder_ is None:
            return state
        dtype = self.encoder_._code_dtype(state.gain.dtype)
        return CodedState(*state, np.zeros(math.prod(self.code_shape_), dtype) if code is None else code)


def received_of(parts):
    """Yield rows, which of their entries were sent, what receivers then have, and whether a sequence begins."""
    received = None
    for block, deltas, state in parts:
        begins, sent = state.n_rows[0] == len(block), deltas != 0
        if not begins:
            deltas[0] += received[-1]
        received = np.add.accumulate(deltas, axis=0)
        yield block, sent, received, begins
