"""Circuits that take their atoms, and the weight of their penalty, from a `SparseCoder`."""

from sklearn.utils.validation import check_is_fitted

from .sparse_coder import SparseCoder


class OfCoderMixin:
    """What a circuit has of its ``coder_``."""

    @property
    def components_(self):
        """The atoms."""
        return self.coder_.components_

    @property
    def dictionary_(self):
        """The atoms as a `Dictionary`."""
        check_is_fitted(self)
        return self.coder_.dictionary_

    @property
    def n_iter_(self):
        """Of `coder_`."""
        return self.coder_.n_iter_

    @property
    def history_(self):
        """Of `coder_`."""
        return self.coder_.history_

    @property
    def code_shape_(self):
        """Shape of a code."""
        return self.coder_.code_shape_

    def _fit_coder(self, X, penalty=None):
        """Let a coder with the parameters of the circuit take its atoms, or learn them from rows."""
        coder = SparseCoder(
            self.n_components,
            penalty=penalty,
            alpha=self.alpha,
            positive=self.positive,
            dictionary=self.dictionary,
            input_shape=self.input_shape,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        self.coder_ = coder.fit(X)

    def _get_fitted_state(self):
        return {"coder": self.coder_}, {}

    def _set_fitted_state(self, scalars, arrays):
        coder = scalars["coder"]
        if arrays or not isinstance(coder, SparseCoder) or not hasattr(coder, "components_"):
            raise ValueError("the atoms of the circuit are missing, or something else is there.")
        self.coder_ = coder
