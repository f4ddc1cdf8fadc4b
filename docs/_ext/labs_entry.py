"""The labs are in the navigation as soon as `docs/labs/index.md` is there."""

from pathlib import Path

PLACE = "<!-- labs -->"


def enter(app, docname, source):
    """Write the entry where the first page has a place for it."""
    if docname == "index":
        found = (Path(app.srcdir) / "labs" / "index.md").exists()
        source[0] = source[0].replace(PLACE, "labs/index" if found else "")


def read_again(app, env, added, changed, removed):
    """Read the first page again, as what it depends on is no change of its own."""
    return ["index"] if "index" in env.found_docs else []


def setup(app):
    """Listen to sources."""
    app.connect("source-read", enter)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
