"""`SparseCoder`: learn a dictionary and encode rows with it."""

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from .._core.history import as_history
from .._core.rng import as_generator
from .._core.validation import (
    Integral,
    Interval,
    Real,
    StrOptions,
    binary_exponent,
    check_atoms,
    check_rows,
    fit_context,
    scale_alpha,
    unchanged_on_failure,
    warn_not_converged,
)
from ..learning.init import initial_atoms
from ..learning.online import OnlineState
from ..penalties import L1
from ._encode import encode_rows
from ._learn import learn

#: Fraction of alpha_max that `alpha=None` stands for.
DEFAULT_ALPHA = 0.2


class SparseCoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Learn a dictionary for sparse coding and encode rows with it (give `dictionary` to encode only).

    scikit-learn's class of the same name has a fixed dictionary; this one learns unless it is given one,
    as ``MiniBatchDictionaryLearning`` does. Codes minimise, for each row x,

        0.5 ||x - w D||^2 + alpha ||w||_1,

    exactly up to a certified duality gap; learning minimises the mean of that over D with unit-norm atoms.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms to learn; None means ``n_features``.
    alpha : float or None, default=None
        Weight of the penalty, > 0. None stands for ``alpha=0.2, alpha_scale="max"``.
    alpha_scale : {"absolute", "max"}, default="absolute"
        Whether `alpha` is the weight itself or, with "max", a fraction of alpha_max, the weight at which
        the code of a sample vanishes. alpha_max is the median over the training samples (those that are not
        zero) of ``max_j |<x, d_j>|`` for a given dictionary, and of its upper bound ``||x||`` for a
        dictionary to be learned. The weight is fixed in fit and kept as `alpha_`.
    positive : bool, default=False
        Whether codes are kept non-negative.
    dictionary : array-like of shape (n_components, n_features) or None, default=None
        Atoms to use as they are, of any norm. With None, atoms are learned.
    init : {"random", "data"} or array-like of shape (n_components, n_features), default="random"
        First atoms: Gaussian directions, random rows of X, or given ones (scaled to unit norm).
    max_iter : int, default=100
        Largest number of epochs of learning.
    batch_size : int, default=256
        Samples coded between two updates of the atoms.
    encode_max_iter : int, default=1000
        Largest number of passes of the coder over the atoms, for one sample.
    encode_tol : float, default=1e-8
        Largest duality gap of a code, relative to ``0.5 ||x||^2`` (float32: not below 2e-6).
    tol : float, default=1e-3
        Learning stops when three epochs have lowered the mean objective by no more than this share.
    n_jobs : int or None, default=None
        Threads for encoding, as in scikit-learn. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of initial atoms and of the order of samples.
    verbose : int, default=0
        1 shows a progress bar with objective and sparsity.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Atoms D; of unit norm if learned.
    alpha_ : float
        Penalty weight in use.
    n_iter_ : int
        Epochs run.
    history_ : structured ndarray of shape (n_epochs,)
        For each epoch of learning (none with `dictionary`): objective, data_term, penalty (means over samples),
        violation (largest relative duality gap), sparsity (share of non-zero coefficients), stopped and stalled
        (samples whose gap stayed above its bound, for want of passes or by rounding), replaced (unused
        atoms that were replaced), seconds.
    n_resampled_ : int
        Atoms replaced, because no sample used them, by what the atoms reconstructed worst.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, X that is empty, not 2-D, not finite or constant, a dictionary of another
        width, or codes that overflow.

    Warns
    -----
    ConvergenceWarning
        Once a call, if samples reached `encode_max_iter` before `encode_tol`.

    Notes
    -----
    Coding: an active-set method with a Cholesky factor, exact in finitely many steps, O(K k) a step for k
    active atoms; memory O(K^2). Learning: online statistics of the codes and block coordinate descent on
    the atoms (O(K^2 F) a batch); it converges to a stationary point of the objective. `partial_fit` in
    chunks that are multiples of `batch_size` gives the bits of one call, if `alpha` is absolute and `init` is
    not "data" (those are taken from the first chunk). Input may be float32 or float64,
    and codes have the same type. Data of extreme magnitude (beyond 1e+-12 in float32, 1e+-120 in float64)
    are scaled by a power of two inside.

    References
    ----------
    B. A. Olshausen and D. J. Field, "Emergence of simple-cell receptive field properties by learning a
    sparse code for natural images", Nature 381 (1996).

    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and sparse
    coding", J. Mach. Learn. Res. 11 (2010).

    M. R. Osborne, B. Presnell and B. A. Turlach, "A new approach to variable selection in least squares
    problems", IMA J. Numer. Anal. 20 (2000).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import SparseCoder
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.standard_normal((500, 8)) * (rng.random((500, 8)) < 0.2)
    >>> X = codes @ rng.standard_normal((8, 16))
    >>> coder = SparseCoder(n_components=8, random_state=0).fit(X)
    >>> W = coder.transform(X)
    >>> W.shape, bool(coder.score(X) > 0.8)
    ((500, 8), True)
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's way to declare them)
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="neither"), None],
        "alpha_scale": [StrOptions({"absolute", "max"})],
        "positive": ["boolean"],
        "dictionary": ["array-like", None],
        "init": [StrOptions({"random", "data"}), "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "encode_max_iter": [Interval(Integral, 1, None, closed="left")],
        "encode_tol": [Interval(Real, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        alpha=None,
        alpha_scale="absolute",
        positive=False,
        dictionary=None,
        init="random",
        max_iter=100,
        batch_size=256,
        encode_max_iter=1000,
        encode_tol=1e-8,
        tol=1e-3,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.alpha = alpha
        self.alpha_scale = alpha_scale
        self.positive = positive
        self.dictionary = dictionary
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.encode_max_iter = encode_max_iter
        self.encode_tol = encode_tol
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the atoms from the rows of X, or take `dictionary` and fix `alpha_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = check_rows(self, X, reset=True)
            self._reset()
            if self.dictionary is None:
                rng = as_generator(self.random_state)
                self._learn(X, rng, epochs=self.max_iter, shuffle=rng)
            else:
                self._take_dictionary(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Go on learning from the rows of X, once and in their order, in batches of `batch_size`.

        The first call, or `fit`, fixes `alpha_`, the number of atoms and the initial atoms, from its own X;
        later changes of `alpha`, `n_components`, `init` and `dictionary` wait for `fit`. A call that fails or
        is interrupted leaves the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            first = not hasattr(self, "components_")
            X = check_rows(self, X, reset=first)
            if first:
                self._reset()
            elif (self.dictionary is None) != (self._state is not None):
                raise ValueError(
                    "`dictionary` was changed since the first call, between atoms that are given and atoms that are "
                    "learned; call fit, or learn in a new SparseCoder(init=atoms)."
                )
            if self.dictionary is None:
                self._learn(X, as_generator(self.random_state) if first else None, epochs=1, shuffle=None)
            elif first:
                self._take_dictionary(X)
        return self

    def transform(self, X):
        """Return the sparse codes of the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            With the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()  # they may have been set since fit
        X = check_rows(self, X, reset=False)
        return encode_rows(
            X,
            self.components_.astype(X.dtype, copy=False),
            self.alpha_,
            positive=self.positive,
            tol=self.encode_tol,
            max_iter=self.encode_max_iter,
            n_jobs=self.n_jobs,
        )

    def inverse_transform(self, X):
        """Return the reconstructions ``W D`` of codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes W.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        if codes.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {codes.shape[1]} columns, but codes of this {type(self).__name__} have "
                f"{len(self.components_)}, one for each atom."
            )
        return codes @ self.components_.astype(codes.dtype, copy=False)

    def score(self, X, y=None):
        """Return the pooled explained variance ``1 - sum ||x - w D||^2 / sum ||x - mean||^2``.

        Predicting the mean of X scores 0. Scores are comparable at equal sparsity only: a smaller `alpha`
        always scores higher.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        float
        """
        codes = self.transform(X)
        X = check_rows(self, X, reset=False)
        exponent = binary_exponent(X)
        X, codes = np.ldexp(X, -exponent), np.ldexp(codes, -exponent)
        variance = np.square(X - X.mean(axis=0, dtype=np.float64)).sum(dtype=np.float64)
        if variance == 0:
            raise ValueError("`score` needs rows of X that differ: their variance is zero.")
        return float(1 - np.square(X - self.inverse_transform(codes)).sum(dtype=np.float64) / variance)

    def _reset(self):
        self._state = None
        self._exponent = 0
        self._records = []

    def _take_dictionary(self, X):
        atoms = check_atoms(
            self.dictionary, "dictionary", n_features=X.shape[1], n_components=self.n_components, dtype=X.dtype
        )
        self.alpha_ = self._resolve_alpha(X, atoms)
        self.components_ = atoms.copy()
        self.n_iter_ = 1
        self.n_resampled_ = 0
        self.history_ = as_history([])

    def _learn(self, X, rng, *, epochs, shuffle):
        if self._state is None:
            self._start(X, rng)
        if self._exponent:
            X = np.ldexp(X, -self._exponent)
        state = self._state.copy()
        penalty = L1(scale_alpha(self.alpha_, self._exponent, X.dtype), positive=self.positive)
        settings = {"tol": self.encode_tol, "max_iter": self.encode_max_iter, "n_jobs": self.n_jobs}
        records = learn(
            state,
            X.astype(state.D.dtype, copy=False),
            penalty,
            settings,
            epochs=epochs,
            tol=self.tol,
            batch_size=self.batch_size,
            rng=shuffle,
            verbose=self.verbose,
        )
        last = records[-1]
        warn_not_converged(last.stopped, last.stalled, len(X), last.violation, self.encode_max_iter)
        self._records = self._records + records
        self._state = state
        self.components_ = state.D.copy()
        self.history_ = as_history(self._records)
        self.n_iter_ = len(self._records)
        self.n_resampled_ = state.n_replaced

    def _start(self, X, rng):
        if X.min() == X.max():
            raise ValueError(
                f"X has zero variance: every entry is {X.flat[0]:g}. Learning needs samples that differ; "
                "check how the patches were cut and scaled."
            )
        n_components = self.n_components
        init = self.init
        if not isinstance(init, str):
            init = check_atoms(init, "init", n_features=X.shape[1], n_components=n_components, dtype=X.dtype)
            n_components = len(init)
            if not init.any(axis=1).all():
                raise ValueError("`init` has atoms that are zero; give every atom a direction.")
        self.alpha_ = self._resolve_alpha(X, None)
        self._exponent = binary_exponent(X)
        atoms = initial_atoms(X, X.shape[1] if n_components is None else n_components, init, rng)
        self._state = OnlineState.start(atoms)

    def _resolve_alpha(self, X, atoms):
        if self.alpha is not None and self.alpha_scale == "absolute":
            return float(self.alpha)
        exponent = binary_exponent(X)
        X = np.ldexp(X, -exponent)
        penalty = L1(positive=self.positive)
        alpha_max = np.linalg.norm(X, axis=1) if atoms is None else penalty.alpha_max(X @ atoms.T)
        alpha_max = alpha_max[alpha_max > 0]
        if not alpha_max.size:
            raise ValueError(
                "`alpha` cannot be a fraction of alpha_max, which is zero for all rows of X; give a number, "
                'with alpha_scale="absolute".'
            )
        fraction = DEFAULT_ALPHA if self.alpha is None else self.alpha
        return float(np.ldexp(fraction * float(np.median(alpha_max)), exponent))

    @property
    def _n_features_out(self):
        return len(self.components_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
