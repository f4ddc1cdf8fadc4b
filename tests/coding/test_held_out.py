"""The scorer that hides features: its definition, its maximum at the right sparsity, its use in a search."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sparsecode import PatchEncoder, SparseCoder
from sparsecode.coding import held_out_pixel_score
from sparsecode.penalties import CEL0, L1, KSparse
from sparsecode.solvers import solve


@pytest.fixture(scope="module")
def planted():
    """Noisy samples of three atoms each, and the atoms."""
    rng = np.random.default_rng(0)
    D = rng.normal(size=(60, 40)) / np.sqrt(40)
    W = np.zeros((300, 60))
    for row in W:
        row[rng.choice(60, 3, replace=False)] = rng.choice([-1, 1], 3) * rng.uniform(1, 2, 3)
    return W @ D + 0.1 * rng.normal(size=(300, 40)), D


@pytest.mark.parametrize("penalty", [L1(0.1), CEL0(0.02), KSparse(3)])
@pytest.mark.parametrize("fit_dc", [False, True])
def test_is_the_explained_variance_of_hidden_features(planted, penalty, fit_dc):
    X, D = planted[0][:50] + 2 * fit_dc, planted[1]
    coder = SparseCoder(dictionary=D, penalty=penalty, fit_dc=fit_dc).fit(X)
    order = np.random.default_rng(5).permutation(40)
    hidden, seen = order[:10], order[10:]
    A, S = D[:, seen], X[:, seen]
    if fit_dc:
        A, S = A - A.mean(axis=1, keepdims=True), S - S.mean(axis=1, keepdims=True)
    W = solve(S, A, penalty, tol=1e-8).codes
    expected = W @ D[:, hidden]
    if fit_dc:
        expected += (X[:, seen] - W @ D[:, seen]).mean(axis=1, keepdims=True)
    left = np.square(X[:, hidden] - expected).sum() / np.square(X[:, hidden] - X[:, hidden].mean(axis=0)).sum()
    score = held_out_pixel_score(coder, X, fraction=0.25, n_masks=1, random_state=np.random.default_rng(5))
    np.testing.assert_allclose(score, 1 - left, rtol=1e-9)


def test_is_largest_at_the_planted_number_of_atoms_where_score_grows_on(planted):
    X, D = planted
    coders = [SparseCoder(dictionary=D, n_nonzero_coefs=k).fit(X) for k in (1, 2, 3, 4, 6, 12)]
    hidden = [held_out_pixel_score(coder, X, fraction=0.2) for coder in coders]
    assert np.argmax(hidden) == 2, hidden
    assert np.argmax([coder.score(X) for coder in coders]) == 5


@pytest.mark.parametrize("n_masks", [0, 1.5, True])
def test_number_of_masks_is_checked(planted, n_masks):
    coder = SparseCoder(dictionary=planted[1], alpha=0.1).fit(planted[0])
    with pytest.raises(ValueError, match="`n_masks` must be an integer of at least 1"):
        held_out_pixel_score(coder, planted[0], n_masks=n_masks)


def test_serves_a_search_over_pipelines(planted):
    X, D = planted
    pipeline = make_pipeline(FunctionTransformer(np.negative), SparseCoder(dictionary=D, encode_tol=1e-5))
    grid = [
        {"sparsecoder__penalty": [L1(), CEL0()], "sparsecoder__penalty__alpha": [0.001, 0.1, 3.0]},
        {"sparsecoder__n_nonzero_coefs": [20]},
    ]
    search = GridSearchCV(pipeline, grid, scoring=held_out_pixel_score, cv=3, error_score="raise").fit(X)
    assert search.best_params_["sparsecoder__penalty__alpha"] == 0.1
    whole = search.best_estimator_
    assert held_out_pixel_score(whole, X) == held_out_pixel_score(whole[-1], -X)


def test_leaves_the_coder_alone_and_takes_its_input(planted):
    X, D = planted
    coder = SparseCoder(dictionary=D, alpha=0.5, alpha_scale="max", input_shape=(5, 8)).fit(X)
    before = coder.alpha_, coder.get_params()
    score = held_out_pixel_score(coder, X.reshape(-1, 5, 8))
    assert score == held_out_pixel_score(coder, X)
    assert score != held_out_pixel_score(coder, X, random_state=1)
    assert (coder.alpha_, coder.get_params()) == before
    single = held_out_pixel_score(coder, X.astype(np.float32))
    np.testing.assert_allclose(single, score, rtol=1e-4)  # measured: 1.5e-5


def test_warns_once_and_says_what_is_wrong(planted):
    X, D = planted
    coder = SparseCoder(dictionary=D, alpha=0.01, encode_max_iter=1).fit(X)
    with pytest.warns(ConvergenceWarning, match="of 1200 rows stopped at `encode_max_iter`=1") as caught:
        held_out_pixel_score(coder, X)
    assert len(caught) == 1
    for fraction in (0.0, 1.0, 0.001, np.nan):
        with pytest.raises(ValueError, match="`fraction`=.* of 40 features leaves nothing"):
            held_out_pixel_score(coder, X, fraction=fraction)
    with pytest.raises(TypeError, match="needs a SparseCoder, or a Pipeline that ends in one, got PatchEncoder"):
        held_out_pixel_score(PatchEncoder(coder), X)
    with pytest.raises(NotFittedError):
        held_out_pixel_score(SparseCoder(), X)


@pytest.mark.parametrize("settings", [{"debias": True}, {"penalty": CEL0(0.02)}, {"sparse_output": True}])
@pytest.mark.parametrize("fit_dc", [False, True])
def test_is_what_transform_with_a_mask_predicts(planted, settings, fit_dc):
    """Named solvers and "auto" alike, by the coder itself: nothing is fitted again."""
    X, D = planted[0][:40] + 2 * fit_dc, planted[1]
    choice = {} if "penalty" in settings else {"alpha": 0.1}
    solver = "replacement" if "penalty" in settings else "active-set"
    coder = SparseCoder(dictionary=D, solver=solver, fit_dc=fit_dc, **choice, **settings).fit(X)
    hidden = np.random.default_rng(5).permutation(40)[:10]
    mask = np.ones(X.shape, bool)
    mask[:, hidden] = False
    back = coder.inverse_transform(coder.transform(X, mask=mask))[:, hidden]
    left = np.square(X[:, hidden] - back).sum() / np.square(X[:, hidden] - X[:, hidden].mean(axis=0)).sum()
    scoring = {"fraction": 0.25, "n_masks": 1, "random_state": np.random.default_rng(5)}
    score = held_out_pixel_score(coder, X, **scoring)
    np.testing.assert_allclose(score, 1 - left, rtol=1e-12)
    auto = coder.set_params(solver="auto")
    auto.fit = None  # is not called
    assert score == held_out_pixel_score(auto, X, **scoring | {"random_state": np.random.default_rng(5)})
    assert auto.solver == "auto"
