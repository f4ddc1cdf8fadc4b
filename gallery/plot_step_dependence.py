"""
Hard and half thresholding depend on the step, soft and CEL0 do not
===================================================================

Forward-backward splitting repeats ``w <- prox(w + step g)`` with the correlations g of the residual. The threshold of
l0 is ``sqrt(2 alpha step)``: an inactive unit is admitted only where ``|g| > sqrt(2 alpha / step)``, although it
would pay from ``sqrt(2 alpha)`` on. With the largest step that is safe, 1 / L (L the largest eigenvalue of D D^T,
12.5 here), codes that start at zero stay nearly empty; with smaller ones they stay empty. What is admitted once is
hardly ever released, so that codes depend on where they start, too. l_{1/2} has the same defect, with a third root
for the square root. CEL0 has the minimisers of l0 and admits at ``sqrt(2 alpha)`` for every step; single best
replacement and coordinate descent, which `SparseCoder` uses, have no step. Forward-backward splitting warns.

The numbers to look at: active units and objective of each penalty at steps 1 / L and 1 / (14 L). The largest
correlation that is left out, in the right panel, follows ``sqrt(2 alpha / step)``. Rentzeperis, Calatroni, Perrinet
and Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol. 19(9) (2023), compare thresholds at steps of 0.01 and
0.1: the weights that give equal sparsity then belong to different problems.
"""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.penalties import CEL0, L0, L1, LHalf
from sparsecode.solvers import solve

N_TRAIN, N_TEST = 15_000, 300
ALPHA = 0.45  # of l0: a unit pays where its correlation is above sqrt(2 * 0.45) = 0.95
STEPS = np.array([1, 1 / 2, 1 / 4, 1 / 7, 1 / 14])  # in units of 1 / L
COLOURS = {"soft": "#d55e00", "half": "#cc79a7", "hard": "#999999", "CEL0": "#000000", "hard, from OMP": "#56b4e9"}

images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(12, n_patches=N_TRAIN + N_TEST, center=True, random_state=0).fit_transform(images)
X = patches[N_TRAIN:]
learner = SparseCoder(288, penalty=CEL0(ALPHA), max_iter=3, n_jobs=-1, random_state=0).fit(patches[:N_TRAIN])
D = learner.components_
L = np.linalg.norm(D, 2) ** 2
admits = np.sqrt(2 * ALPHA)

# Weights at which one unit of unit norm is admitted at the same correlation by exact minimisation
penalties = {"soft": L1(admits), "half": LHalf((2 / 3 * admits) ** 1.5), "hard": L0(ALPHA), "CEL0": CEL0(ALPHA)}
starts = {name: (penalty, None) for name, penalty in penalties.items()}
starts["hard, from OMP"] = L0(ALPHA), solve(X, D, L0(ALPHA), solver="omp", n_jobs=-1).codes
best = {name: solve(X, D, penalty, tol=1e-4, n_jobs=-1) for name, penalty in penalties.items()}

active = {name: [] for name in starts}
objective = {name: [] for name in starts}
left_out = {name: [] for name in starts}
for name, (penalty, start) in starts.items():
    for step in STEPS:
        options = {"init": start, "step": 0.999 * step / L, "tol": 1e-4, "n_jobs": -1}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the step decides which atoms enter: see above
            result = solve(X, D, penalty, solver="forward-backward", **options)
        active[name].append(np.count_nonzero(result.codes, axis=1).mean())
        objective[name].append((0.5 * result.square_error + result.penalty).mean())
        correlations = np.abs((X - result.codes @ D) @ D.T)
        left_out[name].append(correlations[result.codes == 0].max())

print(f"{len(X)} patches, alpha = {ALPHA}, 1 / L = {1 / L:.3f}")
for name in starts:
    exact = best.get(name.partition(",")[0])
    print(f"{name}: active units {', '.join(f'{value:.2f}' for value in active[name])}"
          f"; without a step {np.count_nonzero(exact.codes, axis=1).mean():.2f}")  # fmt: skip
    print(f"{name}: objective {', '.join(f'{value:.3f}' for value in objective[name])}"
          f"; without a step {(0.5 * exact.square_error + exact.penalty).mean():.3f}")  # fmt: skip
print(f"hard: left out {', '.join(f'{value:.2f}' for value in left_out['hard'])}")

figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
for name, colour in COLOURS.items():
    dash = (0, (3, 2)) if "OMP" in name else "-"
    style = {"color": colour, "label": name, "marker": "o", "markersize": 4, "linestyle": dash}
    axes[0].plot(STEPS, active[name], **style)
    axes[2].plot(STEPS, left_out[name], **style)
    if name not in ("soft", "half"):  # they minimise other objectives
        axes[1].plot(STEPS, objective[name], **style)
exact = 0.5 * best["hard"].square_error + best["hard"].penalty
axes[1].axhline(exact.mean(), color="#0072b2", linestyle=":", label="hard, single best replacement")
for name in ("hard", "half"):
    penalty, step = penalties[name], STEPS / L
    level = np.sqrt(2 * ALPHA / step) if name == "hard" else 1.5 * penalty.alpha ** (2 / 3) / np.cbrt(step)
    axes[2].plot(STEPS, level, color=COLOURS[name], linestyle=":")
axes[2].axhline(admits, color="0.5", linewidth=0.8)
axes[2].text(STEPS[-1], 0.93 * admits, "a unit pays above this", fontsize=8, color="0.3", va="top")
axes[0].set(ylabel="active units in a patch", title="what is active", ylim=(0, None))
axes[1].set(ylabel="0.5 ||x - w D||² + alpha ||w||₀, mean", title="the l0 objective")
axes[2].set(ylabel="largest correlation of an inactive unit", title="what is left out (dotted: admitted above)")
axes[2].set_yscale("log")
axes[2].set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
axes[2].minorticks_off()
for ax in axes:
    ax.set_xscale("log")
    ax.set_xticks(STEPS, ["1", "1/2", "1/4", "1/7", "1/14"])
    ax.minorticks_off()
    ax.set(xlabel="step, in units of 1 / L")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False, fontsize=9)
axes[1].legend(frameon=False, fontsize=9)
name = "plot_step_dependence.png"
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else name, dpi=120)
