"""Files that are written during a build."""


def write(path, text):
    """Write a file unless it is so already, as what is newer is built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
