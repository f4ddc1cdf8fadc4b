"""What networks of layers have in common: frames, shapes, inputs of layers with weights, networks of scikit-learn."""

import numpy as np

from .._core.labels import labels_to_file
from .layers import Activation, Conv2D, Dense, Residual, follow

#: Output activations of scikit-learn's networks.
OUTPUTS = ("identity", "logistic", "softmax")


class FramesMixin:
    """Encoders whose rows are frames with channels."""

    def _frame_shape(self):
        """Return the shape of a frame with its channels."""
        shape = self._sample_shape(False) or (self.n_features_in_,)
        return (*shape, 1) if len(shape) == 2 else shape


def through(layers, A):
    """Return what layers make of frames A; what overflows is for callers to tell."""
    with np.errstate(over="ignore", invalid="ignore"):
        return follow(layers, A, lambda layer, A: layer.dense(A))


def weighted_inputs(layers, A):
    """Return the layers with weights and their inputs, and what all layers make of frames A."""
    found = []

    def advance(layer, A):
        found.append((layer, A))
        return layer.dense(A)

    return found, follow(layers, A, advance)


def shapes_of(layers, shape):
    """Return the shape of outputs for frames of a shape, and those of inputs and outputs of linear layers."""
    pairs = []
    for layer in layers:
        out = layer.out_shape(shape)
        if isinstance(layer, Residual):
            pairs += shapes_of(layer.layers, shape)[1]
        elif isinstance(layer, Dense | Conv2D):
            pairs.append((shape, out))
        shape = out
    if not pairs:
        raise ValueError(f"`layers` must have a Dense or Conv2D layer, got {layers!r:.80}.")
    return shape, pairs


def layers_and_classes(network):
    """Return the layers of a fitted MLPClassifier or MLPRegressor, and the labels of its outputs or None."""
    if not all(hasattr(network, name) for name in ("coefs_", "intercepts_", "out_activation_", "activation")):
        raise ValueError(f"`network` must be a fitted MLPClassifier or MLPRegressor, got {network!r:.80}.")
    if network.out_activation_ not in OUTPUTS:
        raise ValueError(f"the output activation {network.out_activation_!r:.40} is not one of {OUTPUTS}.")
    classes = getattr(network, "classes_", None)
    layers = []
    for W, b in zip(network.coefs_, network.intercepts_, strict=True):
        layers += [Dense(W, b), Activation(network.activation)]
    layers[-1] = Activation(network.out_activation_)
    return layers, None if classes is None else labels_to_file(classes)
