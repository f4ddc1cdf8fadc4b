"""
All penalties on one page
=========================

A penalty is known by what its proximal operator does to a coefficient: from where on it lets the coefficient in, and
how much it takes away from it afterwards. Each panel shows that for atoms of unit norm at a step of 1/2, with the
weight at which a correlation of 1 is just let in; the grey line takes nothing away. The l1 kin (soft, elastic net,
weighted l1) never stop taking. MCP and SCAD stop beyond a bend, l0 and CEL0 take nothing from what they let in; half,
two thirds and log-sum take less and less. Two penalties have no curve of their own, since they look at the whole code:
k-sparse and sparse envelope (k = 1) are drawn for a coefficient beside another one of 1. The last panel is a penalty
of the user's own, written below in two lines of mathematics: a line up to 1, and a parabola beyond.

The numbers to look at: the error of patches of a photograph, coded with the same atoms, of which 5 per cent are
active. What is lost to shrinkage comes back by least squares on the same support ("refitted"): errors of the l1 kin
fall by more than half, those of l0, CEL0 and k-sparse codes, which are fitted already, not at all. What is left is
which atoms were chosen: refitted, l1 has 1.8 times the error of CEL0, while half, log-sum and MCP come near to it. A
fixed number of atoms for each patch is dear: k-sparse codes have twice the error of l0, which uses as many in the mean.

The penalty of one's own is the reverse Huber norm: A. B. Owen, "A robust hybrid of lasso and ridge regression",
Contemp. Math. 443 (2007).
"""

from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener, penalties
from sparsecode.datasets import natural_images
from sparsecode.metrics import relative_error
from sparsecode.solvers import debias

ACTIVE, STEP = 0.05, 0.5


@penalties.separable
class BoundBerhu(NamedTuple):
    entry: np.ndarray
    positive: bool

    def cost(self, m, j):
        return self.entry[j] * (m if m < type(m)(1) else type(m)(0.5) * (m * m + type(m)(1)))

    def shrink(self, m, step, j):
        tau = step * self.entry[j]
        return max(m - tau, type(m)(0)) if m < type(m)(1) + tau else m / (type(m)(1) + tau)


class Berhu(penalties.Penalty):
    convex = True

    def __init__(self, alpha=None, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        return BoundBerhu((self.alpha / gains).astype(dtype), self.positive)

    def _alpha_max(self, C, squared_norms):
        return C


# %%
# Atoms that l1 has learned, and patches of another photograph.
images = Whitener().fit_transform(natural_images())
test = PatchExtractor(10, n_patches=500, center=True, random_state=0).fit_transform([images.pop(4)])
patches = PatchExtractor(10, n_patches=5_000, center=True, random_state=0).fit_transform(images)
learner = SparseCoder(200, target_sparsity=ACTIVE, max_iter=2, random_state=0).fit(patches)
atoms = learner.components_
# What is used often gets cheaper, as in the adaptive lasso
usage = np.abs(learner.transform(test)).mean(axis=0)
weights = (usage.mean() / (usage + 0.1 * usage.mean())) ** 0.5

PENALTIES = {
    "l1": penalties.L1(),
    "elastic net": penalties.ElasticNet(l1_ratio=0.7),
    "weighted l1": penalties.WeightedL1(weights=weights),
    "l0": penalties.L0(),
    "CEL0": penalties.CEL0(),
    "MCP": penalties.MCP(gamma=1.5),
    "SCAD": penalties.SCAD(gamma=2.5),
    "half": penalties.LHalf(),
    "two thirds": penalties.LTwoThirds(),
    "log-sum": penalties.LogSum(eps=0.1),
    "k-sparse": penalties.KSparse(round(ACTIVE * len(atoms))),
    "sparse envelope": penalties.SparseEnvelope(1.0, 3),
    "own: reverse Huber": Berhu(),
}


def curve(name, penalty, x):
    """Return proximal points of x; of a coefficient beside one of 1 for penalties of whole codes."""
    if name in ("k-sparse", "sparse envelope"):
        single = penalty.replace(n_nonzero_coefs=1)
        return single.prox(np.column_stack([x, np.ones_like(x)]), STEP)[:, 0]
    one = penalty.replace(weights=[1.0]) if name == "weighted l1" else penalty
    return one.replace(alpha=one.alpha_max([[1.0]])[0]).prox(x[:, None], STEP)[:, 0]


errors = {}
for name, penalty in PENALTIES.items():
    level = {} if name in ("k-sparse", "sparse envelope") else {"target_sparsity": ACTIVE}
    coder = SparseCoder(penalty=penalty, dictionary=atoms, encode_tol=1e-3, **level).fit(test)
    codes = coder.transform(test)
    errors[name] = [relative_error(test, w @ atoms) for w in (codes, debias(test, atoms, codes))]
    taken = 3 - curve(name, penalty, np.array([3.0]))[0]
    print(
        f"{name}: takes {taken:.2f} of 3, error {errors[name][0]:.3f}, refitted {errors[name][1]:.3f}, "
        f"{100 * np.mean(codes != 0):.1f} % active"
    )

# %%
figure = plt.figure(figsize=(13, 7), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1.5, 1])
x = np.linspace(0, 4, 801)
axes = top.subplots(2, 7, sharex=True, sharey=True).flat
for ax, (name, penalty) in zip(axes, PENALTIES.items(), strict=False):
    y = curve(name, penalty, x)
    (jump,) = np.nonzero(np.diff(y) > 0.1)
    ax.plot(x, x, color="0.7", linewidth=0.8)
    ax.plot(np.insert(x, jump + 1, np.nan), np.insert(y, jump + 1, np.nan), color="#0072b2")
    ax.vlines(x[jump], y[jump], y[jump + 1], color="#0072b2", linewidth=0.8, linestyle=":")
    ax.set_title(name, fontsize=10)
    ax.set(aspect="equal", xticks=[0, 2, 4], yticks=[0, 2, 4])
    ax.spines[["top", "right"]].set_visible(False)
top.supxlabel("coefficient", fontsize=10)
top.supylabel("what the threshold makes of it", fontsize=10)
axes[13].set_axis_off()
axes[13].text(0, 3.6, "grey: nothing is\ntaken away\n\ndotted: a jump", fontsize=9, va="top")

ax = bottom.subplots()
places = np.arange(len(errors))
plain, refitted = np.transpose(list(errors.values()))
ax.bar(places - 0.2, plain, 0.38, color="#d55e00", label="codes")
ax.bar(places + 0.2, refitted, 0.38, color="#0072b2", hatch="//", edgecolor="w", label="refitted on their support")
ax.set_xticks(places, [name.replace(": ", ":\n").replace(" ", "\n", 1) for name in errors], fontsize=9)
ax.set(ylabel="relative error", title=f"patches of a photograph, {100 * ACTIVE:g} % of {len(atoms)} atoms active")
ax.set_xlim(-0.7, len(errors) - 0.3)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_all_penalties.png", dpi=120)
