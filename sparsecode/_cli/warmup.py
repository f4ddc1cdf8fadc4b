"""``python -m sparsecode warmup``: compile all kernels once, so that the first call in class does not wait."""

import os
import subprocess
import sys
import time

HELP = "compile all kernels in both precisions and keep them on disk"

OTHER = "from sparsecode._cli.warmup import compile_all; compile_all(['float32'])"

VERIFY = "from sparsecode.__main__ import main; sys.exit(main(['warmup']))"


def add_arguments(parser):
    """Declare the options."""
    parser.add_argument("--verify", action="store_true", help="load the compiled kernels in a new process as a test")


def run(options):
    """Compile by running every kernel on a tiny problem."""
    if options.verify:
        check = subprocess.run(_python(VERIFY), check=False)  # noqa: S603
        if check.returncode:
            print("The compiled kernels cannot be loaded; delete the folder that `info` names and warm up again.")
        return check.returncode
    started = time.perf_counter()
    if (os.cpu_count() or 1) > 1:
        # Half of the work in another process; what is then missing here is loaded from disk
        other = subprocess.Popen(_python(OTHER))  # noqa: S603
        compile_all(["float64"])
        other.wait()
    compile_all(["float32", "float64"])
    from .._core.jit import KERNELS

    ready = sum(bool(kernel.signatures) for kernel in KERNELS.values())  # the others are parts of these
    print(f"{ready} kernels are ready in both precisions, {time.perf_counter() - started:.1f} s")
    return 0


def _python(code):
    """Return the command that runs code with this package, also in a folder that holds another copy of it."""
    return [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]


def compile_all(dtypes):
    """Run every public kernel path in some precisions."""
    import numpy as np

    from ..coding import LCA, SAILnet, SparseCoder
    from ..convolutional import ConvSparseCoder
    from ..dendrites import TemporalMemory
    from ..dendrites.theory import false_positive_rate, union_size_distribution
    from ..penalties import CEL0, L1
    from ..receptive_fields import fit_gabor
    from ..sdr import MacrocolumnMemory, SequenceHierarchy, SequenceMemory, SpatialPooler
    from ..solvers import l1_path, solve, solve_separable
    from ..temporal import Conv2D, DeltaEncoder, DeltaNetwork, Dense, IntegrateAndFire, SpikingLCA

    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 16))
    for dtype in dtypes:
        coder = SparseCoder(n_components=8, max_iter=1, random_state=0, debias=True).fit(X.astype(dtype))
        coder.transform(X.astype(dtype))
        SparseCoder(8, n_nonzero_coefs=2, learning="k-svd", max_iter=1, random_state=0).fit(X.astype(dtype))
        SparseCoder(8, n_nonzero_coefs=2, learning="gradient", max_iter=1, random_state=0).fit(X.astype(dtype))
        compile_solvers(X[:4].astype(dtype), coder.components_)
        compile_maps(X.astype(dtype))
        LCA(coder.components_, alpha=1.0).fit(X.astype(dtype)).transform(X[:4].astype(dtype))
        SAILnet(8, max_iter=1, random_state=0).fit(X[:4].astype(dtype))
        DeltaEncoder().fit(X[:4].astype(dtype))
        IntegrateAndFire().fit(X[:4].astype(dtype))
        DeltaNetwork([Dense(X)]).fit(X[:4, :1].repeat(40, axis=1).astype(dtype))
        DeltaNetwork([Conv2D(X[:3, :3, None, None])], input_shape=(4, 4)).fit(np.eye(3, 16, dtype=dtype))
        kernels = ConvSparseCoder(2, kernel_shape=3, max_iter=1, random_state=0).fit(X[:4].astype(dtype))
        kernels.set_params(pool=None).inverse_transform(kernels.transform(X[:4].astype(dtype)))
    if "float64" in dtypes:
        false_positive_rate(20, 5, 5, 2)
        union_size_distribution(20, 5, 2)
        memory = MacrocolumnMemory(2, 100, lifetime=5, binarize=1.0, random_state=0).fit(X[:4])
        memory.recall(X[:4])
        memory.familiarity(np.tile(X, (16, 1)))  # many rows go by bits
        SpatialPooler(20, binarize=1.0, random_state=0).fit(X[:4]).transform(X[:4])
        SequenceMemory(2, 100, binarize=1.0, random_state=0).fit(X[:4]).recall_sequence(X[:2], 1)
        SequenceHierarchy((4, 2), strides=4, binarize=1.0, random_state=0).fit(X[:2])
        SpikingLCA(X[:3], alpha=1.0, duration=0.1).fit(X[:2]).transform(X[:2])
        TemporalMemory(2, binarize=1.0, activation_threshold=1, min_threshold=1, max_new_synapses=2).fit(X[:4])
        l1_path(X[:2], X[:3], alpha_min=1.0)
        fit_gabor(X[:2], shape=(4, 4))
        for penalty in (L1(1.0), CEL0(1.0)):
            solve_separable(X[:2], (X[:3, :4], X[:3, :4]), penalty, max_iter=1)
            solve(X[:2], X[:3], penalty, mask=X[:2] < 1)
        compile_similarities()
        compile_segments()


def compile_segments():
    """Learn dendritic segments, count their overlaps by lists and by bits, and let them vote."""
    from ..dendrites import ActiveDendriteClassifier, DendriticSegmentDetector
    from ..sdr import random_sdrs

    rows = random_sdrs(512, 64, 8, random_state=0)
    DendriticSegmentDetector(4, threshold=2, random_state=0).fit(rows).transform(rows)
    detector = DendriticSegmentDetector(4, threshold=2, output="graded", random_state=0).fit(rows)
    detector.transform(rows[:2])
    ActiveDendriteClassifier(detector).fit(rows, [0, 1] * 256).predict(rows[:2])


def compile_similarities():
    """Compare binary rows, by bits and by lists, and find the nearest."""
    from ..sdr import SDRNearestNeighbors, overlap, random_sdrs

    rows = random_sdrs(2, 64, 32, random_state=0)
    overlap(rows)
    overlap(random_sdrs(2, 4096, 1, sparse_output=True, random_state=0))
    SDRNearestNeighbors(1).fit(rows).kneighbors(rows)


def compile_solvers(X, D):
    """Run every solver with every penalty that it takes, in the dtype of X, and pursuit of non-negative codes."""
    import warnings

    from ..penalties import PENALTIES, KSparse
    from ..solvers import SOLVERS, solve

    for penalty in PENALTIES.values():
        penalty = penalty()
        if "alpha" in penalty.get_params():
            penalty = penalty.replace(alpha=1.0)
        penalty.value(penalty.prox(X))
        for name, solver in SOLVERS.items():
            if solver.takes(penalty):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # codes that depend on the step
                    solve(X, D, penalty, solver=name, max_iter=1)
    for name in ("omp", "niht"):
        solve(X, D, KSparse(1, positive=True), solver=name)


def compile_maps(X):
    """Run what solver="auto" may choose for maps with each penalty, in the dtype of X.

    Two kernels of "fista" and "forward-backward" are left to their first use, which then takes about a second.
    """
    import warnings

    from ..convolutional import ConvolutionOperator, solve_convolutional
    from ..penalties import PENALTIES

    D = ConvolutionOperator(X[:2, :3], X.shape[1])
    chosen = [("admm", PENALTIES["l1"]), *(("greedy", penalty) for penalty in PENALTIES.values() if penalty.separable)]
    for solver, penalty in chosen:
        options = {"penalty": penalty(alpha=1e-3), "solver": solver, "max_iter": 10}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # codes that have not converged
            codes = solve_convolutional(X[:1], D, **options).codes
            solve_convolutional(X[:1], D, init=codes, **options)
