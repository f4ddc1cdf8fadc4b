"""`DateEncoder`: moments as what recurs in them: season, day of the week, weekend, holiday, time of day."""

import re
import warnings
from datetime import date
from numbers import Integral as Whole
from numbers import Real as Number

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from .._core.validation import Integral, Interval
from ._columns import SHARED_CONSTRAINTS, ColumnEncoder, block_ones, block_starts, is_missing, refuse_missing

#: Fields that go round: period, and radius at which codes share nothing, in the same unit.
CYCLES = {"season": (365.2425, 91.5), "day_of_week": (7.0, 1.0), "time_of_day": (24.0, 4.0)}

FIELDS = ("season", "day_of_week", "weekend", "holiday", "time_of_day")


class DateEncoder(ColumnEncoder):
    r"""Code dates and times by their season, day of the week, weekend, holiday and time of day.

    Each field has bits of its own. Season, day of the week and time of day go round: a block of w ones moves through
    the n = w period / radius bits of the field, so that two moments share max(0, w - n d / period) of them, up to
    rounding, at a distance d around the circle, and nothing from the radius on. Weekend and holiday have two blocks of
    w bits, for no and yes.

    Parameters
    ----------
    season : int or tuple (int, float), default=16
        Ones of the field, 0 for none; or these and the radius in days, 91.5 by default.
    day_of_week : int or tuple (int, float), default=16
        The same; the radius is 1 day. Days pass into each other: Monday, 23:00, is near Tuesday.
    weekend : int, default=16
        Ones of the field, 0 for none. Saturday and Sunday.
    holiday : int, default=16
        Ones of the field, which there is if there are `holidays`.
    time_of_day : int or tuple (int, float), default=16
        As `season`; the radius is 4 hours.
    holidays : list, default=()
        Dates: strings "MM-DD" are days of every year, "YYYY-MM-DD" one day. So are `datetime.date` and datetime64, with
        which the encoder cannot be saved, though.
    handle_missing : {"error", "ignore"}, default="error"
        Whether NaT is an error, or has no ones.
    sparse_output : bool, default=False
        Whether codes are a CSR array.

    Attributes
    ----------
    fields_ : dict of str to slice
        Bits of each field in the block of a column.
    code_shape_ : tuple
        ``(n_features, n_bits)``, n_bits those of all fields.
    dictionary_ : None
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (0,)
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, no field at all, holidays that are no dates, input that is not of dates, and NaT
        unless it is ignored.

    Notes
    -----
    O(number of ones) a moment; nothing is learned from X. Times are those of the clock where they were taken: columns
    with a time zone count by their local time. The season is the share of the year that has passed, so that years with
    a leap day have the same codes at their end.

    References
    ----------
    S. Purdy, "Encoding data for HTM systems", arXiv:1602.05925 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import DateEncoder
    >>> X = np.array([["2024-12-24T09:00"], ["2024-12-25T10:00"], ["2025-06-28T21:00"]], dtype="datetime64[m]")
    >>> encoder = DateEncoder(holidays=["12-25"]).fit(X)
    >>> codes = encoder.transform(X)
    >>> codes.shape, codes.sum(axis=1).tolist()
    ((3, 336), [80, 80, 80])
    >>> {field: int((codes[0] & codes[1])[bits].sum()) for field, bits in encoder.fields_.items()}
    {'season': 16, 'day_of_week': 0, 'weekend': 16, 'holiday': 0, 'time_of_day': 12}
    """

    _parameter_constraints = {  # noqa: RUF012
        **{name: [Interval(Integral, 0, None, closed="left"), tuple, list] for name in CYCLES},
        "weekend": [Interval(Integral, 0, None, closed="left")],
        "holiday": [Interval(Integral, 0, None, closed="left")],
        "holidays": ["array-like"],
        **SHARED_CONSTRAINTS,
    }

    _scalars = ("_widths", "_holidays")

    def __init__(
        self,
        *,
        season=16,
        day_of_week=16,
        weekend=16,
        holiday=16,
        time_of_day=16,
        holidays=(),
        handle_missing="error",
        sparse_output=False,
    ):
        self.season = season
        self.day_of_week = day_of_week
        self.weekend = weekend
        self.holiday = holiday
        self.time_of_day = time_of_day
        self.holidays = holidays
        self.handle_missing = handle_missing
        self.sparse_output = sparse_output

    @property
    def fields_(self):
        """Bits of each field in the block of a column."""
        check_is_fitted(self)
        ends = np.cumsum([n_bits for _, n_bits in self._widths.values()]).tolist()
        return {
            field: slice(end - n_bits, end)
            for end, (field, (_, n_bits)) in zip(ends, self._widths.items(), strict=True)
        }

    @property
    def code_shape_(self):
        """Columns, and the bits of all fields."""
        return self.n_features_in_, sum(n_bits for _, n_bits in self._widths.values())

    def _check_values(self, X, *, reset):
        """Return X as datetime64, in microseconds."""
        dates = as_dates(X)
        check_array(dates, dtype=None, ensure_all_finite=False)
        validate_data(self, X if hasattr(X, "columns") else dates, skip_check_array=True, reset=reset)
        refuse_missing(self, np.isnat(dates))
        return dates

    def _learn(self, X):
        self._holidays = [as_holiday(day) for day in self.holidays]
        widths = {field: self._width(field) for field in FIELDS}
        self._widths = {field: width for field, width in widths.items() if width[0]}
        if not self._widths:
            raise ValueError(f"all fields are off; give at least one of {', '.join(FIELDS)} a number of ones > 0.")

    def _width(self, field):
        """Return the ones and the bits of a field."""
        given = getattr(self, field)
        if field not in CYCLES:
            there = field == "weekend" or self._holidays
            return (given, 2 * given) if there else (0, 0)
        period, radius = CYCLES[field]
        if isinstance(given, tuple | list):
            if len(given) != 2 or not isinstance(given[0], Whole) or not isinstance(given[1], Number) or given[0] < 0:
                raise ValueError(f"`{field}` must be an int >= 0, or a pair of that and a radius, got {given!r:.60}.")
            given, radius = given
        if not 0 < radius <= period / 2:
            raise ValueError(
                f"the radius of `{field}` must be > 0 and at most half its period {period:g}, got {radius}."
            )
        return int(given), max(round(given * period / radius), given + 1) if given else 0

    def _ones(self, X):
        there = ~np.isnat(X)
        values = recurring(np.where(there, X, np.datetime64(0, "us")), self._holidays)
        starts = {field: bits.start for field, bits in self.fields_.items()}
        n_features, n_bits = self.code_shape_
        columns = np.arange(n_features, dtype=np.int64)[:, None] * n_bits
        ones = []
        for field, (n_active, n_field) in self._widths.items():
            cyclic = field in CYCLES
            first = block_starts(values[field], n_field, n_active, True) if cyclic else values[field] * n_active
            ones.append(block_ones(first, n_field, n_active) + columns + starts[field])
        return np.concatenate(ones, axis=2), there


def recurring(X, holidays):
    """Return the values of all fields: shares of their cycles, or 0 and 1."""
    days, years = X.astype("datetime64[D]"), X.astype("datetime64[Y]")
    clock = (X - days) / np.timedelta64(1, "D")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970 began on a Thursday
    first, following = years.astype("datetime64[D]"), (years + 1).astype("datetime64[D]")
    season = ((days - first) / np.timedelta64(1, "D") + clock) / ((following - first) / np.timedelta64(1, "D"))
    months = X.astype("datetime64[M]")
    month_day = 100 * (months.astype(np.int64) % 12 + 1) + (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    yearly = [day for day in holidays if isinstance(day, int)]
    once = np.array([day for day in holidays if isinstance(day, str)], dtype="datetime64[D]")
    return {
        "season": season,
        "day_of_week": (weekday + clock) / 7,
        "weekend": (weekday >= 5).astype(np.int64),
        "holiday": (np.isin(month_day, yearly) | np.isin(days, once)).astype(np.int64),
        "time_of_day": clock,
    }


def as_holiday(given):
    """Return 100 * month + day for a day of every year, the ISO date for one day."""
    yearly = isinstance(given, str) and len(given) == 5
    try:
        if isinstance(given, str) and not re.fullmatch(r"(\d{4}-)?\d\d-\d\d", given):
            raise ValueError("it is no 'MM-DD' or 'YYYY-MM-DD'")
        # 2024 has a 29 February
        day = np.datetime64(f"2024-{given}" if yearly else given, "D")
        if np.isnat(day) or not isinstance(given, str | date | np.datetime64):
            raise ValueError("it is no date")
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"`holidays` must be dates such as '12-25', of every year, or '2026-04-03', got {given!r:.60}: {error}."
        ) from error
    return int(str(day)[5:7] + str(day)[8:]) if yearly else str(day)


def clock_time(value):
    """Return a moment without its time zone, None if it is missing."""
    if is_missing(value):
        return None
    if isinstance(value, Number):
        raise ValueError(
            f"X must hold dates, got the number {value!r}; pandas.to_datetime makes dates, with their unit."
        )
    if isinstance(value, str) and value.strip().lower() in ("now", "today"):
        raise ValueError(f"X must hold dates, got {value!r}, which depends on the clock; give the date itself.")
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value


def as_dates(X):
    """Return rows of dates as datetime64[us], data frames by the local time of their columns."""
    if hasattr(X, "columns"):
        columns = [as_dates(local_time(X[name]))[:, None] for name in X.columns]
        return np.concatenate(columns, axis=1) if columns else np.empty((len(X), 0), "datetime64[us]")
    dates = np.asarray(X)
    if dates.dtype.kind not in "MUO":
        raise ValueError(
            f"X must hold dates, as datetime64, got {dates.dtype}; of numbers they are made by pandas.to_datetime, "
            "with their unit."
        )
    if dates.dtype == object:
        clock = [clock_time(value) for value in dates.flat]
        dates = np.array([*clock, None], dtype=object)[:-1].reshape(dates.shape)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of strings with a time zone
            years = dates.astype("datetime64[Y]").astype(np.int64)
            dates = dates.astype("datetime64[us]")
    except (ValueError, TypeError, OverflowError, UserWarning) as error:
        raise ValueError(f"X must hold dates, as datetime64 or ISO strings: {error}.") from error
    far = ~np.isnat(dates) & (np.abs(years) > 290_000)
    if far.any():
        raise ValueError("X holds dates more than 290 000 years from 1970, which microseconds do not count.")
    return dates


def local_time(series):
    """Return a column of dates as an array, those with a time zone by the clock there."""
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_localize(None)  # pandas
    elif getattr(series.dtype, "time_zone", None) is not None:
        series = series.dt.replace_time_zone(None)  # polars
    return series.to_numpy()
