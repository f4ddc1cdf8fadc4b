# %% [markdown]
# The l1 norm makes codes sparse, and it makes them small: every active weight is pulled towards zero. Counting active
# atoms instead, as the l0 "norm" does, would not pull. Papers that compare the two often conclude that l0 finds
# better codes. Is that because it chooses better atoms (*support*), or only because it does not shrink them
# (*shrinkage*)? You will take the two apart.
#
# The objective is **F(w) = ½ ‖x − w D‖² + α ‖w‖₀**, where ‖w‖₀ counts the weights that are not zero. Atoms have
# length one throughout.

# %% tags=["setup"]
import time

import matplotlib.pyplot as plt
import numpy as np

import sparsecode
from sparsecode import Dictionary, PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.labs import lab3
from sparsecode.penalties import L0, L1
from sparsecode.solvers import debias, solve

print("sparsecode", sparsecode.__version__)

# %% [markdown]
# Patches and atoms are those of lab 1: whitened photographs, and 288 Gabor functions of two sizes.

# %%
images = Whitener().fit_transform(natural_images())
X = PatchExtractor(12, n_patches=600, center=True, random_state=0).fit_transform(images)
X /= X.std()
steps = np.arange(8) * np.pi / 8, [0, np.pi / 2], [0.12, 0.22], [-3.5, 0, 3.5], [-3.5, 0, 3.5]
theta, phase, frequency, x0, y0 = (grid.ravel() for grid in np.meshgrid(*steps, indexing="ij"))
gabor = Dictionary.gabor(
    (12, 12),
    theta=theta,
    phase=phase,
    frequency=frequency,
    x0=x0,
    y0=y0,
    sigma_x=0.3 / frequency,
    sigma_y=0.4 / frequency,
)
D = gabor.matrix / np.linalg.norm(gabor.matrix, axis=1, keepdims=True)


def error(W):
    """Return the squared error of codes of X, as a share of the squared patches."""
    return np.sum((X - W @ D) ** 2) / np.sum(X**2)


def activity(W):
    """Return the mean number of active atoms."""
    return np.count_nonzero(W, axis=1).mean()


# %% [markdown]
# ## 3.1 A price for each atom (5 min)
#
# One atom again: which w makes ½ (w − u)² + step · α · [w ≠ 0] smallest? The bracket is 1 if w is not zero. As in lab
# 1 this is what a solver does after a gradient step of that length.


# %%
def hard_threshold(u, step, alpha):
    """Return the w that minimises 0.5 (w - u)^2 + step * alpha * [w != 0], for each entry of u."""
    # BEGIN SOLUTION
    return np.where(u**2 > 2 * step * alpha, u, 0)
    # END SOLUTION


# %%
hard_threshold = lab3.hard_threshold.check(hard_threshold)

# %% [markdown]
# ## 3.2 A threshold without a jump (9 min)
#
# The jump makes trouble: what a solver finds depends on the step, and many atoms never get in. CEL0, a *continuous
# exact* relaxation, is a penalty with a knee at k = √(2α). For one weight of a unit atom it is
#
# - α − ½ (k − |w|)² up to the knee, |w| ≤ k;
# - α beyond it.
#
# It has the same global minima as l0, and fewer local ones. Write its threshold for a step below 1, in three zones.


# %%
def firm_threshold(u, step, alpha):
    """Return the w that minimises 0.5 (w - u)^2 + step * CEL0(w), for each entry of u, for step < 1."""
    # BEGIN SOLUTION
    knee = np.sqrt(2 * alpha)
    ramp = np.sign(u) * np.maximum(np.abs(u) - step * knee, 0) / (1 - step)
    return np.where(np.abs(u) >= knee, u, ramp)
    # END SOLUTION


# %%
firm_threshold = lab3.firm_threshold.check(firm_threshold)


# %%
def soft_threshold(u, step, alpha):
    return np.sign(u) * np.maximum(np.abs(u) - step * alpha, 0)


def descend(X, D, threshold, alpha, n_iter=200):
    """Gradient steps and thresholds for all patches at once, from zero."""
    step = 0.99 / np.linalg.norm(D, 2) ** 2
    W = np.zeros((len(X), len(D)))
    for _ in range(n_iter):
        W = threshold(W + step * (X - W @ D) @ D.T, step, alpha)
    return W


for name, threshold, alpha in (("soft", soft_threshold, 2), ("hard", hard_threshold, 2), ("firm", firm_threshold, 2)):
    W = descend(X[:100], D, threshold, alpha)
    wrong = np.sum((X[:100] - W @ D) ** 2) / np.sum(X[:100] ** 2)
    print(f"{name} threshold, alpha = {alpha}: {activity(W):.1f} atoms active, error {wrong:.3f}")

# %% [markdown]
# ## 3.3 Refit (6 min)
#
# To take the shrinkage out of a code, keep its active atoms and find their weights again by least squares.


# %%
def refit(w, x, D):
    """Return the code with the same active atoms as w whose error is least."""
    # BEGIN SOLUTION
    w = w.copy()
    active = w != 0
    if active.any():
        w[active] = np.linalg.lstsq(D[active].T, x, rcond=None)[0]
    return w
    # END SOLUTION


# %%
refit = lab3.refit.check(refit)

# %% [markdown]
# **Predict first.** The l1 codes below have about five active atoms. With the same atoms and the best weights for
# them, how much of the squared error goes away? (a) Less than a tenth, (b) a third to a half, (c) more than nine
# tenths.

# %%
# BEGIN SOLUTION
gain = "b"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: gain = ...  # "a", "b" or "c"
lab3.gain.check(gain)

# %%
W_l1 = solve(X, D, L1(3.0)).codes
W_refit = np.array([refit(w, x, D) for w, x in zip(W_l1, X)])
print(f"l1: {activity(W_l1):.1f} atoms active, error {error(W_l1):.3f}; the same atoms, refitted: {error(W_refit):.3f}")
print(f"share of the error that was shrinkage: {1 - error(W_refit) / error(W_l1):.2f}")
lab3.gain.reveal()

# %% [markdown]
# ## 3.4 Orthogonal matching pursuit (9 min)
#
# A greedy way to l0: the atom with the largest correlation with the residual (in size) enters; the weights of all
# active atoms are found anew, by 3.3; and so on. When to stop? Not at a fixed number of atoms: a blank patch needs
# none. Stop where the best atom no longer pays: where entering it, alone, would lower ½ ‖residual‖² by no more than
# its price α. Write this rule as a limit on the correlation.


# %%
def pursuit(x, D, alpha):
    """Return the code of x by orthogonal matching pursuit, for unit atoms and a price of alpha an atom."""
    # BEGIN SOLUTION
    w = np.zeros(len(D))
    while np.count_nonzero(w) < len(x):
        g = D @ (x - w @ D)
        best = np.argmax(np.abs(g))
        if g[best] ** 2 / 2 <= alpha:
            break
        w[best] = g[best]
        w = refit(w, x, D)
    return w
    # END SOLUTION


# %%
pursuit = lab3.pursuit.check(pursuit)

# %%
W_pursuit = np.array([pursuit(x, D, 2.0) for x in X])
print(f"pursuit: {activity(W_pursuit):.1f} atoms active, error {error(W_pursuit):.3f}")

# %% [markdown]
# ## 3.5 At equal activity (7 min)
#
# α means something else in each method, so we set it by what can be compared: the mean number of active atoms. Given
# a function `active_at(alpha)`, which falls as alpha grows, find the alpha at which it has a target value. Values
# between 0.0001 and 1000 are possible.


# %%
def match_activity(active_at, target):
    """Return the alpha at which `active_at(alpha)` is as large as the target, within a per cent or so."""
    # BEGIN SOLUTION
    low, high = 1e-4, 1e3
    for _ in range(40):
        middle = np.sqrt(low * high)
        if active_at(middle) > target:
            low = middle
        else:
            high = middle
    return middle
    # END SOLUTION


# %%
match_activity = lab3.match_activity.check(match_activity)

# %%
alpha = match_activity(lambda alpha: activity(solve(X, D, L1(alpha)).codes), 4.0)
print(f"l1 has 4 active atoms at alpha = {alpha:.3f}: error {error(solve(X, D, L1(alpha)).codes):.3f}")
alpha = match_activity(lambda alpha: activity(solve(X, D, L0(alpha), solver="omp").codes), 4.0)
print(f"pursuit has them at alpha = {alpha:.3f}: error {error(solve(X, D, L0(alpha), solver='omp').codes):.3f}")

# %% [markdown]
# ## 3.6 Find the flaw (3 min)
#
# A poster shows: "l1 and CEL0, each with α = 0.5, on the same 10 000 patches and with the same dictionary. Error of
# l1 0.09, of CEL0 0.06. CEL0 codes better." What is wrong? (a) The patches should differ. (b) The squared error
# favours CEL0. (c) Equal α is not an equal chance. (d) The dictionary should differ.

# %%
# BEGIN SOLUTION
fair = "c"
# END SOLUTION
# STUB: fair = ...  # "a", "b", "c" or "d"

# %%
fair = lab3.fair.check(fair)

# %% [markdown]
# ## The library does the same in one line
#
# `solve` has all these penalties and solvers, `debias` is the refit, and `compare_coders` measures methods at matched
# activity. For l0 and CEL0 it uses single best replacement, which finds lower minima than gradient steps or pursuit.

# %%
print(f"refit, largest difference: {np.abs(W_refit - debias(X, D, W_l1)).max():.1e}")
solve(X[:2], D, L0(2.0), solver="omp")  # compiles
start = time.perf_counter()
W_library = solve(X, D, L0(2.0), solver="omp").codes
seconds_library = time.perf_counter() - start
start = time.perf_counter()
again = np.array([pursuit(x, D, 2.0) for x in X])
seconds_mine = time.perf_counter() - start
print(f"pursuit, largest difference: {np.abs(again - W_library).max():.1e}")
print(f"milliseconds a patch: yours {1e3 * seconds_mine / len(X):.2f}, library {1e3 * seconds_library / len(X):.4f}")

# %%
from sparsecode.coding import compare_coders

coders = {
    "l1": SparseCoder(penalty="l1"),
    "pursuit": SparseCoder(penalty="l0", solver="omp"),
    "CEL0": SparseCoder(penalty="cel0"),
}
levels = [2, 3, 4, 6, 8, 10]
table = compare_coders(coders, X, mean_l0=levels, dictionary=D)
errors = {name: table.relative_error.sel(coder=name).values.ravel() for name in coders}
errors["l1, refitted"] = table.debiased_error.sel(coder="l1").values.ravel()
print("active atoms  " + "".join(f"{level:8d}" for level in levels))
for name in ("l1", "l1, refitted", "pursuit", "CEL0"):
    print(f"{name:14s}" + "".join(f"{value:8.3f}" for value in errors[name]))
shrinkage = (errors["l1"] - errors["l1, refitted"]) / (errors["l1"] - errors["CEL0"])
print("share of the distance of l1 to CEL0 that is shrinkage:", np.round(shrinkage, 2))

# %% [markdown]
# ## What you have made
#
# The error against the number of active atoms. From l1 to l1 refitted: the same atoms, without shrinkage. From there
# to CEL0: other atoms. The crosses are your own pursuit.

# %%
figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
figure.suptitle("Most of what separates l1 from l0 is shrinkage; the rest is the choice of atoms")
styles = {
    "l1": ("#d55e00", "s-"),
    "l1, refitted": ("#d55e00", "s--"),
    "pursuit": ("#009e73", "^-"),
    "CEL0": ("#0072b2", "o-"),
}
for name, (colour, style) in styles.items():
    ax.plot(levels, errors[name], style, color=colour, label=name, fillstyle="none")
for alpha in (1.0, 2.0, 6.0):
    W = np.array([pursuit(x, D, alpha) for x in X])
    ax.plot(activity(W), error(W), "kx", markersize=8, label="your pursuit" if alpha == 1 else None)
ax.fill_between(levels, errors["l1, refitted"], errors["l1"], color="#d55e00", alpha=0.12, label="shrinkage")
ax.fill_between(levels, errors["CEL0"], errors["l1, refitted"], color="#0072b2", alpha=0.12, label="support")
ax.set(xlabel="active atoms in a patch, on average", ylabel="error", ylim=(0, None))
ax.legend(frameon=False, ncols=2)
plt.show()

# %% [markdown]
# ## 3.7 So which is it? (3 min)
#
# The disadvantage of l1 is (a) all shrinkage, (b) mostly shrinkage, and some of it worse atoms, (c) all worse atoms.

# %%
# BEGIN SOLUTION
share = "b"
# END SOLUTION
# STUB: share = ...  # "a", "b" or "c"

# %%
share = lab3.share.check(share)

# %%
lab3.report()

# %% [markdown]
# ## In short
#
# - l0 keeps or drops; what it keeps it does not shrink. Its threshold jumps at √(2 · step · α).
# - CEL0 has the minima of l0 and a threshold without a jump, so that steps matter less.
# - A refit takes the shrinkage out of l1 and leaves its choice of atoms.
# - Pursuit that stops where no atom pays spends atoms where they are needed.
# - Methods are compared at equal activity, not at equal α.
# - **Think:** should a neuron shrink? What could small, graded weights be good for that a refit destroys?
#
# ## Going further
#
# - E. Soubies, L. Blanc-Féraud and G. Aubert, "A continuous exact l0 penalty (CEL0) for least squares regularized
#   problem", SIAM J. Imaging Sci. 8(3) (2015): why its minima are those of l0.
# - W. Rentzeperis, L. Calatroni, L. U. Perrinet and D. Prandi, "Beyond l1 sparse coding in V1", PLoS Comput. Biol.
#   19(9) (2023): what it means for receptive fields. `plot_l1_cel0_omp.py` in the gallery codes a whole photograph.
