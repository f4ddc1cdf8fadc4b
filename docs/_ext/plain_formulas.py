r"""Docstrings are written for terminals: ``codes_``, ``*shape`` and ``|x|`` stand in them as plain text.

reStructuredText takes these for targets, emphasis and substitutions. Behind numpydoc, what is neither code nor meant
as markup gets its backslashes here, so that one docstring serves both readers.
"""

import re

MARKUP = re.compile(
    r"``.+?``|:[\w:]+:`[^`]+`|`[^`]+`_?|\*\*\S(?:.*?\S)??\*\*|(?<![\w*])\*\w[^*]*\w\*(?![\w*])|\[[\w.-]+\]_"
)
SPECIAL = re.compile(r"(?<=\w)_(?!\w)|\*|\|")


def escape(line):
    """Return a line whose characters outside of markup stand for themselves."""
    indent = len(line) - len(line.lstrip())
    if line.lstrip().startswith(("* ", ".. ", ":", "| ", "+-", "+=")):
        indent = line.index(" ", indent) if " " in line[indent:] else len(line)
    parts, end = [line[:indent]], indent
    for found in MARKUP.finditer(line, indent):
        parts += [SPECIAL.sub(r"\\\g<0>", line[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, SPECIAL.sub(r"\\\g<0>", line[end:])])


def is_formula(lines, i):
    """Tell whether a line begins a paragraph that stands further right than the text before it."""
    if i < 2 or lines[i - 1].strip() or not lines[i].startswith("    ") or lines[i].lstrip().startswith((">>>", "* ")):
        return False
    start = i - 2
    while start > 0 and lines[start - 1].strip():
        start -= 1
    return bool(lines[start].strip()) and not lines[start].startswith((" ", "..", ":", "* ", "- ", "1."))


def process(app, what, name, thing, options, lines):
    """Escape the lines of a docstring, code left out."""
    block, doctest = None, False
    formulas = [i for i in range(len(lines)) if is_formula(lines, i)]
    for i in reversed(formulas):
        lines[i:i] = [".. code-block:: text", ""]
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        doctest = bool(line.strip()) and (doctest or line.lstrip().startswith(">>>"))
        if block is not None and line.strip() and indent <= block:
            block = None
        if block is None and not doctest:
            lines[i] = escape(line)
            if line.rstrip().endswith("::") or line.lstrip().startswith((".. math", ".. code")):
                block = indent


def setup(app):
    """Listen to docstrings, after numpydoc has."""
    app.connect("autodoc-process-docstring", process, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
