"""How to make a feature appear: for each, statements that have it, whatever else the kernel holds.

A category, an ``include=`` option and the realistic profile name features; a kernel plants them between the
statements that are drawn freely.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kernelfuzz.ir import nodes as n  # fmt: skip
from kernelfuzz.ir import types as t  # fmt: skip
from kernelfuzz.strategies import (
    aliasing,
    buffers,
    captured_values,
    control_flow,
    local_variables,
    parts,
    user_functions,
    value_types,
)
from kernelfuzz.strategies.builtin_calls import FEATURE_OF_GROUP, builtin_choices, call_builtin, cast
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.control_flow import guard
from kernelfuzz.strategies.local_variables import declare
from kernelfuzz.strategies.operands import fit, fit_index, literal, unsliced
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.strategies.safe_operators import combine, condition, either, loaded, tested
from kernelfuzz.strategies.value_types import float_dtype, matrix_type, numeric_dtype, vector_type

Plant = Callable[[Context], list[n.Stmt]]


def operator(ops: tuple[str, ...], dtype: Callable[[Context], t.Scalar]) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        type_ = dtype(ctx)
        op = ctx.choices.pick(ops)
        left, right = ctx.draw(type_, ctx.operations()), ctx.draw(type_, 0)
        return declare(ctx, combine(ctx, op, left, right, type_))

    return made


def builtin(feature: str, type_: Callable[[Context], t.Type]) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        groups = [
            [one for one in group if FEATURE_OF_GROUP.get(one.builtin.group) == feature]
            for group in builtin_choices(ctx, type_(ctx))
        ]
        signature = ctx.choices.pick(ctx.choices.pick([group for group in groups if group]))
        return declare(ctx, call_builtin(ctx, signature, ctx.operations()))

    return made


def _sum(ctx: Context, value: Ranged) -> list[n.Stmt]:
    """A local that is a drawn operand plus the value."""
    type_ = value.expr.type
    return declare(ctx, combine(ctx, "+", ctx.draw(type_, 1), value, type_))


def newer(ctx: Context) -> list[n.Stmt]:
    types: list[t.Type] = [dtype := float_dtype(ctx), t.INT32, t.Matrix(3, 3, dtype)]
    found = [[one for group in builtin_choices(ctx, type_) for one in group if one.builtin.since] for type_ in types]
    signature = ctx.choices.pick(ctx.choices.pick([signatures for signatures in found if signatures]))
    return declare(ctx, call_builtin(ctx, signature, ctx.operations()))


def search(ctx: Context) -> list[n.Stmt]:
    return declare(ctx, buffers.search(ctx, t.INT32, 1))


def of_type(type_: Callable[[Context], t.Type]) -> Plant:
    """A local of a type, made by an operation on it."""

    def made(ctx: Context) -> list[n.Stmt]:
        value = ctx.draw(type_(ctx), ctx.operations())
        return declare(ctx, _operated(ctx, value))

    return made


def _operated(ctx: Context, value: Ranged) -> Ranged:
    """The value, behind an operation if it is only read from somewhere."""
    chosen = isinstance(value.expr, n.Call) and value.expr.name == "where"
    if chosen or not isinstance(value.expr, (n.Binary, n.Call, n.Construct)):
        return combine(ctx, "+", value, ctx.draw(value.expr.type, 0), value.expr.type)
    return value


def _variable(value: Ranged) -> Ranged:
    """The value as something that is converted when the kernel runs, as a literal is not."""
    known = value.expr
    # ``wp.uint16(12)`` is a literal, also where it was drawn as a conversion of 12.
    if isinstance(known.operand if isinstance(known, n.Cast) else known, n.Literal):
        return Ranged(n.Unary("+", known, known.type), *value.range)
    return value


def mixed_widths(ctx: Context) -> list[n.Stmt]:
    integers = [d for d in ctx.dtypes if d.is_integer]
    source = ctx.choices.pick([d for d in integers if any(other.bits != d.bits for other in integers)])
    target = ctx.choices.pick([d for d in integers if d.bits != source.bits])
    return declare(ctx, cast(ctx, _variable(ctx.draw(source, 1)), target))


def conversion(ctx: Context) -> list[n.Stmt]:
    source = numeric_dtype(ctx)
    target = ctx.choices.pick([d for d in (*ctx.dtypes, t.INT32, t.UINT32) if d != source])
    return declare(ctx, cast(ctx, _variable(ctx.draw(source, 1)), target))


def and_or(ctx: Context) -> list[n.Stmt]:
    op = ctx.choices.pick(("and", "or"))
    test = n.BoolOp(op, (condition(ctx, 1, "operand"), condition(ctx, 1, "operand")))
    if not ctx.allows("if"):
        return declare(ctx, Ranged(test, 0, 1))
    with ctx.block():
        return [n.If(test, ctx.draw_block())]


def truth(ctx: Context) -> list[n.Stmt]:
    """A branch or a choice by something that is no bool."""
    if ctx.allows("if") and ctx.choices.chance(0.5):
        with ctx.block():
            return [n.If(tested(ctx, 1, "if"), ctx.draw_block())]
    return declare(ctx, Ranged(n.Unary("not", tested(ctx, 1, "ternary"), t.BOOL), 0, 1))


def chained(ctx: Context) -> list[n.Stmt]:
    dtype = numeric_dtype(ctx)
    parts = [loaded(ctx.draw(dtype, 1).expr) for _ in range(3)]
    ops = tuple(ctx.choices.pick(("<", "<=", ">", ">=")) for _ in range(2))
    return declare(ctx, Ranged(n.Compare(parts[0], ops, tuple(parts[1:])), 0, 1))


def choice(form: str) -> Plant:
    return lambda ctx: declare(ctx, either(ctx, form, numeric_dtype(ctx), (1, 1, 1)))


def random(ctx: Context) -> list[n.Stmt]:
    return [*local_variables.random_state(ctx), *builtin("random", lambda _: t.FLOAT32)(ctx)]


def branching(kind: str) -> Plant:
    return partial(control_flow.branch, kind=kind)


def loop(body: Plant | None = None, *, dynamic: bool | None = None, stepped: bool = False) -> Plant:
    return partial(control_flow.for_with, body=body, dynamic=dynamic, stepped=stepped)


def _guarded(exit_: n.Stmt) -> Plant:
    """A loop that a condition leaves early, with statements before and after it."""

    def body(ctx: Context) -> list[n.Stmt]:
        before = ctx.draw_block()
        return [*before, *guard(ctx, exit_), *ctx.draw_block()]

    return loop(body)


breaking: Plant = _guarded(n.Break())
continuing: Plant = _guarded(n.Continue())


def early_return(ctx: Context) -> list[n.Stmt]:
    """A guard, as real kernels begin: ``if i >= n: return``."""
    if ctx.axes() and ctx.allows("scalar_param") and ctx.choices.chance(0.5):
        count = ctx.use(ctx.scalar_param(t.INT32, (0, 64))).expr
        return [n.If(n.Compare(ctx.thread("x").expr, (">=",), (count,)), (n.Return(),))]
    return guard(ctx, n.Return())


def early_exit(ctx: Context) -> list[n.Stmt]:
    plants = {"early_return": early_return, "break": breaking, "continue": continuing}
    allowed = [plant for kind, plant in plants.items() if ctx.allows(kind)]
    return ctx.choices.pick(allowed or [early_return])(ctx)


def scalar_param(ctx: Context) -> list[n.Stmt]:
    dtype = numeric_dtype(ctx)
    parameter = ctx.use(ctx.scalar_param(dtype))
    op = ctx.choices.pick(("+", "*", "-"))
    return declare(ctx, combine(ctx, op, ctx.draw(dtype, ctx.operations()), parameter, dtype))


def assigned_param(ctx: Context) -> list[n.Stmt]:
    parameter = ctx.scalar_param(numeric_dtype(ctx))
    return [*local_variables.assign_to(ctx, parameter), *declare(ctx, ctx.use(parameter))]


def bool_data(ctx: Context) -> list[n.Stmt]:
    flag = ctx.use(ctx.scalar_param(t.BOOL))
    if ctx.allows("and_or"):
        return declare(ctx, Ranged(n.BoolOp("and", (flag.expr, condition(ctx, 1))), 0, 1))
    return declare(ctx, Ranged(n.Unary("not", flag.expr, t.BOOL), 0, 1))


def struct(ctx: Context, *, nested: bool = False) -> list[n.Stmt]:
    type_ = value_types.new_struct(ctx, nested=True) if nested else value_types.struct_type(ctx)
    made = declare(ctx, ctx.draw(type_, ctx.choices.integer(0, 1)))
    if not ctx.allows("component_store"):
        return made
    return [*made, *local_variables.store_part(ctx, ctx.variables[-1])]


def struct_array(ctx: Context) -> list[n.Stmt]:
    return declare(ctx, buffers.element(ctx, buffers.new_input(ctx, value_types.struct_type(ctx))))


def array_of(ndim: int) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        return _sum(ctx, buffers.element(ctx, buffers.new_input(ctx, numeric_dtype(ctx), ndim=ndim)))

    return made


def view(ctx: Context) -> list[n.Stmt]:
    buffers.new_input(ctx, numeric_dtype(ctx), ndim=2)
    return local_variables.view(ctx)


def array_slice(ctx: Context) -> list[n.Stmt]:
    """``part = a[1:3]``, or a part of an output, and a use of it."""
    dtype = numeric_dtype(ctx)
    if ctx.choices.chance(0.4):
        made = local_variables.view_of(ctx, buffers.new_output(ctx, dtype))
        return [*made, *buffers.store_into(ctx, ctx.buffers[-1])]
    made = local_variables.view_of(ctx, buffers.new_input(ctx, dtype))
    return [*made, *_sum(ctx, buffers.element(ctx, ctx.buffers[-1]))]


def array_shape(ctx: Context) -> list[n.Stmt]:
    buffer = ctx.choices.pick(ctx.buffers) if ctx.buffers else buffers.new_input(ctx, numeric_dtype(ctx))
    return _sum(ctx, Ranged(n.ArrayShape(buffer.name, 0), 1, 64))


def slice_(ctx: Context) -> list[n.Stmt]:
    dtype = numeric_dtype(ctx)
    value = unsliced(ctx.draw(t.Vector(4, dtype), 1))
    length = ctx.choices.integer(2, 3)
    start = ctx.choices.integer(0, 4 - length)
    part = n.Index(value.expr, (n.Slice(start, start + length),), t.Vector(length, dtype))
    return declare(ctx, Ranged(part, *value.range))


def slice_store(ctx: Context) -> list[n.Stmt]:
    """``v = e`` and ``v[1:] = f``."""
    type_ = matrix_type(ctx) if ctx.allows("matrix") and ctx.choices.chance(0.5) else vector_type(ctx)
    made = declare(ctx, ctx.draw(type_, 1))
    variable = ctx.variables[-1]
    target = parts.sliced_place(ctx, n.Name(variable.name, type_))
    value = local_variables.in_range(ctx, variable, ctx.draw(target.type, ctx.operations()))
    return [*made, parts.changed(ctx, target, value)]


def computed_place(ctx: Context) -> list[n.Stmt]:
    """``v = e`` and ``v[a[i]] = f``, or ``v[g(x)] = f``."""
    type_ = vector_type(ctx)
    made = declare(ctx, ctx.draw(type_, 1))
    variable = ctx.variables[-1]
    called = ctx.allows("function") and user_functions.can_call(ctx, t.INT32) and ctx.choices.chance(0.4)
    index = (
        user_functions.call_function(ctx, t.INT32, 1)
        if called
        else buffers.element(ctx, buffers.new_input(ctx, t.INT32))
    )
    at = fit_index(ctx, index, type_.length).expr
    value = local_variables.in_range(ctx, variable, ctx.draw(type_.dtype, ctx.operations()))
    return [*made, parts.changed(ctx, n.Index(n.Name(variable.name, type_), (at,), type_.dtype), value)]


def newer_place(ctx: Context) -> list[n.Stmt]:
    """``out[i][0] += e``, ``out[i][1] = w`` of a matrix, ``out[i].p = w`` of a transform."""
    forms = ["component", *["row"] * ctx.allows("matrix"), *["transform"] * ctx.allows("transform")]
    dtype = float_dtype(ctx)
    if dtype.bits < 32:
        forms = forms[1:] or forms
    form = ctx.choices.pick(forms)
    type_ = {"row": t.Matrix(3, 3, dtype), "transform": t.Transform(dtype)}.get(form, t.Vector(3, dtype))
    buffer = buffers.new_output(ctx, type_)
    element = n.Index(buffer.name, buffers.own_slot(ctx, buffer), type_)
    if form == "transform":
        target: n.Place = n.Attribute(element, "p", t.Vector(3, dtype))
    else:
        part = t.Vector(3, dtype) if form == "row" else dtype
        target = n.Index(element, (n.Literal(ctx.choices.pick((0, 1, 2, -1)), t.INT32),), part)
    value = ctx.draw(target.type, ctx.operations()).expr
    if form == "component" or ctx.choices.chance(0.3):
        return [n.AugAssign(target, ctx.choices.pick(("+", "-")), value)]
    return [n.Assign(target, value)]


def component_store(ctx: Context) -> list[n.Stmt]:
    type_ = matrix_type(ctx) if ctx.allows("matrix") and ctx.choices.chance(0.3) else vector_type(ctx)
    made = declare(ctx, ctx.draw(type_, 1))
    return [*made, *local_variables.store_part(ctx, ctx.variables[-1])]


def element_component_store(ctx: Context) -> list[n.Stmt]:
    buffer = buffers.new_output(ctx, vector_type(ctx))
    return buffers.store_component(ctx, buffer)


def augmented(ctx: Context) -> list[n.Stmt]:
    dtype = float_dtype(ctx)
    made = declare(ctx, Ranged(n.Cast(dtype, literal(ctx.choices, dtype).expr)))
    name = n.Name(ctx.variables[-1].name, dtype)
    return [*made, n.AugAssign(name, ctx.choices.pick(("+", "*", "-")), ctx.draw(dtype, 1).expr)]


def call(ctx: Context) -> list[n.Stmt]:
    return declare(ctx, user_functions.call_function(ctx, numeric_dtype(ctx), ctx.operations()))


def effect(ctx: Context) -> list[n.Stmt]:
    """``x = e + f(out, i)``: what comes first is read before the function stores."""
    dtype = numeric_dtype(ctx)
    called = user_functions.call_with_effect(ctx, dtype, ctx.operations())
    return declare(ctx, combine(ctx, "+", ctx.draw(dtype, 0), called, dtype))


def outlive(ctx: Context) -> list[n.Stmt]:
    make = ctx.choices.pick((aliasing.both_branches, aliasing.from_loop))
    made = make(ctx)
    return [*made, *declare(ctx, ctx.use(ctx.variables[-1]))]


def constant(ctx: Context) -> list[n.Stmt]:
    dtype = ctx.choices.pick([d for d in (t.INT32, t.FLOAT32) if d in ctx.dtypes] or [t.INT32])
    value = literal(ctx.choices, dtype, 1, 10).expr
    assert isinstance(value, n.Literal)
    named = captured_values.new(ctx, value)
    return declare(ctx, combine(ctx, "*", ctx.draw(dtype, 1), named, dtype))


def static(ctx: Context) -> list[n.Stmt]:
    left, right = literal(ctx.choices, t.INT32, 1, 10), literal(ctx.choices, t.INT32, 1, 10)
    value = combine(ctx, ctx.choices.pick(("+", "*")), left, right, t.INT32)
    return _sum(ctx, Ranged(n.Static(value.expr, t.INT32), *value.range))


def tid_nd(ctx: Context) -> list[n.Stmt]:
    """Nothing to plant but a use of the thread: the grid itself has several dimensions."""
    y = ctx.thread(ctx.axes()[-1])
    return declare(ctx, combine(ctx, "+", fit(ctx, ctx.draw(t.INT32, 1), -1000, 1000), y, t.INT32))


def of_dtype(dtype: t.Scalar) -> Plant:
    def made(ctx: Context) -> list[n.Stmt]:
        return declare(ctx, combine(ctx, "+", ctx.draw(dtype, 1), ctx.draw(dtype, 0), dtype))

    return made


def integer_where(wanted: Callable[[t.Scalar], bool]) -> Plant:
    def dtype(ctx: Context) -> t.Scalar:
        found = [d for d in ctx.dtypes if d.is_integer and wanted(d)]
        return ctx.choices.pick(found or [d for d in t.INTEGERS if wanted(d)])

    return operator(("+", "*"), dtype)
