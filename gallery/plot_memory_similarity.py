"""
Similar inputs get similar codes
================================

A macrocolumn draws the code of a new input: one winner among the K units of each module, with chances that follow how
much of the input each unit knows. Where nothing is known all units have the same chance; where all is known the old
winners have nearly all of it. So the code of an input overlaps with a stored one the more, the more they share.

One bar of 12 pixels is stored, and probed by bars whose upper pixels have moved to the next column. Left: the expected
share of modules that agree, for rules by name (`Selection`). Right: the same where 60 random items are stored too. A
fixed rule with a sharp match (V^10) tells only near copies from the rest. The adaptive floor, the familiarity that
crosstalk alone gives, keeps a graded curve.

The number to look at: the share of modules that agree for 8 of 12 common pixels, alone and with 60 others (chance is
0.06). Curves as in G. J. Rinkus, "A cortical sparse distributed coding model linking mini- and macrocolumn-scale
functionality", Front. Neuroanat. 4:17 (2010), whose constants are not those of any one line here.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.sdr import MacrocolumnMemory, Selection, similarity_curve, win_probabilities

SIDE, ACTIVE, MODULES, UNITS, SEEDS = 12, 12, 25, 16, 20
RULES = {
    "adaptive (default)": (Selection(), "#0072b2", "o-"),
    "rinkus2014, V^1": (Selection.preset("rinkus2014").replace(support_power=1.0), "#d55e00", "s-"),
    "rinkus2014 (V^10)": (Selection.preset("rinkus2014"), "#d55e00", "s:"),
    "sparseypy": (Selection.preset("sparseypy"), "#009e73", "^-"),
    "vmu_demo": (Selection.preset("vmu_demo"), "#cc79a7", "v-"),
    "rinkus2010": (Selection.preset("rinkus2010"), "#000000", "d-"),
}

bars = np.zeros((ACTIVE + 1, SIDE, SIDE), bool)
for moved in range(ACTIVE + 1):
    bars[moved, :moved, 4] = bars[moved, moved:, 5] = True
probes = bars.reshape(ACTIVE + 1, -1)
common = (probes & probes[0]).sum(axis=1)


def agreement(rule, n_others, seed):
    """Expected share of modules in which each probe would get the winner of the bar that was stored first."""
    rng = np.random.default_rng(seed)
    others = np.zeros((n_others, SIDE * SIDE), bool)
    for item in others:
        item[rng.choice(SIDE * SIDE, ACTIVE, replace=False)] = True
    memory = MacrocolumnMemory(MODULES, UNITS, selection=rule, store_items=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # by most fixed rules a few units win nearly always
        memory.fit(np.concatenate([probes[:1], others]))
    weights, own, fill = memory.weights_, memory.codes_[0], memory.unit_fill_.max(axis=1).mean()
    chances = [win_probabilities(weights[probe].mean(axis=0), ACTIVE, rule, fill) for probe in probes]
    return np.array([chance[np.arange(MODULES), own].mean() for chance in chances])


figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained", width_ratios=[0.8, 1, 1])
axes[0].set_axis_off()
axes[0].set_title("stored, and probes")
for place, moved in enumerate((0, 2, 4, 8, 10, 12)):
    inset = axes[0].inset_axes([0.02 + 0.33 * (place % 3), 0.54 - 0.5 * (place // 3), 0.3, 0.4])
    inset.imshow(bars[moved], cmap="gray_r", interpolation="nearest")
    inset.set(xticks=[], yticks=[], title=f"{common[moved]} common")
    inset.title.set_fontsize(9)

for name, (rule, colour, style) in RULES.items():
    alone = similarity_curve(ACTIVE, UNITS, rule)
    crowded = np.mean([agreement(rule, 60, seed) for seed in range(SEEDS)], axis=0)
    for ax, x, y in ((axes[1], np.arange(ACTIVE + 1), alone), (axes[2], common, crowded)):
        ax.plot(x, y, style, color=colour, markersize=4, label=name)
    print(f"{name}: agreement for 8 common pixels {alone[8]:.2f}, with 60 others {crowded[common == 8][0]:.2f}")
for ax, title in zip(axes[1:], ("nothing else stored", "with 60 random items"), strict=True):
    ax.axhline(1 / UNITS, color="0.6", linewidth=0.8, linestyle="--")
    ax.set(xlabel="pixels in common with the stored bar", ylabel="modules that agree", title=title, ylim=(0, 1.03))
axes[1].legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 0.05))

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_memory_similarity.png", dpi=120)
