"""Energy of counted operations, by a model: numbers of operations times published energies of one."""

import math
from numbers import Real

import xarray as xr

#: Picojoules of an operation on numbers of 32 bits (floating point), and where they are from.
MULTIPLY, ADD = 3.7, 0.9
SOURCE = "M. Horowitz, ISSCC (2014), 45 nm, float32, as used by O'Connor and Welling (2017)"


def modelled_energy(counts, *, multiply=MULTIPLY, add=ADD):
    """Return the energy that counted operations would take, by a model: each costs the same wherever it runs.

    Parameters
    ----------
    counts : xarray.Dataset
        What `DeltaNetwork.ops_report` or `SpikingNetwork.ops_report` has returned.
    multiply, add : float, default=3.7, 0.9
        Energy of a multiplication and of an addition in picojoules, >= 0. A product of a weight takes one of each, a
        weight that a spike adds one addition, and a look at an input of a delta network two additions (a difference
        and a comparison), at all of which it looks at most.

    Returns
    -------
    xarray.Dataset
        In picojoules along "layer", means of a row: "dense", "zero_skip", and "delta" with "refresh" and "compares",
        or "events". Attributes: "saving", dense over delta or events; "kind", "model"; "source" of the two energies.
        NaN where no row follows another one.

    Raises
    ------
    ValueError
        If `counts` are something else, or an energy is not a number >= 0.

    Notes
    -----
    **Nothing is measured.** Moving numbers between memories, which often takes more than computing, is not in the
    model, nor what a processor takes when it waits.

    References
    ----------
    M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC (2014). P. O'Connor and M. Welling,
    "Sigma delta quantized networks", ICLR (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import DeltaNetwork, Dense, modelled_energy
    >>> X = np.repeat(np.eye(3), 4, axis=0)
    >>> counts = DeltaNetwork([Dense(np.ones((3, 5)))]).fit(X).ops_report(X)
    >>> energy = modelled_energy(counts)
    >>> round(float(energy["dense"].sum())), energy.attrs["kind"]
    (69, 'model')
    """
    for name, value in (("multiply", multiply), ("add", add)):
        if not isinstance(value, Real) or not 0 <= value < math.inf:
            raise ValueError(f"`{name}` must be picojoules >= 0, got {value!r:.40}.")
    known = getattr(counts, "data_vars", ())
    if not {"dense", "zero_skip"} <= set(known) or not {"delta", "events"} & set(known):
        raise ValueError(f"`counts` must be those of a network's ops_report, got {type(counts).__name__}.")
    product = multiply + add
    energy = {"dense": product * counts["dense"], "zero_skip": product * counts["zero_skip"]}
    if "delta" in known:
        event = "delta"
        energy[event] = product * (counts["delta"] + counts["refresh"]) + 2 * add * counts["compares"]
    else:
        event = "events"
        energy[event] = xr.where(counts["layer"] == 0, product, add) * counts["events"]  # first inputs are no spikes
    later = float(energy[event].sum(skipna=False))
    given = (multiply, add) == (MULTIPLY, ADD)
    attrs = {
        "saving": float(energy["dense"].sum()) / later if later else float("inf"),
        "kind": "model",
        "source": SOURCE if given else "given by the caller",
        "units": "picojoules, mean of a row",
    }
    return xr.Dataset(energy, attrs=attrs)
