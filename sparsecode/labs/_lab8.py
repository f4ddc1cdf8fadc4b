"""Checks of lab 8: a pipeline that can be defended."""

import numpy as np
from scipy.special import stdtrit

from .asking import Wrong, need, need_array, need_number, need_two
from .engine import Lab

LAB = Lab(
    "lab8",
    "A pipeline you can defend",
    minutes=65,
    level="advanced",
    needs=[
        "scikit-learn: pipelines, cross-validation",
        "mean, variance and what an interval is",
        "lab 3: equal activity",
    ],
    goals={
        "pool codes of patches to one row an image": ("8.1",),
        "cross-validate without letting the test labels in": ("8.2", "8.5"),
        "give a mean with an interval, and compare two methods in pairs": ("8.3", "8.4"),
        "find unequal budgets and chosen seeds in what others did": ("8.6", "8.7"),
    },
    packages=["PatchEncoder", "SparseCoder"],
)


@LAB.exercise(
    "8.1",
    hints=[
        "Positive and negative weights mean different things. Split them before anything cancels.",
        "`np.maximum(codes, 0)` is one part. What is the other, as positive numbers?",
        "Take the largest over patches, axis 1, of each part; positive ones come first in the row.",
    ],
    works="each atom has two columns: the largest of its positive and of its negative weights.",
)
def pool_codes(answer, rng):
    codes = rng.standard_normal((6, 9, 4)) * (rng.random((6, 9, 4)) < 0.3)
    codes[0, :, 0], codes[1, :, 1] = -1.0 - np.arange(9), 1.0 + np.arange(9)  # only negative, only positive
    found = np.asarray(answer(codes))
    up, down = np.maximum(codes, 0).max(axis=1), np.maximum(-codes, 0).max(axis=1)
    need(found.shape != (6, 4), "there is one column for each atom: positive and negative weights were put together.")
    found = need_array(found, (6, 8), "the pooled codes")
    need(not np.allclose(found, np.hstack([down, up])), "negative parts come first; positive ones should.")
    need(
        not np.allclose(found, np.hstack([codes.max(axis=1), (-codes).max(axis=1)])),
        "an atom that is never positive has no positive part: its column should say 0, not a number below that.",
    )
    need((found >= 0).all(), "pooled values below zero: negative parts enter as positive numbers.")
    need(
        not np.allclose(found, np.hstack([np.maximum(codes, 0).mean(axis=1), np.maximum(-codes, 0).mean(axis=1)])),
        "these are means; an edge in a single patch would hardly be seen.",
    )
    need(np.allclose(found[:, :4], up), "the positive half is not the largest positive weight of each atom.")
    need(np.allclose(found[:, 4:], down), "the negative half is not the largest negative weight of each atom, in size.")


def nearest_centroid(X, y, X_new):
    """The class whose mean is nearest, for labels 0 and 1."""
    centres = np.array([X[y == label].mean(axis=0) for label in (0, 1)])
    return np.square(X_new[:, None] - centres).sum(axis=2).argmin(axis=1)


@LAB.exercise(
    "8.2",
    hints=[
        "Whatever looks at labels belongs to the training. What in this recipe looks at labels?",
        "In each fold: choose features on the training part, train on it with these, and only then touch the "
        "other part.",
        "Split the row numbers with `np.array_split(rng.permutation(len(y)), n_folds)`; each row is tested once.",
    ],
    works="on labels of coin flips it finds chance, and on labels that mean something it finds that.",
)
def honest_score(answer, rng):
    n_folds, n_features, means = int(rng.choice([4, 8])), int(rng.choice([8, 9, 11, 12])), []
    tested = []

    def remember(A, b, new):
        tested.append(len(new))
        if len(A) + len(new) != 40:
            raise Wrong(
                f"{len(A)} rows are trained on and {len(new)} tested, of 40: every row belongs to one of the two."
            )
        if not np.shape(A)[1] == np.shape(new)[1] == n_features:
            raise Wrong(
                f"{np.shape(A)[1]} features are trained on and {np.shape(new)[1]} tested; "
                f"{n_features} should be chosen."
            )
        return nearest_centroid(A, b, new)

    X, y = rng.standard_normal((40, 60)), rng.permutation(np.arange(40) % 2)
    X[:, 50:] += 1.5 * y[:, None]
    good = need_number(answer(X, y, n_features, n_folds, remember, rng), "the score")
    need(
        sum(tested) == 40 and len(tested) == n_folds,
        f"{len(tested)} folds test {sum(tested)} rows; {n_folds} folds should test each of 40 rows once.",
    )
    for _ in range(6):
        X, y = rng.standard_normal((40, 400)), rng.permutation(np.arange(40) % 2)
        means.append(need_number(answer(X, y, n_features, n_folds, nearest_centroid, rng), "the score"))
    need(min(means) >= 0 and max(means) <= 1, f"a share of rows lies between 0 and 1, yours is {means[0]:g}.")
    chance = np.mean(means)
    need(
        chance < 0.7,
        f"labels are coin flips here, and yet you find {chance:.0%}. Which step has seen the labels of the "
        "rows that it is tested on?",
    )
    need(
        chance > 0.3,
        f"labels are coin flips here, and you find {chance:.0%}: worse than chance is a mistake as well. "
        "Are errors counted?",
    )
    need(
        good > 0.75,
        f"the last ten features separate the classes well, but you find {good:.0%} only. Are the best features chosen?",
    )


@LAB.exercise(
    "8.3",
    hints=[
        "The mean of n scores varies less than a score: by how much?",
        "The spread is estimated from the same few scores, with n - 1.",
        "Because it is estimated, the factor is that of Student's t with n - 1 degrees of freedom: "
        "`scipy.stats.t.ppf`.",
    ],
    works="in 95 % of all cases it covers the true mean, also with five scores.",
)
def interval(answer, rng):
    for n in (5, 3, 10):
        scores = 0.9 + 0.02 * rng.standard_normal(n)
        mean, half = need_two(answer(scores), "the mean and the half width")
        need(np.isclose(mean, scores.mean()), f"the mean is {scores.mean():.4f}, not {mean:.4f}.")
        s, factor = scores.std(ddof=1), stdtrit(n - 1, 0.975)
        right = factor * s / np.sqrt(n)
        for text, value in (
            ("this is the spread of single scores, not that of their mean", factor * s),
            ("1.96 is for a spread that is known. It is estimated from few scores here", 1.96 * s / np.sqrt(n)),
            (
                "the spread is divided by n; around a mean that comes from the same scores it is n - 1",
                factor * scores.std() / np.sqrt(n),
            ),
            ("this is one standard error: it covers the truth in two of three cases", s / np.sqrt(n)),
            (
                "the factor belongs to n degrees of freedom; the mean has used up one",
                stdtrit(n, 0.975) * s / np.sqrt(n),
            ),
            (
                "the factor leaves out 5 % on one side. An interval has two, and 5 % in all",
                stdtrit(n - 1, 0.95) * s / np.sqrt(n),
            ),
        ):
            need(not np.isclose(half, value, rtol=1e-3), f"{text}.")
        need(half > 0, "a half width is positive.")
        need(
            np.isclose(half, right, rtol=2e-3),
            f"with {n} scores the half width should be {right:.4f}, yours is {half:.4f}.",
        )


@LAB.exercise(
    "8.4",
    hints=[
        "Both methods saw the same splits. A hard split is hard for both.",
        "Subtract first, then ask 8.3.",
        "The order: how much better is the second?",
    ],
    works="what both have in common, the split, is gone from the interval.",
)
def compare(answer, rng):
    for n in (5, 3, 10):
        split = 0.05 * rng.permutation(np.linspace(-1, 1, n))  # splits differ by more than the methods
        gain = rng.uniform(-0.02, 0.02)
        a, b = 0.9 + split, 0.9 + gain + split + 0.002 * rng.permutation(np.linspace(-1, 1, n))
        mean, half = need_two(answer(a, b), "the mean difference and the half width of its interval")
        d = b - a
        need(not np.isclose(mean, -d.mean()), "the sign is turned: how much better is the second than the first?")
        need(np.isclose(mean, d.mean()), f"the mean difference is {d.mean():.4f}, not {mean:.4f}.")
        right = stdtrit(n - 1, 0.975) * d.std(ddof=1) / np.sqrt(n)
        apart = np.sqrt(a.var(ddof=1) + b.var(ddof=1)) / np.sqrt(n)
        need(
            half < 0.5 * apart,
            f"a half width of {half:.3f}, where pairs have {right:.4f}: the splits, which both methods "
            "share, are counted as doubt.",
        )
        need(
            np.isclose(half, right, rtol=2e-3),
            f"the half width of the paired differences is {right:.4f}, yours {half:.4f}.",
        )


leak = LAB.choice(
    "8.5",
    "leak",
    correct="b",
    why={
        "a": "a scaler or a dictionary that has seen test rows without labels is not clean either, but it moved "
        "nothing "
        "here: it is not what made chance look good.",
        "b": "the features were chosen by labels, those of the test rows among them. Of 2000 random features "
        "some agree "
        "with any labels, and these were kept.",
        "c": "five folds or ten: the same features would have been chosen.",
        "d": "a weak classifier finds the leak as well; a strong one would find it sooner.",
    },
    hints=["Which step had labels in its hands?", "What changed between the two recipes, and what did not?"],
)

budget = LAB.choice(
    "8.6",
    "budget",
    correct="c",
    why={
        "a": "the classifier is the same for both, which is fair.",
        "b": "the same images and splits were used for both; that is what pairs need.",
        "c": "the codes differ in how many atoms are active. More active atoms carry more, whatever the "
        "penalty: compare "
        "at the same activity, or show the whole curve.",
        "d": "ten atoms more or less would not matter, but it is not what is written there: both have 32.",
    },
    hints=["Which number is not the same for both methods?", "What did lab 3 keep equal?"],
)

seeds = LAB.choice(
    "8.7",
    "seeds",
    correct="a",
    why={
        "a": "the best of twenty seeds is as much luck as skill. Report the mean of all, with an interval, and choose "
        "parameters on other data than those you report.",
        "b": "twenty seeds are more than enough. What was done with them is the question.",
        "c": "the same seeds for both methods would be good, but the number itself is wrong before any comparison.",
        "d": "accuracy is a fair measure where classes are equally frequent, as digits are.",
    },
    hints=[
        "What would the same rule give for a method that is luck alone?",
        "Is the largest of twenty numbers their mean?",
    ],
)

coins = LAB.prediction(
    "P1",
    "coins",
    options="abc",
    truth="Far above chance (c), from labels that mean nothing.",
)
