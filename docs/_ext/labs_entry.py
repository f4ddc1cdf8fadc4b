"""The labs are in the navigation as soon as `docs/labs/index.md` is there, and their web pages are in the site.

Those are written by `docs/labs/build.py`, with what cells print and draw where scripts of the gallery run too.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

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
        command = [sys.executable, source / "build.py", "--out", folder / "site" / "labs", *run]
        subprocess.run([*command, "--flavours", "html", "answers"], check=True)  # noqa: S603
        note.write_text(stamp)


def setup(app):
    """Listen to sources."""
    app.connect("config-inited", write_pages)
    app.connect("source-read", enter)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
