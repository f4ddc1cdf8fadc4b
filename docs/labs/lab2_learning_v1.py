# %% [markdown]
# Cells in the primary visual cortex, V1, answer to edges: small, oriented, at one scale. In 1996 Olshausen and Field
# let a computer look for atoms with which natural photographs have sparse codes, and edges is what it found. You will
# do the same in about forty lines, in seconds, and then ask what it is in photographs that makes the edges.

# %% tags=["setup"]
import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.fft import dctn, idctn

import sparsecode
from sparsecode import PatchExtractor, SparseCoder, Whitener, plot
from sparsecode.datasets import natural_images
from sparsecode.labs import lab2
from sparsecode.penalties import L1
from sparsecode.receptive_fields import fit_gabor
from sparsecode.solvers import objective, solve

print("sparsecode", sparsecode.__version__)
photographs = natural_images()
print(len(photographs), "photographs, the first of", photographs[0].shape, "pixels")

# %% [markdown]
# ## 2.1 Whitening (8 min)
#
# In photographs the amplitude of a frequency f falls like 1 / f: slow changes are strong, and fine detail is weak. A
# code would spend all its atoms on slow changes. The filter of Olshausen and Field makes the spectrum flat: a ramp,
# with a fall-off where there is mostly noise,
#
# **gain(f) = f · exp(−(f / f₀)⁴)**, where f is the length of (f_y, f_x) in cycles per pixel.
#
# It is applied to the cosine transform of an image, in which entry k of N along an axis has the frequency k / (2 N).
# Return the gain for all entries of an image of a given shape.


# %%
def whitening_gain(shape, f0):
    """Return the gain for each entry of the cosine transform of an image of that shape."""
    # BEGIN SOLUTION
    f_y, f_x = (np.arange(n) / (2 * n) for n in shape)
    f = np.hypot(f_y[:, None], f_x)
    return f * np.exp(-((f / f0) ** 4))
    # END SOLUTION


# %%
whitening_gain = lab2.whitening_gain.check(whitening_gain)


# %%
def whiten(image):
    image = (image - image.mean()) / image.std()
    return idctn(dctn(image, norm="ortho") * whitening_gain(image.shape, 0.4), norm="ortho")


white = [whiten(image) for image in photographs]
scale = np.sqrt(np.mean([image.var() for image in white]))
white = [image / scale for image in white]
print("mean variance after whitening:", np.round(np.mean([image.var() for image in white]), 3))

# %% [markdown]
# ## 2.2 Patches (7 min)
#
# Cut n square patches out of an image, at random places, each flattened to a row, without its own mean. `rng` is a
# NumPy generator.


# %%
def cut_patches(image, size, n, rng):
    """Return n patches of size x size pixels at random places, as rows without their means."""
    # BEGIN SOLUTION
    height, width = image.shape
    rows = np.empty((n, size * size))
    for i in range(n):
        y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
        rows[i] = image[y : y + size, x : x + size].ravel()
    return rows - rows.mean(axis=1, keepdims=True)
    # END SOLUTION


# %%
cut_patches = lab2.cut_patches.check(cut_patches)


# %%
def patches_of(images, n_each=1500, size=10, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.concatenate([cut_patches(image, size, n_each, rng) for image in images])
    return rng.permutation(rows) / rows.std()


X = patches_of(white)
print("patches", X.shape)

# %% [markdown]
# Codes come from FISTA, which you wrote in lab 1, here for all rows at once.


# %%
def encode(X, D, alpha, n_iter=30):
    G, C = D @ D.T, X @ D.T
    step = 1 / np.linalg.norm(G, 2)
    W = V = np.zeros((len(X), len(D)))
    t = 1.0
    for _ in range(n_iter):
        Z = V + step * (C - V @ G)
        W_old, W = W, np.sign(Z) * np.maximum(np.abs(Z) - step * alpha, 0)
        t_old, t = t, (1 + np.sqrt(1 + 4 * t**2)) / 2
        V = W + (t_old - 1) / t * (W - W_old)
    return W


# %% [markdown]
# ## 2.3 Better atoms for given codes (10 min)
#
# With codes W fixed, the error ½ ‖X − W D‖² is a least-squares problem in D. All it takes to know are two sums over
# patches: **A = Wᵀ W** and **B = Wᵀ X**. Go through the atoms, one after the other: make each the best it can be
# while all others stay as they are at that moment, and scale it to length one. An atom that no code uses (its entry
# on the diagonal of A is zero) stays.


# %%
def update_atoms(D, A, B):
    """Return better atoms, one round over all of them, given A = W^T W and B = W^T X."""
    # BEGIN SOLUTION
    D = D.copy()
    for j in np.flatnonzero(np.diag(A) > 0):
        D[j] += (B[j] - A[j] @ D) / A[j, j]
        D[j] /= np.linalg.norm(D[j])
    return D
    # END SOLUTION


# %%
update_atoms = lab2.update_atoms.check(update_atoms)

# %% [markdown]
# ## 2.4 Atoms that die (6 min)
#
# An atom that is never used never changes, and is never used. Give each dead atom, one whose column of W is all zero,
# a new start: the patch that is rebuilt worst (the next worst for the next one), at length one.


# %%
def replace_dead(D, W, X):
    """Return the atoms with each dead one replaced by one of the patches that are rebuilt worst."""
    # BEGIN SOLUTION
    D = D.copy()
    dead = np.flatnonzero(~W.any(axis=0))
    worst = np.argsort(-np.sum((X - W @ D) ** 2, axis=1))
    D[dead] = X[worst[: len(dead)]]
    D[dead] /= np.linalg.norm(D[dead], axis=1, keepdims=True)
    return D
    # END SOLUTION


# %%
replace_dead = lab2.replace_dead.check(replace_dead)

# %% [markdown]
# Everything together: from random atoms, in batches. Old batches count less and less in A and B, since their codes
# were made with worse atoms.


# %%
def learn(X, n_atoms=100, alpha=1.0, n_batches=100, batch=200, seed=0):
    rng = np.random.default_rng(seed)
    D = rng.standard_normal((n_atoms, X.shape[1]))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    A, B, curve = np.zeros((n_atoms, n_atoms)), np.zeros(D.shape), []
    for number in range(n_batches):
        rows = X[rng.choice(len(X), batch, replace=False)]
        W = encode(rows, D, alpha)
        curve.append(np.mean(0.5 * np.sum((rows - W @ D) ** 2, axis=1) + alpha * np.sum(np.abs(W), axis=1)))
        keep = 1 - 1 / (number / 3 + 1)
        A, B = keep * A + W.T @ W, keep * B + W.T @ rows
        D = update_atoms(D, A, B)
        if number % 20 == 10:
            D = replace_dead(D, W, rows)
    return D, np.array(curve)


start = time.perf_counter()
D, curve = learn(X)
seconds_mine = time.perf_counter() - start
print(f"objective {curve[0]:.1f} with random atoms, {curve[-10:].mean():.1f} after {len(curve)} batches of 200 patches")

# %%
figure, ax = plt.subplots(figsize=(4, 4), layout="constrained")
plot.mosaic(D, (10, 10), ax=ax)
ax.set_title("100 atoms, learned from photographs")
plt.show()

# %% [markdown]
# ## 2.5 Is it an edge? (9 min)
#
# Looking is not measuring. An edge changes along one direction and hardly across it. The slopes (g_y, g_x) of an atom
# at all its pixels make a cloud of points; summed over pixels, their products are a symmetric 2 × 2 matrix, whose
# larger eigenvalue λ₁ is the energy of change in the direction of most change, and λ₂ that across it. Return the
# contrast of the two: (λ₁ − λ₂) / (λ₁ + λ₂), 1 for a grating and 0 for what has no direction.


# %%
def orientedness(atom):
    """Return by how much an image changes along one direction rather than across it, from 0 to 1."""
    # BEGIN SOLUTION
    g_y, g_x = np.gradient(atom)
    yy, xx, xy = np.sum(g_y**2), np.sum(g_x**2), np.sum(g_x * g_y)
    low, high = np.linalg.eigvalsh([[yy, xy], [xy, xx]])
    return (high - low) / (high + low)
    # END SOLUTION


# %%
orientedness = lab2.orientedness.check(orientedness)


# %%
def median_orientedness(D):
    return np.median([orientedness(atom.reshape(10, 10)) for atom in D])


noise = np.random.default_rng(0).standard_normal(D.shape)
print(f"median orientedness: {median_orientedness(D):.2f} of learned atoms, {median_orientedness(noise):.2f} of noise")

# %% [markdown]
# ## 2.6 What makes the edges? (8 min)
#
# An experiment. The *scrambled* images have exactly the power of the whitened photographs at every frequency, but the
# phases of noise. **Predict first.** The atoms that are learned from them are (a) edges, as before, (b) textures
# without direction, (c) mostly dead?

# %%
# BEGIN SOLUTION
phases = "b"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: phases = ...  # "a", "b" or "c"
lab2.phases.check(phases)


# %%
def scramble(image, rng):
    noise = np.fft.fft2(rng.standard_normal(image.shape))
    return np.fft.ifft2(np.abs(np.fft.fft2(image)) * noise / np.abs(noise)).real


rng = np.random.default_rng(1)
learned = {
    "whitened": D,
    "not whitened": learn(patches_of(photographs))[0],
    "scrambled": learn(patches_of([scramble(image, rng) for image in white]))[0],
}
for name, atoms in learned.items():
    print(f"{name}: median orientedness {median_orientedness(atoms):.2f}")
lab2.phases.reveal()

# %% [markdown]
# So the edges come from (a) whitening, (b) the power at each frequency, (c) phases that agree where there is an edge,
# (d) the rule by which atoms are learned.

# %%
# BEGIN SOLUTION
origin = "c"
# END SOLUTION
# STUB: origin = ...  # "a", "b", "c" or "d"

# %%
origin = lab2.origin.check(origin)

# %% [markdown]
# ## The library does the same in one line
#
# `Whitener` and `PatchExtractor` prepare, `SparseCoder` learns: by the rule of 2.3, with exact codes and better
# bookkeeping. `fit_gabor` fits a Gabor function to each atom; FVU is the share of an atom that its fit leaves
# unexplained.

# %%
library_white = Whitener(variance=1.0).fit_transform(photographs)
print(f"whitened photographs, largest difference: {max(np.abs(a - b).max() for a, b in zip(white, library_white)):.1e}")

SparseCoder(10, alpha=1.0, max_iter=1, random_state=0).fit(X[:200])  # compiles
start = time.perf_counter()
coder = SparseCoder(100, alpha=1.0, max_iter=4, random_state=0).fit(X)
seconds_library = time.perf_counter() - start
new = PatchExtractor(10, n_patches=2000, center=True, random_state=9).fit_transform(library_white) / np.std(X)
for name, atoms, seconds, seen in (
    ("yours", D, seconds_mine, 100 * 200),
    ("library", coder.components_, seconds_library, coder.n_iter_ * len(X)),
):
    codes = solve(new, atoms, L1(1.0)).codes
    print(f"{name:8s} objective on new patches {objective(new, atoms, codes, L1(1.0)).mean():.2f}, "
          f"{seconds:.1f} s for {seen} patches, median orientedness {median_orientedness(atoms):.2f}")  # fmt: skip
for name, atoms in learned.items():
    fvu = fit_gabor(atoms, shape=(10, 10)).fvu
    print(f"{name}: share of atoms that a Gabor function fits (FVU < 0.3) {np.mean(fvu < 0.3):.2f}")

# %% [markdown]
# ## What you have made
#
# Atoms from the same photographs, prepared in three ways. Without whitening they are edges too, but coarse ones; with
# scrambled phases they are none. Right: the objective of your learning, batch by batch.

# %%
figure = plt.figure(figsize=(13, 3.9), layout="constrained")
figure.suptitle("Edges are learned from photographs, and not from noise with the same spectrum")
axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.1))
for ax, (name, atoms) in zip(axes, learned.items()):
    plot.mosaic(atoms, (10, 10), ax=ax)
    ax.set_title(f"{name}: {median_orientedness(atoms):.2f}")
axes[3].plot(np.arange(1, len(curve) + 1), curve, color="#0072b2")
axes[3].set(xlabel="batch of 200 patches", ylabel="objective", title="learning", ylim=(0, None))
plt.show()

# %%
lab2.report()

# %% [markdown]
# ## In short
#
# - Whitening gives all scales the same chance.
# - Learning goes in turns: codes for given atoms, atoms for given codes. Two small sums carry what was seen.
# - Length one is not a detail: without it the penalty means nothing. Nor are dead atoms.
# - Edges come out of sparseness and of photographs together: of phases that agree, not of the spectrum.
# - **Think:** would patches of text, or of leaves, give other atoms? `natural_images("folder")` reads your own
#   images.
#
# ## Going further
#
# - B. A. Olshausen and D. J. Field, "Emergence of simple-cell receptive field properties by learning a sparse code
#   for natural images", Nature 381 (1996): the experiment.
# - J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and sparse coding", J. Mach.
#   Learn. Res. 11 (2010): the rule of 2.3, and why it converges.
