"""Figures: mosaics of atoms, receptive fields, activity of codes, progress of learning. matplotlib is loaded on use."""

import numpy as np

from ._core.arrays import shaped_atoms
from .metrics import activation_rates, l0_statistics

#: Line styles go round with colours, so that lines can be told apart without them.
LINE_STYLES = ("-", "--", "-.", ":")


def mosaic(atoms, shape=None, *, n_columns=None, ax=None):
    """Draw atoms side by side, each in grey levels symmetric about zero.

    Parameters
    ----------
    atoms : Dictionary, or ndarray of shape (n_atoms, height * width) or (n_atoms, height, width)
    shape : tuple (height, width) or None, default=None
        Shape of an atom; None takes it from the Dictionary or a 3-D array, or a square.
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
        If the atoms do not have `shape`, or hold NaN or infinity.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from sparsecode.plot import mosaic
    >>> ax = mosaic(np.eye(4), ax=Figure().subplots())
    >>> ax.images[0].get_array().shape
    (7, 7)
    """
    atoms = shaped_atoms(atoms).astype(float)
    height, width = _atom_shape(atoms, shape)
    atoms = atoms.reshape(len(atoms), height, width)
    if not np.isfinite(atoms).all():
        raise ValueError("`atoms` must be finite, but they hold NaN or infinity.")
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
    ax = ax or _new_axes((8, 6), projection="polar")  # in smaller ones 180 degrees are cut off
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


def nx_ny_plane(fit, shape, *, threshold=0.3, ax=None):
    """Draw the envelope of each receptive field in periods of its modulation: nx along it, ny across it.

    Near the origin lie edges and single lobes, to the right functions with many subfields, on top long bars.

    Parameters
    ----------
    fit : GaborFit
        From `sparsecode.receptive_fields.fit_gabor`.
    shape : tuple (height, width)
        Of the atoms in pixels. Centres outside of it and periods longer than two of its sides are left out,
        blobs among them: see `GaborFit.in_nx_ny_plane`.
    threshold : float, default=0.3
        Only fits with a fraction of unexplained variance below it are shown.
    ax : matplotlib Axes or None, default=None
        None makes a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sparsecode.plot import nx_ny_plane
    >>> from sparsecode.receptive_fields import fit_gabor, gabor
    >>> atoms = gabor((9, 9), x0=0, y0=0, theta=0, frequency=[0.2, 0.25], sigma_x=1.5, sigma_y=2, phase=0)
    >>> ax = nx_ny_plane(fit_gabor(atoms), (9, 9), ax=Figure().subplots())
    >>> ax.collections[0].get_offsets().round(2).tolist()
    [[0.3, 0.4], [0.38, 0.5]]
    """
    shown = fit.well_fitted(threshold) & fit.in_nx_ny_plane(shape)
    ax = ax or _new_axes()
    reach = 1.05 * np.concatenate([[1.0], fit.nx[shown], fit.ny[shown]]).max()
    ax.axline((0, 0), slope=1, color="0.8", linewidth=1, zorder=0)
    points = ax.scatter(fit.nx[shown], fit.ny[shown], c=fit.fvu[shown], cmap="viridis", vmin=0, vmax=threshold)
    ax.set(xlim=(0, reach), ylim=(0, reach), aspect="equal")
    ax.set(xlabel="$n_x = \\sigma_x f$  (along the modulation)", ylabel="$n_y = \\sigma_y f$  (across it)")
    ax.set_title(f"{shown.sum()} of {len(shown)} atoms (Gabor FVU < {threshold:g})")
    ax.figure.colorbar(points, ax=ax, shrink=0.8, label="variance unexplained by the Gabor")
    return ax


def tuning_curves(tuning, atom, *, axes=None):
    """Draw the orientation and the spatial-frequency tuning of one atom, relative to its largest response.

    Parameters
    ----------
    tuning : Tuning, or dict of str to Tuning
        From `sparsecode.receptive_fields.linear_tuning` or `coder_tuning`; a dict overlays several under
        their labels.
    atom : int
        Which atom.
    axes : sequence of 2 matplotlib Axes or None, default=None
        None makes a new figure.

    Returns
    -------
    ndarray of 2 matplotlib Axes
        Left: response to orientations at the preferred frequency. Right: response to frequencies at the
        preferred orientation. An atom that responds to nothing has no lines.

    Raises
    ------
    ValueError
        If there is no such atom.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sparsecode.plot import tuning_curves
    >>> from sparsecode.receptive_fields import gabor, linear_tuning
    >>> bar = gabor((9, 9), x0=0, y0=0, theta=0, frequency=0.2, sigma_x=2, sigma_y=2, phase=0)
    >>> axes = tuning_curves({"linear": linear_tuning(bar[None])}, 0, axes=Figure().subplots(1, 2))
    >>> len(axes[0].lines), axes[1].get_xscale()
    (1, 'log')
    """
    several = _labelled(tuning)
    for one in several.values():
        if not 0 <= atom < len(one.responses):
            raise ValueError(f"`atom` must be from 0 to {len(one.responses) - 1}, got {atom}.")
    left, right = axes = _take_axes(axes, 1, 2)
    for place, (label, one) in enumerate(several.items()):
        peak, style = one.responses[atom].max(), _style(place)
        if peak > 0:
            # The first orientation again at 180 degrees closes the circle.
            curve = np.append(one.orientation_curves[atom], one.orientation_curves[atom, 0])
            left.plot(np.append(one.orientations, 180.0), curve / peak, label=label, **style)
            right.plot(one.frequencies, one.frequency_curves[atom] / peak, label=label, **style)
    left.set(xlabel="orientation [degrees]", ylabel="relative response", xlim=(0, 180), ylim=(0, 1.05))
    left.set_xticks([0, 45, 90, 135, 180])
    right.set(xlabel="spatial frequency [cycles/pixel]", ylim=(0, 1.05))
    _log_axis(right, *next(iter(several.values())).frequencies[[0, -1]])
    _add_legend(left)
    return axes


def activity_histogram(codes, *, axes=None):
    """Draw histograms of how often each atom is active, and of how many atoms each sample activates.

    Parameters
    ----------
    codes : array_like of shape (n_samples, n_atoms)
        Coefficients; active means not zero.
    axes : sequence of 2 matplotlib Axes or None, default=None
        None makes a new figure.

    Returns
    -------
    ndarray of 2 matplotlib Axes
        Left: atoms by activation frequency, on a logarithmic axis, which atoms without activity are not on:
        the title counts them. Right: samples by L0.

    Raises
    ------
    ValueError
        If `codes` is empty, not 2-D, or holds NaN or infinity.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from sparsecode.plot import activity_histogram
    >>> axes = activity_histogram(np.eye(4)[:3], axes=Figure().subplots(1, 2))
    >>> axes[0].get_title()
    '1 of 4 atoms never active'
    """
    rates, statistics = activation_rates(codes), l0_statistics(codes)
    left, right = axes = _take_axes(axes, 1, 2)
    used = rates[rates > 0]
    # At least a factor of 2 each way, so that nearly equal rates are seen to be so.
    middle = np.median(used) if used.size else 0.5
    limits = min(used.min(initial=1), 0.5 * middle), max(used.max(initial=0), 2.0 * middle)
    left.hist(used, np.geomspace(limits[0] * (1 - 1e-9), limits[1] * (1 + 1e-9), 31))
    left.set(xlabel="activation frequency [share of samples]", ylabel="atoms")
    left.set_ylim(bottom=0)
    left.set_title(f"{(rates == 0).sum()} of {len(rates)} atoms never active")
    _log_axis(left, *limits)
    counts = np.count_nonzero(codes, axis=1)
    width = max(1, -(-(statistics.max - statistics.min + 1) // 50))
    right.hist(counts, np.arange(statistics.min, statistics.max + width + 1, width) - 0.5)
    right.axvline(statistics.mean, color="k", linestyle=":")
    right.set(xlabel="active atoms a sample (L0)", ylabel="samples")
    right.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    right.set_title(f"mean {statistics.mean:.3g}, {statistics.mean / len(rates):.2%} of atoms")
    return axes


def learning_curves(history, *, axes=None):
    """Draw objective, data term, penalty and sparsity of each epoch of learning.

    Parameters
    ----------
    history : structured ndarray, or dict of str to structured ndarray
        The `history_` of a fitted estimator; a dict overlays several fits under their labels.
    axes : sequence of 4 matplotlib Axes or None, default=None
        None makes a new figure.

    Returns
    -------
    ndarray of 4 matplotlib Axes

    Raises
    ------
    ValueError
        If a history has no epochs or lacks one of the four columns.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from sparsecode import SparseCoder
    >>> from sparsecode.plot import learning_curves
    >>> X = np.random.default_rng(0).standard_normal((200, 8))
    >>> fits = {f"{k} atoms": SparseCoder(k, max_iter=5, random_state=0).fit(X).history_ for k in (8, 16)}
    >>> axes = learning_curves(fits, axes=Figure().subplots(1, 4))
    >>> [len(ax.lines) for ax in axes]
    [2, 2, 2, 2]
    """
    several = _labelled(history)
    names = {
        "objective": "objective a sample",
        "data_term": "data term a sample",
        "penalty": "penalty a sample",
        "sparsity": "share of active coefficients",
    }
    for one in several.values():
        columns = getattr(getattr(one, "dtype", None), "names", None) or ()
        if not set(names) <= set(columns) or not len(one):
            raise ValueError(
                f"`history` must have epochs, with columns {', '.join(names)}; got {type(one).__name__} with columns "
                f"{columns}. Give `history_` of an estimator that has learned its atoms."
            )
    axes = _take_axes(axes, 2, 2)
    for place, (label, one) in enumerate(several.items()):
        epochs = np.arange(1, len(one) + 1)  # each `partial_fit` starts its own count
        for ax, name in zip(axes, names, strict=True):
            ax.plot(epochs, one[name], label=label, marker="." if len(one) < 30 else None, **_style(place))
    for ax, text in zip(axes, names.values(), strict=True):
        ax.set(xlabel="epoch", ylabel=text)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    _add_legend(axes[0])
    return axes


def _atom_shape(atoms, shape):
    if shape is None:
        side = round(atoms.shape[-1] ** 0.5)
        shape = atoms.shape[1:] if atoms.ndim == 3 else (side, side)
    shape = tuple(shape)
    fits = atoms.shape[1:] == shape if atoms.ndim == 3 else atoms.ndim == 2 and atoms.shape[1] == np.prod(shape)
    if len(shape) != 2 or not fits or not atoms.size:
        raise ValueError(
            f"`atoms` of shape {atoms.shape} cannot be drawn as patches of `shape` {shape}; "
            "give (n_atoms, height * width) and shape=(height, width)."
        )
    return shape


def _new_axes(size=None, **subplot_kw):
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, subplot_kw=subplot_kw, layout="constrained")[1]


def _take_axes(axes, n_rows, n_columns):
    """Return the axes as a flat array, new ones if there are none."""
    if axes is None:
        import matplotlib.pyplot as plt

        size = (4.2 * n_columns, 3.2 * n_rows)
        axes = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained")[1]
    axes = np.asarray(axes, dtype=object).ravel()
    if len(axes) != n_rows * n_columns:
        raise ValueError(f"`axes` must be {n_rows * n_columns} axes, got {len(axes)}.")
    return axes


def _labelled(things):
    """Return a dict of label to thing; one thing alone gets no label."""
    if not isinstance(things, dict):
        return {None: things}
    if not things:
        raise ValueError("There is nothing to draw: the dict is empty.")
    return things


def _style(place):
    return {"color": f"C{place}", "linestyle": LINE_STYLES[place % len(LINE_STYLES)]}


def _add_legend(ax):
    if ax.get_legend_handles_labels()[0]:
        ax.legend()


def _log_axis(ax, low, high):
    """Make x logarithmic, with plain numbers at ticks that are neither too few nor too many between the limits."""
    from matplotlib.ticker import LogLocator, NullFormatter

    decades = np.log10(high / low)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(
        LogLocator(subs=(1, 2, 3, 5, 7) if decades < 0.7 else (1, 2, 5) if decades < 2 else (1,))
    )
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
