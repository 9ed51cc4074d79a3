"""Control kernels: where an oracle does not pass an empty one and ``x * x``, nothing that it says of others counts.

Then Warp, the compilers or kernelfuzz do not work on this machine: a campaign and a test cannot start, and report
nothing.
"""

from __future__ import annotations

import functools

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import CaseOutcome, Checks
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.syntax.parse import parse
from kernelfuzz.toolchain import UnsupportedWarp, room
from kernelfuzz.toolchain.control import EMPTY, SQUARE, SQUARED, unusable


def require(checks: Checks) -> None:
    """Have every oracle of ``checks`` judge the control kernels on every target, once in a process.

    Raises UnsupportedWarp, with one sentence, where one does not pass: NoRoom where a full disk is the reason.
    """
    fault = _fault(checks)
    if fault:
        room.blame()
        raise UnsupportedWarp(unusable(fault))


@functools.cache
def _fault(checks: Checks) -> str:
    """What is wrong with the verdicts on the control kernels; an empty text where nothing is."""
    try:
        cases = [Case(parse(EMPTY), Launch((1,), {})), Case(parse(SQUARE), Launch((2,), SQUARED))]
        empty, square = judge_cases(cases, checks, launch_given=True)
    except UnsupportedWarp:
        raise
    except Exception as error:
        return f"at a control kernel it raises {type(error).__name__}: {error}"
    return _failed("an empty kernel", empty) or _failed("x * x", square) or _not_judged(square, checks)


def _failed(kernel: str, outcome: CaseOutcome) -> str:
    return next((f"{kernel} fails {_told(verdict)}" for verdict in outcome.failed), "")


def _not_judged(square: CaseOutcome, checks: Checks) -> str:
    """Why an oracle passes nothing: one that compares launches must do so on each target."""
    passed = {(v.oracle, v.setting.target) for v in square.verdicts if v.status == "passed"}
    # The compile oracle tells why a launch was not built.
    skips = "; ".join(_told(verdict) for verdict in square.verdicts if verdict.status == "skipped") or "no verdict"
    for oracle in checks.oracles:
        targets = {target for name, target in passed if name == oracle}
        missing = [target for target in checks.targets if target not in targets]
        if not targets or (ORACLES[oracle].counts and missing):
            where = f" on {missing[0]}" if targets else ""
            return f"x * x is not judged by the {oracle} oracle{where} ({skips})"
    return ""


def _told(verdict: Verdict) -> str:
    wrong = verdict.mismatch
    values = f"{wrong.output}{list(wrong.index)} must be {wrong.expected!r} and is {wrong.actual!r}" if wrong else ""
    what = ", ".join(part for part in (verdict.kind, values, verdict.reason) if part)
    return f"the {verdict.oracle} oracle on {verdict.setting.target}: {what}"
