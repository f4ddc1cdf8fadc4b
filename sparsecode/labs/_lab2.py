"""Checks of lab 2: learning V1."""

import numpy as np

from .asking import Wrong, need, need_array, need_number
from .engine import Lab

LAB = Lab(
    "lab2",
    "Learning V1: edges appear",
    minutes=65,
    level="intermediate",
    needs=["lab 1: codes and their objective", "Fourier or cosine transforms", "least squares"],
    goals={
        "whiten photographs and cut them into patches": ("2.1", "2.2"),
        "learn atoms from codes, without a gradient step to tune": ("2.3", "2.4"),
        "measure whether an atom is an edge": ("2.5",),
        "say what in natural images makes the edges": ("2.6",),
    },
    packages=["Whitener", "PatchExtractor", "SparseCoder", "receptive_fields.fit_gabor", "plot.mosaic"],
)


@LAB.exercise(
    "2.1",
    hints=[
        "Make the frequencies of the rows and of the columns first, each a vector; entry k of N is k / (2 N).",
        "Two vectors make an array by broadcasting: `a[:, None]` and `b`. What is the length of (f_y, f_x)?",
        "Then the ramp times the fall-off, entry by entry.",
    ],
    works="it is a ramp at low frequencies, falls off beyond the cut-off, and takes the mean away.",
)
def whitening_gain(answer, rng):
    shape, f0 = (int(rng.integers(30, 50)), int(rng.integers(50, 70))), rng.uniform(0.28, 0.5)
    gain = need_array(answer(shape, f0), shape, "the gain")
    fy, fx = (np.arange(n) / (2 * n) for n in shape)
    f = np.hypot(fy[:, None], fx)
    right = f * np.exp(-((f / f0) ** 4))
    need(gain[0, 0] == 0, f"the first entry is the mean of the image. It should go, but its gain is {gain[0, 0]:.3g}.")
    twice = 2 * f
    need(
        not np.allclose(gain, twice * np.exp(-((twice / f0) ** 4))),
        "your frequencies are twice as high: entry k of a "
        "cosine transform of N pixels makes half of k cycles in N pixels.",
    )
    need(
        gain[0, 1:].min() > 0 and gain[1:, 0].min() > 0,
        "frequencies along an axis are taken away. The gain depends on the length of (f_y, f_x), not on the direction.",
    )
    need(not np.allclose(gain, f), "this is the ramp alone: without a fall-off it makes noise loud.")
    need(not np.allclose(gain, np.exp(-((f / f0) ** 4)) * (f > 0)), "this is the fall-off alone; the ramp is missing.")
    again = need_array(answer(shape, f0 / 2), shape, "the gain")
    need(not np.allclose(again, gain), "the same gain for another f0: the cut-off is given.")
    need(gain[-1, -1] < gain.max() / 2, "the highest frequencies, in the corner, should be weak.")
    worst = np.unravel_index(np.argmax(np.abs(gain - right)), shape)
    need(
        np.allclose(gain, right),
        f"at f_y = {fy[worst[0]]:.3f} and f_x = {fx[worst[1]]:.3f} your gain is "
        f"{gain[worst]:.4f}, it should be {right[worst]:.4f}.",
    )


@LAB.exercise(
    "2.2",
    hints=[
        "The top left corner of a patch may be anywhere as long as the patch lies in the image.",
        "An image of 20 rows has 11 places for a patch of 10 rows. `rng.integers(n)` gives 0 to n - 1.",
        "Flatten each patch, and take from each its own mean.",
    ],
    works="every row is a patch of the image without its mean, and every place can come up.",
)
def cut_patches(answer, rng):
    image, size, n = rng.standard_normal((9, 12)), int(rng.integers(3, 6)), 2000
    pixels = size * size
    rows = need_array(answer(image, size, n, rng), (n, pixels), "the patches")
    places = np.lib.stride_tricks.sliding_window_view(image, (size, size)).reshape(-1, pixels)
    centred = places - places.mean(axis=1, keepdims=True)
    one = rows[0]
    need(
        not np.isclose(places, one).all(axis=1).any(),
        "patches keep their means. A constant is no edge, and would be the first atom that is learned.",
    )
    near = np.abs(rows.mean(axis=1)).max()
    need(
        near < 1e-9 or np.abs(rows.mean()) > 1e-9,
        "it is the mean of all patches that was taken away, not that of each.",
    )
    need(near < 1e-9, f"some patch has a mean of {near:.2g}.")
    index = np.array([np.argmin(np.abs(centred - row).sum(axis=1)) for row in rows])
    turned = places.reshape(-1, size, size).transpose(0, 2, 1).reshape(-1, pixels)
    turned = turned - turned.mean(axis=1, keepdims=True)
    need(not np.isclose(turned, one).all(axis=1).any(), "rows and columns of the patches are swapped.")
    ratio = np.linalg.norm(rows, axis=1, keepdims=True), np.linalg.norm(centred, axis=1)
    cosines = (rows / np.maximum(ratio[0], 1e-12)) @ (centred / ratio[1][:, None]).T
    need(
        np.allclose(rows, centred[index]) or not np.allclose(cosines.max(axis=1), 1),
        "patches are scaled. Only their means are to be taken away: contrast stays.",
    )
    need(np.allclose(rows, centred[index]), "some rows are no patches of this image. Do patches reach over its border?")
    need(len(np.unique(rows, axis=0)) > 1, "all patches are from the same place.")
    y, x = np.unravel_index(index, (9 - size + 1, 12 - size + 1))
    need(y.max() == 9 - size and x.max() == 12 - size, "patches at the lower or the right border never come up.")
    need(y.min() == 0 and x.min() == 0, "patches at the upper or the left border never come up.")
    counts = np.bincount(index, minlength=len(places))
    need(counts.min() > 0, f"some places never come up in {n} patches: are rows and columns drawn apart?")


def objective(X, W, D):
    """The squared error that atoms can change."""
    return 0.5 * np.square(X - W @ D).sum()


def mixed(rng, n_atoms=8, n_features=12, n=60):
    """Atoms, sparse codes and the samples that other atoms make of them."""
    D = rng.standard_normal((n_atoms, n_features))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = rng.standard_normal((n, n_atoms)) * (rng.random((n, n_atoms)) < 0.4)
    truth = rng.standard_normal((n_atoms, n_features))
    return D, W, W @ (truth / np.linalg.norm(truth, axis=1, keepdims=True))


def made_in_turn(new, D, A, B):
    """Return whether atoms were made one after the other, in any order, each for those that were there then."""
    state, left = new.copy(), list(np.flatnonzero(np.diag(A)))
    while left:
        for j in left:  # who was made last is the best beside the others
            best = A[j, j] * state[j] + B[j] - A[j] @ state
            if np.allclose(best / np.linalg.norm(best), state[j]):
                break
        else:
            return False
        left.remove(j)
        state[j] = D[j]
    return np.allclose(state, D)


@LAB.exercise(
    "2.3",
    hints=[
        "Set the derivative of the error with respect to atom j to zero, with all other atoms fixed. What is "
        "left of X that "
        "the others do not explain?",
        "In terms of A and B: B[j] is what atom j's weights say about X, and A[j] @ D is what the atoms rebuild "
        "of that. "
        "Their difference, over A[j, j], is what is missing from the atom.",
        "Scale each atom to length one as soon as it is made, and let the next one see it. Where A[j, j] is "
        "zero, leave it.",
    ],
    works="the error of the given codes falls, and all atoms have length one.",
)
def update_atoms(answer, rng):
    for trial in range(4):
        D, W, X = mixed(rng)
        if trial == 3:
            W[:, 2] = 0
            X = X - X.mean(axis=0)
        A, B = W.T @ W, W.T @ X
        new = need_array(answer(D, A, B), D.shape, "the atoms")
        if trial == 3:
            need(np.allclose(new[2], D[2]), "an atom that no code uses has changed. Nothing is known about it.")
        need(not np.allclose(new, D), "the atoms are what they were.")
        if made_in_turn(new, D, A, B):
            continue
        right, late, jacobi = D.copy(), D.copy(), D.copy()
        for j in np.flatnonzero(np.diag(A)):
            right[j] += (B[j] - A[j] @ right) / A[j, j]
            right[j] /= np.linalg.norm(right[j])
            late[j] += (B[j] - A[j] @ late) / A[j, j]
            jacobi[j] += (B[j] - A[j] @ D) / A[j, j]
        jacobi /= np.linalg.norm(jacobi, axis=1, keepdims=True)
        lengths = np.linalg.norm(new, axis=1)
        need(
            np.allclose(lengths, 1),
            f"atoms have lengths from {lengths.min():.2f} to {lengths.max():.2f}. If they may grow, "
            "weights shrink, and with them the penalty: it no longer means anything.",
        )
        need(
            not np.allclose(new, jacobi) or np.allclose(right, jacobi),
            "all atoms are made from the old ones at once. Two "
            "that share a task then both do it: let each see those made before it.",
        )
        need(
            not np.allclose(new, late / np.linalg.norm(late, axis=1, keepdims=True)),
            "atoms are scaled at the end of the round, so that each was made for others that are not there afterwards. "
            "Scale each before the next one sees it.",
        )
        before, after = objective(X, W, D), objective(X, W, new)
        need(
            after <= before,
            f"the error of the codes rose from {before:.2f} to {after:.2f}. Does the change go the right way?",
        )
        need(
            after <= objective(X, W, right) * 1.02,
            f"the error fell from {before:.2f} to {after:.2f} only; "
            f"{objective(X, W, right):.2f} can be had in one round.",
        )
        raise Wrong("the error fell, but the atom made last is not the best that it can be beside the others.")


@LAB.exercise(
    "2.4",
    hints=[
        "Dead atoms are columns of W without any entry.",
        "Which patches need a new atom most? Those that the codes rebuild worst.",
        "An atom has length one, and two dead atoms should not become the same patch.",
    ],
    works="dead atoms become the patches that were rebuilt worst, and no others change.",
)
def replace_dead(answer, rng):
    for n_dead in (2, 0, 1):
        D, W, X = mixed(rng)
        dead = rng.choice(len(D), n_dead, replace=False)
        W[:, dead] = 0
        X = X + 0.3 * rng.standard_normal(X.shape)
        alive = np.setdiff1d(np.arange(len(D)), dead)
        new = need_array(answer(D, W, X), D.shape, "the atoms")
        need(np.allclose(new[alive], D[alive]), "atoms that are in use have changed.")
        if not n_dead:
            continue
        need(not np.allclose(new[dead], D[dead]), "dead atoms are what they were.")
        need(np.allclose(np.linalg.norm(new[dead], axis=1), 1), "the new atoms do not have length one.")
        cosines = np.abs(new[dead] @ (X / np.linalg.norm(X, axis=1, keepdims=True)).T)
        R = X - W @ D
        from_residual = np.abs(new[dead] @ (R / np.linalg.norm(R, axis=1, keepdims=True)).T)
        need(
            cosines.max(axis=1).min() > 0.999 or from_residual.max(axis=1).min() > 0.999,
            "the new atoms are neither patches nor what is left of patches. Noise dies again: take what the data have.",
        )
        need(n_dead == 1 or abs(new[dead[0]] @ new[dead[1]]) < 0.999, "two dead atoms became the same.")
        chosen = (cosines if cosines.max(axis=1).min() > 0.999 else from_residual).argmax(axis=1)
        worst = np.argsort(-np.square(R).sum(axis=1))[:n_dead]
        need(set(chosen) == set(worst), "there are patches that are rebuilt worse than those you took.")


@LAB.exercise(
    "2.5",
    hints=[
        "`np.gradient` of an image gives its slopes along y and along x.",
        "Sum the products of slopes over all pixels: yy, xx and xy. They make a symmetric 2 x 2 matrix.",
        "Its two eigenvalues are the energies of change along the best direction and across it. Compare their "
        "difference "
        "with their sum.",
    ],
    works="1 for gratings of any direction, near 0 for blobs and noise, whatever the contrast.",
)
def orientedness(answer, rng):
    y, x = np.mgrid[-8:9, -8:9] / 2.0
    for angle in (0.0, np.pi / 2, np.pi / 4, rng.uniform(0, np.pi)):
        grating = np.sin(1.3 * (x * np.cos(angle) + y * np.sin(angle)) + 0.5)
        value = need_number(answer(grating), "the result")
        need(
            value > 0.9 or abs(angle - np.pi / 4) > 0.01,
            f"an oblique grating gets {value:.2f}. Comparing slopes along x and y alone misses what lies between them.",
        )
        need(value < 1.0 + 1e-9, f"a grating gets {value:.3g}; 1 should be the most.")
        need(
            value > 0.9,
            f"a grating at {np.degrees(angle):.0f} degrees gets {value:.2f}: slopes up and down should not cancel.",
        )
    gabor = np.exp(-(x**2 + y**2) / 4) * np.cos(2 * x)
    values = [need_number(answer(scale * gabor), "the result") for scale in (1.0, -3.0)]
    need(np.isclose(*values), "contrast or sign changes the result.")
    blob = need_number(answer(np.exp(-(x**2 + y**2) / 8)), "the result")
    need(abs(blob) < 0.05, f"a round blob, which has no direction, gets {blob:.2f}.")
    noise = np.mean([answer(rng.standard_normal((17, 17))) for _ in range(20)])
    need(noise < 0.3, f"noise gets {noise:.2f} on average.")


origin = LAB.choice(
    "2.6",
    "origin",
    correct="c",
    why={
        "a": "raw patches give edges as well, only coarser ones: whitening decides which scales are learned.",
        "b": "the scrambled images have the same power at every frequency, and no edges are learned from them.",
        "c": "edges are frequencies whose phases agree at a place. Scrambling leaves the power and destroys the "
        "agreement; "
        "what is left is Gaussian noise of that power, in which no direction is sparser than another.",
        "d": "the same rule with the same penalty makes no edges of scrambled images.",
    },
    hints=["What is the same in the photographs and in the scrambled ones?", "What differs, then?"],
)

phases = LAB.prediction(
    "P1",
    "phases",
    options="abc",
    truth="No edges (b): textures without direction, though every frequency is as strong as before.",
)
