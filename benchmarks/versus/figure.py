"""Figure: how fast learning and l1 codes converge."""

import numpy as np
from curves import fastest_points
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

#: One colour for a library in both panels (Okabe and Ito, which colour-blind readers tell apart).
COLORS = {
    "sparsecode": "#0072B2",
    "sparsecode, homeostasis": "#56B4E9",
    "SPAMS": "#D55E00",
    "scikit-learn": "#009E73",
    "celer": "#CC79A7",
    "skglm": "#E69F00",
}
MARKERS = {"SPAMS": "s", "scikit-learn": "^", "celer": "D", "skglm": "v"}
OTHER = "#555555"

#: Gaps below are rounding.
SMALLEST = 1e-16


def draw(curves, path):
    """Draw learning and l1 codes side by side."""
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    panel(left, choose(curves, "learning"), excess, "Learning", "seconds", "objective above the lowest, relative")
    panel(right, choose(curves, "l1"), gaps, "l1 codes", "microseconds per row", "largest relative duality gap")
    for axes, place in {left: "upper right", right: "lower right"}.items():  # where no line goes
        if axes.lines:
            axes.legend(frameon=False, fontsize=8, loc=place)
    figure.savefig(path, dpi=150)


def choose(curves, task):
    """Return the curves of a task that are drawn: 288 atoms, float64 and two threads, if they were measured."""
    found = [entry for entry in curves if entry["task"] == task]
    return max(found, key=lambda e: (e["K"] == 288, e["type"] == "float64", e["threads"]), default=None)


def panel(axes, entry, series, title, x_label, y_label):
    """Draw a line for each method."""
    axes.set(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=10)
    if entry is None:
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=OTHER)
        return
    setting = f"{entry['F']} features, {entry['K']} atoms, {entry['type']}, threads {entry['threads']}"
    axes.set_title(f"{title}: {setting}", loc="left", fontsize=10)
    for name, x, y in series(entry["points"]):
        color = COLORS.get(name, OTHER)
        if y is None:
            axes.axvline(x, color=OTHER, linestyle=":", label=name, zorder=1)
        else:
            ours = name.startswith("sparsecode")
            style = {"linewidth": 2, "markersize": 4} if ours else {"linewidth": 1, "markersize": 6}
            axes.plot(x, y, color=color, marker=MARKERS.get(name, "o"), label=name, zorder=3 if ours else 2, **style)
    axes.grid(alpha=0.25, linewidth=0.5)


def excess(points):
    """Yield by how much objectives are above the lowest that anybody has reached, until each has its own lowest."""
    lowest = min(value for found in points.values() for _, value in found)
    for name, found in points.items():
        seconds, values = np.array(found).T
        above = np.minimum.accumulate(values) / lowest - 1
        shown = above > 0  # the lowest of all has no place on a logarithmic axis
        yield name, seconds[shown], above[shown]


def gaps(points):
    """Yield gaps over microseconds: all of ours, others where they are fastest; what has no gap is a time alone."""
    for name, found in points.items():
        if found[0][1] is None:
            yield name, 1e6 * min(seconds for seconds, _ in found), None
        else:
            ours = name == "sparsecode"
            shown = sorted(found, key=lambda point: -point[1]) if ours else fastest_points(found)
            seconds, values = np.array(shown).T
            yield name, 1e6 * seconds, np.maximum(values, SMALLEST)
