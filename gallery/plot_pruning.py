"""
Codes without their small coefficients
======================================

What is left of an image when small coefficients of its convolutional code are set to zero? Ladret, Casanova and
Perrinet compare 144 log-Gabor kernels of 12 orientations and six bandwidths (heterogeneous) with as many of 72
orientations and one bandwidth (homogeneous): images of the former are worse at first, and better from a cutoff of about
0.2 on. Here are nine photographs, the middle of each at 64 x 64 pixels, after local contrast normalisation; lines are
medians, bands the middle half of the photographs.

Left, as published: 100 steps of the alternating direction method, weight 0.01, kernels whose largest value is 1. The
order turns around between cutoffs of 0.1 and 0.2: heterogeneous kernels are better in 3 of 9 photographs at 0.1, in 8
at 0.2, and in all above that.

Right, kernels of unit norm and codes whose duality gap is at most 1e-3: heterogeneous kernels are better at all
cutoffs, in all photographs. Their lead halves, from 0.8 to 0.4 dB: pruning as such does not favour them. What turns
around on the left is that codes are not at their least objective yet (`plot_heterogeneous_kernels.py`). Cutoffs are not
comparable between the columns, since kernels of larger norm have smaller coefficients.

The numbers to look at: of how many photographs heterogeneous kernels are better, by cutoff. H. J. Ladret, C. Casanova
and L. U. Perrinet, "Kernel heterogeneity improves sparseness of natural images representations", Neuromorph. Comput.
Eng. 4(3), 034004 (2024), who have 200 photographs.
"""

from itertools import islice
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array, vstack

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, balanced_steps, solve_convolutional
from sparsecode.datasets import natural_images
from sparsecode.metrics import resilience_curve
from sparsecode.penalties import L1
from sparsecode.preprocessing import LocalContrastNormalizer

SIDE, PUBLISHED, STEPS, ALPHA = 64, 0.01, 100, 0.5
BANKS = {"homogeneous": {"n_orientations": 72, "B_theta": np.pi / 15}, "heterogeneous": {}}
STYLES = {"homogeneous": {"color": "#d55e00", "marker": "s"}, "heterogeneous": {"color": "#000000", "marker": "o"}}

images = LocalContrastNormalizer().fit_transform(np.array(natural_images(side=SIDE), np.float32))
X = images.reshape(len(images), -1)


def as_published(operator):
    """Return the codes of the alternating direction method after 100 steps."""
    iterates = (next(islice(balanced_steps(image, operator, PUBLISHED), STEPS - 1, None)) for image in images)
    return vstack([csr_array(y.reshape(1, -1)) for y in iterates], format="csr")


def solved(operator):
    """Return the codes of least objective."""
    return solve_convolutional(X, operator, L1(ALPHA), tol=1e-3, n_jobs=2).codes


protocols = {
    f"published: {STEPS} steps, weight {PUBLISHED}": ("max", as_published),
    f"solved, kernels of norm 1, weight {ALPHA}": ("l2", solved),
}
figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
for column, (title, (normalization, code)) in zip(axes.T, protocols.items(), strict=True):
    curves = {}
    for bank, options in BANKS.items():
        kernels = Dictionary.log_gabor_bank(**options, normalization=normalization)
        operator = ConvolutionOperator(kernels, (SIDE, SIDE), dtype=np.float32, n_jobs=2)
        curves[bank] = curve = resilience_curve(X, code(operator), operator.decode)
        for ax, values in zip(column, (curve.psnr, curve.sparseness), strict=True):
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=1)
            ax.fill_between(curve.cutoffs, low, high, color=STYLES[bank]["color"], alpha=0.15, linewidth=0)
            ax.plot(curve.cutoffs, middle, label=bank, **STYLES[bank])
        print(f"{title}, {bank}: PSNR {', '.join(f'{value:.2f}' for value in np.median(curve.psnr, axis=1))}")
    gains = curves["heterogeneous"].psnr - curves["homogeneous"].psnr
    print(f"{title}, heterogeneous better of {len(X)}: {', '.join(map(str, (gains > 0).sum(axis=1)))}")
    column[0].set(title=title, ylabel="PSNR (dB)")
    column[1].set(
        ylabel="share of coefficients that are zero", xlabel="cutoff below which coefficients are set to zero"
    )
axes[0, 0].legend(frameon=False)
figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_pruning.png", dpi=110)
