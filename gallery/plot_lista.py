"""
Trained iterations
==================

ISTA needs hundreds of iterations for the l1 codes of natural patches. Cut off after a few, and with weights and
thresholds trained to give the exact codes (LISTA), the same iterations come two or three times nearer. FISTA, which is
not trained at all, catches up at twelve to sixteen; and the exact solver of this library, an active set that looks at
few atoms, takes the time of about four layers. So this is a lesson about networks and algorithms, not a way to code
faster.

The number to look at: the squared error of the codes of four layers over the squared norm of the exact ones, 0.48 for
ISTA, 0.45 for FISTA and 0.22 for LISTA (0.21 with 12 000 patches and 15 epochs of training instead of 11 000 and 13).

The network is that of K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", ICML (2010), with the
coupled weights of X. Chen, J. Liu, Z. Wang and W. Yin, NeurIPS (2018); their data were others.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.coding import LISTA
from sparsecode.datasets import natural_images
from sparsecode.metrics import relative_error
from sparsecode.solvers import solve_fista

LAYERS, ALPHA, N_TRAIN, N_TEST = [1, 2, 4, 8, 16], 0.5, 11_000, 2000

images = Whitener().fit_transform(natural_images())
patches = (
    PatchExtractor(10, n_patches=N_TRAIN + N_TEST, center=True, random_state=0).fit_transform(images).astype(np.float32)
)
train, test = patches[N_TEST:], patches[:N_TEST]
D = SparseCoder(200, alpha=ALPHA, max_iter=4, random_state=0).fit(train).components_
exact = SparseCoder(dictionary=D, alpha=ALPHA, n_jobs=1).fit(train)
codes = exact.transform(test)


def microseconds(*encoders):
    """Processor time for a patch, the median of seven calls, in turns."""
    seconds = np.zeros((7, len(encoders)))
    for turn in seconds:
        for i, encoder in enumerate(encoders):
            started = time.process_time()
            encoder.transform(test)
            turn[i] = time.process_time() - started
    return 1e6 * np.median(seconds, axis=0) / len(test)


def ista(X, n_iter):
    step, W = 1 / np.linalg.norm(D, 2) ** 2, np.zeros((len(X), len(D)))
    for _ in range(n_iter):
        W = exact.penalty_.prox(W + step * (X - W @ D) @ D.T, step=step)
    return W


errors, trained = {"ISTA": [], "FISTA": [], "LISTA": []}, []
for n_layers in LAYERS:
    # A dictionary that is given stays: nothing is learned but the layers.
    lista = LISTA(exact, n_layers=n_layers, max_iter=13, random_state=0).fit(train)
    fista = solve_fista(test, D, exact.penalty_, tol=0, max_iter=n_layers).codes
    for name, W in zip(errors, (ista(test, n_layers), fista, lista.transform(test)), strict=True):
        errors[name].append(relative_error(codes, W))
    trained.append(lista)
    print(
        f"{n_layers} layers: " + ", ".join(f"{name} {error[-1]:.3f}" for name, error in errors.items()),
        f"(duality gap of LISTA {lista.certificate(test).mean():.3f})",
    )
time_of_exact, *costs = microseconds(exact, *trained)
print(f"us a patch: exact {time_of_exact:.1f} at {100 * np.mean(codes != 0):.1f} % active, layers", np.round(costs, 1))

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for (name, error), colour, marker in zip(errors.items(), ("#999999", "#d55e00", "#0072b2"), "s^o", strict=True):
    left.plot(LAYERS, error, color=colour, marker=marker, label=name)
left.set_xscale("log", base=2)
left.set_yscale("log")
left.set_yticks([0.1, 0.2, 0.5], ["0.1", "0.2", "0.5"])
left.minorticks_off()
left.set_xticks(LAYERS, map(str, LAYERS))
left.set(xlabel="iterations, or layers", ylabel="squared error of codes, relative", title="held-out patches")
left.legend()
right.plot(costs, errors["LISTA"], color="#0072b2", marker="o")
for n_layers, cost, error in zip(LAYERS, costs, errors["LISTA"], strict=True):
    right.annotate(f"{n_layers}", (cost, error), textcoords="offset points", xytext=(6, 4))
right.axvline(time_of_exact, color="#009e73", linestyle="--", label="exact codes")
right.set(xlabel="processor time for a patch (us)", ylabel="squared error of codes, relative", xlim=0, ylim=0)
right.set_title("layers of LISTA, and the exact solver")
right.legend()

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_lista.png", dpi=120)
