"""What perceptrons that are trained to change little have in common: parameters, phases of learning, files."""

from itertools import pairwise

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._core.adam import Adam
from .._core.history import ChangesRecord, as_rows, from_rows
from .._core.rng import as_generator
from .._core.training import TRAINING, Scale, TrainedMixin
from .._core.validation import Integral, Interval, Real, check_rows
from ..encoder import sequences
from ._delta_training import Rules, forward, learn_epoch, steps_of
from ._networks import layers_and_classes
from ._streams import as_thresholds, blocks
from ._surrogate_gradients import initial_arrays
from .delta_network import DeltaNetwork
from .layers import Activation, Dense

#: Rows by which the steps of layers are found.
MOST_ROWS = 10_000


class DeltaMLP(TrainedMixin, BaseEstimator):
    """A perceptron with quantized inputs of layers; subclasses know targets and what outputs stand for."""

    _record_class = ChangesRecord

    _parameter_constraints = {  # noqa: RUF012
        **TRAINING,
        "step": [Interval(Real, 0, None, closed="left"), "array-like"],
        "penalty": [Interval(Real, 0, None, closed="left")],
        "learn_step": ["boolean"],
        "fine_tuning_iter": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes=128,
        *,
        step=0.5,
        penalty=1.0,
        learn_step=False,
        learning_rate_init=1e-3,
        batch_size=128,
        max_iter=200,
        fine_tuning_iter=10,
        tol=1e-4,
        n_iter_no_change=10,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.step = step
        self.penalty = penalty
        self.learn_step = learn_step
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.fine_tuning_iter = fine_tuning_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose

    @property
    def coefs_(self):
        """Weights of all layers, for inputs in units of X."""
        return self._weights()[0]

    @property
    def intercepts_(self):
        """Intercepts of all layers."""
        return self._weights()[1]

    @property
    def step_(self):
        """Steps of the inputs of all layers, in their units."""
        check_is_fitted(self)
        return steps_of(self._arrays, self._rules)

    def _weights(self):
        """Return weights and intercepts of all layers for inputs in units of X."""
        check_is_fitted(self)
        n_layers = len(self._rules.steps)
        coefs = [W.T.copy() for W in self._arrays[: 2 * n_layers : 2]]
        intercepts = [b.copy() for b in self._arrays[1 : 2 * n_layers : 2]]
        coefs[0], intercepts[0] = self._scale.unscaled(coefs[0], intercepts[0])
        return coefs, intercepts

    def _fit_to(self, X, targets, n_outputs, groups, network):
        """Learn from checked rows: without steps until the loss no longer falls, if no network is given, then with."""
        begins = np.zeros(len(X), bool)
        begins[[rows.start for rows, _ in sequences(groups, len(X))]] = True
        self._scale, rng = Scale.of(X), as_generator(self.random_state)
        if network is None:
            sizes = [X.shape[1], *self._layer_sizes(), n_outputs]
            arrays = initial_arrays(sizes, rng=rng, dtype=X.dtype)
        else:
            coefs, intercepts = self._parts_of(network, X.shape[1])
            coefs[0], intercepts[0] = self._scale.scaled(coefs[0], intercepts[0])
            parts = (part for W, b in zip(coefs, intercepts, strict=True) for part in (W.T, b))
            arrays = [np.array(part, X.dtype, order="C") for part in parts]
        n_layers = len(arrays) // 2
        as_thresholds(self.step, np.ones(n_layers), "layer", name="step")
        self._rules, self._records = Rules(self._classifies, 0.0, np.zeros(n_layers), False, self._scale), []
        task = (X, targets, begins, rng)
        self._begin(arrays)
        best, falling = self._learn_until_flat(len(X), *task) if network is None else (np.nan, False)
        steps = as_thresholds(self.step, self._deviations(X), "layer", name="step")
        self._rules = self._rules._replace(steps=steps, penalty=self.penalty, learns_steps=self.learn_step)
        self._begin([*arrays, np.ones(n_layers, X.dtype)] if self.learn_step else arrays)
        with self._bar(len(X), self.fine_tuning_iter) as bar:
            for _ in range(self.fine_tuning_iter):
                self._learn(*task, bar)
        del self._adam
        return best, falling

    def _parts_of(self, network, n_features):
        """Return weights and intercepts of a trained network, for targets as they are learned."""
        layers, _ = layers_and_classes(network)
        coefs, intercepts = ([getattr(layer, name) for layer in layers[::2]] for name in ("weights", "bias"))
        if any(layer != Activation("relu") for layer in layers[1:-1:2]) or len(coefs[0]) != n_features:
            raise ValueError(
                f"`network` must have rectified hidden units and {n_features} inputs, got activation "
                f"{network.activation!r} and {len(coefs[0])} inputs."
            )
        return coefs, intercepts

    def _begin(self, arrays):
        """Begin to change arrays."""
        self._arrays, self._adam = arrays, Adam(arrays, [self.learning_rate_init] * len(arrays))

    def _learn(self, X, targets, begins, rng, bar):
        """Learn from checked rows for an epoch; return the mean loss."""
        options = {"epoch": len(self._records), "batch_size": self.batch_size, "rng": rng, "bar": bar}
        record = learn_epoch(self._arrays, self._adam, X, targets, begins, self._rules, **options)
        self._records = [*self._records, record]
        return record.objective

    def _deviations(self, X):
        """Return the standard deviations of the inputs of all layers, by some of the rows."""
        _, traces = forward(self._arrays, X[:: max(1, len(X) // MOST_ROWS)], self._rules)
        return np.array([self._scale.unit, *(A.std(dtype=np.float64) for A, _ in traces[1:])])

    def _passes(self, X):
        """Yield the outputs for some rows after the other."""
        for rows in blocks(slice(0, len(X)), max(len(W) for W in self._arrays[::2])):
            with np.errstate(over="ignore", invalid="ignore"):  # told by `_outputs`
                yield forward(self._arrays, X[rows], self._rules)[0]

    def _outputs(self, X):
        """Return the outputs for rows as float64."""
        check_is_fitted(self)
        self._validate_params()
        with np.errstate(over="ignore"):  # told below
            X = check_rows(self, X, reset=False).astype(self._arrays[0].dtype, copy=False)
        outputs = np.concatenate(list(self._passes(X))).astype(np.float64)
        known = np.isfinite(self._scale.standardised(X, X.dtype)).all(axis=1) & np.isfinite(outputs).all(axis=1)
        far = np.flatnonzero(~known)
        if far.size:
            raise ValueError(f"row {far[0]} of X is too far from what was learned from; give X in the same units.")
        return outputs

    def _network(self, coefs, intercepts, last, **params):
        """Return the `DeltaNetwork` with some weights."""
        layers = [part for W, b in zip(coefs, intercepts, strict=True) for part in (Dense(W, b), Activation("relu"))]
        options = {"threshold": self.step_ / 2, "scale": "absolute", "scheme": "quantizer"}
        network = DeltaNetwork([*layers[:-1], *last], **options, **params)
        return network.fit(np.zeros((1, self.n_features_in_), coefs[0].dtype))

    def _get_fitted_state(self):
        rules = self._rules
        scalars = {"scale": list(self._scale), "penalty": rules.penalty, "learns_steps": rules.learns_steps}
        arrays = {f"parameter_{i}": array for i, array in enumerate(self._arrays)}
        return scalars, arrays | {"steps": rules.steps, "records": as_rows(self._records)}

    def _set_fitted_state(self, scalars, arrays):
        self._scale, steps, learns = Scale(*scalars["scale"]), arrays["steps"], scalars["learns_steps"]
        n_layers = len(steps)
        self._arrays = [arrays[f"parameter_{i}"] for i in range(2 * n_layers + learns)]
        self._rules = Rules(self._classifies, scalars["penalty"], steps, learns, self._scale)
        self._records = from_rows(arrays["records"], ChangesRecord)
        sizes = [self.n_features_in_, *(len(b) for b in self._arrays[1 : 2 * n_layers : 2])]
        shapes = [shape for m, n in pairwise(sizes) for shape in ((n, m), (n,))]
        if [array.shape for array in self._arrays] != shapes + [(n_layers,)] * learns or sizes[-1] != self._n_outputs:
            raise ValueError("the parts of the network do not go together.")
