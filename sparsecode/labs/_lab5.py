"""Checks of lab 5: a memory that learns once."""

import numpy as np

from .asking import Wrong, need, need_array, need_number, need_two
from .engine import Lab

LAB = Lab(
    "lab5",
    "A memory that learns once",
    minutes=60,
    level="beginner",
    needs=["NumPy: boolean arrays, fancy indexing", "powers and logarithms"],
    goals={
        "say how many codes there are and how much two of them share": ("5.1",),
        "store a pattern in one look and recall it": ("5.2", "5.3"),
        "tell the known from the new": ("5.4",),
        "derive how much fits, and measure it": ("5.5", "5.6"),
        "know what makes a memory larger and what does not": ("5.7",),
    },
    packages=["sdr.MacrocolumnMemory", "sdr.random_sdrs", "sdr.capacity", "sdr.recall_accuracy", "sdr.add_noise"],
)

F, S, Q, K = 60, 8, 5, 7


def patterns(rng, n, n_active=S):
    """Rows of F features of which some are active."""
    return rng.permuted(np.tile(np.arange(F) < n_active, (n, 1)), axis=1)


def memory(rng, n, n_active=S):
    """Patterns with random codes, and the weights that store them."""
    X, codes, weights = patterns(rng, n, n_active), rng.integers(K, size=(n, Q)), np.zeros((F, Q, K), bool)
    for x, code in zip(X, codes, strict=True):
        weights[x] |= np.arange(K) == code[:, None]
    return X, codes, weights


@LAB.exercise(
    "5.1",
    hints=[
        "Count by hand for two modules of three units: write all codes down.",
        "Modules choose independently. What do you do with the numbers of their choices?",
        "For the second number take one module first: how likely do two random codes agree in it?",
    ],
    works="and this is why random codes hardly collide, though units are few.",
)
def count_codes(answer, rng):
    for n_modules, n_units in [(2, 3), *rng.integers(2, 9, size=(4, 2)).tolist(), (9, 16)]:
        number, shared = need_two(
            answer(n_modules, n_units),
            "how many codes there are, and in how many modules two random codes agree on average",
        )
        right = n_units**n_modules
        case = f"{n_modules} modules of {n_units} units"
        need(
            number != n_modules * n_units or number == right,
            f"{case}: that is how many units there are, not how many ways to choose a winner in each module.",
        )
        need(
            number != n_modules**n_units or number == right,
            f"{case}: base and exponent are swapped. Which one chooses, and how often?",
        )
        need(number == right, f"{case} have {right} codes, you count {number:g}.")
        need(not np.isclose(shared, 1 / n_units), f"{case}: this is for a single module. The question is about all.")
        need(
            np.isclose(shared, n_modules / n_units),
            f"{case}: random codes do not agree in {shared:.3g} modules on average. Try it with many random codes.",
        )


@LAB.exercise(
    "5.2",
    hints=[
        "Which weights change? Those from an active feature to the winner of each module, and no others.",
        "`weights[j, q, winners[q]]` is one of them. Two loops are fine; what was set before stays.",
        "Make a copy first, and return it. Without loops: `np.arange(len(winners))` pairs each module with its winner.",
    ],
    works="only the weights from active features to winners are set, and what was known is still there.",
)
def store(answer, rng):
    for trial in range(4):
        _X, _codes, weights = memory(rng, 6 if trial else 0)
        x, code = patterns(rng, 1)[0], rng.integers(K, size=Q)
        new = need_array(answer(weights, x, code), (F, Q, K), "the array of weights").astype(bool)
        need((new | weights == new).all(), "weights of earlier patterns are gone. Storing only ever adds.")
        added = new & ~weights
        wanted = (x[:, None, None] & (np.arange(K) == code[:, None])) & ~weights
        need(not added[~x].any(), "features that are not active got weights as well.")
        need(
            (added & ~wanted).sum() == 0 or not added[x][:, np.arange(K) != code[:, None]].all(),
            "active features got weights to all units, so that no unit stands for anything. Who won?",
        )
        need(
            not (added & ~wanted).any(),
            "units that did not win their module got weights. Each module has a winner of "
            "its own: do modules and winners go in pairs?",
        )
        need(
            (added == wanted).all(),
            f"{int((wanted & ~added).sum())} weights from active features to winners are missing.",
        )


@LAB.exercise(
    "5.3",
    hints=[
        "How much support has unit k of module q? Count the active features that have a weight to it.",
        "`weights[x]` keeps the rows of active features. Sum them; the result has one number for each unit.",
        "For ties: add something random that is too small to change an order, or draw among the units with most "
        "support.",
    ],
    works="what was stored is recalled, and ties are broken evenly.",
)
def recall(answer, rng):
    X, codes, weights = memory(rng, 25)
    found = np.array([need_array(answer(weights, x, rng), (Q,), "the winners") for x in X]).astype(int)
    need(
        ((found >= 0) & (found < K)).all(),
        f"winners should be numbers of units, 0 to {K - 1}; yours go from {found.min()} to {found.max()}.",
    )
    support = np.stack([weights[x].sum(axis=0) for x in X])
    most = np.take_along_axis(support, found[..., None], 2)[..., 0]
    need((found != support.argmin(axis=2)).any(), "the units with least support win.")
    need((found != found[0]).any(), "all patterns get the same winners. Does the pattern enter the sum?")
    need((most == support.max(axis=2)).all(), "some winner has less support than another unit of its module.")
    need((found == codes).mean() > 0.9, "the winners are not those that were stored.")
    empty = np.zeros((F, Q, K), bool)
    drawn = np.array([answer(empty, X[0], rng) for _ in range(300)])
    need(
        len(np.unique(drawn)) > 1,
        "in an empty memory all units are equal, but the same one always wins. Break ties "
        "at random, or some units learn everything.",
    )
    counts = np.stack([(drawn == k).mean(axis=0) for k in range(K)])
    need(
        np.abs(counts - 1 / K).max() < 0.12,
        "ties are broken at random, but not evenly: in an empty memory some unit "
        f"wins {counts.max():.0%} of the time, others {counts.min():.0%}.",
    )
    need((drawn[:, 0] != drawn[:, 1]).any(), "in an empty memory all modules have the same winner: draw for each.")
    close, winners = np.ones((F, Q, K), bool), rng.integers(K, size=Q)
    close[np.flatnonzero(X[0])[0]] = np.arange(K) == winners[:, None]  # all others lack a single weight
    drawn = np.array([answer(close, X[0], rng) for _ in range(60)])
    need(
        (drawn == winners).all(),
        "at times some winner has less support than another unit of its module, by one weight: what breaks ties must "
        "not turn an order.",
    )
    X, codes, weights = memory(rng, 9)
    heavy = weights.copy()
    heavy[:] |= np.arange(K) == 0  # unit 0 gets all weights: it has at least as much support as any
    often = np.array([answer(heavy, X[0], rng) for _ in range(100)])
    right = np.isin(often, 0) | (often == codes[0])
    need(right.all(), "where two units have most support, another one wins at times.")


@LAB.exercise(
    "5.4",
    hints=[
        "Compare the support of a winner with the most it could have.",
        "The most is the number of active features. Divide, so that 1 is perfect.",
        "Each module has its own best unit; the modules are then averaged.",
    ],
    works="1 for what is stored, and near chance for what is new.",
)
def familiarity(answer, rng):
    for size in (S, int(rng.integers(9, 14)), 5):
        X, _, weights = memory(rng, 12, size)
        stored = np.array([need_number(answer(weights, x), "the familiarity") for x in X])
        need(
            size == S or not np.allclose(stored, size / S),
            f"patterns of {S} active features are right, those of {size} are not: count the active ones of each.",
        )
        need(
            not np.allclose(stored, size),
            f"a stored pattern has {stored[0]:g}, the number of its active features. Relative to "
            "what can be had, so that patterns of any size compare.",
        )
        need(
            not np.allclose(stored, size / F),
            "the number of all features is not the most support that there can be: most are silent.",
        )
        need(
            (stored <= 1 + 1e-12).all(),
            "a familiarity above 1: no unit can have more support than there are active features.",
        )
        novel = patterns(rng, 20, size)
        G = np.stack([weights[x].sum(axis=0) / size for x in novel])
        found = np.array([need_number(answer(weights, x), "the familiarity") for x in novel])
        need(
            not np.allclose(found, G.mean(axis=(1, 2))),
            "all units enter alike. What does the memory recall: the winners, or the average unit?",
        )
        need(
            not np.allclose(found, G.max(axis=(1, 2))),
            "one module with a lucky winner makes everything look known. Let all modules have a say.",
        )
        need(
            not np.allclose(found, G.max(axis=2).min(axis=1)),
            "the least convinced module decides alone. Let all modules have a say.",
        )
        need(np.allclose(stored, 1), f"a stored pattern should be perfectly familiar, yours has {stored.min():.3g}.")
        need(
            np.allclose(found, G.max(axis=2).mean(axis=1)),
            f"a new pattern gets {found[0]:.3f}, it should have {G.max(axis=2).mean(axis=1)[0]:.3f}.",
        )


@LAB.exercise(
    "5.5",
    hints=[
        "How many of the M patterns does one unit win, if winners are random?",
        "Look at one weight of that unit. When is it still unset after one of its patterns? After all of them?",
        "Set is what is not unset.",
    ],
    works="the simulation of the check has the same fill to one per cent.",
)
def expected_fill(answer, rng):
    for items, n_features, n_active, n_units in (
        (40, 100, 10, 5),
        (100, 90, 8, 10),
        (300, 144, int(rng.integers(10, 16)), 16),
    ):
        found = need_number(answer(items, n_features, n_active, n_units), "the fill")
        share = n_active / n_features
        wins = rng.multinomial(items, [1 / n_units] * n_units, size=400)
        simulated = 1 - ((1 - share) ** wins).mean()
        case = f"{items} patterns, {n_active} of {n_features} features active, {n_units} units"
        need(0 <= found <= 1, f"{case}: {found:.3g} is not a share.")
        need(
            share == 0.1 or not np.isclose(found, 1 - 0.9 ** (items / n_units)),
            f"{case}: this would be right if a tenth of the features were active.",
        )
        need(not np.isclose(found, 1 - (1 - share) ** items), f"{case}: this holds if the unit won every time.")
        need(
            not np.isclose(found, (1 - share) ** (items / n_units)),
            f"{case}: this is the share of weights that are not set.",
        )
        need(
            not np.isclose(found, min(1, items / n_units * share)),
            f"{case}: patterns share features, and a weight that is set already is not set again.",
        )
        need(
            np.isclose(found, simulated, atol=0.02),
            f"{case}: a simulation has {simulated:.3f} of the weights set, you expect {found:.3f}.",
        )


@LAB.exercise(
    "5.6",
    hints=[
        "First the largest fill p*. Of the K - 1 other units each has full support with what chance, at fill p?",
        "Full support means that S weights are set, each with chance p. A tie is lost every second time.",
        "Then turn your formula of 5.5 around: which M gives the fill p*? Logarithms.",
    ],
    works="the law of the library to the last pattern.",
)
def capacity_law(answer, rng):
    for n_features, n_active, n_units, accuracy in (
        (144, 12, 16, 0.97),
        (100, 10, 7, 0.9),
        (256, 24, 12, 0.97),
        (int(rng.integers(100, 400)), int(rng.integers(8, 20)), int(rng.integers(5, 30)), 0.95),
    ):
        share, odds = n_active / n_features, 2 * (1 - accuracy) / (n_units - 1)

        def items(fill, share=share, n_units=n_units):
            return n_units * np.log(1 - fill) / np.log(1 - share)

        fill = odds ** (1 / n_active)
        right = items(fill)
        exact = np.log(1 - fill) / np.log(1 - share / n_units)  # wins are binomial, not M / K each
        found = need_number(answer(n_features, n_active, n_units, accuracy), "the capacity")
        case = f"F = {n_features}, S = {n_active}, K = {n_units}, accuracy {accuracy}"
        for name, value in (
            ("one of the weights that an intruder needs is not all of them: full support takes S of them", items(odds)),
            ("a tie is lost only every second time", items((odds / 2) ** (1 / n_active))),
            (
                "there is not one other unit in a module, but K - 1 of them",
                items((odds * (n_units - 1)) ** (1 / n_active)),
            ),
            ("a unit wins only every K-th pattern", right / n_units),
        ):
            if np.isclose(found, value, rtol=1e-6) and not np.isclose(right, value, rtol=1e-6):
                raise Wrong(f"{case}: you find {found:.1f}, but {name}.")
        need(found > 0, f"{case}: a capacity of {found:.1f}? Both logarithms are of numbers below one.")
        need(
            min(abs(found - right), abs(found - exact)) <= 1,
            f"{case}: the law has {right:.0f} patterns, you find {found:.1f}.",
        )


modules = LAB.choice(
    "5.7",
    "modules",
    correct="c",
    why={
        "a": "modules do not take winners from each other: each has one for every pattern, whatever the others do.",
        "b": "every module has weights of its own from all features; nothing is shared.",
        "c": "every module sees all patterns and fills up at the same rate. More of them average their errors, so that "
        "codes are finer and familiarity is smoother, but each must know everything by itself.",
        "d": "it was measured: both curves fall at the same number of patterns.",
    },
    hints=["Look at 5.5: which quantities enter the fill of a unit?", "Does Q stand anywhere in your law?"],
)

more_modules = LAB.prediction(
    "P1",
    "more_modules",
    options="abc",
    truth="The same number (b): the law has no Q in it, and the measured curves lie on each other.",
)
