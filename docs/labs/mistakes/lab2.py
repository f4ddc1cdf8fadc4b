"""Mistakes that the checks of lab 2 know: each has a fragment of the message that it must get."""

import numpy as np


def frequencies(shape, factor=2):
    fy, fx = (np.arange(n) / (factor * n) for n in shape)
    return fy[:, None], fx


def gain(f, f0):
    return f * np.exp(-((f / f0) ** 4))


def product(shape, f0):
    fy, fx = frequencies(shape)
    return gain(fy, f0) * gain(fx, f0)


def bare(shape):
    return np.hypot(*frequencies(shape))


def cut(image, size, n, rng, *, least=0, less=0, wrap=False, own=True, mean=True, turn=False, same=False, scale=False):
    h, w = image.shape
    if wrap:
        image = np.pad(image, ((0, size), (0, size)), mode="wrap")
        y, x = rng.integers(h, size=n), rng.integers(w, size=n)
    else:
        y, x = rng.integers(least, h - size + 1 - less, size=n), rng.integers(least, w - size + 1 - less, size=n)
    if same:
        y[:], x[:] = y[0], x[0]
    rows = np.array(
        [
            (image[a : a + size, b : b + size].T if turn else image[a : a + size, b : b + size]).ravel()
            for a, b in zip(y, x, strict=True)
        ]
    )
    if mean:
        rows = rows - (rows.mean(axis=1, keepdims=True) if own else rows.mean())
    return rows / rows.std(axis=1, keepdims=True) if scale else rows


def patches(**options):
    return lambda image, size, n, rng: cut(image, size, n, rng, **options)


def update(D, A, B, *, norm=True, late=False, sign=1, jacobi=False, step=1.0, all_atoms=False):
    new, old = D.copy(), D.copy()
    for j in range(len(D)):
        if A[j, j] > 0:
            new[j] += sign * step * (B[j] - A[j] @ (old if jacobi else new)) / A[j, j]
        elif all_atoms:
            new[j] = B.mean(axis=0) + 1
        if norm and not (jacobi or late):
            new[j] /= np.linalg.norm(new[j])
    return new / np.linalg.norm(new, axis=1, keepdims=True) if jacobi or late else new


def atoms(**options):
    return lambda D, A, B: update(D, A, B, **options)


def replace(D, W, X, *, worst=True, norm=True, noise=False, everything=False, same=False):
    new, R = D.copy(), np.square(X - W @ D).sum(axis=1)
    order = np.argsort(-R if worst else R)
    dead = np.arange(len(D)) if everything else np.flatnonzero(~W.any(axis=0))
    for place, j in enumerate(dead):
        new[j] = np.cos(np.arange(D.shape[1]) * (j + 1.5)) if noise else X[order[0 if same else place]]
        if norm:
            new[j] /= np.linalg.norm(new[j])
    return new


def dead(**options):
    return lambda D, W, X: replace(D, W, X, **options)


def slopes(image):
    gy, gx = np.gradient(image)
    return np.sum(gy * gy), np.sum(gx * gx), np.sum(gx * gy)


def axes_only(image):
    yy, xx, _ = slopes(image)
    return abs(yy - xx) / (yy + xx)


def largest(image):
    yy, xx, xy = slopes(image)
    return (yy + xx + np.hypot(yy - xx, 2 * xy)) / 2 / (yy + xx)


def mean_slope(image):
    gy, gx = np.gradient(image)
    return np.hypot(gy.mean(), gx.mean()) / np.hypot(gy, gx).mean()


MISTAKES = {
    "2.1": {
        "cycles doubled": (lambda s, f0: gain(np.hypot(*frequencies(s, 1)), f0), "twice as high"),
        "product": (product, "not on the direction"),
        "ramp alone": (lambda s, f0: bare(s), "the ramp alone"),
        "fall-off alone": (lambda s, f0: np.exp(-((bare(s) / f0) ** 4)) * (bare(s) > 0), "ramp is missing"),
        "mean kept": (lambda s, f0: gain(bare(s), f0) + 0.01, "the mean of the image"),
        "one cut-off": (lambda s, f0: gain(bare(s), 0.4), "for another f0"),
        "other exponent": (lambda s, f0: bare(s) * np.exp(-((bare(s) / f0) ** 2)), "your gain is"),
    },
    "2.2": {
        "means kept": (patches(mean=False), "keep their means"),
        "mean of all": (patches(own=False), "not that of each"),
        "wraps around": (patches(wrap=True), "over its border"),
        "last place missing": (patches(less=1), "lower or the right border"),
        "first place missing": (patches(least=1), "upper or the left border"),
        "transposed": (patches(turn=True), "swapped"),
        "scaled": (patches(scale=True), "contrast stays"),
        "one place": (patches(same=True), "same place"),
    },
    "2.3": {
        "not scaled": (atoms(norm=False), "have lengths from"),
        "wrong sign": (atoms(sign=-1), "the right way"),
        "all at once": (atoms(jacobi=True), "let each see"),
        "scaled at the end": (atoms(late=True), "at the end of the round"),
        "short step": (atoms(step=0.1), "can be had in one round"),
        "dead ones as well": (atoms(all_atoms=True), "no code uses"),
        "nothing": (lambda D, A, B: D + 0, "what they were"),
    },
    "2.4": {
        "best patches": (dead(worst=False), "rebuilt worse"),
        "not scaled": (dead(norm=False), "length one"),
        "noise": (dead(noise=True), "dies again"),
        "all atoms": (dead(everything=True), "in use have changed"),
        "twice the same": (dead(same=True), "became the same"),
        "nothing": (lambda D, W, X: D + 0, "what they were"),
    },
    "2.5": {
        "axes only": (axes_only, "an oblique grating"),
        "largest alone": (largest, "a round blob"),
        "mean slope": (mean_slope, "should not cancel"),
        "not relative": (lambda image: 50 * slopes(image)[1], "the most"),
        "contrast": (lambda image: 0.95 + 0.01 * float(np.tanh(image.max())), "contrast or sign"),
    },
}
