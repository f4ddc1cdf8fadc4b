"""Mistakes that the checks of lab 4 know: each has a fragment of the message that it must get."""

import numpy as np


def transform(kernels, shape):
    return np.fft.fft2(kernels, s=shape)


def synthesize(maps, kernels, *, conj=False, reduce=np.sum, real=True):
    F = transform(kernels, maps.shape[1:])
    F = np.conj(F) if conj else F
    image = np.fft.ifft2(reduce(np.fft.fft2(maps) * F, axis=0))
    return image.real if real else image


def each(maps, kernels):
    return np.fft.ifft2(np.fft.fft2(maps) * transform(kernels, maps.shape[1:])).real


def centred(maps, kernels):
    shift = [-(side // 2) for side in kernels.shape[1:]]
    return np.roll(synthesize(maps, kernels), shift, (0, 1))


def correlate(image, kernels, *, conj=True, real=True, turn=False):
    F = transform(kernels[:, ::-1, ::-1] if turn else kernels, image.shape)
    maps = np.fft.ifft2(np.fft.fft2(image) * (np.conj(F) if conj else F))
    return maps.real if real else maps


def transposed(image, kernels):
    return correlate(image, kernels)[:, ::-1]


def summed(image, kernels):
    return correlate(image, kernels).sum(axis=0)


def power(kernels, shape):
    return np.abs(transform(kernels, shape)) ** 2


def code(image, kernels, alpha, n, *, momentum=True, constant=None, back=1, threshold=1.0, step=1.0, sign=1):
    L = power(kernels, image.shape).sum(axis=0).max() / step
    z = v = np.zeros((len(kernels), *image.shape))
    t = 1.0
    for _ in range(n):
        u = v + sign * correlate(image - synthesize(v, kernels), kernels) / L
        old, z = z, u - np.clip(u, -threshold * alpha / L, threshold * alpha / L)
        new_t = (1 + np.sqrt(1 + 4 * t * t)) / 2 if momentum else 1.0
        v = z + back * ((t - 1) / new_t if constant is None else constant) * (z - old)
        t = new_t
    return z


def coder(**options):
    return lambda image, kernels, alpha, n: code(image, kernels, alpha, n, **options)


def stops(image, kernels, alpha, n):
    return code(image, kernels, alpha, min(n, 12))


def scaled(number):
    """Return a way to scale that divides by another number."""
    return lambda kernels, how: kernels / number(kernels, how)


def length(kernels, how):
    return np.sqrt(np.sum(kernels**2, axis=(1, 2), keepdims=True))


def number(kernels, how, size=np.abs):
    return length(kernels, how) if how == "l2" else size(kernels).max(axis=(1, 2), keepdims=True)


MISTAKES = {
    "4.1": {
        "correlation": (lambda z, d: synthesize(z, d, conj=True), "turned round"),
        "one for each kernel": (each, "an image for each kernel"),
        "mean": (lambda z, d: synthesize(z, d, reduce=np.mean), "the mean over kernels"),
        "complex": (lambda z, d: synthesize(z, d, real=False), "complex"),
        "kernels in the middle": (centred, "top left"),
        "doubled": (lambda z, d: np.where(np.count_nonzero(z) > 1, 2, 1) * synthesize(z, d), "is not the sum"),
    },
    "4.2": {
        "convolution again": (lambda r, d: correlate(r, d, conj=False), "convolution once more"),
        "turned about the corner": (lambda r, d: correlate(r, d, conj=False, turn=True), "the wrong point"),
        "complex": (lambda r, d: correlate(r, d, real=False), "complex"),
        "upside down": (transposed, "<z, D' r> is"),
        "summed": (summed, "should have the shape"),
    },
    "4.3": {
        "each kernel alone": (lambda d, s: power(d, s).max(), "each kernel alone"),
        "square root": (lambda d, s: np.sqrt(power(d, s).sum(axis=0).max()), "square root"),
        "mean": (lambda d, s: power(d, s).sum(axis=0).mean(), "mean over frequencies"),
        "worst of each": (lambda d, s: power(d, s).max(axis=(1, 2)).sum(), "need not be the same"),
        "not padded": (lambda d, s: power(d, d.shape[1:]).sum(axis=0).max(), "times as fast"),
        "twice": (lambda d, s: 2 * power(d, s).sum(axis=0).max(), "times what is needed"),
    },
    "4.4": {
        "ISTA": (coder(momentum=False), "this is ISTA"),
        "constant momentum": (coder(constant=0.6), "momentum is not that of lab 1"),
        "no threshold": (coder(threshold=0.0), "Where is the threshold"),
        "half the threshold": (coder(threshold=0.5), "is not a gradient step"),
        "stops": (stops, "the rules of a minimum are broken"),
        "one map": (lambda x, d, a, n: code(x, d, a, n)[0], "should have the shape"),
    },
    "4.5": {
        "always length": (scaled(length), "both ways give the same"),
        "one number for all": (scaled(lambda d, how: number(d, how).max()), "by the same number"),
        "largest, not in size": (scaled(lambda d, how: number(d, how, np.array)), "below zero"),
        "squared length": (scaled(lambda d, how: number(d, how) ** (2 if how == "l2" else 1)), "with l2, lengths"),
        "sign turned": (
            lambda d, how: d / number(d, how) * (np.sign(d.sum(axis=(1, 2), keepdims=True)) if how == "l2" else 1),
            "with l2, some kernel has changed its sign",
        ),
        "less the mean": (lambda d, how: (d - d.mean()) / number(d, how), "change their shape"),
    },
}
