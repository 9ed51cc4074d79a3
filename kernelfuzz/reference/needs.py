"""Which values the adjoint of an operation reads: by them a lost value makes a derivative wrong.

An adjoint multiplies by partial derivatives.  Those of a sum are constants; that of a product by one factor is the
other factor; of most functions they depend on every argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.reference.compiled_calls import OPERATORS
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.smooth import depends


@dataclass(frozen=True, slots=True)
class Operand:
    """A value that was just computed, and why the adjoint does not have it (0: it has)."""

    value: Value
    lost: int


# Whether a derivative needs a value that is lost, given the operands in the order in which they were evaluated.
Needs: TypeAlias = "Callable[[Sequence[Operand]], bool]"


def _no_value(operands: Sequence[Operand]) -> bool:
    return False


def _condition(operands: Sequence[Operand]) -> bool:
    return bool(operands[0].lost)


def _every_value(operands: Sequence[Operand]) -> bool:
    return any(each.lost for each in operands) and any(depends(each.value) for each in operands)


def _other_factor(operands: Sequence[Operand]) -> bool:
    left, right = operands
    return bool((left.lost and depends(right.value)) or (right.lost and depends(left.value)))


def _of_quotient(operands: Sequence[Operand]) -> bool:
    left, right = operands
    return bool((left.lost and depends(right.value)) or (right.lost and _every_value(operands)))


def _of_remainder(operands: Sequence[Operand]) -> bool:
    return depends(operands[1].value) and _every_value(operands)


def _place(operands: Sequence[Operand]) -> bool:
    """Of a part of a value: where it is."""
    return any(each.lost for each in operands[1:]) and depends(operands[0].value)


_OF_OPERATOR: dict[str, Needs] = {
    "+": _no_value,
    "-": _no_value,
    "*": _other_factor,
    "@": _other_factor,
    "/": _of_quotient,
    "%": _of_remainder,
}

# Builtins that only move components, or add them up.
_LINEAR = frozenset({
    "neg", "pos", "transpose", "trace", "diag", "get_diag", "skew", "degrees", "radians",
    "transform_get_translation", "transform_get_rotation", "matrix", "vector", "quaternion", "transformation",
    "matrix_from_rows", "matrix_from_cols",
    "tile_sum", "tile_broadcast", "tile_reshape", "tile_transpose", "tile_astype", "tile_load", "tile_store",
    "tile_zeros", "tile_ones",
})  # fmt: skip

# Builtins with several results whose adjoints read them.
READ_THEIR_RESULTS = frozenset({"svd2", "svd3", "qr3", "eig3"})


def _of_operator(op: str) -> Needs:
    return _OF_OPERATOR.get(op, _every_value)


def needs(node: n.Expr) -> Needs:
    """What the adjoint of an expression needs of the operands that its evaluation computes."""
    match node:
        # The left one rotates the right one: the derivative by a rotation needs that rotation itself.
        case n.Binary(op="*", left=left, right=right) | n.Call(name="mul", args=(left, right)) if isinstance(
            left.type, t.Transform
        ) and isinstance(right.type, t.Transform):
            return _every_value
        case n.Binary(op=op):
            return _of_operator(op)
        case n.IfExp() | n.Call(name="where"):
            return _condition
        case n.Call(name=name) if name in OPERATORS:
            return _of_operator(OPERATORS[name])
        case n.Call(name="tile_extract"):
            return _place
        case n.Call(name=name) if name not in _LINEAR:
            return _every_value
        case n.Index(value=value) if not isinstance(value.type, t.Array):
            return _place
        case _:
            return _no_value
