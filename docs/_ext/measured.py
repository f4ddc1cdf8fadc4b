"""Numbers in prose that benchmarks have measured: {measured}`temporal_memory > bytes / synapse`.

The words lead into `benchmarks/results/temporal_memory.json`, by keys of dicts. In a list of rows, as the comparison
with other libraries has it, a word keeps the rows in which it is one of the values. So pages say what the last run
measured, to two digits.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxRole


def found(results, words):
    """Return the number that words lead to."""
    for word in words:
        if isinstance(results, dict) and word not in results and "rows" in results:
            results = results["rows"]
        if isinstance(results, dict):
            results = results[word]
        elif rows := [row for row in results if word in row.values()]:
            results = rows
        else:
            results = results[0][word]
    return float(results)


def shown(value):
    """Return a number to two digits; more of them before the point are zeros."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:.0f}" if rounded >= 10 else f"{rounded:g}"


class Measured(SphinxRole):
    """The role."""

    def run(self):
        """Return a number as text."""
        name, *words = (word.strip() for word in self.text.split(" > "))
        path = Path(self.env.srcdir).parent / "benchmarks" / "results" / f"{name}.json"
        self.env.note_dependency(str(path))
        try:
            text = shown(found(json.loads(path.read_text(encoding="utf-8")), words))
        except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
            message = f"no measured number at {self.text!r} ({type(error).__name__})"
            return [], [self.inliner.reporter.error(message, line=self.lineno)]
        return [nodes.Text(text)], []


def setup(app):
    """Register the role."""
    app.add_role("measured", Measured())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
