"""`SparseCoder(sparse_output=True)`: the bits of dense codes in every branch of transform; the Gram matrix it keeps."""

import copy
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode import PatchEncoder, SparseCoder
from sparsecode.coding import held_out_pixel_score


@pytest.fixture
def rows(patches):
    """Rows of several magnitudes, one of them zero."""
    X = patches[:60].copy()
    X[3] = 0
    X[4:8] *= 1e-200
    X[8] *= 1e150
    return X


@pytest.mark.parametrize("settings", [{}, {"debias": True}, {"fit_dc": True}, {"positive": True}])
@pytest.mark.parametrize("choice", [{"alpha": 1e-3}, {"n_nonzero_coefs": 4}])
def test_equals_dense_output(patches, rows, choice, settings):
    coder = SparseCoder(40, max_iter=1, random_state=0, **choice, **settings).fit(patches[:400])
    X = rows if choice != {"alpha": 1e-3} else np.delete(rows, 8, axis=0)  # where the penalty would be nothing
    dense = coder.transform(X)
    sparse = coder.set_params(sparse_output=True).transform(X)
    assert isinstance(sparse, csr_array)
    assert sparse.dtype == dense.dtype
    assert np.array_equal(sparse.toarray(), dense)
    assert np.array_equal(coder.inverse_transform(sparse), coder.inverse_transform(dense))


def test_in_other_tools(patches):
    X = patches[:200]
    coder = SparseCoder(20, alpha=0.5, max_iter=1, random_state=0).fit(X)
    sparse = SparseCoder(20, alpha=0.5, max_iter=1, random_state=0, sparse_output=True).fit(X)
    assert sparse.score(X) == coder.score(X)
    scores = [held_out_pixel_score(each, X, random_state=0) for each in (coder, sparse)]
    assert scores[0] == scores[1]
    images = X.reshape(-1, 4, 144)[:8].reshape(8, -1)
    of_patches = [
        PatchEncoder(each, patch_size=6, stride=6, input_shape=(24, 24), random_state=0).fit(images).transform(images)
        for each in (SparseCoder(8, alpha=0.5, max_iter=1, random_state=0, sparse_output=out) for out in (False, True))
    ]
    assert np.array_equal(*of_patches)
    with pytest.raises(ValueError, match="sparse"):  # said by scikit-learn
        sparse.set_output(transform="pandas").transform(X)


def test_the_gram_matrix_that_is_kept_follows_the_atoms(patches):
    X = patches[:50]
    coder = SparseCoder(20, alpha=0.5, max_iter=1, random_state=0).fit(patches[:400])
    first = coder.transform(X)
    assert np.array_equal(coder.transform(X), first)
    assert np.array_equal(pickle.loads(pickle.dumps(coder)).transform(X), first)  # noqa: S301
    other = copy.deepcopy(coder)
    other.components_[0] = -other.components_[0]
    turned = other.transform(X)
    assert np.array_equal(turned[:, 0], -first[:, 0])
    assert np.array_equal(turned[:, 1:], first[:, 1:])
    assert np.array_equal(coder.transform(X), first)
    single = coder.transform(X.astype(np.float32))
    np.testing.assert_allclose(single, first, atol=1e-4 * np.abs(first).max())
    assert len(pickle.dumps(coder)) < 1.05 * len(pickle.dumps(pickle.loads(pickle.dumps(coder))))  # noqa: S301
