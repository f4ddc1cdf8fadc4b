"""Networks of layers at work on streams: all products of a frame, or those with inputs that have changed."""

import math
from typing import NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..coding._wiring import Prepared
from ._linear import RUNS
from ._networks import (
    fitted_classes,
    has_classes,
    labels_of,
    last_activation,
    probabilities_of,
    shapes_of,
    weighted_inputs,
)
from ._sequence_run import SequenceRun, chained, check_outputs, links
from ._streams import blocks, check_state
from .layers import Conv2D, Flatten, check_layers, linear_layers


class NetworkState(NamedTuple):
    """What the layers of a network have received, and the sums that they keep up to date.

    Attributes
    ----------
    received : ndarray of shape (n_inputs,)
        Inputs of all linear layers, one after the other, as far as they were sent.
    sums : ndarray of shape (n_sums,)
        Their outputs.
    peaks : ndarray of shape (n_linear,)
        The largest change of an input of each since its sums were computed anew.
    n_rows : ndarray of shape (1,), int64
        Rows since the beginning.
    """

    received: np.ndarray
    sums: np.ndarray
    peaks: np.ndarray
    n_rows: np.ndarray


class NetworkRun:
    """Layers, for frames of one shape, and how they are run.

    Parameters
    ----------
    layers : sequence of layers
    frame_shape : tuple
    every : int or None
        Rows after which sums are computed anew.
    quantizes : bool
        Whether inputs of linear layers are rounded to multiples of two thresholds, of which every change is sent.
    """

    def __init__(self, layers, frame_shape, every, quantizes):
        check_layers(layers)
        self.layers, self.frame_shape, self.every, self.quantizes = tuple(layers), frame_shape, every, quantizes
        self.out_shape, self.shapes = shapes_of(self.layers, frame_shape)
        self.linear, self.prepared, self.templates = linear_layers(self.layers), Prepared(), Prepared()
        self.chained = chained(self.layers)
        self.links = list(links(self.chained))
        self.checks_inputs = next(layer for layer in self.layers if not isinstance(layer, Flatten)).has_weights
        self.n_outputs = math.prod(self.out_shape)
        self.n_inputs = [math.prod(shape) for shape, _ in self.shapes]
        self.widest = max(math.prod(shape) for pair in self.shapes for shape in pair)

    def frames(self, X):
        """Return rows as frames."""
        return X.reshape(len(X), *self.frame_shape) if len(self.frame_shape) > 1 else X

    def dense(self, X, look=None):
        """Return the outputs of the network itself; show `look` the inputs of its linear layers, block by block."""
        outputs = np.empty((len(X), self.n_outputs), X.dtype)
        for rows, inputs, A in self.dense_blocks(X):
            check_outputs(A, rows.start)
            if look is not None:
                look(inputs)
            outputs[rows] = A.reshape(len(A), -1)
        return outputs

    def dense_blocks(self, X):
        """Yield rows, the inputs of each linear layer in the network itself, and its outputs for them."""
        check_weights(self.linear, X.dtype)
        widest = max(n_gathered(layer, out) for layer, (_, out) in zip(self.linear, self.shapes, strict=True))
        for rows in blocks(slice(0, len(X)), max(widest, self.widest)):
            inputs, A = weighted_inputs(self.layers, self.frames(X[rows]))
            yield rows, [given for _, given in inputs], A

    def deviations(self, X):
        """Return the standard deviation of all inputs of each linear layer in the network itself, 0 for rounding."""
        n, means, squares = 0, 0.0, 0.0
        for rows, inputs, _ in self.dense_blocks(X):
            m = rows.stop - rows.start
            mean = np.array([A.mean(dtype=np.float64) for A in inputs])
            square = np.array([A.var(dtype=np.float64) for A in inputs])
            share, off = m / (n + m), mean - means
            means = means + share * off
            squares = (1 - share) * (squares + share * off**2) + share * square
            n += m
        deviations = np.sqrt(squares)
        return np.where(deviations <= 16 * np.finfo(X.dtype).eps * np.abs(means), 0, deviations)

    def begin(self, dtype):
        """Return the state before any row, in a dtype."""
        return NetworkState(*(np.zeros_like(part) for part in self.template(dtype)))

    def template(self, dtype):
        """Return a state of a dtype, of which only shapes count."""
        if dtype not in self.templates:
            n_sums = sum(math.prod(shape) for _, shape in self.shapes)
            sizes = sum(self.n_inputs), n_sums, len(self.shapes)
            self.templates[dtype] = NetworkState(*(np.zeros(size, dtype) for size in sizes), np.zeros(1, np.int64))
        return self.templates[dtype]

    def blocks(self, X, parts, thresholds, outputs=None, look=None):
        """Yield rows, and what `SequenceRun.advance` makes of them; inputs of layers are there until the next."""
        memory = {}
        outputs = np.empty((len(X), self.n_outputs), X.dtype) if outputs is None else outputs
        for rows, _ in parts:
            sequence = SequenceRun(self, self.begin(X.dtype), thresholds, memory)
            for block in blocks(rows, self.widest):
                yield block, *sequence.advance(X[block], outputs[block], block.start, look)

    def measure(self, X, parts, thresholds):
        """Return the outputs for the sequences of X, and two counts of inputs for each linear layer, over all rows.

        The first is of inputs that were sent. The second is of those whose products were taken: those sent, or where
        sums were computed anew, all that take part in them.
        """
        outputs, counted = np.empty((len(X), self.n_outputs), X.dtype), np.zeros((2, len(self.linear)))
        for _, _, counts in self.blocks(X, parts, thresholds, outputs):
            sent, anew = np.moveaxis(counts, 2, 0)
            counted += sent.sum(axis=1), np.where(anew < 0, sent, anew).sum(axis=1)
        return outputs, *counted

    def at_work(self, dtype):
        """Return the linear layers at work in a dtype."""
        if dtype not in self.prepared:
            check_weights(self.linear, dtype)
            self.prepared[dtype] = [
                RUNS[type(layer)](layer, shape, dtype, is_read)
                for layer, (shape, _), (_, is_read) in zip(self.linear, self.shapes, self.links, strict=True)
            ]
        return self.prepared[dtype]


class StepsMixin:
    """Encoders that have a `NetworkRun`, as ``_run``, and thresholds: one row after the other."""

    def initial_state(self):
        """Return the `NetworkState` before any row."""
        check_is_fitted(self)
        return self._run.begin(np.dtype(np.float64))

    def step(self, x, state, learn=False):
        """Return the outputs for one row, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : NetworkState
            Not changed. It must be one of this fit: sums with the weights of an earlier fit cannot be told from others
            of the same sizes.
        learn : bool, default=False
            Has no effect.

        Returns
        -------
        outputs : ndarray of shape (n_outputs,)
        state : NetworkState
        """
        x = self._check_sample(x)
        state = check_state(state, self._run.template(x.dtype), self)
        return SequenceRun(self._run, state, self.threshold_).advance(x)[0][0], state

    def stream(self, rows, state=None):
        """Yield the outputs for rows as they come, those of `step` without copies of the state.

        Parameters
        ----------
        rows : iterable of array-like of shape (n_features,)
            Such as frames of a camera. A row that is refused, as by `step`, ends the stream, and its state is gone.
            Where bad frames come, leave them out before, as ``(x for x in rows if np.isfinite(x).all())``, or use
            `step`, whose last state is yours.
        state : NetworkState or None, default=None
            Where to go on from, such as the last of `step`; not changed. None is `initial_state`.

        Yields
        ------
        ndarray of shape (n_outputs,)

        Raises
        ------
        ValueError
            For a state that does not fit, a row that is refused, and rows after the network was fitted again.
        """
        check_is_fitted(self)
        begun = self.initial_state()
        return self._stream(rows, begun if state is None else check_state(state, begun, self), self._run)

    def _stream(self, rows, state, run):
        sequence, shape, row_shape = None, self._sample_shape(False), (self.n_features_in_,)
        for x in rows:
            if self._run is not run:
                raise ValueError("the network was fitted again since this stream began; begin a new stream.")
            x = np.asarray(x)
            if x.shape == shape:
                x = x.reshape(-1)
            if x.shape != row_shape or x.dtype.char not in "fd" or not x.dtype.isnative:
                x = self._check_sample(x)[0]
            if sequence is None or x.dtype != sequence.dtype or not sequence.has_thresholds(self.threshold_):
                state = check_state(state if sequence is None else sequence.state, run.template(x.dtype), self)
                sequence = SequenceRun(run, state, self.threshold_)
            yield sequence.advance(x[None])[0][0]


class LabelsMixin:
    """Encoders of streams that have a `NetworkRun`, as ``_run``, whose outputs are scores of `classes`."""

    @available_if(has_classes)
    def predict(self, X, groups=None):
        """Return the labels of the largest outputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row. None is one sequence.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return labels_of(self.transform(X, groups), fitted_classes(self))

    @available_if(has_classes)
    def predict_proba(self, X, groups=None):
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Outputs; for an output without a logistic or softmax activation, the softmax of all.
        """
        fitted_classes(self)
        return probabilities_of(self.transform(X, groups), last_activation(self._run.layers))

    @available_if(has_classes)
    def score(self, X, y, groups=None, sample_weight=None):
        """Return the share of labels that are right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        groups, sample_weight : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        float
        """
        return accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight)


def n_gathered(layer, out_shape):
    """Return how many numbers of a frame ``layer.dense`` copies: all windows of a convolution."""
    return math.prod(out_shape[:2]) * math.prod(layer.weights.shape[:3]) if isinstance(layer, Conv2D) else 0


def check_weights(layers, dtype):
    """Raise if weights are beyond a dtype."""
    for layer in layers:
        largest = max(np.abs(layer.weights).max(), np.abs(layer.bias).max())
        if largest > np.finfo(dtype).max:
            raise ValueError(f"{layer!r} has weights up to {largest:.1e}, beyond {dtype}; give X as float64.")
