"""Delta encoding: what is sent, what the receiver has, and how far that may be off."""

import numpy as np
import pytest
import xarray as xr

from sparsecode import load
from sparsecode.temporal import DeltaEncoder

from ..reference.delta import delta_encode

SCHEMES = ("level", "integral", "unary", "quantizer", "difference")
PROMISING = SCHEMES[:-1]


def walk(n_steps, n_channels=3, *, size=0.02, seed=0, dtype=np.float64):
    steps = size * np.random.default_rng(seed).standard_normal((n_steps, n_channels))
    return (3 + np.cumsum(steps, axis=0)).astype(dtype)


# ---------------------------------------------------------------- what is sent


@pytest.mark.nojit
@pytest.mark.parametrize("params", [{}, {"initial": "zero"}, {"target_rate": 0.2, "adaptation": 0.1}])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_channels_send_what_the_equations_say(scheme, params, dtype):
    X = walk(300, size=0.1, dtype=dtype)
    options = {"max_events": 2} if scheme == "unary" else {}
    if scheme in ("level", "integral"):
        options["grid"] = 0.25 if params else None
    encoder = DeltaEncoder([0.1, 0.2, 0.4], scheme=scheme, **options, **params).fit(X)
    deltas = encoder.transform(X)
    received = encoder.inverse_transform(deltas)
    twin = {"whole": "initial" not in params, "rate": params.get("target_rate"), "adaptation": 0.1}
    for j, threshold in enumerate((0.1, 0.2, 0.4)):
        sent, has = delta_encode(X[:, j], threshold, scheme, **options, **twin)
        np.testing.assert_array_equal(deltas[:, j], sent)
        np.testing.assert_array_equal(received[:, j], has)
    assert 0 < np.count_nonzero(deltas) < deltas.size


def test_rows_of_a_long_stream_are_encoded_in_blocks(monkeypatch):
    X = walk(1000)
    groups = np.repeat([0, 1, 2], [501, 398, 101])
    whole = DeltaEncoder(scheme="integral", sparse_output=True).fit(X, groups=groups)
    monkeypatch.setattr("sparsecode.temporal._streams.BLOCK", 100)
    assert (whole.transform(X, groups=groups) != whole.transform(X, groups=groups)).nnz == 0
    parts = DeltaEncoder(scheme="integral").fit(X, groups=groups)
    np.testing.assert_array_equal(whole.transform(X, groups=groups).toarray(), parts.transform(X, groups=groups))
    first, again = whole.history_[0], parts.history_[0]
    assert first["sparsity"] == again["sparsity"] == np.count_nonzero(parts.transform(X, groups=groups)) / X.size
    error = X - parts.inverse_transform(parts.transform(X, groups=groups), groups=groups)
    np.testing.assert_allclose([first["objective"], again["objective"]], np.square(error).sum() / 2000, rtol=1e-12)


def test_what_does_not_change_is_not_sent():
    X = np.repeat([[0.37, -1.2, 5.0]], 50, axis=0)
    for scheme in SCHEMES:
        deltas = DeltaEncoder(0.05, scheme=scheme).fit_transform(X)
        assert deltas[0].all()
        # Half a step of the quantizer, what is left of whole steps: small errors that last are sent by "integral" only
        assert not deltas[1:].any()
    leftover = DeltaEncoder(0.1, scheme="integral", initial="zero").fit_transform(np.full((50, 1), 0.04))
    np.testing.assert_array_equal(np.flatnonzero(leftover), [2])


def test_payloads_are_multiples_of_their_step():
    X = walk(2000, size=0.1)
    for scheme in ("level", "integral"):
        sent = DeltaEncoder(0.1, scheme=scheme, grid=1 / 64).fit_transform(X)
        np.testing.assert_array_equal(64 * sent, np.rint(64 * sent))
    sent = DeltaEncoder(0.125, scheme="unary").fit_transform(X)
    np.testing.assert_array_equal(8 * sent, np.rint(8 * sent))


def test_quantizer_gives_the_nearest_level():
    """The delta activation layer: differences of rounded activations."""
    X = walk(2000, size=0.1)
    encoder = DeltaEncoder(0.125, scheme="quantizer").fit(X)
    received = encoder.inverse_transform(encoder.transform(X))
    np.testing.assert_array_equal(received, 0.25 * np.rint(X / 0.25))


# ---------------------------------------------------------------- how far the receiver is off


@pytest.mark.slow
@pytest.mark.parametrize("scheme", PROMISING)
def test_errors_are_bounded_for_ever(scheme, dtype):
    """Over 10^6 rows, within two units in the last place of the largest number."""
    X = walk(1_000_000, 2, size=0.05, dtype=dtype)
    options = {"grid": 1 / 64} if scheme == "level" else {}
    for threshold in (0.1, 0.0) if scheme != "unary" else (0.1,):
        encoder = DeltaEncoder(threshold, scheme=scheme, **(options if threshold else {})).fit(X[:10])
        received = encoder.inverse_transform(encoder.transform(X))
        slack = 2 * np.spacing(np.abs(X).max())
        assert np.abs(X - received).max() <= encoder.error_bound_[0] + slack
        assert encoder.error_bound_[0] == threshold


@pytest.mark.parametrize("scheme", PROMISING)
def test_bound_where_thresholds_adapt(scheme):
    X = walk(20_000, size=0.05)
    encoder = DeltaEncoder(0.01, scheme=scheme, target_rate=0.05, adaptation=0.5).fit(X)
    error = np.abs(X - encoder.inverse_transform(encoder.transform(X))).max(axis=0)
    # Levels of a quantizer move, so that one that has not sent is up to two thresholds off
    np.testing.assert_allclose(encoder.error_bound_, 1.28 if scheme == "quantizer" else 0.64)
    assert (error <= encoder.error_bound_).all()
    assert (error > 0.1).all()


@pytest.mark.parametrize("threshold", [1e308, 2e38, 1e39])
@pytest.mark.parametrize("scheme", PROMISING)
def test_thresholds_beyond_all_numbers(scheme, threshold, dtype):
    encoder = DeltaEncoder(threshold, scheme=scheme, initial="zero").fit(walk(20, dtype=dtype))
    assert not encoder.transform(walk(20, dtype=dtype)).any()


def test_differences_drift():
    """What is below the threshold is lost for ever: errors of 2.5 to 4.9 for seeds 0 to 4, with a threshold of 0.1."""
    X = walk(20_000, 1)
    encoder = DeltaEncoder(0.1, scheme="difference").fit(X)
    assert np.abs(X - encoder.inverse_transform(encoder.transform(X))).max() > 1
    assert np.isinf(encoder.error_bound_).all()
    assert np.isinf(DeltaEncoder(scheme="unary", max_events=1).fit(X).error_bound_).all()


def test_random_walks_by_the_theory():
    """Root mean square threshold / sqrt(6), and below (size / threshold)^2 of events, which overshoot.

    0.0444 to 0.0445 against 0.0408, 0.0318 to 0.0322 against 0.04 for seeds 0 to 4, 20 channels each.
    """
    X = walk(20_000, 20)
    encoder = DeltaEncoder(0.1).fit(X)
    deltas = encoder.transform(X)
    error = np.sqrt(np.square(X - encoder.inverse_transform(deltas)).mean())
    assert 0.1 / np.sqrt(6) < error < 0.0455
    assert 0.031 < np.count_nonzero(deltas) / X.size < 0.033


def test_events_of_smooth_signals_by_the_theory():
    """The mean speed over the threshold, as long as steps are small beside it."""
    t = np.linspace(0, 100, 200_001)
    X = np.sin(t)[:, None]
    speed = np.abs(np.diff(X, axis=0)).mean()
    assert 0.96 < np.count_nonzero(DeltaEncoder(0.01).fit_transform(X)) / len(X) / (speed / 0.01) < 1


# ---------------------------------------------------------------- thresholds


def test_thresholds_in_standard_deviations():
    X = walk(1000) * [1, 100, 0] + [0, 0, 7]
    encoder = DeltaEncoder(0.5, scale="std").fit(X)
    np.testing.assert_allclose(encoder.threshold_, 0.5 * np.r_[X[:, :2].std(axis=0), 1], rtol=1e-12)
    huge = DeltaEncoder(0.5, scale="std").fit(X[:, :2] * 1e300)
    np.testing.assert_allclose(huge.threshold_, encoder.threshold_[:2] * 1e300, rtol=1e-12)


def test_thresholds_adapt_to_the_rate_that_is_asked_for():
    """Channels of sizes from 1 to 30 all send in 10 % of the rows: 0.0997 to 0.1005 for seeds 0 to 4."""
    X = walk(20_000) * [1, 5, 30]
    rates = (DeltaEncoder(0.3, target_rate=0.1).fit_transform(X)[5000:] != 0).mean(axis=0)
    assert np.abs(rates - 0.1).max() < 0.002
    fixed = (DeltaEncoder(0.3).fit_transform(X) != 0).mean(axis=0)
    assert fixed[2] > 20 * fixed[0]


@pytest.mark.parametrize("scheme", PROMISING)
def test_calibrate_finds_the_largest_threshold(scheme):
    X = walk(5000)
    encoder = DeltaEncoder([0.1, 0.2, 0.4], scheme=scheme).fit(X).calibrate(X, 0.01)
    np.testing.assert_allclose(encoder.threshold_ / encoder.threshold_[0], [1, 2, 4])
    assert encoder.score(X) >= 0.99 - 1e-12
    assert encoder.score(X) < 0.991  # 0.99000 to 0.99053 for five walks: channels jump with their thresholds


def test_calibrate_says_what_cannot_be(rng):
    X = walk(200)
    encoder = DeltaEncoder(scheme="difference").fit(X)
    before = encoder.threshold_.copy()
    coarse = DeltaEncoder(grid=10.0).fit(X)
    with pytest.raises(ValueError, match="no threshold leads to an error of 1e-06"):
        coarse.calibrate(X, 1e-6)
    for bad in (0, -1.0, np.nan, "0.1"):
        with pytest.raises(ValueError, match="`error` must be a number > 0"):
            encoder.calibrate(X, bad)
    for alike in (np.full((30, X.shape[1]), 0.1), np.full((30, X.shape[1]), 0.1, np.float32)):
        with pytest.raises(ValueError, match="rows of X that differ"):
            encoder.calibrate(alike, 0.1)
    for rows, groups in ((X[:1], None), (X, np.arange(len(X)))):
        with pytest.raises(ValueError, match="sequences of two rows or more"):
            encoder.calibrate(rows, 0.1, groups=groups)
    with pytest.raises(ValueError, match="any threshold leads to an error of 0.1 at most"):  # alike within sequences
        DeltaEncoder(0.1).fit(X).calibrate(np.repeat(X, 2, axis=0), 0.1, groups=np.arange(2 * len(X)) // 2)
    with pytest.raises(ValueError, match="not all zero"):
        DeltaEncoder(0).fit(X).calibrate(X, 0.1)
    np.testing.assert_array_equal(encoder.threshold_, before)


# ---------------------------------------------------------------- bad input, extremes


def test_a_stream_rejects_what_is_no_number_and_goes_on():
    X = walk(100)
    encoder = DeltaEncoder().fit(X)
    state = encoder.initial_state()
    for x in X[:50]:
        _, state = encoder.step(x, state)
    kept = [part.copy() for part in state]
    for bad, reason in ((np.r_[X[50, :2], np.nan], "finite"), (X[50, :2], "3 finite"), (np.full(3, 1e308), "scale X")):
        with pytest.raises(ValueError, match=reason):
            encoder.step(bad, state)
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)
    deltas, _ = encoder.step(X[50], state)
    np.testing.assert_array_equal(deltas, encoder.transform(X)[50])


def test_a_state_of_something_else_is_refused():
    encoder = DeltaEncoder().fit(walk(10))
    other = DeltaEncoder().fit(walk(10, 4)).initial_state()
    for state in (other, None, encoder.initial_state()[:3], encoder.initial_state()._replace(received=[np.nan] * 3)):
        with pytest.raises(ValueError, match="`state` must be a DeltaState of this DeltaEncoder"):
            encoder.step(np.zeros(3), state)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"threshold": -0.1}, "threshold"),
        ({"threshold": [0.1, 0.2]}, "a number >= 0, or 3 of them"),
        ({"threshold": [0.1, np.nan, 0.2]}, "a number >= 0, or 3 of them"),
        ({"threshold": [0.1, 0.0, 0.2], "scheme": "unary"}, "must be > 0"),
        ({"threshold": np.inf}, "threshold"),
        ({"threshold": [np.inf, 1, 1]}, "must be finite"),
        ({"scheme": "sigma"}, "scheme"),
        ({"grid": 0}, "grid"),
        ({"max_events": 0}, "max_events"),
        ({"target_rate": 1.0}, "target_rate"),
    ],
)
def test_parameters_out_of_range(params, reason):
    with pytest.raises(ValueError, match=reason):
        DeltaEncoder(**params).fit(walk(10))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_extreme_sizes(scheme, size):
    """Steps that are too many to count are sent whole."""
    X = np.array([[1.0], [-2.0], [0.5], [-0.25]]) * size
    for threshold in (1e-300, 0.3 * size):
        encoder = DeltaEncoder(threshold, scheme=scheme).fit(X)
        received = encoder.inverse_transform(encoder.transform(X))
        assert np.isfinite(received).all()
        if scheme != "difference":
            assert np.abs(X - received).max() <= threshold * (1 + 1e-12) + 4e-16 * size
    with pytest.raises(ValueError, match="scale X"):
        DeltaEncoder(scheme=scheme).fit(np.full((2, 1), 1e308))


def test_files_hold_thresholds(tmp_path):
    X = walk(300)
    encoder = DeltaEncoder(0.3, scale="std").fit(X).calibrate(X, 0.02)
    encoder.save(tmp_path / "encoder.npz")
    again = load(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(again.transform(X), encoder.transform(X))
    np.testing.assert_array_equal(again.history_, encoder.history_)


@pytest.mark.parametrize("params", [{}, {"input_shape": (4, 5)}])
def test_time_of_labelled_arrays_comes_first(params):
    """Wherever it is in the array; square ones could be taken for rows of channels."""
    frames = walk(20, 20)
    frames, dims = (frames.reshape(20, 4, 5), ("time", "y", "x")) if params else (frames, ("time", "channel"))
    data = xr.DataArray(frames, dims=dims)
    expected = DeltaEncoder(0.05, **params).fit(frames)
    for given in (data, data.transpose(..., "time"), data.transpose(*dims[1:], "time")):
        encoder = DeltaEncoder(0.05, **params).fit(given)
        np.testing.assert_array_equal(encoder.transform(given), expected.transform(frames))
        assert encoder.score(given) == expected.score(frames)
        assert encoder.calibrate(given, 0.01).threshold_[0] == pytest.approx(0.05, rel=5)


def test_rows_of_two_precisions():
    """A state takes the precision of the row; what it cannot hold is an error and not infinity."""
    X = walk(200)
    encoder, state, received = DeltaEncoder(0.1).fit(X), None, 0
    state = encoder.initial_state()
    for number, x in enumerate(X):
        deltas, state = encoder.step(x.astype(np.float32 if number % 3 else np.float64), state)
        received = received + deltas
        assert np.abs(x - state.received).max() <= 0.1 + 1e-6
        np.testing.assert_allclose(received, state.received, atol=1e-5)
    _, state = encoder.step(1e200 * X[0], encoder.initial_state())
    with pytest.raises(ValueError, match="beyond float32, the dtype of x"):
        encoder.step(X[0].astype(np.float32), state)
