"""What can be wrong with a step of ISTA, in words."""

import numpy as np

from ._lasso import curvature, descend, shrink
from .asking import need, times


def need_both_halves(start, g, alpha, step):
    """Say which half-step of a step from zero is wrong, if one of the two is right."""
    moved = start != 0
    need(
        moved.any(),
        "no atom becomes active in a step from zero, though seven in ten have enough correlation. Check by how much "
        "the threshold shrinks in one step.",
    )
    slope, threshold = np.linalg.lstsq(
        np.stack([step * np.abs(g), np.full(len(g), -step * alpha)], axis=1)[moved], np.abs(start)[moved], rcond=None
    )[0]
    need(
        abs(slope - 1) < 1e-6 or abs(threshold - 1) > 1e-6,
        f"the threshold is right, but the half-step before it goes {times(slope)} times as far as it should. "
        "What is the slope of half a square?",
    )
    need(
        abs(slope - 1) > 1e-6 or abs(threshold - 1) < 1e-6,
        "the half-step down the slope is right, but the minimum of the objective would not stay where it is. Check by "
        "how much the threshold shrinks in one step.",
    )


def need_minimum_to_stay(go, best, x, D, alpha, step):
    """Say what is forgotten on the way from a code that is not zero."""
    new, r = go(best), x - best @ D
    need(
        not np.allclose(new, shrink(step * (D @ r), step * alpha), atol=1e-7),
        "from zero the step is right, but from another code it forgets where it was: the first half-step starts at w.",
    )
    need(
        not np.allclose(new, shrink(best + step * (D @ x), step * alpha), atol=1e-7),
        "from zero the step is right, but from another code the slope is still that at zero. What is left of x there?",
    )
    need(
        np.allclose(new, best, atol=1e-7),
        "from zero the step is right, but the minimum of the objective does not stay where it is. Does each half-step "
        "look at w?",
    )


def step_of_first_round(one, x, D, alpha):
    """Return the step that a first round took, which is that of the learner's own Lipschitz constant."""
    due = shrink(D @ x, alpha)
    step = one @ due / (due @ due)
    need(
        np.linalg.norm(one - step * due) < 1e-6 * np.linalg.norm(one),
        "the first round starts from zero without any momentum: it should be one step of ISTA.",
    )
    share = step * curvature(D)
    need(
        abs(share - 1) < 0.01,
        f"the first round is one of ISTA, but its step is {share:.3g} times the longest that is safe for sure (1.2).",
    )
    return step


def plain_rounds(x, D, alpha, step):
    """Return the codes after one and after two rounds without momentum."""
    first = descend(x, D, alpha, 1, step=step)
    return first, descend(x, D, alpha, 1, first, step)
