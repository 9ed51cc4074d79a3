"""Constants of the module, or captured by a closure: numbers of every type, vectors, matrices, rotations."""

from __future__ import annotations

import math

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.operands import literal
from kernelfuzz.strategies.ranges import Ranged, component_of

# How many a module has at most.
MOST_CONSTANTS = 3

# What a constant keeps and a literal of a kernel may not: digits beyond float32, integers beyond int32.
_WIDE: dict[t.Scalar, tuple[int | float, ...]] = {
    t.FLOAT32: (0.1, -0.3), t.FLOAT64: (0.1, -0.3, 1e-300, 1e300), t.FLOAT16: (0.1, -0.3),
    t.UINT32: (2**32 - 1, 2**31), t.INT64: (2**40, 2**63 - 1, -(2**63)), t.UINT64: (2**64 - 1, 2**63),
}  # fmt: skip


def can_name(ctx: Context, type_: t.Type) -> bool:
    """Whether a constant of the type may be read here."""
    if not ctx.allows("constant") or isinstance(type_, t.Struct):
        return False
    if ctx.allows("closure") and not ctx.in_kernel:
        return False  # a captured value is in sight of the kernel only
    known = ctx.module.constants
    return len(known) < MOST_CONSTANTS or any(constant.value.type == type_ for constant in known)


def named(ctx: Context, type_: t.Type) -> Ranged:
    """The name of a constant of the type, which may be a new one."""
    constants = [constant for constant in ctx.module.constants if constant.value.type == type_]
    chosen = ctx.choices.pick([*constants, None] if len(ctx.module.constants) < MOST_CONSTANTS else constants)
    return new(ctx, _value(ctx.choices, type_)) if chosen is None else _read(chosen)


def new(ctx: Context, value: n.Literal | n.Construct) -> Ranged:
    """The name of a new constant."""
    constant = n.Constant(f"K{len(ctx.module.constants)}", value)
    ctx.module.constants.append(constant)
    return _read(constant)


def _read(constant: n.Constant) -> Ranged:
    scalar = component_of(constant.value.type)
    assert scalar is not None
    numbers = [int(node.value) for node in walk(constant.value) if isinstance(node, n.Literal) and scalar.is_integer]
    name = n.Name(constant.name, constant.value.type)
    return Ranged(name, min(numbers, default=0), max(numbers, default=0))


def _value(choices: Choices, type_: t.Type) -> n.Literal | n.Construct:
    """A number, small more often than not, or as many as a composite has components."""
    match type_:
        case t.Scalar():
            wide = _WIDE.get(type_, ())
            return n.Literal(choices.pick(wide), type_) if wide and choices.chance(0.2) else _small(choices, type_)
        case t.Transform(dtype=dtype):
            return n.Construct(type_, (_value(choices, t.Vector(3, dtype)), _value(choices, t.Quaternion(dtype))))
        case t.Vector() | t.Matrix() | t.Quaternion():
            parts = [_value(choices, type_.dtype) for _ in range(math.prod(t.shape(type_)))]
            return n.Construct(type_, tuple(parts))
        case _:
            raise AssertionError(f"no constant is of {type_}")


def _small(choices: Choices, type_: t.Scalar) -> n.Literal:
    value = literal(choices, type_, -100, 100).expr
    assert isinstance(value, n.Literal)
    return value
