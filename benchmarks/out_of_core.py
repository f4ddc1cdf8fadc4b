"""Learn from a file of patches that need not fit in memory, be killed half-way, and go on: speed and memory.

python benchmarks/out_of_core.py [--rows 400000] [--side 16] [--atoms 256] [--code] [--folder FOLDER] [--json FILE]

The file has rows * side * side * 4 bytes, by default 0.4 GB; 1 000 000 patches of 32 x 32 take 4.1 GB. Three processes
fit it with checkpoints: one from end to end, one that is killed at half of the blocks, and one that goes on from there
and must end with the same bits. Patches a second are those of the first, coding and learning together. Anonymous memory
is what the fit has allocated; the peak of resident memory also counts pages of the file that the system may take back.
With --code the first process then codes the whole file, to sparse codes (CSR).
"""

import argparse
import json
import multiprocessing
import os
import resource
import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from sparsecode import Checkpoint, PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images

CHUNK = 20_000  # patches drawn at a time


class Reader:
    """Blocks of a file, which notes when each was read and may end the process."""

    def __init__(self, path, shape, block, last):
        self.rows = np.memmap(path, np.float32, "r", shape=shape)
        self.block, self.last = block, last
        self.times = []

    def __len__(self):
        return -(-len(self.rows) // self.block)

    def __getitem__(self, number):
        self.times.append(time.perf_counter())
        if len(self.times) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.rows[number * self.block : (number + 1) * self.block]


def write_patches(path, rows, side):
    """Write whitened patches of the bundled photographs."""
    images = Whitener().fit_transform(natural_images())
    with open(path, "wb") as file:
        for start in range(0, rows, CHUNK):
            extractor = PatchExtractor(side, n_patches=min(CHUNK, rows - start), center=True, random_state=start)
            file.write(extractor.fit_transform(images).astype(np.float32).tobytes())


class Peak:
    """The most anonymous memory within a `with` block, beyond that at its beginning."""

    def __enter__(self):
        self.bytes, self.before, self.done = 0, anonymous_memory(), threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()
        return self

    def watch(self):
        while not self.done.wait(0.02):
            self.bytes = max(self.bytes, anonymous_memory() - self.before)

    def __exit__(self, *error):
        self.done.set()


def anonymous_memory():
    """Return the bytes that this process has allocated and touched."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


def run(options, path, folder, last, results):
    """Fit the file once, until block `last` is read."""
    params = {"alpha": options.alpha, "n_jobs": options.jobs, "random_state": 0, "max_iter": options.epochs}
    rng = np.random.default_rng(0)
    SparseCoder(8, **params).fit_blocks([rng.standard_normal((64, 9), dtype=np.float32)])  # compiles
    source = Reader(path, (options.rows, options.side**2), options.block, last)
    coder = SparseCoder(options.atoms, **params, tol=0, encode_tol=options.gap, sparse_output=True)
    checkpoint = Checkpoint(folder, every_seconds=options.every)
    started = time.perf_counter()
    with Peak() as peak:
        coder.fit_blocks(source, blocks_per_update=options.per_update, checkpoint=checkpoint)
    report = {
        "seconds": time.perf_counter() - started,
        "read": len(source.times) - 2,  # the first and the last block tell which data these are
        "start": source.times[2] - started,
        "before": peak.before,
        "anonymous, beyond": peak.bytes,
        "atoms": coder.components_,
        "objective": coder.history_["objective"].tolist(),
        "sparsity": coder.history_["sparsity"].tolist(),
    }
    if options.code:
        report |= code(coder, source.rows)
    report["resident"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    results.put(report)


def code(coder, X):
    """Return what it takes to code all rows, and how many coefficients are not zero."""
    started = time.perf_counter()
    with Peak() as peak:
        codes = coder.transform(X)
    return {
        "coding, seconds": time.perf_counter() - started,
        "coding, anonymous, beyond": peak.bytes,
        "codes, bytes": codes.data.nbytes + codes.indices.nbytes + codes.indptr.nbytes,
        "codes, share not zero": codes.nnz / (codes.shape[0] * codes.shape[1]),
    }


def in_a_process(*arguments):
    """Return what `run` has put into its queue, None if it was killed."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=run, args=(*arguments, results))
    process.start()
    found = None
    while found is None and (process.is_alive() or not results.empty()):
        if not results.empty():
            found = results.get()
        time.sleep(0.05)
    process.join()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--side", type=int, default=16, help="of a patch, in pixels")
    parser.add_argument("--atoms", type=int, default=256)
    parser.add_argument("--alpha", type=float, default=0.5)
    parser.add_argument("--gap", type=float, default=1e-8, help="relative duality gap of codes")
    parser.add_argument("--block", type=int, default=2000, help="rows of a block")
    parser.add_argument("--per-update", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between checkpoints")
    parser.add_argument("--code", action="store_true", help="code the file too")
    parser.add_argument("--no-kill", action="store_true", help="the first process only")
    parser.add_argument("--folder", help="for file and checkpoints; needs room")
    parser.add_argument("--json", help="file for the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder, "patches.f32")
        write_patches(path, options.rows, options.side)
        whole = in_a_process(options, path, Path(folder, "whole"), None)
        atoms = whole.pop("atoms")
        report = {
            "file": path.stat().st_size,
            "rows a second": options.rows * options.epochs / whole["seconds"],
        } | whole
        report["checkpoint"] = max(file.stat().st_size for file in Path(folder, "whole").iterdir())
        if not options.no_kill:
            half = whole["read"] // 2
            killed = in_a_process(options, path, Path(folder, "killed"), half + 2)
            if killed is not None:
                raise RuntimeError("the process that was to be killed came to its end")
            again = in_a_process(options, path, Path(folder, "killed"), None)
            report["resume, seconds"] = again["start"]
            report["resume, blocks done again"] = again["read"] - (whole["read"] - half + 1)
            report["resume, same bits"] = bool(np.array_equal(again["atoms"], atoms))
    for name, value in report.items():
        print(f"{name:28} {value if isinstance(value, list | bool) else f'{value:.6g}'}")
    if options.json:
        Path(options.json).write_text(json.dumps(vars(options) | report))


if __name__ == "__main__":
    main()
