"""Figures: mosaics of atoms, orientation and frequency of receptive fields. matplotlib is loaded on use."""

import numpy as np


def mosaic(atoms, shape=None, *, n_columns=None, ax=None):
    """Draw atoms side by side, each in grey levels symmetric about zero.

    Parameters
    ----------
    atoms : ndarray of shape (n_atoms, height * width) or (n_atoms, height, width)
    shape : tuple (height, width) or None, default=None
        Shape of an atom; None takes it from a 3-D array, or a square.
    n_columns : int or None, default=None
        None gives a mosaic that is about square.
    ax : matplotlib Axes or None, default=None
        None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the atoms do not have `shape`.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from sparsecode.plot import mosaic
    >>> ax = mosaic(np.eye(4), ax=Figure().subplots())
    >>> ax.images[0].get_array().shape
    (7, 7)
    """
    atoms = np.asarray(atoms, dtype=float)
    height, width = _atom_shape(atoms, shape)
    atoms = atoms.reshape(len(atoms), height, width)
    largest = np.abs(atoms).max(axis=(1, 2), keepdims=True)
    atoms = np.divide(atoms, largest, out=np.zeros_like(atoms), where=largest > 0)
    n_columns = n_columns or int(np.ceil(np.sqrt(len(atoms) * height / width)))
    n_rows = -(-len(atoms) // n_columns)
    canvas = np.full((n_rows * (height + 1) + 1, n_columns * (width + 1) + 1), np.nan)
    for place, atom in enumerate(atoms):
        top = 1 + place // n_columns * (height + 1)
        left = 1 + place % n_columns * (width + 1)
        canvas[top : top + height, left : left + width] = atom
    ax = ax or _new_axes()
    ax.imshow(canvas, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def orientation_frequency(fit, *, threshold=0.3, ax=None):
    """Draw the preferred orientation and spatial frequency of each receptive field in a half disc.

    Parameters
    ----------
    fit : GaborFit
        From `sparsecode.receptive_fields.fit_gabor`.
    threshold : float, default=0.3
        Only fits with a fraction of unexplained variance below it are shown.
    ax : polar matplotlib Axes or None, default=None
        None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Angle: orientation in degrees. Radius: frequency in cycles per pixel.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sparsecode.plot import orientation_frequency
    >>> from sparsecode.receptive_fields import fit_gabor, gabor
    >>> atoms = gabor((9, 9), x0=0, y0=0, theta=[0.0, 1.0], frequency=0.2, sigma_x=2, sigma_y=2, phase=0)
    >>> ax = Figure().subplots(subplot_kw={"projection": "polar"})
    >>> float(orientation_frequency(fit_gabor(atoms), ax=ax).get_thetamax())
    180.0
    """
    ax = ax or _new_axes(projection="polar")
    if ax.name != "polar":
        raise ValueError(f"`ax` must be polar axes, got {ax.name}; make them with projection='polar'.")
    shown = (fit.fvu < threshold) & np.isfinite(fit.orientation)
    angle, radius = np.deg2rad(fit.orientation[shown]), fit.frequency[shown]
    points = ax.scatter(angle, radius, c=fit.fvu[shown], cmap="viridis", vmin=0, vmax=threshold)
    ax.set_thetamin(0)
    ax.set_thetamax(180)
    ax.set_rlim(0, 0.5)
    ax.set_rgrids([0.1, 0.2, 0.3, 0.4], angle=0)
    # A half disc fills the middle of its square axes: labels are placed by hand, or they stand far from it.
    below = {"transform": ax.transAxes, "ha": "center"}
    ax.text(0.75, 0.13, "spatial frequency [cycles/pixel]", va="top", **below)
    ax.text(0.5, 0.85, f"orientation of {shown.sum()} of {len(shown)} atoms (Gabor FVU < {threshold:g})", **below)
    ax.figure.colorbar(points, ax=ax, shrink=0.6, pad=0.08, label="variance unexplained by the Gabor")
    return ax


def _atom_shape(atoms, shape):
    if shape is None:
        side = round(atoms.shape[-1] ** 0.5)
        shape = atoms.shape[1:] if atoms.ndim == 3 else (side, side)
    if atoms.ndim not in (2, 3) or not atoms.size or int(np.prod(shape)) != int(np.prod(atoms.shape[1:])):
        raise ValueError(
            f"`atoms` of shape {atoms.shape} cannot be drawn as patches of `shape` {tuple(shape)}; "
            "give (n_atoms, height * width) and shape=(height, width)."
        )
    return tuple(shape)


def _new_axes(**subplot_kw):
    import matplotlib.pyplot as plt

    return plt.subplots(subplot_kw=subplot_kw, layout="constrained")[1]
