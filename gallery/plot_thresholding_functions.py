"""
Thresholding functions, and where they admit and release a unit
===============================================================

Forward-backward splitting moves a code w along the correlations g of the residual with the atoms and thresholds
it: ``w <- prox(w + step g)``. An inactive unit (w = 0) is admitted where the threshold of ``step g`` is not zero; an
active one is released where its coefficient falls below the least one that the threshold returns. With the soft
threshold and that of CEL0 neither level depends on the step. The hard one admits a unit above ``sqrt(2 alpha / step)``
and keeps it down to ``sqrt(2 alpha step)``, the half one in between: with small steps a code that starts at zero
stays there, although one unit alone would lower the objective.

The numbers to look at: by what factor the correlation that admits a unit grows when the step falls from 1 to 1/100,
for atoms of unit norm and weights that admit a correlation of 1 at step 1. It is 10 for the hard threshold, 100^(1/3)
= 4.64 for the half one, and 1 for soft, CEL0 and MCP.

Soft, hard, half and CEL0 thresholds are those that I. Rentzeperis, L. Calatroni, L. U. Perrinet and D. Prandi
compare in "Beyond l1 sparse coding in V1", PLoS Comput. Biol. 19(9):e1011459 (2023); the curves are drawn from their
formulas, not after a figure of theirs. That CEL0 removes local minimisers of the l0 problem, and keeps the global
ones, is the result of E. Soubies, L. Blanc-Feraud and G. Aubert, SIAM J. Imaging Sci. 8(3) (2015).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.penalties import CEL0, L0, L1, MCP, LHalf, LogSum

penalties = {
    "soft": L1(),
    "hard": L0(),
    "half": LHalf(),
    "CEL0": CEL0(),
    "MCP": MCP(gamma=1.5),
    "log-sum": LogSum(eps=0.1),
}
penalties = {name: pen.replace(alpha=pen.alpha_max([[1.0]])[0]) for name, pen in penalties.items()}
colours = dict(zip(penalties, ["#0072b2", "#d55e00", "#cc79a7", "#000000", "#56b4e9", "#009e73"], strict=True))


def levels(penalty, step):
    """Return the least correlation that admits a unit, and the least coefficient that the threshold returns."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if penalty.prox([[step * middle]], step)[0, 0] else (middle, high)
    return high, penalty.prox([[step * high]], step)[0, 0]


steps = np.geomspace(0.01, 0.999, 61)  # at 1 the threshold of CEL0 becomes the hard one
curves = {name: np.array([levels(penalty, step) for step in steps]) for name, penalty in penalties.items()}
for title, column in {"admits at correlation": 0, "releases below coefficient": 1}.items():
    print(f"step 1/100 {title}:", ", ".join(f"{name} {curve[0, column]:.2f}" for name, curve in curves.items()))

figure = plt.figure(figsize=(11, 6.4), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.5])
axes = top.subplots(1, len(penalties), sharex=True, sharey=True)
x = np.linspace(0, 1.5, 3001)
for ax, (name, penalty) in zip(axes, penalties.items(), strict=True):
    ax.plot(x, x, color="0.8", linewidth=0.8)
    for step, style in ((0.9, "-"), (0.1, (0, (4, 1.5)))):
        y = penalty.prox(x[:, None], step)[:, 0]
        (jump,) = np.nonzero(np.diff(y) > 0.05)
        ax.plot(np.insert(x, jump + 1, np.nan), np.insert(y, jump + 1, np.nan), color=colours[name], linestyle=style)
        ax.vlines(x[jump], 0, y[jump + 1], color=colours[name], linewidth=0.8, linestyle=":")
    ax.set_title(name, fontsize=10)
    ax.set(aspect="equal", xlabel="input", xticks=[0, 1], yticks=[0, 1])
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("prox(input)")
axes[0].plot([], [], "k-", label="step 0.9")
axes[0].plot([], [], "k", linestyle=(0, (4, 1.5)), label="step 0.1")
axes[0].legend(frameon=False, fontsize=8, loc="upper left", handlelength=2, borderpad=0)

admit, release = bottom.subplots(1, 2)
coincide = {"soft": (5, "-"), "CEL0": (2.5, "-"), "MCP": (1.5, (0, (3, 3)))}
for name, curve in curves.items():
    width, dash = coincide.get(name, (1.8, "-"))
    style = {"color": colours[name], "linewidth": width, "linestyle": dash, "label": name, "clip_on": False}
    admit.loglog(steps, curve[:, 0], **style)
    release.semilogx(steps, curve[:, 1], **style)
admit.set(ylabel="correlation that admits a unit", ylim=(0.8, 12), title="where an inactive unit enters")
release.set(ylabel="least coefficient that stays active", ylim=(-0.03, 1.05), title="where an active unit leaves")
admit.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
for ax in (admit, release):
    ax.set(xlabel="step, in units of 1 / (squared norm of the atom)", xlim=(0.01, 1))
    ax.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
admit.legend(frameon=False, fontsize=9)

name = "plot_thresholding_functions.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=120)
