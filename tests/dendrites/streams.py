"""Rows in time: letters as blocks of columns, words of them, random columns."""

import itertools

import numpy as np


def letters_of(words, n_rows, rng, n_columns, width, letters="ABCD"):
    """Rows of words, one after the other or, with a generator, in random order; a letter is a block of columns."""
    words = words.split()
    order = itertools.cycle(words) if rng is None else (words[rng.integers(len(words))] for _ in itertools.count())
    text = list(itertools.islice(itertools.chain.from_iterable(order), n_rows))
    X = np.zeros((n_rows, n_columns), bool)
    for row, letter in zip(X, text, strict=True):
        first = letters.index(letter) * width
        row[first : first + width] = True
    return X


def random_columns(rng, n_rows, n_columns, n_active):
    """Rows with equally many active columns, at random."""
    X = np.zeros((n_rows, n_columns), bool)
    np.put_along_axis(X, np.argsort(rng.random(X.shape), axis=1)[:, :n_active], True, axis=1)
    return X
