"""README: its commands, code, names and figures are there."""

import importlib.util
import re
import struct
from pathlib import Path

import pytest

import sparsecode
from sparsecode import coding, convolutional, dendrites, receptive_fields, sdr, temporal

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def figures():
    """The script that writes the figures."""
    spec = importlib.util.spec_from_file_location("readme_figures", ROOT / "docs" / "readme_figures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_lines_set_everything_up():
    lines = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert len(lines) == 2
    assert lines[0].endswith(".venv/bin/pip install . && .venv/bin/python -m sparsecode v1")
    assert lines[1].endswith('.venv/bin/pip install ".[test]" && .venv/bin/pytest')


def test_figures_are_small_and_described(figures):
    shown = dict(re.findall(r"!\[(.*?)\]\(docs/_static/(\w+)\.png\)", README))
    assert sorted(shown.values()) == sorted(figures.FIGURES)
    for description, name in shown.items():
        assert len(description) > 60
        image = (ROOT / "docs" / "_static" / f"{name}.png").read_bytes()
        assert len(image) <= figures.MOST
        assert struct.unpack(">I", image[16:20])[0] == figures.FIGURES[name].width


def test_figures_come_from_programs_that_print_what_is_looked_for(figures):
    for source, _, _, numbers in figures.FIGURES.values():
        code = figures.code_of(source)
        assert "savefig" in code
        assert not numbers or "print" in code
    assert all(figure.numbers for figure in figures.FIGURES.values())


def test_files_and_names_that_are_named_exist():
    for name in re.findall(r"`((?:docs|gallery|benchmarks)/[^`]*)`", README):
        assert (ROOT / name).exists() or name.startswith("docs/_build"), name
    rooms = (sparsecode, coding, convolutional, dendrites, receptive_fields, sdr, temporal)
    public = {name for room in rooms for name in room.__all__}
    named = set(re.findall(r"`(?:\w+\.)?([A-Z]\w+)`", README))
    assert len(named) > 15
    assert named - public == {"Pipeline", "GridSearchCV"}


@pytest.mark.slow
def test_code_runs(capsys):
    """With fewer patches."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert code.count("n_patches=120_000") == 1
    exec(compile(code.replace("120_000", "3_000"), "README", "exec"), {"__name__": "readme"})  # noqa: S102
    active, score, oriented = map(float, capsys.readouterr().out.split())
    assert 0.01 < active < 0.3
    assert 0.5 < score < 1
    assert 0.2 < oriented <= 1
