# %% [markdown]
# A patch of an image, x, is to be written as a sum of few *atoms*. Atoms are the rows of a matrix D, weights make the
# code w, and the sum is w D. A good code rebuilds x and has few weights that are not zero. One way to ask for both:
#
# **F(w) = ½ ‖x − w D‖² + α ‖w‖₁**, where ‖w‖₁ is the sum of all |w_j|.
#
# You will write a solver for it from nothing, prove that it has arrived, and meet the library at the end.

# %% tags=["setup"]
import time

import matplotlib.pyplot as plt
import numpy as np

import sparsecode
from sparsecode import Dictionary, PatchExtractor, Whitener
from sparsecode.datasets import natural_images
from sparsecode.labs import lab1

print("sparsecode", sparsecode.__version__)

# %% [markdown]
# ## Patches and atoms
#
# 1000 patches of 12 × 12 pixels come from nine photographs, whitened (lab 2 says why), in units of their standard
# deviation. The atoms are 288 Gabor functions, much like the receptive fields of simple cells in V1: 8 orientations,
# 2 phases, 2 sizes and 9 places.

# %%
images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(12, n_patches=1000, center=True, random_state=0).fit_transform(images)
patches /= patches.std()

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
x = patches[11]
print("patches", patches.shape, " atoms", D.shape, " one patch", x.shape)

# %% [markdown]
# ## 1.1 The soft threshold (6 min)
#
# With a single atom of length one, the problem is one number: which w makes ½ (w − u)² + t |w| smallest, for a given
# u? Too far from u costs by the square, and each unit of size costs t. Find w with pencil and paper (three cases: w
# above, below and at zero), then write it for whole arrays.


# %%
def soft_threshold(u, t):
    """Return the w that minimises 0.5 (w - u)^2 + t |w|, for each entry of u."""
    # BEGIN SOLUTION
    return np.sign(u) * np.maximum(np.abs(u) - t, 0)
    # END SOLUTION


# %%
soft_threshold = lab1.soft_threshold.check(soft_threshold)

# %% [markdown]
# If you are stuck: `lab1.soft_threshold.hint()` gives one hint after the other, `lab1.soft_threshold.solution()` the
# solution, after two tries. If a check fails, the lab goes on with a solution of its own, so that nothing below
# breaks.

# %% [markdown]
# ## 1.2 A step that is safe (6 min)
#
# With many atoms we go downhill. The gradient of ½ ‖x − w D‖² changes as w changes; the *Lipschitz constant* L is the
# most it changes per unit of w, over all directions. A step of 1 / L cannot overshoot. Compute L from D.


# %%
def lipschitz(D):
    """Return the largest change of the gradient of 0.5 ||x - w D||^2 per unit of change of w."""
    # BEGIN SOLUTION
    return np.linalg.norm(D, 2) ** 2
    # END SOLUTION


# %%
lipschitz = lab1.lipschitz.check(lipschitz)

# %% [markdown]
# ## 1.3 One step of ISTA (8 min)
#
# ISTA, the *iterative shrinkage-thresholding algorithm*, repeats two half-steps: down the gradient of the squared
# error, as if there were no penalty; then the threshold of 1.1, as if there were no error. Write one round. The step
# is given; think about how much the threshold may shrink in a step that is not 1.


# %%
def ista_step(w, x, D, alpha, step):
    """Return the code after one round of ISTA from w."""
    # BEGIN SOLUTION
    return soft_threshold(w + step * (D @ (x - w @ D)), step * alpha)
    # END SOLUTION


# %%
ista_step = lab1.ista_step.check(ista_step)

# %% [markdown]
# Many rounds make a solver. This one keeps the objective after each round.

# %%
alpha = 0.5


def objective(w, x, D, alpha):
    return 0.5 * np.sum((x - w @ D) ** 2) + alpha * np.sum(np.abs(w))


def ista(x, D, alpha, n_iter):
    w, step = np.zeros(len(D)), 1 / lipschitz(D)
    curve = []
    for _ in range(n_iter):
        w = ista_step(w, x, D, alpha, step)
        curve.append(objective(w, x, D, alpha))
    return w, np.array(curve)


w_ista, curve_ista = ista(x, D, alpha, 300)
print(f"objective {objective(np.zeros(len(D)), x, D, alpha):.2f} at zero, {curve_ista[0]:.2f} after one round, "
      f"{curve_ista[-1]:.4f} after 300")  # fmt: skip
print(f"{np.count_nonzero(w_ista)} of {len(D)} atoms are active")

# %% [markdown]
# ## 1.4 Momentum (8 min)
#
# ISTA creeps where atoms resemble each other. FISTA (Beck and Teboulle, 2009) takes the same step from another point
# v, which lies beyond the last code, on the way from the one before:
#
# - start with w = v = 0 and t = 1;
# - new w: one ISTA step from v;
# - new t = (1 + √(1 + 4 t²)) / 2;
# - new v = new w + ((t − 1) / new t) · (new w − old w).
#
# **Predict first.** To come within 10⁻⁶ of the minimum, FISTA needs, compared with ISTA, (a) as many rounds, (b)
# about half, (c) a quarter or fewer?

# %%
# BEGIN SOLUTION
speed = "b"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: speed = ...  # "a", "b" or "c"
lab1.speed.check(speed)


# %%
def fista(x, D, alpha, n_iter):
    """Return the code after some rounds of FISTA, from zero."""
    # BEGIN SOLUTION
    w = v = np.zeros(len(D))
    t, step = 1.0, 1 / lipschitz(D)
    for _ in range(n_iter):
        w_old, w = w, ista_step(v, x, D, alpha, step)
        t_old, t = t, (1 + np.sqrt(1 + 4 * t**2)) / 2
        v = w + (t_old - 1) / t * (w - w_old)
    return w
    # END SOLUTION


# %%
fista = lab1.fista.check(fista)

# %%
rounds = np.unique(np.geomspace(1, 1500, 50).astype(int))
curve_ista = ista(x, D, alpha, 6000)[1]
curve_fista = np.array([objective(fista(x, D, alpha, n), x, D, alpha) for n in rounds])
lowest = min(curve_ista.min(), curve_fista.min())
needed = [
    int(np.argmax(curve_ista - lowest < 1e-6 * lowest)) + 1,
    int(rounds[np.argmax(curve_fista - lowest < 1e-6 * lowest)]),
]
print(f"rounds to within 1e-6 of the minimum: ISTA {needed[0]}, FISTA about {needed[1]}")
lab1.speed.reveal()

# %% [markdown]
# ## 1.5 Have we arrived? (8 min)
#
# A curve that has become flat proves nothing. The minimum has a certificate that needs no other solver. With the
# correlations g = D r of all atoms with the residual r = x − w D:
#
# - an active atom (w_j ≠ 0) has g_j = α · sign(w_j): pulling harder would not pay, letting go would not either;
# - an inactive atom (w_j = 0) has |g_j| ≤ α: it does not pay to enter.
#
# Return the largest violation of these rules, over all atoms; zero means optimal.


# %%
def kkt_violation(w, x, D, alpha):
    """Return by how much w breaks the rules of a minimum, at the worst atom."""
    # BEGIN SOLUTION
    g = D @ (x - w @ D)
    broken = np.where(w != 0, np.abs(g - alpha * np.sign(w)), np.maximum(np.abs(g) - alpha, 0))
    return broken.max()
    # END SOLUTION


# %%
kkt_violation = lab1.kkt_violation.check(kkt_violation)

# %%
for n in (10, 100, 1000):
    print(f"{n:5d} rounds: violation of ISTA {kkt_violation(ista(x, D, alpha, n)[0], x, D, alpha):.1e}, "
          f"of FISTA {kkt_violation(fista(x, D, alpha, n), x, D, alpha):.1e}")  # fmt: skip

# %% [markdown]
# ## 1.6 The largest useful penalty (5 min)
#
# Above some α the best code is zero: no atom is worth its price. Find that α, from x and D alone. (The rules of 1.5
# answer it.) Penalties are best stated as a fraction of it.


# %%
def alpha_max(x, D):
    """Return the smallest alpha for which the best code is zero."""
    # BEGIN SOLUTION
    return np.abs(D @ x).max()
    # END SOLUTION


# %%
alpha_max = lab1.alpha_max.check(alpha_max)

# %%
for share in (1.0001, 0.99, 0.5, 0.1):
    w = fista(x, D, share * alpha_max(x, D), 2000)
    print(f"alpha = {share:6.4f} of the largest: {np.count_nonzero(w):3d} active, "
          f"error {np.sum((x - w @ D) ** 2) / np.sum(x**2):.3f}")  # fmt: skip

# %% [markdown]
# ## 1.7 Units (3 min)
#
# A colleague stores the same patches in other units, so that all values of x are doubled, and doubles α as well. What
# happens to the best code? (a) it stays; (b) all weights double; (c) more atoms become active; (d) weights become
# four times as large.

# %%
# BEGIN SOLUTION
doubling = "b"
# END SOLUTION
# STUB: doubling = ...  # "a", "b", "c" or "d"

# %%
doubling = lab1.doubling.check(doubling)

# %% [markdown]
# ## The library does the same in one line
#
# `solve` takes all patches at once. It does not iterate as you did: it follows the set of active atoms, solves their
# equations exactly, and certifies every code by its *duality gap*, which bounds how far the objective is from its
# minimum. The first call compiles it (`python -m sparsecode warmup` does so beforehand).

# %%
from sparsecode.penalties import L1
from sparsecode.solvers import solve

solve(patches[:2], D, L1(alpha))  # compiles
start = time.perf_counter()
result = solve(patches, D, L1(alpha), tol=1e-12)
seconds_library = (time.perf_counter() - start) / len(patches)
start = time.perf_counter()
mine = np.array([fista(patch, D, alpha, 5000) for patch in patches[:3]])
seconds_mine = (time.perf_counter() - start) / len(mine)

for name, codes in (("yours", mine), ("library", result.codes)):
    print(f"{name:8s} objectives", *(f"{objective(codes[i], patches[i], D, alpha):.9f}" for i in range(3)))
print(
    f"largest difference of weights: {np.abs(mine - result.codes[:3]).max():.1e} (5000 rounds against the exact code)"
)
print(f"largest duality gap of {len(patches)} codes: {result.certificate.max():.1e} of ½ ‖x‖²")
worst = max(kkt_violation(code, patch, D, alpha) for code, patch in zip(result.codes[:50], patches))
print(f"largest violation of them, by your test: {worst:.1e}")
print(f"milliseconds a patch: yours {1e3 * seconds_mine:.1f}, library {1e3 * seconds_library:.3f}")

# %% [markdown]
# ## What you have made
#
# Left: the patch, and what its code rebuilds. Middle: the few weights that are not zero, and the atoms of the largest
# of them. Right: both solvers on their way down; on a logarithmic axis a straight line is a fixed share per round.

# %%
w = result.codes[11]
figure = plt.figure(figsize=(12, 4), layout="constrained")
rebuilt = 1 - np.sum((x - w @ D) ** 2) / np.sum(x**2)
figure.suptitle(f"{np.count_nonzero(w)} of {len(w)} atoms rebuild {rebuilt:.0%} of the patch; momentum gets there in "
                f"{needed[1]} rounds instead of {needed[0]}")  # fmt: skip
lowest = objective(w, x, D, alpha)
left, middle, right = figure.subfigures(1, 3, width_ratios=(1.1, 1.4, 1.2))
limit = np.abs(x).max()
for ax, (name, row) in zip(left.subplots(1, 2), {"patch": x, "w D": w @ D}.items()):
    ax.imshow(row.reshape(12, 12), cmap="gray", vmin=-limit, vmax=limit)
    ax.set_title(name)
    ax.set_axis_off()
axes = middle.subplot_mosaic([["code"] * 6, list("abcdef")], height_ratios=(2, 1))
axes["code"].stem(w, markerfmt=" ", basefmt="C7-")
axes["code"].set(title="code", xlabel="atom", ylabel="weight")
for place, atom in zip("abcdef", np.argsort(-np.abs(w))):
    axes[place].imshow(D[atom].reshape(12, 12) * np.sign(w[atom]), cmap="gray", vmin=-0.5, vmax=0.5)
    axes[place].set_title(f"{abs(w[atom]):.1f}", fontsize=10)
    axes[place].set_axis_off()
ax = right.subplots()
ax.loglog(np.arange(1, 6001), np.maximum(curve_ista - lowest, 1e-13), label="ISTA", color="#d55e00")
ax.loglog(rounds, np.maximum(curve_fista - lowest, 1e-13), "--", label="FISTA", color="#0072b2")
ax.set(xlabel="rounds", ylabel="objective above its minimum", title="momentum", ylim=(1e-12, None))
ax.legend(frameon=False)
plt.show()

# %%
lab1.report()

# %% [markdown]
# ## In short
#
# - The soft threshold is the minimiser of the penalty with one atom; ISTA applies it again and again after a gradient
#   step.
# - A step of 1 / L is safe; L is the largest eigenvalue of D Dᵀ.
# - Momentum changes the rate from 1 / n to 1 / n².
# - Optimality is tested, not assumed: correlations of active atoms reach α, those of others stay below.
# - α has the units of the data: state it as a share of α_max, or state how data were scaled.
# - **Think:** the active weights are all a little too small. Why? Lab 3 is about that.
#
# ## Going further
#
# - A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J.
#   Imaging Sci. 2 (2009): where the bound of 1.4 comes from.
# - B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes", Found. Comput. Math. 15 (2015):
#   why the curve of FISTA has ripples, and how to lose them. `sparsecode.solvers.solve_fista` does that; read it, it
#   is short.
