"""Encoders of categories and of dates."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import OneHotEncoder

from sparsecode import load
from sparsecode.sdr import CategoryEncoder, DateEncoder, ScalarEncoder

from ..reference import encoders as naive

pytestmark = pytest.mark.nojit


# ---------------------------------------------------------------- categories


def animals():
    return pd.DataFrame(
        {"animal": ["cat", "dog", "cat", "cow"], "legs": [4, 4, 3, 4], "wild": [False, False, True, True]}
    )


def test_blocks_are_repeated_one_hot_codes():
    X = animals()
    expected = np.repeat(OneHotEncoder(sparse_output=False).fit_transform(X), 5, axis=1)
    for given in (X, X.to_numpy(), X.to_numpy().tolist(), X.astype({"animal": "category"})):
        encoder = CategoryEncoder(5).fit(given)
        codes = encoder.transform(given)
        np.testing.assert_array_equal(codes, expected)
        np.testing.assert_array_equal(encoder.inverse_transform(codes), X.to_numpy())
        assert encoder.code_shape_ == (5 * 7,)
    overlaps = codes.astype(int) @ codes.T.astype(int)
    np.testing.assert_array_equal(overlaps, 5 * (X.to_numpy()[:, None] == X.to_numpy()).sum(axis=2))


def test_codes_with_errors_come_back(rng):
    X = rng.choice(list("abcdefgh"), (200, 2))
    encoder = CategoryEncoder(16).fit(X)
    codes = encoder.transform(X)
    for code in codes:  # 7 of 32 ones go, and as many come: no block can lose its lead
        code[rng.choice(np.flatnonzero(code), 7, replace=False)] = False
        code[rng.choice(np.flatnonzero(~code), 7, replace=False)] = True
    assert (encoder.inverse_transform(codes) == X).all()


def test_given_categories_keep_their_order():
    encoder = CategoryEncoder(1, categories=[["low", "middle", "high"], [10, 2]]).fit([["low", 2], ["high", 10]])
    np.testing.assert_array_equal(encoder.transform([["high", 10], ["middle", 2]]), [[0, 0, 1, 1, 0], [0, 1, 0, 0, 1]])
    assert [values.tolist() for values in encoder.categories_] == [["low", "middle", "high"], [10, 2]]
    for wrong in ([["low"]], [["a", "a"], [1]], [[], [1]], [[np.nan], [1]]):
        with pytest.raises(ValueError, match="`categories`"):
            CategoryEncoder(categories=wrong).fit([["low", 2]])
    with pytest.raises(
        ValueError, match="1 values that are none of the categories, the first of them 'top' in column 0"
    ):
        CategoryEncoder(categories=[["low"], [2]]).fit([["top", 2]])


def test_dates_are_no_categories():
    days = np.array([["2024-01-01"]], "datetime64[ns]")
    for X in (days, pd.DataFrame({"day": days[:, 0]})):
        with pytest.raises(ValueError, match="give dates to a DateEncoder, or as strings"):
            CategoryEncoder().fit(X)


def test_infinity_is_no_category():
    for X in (np.array([[np.inf]]), pd.DataFrame({"name": ["a"], "size": [np.inf]})):
        with pytest.raises(ValueError, match="contains infinity"):
            CategoryEncoder().fit(X)


def test_unknown_values():
    encoder = CategoryEncoder(2).fit([["a"], ["b"]])
    with pytest.raises(ValueError, match="'c' in column 0; give all `categories`, or set handle_unknown='ignore'"):
        encoder.transform([["b"], ["c"]])
    codes = encoder.set_params(handle_unknown="ignore").transform([["b"], ["c"]])
    assert codes.sum(axis=1).tolist() == [2, 0]
    assert encoder.inverse_transform(codes).tolist() == [["b"], [None]]
    numbers = CategoryEncoder(2, handle_unknown="ignore").fit([[1.0], [2.0]])
    np.testing.assert_array_equal(numbers.inverse_transform(numbers.transform([[2.0], [3.0]])), [[2.0], [np.nan]])


@pytest.mark.parametrize(
    "X",
    [
        np.array([["a"], [None], ["b"]], dtype=object),
        np.array([["a"], [np.nan], ["b"]], dtype=object),
        np.array([[1.0], [np.nan], [2.0]]),
        pd.DataFrame({"kind": pd.array(["a", None, "b"], dtype="string")}),
        pd.DataFrame({"kind": pd.Categorical(["a", None, "b"])}),
        pd.DataFrame({"kind": pd.array([1, None, 2], dtype="Int64")}),
    ],
    ids=["None", "nan", "float", "string", "categorical", "Int64"],
)
def test_missing_categories(X):
    with pytest.raises(ValueError, match="1 values of column 0.* are missing"):
        CategoryEncoder().fit(X)
    encoder = CategoryEncoder(3, handle_missing="ignore").fit(X)
    codes = encoder.transform(X).astype(int)
    assert codes.tolist() == [[1, 1, 1, 0, 0, 0], [0] * 6, [0, 0, 0, 1, 1, 1]]


def test_what_cannot_be_sorted_or_is_not_there():
    with pytest.raises(TypeError, match="column 1 of X holds values of types int, str, which cannot be sorted"):
        CategoryEncoder().fit(np.array([["a", 1], ["b", "c"]], dtype=object))
    with pytest.raises(ValueError, match="column 0 of X has no values"):
        CategoryEncoder(handle_missing="ignore").fit(np.array([[None]], dtype=object))


def test_categories_in_files(tmp_path):
    X = animals()
    X["of both"] = ["1", "x", "y", "1"]
    encoder = CategoryEncoder(3, handle_unknown="ignore").fit(X)
    encoder.save(tmp_path / "encoder.npz")
    again = load(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(again.transform(X), encoder.transform(X))
    assert again.inverse_transform(again.transform(X)).tolist() == X.to_numpy().tolist()
    assert [a.dtype == b.dtype for a, b in zip(again.categories_, encoder.categories_, strict=True)] == [True] * 4


# ---------------------------------------------------------------- dates

FIELDS = {
    "season": (16, 64),
    "day_of_week": (16, 112),
    "weekend": (16, 32),
    "holiday": (16, 32),
    "time_of_day": (16, 96),
}


def moments(rng, n=200):
    start = datetime(1950, 1, 1)
    days = rng.integers(0, 50_000, n).tolist()
    some = [
        start + timedelta(days=d, seconds=s) for d, s in zip(days, rng.integers(0, 86_400, n).tolist(), strict=True)
    ]
    edges = [
        datetime(2024, 2, 29),
        datetime(2024, 12, 31, 23, 59, 59),
        datetime(1969, 12, 31, 23),
        datetime(2023, 12, 25),
    ]
    return some + edges + [datetime(2025, 4, 18, 6)]


def test_fields_are_those_of_the_naive_twin(rng):
    X = moments(rng)
    encoder = DateEncoder(holidays=["12-25", "2025-04-18"]).fit(np.array(X, dtype="datetime64[s]")[:, None])
    assert {field: (16, bits.stop - bits.start) for field, bits in encoder.fields_.items()} == FIELDS
    codes = encoder.transform(np.array(X, dtype="datetime64[s]")[:, None])
    expected = [naive.date(moment, FIELDS, {(12, 25), date(2025, 4, 18)}) for moment in X]
    assert [set(np.flatnonzero(code).tolist()) for code in codes] == expected
    assert codes[-1][encoder.fields_["holiday"]][16:].all()


def test_fields_can_be_chosen(rng):
    X = np.array(moments(rng), dtype="datetime64[s]")[:, None]
    encoder = DateEncoder(season=(8, 30), day_of_week=0, weekend=0, time_of_day=(5, 0.5)).fit(X)
    fields = {"season": (8, 97), "time_of_day": (5, 240)}
    codes = encoder.transform(X)
    expected = [naive.date(moment, fields) for moment in X[:, 0].tolist()]
    assert [set(np.flatnonzero(code).tolist()) for code in codes] == expected
    with pytest.raises(ValueError, match="all fields are off; give at least one of season, day_of_week"):
        DateEncoder(season=0, day_of_week=0, weekend=0, time_of_day=0).fit(X)
    for wrong in ((8,), (8, 0), (8, 400), ("a", 3), (-1, 3), (8, None), (2.5, 3)):
        with pytest.raises(ValueError, match="`season`"):
            DateEncoder(season=wrong).fit(X)
    for wrong in ("12-32", "13-01", "noon", 5, None, "02-30"):
        with pytest.raises(ValueError, match="`holidays` must be dates such as '12-25'"):
            DateEncoder(holidays=[wrong]).fit(X)


def test_overlap_falls_with_the_distance_around_the_circle():
    hours = np.datetime64("2026-03-02T00:00") + np.arange(0, 24 * 60, 10).astype("timedelta64[m]")
    encoder = DateEncoder(season=0, day_of_week=0, weekend=0).fit(hours[:, None])
    codes = encoder.transform(hours[:, None]).astype(int)
    apart = np.arange(144) / 6
    apart = np.minimum(apart, 24 - apart)
    assert np.abs(codes @ codes[0] - np.maximum(0, 16 - 4 * apart)).max() <= 1
    weekdays = DateEncoder(season=0, weekend=0, time_of_day=0)
    days = np.datetime64("2026-03-02") + np.arange(14)
    codes = weekdays.fit_transform(days[:, None]).astype(int)
    np.testing.assert_array_equal(codes @ codes.T, 16 * (np.arange(14)[:, None] % 7 == np.arange(14) % 7))


def kinds_of_dates():
    strings = ["2024-02-29T12:00:00", "2025-12-25T08:30:00"]
    naive_dates = [datetime.fromisoformat(text) for text in strings]
    yield "list", [[moment] for moment in naive_dates]
    yield "list zone", [[moment.replace(tzinfo=timezone(timedelta(hours=9)))] for moment in naive_dates]
    yield "strings", [[text] for text in strings]
    for unit in ("m", "s", "ms", "us", "ns"):
        yield unit, np.array(strings, dtype=f"datetime64[{unit}]")[:, None]
    series = pd.Series(pd.to_datetime(strings))
    yield "pandas", pd.DataFrame({"when": series})
    yield "pandas zone", pd.DataFrame({"when": series.dt.tz_localize("Asia/Tokyo")})
    yield "pandas strings", pd.DataFrame({"when": strings})
    yield "polars", pl.DataFrame({"when": naive_dates})
    yield (
        "polars zone",
        pl.DataFrame({"when": naive_dates}).with_columns(pl.col("when").dt.replace_time_zone("Asia/Tokyo")),
    )


@pytest.mark.parametrize(
    ("kind", "X"), list(kinds_of_dates()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_kinds_of_dates(kind, X):
    expected = DateEncoder().fit_transform(np.array([["2024-02-29T12:00"], ["2025-12-25T08:30"]], "datetime64[m]"))
    encoder = DateEncoder().fit(X)
    np.testing.assert_array_equal(encoder.transform(X), expected)
    assert encoder.n_features_in_ == 1
    assert hasattr(encoder, "feature_names_in_") == ("pandas" in kind or "polars" in kind)


def test_two_columns_and_missing_dates(tmp_path):
    X = pd.DataFrame(
        {"start": pd.to_datetime(["2024-01-01", None]), "end": pd.to_datetime(["2024-05-01", "2025-01-01"])}
    )
    with pytest.raises(ValueError, match="1 values of column 0 \\('start'\\) are missing"):
        DateEncoder().fit(X)
    encoder = DateEncoder(handle_missing="ignore", sparse_output=True, holidays=["01-01", "2024-05-01"]).fit(X)
    codes = encoder.transform(X)
    assert codes.has_canonical_format
    blocks = codes.toarray().reshape(2, *encoder.code_shape_)
    assert blocks.sum(axis=2).tolist() == [[80, 80], [0, 80]]
    encoder.save(tmp_path / "encoder.npz")
    again = load(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(again.transform(X).toarray(), codes.toarray())
    assert again.fields_ == encoder.fields_
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(X[["end", "start"]])
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(X[["start"]])


def test_dates_in_pipelines():
    X = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=20, freq="37h")})
    encoder = clone(DateEncoder(season=8).set_output(transform="pandas"))
    for unfitted in (lambda: encoder.transform(X), lambda: encoder.fields_, encoder.get_feature_names_out):
        with pytest.raises(NotFittedError):
            unfitted()
    codes = encoder.fit(X).transform(X)
    assert list(codes.columns) == list(encoder.get_feature_names_out())
    assert codes.shape == (20, encoder.code_shape_[1])
    parts = ColumnTransformer([("dates", DateEncoder(), ["when"]), ("numbers", ScalarEncoder(), ["size"])])
    both = parts.fit_transform(X.assign(size=np.arange(20.0)))
    assert both.shape == (20, 304 + 128)
    for parameter in encoder.get_params():
        before = dict(vars(encoder))
        with pytest.raises(ValueError, match=f"'{parameter}' parameter of DateEncoder must be"):
            clone(encoder).set_params(**{parameter: object()}).fit(X)
        with pytest.raises(ValueError, match="NaN"):
            encoder.fit(X.assign(when=X["when"].where(X.index > 3)))
        assert vars(encoder) == before


def test_what_are_no_dates():
    for wrong in ([[1.0]], [[5]], [[True]]):
        with pytest.raises(ValueError, match="X must hold dates, as datetime64, got .*; .* pandas.to_datetime"):
            DateEncoder().fit(wrong)
    for wrong in ([["yesterday"]], np.array([[object()]])):
        with pytest.raises(ValueError, match="X must hold dates"):
            DateEncoder().fit(wrong)
    with pytest.raises(ValueError, match="2D array, got 1D"):
        DateEncoder().fit(np.array(["2024-01-01"], "datetime64[D]"))
    with pytest.raises(ValueError, match="0 sample"):
        DateEncoder().fit(np.empty((0, 1), "datetime64[D]"))
    with pytest.raises(ValueError, match="more than 290 000 years"):
        DateEncoder().fit(np.array([["900000"]], "datetime64[Y]"))
    with pytest.raises(ValueError, match="X must hold dates, .* timezones"):
        DateEncoder().fit([["2024-01-01T09:00+09:00"]])


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"at": ["2024-01-01", None]}),
        pd.DataFrame({"at": pd.array(["2024-01-01", None], dtype="string")}),
        np.array([["2024-01-01"], [np.nan]], dtype=object),
        [[pd.Timestamp("2024-01-01")], [pd.NaT]],
    ],
    ids=["strings", "string dtype", "nan", "NaT"],
)
def test_missing_dates_of_any_kind(X):
    codes = DateEncoder(handle_missing="ignore").fit_transform(X)
    assert codes[0].any()
    assert not codes[1].any()
    with pytest.raises(ValueError, match="handle_missing"):
        DateEncoder().fit(X)


@pytest.mark.parametrize(("value", "message"), [(20_000, "number 20000"), ("now", "depends on the clock")])
def test_numbers_and_now_are_no_dates(value, message):
    with pytest.raises(ValueError, match=message):
        DateEncoder().fit(np.array([[value]], dtype=object))


@pytest.mark.parametrize("day", ["1225", "2025", "2025-12", "20251225", "now"])
def test_what_is_no_holiday(day):
    with pytest.raises(ValueError, match="`holidays` must be dates such as '12-25'"):
        DateEncoder(holidays=[day]).fit(np.array([["2024-01-01"]], "datetime64[D]"))


@pytest.mark.parametrize(
    "X",
    [
        [[2**60], [2**60 + 1], [2**60 + 2]],
        np.array([[2**60], [2**60 + 1], [2**60 + 2]]),
        np.array([[2**63], [2**63 + 5], [1]], np.uint64),
        [[2**63], [2**63 + 1], [-1]],
        [[10**20], [10**20 + 1], [3]],
    ],
)
def test_large_integers_stay_what_they_are(X, tmp_path):
    encoder = CategoryEncoder(2).fit(X)
    encoder.save(tmp_path / "categories.npz")
    for found in (encoder, load(tmp_path / "categories.npz")):
        assert len(found.categories_[0]) == 3
        assert found.inverse_transform(found.transform(X)).tolist() == np.array(X, dtype=object).tolist()


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="strings of variable width came with numpy 2.0")
def test_strings_of_any_kind(tmp_path):
    lists = [["a", "x"], ["bcd", "y"]]
    codes = CategoryEncoder(2).fit_transform(lists)
    for kind in (None, object, "S3", np.dtypes.StringDType()):
        X = np.array(lists, dtype=kind)
        encoder = CategoryEncoder(2).fit(X)
        np.testing.assert_array_equal(encoder.transform(X), codes)
        assert encoder.inverse_transform(codes).tolist() == X.astype(object).tolist()
