"""What runs in the notebook that is graded, out of reach of the names that it defines."""

import importlib
import json
import sys

__all__ = ["tell"]


def tell(lab, key, word, seeds):
    """Print the verdict on an exercise behind a word, as JSON; the notebook is the caller."""
    names = sys._getframe(1).f_globals
    passed, message = importlib.import_module(f"sparsecode.labs._{lab}").LAB.result(key, names, seeds)
    print(f"\n{word}{json.dumps([key, passed, message])}")
