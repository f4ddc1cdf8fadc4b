"""`LCA`: the locally competitive algorithm as a circuit in time."""

import math

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.validation import Integral, Interval, Real, StrOptions, fit_context, unchanged_on_failure
from ..dictionary import Dictionary
from ..encoder import Capabilities, Encoder, available_if_capable, sequences
from ..penalties import L1
from ..solvers import objective
from ._encode import check_finite, decode
from ._of_coder import OfCoderMixin
from ._wiring import Pace, Potentials, Prepared, Threshold, Trajectory, Wiring, integrate, trace, warn_of_heat

#: The largest Euler step that is chosen, in time constants.
LARGEST_STEP = 0.1


class LCA(OfCoderMixin, Encoder):
    r"""Encode rows by a circuit of neurons that inhibit each other: the locally competitive algorithm.

    With atoms of unit norm, the membrane potentials u of the neurons follow

        tau du/dt = D x - u - (D D^T - I) w,    w = T(u),

    integrated by Euler's method; the code w is what the potentials exceed. For the soft threshold
    ``T(u) = sign(u) max(|u| - lam, 0)`` it settles at the codes of l1 with ``alpha = lam``, for the hard one,
    ``T(u) = u if |u| > lam else 0``, at a local minimiser of l0 with ``alpha = lam^2 / 2``. This class is for what
    happens on the way and in time. For codes as such use `SparseCoder`, always: it ends at a certified optimum of l1
    some 100 times as fast, and at better minima of l0 20 to 40 times as fast (288 atoms, beside the solver "lca").

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_components, n_features) or None, default=None
        Atoms, of any norm. With None they are learned by `SparseCoder` with the penalty of the threshold.
    n_components : int or None, default=None
        Number of atoms to learn; None means ``n_features``.
    alpha : float or None, default=None
        Weight of the penalty that the threshold stands for, > 0; None takes that of `SparseCoder`.
    threshold : {"soft", "hard"}, default="soft"
        Thresholding function, and with it the penalty, l1 or l0.
    steepness : float or None, default=None
        Graded thresholds: the activity is divided by ``1 + exp(-steepness (|u| / lam - 1))``, so that hard neurons
        respond smoothly. None stands for an infinite steepness.
    positive : bool, default=False
        Whether activities are kept non-negative.
    dt : float or None, default=None
        Euler step in time constants tau, below ``2 / L`` with L the largest eigenvalue of the Gram matrix of the unit
        atoms, beyond which activities of all neurons would grow without bound. None takes ``min(0.1, 0.99 / L)``.
    duration : float, default=20.0
        Time constants for which each row is presented.
    anneal : float or None, default=None
        Factor in (0, 1) by which thresholds fall in each step, from half of the largest drive down to lam, so that
        strong atoms are active first. Hard thresholds find better codes that way. None is none.
    stream : bool, default=False
        Whether rows are moments of a stream, where potentials carry on from row to row, or samples, each of which
        starts from rest.
    input_shape : tuple of int or None, default=None
        Shape of a sample, such as (12, 12).
    n_jobs : int or None, default=None
        Threads, for samples. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        For atoms that are learned.

    Attributes
    ----------
    coder_ : SparseCoder
        Has the atoms and the penalty; its codes are those that the circuit approaches.
    components_ : ndarray of shape (n_components, n_features)
        Atoms D.
    dictionary_ : Dictionary
    penalty_ : Penalty
    inhibition_ : ndarray of shape (n_components, n_components)
        Lateral weights: the Gram matrix of the unit atoms, without its diagonal.
    dt_ : float
        Euler step in use, in time constants.
    code_shape_ : tuple
    n_iter_ : int
    history_ : structured ndarray
        Of `coder_`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, a `dt` that is not stable, `anneal` in a stream (thresholds have no start there),
        `groups` without a stream, and codes that overflow.

    Warns
    -----
    ConvergenceWarning
        Once a call, if thresholds that `anneal` lets fall have not reached lam when `duration` is over.

    Notes
    -----
    A step costs O(K k) for k active neurons; nothing tells when to stop but `duration`. With soft thresholds and the
    default `dt` the objective falls in every step, and exceeds its minimum by O(1 / steps) at most (see
    `sparsecode.solvers.lca`). The solver "lca" of `SparseCoder` runs the same dynamics up to a certificate.
    Memory and the start of a call are O(K^2 F).

    References
    ----------
    C. J. Rozell, D. H. Johnson, R. G. Baraniuk and B. A. Olshausen, "Sparse coding via thresholding and local
    competition in neural circuits", Neural Comput. 20 (2008).

    A. Balavoine, J. Romberg and C. J. Rozell, "Convergence and rate analysis of neural networks for sparse
    approximation", IEEE Trans. Neural Netw. Learn. Syst. 23 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.coding import LCA
    >>> circuit = LCA([[1.0, 0.0], [0.6, 0.8]], alpha=0.5).fit([[2.0, 0.0]])
    >>> circuit.transform([[2.0, 0.0]]).round(3).tolist()
    [[1.5, 0.0]]
    >>> path = circuit.trajectory([2.0, 0.0])
    >>> path.potentials[-1].round(3).tolist(), bool((np.diff(path.objective) < 1e-12).all())
    ([2.0, 0.3], True)
    """

    _parameter_constraints = {  # noqa: RUF012
        "dictionary": [Dictionary, "array-like", None],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="neither"), None],
        "threshold": [StrOptions({"soft", "hard"})],
        "steepness": [Interval(Real, 0, None, closed="neither"), None],
        "positive": ["boolean"],
        "dt": [Interval(Real, 0, None, closed="neither"), None],
        "duration": [Interval(Real, 0, None, closed="neither")],
        "anneal": [Interval(Real, 0, 1, closed="neither"), None],
        "stream": ["boolean"],
        "input_shape": [tuple, list, Integral, None],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        dictionary=None,
        *,
        n_components=None,
        alpha=None,
        threshold="soft",
        steepness=None,
        positive=False,
        dt=None,
        duration=20.0,
        anneal=None,
        stream=False,
        input_shape=None,
        n_jobs=None,
        random_state=None,
    ):
        self.dictionary = dictionary
        self.n_components = n_components
        self.alpha = alpha
        self.threshold = threshold
        self.steepness = steepness
        self.positive = positive
        self.dt = dt
        self.duration = duration
        self.anneal = anneal
        self.stream = stream
        self.input_shape = input_shape
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are; rows are moments of time in a stream."""
        return Capabilities("real", invertible=True, stateful=bool(self.stream), online=False, signed=not self.positive)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None):
        """Take the atoms, or learn them from the rows of X, and fix the weight of the penalty.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        groups : array-like of shape (n_samples,) or None, default=None
            Sequences of a stream; rows are learned from alike, whatever their order.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            self._sequences(groups, len(X))
            self._fit_coder(X, penalty={"soft": "l1", "hard": "l0"}[self.threshold])
            self._prepared = Prepared()
            self._pace(self._wire(X.dtype))
        return self

    def transform(self, X, groups=None):
        """Return the codes after `duration` time constants of each row of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            In a stream, the sequence of each row; each sequence starts from rest.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            With the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_input(X, reset=False)
        parts, wiring = self._sequences(groups, len(X)), self._wire(X.dtype)
        pace, codes = self._pace(wiring), np.empty((len(X), *self.code_shape_), X.dtype)
        if self.stream:
            for rows, _ in parts:
                integrate(wiring, pace, X[rows], codes[rows], u=np.zeros(self.code_shape_, X.dtype))
        else:
            warn_of_heat(integrate(wiring, pace, X, codes, n_jobs=self.n_jobs), pace)
        check_finite(np.isfinite(codes).all(axis=1), X.dtype)
        return codes

    def inverse_transform(self, X, groups=None):
        """Return the reconstructions ``W D`` of codes.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_components)
        groups : array-like of shape (n_samples,) or None, default=None
            Checked, and of no effect.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        codes = self._check_codes(X)
        self._sequences(groups, codes.shape[0])
        return decode(codes, self.components_)

    @available_if_capable("stateful")
    def initial_state(self):
        """Return `Potentials` at rest, all zero."""
        check_is_fitted(self)
        return Potentials(np.zeros(len(self.components_)))

    @available_if_capable("stateful")
    def step(self, x, state, learn=False):
        """Present one row for `duration`.

        Parameters
        ----------
        x : ndarray of shape (n_features,)
        state : Potentials
            Not changed.
        learn : bool, default=False
            Has no effect: a circuit does not learn in time.

        Returns
        -------
        code : ndarray of shape (n_components,)
        state : Potentials
        """
        x = self._check_sample(x)
        self._validate_params()
        potentials, wiring = np.array(state.potentials, x.dtype), self._wire(x.dtype)
        if potentials.shape != self.code_shape_ or not np.isfinite(potentials).all():
            raise ValueError(
                f"`state` must hold {self.code_shape_[0]} finite potentials, one for each neuron, got an array of "
                f"shape {potentials.shape}; begin with `initial_state()` of this circuit."
            )
        code = np.empty((1, len(potentials)), x.dtype)
        integrate(wiring, self._pace(wiring), x, code, u=potentials)
        check_finite(np.isfinite(code).all(axis=1), x.dtype)
        return code[0], Potentials(potentials)

    def trajectory(self, x):
        """Return how the circuit settles on one sample from rest, for figures.

        Parameters
        ----------
        x : array-like of shape (n_features,)

        Returns
        -------
        Trajectory
            Potentials, codes and objective after each step; the last code is that of `transform` of samples.
        """
        x = self._check_sample(x)
        self._validate_params()
        wiring = self._wire(x.dtype)
        pace = self._pace(wiring)
        shape = pace.n_steps + 1, *self.code_shape_
        potentials, codes = np.zeros(shape, x.dtype), np.zeros(shape, x.dtype)
        u, heat = np.zeros(shape[1], x.dtype), np.zeros(1, x.dtype)
        trace(wiring, pace, x, codes, potentials, u=u, heat=heat)
        warn_of_heat(heat, pace)
        check_finite(np.isfinite(codes).all(axis=1), x.dtype)
        of_codes = objective(np.repeat(x, len(codes), axis=0), self.components_, codes, self.penalty_)
        return Trajectory(float(pace.rate) * np.arange(len(codes)), potentials, codes, of_codes)

    @property
    def penalty_(self):
        """The penalty that the threshold stands for, with its weight."""
        return self.coder_.penalty_

    @property
    def inhibition_(self):
        """Weights by which active neurons lower the potentials of others."""
        G = self._wire(self.components_.dtype).atoms.G.copy()
        np.fill_diagonal(G, 0)
        return G

    @property
    def dt_(self):
        """Euler step in use, in time constants."""
        return float(self._pace(self._wire(np.dtype(np.float64))).rate)

    def _sequences(self, groups, n_rows):
        if groups is not None and not self.stream:
            raise ValueError("`groups` are sequences of a stream: leave them out, or set stream=True.")
        return sequences(groups, n_rows)

    def _wire(self, dtype):
        """Return the neurons for input of a dtype."""
        if dtype not in self._prepared:
            self._prepared[dtype] = Wiring.of(self.components_.astype(dtype), self.penalty_, self.n_jobs)
        return self._prepared[dtype]

    def _pace(self, wiring):
        """Return the response of neurons by the parameters as they are now."""
        fitted = isinstance(self.penalty_, L1), bool(self.penalty_.positive)
        if fitted != (self.threshold == "soft", bool(self.positive)):
            raise ValueError("`threshold` or `positive` was changed since fit, where they decide the weight: call fit.")
        if self.anneal is not None and self.stream:
            raise ValueError("`anneal` starts anew with each sample, but a stream has none; use anneal=None.")
        dt, limit = min(LARGEST_STEP, wiring.longest) if self.dt is None else self.dt, 2 * wiring.longest
        if not dt < limit:
            raise ValueError(f"`dt` must be below 2 / L = {limit:.4g} for these atoms, got {self.dt!r}.")
        number = wiring.levels.dtype.type
        shift, steepness = number(self.threshold == "soft"), number(self.steepness or 0)
        threshold = Threshold(wiring.levels, shift, steepness, bool(self.positive))
        return Pace(threshold, number(dt), max(1, math.ceil(self.duration / dt - 1e-9)), number(self.anneal or 1))

    def _set_fitted_state(self, scalars, arrays):
        super()._set_fitted_state(scalars, arrays)
        self._prepared = Prepared()
