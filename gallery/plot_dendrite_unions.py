"""
Several patterns at once
========================

When a network predicts, several patterns may be active together; and a segment can hold synapses for several patterns.
Both raise the rate of false positives only, and slowly as long as the union is sparse. Left: M patterns of 30 cells are
active at once, a segment of 20 synapses waits for 10. Right: a segment has 25 synapses for each of M patterns and
answers from 15 on, with 200 cells active.

The numbers to look at: how many patterns may be active at once with a rate below 1e-6, by the size of the population;
and what the usual formulas lack. Lines are exact, over all sizes that the union may have. Dotted: all patterns taken as
different, a bound. The mean size put in place of all sizes is a per cent low, too little to be seen here.

After figures of S. Ahmad and J. Hawkins, arXiv:1601.00720 (2016).
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.dendrites.theory import max_union, union_false_positive_rate, union_size

figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained", sharey=True)
settings = {
    "activity": (((1000, "#d55e00"), (4000, "#009e73"), (8000, "#0072b2")), (30, 20, 10)),
    "synapses": (((1000, "#d55e00"), (10_000, "#009e73"), (20_000, "#0072b2")), (200, 25, 15)),
}
patterns = np.arange(1, 41)
for ax, (union, (sizes, (a, s, theta))) in zip(axes, settings.items(), strict=True):
    for n, colour in sizes:
        for method, style in (("exact", "-"), ("bound", ":")):
            rates = union_false_positive_rate(n, a, s, theta, patterns, union=union, method=method)
            ax.semilogy(patterns, rates, style, color=colour, label=f"{n} cells" if method == "exact" else None)
        print(f"{union}, {n} cells: up to {max_union(n, a, s, theta, 1e-6, union=union)} patterns at a rate of 1e-6")
    n = sizes[0][0]
    exact, mean = (union_false_positive_rate(n, a, s, theta, 2, union=union, method=m) for m in ("exact", "mean"))
    print(f"{union}, {n} cells, two patterns: {exact:.3g}, with the mean size {mean:.3g} ({mean / exact - 1:+.1%})")
    ax.legend(frameon=False, loc="lower right")
print(f"20 patterns of 30 cells among 1000: {union_size(1000, 30, 20):.0f} cells are active")
axes[0].set(
    xlabel="patterns active at once", ylabel="rate of false positives", ylim=(1e-24, 3), title="union of activity"
)
axes[1].set(xlabel="patterns on the segment", title="union of synapses")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_dendrite_unions.png", dpi=150)
