"""`IntegrateAndFire`: neurons that turn currents into spikes."""

import math
import time
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.products import kernel_array
from .._core.validation import Interval, Real, StrOptions, fit_context, unchanged_on_failure
from ..encoder import Capabilities, Encoder, sequences
from ._neuron_kernels import NeuronRule, integrate
from ._streams import StreamMixin, StreamRecord, blocks, check_magnitude, check_state, joined

#: Steps that do not pass.
FOR_EVER = 2.0**62


class NeuronState(NamedTuple):
    """Where neurons are.

    Attributes
    ----------
    v : ndarray of shape (n_features,)
        Potentials.
    current : ndarray of shape (n_features,)
        Synaptic currents.
    adaptation : ndarray of shape (n_features,)
        Recent rates, as shares of steps, by which thresholds are raised.
    waits : ndarray of shape (n_features,), int64
        Steps for which a neuron is still refractory.
    """

    v: np.ndarray
    current: np.ndarray
    adaptation: np.ndarray
    waits: np.ndarray


class IntegrateAndFire(StreamMixin, Encoder):
    r"""Turn currents into spikes, one neuron for each feature; rows are steps of time.

    A potential follows ``tau dv/dt = rest - v + resistance x`` for the current x of a step, which is solved exactly,

        v <- v_inf + (v - v_inf) exp(-dt / tau),    v_inf = rest + resistance x,

    so that a longer step makes spikes late, but no errors of integration. A neuron fires at ``v >= threshold``, at most
    once in a step; what is beyond the threshold is kept, unless there is a `reset`. With ``tau=None`` it has no leak,
    ``dv/dt = resistance x``, and its rate is the current, rectified, in steps.

    Parameters
    ----------
    tau : float or None, default=0.02
        Time constant of the membrane in seconds, > 0. None is no leak.
    dt : float, default=0.001
        Length of a step in seconds, > 0.
    threshold : float, default=1.0
        Potential at which a neuron fires, above `rest`.
    resistance : float, default=1.0
        Potential for a current of one, > 0.
    rest : float, default=0.0
        Potential without input.
    reset : float or None, default=None
        Potential after a spike, below `threshold`. None lowers the potential by the way from `rest` to the threshold,
        so that what was beyond the threshold is kept and rates are linear in the current.
    refractory : float, default=0.0
        Seconds after a spike in which the potential stays, rounded to steps.
    tau_synapse : float or None, default=None
        Time constant of synapses in seconds: inputs are then spikes, x of which add x to a current that decays. Both
        equations are solved exactly together. None takes inputs as currents.
    adaptation : float, default=0.0
        Rise of the threshold for a neuron that fires in every step, >= 0.
    tau_adaptation : float, default=0.1
        Time constant of that in seconds, > 0.
    initial : {"rest", "half"}, default="rest"
        Potential at the beginning: `rest`, or half-way to the threshold, where the counts of neurons without a leak
        are rounded instead of rounded down.
    sparse_output : bool, default=False
        Whether spikes are a CSR array.

    Attributes
    ----------
    code_shape_ : tuple
        ``(n_features,)``.
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (1,)
        Share of entries that are spikes, and seconds, for the rows of fit; no objective.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, X that is not finite, and `groups` that are not one label for each row.

    Notes
    -----
    A row takes O(n_features). With float32 input all is computed in float32.

    Without leak, from half the threshold, and for currents from 0 to threshold / dt, the rate in T steps is within
    ``1 / (2 T)`` of the current (in thresholds a step): spikes are a rectified unit with T + 1 levels. Such a neuron
    goes on to fire for as long as the current lasts; a delta encoder whose quantizer has the same step sends once.

    References
    ----------
    W. Gerstner, W. M. Kistler, R. Naud and L. Paninski, "Neuronal dynamics", Cambridge University Press (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import IntegrateAndFire
    >>> X = np.full((100, 1), 1.5)
    >>> neuron = IntegrateAndFire(reset=0.0).fit(X)
    >>> np.flatnonzero(neuron.transform(X)).tolist()
    [21, 43, 65, 87]
    """

    _parameter_constraints = {  # noqa: RUF012
        "tau": [Interval(Real, 0, None, closed="neither"), None],
        "dt": [Interval(Real, 0, None, closed="neither")],
        "threshold": [Real],
        "resistance": [Interval(Real, 0, None, closed="neither")],
        "rest": [Interval(Real, None, None, closed="neither")],
        "reset": [Interval(Real, None, None, closed="neither"), None],
        "refractory": [Interval(Real, 0, None, closed="left")],
        "tau_synapse": [Interval(Real, 0, None, closed="neither"), None],
        "adaptation": [Interval(Real, 0, None, closed="left")],
        "tau_adaptation": [Interval(Real, 0, None, closed="neither")],
        "initial": [StrOptions({"rest", "half"})],
        "sparse_output": ["boolean"],
    }

    def __init__(
        self,
        tau=0.02,
        *,
        dt=0.001,
        threshold=1.0,
        resistance=1.0,
        rest=0.0,
        reset=None,
        refractory=0.0,
        tau_synapse=None,
        adaptation=0.0,
        tau_adaptation=0.1,
        initial="rest",
        sparse_output=False,
    ):
        self.tau = tau
        self.dt = dt
        self.threshold = threshold
        self.resistance = resistance
        self.rest = rest
        self.reset = reset
        self.refractory = refractory
        self.tau_synapse = tau_synapse
        self.adaptation = adaptation
        self.tau_adaptation = tau_adaptation
        self.initial = initial
        self.sparse_output = sparse_output

    def capabilities(self):
        """Return what codes are: events of rows that are moments of time."""
        return Capabilities("event", invertible=False, stateful=True, online=False, signed=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None):
        """Check the parameters, and count the neurons.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as integers or strings (`groups_from_lengths`). None is one sequence.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_stream(X, reset=True)
            self._rule(X.dtype)
            started = time.perf_counter()
            n_spikes = sum(np.count_nonzero(spikes) for spikes in self._blocks(X, sequences(groups, len(X))))
            self._record = StreamRecord(0, math.nan, n_spikes / X.size, time.perf_counter() - started)
        return self

    def transform(self, X, groups=None):
        """Return the spikes of each row, from the initial state of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row. None is one sequence.

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_features)
            Ones where neurons fire, with the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        parts = self._blocks(X, sequences(groups, len(X)))
        return joined(parts, len(X), sparse=self.sparse_output)

    def initial_state(self):
        """Return the `NeuronState` before any row."""
        check_is_fitted(self)
        return self._begin(np.dtype(np.float64))

    def step(self, x, state, learn=False):
        """Return the spikes of one step, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : NeuronState
            Not changed.
        learn : bool, default=False
            Has no effect.

        Returns
        -------
        spikes : ndarray of shape (n_features,)
        state : NeuronState
        """
        x = self._check_sample(x)
        self._validate_params()
        check_magnitude(x)
        state = check_state(state, self._begin(x.dtype), self)
        spikes = np.empty_like(x)
        integrate(kernel_array(x), self._rule(x.dtype), *state, spikes)
        return spikes[0], state

    @property
    def code_shape_(self):
        """Shape of a code."""
        check_is_fitted(self)
        return (self.n_features_in_,)

    def _rule(self, dtype):
        """Return the parameters as the kernel takes them."""
        if not self.rest < self.threshold < math.inf or (self.reset is not None and not self.reset < self.threshold):
            raise ValueError(
                f"`threshold` must be finite and above `rest` and `reset`, got threshold={self.threshold!r}, "
                f"rest={self.rest!r}, reset={self.reset!r}."
            )
        number, dt, tau, synapse = dtype.type, self.dt, self.tau, self.tau_synapse
        kept = 1.0 if tau is None else math.exp(-dt / tau)
        gained = dt if tau is None else -math.expm1(-dt / tau)
        return NeuronRule(
            kept=number(kept),
            gained=number(self.resistance * gained),
            rest=number(self.rest),
            threshold=number(self.threshold),
            reset=number(0 if self.reset is None else self.reset),
            subtracts=self.reset is None,
            synaptic=synapse is not None,
            current_kept=number(0 if synapse is None else math.exp(-dt / synapse)),
            current_gained=number(0 if synapse is None else self.resistance * synaptic_gain(dt, tau, synapse)),
            raise_by=number(self.adaptation),
            adaptation_kept=number(math.exp(-dt / self.tau_adaptation)),
            silent=round(min(self.refractory / dt, FOR_EVER)),
        )

    def _begin(self, dtype):
        """Return the state before any row, in a dtype."""
        n, v = self.n_features_in_, self.rest if self.initial == "rest" else (self.rest + self.threshold) / 2
        zeros = np.zeros(n, dtype)
        return NeuronState(np.full(n, v, dtype), zeros, zeros.copy(), np.zeros(n, np.int64))

    def _blocks(self, X, parts):
        """Yield the spikes of some rows after the other."""
        rule = self._rule(X.dtype)
        for rows, _ in parts:
            state = self._begin(X.dtype)
            for part in blocks(rows, X.shape[1]):
                block = kernel_array(X[part])
                spikes = np.empty_like(block)
                integrate(block, rule, *state, spikes)
                yield spikes

    def _get_fitted_state(self):
        return {"record": list(self._record)}, {}

    def _set_fitted_state(self, scalars, arrays):
        self._record = StreamRecord(*scalars["record"])


def synaptic_gain(dt, tau, synapse):
    """Return the potential that a decaying current, one at its start, brings in a step.

    Of ``tau v' = i - v`` and ``synapse i' = -i``.
    """
    if tau is None:
        return -synapse * math.expm1(-dt / synapse)
    if abs(tau - synapse) < 1e-6 * tau:  # the limit; the difference of exponentials would lose its digits
        return dt / tau * math.exp(-dt / tau)
    return (math.exp(-dt / synapse) - math.exp(-dt / tau)) * synapse / (synapse - tau)
