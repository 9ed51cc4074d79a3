"""What a closed form is, and the table entry around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

# Arguments as the reference's values; integers are Python ints, also in composites (arrays of objects).
Function: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Form:
    """A builtin as a formula over numbers.

    ``exact``: evaluated in the builtin's own precision it gives Warp's bits on the CPU, because it does the
    same correctly rounded operations in the same order (tests/reference/test_builtins.py tries it).
    ``typed``: the function takes the signature before the arguments, as what it makes depends on more than
    its arguments.  ``source``: where the definition comes from; "Built-ins" is Warp's language reference.
    """

    function: Function
    source: str
    exact: bool = False
    typed: bool = False
