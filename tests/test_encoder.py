"""What `Encoder` gives to its subclasses: checks of binary input, and what it asks of them."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.preprocessing import binarize

from sparsecode import Encoder

from .contracts import winners

pytestmark = pytest.mark.nojit


class TestBinaryInput:
    def test_strict(self):
        encoder = winners.RandomWinners()
        with pytest.raises(
            ValueError, match=r"zeros and ones only, got 2 other entries such as 0\.3; give a threshold"
        ):
            encoder.fit([[0, 1, 0.3], [1, 1, -1]])
        assert not hasattr(encoder, "n_features_in_")
        for X in ([[0, 1], [1, 1]], [[False, True], [True, True]], [[0.0, 1.0], [1.0, 1.0]], np.eye(2, dtype=np.int8)):
            assert encoder.fit(X).transform(X).dtype == bool

    def test_thresholds_are_those_of_scikit_learn(self):
        X = np.array([[0.5, 0.2, 0.0], [0.1, 0.9, 0.5], [0, 0, 0]])
        encoder = winners.RandomWinners(binarize=0.2, random_state=0).fit(X)
        strict = winners.RandomWinners(random_state=0).fit(binarize(X))
        expected = strict.transform(binarize(X, threshold=0.2))
        for given in (X, csr_array(X)):
            np.testing.assert_array_equal(encoder.transform(given), expected)
        assert not expected[2].any(), "a row of zeros has no winners"
        assert (expected[:2].sum(axis=1) == 3).all()

    def test_sparse_input_is_not_changed(self):
        X = csr_array((np.array([1.0, 0.0, 0.5, 0.5]), np.array([2, 1, 0, 0]), np.array([0, 2, 4])), shape=(2, 3))
        parts = [part.copy() for part in (X.data, X.indices, X.indptr)]
        rows = winners.RandomWinners()._check_binary_input(X, reset=True)
        assert rows.has_canonical_format
        np.testing.assert_array_equal(rows.toarray(), [[0, 0, 1], [1, 0, 0]])
        assert rows.data.tolist() == [True, True]
        assert all(map(np.array_equal, parts, (X.data, X.indices, X.indptr)))
        with pytest.raises(ValueError, match="`binarize`=-1 would make ones of all zeros of a sparse X"):
            winners.RandomWinners(binarize=-1).fit(X)


def test_an_encoder_that_says_nothing_is_told_so():
    class Silent(Encoder):
        pass

    with pytest.raises(NotImplementedError, match="Silent does not say what its codes are"):
        Silent().capabilities()
