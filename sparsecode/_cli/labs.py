"""``python -m sparsecode labs``: copies the notebooks of the labs to a folder, or grades one."""

import ast
import asyncio
import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

HELP = "copy the notebooks of the labs to a folder (labs DIR), or grade one (labs grade FILE)"

#: Seconds that a cell may take while a notebook is graded, that a verdict may take, and that a cell has to end after
#: it was interrupted.
CELL_SECONDS, VERDICT_SECONDS, GRACE_SECONDS = 120, 60, 10

#: How often a notebook is started again without a cell that has ended Python.
RUNS = 20

INLINE = "module://matplotlib_inline.backend_inline"

#: First cell of a notebook that is graded; scripts of the gallery run behind it as well, and without a network. An
#: audit hook cannot be taken back by what runs after it.
GUARD = """
import sys
def _guard(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise PermissionError("the network is closed")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        if arguments[0] not in (None, "", "127.0.0.1", "::1", "localhost", b"localhost"):
            raise PermissionError("the network is closed")
sys.addaudithook(_guard)
del sys
"""

#: What follows in the same cell.
PREPARE = "from sparsecode.labs.grading import prepare as _prepare\n_prepare({lab!r})\ndel _prepare"

#: Last cells, one an exercise: the verdict behind a word that the notebook cannot know.
REPORT = "from sparsecode.labs.grading import tell as _tell\n_tell({lab!r}, {key!r}, {word!r}, {seeds})"


def add_arguments(parser):
    """Declare the options."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="DIR | grade FILE",
        help="folder to copy to, or notebook to grade; nothing lists the labs",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=5,
        help="data on which answers are graded, at least the five of a check in class (default: %(default)s)",
    )


def run(options):
    """Do what was asked for."""
    if not options.words:
        return show_list()
    if options.words[0] == "grade":
        from ..labs.engine import SEEDS

        if len(options.words) != 2:
            raise ValueError("give one notebook to grade: python -m sparsecode labs grade FILE.")
        if options.seeds < 1:
            raise ValueError(f"--seeds must be at least 1, got {options.seeds}.")
        # What a check refuses in class is refused with fewer as well
        return grade(Path(options.words[1]), max(options.seeds, len(SEEDS)))
    if len(options.words) > 1:
        raise ValueError(f"give one folder, or `grade` and one notebook, not {' '.join(options.words)!r}.")
    return copy_notebooks(Path(options.words[0]))


def show_list():
    """Print the labs."""
    from .. import labs

    for name in labs.LABS:
        lab = getattr(labs, name)
        print(f"{name}  {lab.title} ({lab.minutes} min, {lab.level}, {len(lab.exercises)} exercises)")
    print("Copy them to a folder: python -m sparsecode labs DIR")
    return 0


def copy_notebooks(folder):
    """Copy the notebooks; those that are there already stay, since somebody may have worked on them."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder to which the notebooks can be copied.")
    folder.mkdir(parents=True, exist_ok=True)
    notebooks = sorted(item.name for item in _notebooks().iterdir() if item.name.endswith(".ipynb"))
    for name in notebooks:
        target = folder / name
        if target.exists():
            print(f"{name} is there already and stays as it is")
            continue
        with as_file(_notebooks() / name) as source:
            shutil.copyfile(source, target)
        print(f"{name} copied")
    print(f"Start with: jupyter lab {folder / notebooks[0]}")
    if importlib.util.find_spec("jupyterlab") is None:
        print('Jupyter is not installed here; the labs\' extra brings it: pip install ".[labs]" in a clone.')
    return 0


def grade(path, seeds):
    """Run a notebook in an empty folder with the network closed, and print verdicts as JSON."""
    from ..labs.engine import NAMES

    notebook, lab = read_notebook(path)
    verdicts, errors = execute(notebook, lab, seeds)
    exercises = {key: {"state": NAMES[passed], "message": message} for key, (passed, message) in verdicts.items()}
    done = sum(passed is True for passed, _ in verdicts.values())
    print(
        json.dumps(
            {
                "file": path.name,
                "lab": lab,
                "seeds": seeds,
                "done": done,
                "of": len(verdicts),
                "exercises": exercises,
                "errors": errors,
            },
            indent=1,
            ensure_ascii=False,
        )
    )
    return 0


def read_notebook(path):
    """Return a notebook and the name of its lab."""
    from .. import labs

    nbformat = _import("nbformat")
    if not path.is_file():
        raise ValueError(f"{path} is not a file; give the notebook of a lab.")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat has many
        raise ValueError(f"{path} is not a notebook that can be read ({type(error).__name__}).") from error
    lab = notebook.metadata.get("sparsecode", {}).get("lab")
    if lab not in labs.LABS:
        raise ValueError(f"{path} does not say which lab it is; grade a notebook that `labs DIR` has copied.")
    return notebook, lab


def execute(notebook, lab, seeds):
    """Run all cells and then the verdicts, also after errors; return verdicts by exercise, and the errors.

    A cell that ends Python, or does not end itself, is left out but for what it defines, and the notebook runs again.
    """
    from .. import labs
    from ..labs.engine import UNDEFINED

    nbformat = _import("nbformat")
    nbclient = _import("nbclient")
    _import("ipykernel")
    exercises = getattr(labs, lab).exercises
    cell, word, keys = nbformat.v4.new_code_cell, secrets.token_hex(16), list(exercises)
    reports = [cell(REPORT.format(lab=lab, key=key, word=word, seeds=seeds)) for key in keys]
    first, notes = len(notebook.cells) + 1, []
    notebook.cells = [cell(GUARD + PREPARE.format(lab=lab)), *notebook.cells, *reports]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for report in reports:
        report.metadata["verdict"] = True
    missing = {key: "the notebook could not be run up to its verdict." for key in keys}
    for _ in range(RUNS):
        stopped = nbclient.util.run_sync(_run)(notebook)
        if stopped is None:
            break
        place, why = stopped
        if place >= first:
            missing[keys[place - first]] = f"it {why} when it was checked."
        else:
            notes.append(f"cell {place}: it {why}, and was left out.")
        notebook.cells[place].source = without_calls(notebook.cells[place].source)
    verdicts = {}
    for key, report in zip(keys, reports, strict=True):
        said = [line for line in _printed(report) if line.startswith(word)]
        if any(output.get("ename") == "KeyboardInterrupt" for output in report.outputs):
            missing[key] = f"it takes longer than {VERDICT_SECONDS} s to check. Does it come to an end?"
        verdicts[key] = json.loads(said[-1].removeprefix(word))[1:] if said else [False, missing[key]]
        if verdicts[key] == [None, UNDEFINED]:
            verdicts[key] = without_definition(exercises[key].name, notebook.cells[:first])
    outputs = [output for cell in notebook.cells[:first] for output in cell.get("outputs", [])]
    return verdicts, notes + [f"{output.ename}: {output.evalue}" for output in outputs if "ename" in output]


def without_definition(name, cells):
    """Return the verdict on an exercise that nothing defines: the error of the cell that should, if there is one."""
    definition = re.compile(rf"^(?:async +)?def +{name}\b|^{name} *[:=](?!=)(?! *lab\d\.{name}\.)", re.MULTILINE)
    for cell in reversed(cells):
        errors = [output for output in cell.get("outputs", []) if "ename" in output]
        if errors and definition.search(cell.source):
            # Where Python says in which file of the kernel it stopped, the line is enough
            about = re.sub(r"\((?:\S+, )?line (\d+)\)$", r"(line \1 of the cell)", errors[0].evalue)
            return [False, f"the cell that should define it raised {errors[0].ename}: {about}"]
    return [None, "not attempted yet"]


async def _run(notebook):
    """Run a notebook in an empty folder; return the place of a cell that stopped it and why, or None."""
    import nbclient

    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook,
            timeout_func=_seconds,
            interrupt_on_timeout=True,
            allow_errors=True,
            kernel_name="python3",
            shutdown_kernel="immediate",
            resources={"metadata": {"path": folder}},
        )
        client.reset_execution_trackers()
        # What the kernel itself writes is about its connection; errors of cells are outputs
        async with client.async_setup_kernel(env=os.environ | {"MPLBACKEND": INLINE}, stderr=subprocess.DEVNULL):
            for place, cell in enumerate(notebook.cells):
                limit, start = _seconds(cell) + GRACE_SECONDS, time.monotonic()
                try:
                    await asyncio.wait_for(client.async_execute_cell(cell, place), limit)
                except (nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError, TimeoutError):
                    late = time.monotonic() - start > limit - 1
                    return place, f"did not end within {_seconds(cell)} s" if late else "ended Python"
    return None


def _seconds(cell):
    return VERDICT_SECONDS if cell.metadata.get("verdict") else CELL_SECONDS


def without_calls(source):
    """Return the functions and imports of a cell, and its checks as answers that are noted only."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # such as a magic command
        return ""
    kept = []
    for statement in statements:
        text = ast.unparse(statement)
        check = re.fullmatch(r"(\w+ = lab\d\.\w+)\.check(\(\w+\))", text)
        if check:
            kept.append(f"{check[1]}.skip{check[2]}")
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
            kept.append(text)
    return "\n".join(kept)


def _printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream").splitlines()


def _notebooks():
    return files("sparsecode.labs") / "notebooks"


def _import(name):
    try:
        return __import__(name)
    except ImportError:
        raise ValueError(
            f"grading takes the package {name}, which is not installed. Install the labs' extra, in a clone: "
            f'{Path(sys.executable).name} -m pip install ".[labs]".'
        ) from None
