"""Arrays that nobody can change, for value objects."""

import numpy as np


def immutable(array):
    """Return a C-contiguous array of native byte order, equal to `array`, whose memory cannot be written.

    The memory is a `bytes` object: unlike a write-locked array or view, it cannot be unlocked, nor changed
    through another name or a file that is mapped. An array made here is returned as it is, also after a pickle.
    """
    array = np.asarray(array)
    if _is_immutable(array):
        return array
    array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def _is_immutable(array):
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, bytes):  # asked first: some versions of NumPy warn when asked whether a view is writable
        return False
    flags = array.flags
    return not flags.writeable and flags.c_contiguous and flags.aligned and array.dtype.isnative
