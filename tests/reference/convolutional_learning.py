"""Naive twins of the statistics of maps and of the update of kernels, on a circular grid."""

import numpy as np


def maps_of(codes, n_kernels, map_shape, grid_shape):
    """Return maps on the grid (n, K, *grid_shape), zero where there are no coefficients."""
    maps = np.zeros((codes.shape[0], n_kernels, *grid_shape))
    maps[:, :, : map_shape[0], : map_shape[1]] = codes.toarray().reshape(-1, n_kernels, *map_shape)
    return maps


def statistics(maps, grids, kernel_shape):
    """Return ``Phi_kj(e) = sum x_k(p) x_j(p + e)`` and ``Psi_k(q) = sum x_k(p) s(p + q)``, shift by shift."""
    h, w = kernel_shape
    K, C = maps.shape[1], grids.shape[1]
    phi, psi = np.zeros((K, K, 2 * h - 1, 2 * w - 1)), np.zeros((K, C, h, w))
    for dy in range(-(h - 1), h):
        for dx in range(-(w - 1), w):
            shifted = np.roll(maps, (-dy, -dx), axis=(2, 3))
            phi[:, :, dy + h - 1, dx + w - 1] = np.einsum("nkyx,njyx->kj", maps, shifted)
    for a in range(h):
        for b in range(w):
            psi[:, :, a, b] = np.einsum("nkyx,ncyx->kc", maps, np.roll(grids, (-a, -b), axis=(2, 3)))
    return phi, psi


def decode(maps, kernels):
    """Return sums of circular convolutions (n, C, *grid_shape)."""
    out = np.zeros((len(maps), kernels.shape[1], *maps.shape[2:]))
    for k, kernel in enumerate(kernels):
        for c, plane in enumerate(kernel):
            for a, line in enumerate(plane):
                for b, tap in enumerate(line):
                    out[:, c] += tap * np.roll(maps[:, k], (a, b), axis=(1, 2))
    return out


def project(kernel, support, zero_mean, positive):
    """Return the nearest kernel (C, h, w) of unit norm that the constraints allow."""
    kernel = np.where(support, kernel, 0.0)
    if zero_mean:
        for plane in kernel:
            plane[support] -= plane[support].mean()
    if positive:
        kernel = np.maximum(kernel, 0)
    return kernel / np.linalg.norm(kernel)


def update_kernels(kernels, maps, grids, support, zero_mean, positive, n_passes):
    """Return kernels after passes of projected steps, with gradients of the error of images."""
    kernels = kernels.copy()
    h, w = kernels.shape[2:]
    for _ in range(n_passes):
        for k in range(len(kernels)):
            if not maps[:, k].any():
                continue
            phi, _ = statistics(maps[:, k : k + 1], grids, (h, w))
            shape = [fast_length(side) for side in phi.shape[2:]]
            curvature = np.abs(np.fft.fft2(phi[0, 0], s=shape)).max()
            residual = decode(maps, kernels) - grids
            gradient = statistics(maps[:, k : k + 1], residual, (h, w))[1][0]
            kernels[k] = project(kernels[k] - gradient / curvature, support[k], zero_mean, positive)
    return kernels


def fast_length(n):
    """Return the least product of 2, 3 and 5 that is at least n."""
    while True:
        rest = n
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return n
        n += 1


def pooled(maps, regions, n_regions, kind, signed):
    """Return the pools of one image, coefficient by coefficient: (sign, K, regions)."""
    parts = np.zeros((1 + signed, len(maps), n_regions))
    for sign in range(1 + signed):
        for k, plane in enumerate(maps):
            for region in range(n_regions):
                values = np.maximum((-plane if sign else plane)[regions == region], 0)
                parts[sign, k, region] = values.max() if kind == "max" else values.mean()
    return parts
