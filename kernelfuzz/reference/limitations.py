"""What Warp's documentation says its adjoints do not get right: such a kernel's gradient is not judged.

The source is the user guide's page "Differentiability" (https://nvidia.github.io/warp/, 1.19).  A rule here
is what a sentence there says, and is read as widely as the sentence can be.  Where an older release says
more, the rule asks which one is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.types import has_floats
from kernelfuzz.ir.walk import walk
from kernelfuzz.reference.dynamic_loops import carries_values
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.launch import execute
from kernelfuzz.reference.reassigned import reassigned_components
from kernelfuzz.reference.release import at_least

ARRAY_OVERWRITE = "array overwrite"


@dataclass(frozen=True, slots=True)
class Limitation:
    """``applies(body, unit)`` for the kernel and each of its functions; the sentence and its section."""

    name: str
    section: str
    sentence: str
    applies: Callable[[n.Kernel | n.Function], bool]


def documented_limitation(kernel: n.Kernel, launch: Launch | None = None) -> str | None:
    """The name of a limitation that concerns the kernel's gradient, or None.

    With a launch, also whether it overwrites an array, which shows only when it runs; raises Undefined then,
    as ``run`` does (but not for the rounding of a sum whose order is open).
    """
    for limitation in LIMITATIONS:
        if any(limitation.applies(unit) for unit in (kernel, *kernel.functions)):
            return limitation.name
    if launch is not None and array_overwrites(kernel, launch):
        return ARRAY_OVERWRITE
    return None


def array_overwrites(kernel: n.Kernel, launch: Launch) -> frozenset[str]:
    """The parameters of which an element is written after it was read.

    "This sort of problem boils down to a single pattern to be avoided: writing to an array after reading from
    it" (Array Overwrite Tracking).  An atomic minimum or maximum of floats reads what it overwrites; an
    atomic sum, as which += counts, does not.  What is written twice and not read is no such pattern: "Warp
    correctly propagates gradients only through the final write" (Array Overwrites), but that holds from 1.14
    on; before, "overwriting previously computed results can lead to incorrect gradient calculations".
    """
    overwritten: set[str] = set()
    rewritten: set[str] = set()
    execute(kernel, launch, Exact(), overwritten=overwritten, rewritten=rewritten, rounded=True)
    return frozenset(overwritten if at_least(1, 14) else overwritten | rewritten)


# ------------------------------------------------------------------------ in-place math


def _in_place_math(unit: n.Kernel | n.Function) -> bool:
    return any(
        isinstance(node, n.AugAssign)
        and node.op not in ("+", "-")
        and not isinstance(node.target, n.Name)
        and has_floats(node.target.type)
        for node in walk(*unit.body)
    )


def _component_assignment(unit: n.Kernel | n.Function) -> bool:
    return bool(reassigned_components(unit))


# ------------------------------------------------------------------------------ atomics


def _used_atomic(unit: n.Kernel | n.Function) -> bool:
    unused = {id(node.value) for node in walk(*unit.body) if isinstance(node, n.ExprStmt)}
    return any(
        isinstance(node, n.Call) and node.name.startswith("atomic_") and id(node) not in unused
        for node in walk(*unit.body)
    )


def _exchange(unit: n.Kernel | n.Function) -> bool:
    return any(
        isinstance(node, n.Call) and node.name in ("atomic_cas", "atomic_exch") and has_floats(node.args[0].type)
        for node in walk(*unit.body)
    )


def _tile_extremum(unit: n.Kernel | n.Function) -> bool:
    names = ("tile_min", "tile_max")
    return any(isinstance(node, n.Call) and node.name in names for node in walk(*unit.body))


LIMITATIONS: tuple[Limitation, ...] = (
    Limitation(
        "in-place multiplication",
        "In-Place Math Operations",
        "In-place multiplication and division are *not* supported and incorrect results will be obtained in "
        "the backward pass.",
        _in_place_math,
    ),
    Limitation(
        "component assigned twice",
        "Vector, Matrix, and Quaternion Component Assignment",
        "each component may only be assigned a value once (not including default initialization)",
        _component_assignment,
    ),
    Limitation(
        "dynamic loop",
        "Dynamic Loops",
        "dynamic loops are not replayed or unrolled in the backward pass, meaning intermediate values that "
        "are meant to be computed in the loop and may be necessary for adjoint calculations are not updated",
        carries_values,
    ),
    Limitation(
        "value returned by an atomic",
        "Example 2: Custom Replay Function",
        "The index returned by the adjoint of wp.atomic_add() is always zero",
        _used_atomic,
    ),
    Limitation(
        "atomic exchange",
        "Built-ins Reference: atomic_cas, atomic_exch",
        "Differentiable: false",
        _exchange,
    ),
    Limitation(
        "extremum of a tile",
        "Built-ins Reference: tile_min, tile_max",
        "Differentiable: false",
        _tile_extremum,
    ),
)

__all__ = [
    "ARRAY_OVERWRITE",
    "LIMITATIONS",
    "Limitation",
    "array_overwrites",
    "documented_limitation",
]
