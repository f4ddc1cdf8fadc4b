"""Error rates of binary rows, which are those of dendritic segments."""

import numpy as np
import pytest
from scipy.stats import binom

from sparsecode.sdr import false_positive_rate


@pytest.mark.parametrize(
    ("n", "stored", "active", "threshold", "rate"),
    [
        (1024, 20, 20, 10, 9.329e-14),
        (1024, 20, 20, 8, 4.790e-10),
        (2048, 40, 40, 20, 2.491e-26),
        (2048, 40, 40, 10, 1.368e-09),
        (2048, 40, 20, 10, 3.911e-13),
        (2048, 10, 40, 5, 5.165e-07),
        (256, 8, 8, 4, 2.663e-05),
        (64, 4, 4, 2, 1.709e-02),
    ],
)
def test_rows_that_match_by_accident(n, stored, active, threshold, rate):
    """To the four digits of the table; stored and active ones may be exchanged."""
    assert float(f"{false_positive_rate(n, stored, active, threshold):.3e}") == rate
    assert float(f"{false_positive_rate(n, active, stored, threshold):.3e}") == rate


@pytest.mark.parametrize(("n_rows", "density", "rate"), [(10, 0.179, 3.8e-6), (20, 0.326, 1.7e-2)])
def test_unions_by_their_density(n_rows, density, rate):
    """The binomial law of a union of rows with 40 of 2048 ones, at a threshold of 20, which drawn unions follow."""
    p = 1 - (1 - 40 / 2048) ** n_rows
    assert round(p, 3) == density
    assert float(f"{binom.sf(19, 40, p):.1e}") == rate
    rng = np.random.default_rng(0)
    sizes = [len(np.unique([rng.choice(2048, 40, replace=False) for _ in range(n_rows)])) for _ in range(200)]
    assert abs(np.mean(sizes) / 2048 - p) < 0.001  # standard error 0.0003
