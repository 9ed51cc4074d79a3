"""Locals that have the name of a value of Warp, and locals that have not.

In a kernel ``e`` may be a local, whatever ``wp.e`` is: a name that a function assigns is its own.
"""

from __future__ import annotations

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import FreshNames, Kind, own_names, rename, root_of
from kernelfuzz.ir.walk import bound_names, walk

# The constants of the user guide (Constants), of every release.
VALUES = ("e", "pi", "tau", "phi", "half_pi", "inf", "nan", "ln2", "ln10", "log2e", "log10e", "PI", "TAU", "NAN", "INF")


def candidates(kernel: n.Kernel) -> list[str]:
    """The locals of the kernel function that have an attribute somewhere, by name."""
    attributes = [node for node in walk(*kernel.body) if isinstance(node, n.Attribute)]
    roots = {root.id for node in attributes if isinstance(root := root_of(node), n.Name)}
    return sorted(roots & bound_names(kernel.body))


def named_as_a_value(kernel: n.Kernel, local: str, value: str) -> n.Kernel:
    """The kernel whose ``local`` has the name ``value``; as it is, where it has such a name already."""
    if value in own_names(kernel):
        return kernel

    def new_name(kind: Kind, owner: str, name: str) -> str:
        return value if (kind, owner, name) == ("variable", "", local) else name

    return rename(kernel, new_name)


def named_otherwise(kernel: n.Kernel) -> n.Kernel:
    """The kernel whose locals have no names of values."""
    fresh = FreshNames(own_names(kernel))
    chosen = {name: fresh("local") for name in VALUES}

    def new_name(kind: Kind, owner: str, name: str) -> str:
        return chosen.get(name, name) if kind == "variable" else name

    return rename(kernel, new_name)
