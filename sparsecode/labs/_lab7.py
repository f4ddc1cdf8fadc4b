"""Checks of lab 7: only send what has changed, deltas and spikes."""

import numpy as np

from .asking import Wrong, need, need_array, need_two
from .engine import Lab

LAB = Lab(
    "lab7",
    "Only send what has changed: deltas and spikes",
    minutes=55,
    level="intermediate",
    needs=["NumPy: loops over time, broadcasting", "a network of layers: products and a nonlinearity"],
    goals={
        "send changes so that the error stays bounded for ever": ("7.1", "7.2"),
        "run a layer on changes, and count honestly what that saves": ("7.3", "7.4"),
        "step a leaky neuron without errors of integration, and name its reset": ("7.5", "7.6"),
        "say for which streams deltas pay": ("7.7",),
    },
    packages=["temporal.DeltaEncoder", "temporal.DeltaNetwork", "temporal.IntegrateAndFire"],
)


def send(X, threshold):
    """Send on delta, channel by channel."""
    D, held = np.zeros_like(X), np.zeros(X.shape[1])
    for t, x in enumerate(X):
        e = x - held
        D[t] = np.where((np.abs(e) > threshold) | (t == 0), e, 0)
        held = held + D[t]
    return D


@LAB.exercise(
    "7.1",
    hints=[
        "Keep, for each channel, what the receiver has. What it has changes only when you send.",
        "Compare each new value with that, not with the value before it.",
        "Send the whole difference, so that receiver and signal agree again.",
    ],
    works="the receiver is never wrong by more than the threshold, and nothing is sent that could have waited.",
)
def send_on_delta(answer, rng):
    small = np.array([[1.0], [2.0], [2.9], [3.0], [4.1]])
    D = need_array(answer(small, 1.0), small.shape, "what is sent")
    need(D[0, 0] == 1.0, "the first row is to be sent whole: the receiver has nothing yet.")
    need(D[1, 0] == 0, "1 and then 2, at a threshold of 1: a difference of just the threshold is not sent.")
    for threshold in (0.3, 0.8):
        X = np.cumsum(0.1 * rng.standard_normal((300, 4)), axis=0)
        X[:, 1] = 0.02 * np.arange(300)  # a slow drift
        D = need_array(answer(X, threshold), X.shape, "what is sent")
        need(not np.isin(D, X).all() or np.count_nonzero(D) < 5, "values are sent, not differences.")
        need(
            D[1:, 1].any(),
            "a slow drift is never sent: each step is below the threshold, and their sum is lost. With what "
            "do you compare?",
        )
        right = send(X, threshold)
        sent = D[1:] != 0
        both = sent.any(axis=1)
        need(
            not (both.any() and sent[both].all()),
            "all channels are sent when one of them has changed. Each is by itself.",
        )
        held = np.cumsum(D, axis=0)
        error = np.abs(X - held).max()
        sizes = np.abs(D[1:][sent])
        need(
            not np.allclose(sizes, threshold),
            "each change that is sent is just the threshold. What is beyond it is missing at the receiver.",
        )
        need(error <= threshold * (1 + 1e-9), f"the receiver is wrong by {error:.2f} at a threshold of {threshold}.")
        need(sizes.min() > threshold * (1 - 1e-9), f"a change of {sizes.min():.2f} is sent, which could have waited.")
        need(np.allclose(D, right), "the bound holds, but other changes are sent than have to be.")


@LAB.exercise(
    "7.2",
    hints=[
        "What the receiver has is the sum of everything that was sent to it so far.",
        "`np.cumsum` has an `axis`. Which one is time?",
    ],
    works="the receiver has what the sender thinks it has.",
)
def receive(answer, rng):
    X = np.cumsum(rng.standard_normal((40, 3)), axis=0)
    D = send(X, 1.0)
    H = need_array(answer(D), X.shape, "what the receiver has")
    need(not np.allclose(H, D), "these are the changes themselves.")
    last = D.copy()
    for t in range(1, len(D)):
        last[t] = np.where(D[t] != 0, D[t], last[t - 1])
    need(not np.allclose(H, last), "the last change is kept as if it were a value. Changes add up.")
    need(not np.allclose(H, np.cumsum(D, axis=1)), "channels are added up, not moments of time.")
    need(np.allclose(H, np.cumsum(D, axis=0)), "the receiver does not have the sum of all changes so far.")


@LAB.exercise(
    "7.3",
    hints=[
        "The sums of a layer are linear in its inputs. If an input changes by d, by how much do the sums change?",
        "Only rows of W with a change are needed: `np.flatnonzero(d)`.",
        "Take those rows and those changes, multiply, and add to the sums that you have.",
    ],
    works="the sums are those of a full product, and rows without a change are not even looked at.",
)
def update_sums(answer, rng):
    for trial in range(5):
        W, z = rng.standard_normal((12, 5)), rng.standard_normal(5)
        d = rng.standard_normal(12) * (rng.random(12) < 0.3)
        d[3:5] = (0.7, 0.0) if trial else (0.0, 0.0)
        hidden = np.where(d[:, None] != 0, W, np.nan)  # whatever multiplies these rows is spoilt
        right = z + d @ W
        full = need_array(answer(z, W, d), (5,), "the sums")
        need(
            not np.allclose(full, d @ W) or np.allclose(right, d @ W),
            "the old sums are gone: changes are changes of something.",
        )
        need(not np.allclose(full, z - d @ W) or not d.any(), "the change is subtracted.")
        need(np.allclose(full, right), "the sums differ from those of a full product.")
        spared = np.asarray(answer(z, hidden, d), dtype=float)
        need(
            np.isfinite(spared).all(),
            "right, but rows of W are multiplied whose inputs have not changed. That is the work that was to be saved.",
        )
    rest = need_array(answer(z, W, np.zeros(12)), (5,), "the sums without any change")
    need(np.allclose(rest, z), "without any change the sums should stay.")


@LAB.exercise(
    "7.4",
    hints=[
        "One product for each weight that a change meets. How many weights does one input have?",
        "Entries that are not zero, in all rows: the first is part of the stream as well.",
        "The dense count does not depend on what the entries are.",
    ],
    works="every product counts, those of the first row too.",
)
def count_products(answer, rng):
    for n_outputs in (7, 3):
        X = np.cumsum(0.3 * rng.standard_normal((50, 6)), axis=0)
        D = send(X, 0.8)
        found, dense = need_two(answer(D, n_outputs), "products for changes, and products for all values")
        n = np.count_nonzero(D)
        need(dense != 50 * 6 or n_outputs == 1, "each input meets as many weights as there are outputs.")
        need(
            dense == 50 * 6 * n_outputs,
            f"50 rows, 6 inputs and {n_outputs} outputs take {300 * n_outputs} products, you count {dense:g}.",
        )
        need(
            found != np.count_nonzero(D[1:]) * n_outputs,
            "the first row is left out. It is sent whole, and has to be paid for: short films save less.",
        )
        need(
            found != D.any(axis=1).sum() * 6 * n_outputs,
            "rows with any change count whole. Only inputs that changed take products.",
        )
        need(
            found == n * n_outputs,
            f"{n} changes for {n_outputs} outputs take {n * n_outputs} products, you count {found:g}.",
        )


@LAB.exercise(
    "7.5",
    hints=[
        "Where does the potential end if the current stays for ever? The distance to that point is what decays.",
        "The distance decays exponentially: after tau seconds, 1 / e of it is left.",
        "New potential: the end point plus what is left of the distance.",
    ],
    works="two half steps make a whole one, and long steps end at the current.",
)
def lif_step(answer, rng):
    for _ in range(4):
        v, current, tau = rng.standard_normal(5), rng.standard_normal(5), rng.uniform(0.01, 0.05)
        dt = tau * rng.uniform(0.3, 0.8)

        def step(v, dt, current=current, tau=tau):
            return need_array(answer(v, current, tau, dt), (5,), "the potential")

        new = step(v, dt)
        euler = v + dt / tau * (current - v)
        need(
            not np.allclose(new, euler),
            "this is a straight line in the direction in which it starts (Euler's step). For "
            "steps that are not tiny it goes too far; the exact solution is as short.",
        )
        long = step(v, 1000 * tau)
        need(
            np.abs(long).max() < 1e6, "a long step makes the potential explode. Does the exponent have the right sign?"
        )
        need(np.allclose(long, current), "after a very long step the potential should be where the current holds it.")
        halves = step(step(v, dt / 2), dt / 2)
        need(np.allclose(halves, new), "two half steps are not the same as a whole one.")
        left = (new - current) / (v - current)
        need(
            np.allclose(left, np.exp(-dt / tau)),
            f"after dt = {dt / tau:.2f} tau a share of {np.exp(-dt / tau):.3f} of the "
            f"distance is left, you leave {left[0]:.3f}.",
        )


def fire(currents, tau, dt, threshold, reset):
    """Spikes of a leaky neuron, with the exact step."""
    v, spikes = 0.0, np.zeros(len(currents), bool)
    for t, current in enumerate(currents):
        v = current + (v - current) * np.exp(-dt / tau)
        if v >= threshold:
            spikes[t] = True
            v = v - threshold if reset == "subtract" else 0.0
    return spikes


@LAB.exercise(
    "7.6",
    hints=[
        "In each moment: the step of 7.5, then the question whether the threshold is reached, then the reset.",
        'After a spike, "zero" forgets everything; "subtract" takes the threshold away and keeps the rest.',
        "Which of the two keeps the rate proportional to a strong current?",
    ],
    works="spikes are those of the library's neuron, for both resets.",
)
def spike_train(answer, rng):
    tau = rng.uniform(0.01, 0.04)
    dt, threshold = tau * rng.uniform(0.15, 0.25), rng.choice([0.6, 1.6]) * rng.uniform(0.9, 1.1)
    currents = threshold * rng.uniform(0, 4, 120)
    trains = {reset: fire(currents, tau, dt, threshold, reset) for reset in ("zero", "subtract")}
    found = {
        reset: need_array(answer(currents, tau, dt, threshold, reset), (120,), "the spikes") != 0 for reset in trains
    }
    one = {reset: fire(currents, tau, dt, 1.0, reset) for reset in trains}
    need(
        not all(np.array_equal(found[reset], one[reset]) for reset in trains),
        "these are the spikes for a threshold of 1, but the threshold is given.",
    )
    need(any(train.any() for train in found.values()), "there is not a single spike.")
    need(not np.array_equal(*found.values()), "both resets give the same spikes.")
    need(
        not (np.array_equal(found["zero"], trains["subtract"]) and np.array_equal(found["subtract"], trains["zero"])),
        "the two resets are swapped.",
    )
    late = {reset: np.append(False, train[:-1]) for reset, train in trains.items()}
    if np.array_equal(found["zero"], late["zero"]):
        raise Wrong("spikes are one step late: the threshold is looked at before the step.")
    for reset, train in trains.items():
        differ = np.flatnonzero(found[reset] != train)
        need(
            not differ.size,
            f'with reset "{reset}" the spikes differ from step {differ[0] if differ.size else 0} on: there '
            f"{'should be one' if differ.size and train[differ[0]] else 'should be none'}.",
        )


pays = LAB.choice(
    "7.7",
    "pays",
    correct="b",
    why={
        "a": "frames of all films mixed were tried: at the same threshold they take nearly twice the products.",
        "b": "a delta is small where a frame resembles the one before it. What is sent is the motion of the scene; the "
        "noise decides how low the threshold may be, and the first frame is always paid in full.",
        "c": "zeros are skipped without deltas as well. A stream of frames that are full and stand still is "
        "best for deltas.",
        "d": "the network is the same in all cases; what differs is the stream.",
    },
    hints=["What did shuffling change, and what did it leave as it was?", "When is x - h small?"],
)

shuffled = LAB.prediction(
    "P1",
    "shuffled",
    options="abc",
    truth="More (c): what has changed is more. Mixed with frames of other films they take nearly twice the products.",
)
