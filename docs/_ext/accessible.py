"""What themes and extensions leave out for readers who do not see the page, put into the pages at the end."""

import re
from pathlib import Path

MENDS = [
    # Arrows of the navigation have no name
    (r'<summary><span class="toctree-toggle"', '<summary aria-label="Pages below"><span class="toctree-toggle"'),
    # Links over thumbnails have a text that is not shown, and thumbnails the same as their title
    (
        r'(<p><a class="reference internal" )(href="[^"]*"><span class="[^"]*">)([^<]*)(</span></a></p>\s*'
        r'<div class="sphx-glr-thumbnail-title">)',
        r'\1aria-label="\3" \2\3\4',
    ),
    # Roles of bibliographies that are deprecated, or not allowed there
    (r' role="doc-biblioentry"', ""),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    # The corner of a table is no heading
    (r'<th class="head"><p></p></th>', "<td></td>"),
]


def mend(app, error):
    """Mend all pages of a build that has come to its end."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = mended = path.read_text(encoding="utf-8")
        for found, instead in MENDS:
            mended = re.sub(found, instead, mended)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def setup(app):
    """Wait for the end of the build."""
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
