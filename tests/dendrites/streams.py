"""Rows in time: letters as blocks of columns, words of them, random columns."""

import itertools

import numpy as np
from scipy.sparse import csr_array


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


#: Sequences of six letters, and those that change them: each ends as another one did.
BEFORE, AFTER = "XABCDE YCBEAF GHIJKL WABCMN ZDBCAE", "XCBEAF YABCDE GABCMN WHIJKL ZDHICF"


def sequences_in_noise(n_before, n_after, seed):
    """CSR rows of 2048 columns, 40 active: letters of sequences at random, four random rows after each."""
    rng, rows = np.random.default_rng(seed), []
    for words, n in ((BEFORE.split(), n_before), (AFTER.split(), n_after)):
        end = len(rows) + n
        while len(rows) < end:
            rows += [40 * (ord(letter) - ord("A")) + np.arange(40) for letter in words[rng.integers(len(words))]]
            rows += [np.sort(rng.choice(2048, 40, replace=False)) for _ in range(4)]
        del rows[end:]
    indptr = 40 * np.arange(len(rows) + 1)
    return csr_array((np.ones(indptr[-1], bool), np.concatenate(rows), indptr), shape=(len(rows), 2048))
