"""Run scripts that standard input names, one after the other, each in a fork of this process.

Importing what scripts import takes longer than many of them, and a fork has it already; of all else it has nothing that
another script has left. Where systems cannot fork, each script is a process of its own.
"""

import importlib
import json
import os
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

from sparsecode._cli.labs import GUARD

#: What most scripts import.
PRELOADED = (
    "matplotlib.pyplot",
    "sklearn.datasets",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "xarray",
    "sparsecode.coding",
    "sparsecode.convolutional",
    "sparsecode.dendrites",
    "sparsecode.receptive_fields",
    "sparsecode.sdr",
    "sparsecode.temporal",
)


def run_here(script, output, errors):
    """Run a script as `python script` would, with files for what it prints, and end this process."""
    code = 1
    try:
        for stream, path in ((sys.stdout, output), (sys.stderr, errors)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
        os.chdir(Path(script).parent)
        sys.argv = [script]
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_apart(script, output, errors):
    """Run a script as a process of its own."""
    with Path(output).open("w") as out, Path(errors).open("w") as err:
        return subprocess.run(
            [sys.executable, script], stdout=out, stderr=err, cwd=Path(script).parent, check=False
        ).returncode


if __name__ == "__main__":
    forks = hasattr(os, "fork")
    exec(GUARD, {})  # noqa: S102, the network is closed to this process and its forks
    for name in PRELOADED if forks else ():
        importlib.import_module(name)
    for line in sys.stdin:
        if not forks:
            code = run_apart(*json.loads(line))
        elif child := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            run_here(*json.loads(line))
        print(code, flush=True)
