r"""Block coordinate descent on kernels of unit norm, from the statistics of codes.

For each kernel in turn, with the others fixed, one projected step along the gradient of the error,

    g_k(q) = sum_j sum_q' Phi_kj(q - q') d_j(q') - Psi_k(q),    d_k <- P(d_k - g_k / L_k),

where L_k, the largest magnitude in the spectrum of Phi_kk, bounds the curvature (the matrix of Phi_kk is a part of a
circulant one). The error never increases: the step is the minimiser of a bound that touches it. Where a kernel's
coefficients lie apart by more than its size, it is the exact minimiser. P keeps kernels within their supports and
subtracts means or cuts off negative parts, then makes the norm one; it is the exact projection.

Convolutions are products of Fourier transforms of (2h - 1)(2w - 1) numbers: O(K^2 h w log(h w)) once, and O(K^2 C h w)
a pass.
"""

from typing import NamedTuple

import numpy as np
import scipy.fft

#: Passes over the kernels in one update.
N_PASSES = 3

#: A kernel of which constraints leave no more than so many roundings of its largest entry was constant, or nothing.
ROUNDING = 16


class Constraint(NamedTuple):
    """What kernels are, besides of unit norm."""

    support: np.ndarray  # (K, h, w) bool; kernels are zero elsewhere
    zero_mean: bool  # in each channel
    positive: bool

    def project(self, k, kernel):
        """Return the nearest kernel (C, h, w) that may be number k, None where there is no single one."""
        support = self.support[k]
        kernel = kernel * support
        rounding = ROUNDING * np.finfo(kernel.dtype).eps * np.abs(kernel).max()
        if self.zero_mean:
            mean = kernel.sum(axis=(1, 2), keepdims=True) / kernel.dtype.type(support.sum())
            kernel -= mean * support
        if self.positive:
            np.maximum(kernel, 0, out=kernel)
        peak = np.abs(kernel).max()
        if not rounding < peak < np.inf:
            return None
        kernel /= peak
        return kernel / np.linalg.norm(kernel)


def update_kernels(kernels, phi, psi, constraint, *, n_passes=N_PASSES):
    """Change kernels (K, C, h, w) by some passes, in place; those that no coefficient uses stay as they are.

    Parameters
    ----------
    kernels : ndarray of shape (K, C, h, w)
        Kernels of unit norm that the constraint allows.
    phi : ndarray of shape (K, K, 2h - 1, 2w - 1)
    psi : ndarray of shape (K, C, h, w)
    constraint : Constraint
    n_passes : int
    """
    height, width = kernels.shape[2:]
    shape = tuple(scipy.fft.next_fast_len(side, real=True) for side in phi.shape[2:])
    spectra = scipy.fft.rfft2(kernels, s=shape)
    products = [scipy.fft.rfft2(row, s=shape) for row in phi]
    curvatures = [np.abs(row[k]).max() for k, row in enumerate(products)]
    for _ in range(n_passes):
        for k, (row, curvature) in enumerate(zip(products, curvatures, strict=True)):
            if not curvature > 0:
                continue
            sums = scipy.fft.irfft2(np.einsum("jyx,jcyx->cyx", row, spectra), s=shape)
            # Phi begins with the shift -(h - 1)
            gradient = sums[:, height - 1 : 2 * height - 1, width - 1 : 2 * width - 1] - psi[k]
            kernel = constraint.project(k, kernels[k] - gradient / curvature)
            if kernel is not None:
                kernels[k] = kernel
                spectra[k] = scipy.fft.rfft2(kernel, s=shape)
