"""Checks of lab 6: how many synapses make a reliable detector."""

from fractions import Fraction
from math import comb

import numpy as np

from .asking import Wrong, need, need_array, need_number, need_two, times
from .engine import Lab

LAB = Lab(
    "lab6",
    "How many synapses make a reliable detector?",
    minutes=60,
    level="beginner",
    needs=["NumPy: boolean arrays", "counting: binomial coefficients", "lab 5 is no requirement"],
    goals={
        "measure how much of a pattern a dendritic segment sees": ("6.1",),
        "compute a probability of 1e-19 exactly, and check what can be checked by chance": ("6.2", "6.3"),
        "combine many detectors without losing digits": ("6.4",),
        "choose a threshold for a rate of false alarms": ("6.5",),
        "let a segment learn by permanences": ("6.6",),
        "say when the theory does not hold": ("6.7",),
    },
    packages=["dendrites.DendriticSegmentDetector", "dendrites.theory", "sdr.k_winners", "sdr.random_sdrs"],
)


def exact_tail(n, a, s, theta):
    """The hypergeometric tail in whole numbers."""
    ways = sum(comb(s, b) * comb(n - s, a - b) for b in range(theta, min(s, a) + 1))
    return float(Fraction(ways, comb(n, a)))


PRIMES = (3001, 3499, 4001, 4507, 4999)


def close(value, expected, tolerance=1e-9):
    return abs(value - expected) <= tolerance * abs(expected)


@LAB.exercise(
    "6.1",
    hints=[
        "One row and one segment first: a cell counts if it is active and has a synapse.",
        "All pairs at once are a matrix product.",
        "What is True times True plus True times True, for Boolean arrays? Convert to integers first.",
    ],
    works="it counts active cells that have a synapse, for every pair.",
)
def overlaps(answer, rng):
    for n, m, k in ((30, 4, 3), (50, 1, 6)):
        X, S = rng.random((m, n)) < 0.4, rng.random((k, n)) < 0.3
        found = answer(X, S)
        expected = np.array([[np.count_nonzero(x & s) for s in S] for x in X])
        need(
            getattr(found, "dtype", "f") != "?" or (expected <= 1).all(),
            "the result is True or False: for Boolean arrays a product says whether there is any, not how many.",
        )
        found = need_array(found, (m, k), "the overlaps, a row for each row and a column for each segment,")
        need(
            not np.array_equal(found, [[(x == s).sum() for s in S] for x in X]),
            "cells that are silent and have no synapse count as well. A segment does not see them.",
        )
        need(
            not np.array_equal(found, [[(x | s).sum() for s in S] for x in X]),
            "this is the size of the union. A cell should count if both are true.",
        )
        need(
            not np.allclose(found, expected / S.sum(axis=1)),
            "this is a share of the synapses; the threshold of a segment is a number of them.",
        )
        need(
            np.array_equal(found, expected),
            f"row 0 and segment 0 share {expected[0, 0]} cells, you find {found[0, 0]:g}.",
        )


@LAB.exercise(
    "6.2",
    hints=[
        "Activity is one of comb(n, a) ways to choose a of n cells, all equally likely. How many of them set "
        "the segment off?",
        "For exactly b hits: choose b of the s synapses, and the rest of the activity elsewhere.",
        "Add these up from the threshold to the most hits that can happen. `math.comb` works with whole numbers of any "
        "size; divide at the end.",
    ],
    works="nine digits are right down to 1e-19.",
)
def tail_probability(answer, rng):
    cases = [(30, 8, 6, 3), (1024, 40, 20, 5), (1024, 40, 20, 10), (64, 30, 12, 6), (2048, 40, 20, 16)]
    for n, a, s, theta in cases:
        found, right = need_number(answer(n, a, s, theta), "the probability"), exact_tail(n, a, s, theta)
        case = f"n = {n}, a = {a}, s = {s}, theta = {theta}"
        need(-1e-12 <= found <= 1 + 1e-9, f"{case}: {found:.3g} is not a probability.")
        for text, value in (
            (
                "this is the chance of exactly theta hits; more hits count as well",
                right - exact_tail(n, a, s, theta + 1),
            ),
            (
                "this is the chance of more than theta hits; the threshold itself is enough",
                exact_tail(n, a, s, theta + 1),
            ),
            ("this is the chance that it does not answer", 1 - right),
            (
                "the sum ends too early: as many hits as there can be count as well",
                right - exact_tail(n, a, s, min(s, a)),
            ),
        ):
            if close(found, value, 1e-6) and not close(value, right, 1e-6):
                raise Wrong(f"{case}: {text}.")
        p = a / n
        binomial = sum(comb(s, b) * p**b * (1 - p) ** (s - b) for b in range(theta, s + 1))
        need(
            not close(found, binomial, 1e-6) or close(binomial, right, 1e-6),
            f"{case}: each synapse by itself would give "
            f"{found:.3g}, but exactly a cells are active: what one synapse sees, another does not.",
        )
        need(
            close(found, right) or right > 1e-6 or abs(found - right) > 1e-13,
            f"{case}: {found:.3g}. A number near 1 minus a number near 1 keeps no digits: add up the small terms.",
        )
        need(
            close(found, right),
            f"{case}: {found:.6g} instead of a number that is {times(right / max(found, 1e-300))} times as large.",
        )


@LAB.exercise(
    "6.3",
    hints=[
        "Draw hits, not cells, if you like: `rng.hypergeometric(s, n - s, a, size=draws)` draws how many of a "
        "active cells "
        "have a synapse.",
        "The rate is the share of draws that reach the threshold.",
        "Each draw is 0 or 1 with variance p (1 - p). What is the variance of the mean of many?",
    ],
    works="the exact rate lies within its error bars as often as it should.",
)
def estimate(answer, rng):
    # Prime numbers of draws: a share of fewer draws is none of these, whatever the number of hits
    (n, a, s, theta), draws = ((60, 18, 15, 7), (50, 20, 12, 6))[rng.integers(2)], int(rng.choice(PRIMES))
    right = exact_tail(n, a, s, theta)
    found = [need_two(answer(n, a, s, theta, draws, rng), "the rate and its standard error") for _ in range(12)]
    rate, error = np.array(found).T
    true_error = np.sqrt(right * (1 - right) / draws)
    need(
        len(np.unique(rate)) > 1, "the same rate every time: draw from `rng`, and do not make a generator of your own."
    )
    need(
        not (np.allclose(error, right, atol=6 * true_error) and np.allclose(rate, true_error, rtol=0.2)),
        "the two are swapped: return the rate first, and then its error.",
    )
    hits = rate * draws
    need(
        np.allclose(hits, np.round(hits), atol=1e-6),
        f"a rate of {rate[0]:.6g} is not a share of {draws} draws: there is no whole number of hits. Do you draw as "
        "often as you were told?",
    )
    away = (rate.mean() - right) / (true_error / np.sqrt(len(rate)))
    need(
        away < 5,
        f"the rate is too high by {away:.0f} standard errors. Do draws choose a cell twice, or stop short of "
        "the threshold?",
    )
    need(
        away > -5, f"the rate is too low by {-away:.0f} standard errors. Is the threshold itself enough in your draws?"
    )
    need(
        not np.allclose(error, np.sqrt(rate * (1 - rate))),
        "this is the spread of a single draw. The mean of many draws is known much better.",
    )
    need(not np.allclose(error, rate * (1 - rate) / draws), "this is a variance; the error is its square root.")
    need(
        rate.std(ddof=1) > 0.3 * true_error,
        "the rates of twelve runs lie closer together than chance allows. Is each the share of draws of its own?",
    )
    need(
        np.allclose(error, true_error, rtol=0.2),
        f"{draws} draws of a rate of about {right:.2f} have a standard error of "
        f"{true_error:.2g}, you say {error.mean():.2g}.",
    )


@LAB.exercise(
    "6.4",
    hints=[
        "When does none of them answer? Each stays silent with the chance 1 - p.",
        "In floating point 1 - 1e-19 is 1. Work with the logarithm of 1 - p, which is a small number that can be kept.",
        "`np.log1p` and `np.expm1` are made for this.",
    ],
    works="all digits are there, for rates from 1e-19 to 1.",
)
def any_of_many(answer, rng):
    for p, many in ((0.1, 4), (0.3, 4), (0.01, 1000), (1e-6, 1000), (3.5e-10, 10_000), (1e-17, 100), (2e-19, 1000)):
        found = need_number(answer(p, many), "the probability")
        right = -np.expm1(many * np.log1p(-p))
        case = f"p = {p:g}, {many} segments"
        need(
            not (p**many and close(found, p**many, 1e-6)),
            f"{case}: this is the chance that all of them answer at once.",
        )
        need(found <= 1, f"{case}: {found:.3g} is more than certainty. Chances add up only while they are small.")
        need(
            not close(found, many * p, 1e-9) or close(right, many * p, 1e-6),
            f"{case}: chances add up only while two answers together are out of the question.",
        )
        need(
            (not close(found, np.exp(-many * p), 1e-3) and not close(found, 1 - right, 1e-6))
            or close(right, 1 - right, 0.1),
            f"{case}: this is the chance that none answers.",
        )
        need(
            not close(found, -np.expm1(-many * p), 1e-9) or close(right, -np.expm1(-many * p), 1e-9),
            f"{case}: {found:.6g} instead of {right:.6g}. This is the law of events that may come at any "
            "moment, and nearly right for small p only; here each segment answers once, or not at all.",
        )
        need(found > 0 or right == 0, f"{case}: zero? 1 - p is 1 in floating point, and all digits are gone.")
        need(
            close(found, right, 1e-9) or not close(found, 1 - (1 - p) ** many, 1e-9),
            f"{case}: {found:.6g}, the digits of {right:.6g} are lost on the way.",
        )
        need(close(found, right, 1e-9), f"{case}: {found:.6g} instead of {right:.6g}.")


@LAB.exercise(
    "6.5",
    hints=[
        "Higher thresholds mean fewer false alarms. You want the lowest that is good enough.",
        "Try thresholds one after the other, from 0 upwards, with the probability of 6.2.",
        "If even all s synapses are not enough, say s + 1: a threshold that is never reached.",
    ],
    works="one less would be too many false alarms.",
)
def choose_threshold(answer, rng):
    for n, a, s, target in (
        (1024, 40, 20, 1e-6),
        (1024, 40, 20, 1e-3),
        (200, 20, 15, 0.01),
        (100, 40, 5, 1e-4),
        (50, 9, 8, 1.0),
    ):
        found = need_number(answer(n, a, s, target), "the threshold")
        tails = [exact_tail(n, a, s, theta) for theta in range(s + 2)]
        right = next(theta for theta, tail in enumerate(tails) if tail <= target)
        case = f"n = {n}, a = {a}, s = {s}, rate {target:g}"
        need(found == int(found), f"{case}: a threshold is a number of synapses, not {found:g}.")
        need(
            not (right == s + 1 and found <= s), f"{case}: no threshold up to s is good enough, yet you say {found:g}."
        )
        need(
            found != 1 or target < 1,
            f"{case}: at a threshold of 0 it always answers, which is a rate of 1, and 1 was allowed. Do you try 0, "
            "and take a rate that is just as large?",
        )
        need(found != right + 1, f"{case}: {found:g} is one more than needed.")
        need(found <= right, f"{case}: {found:g} is safe, but misses more than it has to: lower ones do as well.")
        need(
            found >= right,
            f"{case}: at a threshold of {found:g} the rate is {tails[max(int(found), 0)]:.2g}, too much.",
        )


@LAB.exercise(
    "6.6",
    hints=[
        "Two groups of synapses: onto cells that are active, and onto those that are not.",
        "`np.where(active, ..., ...)` gives each group its own change.",
        "Permanences are like probabilities: what must hold after the change? `np.clip`.",
    ],
    works="synapses onto active cells grow, others shrink, and all stay between 0 and 1.",
)
def learn(answer, rng):
    permanence, active = rng.random(40), rng.random(40) < 0.5
    permanence[:4], active[:4] = (0.01, 0.98, 0.02, 0.98), (False, True, True, False)
    up, down = rng.uniform(0.05, 0.15), rng.uniform(0.02, 0.04)
    new = need_array(answer(permanence, active, up, down), (40,), "the permanences")
    change = new - permanence
    free = (permanence > 0.2) & (permanence < 0.8)
    need(
        (change[free & active] > 0).any() or (change[free & ~active] > 0).sum() == 0,
        "synapses onto active cells shrink, "
        "others grow. It should be the other way: what fires together, wires together.",
    )
    need(
        (change[free & ~active] <= 0).any(),
        "synapses onto silent cells grow as well, so that in the end all are connected.",
    )
    need(
        (change[free & ~active] < 0).any(),
        "synapses onto silent cells do not change, so that nothing is ever forgotten.",
    )
    need(
        new.max() <= 1 + 1e-12 and new.min() >= -1e-12,
        f"permanences go from {new.min():.2f} to {new.max():.2f}. They are to stay between 0 and 1.",
    )
    need(not np.isin(new, (0, 1)).all(), "all permanences are 0 or 1: a single row should not decide for ever.")
    need(np.allclose(change[free & active], up), "synapses onto active cells should grow by the increment.")
    need(np.allclose(change[free & ~active], -down), "synapses onto silent cells should shrink by the decrement.")
    need(
        np.allclose(new[:4], (0, 1, 0.02 + up, 0.98 - down)),
        "at the ends something is wrong: is the change taken first, and clipped then?",
    )


uniform = LAB.choice(
    "6.7",
    "uniform",
    correct="b",
    why={
        "a": "the number of active cells is the same, 40 in every row: it was made so.",
        "b": "the law takes all sets of active cells as equally likely. Digits share strokes, and with them "
        "many cells: "
        "rows of other classes are neighbours, not random rows. Calibrate thresholds on real rows.",
        "c": "the exact law was checked against draws: it holds to the last digit for what it assumes.",
        "d": "the segments are as large as before. What differs is what they are shown.",
    },
    hints=["Which rows does the law average over?", "Compare the overlap of two digits with that of two random rows."],
)

seldom = LAB.prediction(
    "P1",
    "seldom",
    options="abc",
    truth="Once in three billion rows (c), with 20 synapses out of 1024 cells, and noise in half of them allowed.",
)
digits = LAB.prediction(
    "P2",
    "digits",
    options="abc",
    truth="More than a hundred thousand times as often (c).",
)
