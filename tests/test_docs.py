"""Texts of the site: their code runs, their papers are those of docstrings, their terms are used."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import sparsecode

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "auto_gallery", "labs"} & set(path.parts))
#: Pages whose blocks of Python, put together, are programs that run as they are.
PROGRAMS = [
    "start/first_figure",
    "user_guide/patches",
    "user_guide/penalties",
    "user_guide/sdr",
    "user_guide/dendrites",
    "user_guide/pipelines",
    "user_guide/performance",
]


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
@pytest.mark.parametrize("page", PROGRAMS)
def test_code_of_pages_runs(page, tmp_path, monkeypatch):
    code = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", None)
    exec(compile(code, page, "exec"), {"__name__": "page"})  # noqa: S102
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
    others = words(" ".join(path.read_text(encoding="utf-8") for path in PAGES if path.name != "glossary.md"))
    assert [term for term in terms if words(term).strip() not in others] == []


def test_public_classes_are_shown_somewhere():
    """Each class is in a script of the gallery or on a page of the guide."""
    shown = " ".join(path.read_text(encoding="utf-8") for path in [*(ROOT / "gallery").glob("plot_*.py"), *PAGES])
    missing = []
    for room in ("coding", "convolutional", "dendrites", "dictionary", "penalties", "preprocessing", "sdr", "temporal"):
        module = importlib.import_module(f"sparsecode.{room}")
        classes = [name for name in module.__all__ if inspect.isclass(getattr(module, name))]
        missing += [name for name in classes if not re.search(rf"\b{name}\b", shown)]
    assert missing == []
