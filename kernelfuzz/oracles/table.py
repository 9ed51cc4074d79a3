"""The oracles, one row each.

Everything that lists oracles reads this table: what is judged and judged again, ``kernelfuzz.check``, the
campaign, and the choices of the command line, for whose sake the modules of the oracles are imported only
when they are asked.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

from kernelfuzz.oracles.verdict import ANYWHERE, BuildSetting, FailedKind, Malformed, Mismatch, Verdict

if TYPE_CHECKING:
    from kernelfuzz.ir.launch import Case
    from kernelfuzz.oracles.chunk import Chunk
    from kernelfuzz.oracles.request import Evidence


class Questions(Protocol):
    """How an oracle is asked; a module with these functions will do."""

    def ask(self, chunk: Chunk, /) -> None:
        """Judge the cases of a chunk together, as far as they are sound, and note the verdicts."""
        ...

    def again(self, cases: Sequence[Case], like: Verdict, /) -> list[Verdict]:
        """Ask of every case the one question that ``like`` answers, in the same setting.

        The cases are of the kind that was judged then: a transformed kernel is judged as it is, and a
        gradient at the given launch.
        """
        ...

    def explain(self, case: Case, verdict: Verdict, /) -> Evidence:
        """Return what shows that a failed verdict on a case is right."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """How often a question is asked: of one kernel, or of one chunk of kernels, in ``one_in``."""

    what: str
    one_in: int
    of: Literal["kernel", "chunk"] = "kernel"


@dataclass(frozen=True, slots=True)
class Oracle:
    """What an oracle asks, how often and how, and what its verdicts can say.

    ``asks`` is the question in one sentence and ``samples`` how often its parts are asked.  ``kinds`` are the
    failures that it reports; a kernel that any oracle cannot build fails the compile oracle.  ``launches``
    tells whether it says anything about a launch.  ``counts`` is the field of ``Counts`` that a case adds to
    whose launch it compared.  What ``builds`` nothing says nothing about what was built.  What is ``cheap`` is asked
    of every example of a test.  ``asked_by`` asks it (default: the module of this room that has its name).  Every
    oracle must pass ``x * x``, for it is asked about that first (``kernelfuzz.oracles.control_kernels``).
    """

    name: str
    asks: str
    samples: tuple[Sample, ...]
    kinds: tuple[FailedKind, ...]
    launches: bool = True
    counts: Literal["", "compared", "gradients_compared"] = ""
    builds: bool = True
    cheap: bool = False
    asked_by: Questions | None = None

    def questions(self) -> Questions:
        """Return what asks the oracle; where that is a module of this room, it is imported now."""
        return self.asked_by or cast("Questions", importlib.import_module(f"kernelfuzz.oracles.{self.name}"))

    def passed(self, setting: BuildSetting = ANYWHERE) -> Verdict:
        return Verdict(self.name, "passed", setting=setting)

    def skipped(self, reason: str, setting: BuildSetting = ANYWHERE) -> Verdict:
        return Verdict(self.name, "skipped", reason=reason, setting=setting)

    def failed(
        self,
        setting: BuildSetting,
        reason: str = "",
        *,
        mismatch: Mismatch | None = None,
        malformed: Malformed | None = None,
        kind: FailedKind | None = None,
        bugs: tuple[str, ...] = (),
        suspects: tuple[str, ...] = (),
    ) -> Verdict:
        """Return a verdict of one of ``kinds`` (default: the first); with ``bugs`` that predict it, a known one."""
        kind = kind or self.kinds[0]
        assert kind in self.kinds, f"the {self.name} oracle reports no {kind!r}"
        status = "known" if bugs else "failed"
        return Verdict(self.name, status, kind, reason, setting, mismatch, bugs, suspects, malformed)


# Where there is a faster clang, how often Warp's own builds what oracles run all the same.
OWN_CLANG = Sample("Warp's own clang", 8, "chunk")

VALUE = Oracle(
    "value",
    "does every output array equal the reference's, to the bit; are Warp's promises of builtins without a formula kept",
    (Sample("one of both hosts, and a device", 1), Sample("the other host, where its text is the same", 8)),
    ("wrong value", "broken promise", "writes outside"),
    counts="compared",
    cheap=True,
)
# It comes before the compile oracle, which uses what it lowers.
STATIC = Oracle(
    "static",
    "does the generated code hold together whatever the inputs: writes before reads, labels, adjoints, both devices",
    (Sample("the text for both devices", 1),),
    ("malformed code",),
    launches=False,
    builds=False,
    cheap=True,
)
# For the adjoint NVRTC takes longer than all else takes for a kernel, and it takes a second to start: it is asked
# of many kernels together, and of few chunks.  clang takes two seconds to start.
COMPILE = Oracle(
    "compile",
    "does the CUDA text compile with NVRTC, forward and adjoint; do both devices take the kernel",
    (
        Sample("NVRTC, of a chunk in which it is asked", 4),
        Sample("NVRTC", 4, "chunk"),
        Sample("clang for CUDA, where NVRTC was asked", 4, "chunk"),
    ),
    ("rejected", "does not compile"),
    launches=False,
    cheap=True,
)
# An adjoint costs three times the kernel, and its text hardly depends on the target: they take turns.
GRADIENT = Oracle(
    "gradient",
    "does the adjoint give the derivative of the reference",
    (Sample("one target of a chunk", 1), Sample("under other options, of kernels that pass", 6, "chunk")),
    ("wrong gradient", "writes outside"),
    counts="gradients_compared",
)
# Other options cost once more what the value oracle costs, in one module: they are those of a module.
METAMORPHIC = Oracle(
    "metamorphic",
    "does the kernel compute the same after a change that must not matter, and with other options",
    (Sample("a transformation", 3), Sample("other options", 3, "chunk")),
    ("different", "writes outside"),
)
# It starts processes: seldom, and then for many kernels.
DETERMINISM = Oracle(
    "determinism",
    "is the code the same twice, in two processes, whatever was compiled before",
    (Sample("both devices", 16, "chunk"),),
    ("not deterministic",),
    launches=False,
    builds=False,
)
# Nothing is compiled, and no process started: what is generated for one kernel costs milliseconds.
REBUILD = Oracle(
    "rebuild",
    "has a kernel object the same name, hash and code after it was built for something else",
    (Sample("for both devices, ahead of time, under another option, beside another kernel", 16),),
    ("built differently",),
    launches=False,
    builds=False,
)
# What Warp refuses costs its generator alone.
REFUSAL = Oracle(
    "refusal",
    "does Warp refuse a kernel after an edit that its documentation forbids",
    (Sample("four edits", 8),),
    ("accepted",),
    launches=False,
    builds=False,
)
# It compiles what others compile, once more: seldom, and then many together.
WARNING = Oracle(
    "warning",
    "do clang and NVRTC take the kernel's own lines without a warning",
    (
        Sample("a kernel of a chunk in which it is asked", 4),
        Sample("clang with the adjoint, NVRTC without", 8, "chunk"),
    ),
    ("compiler warns",),
    launches=False,
)

# In this order they are asked: what fails early is not asked further.
ORACLES: dict[str, Oracle] = {
    row.name: row for row in (VALUE, STATIC, COMPILE, GRADIENT, METAMORPHIC, DETERMINISM, REBUILD, REFUSAL, WARNING)
}
