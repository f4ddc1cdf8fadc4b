"""The labs are in the navigation as soon as `docs/labs/index.md` is there, and their web pages are in the site.

Those are written by `docs/labs/build.py`, with what cells print and draw where scripts of the gallery run too, and so
are the notebooks and scripts that they link to. The search of the site finds what the pages for learners say.
"""

import hashlib
import html
import re
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.utils import new_document

from sparsecode import labs

PLACE = "<!-- labs -->"


def enter(app, docname, source):
    """Write the entry where the first page has a place for it."""
    if docname == "index":
        found = (Path(app.srcdir) / "labs" / "index.md").exists()
        source[0] = source[0].replace(PLACE, "labs/index" if found else "")


def read_again(app, env, added, changed, removed):
    """Read the first page again, as what it depends on is no change of its own."""
    return ["index"] if "index" in env.found_docs else []


def write_pages(app, config):
    """Write the web pages of the labs, unless they are there as they would be written now."""
    run = ["--run"] if config.plot_gallery not in (False, "0", "False") else []
    folder, source = Path(app.srcdir) / "_lab_pages" / ("drawn" if run else "plain"), Path(app.srcdir) / "labs"
    config.html_extra_path = [str(folder / "site")]
    files = sorted([*source.glob("*.py"), source / "page.css", *Path(labs.__file__).parent.rglob("*.py")])
    stamp = hashlib.sha256(b"".join(map(Path.read_bytes, files))).hexdigest()
    note = folder / "stamp"
    if not note.exists() or note.read_text() != stamp:
        command = [sys.executable, source / "build.py", "--out", folder / "site" / "labs", "--site", *run]
        subprocess.run(command, check=True)  # noqa: S603
        note.write_text(stamp)


def feed_search(app, exception):
    """Give the text of the pages to the search, whose index Sphinx has written with pages of its own only."""
    builder = app.builder
    if exception or getattr(builder, "indexer", None) is None:
        return
    for path in sorted(Path(app.config.html_extra_path[0]).glob("labs/html/*.html")):
        text = path.read_text("utf-8")
        document = new_document(str(path))
        for title in re.findall("<h[12]>(.*?)</h[12]>", text):
            document += nodes.section("", nodes.title("", html.unescape(re.sub("<.*?>", "", title))))
        document += nodes.raw("", re.sub("<img .*?>|&[a-z]+;", " ", text), format="html")
        title = html.unescape(re.search("<title>(.*?)</title>", text)[1])
        builder.indexer.feed(f"labs/html/{path.stem}", path.name, f"Lab: {title}", document)
    with open(Path(app.outdir) / builder.searchindex_filename, "w", encoding="utf-8") as file:
        builder.indexer.dump(file, builder.indexer_format)


def setup(app):
    """Listen to sources."""
    app.connect("config-inited", write_pages)
    app.connect("source-read", enter)
    app.connect("build-finished", feed_search)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
