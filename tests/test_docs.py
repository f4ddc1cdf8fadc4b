"""Texts of the site: their code runs, their papers are those of docstrings, their terms are used."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import sparsecode
from sparsecode import PatchEncoder, SparseCoder, labs

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "auto_gallery"} & set(path.parts))
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
#: Blocks of Python of all pages. Those of a page, put together, are a program.
PROGRAMS = {
    str(path.relative_to(DOCS).with_suffix("")): "\n".join(blocks)
    for path in PAGES
    if (blocks := PYTHON.findall(path.read_text(encoding="utf-8")))
}
#: What is smaller here than on a page, so that it does not take minutes.
SMALLER = {
    "user_guide/convolutional": {"256": "32", "n_jobs=-1": "encode_max_iter=20"},
    "user_guide/comparing_coders": {
        "n_components=288": "n_components=20",
        "[0, 1, 2]": "[0]",
        "[0.015, 0.03, 0.05]": "0.1",
    },
}


def given(page):
    """Return what the program of a page takes for granted, such as patches."""
    rng = np.random.default_rng(0)
    if page == "user_guide/convolutional":
        return {"images": rng.random((2, 32, 32))}
    if page == "user_guide/comparing_coders":
        return dict(zip(("train", "test"), rng.standard_normal((2, 200, 16)), strict=True))
    if page == "extend/penalty":
        return {"patches": rng.standard_normal((300, 16))}
    if page == "labs/index":
        return {"soft_threshold": lambda u, t: np.sign(u) * np.maximum(np.abs(u) - t, 0)}
    return given_streams(rng) if page == "user_guide/streams" else {}


def given_streams(rng):
    """Return films of digits with noise, and a network that knows them."""
    X, y = load_digits(return_X_y=True)
    films = np.repeat(np.arange(60), 5)
    frames, others = (X[start + films] / 16 + 0.02 * rng.standard_normal((300, 64)) for start in (0, 60))
    mlp = MLPClassifier(20, max_iter=400, random_state=0).fit(X / 16, y)
    patch_encoder = PatchEncoder(SparseCoder(8, max_iter=1), patch_size=4, pool=None, input_shape=(8, 8))
    return {
        "frames": frames,
        "other_frames": others,
        "labels": y[films],
        "films": films,
        "mlp": mlp,
        "camera": iter(others[:5]),
        "frame": frames[0],
        "patch_encoder": patch_encoder,
        "X_train": X[:400] / 16,
        "y_train": y[:400],
        "X_test": X[400:500] / 16,
        "y_test": y[400:500],
    }


def words(text):
    """Return a text on one line, without what TeX and docstrings write differently."""
    return re.sub(r"\s+", " ", re.sub("[{}]", "", text)).casefold()


@pytest.fixture(scope="module")
def docstrings():
    """Docstrings of all modules, of their classes and functions, on one line."""
    found = []
    for _, name, _ in pkgutil.walk_packages(sparsecode.__path__, "sparsecode."):
        if name == "sparsecode.__main__":
            continue
        module = importlib.import_module(name)
        things = [
            thing for _, thing in inspect.getmembers(module, lambda x: inspect.isclass(x) or inspect.isfunction(x))
        ]
        methods = [method for thing in things if inspect.isclass(thing) for method in vars(thing).values()]
        found += [getattr(thing, "__doc__", None) for thing in [module, *things, *methods]]
    return words(" ".join({text for text in found if isinstance(text, str)}))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # data here are small, and epochs few
@pytest.mark.filterwarnings("ignore:.* items are stored")  # frames, more than memories of the page have room for
@pytest.mark.parametrize("page", PROGRAMS)
def test_code_of_pages_runs(page, tmp_path, monkeypatch):
    code = PROGRAMS[page]
    for large, small in SMALLER.get(page, {}).items():
        assert large in code
        code = code.replace(large, small)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", None)
    if page == "extend/penalty":
        monkeypatch.syspath_prepend(ROOT / "tests" / "penalties")
    for name in ("answer", "passed", "tries", "hints_given") if page == "labs/index" else ():
        monkeypatch.setattr(labs.lab1.soft_threshold, name, getattr(labs.lab1.soft_threshold, name))
    exec(compile(code, page, "exec"), {"__name__": "page", **given(page)})  # noqa: S102
    plt.close("all")
    if page == "start/first_figure":
        assert (tmp_path / "first_figure.png").stat().st_size > 10_000


def test_references_are_those_of_docstrings(docstrings):
    entries = re.findall(r"@\w+\{(\w+),\n.*?title = \{(.*?)\},\n", (DOCS / "references.bib").read_text(), re.DOTALL)
    keys = [key for key, _ in entries]
    assert len(set(keys)) == len(keys) > 80
    missing = [key for key, title in entries if words(title) not in docstrings]
    assert missing == []


def test_terms_of_the_glossary_are_used():
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = [line for block in re.findall(r"```\{glossary\}\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
             if line and not line.startswith(" ")]  # fmt: skip
    assert len(set(terms)) == len(terms) > 50
    others = " ".join(path.read_text(encoding="utf-8") for path in PAGES if path.name != "glossary.md")
    assert [term for term in terms if words(term).strip() not in words(others)] == []
    roles = re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", others)
    assert len(roles) > 30
    assert {words(role) for role in roles} <= {words(term) for term in terms}


def makeable_classes():
    """Return the public classes that users make objects of, by room: no values that functions return, no errors."""
    rooms = [found.name for found in pkgutil.iter_modules(sparsecode.__path__) if not found.name.startswith("_")]
    found = {}
    for room in ["", *(f".{name}" for name in rooms if name != "labs")]:
        module = importlib.import_module(f"sparsecode{room}")
        things = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
        classes = {name: thing for name, thing in things.items() if inspect.isclass(thing)}
        found |= {name: room for name, thing in classes.items() if not issubclass(thing, tuple | Exception)}
    return found


def test_public_classes_are_shown_in_a_script_or_a_lab():
    scripts = [*(ROOT / "gallery").glob("plot_*.py"), *(DOCS / "labs").glob("lab*.py")]
    shown = " ".join(path.read_text(encoding="utf-8") for path in scripts)
    classes = makeable_classes()
    assert len(classes) > 60
    # A base for encoders of one's own, which a page of its own tells about, and what `l1_path` returns
    assert {name for name in classes if not re.search(rf"\b{name}\b", shown)} == {"Encoder", "L1Path"}


def test_every_script_has_a_section():
    tree = ast.parse((DOCS / "_ext" / "gallery_sections.py").read_text(encoding="utf-8"))
    values = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    named = [f"plot_{name}" for *_, names in ast.literal_eval(values["SECTIONS"]) for name in names.split()]
    assert sorted(named) == sorted(path.stem for path in (ROOT / "gallery").glob("plot_*.py"))
