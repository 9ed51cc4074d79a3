"""Kernels that are built by themselves from the start, for a known bug refuses them.

Together with others such a kernel costs a second build of the others.  It is judged like any kernel; where a
release has no such bug, the build alone is all that this costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.walk import walk


def _captures_a_corner(kernel: n.Kernel) -> bool:
    constants = {constant.name for constant in kernel.constants}
    calls = (node for unit in (kernel, *kernel.functions) for node in walk(*unit.body) if isinstance(node, n.Call))
    corners = (argument for call in calls if call.name == "intersect_tri_tri" for argument in call.args)
    return any(isinstance(corner, n.Name) and corner.id in constants for corner in corners)


# By the name of the finding, whether a kernel meets it in most cases.
REFUSED: Mapping[str, Callable[[n.Kernel], bool]] = {"constant-in-intersect-tri-tri": _captures_a_corner}


def is_built_apart(kernel: n.Kernel) -> bool:
    """Whether a known bug refuses the kernel, as far as its text shows."""
    return any(meets(kernel) for meets in REFUSED.values())
