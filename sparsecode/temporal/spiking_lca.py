"""`SpikingLCA`: integrate-and-fire neurons whose rates are the codes of the LASSO."""

import math

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.parallel import run_chunks
from .._core.products import correlations, gram
from .._core.validation import Integral, Interval, Real, fit_context, row_exponents, unchanged_on_failure
from ..coding._encode import decode
from ..coding._of_coder import OfCoderMixin
from ..dictionary import Dictionary
from ..dictionary.algebra import unit_rows
from ..encoder import Capabilities, Encoder
from ._spiking_lca_kernel import spike_rows

#: Rows that a thread takes at a time.
CHUNK_ROWS = 8


class SpikingLCA(OfCoderMixin, Encoder):
    r"""Encode rows by the firing rates of neurons that inhibit each other with spikes.

    With atoms of unit norm, the potentials v of integrate-and-fire neurons follow

        v_i' = D_i x - alpha - sum_(j != i) (D_i D_j) I_j(t),

    where I_j is the sum of the synaptic currents ``exp(-s / tau) / tau`` that each spike of neuron j has left, s ago.
    A neuron fires at a threshold, by which its potential is lowered. Rates then approach the non-negative code w of
    ``0.5 ||x - w D||^2 + alpha sum(w)``, with an error like 1 / duration; without `positive`, each atom has a second
    neuron for its negative. For codes as such use `SparseCoder`, which is exact and 20 to 140 times as fast.

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_components, n_features) or None, default=None
        Atoms, of any norm. With None they are learned by `SparseCoder`.
    n_components : int or None, default=None
        Number of atoms to learn; None means ``n_features``.
    alpha : float or None, default=None
        Weight of the l1 norm, > 0; None takes that of `SparseCoder`.
    positive : bool, default=False
        Whether codes are kept non-negative, one neuron for an atom.
    duration : float, default=100.0
        Time constants of the synapses for which each row is presented.
    settling : float, default=0.5
        Share of the duration after which spikes are counted, in [0, 1): before, rates are those of the way there.
    dt : float, default=0.01
        Step in time constants of the synapses, in (0, 1]. Potentials and currents are integrated exactly between
        steps; spikes fall on steps.
    input_shape : tuple of int or None, default=None
        Shape of a sample, such as (12, 12).
    n_jobs : int or None, default=None
        Threads. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        For atoms that are learned.

    Attributes
    ----------
    coder_ : SparseCoder
        Has the atoms and the weight; its codes are those that the rates approach.
    components_ : ndarray of shape (n_components, n_features)
    dictionary_ : Dictionary
    code_shape_ : tuple
    n_iter_ : int
    history_ : structured ndarray
        Of `coder_`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, atoms that do not fit X, and X that is not finite.

    Notes
    -----
    Threshold and weights are taken for each row in units of its largest drive beyond alpha, so that the neuron that is
    driven most would fire once in a time constant; codes of ``c x`` with ``c alpha`` are c times those of x. A rate
    that is counted over T time constants is a multiple of that unit over T.

    A row takes O(K duration / dt) for K neurons, and O(K) for a spike.

    References
    ----------
    S. Shapero, M. Zhu, J. Hasler and C. Rozell, "Optimal sparse approximation with integrate and fire neurons", Int. J.
    Neural Syst. 24 (2014). P. T. P. Tang, T.-H. Lin and M. Davies, "Sparse coding by spiking neural networks:
    convergence theory and computational results", arXiv:1705.05475 (2017).

    Examples
    --------
    >>> from sparsecode.temporal import SpikingLCA
    >>> neurons = SpikingLCA([[1.0, 0.0], [0.6, 0.8]], alpha=0.5, duration=1000.0).fit([[2.0, 1.0]])
    >>> neurons.transform([[2.0, 1.0]]).round(2).tolist(), neurons.coder_.transform([[2.0, 1.0]]).round(2).tolist()
    ([[0.94, 0.94]], [[0.94, 0.94]])
    """

    _parameter_constraints = {  # noqa: RUF012
        "dictionary": [Dictionary, "array-like", None],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="neither"), None],
        "positive": ["boolean"],
        "duration": [Interval(Real, 0, None, closed="neither")],
        "settling": [Interval(Real, 0, 1, closed="left")],
        "dt": [Interval(Real, 0, 1, closed="right")],
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
        positive=False,
        duration=100.0,
        settling=0.5,
        dt=0.01,
        input_shape=None,
        n_jobs=None,
        random_state=None,
    ):
        self.dictionary = dictionary
        self.n_components = n_components
        self.alpha = alpha
        self.positive = positive
        self.duration = duration
        self.settling = settling
        self.dt = dt
        self.input_shape = input_shape
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: real, of rows that are independent."""
        return Capabilities("real", invertible=True, stateful=False, online=False, signed=not self.positive)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Take the atoms, or learn them from the rows of X, and fix the weight.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_input(X, reset=True)
            self._fit_coder(X)
        return self

    def transform(self, X):
        """Return the rates of the neurons, in units of codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            With the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_input(X, reset=False)
        dtype = X.dtype
        D, norms = unit_rows(self.components_.astype(np.float64))
        norms[norms == 0] = 1
        positive = bool(self.coder_.penalty_.positive)
        exponents = row_exponents(X.astype(np.float64))
        C = correlations(np.ldexp(X.astype(np.float64), -exponents[:, None]), D, self.n_jobs)
        levels = np.ldexp(self.coder_.alpha_ / norms, -exponents[:, None])
        drive = C - levels if positive else np.concatenate([C - levels, -C - levels], axis=1)
        G = gram(D if positive else np.concatenate([D, -D]), self.n_jobs)
        rates = self._rates(drive, G)
        codes = rates if positive else rates[:, : len(D)] - rates[:, len(D) :]
        return np.ldexp(codes / norms, exponents[:, None]).astype(dtype)

    def inverse_transform(self, X):
        """Return the reconstructions ``W D`` of codes.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        return decode(self._check_codes(X), self.components_)

    def _rates(self, drive, G):
        """Return the rates of neurons with some drive, in its units."""
        n_steps = max(1, math.ceil(self.duration / self.dt - 1e-9))
        n_silent = min(round(self.settling * n_steps), n_steps - 1)
        units = np.maximum(drive.max(axis=1), 0)
        units[units == 0] = 1
        drive, counts = drive / units[:, None], np.zeros(drive.shape)
        kept = math.exp(-self.dt)

        def spike(start, end, stop, v, current):
            spike_rows(
                drive[start:end], G, kept, 1 - kept, self.dt, n_steps, n_silent, v, current, stop, counts[start:end]
            )

        def prepare():
            return np.empty(len(G)), np.empty(len(G))

        run_chunks(spike, len(drive), n_jobs=self.n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
        return counts * (units[:, None] / ((n_steps - n_silent) * self.dt))
