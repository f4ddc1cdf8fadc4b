"""nbgrader, where it is installed, gives full marks to solutions and none to what nobody has touched."""

import json
import os
import runpy
import sys
import types
import warnings
from pathlib import Path

import pytest

from sparsecode import labs

pytest.importorskip("nbgrader")

BUILD = types.SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "docs" / "labs" / "build.py")))
SOURCES = BUILD.sources()


def is_solution(cell):
    return cell["metadata"].get("nbgrader", {}).get("solution")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # nbgrader and Jupyter have many about themselves
@pytest.mark.parametrize("name", labs.LABS)
def test_marks(name, tmp_path, monkeypatch):
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    # It starts a command of the same environment by name
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    lab, path = getattr(labs, name), SOURCES[name]
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    config.Execute.timeout = 300
    file = f"{path.stem}.ipynb"
    BUILD.write(tmp_path / "source" / name / file, BUILD.notebook(lab, path, "nbgrader"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        api = NbGraderAPI(config=config)
        done = api.generate_assignment(name)
        assert done["success"], done["log"]
        released = (tmp_path / "release" / name / file).read_text("utf-8")
        assert "HIDDEN TESTS" not in released
        assert "BEGIN SOLUTION" not in released
        solved = {cell["id"]: cell["source"] for cell in json.loads(BUILD.notebook(lab, path, "solution"))["cells"]}
        filled = json.loads(released)
        for cell in filled["cells"]:
            if is_solution(cell):
                cell["source"] = solved[cell["id"]]
        broken = json.loads(json.dumps(filled))
        first = next(cell for cell in broken["cells"] if is_solution(cell))
        first["source"] = "def f(x)\n    return x"
        handed_in = {"solved": json.dumps(filled), "broken": json.dumps(broken), "untouched": released}
        for student, text in handed_in.items():
            BUILD.write(tmp_path / "submitted" / student / name / file, text)
            done = api.autograde(name, student)
            assert done["success"], done["log"]
        with api.gradebook as book:
            marks = {student: book.find_submission(name, student) for student in handed_in}
            assert (marks["solved"].score, marks["solved"].max_score) == 2 * (len(lab.exercises),)
            assert marks["untouched"].score == 0
            assert marks["broken"].score == len(lab.exercises) - 1
