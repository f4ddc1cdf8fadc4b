"""Checks of lab 3: shrinkage or support, l1 against l0."""

import numpy as np

from .asking import need, need_array, need_number
from .engine import Lab

LAB = Lab(
    "lab3",
    "Shrinkage or support? l1 against l0",
    minutes=60,
    level="intermediate",
    needs=["lab 1: soft threshold, ISTA, the optimality of a code", "least squares"],
    goals={
        "write the thresholds of l0 and of CEL0": ("3.1", "3.2"),
        "take the shrinkage out of a code and keep its support": ("3.3",),
        "write orthogonal matching pursuit with a rule to stop that has a meaning": ("3.4",),
        "compare methods at the same number of active atoms": ("3.5", "3.6"),
        "say how much of the disadvantage of l1 is shrinkage, and how much is support": ("3.7",),
    },
    packages=["solvers.solve", "solvers.debias", "penalties.CEL0", "penalties.L0", "coding.compare_coders"],
)


def unit_problem(rng, n_atoms=24, n_features=16, n_active=4):
    """A sample and unit atoms, of which a handful made it."""
    D = rng.standard_normal((n_atoms, n_features))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    w = np.zeros(n_atoms)
    w[rng.choice(n_atoms, n_active, replace=False)] = rng.choice([-1, 1], n_active) * rng.uniform(2, 4, n_active)
    return w @ D + 0.1 * rng.standard_normal(n_features), D


def cel0(w, alpha):
    """CEL0 for unit atoms."""
    return alpha - 0.5 * np.maximum(np.sqrt(2 * alpha) - np.abs(w), 0) ** 2


def lowest_on_grid(u, penalty):
    """The least ``0.5 (w - u)^2 + penalty(w)`` over a fine grid that holds zero and u itself."""
    grid = np.concatenate([np.linspace(-6, 6, 4801), u])[:, None]
    return (0.5 * (grid - u) ** 2 + penalty(grid)).min(axis=0)


@LAB.exercise(
    "3.1",
    hints=[
        "There are two candidates only: w = 0, and one other. Which, if the price does not depend on the size?",
        "Write down what each of the two costs.",
        "Zero costs u^2 / 2 of error and nothing else. When is that less than the price step * alpha?",
    ],
    works="no w costs less, for any u that was tried.",
)
def hard_threshold(answer, rng):
    step, alpha = rng.uniform(0.3, 0.5), rng.uniform(1, 1.6)
    price, edge = step * alpha, np.sqrt(2 * step * alpha)
    near = np.multiply.outer([price, np.sqrt(price), edge], [-1.02, -0.98, 0.98, 1.02])
    u = np.sort(np.append(rng.uniform(-4, 4, 60), near))
    w = need_array(answer(u, step, alpha), u.shape, "the result")
    kept = w != 0
    need((kept == (np.abs(u) > 0)).mean() < 1, "nothing becomes zero.")
    need(np.allclose(w[kept], u[kept]), "what is kept should not shrink: the price is the same for any size.")
    need(
        not np.array_equal(kept, np.abs(u) > price),
        f"numbers are kept from {price:.2f} on, the price itself. What does an error of this size cost?",
    )
    need(
        not np.array_equal(kept, np.abs(u) > np.sqrt(2 * alpha)),
        "numbers are kept from a size on that does not depend on the step. A short step pays part of the price only.",
    )
    need(kept[u > edge].all() == kept[u < -edge].all(), "positive and negative numbers are not treated alike.")
    low = lowest_on_grid(u, lambda w: price * (w != 0))
    cost = 0.5 * (w - u) ** 2 + price * kept
    worst = int(np.argmax(cost - low))
    need(
        (cost <= low + 1e-9).all(),
        f"u = {u[worst]:.2f} with step = {step:.2f} and alpha = {alpha:.2f} becomes "
        f"{w[worst]:.2f}, which costs {cost[worst]:.3f}; {low[worst]:.3f} can be had.",
    )


@LAB.exercise(
    "3.2",
    hints=[
        "Three zones by the size of u: becomes zero, stays as it is, and a ramp between them.",
        "Beyond the knee of the penalty nothing pulls: which u stay as they are? Near zero the slope of the "
        "penalty is the "
        "square root of 2 alpha: which u stay at zero?",
        "The ramp is a line between these two points, and it is continuous at both. Or set the derivative to zero.",
    ],
    works="no w costs less, and the threshold is continuous.",
)
def firm_threshold(answer, rng):
    for step in (0.2, 0.5, 0.8):
        alpha = rng.uniform(0.5, 2)
        knee = np.sqrt(2 * alpha)
        u = np.sort(np.concatenate([rng.uniform(-4, 4, 80), knee * np.array([-1.2, -0.95, 0.95, 1.2])]))
        w = need_array(answer(u, step, alpha), u.shape, "the result")
        case = f"step = {step}, alpha = {alpha:.2f}"
        need((w[np.abs(u) < step * knee * 0.999] == 0).all(), f"{case}: small numbers should become zero.")
        need(
            np.allclose(w[np.abs(u) > knee], u[np.abs(u) > knee]),
            f"{case}: large numbers shrink. Beyond the knee of the penalty nothing is gained by that.",
        )
        ramp = (np.abs(u) > step * knee * 1.001) & (np.abs(u) < knee)
        need(
            (w[ramp] != 0).any(),
            f"{case}: nothing lies between zero and what is kept: that is the hard threshold, which jumps.",
        )
        need(
            not np.allclose(w[ramp], u[ramp]),
            f"{case}: between the two points the penalty still rises, but you do not shrink there.",
        )
        need(
            not np.allclose(w[ramp], np.sign(u[ramp]) * (np.abs(u[ramp]) - step * knee)),
            f"{case}: the ramp has the slope "
            "of the soft threshold, and must then jump at its end. The pull becomes weaker as w grows.",
        )
        cost = 0.5 * (w - u) ** 2 + step * cel0(w, alpha)
        low = lowest_on_grid(u, lambda w, step=step, alpha=alpha: step * cel0(w, alpha))
        worst = int(np.argmax(cost - low))
        need(
            (cost <= low + 1e-9).all(),
            f"{case}: u = {u[worst]:.2f} becomes {w[worst]:.2f}, which costs "
            f"{cost[worst]:.4f}; {low[worst]:.4f} can be had.",
        )


@LAB.exercise(
    "3.3",
    hints=[
        "Which rows of D are active? Only these take part.",
        "Least squares: `np.linalg.lstsq` takes a matrix with one column for each unknown.",
        "A code without active atoms has nothing to refit: return it as it is.",
    ],
    works="the residual has no correlation left with active atoms, and the support is the same.",
)
def refit(answer, rng):
    for _ in range(6):
        x, D = unit_problem(rng)
        w = np.where(rng.random(len(D)) < 0.25, 0.5 * (D @ x) + 0.01, 0)
        w[:2] = 0.3
        new = need_array(answer(w, x, D), w.shape, "the code")
        rest = np.abs(new[w == 0]).max(initial=0)
        need(
            not 0 < rest < 1e-9,
            f"the weights are right but for rounding: atoms that were not active have some of {rest:.0e} now. Leave "
            "them out of what is solved, or they count as active.",
        )
        need(((w != 0) | (new == 0)).all(), "atoms that were not active are so now. Keep the support.")
        need(not np.allclose(new, w), "the code is what it was.")
        need(((w == 0) | (new != 0)).all(), "atoms that were active are gone. Keep the support.")
        need(
            not np.allclose(new[w != 0], (D @ x)[w != 0]),
            "each weight is found as if its atom were alone. Atoms that overlap share the work.",
        )
        before, after = (np.sum((x - code @ D) ** 2) for code in (w, new))
        need(after <= before * (1 + 1e-9), f"the error has grown from {before:.3f} to {after:.3f}.")
        ratio = new[w != 0] / w[w != 0]
        need(not np.allclose(ratio, ratio[0]), "all weights are scaled alike. Each has lost an amount of its own.")
        left = np.abs(D[w != 0] @ (x - new @ D)).max()
        need(
            left < 1e-8,
            f"the error fell, but the residual still has a correlation of {left:.2g} with an active atom: "
            "more can be had from it.",
        )
    zero = np.zeros(len(D))
    need(
        np.array_equal(need_array(answer(zero, x, D), zero.shape, "the code"), zero),
        "zero has no support, and stays zero.",
    )


def pursue(x, D, pays):
    """Orthogonal matching pursuit for unit atoms, by least squares anew, while the best atom pays.

    `pays` takes its correlation, and half of what the squared error falls by when all weights are found anew.
    """
    active, w = [], np.zeros(len(D))
    while len(active) < D.shape[1]:
        g = D @ (x - w @ D)
        best = int(np.argmax(np.abs(g)))
        new = np.zeros(len(D))
        new[[*active, best]] = np.linalg.lstsq(D[[*active, best]].T, x, rcond=None)[0]
        if not pays(np.abs(g[best]), (np.sum((x - w @ D) ** 2) - np.sum((x - new @ D) ** 2)) / 2):
            break
        active.append(best)
        w = new
    return w


#: Rules to stop, as functions of the correlation, the gain with all weights anew, and the price. The first is right;
#: the others are wrong in ways that can be told.
RULES = {
    "": lambda g, gain, alpha: g > np.sqrt(2 * alpha),
    "the square of a correlation is the whole of what the squared error falls by. How much of it does the objective "
    "count?": lambda g, gain, alpha: g**2 > alpha,
    "weights found anew save a little more than an atom that enters alone, but the rule is about the atom "
    "alone.": lambda g, gain, alpha: gain > alpha,
    "you seem to compare the price with all that the squared error falls by when weights are found anew. The rule is "
    "about the objective, and about the atom by itself.": lambda g, gain, alpha: 2 * gain > alpha,
    "it stops where the correlation has the size of alpha. A correlation is not an amount of squared error: what does "
    "an atom of this correlation save?": lambda g, gain, alpha: g > alpha,
}


def problem_with_price(rng, kind):
    """A sample, unit atoms, and a price at which some of the wrong rules do not stop where the right one does."""
    while True:
        x, D = unit_problem(rng)
        steps = []
        pursue(x, D, lambda g, gain, steps=steps: steps.append((g**2 / 2, gain)) or len(steps) < 8)
        alone, anew = np.array(steps).T
        last = int(rng.integers(1, 5))
        one, all_ = alone[last], anew[last]
        low, high = ((one, min(all_, 2 * one)), (all_, 2 * one), (2 * one, 2 * all_))[kind]
        alpha = (low + high) / 2
        if high > 1.1 * low and alone[:last].min() > 1.05 * alpha and np.sqrt(2 * alone[0]) > 1.05 * alpha:
            return x, D, alpha


@LAB.exercise(
    "3.4",
    hints=[
        "A round: correlations with the residual, the best atom enters, all weights anew by 3.3.",
        "Stop before an atom enters that lowers the error by less than its price. For a unit atom with "
        "correlation g, by how "
        "much does the squared error fall?",
        "The objective counts half the squared error. Compare half of what is gained with alpha.",
    ],
    works="it enters the atoms of the reference, in order, and stops where none pays.",
)
def pursuit(answer, rng):
    trials = []
    for trial in range(6):
        x, D, alpha = problem_with_price(rng, trial % 3)
        if (D @ x)[np.argmax(np.abs(D @ x))] > 0 and trial < 5:
            x = -x
        w = need_array(answer(x, D, alpha), (len(D),), "the code")
        active = w != 0
        need(active.any(), "no atom enters, though there is much to gain.")
        signed = D @ x
        strongest = int(np.argmax(np.abs(signed)))
        need(
            active[strongest] or signed[strongest] > 0,
            "the first atom should have the largest correlation in size, also if it is negative.",
        )
        need(
            np.abs(D @ (x - w @ D))[active].max() < 1e-8,
            "the residual is correlated with atoms that are active already. After each entry all "
            "weights are found anew.",
        )
        trials.append((x, D, alpha, w))
    for message, rule in RULES.items():
        if all(np.allclose(w, by_rule(x, D, alpha, rule), atol=1e-7) for x, D, alpha, w in trials):
            need(not message, message)
            return
    for trial in trials:
        compare_pursuits(*trial)


def by_rule(x, D, alpha, rule):
    return pursue(x, D, lambda g, gain: rule(g, gain, alpha))


def compare_pursuits(x, D, alpha, w):
    """Say where a pursuit with a rule of its own goes another way than the right one."""
    g, right = np.abs(D @ (x - w @ D)), by_rule(x, D, alpha, RULES[""])
    need(
        (g <= np.sqrt(2 * alpha) * (1 + 1e-9)).all(),
        f"it stops too soon: an atom with a correlation of {g.max():.2f} would save {g.max() ** 2 / 2:.3f}, "
        f"for a price of {alpha:.3f}.",
    )
    need(
        np.count_nonzero(w) <= np.count_nonzero(right),
        f"{np.count_nonzero(w)} atoms are active, but after {np.count_nonzero(right)} no other saves its price.",
    )
    need(np.allclose(w, right, atol=1e-7), "another atom than the best one entered on the way.")


@LAB.exercise(
    "3.5",
    hints=[
        "More price, fewer atoms. Between an alpha that is too small and one that is too large, try one in the middle.",
        "Prices range over powers of ten: the middle is a geometric one.",
        "Halve the interval some forty times; keep the half in which the target lies.",
    ],
    works="it meets the target whatever the method is.",
)
def match_activity(answer, rng):
    for trial in range(4):
        scale, power = rng.uniform(0.02, 20), rng.uniform(0.7, 2)
        levels = np.round(100 / (1 + (np.geomspace(1e-4, 1e3, 3000) / scale) ** power), 2)
        asked = []

        def active_at(alpha, levels=levels, asked=asked):
            asked.append(alpha)
            return float(np.interp(np.log(max(alpha, 1e-9)), np.linspace(np.log(1e-4), np.log(1e3), 3000), levels))

        target = rng.uniform(5, 40) if trial else 20.0
        alpha = need_number(answer(active_at, target), "alpha")
        need(alpha > 0, f"a price of {alpha:g} is not positive.")
        need(asked, "`active_at` was never asked. It is the only thing that knows the method.")
        found = active_at(alpha)
        need(
            not 0.9 < alpha / target < 1.1 or abs(found - target) < 1,
            "this is the number of atoms, not the alpha for it.",
        )
        need(
            0 < found < 99.9,
            f"at alpha = {alpha:.3g}, {found:.3g} atoms are active: the search ran to its end. More price "
            "means fewer atoms.",
        )
        need(
            abs(found - target) < 0.05 * target,
            f"at alpha = {alpha:.3g}, {found:.2f} atoms are active instead of {target:.2f}. Search more finely.",
        )
        need(len(asked) < 500, f"{len(asked)} trials: each may take a minute. Halve the interval.")


fair = LAB.choice(
    "3.6",
    "fair",
    correct="c",
    why={
        "a": "patches are the same for both, which is as it should be.",
        "b": "squared error is a fair measure for both: each has it in its objective.",
        "c": "alpha is the price per unit of size for l1, and per atom for l0: equal numbers mean different "
        "things, and "
        "the two codes have different numbers of active atoms. Compare at equal activity.",
        "d": "the dictionary is the same for both. It could favour one of them, but that is not what is wrong here.",
    },
    hints=["What are the units of alpha in each of the two objectives?", "How many atoms are active in each?"],
)

share = LAB.choice(
    "3.7",
    "share",
    correct="b",
    why={
        "a": "after the refit there is no shrinkage left, and the curve of l1 is still above those of pursuit "
        "and CEL0.",
        "b": "the refit takes away more than half of the distance, which was shrinkage; what is left is that l1 has "
        "chosen worse atoms: to shrink less, it takes several small ones where one would do.",
        "c": "the refit lowers the error of l1 by a third or more at every level. That was shrinkage.",
    },
    hints=["Which curves differ in support only, and which in shrinkage only?", "Look at the printed shares."],
)

gain = LAB.prediction(
    "P1",
    "gain",
    options="abc",
    truth="Two fifths of the error (b). What looked like a bad choice of atoms was to a large part shrinkage.",
)
