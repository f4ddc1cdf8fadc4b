"""`SparseCoder`: learn a dictionary and encode rows with it."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.samples import as_shape
from .._core.validation import check_sample_weight, fit_context, unchanged_on_failure
from ..dictionary import Dictionary
from ..dictionary._fields import image_dims
from ..encoder import Capabilities, Encoder, available_if_capable
from ..learning.rules import RULES, WHOLE
from ._encode import decode
from ._fit import fitted_state, restore, start_fit
from ._fit_blocks import BlockLearner
from ._parameters import CONSTRAINTS


class SparseCoder(BlockLearner, Encoder):
    r"""Learn a dictionary for sparse coding and encode rows with it (give `dictionary` to encode only).

    scikit-learn's class of the same name has a fixed dictionary; this one learns unless it is given one,
    as ``MiniBatchDictionaryLearning`` does. Codes minimise, for each row x,

        0.5 ||x - w D||^2 + pen(w),

    where ``pen(w) = alpha ||w||_1`` unless another penalty is chosen; learning minimises the mean of that over D with
    unit-norm atoms.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms to learn; None means ``n_features``.
    penalty : str, Penalty or None, default=None
        A name of `sparsecode.penalties.PENALTIES` such as "cel0", or a penalty such as ``MCP(gamma=2)``. None is
        "l1", or "k-sparse" if `n_nonzero_coefs` is given. To search over penalties and their parameters give
        GridSearchCV a list of grids:
        ``[{"penalty": [MCP()], "penalty__gamma": [2, 4]}, {"penalty": ["l1", "cel0"]}]``.
    alpha : float or None, default=None
        Weight of the penalty, > 0. With None, and no other choice of the sparsity, atoms enter a code at 0.2 of the
        largest possible correlation: ``alpha=0.2, alpha_scale="max"`` for l1.
    alpha_scale : {"absolute", "max"}, default="absolute"
        Whether `alpha` is meant as it is or, with "max", as a fraction of alpha_max, the weight at which the code of a
        sample vanishes. alpha_max is the median over the training samples (those that are not zero), for a given
        dictionary of what the penalty's `alpha_max` says, and of its upper bound, with ``||x||`` for the correlation,
        for a dictionary to be learned. The weight is fixed in fit and kept as `alpha_`. Whenever it comes from the
        data, an elastic net has the ridge that its `l1_ratio` stands for at alpha_max = 1. Without a number for the
        weight this parameter has no effect.
    n_nonzero_coefs : int or None, default=None
        Largest number of coefficients of a code.
    target_sparsity : float or None, default=None
        Share of coefficients that are not zero, over the training set (at most 10 000 rows of it, drawn at random),
        which fit finds the weight for, within 0.5 percent where codes do not jump. The constant atom of `fit_dc`
        does not count. Not for "sparse-envelope", which has no largest weight to start from.
    target_snr : float or None, default=None
        Pooled signal-to-noise ratio in dB, ``10 log10(sum ||x||^2 / sum ||x - w D||^2)``, over the same rows, which
        fit finds the weight for within 0.02 dB. With `fit_dc`, of samples without their means.
    positive : bool, default=False
        Whether codes are kept non-negative.
    solver : str, default="auto"
        A name of `sparsecode.solvers.SOLVERS`. "auto" takes the best for the penalty, as `sparsecode.solvers.solve`.
    debias : bool, default=False
        Whether transform solves least squares on the support of each code, which undoes the shrinkage of l1.
    sparse_output : bool, default=False
        Whether transform returns a CSR array: with many atoms a fraction of the memory, and faster.
    fit_dc : bool, default=False
        Whether the mean of each sample is coded by a constant atom that the penalty leaves out. It comes before the
        others in `components_`, and its coefficient first in a code: analyse ``components_[1:]`` as receptive fields.
    dictionary : Dictionary or array-like of shape (n_components, n_features) or None, default=None
        Atoms to use as they are, of any norm. With None, atoms are learned.
    learning : {"online", "gradient", "mod", "k-svd"}, default="online"
        How atoms are learned.

        * "online" updates them after each batch by block coordinate descent on the statistics of all batches so far,
          for any penalty, and replaces atoms that nobody uses: the first choice.
        * "gradient" takes a step of `learning_rate` along the gradient of each batch, as Olshausen and Field, and
          replaces nothing: with matching pursuit and homeostasis it is sparse Hebbian learning. It takes many more
          epochs.
        * "mod" (method of optimal directions) codes all rows in each epoch, then solves least squares for all atoms.
        * "k-svd" (approximate K-SVD) codes all rows in each epoch, then improves the atoms and the coefficients
          together, for the supports of the codes. It needs `n_nonzero_coefs`, or the penalty "l0" or "cel0" with a
          fixed weight. Its error may rise where supports change: the atoms of the best epoch are kept, which need not
          be the last in `history_`.

        The last two know no batches, hence neither `partial_fit` nor `fit_blocks`, and no homeostasis.
    learning_rate : float or None, default=None
        First step of learning="gradient", > 0, in units in which 1 takes an atom of mean activity all the way to the
        least-squares fit of a batch; None is 0.3. Steps fall as the root of the number of batches. Other rules have
        none.
    positive_dict : bool, default=False
        Whether atoms are kept non-negative. Not with "mod", nor with `fit_dc`.
    init : {"random", "data"} or array-like of shape (n_components, n_features), default="random"
        First atoms: Gaussian directions, random rows of X, or given ones (scaled to unit norm), with which no penalty
        begins with l1 (see Notes).
    homeostasis : {"auto", "hap", "emp", "ols", "heh"} or None, default="auto"
        Rule that lets atoms enter codes more or less easily during learning, so that all are used alike: "hap" and
        "emp" (a gate) as often, "ols" as strongly, "heh" (histogram equalisation, with solver="mp" only) both. See
        `sparsecode.learning.homeostasis`. None is none. "auto" is "hap" for the rules of learning "online" and
        "gradient", but for the sparse envelope, which takes no gains, and none elsewhere.
    input_shape : tuple of int or None, default=None
        Shape of a sample, such as (12, 12). X may then be given as (n_samples, 12, 12) too, and `dictionary_` has
        atoms of that shape.
    max_iter : int, default=100
        Largest number of epochs of learning.
    batch_size : int, default=256
        Samples coded between two updates of the atoms. With 512, epochs over 40 000 samples take less time and lead to
        the same objective; of 2000 samples there are then too few batches.
    encode_max_iter : int or None, default=None
        Largest number of passes of the coder over the atoms, for one sample; None takes the solver's own.
    encode_tol : float, default=1e-8
        Largest certificate of a code (see `sparsecode.solvers.SolveResult`): for l1 the duality gap over
        ``0.5 ||x||^2``. What float32 cannot certify is raised to what it can.
    tol : float, default=1e-3
        Learning stops when three epochs have lowered the mean objective by no more than this share; of epochs
        that had the penalty alone (see Notes), and with a target about the same weight. With 0 it runs `max_iter`
        epochs.
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
    dictionary_ : Dictionary
        The same as a value; with the coordinates of `dictionary`, if that has some and no constant atom was added.
    penalty_ : Penalty
        Penalty in use, with its weight.
    alpha_ : float or None
        Weight in use; None for k-sparse codes.
    code_shape_ : tuple
        ``(len(components_),)``.
    n_iter_ : int
        Epochs run, by fit and each partial_fit; 1 with `dictionary`.
    history_ : structured ndarray of shape (n_epochs,)
        For each epoch of learning (none with `dictionary`): objective, data_term, penalty (means over samples; the
        penalty with the gains of homeostasis), violation (largest certificate), sparsity (share of non-zero
        coefficients, without the constant atom), alpha (weight after the epoch), stopped and stalled (samples whose
        certificate stayed above its bound, for want of passes or by rounding), dead (atoms that no sample used),
        replaced (atoms that were replaced), seconds.
    n_resampled_ : int
        Atoms replaced by what the atoms reconstructed worst, because no sample used them for long (K-SVD: in an epoch,
        or because they were nearly equal to others).
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, sparsity chosen in two ways or out of reach, a solver that does not take the
        penalty, X that is empty, not finite or constant, a dictionary of another width, or codes that overflow.

    Warns
    -----
    ConvergenceWarning
        If samples reached `encode_max_iter` before `encode_tol`, or codes jump over a target by 5 percent (0.4 dB).

    Notes
    -----
    Coding: by default an active-set method for l1 (exact in finitely many steps), single best replacement for l0,
    CEL0 and k-sparse codes, iteratively reweighted l1 for MCP, SCAD and log-sum, greedy coordinate descent for other
    separable penalties (see `sparsecode.solvers.solve`, also for codes that are non-negative); O(K k) a step for k
    active atoms; memory O(K^2). Learning: online statistics of the codes and block coordinate descent on the atoms
    (O(K^2 F) a batch); for l1 without homeostasis it converges to a stationary point of the objective, also among atoms
    that are not negative. The other rules are described in `sparsecode.learning` (`gradient`, `mod`, `ksvd`).

    Penalties that are not convex leave noise slowly. With learning="online", and no atoms in `init`, the first samples
    are therefore coded with l1, whose weight is the correlation at which atoms enter: 200 for each atom, at most half
    of all epochs of `fit` and `fit_blocks`. `history_` has the objective and the penalty of l1 for them. `partial_fit`,
    and `fit_blocks` of an iterator, do not know how many will come: after fewer than ``200 n_components`` samples, in
    all calls together, atoms are those of l1. Give `init` atoms to learn with the penalty from the first.

    `partial_fit` in chunks that are multiples of `batch_size` gives the bits of one call, if `alpha` is absolute and
    `init` is not "data" (those are taken from the first chunk). Memory maps are not copied (with `fit_dc`, once);
    `fit_blocks` learns from data that do not fit in memory. Codes have the type of the input, float32 or float64. Rows
    of extreme magnitude (beyond 1e+-12 and 1e+-120) are scaled by powers of two inside, in learning all by one.

    References
    ----------
    B. A. Olshausen and D. J. Field, "Emergence of simple-cell receptive field properties by learning a sparse code for
    natural images", Nature 381 (1996).

    J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and sparse coding", J. Mach.
    Learn. Res. 11 (2010).

    L. U. Perrinet, "An adaptive homeostatic algorithm for the unsupervised learning of visual features", Vision 3
    (2019).

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

    _parameter_constraints = CONSTRAINTS

    def __init__(
        self,
        n_components=None,
        *,
        penalty=None,
        alpha=None,
        alpha_scale="absolute",
        n_nonzero_coefs=None,
        target_sparsity=None,
        target_snr=None,
        positive=False,
        solver="auto",
        debias=False,
        sparse_output=False,
        fit_dc=False,
        dictionary=None,
        learning="online",
        learning_rate=None,
        positive_dict=False,
        init="random",
        homeostasis="auto",
        input_shape=None,
        max_iter=100,
        batch_size=256,
        encode_max_iter=None,
        encode_tol=1e-8,
        tol=1e-3,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.penalty = penalty
        self.alpha = alpha
        self.alpha_scale = alpha_scale
        self.n_nonzero_coefs = n_nonzero_coefs
        self.target_sparsity = target_sparsity
        self.target_snr = target_snr
        self.positive = positive
        self.solver = solver
        self.debias = debias
        self.sparse_output = sparse_output
        self.fit_dc = fit_dc
        self.dictionary = dictionary
        self.learning = learning
        self.learning_rate = learning_rate
        self.positive_dict = positive_dict
        self.init = init
        self.homeostasis = homeostasis
        self.input_shape = input_shape
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.encode_max_iter = encode_max_iter
        self.encode_tol = encode_tol
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def capabilities(self):
        """Return what codes are and what the coder can do."""
        if hasattr(self, "_fit"):
            signed = self._fit.constant or not self._fit.penalty.positive
        else:
            signed = self.fit_dc or not (self.positive or getattr(self.penalty, "positive", False))
        online = self.learning not in WHOLE
        return Capabilities(code_kind="real", invertible=True, stateful=False, online=online, signed=bool(signed))

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn the atoms from the rows of X, or take `dictionary` and fix the weight of the penalty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples, >= 0, in the mean objective that learning minimises and in what `alpha_scale` and
            the targets refer to. Only their ratios count. A weight of 2 is a row that occurs twice, but for what
            depends on the number of rows: their order and batches, and how fast learning="online" forgets the first.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            X, weights = check_sample_weight(sample_weight, X, mean_one=True)
            fit, rng = start_fit(
                self, X, weights, n_expected=self.max_iter * len(X), n_update=min(self.batch_size, len(X))
            )
            if self.dictionary is None:
                fit = fit.learned(self, X, weights, epochs=self.max_iter, rng=rng)
            self._fit = fit
            fit.publish(self)
        return self

    @available_if_capable("online")
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on learning from the rows of X, once and in their order, in batches of `batch_size`.

        The first call, or `fit`, fixes the penalty and its weight, the number of atoms and the first ones, from its own
        X. Later changes of `penalty`, `alpha`, `alpha_scale`, `n_nonzero_coefs`, the targets, `positive`, `fit_dc`,
        `n_components`, `init`, `homeostasis`, `learning_rate`, `positive_dict`, `input_shape` and `dictionary` wait for
        `fit`. With a target each call finds the weight anew, of atoms that are learned; given atoms, and their weight,
        stay as they are. With a penalty that is not convex the first ``200 n_components`` samples of all calls are
        coded with l1, however few there are (see the Notes of the class). A call that fails or is interrupted leaves
        the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples, >= 0, in units that all calls share.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "components_")
            X = self._check_input(X, reset=first)
            X, weights = check_sample_weight(sample_weight, X)
            fit = start_fit(self, X, weights)[0] if first else self._fit
            given = self.dictionary is not None
            if given != (fit.state is None) or not (given or isinstance(fit.state, RULES[self.learning])):
                raise ValueError(
                    "`dictionary` or `learning` was changed since the first call, between atoms that are given and "
                    "atoms that are learned, or between rules of learning; call fit, or learn in a new "
                    "SparseCoder(init=atoms)."
                )
            if not given:
                fit = fit.learned(self, X, weights, epochs=1)
            self._fit = fit
            fit.publish(self)
        return self

    def transform(self, X, mask=None):
        """Return the sparse codes of the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        mask : array-like of bool, of the shape of X, or None, default=None
            True where an entry is known. Codes then minimise the objective over the known entries of each row, and
            `inverse_transform` fills in the others, which may be NaN. A data frame has the columns of X. None: all are
            known. See `sparsecode.solvers.solve` for what it costs. For l0 and CEL0 rows with unknown entries end at
            poorer minima than complete ones, by greedy coordinate descent: objectives were 1 to 10 percent above those
            of solver="replacement" in Gaussian data, most where codes are dense. Name that solver to have them at the
            price of a Gram matrix for each mask.

        Returns
        -------
        ndarray, or CSR array if `sparse_output`, of shape (n_samples, n_components)
            With the dtype of X (float64 unless X is float32).

        Raises
        ------
        ValueError
            If known entries are not finite, a row has none, or columns are not those of fit.
        """
        check_is_fitted(self)
        self._validate_params()  # they may have been set since fit
        return self._fit.encode(self, *self._check_known(X, mask, reset=False)).codes

    def inverse_transform(self, X):
        """Return the reconstructions ``W D`` of codes.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_components)
            Codes W.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        return decode(self._check_codes(X), self.components_)

    @property
    def dictionary_(self):
        """The atoms as a `Dictionary`."""
        check_is_fitted(self)
        given = self.dictionary if isinstance(self.dictionary, Dictionary) else None
        if given is not None and given.n_features != self.n_features_in_:
            given = None  # set since fit
        shape = None if self.input_shape is None else as_shape(self.input_shape)
        dims = image_dims(shape)
        if given is not None and shape in (None, given.atom_shape):
            if np.array_equal(np.asarray(given, dtype=self.components_.dtype), self.components_):
                return given.astype(self.components_.dtype)
            shape, dims = given.atom_shape, given.dims
        return Dictionary.from_array(self.components_, shape=shape, dims=dims)

    @property
    def alpha_(self):
        """Weight of the penalty in use."""
        return getattr(self.penalty_, "alpha", None)

    @property
    def code_shape_(self):
        """Shape of a code."""
        return (len(self.components_),)

    def _get_fitted_state(self):
        return fitted_state(self)

    def _set_fitted_state(self, scalars, arrays):
        restore(self, scalars, arrays)
