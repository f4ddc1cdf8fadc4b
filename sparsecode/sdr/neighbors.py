"""`SDRNearestNeighbors`: the nearest of many binary rows, by a scan of packed bits."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._core.parallel import run_chunks
from .._core.products import aligned_empty, kernel_array
from .._core.storing import Storing
from .._core.validation import Integral, Interval, Real, StrOptions, check_binary_rows
from ._bits_kernels import BLOCK, METRICS, common_rows, nearest_rows
from ._similarity import from_blocks, in_blocks, row_sizes
from .layouts import packed, unpack_bits

#: Queries that meet a block of stored rows at a time, and that a thread takes.
CHUNK_ROWS = 32

#: Neighbours that are kept in a sorted list; for more of them all distances are sorted.
MOST_LISTED = 1000


class SDRNearestNeighbors(Storing, BaseEstimator):
    r"""Find the stored rows that share most with a binary row, or differ least from it: exactly, among all of them.

    What an associative memory is to be compared with. For a query a and a stored row b,

        overlap |a & b|,    Jaccard distance 1 - |a & b| / |a | b|,    Hamming distance |a| + |b| - 2 |a & b|.

    Parameters
    ----------
    n_neighbors : int, default=5
        Neighbours that `kneighbors` returns.
    metric : {"jaccard", "hamming", "overlap"}, default="jaccard"
        "overlap" asks only how much of the query is in a stored row, however much else is in it, and is the one that
        is largest for the nearest rows. "hamming" is the number of features that differ, not their share.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.
    n_jobs : int or None, default=None
        Threads. Results do not depend on it, bit for bit.

    Attributes
    ----------
    n_samples_fit_ : int
        Stored rows.
    rows_ : ndarray of shape (n_samples_fit_, n_features), bool
        These rows, unpacked.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, more neighbours than stored rows, entries other than 0 and 1 with
        ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    A query takes O(N F / 64) for N stored rows of F features, which are kept as F / 8 bytes each, and at worst O(N k)
    more for k neighbours, or O(N log N) for more than 1000 of them. Rows are given as zeros and ones, not as
    packed bits. Of equally near rows the first ones are found, and two empty rows have a Jaccard distance of 0.
    `partial_fit` copies what is stored: rows are better given in blocks. For very wide rows with few ones
    `sparsecode.sdr.overlap`, which follows lists then, is faster.

    Examples
    --------
    >>> from sparsecode.sdr import SDRNearestNeighbors, add_noise, random_sdrs
    >>> X = random_sdrs(1000, 1024, 20, random_state=0)
    >>> neighbors = SDRNearestNeighbors(n_neighbors=2, metric="overlap").fit(X)
    >>> overlaps, indices = neighbors.kneighbors(add_noise(X[:3], 0.5, random_state=0))
    >>> indices[:, 0], overlaps[:, 0]
    (array([0, 1, 2]), array([10., 10., 10.]))
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(METRICS))],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, n_neighbors=5, *, metric="jaccard", binarize=None, n_jobs=None):
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.binarize = binarize
        self.n_jobs = n_jobs

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """Return the nearest stored rows, the nearest first.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_queries, n_features) or None, default=None
            None are the stored rows, which are no neighbours of themselves.
        n_neighbors : int or None, default=None
            None is the parameter of that name.
        return_distance : bool, default=True

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            In ascending order; with metric "overlap" these are overlaps, in descending order. If `return_distance`.
        indices : ndarray of shape (n_queries, n_neighbors), int64
            Positions among the stored rows.

        Raises
        ------
        ValueError
            If there are not so many rows.
        """
        check_is_fitted(self)
        self._validate_params()
        k = self._check_number(n_neighbors, itself=X is None)
        if X is None:
            distances, indices = _without_themselves(*self._search(self._words(), self._sizes, k + 1))
        else:
            X = check_binary_rows(self, X, reset=False)
            distances, indices = self._search(packed(X), row_sizes(X), k)
        if not return_distance:
            return indices
        return (np.abs(distances) if self.metric == "overlap" else distances), indices

    def kneighbors_graph(self, X=None, n_neighbors=None, mode="connectivity"):
        """Return the neighbours of each row as a sparse matrix.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_queries, n_features) or None, default=None
        n_neighbors : int or None, default=None
            As for `kneighbors`.
        mode : {"connectivity", "distance"}, default="connectivity"
            Whether entries are ones, or distances, as of `kneighbors`.

        Returns
        -------
        CSR array of shape (n_queries, n_samples_fit_)

        Raises
        ------
        ValueError
            As for `kneighbors`, or for another mode.
        """
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"`mode` must be 'connectivity' or 'distance', got {mode!r:.60}.")
        distances, indices = self.kneighbors(X, n_neighbors)
        values = np.ones(indices.size) if mode == "connectivity" else distances.ravel()
        indptr = np.arange(len(indices) + 1) * indices.shape[1]
        return csr_array((values, indices.ravel(), indptr), shape=(len(indices), self.n_samples_fit_))

    @property
    def n_samples_fit_(self):
        """Stored rows."""
        check_is_fitted(self)
        return len(self._sizes)

    @property
    def rows_(self):
        """The stored rows."""
        check_is_fitted(self)
        return unpack_bits(self._words(), self.n_features_in_)

    def _start(self, n_features):
        rows = np.zeros((0, n_features), bool)
        self._blocks, self._sizes = in_blocks(packed(rows)), row_sizes(rows)

    def _store(self, X):
        words = np.concatenate([self._words(), packed(X)])
        self._blocks, self._sizes = in_blocks(words), np.concatenate([self._sizes, row_sizes(X)])

    def _words(self):
        return from_blocks(self._blocks, len(self._sizes))

    def _check_number(self, n_neighbors, itself):
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        most = self.n_samples_fit_ - itself
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= k <= most:
            others = " other than a row itself" if itself else ""
            raise ValueError(
                f"`n_neighbors` must be an integer from 1 to {most}, the number of stored rows{others}, got {k!r:.60}."
            )
        return int(k)

    def _search(self, words, sizes, k):
        """Return distances (minus the overlap) and places of the nearest stored rows of packed queries."""
        distances, places = np.full((len(words), k), np.inf), np.empty((len(words), k), np.int64)
        stored, queries = self._sizes.astype(np.float64), sizes.astype(np.float64)
        words, blocks = kernel_array(words), kernel_array(self._blocks)

        def prepare():
            return aligned_empty(BLOCK, np.uint64), aligned_empty(BLOCK, np.float64)

        def search(start, end, stop, counts, scores):
            if k > MOST_LISTED:
                common = np.empty((end - start, len(stored)), np.int32)
                common_rows(blocks, words[start:end], counts, stop, common)
                if not stop[0]:
                    all_distances = _distances(common, queries[start:end, None], stored, self.metric)
                    places[start:end] = np.argsort(all_distances, axis=1, kind="stable")[:, :k]
                    distances[start:end] = np.take_along_axis(all_distances, places[start:end], axis=1)
                return
            here = words[start:end], queries[start:end], METRICS[self.metric]
            found = distances[start:end], places[start:end]
            nearest_rows(blocks, stored, *here, counts, scores, stop, *found)

        run_chunks(search, len(words), n_jobs=self.n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
        return distances, places

    def _get_fitted_state(self):
        return {}, {"words": self._words(), "sizes": self._sizes}

    def _set_fitted_state(self, scalars, arrays):
        self._blocks, self._sizes = in_blocks(arrays["words"]), arrays["sizes"]
        if not np.array_equal(self.rows_.sum(axis=1), self._sizes):
            raise ValueError("the stored rows do not have as many ones as they should.")


def _distances(common, n_active, sizes, metric):
    """Return the distances of queries to all stored rows, with the bits of `nearest_rows`."""
    if metric == "overlap":
        return -common.astype(np.float64)
    if metric == "hamming":
        return n_active + sizes - 2.0 * common
    union = n_active + sizes - common
    return (union - common) / (union + (union == 0))


def _without_themselves(distances, indices):
    """Return the neighbours of stored rows without these; the last one goes where a row is not among its own."""
    other = indices != np.arange(len(indices))[:, None]
    other[other.all(axis=1), -1] = False
    shape = len(indices), indices.shape[1] - 1
    return distances[other].reshape(shape), indices[other].reshape(shape)
