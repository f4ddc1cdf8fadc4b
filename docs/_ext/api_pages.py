"""Pages of the API reference: one for each room of the library, of the names that it offers."""

import importlib
import inspect
from pathlib import Path

from unchanged import write

import sparsecode

#: Rooms in the order in which data pass through them.
ROOMS = [
    "datasets",
    "preprocessing",
    "dictionary",
    "coding",
    "penalties",
    "solvers",
    "convolutional",
    "sdr",
    "dendrites",
    "dendrites.theory",
    "temporal",
    "receptive_fields",
    "metrics",
    "plot",
    "labeled",
    "encoder",
    "labs",
]
INDEX = """
API reference
=============

Every public class and function, room by room. Pages end with the gallery scripts that use what they describe.

Inputs ``X`` have one sample a row. Encoders are scikit-learn transformers: ``fit``, ``transform``, ``get_params``,
``set_params``, ``set_output`` and ``get_feature_names_out`` work as they do there, and are listed only where there is
more to say.

.. toctree::
   :maxdepth: 1

"""


def listed_names(module):
    """Return the public names of a module."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and inspect.isfunction(thing) and thing.__module__ == module.__name__
    ]


def shortest_name(room, name):
    """Return the name by which an object is imported."""
    return f"sparsecode.{name}" if name in sparsecode.__all__ else f"sparsecode.{room}.{name}"


def tables(entries):
    """Return the tables of classes, functions and values."""
    kinds = {"Classes": [], "Functions": [], "Values": []}
    for full, thing in entries:
        kind = "Classes" if inspect.isclass(thing) else "Functions" if callable(thing) else "Values"
        kinds[kind].append(full)
    text = ""
    for kind, names in kinds.items():
        if names:
            template = "   :template: autosummary/class.rst\n" if kind == "Classes" else ""
            text += f".. rubric:: {kind}\n\n.. autosummary::\n   :toctree: generated\n{template}   :nosignatures:\n\n"
            text += "".join(f"   ~{name}\n" for name in sorted(names, key=lambda name: name.rpartition(".")[2].lower()))
            text += "\n"
    return text


def page(title, about, entries):
    """Return the page of a room."""
    return f"{title}\n{'=' * len(title)}\n\n{about}\n\n{tables(entries)}"


def generate(app, config):
    """Write all pages."""
    folder, done, pages = Path(app.srcdir) / "api", {"__version__"}, {}
    for room in ROOMS:
        module, entries = importlib.import_module(f"sparsecode.{room}"), []
        for name in listed_names(module):
            thing, full = getattr(module, name), shortest_name(room, name)
            elsewhere = getattr(thing, "__module__", None) or f"sparsecode.{room}"
            if full not in done and not inspect.ismodule(thing) and elsewhere.startswith(f"sparsecode.{room}"):
                done.add(full)
                entries.append((full, thing))
        pages[room] = page(f"sparsecode.{room}", inspect.cleandoc(module.__doc__ or ""), entries)
    rest = [(f"sparsecode.{name}", getattr(sparsecode, name)) for name in sparsecode.__all__ if name != "__version__"]
    rest = [(full, thing) for full, thing in rest if full not in done and not inspect.ismodule(thing)]
    about = "What belongs to no room: files, checkpoints, and the first names to import."
    pages["sparsecode"] = page("sparsecode", about, rest)
    for name, text in pages.items():
        write(folder / f"{name}.rst", text)
    write(folder / "index.rst", INDEX + "".join(f"   {name}\n" for name in ["sparsecode", *ROOMS]))


def is_skipped(app, what, name, thing, skip, options):
    """Leave out what scikit-learn has given a class, and documents itself."""
    elsewhere = str(getattr(thing, "__module__", None)).startswith("sklearn")
    return True if elsewhere or name.endswith("_request") else None


def setup(app):
    """Write pages before Sphinx looks for them."""
    app.connect("config-inited", generate)
    app.connect("autodoc-skip-member", is_skipped)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
