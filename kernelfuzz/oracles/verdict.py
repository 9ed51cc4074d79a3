"""The verdict of an oracle on a case, and the setting under which it was judged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from kernelfuzz.analysis.unrolling import MAX_UNROLL

Status: TypeAlias = Literal["passed", "skipped", "known", "failed"]

FailedKind: TypeAlias = Literal[
    "rejected",  # Warp's code generator raises at a valid kernel
    "accepted",  # it takes a kernel that its documentation forbids
    "does not compile",  # what it generated is refused by clang or NVRTC
    "compiler warns",  # clang or NVRTC takes it, and says what is wrong with it
    "crash",  # the process died while it compiled or ran the kernel
    "hang",  # it ran out of time
    "memory",  # it ran out of memory
    "writes outside",  # it writes outside of its arrays
    "wrong value",
    "broken promise",  # a builtin gives what Warp's documentation says that it does not
    "wrong gradient",
    "different",  # a change that must not matter changed the result
    "not deterministic",  # the same source gave other code
    "built differently",  # what was built before changes a kernel's name, hash or code
    "malformed code",  # what it generated breaks a rule that holds whatever the inputs
]


# Those of a process that ended: ``LOST`` below.
LostKind: TypeAlias = Literal["crash", "hang", "memory"]


@dataclass(frozen=True, slots=True)
class FailureRow:
    """How findings of one kind are told apart and shown.

    ``told_by`` is what the signature quotes, beside the shape of the kernel where it is a signal or a change: of a
    check its name and the statement, of a promise the builtin and what does not hold, of an edit what it is about.
    ``shown_by`` is the sort of script that reproduces it.  ``expected`` is the sentence of the report, with
    ``{values}``, the expected values; ``{bound}``, the tolerance; ``{change}``, what an oracle changed.
    """

    told_by: Literal["exception", "compiler", "signal", "change", "check", "promise", "edit", "shape"]
    shown_by: Literal[
        "values",
        "gradients",
        "two runs",
        "a build",
        "an end",
        "texts",
        "bands",
        "a text",
        "a call",
        "builds",
        "a refusal",
        "a warning",
    ]
    expected: str


_ACCEPTED = "The kernel is accepted: it is well typed by the rules of Warp's user guide."
_REFUSED = "The kernel is refused: by the rules of Warp's user guide it is not well typed."
_EVALUATED = "So says an evaluation of the kernel, statement by statement, by Python's rules."
_HOLDS = "Whatever the inputs, a statement reads what was written, and has its adjoint; both devices get the same."
_ENDS = "The launch ends, as any well-defined kernel's does."

FAILURES: dict[FailedKind, FailureRow] = {
    "rejected": FailureRow("exception", "a build", _ACCEPTED),
    "accepted": FailureRow("edit", "a refusal", _REFUSED),
    "does not compile": FailureRow("compiler", "a build", _ACCEPTED),
    "compiler warns": FailureRow(
        "compiler", "a warning", "A compiler has nothing to say of the code of a valid kernel."
    ),
    "crash": FailureRow("signal", "an end", _ENDS),
    "hang": FailureRow("signal", "an end", _ENDS),
    "memory": FailureRow("signal", "an end", _ENDS),
    "writes outside": FailureRow("shape", "bands", "Of the memory around its arrays a launch changes nothing."),
    "wrong value": FailureRow("shape", "values", f"{{values}} {_EVALUATED}"),
    "broken promise": FailureRow(
        "promise", "a call", "What Warp's documentation says of the builtin is true of each call."
    ),
    "wrong gradient": FailureRow("shape", "gradients", "The derivative of the kernel{bound}: {values}"),
    "different": FailureRow("change", "two runs", "{values} The result does not depend on {change}."),
    "not deterministic": FailureRow("shape", "texts", "One source gives one text, in every process."),
    "built differently": FailureRow("change", "builds", "A kernel's name, hash and code do not depend on {change}."),
    "malformed code": FailureRow("check", "a text", _HOLDS),
}

# Kernels that are not built.
NOT_BUILT = frozenset(kind for kind, row in FAILURES.items() if row.shown_by == "a build")
# Kinds that are told apart by words, which are the same for a smaller kernel.
_WORDS = ("exception", "compiler", "check", "promise", "edit")
BY_WORDS = frozenset(kind for kind, row in FAILURES.items() if row.told_by in _WORDS)
# Kernels that end their process.
LOST = frozenset(kind for kind, row in FAILURES.items() if row.shown_by == "an end")


@dataclass(frozen=True, slots=True)
class BuildSetting:
    """How a case was built and launched: what a reproducer has to repeat.

    ``target`` is one of ``kernelfuzz.devices.TARGETS``, or ``ptx``, which is built but not launched.
    ``options`` are Warp's module options by name; ``block_dim`` and ``blocks`` are the size of a block and
    the number of blocks of a CUDA grid (None: Warp's default).  ``row`` names the row of a table of the
    oracle's that was asked: a transformation, options ("options: debug"), an edit, a history, a complaint; it is empty
    where there is no such table.  ``layout`` is how arrays lie in memory (``kernelfuzz.toolchain.layouts``).
    """

    target: str = "cpu"
    options: tuple[tuple[str, Any], ...] = ()
    block_dim: int | None = None
    blocks: int | None = None
    row: str = ""
    layout: str = "contiguous"

    @property
    def unroll(self) -> int:
        """The most iterations of a loop that Warp unrolls."""
        return dict(self.options).get("max_unroll", MAX_UNROLL)


# Of a verdict that depends on no setting.
ANYWHERE = BuildSetting()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first place where an output is not what it must be.

    ``output`` is a parameter (``out0``, with ``.field`` for structs), ``index`` the place in its numpy array.
    """

    output: str
    index: tuple[int, ...]
    expected: float | int | bool
    actual: float | int | bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """A statement of generated code that is not as it must be.

    ``check`` is the rule, a row of ``kernelfuzz.oracles.static_checks.CHECKS``; ``function`` the pass of the kernel
    (``kernel_forward``), or a function of the text.  ``wanted`` is the statement that must be there, ``actual`` the
    one that stands in its place or lacks it; either may be empty.  ``operation`` is the statement without what
    differs between two kernels.  ``lines`` are all of the function that the pattern ``about`` finds.
    """

    check: str
    function: str
    wanted: str
    actual: str
    operation: str
    about: str
    lines: tuple[str, ...]

    def alike(self, other: Malformed) -> bool:
        return (self.check, self.operation) == (other.check, other.operation)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A kernel that must be refused: ``edit`` is a row of ``kernelfuzz.oracles.ill_typed.EDITS``.

    ``about`` are the types or the form that it concerns, ``source`` is the text that Warp takes.
    """

    edit: str
    about: str
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one question.

    ``known``: it fails, and the reference with the deviations ``bugs`` computes what Warp did.  ``suspects`` are
    the bugs that a failing case meets and whose effect is open.  ``kind`` is empty unless it failed or is known;
    ``reason`` tells in a few words why it was skipped, or has the words of Warp.
    """

    oracle: str
    status: Status
    kind: FailedKind | Literal[""] = ""
    reason: str = ""
    setting: BuildSetting = ANYWHERE
    mismatch: Mismatch | None = None
    bugs: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    malformed: Malformed | None = None
    accepted: Accepted | None = None

    def heeding(self, names: Collection[str]) -> Verdict:
        """The verdict where only bugs of these names are known."""
        unknown = self.status == "known" and not set(self.bugs) <= set(names)
        return replace(self, status="failed", bugs=()) if unknown else self
