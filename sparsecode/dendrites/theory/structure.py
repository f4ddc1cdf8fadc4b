"""A neuron of branches: how much the choice of its connections can store."""

import math

import numpy as np

from ._checks import counts, number

#: Most lines, branches and contacts of a branch: all at once take 3 s.
MOST = 10**5


def structural_capacity(n_lines, n_branches, branch_size):
    r"""Return how many bits the wiring of a neuron can hold, if branches sum their contacts nonlinearly.

    Each of m branches has k contacts, each with any one of d input lines, and several may be with the same. Contacts of
    a branch can be exchanged without effect, and so can branches as a whole:

        log2 C(N + m - 1, m),    N = C(k + d - 1, k).

    Parameters
    ----------
    n_lines : array-like of int
        Input lines d, from 1 to 10^5.
    n_branches : array-like of int
        Branches m, from 1 to 10^5. A neuron that sums all of its contacts linearly is one branch, however they lie.
    branch_size : array-like of int
        Contacts k of a branch, from 1 to 10^5.

    Returns
    -------
    float or ndarray
        Bits. A pair of neurons whose outputs are subtracted, which is what Poirazi and Mel count, holds twice that.

    Raises
    ------
    TypeError
        If a value is not a number.
    ValueError
        If a value is no whole number, or out of range.

    Notes
    -----
    It counts arrangements that differ, so it bounds what learning by rewiring can store. For a given number m k of
    contacts it has a maximum: with a few long branches, or many of one or two contacts, there is less to choose.
    N is computed as an exact integer; O(m) logarithms for each value, a relative error of some 1e-14.

    References
    ----------
    P. Poirazi and B. W. Mel, "Impact of active dendrites and structural plasticity on the memory capacity of neural
    tissue", Neuron 29 (2001).

    Examples
    --------
    One thousand contacts with 100 lines: on one branch, on ten, on a hundred.

    >>> from sparsecode.dendrites.theory import structural_capacity
    >>> structural_capacity(100, [1, 10, 100], [1000, 100, 10]).round()
    array([ 475., 1927., 4003.])
    """
    values = [
        counts(name, value, most=MOST, of="10^5")
        for name, value in (("n_lines", n_lines), ("n_branches", n_branches), ("branch_size", branch_size))
    ]
    for name, value in zip(("n_lines", "n_branches", "branch_size"), values, strict=True):
        if not value.all():
            raise ValueError(f"`{name}` must be at least 1, got 0.")
    lines, branches, sizes = (array.astype(np.int64) for array in np.broadcast_arrays(*values))
    bits = [
        _log2_multisets(math.comb(k + d - 1, k), m)
        for d, m, k in zip(lines.ravel().tolist(), branches.ravel().tolist(), sizes.ravel().tolist(), strict=True)
    ]
    return number(np.array(bits, dtype=np.float64).reshape(lines.shape))


def _log2_multisets(n, m):
    """Return the logarithm of the number of ways to take m of n things, each as often as one likes."""
    return math.fsum(math.log2(n + i) for i in range(m)) - math.fsum(math.log2(i) for i in range(1, m + 1))
