"""Parameters, state and files of a network whose units see contexts."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.adam import Adam
from .._core.history import NetworkRecord, as_rows, from_rows
from .._core.labels import label_numbers, labels_from_file, labels_to_file
from .._core.rng import as_generator
from .._core.training import TRAINING, Scale, TrainedClassifier
from .._core.validation import Integral, Interval, Real
from ._contexts import Prototypes, Vectors, first_contexts
from ._network import Layer, Network, initial_network
from ._training import learn_epoch


class ContextualNetwork(TrainedClassifier):
    """A network, its contexts and Adam as fitted state; subclasses know what is learned and predicted."""

    _parameter_constraints = {  # noqa: RUF012
        **TRAINING,
        "n_segments": [Interval(Integral, 0, None, closed="left")],
        "activation_density": [Interval(Real, 0, 1, closed="right")],
        "weight_density": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        hidden_layer_sizes=512,
        *,
        n_segments=10,
        activation_density=0.05,
        weight_density=0.5,
        learning_rate_init=1e-3,
        batch_size=64,
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_segments = n_segments
        self.activation_density = activation_density
        self.weight_density = weight_density
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose

    @property
    def contexts_(self):
        """Labels of the contexts."""
        check_is_fitted(self)
        return self._contexts.labels.copy() if isinstance(self._contexts, Prototypes) else None

    @property
    def prototypes_(self):
        """Means of the rows of the contexts."""
        check_is_fitted(self)
        return self._scale.restored(self._contexts.means) if isinstance(self._contexts, Prototypes) else None

    @property
    def coefs_(self):
        """Weights of all layers, for inputs in units of the first X."""
        check_is_fitted(self)
        return [part.weights.T.copy() for part in (*self._network.layers, self._network)]

    @property
    def intercepts_(self):
        """Intercepts of all layers."""
        check_is_fitted(self)
        return [part.intercepts.copy() for part in (*self._network.layers, self._network)]

    @property
    def segments_(self):
        """Weights of the segments of the hidden layers."""
        check_is_fitted(self)
        return [layer.segments.copy() for layer in self._network.layers]

    def _start(self, X, classes, context):
        """Begin with a network of random weights for checked rows."""
        sizes = self._layer_sizes()
        self.classes_, self._dtype = classes, X.dtype
        self._seed = as_generator(self.random_state).integers(2**31, size=4).tolist()
        self._scale, self._contexts = Scale.of(X), first_contexts(context, X)
        width = X.shape[1] if isinstance(self._contexts, Prototypes) else self._contexts.width
        self._network = initial_network(
            [X.shape[1], *sizes, len(classes)],
            self.n_segments,
            width,
            self.weight_density,
            self.activation_density,
            rng=np.random.default_rng(self._seed),
            dtype=X.dtype,
        )
        arrays = self._network.arrays()
        self._adam, self._records = Adam(arrays, [self.learning_rate_init] * len(arrays)), []

    def _copy_weights(self):
        self._network = self._network.copy()

    def _rows_to_learn(self, X, y, context):
        """Return rows in units of the network, their classes, and contexts, which are learned."""
        numbers = label_numbers(y, self.classes_, of="y", among="classes")
        Z = self._scale.standardised(X, self._dtype)
        self._contexts, contexts, which = self._contexts.learned(context, Z)
        return Z, numbers, contexts, which

    def _learn(self, Z, numbers, contexts, which, bar):
        """Learn from rows for an epoch; return the mean loss."""
        epoch = len(self._records)
        rng = np.random.default_rng([*self._seed, epoch])  # any epoch is reached without those before
        options = {"epoch": epoch, "batch_size": self.batch_size, "rng": rng, "bar": bar}
        record = learn_epoch(self._network, self._adam, Z, numbers, contexts, which, **options)
        self._records = [*self._records, record]
        return record.objective

    def _get_fitted_state(self):
        network, contexts = self._network, self._contexts
        scalars = {
            "classes": labels_to_file(self.classes_),
            "seed": self._seed,
            "scale": list(self._scale),
            "steps": self._adam.t,
            "rates": self._adam.rates,
            "n_winners": [layer.n_winners for layer in network.layers],
        }
        arrays = {f"mask_{k}": layer.mask for k, layer in enumerate(network.layers)}
        parts = {"parameter": network.arrays(), "mean": self._adam.means, "square": self._adam.squares}
        arrays |= {f"{name}_{i}": array for name, part in parts.items() for i, array in enumerate(part)}
        if isinstance(contexts, Prototypes):
            scalars["contexts"] = contexts.labels
            arrays |= {"counts": contexts.counts, "prototypes": contexts.means}
        else:
            scalars |= {"width": contexts.width, "context_scale": list(contexts.scale)}
        return scalars, arrays | {"records": as_rows(self._records)}

    def _set_fitted_state(self, scalars, arrays):
        self.classes_, self._seed = labels_from_file(scalars["classes"]), scalars["seed"]
        self._scale = Scale(*scalars["scale"])
        n_layers = len(scalars["n_winners"])
        parts = {
            name: [arrays[f"{name}_{i}"] for i in range(3 * n_layers + 2)] for name in ("parameter", "mean", "square")
        }
        parameters = parts["parameter"]
        layers = [
            Layer(*parameters[3 * k : 3 * k + 3], arrays[f"mask_{k}"], n_winners)
            for k, n_winners in enumerate(scalars["n_winners"])
        ]
        self._network, self._dtype = Network(layers, *parameters[-2:]), parameters[0].dtype
        self._adam = Adam(parameters, scalars["rates"])
        self._adam.means, self._adam.squares, self._adam.t = parts["mean"], parts["square"], scalars["steps"]
        if "contexts" in scalars:
            self._contexts = Prototypes(scalars["contexts"], arrays["counts"], arrays["prototypes"])
            width = self.n_features_in_
            fits = (
                self._contexts.means.shape == (len(self._contexts.labels), width) == (len(self._contexts.counts), width)
            )
        else:
            self._contexts = Vectors(scalars["width"], Scale(*scalars["context_scale"]))
            width, fits = self._contexts.width, True
        if not fits or not network_fits(self._network, parts, self.n_features_in_, width, len(self.classes_)):
            raise ValueError("the parts of the network do not go together.")
        self._records = from_rows(arrays["records"], NetworkRecord)


def network_fits(network, parts, n_features, width, n_classes):
    """Return whether shapes of a network go together, and with those of its `parts` and of rows."""
    n_inputs, fits = n_features, True
    for layer in network.layers:
        n_units = len(layer.intercepts)
        fits = fits and layer.weights.shape == layer.mask.shape == (n_units, n_inputs)
        fits = fits and layer.segments.shape == (n_units, layer.segments.shape[1], width)
        fits = fits and 1 <= layer.n_winners <= n_units
        n_inputs = n_units
    fits = fits and network.weights.shape == (n_classes, n_inputs) and network.intercepts.shape == (n_classes,)
    shapes = [[(array.shape, array.dtype) for array in part] for part in parts.values()]
    return fits and shapes[0] == shapes[1] == shapes[2]
