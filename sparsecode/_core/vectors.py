"""Vectors: many numbers that a kernel loads, computes with and stores at a time, and that stay in registers.

The compiler makes vectors of a loop over places of arrays by itself. Where another loop runs within it, over rows that
are added up, it takes row after row and writes sums to memory in between. A kernel that names its vectors keeps them::

    q = load(c, j)
    for a in range(k):
        q = q - fill(w[a]) * load(Q[a], j)
    store(row, j, q)

A vector has `VECTOR_BYTES`, two of the widest registers there are; where they are narrower the compiler takes more of
them. Nothing tests that places are there: arrays have `padded` lengths, or `copy_end` keeps what whole vectors leave of
them. In plain Python a vector is an array, so that a kernel has one body.

Memory may be asked for numbers some time before they are loaded (`prefetch`), where rows lie all over a matrix.
"""

import operator

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model, type_callable

from .jit import kernel
from .products import CACHE_LINE

VECTOR_BYTES = 128


def lanes(dtype):
    """Return how many numbers a vector has."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def padded(n, dtype):
    """Return the length of n numbers filled up to whole vectors."""
    return -(-n // lanes(dtype)) * lanes(dtype)


def load(values, j):
    """Return the vector of the numbers from place j on."""
    return values[j : j + lanes(values.dtype)].copy()


def store(values, j, vector):
    """Write a vector to the places from j on."""
    values[j : j + lanes(values.dtype)] = vector


def prefetch(values, j):
    """Ask for the cache line of place j, to be read soon, into the second cache; does nothing in plain Python."""


def fill(value):
    """Return the vector of one value."""
    return value


def where(condition, vector, other):
    """Return the numbers of one vector where the condition holds, of the other elsewhere."""
    return np.where(condition, vector, other)


def magnitude(vector):
    """Return absolute values."""
    return np.abs(vector)


def maximum(vector, other):
    """Return the larger numbers of two vectors; those of the other where a number of the first is NaN."""
    return np.where(vector > other, vector, other)


def greatest(vector):
    """Return the largest number of a vector that has no NaN."""
    return np.max(vector)


def least(vector):
    """Return the smallest number of a vector that has no NaN."""
    return np.min(vector)


def total(vector):
    """Return the sum of the numbers of a vector, in any order."""
    return np.sum(vector)


class Vector(types.Type):
    """Numba's type of vectors of one dtype."""

    def __init__(self, dtype):
        self.dtype, self.count = dtype, VECTOR_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Vector({dtype}, {self.count})")


class Condition(types.Type):
    """Numba's type of comparisons of two vectors."""

    def __init__(self, count):
        self.count = count
        super().__init__(name=f"Condition({count})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A vector in LLVM."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(manager[kind.dtype].get_value_type(), kind.count))


@register_model(Condition)
class ConditionModel(models.PrimitiveModel):
    """A vector of bits in LLVM."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.count))


def _is_row(kind):
    return isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C"


def _are_vectors(*kinds):
    return isinstance(kinds[0], Vector) and all(kind == kinds[0] for kind in kinds)


def _typed(function, result_of):
    """Let kernels call the function where `result_of` the types of its arguments is one."""
    type_callable(function)(lambda context: result_of)


_typed(load, lambda values, j: Vector(values.dtype) if _is_row(values) else None)
_typed(store, lambda values, j, v: types.none if _is_row(values) and v == Vector(values.dtype) else None)
_typed(prefetch, lambda values, j: types.none if _is_row(values) else None)
_typed(fill, lambda value: Vector(value) if isinstance(value, types.Float) else None)
_typed(where, lambda condition, v, o: v if isinstance(condition, Condition) and _are_vectors(v, o) else None)
_typed(magnitude, lambda vector: vector if _are_vectors(vector) else None)
_typed(maximum, lambda vector, other: vector if _are_vectors(vector, other) else None)
_typed(greatest, lambda vector: vector.dtype if _are_vectors(vector) else None)
_typed(least, lambda vector: vector.dtype if _are_vectors(vector) else None)
_typed(total, lambda vector: vector.dtype if _are_vectors(vector) else None)


def _address(context, builder, kind, array, j, pointee):
    """Return the address of place j of an array, of the type that is given."""
    first = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(first, [j]), ir.PointerType(pointee))


@lower_builtin(load, types.Array, types.Integer)
def _load(context, builder, sig, arguments):
    row, vector = sig.args[0], context.get_value_type(sig.return_type)
    return builder.load(_address(context, builder, row, *arguments, vector), align=row.dtype.bitwidth // 8)


@lower_builtin(store, types.Array, types.Integer, Vector)
def _store(context, builder, sig, arguments):
    row, (*place, vector) = sig.args[0], arguments
    builder.store(vector, _address(context, builder, row, *place, vector.type), align=row.dtype.bitwidth // 8)
    return context.get_dummy_value()


@lower_builtin(prefetch, types.Array, types.Integer)
def _prefetch(context, builder, sig, arguments):
    byte, number = ir.IntType(8), ir.IntType(32)
    address = _address(context, builder, sig.args[0], *arguments, byte)
    kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
    intrinsic = builder.module.declare_intrinsic("llvm.prefetch", [address.type], kind)
    builder.call(intrinsic, [address, number(0), number(2), number(1)])  # to read, second cache, data
    return context.get_dummy_value()


@lower_builtin(fill, types.Float)
def _fill(context, builder, sig, arguments):
    vector, index = context.get_value_type(sig.return_type), ir.IntType(32)
    nothing = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(nothing, arguments[0], index(0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(index, vector.count), [0] * vector.count))


@lower_builtin(where, Condition, Vector, Vector)
def _where(context, builder, sig, arguments):
    return builder.select(*arguments)


@lower_builtin(maximum, Vector, Vector)
def _maximum(context, builder, sig, arguments):
    return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)


def _intrinsic(function, name, flags=()):
    """Compile a function of one vector to the intrinsic of LLVM that has the name."""

    @lower_builtin(function, Vector)
    def lower(context, builder, sig, arguments):
        vector = context.get_value_type(sig.args[0])
        kind = ir.FunctionType(context.get_value_type(sig.return_type), [vector])
        full = f"llvm.{name}.v{vector.count}f{sig.args[0].dtype.bitwidth}"
        return builder.call(builder.module.declare_intrinsic(full, fnty=kind), arguments, fastmath=flags)


_intrinsic(magnitude, "fabs")
_intrinsic(greatest, "vector.reduce.fmax", ("nnan",))
_intrinsic(least, "vector.reduce.fmin", ("nnan",))


@lower_builtin(total, Vector)
def _total(context, builder, sig, arguments):
    vector = context.get_value_type(sig.args[0])
    number = context.get_value_type(sig.return_type)
    full = f"llvm.vector.reduce.fadd.v{vector.count}f{sig.args[0].dtype.bitwidth}"
    add = builder.module.declare_intrinsic(full, fnty=ir.FunctionType(number, [number, vector]))
    return builder.call(add, [number(-0.0), *arguments], fastmath=("reassoc",))


def _operator(function, result_of, instruction):
    """Compile an operator between two vectors to the instruction of LLVM."""

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, args, kws):
            return signature(result_of(args[0]), *args) if len(args) == 2 and _are_vectors(*args) else None

    @lower_builtin(function, Vector, Vector)
    def lower(context, builder, sig, arguments):
        return instruction(builder, *arguments)


_operator(operator.add, lambda vector: vector, ir.IRBuilder.fadd)
_operator(operator.sub, lambda vector: vector, ir.IRBuilder.fsub)
_operator(operator.mul, lambda vector: vector, ir.IRBuilder.fmul)
_operator(operator.truediv, lambda vector: vector, ir.IRBuilder.fdiv)
_operator(operator.gt, lambda vector: Condition(vector.count), lambda b, v, o: b.fcmp_ordered(">", v, o))
_operator(operator.eq, lambda vector: Condition(vector.count), lambda b, v, o: b.fcmp_ordered("==", v, o))


def _copy_end(values, end):
    """Copy what whole vectors leave of a row to the first places of a vector; return where that begins."""
    n = values.shape[0]
    whole = n - n % end.shape[0]
    for j in range(whole, n):
        end[j - whole] = values[j]
    return whole


def _load_row(values, j, whole, end):
    """Return the vector from place j on of a row whose end has been copied."""
    return load(values, j) if j < whole else load(end, 0)


def _prefetch_row(X, i):
    """Ask memory for a row of a matrix, which is read soon."""
    for f in range(0, X.shape[1], CACHE_LINE // X.itemsize):
        prefetch(X[i], f)


copy_end = kernel(_copy_end)
load_row = kernel(_load_row)
prefetch_row = kernel(_prefetch_row)
