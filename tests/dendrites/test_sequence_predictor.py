"""`SequencePredictor`: distributions, chunks and copies, dates, and what it does with odd input."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sparsecode import groups_from_lengths, load
from sparsecode.dendrites import AnomalyLikelihood, SequencePredictor, TemporalMemory, _series_stream
from sparsecode.dendrites._forecast import medians
from sparsecode.sdr import DateEncoder, ScalarEncoder

pytestmark = pytest.mark.nojit

CYCLE = np.array([1.0, 5.0, 3.0, 5.0, 9.0, 6.0])
LIKELY = AnomalyLikelihood(40, learning_period=5, estimation_samples=5)


def predictor_of(**params):
    return SequencePredictor(**{"likelihood": LIKELY, "bounds": (0, 10), "random_state": 0} | params)


def content(predictor):
    return pickle.dumps({name: value for name, value in vars(predictor).items() if name not in ("memory", "encoder")})


def hours(n):
    return np.datetime64("2024-01-05T20", "h") + np.arange(n)


def test_a_cycle_is_predicted_in_its_context():
    """5 is followed by 3 and by 9; one cell in a column tells these apart no better than an average."""
    series = np.tile(CYCLE, 80)
    predictor = predictor_of().fit(series)
    errors = np.abs(predictor.outcomes_["prediction"] - series)[-60:]
    assert errors.max() < 0.3  # 0.1 is half of a bucket
    np.testing.assert_allclose(predictor.predict(series[:12])[:-1], series[1:12], atol=0.3)
    assert predictor.score(series[:60]) > 0.98
    assert np.nanmean(predictor.outcomes_["anomaly"][-60:]) < 0.05
    found = predictor.anomaly_score([1, 5, 3, 9])
    assert found[0] == 1
    assert found[1:3].tolist() == [0, 0]
    assert found[3] > 0.5
    alone = predictor_of(memory=TemporalMemory(1, activation_threshold=10, min_threshold=7, max_new_synapses=15)).fit(
        series
    )
    assert np.abs(alone.outcomes_["prediction"] - series)[-60:].max() > 1


def test_distributions_are_read_from_weights(rng):
    series = np.tile(CYCLE, 10) + 0.2 * rng.random(60)
    predictor = predictor_of(n_buckets=20).fit(series)
    p = predictor.predict_proba(series)
    assert p.shape == (60, 20)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(predictor.buckets_, np.arange(20) / 2 + 0.25)
    codes = predictor.memory_.transform(predictor._code(series, None)).toarray()
    scores = np.array([predictor._weights[np.flatnonzero(code)].mean(axis=0) for code in codes])
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, expected, rtol=1e-10)
    middles = [np.interp(0.5, np.r_[0, np.cumsum(row)], np.linspace(0, 10, 21)) for row in p]
    np.testing.assert_allclose(predictor.predict(series), middles, rtol=1e-10)


def test_weights_learn_the_difference_between_what_came_and_what_was_expected():
    predictor = predictor_of(n_buckets=4, learning_rate=1.0).fit([1.0, 9.0])
    first = predictor.memory_.transform(predictor._code(np.array([1.0]), None)).toarray()[0]
    np.testing.assert_allclose(predictor._weights[first], np.tile([-0.25, -0.25, -0.25, 0.75], (first.sum(), 1)))
    assert not predictor._weights[~first].any()
    assert np.isnan(predictor.outcomes_["prediction"][0])
    assert predictor.outcomes_["prediction"][1] == 5  # evenly spread


def test_medians():
    p = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0.25] * 4, [0.5, 0, 0, 0.5], [0.1, 0.6, 0.2, 0.1]])
    np.testing.assert_allclose(medians(p, np.array([0.0, 4.0])), [0.5, 3.5, 2, 1, 1 + 0.4 / 0.6])


@pytest.mark.parametrize("dated", [False, pytest.param(True, marks=pytest.mark.compiled)])
def test_chunks_and_copies_go_on_as_one_call(dated, rng, tmp_path):
    series, dates = np.tile(CYCLE, 10) + 0.2 * rng.random(60), hours(60) if dated else None

    def part(rows):
        return {"X": series[rows], "dates": None if dates is None else dates[rows]}

    whole = predictor_of().fit(**part(slice(None)))
    begun = predictor_of().partial_fit(**part(slice(0, 20)))
    begun.save(tmp_path / "predictor.npz")
    copies = {"pickle": pickle.loads(pickle.dumps(begun)), "file": load(tmp_path / "predictor.npz")}  # noqa: S301
    for way, predictor in (copies | {"deepcopy": copy.deepcopy(begun), "itself": begun}).items():
        predictor.partial_fit(**part(slice(20, 21))).partial_fit(**part(slice(21, 60)))
        np.testing.assert_array_equal(predictor._weights, whole._weights, err_msg=way)
        np.testing.assert_array_equal(predictor.outcomes_, whole.outcomes_[21:], err_msg=way)
        np.testing.assert_array_equal(predictor.predict(**part(slice(None))), whole.predict(**part(slice(None))))
        assert predictor.n_items_ == 60
        assert repr(predictor) == repr(whole)
    assert clone(whole).get_params()["n_buckets"] == 50


def test_series_begin_anew_with_their_groups(rng):
    series = np.tile(CYCLE, 10) + 0.2 * rng.random(60)
    groups = groups_from_lengths([30, 30])
    predictor = predictor_of().fit(series, groups=groups)
    assert np.flatnonzero(np.isnan(predictor.outcomes_["prediction"])).tolist() == [0, 30]
    p = predictor.predict_proba(series, groups=groups)
    np.testing.assert_array_equal(p[30:], predictor.predict_proba(series[30:]))
    parts = predictor_of().partial_fit(series[:35], groups=groups[:35]).partial_fit(series[35:], groups=groups[35:])
    np.testing.assert_array_equal(parts._weights, predictor._weights)


@pytest.mark.compiled
def test_dates_tell_what_values_do_not():
    """Values of noon are those of any other hour but one; four weeks of hours."""
    values = np.where(np.arange(672) % 24 == 16, 8.0, 2.0)  # noon, since the first hour is 20
    error = {}
    for dated in (False, True):
        options = {"dates": hours(672)} if dated else {}
        outcomes = predictor_of().fit(values, **options).outcomes_
        error[dated] = np.abs(outcomes["prediction"] - values)[-168:].max()
    assert error[True] < 0.5 < 3 < error[False]


@pytest.mark.compiled
@pytest.mark.parametrize(
    "kind", [pd.Series, pd.DatetimeIndex, lambda dates: pd.Series(dates).dt.tz_localize("Asia/Tokyo")]
)
def test_dates_of_pandas_are_those_of_numpy(kind):
    expected = predictor_of().fit(np.tile(CYCLE, 4), dates=hours(24)).outcomes_
    predictor = predictor_of().fit(pd.Series(np.tile(CYCLE, 4)), dates=kind(hours(24)))
    assert predictor.outcomes_.tobytes() == expected.tobytes()


def test_templates_are_not_changed():
    templates = {
        "memory": TemporalMemory(4, activation_threshold=3, min_threshold=2, max_new_synapses=6, random_state=5),
        "encoder": ScalarEncoder(40, 6),
        "date_encoder": DateEncoder(season=0, day_of_week=0, weekend=0, time_of_day=8),
        "likelihood": LIKELY,
    }
    before = {name: repr(template) for name, template in templates.items()}
    predictor = predictor_of(**templates).fit(np.tile(CYCLE, 5), dates=hours(30))
    assert {name: repr(template) for name, template in templates.items()} == before
    assert predictor.memory_.code_shape_ == (40 + 48, 4)
    assert predictor.encoder_.bounds_.tolist() == [[0, 10]]
    assert predictor.memory_.random_state == 5
    auto = SequencePredictor(random_state=0).fit([2.0, 4.0])
    np.testing.assert_allclose(auto.bounds_, [1.6, 4.4])
    np.testing.assert_allclose(SequencePredictor(random_state=0).fit([7.0, 7.0]).bounds_, [3.5, 10.5])


@pytest.mark.parametrize("dated", [False, pytest.param(True, marks=pytest.mark.compiled)])
def test_values_one_by_one_are_those_of_a_series(dated, rng):
    """With learning as `partial_fit`, without as `predict`, bit for bit; a state is not changed."""
    series, dates = np.tile(CYCLE, 8) + 0.2 * rng.random(48), hours(48) if dated else [None] * 48
    whole = predictor_of().fit(series, dates=hours(48) if dated else None)
    learner = predictor_of().partial_fit(series[:20], dates=hours(20) if dated else None)
    state, outcomes = learner.state_, list(learner.outcomes_.tolist())
    for x, date in zip(series[20:], dates[20:], strict=True):
        before = pickle.dumps(state)
        outcome, after = learner.step(x, state, learn=True, date=date)
        assert pickle.dumps(state) == before
        outcomes.append(tuple(outcome))
        state = after
    np.testing.assert_array_equal(np.array(outcomes), whole.outcomes_.tolist())
    np.testing.assert_array_equal(learner._weights, whole._weights)
    for ours, theirs in zip((*state.memory, *state.likelihood), (*whole.state_[0], *whole.state_[1]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    kept, state = content(whole), whole.initial_state()
    options = {"dates": hours(48)} if dated else {}
    expected, anomaly = whole.predict_proba(series, **options), whole.anomaly_score(series, **options)
    for row, (x, date) in enumerate(zip(series, dates, strict=True)):
        outcome, state = whole.step(x, state, date=date)
        np.testing.assert_array_equal(whole.forecast_proba(state=state)[0], expected[row])
        assert outcome.anomaly == anomaly[row]
        if row:
            assert outcome.prediction == medians(expected[row - 1 : row], whole.bounds_)[0]
    assert content(whole) == kept


def test_forecasts_go_on_beyond_the_end():
    """A cycle comes round by what was forecast itself."""
    series = np.tile(CYCLE, 80)
    predictor = predictor_of().fit(series[:-2])
    p = predictor.forecast_proba(20)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(predictor.forecast(20), np.tile(CYCLE, 4)[4:24], atol=0.3)
    np.testing.assert_array_equal(predictor.forecast(), predictor.predict(series[:-2])[-1:])
    state = predictor.initial_state()
    np.testing.assert_allclose(predictor.forecast(3, state=state)[0], 5)  # evenly spread
    for x in (9.0, 6.0, 1.0):
        _, state = predictor.step(x, state)
    np.testing.assert_allclose(predictor.forecast(4, state=state), [5, 3, 5, 9], atol=0.3)


@pytest.mark.compiled
def test_forecasts_know_what_the_clock_will_show():
    values = np.where(np.arange(672) % 24 == 16, 8.0, 2.0)
    dated = predictor_of().fit(values, dates=hours(672))
    to_come = np.datetime64("2024-01-05T20", "h") + np.arange(672, 672 + 48)
    np.testing.assert_allclose(dated.forecast(48, dates=to_come), values[:48], atol=0.5)
    np.testing.assert_array_equal(dated.forecast(), dated.forecast(1, dates=to_come[:1]))


def test_the_first_scores_of_series_do_not_count():
    """That nothing was predicted before the first value says nothing about the series: many short ones are normal."""
    series, groups = np.tile(CYCLE, 60), groups_from_lengths([6] * 60)
    outcomes = predictor_of().fit(series, groups=groups).outcomes_
    first = np.arange(360) % 6 == 0
    assert (outcomes["anomaly"][first] == 1).all()
    assert (outcomes["likelihood"][first] == 0.5).all()
    np.testing.assert_array_equal(outcomes["likelihood"][~first], LIKELY.score_stream(outcomes["anomaly"][~first]))
    assert outcomes["likelihood"][-60:].max() < 0.6


# ---------------------------------------------------------------- odd input


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([1, np.nan, 3, np.nan], "X holds 2 values that are NaN or infinite, the first of them in row 1. Fill them in"),
        ([np.inf], "X holds 1 values that are NaN or infinite"),
        ([], "X must be a series of numbers"),
        ([[1, 2]], "X must be a series of numbers, of shape .* got int64 of shape .1, 2."),
        (["a"], "X must be a series of numbers"),
        (3.0, "X must be a series of numbers"),
    ],
)
def test_values_that_are_none_are_refused_and_change_nothing(X, message):
    predictor = predictor_of().fit(CYCLE)
    before = content(predictor)
    for method in ("fit", "partial_fit", "predict", "predict_proba", "anomaly_score", "score"):
        with pytest.raises(ValueError, match=message):
            getattr(predictor, method)(X)
        if method in ("fit", "partial_fit"):
            with pytest.raises(ValueError, match=message):
                getattr(predictor_of(), method)(X)
    assert content(predictor) == before


def test_what_does_not_fit_is_refused():
    plain, dated = predictor_of().fit(CYCLE), predictor_of().fit(CYCLE, dates=hours(6))
    with pytest.raises(ValueError, match="there are dates, but the first call was without them; give `dates` in all"):
        plain.partial_fit(CYCLE, dates=hours(6))
    with pytest.raises(ValueError, match="there are no dates, but the first call was with them"):
        dated.predict(CYCLE)
    with pytest.raises(ValueError, match="`dates` must be one for each of the 6 values, got 5"):
        dated.partial_fit(CYCLE, dates=hours(5))
    with pytest.raises(ValueError, match="`groups` must be 6 integers or strings"):
        plain.partial_fit(CYCLE, groups=[0, 0, 1])
    for bounds in ((3, 1), (1,), (0, np.inf)):
        with pytest.raises(ValueError, match="`bounds` must be two finite numbers, the first less than the second"):
            predictor_of(bounds=bounds).fit(CYCLE)
    for params in ({"learning_rate": 0}, {"n_buckets": 1}, {"memory": 3}, {"encoder": "scalar"}):
        (name,) = params
        with pytest.raises(ValueError, match=f"The '{name}' parameter of SequencePredictor must be"):
            predictor_of(**params).fit(CYCLE)
    with pytest.raises(ValueError, match="`score` needs values that differ"):
        plain.score([1, 2, 2])
    with pytest.raises(NotFittedError):
        predictor_of().predict(CYCLE)
    with pytest.raises(NotFittedError):
        _ = predictor_of().outcomes_


def test_files_whose_parts_do_not_go_together():
    predictor = predictor_of().fit(CYCLE)
    scalars, arrays = predictor._get_fitted_state()
    copy.copy(predictor)._set_fitted_state(scalars, arrays)
    for name, wrong in (
        ("weights", arrays["weights"][1:]),
        ("weights", arrays["weights"][:, 0]),
        ("weights", arrays["weights"].astype(int)),
        ("bounds", arrays["bounds"][:1]),
        ("outcomes", arrays["outcomes"][:, :2]),
    ):
        with pytest.raises(ValueError, match="the weights and the memory do not go together"):
            copy.copy(predictor)._set_fitted_state(scalars, arrays | {name: wrong})
    with pytest.raises(ValueError, match="`state` is not one of these parameters"):
        copy.copy(predictor)._set_fitted_state(scalars, arrays | {"normal": arrays["normal"][:1]})


def test_steps_and_forecasts_that_do_not_fit_are_refused():
    plain, dated = predictor_of().fit(CYCLE), predictor_of().fit(CYCLE, dates=hours(6))
    before = content(plain)
    state = plain.initial_state()
    for wrong, message in (
        (None, "`state` must be a PredictorState; begin with `initial_state"),
        (state.memory, "begin with `initial_state"),
        (state._replace(memory=None), "`state` must hold active cells and winners"),
        (state._replace(likelihood=None), "`state` is not one of these parameters"),
    ):
        with pytest.raises(ValueError, match=message):
            plain.step(1.0, wrong)
        if wrong is not None:
            with pytest.raises(ValueError, match=message):
                plain.forecast(2, state=wrong)
    for x, message in (([1.0], "x must be a number, got an array"), (np.nan, "NaN or infinite"), ("a", "of numbers")):
        for learn in (False, True):
            with pytest.raises(ValueError, match=message):
                plain.step(x, state, learn=learn)
    for n_steps in (0, -1, 2.0, True, None):
        with pytest.raises(ValueError, match="`n_steps` must be a whole number, at least 1"):
            plain.forecast(n_steps)
    with pytest.raises(ValueError, match="`dates` must be one for each of the 3 values to come, got 2"):
        dated.forecast(3, dates=hours(2))
    with pytest.raises(ValueError, match="there are no dates, but the first call was with them"):
        dated.forecast(3)
    with pytest.raises(ValueError, match="there are no dates, but the first call was with them"):
        dated.step(1.0, dated.initial_state())
    with pytest.raises(ValueError, match="there are dates, but the first call was without them"):
        plain.step(1.0, state, date=hours(1)[0])
    for method in (predictor_of().forecast, predictor_of().initial_state):
        with pytest.raises(NotFittedError):
            method()
    assert content(plain) == before


def test_a_call_that_is_interrupted_changes_nothing(monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    predictor, fresh = predictor_of().fit(CYCLE), predictor_of()
    before = content(predictor), content(fresh)
    monkeypatch.setattr(_series_stream, "learn_forecasts", interrupt)  # the last thing that is done
    for instance in (predictor, fresh):
        for method in (instance.fit, instance.partial_fit):
            with pytest.raises(KeyboardInterrupt):
                method(CYCLE[::-1])
    assert (content(predictor), content(fresh)) == before


def test_values_out_of_bounds_count_as_the_bound():
    predictor = predictor_of().fit(np.tile([2.0, 50.0, -30.0], 60))
    found = predictor.predict([2.0, 50.0, -30.0])
    np.testing.assert_allclose(found, [9.9, 0.1, 2.1], atol=0.15)
