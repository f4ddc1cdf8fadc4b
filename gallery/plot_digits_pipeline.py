"""
Digits classified from codes of their patches
=============================================

`PatchEncoder` keeps one row for each image, so a sparse coder stands in a scikit-learn Pipeline like any other
transformer, and `GridSearchCV` chooses its parameters together with those of the classifier: here how many atoms, and
how sparse. Patches are coded, codes pooled over the quarters of the image, and logistic regression takes them.

The number to look at: digits of scikit-learn that are classified right, of those that nobody has seen while parameters
were chosen, for codes and for pixels. A. Coates and A. Y. Ng, "The importance of encoding versus training with sparse
coding and vector quantization", ICML (2011), for the recipe.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sparsecode import PatchEncoder, SparseCoder
from sparsecode.plot import mosaic

SIZES, LEVELS, SPLIT, N_JOBS = [16, 32, 64], [0.03, 0.1, 0.2], 0, 2

X, y = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(X / 16, y, test_size=0.5, random_state=SPLIT, stratify=y)

coder = SparseCoder(max_iter=4, batch_size=1000, encode_tol=1e-4, random_state=SPLIT)
codes = PatchEncoder(coder, patch_size=4, input_shape=(8, 8), pool="max", random_state=SPLIT)
classifier = LogisticRegression(C=3, max_iter=1000)
grid = {
    "patchencoder__encoder__n_components": SIZES,
    "patchencoder__encoder__target_sparsity": LEVELS,
}
search = GridSearchCV(make_pipeline(codes, MaxAbsScaler(), classifier), grid, cv=3, n_jobs=N_JOBS).fit(train, y_train)
pixels = GridSearchCV(classifier, {"C": np.logspace(-2, 2, 5)}, cv=3).fit(train, y_train)

best = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
right = {"pixels": 100 * pixels.score(test, y_test), "codes": 100 * search.score(test, y_test)}
print(f"best of the grid: {best}")
for name, share in right.items():
    print(f"{name}: {share:.1f} % right")

figure, (left, middle, end) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", width_ratios=(1.2, 1, 1))
table = np.array(search.cv_results_["mean_test_score"]).reshape([len(values) for values in grid.values()])
for line, level, marker, colour in zip(table.T, LEVELS, "o^s", ["#0072b2", "#d55e00", "#009e73"], strict=True):
    left.plot(SIZES, 100 * line, marker=marker, color=colour, label=f"{100 * level:g} %")
left.set(xlabel="atoms", ylabel="digits classified right (%)", xscale="log", title="cross-validation")
left.set_xticks(SIZES, [str(size) for size in SIZES])
left.minorticks_off()
left.legend(title="active")
mosaic(search.best_estimator_[0].dictionary_, ax=middle)
middle.set_title("atoms")
bars = end.bar(list(right), list(right.values()), color=["0.6", "#0072b2"])
end.bar_label(bars, fmt="%.1f")
end.set(ylabel="digits classified right (%)", ylim=(90, 100), title="other digits")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_digits_pipeline.png", dpi=120)
