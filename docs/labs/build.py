"""Build the labs: one source gives the notebooks of learners, solutions, nbgrader notebooks and web pages.

    python docs/labs/build.py             learners' notebooks and solutions, into the package, and index.md
    python docs/labs/build.py --out DIR   all flavours, each into a folder of its name
    python docs/labs/build.py --out DIR --run    web pages with what cells print and draw; prints minutes of each lab
    python docs/labs/build.py --out DIR --site   web pages with links to each other, to notebooks and to ../index.html

A source is a Python file whose cells begin with ``# %%`` (code) or ``# %% [markdown]``: the percent format, which
editors run and jupytext converts as well. Lines from ``# BEGIN SOLUTION`` to ``# END SOLUTION`` are for solutions only;
learners get ``...``, or what follows ``# STUB:``. Title, goals and minutes come from the lab in `sparsecode.labs`.
Notebooks are JSON of a documented form, and are written without other packages, so that the same source gives the same
bytes whenever it is built; web pages take markdown-it-py.

A web page for learners (html) has no solution, and no result that would give an answer or a prediction away: figures
stop where the first question is asked. The page beside it (answers) has everything. Pages have no links unless they
are for a site: they stand alone, to be handed out. Scripts have the cells of learners' notebooks in the form of the
source.
"""

import argparse
import ast
import base64
import contextlib
import html
import io
import json
import os
import re
import sys
import time
import unittest.mock
from pathlib import Path
from typing import NamedTuple

from sparsecode import labs

HERE = Path(__file__).resolve().parent
PACKAGE = Path(labs.__file__).resolve().parent / "notebooks"
CELL = re.compile(r"^# %%(?: (\[markdown\]))?(?: tags=(\[.*\]))?$", re.MULTILINE)
SOLUTION = re.compile(r"^( *)# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION(?:\n *# STUB: ([^\n]*))?(?=\n|\Z)", re.M | re.S)
CHECK = re.compile(r"^(?:(\w+) = )?(lab\d)\.(\w+)\.check\((\w+)\)$", re.MULTILINE)
TABLE = ("<!-- labs -->", "<!-- end of labs -->")
FLAVOURS = ("student", "solution", "nbgrader", "script", "html", "answers")
#: Those that pages of a site link to, and these pages.
SITE = ("student", "script", "html", "answers")
PAGES = ("html", "answers")
ORDERS = (
    "Run the cells in order (Shift + Enter). Where you see `...`, write code, run the "
    "cell, and let the next one check it."
)
ANSWERS = (
    "This page has a solution of every exercise, and what the notebook then prints and draws. What stands under "
    "“Predict first” is a guess, right or wrong; the experiment below it says which."
)


class Cell(NamedTuple):
    """A cell of a source, with solutions."""

    kind: str
    text: str
    tags: list

    @property
    def has_solution(self):
        return "# BEGIN SOLUTION" in self.text

    @property
    def solved(self):
        return SOLUTION.sub(lambda found: found[2].rstrip("\n"), self.text)

    @property
    def stub(self):
        return SOLUTION.sub(lambda found: found[1] + (found[3] or "..."), self.text)


def sources():
    """Return the source of every lab by its name."""
    found = {path.stem.partition("_")[0]: path for path in sorted(HERE.glob("lab*_*.py"))}
    return {name: found[name] for name in labs.LABS}


def read_cells(path):
    """Return the cells of a source."""
    text = path.read_text("utf-8")
    starts = list(CELL.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    cells = []
    for start, end in zip(starts, ends, strict=True):
        body = text[start.end() : end].strip("\n")
        if start[1]:
            body = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.split("\n"))
        body = re.sub(r" *# fmt: skip$", "", body, flags=re.MULTILINE)
        cells.append(Cell("markdown" if start[1] else "code", body, json.loads(start[2] or "[]")))
    return cells


def introduction(lab, answers=False):
    """Return the first cell: what the lab is about, made of its description."""
    goals = "\n".join(f"- {goal} ({', '.join(keys)})" for goal, keys in lab.goals.items())
    return Cell(
        "markdown",
        f"# {lab.title}\n\n**{lab.minutes} minutes**, {lab.level}. You need: {'; '.join(lab.needs)}.\n\n"
        f"You will be able to\n\n{goals}\n\n{ANSWERS if answers else ORDERS}",
        [],
    )


def cells_of(lab, path, flavour):
    """Return the cells of one flavour, each as (kind, text, metadata)."""
    for cell in [introduction(lab), *read_cells(path)]:
        metadata = {"tags": cell.tags} if cell.tags else {}
        text = cell.text
        if cell.has_solution:
            text = cell.stub if flavour == "student" else cell.solved
            metadata = {"tags": ["exercise"]}
        if flavour == "nbgrader":
            text, metadata = for_nbgrader(lab, cell, metadata)
        yield cell.kind, text, metadata


def for_nbgrader(lab, cell, metadata):
    """Return the text and the metadata of a cell for nbgrader: its own marks, and tests on data of five seeds."""
    if cell.has_solution:
        key = re.search(r"(\w+) = |def (\w+)", cell.solved)
        if key[1] in {prediction.name for prediction in lab.predictions.values()}:
            return cell.stub, metadata  # any answer counts, so that there is nothing to grade
        text = SOLUTION.sub(
            lambda found: f"{found[1]}### BEGIN SOLUTION\n{found[2]}{found[1]}### END SOLUTION", cell.text
        )
        return text, metadata | {"nbgrader": grading(f"{lab.id}-{key[1] or key[2]}", solution=True)}
    check = CHECK.search(cell.text)
    if not check or check[3] not in {exercise.name for exercise in lab.exercises.values()}:
        return cell.text, metadata
    # A cell above that could not be run costs no more than its own point
    there = hidden_test(f"{check[4]} = globals().get({check[4]!r})")
    text = f"{there}\n{cell.text}\n{hidden_test(f'{check[2]}.{check[3]}.grade()')}"
    return text, metadata | {"nbgrader": grading(f"check-{lab.id}-{check[3]}", points=1)}


def hidden_test(code):
    """Return code that nbgrader keeps from learners."""
    return f"### BEGIN HIDDEN TESTS\n{code}\n### END HIDDEN TESTS"


def grading(name, *, solution=False, points=None):
    """Return what nbgrader wants to know about a cell, in version 3 of its schema."""
    about = {
        "grade": points is not None,
        "grade_id": name,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    return about if points is None else about | {"points": points}


def notebook(lab, path, flavour):
    """Return a notebook as JSON text; names of cells are their numbers."""
    cells = []
    for number, (kind, text, metadata) in enumerate(cells_of(lab, path, flavour), 1):
        cell = {
            "cell_type": kind,
            "id": f"{lab.id}-{number:02d}",
            "metadata": metadata,
            "source": text.splitlines(keepends=True),
        }
        cells.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "sparsecode": {"lab": lab.id},
    }
    whole = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def script(lab, path):
    """Return the cells of a learner's notebook as a Python file, which editors run cell by cell."""
    parts = []
    for kind, text, metadata in cells_of(lab, path, "student"):
        if kind == "markdown":
            lines = [f"# {line}".rstrip() for line in text.split("\n")]
            parts.append("\n".join(["# %% [markdown]", *lines]))
        else:
            tags = f" tags={json.dumps(metadata['tags'])}" if metadata.get("tags") else ""
            parts.append(f"# %%{tags}\n{text}")
    return "\n\n".join(parts) + "\n"


def solutions(lab, path):
    """Return the code of the solution of each exercise and prediction, by its key."""
    keys = {exercise.name: key for key, exercise in {**lab.exercises, **lab.predictions}.items()}
    found = {}
    for cell in read_cells(path):
        if cell.has_solution:
            text = CHECK.sub("", cell.solved).strip()
            names = [name for name in keys if re.search(rf"^(def )?{name}\b", text, re.MULTILINE)]
            if len(names) != 1:
                raise ValueError(f"{path.name}: a solution should define one exercise of {lab.id}, found {names}.")
            found[keys[names[0]]] = text
    missing = set(keys.values()) - set(found)
    if missing:
        raise ValueError(f"{path.name} has no solution for {', '.join(sorted(missing))}.")
    return found


def run_cells(cells):
    """Return what code cells, run in their order, print, and the figures that they draw: PNG with its titles."""
    import matplotlib.pyplot as plt

    names, found = {"__name__": "notebook"}, []
    for text in cells:
        code, printed = ast.parse(text), io.StringIO()
        last = code.body.pop() if isinstance(code.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed), unittest.mock.patch.object(plt, "show", return_value=None):
            exec(compile(code, "cell", "exec"), names)  # noqa: S102, code of the lab
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None  # noqa: S307
            if value is not None:
                print(repr(value))
        figures = []
        for number in plt.get_fignums():
            picture = io.BytesIO()
            figure = plt.figure(number)
            figure.savefig(picture, dpi=100, bbox_inches="tight", metadata={"Software": None})
            titles = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
            figures.append((picture.getvalue(), "; ".join(filter(None, titles))))
        plt.close("all")
        found.append((printed.getvalue(), figures))
    return found


def output(text, figures, heading):
    """Return what a cell has left behind as HTML; figures without titles are told by the heading above them."""
    parts = [f'<pre class="output" tabindex="0">{html.escape(text)}</pre>'] if text else []
    for figure, titles in figures:
        source = f"data:image/png;base64,{base64.b64encode(figure).decode()}"
        parts.append(f'<img alt="Figure: {html.escape(titles or heading, quote=True)}" src="{source}">')
    return "".join(parts)


def links(path, flavour):
    """Return where a page of the site leads, at its top and at its end: all of it relative to the page."""
    other = ("answers", "Answers") if flavour == "html" else ("html", "The lab without answers")
    pages = {"../index.html": "All labs", f"../{other[0]}/{path.stem}.html": other[1]}
    files = {f"../student/{path.stem}.ipynb": "Notebook (.ipynb)", f"../script/{path.stem}.py": "Script (.py)"}
    stems = [source.stem for source in sources().values()]
    following = stems[stems.index(path.stem) + 1 :][:1]
    for name, targets in (("This lab", pages | files), ("Next", pages | {f"{s}.html": "Next lab" for s in following})):
        anchors = [
            f'<a href="{target}"{" download" if target in files else ""}>{text}</a>' for target, text in targets.items()
        ]
        yield f'<nav aria-label="{name}">{" ".join(anchors)}</nav>\n'


def page(lab, path, flavour="html", results=None, site=False):
    """Return a web page: for learners with stubs, and hints that unfold, or with answers."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark")
    answers, asked, heading, place = flavour == "answers", False, lab.title, 0
    parts, cells = [], list(read_cells(path))
    for cell in [introduction(lab, answers), *cells]:
        if cell.kind == "markdown":
            parts.append(markdown.render(cell.text))
            heading = re.findall(r"^#+ (.*)$", f"# {heading}\n{cell.text}", re.MULTILINE)[-1]
            continue
        text = cell.solved if answers else cell.stub
        parts.append(f'<pre tabindex="0"><code>{html.escape(text)}</code></pre>')
        asked = asked or cell.has_solution
        if results and (answers or not asked):
            parts.append(output(*results[place], heading))
        place += 1
        check = CHECK.search(text)
        exercise = check and next((e for e in lab.exercises.values() if e.name == check[3]), None)
        for number, hint in enumerate(exercise.hints if exercise and not answers else (), 1):
            parts.append(f"<details><summary>{exercise.key}: Hint {number}</summary>{markdown.render(hint)}</details>")
    style = (HERE / "page.css").read_text("utf-8")
    title = html.escape(f"{lab.title}: answers" if answers else lab.title)
    robots = '<meta name="robots" content="noindex">\n' if answers else ""
    top, end = links(path, flavour) if site else ("", "")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{robots}<style>\n{style}</style>\n</head>\n<body>\n{top}"
        '<main role="main">\n' + "\n".join(parts) + f"\n</main>\n{end}</body>\n</html>\n"
    )


def index_page(text):
    """Return the page about the labs with their descriptions as they are now."""
    described = [getattr(labs, name) for name in labs.LABS]
    lines = ["| lab | minutes | level |", "|---|---|---|"]
    lines += [f"| {number_of(lab)}. {lab.title} | {lab.minutes} | {lab.level} |" for lab in described]
    for lab in described:
        lines += [
            "",
            f"### {number_of(lab)}. {lab.title}",
            "",
            f"You need: {'; '.join(lab.needs)}. You will be able to",
            "",
        ]
        lines += [f"- {goal}" for goal in lab.goals]
        name = sources()[lab.id].stem
        page = f"{name}.html"
        lines += [
            "",
            f"From the library: {', '.join(f'`{name}`' for name in lab.packages)}. To read: "
            f'<a href="html/{page}">lab {number_of(lab)} as a page</a>, <a href="answers/{page}">its answers</a>. '
            f'To run: <a href="student/{name}.ipynb" download>notebook</a>, '
            f'<a href="script/{name}.py" download>script</a>.',
        ]
    before, _, rest = text.partition(TABLE[0])
    after = rest.partition(TABLE[1])[2]
    return before + TABLE[0] + "\n\n" + "\n".join(lines) + "\n\n" + TABLE[1] + after


def number_of(lab):
    """Return the number of a lab."""
    return lab.id.removeprefix("lab")


def write(path, text):
    """Write a text with the same ends of lines on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def build_package(folder=PACKAGE):
    """Write what the package carries."""
    everything = {}
    for name, path in sources().items():
        lab = getattr(labs, name)
        everything[name] = solutions(lab, path)
        write(folder / f"{path.stem}.ipynb", notebook(lab, path, "student"))
    write(folder / "solutions.json", json.dumps(everything, indent=1, ensure_ascii=False) + "\n")


def build_all(folder, flavours=FLAVOURS, run=False, site=False):
    """Write flavours of all labs; with `run`, pages have what cells print and draw, and for a `site` links."""
    for name, path in sources().items():
        lab, results = getattr(labs, name), None
        if run:
            start = time.perf_counter()
            results = run_cells([text for kind, text, _ in cells_of(lab, path, "solution") if kind == "code"])
            print(f"{name}: {(time.perf_counter() - start) / 60:.2f} minutes to run, of {lab.minutes} for a class")
        for flavour in flavours:
            if flavour in PAGES:
                write(folder / flavour / f"{path.stem}.html", page(lab, path, flavour, results, site))
            elif flavour == "script":
                write(folder / flavour / f"{path.stem}.py", script(lab, path))
            else:
                write(folder / flavour / f"{path.stem}.ipynb", notebook(lab, path, flavour))


def main(arguments=None):
    """Build what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", metavar="DIR", help="write all flavours to this folder instead of the package")
    parser.add_argument("--flavours", nargs="+", choices=FLAVOURS, default=FLAVOURS, help="only these, with --out")
    parser.add_argument("--run", action="store_true", help="run solutions, for pages with outputs, with --out")
    parser.add_argument("--site", action="store_true", help="pages with links, and what these lead to, with --out")
    options = parser.parse_args(arguments)
    if options.site:
        options.flavours = SITE
    if options.run:
        os.environ["MPLBACKEND"] = "Agg"
    if options.out:
        build_all(Path(options.out), options.flavours, options.run, options.site)
    else:
        build_package()
        write(HERE / "index.md", index_page((HERE / "index.md").read_text("utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
