# %% [markdown]
# You meet somebody once and know them again next year. Networks that learn by gradients need many looks; the memory
# of this lab needs one. Its parts are a *macrocolumn* of Q modules, each with K units of which exactly one wins at a
# time, and binary weights from F features to all units. A code is the list of winners, one in each module.
#
# You will build it in ten lines, find out how much it holds, first by a law and then by trying, and then meet the one
# of the library.

# %% tags=["setup"]
import time
import warnings

import matplotlib.pyplot as plt
import numpy as np

import sparsecode
from sparsecode.labs import lab5
from sparsecode.sdr import MacrocolumnMemory, add_noise, capacity, random_sdrs, recall_accuracy

warnings.filterwarnings("ignore", message=".* items are stored")  # more than fit, on purpose
print("sparsecode", sparsecode.__version__)

F, S, Q, K = 144, 12, 9, 16  # features, active ones, modules, units of a module
patterns = random_sdrs(600, F, S, random_state=0).astype(bool)
print("patterns", patterns.shape, "with", patterns.sum(axis=1).mean(), "active features each")

# %% [markdown]
# ## 5.1 How many codes? (5 min)
#
# A code picks one unit in each module. How many codes are there with Q modules of K units? And in how many modules do
# two random codes agree on average? Return both.


# %%
def count_codes(n_modules, n_units):
    """Return how many codes there are, and the mean number of modules in which two random ones agree."""
    # BEGIN SOLUTION
    return n_units**n_modules, n_modules / n_units
    # END SOLUTION


# %%
count_codes = lab5.count_codes.check(count_codes)

# %%
print("codes, modules in common:", count_codes(Q, K))

# %% [markdown]
# ## 5.2 One look (6 min)
#
# To store a pattern x under a code, set the weights from all its active features to all winners. That is all learning
# there is: no rate, no second look. `weights[j, q, k]` is True where feature j has a weight to unit k of module q.


# %%
def store(weights, x, winners):
    """Return the weights after pattern x (boolean, one entry a feature) is stored under the winners (one a module)."""
    # BEGIN SOLUTION
    weights = weights.copy()
    for q, k in enumerate(winners):
        weights[x, q, k] = True
    return weights
    # END SOLUTION


# %%
store = lab5.store.check(store)

# %% [markdown]
# ## 5.3 Recall (8 min)
#
# When x comes again, each unit counts the active features from which it has a weight: its *support*. In each module
# the unit with most support wins. Where several have most, one of them wins at random; `rng` is a NumPy generator.


# %%
def recall(weights, x, rng):
    """Return the winner of each module for a pattern."""
    # BEGIN SOLUTION
    support = weights[x].sum(axis=0)
    return np.argmax(support + 0.5 * rng.random(support.shape), axis=1)
    # END SOLUTION


# %%
recall = lab5.recall.check(recall)

# %% [markdown]
# Fifty patterns, one look at each, under random codes:

# %%
rng = np.random.default_rng(0)
codes = rng.integers(K, size=(len(patterns), Q))
weights = np.zeros((F, Q, K), bool)
for x, code in zip(patterns[:50], codes):
    weights = store(weights, x, code)
recalled = np.array([recall(weights, x, rng) for x in patterns[:50]])
print(f"right winners: {np.mean(recalled == codes[:50]):.3f}, weights that are set: {weights.mean():.3f}")

# %% [markdown]
# ## 5.4 Do I know this? (6 min)
#
# The support says more than who wins: it says how sure the memory is. The familiarity G of a pattern is the support
# of the winner of a module, as a share of what it could be, averaged over modules. It is 1 if every active feature
# has a weight to every winner.


# %%
def familiarity(weights, x):
    """Return the familiarity of a pattern, from 0 to 1."""
    # BEGIN SOLUTION
    support = weights[x].sum(axis=0)
    return np.mean(support.max(axis=1)) / x.sum()
    # END SOLUTION


# %%
familiarity = lab5.familiarity.check(familiarity)

# %%
known = np.mean([familiarity(weights, x) for x in patterns[:50]])
novel = np.mean([familiarity(weights, x) for x in patterns[50:100]])
print(f"familiarity with 50 patterns stored: {known:.2f} of the known, {novel:.2f} of the new")

# %% [markdown]
# ## 5.5 How full is it? (6 min)
#
# Every pattern sets weights, and some day everything is set and everything is familiar. After M patterns with S of F
# features active, stored under random codes, which share of the weights *of one unit* is set, on average? (Of the M
# patterns, the unit has won M / K.)


# %%
def expected_fill(n_items, n_features, n_active, n_units):
    """Return the share of the weights of a unit that are set after some items."""
    # BEGIN SOLUTION
    return 1 - (1 - n_active / n_features) ** (n_items / n_units)
    # END SOLUTION


# %%
expected_fill = lab5.expected_fill.check(expected_fill)

# %%
print(f"50 patterns: expected fill {expected_fill(50, F, S, K):.3f}, measured {weights.mean():.3f}")

# %% [markdown]
# ## 5.6 How much fits? (8 min)
#
# A stored winner has full support. An error needs an *intruder*: one of the K − 1 other units that has full support
# as well, since its S weights have all been set for other patterns, each with the chance p, the fill. There is then a
# tie, and it is lost half of the time. So errors have a share of about ½ (K − 1) p^S. Find the fill p at which this
# is 1 − accuracy, and then the number of patterns that leads to this fill.


# %%
def capacity_law(n_features, n_active, n_units, accuracy):
    """Return how many patterns can be stored so that modules are right with an accuracy."""
    # BEGIN SOLUTION
    fill = (2 * (1 - accuracy) / (n_units - 1)) ** (1 / n_active)
    return n_units * np.log(1 - fill) / np.log(1 - n_active / n_features)
    # END SOLUTION


# %%
capacity_law = lab5.capacity_law.check(capacity_law)

# %%
for accuracy in (0.97, 0.9):
    print(f"accuracy {accuracy}: your law {capacity_law(F, S, K, accuracy):.1f} patterns, "
          f"library {capacity(F, S, K, accuracy):.1f}")  # fmt: skip

# %% [markdown]
# ## 5.7 Is more better? (4 min)
#
# **Predict first.** A second macrocolumn has four times as many modules, 36 instead of 9, with as many units in each.
# It has four times as many weights. At the same accuracy it holds (a) about four times as many patterns, (b) about
# the same number, (c) fewer?

# %%
# BEGIN SOLUTION
more_modules = "b"  # a guess: any answer counts, and what comes out is told below
# END SOLUTION
# STUB: more_modules = ...  # "a", "b" or "c"
lab5.more_modules.check(more_modules)

# %% [markdown]
# Now measure. As patterns come, all those stored so far are asked for again.


# %%
def measured_accuracy(n_modules, counts, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(K, size=(len(patterns), n_modules))
    weights, stored, accuracy = np.zeros((F, n_modules, K), bool), 0, []
    for count in counts:
        for x, code in zip(patterns[stored:count], codes[stored:count]):
            weights = store(weights, x, code)
        stored = count
        right = [np.mean(recall(weights, x, rng) == code) for x, code in zip(patterns[:count], codes)]
        accuracy.append(np.mean(right))
    return np.array(accuracy)


counts = np.arange(40, 401, 40)
few, many = measured_accuracy(9, counts), measured_accuracy(36, counts)
for name, curve in (("9 modules", few), ("36 modules", many)):
    held = np.interp(-0.97, -curve, counts)
    print(f"{name}: 97 % right up to {held:.0f} patterns, {held / capacity_law(F, S, K, 0.97):.2f} of the law")
lab5.more_modules.reveal()

# %% [markdown]
# Why? (a) With more modules, each gets fewer winners. (b) Modules share weights. (c) Each module has to remember all
# patterns by itself. (d) It does hold more.

# %%
# BEGIN SOLUTION
modules = "c"
# END SOLUTION
# STUB: modules = ...  # "a", "b", "c" or "d"

# %%
modules = lab5.modules.check(modules)

# %% [markdown]
# ## The library does the same in one line
#
# `MacrocolumnMemory` stores with `fit` and `partial_fit`, recalls with `transform` and `recall`, and has
# `familiarity`. Its codes are not random: where a pattern is familiar, winners are drawn with chances that follow
# their support, so that similar patterns get similar codes. What is stored, and how it is read, is yours.

# %%
memory = MacrocolumnMemory(Q, K, store_items=True, random_state=0)
memory.fit(patterns[:100]).familiarity(patterns)  # compiles
start = time.perf_counter()
memory.fit(patterns[:100])
G_library = memory.familiarity(patterns)
seconds_library = time.perf_counter() - start

start = time.perf_counter()
weights = np.zeros((F, Q, K), bool)
for x, code in zip(patterns[:100], memory.codes_):
    weights = store(weights, x, code)
G_mine = np.array([familiarity(weights, x) for x in patterns])
seconds_mine = time.perf_counter() - start

print("same weights:", np.array_equal(weights, memory.weights_))
print(f"largest difference of familiarity: {np.abs(G_mine - G_library).max():.1e}")
print(f"milliseconds to store 100 and ask for 600: yours {1e3 * seconds_mine:.1f}, library {1e3 * seconds_library:.1f}")

# %% [markdown]
# ## What you have made
#
# Left: recall against the number of patterns, measured, and the law of the library for random codes. Both sizes lie
# on each other, a little below the law: it lets every unit win exactly M / K patterns, but some win more, fill
# sooner, and are the first intruders. Right: familiarity of stored patterns of which some active features have moved,
# with 50 patterns stored and with 150. A full memory finds everything familiar.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
figure.suptitle("What a macrocolumn holds depends on the units of a module, not on the number of modules")
law = np.arange(10, 401, 5)
left.plot(law, [recall_accuracy(m, F, S, K) for m in law], color="0.5", label="law")
left.plot(counts, few, "o", color="#0072b2", label="9 modules")
left.plot(counts, many, "^", color="#d55e00", label="36 modules", fillstyle="none")
left.axvline(capacity_law(F, S, K, 0.97), color="0.5", linestyle=":")
left.text(capacity_law(F, S, K, 0.97) + 5, 0.2, "97 % by your law")
left.set(xlabel="patterns stored", ylabel="right winners", ylim=(0, 1.03), title="recall")
left.legend(frameon=False, loc="lower left")
moved = np.linspace(0, 1, 13)
for count, colour, marker in ((50, "#0072b2", "o"), (150, "#d55e00", "^")):
    memory = MacrocolumnMemory(Q, K, random_state=0).fit(patterns[:count])
    G = [memory.familiarity(add_noise(patterns[:50], share, random_state=1)).mean() for share in moved]
    right.plot(moved, G, marker=marker, color=colour, label=f"{count} patterns stored")
    right.axhline(memory.familiarity(patterns[400:]).mean(), color=colour, linestyle=":", label="new patterns")
right.set(xlabel="share of active features moved", ylabel="familiarity G", ylim=(0, 1.03), title="noise")
right.legend(frameon=False, loc="lower left")
plt.show()

# %%
lab5.report()

# %% [markdown]
# ## In short
#
# - A code of Q winners among K is one of K^Q, and two random ones share Q / K modules.
# - One look is enough if patterns and codes are sparse: storing only sets weights.
# - The support of the winners is a graded answer to "do I know this?".
# - A memory of binary weights does not fade: it fills. Errors begin suddenly, when intruders have full support.
# - Capacity grows with K and with sparse patterns. It does not grow with Q.
# - **Think:** natural patterns share features much more than random ones. Will more of them fit, or fewer? Try the
#   digits of scikit-learn, `load_digits().data > 8`.
#
# ## Going further
#
# - G. J. Rinkus, "A cortical sparse distributed coding model linking mini- and macrocolumn-scale functionality",
#   Front. Neuroanat. 4:17 (2010): how similar patterns get similar codes.
# - D. J. Willshaw, O. P. Buneman and H. C. Longuet-Higgins, "Non-holographic associative memory", Nature 222:960
#   (1969): where binary weights that are set once come from. `sparsecode.sdr.WillshawMemory` is theirs.
