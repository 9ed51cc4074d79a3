"""How to make a feature appear: for each, statements that have it, whatever else the kernel holds.

A category, an ``include=`` option and the realistic profile name features; a kernel plants them between the
statements that are drawn freely.
"""

from __future__ import annotations

from collections.abc import Callable

from kernelfuzz.ir import nodes as n  # fmt: skip
from kernelfuzz.ir import types as t  # fmt: skip
from kernelfuzz.strategies import (
    aliasing,
    buffers,
    control_flow,
    local_variables,
    tile_blocks,
    user_functions,
    value_types,
)
from kernelfuzz.strategies.builtin_calls import FEATURE_OF_GROUP, builtin_choices, call_builtin, cast
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.control_flow import branch, guard
from kernelfuzz.strategies.local_variables import declare
from kernelfuzz.strategies.operands import fit, literal, unsliced
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.strategies.safe_operators import combine, condition, either, loaded
from kernelfuzz.strategies.value_types import float_dtype, integer_dtype, matrix_type, numeric_dtype, vector_type

Plant = Callable[[Context], list[n.Stmt]]


def plant(ctx: Context, feature: str) -> list[n.Stmt]:
    """Statements that have the feature."""
    return PLANTS[feature](ctx)


def _local(ctx: Context, value: Ranged) -> list[n.Stmt]:
    return declare(ctx, value)


def _operator(ops: tuple[str, ...], dtype: Callable[[Context], t.Scalar]) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        type_ = dtype(ctx)
        op = ctx.choices.pick(ops)
        left, right = ctx.draw(type_, ctx.operations()), ctx.draw(type_, 0)
        return _local(ctx, combine(ctx, op, left, right, type_))

    return made


def _builtin(feature: str, type_: Callable[[Context], t.Type]) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        groups = [
            [one for one in group if FEATURE_OF_GROUP.get(one.builtin.group) == feature]
            for group in builtin_choices(ctx, type_(ctx))
        ]
        signature = ctx.choices.pick(ctx.choices.pick([group for group in groups if group]))
        return _local(ctx, call_builtin(ctx, signature, ctx.operations()))

    return made


def _of_type(type_: Callable[[Context], t.Type]) -> Plant:
    """A local of a type, made by an operation on it."""

    def made(ctx: Context) -> list[n.Stmt]:
        value = ctx.draw(type_(ctx), ctx.operations())
        return _local(ctx, _operated(ctx, value))

    return made


def _operated(ctx: Context, value: Ranged) -> Ranged:
    """The value, behind an operation if it is only read from somewhere."""
    chosen = isinstance(value.expr, n.Call) and value.expr.name == "where"
    if chosen or not isinstance(value.expr, (n.Binary, n.Call, n.Construct)):
        return combine(ctx, "+", value, ctx.draw(value.expr.type, 0), value.expr.type)
    return value


def _variable(value: Ranged) -> Ranged:
    """The value as something that is converted when the kernel runs, as a literal is not."""
    if isinstance(value.expr, n.Literal):
        return Ranged(n.Unary("+", value.expr, value.expr.type), *value.range)
    return value


def _mixed_widths(ctx: Context) -> list[n.Stmt]:
    integers = [d for d in ctx.dtypes if d.is_integer]
    source = ctx.choices.pick([d for d in integers if any(other.bits != d.bits for other in integers)])
    target = ctx.choices.pick([d for d in integers if d.bits != source.bits])
    return _local(ctx, cast(ctx, _variable(ctx.draw(source, 1)), target))


def _cast(ctx: Context) -> list[n.Stmt]:
    source = numeric_dtype(ctx)
    target = ctx.choices.pick([d for d in (*ctx.dtypes, t.INT32, t.UINT32) if d != source])
    return _local(ctx, cast(ctx, _variable(ctx.draw(source, 1)), target))


def _and_or(ctx: Context) -> list[n.Stmt]:
    op = ctx.choices.pick(("and", "or"))
    test = n.BoolOp(op, (condition(ctx, 1), condition(ctx, 1)))
    if not ctx.allows("if"):
        return _local(ctx, Ranged(test, 0, 1))
    with ctx.block():
        return [n.If(test, ctx.draw_block())]


def _chained(ctx: Context) -> list[n.Stmt]:
    dtype = numeric_dtype(ctx)
    parts = [loaded(ctx.draw(dtype, 1).expr) for _ in range(3)]
    ops = tuple(ctx.choices.pick(("<", "<=", ">", ">=")) for _ in range(2))
    return _local(ctx, Ranged(n.Compare(parts[0], ops, tuple(parts[1:])), 0, 1))


def _either(form: str) -> Plant:
    return lambda ctx: _local(ctx, either(ctx, form, numeric_dtype(ctx), (1, 1, 1)))


def _random(ctx: Context) -> list[n.Stmt]:
    return [*local_variables.random_state(ctx), *_builtin("random", lambda _: t.FLOAT32)(ctx)]


def _branch(kind: str) -> Plant:
    return lambda ctx: branch(ctx, kind)


def _loop(body: Plant | None = None, *, dynamic: bool | None = None, stepped: bool = False) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        return control_flow.for_with(ctx, body, dynamic=dynamic, stepped=stepped)

    return made


def _guarded(statement: n.Stmt) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        before = list(ctx.draw_block())
        return [*before, *guard(ctx, statement), *ctx.draw_block()]

    return made


def _early_return(ctx: Context) -> list[n.Stmt]:
    """A guard, as real kernels begin: ``if i >= n: return``."""
    if ctx.axes() and ctx.allows("scalar_param") and ctx.choices.chance(0.5):
        count = ctx.use(ctx.scalar_param(t.INT32, (0, 64))).expr
        return [n.If(n.Compare(ctx.thread("x").expr, (">=",), (count,)), (n.Return(),))]
    return guard(ctx, n.Return())


def _early_exit(ctx: Context) -> list[n.Stmt]:
    kinds = [k for k in ("early_return", "break", "continue") if ctx.allows(k)]
    return PLANTS[ctx.choices.pick(kinds or ["early_return"])](ctx)


def _scalar_param(ctx: Context) -> list[n.Stmt]:
    dtype = numeric_dtype(ctx)
    parameter = ctx.use(ctx.scalar_param(dtype))
    op = ctx.choices.pick(("+", "*", "-"))
    return _local(ctx, combine(ctx, op, ctx.draw(dtype, ctx.operations()), parameter, dtype))


def _bool_data(ctx: Context) -> list[n.Stmt]:
    flag = ctx.use(ctx.scalar_param(t.BOOL))
    if ctx.allows("and_or"):
        return _local(ctx, Ranged(n.BoolOp("and", (flag.expr, condition(ctx, 1))), 0, 1))
    return _local(ctx, Ranged(n.Unary("not", flag.expr, t.BOOL), 0, 1))


def _struct(ctx: Context) -> list[n.Stmt]:
    return _use_struct(ctx, value_types.struct_type(ctx))


def _use_struct(ctx: Context, struct: t.Struct) -> list[n.Stmt]:
    made = declare(ctx, ctx.draw(struct, ctx.choices.integer(0, 1)))
    if not ctx.allows("component_store"):
        return made
    return [*made, *local_variables.store_part(ctx, ctx.variables[-1])]


def _nested_struct(ctx: Context) -> list[n.Stmt]:
    return _use_struct(ctx, value_types.new_struct(ctx, nested=True))


def _struct_array(ctx: Context) -> list[n.Stmt]:
    struct = value_types.struct_type(ctx)
    return declare(ctx, buffers.element(ctx, buffers.new_input(ctx, struct)))


def _array_of(ndim: int) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        buffer = buffers.new_input(ctx, numeric_dtype(ctx), ndim=ndim)
        value = buffers.element(ctx, buffer)
        return _local(ctx, combine(ctx, "+", ctx.draw(value.expr.type, 1), value, value.expr.type))

    return made


def _view(ctx: Context) -> list[n.Stmt]:
    buffers.new_input(ctx, numeric_dtype(ctx), ndim=2)
    return local_variables.view(ctx)


def _array_shape(ctx: Context) -> list[n.Stmt]:
    buffer = ctx.choices.pick(ctx.buffers) if ctx.buffers else buffers.new_input(ctx, numeric_dtype(ctx))
    extent = Ranged(n.ArrayShape(buffer.name, 0), 1, 64)
    return _local(ctx, combine(ctx, "+", ctx.draw(t.INT32, 1), extent, t.INT32))


def _slice(ctx: Context) -> list[n.Stmt]:
    dtype = numeric_dtype(ctx)
    value = unsliced(ctx.draw(t.Vector(4, dtype), 1))
    length = ctx.choices.integer(2, 3)
    start = ctx.choices.integer(0, 4 - length)
    part = n.Index(value.expr, (n.Slice(start, start + length),), t.Vector(length, dtype))
    return _local(ctx, Ranged(part, *value.range))


def _component_store(ctx: Context) -> list[n.Stmt]:
    type_ = matrix_type(ctx) if ctx.allows("matrix") and ctx.choices.chance(0.3) else vector_type(ctx)
    made = declare(ctx, ctx.draw(type_, 1))
    return [*made, *local_variables.store_part(ctx, ctx.variables[-1])]


def _element_component_store(ctx: Context) -> list[n.Stmt]:
    buffer = buffers.new_output(ctx, vector_type(ctx))
    return buffers.store_component(ctx, buffer)


def _augmented(ctx: Context) -> list[n.Stmt]:
    dtype = float_dtype(ctx)
    made = declare(ctx, Ranged(n.Cast(dtype, literal(ctx.choices, dtype).expr)))
    name = n.Name(ctx.variables[-1].name, dtype)
    return [*made, n.AugAssign(name, ctx.choices.pick(("+", "*", "-")), ctx.draw(dtype, 1).expr)]


def _function(ctx: Context) -> list[n.Stmt]:
    return _local(ctx, user_functions.call_function(ctx, numeric_dtype(ctx), ctx.operations()))


def _effect(ctx: Context) -> list[n.Stmt]:
    """``x = e + f(out, i)``: what comes first is read before the function stores."""
    dtype = numeric_dtype(ctx)
    called = user_functions.call_with_effect(ctx, dtype, ctx.operations())
    return _local(ctx, combine(ctx, "+", ctx.draw(dtype, 0), called, dtype))


def _outlive(ctx: Context) -> list[n.Stmt]:
    make = ctx.choices.pick((aliasing.both_branches, aliasing.from_loop))
    made = make(ctx)
    return [*made, *declare(ctx, ctx.use(ctx.variables[-1]))]


def _constant(ctx: Context) -> list[n.Stmt]:
    dtype = ctx.choices.pick([d for d in (t.INT32, t.FLOAT32) if d in ctx.dtypes] or [t.INT32])
    value = literal(ctx.choices, dtype, 1, 10).expr
    assert isinstance(value, n.Literal)
    constant = n.Constant(f"K{len(ctx.module.constants)}", value)
    ctx.module.constants.append(constant)
    bound = 0 if dtype.is_float else int(value.value)
    named = Ranged(n.Name(constant.name, dtype), bound, bound)
    return _local(ctx, combine(ctx, "*", ctx.draw(dtype, 1), named, dtype))


def _static(ctx: Context) -> list[n.Stmt]:
    left, right = literal(ctx.choices, t.INT32, 1, 10), literal(ctx.choices, t.INT32, 1, 10)
    value = combine(ctx, ctx.choices.pick(("+", "*")), left, right, t.INT32)
    static: n.Expr = n.Static(value.expr, t.INT32)
    return _local(ctx, combine(ctx, "+", ctx.draw(t.INT32, 1), Ranged(static, *value.range), t.INT32))


def _tid_nd(ctx: Context) -> list[n.Stmt]:
    """Nothing to plant but a use of the thread: the grid itself has several dimensions."""
    y = ctx.thread(ctx.axes()[-1])
    return _local(ctx, combine(ctx, "+", fit(ctx, ctx.draw(t.INT32, 1), -1000, 1000), y, t.INT32))


def _quaternion(ctx: Context) -> list[n.Stmt]:
    return _builtin("quaternion", lambda c: t.Quaternion(float_dtype(c)))(ctx)


def _dtype(dtype: t.Scalar) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        return _local(ctx, combine(ctx, "+", ctx.draw(dtype, 1), ctx.draw(dtype, 0), dtype))

    return made


def _integer_where(wanted: Callable[[t.Scalar], bool]) -> Plant:
    def dtype(ctx: Context) -> t.Scalar:
        found = [d for d in ctx.dtypes if d.is_integer and wanted(d)]
        return ctx.choices.pick(found or [d for d in t.INTEGERS if wanted(d)])

    return _operator(("+", "*"), dtype)


PLANTS: dict[str, Plant] = {
    "arithmetic": _operator(("+", "-", "*", "/", "//", "%"), numeric_dtype),
    "power": _operator(("**",), float_dtype),
    "bitwise": _operator(("&", "|", "^"), integer_dtype),
    "shift": _operator(("<<", ">>"), integer_dtype),
    "cast": _cast,
    "mixed_widths": _mixed_widths,
    "math": _builtin("math", float_dtype),
    "random": _random,
    "and_or": _and_or,
    "chained": _chained,
    "ternary": _either("ternary"),
    "where": _either("where"),
    "bool_data": _bool_data,
    "float16": _dtype(t.FLOAT16),
    "float64": _dtype(t.FLOAT64),
    "small_int": _integer_where(lambda dtype: dtype.bits < 32),
    "wide_int": _integer_where(lambda dtype: dtype.bits == 64),
    "unsigned": _integer_where(lambda dtype: dtype.kind == "uint"),
    "vector": _of_type(vector_type),
    "matrix": _of_type(matrix_type),
    "quaternion": _quaternion,
    "transform": _builtin("transform", lambda ctx: t.Transform(float_dtype(ctx))),
    "spatial": _builtin("spatial", lambda ctx: t.Vector(6, float_dtype(ctx))),
    "decomposition": local_variables.decompose,
    "struct": _struct,
    "nested_struct": _nested_struct,
    "struct_array": _struct_array,
    "array_nd": _array_of(2),
    "array_3d": _array_of(3),
    "view": _view,
    "array_shape": _array_shape,
    "slice": _slice,
    "component_store": _component_store,
    "element_component_store": _element_component_store,
    "augmented": _augmented,
    "unpack": local_variables.unpack_pair,
    "outlive": _outlive,
    "if": _branch("if"),
    "else": _branch("else"),
    "elif": _branch("elif"),
    "for": _loop(),
    "dynamic_for": _loop(dynamic=True),
    "range_step": _loop(stepped=True),
    "while": control_flow.while_loop,
    "nested_loop": _loop(_loop()),
    "break": _loop(_guarded(n.Break())),
    "continue": _loop(_guarded(n.Continue())),
    "early_return": _early_return,
    "early_exit": _early_exit,
    "atomic": buffers.update,
    "scalar_param": _scalar_param,
    "tid_nd": _tid_nd,
    "function": _function,
    "tuple_return": user_functions.unpack_call,
    "procedure": user_functions.call_procedure,
    "effect": _effect,
    "constant": _constant,
    "static": _static,
    "closure": _constant,
    "tile": tile_blocks.block,
}
