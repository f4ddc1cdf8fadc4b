"""Bad input, bad parameters and interrupts leave every encoder as it was."""

import copy
import inspect
import math
import sys

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from .contracts.encoders import ENCODERS, cases, codes_of, content, make, same_bits

pytestmark = pytest.mark.nojit

FITS = ("fit", "partial_fit")


def spoilt(X):
    for value, message in ((np.nan, "NaN"), (np.inf, "infinity")):
        bad = X.copy()
        bad[-1, -1] = value
        yield bad, message
    yield X[:0], "0 sample"
    yield X[0], "1D array|1D"
    yield X * 1j, "Complex"


@cases()
def test_bad_data_are_refused_and_change_nothing(name):
    encoder, X = make(name)
    fresh = content(encoder)
    fitted = clone(encoder).fit(X)
    before = content(fitted)
    for bad, message in spoilt(X):
        for method in ("fit", "partial_fit", "transform", "fit_transform", "score"):
            if not hasattr(encoder, method):
                continue
            with pytest.raises(ValueError, match=message):
                getattr(fitted, method)(bad, *[None] * (method == "score"))
            assert content(fitted) == before, method
            if "fit" in method:
                with pytest.raises(ValueError, match=message):
                    getattr(encoder, method)(bad)
                assert content(encoder) == fresh, method
    for method in ("transform", "partial_fit"):
        if hasattr(fitted, method) and getattr(encoder, "input_shape", None) is None:
            with pytest.raises(
                ValueError, match=f"X has {X.shape[1] - 1} features, but {type(encoder).__name__} is exp"
            ):
                getattr(fitted, method)(X[:, :-1])
            assert content(fitted) == before
    if encoder.capabilities().invertible:
        with pytest.raises(ValueError, match="NaN"):
            fitted.inverse_transform(np.full((1, math.prod(fitted.code_shape_)), np.nan))


@cases()
def test_bad_parameters_are_refused_and_change_nothing(name):
    encoder, X = make(name)
    for instance in (encoder, clone(encoder).fit(X)):
        for parameter, value in instance.get_params(deep=False).items():
            instance.set_params(**{parameter: object()})
            before = content_without(instance, parameter)
            for method in FITS:
                if hasattr(instance, method):
                    with pytest.raises(
                        ValueError, match=f"'{parameter}' parameter of {type(encoder).__name__} must be"
                    ):
                        getattr(instance, method)(X)
            assert content_without(instance, parameter) == before
            instance.set_params(**{parameter: value})


def content_without(encoder, parameter):
    return joblib.hash({key: value for key, value in vars(encoder).items() if key != parameter})


class Interruption:
    """Counts calls of our functions and returns to them in this thread; raises KeyboardInterrupt at one of those.

    Not in generators: closing one is a call too, in which an error is lost. Not after the outermost function.
    """

    def __init__(self, at=0):
        self.at = at
        self.count = self.depth = 0

    def __call__(self, frame, event, arg):
        ours = frame.f_globals.get("__name__", "").startswith(("sparsecode", "tests.contracts"))
        if event not in ("call", "return") or not ours or frame.f_code.co_flags & inspect.CO_GENERATOR:
            return
        self.depth += 1 if event == "call" else -1
        self.count += 1
        if self.count == self.at and self.depth:
            raise KeyboardInterrupt

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *error):
        sys.setprofile(None)


@pytest.mark.compiled  # each line of a kernel would be a call
@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name, case in ENCODERS.items() for method in FITS if hasattr(case.make(), method)],
)
def test_an_interrupt_at_any_time_changes_nothing(name, method):
    encoder, X = make(name)
    other = X[::-1] + 0.0
    for start in (clone(encoder), clone(encoder).fit(X)):
        for _ in range(2):  # the first time fills caches
            run = getattr(copy.deepcopy(start), method)
            with Interruption() as whole:
                run(other)
        assert whole.count > 5
        before = content(start)
        last = whole.count - np.arange(1, 7)  # when something has been learned already
        for at in np.unique([*np.linspace(2, whole.count - 1, 12).astype(int), *last]):
            run = getattr(start, method)
            with Interruption(at), pytest.raises(KeyboardInterrupt):
                run(other)
            assert content(start) == before, f"call {at} of {whole.count}"
        assert same_bits(codes_of(getattr(start, method)(other), X), codes_of(start, X))
