"""Naive twins of encoders of values: one value after the other, as sets of places of ones."""

import math
from datetime import datetime, timedelta

MASK = 2**64 - 1


def block(start, n, w):
    return {(start + o) % n for o in range(w)}


def scalar(x, low, high, n, w, periodic=False):
    """Return the ones of a number in equal buckets between bounds."""
    n_buckets = n if periodic else n - w + 1
    share = (x - low) / (high - low)
    share = share % 1 if periodic else min(max(share, 0), 1)
    return block(min(int(share * n_buckets), n_buckets - 1), n, w)


def mixed(k, seed):
    """Return SplitMix64 of an integer, in Python's integers."""
    z = (seed + (k + 1) * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def random_distributed(x, origin, resolution, n, w, seed):
    """Return the ones of a number in an endless row of buckets."""
    first, ones = math.floor((x - origin) / resolution), set()
    for k in range(first, first + w):
        part = k % (2 * w)
        places = range(part, n, 2 * w)
        ones.add(places[(mixed(k & MASK, seed) >> 32) * len(places) >> 32])
    return ones


def date(moment, fields, holidays=()):
    """Return the ones of a `datetime`, from {field: (w, n)} in order; holidays are (month, day) or dates."""
    midnight = datetime(moment.year, moment.month, moment.day)
    clock = (moment - midnight) / timedelta(days=1)
    new_year, following = datetime(moment.year, 1, 1), datetime(moment.year + 1, 1, 1)
    holiday = (moment.month, moment.day) in holidays or moment.date() in holidays
    cycles = {
        "season": (moment - new_year) / (following - new_year),
        "day_of_week": (moment.weekday() + clock) / 7,
        "time_of_day": clock,
    }
    choices = {"weekend": moment.weekday() >= 5, "holiday": holiday}
    ones, start = set(), 0
    for field, (w, n) in fields.items():
        first = choices[field] * w if field in choices else int(cycles[field] * n)
        ones |= {start + place for place in block(first, n, w)}
        start += n
    return ones


def grid_cells(position, periods, projections, offsets, shape, w):
    """Return the ones of a position: the cells with the nearest image among those of 5 x 5 rhombi."""
    ones, (height, width) = set(), shape
    for m, (period, projection, offset) in enumerate(zip(periods, projections, offsets, strict=True)):
        x, y = (sum(p * a for p, a in zip(position, row, strict=True)) / period for row in projection)
        v = y / math.sqrt(0.75)
        u, v = (x - v / 2 + offset[0]) % 1, (v + offset[1]) % 1
        distances = []
        for cell in range(height * width):
            at_v, at_u = (cell // width + 0.5) / height, (cell % width + 0.5) / width
            images = [(u - at_u + i, v - at_v + j) for i in range(-2, 3) for j in range(-2, 3)]
            distances.append(min(math.hypot(du + dv / 2, math.sqrt(0.75) * dv) for du, dv in images))
        nearest = sorted(range(height * width), key=distances.__getitem__)[:w]
        ones |= {m * height * width + cell for cell in nearest}
    return ones
