"""
Rules of learning over time
===========================

Four rules learn 144 atoms from the same patches, first atoms and code: orthogonal matching pursuit with six atoms a
patch. "online" (Mairal, Bach, Ponce and Sapiro, J. Mach. Learn. Res. 11, 2010) and "gradient" (Olshausen and Field,
Nature 381, 1996) change the atoms after every 256 patches, "mod" (Engan, Aase and Husoy, ICASSP 1999) and "k-svd"
(Aharon, Elad and Bruckstein, IEEE Trans. Signal Process. 54, 2006) after all of them have been coded. Errors are those
of patches that none has seen.

The number to look at: how many passes a rule takes to the error that "online" has after one (dotted): two for
"gradient", eight for "k-svd" and 8 to 16 for "mod", one update of which takes a whole pass. In seconds they differ
less. After 16 passes the rules that update forty times as often are ahead, on the patches that they learned from too.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.metrics import relative_error

N_PATCHES, N_TEST, CHUNK, EPOCHS = 10_240, 4000, 1280, 16
SETTINGS = {"n_nonzero_coefs": 6, "solver": "omp", "homeostasis": None, "tol": 0, "n_jobs": -1, "random_state": 0}

images = Whitener().fit_transform(natural_images())
patches = PatchExtractor(12, n_patches=N_PATCHES + N_TEST, center=True, random_state=0).fit_transform(images)
X, held_out = patches[:N_PATCHES], patches[N_PATCHES:]


def error(coder, rows=held_out):
    """Return the pooled relative error of rows."""
    return relative_error(rows, coder.inverse_transform(coder.transform(rows)))


def learn_in_chunks(learning):
    """Return passes, seconds and errors after each chunk of the first pass, later after each pass."""
    coder, rng, points = SparseCoder(144, learning=learning, **SETTINGS), np.random.default_rng(0), []
    for epoch in range(EPOCHS):
        order = rng.permutation(N_PATCHES)
        for end in range(CHUNK, N_PATCHES + 1, CHUNK):
            coder.partial_fit(X[order[end - CHUNK : end]])
            if epoch == 0 or end == N_PATCHES:
                points.append((epoch + end / N_PATCHES, coder.history_["seconds"].sum(), error(coder)))
    return points, error(coder, X)


def learn_as_a_whole(learning):
    """Return the same after 1, 2, 4, ... passes, each from the beginning."""
    passes, errors = 2 ** np.arange(5), []
    for epochs in passes:
        coder = SparseCoder(144, learning=learning, max_iter=int(epochs), **SETTINGS).fit(X)
        errors.append(error(coder))
    seconds = coder.history_["seconds"].cumsum()[passes - 1]
    return list(zip(passes, seconds, errors, strict=True)), error(coder, X)


rules = {
    "online": (learn_in_chunks, "#0072b2", "-"),
    "gradient": (learn_in_chunks, "#d55e00", "--"),
    "k-svd": (learn_as_a_whole, "#009e73", "-."),
    "mod": (learn_as_a_whole, "#cc79a7", ":"),
}
figure, (by_samples, by_time) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained", sharey=True)
for name, (learn, colour, line) in rules.items():
    error(SparseCoder(8, learning=name, max_iter=1, **SETTINGS).fit(X[:500]))  # loads what is compiled
    points, seen = learn(name)
    passes, seconds, errors = np.transpose(points)
    if name == "online":
        goal = errors[passes == 1][0]
    below = np.flatnonzero(errors <= goal * (1 + 1e-12))
    reached = f"{passes[below[0]]:g} passes" if below.size else "not in these"
    print(f"{name}: error {errors[-1]:.4f} ({seen:.4f} of patches learned from); that of one pass online: {reached}")
    for ax, x in ((by_samples, passes * N_PATCHES), (by_time, seconds)):
        ax.semilogx(x, errors, color=colour, linestyle=line, marker=".", label=name)
by_samples.set(xlabel="patches seen", ylabel="relative error of held-out patches")
by_time.set(xlabel="seconds of learning (without that of the errors)")
by_samples.legend(title="learning")
for ax in (by_samples, by_time):
    ax.axhline(goal, color="k", linestyle=":", linewidth=1)

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_learning_rules.png", dpi=120)
