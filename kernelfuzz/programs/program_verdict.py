"""What was asked of a program, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kernelfuzz.ir.program import Program
from kernelfuzz.oracles.verdict import Mismatch, Status

# How a program is run: by itself; once more with the cache of the kernels that the first run left; and changed in
# one place, under the same names and with that cache.
Run: TypeAlias = Literal["cold cache", "warm cache", "edited"]

ProgramFailure: TypeAlias = Literal[
    "wrong value",
    "wrong gradient",
    "rejected",
    "does not compile",
    "built again",  # a warm cache has what was built, and Warp does not find it
    "crash",  # the process ended
    "hang",  # it ran out of time
    "memory",  # it ran out of memory
]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about programs, and of one in how many."""

    run: Run
    asks: str
    one_in: int


QUESTIONS: tuple[Question, ...] = (
    Question("cold cache", "are the arrays after each launch, and the gradients of each tape, the reference's", 1),
    Question("warm cache", "is all of that so when the program runs again, and is nothing built a second time", 3),
    Question("edited", "is it so after a change of one constant or function, with the same names and cache", 3),
)


@dataclass(frozen=True, slots=True)
class ProgramVerdict:
    """The answer for a program: of all that was asked, what failed first.

    ``known``: the bugs of kernels are to blame that ``reason`` names, or a kernel that fails alone.  ``mismatch`` is
    the first place that is wrong, by the label of the text.  ``edited`` is the program that ran second where the run
    is "edited".  ``judged_gradients`` and ``gradients_open`` count tapes.
    """

    status: Status
    run: Run = "cold cache"
    kind: ProgramFailure | Literal[""] = ""
    reason: str = ""
    mismatch: Mismatch | None = None
    edited: Program | None = None
    launches: int = 0
    judged_gradients: int = 0
    gradients_open: tuple[str, ...] = field(default=())

    def alike(self, other: ProgramVerdict) -> bool:
        """Whether another program fails in the same way."""
        return (self.status, self.run, self.kind, self.words) == (other.status, other.run, other.kind, other.words)

    @property
    def words(self) -> str:
        """What the reason says, without numbers; empty where a mismatch tells it."""
        if self.mismatch is not None:
            return ""
        return "".join(each for each in self.reason.partition("\n")[0] if not each.isdigit())
