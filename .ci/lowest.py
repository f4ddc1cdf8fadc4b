"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

Requirements are those of the library and of the extras that are named, or else of all that users and tests need. With
``--python`` the lowest Python is printed instead.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"

#: Extras that are for users and for tests; the others build the site and compare with other libraries.
EXTRAS = ("test", "dask", "nir", "labs", "video")

BOUND = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])? *>= *([\d.]+)")


def requirements(extras=EXTRAS):
    """Return the requirements of the library and of extras, as pyproject.toml has them."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    return project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]


def lowest(lines):
    """Return the lowest version by name; raise for what is no lower bound, and for two bounds of one name."""
    found = {}
    for line in lines:
        bound = BOUND.fullmatch(line)
        if not bound:
            raise ValueError(f"{line!r} in pyproject.toml is not of the form name>=version.")
        name, version = bound.groups()
        if found.setdefault(name, version) != version:
            raise ValueError(f"pyproject.toml has two bounds of {name}: {found[name]} and {version}.")
    return found


def main(arguments):
    """Print one line a package, or the lowest Python."""
    if arguments[:1] == ["--python"]:
        print(re.search(r"[\d.]+", tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["requires-python"])[0])
        return
    for name, version in sorted(lowest(requirements(arguments or EXTRAS)).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main(sys.argv[1:])
