"""`ConvolutionOperator`: sums of convolutions with the kernels of a `Dictionary`, and their adjoint."""

import functools
import math

import numpy as np
import scipy.fft
from scipy.sparse import csr_array, issparse
from scipy.sparse.linalg import LinearOperator

from .._core.parallel import count_threads
from .._core.products import kernel_array
from .._core.samples import as_shape, flatten_input
from ..dictionary import Dictionary
from ._entries import Entries
from ._geometry import Geometry
from ._passes import Passes
from ._scatter_kernels import add_kernels

#: Bytes of the maps that are transformed at a time.
BLOCK_BYTES = 2**20


class ConvolutionOperator:
    r"""Sum of convolutions with given kernels, ``D x = sum_k d_k * x_k``, and its adjoint.

    Along an axis of a signal or image of n pixels, with kernels of h, maps have

    * boundary="circular": n coefficients; the image goes on at its other side;
    * "valid": n - h + 1; no kernel leaves the image;
    * "symmetric": the circular maps of an image that reflections enlarge by h - 1 at least, to a length that FFTs like;
    * "mask": n + h - 1; kernels may leave the image, and what they are worth outside is not known.

    A coefficient lies at the first row and column of its kernel. Kernels of several sizes (`Dictionary.shapes`) are
    centred in the box of the largest.

    Parameters
    ----------
    dictionary : Dictionary or array-like of shape (n_kernels, [height,] width)
        Kernels. Those of colour images have an axis that is named "channel" in `dims`; without names the first of
        three axes.
    image_shape : tuple of int or int
        (height, width), with channels (height, width, n_channels); for signals the length, or (length, n_channels).
    boundary : {"circular", "valid", "symmetric", "mask"}, default="circular"
    dtype : float32, float64 or None, default=None
        Of kernels and results; None is that of the dictionary.
    n_jobs : int or None, default=None
        Threads of the Fourier transforms. Results do not depend on it.

    Attributes
    ----------
    dictionary : Dictionary
    image_shape : tuple of int
    boundary : str
    kernels : ndarray of shape (n_kernels, n_channels, h, w)
        Kernels as they are convolved.
    map_shape : tuple of int
        Shape of the map of a kernel, one or two axes as the image.
    code_shape : tuple of int
        ``(n_kernels, *map_shape)``.

    Raises
    ------
    ValueError
        If kernels are larger than the image, or channels do not agree.

    Notes
    -----
    Convolutions are products of discrete Fourier transforms on a grid of N pixels, O(K N log N); sparse codes are
    decoded by adding kernels, O(nnz h w), which no transform rounds. The spectra of the kernels take about K N
    numbers and are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.convolutional import ConvolutionOperator
    >>> D = ConvolutionOperator([[1.0, -1.0], [1.0, 1.0]], image_shape=4)
    >>> D.code_shape, round(D.lipschitz, 6)
    ((2, 4), 4.0)
    >>> D.decode([[0, 1, 0, 0, 0, 0, 0, 2]]).tolist()
    [[2.0, 1.0, -1.0, 2.0]]
    >>> D.correlate([[0, 1, 0, 0]]).round(6).tolist()
    [[-1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]]
    """

    def __init__(self, dictionary, image_shape, *, boundary="circular", dtype=None, n_jobs=None):
        if not isinstance(dictionary, Dictionary):
            dictionary = Dictionary.from_array(dictionary)
        self.dictionary, self.image_shape, self.boundary = dictionary, as_shape(image_shape), boundary
        self.dtype = np.dtype(dictionary.dtype if dtype is None else dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"`dtype` must be float32 or float64, got {self.dtype}.")
        self.n_jobs = n_jobs
        self.kernels = box_kernels(dictionary).astype(self.dtype)
        self._n_axes = len(dictionary.atom_shape) - ("channel" in dictionary.dims)
        self.has_channels = "channel" in dictionary.dims
        shape = self._check_image_shape()
        self.geometry = Geometry.of(shape, self.kernels.shape[2:], boundary)
        self.map_shape = self.geometry.map_shape[-self._n_axes :]
        self.code_shape = (len(self.kernels), *self.map_shape)

    def _check_image_shape(self):
        """Return rows and columns of an image."""
        sides, n_channels = self.image_shape, self.kernels.shape[1]
        if len(sides) != self._n_axes + self.has_channels:
            asked = ("length",) if self._n_axes == 1 else ("height", "width")
            raise ValueError(
                f"`image_shape` must be ({', '.join(asked + ('n_channels',) * self.has_channels)}) for kernels of "
                f"shape {self.dictionary.atom_shape} with axes {self.dictionary.dims[1:]}, got {sides}."
            )
        if self.has_channels and sides[-1] != n_channels:
            raise ValueError(f"images of shape {sides} have {sides[-1]} channels, but kernels have {n_channels}.")
        sides = sides[: self._n_axes]
        return sides if self._n_axes == 2 else (1, *sides)

    @functools.cached_property
    def spectrum(self):
        """Transforms of the kernels on the grid, complex (n_kernels, n_channels, rows, columns // 2 + 1)."""
        rows, columns = grid = self.geometry.grid_shape
        spectrum = np.empty((*self.kernels.shape[:2], rows, columns // 2 + 1), np.result_type(self.dtype, np.complex64))
        for block in self.blocks():
            spectrum[block] = scipy.fft.rfft2(self.kernels[block], s=grid, workers=self.workers)
        return spectrum

    @functools.cached_property
    def power(self):
        """``sum_k d_k(f)^* d_k(f)`` at each frequency f: real (rows, columns), with channels (rows, columns, C, C)."""
        if self.kernels.shape[1] == 1:
            return sum(np.square(np.abs(self.spectrum[block])).sum(axis=(0, 1)) for block in self.blocks())
        return np.einsum("kc...,kd...->...cd", self.spectrum.conj(), self.spectrum)

    @functools.cached_property
    def lipschitz(self):
        """Largest eigenvalue of ``D D^T``, on the circular grid: the Lipschitz constant of the gradient."""
        if self.kernels.shape[1] == 1:
            return float(self.power.max())
        return float(np.linalg.eigvalsh(self.power)[..., -1].max())

    @functools.cached_property
    def square_norms(self):
        """``||d_k||^2``, float64."""
        return np.square(self.kernels, dtype=np.float64).sum(axis=(1, 2, 3))

    @property
    def workers(self):
        """Threads for a Fourier transform."""
        return count_threads(self.n_jobs)

    def blocks(self):
        """Return slices of kernels whose maps are transformed together."""
        size = max(1, BLOCK_BYTES // (self.dtype.itemsize * math.prod(self.geometry.grid_shape)))
        return [slice(start, start + size) for start in range(0, len(self.kernels), size)]

    def decode(self, codes):
        """Return the images ``D x`` of codes.

        Parameters
        ----------
        codes : array-like or CSR array of shape (n_samples, n_kernels * prod(map_shape))

        Returns
        -------
        ndarray of shape (n_samples, prod(image_shape))
        """
        codes = codes if issparse(codes) else flatten_input(np.asarray(codes), self.code_shape)
        self._check_width(codes, math.prod(self.code_shape), "codes")
        images = np.empty((codes.shape[0], math.prod(self.image_shape)), self.dtype)
        if issparse(codes):
            codes = csr_array(codes, dtype=self.dtype)
            for row in range(codes.shape[0]):
                images[row] = self.as_row(self.geometry.crop(self.add_kernels(codes, row)))
            return images
        for row, maps in enumerate(codes.astype(self.dtype, copy=False)):
            grid = self.decode_maps(maps.reshape(len(self.kernels), *self.geometry.map_shape))
            images[row] = self.as_row(self.geometry.crop(grid))
        return images

    def correlate(self, images):
        """Return the adjoint ``D^T r`` of images: correlations of all kernels with them at all positions.

        Parameters
        ----------
        images : array-like of shape (n_samples, prod(image_shape)) or (n_samples, *image_shape)

        Returns
        -------
        ndarray of shape (n_samples, n_kernels * prod(map_shape))
        """
        rows = np.asarray(flatten_input(images, self.image_shape), dtype=self.dtype)
        self._check_width(rows, math.prod(self.image_shape), "images")
        out = np.empty((len(rows), math.prod(self.code_shape)), self.dtype)
        for row, place in zip(rows, out, strict=True):
            # The adjoint of cropping, which puts zeros around an image
            grid = np.zeros((self.kernels.shape[1], *self.geometry.grid_shape), self.dtype)
            self.geometry.crop(grid)[...] = self.as_image(row)
            place[...] = self.correlate_grid(grid).reshape(-1)
        return out

    def as_linear_operator(self):
        """Return the operator as a SciPy `LinearOperator` of shape (prod(image_shape), n_kernels * prod(map_shape))."""
        return LinearOperator(
            (math.prod(self.image_shape), math.prod(self.code_shape)),
            matvec=lambda x: self.decode(np.reshape(x, (1, -1)))[0],
            rmatvec=lambda r: self.correlate(np.reshape(r, (1, -1)))[0],
            dtype=self.dtype,
        )

    def as_image(self, row):
        """Return a row (prod(image_shape),) as an array (C, H, W)."""
        if not self.has_channels:
            return row.reshape(1, *self.geometry.image_shape)
        return np.moveaxis(row.reshape(*self.geometry.image_shape, -1), -1, 0)

    def as_row(self, image):
        """Return an array (C, H, W) as a row."""
        return np.moveaxis(image, 0, -1).reshape(-1)

    def decode_maps(self, maps):
        """Return ``D x`` on the grid, (C, *grid_shape), for maps (K, *map_shape)."""
        return Passes(self, self.n_jobs).decode_maps(lambda block: maps[block])

    def correlate_grid(self, grid):
        """Return ``D^T r`` as maps (K, *map_shape), for r on the grid, (C, *grid_shape)."""
        return Passes(self, self.n_jobs).correlate_all(grid)

    def add_kernels(self, codes, row):
        """Return ``D x`` on the grid, (C, *grid_shape), for a row of a CSR array."""
        entries = slice(codes.indptr[row], codes.indptr[row + 1])
        return self.add_entries(Entries(codes.indices[entries].astype(np.int64), codes.data[entries]))

    def add_entries(self, entries):
        """Return ``D x`` on the grid, (C, *grid_shape), for `Entries`."""
        grid = np.zeros((self.kernels.shape[1], *self.geometry.grid_shape), self.dtype)
        arrays = kernel_array(entries.places), kernel_array(entries.values)
        add_kernels(*arrays, self.kernels, *self.geometry.map_shape, grid)
        return grid

    def _check_width(self, rows, width, name):
        if rows.ndim != 2 or rows.shape[1] != width:
            raise ValueError(f"`{name}` must have shape (n_samples, {width}), got {rows.shape}.")


def as_dictionary(kernels, n_axes, *, has_channels, shapes=None):
    """Return kernels (K, C, h, w) as a `Dictionary` of signals or images; the inverse of `box_kernels`.

    `shapes` are the extents (K, n_axes) of kernels of several sizes.
    """
    kernels = kernels if n_axes == 2 else kernels[:, :, 0]
    if shapes is not None:
        moved = np.zeros_like(kernels)
        for kernel, place, extents in zip(kernels, moved, shapes, strict=True):
            corner, middle = _own_pixels(kernel.shape[1:], extents)
            place[corner] = kernel[middle]
        kernels = moved
    axes = ("y", "x") if n_axes == 2 else ("feature",)
    if has_channels:
        if shapes is not None:
            shapes = np.insert(shapes, 0, kernels.shape[1], axis=1)
        return Dictionary(kernels, shapes=shapes, dims=("atom", "channel", *axes))
    return Dictionary(kernels[:, 0], shapes=shapes, dims=("atom", *axes))


def box_kernels(dictionary):
    """Return the kernels of a dictionary as (K, C, h, w), those that are smaller centred in the box of the largest."""
    if issparse(dictionary.atoms):
        raise ValueError("sparse dictionaries hold no kernels; give dense atoms of one or two axes.")
    dims, kernels = list(dictionary.dims[1:]), dictionary.atoms
    channel = dims.index("channel") if "channel" in dims else None
    n_axes = len(dims) - (channel is not None)
    if n_axes not in (1, 2):
        raise ValueError(
            f"kernels must have one or two axes, besides one that is named 'channel', got {tuple(dims)} of shape "
            f"{dictionary.atom_shape}."
        )
    kernels = kernels[:, None] if channel is None else np.moveaxis(kernels, channel + 1, 1)
    if dictionary.shapes is not None:
        extents = dictionary.shapes if channel is None else np.delete(dictionary.shapes, channel, axis=1)
        boxed = np.zeros_like(kernels)
        for kernel, box, extent in zip(kernels, boxed, extents, strict=True):
            corner, middle = _own_pixels(kernel.shape[1:], extent)
            box[middle] = kernel[corner]
        kernels = boxed
    if n_axes == 1:
        kernels = kernels[:, :, None]
    return kernel_array(kernels)


def _own_pixels(sides, extents):
    """Return where the pixels of a smaller kernel lie, all channels: in a `Dictionary`, and in a box of these sides."""
    corner = [slice(size) for size in extents]
    middle = [slice((side - size) // 2, (side + size) // 2) for side, size in zip(sides, extents, strict=True)]
    return (slice(None), *corner), (slice(None), *middle)
