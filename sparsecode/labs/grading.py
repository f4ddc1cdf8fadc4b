"""What runs in the notebook that is graded, out of reach of the names that it defines."""

import importlib
import json
import sys

__all__ = ["prepare", "tell"]


def prepare(lab):
    """Give the notebook, the caller, a solution under the name of each exercise, until a cell defines it.

    A cell that cannot be run, or is gone, then costs its own exercise and none that builds on it.
    """
    found = _lab(lab)
    sys._getframe(1).f_globals.update({e.name: found.reference.get(e.name) for e in found.exercises.values()})


def tell(lab, key, word, seeds):
    """Print the verdict on an exercise behind a word, as JSON; the notebook is the caller."""
    names = sys._getframe(1).f_globals
    passed, message = _lab(lab).result(key, names, seeds)
    print(f"\n{word}{json.dumps([key, passed, message])}")


def _lab(name):
    return importlib.import_module(f"sparsecode.labs._{name}").LAB
