"""Codes of given atoms on one thread."""

from sparsecode import SparseCoder

from ._problems import DTYPES, SIZES, WithProblems

CODES = {
    "l1": {"penalty": "l1", "alpha": 0.5},
    "cel0": {"penalty": "cel0", "alpha": 0.2},
    "omp": {"penalty": "k-sparse", "n_nonzero_coefs": 10, "solver": "omp"},
}


class Encode(WithProblems):
    params = (tuple(CODES), tuple(SIZES), DTYPES)
    param_names = ("codes", "size", "dtype")

    def setup(self, problems, codes, size, dtype):
        self.X, D = (array.astype(dtype) for array in problems[size])
        self.coder = SparseCoder(dictionary=D, n_jobs=1, sparse_output=True, **CODES[codes]).fit(self.X)
        self.coder.transform(self.X[:64])  # kernels and the Gram matrix are there

    def time_transform(self, problems, codes, size, dtype):
        self.coder.transform(self.X)


class TransformMemory(WithProblems):
    params = ((False, True),)
    param_names = ("sparse_output",)

    def setup(self, problems, sparse_output):
        X, D = problems["144 x 288"]
        self.X = X
        self.coder = SparseCoder(dictionary=D, alpha=0.5, n_jobs=1, sparse_output=sparse_output).fit(X)

    def peakmem_transform(self, problems, sparse_output):
        self.coder.transform(self.X)
