"""The notebooks: built alike every time, shipped as built, run as learners and teachers run them."""

import ast
import html
import importlib.util
import json
import re
import runpy
import types
import warnings
from pathlib import Path

import pytest

from sparsecode import labs

FOLDER = Path(__file__).parents[2] / "docs" / "labs"
SHIPPED = Path(labs.__file__).parent / "notebooks"
LABS = [getattr(labs, name) for name in labs.LABS]
BUILD = types.SimpleNamespace(**runpy.run_path(str(FOLDER / "build.py")))
SOURCES = BUILD.sources()


def contents(folder):
    """Return the bytes of every file below a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_package_carries_what_the_sources_give(tmp_path):
    BUILD.build_package(tmp_path)
    assert contents(tmp_path) == contents(SHIPPED), "run docs/labs/build.py"
    assert sum(map(len, contents(SHIPPED.parent).values())) < 1.5e6


def test_the_page_about_the_labs_is_up_to_date():
    text = (FOLDER / "index.md").read_text("utf-8")
    assert BUILD.index_page(text) == text, "run docs/labs/build.py"
    for lab in LABS:
        assert f"| {lab.id.removeprefix('lab')}. {lab.title} | {lab.minutes} | {lab.level} |" in text


def test_two_builds_are_the_same_bytes(tmp_path):
    pytest.importorskip("markdown_it")
    for name in ("once", "twice"):
        assert BUILD.main(["--out", str(tmp_path / name)]) == 0
    once = contents(tmp_path / "once")
    assert once == contents(tmp_path / "twice")
    assert len(once) == 6 * len(LABS)
    for path, text in once.items():
        if path.suffix == ".html":
            assert (text.count(b"<details>") >= 2 * len(LABS)) == (path.parent.name == "html")
            assert not re.search(rb"(src|href)=", text), "pages stand alone"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_scripts_have_the_cells_of_notebooks(lab, tmp_path):
    path = tmp_path / "script.py"
    BUILD.write(path, BUILD.script(lab, SOURCES[lab.id]))
    ast.parse(path.read_text("utf-8"))
    cells = [(kind, text) for kind, text, _ in BUILD.cells_of(lab, SOURCES[lab.id], "student")]
    assert [(cell.kind, cell.text) for cell in BUILD.read_cells(path)] == cells


def test_pages_of_a_site_lead_to_all_labs_to_the_answers_and_to_downloads(tmp_path):
    pytest.importorskip("markdown_it")
    check = types.SimpleNamespace(**runpy.run_path(str(FOLDER.parent / "check_site.py")))
    assert BUILD.main(["--out", str(tmp_path / "labs"), "--site"]) == 0
    index = BUILD.index_page((FOLDER / "index.md").read_text("utf-8"))
    (tmp_path / "labs" / "index.html").write_text("".join(re.findall("<a .*?</a>", index)), "utf-8")
    pages = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.html"))
    assert len(pages) == 2 * len(LABS) + 1
    assert check.broken_links(tmp_path, pages) == check.lab_links(tmp_path, pages) == []
    for page in pages[:-1]:
        text = (tmp_path / page).read_text("utf-8")
        assert not any(re.match(r"/|\w+:", target) for target in check.Links(text).targets)
        assert ("Next lab" in text) == ("lab8" not in page)
        assert ("noindex" in text) == ("answers/" in page)
    name = SOURCES["lab3"].stem
    (tmp_path / "labs" / "student" / f"{name}.ipynb").unlink()
    assert len(check.broken_links(tmp_path, pages)) == 3  # page, answers, index
    (tmp_path / "labs" / "html" / f"{name}.html").write_text("no way out", "utf-8")
    assert check.lab_links(tmp_path, pages) == [
        f"labs/html/{name}.html: no link to ../{target}"
        for target in ("index.html", f"answers/{name}.html", f"student/{name}.ipynb", f"script/{name}.py")
    ]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_pages_of_learners_give_nothing_away(lab):
    pytest.importorskip("markdown_it")
    results = [(f"result {i}\n", [(b"png", "")]) for i in range(len(BUILD.read_cells(SOURCES[lab.id])))]
    given, answers = (BUILD.page(lab, SOURCES[lab.id], flavour, results) for flavour in ("html", "answers"))
    for cell in BUILD.read_cells(SOURCES[lab.id]):
        if cell.has_solution:
            lines = [line for line in cell.solved.splitlines() if line.strip() and line not in cell.stub.splitlines()]
            assert all(html.escape(line) in answers for line in lines)
            assert html.escape(max(lines, key=len)) not in given
    codes = [cell for cell in BUILD.read_cells(SOURCES[lab.id]) if cell.kind == "code"]
    first = next(i for i, cell in enumerate(codes) if cell.has_solution)
    assert re.findall(r"result (\d+)", given) == [str(i) for i in range(first)]
    assert re.findall(r"result (\d+)", answers) == [str(i) for i in range(len(codes))]
    assert all(re.search('alt="Figure: [^"]{4}', found) for found in re.findall("<img.*?>", answers))


def test_what_cells_print_and_draw_is_kept():
    cells = [
        "import matplotlib.pyplot as plt\nprint('a')",
        "plt.plot([1, 2])\nplt.title('up')\nplt.show()",
        "x = 3\nx + 1",
    ]
    (said, none), (shown, figures), (value, _) = BUILD.run_cells(cells)
    assert (said, none, shown, value) == ("a\n", [], "", "4\n")
    assert [(figure[:4], titles) for figure, titles in figures] == [(b"\x89PNG", "up")]
    start = '<pre class="output" tabindex="0">&lt;</pre><img alt="Figure: '
    assert BUILD.output("<", figures, "a").startswith(f'{start}up"')
    assert BUILD.output("<", [(b"", "")], 'a "b"').startswith(f'{start}a &quot;b&quot;"')


@pytest.mark.parametrize("flavour", ["student", "solution", "nbgrader"])
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_notebooks_are_valid(lab, flavour):
    text = BUILD.notebook(lab, SOURCES[lab.id], flavour)
    notebook = json.loads(text)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            ast.parse("".join(cell["source"]))
    assert ("BEGIN SOLUTION" in text) == (flavour == "nbgrader")
    assert "fmt: skip" not in text
    if importlib.util.find_spec("nbformat"):
        import nbformat

        nbformat.validate(nbformat.reads(text, as_version=4))


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_every_exercise_has_a_cell_and_a_check(lab):
    code = "\n".join(cell.text for cell in BUILD.read_cells(SOURCES[lab.id]) if cell.kind == "code")
    for exercise in lab.exercises.values():
        line = f"{exercise.name} = {lab.id}.{exercise.name}.check({exercise.name})"
        assert code.count(line) == 1, line
    for prediction in lab.predictions.values():
        assert f"{lab.id}.{prediction.name}.reveal()" in code
    marked = BUILD.notebook(lab, SOURCES[lab.id], "nbgrader")
    assert marked.count('"points": 1') == len(lab.exercises)
    text = SOURCES[lab.id].read_text("utf-8")
    assert "## Going further" in text
    minutes = sum(map(int, re.findall(r"^# ## .*\((\d+) min\)$", text, re.MULTILINE)))
    assert 0.7 * lab.minutes <= minutes <= lab.minutes


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_answers_say_that_predictions_are_guesses(lab):
    pytest.importorskip("markdown_it")
    for text in (BUILD.page(lab, SOURCES[lab.id], "answers"), BUILD.notebook(lab, SOURCES[lab.id], "solution")):
        for name in (prediction.name for prediction in lab.predictions.values()):
            line = re.search(rf"\b{name} = .*", html.unescape(text).replace('\\"', '"'))[0]
            assert re.match(rf'{name} = "[a-z]"  # a guess: any answer counts', line), line


def test_a_stub_takes_the_place_of_a_solution():
    cell = BUILD.Cell(
        "code", "def f(x):\n    # BEGIN SOLUTION\n    y = x\n    return y\n    # END SOLUTION\n\nf(1)", []
    )
    assert cell.stub == "def f(x):\n    ...\n\nf(1)"
    assert cell.solved == "def f(x):\n    y = x\n    return y\n\nf(1)"
    cell = BUILD.Cell("code", '# BEGIN SOLUTION\na = "b"\n# END SOLUTION\n# STUB: a = ...  # "a" or "b"\ncheck(a)', [])
    assert cell.stub == 'a = ...  # "a" or "b"\ncheck(a)'
    assert cell.solved == 'a = "b"\ncheck(a)'


def forget(lab, monkeypatch):
    """Let a lab be as in a new process."""
    for exercise in lab.exercises.values():
        for name, value in (("answer", None), ("passed", None), ("tries", 0)):
            monkeypatch.setattr(exercise, name, value)


def check_output(lab, text):
    """Assert that solutions have passed, and that what is printed is as the text of the lab says."""
    assert "FAIL" not in text
    assert "TODO" not in text
    assert f"{len(lab.exercises)} of {len(lab.exercises)} exercises done" in text
    check_numbers(lab.id, text)


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_solutions_pass_and_draw_a_figure(lab, capsys, monkeypatch):
    forget(lab, monkeypatch)
    cells = [text for kind, text, _ in BUILD.cells_of(lab, SOURCES[lab.id], "solution") if kind == "code"]
    results = BUILD.run_cells(cells)
    assert not capsys.readouterr().err
    assert any(figures for _, figures in results)
    check_output(lab, "".join(text for text, _ in results))
    assert all(lab.result(key).passed is True for key in lab.exercises)


@pytest.mark.slow
def test_a_lab_goes_on_with_fractions_and_with_draws_that_take_memory(capsys, monkeypatch):
    lab = labs.lab6
    forget(lab, monkeypatch)
    cells = [text for kind, text, _ in BUILD.cells_of(lab, SOURCES["lab6"], "solution") if kind == "code"]
    cells = cells[: next(i for i, text in enumerate(cells) if "learn.check(" in text)]
    other = {
        "return ways / comb(n, a)": "from fractions import Fraction\n    return Fraction(ways, comb(n, a))",
        "hits = rng": "print('bytes', draws * n * 16)\n    hits = rng",  # to draw all cells and sort them
    }
    for old, new in other.items():
        assert old in "".join(cells)
        cells = [text.replace(old, new) for text in cells]
    text = "".join(text for text, _ in BUILD.run_cells(cells))
    assert text.count("PASS") == 5
    sizes = [int(size) for size in re.findall(r"^bytes (\d+)", text, re.MULTILINE)]
    assert len(sizes) > 20
    assert max(sizes) < 0.5e9


@pytest.mark.slow
def test_solutions_pass_in_jupyter(tmp_path):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    from sparsecode._cli.labs import execute, read_notebook

    lab = labs.lab1
    path = tmp_path / "solution.ipynb"
    path.write_text(BUILD.notebook(lab, SOURCES[lab.id], "solution"), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter about its own parts
        notebook, name = read_notebook(path)
        verdicts, errors = execute(notebook, name, seeds=1)
    assert not errors
    assert name == lab.id
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    check_output(lab, "".join(output.text for output in outputs if output.output_type == "stream"))
    assert all(passed is True for passed, _ in verdicts.values())


def number(text, label):
    """Return the first number after a label."""
    found = re.search(re.escape(label) + r"\D*?(-?\d+\.?\d*(?:e-?\d+)?)", text)
    assert found, f"{label!r} is not in {text!r}"
    return float(found[1])


def check_numbers(name, text):
    """Compare what a lab prints with what its text says."""
    if name == "lab1":
        assert number(text, "rounds to within 1e-6 of the minimum: ISTA") > 4 * number(text, "FISTA about")
        assert number(text, "largest violation of them, by your test:") < 1e-9
        assert number(text, "largest difference of weights:") < 0.01
    if name == "lab2":
        assert number(text, "median orientedness:") > 0.65  # 0.74
        assert number(text, "scrambled: median orientedness") < 0.45  # 0.31
        assert number(text, "whitened photographs, largest difference:") < 1e-12
        mine, library = (float(value) for value in re.findall(r"objective on new patches (\d+\.\d+)", text))
        assert library < mine < 1.15 * library  # 21.10 and 20.12
    if name == "lab3":
        assert 0.33 < number(text, "share of the error that was shrinkage:") < 0.5  # 0.39
        assert number(text, "refit, largest difference:") < 1e-9
        assert number(text, "pursuit, largest difference:") < 1e-9
        shares = re.search(r"CEL0 that is shrinkage: \[(.*)\]", text)[1].split()
        assert all(0.5 < float(value) < 0.8 for value in shares)  # 0.71 to 0.60
    if name == "lab4":
        early = [number(text, f"{bank}, 300 rounds:") for bank in ("homogeneous", "heterogeneous")]
        solved = [
            float(re.search(rf"{bank}, solved in .* s: +([.0-9]+)", text)[1])
            for bank in ("\nhomogeneous", "heterogeneous")
        ]
        assert early[1] < early[0]  # 1.071 and 1.145
        assert solved[1] > solved[0]  # 0.502 and 0.479
        assert max(solved) < 0.6 * min(early)
    if name == "lab5":
        few, many = number(text, "9 modules: 97 % right up to"), number(text, "36 modules: 97 % right up to")
        assert abs(few / many - 1) < 0.15  # 158 and 149
        assert 0.7 < few / 183.4 < 1
        assert "same weights: True" in text
        assert number(text, "largest difference of familiarity:") < 1e-12
    if name == "lab6":
        assert number(text, "threshold 10:") == 3.5642e-10
        assert number(text, "on digits") > 1e5 * 3.5642e-10  # 1.0e-3
        assert number(text, "largest relative difference of 21 rates:") < 1e-12
        assert "same answers of 2000 segments to 500 noisy rows: True" in text
        assert number(text, "measured on other digits") < 2e-3
    if name == "lab8":
        assert number(text, "coin flips, by the recipe:") > 0.85  # 0.93
        assert abs(number(text, "coin flips, honestly:") - 0.5) < 0.08  # 0.52
        assert "same pooled codes, up to the order of columns: True" in text
        gains = [float(gain) for gain in re.findall(r"l1 better than CEL0 by ([-+.0-9]+)", text)]
        assert gains[0] < -0.01  # -0.046, 0.008 and 0.033
        assert gains[2] > 0.01
    if name == "lab7":
        assert "same events: True" in text
        assert "same decisions at threshold 0: True" in text
        assert text.count("same spikes: True") == 2
        in_order, mixed = number(text, "in order:"), number(text, "frames of all films shuffled:")
        assert mixed > 1.4 * in_order  # 0.482 and 0.258


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_stubs_are_not_attempted_and_nothing_fails(lab, capsys, monkeypatch):
    """Cells between these work with the solutions then, and run in the test above."""
    forget(lab, monkeypatch)
    notebook = json.loads((SHIPPED / f"{SOURCES[lab.id].stem}.ipynb").read_text("utf-8"))
    names = {"__name__": "notebook"}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if {"setup", "exercise"} & set(cell["metadata"].get("tags", [])) or ".check(" in source or ".report(" in source:
            exec(compile(source, cell["id"], "exec"), names)  # noqa: S102
    text = capsys.readouterr().out
    assert "FAIL" not in text
    assert "PASS" not in text
    assert f"0 of {len(lab.exercises)} exercises done" in text
    for key in [*lab.exercises, *lab.predictions]:
        assert f"TODO {key} " in text
