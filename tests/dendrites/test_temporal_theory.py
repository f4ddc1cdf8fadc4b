"""`TemporalMemory` against what is known of it: laws of noise and of unions, and a published experiment."""

import numpy as np
import pytest

from sparsecode import groups_from_lengths
from sparsecode.dendrites import TemporalMemory, theory

from .streams import random_columns, sequences_in_noise

ONCE = {"permanence_decrement": 0.0, "predicted_segment_decrement": 0.0, "initial_permanence": 0.8, "random_state": 0}


def moved(rng, X, n):
    """Rows of which n active columns have moved."""
    Y = X.copy()
    for row in Y:
        on, off = np.flatnonzero(row), np.flatnonzero(~row)
        row[rng.choice(on, n, replace=False)] = False
        row[rng.choice(off, n, replace=False)] = True
    return Y


@pytest.mark.parametrize("threshold", [8, 12, 16])
def test_predictions_withstand_noise_as_segments_do(threshold, rng):
    """20 of 40 winners have a synapse to each segment; 20 sequences of 20 rows, learned in one pass.

    The standard error of the share of 15 200 segments is at most 0.004; differences were up to 0.0045 (seed 0).
    """
    X, groups = random_columns(rng, 400, 2048, 40), groups_from_lengths([20] * 20)
    memory = TemporalMemory(1, activation_threshold=threshold, min_threshold=threshold, **ONCE).fit(X, groups=groups)
    assert memory.n_segments_ == 380 * 40
    known = groups[1:] == groups[:-1]
    for n in (6, 10, 14, 20, 24):
        predicted = memory.predict_next(moved(rng, X, n), groups=np.arange(400))[:-1][known]
        kept = (predicted & X[1:][known]).sum() / (40 * known.sum())
        assert kept == pytest.approx(1 - theory.false_negative_rate(40, 20, threshold, n), abs=0.016)
        assert not (predicted & ~X[1:][known]).any()


def test_what_may_follow_is_predicted_as_a_union(rng):
    """The mean share of columns in a union of M rows is 1 - (1 - a / n)^M; five memories each."""
    options = {"activation_threshold": 15, "min_threshold": 15, "max_new_synapses": 40}
    for n_branches in (10, 50):
        shares = []
        for _ in range(5):
            A, B = random_columns(rng, 1, 2000, 40), random_columns(rng, n_branches, 2000, 40)
            X = np.stack([np.broadcast_to(A, B.shape), B], axis=1).reshape(-1, 2000)
            memory = TemporalMemory(1, **options, **ONCE).fit(X, groups=groups_from_lengths([2] * n_branches))
            predicted = memory.predict_next(A)[0]
            np.testing.assert_array_equal(predicted, B.any(axis=0))
            shares.append(predicted.mean())
        # Standard deviation of one share 0.003 and 0.008
        assert np.mean(shares) == pytest.approx(theory.union_size(2000, 40, n_branches) / 2000, abs=0.012)


@pytest.mark.slow
def test_sequences_in_noise_need_many_cells_of_a_column():
    """Figure 6A of Hawkins and Ahmad (2016): half of the elements can be predicted; others follow from row 3000 on.

    Seeds 0 to 2, mean accuracies of rows 2000 to 3000: 0.491, 0.491, 0.490 with 32 cells, 0.325, 0.334, 0.342 with one.
    Of the 500 rows after the switch 0.285 to 0.295, of the last 500 0.485 to 0.486.
    """
    options = {"activation_threshold": 15, "min_threshold": 15, "max_new_synapses": 40}
    found = {32: [], 1: []}
    for seed in range(3):
        X = sequences_in_noise(3000, 3000, seed)
        for n_cells, accuracies in found.items():
            memory = TemporalMemory(n_cells, **options, predicted_segment_decrement=0.01, random_state=seed).fit(X)
            outcomes = memory.outcomes_
            accuracies.append(outcomes["correct"] / np.maximum(outcomes["predicted"], 1))
    many, one = (np.mean(found[n_cells], axis=0) for n_cells in (32, 1))
    assert 0.46 <= many[2000:3000].mean() <= 0.51
    assert one[2000:3000].mean() <= 0.36
    assert many[3000:3500].mean() < 0.35
    assert many[5500:].mean() > 0.46
