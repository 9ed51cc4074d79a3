"""What a failure looks like before its kernel is reduced, and whether another kernel has the same failure."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.findings.mismatch_class import mismatch_class
from kernelfuzz.findings.signature import changed, signal_name, signature, under
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.verdict import BY_WORDS, FAILURES, Verdict


def looks(verdict: Verdict, kernel: Kernel) -> str:
    """What a failure looks like before it is reduced; on which target it was seen does not count.

    Values that are wrong in one way look alike: a wrong number is not the wrong sign of a zero.
    """
    assert verdict.kind
    how = mismatch_class(verdict.mismatch, kernel)
    wrong = f" ({how})" if how else ""
    if verdict.kind in BY_WORDS:
        return signature(replace(verdict, setting=replace(verdict.setting, target="cpu")), kernel)
    match FAILURES[verdict.kind].told_by:
        case "signal":
            return f"{verdict.kind} {signal_name(verdict.reason)}{under(verdict)}"
        case "change":
            return f"{verdict.kind} {changed(verdict)}{wrong}"
        case _:
            return f"{verdict.oracle}: {verdict.kind}{wrong}"


def alike(wanted: Verdict, look: str, verdict: Verdict, kernel: Kernel) -> bool:
    """Whether a verdict on another kernel is the failure ``wanted``, which ``looks`` like ``look``."""
    return (
        verdict.status == "failed"
        and (verdict.oracle, verdict.kind) == (wanted.oracle, wanted.kind)
        and verdict.setting.target == wanted.setting.target
        and looks(verdict, kernel) == look
    )
