"""Programs whose result depends on an order, an aliasing rule or a scope.

Copies that must keep their value, names that outlive their block, several names assigned at once, bounds that
change while the loop runs.  The reference interpreter knows what each must give.
"""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies import buffers, control_flow, local_variables
from kernelfuzz.strategies.context import Context, Variable, local_prefix
from kernelfuzz.strategies.control_flow import guard
from kernelfuzz.strategies.local_variables import declare, mutable, unfixed
from kernelfuzz.strategies.ranges import MUTABLE_BOUNDS, Ranged, full_range, is_ranged
from kernelfuzz.strategies.safe_operators import combine, condition, loaded
from kernelfuzz.strategies.value_types import float_dtype, value_type


def keep(ctx: Context) -> list[n.Stmt]:
    """``w = v``, and then ``v`` changes: ``w`` keeps what ``v`` was."""
    variable = ctx.choices.pick(mutable(ctx))
    copy = declare(ctx, ctx.use(variable))
    return [*copy, *_change(ctx, variable)]


def _change(ctx: Context, variable: Variable) -> list[n.Stmt]:
    if local_variables.has_inside(variable.type) and ctx.allows("component_store") and ctx.choices.chance(0.6):
        return local_variables.store_part(ctx, variable)
    return local_variables.assign_to(ctx, variable)


def keep_element(ctx: Context) -> list[n.Stmt]:
    """``x = out[i]``, and then ``out[i]`` changes: ``x`` keeps what was there."""
    buffer = ctx.choices.pick(buffers.outputs(ctx))
    element = buffers.element(ctx, buffer)
    copy = declare(ctx, element)
    parts = buffers.can_store_component(buffer) and ctx.allows("element_component_store")
    if parts and ctx.choices.chance(0.5):
        return [*copy, *buffers.store_component(ctx, buffer)]
    value = ctx.draw(buffer.array.dtype, ctx.operations()).expr
    assert isinstance(element.expr, n.Index)
    return [*copy, n.Assign(element.expr, value)]


def several(ctx: Context) -> list[Variable]:
    """The variables that an assignment to several names can change."""
    return [
        v for v in mutable(ctx) if v.type != t.BOOL and isinstance(v.type, (t.Scalar, t.Vector, t.Matrix, t.Quaternion))
    ]


def together(ctx: Context) -> list[n.Stmt]:
    """``a, b = e, f``: both are computed before either name changes."""
    found = several(ctx)
    first = ctx.choices.integer(0, len(found) - 2)
    chosen = (found[first], ctx.choices.pick(found[first + 1 :]))
    values: list[Ranged] = []
    for variable, other in zip(chosen, chosen[::-1], strict=True):
        value = local_variables.in_range(ctx, variable, _mentioning(ctx, variable, other))
        # Warp takes no element of an array here for a name that exists
        # (notes/findings/tuple-assignment-aliases.md).
        values.append(unfixed(Ranged(loaded(value.expr), *value.range)))
    for variable in chosen:
        ctx.wrote(variable)
    return [n.Unpack(tuple(v.name for v in chosen), tuple(value.expr for value in values))]


def _mentioning(ctx: Context, variable: Variable, other: Variable) -> Ranged:
    """A value for the variable, made of the one that is assigned with it where their types agree."""
    if other.type != variable.type:
        return ctx.draw(variable.type, ctx.operations())
    match ctx.choices.weighted((("other", 3), ("both", 2), ("any", 2))):
        case "other":
            return ctx.use(other)
        case "both":
            return combine(ctx, "+", ctx.use(other), ctx.use(variable), variable.type)
        case _:
            return ctx.draw(variable.type, ctx.operations())


def carry(ctx: Context) -> list[n.Stmt]:
    """Two values that a loop hands on: ``before = now``, ``now = next``, now and then with an early exit."""
    # Floats: integers would grow out of their range.
    type_: t.Type = float_dtype(ctx)
    if ctx.allows("vector") and ctx.choices.chance(0.4):
        type_ = t.Vector(ctx.choices.integer(2, 4), float_dtype(ctx))
    made: list[n.Stmt] = []
    for _ in range(2):
        made += declare(ctx, unfixed(ctx.draw(type_, ctx.operations())))
    before, now = ctx.variables[-2:]

    def body(inner: Context) -> list[n.Stmt]:
        following = combine(inner, inner.choices.pick(("+", "-")), now.read(), before.read(), type_)
        statements = declare(inner, following)
        if inner.allows("if") and inner.depth < inner.deepest and inner.choices.chance(0.4):
            exits = [exit_ for name, exit_ in (("break", n.Break()), ("continue", n.Continue())) if inner.allows(name)]
            if exits:
                statements += guard(inner, inner.choices.pick(exits))
        moved = n.Name(inner.variables[-1].name, type_)
        if inner.allows("unpack") and inner.choices.chance(0.4):
            statements.append(n.Unpack((before.name, now.name), (n.Name(now.name, type_), moved)))
        else:
            statements.append(n.Assign(n.Name(before.name, type_), n.Name(now.name, type_)))
            statements.append(n.Assign(n.Name(now.name, type_), moved))
        return statements

    made += control_flow.for_with(ctx, body)
    ctx.wrote(before)
    ctx.wrote(now)
    return made


def shuffle(ctx: Context) -> list[n.Stmt]:
    """Components that change places through a temporary: ``t = v.x``, ``v.x = v.y``, ``v.y = t``."""
    variable = ctx.choices.pick(shuffled(ctx))
    assert isinstance(variable.type, t.Vector)
    vector, dtype = n.Name(variable.name, variable.type), variable.type.dtype
    first, second = (n.Attribute(vector, name, dtype) for name in ctx.choices.pick(("xy", "yx")))
    kept = declare(ctx, Ranged(first, variable.low, variable.high))
    temporary = n.Name(ctx.variables[-1].name, dtype)
    ctx.wrote(variable)
    return [*kept, n.Assign(first, second), n.Assign(second, temporary)]


def shuffled(ctx: Context) -> list[Variable]:
    """The vectors whose components can change places."""
    return [v for v in mutable(ctx) if isinstance(v.type, t.Vector) and v.type.length >= 2]


def both_branches(ctx: Context) -> list[n.Stmt]:
    """A name that both branches of an if statement make, and that lives on."""
    type_ = value_type(ctx)
    test = condition(ctx, ctx.operations())
    name = ctx.fresh(local_prefix(type_))
    blocks: list[tuple[n.Stmt, ...]] = []
    for _ in range(2):
        with ctx.block():
            before = ctx.draw_block() if ctx.choices.chance(0.3) and ctx.depth <= ctx.deepest else ()
            value = unfixed(ctx.draw(type_, ctx.operations()))
            blocks.append((*before, n.Assign(n.Name(name, type_), value.expr)))
    _outlives(ctx, name, type_)
    return [n.If(test, blocks[0], blocks[1])]


def _outlives(ctx: Context, name: str, type_: t.Type) -> None:
    """Bring a name that a block made into scope after it."""
    ctx.variables.append(Variable(name, type_, *full_range(type_), mutable=not is_ranged(type_)))


def from_loop(ctx: Context) -> list[n.Stmt]:
    """A name that the first statement of a loop makes, and the loop's counter, read after it."""
    type_ = value_type(ctx)
    name = ctx.fresh(local_prefix(type_))

    def body(inner: Context) -> list[n.Stmt]:
        value = unfixed(inner.draw(type_, inner.operations()))
        return [n.Assign(n.Name(name, type_), value.expr), *inner.draw_block()]

    made = control_flow.for_with(ctx, body, dynamic=False)
    _outlives(ctx, name, type_)
    loop = made[0]
    assert isinstance(loop, n.For)
    if ctx.in_kernel and ctx.choices.chance(0.5):
        made += buffers.store_value(ctx, n.Name(loop.name, t.INT32))
    return made


def moving_bound(ctx: Context) -> list[n.Stmt]:
    """``for i in range(n)`` where the body changes ``n``: the bounds are computed once."""
    turns = ctx.choices.integer(1, 4)
    bound = n.Name(ctx.fresh("n"), t.INT32)
    step = ctx.choices.pick((1, 2))
    change = control_flow.moved(ctx, bound, ctx.choices.pick(("-", "+")), step)
    # The body may read the bound, but only this statement changes it, so that it stays small.
    variable = Variable(bound.id, t.INT32, *MUTABLE_BOUNDS)
    ctx.variables.append(variable)
    counter = ctx.fresh("i")
    with ctx.block(loop=True):
        ctx.variables.append(Variable(counter, t.INT32, 0, turns - 1))
        body = ctx.draw_block()
    start = n.Assign(bound, n.Cast(t.INT32, n.Literal(turns, t.INT32)))
    return [start, n.For(counter, (bound,), (change, *body))]
