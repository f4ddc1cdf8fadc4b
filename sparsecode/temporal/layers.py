"""Layers of feed-forward networks, as plain values: weights and what is done with them.

They know shapes and the dense computation; `DeltaNetwork` runs them on streams.
"""

import dataclasses
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import expit

from .._core.arrays import is_count
from .._core.products import correlations

ACTIVATIONS = ("identity", "relu", "tanh", "logistic", "softmax")


class Layer:
    """What layers have in common: equality by content, and arrays that nobody may write."""

    has_weights = False

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value = value.copy()
                value.flags.writeable = False
                object.__setattr__(self, field.name, value)

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in dataclasses.fields(self))
        return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)

    __hash__ = None

    def __deepcopy__(self, memo):
        return self


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dense(Layer):
    """All inputs to all outputs: ``a W + b``.

    Parameters
    ----------
    weights : array-like of shape (n_inputs, n_outputs)
        W, as in ``MLPClassifier.coefs_``.
    bias : array-like of shape (n_outputs,) or None, default=None
        b. None is zero.

    Examples
    --------
    >>> from sparsecode.temporal import Dense
    >>> Dense([[1.0, 2.0], [0.0, 1.0], [1.0, 1.0]])
    Dense(3 -> 2)
    """

    has_weights = True

    weights: np.ndarray
    bias: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "weights", as_weights(self.weights, 2, "(n_inputs, n_outputs)"))
        object.__setattr__(self, "bias", as_bias(self.bias, self.weights))
        super().__post_init__()

    def __repr__(self):
        return f"Dense({self.weights.shape[0]} -> {self.weights.shape[1]})"

    def out_shape(self, shape):
        """Return the shape of outputs for inputs of a shape, or say why there are none."""
        if shape != self.weights.shape[:1]:
            raise ValueError(
                f"{self!r} takes {self.weights.shape[0]} inputs, got shape {shape}; a Flatten may be missing."
            )
        return self.weights.shape[1:]

    def dense(self, A):
        """Return the outputs for rows of inputs."""
        return correlations(A, self.weights.T.astype(A.dtype)) + self.bias.astype(A.dtype)

    def fan_out(self, shape):
        """Return the products that each input takes part in."""
        return np.full(shape, self.weights.shape[1])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Conv2D(Layer):
    """Sums over windows of an image, as deep learning calls convolution (kernels are not flipped).

    Parameters
    ----------
    weights : array-like of shape (kernel_height, kernel_width, n_channels, n_maps)
    bias : array-like of shape (n_maps,) or None, default=None
    stride : int, default=1
        Pixels between windows.
    padding : int or "same", default="same"
        Zeros around the image; "same" is half the kernel, whose sides must then be odd.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import Conv2D
    >>> layer = Conv2D(np.ones((3, 3, 1, 8)))
    >>> layer, layer.out_shape((16, 16, 1))
    (Conv2D(3 x 3, 1 -> 8), (16, 16, 8))
    """

    has_weights = True

    weights: np.ndarray
    bias: np.ndarray | None = None
    stride: int = 1
    padding: int | str = "same"

    def __post_init__(self):
        shape = "(kernel_height, kernel_width, n_channels, n_maps)"
        object.__setattr__(self, "weights", as_weights(self.weights, 4, shape))
        object.__setattr__(self, "bias", as_bias(self.bias, self.weights))
        if not is_count(self.stride, 1):
            raise ValueError(f"`stride` must be an int >= 1, got {self.stride!r:.40}.")
        same = isinstance(self.padding, str) and self.padding == "same"
        if same and not all(side % 2 for side in self.weights.shape[:2]):
            raise ValueError(f"padding='same' needs kernels of odd sides, got {self.weights.shape[:2]}; give a number.")
        if not same and not is_count(self.padding, 0):
            raise ValueError(f"`padding` must be 'same' or an int >= 0, got {self.padding!r:.40}.")
        super().__post_init__()

    def __repr__(self):
        height, width, n_channels, n_maps = self.weights.shape
        return f"Conv2D({height} x {width}, {n_channels} -> {n_maps})"

    @property
    def margins(self):
        """Zeros above and to the left."""
        if self.padding == "same":
            return self.weights.shape[0] // 2, self.weights.shape[1] // 2
        return int(self.padding), int(self.padding)

    def out_shape(self, shape):
        """Return the shape of outputs for inputs of a shape, or say why there are none."""
        if len(shape) != 3 or shape[2] != self.weights.shape[2]:
            raise ValueError(f"{self!r} takes images (height, width, {self.weights.shape[2]}), got shape {shape}.")
        sides = [
            (side + 2 * margin - kernel) // self.stride + 1
            for side, margin, kernel in zip(shape, self.margins, self.weights.shape[:2], strict=False)
        ]
        if min(sides) < 1:
            raise ValueError(f"{self!r} is larger than its input of shape {shape} with the zeros around it.")
        return (*sides, self.weights.shape[3])

    def windows(self, A):
        """Return a view (n, rows, columns, kernel_height, kernel_width, n_channels) of all windows of images."""
        top, left = self.margins
        A = np.pad(A, ((0, 0), (top, top), (left, left), (0, 0)))
        windows = sliding_window_view(A, self.weights.shape[:2], axis=(1, 2))
        return windows[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)

    def dense(self, A):
        """Return the outputs for images (n, height, width, n_channels)."""
        windows, n_maps = self.windows(A), self.weights.shape[3]
        rows = windows.reshape(math.prod(windows.shape[:3]), -1)
        sums = correlations(rows, self.weights.reshape(-1, n_maps).T.astype(A.dtype)) + self.bias.astype(A.dtype)
        return sums.reshape(*windows.shape[:3], n_maps)

    def fan_out(self, shape):
        """Return the products that each input takes part in: fewer at borders."""
        counts = []
        for side, out, margin, kernel in zip(
            shape, self.out_shape(shape), self.margins, self.weights.shape[:2], strict=False
        ):
            inside = np.arange(out)[:, None] * self.stride + np.arange(kernel) - margin
            counts.append(np.bincount(inside[(inside >= 0) & (inside < side)], minlength=side))
        per_pixel = np.multiply.outer(*counts) * self.weights.shape[3]
        return np.broadcast_to(per_pixel[:, :, None], shape)


@dataclasses.dataclass(frozen=True)
class Activation(Layer):
    """A function of each number, or of each row ("softmax").

    Parameters
    ----------
    name : {"identity", "relu", "tanh", "logistic", "softmax"}

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import Activation
    >>> Activation("relu").dense(np.array([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """

    name: str

    def __post_init__(self):
        if self.name not in ACTIVATIONS:
            raise ValueError(f"`name` must be one of {', '.join(ACTIVATIONS)}, got {self.name!r:.40}.")

    def out_shape(self, shape):
        """Return the shape of outputs: that of inputs."""
        return shape

    def dense(self, A, out=None):
        """Return the outputs for rows of inputs, which `out` may hold."""
        if self.name == "relu":
            return np.maximum(A, 0, out=out)
        if self.name == "tanh":
            return np.tanh(A, out=out)
        if self.name == "logistic":
            return expit(A, out=out)
        if self.name == "softmax":
            axes = tuple(range(1, A.ndim))
            A = np.exp(A - A.max(axis=axes, keepdims=True))
            return A / A.sum(axis=axes, keepdims=True)
        return A


@dataclasses.dataclass(frozen=True)
class Pool2D(Layer):
    """The largest or mean value of each square of pixels.

    Parameters
    ----------
    size : int, default=2
        Side of a square. Squares do not overlap; rows and columns that are left over count for nothing.
    kind : {"max", "mean"}, default="max"

    Examples
    --------
    >>> from sparsecode.temporal import Pool2D
    >>> Pool2D(2).out_shape((9, 8, 3))
    (4, 4, 3)
    """

    size: int = 2
    kind: str = "max"

    def __post_init__(self):
        if not is_count(self.size, 1):
            raise ValueError(f"`size` must be an int >= 1, got {self.size!r:.40}.")
        if self.kind not in ("max", "mean"):
            raise ValueError(f"`kind` must be 'max' or 'mean', got {self.kind!r:.40}.")

    def out_shape(self, shape):
        """Return the shape of outputs for inputs of a shape, or say why there are none."""
        if len(shape) != 3 or min(shape[:2]) < self.size:
            raise ValueError(f"{self!r} takes images (height, width, n_channels) of that size at least, got {shape}.")
        return shape[0] // self.size, shape[1] // self.size, shape[2]

    def dense(self, A):
        """Return the outputs for images (n, height, width, n_channels)."""
        n, (rows, columns, n_channels) = len(A), self.out_shape(A.shape[1:])
        A = A[:, : rows * self.size, : columns * self.size]
        squares = A.reshape(n, rows, self.size, columns, self.size, n_channels)
        return squares.max(axis=(2, 4)) if self.kind == "max" else squares.mean(axis=(2, 4), dtype=A.dtype)


@dataclasses.dataclass(frozen=True)
class Flatten(Layer):
    """Images as rows.

    Examples
    --------
    >>> from sparsecode.temporal import Flatten
    >>> Flatten().out_shape((4, 4, 3))
    (48,)
    """

    def out_shape(self, shape):
        """Return the shape of outputs for inputs of a shape."""
        return (math.prod(shape),)

    def dense(self, A):
        """Return the outputs for images."""
        return A.reshape(len(A), -1)


@dataclasses.dataclass(frozen=True, eq=False)
class Residual(Layer):
    """Inputs plus what some layers make of them.

    Parameters
    ----------
    layers : sequence of layers
        Outputs must have the shape of inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import Activation, Dense, Residual
    >>> Residual([Dense(np.eye(4)), Activation("relu")]).out_shape((4,))
    (4,)
    """

    layers: tuple

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(self.layers))
        check_layers(self.layers)

    def out_shape(self, shape):
        """Return the shape of outputs, or say why there are none."""
        out = shape
        for layer in self.layers:
            out = layer.out_shape(out)
        if out != shape:
            raise ValueError(f"layers within a Residual must keep the shape {shape}, got {out}.")
        return shape

    def dense(self, A):
        """Return the outputs for rows of inputs."""
        return follow((self,), A, lambda layer, A: layer.dense(A))


def linear_layers(layers):
    """Return the layers with weights, those within a `Residual` too, in the order in which they run."""
    found = []
    for layer in layers:
        found += linear_layers(layer.layers) if isinstance(layer, Residual) else [layer] * layer.has_weights
    return found


def follow(layers, A, advance):
    """Return what layers make of A, linear ones by ``advance(layer, A)``, whose results may be written over."""
    ours = False
    for layer in layers:
        if isinstance(layer, Residual):
            A, ours = A + follow(layer.layers, A, advance), True
        elif layer.has_weights:
            A, ours = advance(layer, A), True
        elif isinstance(layer, Activation):
            A = layer.dense(A, out=A if ours else None)
        else:
            A = layer.dense(A)
    return A


def check_layers(layers):
    """Raise if something is not a layer, or there is none."""
    if not layers or not all(isinstance(layer, Layer) for layer in layers):
        raise ValueError(f"`layers` must be layers such as Dense or Activation, one at least, got {layers!r:.80}.")


def as_weights(weights, n_axes, shape):
    """Return weights as an array of float, of so many axes."""
    weights = np.asarray(weights)
    if weights.ndim != n_axes or weights.dtype.kind not in "iuf" or not weights.size or not np.isfinite(weights).all():
        raise ValueError(f"`weights` must be finite numbers of shape {shape}, got {weights.dtype} {weights.shape}.")
    return weights.astype(np.float32 if weights.dtype == np.float32 else np.float64)


def as_bias(bias, weights):
    """Return numbers, one for each output, as an array of the dtype of weights; zeros for None."""
    bias = np.zeros(weights.shape[-1]) if bias is None else np.asarray(bias)
    if bias.shape != weights.shape[-1:] or bias.dtype.kind not in "iuf" or not np.isfinite(bias).all():
        raise ValueError(
            f"`bias`, and statistics, must be {weights.shape[-1]} finite numbers, one for each output, got "
            f"{bias.dtype} {bias.shape}."
        )
    return bias.astype(weights.dtype)
