"""Gallery scripts, run beside the other tests, some with smaller constants; the network is closed to them."""

import ast
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

N_SERVERS = 2


class Run(NamedTuple):
    """What a script has left behind."""

    returncode: int
    output: str
    errors: str
    figure: bytes


def with_constants(source, constants):
    """Return the source of a script where names that its module assigns once have other values."""
    tree = ast.parse(source)
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    values = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            in_row = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            pairs = zip(target.elts, node.value.elts, strict=True) if in_row else [(target, node.value)]
            values |= {name.id: value for name, value in pairs if isinstance(name, ast.Name)}
    for name in constants:
        if name not in values or stored.count(name) != 1:
            raise ValueError(f"{name} is not assigned exactly once, at the top level of the script")
    lines = source.encode().splitlines(keepends=True)  # columns are numbers of bytes
    for name in sorted(constants, key=lambda name: (values[name].lineno, values[name].col_offset), reverse=True):
        value = values[name]
        if value.end_lineno != value.lineno:
            raise ValueError(f"the value of {name} takes more than one line")
        line = lines[value.lineno - 1]
        new = repr(constants[name]).encode()
        lines[value.lineno - 1] = line[: value.col_offset] + new + line[value.end_col_offset :]
    return b"".join(lines).decode()


class Scripts:
    """Runs of scripts, each with its constants, two at a time of those that will be asked for, or when they are."""

    def __init__(self, wanted, *, beside):
        self.wanted = wanted
        self.beside = beside
        self.pool = ThreadPoolExecutor(N_SERVERS if beside else 1)
        self.servers = threading.local()  # one for each thread of the pool
        self.processes = []
        self.runs = {}

    def start_all(self):
        """Start to run all scripts, where they run beside the tests, if none has been asked for."""
        if self.beside and not self.runs:
            self.runs = {script: self.pool.submit(self._run, script) for script in self.wanted}

    def result(self, script):
        """Return the run of a script, waiting for it if need be."""
        self.start_all()
        if script not in self.runs:
            self.runs[script] = self.pool.submit(self._run, script)
        return self.runs[script].result()

    def close(self):
        """Forget scripts that nobody waits for any more."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        for process in self.processes:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):  # of one that had ended by itself
                process.stdin.close()

    def _run(self, script):
        if not hasattr(self.servers, "own"):
            self.servers.own = start_server(behind=self.beside)
            self.processes.append(self.servers.own)
        return run(self.servers.own, script, self.wanted[script])


def start_server(*, behind):
    """Start a process that runs scripts, behind the tests, some of which say how soon they are answered."""
    command = [sys.executable, "-P", Path(__file__).with_name("script_server.py")]
    if behind and shutil.which("nice"):
        command = ["nice", "-n", "19", *command]
    group = {"process_group": 0} if hasattr(os, "killpg") else {}  # it ends with its children
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "MPLBACKEND": "Agg"},
        **group,
    )  # fmt: skip


def run(server, script, constants):
    """Let a server run a copy of a script."""
    with tempfile.TemporaryDirectory() as folder:
        copy, output, errors = (Path(folder, name) for name in (script.name, "output", "errors"))
        copy.write_text(with_constants(script.read_text("utf-8"), constants), "utf-8")
        print(json.dumps([str(path) for path in (copy, output, errors)]), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        figure = copy.with_suffix(".png")
        return Run(code, output.read_text(), errors.read_text(), figure.read_bytes() if figure.exists() else b"")
