"""What a kernel is launched with: the grid, and a value for every parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.printed import Printed

# A scalar or composite value is a numpy array of its components, a struct a mapping of its fields.
Input: TypeAlias = "np.ndarray[Any, Any] | dict[str, Input]"


@dataclass(frozen=True, slots=True, repr=False)
class Launch(Printed):
    """A launch: the grid (1 to 4 numbers) and a value for each parameter by name.

    Arrays are numpy arrays of the shape of the array followed by that of its element; an array of structs
    is a mapping of such arrays by field.  ``tiled``: one block for each point of the grid
    (``wp.launch_tiled``).
    """

    dim: tuple[int, ...]
    inputs: Mapping[str, Input]
    tiled: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Case(Printed):
    """A kernel and one launch of it: what an oracle judges and what reduction makes smaller."""

    kernel: Kernel
    launch: Launch
