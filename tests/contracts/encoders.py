"""Configured encoders: each family with parameters that lead through its branches, and data that suit it."""

from collections.abc import Callable
from typing import NamedTuple

import joblib
import numpy as np
import pytest

from sparsecode import ConvSparseCoder, Dictionary, Encoder, PatchEncoder, SparseCoder
from sparsecode.coding import LCA, LISTA, SAILnet
from sparsecode.dendrites import DendriticSegmentDetector, TemporalMemory
from sparsecode.encoder import as_dense
from sparsecode.sdr import (
    CategoryEncoder,
    GridCellEncoder,
    ImageThreshold,
    KWinners,
    MacrocolumnHierarchy,
    MacrocolumnMemory,
    RandomDistributedScalarEncoder,
    ScalarEncoder,
    Selection,
    SequenceHierarchy,
    SequenceMemory,
    SpatialPooler,
)
from sparsecode.temporal import (
    Activation,
    Conv2D,
    DeltaEncoder,
    DeltaNetwork,
    Dense,
    Flatten,
    IntegrateAndFire,
    Pool2D,
    Residual,
    SpikingLCA,
    SpikingNetwork,
)

from .deltas import SendOnDelta
from .labelled import Labelled
from .winners import RandomWinners


def rows(rng):
    """Sparse combinations of atoms of 3 x 3, with noise and means, one row of zeros and one that occurs twice."""
    codes = rng.normal(size=(45, 6)) * (rng.random((45, 6)) < 0.4)
    X = codes @ rng.normal(size=(6, 9)) + 0.05 * rng.normal(size=(45, 9)) + 0.2 * rng.random((45, 1))
    X[7], X[8] = 0, X[9]
    return X


def few_rows(rng):
    """The first of these, for encoders that take a millisecond for each."""
    return rows(rng)[:18]


def images(rng):
    """Images of 6 x 5 with a bright square each, one of them blank."""
    X = 0.1 * rng.normal(size=(14, 6, 5))
    for image in X:
        y, x = rng.integers(4), rng.integers(3)
        image[y : y + 2, x : x + 2] += rng.normal() + 2
    X[3] = 0
    return X.reshape(len(X), -1)


def binary_images(rng):
    """The same in zeros and ones."""
    return (images(rng) > 0.5).astype(np.float64)


def walks(rng):
    """Steps of random walks along three channels."""
    return 5 + np.cumsum(rng.normal(size=(40, 3)), axis=0)


def binary(rng):
    """Zeros and ones, one row of zeros."""
    X = (rng.random((30, 10)) < 0.4).astype(np.float64)
    X[4] = 0
    return X


def sparse_binary(rng):
    """Few ones among many features, one row of zeros and one that occurs twice."""
    X = (rng.random((30, 40)) < 0.1).astype(np.float64)
    X[4], X[8] = 0, X[9]
    return X


def few_columns(rng):
    """Half of these features, for encoders that have a part for each."""
    return sparse_binary(rng)[:, :20]


def equally_active(rng):
    """Zeros and ones, six ones in each row but one."""
    X = (np.argsort(rng.random((30, 40)), axis=1) < 6).astype(np.float64)
    X[4], X[8] = 0, X[9]
    return X


class Case(NamedTuple):
    """An encoder and what is special about it."""

    make: Callable[[], Encoder]
    data: Callable[[np.random.Generator], np.ndarray] = rows
    ladder: tuple = ()  # parameters from sparse to dense codes
    chunk: int | None = None  # partial_fit of chunks of multiples of so many rows gives what one call gives
    fixed_width: str | None = None  # why scikit-learn's checks, whose X has any width, do not take it


def layers(shape, n_outputs=4):
    """A dense network for rows, or one with convolutions for images."""
    rng = np.random.default_rng(1)
    if len(shape) == 1:
        hidden = Residual([Dense(rng.normal(size=(7, 7)), rng.normal(size=7)), Activation("tanh")])
        return [Dense(rng.normal(size=(*shape, 7))), Activation("relu"), hidden, Dense(rng.normal(size=(7, n_outputs)))]
    first, second = Conv2D(rng.normal(size=(3, 3, 1, 2))), Conv2D(rng.normal(size=(2, 2, 2, 3)), stride=2, padding=1)
    return [first, Activation("relu"), second, Pool2D(2, "mean"), Flatten(), Dense(rng.normal(size=(6, n_outputs)))]


def spiking_layers(shape):
    """Rectified units that become neurons, for rows or for images."""
    rng = np.random.default_rng(1)
    if len(shape) == 1:
        first, second, n_units = [Dense(rng.normal(size=(*shape, 7)))], Dense(rng.normal(size=(7, 5))), 5
    else:
        maps = Conv2D(rng.normal(size=(2, 2, 2, 3)), rng.normal(size=3), stride=2, padding=1)
        first, second, n_units = [Conv2D(rng.normal(size=(3, 3, 1, 2)))], maps, 6
    pooled = [Pool2D(2, "mean"), Flatten()] if len(shape) > 1 else []
    return [*first, Activation("relu"), second, Activation("relu"), *pooled, Dense(rng.normal(size=(n_units, 4)))]


def small(*args, **params):
    return SparseCoder(*args, **{"max_iter": 3, "batch_size": 20, "random_state": 0} | params)


def of_patches(encoder=None, **params):
    return PatchEncoder(encoder or small(5), **{"patch_size": 3, "random_state": 0, "input_shape": (6, 5)} | params)


def convolutional(*args, **params):
    defaults = {"max_iter": 2, "batch_size": 5, "encode_tol": 1e-2, "random_state": 0}
    defaults |= {"kernel_shape": 3, "input_shape": (6, 5)}
    return ConvSparseCoder(*args, **defaults | params)


ALPHAS = ({"alpha": 3.0}, {"alpha": 0.5}, {"alpha": 0.02})
OF_IMAGES = "its images are 6 x 5"
NO_TARGETS = "it makes targets of X; the estimators that take targets have scikit-learn's checks of their own"
ONE_WILL_DO = "these take minutes for its targets, and find what they find with pooled codes of signals"
TASK = {"max_iter": 3, "batch_size": 20, "random_state": 0}

ENCODERS = {
    "coder": Case(lambda: small(), ladder=ALPHAS),
    "coder alpha": Case(lambda: small(6, alpha=0.3), ladder=ALPHAS, chunk=20),
    "coder cel0 target": Case(
        lambda: small(6, penalty="cel0", target_sparsity=0.3),
        ladder=({"target_sparsity": 0.1}, {"target_sparsity": 0.3}, {"target_sparsity": 0.6}),
    ),
    "coder k-sparse": Case(
        lambda: small(6, n_nonzero_coefs=2), ladder=({"n_nonzero_coefs": 1}, {"n_nonzero_coefs": 4}), chunk=20
    ),
    "coder sparse output": Case(lambda: small(6, alpha=0.3, fit_dc=True, sparse_output=True), chunk=20),
    "coder k-svd": Case(
        lambda: small(6, n_nonzero_coefs=2, learning="k-svd"), ladder=({"n_nonzero_coefs": 1}, {"n_nonzero_coefs": 4})
    ),
    "coder mod": Case(lambda: small(6, alpha=0.3, learning="mod"), ladder=ALPHAS),
    "coder hebbian": Case(
        lambda: small(6, n_nonzero_coefs=2, solver="mp", learning="gradient", homeostasis="heh"),
        ladder=({"n_nonzero_coefs": 1}, {"n_nonzero_coefs": 4}),
        chunk=20,
    ),
    "coder positive atoms": Case(
        lambda: small(6, n_nonzero_coefs=2, positive=True, positive_dict=True, homeostasis="emp"),
        ladder=({"n_nonzero_coefs": 1}, {"n_nonzero_coefs": 4}),
        chunk=20,
    ),
    "coder sparse sets": Case(
        lambda: small(6, penalty="l0", alpha=0.1, solver="sparse-set"),
        ladder=({"alpha": 1.0}, {"alpha": 0.1}, {"alpha": 0.01}),
        chunk=20,
    ),
    "coder dc debias": Case(lambda: small(6, alpha=0.3, fit_dc=True, debias=True), chunk=20),
    "coder given dictionary": Case(
        lambda: SparseCoder(dictionary=Dictionary.dct((3, 3), 4), alpha=0.1, input_shape=(3, 3), random_state=0),
        ladder=ALPHAS,
        fixed_width="its dictionary has atoms of 3 x 3",
    ),
    "coder given dictionary and dc": Case(
        lambda: SparseCoder(
            dictionary=Dictionary.random(60, (3, 3), random_state=0), alpha=0.1, fit_dc=True, random_state=0
        ),
        fixed_width="its dictionary has atoms of 3 x 3",
    ),
    "coder positive mcp": Case(
        lambda: small(6, penalty="mcp", positive=True, alpha=0.3, init="data", n_jobs=2),
        ladder=({"alpha": 1.0}, {"alpha": 0.2}),
    ),
    "lista": Case(lambda: LISTA(small(6, alpha=0.3), n_layers=3, max_iter=3, random_state=0)),
    "lista positive": Case(
        lambda: LISTA(small(6, positive=True, max_iter=1, n_jobs=2), n_layers=2, max_iter=3, random_state=0)
    ),
    "task-driven": Case(lambda: Labelled(small(6, alpha=0.3), **TASK), fixed_width=NO_TARGETS),
    "task-driven covariates": Case(
        lambda: Labelled(small(5, positive=True, alpha=0.3, n_jobs=2), covariates=[2], **TASK), fixed_width=NO_TARGETS
    ),
    "patches max": Case(lambda: of_patches(), images, fixed_width=OF_IMAGES),
    "patches mean": Case(lambda: of_patches(pool="mean", grid=(3, 1)), images, fixed_width=OF_IMAGES),
    "patches all": Case(
        lambda: of_patches(small(5, alpha=0.2, fit_dc=True), pool=None, n_patches=50),
        images,
        ladder=({"encoder__alpha": 3.0}, {"encoder__alpha": 0.3}, {"encoder__alpha": 0.02}),
        fixed_width=OF_IMAGES,
    ),
    "patches positive": Case(lambda: of_patches(small(5, positive=True), stride=2), images, fixed_width=OF_IMAGES),
    "patches binary": Case(
        lambda: of_patches(RandomWinners(binarize=0.3, sparse_output=True), pool="max"), images, fixed_width=OF_IMAGES
    ),
    "patches all csr": Case(
        lambda: of_patches(small(5, alpha=0.2, sparse_output=True), pool=None, n_patches=50),
        images,
        fixed_width=OF_IMAGES,
    ),
    "patches of signals": Case(lambda: PatchEncoder(small(5), patch_size=4, random_state=0)),
    "convolutional": Case(lambda: convolutional(4), images, fixed_width=OF_IMAGES),
    "convolutional maps": Case(
        lambda: convolutional(4, alpha=0.5, pool=None, boundary="mask", encode_tol=1e-3, n_jobs=2),
        images,
        ladder=ALPHAS,
        chunk=5,
        fixed_width=OF_IMAGES,
    ),
    "convolutional given dictionary": Case(
        lambda: convolutional(
            dictionary=Dictionary.dct((3, 2)),
            kernel_shape=None,
            penalty="mcp",
            alpha=0.3,
            positive=True,
            pool=None,
            boundary="valid",
        ),
        images,
        ladder=({"alpha": 1.0}, {"alpha": 0.2}, {"alpha": 0.05}),
        fixed_width=OF_IMAGES,
    ),
    "convolutional signals": Case(
        lambda: ConvSparseCoder(
            4, max_iter=2, batch_size=10, random_state=0, init="data", pool="mean", encode_tol=1e-2
        ),
        few_rows,
    ),
    "convolutional signal maps": Case(
        lambda: ConvSparseCoder(
            3,
            zero_mean=False,
            positive_dict=True,
            pool=None,
            sparse_output=True,
            target_sparsity=0.2,
            max_iter=2,
            random_state=0,
            boundary="symmetric",
            encode_tol=1e-2,
        ),
        few_rows,
        fixed_width=ONE_WILL_DO,
    ),
    "lca": Case(lambda: LCA(n_components=5, alpha=0.3, duration=2.0, random_state=0), ladder=ALPHAS),
    "lca hard": Case(
        lambda: LCA(
            Dictionary.dct((3, 3), 4), alpha=0.1, threshold="hard", anneal=0.8, duration=2.0, input_shape=(3, 3)
        ),
        ladder=ALPHAS,
        fixed_width="its dictionary has atoms of 3 x 3",
    ),
    "lca stream": Case(
        lambda: LCA(np.eye(3)[[0, 1, 2, 1]] + 0.2, alpha=0.5, steepness=5.0, positive=True, stream=True, duration=1.0),
        walks,
        fixed_width="its dictionary has atoms of 3",
    ),
    "sailnet": Case(lambda: SAILnet(6, duration=2.0, max_iter=2, batch_size=20, n_jobs=2, random_state=0), chunk=20),
    "winners": Case(lambda: RandomWinners(binarize=0.1, random_state=0)),
    "winners strict csr": Case(
        lambda: RandomWinners(sparse_output=True, random_state=0), binary, fixed_width="it takes zeros and ones only"
    ),
    "k winners": Case(lambda: KWinners(3), chunk=7),
    "k winners boosted csr": Case(
        lambda: KWinners(0.4, sign="absolute", boost_strength=2.0, duty_period=20, sparse_output=True), chunk=11
    ),
    "memory": Case(lambda: MacrocolumnMemory(6, 50, binarize=0.0, random_state=0), sparse_binary, chunk=1),
    "memory strict csr": Case(
        lambda: MacrocolumnMemory(6, 50, sparse_output=True, store_items=True, n_jobs=2, random_state=0),
        sparse_binary,
        chunk=7,
        fixed_width="it takes zeros and ones only",
    ),
    "memory frozen": Case(
        lambda: MacrocolumnMemory(
            5,
            150,
            selection=Selection(floor=0.3),
            binarize=0.5,
            freeze_fraction="auto",
            on_duplicate="relearn",
            random_state=0,
        ),
        sparse_binary,
        chunk=3,
    ),
    "memory decay": Case(
        lambda: MacrocolumnMemory(5, 60, selection="rinkus2014", binarize=0.0, lifetime=8, random_state=0),
        sparse_binary,
        chunk=5,
    ),
    "scalars": Case(lambda: ScalarEncoder()),
    "scalars periodic csr": Case(lambda: ScalarEncoder(20, 3, bounds=(-1.5, 1.0), periodic=True, sparse_output=True)),
    "random distributed": Case(lambda: RandomDistributedScalarEncoder(random_state=0)),
    "random distributed csr": Case(
        lambda: RandomDistributedScalarEncoder(256, 8, resolution=0.3, sparse_output=True, random_state=0)
    ),
    "categories": Case(lambda: CategoryEncoder(3, handle_unknown="ignore"), binary),
    "grid cells": Case(lambda: GridCellEncoder(5, random_state=0)),
    "grid cells csr": Case(
        lambda: GridCellEncoder(module_shape=(3, 4), n_active=2, periods=[1.0, 2.5], sparse_output=True, random_state=0)
    ),
    "threshold": Case(lambda: ImageThreshold()),
    "threshold edges csr": Case(
        lambda: ImageThreshold("edges", skeleton=True, input_shape=(6, 5), sparse_output=True),
        images,
        fixed_width=OF_IMAGES,
    ),
    "pooler": Case(lambda: SpatialPooler(30, binarize=0.0, max_iter=2, random_state=0), sparse_binary, chunk=1),
    "pooler strict csr": Case(
        lambda: SpatialPooler(
            50,
            n_winners=4,
            n_blocks=2,
            potential_fraction=0.8,
            potential_radius=2,
            permanence_threshold=0.5,
            stimulus_threshold=2,
            boost_strength=5.0,
            least_duty=0.3,
            input_shape=(5, 8),
            sparse_output=True,
            n_jobs=2,
            random_state=0,
        ),
        sparse_binary,
        chunk=7,
        fixed_width="it takes zeros and ones only",
    ),
    "sequences": Case(
        lambda: SequenceMemory(4, 20, backoff=None, binarize=0.5, random_state=0), sparse_binary, chunk=1
    ),
    "sequences held csr": Case(
        lambda: SequenceMemory(
            5, 60, persistence=2, freeze_fraction=0.5, sparse_output=True, store_items=True, n_jobs=2, random_state=0
        ),
        sparse_binary,
        chunk=7,
        fixed_width="it takes zeros and ones only",
    ),
    "hierarchy": Case(
        lambda: MacrocolumnHierarchy((3, 2), memories=MacrocolumnMemory(4, 60), binarize=0.5, random_state=0),
        few_columns,
        chunk=7,
    ),
    "hierarchy of images": Case(
        lambda: MacrocolumnHierarchy(
            (3, 2),
            strides=(2, 1),
            memories=[MacrocolumnMemory(3, 50, active_bounds=(0.2, 1.0)), MacrocolumnMemory(4, 70)],
            binarize=0.3,
            sparse_output=True,
            n_jobs=2,
            random_state=0,
            input_shape=(6, 5),
        ),
        binary_images,
        chunk=5,
        fixed_width=OF_IMAGES,
    ),
    "delta encoder": Case(lambda: DeltaEncoder(0.4, grid=0.25), walks),
    "delta encoder integral csr": Case(
        lambda: DeltaEncoder(0.3, scale="std", scheme="integral", target_rate=0.2, initial="zero", sparse_output=True),
        walks,
    ),
    "delta encoder unary": Case(
        lambda: DeltaEncoder([0.2, 0.5, 0.7], scheme="unary", max_events=3),
        walks,
        fixed_width="its thresholds are those of three channels",
    ),
    "delta encoder of images": Case(
        lambda: DeltaEncoder(scheme="quantizer", input_shape=(6, 5)), images, fixed_width=OF_IMAGES
    ),
    "delta encoder of codes": Case(
        lambda: DeltaEncoder(0.5, encoder=SparseCoder(4, alpha=0.1, max_iter=2, random_state=0)), walks
    ),
    "delta encoder of patches": Case(
        lambda: DeltaEncoder(
            0.2, encoder=of_patches(small(4, alpha=0.2), pool=None), input_shape=(6, 5), sparse_output=True
        ),
        images,
        fixed_width=OF_IMAGES,
    ),
    "delta encoder of binary codes": Case(lambda: DeltaEncoder(1.0, encoder=KWinners(1)), walks),
    "delta network": Case(
        lambda: DeltaNetwork(layers((3,)), threshold=[0.1, 0.0, 0.2]), walks, fixed_width="its first layer has 3 inputs"
    ),
    "delta network of quantized inputs": Case(
        lambda: DeltaNetwork(layers((3,)), threshold=0.1, scheme="quantizer", classes=list("abcd")),
        walks,
        fixed_width="its first layer has 3 inputs",
    ),
    "delta network of images": Case(
        lambda: DeltaNetwork(layers((6, 5)), threshold=0.1, scale="absolute", refresh_every=4, input_shape=(6, 5)),
        images,
        fixed_width=OF_IMAGES,
    ),
    "neurons": Case(lambda: IntegrateAndFire(0.01, dt=0.002, initial="half"), walks),
    "neurons adaptive csr": Case(
        lambda: IntegrateAndFire(
            None,
            dt=0.1,
            reset=0.2,
            refractory=0.3,
            tau_synapse=0.3,
            adaptation=2.0,
            sparse_output=True,
        ),
        walks,
    ),
    "spiking lca": Case(lambda: SpikingLCA(n_components=5, alpha=0.3, duration=20.0, dt=0.1, random_state=0)),
    "spiking lca positive": Case(
        lambda: SpikingLCA(
            Dictionary.dct((3, 3), 4), alpha=0.1, positive=True, duration=10.0, dt=0.1, input_shape=(3, 3), n_jobs=2
        ),
        fixed_width="its dictionary has atoms of 3 x 3",
    ),
    "temporal": Case(
        lambda: TemporalMemory(
            3,
            activation_threshold=1,
            min_threshold=1,
            max_new_synapses=3,
            initial_permanence=0.6,
            binarize=0.5,
            random_state=0,
        ),
        sparse_binary,
        chunk=1,
    ),
    "temporal limits csr": Case(
        lambda: TemporalMemory(
            4,
            activation_threshold=1,
            min_threshold=1,
            max_new_synapses=3,
            initial_permanence=0.55,
            predicted_segment_decrement=0.05,
            max_segments_per_cell=2,
            max_synapses_per_segment=4,
            max_segments=90,
            sparse_output=True,
            n_jobs=2,
            random_state=0,
        ),
        sparse_binary,
        chunk=7,
        fixed_width="it takes zeros and ones only",
    ),
    "segments": Case(
        lambda: DendriticSegmentDetector(4, threshold=2, match_threshold=3, binarize=0.5, random_state=0),
        equally_active,
        chunk=1,
    ),
    "segments calibrated csr": Case(
        lambda: DendriticSegmentDetector(
            5, false_positive_rate=0.05, sparse_output=True, output="graded", n_jobs=2, random_state=0
        ),
        equally_active,
        chunk=7,
        fixed_width="it takes zeros and ones only",
    ),
    "segments of unions": Case(
        lambda: DendriticSegmentDetector(
            3, threshold=2, patterns_per_segment=3, max_segments=15, output="overlap", binarize=0.5, random_state=0
        ),
        equally_active,
        chunk=3,
    ),
    "hierarchy of sequences": Case(
        lambda: SequenceHierarchy(
            (20, 2),
            strides=(20, 1),
            memories=[SequenceMemory(4, 60), SequenceMemory(3, 70)],
            backoff=None,
            binarize=0.5,
            random_state=0,
        ),
        sparse_binary,
        chunk=3,
    ),
    "spiking network": Case(
        lambda: SpikingNetwork(spiking_layers((3,)), n_steps=5), walks, fixed_width="its first layer has 3 inputs"
    ),
    "spiking network of images": Case(
        lambda: SpikingNetwork(
            spiking_layers((6, 5)), threshold=[1.0, 2.0], tau=4.0, initial="rest", input_shape=(6, 5)
        ),
        images,
        fixed_width=OF_IMAGES,
    ),
    "deltas": Case(lambda: SendOnDelta(), walks, chunk=1),
    "deltas frozen": Case(lambda: SendOnDelta(0.1, frozen=True), walks),
}


def cases(condition=lambda case: True):
    """The names of the cases for which something holds."""
    names = [name for name, case in ENCODERS.items() if condition(case)]
    return pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in names])


#: Cases that run as plain Python too: one for each family of kernels.
PLAIN = (
    "coder alpha",
    "coder k-svd",
    "lista",
    "patches max",
    "lca stream",
    "sailnet",
    "winners",
    "memory",
    "pooler",
    "sequences",
    "delta encoder",
    "delta network",
    "spiking lca positive",
    "temporal",
    "segments",
    "spiking network",
    "deltas",
)


def marks(name):
    return [] if name in PLAIN else [pytest.mark.compiled]


def can(capability):
    return cases(lambda case: getattr(case.make().capabilities(), capability))


def make(name, **params):
    """A fresh encoder and its data."""
    case = ENCODERS[name]
    return case.make().set_params(**params), case.data(np.random.default_rng(0))


def codes_of(encoder, X, **options):
    return as_dense(encoder.transform(X, **options))


def same_bits(a, b):
    a, b = as_dense(a), as_dense(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def content(encoder):
    """Every bit of an encoder."""
    return joblib.hash(vars(encoder))
