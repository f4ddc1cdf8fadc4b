"""How kernels take in the kernels and methods that they call: as code before optimisation, compiled with the caller.

Left to itself Numba optimises each callee, makes machine code of it and two wrappers, then links it into the caller
and does all of that once more, at every level of calls. A part is lowered and no more.
"""

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering


class PartLibrary(JITCodeLibrary):
    """Code to be linked into that of callers: neither optimised nor given to the engine that runs it."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class PartLowering(NativeLowering):
    """Lowering to such a library."""

    _name = "part_lowering"

    def run_pass(self, state):
        """Lower the function and let callers know it."""
        state.library = PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        state.library.finalize()
        entry = [].append  # numba tells versions apart by their entry for Python; a part has none, this stands for it
        state.targetctx.insert_user_function(entry, state.cr.fndesc, [state.library])
        state.cr = state.cr._replace(cfunc=entry)
        return True


class PartCompiler(CompilerBase):
    """Numba's compiler up to the lowering."""

    def define_pipelines(self):
        """Return the passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state, name="part")
        passes.passes = [(PartLowering if p is NativeLowering else p, words) for p, words in passes.passes]
        passes.finalize()
        return [passes]


class DisjointCompiler(PartCompiler):
    """The same for functions that are told that their array arguments do not overlap."""

    def define_pipelines(self):
        """Return the passes."""
        self.state.flags.noalias = True
        return super().define_pipelines()


#: Options of what only kernels call.
PART_OPTIONS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}


class Kernel(CPUDispatcher):
    """A compiled function as Python calls it; kernels that call it take its `part` in."""

    def __init__(self, py_func, locals=None, targetoptions=None, disjoint=False, **settings):
        options = {"nopython": True, "boundscheck": None, **(targetoptions or {})}
        locals = locals or {}  # older versions of Numba take no None
        super().__init__(py_func, locals, {**options, "no_cfunc_wrapper": True}, **settings)
        compiler = DisjointCompiler if disjoint else PartCompiler
        self.part = CPUDispatcher(py_func, locals, {**options, **PART_OPTIONS}, pipeline_class=compiler)

    @property
    def _numba_type_(self):
        return self.part._numba_type_
