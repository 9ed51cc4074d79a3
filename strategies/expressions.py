"""How an expression of a given type is drawn.

``draw`` takes a type and a budget, the number of operations to place.  With no budget left it draws a leaf;
otherwise it picks an operation that gives the type and shares the rest of the budget among the operands.
Each production is one row of ``LEAVES`` or ``OPERATIONS``, simplest first: to add one is to add a row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernelfuzz.ir.builtins import Signature, producing
from kernelfuzz.ir.nodes import (
    ArrayShape, Attribute, Binary, BoolOp, Call, Cast, Compare, Constant, Construct, Expr, IfExp, Index,
    Literal, Name, Slice, Static, Unary,
)  # fmt: skip
from kernelfuzz.ir.operators import binary_operands, unary_operands
from kernelfuzz.ir.types import (
    BOOL, FLOAT32, INT32, Array, Matrix, Quaternion, Scalar, Struct, Tile, Transform, Tuple, Type, Vector,
)  # fmt: skip
from kernelfuzz.strategies import arrays
from kernelfuzz.strategies.builtin_safety import callable_here, result_range, safe_argument, state_argument
from kernelfuzz.strategies.context import MAX_GRID, Context, Variable
from kernelfuzz.strategies.dtypes import comparable_type, numeric_dtype
from kernelfuzz.strategies.literals import constant, literal
from kernelfuzz.strategies.ranges import (
    ARITHMETIC_BOUNDS, Ranged, binary_range, component_of, fits, full_range, is_ranged,
)  # fmt: skip
from kernelfuzz.strategies.safety import fit, integer_of_float, nonzero


@dataclass(frozen=True, slots=True)
class Production:
    """One way to make an expression: for which types, with which feature, how often, and how."""

    name: str
    makes: Callable[[Context, Type], bool]
    draw: Callable[[Context, Type, int], Ranged]
    weight: int
    feature: str | None = None


def draw(ctx: Context, type_: Type, budget: int) -> Ranged:
    """An expression of the type with about ``budget`` operations."""
    table = LEAVES if budget <= 0 else OPERATIONS
    options = [
        (production, production.weight)
        for production in _static_options(table is LEAVES, type_, ctx.features)
        if production.makes(ctx, type_)
    ]
    if not options:
        return draw(ctx, type_, 0)
    return ctx.choices.weighted(options).draw(ctx, type_, budget)


@functools.lru_cache(maxsize=16384)
def _static_options(leaf: bool, type_: Type, features: frozenset[str]) -> tuple[Production, ...]:
    """The productions whose feature is allowed (kept per type only because that is what is asked for)."""
    table = LEAVES if leaf else OPERATIONS
    return tuple(p for p in table if p.feature is None or p.feature in features)


def share(ctx: Context, budget: int, operands: int) -> list[int]:
    """Split what is left of a budget after one operation; the simplest split gives all to the last."""
    if operands == 0:
        return []
    left = max(0, budget - 1)
    shares: list[int] = []
    for _ in range(operands - 1):
        part = ctx.choices.integer(0, left)
        shares.append(part)
        left -= part
    return [*shares, left]


def draw_in(ctx: Context, type_: Type, budget: int, low: int, high: int) -> Ranged:
    """An expression whose integer components lie in ``low..high``."""
    return fit(ctx, draw(ctx, type_, budget), low, high)


def condition(ctx: Context, budget: int) -> Expr:
    """A bool expression that is no constant: a branch on a constant is decided when Warp compiles."""
    value = draw(ctx, BOOL, max(1, budget)).expr
    if isinstance(value, Literal):
        return _compare(ctx, BOOL, 1).expr
    return value


# -------------------------------------------------------------------- leaves


def _literal(ctx: Context, type_: Type, budget: int) -> Ranged:
    if isinstance(type_, Struct):
        return Ranged(Construct(type_, ()))
    assert not isinstance(type_, (Array, Tile, Tuple))
    if isinstance(type_, Scalar) and is_ranged(type_):
        return literal(ctx.choices, type_, -100, 100)
    return constant(ctx.choices, type_)


def _variable(ctx: Context, type_: Type, budget: int) -> Ranged:
    return ctx.use(ctx.choices.pick(ctx.visible(type_)))


def _parameter(ctx: Context, type_: Type, budget: int) -> Ranged:
    return ctx.use(ctx.scalar_param(type_))


def _thread_index(ctx: Context, type_: Type, budget: int) -> Ranged:
    return ctx.thread(ctx.choices.pick(ctx.axes()))


def _wide_literal(ctx: Context, type_: Type, budget: int) -> Ranged:
    assert isinstance(type_, Scalar)
    return literal(ctx.choices, type_)


def _holders(ctx: Context, type_: Type) -> list[tuple[Variable, Callable[[Context, Variable], Ranged]]]:
    """The variables that hold a value of the type inside: components, rows and fields."""
    found: list[tuple[Variable, Callable[[Context, Variable], Ranged]]] = []
    for variable in reversed(ctx.variables):
        held = variable.type
        if isinstance(held, Struct):
            if any(field == type_ for _, field in held.fields):
                found.append((variable, functools.partial(_field_of, type_)))
        elif isinstance(held, (Vector, Matrix, Quaternion)):
            if held.dtype == type_:
                found.append((variable, _component_of))
        elif isinstance(held, Transform) and type_ in (Vector(3, held.dtype), Quaternion(held.dtype)):
            found.append((variable, functools.partial(_part_of, type_)))
    return found


def _field_of(type_: Type, ctx: Context, variable: Variable) -> Ranged:
    value = ctx.use(variable).expr
    assert isinstance(variable.type, Struct)
    name = ctx.choices.pick([name for name, field in variable.type.fields if field == type_])
    return Ranged(Attribute(value, name, type_), *full_range(type_))


def _component_of(ctx: Context, variable: Variable) -> Ranged:
    value = ctx.use(variable)
    return component(ctx, value, 0)


def _part_of(type_: Type, ctx: Context, variable: Variable) -> Ranged:
    return Ranged(Attribute(ctx.use(variable).expr, "p" if isinstance(type_, Vector) else "q", type_))


def _held(ctx: Context, type_: Type, budget: int) -> Ranged:
    variable, read = ctx.choices.pick(_holders(ctx, type_))
    return read(ctx, variable)


def unsliced(value: Ranged) -> Ranged:
    """A value that can be subscripted: Warp merges the subscripts of ``v[1:3][0]`` and then fails
    (notes/findings/subscript-of-a-slice.md)."""
    expr = value.expr
    if isinstance(expr, Index) and not isinstance(expr.value.type, Array):
        return Ranged(Unary("+", expr, expr.type), *value.range)
    return value


def component(ctx: Context, value: Ranged, budget: int) -> Ranged:
    """One component of a vector, a matrix or a quaternion."""
    value = unsliced(value)
    type_ = value.expr.type
    if isinstance(type_, Matrix):
        places: tuple[Expr, ...] = (position(ctx, type_.rows, budget), position(ctx, type_.columns, 0))
        return Ranged(Index(value.expr, places, type_.dtype), *value.range)
    assert isinstance(type_, (Vector, Quaternion))
    length = type_.length if isinstance(type_, Vector) else 4
    if length <= 4 and not ctx.choices.chance(0.4):
        name = ctx.choices.pick("xyzw"[:length])
        return Ranged(Attribute(value.expr, name, type_.dtype), *value.range)
    return Ranged(Index(value.expr, (position(ctx, length, budget),), type_.dtype), *value.range)


def position(ctx: Context, length: int, budget: int) -> Expr:
    """An index of a component: a constant, now and then negative, or an integer in range."""
    if ctx.choices.chance(0.2):
        return arrays.within(ctx, length, budget, draw).expr
    return Literal(ctx.choices.pick((*range(length), -1)), INT32)


def _constant_name(ctx: Context, type_: Type, budget: int) -> Ranged:
    constants = [c for c in ctx.module.constants if c.value.type == type_]
    chosen = ctx.choices.pick([*constants, None] if len(ctx.module.constants) < 3 else constants)
    if chosen is None:
        assert isinstance(type_, Scalar)
        value = literal(ctx.choices, type_, -100, 100).expr
        assert isinstance(value, Literal)
        chosen = Constant(f"K{len(ctx.module.constants)}", value)
        ctx.module.constants.append(chosen)
    bound = 0 if chosen.value.type.is_float else int(chosen.value.value)
    return Ranged(Name(chosen.name, chosen.value.type), bound, bound)


def _can_name_constant(ctx: Context, type_: Type) -> bool:
    if type_ not in (INT32, FLOAT32) or not ctx.allows("constant"):
        return False
    if ctx.allows("closure") and not ctx.in_kernel:
        return False  # a captured value is in sight of the kernel only
    return len(ctx.module.constants) < 3 or any(c.value.type == type_ for c in ctx.module.constants)


def _static(ctx: Context, type_: Type, budget: int) -> Ranged:
    """``wp.static`` of an operation on two literals or constants, as Python evaluates it."""
    assert isinstance(type_, Scalar)
    left, right = (_static_operand(ctx, type_) for _ in range(2))
    op = ctx.choices.pick(("+", "-", "*"))
    result = Binary(op, left.expr, right.expr, type_)
    low, high = binary_range(op, left, right) if type_.is_integer else (0, 0)
    return Ranged(Static(result, type_), low, high)


def _static_operand(ctx: Context, type_: Scalar) -> Ranged:
    if ctx.choices.chance(0.3) and _can_name_constant(ctx, type_):
        return _constant_name(ctx, type_, 0)
    return literal(ctx.choices, type_, -100, 100)


def _array_shape(ctx: Context, type_: Type, budget: int) -> Ranged:
    buffer = ctx.choices.pick(ctx.buffers)
    axis = ctx.choices.integer(0, buffer.array.ndim - 1)
    return Ranged(ArrayShape(buffer.name, axis), 1, MAX_GRID)


def _is_plain(ctx: Context, type_: Type) -> bool:
    return not isinstance(type_, (Array, Tile, Tuple))


LEAVES: tuple[Production, ...] = (
    Production("literal", _is_plain, _literal, 3),
    Production("variable", lambda ctx, t: bool(ctx.visible(t)), _variable, 12),
    Production("element", arrays.can_read, arrays.read, 6),
    Production(
        "thread", lambda ctx, t: t == INT32 and bool(ctx.axes()), _thread_index, 2
    ),
    Production("held", lambda ctx, t: bool(_holders(ctx, t)), _held, 4),
    Production(
        "parameter",
        lambda ctx, t: ctx.in_kernel and len(ctx.params) < 8 and _is_plain(ctx, t),
        _parameter,
        2,
        "scalar_param",
    ),
    Production("array_shape", lambda ctx, t: t == INT32 and bool(ctx.buffers), _array_shape, 1, "array_shape"),
    Production("constant", _can_name_constant, _constant_name, 1),
    Production("static", lambda ctx, t: t in (INT32, FLOAT32), _static, 1, "static"),
    Production(
        "wide_literal", lambda ctx, t: isinstance(t, Scalar) and is_ranged(t), _wide_literal, 1
    ),
)  # fmt: skip


# ---------------------------------------------------------------- operations


@functools.lru_cache(maxsize=4096)
def _operators(type_: Type, features: frozenset[str]) -> tuple[tuple[str, Type, Type], ...]:
    gates = {"**": "power", "&": "bitwise", "|": "bitwise", "^": "bitwise", "<<": "shift", ">>": "shift"}
    return tuple(
        (op, left, right)
        for op, left, right in binary_operands(type_)
        if (op not in gates or gates[op] in features) and _drawable(left, features) and _drawable(right, features)
    )


def _drawable(type_: Type, features: frozenset[str]) -> bool:
    """Whether operands of a type may be drawn under the kernel's features."""
    match type_:
        case Matrix():
            return "matrix" in features
        case Quaternion():
            return "quaternion" in features
        case Transform():
            return "transform" in features
        case Vector():
            return "vector" in features
        case _:
            return True


def _binary(ctx: Context, type_: Type, budget: int) -> Ranged:
    op, left_type, right_type = ctx.choices.pick(_operators(type_, ctx.features))
    first, second = share(ctx, budget, 2)
    left = draw(ctx, left_type, first)
    right = draw(ctx, right_type, second)
    return combine(ctx, op, left, right, type_)


def combine(ctx: Context, op: str, left: Ranged, right: Ranged, type_: Type) -> Ranged:
    """``left op right``, with an operand made safe where the operation would be undefined."""
    scalar = component_of(type_)
    assert scalar is not None
    if not scalar.is_integer:
        return Ranged(Binary(op, left.expr, right.expr, type_))
    if op in ("/", "//", "%"):
        right = _divisor(ctx, right)
    elif op in ("<<", ">>"):
        right = fit(ctx, right, 0, 4 if op == "<<" else min(scalar.bits - 1, 31))
        if op == "<<" and scalar.kind == "int":
            left = fit(ctx, left, 0, min(255, scalar.limits[1]))
    terms = _terms(left.expr.type, right.expr.type)
    if not is_ranged(type_):
        if op == "*" and scalar.bits == 16 and scalar.kind == "uint":
            left = fit(ctx, left, 0, 255)  # the product of two uint16 is a signed int in C++
            right = fit(ctx, right, 0, 255)
        return Ranged(Binary(op, left.expr, right.expr, type_), *full_range(type_))
    low, high = binary_range(op, left, right, terms)
    if op in ("+", "-", "*", "@", "<<") and not fits(type_, low, high):
        left, right = fit(ctx, left, -1000, 1000), fit(ctx, right, -1000, 1000)
        low, high = binary_range(op, left, right, terms)
    return Ranged(Binary(op, left.expr, right.expr, type_), low, high)


def _divisor(ctx: Context, value: Ranged) -> Ranged:
    scalar = component_of(value.expr.type)
    assert scalar is not None
    if isinstance(value.expr.type, Scalar):
        return nonzero(ctx, value, scalar)
    fill = literal(ctx.choices, scalar, 1, 100)
    return Ranged(Construct(value.expr.type, (fill.expr,)), *fill.range)


def _terms(left: Type, right: Type) -> int:
    """How many products one component of the result sums."""
    if isinstance(left, Matrix) and isinstance(right, (Matrix, Vector)):
        return left.columns
    if isinstance(left, Vector) and isinstance(right, Matrix):
        return left.length
    return 1


def _unary(ctx: Context, type_: Type, budget: int) -> Ranged:
    op, operand_type = ctx.choices.pick(_unary_operators(type_, ctx.features))
    operand = draw(ctx, operand_type, budget - 1)
    if op == "-" and isinstance(operand.expr, Literal):
        return operand  # a negative literal is a literal
    scalar = component_of(type_)
    if scalar is None or not is_ranged(type_):
        return Ranged(Unary(op, operand.expr, type_), *full_range(type_))
    low, high = operand.range
    if op == "-":
        operand = fit(ctx, operand, *ARITHMETIC_BOUNDS[scalar])
        low, high = -operand.high, -operand.low
    elif op == "~":
        low, high = -high - 1, -low - 1
    return Ranged(Unary(op, operand.expr, type_), low, high)


@functools.lru_cache(maxsize=4096)
def _unary_operators(type_: Type, features: frozenset[str]) -> tuple[tuple[str, Type], ...]:
    return tuple(
        (op, operand)
        for op, operand in unary_operands(type_)
        if op != "not" and (op != "~" or "bitwise" in features)
    )


def _not(ctx: Context, type_: Type, budget: int) -> Ranged:
    return Ranged(Unary("not", draw(ctx, BOOL, budget - 1).expr, BOOL))


def _compare(ctx: Context, type_: Type, budget: int) -> Ranged:
    operand_type = comparable_type(ctx)
    equality_only = operand_type == BOOL or not isinstance(operand_type, Scalar)
    ops = ("==", "!=") if equality_only else ("<", ">", "<=", ">=", "==", "!=")
    count = 2 if not equality_only and ctx.allows("chained") and ctx.choices.chance(0.08) else 1
    shares = share(ctx, budget, count + 1)
    first, *others = (draw(ctx, operand_type, part).expr for part in shares)
    if count > 1:
        first, *others = (loaded(value) for value in (first, *others))
    return Ranged(Compare(first, tuple(ctx.choices.pick(ops) for _ in others), tuple(others)))


def loaded(value: Expr) -> Expr:
    """A value that Warp does not hold by reference: it refuses to chain a comparison over an array's element
    or a struct's field (notes/findings/chained-comparison-of-references.md)."""
    return Unary("+", value, value.type) if isinstance(value, (Index, Attribute)) else value


def _bool_op(ctx: Context, type_: Type, budget: int) -> Ranged:
    op = ctx.choices.pick(("and", "or"))
    count = 3 if ctx.choices.chance(0.15) else 2
    values = tuple(condition(ctx, part) for part in share(ctx, budget, count))
    return Ranged(BoolOp(op, values))


def _hull(a: Ranged, b: Ranged) -> tuple[int, int]:
    return min(a.low, b.low), max(a.high, b.high)


def _ternary(ctx: Context, type_: Type, budget: int) -> Ranged:
    first, second, third = share(ctx, budget, 3)
    test = condition(ctx, first)
    body, orelse = draw(ctx, type_, second), draw(ctx, type_, third)
    return Ranged(IfExp(test, body.expr, orelse.expr, type_), *_hull(body, orelse))


def _where(ctx: Context, type_: Type, budget: int) -> Ranged:
    first, second, third = share(ctx, budget, 3)
    test = condition(ctx, first)
    body, orelse = draw(ctx, type_, second), draw(ctx, type_, third)
    return Ranged(Call("where", (test, body.expr, orelse.expr), type_), *_hull(body, orelse))


@functools.lru_cache(maxsize=4096)
def builtin_choices(
    type_: Type, features: frozenset[str], dtypes: tuple[Scalar, ...]
) -> tuple[tuple[Signature, ...], ...]:
    """The builtins that give a type, grouped by name: each name is as likely as any other."""
    by_name: dict[str, list[Signature]] = {}
    for signature in producing(type_):
        if callable_here(signature, features, dtypes) and all(_drawable(t, features) for t in signature.params):
            by_name.setdefault(signature.name, []).append(signature)
    return tuple(tuple(group) for group in by_name.values())


def _builtin(ctx: Context, type_: Type, budget: int) -> Ranged:
    group = ctx.choices.pick(builtin_choices(type_, ctx.features, ctx.dtypes))
    return call_builtin(ctx, ctx.choices.pick(group), budget)


def call_builtin(ctx: Context, signature: Signature, budget: int) -> Ranged:
    """A call with arguments that the builtin is defined for."""
    arguments: list[Ranged] = []
    for at, part in enumerate(share(ctx, budget, len(signature.params))):
        if at in signature.builtin.mutates:
            arguments.append(state_argument(ctx))
        else:
            arguments.append(safe_argument(ctx, signature, at, draw(ctx, signature.params[at], part)))
    call = Call(signature.name, tuple(a.expr for a in arguments), signature.result, signature.keywords)
    return Ranged(call, *result_range(signature, arguments))


def _construct(ctx: Context, type_: Type, budget: int) -> Ranged:
    match type_:
        case Vector(length=length, dtype=dtype):
            parts: Sequence[Type] = [dtype] * length
        case Matrix(rows=rows, columns=columns, dtype=dtype):
            parts = [dtype] * (rows * columns)
        case Quaternion(dtype=dtype):
            parts = [dtype] * 4
        case Transform(dtype=dtype):
            parts = [Vector(3, dtype), Quaternion(dtype)]
        case Struct(fields=fields):
            parts = [field for _, field in fields]
        case _:
            raise AssertionError(f"{type_} has no constructor")
    values = [draw(ctx, part, part_budget) for part, part_budget in zip(parts, share(ctx, budget, len(parts)), strict=True)]
    low, high = min(v.low for v in values), max(v.high for v in values)
    return Ranged(Construct(type_, tuple(v.expr for v in values)), low, high)


def _cast(ctx: Context, type_: Type, budget: int) -> Ranged:
    assert isinstance(type_, Scalar)
    source = numeric_dtype(ctx)
    return cast(ctx, draw(ctx, source, budget - 1), type_)


def cast(ctx: Context, value: Ranged, target: Scalar) -> Ranged:
    """The value converted to another scalar type, kept in a range that the target holds."""
    source = value.expr.type
    assert isinstance(source, Scalar)
    if not target.is_integer:
        return Ranged(Cast(target, value.expr))
    if source.is_float:
        inner, low, high = integer_of_float(ctx, value.expr, target)
        return Ranged(Cast(target, inner), low, high)
    least, most = target.limits
    low, high = value.range if source.kind != "bool" else (0, 1)
    if not (least <= low and high <= most):
        low, high = target.limits
    return Ranged(Cast(target, value.expr), low, high)


def _component(ctx: Context, type_: Type, budget: int) -> Ranged:
    """A component of a composite expression."""
    assert isinstance(type_, Scalar)
    kinds = [t for t in (Vector(3, type_), Vector(2, type_), Vector(4, type_)) if ctx.allows("vector")]
    if type_.is_float and ctx.allows("matrix"):
        kinds += [Matrix(3, 3, type_), Matrix(2, 2, type_)]
    if type_.is_float and ctx.allows("quaternion"):
        kinds.append(Quaternion(type_))
    value = draw(ctx, ctx.choices.pick(kinds), budget - 1)
    return component(ctx, value, 0)


def _slice(ctx: Context, type_: Type, budget: int) -> Ranged:
    """A slice of a longer vector, or a row of a matrix."""
    assert isinstance(type_, Vector)
    length = type_.length
    source_length = ctx.choices.integer(length, max(length + 1, 4))
    value = unsliced(draw(ctx, Vector(source_length, type_.dtype), budget - 1))
    start = ctx.choices.integer(0, source_length - length)
    stop = start + length
    part = Slice(start or None, None if stop == source_length and ctx.choices.chance(0.5) else stop)
    if start == 0 and source_length == length and ctx.choices.chance(0.5):
        part = Slice(None, None, -1)
    return Ranged(Index(value.expr, (part,), type_), *value.range)


def _row(ctx: Context, type_: Type, budget: int) -> Ranged:
    assert isinstance(type_, Vector)
    rows = ctx.choices.integer(2, 4)
    value = unsliced(draw(ctx, Matrix(rows, type_.length, type_.dtype), budget - 1))
    return Ranged(Index(value.expr, (position(ctx, rows, 0),), type_), *value.range)


def _part(ctx: Context, type_: Type, budget: int) -> Ranged:
    """``t.p`` and ``t.q``."""
    dtype = component_of(type_)
    assert dtype is not None
    value = draw(ctx, Transform(dtype), budget - 1)
    return Ranged(Attribute(value.expr, "p" if isinstance(type_, Vector) else "q", type_))


def _call_function(ctx: Context, type_: Type, budget: int) -> Ranged:
    from kernelfuzz.strategies.functions import call_function  # a function's body is made of statements

    return call_function(ctx, type_, budget)


def may_call(ctx: Context) -> bool:
    """Whether a function can be called here: functions are drawn at most two deep."""
    return ctx.allows("function") and ctx.module.drawing < 2


def _is_bool(ctx: Context, type_: Type) -> bool:
    return type_ == BOOL


def _is_number(ctx: Context, type_: Type) -> bool:
    return isinstance(type_, Scalar) and type_ != BOOL


OPERATIONS: tuple[Production, ...] = (
    Production("binary", lambda ctx, t: bool(_operators(t, ctx.features)), _binary, 10, "arithmetic"),
    Production("compare", _is_bool, _compare, 20),
    Production("unary", lambda ctx, t: bool(_unary_operators(t, ctx.features)), _unary, 2, "arithmetic"),
    Production("not", _is_bool, _not, 2),
    Production("and_or", _is_bool, _bool_op, 5, "and_or"),
    Production("builtin", lambda ctx, t: bool(builtin_choices(t, ctx.features, ctx.dtypes)), _builtin, 12),
    Production(
        "construct",
        lambda ctx, t: isinstance(t, (Vector, Matrix, Quaternion, Transform, Struct)),
        _construct,
        4,
    ),
    Production("cast", _is_number, _cast, 2, "cast"),
    Production(
        "component",
        lambda ctx, t: _is_number(ctx, t) and ctx.allows("vector"),
        _component,
        2,
    ),
    Production("row", lambda ctx, t: isinstance(t, Vector) and t.length <= 4 and t.dtype.is_float, _row, 1, "matrix"),
    Production("slice", lambda ctx, t: isinstance(t, Vector) and t.length <= 4, _slice, 2, "slice"),
    Production(
        "part",
        lambda ctx, t: isinstance(t, Quaternion) or (isinstance(t, Vector) and t.length == 3 and t.dtype.is_float),
        _part,
        1,
        "transform",
    ),
    Production("where", _is_plain, _where, 1, "where"),
    Production("ternary", _is_plain, _ternary, 1, "ternary"),
    Production("function", lambda ctx, t: _is_plain(ctx, t) and may_call(ctx), _call_function, 3, "function"),
)  # fmt: skip
