"""Passes over all kernels: each is transformed, worked on while it is in the cache, and transformed back.

Kernels are taken in groups, which threads share; sums over kernels are those of groups, added in their order, so that
results do not depend on the number of threads. Within a group, maps are transformed some at a time: as many as stay in
the cache.
"""

import math
from typing import NamedTuple

import numpy as np
import scipy.fft

from .._core.parallel import run_chunks
from .._core.products import aligned_empty, kernel_array
from ._entries import Entries
from ._maps_kernels import Line, add_products, conjugate_products, gather_entries

#: Bytes of maps that are transformed at a time, and groups that kernels are shared out in: of small maps a few.
CACHED_BYTES, GROUPS, FEW_GROUPS = 2**18, 16, 4

#: Multiplications a coefficient of all maps beyond which transforms decode codes faster than kernels one by one.
SCATTER_COST = 4


class Buffers(NamedTuple):
    """Work arrays of one thread, for the maps of a block of kernels."""

    maps: np.ndarray  # (n, *grid_shape)
    codes: np.ndarray  # (n, *map_shape)
    products: np.ndarray  # (n, P)
    places: np.ndarray
    values: np.ndarray
    line: Line


class Passes:
    """Passes over the kernels of a `ConvolutionOperator` for one image, on some threads."""

    def __init__(self, operator, n_jobs=1, stop=None):
        self.operator, self.n_jobs, self.stop = operator, n_jobs, stop
        self.dtype, (rows, columns) = operator.dtype, operator.geometry.grid_shape
        K, self.n_channels = operator.kernels.shape[:2]
        self.grid_shape, self.half_shape = (rows, columns), (rows, columns // 2 + 1)
        self.n_frequencies = math.prod(self.half_shape)
        self.spectra = operator.spectrum.reshape(K, self.n_channels, self.n_frequencies)
        fitting = CACHED_BYTES // (self.dtype.itemsize * rows * columns)
        # Small maps are not worth a call each
        self.group_size = max(-(-K // GROUPS), min(fitting, -(-K // FEW_GROUPS)))
        self.n_groups = -(-K // self.group_size)
        self.block_size = max(1, min(self.group_size, fitting))
        self._totals = np.empty((self.n_groups, self.n_channels, self.n_frequencies), self.spectra.dtype)

    def interrupted(self):
        """Tell whether the caller has asked to stop."""
        return self.stop is not None and self.stop[0] != 0

    def run(self, work, n_sums=1):
        """Call ``work(block, total, buffers, sums)`` for all blocks of kernels; return the sums of each group.

        `block` is a slice of kernels, `total` the sum of transforms of its group, for `add_image`.
        """
        K, sums = len(self.spectra), np.zeros((self.n_groups, n_sums))

        def work_on_group(first, last, stop, buffers):
            for group in range(first, last):
                start, end = group * self.group_size, min((group + 1) * self.group_size, K)
                self._totals[group] = 0
                for k in range(start, end, self.block_size):
                    if stop[0]:
                        return
                    work(slice(k, min(k + self.block_size, end)), self._totals[group], buffers, sums[group])

        run_chunks(work_on_group, self.n_groups, n_jobs=self.n_jobs, chunk_rows=1, prepare=self._make_buffers)
        return sums

    def total(self):
        """Return the transform of the image that the last pass has added up, (C, P)."""
        out = self._totals[0].copy()
        for group in range(1, self.n_groups):
            out += self._totals[group]
        return out

    def _make_buffers(self):
        n, map_shape = self.block_size, self.operator.geometry.map_shape
        buffers = Buffers(
            maps=aligned_empty((n, *self.grid_shape), self.dtype),
            codes=aligned_empty((n, *map_shape), self.dtype),
            products=np.empty((n, self.n_frequencies), self.spectra.dtype),
            places=np.empty(math.prod(map_shape), np.int64),
            values=aligned_empty(math.prod(map_shape), self.dtype),
            line=Line.make(map_shape[1], self.dtype),
        )
        buffers.maps[...] = 0
        return (buffers,)

    def gather(self, block, codes, buffers):
        """Return the entries of each map of a block, (n, *map_shape), with their places among all maps."""
        n_places, parts = math.prod(codes.shape[1:]), []
        for k, code in enumerate(codes, block.start):
            n = gather_entries(code, buffers.places, buffers.values)
            parts.append(Entries(buffers.places[:n] + k * n_places, buffers.values[:n].copy()))
        return parts

    def correlate(self, block, transform, buffers):
        """Return maps ``d_k^T r`` on the whole grid, (n, *grid_shape), for the transform (C, P) of r."""
        products = buffers.products[: block.stop - block.start]
        conjugate_products(self.spectra[block], kernel_array(transform), products)
        return scipy.fft.irfft2(
            products.reshape(-1, *self.half_shape), s=self.grid_shape, overwrite_x=True, workers=1
        )  # fmt: skip

    def add_image(self, block, maps, total):
        """Add ``d_k * v_k`` for maps on the grid to a sum of transforms, (C, P)."""
        transforms = scipy.fft.rfft2(maps, workers=1)
        add_products(self.spectra[block], transforms.reshape(-1, self.n_frequencies), total)

    def transform(self, image):
        """Return the transform (C, P) of an image (C, *grid_shape)."""
        return scipy.fft.rfft2(image, workers=1).reshape(self.n_channels, self.n_frequencies)

    def image(self, transform):
        """Return the image (C, *grid_shape) of a transform (C, P)."""
        half = transform.reshape(self.n_channels, *self.half_shape)
        return scipy.fft.irfft2(half, s=self.grid_shape, workers=1)

    def decode(self, entries):
        """Return ``D x`` on the grid, (C, *grid_shape), for the entries of x."""
        D, size = self.operator, math.prod(self.operator.geometry.map_shape)
        if not self.is_dense(len(entries.places)):
            return D.add_entries(entries)
        row = entries.to_row(D)
        return self.decode_maps(lambda block: row[:, block.start * size : block.stop * size].toarray())

    def decode_maps(self, take):
        """Return ``D x`` on the grid, (C, *grid_shape); ``take(block)`` gives the maps of a block of kernels."""
        rows, columns = map_shape = self.operator.geometry.map_shape

        def work(block, total, buffers, sums):
            maps = buffers.maps[: block.stop - block.start]
            maps[...] = 0
            maps[:, :rows, :columns] = take(block).reshape(-1, *map_shape)
            self.add_image(block, maps, total)

        self.run(work)
        return self.image(self.total())

    def correlate_all(self, image):
        """Return ``D^T r`` as maps (K, *map_shape) for an image r on the grid."""
        rows, columns = map_shape = self.operator.geometry.map_shape
        transform, maps = self.transform(image), np.empty((len(self.spectra), *map_shape), self.dtype)

        def work(block, total, buffers, sums):
            maps[block] = self.correlate(block, transform, buffers)[:, :rows, :columns]

        self.run(work)
        return maps

    def is_dense(self, n_entries):
        """Tell whether so many coefficients are decoded faster by transforms than one by one."""
        taps = math.prod(self.operator.kernels.shape[1:])
        return n_entries * taps > SCATTER_COST * len(self.spectra) * math.prod(self.grid_shape)
