"""Formulas as MathML, by the converter of docutils.

Browsers of today draw it themselves: no script, nothing to download, and screen readers know it.
"""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError


def convert(node, *, as_block):
    """Return the MathML of a formula, which must be one that the converter knows."""
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except (SyntaxError, ValueError) as error:
        raise ExtensionError(f"{node.source}: no MathML for {node.astext()!r}: {error}") from error


def inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(convert(node, as_block=False))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula of its own."""
    translator.body.append(f'<div class="math" tabindex="0">{convert(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
