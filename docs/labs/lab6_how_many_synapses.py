# %% [markdown]
# A dendrite is not a wire. A short segment of it, with ten or twenty synapses that are active together, sets off a
# spike of its own: it detects a pattern. With thousands of cells around, most of them silent, how can twenty synapses
# be enough? You will compute it exactly, check what can be checked by chance, and then find out where the theory
# ends.
#
# A population has **n** cells, of which **a** are active at a time. A segment has **s** synapses, onto cells that
# were active together, and answers when at least **θ** of them are active.

# %% tags=["setup"]
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import sparsecode
from sparsecode.dendrites import DendriticSegmentDetector
from sparsecode.dendrites.theory import false_positive_rate
from sparsecode.labs import lab6
from sparsecode.sdr import add_noise, k_winners, random_sdrs

warnings.filterwarnings("ignore", message="rows are far from random")  # which is what 6.7 is about
print("sparsecode", sparsecode.__version__)
n, a, s = 1024, 40, 20

# %% [markdown]
# ## 6.1 What a segment sees (5 min)
#
# Rows of activity are Boolean, one column a cell; so are segments, True where there is a synapse. Count, for every
# row and every segment, the active cells that have a synapse.


# %%
def overlaps(rows, segments):
    """Return the number of active synapses, a row for each row of activity and a column for each segment."""
    # BEGIN SOLUTION
    return rows.astype(int) @ segments.astype(int).T
    # END SOLUTION


# %%
overlaps = lab6.overlaps.check(overlaps)

# %% [markdown]
# ## 6.2 By accident (8 min)
#
# **Predict first.** Of 1024 cells 40 are active. A segment has 20 synapses and answers from 10 on, so that half of
# its pattern may be missing. Random activity sets it off about once in (a) a thousand rows, (b) a million, (c) more
# than a billion?

# %%
# BEGIN SOLUTION
seldom = "b"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: seldom = ...  # "a", "b" or "c"
lab6.seldom.check(seldom)

# %% [markdown]
# Now compute it. Random activity is any choice of a of the n cells, all equally likely. In how many of these choices
# are at least θ of the s synapses hit? `math.comb(n, k)` counts the ways to choose k of n, in whole numbers of any
# size.

# %%
from math import comb


def tail_probability(n, a, s, theta):
    """Return the chance that a of n random cells hit at least theta of s synapses."""
    # BEGIN SOLUTION
    ways = sum(comb(s, b) * comb(n - s, a - b) for b in range(theta, min(s, a) + 1))
    return ways / comb(n, a)
    # END SOLUTION


# %%
tail_probability = lab6.tail_probability.check(tail_probability)

# %%
for theta in (3, 5, 10, 15):
    print(f"threshold {theta:2d}: {float(tail_probability(n, a, s, theta)):.4e}")
lab6.seldom.reveal()

# %% [markdown]
# ## 6.3 Check by chance (7 min)
#
# A formula is worth a check that does not use it. Draw random activity, count how often the threshold is reached, and
# give the error of that rate as well: without it nobody can say whether it agrees. `rng` is a NumPy generator.


# %%
def estimate(n, a, s, theta, draws, rng):
    """Return the share of random rows that reach the threshold, and the standard error of this share."""
    # BEGIN SOLUTION
    hits = rng.hypergeometric(s, n - s, a, size=draws)
    rate = np.mean(hits >= theta)
    return rate, np.sqrt(rate * (1 - rate) / draws)
    # END SOLUTION


# %%
estimate = lab6.estimate.check(estimate)

# %%
simulated = {}
for theta in range(1, 6):
    rng = np.random.default_rng(theta)
    pieces = [estimate(n, a, s, theta, 10_000, rng) for _ in range(5)]  # all 50 000 at once may take a gigabyte
    rates, errors = np.array(pieces, dtype=float).T
    rate, error = rates.mean(), np.sqrt(np.mean(errors**2) / len(pieces))
    simulated[theta] = rate, error
    right = float(tail_probability(n, a, s, theta))
    print(f"threshold {theta}: drawn {rate:.3e} +- {error:.0e}, exact {right:.3e}")
print("A threshold of 10 would take some ten billion draws to be seen a few times.")

# %% [markdown]
# ## 6.4 Many segments (5 min)
#
# A cell has hundreds of segments, an area has millions. If one answers by accident with the chance p, how likely is
# it that *any* of G does, each by itself? p may be 1e-19: mind what a computer makes of 1 − p.


# %%
def any_of_many(p, n_segments):
    """Return the chance that at least one of many segments answers."""
    # BEGIN SOLUTION
    return -np.expm1(n_segments * np.log1p(-p))
    # END SOLUTION


# %%
any_of_many = lab6.any_of_many.check(any_of_many)

# %%
p = float(tail_probability(n, a, s, 10))
print(
    f"any of 1000 segments at threshold 10: {any_of_many(p, 1000):.2e}, of a million: {any_of_many(p, 1_000_000):.2e}"
)

# %% [markdown]
# ## 6.5 The threshold (6 min)
#
# A high threshold is safe but deaf: with noise, part of the pattern is missing. So take the lowest one that is safe
# enough. Return s + 1, which is never reached, if none is.


# %%
def choose_threshold(n, a, s, rate):
    """Return the lowest threshold at which random activity sets a segment off at most at this rate."""
    # BEGIN SOLUTION
    theta = 0
    while theta <= s and tail_probability(n, a, s, theta) > rate:
        theta += 1
    return theta
    # END SOLUTION


# %%
choose_threshold = lab6.choose_threshold.check(choose_threshold)

# %%
theta = choose_threshold(n, a, s, 1e-6)
patterns = random_sdrs(2000, n, a, random_state=0).astype(bool)
rng = np.random.default_rng(0)
segments = np.zeros_like(patterns[:500])
for segment, pattern in zip(segments, patterns):
    segment[rng.choice(np.flatnonzero(pattern), s, replace=False)] = True
noisy = add_noise(patterns[:500], 0.3, random_state=0).astype(bool)
own = np.sum(noisy & segments, axis=1)  # each pattern at its own segment
print(f"threshold {theta} for a rate of 1e-6: with 30 % of the pattern moved, {np.mean(own >= theta):.3f} are detected")

# %% [markdown]
# ## 6.6 Learning (5 min)
#
# Synapses come and go. Each has a *permanence* between 0 and 1, and counts as connected above a threshold. When a
# segment learns a row, permanences of synapses onto active cells grow by an increment, the others shrink by a
# decrement.


# %%
def learn(permanence, active, increment, decrement):
    """Return the permanences after a row: `active` says which synapses have an active cell."""
    # BEGIN SOLUTION
    return np.clip(permanence + np.where(active, increment, -decrement), 0, 1)
    # END SOLUTION


# %%
learn = lab6.learn.check(learn)

# %%
permanence = np.full(40, 0.4)  # 40 potential synapses: 20 onto a pattern, 20 onto cells that have nothing to do with it
on_pattern = np.arange(40) < 20
for _ in range(60):
    active = np.where(on_pattern, rng.random(40) < 0.7, rng.random(40) < 0.04)  # 30 % of the pattern is missing
    permanence = learn(permanence, active, 0.05, 0.03)
print(f"connected after 60 noisy rows: {np.sum(permanence[on_pattern] > 0.5)} of 20 onto the pattern, "
      f"{np.sum(permanence[~on_pattern] > 0.5)} of 20 elsewhere")  # fmt: skip

# %% [markdown]
# ## 6.7 Real rows (6 min)
#
# Handwritten digits, scikit-learn's, as rows of 40 active among 1024 cells: the cells that are most active after a
# random projection. **Predict first.** At a threshold of 10, segments on some digits answer to digits *of other
# classes* (a) as seldom as the theory says, (b) about a hundred times as often, (c) more than a hundred thousand
# times as often?

# %%
# BEGIN SOLUTION
digits = "c"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: digits = ...  # "a", "b" or "c"
lab6.digits.check(digits)

# %%
images, labels = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
projection = rng.standard_normal((64, n)) * (rng.random((64, n)) < 0.25)
rows = k_winners((images - images.mean(axis=0)) @ projection, a) > 0
detectors = np.zeros((400, n), bool)
for detector, row in zip(detectors, rows):
    detector[rng.choice(np.flatnonzero(row), s, replace=False)] = True
seen = overlaps(rows[400:], detectors)[labels[400:, None] != labels[:400]]
thresholds = np.arange(s + 1)
on_digits = np.array([np.mean(seen >= theta) for theta in thresholds])
exact = np.array([tail_probability(n, a, s, int(theta)) for theta in thresholds], dtype=float)
print(
    f"threshold 10: theory {exact[10]:.1e}, on digits {on_digits[10]:.1e}, {on_digits[10] / exact[10]:.1e} "
    f"times as often"
)
lab6.digits.reveal()

# %% [markdown]
# Why? (a) Digits have more active cells. (b) Digits are not random rows: they share cells. (c) The law is an
# approximation. (d) The segments on digits have fewer synapses.

# %%
# BEGIN SOLUTION
uniform = "b"
# END SOLUTION
# STUB: uniform = ...  # "a", "b", "c" or "d"

# %%
uniform = lab6.uniform.check(uniform)

# %% [markdown]
# ## The library does the same in one line
#
# `sparsecode.dendrites.theory` has the laws, for whole arrays and in logarithms; `DendriticSegmentDetector` grows the
# segments, counts overlaps, and with `threshold="auto"` finds thresholds on the rows it learns from. (It also warns
# where rows are far from random, as digits are.)

# %%
library = false_positive_rate(n, a, s, thresholds)
print(f"largest relative difference of {len(thresholds)} rates: {np.max(np.abs(exact / library - 1)):.1e}")

detector = DendriticSegmentDetector(s, threshold=10, random_state=0).fit(patterns)
detector.transform(noisy)  # compiles
start = time.perf_counter()
answers = detector.transform(noisy)
seconds_library = time.perf_counter() - start
synapses = detector.dictionary_.matrix.toarray() > 0
start = time.perf_counter()
mine = overlaps(noisy, synapses) >= 10
seconds_mine = time.perf_counter() - start
print("same answers of 2000 segments to 500 noisy rows:", np.array_equal(mine, answers > 0))
print(f"milliseconds: yours {1e3 * seconds_mine:.0f}, library {1e3 * seconds_library:.1f}")

calibrated = DendriticSegmentDetector(s, threshold="auto", false_positive_rate=1e-3, random_state=0)
foreign = calibrated.fit(rows[:400], labels[:400]).transform(rows[400:]) > 0
other = labels[400:, None] != calibrated.owners_
print(f"digits, calibrated for a rate of 1e-3: measured on other digits {foreign[other].mean():.1e}, "
      f"mean threshold {calibrated.thresholds_.mean():.1f}")  # fmt: skip

# %% [markdown]
# ## What you have made
#
# Left: false alarms against the threshold. The line is exact, crosses are drawn, circles are digits: the theory is
# right about random rows, and digits are something else. Right: how many patterns are still detected when part of
# them has moved; a lower threshold bears more noise.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
figure.suptitle("Twenty synapses are enough for random rows; real rows need thresholds of their own")
left.semilogy(thresholds, exact, color="0.4", label="random rows, exact")
left.semilogy(
    list(simulated), [rate for rate, _ in simulated.values()], "x", color="#0072b2", label="random rows, drawn"
)
left.semilogy(
    thresholds[on_digits > 0], on_digits[on_digits > 0], "o--", color="#d55e00", label="digits of other classes"
)
left.set(xlabel="threshold", ylabel="rate of false alarms", ylim=(1e-20, 3), title="false alarms")
left.legend(frameon=False, loc="lower left")
shares = np.linspace(0, 0.9, 10)
for theta, colour, marker in ((5, "#009e73", "s"), (10, "#0072b2", "o"), (15, "#d55e00", "^")):
    moved = [add_noise(patterns[:500], share, random_state=2).astype(bool) for share in shares]
    found = [np.mean(np.sum(rows_moved & segments, axis=1) >= theta) for rows_moved in moved]
    right.plot(shares, found, marker=marker, color=colour, label=f"threshold {theta}: {exact[theta]:.0e} false")
right.set(xlabel="share of the pattern that moved", ylabel="patterns detected", title="noise", ylim=(-0.03, 1.5))
right.legend(frameon=False, loc="upper right")
plt.show()

# %%
lab6.report()

# %% [markdown]
# ## In short
#
# - In sparse activity few synapses suffice: with 20, and 10 needed, random rows set a segment off once in billions.
# - The chance is a ratio of counts. Compute it with whole numbers or logarithms, never as 1 minus something.
# - Chance checks what is not too seldom, and only with an error bar.
# - A lower threshold bears more noise, and the rate of false alarms says how low it may be.
# - The law holds for random rows. On data, measure, and calibrate.
# - **Think:** how would you make rows of digits more like random ones, without losing what they say?
#
# ## Going further
#
# - S. Ahmad and J. Hawkins, "How do neurons operate on sparse distributed representations? A mathematical theory of
#   sparsity, neurons and active dendrites", arXiv:1601.00720 (2016): the laws of this lab, and those of unions.
# - J. Hawkins and S. Ahmad, "Why neurons have thousands of synapses, a theory of sequence memory in neocortex",
#   Front. Neural Circuits 10:23 (2016): what a cell does with segments that detect what comes next.
