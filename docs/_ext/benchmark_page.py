"""The page of benchmarks, written from the JSON files that benchmarks leave in `benchmarks/results`.

What has not been measured has no numbers here: the page then says which command measures it.
"""

import json
import re
from pathlib import Path

from unchanged import write

#: File of results, title, command, and what it measures.
BENCHMARKS = [
    ("versus", "Against other libraries", "versus", "l1 codes, pursuit, learning and more, against other libraries"),
    (
        "convolutional",
        "Convolutional codes against other libraries",
        "versus --tasks convolutional convolutional-1d",
        "l1 codes of images and signals, against SPORCO and alphacsc",
    ),
    ("beyond_l1", "Beyond l1", "beyond_l1.py", "coders at matched sparsity or matched error"),
    ("heterogeneous_kernels", "Heterogeneous kernels", "heterogeneous_kernels.py", "one bandwidth or six"),
    ("out_of_core", "Out of core", "out_of_core.py", "learning from a file, killed on the way"),
    (
        "memory_scale",
        "A macrocolumn memory as items come",
        "memory_scale.py",
        "recall and storing against scans of all items",
    ),
    ("memory_classes", "Macrocolumns as classifiers", "memory_classes.py", "accuracy on digits and clothing"),
    ("temporal_memory", "Temporal memory", "temporal_memory.py", "rows a second with 100 000 segments"),
    ("video_memory", "A clip as one sequence", "video_memory.py", "a film stored in one pass and replayed"),
    ("delta_video", "Films by their changes", "delta_video.py", "convolutions of films, frame by frame or by changes"),
]
#: Options of benchmarks that say nothing about what was measured.
NOT_SHOWN = ("folder", "json", "no_kill")
HEAD = """
# Benchmarks

Numbers in tables come from files that the scripts in `benchmarks/` have written. Those in the last section, of
benchmarks that have left no file, are typed in from the run that it describes. Times depend on the machine and on what
else it does, so look at ratios. What each task measures, and how it is kept fair, is
in the [last section](#how-benchmarks-are-run). Where a benchmark keeps several numbers, of rounds or images, their
median is shown. Figures that decided between two ways of doing things, with the machine they were measured on, are in
[](developer/design.md).
"""
MISSING = """
Not measured for this build of the site. It is measured, and shown here by the next build, with

```text
python benchmarks/{script} --json benchmarks/results/{name}.json
```
"""


def number(value):
    """Return a value as it is shown."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(number(part) for part in value)
    return "-" if value is None else str(value).replace("|", "\\|")


def table(rows):
    """Return a Markdown table of dicts that have the same keys."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(number(row.get(key)) for key in rows[0]) + " |" for row in rows]
    return "\n".join(lines)


def flat(row, name=""):
    """Return a dict with the numbers of the dicts in it, under both names."""
    found = {}
    for key, value in row.items():
        inner = f"{name} {key}".strip()
        found |= flat(value, inner) if isinstance(value, dict) else {inner: value}
    return found


def named(results):
    """Return the tables of nested dicts of numbers: one for all dicts that have the same keys."""
    if not any(isinstance(value, dict) for value in results.values()):  # names and numbers
        values = {key: value for key, value in results.items() if key not in NOT_SHOWN and value is not None}
        return table([{"": key, "value": median(value)} for key, value in values.items()])
    by_columns = {}
    for name, row in leaves(results):
        by_columns.setdefault(tuple(row), []).append({"": name} | row)
    return "\n\n".join(table(rows) for rows in by_columns.values())


def leaves(results, name=""):
    """Yield the innermost dicts with their names; numbers beside dicts are one row each."""
    plain = {key: value for key, value in results.items() if not isinstance(value, dict)}
    if len(plain) == len(results):
        yield name, {key: median(value) for key, value in plain.items()}
        return
    yield from ((f"{name} {key}".strip(), {"value": value}) for key, value in plain.items())
    for key, value in results.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{name}, {key}".removeprefix(", "))


def median(value):
    """Return the median of a list of numbers, others as they are."""
    numbers = isinstance(value, list) and all(isinstance(x, int | float) for x in value)
    return float(sorted(value)[len(value) // 2]) if numbers and value else value


def by_task(results):
    """Return the tables of a comparison with other libraries, one for each task."""
    tasks = {}
    for row in results["rows"]:
        tasks.setdefault(row["task"], []).append({key: value for key, value in row.items() if key != "task"})
    return "\n\n".join([table([results["machine"]]), *(f"### {task}\n\n{table(rows)}" for task, rows in tasks.items())])


def labelled(results):
    """Return the table of a comparison of coders, means over seeds."""
    import xarray as xr

    means = xr.Dataset.from_dict(results).drop_dims("quantile", errors="ignore").mean("seed")
    return table(means.to_dataframe().reset_index().to_dict("records"))


def shown(results):
    """Return the tables of a file of results, whichever benchmark has written it."""
    if isinstance(results, list):
        return table([flat(row) for row in results])
    if all(isinstance(value, list) and isinstance(value[0], dict) for value in results.values()):
        return table([{"": name} | flat(row) for name, rows in results.items() for row in rows])
    if "rows" in results and "machine" in results:
        return by_task(results)
    return labelled(results) if "data_vars" in results else named(results)


def generate(app, config):
    """Write the page."""
    benchmarks = Path(app.srcdir).parent / "benchmarks"
    parts = [HEAD]
    known = {name for name, *_ in BENCHMARKS}
    others = sorted(path.stem for path in (benchmarks / "results").glob("*.json") if path.stem not in known)
    for name, title, script, about in [*BENCHMARKS, *((name, name, f"{name}.py", "results") for name in others)]:
        path = benchmarks / "results" / f"{name}.json"
        found = path.exists()
        body = shown(json.loads(path.read_text())) if found else MISSING.format(script=script, name=name).strip()
        parts.append(f"## {title}\n\n`benchmarks/{script}`: {about}.\n\n{body}\n")
    readme = (benchmarks / "README.md").read_text(encoding="utf-8").partition("\n")[2]
    parts.append("## How benchmarks are run\n" + re.sub("^## ", "### ", readme, flags=re.MULTILINE))
    write(Path(app.srcdir) / "benchmarks.md", "\n".join(parts).lstrip())


def setup(app):
    """Write the page before anything is read."""
    app.connect("config-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
