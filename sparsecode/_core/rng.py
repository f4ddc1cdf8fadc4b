"""Random numbers: scikit-learn's `random_state` in, a NumPy Generator out."""

import numpy as np
from sklearn.utils import check_random_state


def as_generator(random_state, stream=None):
    """Return a `numpy.random.Generator` for scikit-learn's `random_state`.

    An int gives the same stream each time; a RandomState (or None, the global one) is drawn from once,
    so that two calls differ as scikit-learn's users expect; a Generator is returned as it is. Functions whose results
    meet name a `stream` each, so that one int means independent numbers in each of them.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    seeds = check_random_state(random_state).randint(0, 2**31 - 1, size=4)
    key = () if stream is None else tuple(stream.encode())
    return np.random.default_rng(np.random.SeedSequence(seeds.tolist(), spawn_key=key))


def draws(seed, first, n_rows, n_numbers):
    """Return random numbers of rows `first` and on: the same for a row however rows are split over calls."""
    generator = np.random.PCG64(seed)
    generator.advance(first * n_numbers)
    return np.random.Generator(generator).random((n_rows, n_numbers))
