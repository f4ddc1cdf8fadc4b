"""l1 codes of whitened patches: patches per second against SPAMS and scikit-learn, in one run.

Every method minimises 0.5 ||x - w D||^2 + alpha ||w||_1 for the same patches and atoms. The objective is
compared patch set by patch set; the gap is the largest duality gap relative to 0.5 ||x||^2. "product" is the
time of X D^T by BLAS alone, below which nobody gets who starts from correlations.

    OPENBLAS_NUM_THREADS=2 python benchmarks/versus/encode_l1.py
"""

import argparse
import functools
import os
import time
import warnings

import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.penalties import L1
from sparsecode.solvers import duality_gap, objective

THREADS = 2
TOL = 1e-6


def ours(X, D, alpha):
    return SparseCoder(dictionary=D, alpha=alpha, encode_tol=TOL, n_jobs=THREADS).fit(X[:2]).transform(X)


def spams(X, D, alpha, mode=2):
    import spams

    codes = spams.lasso(np.asfortranarray(X.T), D=np.asfortranarray(D.T), lambda1=alpha, mode=mode, numThreads=THREADS)
    return codes.toarray().T


def scikit_learn(X, D, alpha):
    from sklearn.decomposition import sparse_encode

    return sparse_encode(X, D, algorithm="lasso_cd", alpha=alpha, max_iter=10_000, n_jobs=THREADS)


def product(X, D, alpha):
    return X @ D.T


def median_seconds(method, repeats):
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        codes = method()
        seconds.append(time.perf_counter() - started)
    return np.median(seconds), codes


def main():
    os.environ["PYTHONWARNINGS"] = "ignore"  # also in the worker processes of scikit-learn
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--patches", type=int, default=20_000)
    options = parser.parse_args()
    images = Whitener().fit_transform(natural_images())
    patches = PatchExtractor(12, n_patches=options.patches + 60_000, center=True, random_state=0).fit_transform(images)
    X64, rest = patches[: options.patches], patches[options.patches :]
    learned = SparseCoder(288, alpha=0.5, n_jobs=-1, random_state=0).fit(rest).components_
    blas = os.environ.get("OPENBLAS_NUM_THREADS", "as it likes")
    print(f"{len(X64)} patches, F = 144, K = 288, {THREADS} threads, BLAS threads: {blas}, our encode_tol: {TOL:g}")
    print("\n| type | alpha | active | method | patches/s | ours is faster | objective / ours - 1 | largest gap |")
    print("|---|---|---|---|---|---|---|---|")
    for dtype in (np.float64, np.float32):
        D = learned.astype(dtype)
        for alpha in (0.5, 0.25, 0.1):
            reference = None
            # scikit-learn is timed on a part: its time is proportional to the number of patches.
            for method, n in ((ours, len(X64)), (product, len(X64)), (spams, len(X64)), (scikit_learn, 1000)):
                X = X64[:n].astype(dtype)
                try:
                    method(X[:64], D, alpha)
                except ImportError as error:
                    print(f"| | | | {method.__name__} skipped: {error} |")
                    continue
                seconds, codes = median_seconds(functools.partial(method, X, D, alpha), options.repeats)
                row = [np.dtype(dtype).name, f"{alpha:g}", "", method.__name__, f"{n / seconds:.0f}", "", "", ""]
                if method is ours:
                    reference, our_codes = n / seconds, codes
                else:
                    row[5] = f"{reference / (n / seconds):.2f}"
                if method is not product:
                    mine, theirs = (objective(X, D, W[:n], L1(alpha)).sum() for W in (our_codes, codes))
                    gap = (duality_gap(X, D, codes, L1(alpha)) / (0.5 * np.square(X, dtype=float).sum(axis=1))).max()
                    row[2], row[6], row[7] = f"{(codes != 0).mean():.1%}", f"{theirs / mine - 1:.1e}", f"{gap:.0e}"
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
