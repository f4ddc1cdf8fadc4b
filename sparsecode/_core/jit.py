"""The one door to Numba: `kernel` compiles a function; methods of penalties and Gram matrices are opened to kernels.

Three things that Numba's disk cache leaves to its users are done here.

* A cached kernel is keyed on its own source file, so that machine code would outlive an edit of a
  function that it calls. Kernels are stamped with a hash of all kernel sources of the package, and
  versions for classes from elsewhere (the penalties of users) are not kept on disk.
* Two processes that compile different versions of one kernel at once may give their files one name, and the
  next process would run the wrong one. Here a file says which version it holds, and another is a miss.
* One truncated cache file would break every later process. Here it is a miss: a `CacheWarning`,
  a new compilation, and the file is replaced.
"""

import functools
import hashlib
import sys
import warnings
from pathlib import Path
from pickle import UnpicklingError

import numba
from numba.core import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.extending import overload_method

from .parts import PART_OPTIONS, Kernel, PartCompiler

#: Reorderings that keep NaN and infinity visible (``nnan`` and ``ninf`` would delete the tests for them).
#: In a kernel test with ``x < np.inf``: `np.isfinite` is computed as ``x - x == 0``, which these fold to true.
SAFE_FASTMATH = frozenset({"contract", "reassoc", "nsz", "arcp"})

#: Every compiled kernel of this process by qualified name, for `warmup` and for the tests that count versions.
KERNELS = {}

_DAMAGE = (
    EOFError,
    UnpicklingError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    OSError,
)


class CacheWarning(UserWarning):
    """The disk cache of compiled kernels could not be used; results are right, the start is slower."""


def kernel(function, *, fastmath=SAFE_FASTMATH, disjoint=False):
    """Compile `function` without the GIL and cache it on disk; used as ``name = kernel(_name)``.

    Assignment instead of decoration keeps the plain Python body reachable for coverage and mutation tools.
    A kernel allocates nothing: without Numba's run-time (``_nrt=False``) arrays, also those in NamedTuples,
    pass between kernels without atomic reference counts, which took a quarter of the time of small problems.
    Kernels that it calls are inlined always: a process that has just compiled them would call their own code,
    one that loads the caller from disk the copies within it, and the two need not agree to the last bit. So
    machine code is made, and kept on disk, of what Python calls only.

    With `disjoint` the compiler may take it that, where other kernels call it, arrays that it writes overlap no other
    argument: sums over a loop then stay in registers.
    """
    if numba.config.DISABLE_JIT:
        return function
    options = {"nogil": True, "error_model": "numpy", "fastmath": set(fastmath), "_nrt": False}
    compiled = Kernel(function, targetoptions=options, disjoint=disjoint)
    _enable_cache(compiled)
    KERNELS[f"{function.__module__}.{function.__name__}"] = compiled
    return compiled


def _open_method(signature):
    """Let kernels call the method of any bound penalty or Gram matrix; argument names must equal those of the method.

    A NamedTuple whose fields share one type is a NamedUniTuple to Numba: both kinds are needed.
    """
    name, _, arguments = signature.partition("(")
    scope = {"name": name}
    exec(f"def method({arguments}: return getattr(self.instance_class, name, None)", scope)  # noqa: S102
    options = {**PART_OPTIONS, "pipeline_class": PartCompiler}
    for kind in (types.NamedTuple, types.NamedUniTuple):
        overload_method(kind, name, jit_options=options)(scope["method"])


for _signature in (
    "cost(self, m, j)",
    "shrink(self, m, step, j)",
    "value(self, u, j)",
    "prox(self, x, step, j)",
    "violation(self, u, g, step, j)",
    "value_row(self, w)",
    "prox_row(self, z, step, w)",
    "refresh(self, c, w, work)",
    "begin(self, i, w)",
    "enter(self, j)",
):
    _open_method(_signature)


@functools.lru_cache(maxsize=1)
def kernel_sources_hash():
    """Return the SHA-256 of all source files of the package that can take part in a kernel."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        source = path.read_bytes()
        if any(word in source for word in (b"jit", b"kernel", b"separable")):  # one is in whatever kernels can reach
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(source)
    return digest.hexdigest()


def _enable_cache(dispatcher):
    try:
        dispatcher._cache = _StampedCache(dispatcher.py_func)
    except RuntimeError as error:  # no folder that numba may write to
        _warn(f"compiled kernels are not kept on disk ({error}); set NUMBA_CACHE_DIR to a writable folder")


class LabeledFile(IndexDataCacheFile):
    """Numba's files of one kernel, each with a label of what it holds."""

    def save(self, key, data):
        super().save(key, (self._source_stamp, key, data))

    def load(self, key):
        found = super().load(key)
        return found[2] if found and found[:2] == (self._source_stamp, key) else None


class _StampedCache(FunctionCache):
    """Numba's function cache, keyed on all kernel sources and tolerant of damaged or unwritable files."""

    def __init__(self, py_func):
        super().__init__(py_func)
        numbas = self._cache_file
        stamp = numbas._source_stamp, kernel_sources_hash()
        self._cache_file = LabeledFile(numbas._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig, target_context):
        if has_outside_class(sig):
            return None
        try:
            return super().load_overload(sig, target_context)
        except (AttributeError, ImportError):
            # Written by another version of the package, whose classes were elsewhere
            self._forget()
            return None
        except _DAMAGE as error:
            _warn(f"unreadable cache entry of kernel {self._name} is compiled anew ({error!r})")
            self._forget()
            return None

    def save_overload(self, sig, data):
        if has_outside_class(sig):
            return
        try:
            super().save_overload(sig, data)
        except _DAMAGE as error:
            _warn(f"kernel {self._name} could not be kept in {self.cache_path} ({error!r})")

    def _forget(self):
        try:
            self.flush()
        except OSError as error:
            _warn(f"damaged cache folder {self.cache_path} cannot be cleaned ({error}); delete it by hand")


def has_outside_class(argument_types):
    """Tell whether a NamedTuple class takes part whose methods may change without a change of the stamp.

    An index with such a class could not even be read by a process that cannot import it.
    """
    for type_ in argument_types:
        cls = getattr(type_, "instance_class", None)
        if cls is not None:
            inside = cls.__module__.partition(".")[0] == __name__.partition(".")[0]
            if not inside or getattr(sys.modules.get(cls.__module__), cls.__qualname__, None) is not cls:
                return True
        if has_outside_class(getattr(type_, "types", ())):
            return True
    return False


def _warn(message):
    warnings.warn(message, CacheWarning, stacklevel=2)
