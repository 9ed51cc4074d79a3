"""What a transformation is, and how one is applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, TypeVar

from kernelfuzz.analysis.effects import frozen_constants
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.rewrites.paths import Path
from kernelfuzz.typecheck.verify import VerifyError, verify

T = TypeVar("T")


class Picks(Protocol):
    """Where the decisions of a transformation come from, as ``kernelfuzz.strategies.choices.Choices``."""

    def integer(self, low: int, high: int) -> int: ...

    def pick(self, options: Sequence[T]) -> T: ...

    def chance(self, probability: float) -> bool: ...


Rewrite: TypeAlias = "Callable[[Case, Path, Picks], Case | None]"

# How many places are tried before a transformation counts as not applicable.
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Transformation:
    """A change of a kernel after which it must compute the same outputs, to the bit (``fuse_fp`` off).

    ``places`` lists where it may apply: paths in the kernel, from what is cheap to see.  ``rewrite`` makes
    the change at one of them, or gives None where a closer look forbids it.  ``name`` goes into the finding.
    """

    name: str
    places: Callable[[Kernel], Sequence[Path]]
    rewrite: Rewrite

    def count(self, kernel: Kernel) -> int:
        """How many places of the kernel are worth trying."""
        return len(self.places(kernel))

    def apply(self, case: Case, choices: Picks) -> Case | None:
        """The case changed at one place, its kernel verified; None where no tried place allows it.

        A result that does not verify is given up: Warp documents that it takes no such kernel (a constant
        that a dynamic loop changes, for one), so that it is no equal of the original.
        """
        places = list(self.places(case.kernel))
        for _ in range(min(len(places), _TRIES)):
            place = places.pop(choices.integer(0, len(places) - 1))
            changed = self.rewrite(case, place, choices)
            if changed is not None and _is_equal_to(changed.kernel, case.kernel):
                return changed
        return None


def _is_equal_to(changed: Kernel, original: Kernel) -> bool:
    """Whether the changed kernel is another one, and Warp's documentation lets nobody expect a difference."""
    if changed == original or frozen_constants(changed) - frozen_constants(original):
        return False
    try:
        verify(changed)
    except VerifyError:
        return False
    return True


def with_kernel(case: Case, kernel: Kernel) -> Case:
    """The case with another kernel and the same launch."""
    return replace(case, kernel=kernel)
