"""Checks of lab 1: the soft threshold and ISTA."""

import numpy as np

from ._ista import need_both_halves, need_minimum_to_stay, plain_rounds, step_of_first_round
from ._lasso import (
    accelerate,
    curvature,
    descend,
    largest_penalty,
    objective,
    problem,
    shrink,
    solve_exactly,
    violation,
)
from .asking import need, need_array, need_number, times
from .engine import Lab

LAB = Lab(
    "lab1",
    "From a patch to a sparse code: soft threshold and ISTA",
    minutes=60,
    level="beginner",
    needs=["NumPy: arrays, broadcasting, `@`", "the gradient of a squared norm"],
    goals={
        "write the proximal operator of the l1 norm": ("1.1",),
        "choose a step that cannot diverge": ("1.2",),
        "run ISTA and FISTA, and know why one is faster": ("1.3", "1.4"),
        "test whether a code is optimal without knowing the optimum": ("1.5",),
        "find the penalty at which a code vanishes, and scale it with the data": ("1.6", "1.7"),
    },
    packages=["solvers.solve", "solvers.duality_gap", "penalties.L1", "Dictionary.gabor"],
)


#: Momentum of the third round, the first that has any.
MOMENTUM = (5**0.5 - 1) / 2 / (0.5 + np.sqrt(0.25 + (1 + 5**0.5) ** 2 / 4))

#: By how much of what momentum does rounds may differ: a step that is a thousandth longer differs by less.
MOMENTUM_OFF = 0.02

#: Relative difference of a Lipschitz constant that is found by iteration and is good enough for a step.
CLOSE = 1e-3


@LAB.exercise(
    "1.1",
    hints=[
        "Try numbers by hand. With t = 1, what becomes of 3? Of -3? Of 0.5?",
        "Treat the size and the sign of a number apart: the size shrinks, the sign stays.",
        "`np.sign`, `np.abs` and `np.maximum` suffice. What must not happen to a size that would fall below zero?",
    ],
    works="it minimises 0.5 (w - u)^2 + t |w| for every u that was tried.",
)
def soft_threshold(answer, rng):
    t = rng.uniform(1.2, 1.6) ** rng.choice([-1, 1])  # its square and its double are other numbers
    u = np.sort(np.append(rng.uniform(-4, 4, 41), 0.0))
    w = need_array(answer(u.copy(), t), u.shape, "the result")
    small, large = (np.abs(u) < t) & (u != 0), np.abs(u) > t
    need(
        np.any(w[small] == 0),
        f"a number smaller than the threshold {t:.2f} should become exactly zero: "
        f"{u[small].max():.2f} became {w[small].max():.2f}.",
    )
    need(
        not np.allclose(w, shrink(u, t * t)),
        f"at t = {t:.2f} sizes shrink by {t * t:.2f}. Costs are squares of distances, but t is a price of a unit.",
    )
    lost = np.abs(u[large & (w == 0)])
    need(
        not lost.size or (w[large & (u < 0)] >= 0).all(),
        f"some numbers beyond t become zero as well: {lost.max(initial=0):.2f} at t = {t:.2f}, for one.",
    )
    left = np.abs(u[small & (w != 0)]).max(initial=0)
    need(not left, f"some numbers between -t and t do not become zero: {left:.2f} at t = {t:.2f}, for one.")
    need(
        (w[large & (u < 0)] < 0).all() and (w[large & (u > 0)] > 0).all(),
        "what is larger than the threshold in size should keep its sign. Look at the negative numbers.",
    )
    need(
        not np.allclose(w[large], u[large]),
        "large numbers pass unchanged. That is another penalty: here each unit of "
        "size costs t, so that large ones shrink as well.",
    )
    cost = 0.5 * (w - u) ** 2 + t * np.abs(w)
    grid = np.linspace(-5, 5, 2001)[:, None]
    best = (0.5 * (grid - u) ** 2 + t * np.abs(grid)).min(axis=0)
    worst = int(np.argmax(cost - best))
    need(
        (cost <= best + 1e-9).all(),
        f"for u = {u[worst]:.2f} and t = {t:.2f} another w costs less than yours, {w[worst]:.2f}.",
    )
    matrix = rng.uniform(-4, 4, (3, 7))
    whole = need_array(answer(matrix, t), (3, 7), "the result for a matrix")
    rows = np.array([need_array(answer(row, t), (7,), "the result") for row in matrix])
    need(np.allclose(whole, rows), "a matrix gives other numbers than its rows, one after the other.")


@LAB.exercise(
    "1.2",
    hints=[
        "The gradient of 0.5 ||x - w D||^2 with respect to w is linear in w. By how much can a matrix stretch a "
        "vector?",
        "The matrix of that linear map is D D^T. Its largest eigenvalue is what you need.",
        "`np.linalg.norm(D, 2)` is the largest singular value of D. What do eigenvalues of D D^T have to do with it?",
    ],
    works="the gradient changes by at most this much per unit of w, and for some direction by just as much.",
)
def lipschitz(answer, rng):
    for shape in ((12, 6), (5, 9), (60, 30)):
        D = rng.standard_normal(shape) * rng.uniform(0.5, 2)
        L, true = need_number(answer(D), "the Lipschitz constant"), curvature(D)
        need(
            not np.isclose(L, np.square(D).sum()),
            "this is safe, but far too careful: it adds up the stretch in all directions, where only the one with "
            "the most limits the step.",
        )
        need(not np.isclose(L, np.sqrt(true)), "this grows with D as D does, but the gradient contains D twice.")
        need(
            not np.isclose(L, np.square(D).sum(axis=1).max()),
            "this looks at each atom alone. Atoms that resemble each other add up.",
        )
        longer = " If you iterate, iterate longer." if 0.95 < L / true < 1.05 else ""
        need(
            true * (1 - CLOSE) <= L,
            f"there is a direction in which the gradient changes {times(true / L)} times as fast as "
            f"that: ISTA with this step can diverge.{longer}",
        )
        need(
            true * (1 + CLOSE) >= L,
            f"this is {times(L / true)} times what is needed: safe, but that much slower.{longer}",
        )


@LAB.exercise(
    "1.3",
    hints=[
        "Two half-steps: go down the slope of the squared error, then apply your threshold.",
        "The slope of 0.5 ||x - w D||^2 is made of the residual x - w D, correlated with each atom. Which sign "
        "goes down?",
        "How far the first half-step goes is `step`. By how much may the second one shrink, if the penalty is `alpha`?",
    ],
    works="the objective never rose on random problems, and a minimum stays where it is.",
)
def ista_step(answer, rng):
    for trial in range(4):
        x, D = problem(rng)
        alpha = rng.uniform(0.02, 0.2) * largest_penalty(x, D)
        if not trial:
            alpha = np.quantile(np.abs(D @ x), 0.3)  # three atoms in ten stay at zero in the first step
        step = 1 / curvature(D)

        def go(w, x=x, D=D, alpha=alpha, step=step):
            return need_array(answer(w, x, D, alpha, step), (len(D),), "the new code")

        start = go(np.zeros(len(D)))
        if not trial:
            need((start == 0).any(), "not a single coefficient is zero after a step from zero. Where is the threshold?")
            need(
                ((D @ x)[start != 0] * start[start != 0] > 0).all(),
                "the step goes uphill: coefficients grow against their correlation with the residual.",
            )
            need_both_halves(start, D @ x, alpha, step)
            best = solve_exactly(x, D, alpha)
            need_minimum_to_stay(go, best, x, D, alpha, step)
        w = start
        for _ in range(30):
            w, old = go(w), w
            before, after = objective(old, x, D, alpha), objective(w, x, D, alpha)
            need(
                after <= before * (1 + 1e-9),
                f"the objective rose from {before:.4g} to {after:.4g}, though the given "
                "step is safe. Does yours go farther than you were told?",
            )
    whole = descend(x, D, alpha, 1)
    need(
        np.linalg.norm(start) < 1.001 * np.linalg.norm(whole),
        "the objective falls, but the first step goes farther than you were told.",
    )
    need(
        np.allclose(start, whole, atol=1e-9),
        "the objective falls, but less than a full step would make it fall.",
    )


@LAB.exercise(
    "1.4",
    hints=[
        "Keep two things between rounds: the code w, and the point v from which the next step starts.",
        "One round: a step of 1.3 from v, not from w; then v is put beyond the new code, along the way from the old to "
        "the new one.",
        "Order matters: compute the new t before v, use the old and the new one, and only then forget the old code.",
    ],
    works="its rounds are those of the list, and it keeps the bound of Beck and Teboulle.",
)
def fista(answer, rng):
    x, D = problem(rng, 60, 30)
    alpha = 0.02 * largest_penalty(x, D)
    solution = solve_exactly(x, D, alpha)
    best = objective(solution, x, D, alpha)
    one = need_array(answer(x, D, alpha, 1), (len(D),), "the code")
    step = step_of_first_round(one, x, D, alpha)
    codes = {n: need_array(answer(x, D, alpha, n), (len(D),), "the code") for n in (3, 12, 100)}
    plain = {n: descend(x, D, alpha, n, step=step) for n in codes}
    right = {n: accelerate(x, D, alpha, n, step) for n in codes}
    due = {n: right[n] - plain[n] for n in codes}  # what momentum does; in the third round for the first time
    found = {n: codes[n] - plain[n] for n in codes}

    def share_off(n):
        return np.linalg.norm(found[n] - due[n]) / np.linalg.norm(due[n])

    need(
        not all(np.linalg.norm(found[n]) < MOMENTUM_OFF * np.linalg.norm(due[n]) for n in codes),
        "this is ISTA: the same codes after 3, 12 and 100 rounds. Does t grow, and do you use v?",
    )
    first, second = plain_rounds(x, D, alpha, step)
    back = descend(x, D, alpha, 1, second + MOMENTUM * (first - second), step)
    need(
        np.linalg.norm(codes[3] - back) > MOMENTUM_OFF * np.linalg.norm(due[3]),
        "momentum makes it slower than ISTA. In which direction does v lie from the new code?",
    )
    share = found[3] @ due[3] / (due[3] @ due[3])
    need(
        share > 0.9 or np.linalg.norm(found[3] - share * due[3]) > 0.3 * np.linalg.norm(due[3]),
        f"the momentum is too weak: the third round goes {share:.0%} of the way beyond ISTA that it should.",
    )
    need(
        share_off(3) < MOMENTUM_OFF,
        "the third round is not that of the list above. At which point is the gradient taken, and which t enters?",
    )
    need(
        share_off(12) < MOMENTUM_OFF,
        "the first rounds are right, later ones are not those of the list. Does t grow in each of them?",
    )
    limit = best + 2.02 * curvature(D) * np.square(solution).sum() / 101**2
    last = objective(codes[100], x, D, alpha)
    need(last <= limit, f"after 100 rounds the objective is {last:.3g}, above {limit:.3g}, which FISTA guarantees.")


@LAB.exercise(
    "1.5",
    hints=[
        "Everything starts from the correlations of the atoms with the residual, not with x.",
        "Two kinds of atoms, two rules. A boolean mask of the active atoms tells them apart.",
        "An atom that keeps its rule violates it by zero, never by a negative number. The answer is the largest "
        "violation.",
    ],
    works="it is zero at minima, also where they were not told, and positive beside them.",
)
def kkt_violation(answer, rng):
    for _ in range(3):
        x, D = problem(rng)
        alpha = rng.uniform(0.05, 0.4) * largest_penalty(x, D)
        best = solve_exactly(x, D, alpha)
        zero = np.zeros(len(D))
        at_best = need_number(answer(best, x, D, alpha), "the violation")
        at_zero = need_number(answer(zero, x, D, alpha), "the violation")
        need(at_best >= 0, "a violation below zero: an inactive atom that is far below its limit does not violate it.")
        need(
            at_best < 1e-6 * alpha,
            f"at the minimum you find {at_best:.3g} instead of zero. Do correlations with the "
            "residual enter, and do active atoms of negative weight get the right sign?",
        )
        need(
            np.isclose(at_zero, np.abs(D @ x).max() - alpha),
            "for the code zero no atom is active, and the best of them "
            f"exceeds its limit by {np.abs(D @ x).max() - alpha:.3g}; you find {at_zero:.3g}.",
        )
        active = np.flatnonzero(best)
        A = D[active]
        grown = best.copy()
        grown[active] += np.linalg.solve(A @ A.T, 0.3 * alpha * np.sign(best[active]))  # correlations fall to 0.7 alpha
        expected = violation(grown, x, D, alpha)
        found = need_number(answer(grown, x, D, alpha), "the violation")
        need(
            found > 0.2 * alpha,
            "weights that are too large leave too little correlation. An active atom must reach its "
            "limit, not only stay below.",
        )
        need(
            np.isclose(found, expected),
            f"a code with a violation of {expected:.3g} gets {found:.3g}: is it the largest over all atoms?",
        )
        turned = best.copy()
        least = active[np.argmin(np.abs(best[active]))]
        turned[least] *= -1e-3  # a weight against the correlation of its atom
        expected = violation(turned, x, D, alpha)
        found = need_number(answer(turned, x, D, alpha), "the violation")
        need(
            np.isclose(found, expected),
            f"a weight whose atom is correlated the other way round gives {found:.3g} instead of {expected:.3g}. "
            "Does the sign of the weight enter?",
        )


@LAB.exercise(
    "1.6",
    hints=[
        "Put the code zero into your test of optimality. For which alpha does no atom violate it?",
        "What is the residual if the code is zero?",
        "Atoms may also enter with a negative weight.",
    ],
    works="just above it the code is zero, just below it exactly one atom is active.",
)
def alpha_max(answer, rng):
    for trial in range(6):
        x, D = problem(rng)
        if trial % 2:
            best = np.argmax(np.abs(D @ x))
            D[best] *= -np.sign(D[best] @ x)  # the best atom enters with a negative weight
        found, true = need_number(answer(x, D), "alpha_max"), largest_penalty(x, D)
        need(
            found <= true * 1.0001,
            f"{found:.4g} is more than needed: the code is zero already at {found / 2 + true / 2:.4g}.",
        )
        need(
            not np.isclose(found, (D @ x).max()) or np.isclose(found, true),
            "an atom that points away from x can enter as well, with a negative weight.",
        )
        need(
            not np.isclose(found, np.abs(D @ x).max() / np.linalg.norm(D[np.argmax(np.abs(D @ x))])),
            "atoms keep their lengths in the objective: here they are not unit vectors, and need not be.",
        )
        active = np.count_nonzero(descend(x, D, found * 1.0001, 300))
        need(active == 0, f"just above your value {active} atoms are active, there should be none.")


doubling = LAB.choice(
    "1.7",
    "doubling",
    correct="b",
    why={
        "a": "if the code stayed, it would explain only half of the doubled patch, and leave a large residual.",
        "b": "both terms of the objective grow by four, so the minimum stays the same but for its scale. A penalty has "
        "the units of the data times those of the atoms: state how data were scaled when you state alpha.",
        "c": "the support stays: each correlation doubles, and so does the limit that it must reach.",
        "d": "the squared error is quadratic. What does the penalty do when weights and alpha both double?",
    },
    hints=[
        "Write the objective with 2 x, 2 alpha and an unknown factor c in front of w. For which c can you pull "
        "a number out?",
        "Try it: you have all functions.",
    ],
)

speed = LAB.prediction(
    "P1",
    "speed",
    options="abc",
    truth="A fifth, here (c). Where atoms resemble each other ISTA gains little per round; momentum adds these "
    "gains up.",
)
