"""Kernels on sparse codes, by samples (CSR) and by atoms."""

from .._core.jit import kernel
from .._core.vectors import prefetch, prefetch_row

#: How many entries ahead memory is asked for: with 100 000 samples they are not in a cache, and adding up waits.
AHEAD = 8


def _prefetch_entry(X, indptr, indices, data, rows, p, last):
    """Ask memory for the sample and codes of the entry `AHEAD` after p of an atom, whose entries end before `last`."""
    i = rows[min(p + AHEAD, last - 1)]
    prefetch(indices, indptr[i])
    prefetch(data, indptr[i])
    prefetch_row(X, i)


def _transpose(indptr, indices, starts, rows, places):
    """Sort the entries of CSR codes by atoms, and by rows: atom j has those from ``starts[j]`` to ``starts[j + 1]``."""
    for j in range(starts.shape[0]):
        starts[j] = 0
    for p in range(indices.shape[0]):
        starts[indices[p]] += 1
    for j in range(1, starts.shape[0]):
        starts[j] += starts[j - 1]
    # Now the ends; each entry that is placed, the last one first, moves that of its atom down to the beginning
    for i in range(indptr.shape[0] - 2, -1, -1):
        for p in range(indptr[i], indptr[i + 1]):
            j = indices[p]
            place = starts[j] - 1
            starts[j] = place
            rows[place] = i
            places[place] = p


def _add_up(X, indptr, indices, data, starts, rows, places, j, codes, samples):
    """Write the sums of codes and samples that use atom j, weighted by its coefficients, four samples at a time."""
    zero = X.dtype.type(0)
    for m in range(codes.shape[0]):
        codes[m] = zero
    for f in range(samples.shape[0]):
        samples[f] = zero
    first, last = starts[j], starts[j + 1]
    whole = last - (last - first) % 4
    for p in range(first, last):
        prefetch_entry(X, indptr, indices, data, rows, p, last)
        weight = data[places[p]]
        for q in range(indptr[rows[p]], indptr[rows[p] + 1]):
            codes[indices[q]] += weight * data[q]
    for p in range(first, whole, 4):
        i0, i1, i2, i3 = rows[p], rows[p + 1], rows[p + 2], rows[p + 3]
        w0, w1 = data[places[p]], data[places[p + 1]]
        w2, w3 = data[places[p + 2]], data[places[p + 3]]
        for f in range(samples.shape[0]):
            samples[f] += (w0 * X[i0, f] + w1 * X[i1, f]) + (w2 * X[i2, f] + w3 * X[i3, f])
    for p in range(whole, last):
        i0, w0 = rows[p], data[places[p]]
        for f in range(samples.shape[0]):
            samples[f] += w0 * X[i0, f]


def _accumulate(X, indptr, indices, data, starts, rows, places, start, end, A, B):
    """Write rows start to end of ``A = W^T W`` and ``B = W^T X``, for codes by samples and by atoms.

    Atom by atom, so that a row of B is written as often as there are samples that use the atom, over four.
    """
    for j in range(start, end):
        add_up(X, indptr, indices, data, starts, rows, places, j, A[j], B[j])


transpose = kernel(_transpose)
prefetch_entry = kernel(_prefetch_entry)
add_up = kernel(_add_up)
accumulate = kernel(_accumulate)
