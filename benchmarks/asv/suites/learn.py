"""One epoch of learning on one thread, and Gabor fits of what is learned."""

from sparsecode import SparseCoder
from sparsecode.receptive_fields import fit_gabor

from ._problems import DTYPES, SIZES, WithProblems

SHAPE = (12, 12)  # of the atoms that are fitted


class Learn(WithProblems):
    params = (tuple(SIZES), DTYPES)
    param_names = ("size", "dtype")

    def setup(self, problems, size, dtype):
        self.X, D = (array.astype(dtype) for array in problems[size])
        self.coder = SparseCoder(len(D), alpha=0.5, max_iter=1, tol=0, random_state=0, n_jobs=1)
        self.coder.fit(self.X[:512])  # kernels are there

    def time_epoch(self, problems, size, dtype):
        self.coder.fit(self.X)


class Gabor(WithProblems):
    def setup(self, problems):
        _, self.atoms = problems["144 x 288"]
        self.time_fit(problems)  # kernels are there

    def time_fit(self, problems):
        fit_gabor(self.atoms, shape=SHAPE, n_jobs=1)
