"""How to make a feature appear: for each, statements that have it, whatever else the kernel holds.

A category, an ``include=`` option and the realistic profile name features; a kernel plants them between the
statements that are drawn freely.
"""

from __future__ import annotations

from collections.abc import Callable

from kernelfuzz.ir.builtins import producing
from kernelfuzz.ir.nodes import (
    ArrayShape, AugAssign, Block, BoolOp, Break, Call, Cast, Compare, Constant, Continue, Expr, If, IfExp,
    Index, Literal, Name, Return, Slice, Static, Stmt, Unary,
)  # fmt: skip
from kernelfuzz.ir.types import (
    BOOL, FLOAT16, FLOAT32, FLOAT64, INT32, INT64, Quaternion, Scalar, Struct, Transform, Type, Vector,
)  # fmt: skip
from kernelfuzz.strategies import arrays, atomics, functions, loops, statements, structs, tiles
from kernelfuzz.strategies.builtin_safety import FEATURE_OF_GROUP, callable_here
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.dtypes import float_dtype, integer_dtype, matrix_type, numeric_dtype, vector_type
from kernelfuzz.strategies.expressions import call_builtin, cast, combine, condition, draw, loaded, unsliced
from kernelfuzz.strategies.literals import literal
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.strategies.safety import fit

Plant = Callable[[Context, int], list[Stmt]]


def plant(ctx: Context, feature: str, budget: int) -> list[Stmt]:
    """Statements that have the feature."""
    return PLANTS[feature](ctx, budget)


def _local(ctx: Context, value: Ranged) -> list[Stmt]:
    return statements.declare_of(ctx, value.expr.type, value)


def _operator(ops: tuple[str, ...], dtype: Callable[[Context], Scalar]) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        type_ = dtype(ctx)
        op = ctx.choices.pick(ops)
        left, right = draw(ctx, type_, statements.operations(ctx)), draw(ctx, type_, 0)
        return _local(ctx, combine(ctx, op, left, right, type_))

    return made


def _builtin(features: str, type_: Callable[[Context], Type]) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        signatures = [
            s
            for s in producing(type_(ctx))
            if FEATURE_OF_GROUP.get(s.builtin.group) == features and callable_here(s, ctx.features, ctx.dtypes)
        ]
        names = list(dict.fromkeys(s.name for s in signatures))
        chosen = ctx.choices.pick(names)
        signature = ctx.choices.pick([s for s in signatures if s.name == chosen])
        return _local(ctx, call_builtin(ctx, signature, statements.operations(ctx)))

    return made


def _of_type(type_: Callable[[Context], Type]) -> Plant:
    """A local of a type, made by an operation on it."""

    def made(ctx: Context, budget: int) -> list[Stmt]:
        value = draw(ctx, type_(ctx), max(1, statements.operations(ctx)))
        return _local(ctx, _operated(ctx, value))

    return made


def _operated(ctx: Context, value: Ranged) -> Ranged:
    """The value, behind an operation if it is only read from somewhere."""
    if isinstance(value.expr, (Name, Index)) or not hasattr(value.expr, "args") and not hasattr(value.expr, "left"):
        return combine(ctx, "+", value, draw(ctx, value.expr.type, 0), value.expr.type)
    return value


def _mixed_widths(ctx: Context, budget: int) -> list[Stmt]:
    source = integer_dtype(ctx)
    others = [d for d in ctx.dtypes if d.is_integer and d.bits != source.bits] or [
        INT64 if source.bits != 64 else INT32
    ]
    return _local(ctx, cast(ctx, draw(ctx, source, 1), ctx.choices.pick(others)))


def _cast(ctx: Context, budget: int) -> list[Stmt]:
    source = numeric_dtype(ctx)
    target = ctx.choices.pick([d for d in (*ctx.dtypes, INT32, FLOAT32) if d != source])
    return _local(ctx, cast(ctx, draw(ctx, source, 1), target))


def _and_or(ctx: Context, budget: int) -> list[Stmt]:
    op = ctx.choices.pick(("and", "or"))
    test = BoolOp(op, (condition(ctx, 1), condition(ctx, 1)))
    if not ctx.allows("if"):
        return _local(ctx, Ranged(IfExp(test, *(draw(ctx, INT32, 0).expr for _ in range(2)), INT32)))
    with ctx.block():
        return [If(test, statements.draw_block(ctx, max(1, budget - 1)))]


def _chained(ctx: Context, budget: int) -> list[Stmt]:
    dtype = numeric_dtype(ctx)
    parts = [loaded(draw(ctx, dtype, 1).expr) for _ in range(3)]
    ops = tuple(ctx.choices.pick(("<", "<=", ">", ">=")) for _ in range(2))
    return _local(ctx, Ranged(Compare(parts[0], ops, tuple(parts[1:])), 0, 1))


def _ternary(ctx: Context, budget: int) -> list[Stmt]:
    dtype = numeric_dtype(ctx)
    test, body, orelse = condition(ctx, 1), draw(ctx, dtype, 1), draw(ctx, dtype, 1)
    low, high = min(body.low, orelse.low), max(body.high, orelse.high)
    return _local(ctx, Ranged(IfExp(test, body.expr, orelse.expr, dtype), low, high))


def _where(ctx: Context, budget: int) -> list[Stmt]:
    dtype = numeric_dtype(ctx)
    test, body, orelse = condition(ctx, 1), draw(ctx, dtype, 1), draw(ctx, dtype, 1)
    low, high = min(body.low, orelse.low), max(body.high, orelse.high)
    return _local(ctx, Ranged(Call("where", (test, body.expr, orelse.expr), dtype), low, high))


def _random(ctx: Context, budget: int) -> list[Stmt]:
    return [*statements.random_state(ctx), *_builtin("random", lambda _: FLOAT32)(ctx, budget)]


def _if(kind: str) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        test = condition(ctx, statements.operations(ctx))
        with ctx.block():
            body = statements.draw_block(ctx, max(1, budget // 3))
        if kind == "if":
            return [If(test, body)]
        with ctx.block():
            rest: Block = statements.draw_block(ctx, max(1, budget // 3))
        if kind == "elif":
            rest = (If(condition(ctx, 1), rest),)
        return [If(test, body, rest)]

    return made


def _loop(body: Plant | None = None, *, dynamic: bool | None = None, stepped: bool = False) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        return loops.for_with(ctx, budget, body, dynamic=dynamic, stepped=stepped)

    return made


def _guarded(statement: Stmt) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        before = list(statements.draw_block(ctx, 1))
        return [*before, If(condition(ctx, statements.operations(ctx)), (statement,)), *statements.draw_block(ctx, 1)]

    return made


def _early_return(ctx: Context, budget: int) -> list[Stmt]:
    """A guard, as real kernels begin: ``if i >= n: return``."""
    if ctx.axes() and ctx.choices.chance(0.5):
        count = ctx.use(ctx.scalar_param(INT32, (0, 64))).expr
        return [If(Compare(ctx.thread("x").expr, (">=",), (count,)), (Return(),))]
    return [If(condition(ctx, statements.operations(ctx)), (Return(),))]


def _early_exit(ctx: Context, budget: int) -> list[Stmt]:
    kinds = [k for k in ("early_return", "break", "continue") if ctx.allows(k)]
    return PLANTS[ctx.choices.pick(kinds or ["early_return"])](ctx, budget)


def _scalar_param(ctx: Context, budget: int) -> list[Stmt]:
    dtype = numeric_dtype(ctx)
    parameter = ctx.use(ctx.scalar_param(dtype))
    op = ctx.choices.pick(("+", "*", "-"))
    return _local(ctx, combine(ctx, op, draw(ctx, dtype, statements.operations(ctx)), parameter, dtype))


def _bool_data(ctx: Context, budget: int) -> list[Stmt]:
    flag = ctx.use(ctx.scalar_param(BOOL))
    return _local(ctx, Ranged(BoolOp("and", (flag.expr, condition(ctx, 1))), 0, 1)) if ctx.allows(
        "and_or"
    ) else _local(ctx, Ranged(Unary("not", flag.expr, BOOL), 0, 1))


def _struct(ctx: Context, budget: int) -> list[Stmt]:
    return _use_struct(ctx, structs.struct_type(ctx))


def _use_struct(ctx: Context, struct: Struct) -> list[Stmt]:
    made = statements.declare_of(ctx, struct, draw(ctx, struct, ctx.choices.integer(0, 1)))
    return [*made, *statements.component_store(ctx, ctx.variables[-1])]


def _nested_struct(ctx: Context, budget: int) -> list[Stmt]:
    return _use_struct(ctx, structs.new_struct(ctx, nested=True))


def _struct_array(ctx: Context, budget: int) -> list[Stmt]:
    struct = structs.struct_type(ctx)
    return statements.declare_of(ctx, struct, arrays.read(ctx, struct, 0))


def _array_of(ndim: int) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        buffer = arrays.new_input(ctx, numeric_dtype(ctx), ndim=ndim)
        value = arrays.element(ctx, buffer)
        return _local(ctx, combine(ctx, "+", draw(ctx, value.expr.type, 1), value, value.expr.type))

    return made


def _view(ctx: Context, budget: int) -> list[Stmt]:
    arrays.new_input(ctx, numeric_dtype(ctx), ndim=2)
    return statements.view(ctx)


def _array_shape(ctx: Context, budget: int) -> list[Stmt]:
    buffer = ctx.choices.pick(ctx.buffers) if ctx.buffers else arrays.new_input(ctx, numeric_dtype(ctx))
    extent = Ranged(ArrayShape(buffer.name, 0), 1, 64)
    return _local(ctx, combine(ctx, "+", draw(ctx, INT32, 1), extent, INT32))


def _slice(ctx: Context, budget: int) -> list[Stmt]:
    dtype = numeric_dtype(ctx)
    value = unsliced(draw(ctx, Vector(4, dtype), 1))
    length = ctx.choices.integer(2, 3)
    start = ctx.choices.integer(0, 4 - length)
    part = Index(value.expr, (Slice(start, start + length),), Vector(length, dtype))
    return _local(ctx, Ranged(part, *value.range))


def _component_store(ctx: Context, budget: int) -> list[Stmt]:
    type_ = matrix_type(ctx) if ctx.allows("matrix") and ctx.choices.chance(0.3) else vector_type(ctx)
    made = statements.declare_of(ctx, type_, draw(ctx, type_, 1))
    return [*made, *statements.component_store(ctx, ctx.variables[-1])]


def _element_component_store(ctx: Context, budget: int) -> list[Stmt]:
    buffer = arrays.new_output(ctx, vector_type(ctx))
    return statements.element_component_store(ctx, buffer)


def _augmented(ctx: Context, budget: int) -> list[Stmt]:
    dtype = float_dtype(ctx)
    made = statements.declare_of(ctx, dtype, Ranged(Cast(dtype, literal(ctx.choices, dtype).expr)))
    name = Name(ctx.variables[-1].name, dtype)
    return [*made, AugAssign(name, ctx.choices.pick(("+", "*", "-")), draw(ctx, dtype, 1).expr)]


def _function(ctx: Context, budget: int) -> list[Stmt]:
    return _local(ctx, functions.call_function(ctx, numeric_dtype(ctx), statements.operations(ctx)))


def _constant(ctx: Context, budget: int) -> list[Stmt]:
    dtype = ctx.choices.pick((INT32, FLOAT32))
    value = literal(ctx.choices, dtype, 1, 10).expr
    assert isinstance(value, Literal)
    constant = Constant(f"K{len(ctx.module.constants)}", value)
    ctx.module.constants.append(constant)
    bound = 0 if dtype.is_float else int(value.value)
    named = Ranged(Name(constant.name, dtype), bound, bound)
    return _local(ctx, combine(ctx, "*", draw(ctx, dtype, 1), named, dtype))


def _static(ctx: Context, budget: int) -> list[Stmt]:
    left, right = literal(ctx.choices, INT32, 1, 10), literal(ctx.choices, INT32, 1, 10)
    value = combine(ctx, ctx.choices.pick(("+", "*")), left, right, INT32)
    static: Expr = Static(value.expr, INT32)
    return _local(ctx, combine(ctx, "+", draw(ctx, INT32, 1), Ranged(static, *value.range), INT32))


def _tid_nd(ctx: Context, budget: int) -> list[Stmt]:
    """Nothing to plant but a use of the thread: the grid itself has several dimensions."""
    y = ctx.thread(ctx.axes()[-1])
    return _local(ctx, combine(ctx, "+", fit(ctx, draw(ctx, INT32, 1), -1000, 1000), y, INT32))


def _quaternion(ctx: Context, budget: int) -> list[Stmt]:
    return _builtin("quaternion", lambda c: Quaternion(float_dtype(c)))(ctx, budget)


def _dtype(dtype: Scalar) -> Plant:
    def made(ctx: Context, budget: int) -> list[Stmt]:
        return _local(ctx, combine(ctx, "+", draw(ctx, dtype, 1), draw(ctx, dtype, 0), dtype))

    return made


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
    "ternary": _ternary,
    "where": _where,
    "bool_data": _bool_data,
    "float16": _dtype(FLOAT16),
    "float64": _dtype(FLOAT64),
    "small_int": _operator(("+", "*"), lambda ctx: ctx.choices.pick([d for d in ctx.dtypes if d.is_integer and d.bits < 32])),
    "wide_int": _operator(("+", "*"), lambda ctx: ctx.choices.pick([d for d in ctx.dtypes if d.is_integer and d.bits == 64])),
    "unsigned": _operator(("+", "*"), lambda ctx: ctx.choices.pick([d for d in ctx.dtypes if d.kind == "uint"])),
    "vector": _of_type(vector_type),
    "matrix": _of_type(matrix_type),
    "quaternion": _quaternion,
    "transform": _builtin("transform", lambda ctx: Transform(float_dtype(ctx))),
    "spatial": _builtin("spatial", lambda ctx: Vector(6, float_dtype(ctx))),
    "decomposition": lambda ctx, budget: statements.decompose(ctx),
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
    "unpack": lambda ctx, budget: statements.unpack_pair(ctx),
    "if": _if("if"),
    "else": _if("else"),
    "elif": _if("elif"),
    "for": _loop(),
    "dynamic_for": _loop(dynamic=True),
    "range_step": _loop(stepped=True),
    "while": loops.while_loop,
    "nested_loop": _loop(_loop()),
    "break": _loop(_guarded(Break())),
    "continue": _loop(_guarded(Continue())),
    "early_return": _early_return,
    "early_exit": _early_exit,
    "atomic": atomics.update,
    "scalar_param": _scalar_param,
    "tid_nd": _tid_nd,
    "function": _function,
    "tuple_return": lambda ctx, budget: statements.unpack_call(ctx),
    "procedure": lambda ctx, budget: functions.call_procedure(ctx, statements.operations(ctx)),
    "constant": _constant,
    "static": _static,
    "closure": _constant,
    "tile": tiles.block,
}

