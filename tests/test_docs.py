"""Texts of the site: their code runs, their papers are those of docstrings, their terms are used."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import types
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import sparsecode
from sparsecode import PatchEncoder, SparseCoder, labs
from sparsecode.coding import compare_coders

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
    monkeypatch.setattr(plt, "show", lambda: None)
    if page == "extend/penalty":
        monkeypatch.syspath_prepend(ROOT / "tests" / "penalties")
    for name in ("answer", "passed", "tries", "hints_given") if page == "labs/index" else ():
        monkeypatch.setattr(labs.lab1.soft_threshold, name, getattr(labs.lab1.soft_threshold, name))
    exec(compile(code, page, "exec"), {"__name__": "page", **given(page)})  # noqa: S102
    plt.close("all")
    if page == "start/first_figure":
        assert (tmp_path / "first_figure.png").stat().st_size > 10_000


def results_of_benchmarks():
    """Return results in the forms in which benchmarks keep them, by the names of their files."""
    coders = {"one": SparseCoder(penalty="l1"), "two": SparseCoder(penalty="cel0")}
    X = np.random.default_rng(0).standard_normal((60, 9))
    compared = compare_coders(coders, X, target_sparsity=[0.1, 0.2], n_components=5)
    bank = {"psnr": [31.0, 32.0, 30.0], "sparseness": [0.9, 0.91, 0.92]}
    clip = {"units": 20, "replay": [0.5, 0.25], "scores": [1.0, 0.5, 0.125]}
    film = {"density": [0.1, 0.2], "ms": {"NumPy": 1.5, "stream": 0.5}}
    return {
        "beyond_l1": compared.to_dict(),
        "heterogeneous_kernels": {"images": ["camera", "grass"], "100 steps": {"one": bank, "six": bank}},
        "out_of_core": {"rows": 100, "folder": None, "json": "a.json", "seconds": 0.5, "objective": [3.0, 2.0, 1.0]},
        "video_memory": [clip, clip],
        "delta_video": {"discs": [film], "bikes": [film, film]},
        "of_tomorrow": {"first": {"seconds": 1.0}},
    }


def test_page_of_benchmarks_with_and_without_results(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_ext")
    page = importlib.import_module("benchmark_page")
    app = types.SimpleNamespace(srcdir=tmp_path / "docs")
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (tmp_path / "benchmarks" / "README.md").write_text("# Benchmarks\n\n## One\n")
    page.generate(app, None)
    text = (app.srcdir / "benchmarks.md").read_text()
    assert text.count("Not measured for this build") == len(page.BENCHMARKS)
    assert all(f"results/{name}.json" in text for name, *_ in page.BENCHMARKS)
    for name, found in results_of_benchmarks().items():
        (results / f"{name}.json").write_text(json.dumps(found))
    page.generate(app, None)
    text = (app.srcdir / "benchmarks.md").read_text()
    assert text.count("Not measured for this build") == len(page.BENCHMARKS) - 5
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(tables) == 7  # two of the kernels: images, and banks
    for found in tables:
        assert len({re.sub(r"\\\|", "", line).count("|") for line in found.splitlines()}) == 1, found
    assert not re.search(r"[{}]|None|a\.json \|", "".join(tables))
    for cell in ("| 100 steps, six | 31 | 0.91 |", "| objective | 2 |", "| bikes | 0.1, 0.2 | 1.5 | 0.5 |"):
        assert cell in text


def measured_numbers():
    """Return the words of each number that pages take from results of benchmarks."""
    return [
        words.split(" > ")
        for path in PAGES
        for words in re.findall(r"\{measured\}`([^`]+)`", path.read_text(encoding="utf-8"))
    ]


def test_numbers_that_pages_take_from_benchmarks_are_there(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(DOCS / "_ext")
    measured = importlib.import_module("measured")
    assert len(measured_numbers()) > 10
    for name, *words in measured_numbers():
        results = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))
        assert measured.found(results, words) > 0
    rows = {"machine": {}, "rows": [{"task": "a", "type": "b", "us": 12.4}, {"task": "c", "type": "b", "us": 1234.0}]}
    assert [measured.found(rows, words.split()) for words in ("a us", "b c us")] == [12.4, 1234.0]
    assert [measured.shown(value) for value in (0.0123, 2.39, 12.4, 1234.0)] == ["0.012", "2.4", "12", "1200"]


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
