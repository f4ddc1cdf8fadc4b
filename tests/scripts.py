"""Gallery scripts, run in processes of their own beside the other tests, to which the network is closed."""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from sparsecode._cli.labs import GUARD


class Run(NamedTuple):
    """What a script has left behind."""

    returncode: int
    output: str
    errors: str
    figure: bytes


class Scripts:
    """Runs of scripts, two at a time, of those that will be asked for."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.pool = ThreadPoolExecutor(2)
        self.runs = {}
        self.processes = []

    def start_all(self):
        """Start to run all scripts, if none has been asked for."""
        if not self.runs:
            self.runs = {script: self.pool.submit(self._run, script) for script in self.wanted}

    def result(self, script):
        """Return the run of a script, waiting for it if need be."""
        self.start_all()
        return self.runs[script].result()

    def close(self):
        """Forget scripts that nobody waits for any more."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        for process in self.processes:
            process.kill()

    def _run(self, script):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copy(script, folder))
            # Behind the tests, some of which say how soon they are answered
            behind = ["nice", "-n", "19"] if shutil.which("nice") else []
            Path(folder, "sitecustomize.py").write_text(GUARD, encoding="utf-8")
            paths = [folder, *filter(None, [os.environ.get("PYTHONPATH")])]
            process = subprocess.Popen(
                [*behind, sys.executable, copy], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
                env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(paths)},
            )  # fmt: skip
            self.processes.append(process)
            output, errors = process.communicate()
            figure = copy.with_suffix(".png")
            return Run(process.returncode, output, errors, figure.read_bytes() if figure.exists() else b"")
