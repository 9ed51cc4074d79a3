"""When the elements of arrays change: what a reading may find no more when the adjoint reads it again.

An adjoint runs when the launch is over: "writing to an array after reading from it" is "a single pattern to be
avoided" (Differentiability, Array Overwrite Tracking).  A first run notes when each element changes; a run that does
the same again is told of every reading of an element that changes later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.memory import FAMILIES, Access, Shadow
from kernelfuzz.reference.smooth import moves
from kernelfuzz.typecheck.builtins import at_least

# A parameter and the fields below it, to the array.
Path: TypeAlias = tuple[str, ...]

# How an element changes: a store, or the family of an atomic.
STORE, SUM = "store", "sum"


@dataclass(slots=True)
class History:
    """For each array and element, the number of the access by which it last changed, by how it did."""

    changes: dict[Path, dict[int, dict[str, int]]] = field(default_factory=dict[Path, dict[int, dict[str, int]]])

    def reads_what_it_overwrites(self, path: Path) -> bool:
        """Whether an atomic on the array does."""
        return any(how not in (STORE, SUM) for each in self.changes.get(path, {}).values() for how in each)


class _Noting(Shadow):
    """Numbers the accesses to an array, and notes those that change an element."""

    __slots__ = ("_changes", "_clock")

    def __init__(self, path: Path, dtype: t.Type, history: History) -> None:
        super().__init__(path, dtype)
        self._changes = history.changes.setdefault(path, {})
        self._clock = 0

    def read(self, flat: int, thread: int) -> None:
        super().read(flat, thread)
        self._clock += 1

    def write(self, flat: int, thread: int) -> None:
        super().write(flat, thread)
        self._note(flat, STORE)

    def atomic(self, flat: int, thread: int, access: Access) -> None:
        super().atomic(flat, thread, access)
        self._note(flat, FAMILIES.get(access.name, access.name))

    def _note(self, flat: int, how: str) -> None:
        self._clock += 1
        self._changes.setdefault(flat, {})[how] = self._clock


def history_of(kernel: Kernel, launch: Launch) -> History:
    """Run the kernel and note the changes.  Raises Undefined as ``run``, but not for the rounding of a sum."""
    history = History()
    execute(kernel, launch, Exact(), rounded=True, shadow=lambda path, dtype: _Noting(path, dtype, history))
    return history


class Told(Shadow):
    """Calls ``lost`` at every reading of an element that changes later.

    An atomic minimum or maximum reads too: its adjoint compares the element with the operand.  It has no gradient
    for what it overwrites, unless that came by another one.

    ``stored_over``: the last store was into an element that had changed before, and this Warp leaves the gradient of
    what was stored last to the earlier store too.
    """

    __slots__ = ("_by", "_changes", "_clock", "_leaves_gradients", "_lost", "stored_over")

    def __init__(self, path: Path, dtype: t.Type, history: History, lost: Callable[[], None]) -> None:
        super().__init__(path, dtype)
        self._changes = history.changes.get(path, {})
        self._clock = 0
        self._lost = lost
        # How each element changed last.
        self._by: dict[int, str] = {}
        # "Warp correctly propagates gradients only through the final write" (Array Overwrites) since 1.14.
        self._leaves_gradients = not at_least(1, 14)
        self.stored_over: bool = False

    def read(self, flat: int, thread: int) -> None:
        super().read(flat, thread)
        self._clock += 1
        if max(self._changes.get(flat, _NEVER).values()) > self._clock:
            self._lost()

    def write(self, flat: int, thread: int) -> None:
        super().write(flat, thread)
        self._clock += 1
        self.stored_over = self._leaves_gradients and flat in self._by
        self._by[flat] = STORE

    def atomic(self, flat: int, thread: int, access: Access) -> None:
        super().atomic(flat, thread, access)
        self._clock += 1
        family = FAMILIES.get(access.name, access.name)
        if family in ("min", "max"):
            later = any(last > self._clock for how, last in self._changes[flat].items() if how != family)
            if later or (self._by.get(flat, family) != family and moves(access.old)):
                self._lost()
        self._by[flat] = family


_NEVER = {STORE: 0}
