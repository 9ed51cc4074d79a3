"""For each known bug that gives wrong values or gradients, or rejects what is valid, a rewrite around it.

A rewrite changes nothing of what a kernel computes.  So a kernel that fails, and passes once it is rewritten,
fails because of a known bug; and the rewritten kernel can be searched for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.rewrites import adjoints, copies, inlined, loads
from kernelfuzz.typecheck.verify import VerifyError, verify

Workaround: TypeAlias = Callable[[Kernel], Kernel]

# By the names of the pages in notes/findings.  These concern adjoints only.
OF_GRADIENTS: Mapping[str, Workaround] = {
    "component-of-a-field-has-no-gradient": adjoints.component_of_a_field,
    "component-sum-counts-twice": adjoints.component_sum,
    "remainder-ignores-the-divisor": adjoints.remainder,
    "replayed-function-adds-again": inlined.writing_functions,
    # Behind the inlining: what a function does to its own parameters is then done to locals.
    "sum-changes-what-an-adjoint-reads": adjoints.changed_in_place,
}
WORKAROUNDS: Mapping[str, Workaround] = {
    "constant-ternary-aliases": loads.constant_ternary_aliases,
    "conversion-retypes-a-constant": loads.conversion_retypes_a_constant,
    "subscript-of-a-slice": loads.subscript_of_a_slice,
    "chained-comparison-of-references": loads.chained_comparison_of_references,
    "negated-zero": loads.negated_zero,
    "element-is-read-late": loads.element_is_read_late,
    "condition-is-read-again": loads.condition_is_read_again,
    "chained-comparison-is-eager": loads.chained_comparison_is_eager,
    # Before the aliases, whose rewrite splits every tuple assignment.
    "tuple-assignment-of-an-element": copies.tuple_assignment_of_an_element,
    "tuple-assignment-aliases": copies.tuple_assignment_aliases,
    "empty-loop-loses-the-counter": copies.empty_loop_loses_the_counter,
    "store-into-a-part-of-a-part": copies.store_into_a_part_of_a_part,
    **OF_GRADIENTS,
}
# Rewrites after which what is computed may differ by rounding.
ROUNDED = frozenset({"remainder-ignores-the-divisor"})


def worked_around(kernel: Kernel, slugs: Iterable[str] | None = None) -> Kernel:
    """The kernel rewritten to keep clear of the bugs in ``slugs`` (all that are in ``WORKAROUNDS``).

    A rewrite that would not verify (a name that Warp holds for a constant, say) is left out.  Raises KeyError
    at a slug that has no workaround.
    """
    for slug in WORKAROUNDS if slugs is None else slugs:
        rewritten = WORKAROUNDS[slug](kernel)
        try:
            verify(rewritten)
        except VerifyError:
            continue
        kernel = rewritten
    return kernel


def concerns(slug: str, kind: str) -> bool:
    """Whether the bug may be why a kernel fails in this way (``Verdict.kind``).

    Where a rewrite for adjoints changes what else fails, that is another bug.
    """
    return kind == "wrong gradient" or slug not in OF_GRADIENTS


__all__ = ["OF_GRADIENTS", "ROUNDED", "WORKAROUNDS", "Workaround", "concerns", "worked_around"]
