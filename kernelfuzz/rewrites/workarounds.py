"""For each known bug that gives wrong values or gradients, or rejects what is valid, a rewrite around it.

A rewrite changes nothing of what a kernel computes.  So a kernel that fails, and passes once it is rewritten,
fails because of a known bug; and the rewritten kernel can be searched for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from kernelfuzz.analysis.unrolling import MAX_UNROLL
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import FreshNames
from kernelfuzz.ir.rewrite import map_expressions, map_statements
from kernelfuzz.rewrites import adjoints, before_loops, copies, inlining, loads, parameters, searches, value_names
from kernelfuzz.rewrites.places import fresh_names
from kernelfuzz.rewrites.transformations import Aspect
from kernelfuzz.typecheck.verify import VerifyError, verify

# With the number of iterations up to which Warp unrolls a loop, of what is done about loops.
ChangeKernel: TypeAlias = Callable[..., n.Kernel]
ChangeExpression: TypeAlias = Callable[[n.Expr], n.Expr]
ChangeStatement: TypeAlias = Callable[[n.Stmt, loads.Unit, FreshNames], n.Block]


@dataclass(frozen=True, slots=True)
class Workaround:
    """A rewrite of a kernel after which it does not meet a bug.

    ``bug`` names its page in notes/findings; ``releases`` are those of the table there that have the bug;
    ``does`` says in one sentence what is written instead.  ``of_gradients``: the bug concerns adjoints only.
    ``of_loops``: it is one of loops that are not unrolled.
    ``recognises`` are the failures, by kind, that count as the bug where the rewritten kernel has none: those of
    which ``kernelfuzz.reference.deviations`` does not predict what Warp computes.
    """

    bug: str
    releases: tuple[str, ...]
    does: str
    change: ChangeKernel
    of_gradients: bool = False
    of_loops: bool = False
    recognises: tuple[str, ...] = ("wrong gradient",)
    may_change: tuple[Aspect, ...] = ("source",)


def _expressions(change: ChangeExpression, *, targets: bool = True) -> ChangeKernel:
    return lambda kernel: map_expressions(kernel, change, targets=targets)


def _statements(change: ChangeStatement) -> ChangeKernel:
    def rewrite(kernel: n.Kernel) -> n.Kernel:
        fresh = fresh_names(kernel)
        return map_statements(kernel, lambda node, unit: change(node, unit, fresh))

    return rewrite


def _both(expression: ChangeExpression, statement: ChangeStatement) -> ChangeKernel:
    """The expressions first."""
    return lambda kernel: _statements(statement)(map_expressions(kernel, expression))


_ALL = ("1.10.0", "1.14.0", "1.19.0")
_REFUSED = ("rejected", "wrong gradient")
# What is read was not written: anything may come of it.
_UNWRITTEN = ("malformed code", "wrong value", "different", "wrong gradient")

# In this order: they are applied one after the other.
WORKAROUNDS: dict[str, Workaround] = {
    row.bug: row
    for row in (
        # Before the aliases, whose rewrite loads elements too.
        Workaround(
            "ternary-loads-too-late", ("1.10.0",),
            "An operator or a function loads an element on its side of a conditional expression.",
            loads.ternary_loads_too_late, recognises=(*_UNWRITTEN, "crash"),
        ),
        Workaround(
            "constant-ternary-aliases", _ALL,
            "The sides of a conditional expression get variables of their own.",
            _expressions(loads.constant_ternary_aliases),
        ),
        Workaround(
            "conversion-retypes-a-constant", ("1.14.0", "1.19.0"),
            "A 64-bit conversion takes +n instead of n.",
            _expressions(loads.conversion_retypes_a_constant), recognises=_REFUSED,
        ),
        Workaround(
            "subscript-of-a-slice", _ALL,
            "An operator stands between the two subscripts.",
            _expressions(loads.subscript_of_a_slice, targets=False), recognises=_REFUSED,
        ),
        Workaround(
            "chained-comparison-of-references", _ALL,
            "What a chain compares gets variables of its own.",
            _expressions(loads.chained_comparison_of_references), recognises=_REFUSED,
        ),
        Workaround(
            "parameter-keeps-its-change", _ALL,
            "A local holds the value of a parameter that the kernel changes.",
            parameters.own_copies, recognises=("wrong value", "different", "wrong gradient"),
        ),
        Workaround(
            "negated-zero", _ALL,
            "A product by -1.0 stands for a negation.",
            _expressions(loads.negated_zero),
        ),
        Workaround(
            "element-is-read-late", _ALL,
            "An operator loads the element before a later operand writes it.",
            _both(loads.element_is_read_late, loads.element_is_read_late_by_statements),
        ),
        Workaround(
            "condition-is-read-again", _ALL,
            "A double negation loads the element once.",
            _both(loads.condition_is_read_again, loads.condition_is_read_again_by_if),
        ),
        Workaround(
            "chained-comparison-is-eager", _ALL,
            "A chain of comparisons is an and of comparisons of neighbours.",
            _expressions(loads.chained_comparison_is_eager),
        ),
        Workaround(
            "tuple-assignment-aliases", _ALL,
            "A tuple assignment becomes single ones through temporaries.",
            _statements(copies.tuple_assignment_aliases), recognises=_REFUSED,
        ),
        Workaround(
            "empty-loop-loses-the-counter", _ALL,
            "A counter that outlives its loop is counted by another name.",
            _statements(copies.empty_loop_loses_the_counter), recognises=_UNWRITTEN,
        ),
        Workaround(
            "store-into-a-part-of-a-part", _ALL,
            "The part is copied out, changed, and stored back as a whole.",
            _statements(copies.store_into_a_part_of_a_part),
        ),
        Workaround(
            "negative-component-of-an-element", ("1.10.0", "1.14.0"),
            "A component that is stored into an element is counted from the start.",
            _statements(copies.negative_component_of_an_element),
            recognises=("wrong value", "wrong gradient", "different", "crash"),
        ),
        Workaround(
            "lower-bound-ignores-strides", _ALL,
            "A function searches the array.",
            searches.own_search, recognises=("wrong value", "wrong gradient"),
        ),
        Workaround(
            "local-named-as-a-value", _ALL,
            "The local has another name.",
            value_names.named_otherwise, recognises=("built differently",),
        ),
        Workaround(
            "component-of-a-field-has-no-gradient", _ALL,
            "The field is constructed again; a sum is made in a copy.",
            _statements(adjoints.component_of_a_field), of_gradients=True,
        ),
        Workaround(
            "component-sum-counts-twice", _ALL,
            "A component is indexed instead of named.",
            _statements(adjoints.component_sum), of_gradients=True,
        ),
        Workaround(
            "remainder-ignores-the-divisor", _ALL,
            "A function computes a - b * wp.trunc(a / b).",
            adjoints.remainder, of_gradients=True, may_change=("source", "rounding"),
        ),
        Workaround(
            "replayed-function-adds-again", _ALL,
            "The statements of the function stand in place of its call.",
            inlining.writing_functions, of_gradients=True,
        ),
        Workaround(
            "local-of-a-loop-has-no-gradient", _ALL,
            "The local gets a value before the loop.",
            before_loops.declared_before_loops, of_gradients=True, of_loops=True,
        ),
        # Behind the inlining: what a function does to its own parameters is then done to locals.
        Workaround(
            "sum-changes-what-an-adjoint-reads", _ALL,
            "The sum changes a copy; so does a loop.",
            lambda kernel, unroll: before_loops.copied_before_loops(adjoints.summed_in_place(kernel), unroll),
            of_gradients=True, of_loops=True,
        ),
    )
}  # fmt: skip


def worked_around(kernel: n.Kernel, slugs: Iterable[str] | None = None, unroll: int = MAX_UNROLL) -> n.Kernel:
    """The kernel rewritten to keep clear of the bugs in ``slugs`` (all that are in ``WORKAROUNDS``).

    Warp unrolls loops of up to ``unroll`` iterations.
    A rewrite that would not verify (a name that Warp holds for a constant, say) is left out.  Raises KeyError
    at a slug that has no workaround.
    """
    for slug in WORKAROUNDS if slugs is None else slugs:
        row = WORKAROUNDS[slug]
        rewritten = row.change(kernel, unroll) if row.of_loops else row.change(kernel)
        try:
            verify(rewritten)
        except VerifyError:
            continue
        kernel = rewritten
    return kernel
