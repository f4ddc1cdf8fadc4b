"""What checks of exercises ask for: conditions with messages for the learner, and calls of the learner's functions."""

import contextlib
import copy
import dis
import io
import numbers
import sys

import numpy as np

__all__ = ["NotAttempted", "Wrong", "asked", "few_lines", "need", "need_array", "need_number", "need_two", "times"]

#: Lines that code may print while it is checked, which calls it hundreds of times.
LINES = 10

REFERENCE = "__labs_reference__"

#: All that a function does whose body is ``...``, with or without a text.
EMPTY = {"RESUME", "NOP", "COPY_FREE_VARS", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


class Wrong(Exception):
    """An answer is wrong; the message says what is wrong with it."""


class NotAttempted(Exception):
    """An answer is still the stub of the notebook."""


def need(condition, message):
    """Raise `Wrong` with a message unless a condition holds."""
    if not condition:
        raise Wrong(message)


def need_number(value, what):
    """Return a value as a finite float, or say what it is instead."""
    need(np.ndim(value) == 0, f"{what} should be one number, yours has the shape {np.shape(value)}.")
    value = _real(value)
    need(
        isinstance(value, numbers.Number | np.bool_ | np.ndarray),
        f"{what} should be a number, yours is a {type(value).__name__}.",
    )
    need(not np.iscomplexobj(value), f"{what} should be real, yours has the imaginary part {np.imag(value):.3g}.")
    try:
        found = float(value)
    except OverflowError:  # a whole number or a fraction beyond 1e308
        found = np.inf
    need(np.isfinite(found), f"{what} should be finite, yours is {found}.")
    return found


def need_two(value, what):
    """Return a pair (or an array of two) as floats, or say that two numbers are asked for."""
    pair = isinstance(value, tuple | list | np.ndarray) and np.ndim(value) < 2 and len(np.atleast_1d(value)) == 2
    need(pair, f"return two numbers: {what}.")
    return [need_number(part, "each of the two") for part in value]


def need_array(value, shape, what):
    """Return an array as a finite float array of a shape, or say what it is instead.

    A list is refused even if its numbers are right: what follows in the notebook takes it for an array.
    """
    need(
        isinstance(value, np.ndarray | np.generic | numbers.Number),
        f"{what} should be a NumPy array, yours is a {type(value).__name__}.",
    )
    value = _real(np.asarray(value))
    need(value.dtype.kind in "biuf", f"{what} should hold numbers, yours holds {value.dtype}.")
    need(value.shape == shape, f"{what} should have the shape {shape}, yours has {value.shape}.")
    need(np.isfinite(value).all(), f"{what} should be finite everywhere, yours has NaN or infinite entries.")
    return value.astype(np.float64)


def times(ratio):
    """Write a ratio with as many digits as tell it from one."""
    away = abs(ratio - 1)
    return f"{ratio:.3g}" if away > 0.05 or not away else f"{ratio:.{1 - int(np.floor(np.log10(away)))}f}"


def asked(function, name):
    """Return the learner's function with a guard: its inputs stay as they are and it must return something."""
    need(callable(function), f"`{name}` should be a function, yours is a {type(function).__name__}.")
    code = getattr(function, "__code__", None)
    stub = code is not None and {step.opname for step in dis.get_instructions(code)} <= EMPTY

    def call(*arguments, **named):
        before = copy.deepcopy((arguments, named))
        try:
            result = function(*arguments, **named)
        except NotImplementedError:
            raise NotAttempted from None
        if result is Ellipsis or (result is None and stub):
            raise NotAttempted
        need(result is not None, f"`{name}` returns nothing. Is a `return` missing?")
        pairs = zip((*before[0], *before[1].values()), (*arguments, *named.values()), strict=True)
        same = all(_same(old, new) for old, new in pairs)
        need(same, f"`{name}` changes the array that it is given. Others still need it: work on a copy.")
        return result

    return call


class _FewLines(io.TextIOBase):
    """A stream that passes the first lines on and counts the others."""

    def __init__(self, stream):
        self.stream, self.lines = stream, 0

    def write(self, text):
        for part in text.splitlines(keepends=True):
            if self.lines < LINES:
                self.stream.write(part)
            self.lines += part.endswith("\n")
        return len(text)

    def flush(self):
        self.stream.flush()


@contextlib.contextmanager
def few_lines():
    """Show the first lines only of what is printed, and say how many there were."""
    few = _FewLines(sys.stdout)
    try:
        with contextlib.redirect_stdout(few):
            yield
    finally:
        if few.lines > LINES:
            print(f"... (your code printed {few.lines} lines while it was checked; these are the first {LINES})")


def _real(value):
    """Return the real part of what is complex by its type only, as eigenvalues can be."""
    return np.real(value) if np.iscomplexobj(value) and not np.any(np.imag(value)) else value


def _same(before, after):
    if isinstance(before, np.random.Generator):
        return True
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    return True
