"""Kernels of the proximal methods; see `coordinate_descent` and `forward_backward` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import collect, correlate, largest_correlation, square_error
from ._rows import conclude, share

#: Sweeps over the coefficients that are not zero between two looks at all atoms.
INNER_SWEEPS = 50

#: Sweeps end when the violation has fallen to this share of that of all atoms: the next look may admit an atom that
#: changes them all. On whitened patches (L1, LHalf, MCP, CEL0) 0.001 takes greedy descent 1.2 to 1.7 times as long for
#: the same objectives; with 0.3 it is hardly faster, and mean objectives rise by up to 0.1 %.
SWEEP_SHARE = 0.03

#: A row has stalled when so many looks at all atoms, and one in so many of those before, have lowered neither its
#: objective nor its certificate. Nearly equal atoms (coherence 0.9996) take a thousand looks, each of which lowers the
#: objective by about a rounding: without the second 60 of 1600 rows stalled in float64, 2 with one in 20, now none.
IDLE_PASSES, IDLE_SHARE = 10, 10

#: Proximal gradient steps between two comparisons of the objective, in a row that is not getting nearer its end.
IDLE_STEPS = 100

#: The same with momentum, by which neither the certificate nor the objective is bound to fall.
LONG_IDLE_STEPS = 1600


class Workspace(NamedTuple):
    """Work arrays of one thread."""

    g: np.ndarray  # correlations of the atoms with the residual
    active: np.ndarray
    weight: np.ndarray
    z: np.ndarray
    moved: np.ndarray
    ahead: np.ndarray  # the point that a step is taken from
    past: np.ndarray  # coefficients and correlations of the iteration before
    past_g: np.ndarray


class Gap(NamedTuple):
    """What the duality gap of an l1-type penalty takes; other penalties are certified by the violation."""

    applies: bool
    weights: np.ndarray
    ridge: float
    positive: bool


def make_workspace(n_components, dtype):
    """Allocate the work arrays."""
    return Workspace(
        g=aligned_empty(n_components, dtype),
        active=np.empty(n_components, np.int64),
        weight=aligned_empty(n_components, np.float64),
        z=aligned_empty(n_components, dtype),
        moved=aligned_empty(n_components, dtype),
        ahead=aligned_empty(n_components, dtype),
        past=aligned_empty(n_components, dtype),
        past_g=aligned_empty(n_components, dtype),
    )


def _refresh(G, c, w, work):
    """Compute the correlations of the residual from w anew; return the number of coefficients not zero."""
    k = collect(w, work.active, work.weight)
    correlate(G, c, work.active, work.weight, k, work.g)
    return k


def _start_row(c, w, inverse_norms):
    """Return the largest correlation, to which violations are relative; without any the code is zero."""
    largest = largest_correlation(c, inverse_norms)
    for j in range(w.shape[0]):
        if largest == 0 or inverse_norms[j] == 0:
            w[j] = 0
    return largest


def _find_best(G, w, g, pen, steps, inverse_norms):
    """Return the largest violation, and the gain, the place and the minimiser of the best coordinate.

    That is the one whose exact minimisation lowers the objective most; where no gain is seen for rounding, the one of
    the largest violation, -1 if there is none.
    """
    zero = type(g[0])(0)
    half = type(g[0])(0.5)
    worst = best = target = worst_target = zero
    place = worst_place = np.int64(-1)
    for j in range(w.shape[0]):
        step = steps[j]
        size = g[j] if pen.positive else abs(g[j])
        scaled = size * inverse_norms[j]
        # Atoms at zero move by at most `step * size`, which lowers the objective by at most half of `size` times that
        if step == zero or (
            w[j] == zero and (size <= pen.entry[j] or (scaled <= worst and half * scaled * scaled <= best))
        ):
            continue
        u = pen.prox(w[j] + step * g[j], step, j)
        change = u - w[j]
        if abs(change) > worst * inverse_norms[j]:
            worst = abs(change) / inverse_norms[j]
            worst_place = j
            worst_target = u
        gain = change * (g[j] - half * G[j, j] * change) + (pen.value(w[j], j) - pen.value(u, j))
        if gain > best:
            best = gain
            place = j
            target = u
    if place < 0:
        return worst, best, worst_place, worst_target
    return worst, best, place, target


def _certify(w, g, gap, worst, error, largest, half):
    """Return the certificate of a code: its relative gap where there is one, or else its relative violation."""
    if not gap.applies:
        return share(np.float64(worst), largest)
    top = 1.0
    slack = 0.0
    fit = 0.0
    norm = 0.0
    for j in range(w.shape[0]):
        weight = np.float64(w[j])
        slope = g[j] - gap.ridge * weight
        top = max(top, (slope if gap.positive else abs(slope)) / gap.weights[j])
        slack += gap.weights[j] * abs(weight)
        fit += weight * slope
        norm += weight * weight
    scale = 1.0 / top
    return share(0.5 * (1.0 - scale) ** 2 * (error + gap.ridge * norm) + max(slack - scale * fit, 0.0), half)


def _take(G, w, work, k, place, u):
    """Set coefficient `place` to u and make it active; return the number of active coefficients."""
    if w[place] == 0:
        work.active[k] = place
        k += 1
    change = u - w[place]
    w[place] = u
    for a in range(k):
        work.g[work.active[a]] -= change * G[place, work.active[a]]
    return k


def _sweep(G, w, pen, steps, inverse_norms, work, k, bound, stop):
    """Minimise over the k active coefficients one after the other until they violate optimality by at most bound."""
    for _ in range(INNER_SWEEPS):
        worst = type(w[0])(0)
        for a in range(k):
            j = work.active[a]
            step = steps[j]
            u = pen.prox(w[j] + step * work.g[j], step, j)
            change = u - w[j]
            if change != 0:
                worst = max(worst, abs(change) / inverse_norms[j])
                w[j] = u
                for b in range(k):
                    work.g[work.active[b]] -= change * G[j, work.active[b]]
        if not worst > bound or stop[0] != 0:
            return


def _cycle(G, w, g, pen, steps):
    """Minimise over each coefficient in turn."""
    for j in range(w.shape[0]):
        step = steps[j]
        size = g[j] if pen.positive else abs(g[j])
        if step == 0 or (w[j] == 0 and size <= pen.entry[j]):
            continue
        u = pen.prox(w[j] + step * g[j], step, j)
        change = u - w[j]
        if change != 0:
            w[j] = u
            for m in range(w.shape[0]):
                g[m] -= change * G[j, m]


class DenseGram(NamedTuple):
    """A Gram matrix that all rows share."""

    G: np.ndarray

    def begin(self, i, w):
        """Begin with row i and its code: nothing is to be done."""
        return

    def enter(self, j):
        """Let atom j enter the code: nothing is to be done."""
        return

    def refresh(self, c, w, work):
        """Compute the correlations of the residual from w anew; return the number of coefficients not zero."""
        return refresh(self.G, c, w, work)


def _descend_rows(
    gram, C, square_norms, pen, gap, steps, inverse_norms, greedy, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Solve all rows of C, starting from the codes in W; `gram` has G and is told which rows of it are needed."""
    G = gram.G
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        gram.begin(i, w)
        half = 0.5 * square_norms[i]
        largest = start_row(c, w, inverse_norms)
        lowest = least = np.inf
        idle = 0
        n_iter = n_iters[i]
        while True:
            k = refresh(G, c, w, work)
            error = square_error(c, work.g, work.active, work.weight, k, square_norms[i])
            cost = pen.value_row(w)
            objective = 0.5 * error + cost
            worst, gain, place, u = find_best(G, w, work.g, pen, steps, inverse_norms)
            certificate = certify(w, work.g, gap, worst, error, largest, half)
            idle = 0 if objective < lowest or certificate < least else idle + 1
            lowest = min(lowest, objective)
            least = min(least, certificate)
            # Where a penalty jumps, a coefficient that moves little may still save a whole price
            done = certificate <= tol and (gap.applies or gain <= tol * half)
            stalled = place < 0 or idle >= max(IDLE_PASSES, (n_iter - n_iters[i]) // IDLE_SHARE)
            if done or stalled or n_iter >= max_iter or not objective < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            if greedy:
                gram.enter(place)
                k = take(G, w, work, k, place, u)
                sweep(G, w, pen, steps, inverse_norms, work, k, worst * type(w[0])(SWEEP_SHARE), stop)
            else:
                cycle(G, w, work.g, pen, steps)
        certificates[i] = certificate
        costs[i] = cost
        n_iters[i] = n_iter
        statuses[i] = conclude(objective, done, not stalled)


def _forward_backward_rows(
    gram, C, square_norms, pen, gap, step, inverse_norms, accelerate, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Solve all rows of C by proximal gradient steps, starting from the codes in W; `gram` has a method `refresh`."""
    for i in range(C.shape[0]):
        c, w = C[i], W[i]
        z, moved, ahead, past, past_g = work.z, work.moved, work.ahead, work.past, work.past_g
        for j in range(w.shape[0]):
            past[j] = w[j]
            past_g[j] = 0
        time = 1.0
        momentum = type(w[0])(0)
        largest = start_row(c, w, inverse_norms)
        lowest = least = np.inf
        idle = 0
        stalled = False
        patience, longest = IDLE_STEPS, LONG_IDLE_STEPS if accelerate else IDLE_STEPS
        n_iter = n_iters[i]
        while True:
            k = gram.refresh(c, w, work)
            error = square_error(c, work.g, work.active, work.weight, k, square_norms[i])
            for j in range(w.shape[0]):
                ahead[j] = w[j] + momentum * (w[j] - past[j])
                z[j] = ahead[j] + step * (work.g[j] + momentum * (work.g[j] - past_g[j]))
            pen.prox_row(z, step, moved)
            worst = back = type(w[0])(0)
            turned = False
            for j in range(w.shape[0]):
                worst = max(worst, abs(moved[j] - ahead[j]) * inverse_norms[j])
                turned |= (moved[j] == 0) != (w[j] == 0)
                back += (ahead[j] - moved[j]) * (moved[j] - w[j])
            worst /= step
            certificate = certify(w, work.g, gap, worst, error, largest, 0.5 * square_norms[i])
            idle = 0 if certificate < least else idle + 1
            least = min(least, certificate)
            # A violation is that of the point ahead
            own = gap.applies or momentum == 0
            # Where a penalty jumps, a small step may save a whole price
            done = certificate <= tol and own and (gap.applies or accelerate or not turned)
            # The certificate may rise for long while coefficients grow; the objective, which costs more, only falls
            due = certificate <= tol or idle >= patience
            if idle >= patience and own:
                objective = 0.5 * error + pen.value_row(w)
                idle = 0
                fallen = objective < lowest
                stalled = not fallen and patience >= longest
                patience *= 1 if fallen else 2
                lowest = min(objective, lowest)
            if done or stalled or n_iter >= max_iter or not error < np.inf:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            for j in range(w.shape[0]):
                past[j] = w[j]
                past_g[j] = work.g[j]
                w[j] = moved[j]
            if accelerate:
                # Restarted where the step points back, and to certify the code itself
                last = 1.0 if back > 0 or due or n_iter == max_iter else time
                time = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * last * last))
                momentum = type(w[0])((last - 1.0) / time)
        certificates[i] = certificate
        costs[i] = pen.value_row(w)
        n_iters[i] = n_iter
        statuses[i] = conclude(error, done, not stalled)


certify = kernel(_certify)
refresh = kernel(_refresh)
start_row = kernel(_start_row)
find_best = kernel(_find_best)
take = kernel(_take)
sweep = kernel(_sweep)
cycle = kernel(_cycle)
descend_rows = kernel(_descend_rows)
forward_backward_rows = kernel(_forward_backward_rows)
