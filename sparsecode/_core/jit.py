"""The one door to Numba: `kernel` compiles a function; methods of bound penalties are opened to kernels.

Two things that Numba's disk cache leaves to its users are done here.

* A cached kernel is keyed on its own source file, so that machine code would outlive an edit of a
  function that it calls. Kernels are stamped with a hash of all kernel sources of the package.
* One truncated cache file would break every later process. Here it is a miss: a `CacheWarning`,
  a new compilation, and the file is replaced.
"""

import functools
import hashlib
import warnings
from pathlib import Path
from pickle import UnpicklingError

import numba
from numba.core import types
from numba.core.caching import FunctionCache
from numba.extending import overload_method

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


def kernel(function, *, fastmath=SAFE_FASTMATH):
    """Compile `function` without the GIL and cache it on disk; used as ``name = kernel(_name)``.

    Assignment instead of decoration keeps the plain Python body reachable for coverage and mutation tools.
    A kernel allocates nothing: without Numba's run-time (``_nrt=False``) arrays, also those in NamedTuples,
    pass between kernels without atomic reference counts, which took a quarter of the time of small problems.
    Kernels that it calls are inlined always: a process that has just compiled them would call their own code,
    one that loads the caller from disk the copies within it, and the two need not agree to the last bit.
    """
    compile_ = numba.njit(nogil=True, error_model="numpy", fastmath=set(fastmath), _nrt=False, forceinline=True)
    compiled = compile_(function)
    if hasattr(compiled, "py_func"):  # with NUMBA_DISABLE_JIT=1 numba hands the plain function back
        _enable_cache(compiled)
        KERNELS[f"{function.__module__}.{function.__name__}"] = compiled
    return compiled


def _threshold(self, j):
    return getattr(self.instance_class, "threshold", None)


def _value(self, u, j):
    return getattr(self.instance_class, "value", None)


def _prox(self, x, step, j):
    return getattr(self.instance_class, "prox", None)


def _violation(self, u, g, j):
    return getattr(self.instance_class, "violation", None)


# Let kernels call these methods of any bound penalty; the argument names must equal those of the methods.
# A NamedTuple whose fields share one type is a NamedUniTuple to Numba: both kinds are needed.
for _kind in (types.NamedTuple, types.NamedUniTuple):
    for _method in (_threshold, _value, _prox, _violation):
        overload_method(_kind, _method.__name__[1:])(_method)


@functools.lru_cache(maxsize=1)
def kernel_sources_hash():
    """Return the SHA-256 of all source files of the package that can take part in a kernel."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        source = path.read_bytes()
        if b"jit" in source:  # whatever takes part in a kernel imports this module, in one form or another
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(source)
    return digest.hexdigest()


def _enable_cache(dispatcher):
    try:
        dispatcher._cache = _StampedCache(dispatcher.py_func)
    except RuntimeError as error:  # no folder that numba may write to
        _warn(f"compiled kernels are not kept on disk ({error}); set NUMBA_CACHE_DIR to a writable folder")


class _StampedCache(FunctionCache):
    """Numba's function cache, keyed on all kernel sources and tolerant of damaged or unwritable files."""

    def __init__(self, py_func):
        super().__init__(py_func)
        index = self._cache_file
        index._source_stamp = (index._source_stamp, kernel_sources_hash())

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except _DAMAGE as error:
            _warn(f"unreadable cache entry of kernel {self._name} is compiled anew ({error!r})")
            self._forget()
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except _DAMAGE as error:
            _warn(f"kernel {self._name} could not be kept in {self.cache_path} ({error!r})")

    def _forget(self):
        try:
            self.flush()
        except OSError as error:
            _warn(f"damaged cache folder {self.cache_path} cannot be cleaned ({error}); delete it by hand")


def _warn(message):
    warnings.warn(message, CacheWarning, stacklevel=2)
