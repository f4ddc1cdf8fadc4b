r"""Statistics of maps, which are all that an update of the kernels needs to know of images and their codes.

For an image s on the circular grid of its maps x_k,

    Phi_kj(e) = sum_p x_k(p) x_j(p + e),    |e| < h, w,        Psi_k(q) = sum_p x_k(p) s(p + q),

with which ``0.5 ||D x - s||^2 = 0.5 sum_kj <d_k, Phi_kj * d_j> - sum_k <d_k, Psi_k> + constant``. Only coefficients
that are not zero take part: O(n (n_near + C h w)) for n of them with n_near others at a distance less than a kernel,
whatever the size of the image. Phi has K^2 (2h - 1)(2w - 1) entries.

Where pixels are not known, s is taken from the reconstruction D x there. That makes the sum above an upper bound of
the error at known pixels, which it touches at the kernels that the image was coded with: minimising it lowers that
error too (majorisation and minimisation, as in imputation by EM). It costs nothing more; the more pixels are missing,
the smaller the steps.
"""

import numpy as np

from .._core.products import kernel_array
from ._statistics_kernels import add_patches, correlate_entries

#: Multiplications in one call of a kernel, some 20 ms: Ctrl-C is answered between calls.
WORK = 20_000_000


def residual_of(operator, grid, known, codes, row):
    """Return what a row of codes leaves of a placed image, zero where it is not known, and the image filled in."""
    decoded = operator.add_kernels(codes, row)
    residual = grid - decoded
    if known is None:
        return residual, grid
    residual *= known
    return residual, decoded + residual


def add_statistics(operator, codes, row, grid, weight, phi, psi):
    """Add `weight` times the statistics of one image, filled in, to phi and psi.

    Parameters
    ----------
    operator : ConvolutionOperator
    codes : csr_array of shape (n_images, K * positions)
    row : int
        Of codes.
    grid : ndarray of shape (C, *grid_shape)
    weight : float
    phi : ndarray of shape (K, K, 2h - 1, 2w - 1)
    psi : ndarray of shape (K, C, h, w)
    """
    entries = slice(codes.indptr[row], codes.indptr[row + 1])
    values = codes.data[entries]
    if not len(values):
        return
    (map_rows, map_columns), (rows, columns) = operator.geometry.map_shape, operator.geometry.grid_shape
    atoms, places = np.divmod(codes.indices[entries].astype(np.int64), map_rows * map_columns)
    y, x = np.divmod(places, map_columns)
    places = y * columns + x
    order = np.argsort(places, kind="stable")
    atoms, places, values = (kernel_array(array[order]) for array in (atoms, places, values))
    starts = np.zeros(rows * columns + 1, np.int64)
    np.cumsum(np.bincount(places, minlength=rows * columns), out=starts[1:])
    weight, grid = psi.dtype.type(weight), kernel_array(grid)
    near = len(values) * phi.shape[2] * phi.shape[3] / (rows * columns)
    size = max(1, int(WORK / (near + phi.shape[2] * phi.shape[3] + psi[0].size)))
    for first in range(0, len(values), size):
        last = min(first + size, len(values))
        correlate_entries(first, last, atoms, places, values, starts, rows, columns, weight, phi)
        add_patches(first, last, atoms, places, values, grid, weight, psi)
