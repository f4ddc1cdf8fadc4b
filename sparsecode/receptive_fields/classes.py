"""Classes of receptive fields, from their Gabor fits and spectra."""

from numbers import Real

import numpy as np

from ._patches import check_atoms

#: Names of the classes; every atom gets one of them.
CLASSES = ("blob", "gabor", "grating", "other", "unlearned")


def classify_receptive_fields(
    fit, atoms, shape=None, *, fvu=0.3, blob_nx=0.2, blob_ny=0.25, grating_nx=1.0, noise_fvu=0.6, noise_flatness=0.3
):
    r"""Sort atoms into blobs, oriented Gabor functions, gratings, unlearned noise, and others.

    The rules are ours and no published standard; the thresholds are for you to vary. Each atom gets the first
    class whose condition holds:

    1. "unlearned": zero everywhere, or noise: ``fit.fvu > noise_fvu`` and spectral flatness above
       `noise_flatness`, the geometric over the arithmetic mean of the power spectrum without its mean.
    2. "other": ``fit.fvu >= fvu``. Learned, but no Gabor function: corners, crossings, patches of data.
    3. "blob": ``nx < blob_nx``, ``ny < blob_ny`` and rather even than odd, ``|cos(phase)| >= sqrt(1/2)``.
       Globular: about one lobe, hardly elongated.
    4. "grating": ``nx > grating_nx``. Many bars under a wide envelope, not localised.
    5. "gabor": what remains, localised and oriented.

    Parameters
    ----------
    fit : GaborFit
        Of these atoms, from `fit_gabor`.
    atoms : array_like of shape (n_atoms, height * width) or (n_atoms, height, width)
        Patches of at least 3 by 3 pixels.
    shape : tuple of 2 int, optional
        Height and width; needed where an atom is a row.
    fvu : float, default=0.3
        Fraction of variance unexplained from which on a fit does not count.
    blob_nx, blob_ny : float, default=0.2 and 0.25
        Size of a blob in periods, along and across the modulation.
    grating_nx : float, default=1.0
        Periods a standard deviation of the envelope above which an atom is a grating.
    noise_fvu : float, default=0.6
        Fraction of variance unexplained above which an atom may be noise; at least `fvu`.
    noise_flatness : float, default=0.3
        Spectral flatness above which it is: 1 for a flat spectrum; 0.56 on average for white noise, of
        which one patch in a thousand is below 0.33 (8 by 8 pixels) or 0.40 (12 by 12).

    Returns
    -------
    ndarray of str, of shape (n_atoms,)
        "blob", "gabor", "grating", "other" or "unlearned"; ``numpy.unique(..., return_counts=True)``
        counts them.

    Raises
    ------
    ValueError
        If `fit` has not one entry an atom, `atoms` is as `fit_gabor` refuses it, or a threshold is negative,
        not finite or, for `noise_fvu`, below `fvu`.

    See Also
    --------
    fit_gabor : Where `fit` comes from.

    Notes
    -----
    A single edge, the derivative of a Gaussian, has an nx and ny as small as a blob's (0.1 by the lower bound of
    the fit), but is oriented; hence the condition on the phase. Atoms that no sample ever used may have any
    shape: see `sparsecode.metrics.activation_rates`.

    O(n_atoms * n_pixels log n_pixels).

    References
    ----------
    .. [1] D. L. Ringach, "Spatial structure and symmetry of simple-cell receptive fields in macaque primary
       visual cortex", J. Neurophysiol. 88(1), 455-463, 2002. (the plane of nx and ny)

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.receptive_fields import classify_receptive_fields, fit_gabor, gabor
    >>> bar = {"x0": 0, "y0": 0, "theta": 1, "sigma_y": 2, "phase": 0}
    >>> atoms = gabor((12, 12), frequency=[0, 0.2, 0.3], sigma_x=[2, 2, 5], **bar)
    >>> atoms = np.concatenate([atoms, np.random.default_rng(0).standard_normal((1, 12, 12))])
    >>> classify_receptive_fields(fit_gabor(atoms), atoms)
    array(['blob', 'gabor', 'grating', 'unlearned'], dtype='<U9')
    """
    patches = check_atoms(atoms, shape)
    if len(fit.fvu) != len(patches):
        raise ValueError(f"fit has {len(fit.fvu)} entries, but there are {len(patches)} atoms; fit these atoms")
    thresholds = {
        "fvu": fvu,
        "blob_nx": blob_nx,
        "blob_ny": blob_ny,
        "grating_nx": grating_nx,
        "noise_fvu": noise_fvu,
        "noise_flatness": noise_flatness,
    }
    for name, value in thresholds.items():
        if not isinstance(value, Real) or not 0.0 <= value < np.inf:
            raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    if noise_fvu < fvu:
        raise ValueError(f"noise_fvu must be at least fvu={fvu}, got {noise_fvu}")
    noise = (fit.fvu > noise_fvu) & (_spectral_flatness(patches) > noise_flatness)
    even = np.abs(np.cos(fit.phase)) >= np.sqrt(0.5)
    conditions = {
        "unlearned": noise | ~patches.any(axis=(1, 2)),
        "other": ~fit.well_fitted(fvu),
        "blob": (fit.nx < blob_nx) & (fit.ny < blob_ny) & even,
        "grating": fit.nx > grating_nx,
    }
    return np.select(list(conditions.values()), list(conditions), default="gabor")


def _spectral_flatness(patches):
    """Return the geometric over the arithmetic mean of each power spectrum without its mean; 0 for a flat patch."""
    peak = np.abs(patches).max(axis=(1, 2), keepdims=True)
    patches = np.divide(patches, peak, out=np.zeros_like(patches), where=peak > 0)
    power = np.square(np.abs(np.fft.fft2(patches))).reshape(len(patches), -1)[:, 1:]
    arithmetic = power.mean(axis=1)
    logs = np.log(power, out=np.full_like(power, -np.inf), where=power > 0).mean(axis=1)
    return np.divide(np.exp(logs), arithmetic, out=np.zeros(len(patches)), where=arithmetic > 0)
