"""Naive twins of the filters of images: sums over windows, and normal equations of differences."""

import numpy as np


def local_contrast(s, size):
    """Return local mean and scale of one image by sums over windows of its mirrored copy."""
    g = np.exp(-0.5 * np.linspace(-3, 3, size) ** 2)
    g = np.outer(g, g) / g.sum() ** 2

    def smooth(image):
        mirrored = np.pad(image, size // 2, mode="symmetric")
        return np.array(
            [[(g * mirrored[i : i + size, j : j + size]).sum() for j in range(s.shape[1])] for i in range(s.shape[0])]
        )

    mean = smooth(s)
    contrast = np.sqrt(smooth((s - mean) ** 2))
    return mean, np.maximum(contrast, contrast.mean())


def local_contrast_as_published(s, size):
    """Return normalised contrast of one image with one ring of mirrored pixels, filtered circularly."""
    g = np.exp(-0.5 * np.linspace(-3, 3, size) ** 2)
    n = size // 2
    padded = np.pad(s, n, mode="symmetric")
    window = np.zeros(padded.shape)
    window[:size, :size] = np.outer(g, g) / g.sum() ** 2
    spectrum = np.fft.fft2(np.roll(window, (-n, -n), axis=(0, 1)))

    def smooth(image):
        return np.fft.ifft2(np.fft.fft2(image) * spectrum).real

    rest = padded - smooth(padded)
    contrast = np.sqrt(np.maximum(smooth(rest**2), 0))
    return (rest / np.maximum(contrast, contrast.mean()))[n:-n, n:-n]


def lowpass(s, alpha, pad):
    """Return the Tikhonov low-pass part of one image from the normal equations on the mirrored, circular image."""
    padded = np.pad(s, pad, mode="symmetric")
    eye = np.eye(padded.size).reshape(*padded.shape, -1)
    A = np.eye(padded.size)
    for axis in (0, 1):
        G = (np.roll(eye, -1, axis=axis) - eye).reshape(padded.size, -1)
        A += alpha * G.T @ G
    x = np.linalg.solve(A, padded.ravel()).reshape(padded.shape)
    return x[pad : pad + s.shape[0], pad : pad + s.shape[1]]


def shift_cosine(a, b, same):
    """Return the largest |cos| of two kernels over all shifts; of a kernel with itself without that of no shift."""
    largest = 0.0
    (h, w), (u, v) = a.shape, b.shape
    for i in range(-u + 1, h):
        for j in range(-v + 1, w):
            if same and i == j == 0:
                continue
            total = 0.0
            for y in range(max(0, i), min(h, u + i)):
                for x in range(max(0, j), min(w, v + j)):
                    total += a[y, x] * b[y - i, x - j]
            largest = max(largest, abs(total))
    return largest / (np.linalg.norm(a) * np.linalg.norm(b))
