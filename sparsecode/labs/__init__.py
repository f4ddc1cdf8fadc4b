"""Labs: notebooks with exercises that are checked by their mathematics.

``python -m sparsecode labs DIR`` copies the notebooks to a folder. In a notebook::

    from sparsecode.labs import lab1

    lab1.soft_threshold.check(soft_threshold)  # PASS, FAIL with a reason, or TODO
    lab1.soft_threshold.hint()
    lab1.soft_threshold.solution()
    lab1.report()
"""

import importlib

from .engine import Choice, Exercise, Lab, Prediction, Verdict

#: All labs by the name under which they are imported, in the order in which they are taken.
LABS = ("lab1", "lab2", "lab3", "lab4", "lab5", "lab6", "lab7", "lab8")

__all__ = ["LABS", "Choice", "Exercise", "Lab", "Prediction", "Verdict"]


def __getattr__(name):
    if name in LABS:
        return importlib.import_module(f"._{name}", __name__).LAB
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; the labs are {', '.join(LABS)}.")


def __dir__():
    return [*__all__, *LABS]
