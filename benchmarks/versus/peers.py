"""The same work by other libraries; each function returns what is to be timed, with its input laid out as it wants.

A library that is not installed raises ImportError when its method is made.
"""

import numpy as np


def spams_lasso(X, D, alpha, threads):
    """SPAMS, LARS: exact."""
    import spams

    samples, atoms = np.asfortranarray(X.T), np.asfortranarray(D.T)
    return lambda: spams.lasso(samples, D=atoms, lambda1=alpha, mode=2, numThreads=threads).T


def spams_omp(X, D, k, threads):
    """SPAMS, `omp`, which is order recursive matching pursuit."""
    import spams

    samples, atoms = np.asfortranarray(X.T), np.asfortranarray(D.T)
    return lambda: spams.omp(samples, D=atoms, L=k, eps=0.0, numThreads=threads).T


def spams_atoms(X, n_components, alpha, size, epochs, threads):
    """SPAMS, `trainDL`, from atoms of its own choice."""
    import spams

    samples, steps = np.asfortranarray(X.T), epochs * len(X) // size
    settings = {"K": n_components, "lambda1": alpha, "mode": 2, "batchsize": size, "iter": steps}
    return lambda: spams.trainDL(samples, numThreads=threads, verbose=False, **settings).T


def scikit_learn_atoms(X, n_components, alpha, size, steps):
    """scikit-learn, `MiniBatchDictionaryLearning`, in one process, which is faster for small batches."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    rng = np.random.default_rng(0)
    learner = MiniBatchDictionaryLearning(n_components, alpha=alpha, fit_algorithm="cd", random_state=0)
    n_done = 0
    while True:
        order = rng.permutation(len(X))
        for start in range(0, len(X) - size + 1, size):
            learner.partial_fit(X[order[start : start + size]])
            n_done += 1
            if n_done % steps == 0:
                yield learner.components_


def dictlearn_atoms(X, init, k, epochs):
    """dictlearn, approximate K-SVD with its compiled pursuit."""
    from dictlearn import DictionaryLearning

    settings = {"fit_algorithm": "aksvd", "transform_algorithm": "omp", "n_nonzero_coefs": k, "random_state": 0}
    learner = DictionaryLearning(len(init), max_iter=epochs, dict_init=init, **settings)
    return lambda: learner.fit(X).components_


def scikit_learn(X, D, processes, algorithm, **settings):
    """scikit-learn, `sparse_encode`."""
    from sklearn.decomposition import sparse_encode

    return lambda: sparse_encode(X, D, algorithm=algorithm, n_jobs=processes, **settings)


def scikit_learn_lasso(X, D, alpha, tol, processes):
    """scikit-learn, `Lasso` on the Gram matrix as in `sparse_encode`, whose tolerance is always 1e-8.

    Its objective is divided by the number of features.
    """
    from joblib import Parallel, delayed
    from sklearn.utils import gen_even_slices

    parts = [X[part] for part in gen_even_slices(len(X), processes)]

    def run():
        gram = D @ D.T
        codes = Parallel(n_jobs=processes)(delayed(_lasso)(part, D, gram, alpha, tol) for part in parts)
        return np.concatenate(codes)

    return run


def _lasso(X, D, gram, alpha, tol):
    from sklearn.linear_model import Lasso

    model = Lasso(alpha=alpha / X.shape[1], fit_intercept=False, precompute=gram, tol=tol, max_iter=10_000)
    return np.atleast_2d(model.fit(D.T, X.T).coef_)


def scikit_learn_positive(X, D, alpha, tol):
    """scikit-learn, non-negative `Lasso` of few rows, without the Gram matrix."""
    from sklearn.linear_model import Lasso

    model = Lasso(alpha / X.shape[1], positive=True, fit_intercept=False, tol=tol, max_iter=10**5)
    return lambda: np.array([model.fit(D.T, row).coef_ for row in X])


def celer(X, D, alpha, tol):
    """celer, row by row; its objective is divided by the number of features."""
    from celer import celer_path

    design, F = np.asfortranarray(D.T), X.shape[1]

    def run():
        codes = [celer_path(design, x, "lasso", alphas=[alpha / F], tol=tol)[1][:, 0] for x in X]
        return np.array(codes)

    return run


def skglm(X, D, alpha, tol):
    """skglm, `AndersonCD` row by row; its objective is divided by the number of features."""
    from skglm.datafits import Quadratic
    from skglm.penalties import L1
    from skglm.solvers import AndersonCD

    design, (K, F) = np.asfortranarray(D.T), D.shape
    solver = AndersonCD(tol=tol, fit_intercept=False)

    def code(x):
        zero, fit = np.zeros(K, x.dtype), np.zeros(F, x.dtype)
        return solver.solve(design, x, Quadratic(), L1(alpha / F), zero, fit)[0]

    def run():
        return np.array([code(x) for x in X])

    return run


def numpy_recall(X, weights):
    """The step of a macrocolumn in NumPy: sums of the active rows of weights, winners and familiarity, row by row."""
    n_features, n_modules, n_units = weights.shape
    weights = weights.reshape(n_features, -1).astype(np.uint8)

    def step(x):
        active = np.flatnonzero(x)
        sums = weights[active].sum(axis=0, dtype=np.uint8).reshape(n_modules, n_units)
        return sums.argmax(axis=1), sums.max(axis=1).mean() / len(active)

    return lambda: [step(x) for x in X]


def blas_recall(X, weights):
    """The same for all rows at once, as a product of matrices in float32."""
    n_features, n_modules, n_units = weights.shape
    weights = weights.reshape(n_features, -1).astype(np.float32)

    def step():
        sums = (X.astype(np.float32) @ weights).reshape(len(X), n_modules, n_units)
        return sums.argmax(axis=2), sums.max(axis=2).mean(axis=1) / X.sum(axis=1)

    return step


def faiss_nearest(X, stored, threads, k=1):
    """faiss, the nearest k items by Hamming distance in a flat binary index."""
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexBinaryFlat(X.shape[1])
    index.add(np.packbits(stored, axis=1))
    queries = np.packbits(X, axis=1)
    return lambda: index.search(queries, k)


def forward_backward_cel0(X, D, alpha, tol):
    """CEL0 by forward-backward splitting of all rows at once in NumPy, until all are at fixed points up to `tol`."""
    G, C = D @ D.T, X @ D.T
    step = 0.99 / np.linalg.eigvalsh(G)[-1]
    threshold, largest = np.sqrt(2 * alpha), np.abs(C).max()

    def run():
        W = np.zeros_like(C)
        while True:
            Z = W + step * (C - W @ G)
            size = np.abs(Z)
            new = np.sign(Z) * np.minimum(size, np.maximum(size - threshold * step, 0) / (1 - step))
            change = np.abs(new - W).max()
            W = new
            if change <= tol * step * largest:
                return W

    return run


def alphacsc(X, D, alpha, tol, threads, solver):
    """alphacsc, non-negative activations of signals, by its coordinate descent ("lgcd") or by "l-bfgs"."""
    from alphacsc.update_z_multi import update_z_multi

    settings = {"tol": tol, "max_iter": 10**8} if solver == "lgcd" else {"factr": tol, "maxiter": 10**5}
    signals, atoms = X[:, None], D[:, None]

    def run():
        codes = update_z_multi(signals, atoms, alpha, solver=solver, solver_kwargs=settings, n_jobs=threads)[0]
        return codes.reshape(len(X), -1)

    return run
