"""Networks of scikit-learn as layers."""

from .._core.labels import labels_to_file
from .layers import Activation, Dense

#: Output activations of scikit-learn's networks.
OUTPUTS = ("identity", "logistic", "softmax")


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
