"""The text by which findings fold: two findings of one bug mostly have one signature."""

from __future__ import annotations

from kernelfuzz.analysis.fingerprint import skeleton
from kernelfuzz.findings.messages import compiler_error, exception_text, masked, signal_name
from kernelfuzz.findings.shape import shape as full_shape
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.verdict import Verdict

# A shape that is longer is no text that anybody reads.
_SHAPE_CHARACTERS = 160


def signature(verdict: Verdict, kernel: Kernel, *, message: str = "", frame: str = "") -> str:
    """The signature of a failed verdict on ``kernel``, the kernel as reduced so far.

    What Warp raises is told by its class and its words (``message``, or the verdict's reason), without names,
    numbers and paths, and by ``frame``, Warp's innermost function where it is known; what a compiler refuses
    by its first error; a wrong value by the shape of the kernel; the end of a process by its signal and the
    shape.  Raises ValueError at a verdict that did not fail.
    """
    said = message or verdict.reason
    place = where(verdict)
    match verdict.kind:
        case "":
            raise ValueError(f"no failure: {verdict.status}")
        case "rejected":
            at = f" in {masked(frame)}" if frame else ""
            return f"rejected{place}: {exception_text(said, kernel)}{at}"
        case "does not compile":
            return f"does not compile{place}: {compiler_error(said, kernel)}"
        case "crash" | "hang" | "memory":
            signal = signal_name(said)
            return f"{verdict.kind}{place}{' ' + signal if signal else ''}: {shape(kernel)}"
        case "wrong value" | "wrong gradient" | "not deterministic":
            return f"{verdict.kind}{place}: {shape(kernel)}"
        case "different":
            return f"different{place} ({changed(verdict)}): {shape(kernel)}"
        case _:
            return assert_never(verdict.kind)


def shape(kernel: Kernel) -> str:
    """The shape of a kernel; of one that is far from minimal, its start and a digest."""
    text = full_shape(kernel)
    return text if len(text) <= _SHAPE_CHARACTERS else f"{text[:_SHAPE_CHARACTERS]}... {skeleton(kernel)[:8]}"


def where(verdict: Verdict) -> str:
    """The device of a finding, where it is not the CPU: CUDA text counts as CUDA wherever it ran."""
    return "" if verdict.setting.target == "cpu" else " on CUDA"


def changed(verdict: Verdict) -> str:
    """What a metamorphic oracle changed: its transformation, or the names of the options."""
    names = ", ".join(sorted(name for name, _ in verdict.setting.options))
    return verdict.setting.transformation or names or verdict.oracle
