"""The known bugs of Warp that the reference can imitate: one row of ``DEVIATIONS`` for each.

A failing case is a known bug where the reference with that deviation gives what Warp gave, to the bit (of gradients,
but for rounding); what merely has the construct of a known bug in it is not.  Each row has its page in notes/findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.reference import (
    aliases,
    arithmetic,
    kept_parameters,
    late_reads,
    left_loops,
    lost_derivatives,
    places_and_chains,
)
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.domain import Domain, Value
from kernelfuzz.reference.lost_derivatives import of_constant_divisor, of_nearest_bound
from kernelfuzz.reference.undefined import Stopped
from kernelfuzz.typecheck.builtins import Signature, is_newer


class _Changed:
    """A domain of numbers of which a subclass changes some operations."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain

    def __getattr__(self, name: str) -> Any:
        return getattr(self.domain, name)


class _NegatedZero(_Changed):
    def unary(self, op: str, operand: t.Type) -> Callable[[Value], Value]:
        scalar = arithmetic.component_type(operand)
        if op == "-" and scalar.is_float and isinstance(operand, (t.Scalar, t.Tile)):
            zero = self.domain.literal(scalar, 0.0)
            return lambda value: zero - value
        return self.domain.unary(op, operand)


class _Truncated(_Changed):
    def binary(self, op: str, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
        of_integers = not arithmetic.component_type(left).is_float
        return self.domain.binary("/" if op == "//" and of_integers else op, left, right)


class _IgnoredDivisor(_Changed):
    def binary(self, op: str, left: t.Type, right: t.Type) -> Callable[[Value, Value], Value]:
        operation = self.domain.binary(op, left, right)
        return of_constant_divisor(operation) if op == "%" else operation


class _NearestBound(_Changed):
    def call(self, signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
        function = self.domain.call(signature)
        if signature.name != "clamp":
            return function

        def call(arguments: tuple[Value, ...]) -> Value:
            x, low, high = arguments
            return of_nearest_bound(x, low, high, function(arguments))

        return call


def _numbers(changed: type[_Changed]) -> Callable[[Domain], Domain]:
    return lambda domain: cast("Domain", changed(domain))


_OPERATIONS = (n.Binary, n.Compare, n.Call, n.CallFunction, n.Construct, n.Index)

# In this order their rules are asked about a node; the rule of names that share a variable comes last, since
# every branch and loop has it.
DEVIATIONS: dict[str, Deviation] = {
    row.name: row
    for row in (
        Deviation(
            "negated-zero",
            "-x of a scalar or a tile is 0 - x, so that the negative of 0.0 is 0.0.",
            numbers=_numbers(_NegatedZero),
        ),
        Deviation(
            "floor-division-truncates",
            "// of integers truncates.",
            until="1.18",
            numbers=_numbers(_Truncated),
        ),
        Deviation(
            "chained-comparison-is-eager",
            "Every operand of a chain of comparisons is evaluated.",
            nodes={n.Compare: places_and_chains.chain},
        ),
        Deviation(
            "subscript-of-a-slice",
            "The subscripts of a slice of a matrix and of its element are taken as one.",
            nodes={n.Index: places_and_chains.column},
        ),
        Deviation(
            "store-into-a-part-of-a-part",
            "A store into a component of a part of a local is dropped.",
            nodes={n.Assign: places_and_chains.dropped, n.AugAssign: places_and_chains.dropped},
        ),
        Deviation(
            "augmented-row-is-dropped",
            "A sum into a row of a matrix in an array goes into a copy, and is lost.",
            until="1.15",
            nodes={n.AugAssign: places_and_chains.dropped_row},
        ),
        Deviation(
            "vector-is-stored-into-itself",
            "A local that is stored into a slice of itself is read while it changes.",
            nodes={n.Assign: places_and_chains.into_itself},
        ),
        Deviation(
            "element-is-read-late",
            "An operand that is an element is loaded when all operands are evaluated.",
            nodes={
                **dict.fromkeys(_OPERATIONS, late_reads.operands),
                n.For: late_reads.bounds,
                n.Return: late_reads.returned,
                n.Assign: late_reads.stored,
                n.AugAssign: late_reads.augmented,
                n.ExprStmt: late_reads.effect,
            },
        ),
        Deviation(
            "condition-is-read-again",
            "A condition that is an element is read again after the branch.",
            nodes={n.If: late_reads.branch, n.IfExp: late_reads.chosen},
        ),
        Deviation(
            "component-of-a-field-has-no-gradient",
            "A store into a component of a field of a local struct is not done again, and has no adjoint.",
            nodes={n.Assign: lost_derivatives.field_component, n.AugAssign: lost_derivatives.field_component},
            of_gradients=True,
        ),
        Deviation(
            "field-has-no-gradient",
            "A store into a field of a local struct is not done again, and has no adjoint.",
            until="1.15.0",
            nodes={n.Assign: lost_derivatives.field, n.AugAssign: lost_derivatives.field},
            of_gradients=True,
        ),
        Deviation(
            "ternary-element-has-no-gradient",
            "The adjoint of a conditional expression does not reach an element that it chooses.",
            since="1.11.1",
            until="1.17.0",
            nodes={n.IfExp: lost_derivatives.chosen_element},
            of_gradients=True,
        ),
        Deviation(
            "negative-row-has-no-gradient",
            "The adjoint does not reach a row of a matrix that is counted from the end.",
            until="1.17.0",
            nodes={n.Index: lost_derivatives.negative_row},
            of_gradients=True,
        ),
        Deviation(
            "component-sum-counts-twice",
            "The adjoint of v.y += e adds the gradient of the component to what it was before once more.",
            nodes={n.AugAssign: lost_derivatives.attribute_sum},
            of_gradients=True,
        ),
        Deviation(
            "remainder-ignores-the-divisor",
            "The derivative of a remainder by its divisor is 0.",
            numbers=_numbers(_IgnoredDivisor),
            of_gradients=True,
        ),
        Deviation(
            "clamp-between-crossed-bounds",
            "The adjoint of a clamp whose lower bound is above the upper one goes to the lower bound.",
            until="1.14.0",
            numbers=_numbers(_NearestBound),
            of_gradients=True,
        ),
        Deviation(
            "leaving-a-dynamic-loop",
            "The adjoint of a dynamic loop goes through its whole range, from the end, until it breaks.",
            nodes={
                n.For: left_loops.left_for,
                n.While: left_loops.left_while,
                n.Return: left_loops.each_return,
            },
            of_gradients=True,
        ),
        Deviation(
            "empty-range-runs-backwards",
            "The adjoint of a loop over an empty range with a step goes through one iteration.",
            until="1.18.0",
            nodes={n.For: left_loops.empty_range},
            of_gradients=True,
        ),
        Deviation(
            "local-of-a-loop-has-no-gradient",
            "What a dynamic loop binds first has no derivative after it.",
            nodes={n.For: left_loops.local_of_a_loop, n.While: left_loops.local_of_a_loop},
            of_gradients=True,
        ),
        Deviation(
            "empty-loop-loses-the-counter",
            "The counter of a loop that is not unrolled has no value where the loop runs zero times.",
            nodes={n.For: places_and_chains.lost_counter},
            open=True,
        ),
        Deviation(
            "ternary-loads-too-late",
            "A conditional expression loads the element of either side, and has the place of the chosen one only.",
            until="1.11.1",
            nodes={n.IfExp: late_reads.unloaded},
            open=True,
        ),
        Deviation(
            "negative-component-of-an-element",
            "A negative subscript of a component that is stored into an element is not counted from the end.",
            until="1.18.0",
            nodes={n.Assign: places_and_chains.negative_component, n.AugAssign: places_and_chains.negative_component},
            open=True,
        ),
        Deviation(
            "lower-bound-ignores-strides",
            "A search takes what lies behind the first element of an array for its elements.",
            nodes={n.Call: places_and_chains.searched},
            open=True,
            strided=True,
        ),
        Deviation(
            "parameter-keeps-its-change",
            "What a thread of a grid-stride loop assigns to a part of a parameter, or in a dynamic loop, stays there.",
            nodes={
                n.Assign: kept_parameters.stored,
                n.AugAssign: kept_parameters.stored,
                n.For: kept_parameters.looped,
                n.While: kept_parameters.looped,
                n.Call: kept_parameters.drawn,
            },
            open=True,
            in_turns=True,
        ),
        Deviation(
            "tuple-assignment-aliases",
            "A name of a tuple assignment gets the variable, or the place of the element, of its value.",
            nodes={n.Unpack: aliases.unpacked, **aliases.FLOW},
            shares=True,
        ),
        Deviation(
            "constant-ternary-aliases",
            "A name gets the variable that a conditional expression with a constant condition chooses.",
            nodes={n.Assign: aliases.chosen, **aliases.FLOW},
            shares=True,
        ),
        Deviation(
            "conversion-retypes-a-constant",
            "A conversion to 64 bits of a local that holds a constant takes over the variable of the constant.",
            since="1.12.1",
            nodes={n.Assign: aliases.retyped, **aliases.FLOW},
            shares=True,
        ),
    )
}  # fmt: skip


def applicable(*, of_gradients: bool = False) -> tuple[Deviation, ...]:
    """The deviations that the installed Warp has; those that concern adjoints only on demand."""
    return tuple(
        row
        for row in DEVIATIONS.values()
        if not is_newer(row.since) and (not row.until or is_newer(row.until)) and (of_gradients or not row.of_gradients)
    )


def explanation(rows: Sequence[Deviation], agrees: Callable[[Sequence[Deviation]], bool]) -> tuple[str, ...]:
    """The names of the deviations with which the reference ``agrees`` with Warp; empty where no set of them does.

    One alone comes before several; of several none can be left out.  Those whose effect is ``open`` explain nothing.
    """
    rows = [row for row in rows if not row.open]
    for row in rows:
        if _agrees(agrees, (row,)):
            return (row.name,)
    for left_out in (None, *rows):
        several = [row for row in rows if row is not left_out]
        if len(several) > 1 and _agrees(agrees, several):
            return tuple(row.name for row in _needed(several, agrees))
    return ()


def _needed(rows: Sequence[Deviation], agrees: Callable[[Sequence[Deviation]], bool]) -> Sequence[Deviation]:
    """The rows without those that make no difference."""
    for row in rows:
        others = [each for each in rows if each is not row]
        if _agrees(agrees, others):
            rows = others
    return rows


def _agrees(agrees: Callable[[Sequence[Deviation]], bool], rows: Sequence[Deviation]) -> bool:
    try:
        return agrees(rows)
    except Stopped:
        return False  # what such a Warp computes is open
