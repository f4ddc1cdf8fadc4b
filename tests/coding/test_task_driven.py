"""Task-driven dictionary learning: gradient, predictor, covariates, weights, files."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import SparseCoder, load
from sparsecode.coding import TaskDrivenClassifier, TaskDrivenRegressor, _losses
from sparsecode.coding._covariates import moments, split_columns
from sparsecode.coding._task_gradient import atom_gradient, solve_on_supports
from sparsecode.encoder import as_dense
from sparsecode.penalties import L1, ElasticNet, WeightedL1
from sparsecode.solvers import solve
from sparsecode.solvers._rows import Atoms

from ..reference.learning import task_gradient

PENALTIES = {
    "l1": L1(0.4),
    "positive": L1(0.3, positive=True),
    "weighted": WeightedL1(0.4, np.linspace(0.5, 1.5, 12)),
    "elastic net": ElasticNet(0.6, 0.7),
}


def problem(rng, n=40, K=12, F=8):
    D = rng.normal(size=(K, F))
    return rng.normal(size=(n, F)), D / np.linalg.norm(D, axis=1, keepdims=True)


def codes_of(X, D, penalty):
    return solve(X, D, penalty, tol=1e-13, sparse_output=True).codes


def ridge_of(penalty, D):
    return float(penalty.bind(np.ones(len(D)), np.float64).ridge)


# ---------------------------------------------------------------- gradient


@pytest.mark.nojit
@pytest.mark.parametrize("name", PENALTIES)
def test_gradient_equals_its_naive_twin(name, rng):
    X, D = problem(rng)
    X[3] = 0
    W = codes_of(X, D, PENALTIES[name])
    by_code, ridge = rng.normal(size=W.shape), ridge_of(PENALTIES[name], D)
    for n_jobs in (1, 2):
        found = atom_gradient(X, Atoms.prepare(D), W, by_code, ridge, n_jobs)
        np.testing.assert_allclose(found, task_gradient(X, W.toarray(), D, by_code, ridge), atol=1e-11)


@pytest.mark.nojit
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
def test_gradient_is_that_of_finite_differences(name, loss, rng):
    X, D = problem(rng)
    penalty, loss = PENALTIES[name], getattr(_losses, loss)
    Y = np.eye(3)[rng.integers(3, size=len(X))] if loss is _losses.softmax else rng.integers(2, size=(len(X), 1)) * 1.0
    P, weights = rng.normal(size=(len(D) + 3, Y.shape[1])), rng.random(len(X))
    Z = rng.normal(size=(len(X), 2))

    def evaluate(D):
        W = codes_of(X, D, penalty)
        value, _, by_score = _losses.evaluate(_losses.Features(W, 1.7, Z), P, Y, weights, loss, 0.1)
        return value, by_score @ (P[: len(D)] / 1.7).T, W

    _, by_code, W = evaluate(D)
    gradient = atom_gradient(X, Atoms.prepare(D), W, by_code, ridge_of(penalty, D))
    for _ in range(3):
        direction = rng.normal(size=D.shape)
        h = 1e-5
        above, below = evaluate(D + h * direction), evaluate(D - h * direction)
        assert np.array_equal(above[2].indices, below[2].indices), "supports change: another seed, or a smaller step"
        slope = (above[0] - below[0]) / (2 * h)
        # Differences are right to about 1e-10 / h of rounding: at most 4e-9 was seen
        assert slope == pytest.approx((gradient * direction).sum(), abs=1e-7)
        assert abs(slope) > 1e-4


@pytest.mark.nojit
def test_dependent_atoms_have_no_part(rng):
    D = problem(rng)[1]
    atoms = Atoms.prepare(np.concatenate([D, D[:1]]))
    codes = csr_array(np.array([[1.0] + [0] * 11 + [2.0]] * 3))
    B = solve_on_supports(atoms, 0.0, np.ones((3, 13)), codes).toarray()
    np.testing.assert_allclose(B[:, [0, 12]], [[1.0, 0.0]] * 3)
    B = solve_on_supports(atoms, 0.5, np.ones((3, 13)), codes).toarray()
    np.testing.assert_allclose(B[:, [0, 12]], [[0.4, 0.4]] * 3)


# ---------------------------------------------------------------- predictor


@pytest.mark.nojit
@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
def test_derivatives_of_losses(loss, rng):
    loss = getattr(_losses, loss)
    Y = np.eye(4)[rng.integers(4, size=6)]
    scores, direction = 3 * rng.normal(size=(2, 6, 4))
    h = 1e-6
    slopes = (loss(scores + h * direction, Y)[0] - loss(scores - h * direction, Y)[0]) / (2 * h)
    np.testing.assert_allclose((loss(scores, Y)[1] * direction).sum(axis=1), slopes, atol=1e-7)
    assert np.isfinite(loss(1e4 * scores, Y)[0]).all()


@pytest.mark.nojit
def test_best_predictor_is_that_of_scikit_learn(rng):
    A, Z = rng.normal(size=(60, 5)), rng.normal(size=(60, 2))
    weights, start = rng.random(60), np.zeros((8, 1))
    X = np.hstack([A / 2, Z])
    price = 0.01
    y = X @ rng.normal(size=7) + rng.normal(size=60)
    found, _ = _losses.best_predictor(
        _losses.Features(csr_array(A), 2.0, Z), start, y[:, None], weights, _losses.squared, price
    )
    ridge = Ridge(price * weights.sum(), tol=1e-12).fit(X, y, weights)
    np.testing.assert_allclose(found[:, 0], [*ridge.coef_, ridge.intercept_], atol=1e-6)
    labels = (y > 0).astype(float)
    found, _ = _losses.best_predictor(
        _losses.Features(csr_array(A), 2.0, Z), start, labels[:, None], weights, _losses.logistic, price
    )
    logistic = LogisticRegression(C=1 / (price * weights.sum()), tol=1e-10, max_iter=1000).fit(X, labels, weights)
    np.testing.assert_allclose(found[:, 0], [*logistic.coef_[0], *logistic.intercept_], atol=1e-5)


# ---------------------------------------------------------------- learning


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def classifier(n_components=8, **params):
    params = {"max_iter": 8, "random_state": 0} | params
    return TaskDrivenClassifier(SparseCoder(n_components, max_iter=5, alpha=0.3), **params)


def test_labels_make_better_atoms(digits):
    X, y = digits
    model = classifier(max_iter=20).fit(X[:900], y[:900])
    assert model.objective_ < 0.7 * model.initial_objective_
    first = LogisticRegression(max_iter=1000)
    coder = SparseCoder(8, max_iter=5, alpha=0.3, random_state=0).fit(X[:900])
    before = first.fit(coder.transform(X[:900]), y[:900]).score(coder.transform(X[900:]), y[900:])
    assert model.score(X[900:], y[900:]) > before + 0.05
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)
    assert len(model.history_) == model.n_iter_ == 20
    assert model.history_["violation"].max() <= 1e-8


def test_what_was_learned_is_never_worse_than_the_first_atoms(digits):
    X, y = digits
    model = classifier(learning_rate=100.0, max_iter=1).fit(X[:200], y[:200])
    assert model.objective_ <= model.initial_objective_


def test_scores_probabilities_and_labels_agree(digits):
    X, y = digits
    for n_classes in (2, 5):
        rows = y < n_classes
        names = np.array(["zero", "one", "two", "three", "four"])[y[rows]]
        model = classifier(max_iter=2).fit(X[rows], names)
        scores, probabilities = model.decision_function(X), model.predict_proba(X)
        assert probabilities.shape == (len(X), n_classes)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))
        if n_classes == 2:
            np.testing.assert_allclose(np.log(probabilities[:, 1] / probabilities[:, 0]), scores, rtol=1e-6)
        expected = model.transform(X) @ model.coef_.T + model.intercept_
        np.testing.assert_allclose(scores, expected[:, 0] if n_classes == 2 else expected, atol=1e-9)
        assert model.predict(X[:1])[0] == model.predict(X)[0]
        np.testing.assert_array_equal(model.decision_function(X[3:5]), scores[3:5])


def with_covariate(rng, n=400):
    W = rng.normal(size=(n, 6)) * (rng.random((n, 6)) < 0.4)
    age = rng.uniform(20, 80, n)
    X = W @ rng.normal(size=(6, 10)) + 0.05 * rng.normal(size=(n, 10))
    return X, age, W[:, 0] - 0.5 * W[:, 1] + 0.1 * age


def test_covariates_by_place_and_by_name(rng):
    X, age, y = with_covariate(rng)
    model = TaskDrivenRegressor(SparseCoder(6, alpha=0.05), covariates=[3], max_iter=5, random_state=0)
    table = pd.DataFrame(np.insert(X, 3, age, axis=1), columns=list("abcdefghijk"))
    first = clone(model).fit(table.to_numpy(), y)
    assert first.covariate_coef_ == pytest.approx([0.1], abs=0.01)
    assert first.components_.shape == (6, 10)
    assert not hasattr(first, "inverse_transform")
    np.testing.assert_array_equal(first.transform(table.to_numpy()), first.encoder_.transform(X))
    expected = first.encoder_.transform(X) @ first.coef_ + age * first.covariate_coef_[0] + first.intercept_
    np.testing.assert_allclose(first.predict(table.to_numpy()), expected, atol=1e-9)
    for covariates, data in ((["d"], table), (np.array([-8]), table.to_numpy())):
        again = clone(model).set_params(covariates=covariates).fit(data, y)
        np.testing.assert_array_equal(again.predict(data), first.predict(table.to_numpy()))


def test_atoms_leave_to_covariates_what_these_explain():
    """A covariate drives atom 0 and the target, atom 1 the target alone: the one atom that is learned is for that.

    |cos| with atoms 0 and 1 over seeds 0 to 4: 0.00 to 0.02 and 0.75 to 0.92 with the covariate, 0.49 to 0.68 and 0.39
    to 0.49 without.
    """
    found = np.zeros((2, 2, 3))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        D = rng.normal(size=(8, 20))
        D /= np.linalg.norm(D, axis=1, keepdims=True)
        z, W = rng.normal(size=1000), rng.normal(size=(1000, 8)) * (rng.random((1000, 8)) < 0.3)
        W[:, 0] = z + 0.5 * rng.normal(size=1000)
        X = np.column_stack([W @ D + 0.1 * rng.normal(size=(1000, 20)), z])
        y = 2 * z + 1.4 * W[:, 1] + 0.2 * rng.normal(size=1000)
        model = TaskDrivenRegressor(SparseCoder(1, alpha=0.1, max_iter=10), random_state=seed)
        models = clone(model).set_params(covariates=[-1]).fit(X, y), model.fit(X[:, :-1], y)
        found[..., seed] = [np.abs(model.components_ @ D[:2].T)[0] for model in models]
    (aside, wanted), (taken, missed) = found.mean(axis=2)
    assert aside < 0.15
    assert taken > 0.35
    assert wanted > missed + 0.15


def test_many_covariates_that_are_alike(rng):
    """Steps of the predictor stay short enough."""
    X, age, y = with_covariate(rng)
    model = TaskDrivenRegressor(SparseCoder(6, alpha=0.05), covariates=range(10, 40), max_iter=5, random_state=0)
    X = np.column_stack([X, np.tile(age[:, None], 30) + 0.1 * rng.normal(size=(400, 30))])
    model.fit(X, y)
    assert model.history_["objective"].max() < 1
    assert model.objective_ < model.initial_objective_


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("covariates", "message"),
    [
        ([3], "must be places of columns of X, from 0 to 2"),
        ([-4], "must be places"),
        ([True], "must be places"),
        ([0.5], "must be places"),
        ([0, -3], "twice"),
        ([0, 1, 2], "leave at least one"),
        (["z"], "which X has not; it has a, b, c"),
    ],
)
def test_covariates_that_are_not_there(covariates, message):
    with pytest.raises(ValueError, match=message):
        split_columns(covariates, 3, np.array(["a", "b", "c"]))
    with pytest.raises(ValueError, match="X has no names"):
        split_columns(["a"], 3)


@pytest.mark.nojit
def test_moments():
    values = np.array([[1.0, 5.0, 1e200], [3.0, 5.0, -1e200], [7.0, 5.0, 0.0]])
    mean, deviation = moments(values, np.array([1.0, 1.0, 0.0]), "y")
    np.testing.assert_allclose(mean, [2, 5, 0], atol=1e190)
    np.testing.assert_allclose(deviation, [1, 1, 1e200])
    with pytest.raises(ValueError, match="y reach 1.5e\\+308, which is too large"):
        moments(np.array([[1.5e308], [1.4e308]]), np.ones(2), "y")


def test_several_targets(rng):
    X, _, y = with_covariate(rng)
    Y = np.stack([y, 100 + 50 * X[:, 0]], axis=1)
    model = TaskDrivenRegressor(SparseCoder(6, alpha=0.05), max_iter=5, random_state=0).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert (model.coef_.shape, model.intercept_.shape) == ((2, 6), (2,))
    assert TaskDrivenRegressor(SparseCoder(6), max_iter=1).fit(X, Y[:, :1]).predict(X).shape == (400, 1)


def test_samples_without_weight_are_not_there(digits):
    X, y = digits
    weights = np.linspace(0.5, 2, 300)
    bad = X[:400].copy()
    bad[300:] *= 1e5
    weighted = classifier(max_iter=2).fit(bad, y[:400], np.concatenate([weights, np.zeros(100)]))
    alone = classifier(max_iter=2).fit(X[:300], y[:300], weights)
    np.testing.assert_array_equal(weighted.coef_, alone.coef_)
    np.testing.assert_array_equal(weighted.components_, alone.components_)
    twice = classifier(max_iter=2).fit(X[:300], y[:300], 4 * weights)  # a power of two: no rounding
    np.testing.assert_array_equal(twice.components_, alone.components_)
    assert not np.array_equal(classifier(max_iter=2).fit(X[:300], y[:300]).components_, alone.components_)


def test_weights_count_as_copies_for_the_predictor(digits):
    """With a rate of almost nothing the atoms stay, and the exact predictor is left."""
    X, y = digits
    coder = SparseCoder(dictionary=SparseCoder(8, max_iter=5, random_state=0).fit(X).components_, alpha=0.3)
    model = TaskDrivenClassifier(coder, learning_rate=1e-12, max_iter=1, random_state=0)
    counts = np.arange(200) % 3
    weighted = clone(model).fit(X[:200], y[:200], counts)
    repeated = clone(model).fit(np.repeat(X[:200], counts, axis=0), np.repeat(y[:200], counts))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"penalty": "l0"}, "whose codes jump .* give it an l1-type penalty"),
        ({"n_nonzero_coefs": 2}, "whose codes jump"),
        ({"fit_dc": True}, "fit_dc=True, with which codes are not minimisers"),
        ({"debias": True}, "debias=True"),
        ({"positive_dict": True}, "positive_dict=True"),
        ({"alpha": 1.0, "target_snr": 3.0}, "both say how sparse"),
        ({"alpha": -1.0}, "'alpha' parameter of SparseCoder"),
        ({"dictionary": np.zeros((3, 64)), "alpha": 1.0}, "atoms that are zero"),
    ],
)
def test_encoders_that_cannot_be_had(digits, params, message):
    X, y = digits
    with pytest.raises(ValueError, match=message):
        TaskDrivenClassifier(SparseCoder(**params)).fit(X[:50], y[:50])


@pytest.mark.parametrize(
    "params",
    [
        {"penalty": "elastic-net", "alpha": 0.3},
        {"penalty": WeightedL1(0.3, np.linspace(1, 2, 8))},
        {"positive": True, "target_sparsity": 0.4},
        {"alpha": 0.05, "alpha_scale": "max", "sparse_output": True},
    ],
)
def test_encoders_that_can_be_had(digits, params):
    X, y = digits
    model = TaskDrivenClassifier(SparseCoder(8, max_iter=3, **params), max_iter=5, random_state=0)
    model.fit(X[:300], y[:300])
    assert model.objective_ < model.initial_objective_
    codes = model.transform(X)
    assert model.capabilities().signed == (as_dense(codes).min() < 0)


def test_codes_that_do_not_converge_are_told(digits):
    X, y = digits
    coder = SparseCoder(8, alpha=0.05, dictionary=np.random.default_rng(0).normal(size=(8, 64)), encode_max_iter=1)
    with pytest.warns(ConvergenceWarning, match="rows stopped at `encode_max_iter`=1") as told:
        TaskDrivenClassifier(coder, max_iter=2, random_state=0).fit(X[:100], y[:100])
    assert len(told) == 1


def test_one_class_and_one_label_of_weight(digits):
    X = digits[0]
    with pytest.raises(ValueError, match="one class only, '1'"):
        classifier().fit(X[:4], [1] * 4)
    with pytest.raises(ValueError, match="one class only, 'a', among samples of positive weight"):
        classifier().fit(X[:4], list("aabb"), [1, 1, 0, 0])
    with pytest.raises(NotFittedError):
        classifier().predict(X)


def test_targets_of_any_size(rng):
    X, _, y = with_covariate(rng)
    model = TaskDrivenRegressor(SparseCoder(6, alpha=0.05), max_iter=3, random_state=0)
    expected = clone(model).fit(X, y).predict(X)
    for factor in (2.0**-900, 2.0**900):
        np.testing.assert_allclose(clone(model).fit(X, factor * y).predict(X) / factor, expected, rtol=1e-6)
    constant = clone(model).fit(X, np.full(len(X), 0.3))
    np.testing.assert_allclose(constant.predict(X), 0.3)


@pytest.mark.parametrize("exponent", [-700, 700])
def test_features_of_any_size(rng, exponent):
    X, _, y = with_covariate(rng)
    coder = SparseCoder(6, alpha=0.05, alpha_scale="max")
    model = TaskDrivenRegressor(coder, max_iter=3, random_state=0)
    expected = clone(model).fit(X, y)
    found = clone(model).fit(np.ldexp(X, exponent), y)
    np.testing.assert_allclose(found.predict(np.ldexp(X, exponent)), expected.predict(X), rtol=1e-5, atol=1e-5)


def test_fewer_samples_than_atoms_and_duplicate_atoms(digits):
    X, y = digits
    D = np.random.default_rng(0).normal(size=(30, 64))
    D[1], D[2] = D[0], -D[0]
    model = TaskDrivenClassifier(SparseCoder(dictionary=D, alpha=0.05), max_iter=3, random_state=0)
    model.fit(X[:12], y[:12])
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("labels", ["int", "str", "object", "bool"])
def test_files(digits, labels, tmp_path):
    X, y = digits
    y = {"int": y, "str": y.astype(str), "object": y.astype(str).astype(object), "bool": y > 4}[labels]
    model = classifier(max_iter=2).fit(X[:200], y[:200])
    model.save(tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert again.classes_.dtype.kind == model.classes_.dtype.kind
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert (again.objective_, again.initial_objective_) == (model.objective_, model.initial_objective_)
    np.testing.assert_array_equal(again.history_, model.history_)


def test_files_with_covariates(rng, tmp_path):
    X, age, y = with_covariate(rng, 60)
    X = np.column_stack([X, age])
    model = TaskDrivenRegressor(SparseCoder(4), covariates=[-1], max_iter=1, random_state=0).fit(X, y)
    model.save(tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert type(again.intercept_) is float


def test_in_a_pipeline_and_a_grid(digits):
    from sklearn.model_selection import GridSearchCV

    X, y = digits
    search = GridSearchCV(
        make_pipeline(StandardScaler(with_std=False), classifier(max_iter=2)),
        {"taskdrivenclassifier__encoder__alpha": [0.2, 30.0]},
        cv=2,
    ).fit(X[:200], y[:200])
    assert search.best_params_ == {"taskdrivenclassifier__encoder__alpha": 0.2}


ORDER = "steps see the samples in an order that depends on their number"


@parametrize_with_checks(
    [
        TaskDrivenClassifier(SparseCoder(max_iter=3), max_iter=3, random_state=0),
        TaskDrivenRegressor(SparseCoder(max_iter=3), max_iter=3, random_state=0),
    ],
    expected_failed_checks=lambda model: {"check_sample_weight_equivalence_on_dense_data": ORDER},
)
def test_yielded_check(estimator, check):
    check(estimator)
