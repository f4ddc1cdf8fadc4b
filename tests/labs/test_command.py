"""The command for labs: copies notebooks, grades them, and bears with what cells do."""

import importlib.util
import json
import runpy
import sys
import types
import warnings
from pathlib import Path

import pytest

from sparsecode import labs
from sparsecode.__main__ import main

FOLDER = Path(__file__).parents[2] / "docs" / "labs"
SHIPPED = Path(labs.__file__).parent / "notebooks"
BUILD = types.SimpleNamespace(**runpy.run_path(str(FOLDER / "build.py")))
SOURCES = BUILD.sources()


def test_labs_are_listed_and_copied_once(tmp_path, capsys):
    assert main(["labs"]) == 0
    assert "lab1  From a patch to a sparse code" in capsys.readouterr().out
    assert main(["labs", str(tmp_path / "class")]) == 0
    copied = sorted((tmp_path / "class").iterdir())
    assert [path.name for path in copied] == sorted(path.name for path in SHIPPED.glob("*.ipynb"))
    copied[0].write_text("mine", "utf-8")
    assert main(["labs", str(tmp_path / "class")]) == 0
    assert copied[0].read_text("utf-8") == "mine"
    assert "stays as it is" in capsys.readouterr().out


def test_copying_without_jupyter_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["labs", str(tmp_path / "class")]) == 0
    assert 'pip install ".[labs]"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grade"], "give one notebook to grade"),
        (["a", "b"], "give one folder"),
        (["{file}"], "is a file; give a folder"),
        (["grade", "{folder}/missing.ipynb"], "is not a file"),
        (["grade", "{file}"], "is not a notebook"),
        (["grade", "{other}"], "does not say which lab it is"),
        (["grade", "{other}", "--seeds", "0"], "--seeds must be at least 1"),
    ],
)
def test_commands_say_what_is_wrong(words, message, tmp_path, capsys):
    if words[0] == "grade":
        pytest.importorskip("nbformat")
    (tmp_path / "file").write_text("no notebook", "utf-8")
    (tmp_path / "other.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "utf-8")
    places = {"file": tmp_path / "file", "other": tmp_path / "other.ipynb", "folder": tmp_path}
    assert main(["labs", *(word.format(**places) for word in words)]) == 2
    assert message in capsys.readouterr().err


def test_grading_without_jupyter_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbformat", None)
    assert main(["labs", "grade", str(SHIPPED / "none.ipynb")]) == 2
    assert 'pip install ".[labs]"' in capsys.readouterr().err


def graded(cells, seeds, folder, capsys):
    """Return what grading a notebook of lab 1 with these cells prints, and the states of its exercises."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = json.loads((SHIPPED / f"{SOURCES['lab1'].stem}.ipynb").read_text("utf-8"))
    form = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"] = [form | {"id": f"c{i}", "source": text} for i, text in enumerate(cells)]
    (folder / "mine.ipynb").write_text(json.dumps(notebook), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["labs", "grade", str(folder / "mine.ipynb"), "--seeds", str(seeds)]) == 0
    result = json.loads(capsys.readouterr().out)
    return result, {key: exercise["state"] for key, exercise in result["exercises"].items()}


@pytest.mark.slow
def test_a_notebook_is_graded_with_the_network_closed(tmp_path, capsys):
    cells = [
        "from sparsecode.labs import lab1",
        "import numpy as np\ndef soft_threshold(u, t):\n    return np.sign(u) * np.maximum(abs(u) - t, 0)",
        "soft_threshold = lab1.soft_threshold.check(soft_threshold)",
        "def lipschitz(D):\n    return np.linalg.norm(D, 2)",  # wrong, and never handed to a check
        "import urllib.request\nurllib.request.urlopen('http://example.org', timeout=5)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)",
    ]
    result, states = graded(cells, 2, tmp_path, capsys)
    assert states == {"1.1": "PASS", "1.2": "FAIL"} | dict.fromkeys(["1.3", "1.4", "1.5", "1.6", "1.7"], "TODO")
    assert result["done"] == 1
    assert result["seeds"] == 5  # no fewer than a check takes
    assert "contains D twice" in result["exercises"]["1.2"]["message"]
    assert len(result["errors"]) == 2
    assert all("the network is closed" in error for error in result["errors"])


def test_a_cell_that_is_left_out_keeps_what_it_defines():
    from sparsecode._cli.labs import without_calls

    text = "import os\ndef f(x):\n    return x\nf = lab1.f.check(f)\nos._exit(1)"
    assert without_calls(text) == "import os\ndef f(x):\n    return x\nf = lab1.f.skip(f)"
    assert without_calls("%magic") == ""


@pytest.mark.slow
def test_a_colon_left_out_costs_one_exercise(tmp_path, capsys):
    solutions = labs.lab1.solutions
    cells = [
        "import numpy as np\nfrom sparsecode.labs import lab1",
        solutions["1.1"].replace("(u, t):", "(u, t)"),
        "soft_threshold = lab1.soft_threshold.check(soft_threshold)",
        solutions["1.2"],  # its check is gone
        solutions["1.3"],
        "ista_step = lab1.ista_step.check(ista_step)\nista_step(*np.ones((2, 3)), np.ones((3, 3)), 1, 1)",
        "soft_threshold(np.ones(3), 1)\nfista(np.ones(3), np.ones((3, 3)), 1, 5)",  # 1.4 is gone, and its check
        "alpha_max = lambda x, D: missing\nalpha_max = largest",
        "doubling = b",
        "doubling = lab1.doubling.check(doubling)",
    ]
    result, states = graded(cells, 5, tmp_path, capsys)
    assert states == {"1.4": "TODO", "1.5": "TODO"} | dict.fromkeys(["1.1", "1.6", "1.7"], "FAIL") | dict.fromkeys(
        ["1.2", "1.3"], "PASS"
    )
    messages = {key: exercise["message"] for key, exercise in result["exercises"].items()}
    assert messages["1.1"].startswith("the cell that should define it raised SyntaxError: expected ':'")
    assert messages["1.1"].endswith("(line 1 of the cell)")
    assert messages["1.4"] == "not attempted yet"
    assert "NameError: name 'b' is not defined" in messages["1.7"]
    assert len(result["errors"]) == 3


@pytest.mark.slow
def test_one_bad_cell_costs_one_exercise(tmp_path, capsys, monkeypatch):
    from sparsecode._cli import labs as command

    for name, seconds in (("CELL_SECONDS", 6), ("VERDICT_SECONDS", 4), ("GRACE_SECONDS", 3)):
        monkeypatch.setattr(command, name, seconds)
    cells = [
        "import os\nimport numpy as np\nfrom sparsecode.labs import lab1\nprint = globals = None",
        "def soft_threshold(u, t):\n    return np.sign(u) * np.maximum(abs(u) - t, 0)",
        "soft_threshold = lab1.soft_threshold.check(soft_threshold)",
        "def lipschitz(D):\n    while True:\n        pass",
        "lipschitz = lab1.lipschitz.check(lipschitz)",
        "def ista_step(w, x, D, alpha, step):\n    os._exit(1)",
        "ista_step = lab1.ista_step.check(ista_step)\nista_step(*4 * [np.ones((1, 1))], 1)",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        "def alpha_max(x, D):\n    return np.abs(D @ x).max()\nos._exit(1)",
    ]
    result, states = graded(cells, 1, tmp_path, capsys)
    assert states == dict.fromkeys(["1.1", "1.6"], "PASS") | dict.fromkeys(["1.2", "1.3"], "FAIL") | dict.fromkeys(
        ["1.4", "1.5", "1.7"], "TODO"
    )
    assert "come to an end" in result["exercises"]["1.2"]["message"]
    assert "ended Python when it was checked" in result["exercises"]["1.3"]["message"]
    assert sum("ended Python, and was left out" in error for error in result["errors"]) == 2
    assert sum("did not end within 6 s" in error for error in result["errors"]) == 1
