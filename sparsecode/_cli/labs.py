"""``python -m sparsecode labs``: copies the notebooks of the labs to a folder, or grades one."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

HELP = "copy the notebooks of the labs to a folder (labs DIR), or grade one (labs grade FILE)"

#: Seconds that a cell may take while a notebook is graded.
CELL_SECONDS = 120

INLINE = "module://matplotlib_inline.backend_inline"

#: First cell of a notebook that is graded. An audit hook cannot be taken back by what runs after it.
GUARD = """
import sys
def _guard(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise PermissionError("the network is closed while a lab is graded")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        if arguments[0] not in (None, "", "127.0.0.1", "::1", "localhost", b"localhost"):
            raise PermissionError("the network is closed while a lab is graded")
sys.addaudithook(_guard)
del sys
"""

#: Last cell: the verdicts behind a word that the notebook cannot know.
REPORT = """
import json as _json
from sparsecode.labs import {lab} as _lab
print({word!r} + _json.dumps(_lab.results(globals(), seeds={seeds})))
"""


def add_arguments(parser):
    """Declare the options."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="DIR | grade FILE",
        help="folder to copy to, or notebook to grade; nothing lists the labs",
    )
    parser.add_argument("--seeds", type=int, default=5, help="data on which answers are graded (default: %(default)s)")


def run(options):
    """Do what was asked for."""
    if not options.words:
        return show_list()
    if options.words[0] == "grade":
        if len(options.words) != 2:
            raise ValueError("give one notebook to grade: python -m sparsecode labs grade FILE.")
        if options.seeds < 1:
            raise ValueError(f"--seeds must be at least 1, got {options.seeds}.")
        return grade(Path(options.words[1]), options.seeds)
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
    return 0


def grade(path, seeds):
    """Run a notebook in an empty folder with the network closed, and print verdicts as JSON."""
    notebook, lab = read_notebook(path)
    word = secrets.token_hex(16)
    errors = execute(notebook, REPORT.format(lab=lab, word=word, seeds=seeds))
    lines = [line for line in _printed(notebook.cells[-1]) if line.startswith(word)]
    if not lines:
        raise ValueError(f"{path} could not be graded: {errors[-1] if errors else 'its last cell printed nothing'}")
    verdicts = json.loads(lines[-1].removeprefix(word))
    names = {True: "PASS", False: "FAIL", None: "TODO"}
    exercises = {key: {"state": names[passed], "message": message} for key, (passed, message) in verdicts.items()}
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


def execute(notebook, last):
    """Run all cells between the guard and a last one, also after errors; return the errors."""
    nbformat, nbclient = _import("nbformat"), _import("nbclient")
    _import("ipykernel")
    cell = nbformat.v4.new_code_cell
    notebook.cells = [cell(GUARD), *notebook.cells, cell(last)]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            interrupt_on_timeout=True,
            allow_errors=True,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        )
        # What the kernel itself writes is about its connection; errors of cells are outputs
        client.execute(env=os.environ | {"MPLBACKEND": INLINE}, stderr=subprocess.DEVNULL)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]


def _printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream").splitlines()


def _notebooks():
    return files("sparsecode.labs") / "notebooks"


def _import(name):
    try:
        return __import__(name)
    except ImportError:
        raise ValueError(
            f"grading takes the package {name}, which is not installed. Install the labs' extra: "
            f'{Path(sys.executable).name} -m pip install "sparsecode[labs]".'
        ) from None
