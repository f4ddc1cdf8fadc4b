"""Compiled versions of kernels, counted."""

from collections import Counter

import numba

from sparsecode._core.jit import KERNELS, has_outside_class


def compiled():
    """Return all versions of this process: the kernel, what of it, the classes of its arguments, and their types."""
    if numba.config.DISABLE_JIT:
        return set()
    return {
        (name, kind, classes_of(signature), str(signature))
        for name, kernel in KERNELS.items()
        for kind, dispatcher in (("machine code", kernel), ("part", kernel.part))
        for signature in (dispatcher.signatures if name.startswith("sparsecode.") else ())
        if not has_outside_class(signature)
    }


def classes_of(signature):
    """Name the classes of NamedTuples among argument types."""
    classes = (kind.instance_class for kind in signature if hasattr(kind, "instance_class"))
    return ", ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in classes)


def complaint(found, total):
    """Say what is too much: for each kernel and class of penalty two versions are, float32 and float64."""
    counts = Counter(version[:3] for version in found)
    of_code = sum(kind == "machine code" for _, kind, *_ in found)
    words = [f"{count} versions of {' '.join(key)}" for key, count in counts.items() if count > 2]
    words += [f"{of_code} versions in all, not {total}"] if of_code > total else []
    return "; ".join(words)
