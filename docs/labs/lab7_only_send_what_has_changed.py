# %% [markdown]
# A camera sends thirty frames a second, and a network computes all of each, though hardly anything has changed.
# Nerves do it another way: they send when there is something to say. In this lab you will send changes, let a network
# compute with changes, count honestly what that saves, and meet the neuron that turns currents into spikes.

# %% tags=["setup"]
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import sparsecode
from sparsecode import groups_from_lengths
from sparsecode.labs import lab7
from sparsecode.temporal import DeltaEncoder, DeltaNetwork, IntegrateAndFire

print("sparsecode", sparsecode.__version__)

# %% [markdown]
# ## 7.1 Send on delta (9 min)
#
# Rows of X are moments of time, columns are channels. The receiver has a value h of each channel, the last it can
# know. Send the difference x − h of a channel where it is *larger* than the threshold in size, and nothing (zero)
# elsewhere. The first row is sent whole, from h = 0. Return what is sent, an array like X.


# %%
def send_on_delta(X, threshold):
    """Return the changes that are sent, zero where nothing is."""
    # BEGIN SOLUTION
    D, held = np.zeros_like(X), np.zeros(X.shape[1])
    for t, x in enumerate(X):
        change = x - held
        D[t] = change if t == 0 else np.where(np.abs(change) > threshold, change, 0)
        held = held + D[t]
    return D
    # END SOLUTION


# %%
send_on_delta = lab7.send_on_delta.check(send_on_delta)

# %% [markdown]
# ## 7.2 What the receiver has (3 min)
#
# Return the receiver's values at all times, from the changes that it got.


# %%
def receive(D):
    """Return the values that the receiver has at each moment."""
    # BEGIN SOLUTION
    return np.cumsum(D, axis=0)
    # END SOLUTION


# %%
receive = lab7.receive.check(receive)

# %%
rng = np.random.default_rng(0)
time_axis = np.arange(2000)
signal = (np.sin(2 * np.pi * time_axis / 400) + 0.05 * rng.standard_normal(2000))[:, None]
for threshold in (0.05, 0.1, 0.2, 0.4):
    sent = send_on_delta(signal, threshold)
    wrong = np.abs(signal - receive(sent)).max()
    print(f"threshold {threshold}: {np.count_nonzero(sent)} events of {len(signal)}, largest error {wrong:.3f}")

# %% [markdown]
# The bound holds however long the stream is: errors do not add up, since the sender compares with what the receiver
# *has*. Below the noise (0.05 here) a threshold sends noise.

# %% [markdown]
# ## 7.3 A layer on changes (7 min)
#
# A layer computes sums z = x W (plus a bias). When its inputs have changed by d, correct the sums that you have. Take
# only those rows of W whose input has changed: that is the whole point, and the check looks for it.


# %%
def update_sums(z, W, d):
    """Return the sums of a layer after its inputs have changed by d, most of which is zero."""
    # BEGIN SOLUTION
    changed = np.flatnonzero(d)
    return z + d[changed] @ W[changed]
    # END SOLUTION


# %%
update_sums = lab7.update_sums.check(update_sums)

# %% [markdown]
# ## 7.4 Count honestly (5 min)
#
# How many products of a weight and an input does a layer take for a whole stream of changes D, and how many for the
# stream of values? The first row belongs to it.


# %%
def count_products(D, n_outputs):
    """Return the products for changes D, and those for all values."""
    # BEGIN SOLUTION
    return np.count_nonzero(D) * n_outputs, D.size * n_outputs
    # END SOLUTION


# %%
count_products = lab7.count_products.check(count_products)

# %% [markdown]
# Now a network. It learns digits in frames of 12 × 12 pixels, and then looks at films: a digit stands still for three
# frames and moves by a pixel in the fourth, and the camera has noise.


# %%
def films(digits, n_frames, rng, side=12):
    frames = 0.03 * rng.standard_normal((len(digits), n_frames, side, side))
    for film, digit in zip(frames, digits):
        y, x = rng.integers(0, side - 8 + 1, 2)
        for number, frame in enumerate(film):
            if number % 4 == 3:
                y, x = np.clip(np.array((y, x)) + rng.integers(-1, 2, 2), 0, side - 8)
            frame[y : y + 8, x : x + 8] += digit.reshape(8, 8) / 16
    return frames.reshape(len(digits), n_frames, side * side)


digits, labels = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
train = films(digits[:1300], 8, rng).reshape(-1, 144)
mlp = MLPClassifier((64,), early_stopping=True, n_iter_no_change=3, tol=2e-3, random_state=0)
mlp.fit(train, np.repeat(labels[:1300], 8))
test, test_labels = films(digits[1300:1400], 16, rng), labels[1300:1400]
print(f"accuracy frame by frame: {mlp.score(test.reshape(-1, 144), np.repeat(test_labels, 16)):.3f}")


# %%
def run_on_changes(film, threshold):
    """Return the outputs of the network for each frame, and the products that it took, for changes and dense."""
    values, spent, dense = film, 0, 0
    for layer, (W, bias) in enumerate(zip(mlp.coefs_, mlp.intercepts_)):
        D = send_on_delta(values, threshold * np.std(values))
        z, sums = np.zeros(W.shape[1]), []
        for d in D:
            z = update_sums(z, W, d)
            sums.append(z)
        products = count_products(D, W.shape[1])
        spent, dense = spent + products[0], dense + products[1]
        values = np.array(sums) + bias
        if layer < len(mlp.coefs_) - 1:
            values = np.maximum(values, 0)
    return values, spent, dense


def measure(movies, threshold):
    runs = [run_on_changes(film, threshold) for film in movies]
    right = np.mean([np.mean(mlp.classes_[run[0].argmax(axis=1)] == label) for run, label in zip(runs, test_labels)])
    return sum(run[1] for run in runs) / sum(run[2] for run in runs), right


thresholds = [0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8]
curve = [measure(test, threshold) for threshold in thresholds]
for threshold, (share, right) in zip(thresholds, curve):
    print(f"threshold {threshold}: {share:.3f} of the products, accuracy {right:.3f}")

# %% [markdown]
# **Predict first.** The same frames of each film in random order, at a threshold of 0.2. The products that it takes
# are (a) fewer, (b) as many, (c) more than with the frames in order?

# %%
# BEGIN SOLUTION
shuffled = "c"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: shuffled = ...  # "a", "b" or "c"
lab7.shuffled.check(shuffled)

# %%
frames = rng.permutation(test.reshape(-1, 144)).reshape(test.shape)  # frames of other films, as a stream of photographs
orders = {
    "in order": test,
    "frames of each film shuffled": np.array([rng.permutation(film) for film in test]),
    "frames of all films shuffled": frames,
}
shares = {name: measure(movies, 0.2)[0] for name, movies in orders.items()}
for name, share in shares.items():
    print(f"{name}: {share:.3f} of the products")
print(f"zeros skipped, without deltas: "
f"{np.mean(np.maximum(test.reshape(-1, 144) @ mlp.coefs_[0] + mlp.intercepts_[0], 0) > 0):.3f} "
      "of the hidden units are not zero")  # fmt: skip
lab7.shuffled.reveal()

# %% [markdown]
# ## 7.5 A neuron, exactly (6 min)
#
# A leaky neuron follows τ dv/dt = current − v. If the current is constant during a step of length dt, this has an
# exact solution; there is no need for tiny steps. Write it.


# %%
def lif_step(v, current, tau, dt):
    """Return the potential after a step of length dt, from v, with a constant current."""
    # BEGIN SOLUTION
    return current + (v - current) * np.exp(-dt / tau)
    # END SOLUTION


# %%
lif_step = lab7.lif_step.check(lif_step)

# %% [markdown]
# ## 7.6 Spikes, and two resets (7 min)
#
# After each step, a neuron whose potential has reached the threshold (at least) fires. Then it is reset: to zero
# (`"zero"`), or by taking the threshold away (`"subtract"`). Papers often do not say which; you will. Start from v =
# 0.


# %%
def spike_train(currents, tau, dt, threshold, reset):
    """Return, for each current, whether the neuron fires after that step; reset is "zero" or "subtract"."""
    # BEGIN SOLUTION
    v, spikes = 0.0, np.zeros(len(currents), bool)
    for t, current in enumerate(currents):
        v = lif_step(v, current, tau, dt)
        if v >= threshold:
            spikes[t] = True
            v = 0.0 if reset == "zero" else v - threshold
    return spikes
    # END SOLUTION


# %%
spike_train = lab7.spike_train.check(spike_train)

# %%
for current in (1.2, 2.0, 4.0, 8.0):
    counts = {
        reset: spike_train(np.full(1000, current), 0.02, 0.004, 1.0, reset).sum() for reset in ("zero", "subtract")
    }
    print(
        f"current {current}: spikes in 1000 steps with reset to zero {counts['zero']}, by subtraction "
        f"{counts['subtract']}"
    )

# %% [markdown]
# ## The library does the same in one line
#
# `DeltaEncoder` sends, `DeltaNetwork` runs a trained network on changes and counts, `IntegrateAndFire` is the neuron.

# %%
encoder = DeltaEncoder(0.1).fit(signal)
print("same events:", np.array_equal(encoder.transform(signal), send_on_delta(signal, 0.1)))

groups = groups_from_lengths([16] * len(test))
stream = test.reshape(-1, 144)
network = DeltaNetwork.from_sklearn(mlp, stream, threshold=0.0)
network.transform(stream[:16])  # compiles
start = time.perf_counter()
outputs = network.transform(stream, groups=groups)
seconds_library = time.perf_counter() - start
start = time.perf_counter()
mine = np.concatenate([run_on_changes(film, 0.0)[0] for film in test])
seconds_mine = time.perf_counter() - start
print("same decisions at threshold 0:", np.array_equal(mine.argmax(axis=1), outputs.argmax(axis=1)))
print(f"milliseconds for {len(stream)} frames: yours {1e3 * seconds_mine:.0f}, library {1e3 * seconds_library:.0f}")

currents = np.random.default_rng(1).uniform(0, 4, (500, 1))
for reset, value in (("zero", 0.0), ("subtract", None)):
    neuron = IntegrateAndFire(tau=0.02, dt=0.004, reset=value).fit(currents)
    same = np.array_equal(
        neuron.transform(currents).ravel() != 0, spike_train(currents.ravel(), 0.02, 0.004, 1.0, reset)
    )
    print(f"reset {reset}: same spikes: {same}")

# %% [markdown]
# ## What you have made
#
# Left: part of the signal, what the receiver has, and the events below. Right: accuracy of the network against the
# share of products, for several thresholds; and what shuffling does to the share at a threshold of 0.2.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
figure.suptitle("Sending changes saves products where frames resemble each other, and only there")
sent = send_on_delta(signal, 0.2)
part = slice(0, 500)
left.plot(time_axis[part], signal[part], color="0.7", label="signal")
left.plot(time_axis[part], receive(sent)[part], color="#0072b2", label="receiver has", drawstyle="steps-post")
events = np.flatnonzero(sent[part])
left.plot(events, np.full(len(events), -1.5), "|", color="#d55e00", markersize=10, label="events")
left.set(xlabel="time", ylabel="value", title=f"send on delta: {len(events)} events of 500", ylim=(-1.7, 1.9))
left.legend(frameon=False, ncols=3, loc="upper center")
right.plot([share for share, _ in curve], [accuracy for _, accuracy in curve], "o-", color="#0072b2", label="in order")
for (share, accuracy), threshold in zip(curve, thresholds):
    right.annotate(f"{threshold}", (share, accuracy), textcoords="offset points", xytext=(4, -13), fontsize=9)
for name, colour, style in (
    ("frames of each film shuffled", "#e69f00", "--"),
    ("frames of all films shuffled", "#d55e00", ":"),
):
    right.axvline(shares[name], color=colour, linestyle=style, label=name)
right.set(xlabel="share of all products (thresholds at the points)", ylabel="accuracy", title="a network on changes")
right.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# ## 7.7 When does it pay? (3 min)
#
# Deltas save work (a) for any frames, (b) where each frame resembles the one before it, (c) where most inputs are
# zero, (d) for large networks.

# %%
# BEGIN SOLUTION
pays = "b"
# END SOLUTION
# STUB: pays = ...  # "a", "b", "c" or "d"

# %%
pays = lab7.pays.check(pays)

# %%
lab7.report()

# %% [markdown]
# ## In short
#
# - Compare with what the receiver has, not with the value before: then errors are bounded for ever.
# - A layer is linear, so its sums can be corrected by the rows of weights whose inputs have changed.
# - Savings are counted with the first frame, and beside what skipping zeros saves.
# - A leaky neuron has an exact step. Its reset is part of the model: say which.
# - Deltas pay for streams that change little, and for nothing else.
# - **Think:** a delta encoder sends once when the light goes on; a neuron fires as long as it is on. When is each
#   better?
#
# ## Going further
#
# - M. Miskowicz, "Send-on-delta concept: an event-based data reporting strategy", Sensors 6:49-63 (2006).
# - P. O'Connor and M. Welling, "Sigma delta quantized networks", ICLR (2017): networks on changes.
