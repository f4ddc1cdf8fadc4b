"""Examples in docstrings run, every public object has one, and its sections are there."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import sparsecode

MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(sparsecode.__path__, "sparsecode.")
    if not name.startswith(("sparsecode._cli", "sparsecode.__main__"))
]
ROOMS = [
    "coding",
    "convolutional",
    "datasets",
    "dendrites",
    "dictionary",
    "encoder",
    "labeled",
    "metrics",
    "penalties",
    "persistence",
    "plot",
    "preprocessing",
    "receptive_fields",
    "sdr",
    "solvers",
    "temporal",
]


def public_objects():
    """Every public class and function, by its full name."""
    found = {f"sparsecode.{name}": getattr(sparsecode, name) for name in ("Checkpoint", "groups_from_lengths")}
    for room in ROOMS:
        module = importlib.import_module(f"sparsecode.{room}")
        for name, thing in inspect.getmembers(module, lambda x: inspect.isclass(x) or inspect.isfunction(x)):
            if not name.startswith("_") and thing.__module__.startswith(f"sparsecode.{room}"):
                found[f"{thing.__module__}.{name}"] = thing
    return found


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", sorted(public_objects()))
def test_public_objects_are_documented(name):
    thing = public_objects()[name]
    text = inspect.getdoc(thing)
    parameters = [p for p in inspect.signature(thing).parameters if p != "self"]
    is_tuple = inspect.isclass(thing) and issubclass(thing, tuple)
    assert len(text.splitlines()[0]) <= 120
    if not is_tuple:
        assert ">>> " in text, "no example"
        for parameter in parameters:
            assert f"{parameter} :" in text or f"{parameter}," in text, f"`{parameter}` is not documented"
