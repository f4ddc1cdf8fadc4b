"""What networks of layers have in common: frames, shapes, inputs of layers with weights, networks of scikit-learn."""

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.validation import check_is_fitted

from .._core.labels import labels_to_file
from .layers import Activation, Conv2D, Dense, Residual, follow

#: Output activations of scikit-learn's networks.
OUTPUTS = ("identity", "logistic", "softmax")

IDENTITY = Activation("identity")


def has_classes(network):
    """Say whether outputs are scores of classes."""
    if network.classes is None:
        raise AttributeError(
            "`classes` is None: outputs are numbers, of which transform returns all; see its capabilities()."
        )
    return True


def fitted_classes(network):
    """Return the labels of outputs, which must be those of fit."""
    check_is_fitted(network)
    fitted = getattr(network, "classes_", None)
    if fitted is None or not np.array_equal(np.array(network.classes), fitted):
        raise ValueError(f"`classes` were {fitted!s:.80} when the network was fitted; after changing them, fit again.")
    return fitted


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
    """Return the layers with weights and their inputs, and what all layers make of frames A; overflow as above."""
    found = []

    def advance(layer, A):
        found.append((layer, A))
        return layer.dense(A)

    with np.errstate(over="ignore", invalid="ignore"):
        return found, follow(layers, A, advance)


def shapes_of(layers, shape):
    """Return the shape of outputs for frames of a shape, and those of inputs and outputs of linear layers."""
    shape, pairs = inner_shapes(layers, shape)
    if not pairs:
        raise ValueError(f"`layers` must have a Dense or Conv2D layer, got {layers!r:.80}.")
    return shape, pairs


def inner_shapes(layers, shape):
    """Return what `shapes_of` does for layers of which none need have weights."""
    pairs = []
    for layer in layers:
        out = layer.out_shape(shape)
        if isinstance(layer, Residual):
            pairs += inner_shapes(layer.layers, shape)[1]
        elif isinstance(layer, Dense | Conv2D):
            pairs.append((shape, out))
        shape = out
    return shape, pairs


def check_classes(classes, n_outputs, activation):
    """Return the parameter `classes` as an array, or say why it does not fit outputs behind an activation."""
    classes = np.array(classes)
    if classes.ndim != 1 or len(np.unique(classes)) != len(classes) or len(classes) != max(n_outputs, 2):
        raise ValueError(
            f"`classes` must be {max(n_outputs, 2)} different labels for {n_outputs} outputs, got {classes!s:.80}."
        )
    if (activation.name == "logistic") != (n_outputs == 1):
        raise ValueError(
            f"`classes` need a logistic output or several others, got {n_outputs} with activation {activation.name!r}."
        )
    return classes


def labels_of(outputs, classes):
    """Return the classes with the largest outputs; one output is the probability of the second of two."""
    best = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
    return classes[best]


def probabilities_of(outputs, activation):
    """Return the probabilities of classes: outputs, or the softmax of all for one without such an activation."""
    if outputs.shape[1] == 1:
        return np.hstack([1 - outputs, outputs])
    return outputs if activation.name == "softmax" else np.exp(log_softmax(outputs, axis=1))


def last_activation(layers):
    """Return the activation of outputs."""
    return layers[-1] if isinstance(layers[-1], Activation) else IDENTITY


def quantized(A, step):
    """Return the multiples of a step that are nearest to numbers; a number of so many steps that all are whole stays.

    A step of 0 leaves all as they are. Steps beyond a quarter of the largest number are taken as that: multiples stay
    finite, and errors within half of the step.
    """
    step = A.dtype.type(min(step, np.finfo(A.dtype).max / 4))
    if step == 0:
        return A
    with np.errstate(over="ignore"):
        n = A / step
        return np.where(np.abs(n) < 2 / np.finfo(A.dtype).eps, step * np.rint(n), A)


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
