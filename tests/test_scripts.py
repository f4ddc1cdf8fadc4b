"""Gallery scripts with other constants, and the processes that run them."""

import numpy as np
import pytest

from .scripts import Scripts, with_constants
from .test_gallery import SCRIPTS, SMALLER

SOURCE = '''"""A µ script."""

SIZE, SEEDS = 12, range(3)  # µ
NAMES = ["a", "b"]
LONG = (
    1,
)
for SEED in range(2):
    twice = 1
twice = 2


def f(SEEDS):
    LOCAL = 3
    return SEEDS + LOCAL
'''


def test_names_of_the_top_level_take_other_values():
    assert with_constants(SOURCE, {}) == SOURCE
    changed = with_constants(SOURCE, {"SEEDS": range(1), "NAMES": ["ä"], "SIZE": 3})
    assert changed.splitlines()[2:4] == ["SIZE, SEEDS = 3, range(0, 1)  # µ", "NAMES = ['ä']"]
    assert changed.splitlines()[4:] == SOURCE.splitlines()[4:]


@pytest.mark.parametrize("name", ["SEED", "twice", "LOCAL", "f", "MISSING"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is not assigned exactly once, at the top level"):
        with_constants(SOURCE, {name: 1})


def test_values_of_some_lines_are_refused():
    with pytest.raises(ValueError, match="the value of LONG takes more than one line"):
        with_constants(SOURCE, {"LONG": 1})


def test_constants_of_all_scripts_are_there():
    stems = {path.stem: path.read_text("utf-8") for path in SCRIPTS}
    assert set(SMALLER) <= set(stems)
    for stem, constants in SMALLER.items():
        assert with_constants(stems[stem], constants) != stems[stem]


@pytest.mark.slow
def test_scripts_share_nothing_but_imports(tmp_path):
    """What one leaves behind in modules, folders and files is not there for the next; each has its own errors."""
    sources = {
        "first": "import os, numpy\nN = 1\nnumpy.left = N\nopen('left', 'w').close()\nos.chdir('/')\nprint(numpy.left)",
        "second": "import os, numpy\nprint(hasattr(numpy, 'left'), __name__, os.path.exists('left'))\n"
        "open('second.png', 'wb').write(b'figure')",
        "third": "print('before')\nraise SystemError('on purpose')",
        "fourth": "import os\nos.abort()",
        "fifth": "print('still here')",
    }
    paths = []
    for name, source in sources.items():
        paths.append(tmp_path / f"{name}.py")
        paths[-1].write_text(source)
    scripts = Scripts({path: {"N": 2} if path.stem == "first" else {} for path in paths}, beside=False)
    try:
        first, second, third, fourth, fifth = map(scripts.result, paths)
    finally:
        scripts.close()
    assert first == (0, "2\n", "", b"")
    assert second == (0, "False __main__ False\n", "", b"figure")
    assert (third.returncode, third.output) == (1, "before\n")
    assert third.errors.endswith("SystemError: on purpose\n")
    assert fourth.returncode != 0
    assert fifth.output == "still here\n"
    assert not hasattr(np, "left")
