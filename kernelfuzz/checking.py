"""One kernel held to the oracles, as an assertion for anybody's test suite."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.normalize import fingerprint
from kernelfuzz.ir.render import render
from kernelfuzz.ir.verify import verify
from kernelfuzz.oracles.again import explain
from kernelfuzz.oracles.judge import ORACLES, judge_cases
from kernelfuzz.oracles.request import Checks, Evidence, Outcome
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.inputs import draw_launch
from kernelfuzz.toolchain.launch import TARGETS

# What costs little enough to ask about every example of a test.
DEFAULT_ORACLES = ("value", "compile")


class KernelFailed(AssertionError):
    """Warp did not do with a kernel what it must; the message has the kernel and how to see it again."""


def check(
    kernel: Kernel,
    *,
    launch: Launch | None = None,
    oracles: Iterable[str] = DEFAULT_ORACLES,
    targets: Iterable[str] = ("cpu",),
    scripts: str | Path | None = ".kernelfuzz",
) -> None:
    """Raise KernelFailed unless every oracle passes or skips the kernel.

    ``launch`` is how it is launched (default: one that depends on the kernel only).  A failure writes a
    script that needs nothing but Warp and numpy into the folder ``scripts``, named after the running pytest
    test, and the message says how to run it; None writes nothing.  Inside ``@given(kernels())`` Hypothesis
    shrinks the kernel, and the script left at the end is that of the smallest.

    Everything runs in this process.  Raises VerifyError at a kernel that is not well typed, ValueError at
    an oracle or a target that there is not.
    """
    checks = Checks(_known("oracle", oracles, ORACLES), _known("target", targets, TARGETS))
    verify(kernel)
    case = Case(kernel, launch or draw_launch(SeededChoices("check", fingerprint(kernel)), kernel))
    (outcome,) = judge_cases([case], checks)
    failed = _first_failed(outcome, case)
    if failed is not None:
        raise KernelFailed(_message(*failed, scripts))


def _known(kind: str, names: Iterable[str], table: Iterable[str]) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else tuple(names)
    known = tuple(table)
    for name in given:
        if name not in known:
            raise ValueError(f"no {kind} {name!r}; there are {', '.join(known)}")
    if not given:
        raise ValueError(f"give at least one {kind}: {', '.join(known)}")
    return given


def _first_failed(outcome: Outcome, case: Case) -> tuple[Verdict, Case] | None:
    for verdict, evidence in zip(outcome.verdicts, outcome.evidence, strict=True):
        if verdict.status == "failed":
            return verdict, evidence.case if evidence is not None else case
    return None


def _message(verdict: Verdict, case: Case, scripts: str | Path | None) -> str:
    said = signature(verdict, case.kernel)
    lines = [f"{said} ({verdict.oracle} oracle, {verdict.setting.target})", "", render(case.kernel).rstrip()]
    if verdict.mismatch is not None:
        wrong = verdict.mismatch
        place = f"{wrong.output}{list(wrong.index)}"
        lines += ["", f"{place} must be {wrong.expected!r} and is {wrong.actual!r}"]
    if verdict.reason:
        lines += ["", verdict.reason]
    if scripts is not None:
        path = _write(_finding(said, verdict, case), Path(scripts))
        lines += ["", f"See it again with: python {path}"]
    return "\n".join(lines)


def _finding(said: str, verdict: Verdict, case: Case) -> Finding:
    evidence: Evidence = explain(case, verdict)
    return Finding(
        signature=said,
        verdict=verdict,
        case=case,
        original=case,
        expected=evidence.expected,
        seeds=evidence.seeds,
        tolerance=evidence.tolerance,
        warp_version=version("warp-lang"),
        message=evidence.message,
    )


def _write(finding: Finding, folder: Path) -> Path:
    test = os.environ.get("PYTEST_CURRENT_TEST", "reproducer").rpartition(" ")[0] or "reproducer"
    path = folder / (re.sub(r"[^A-Za-z0-9]+", "-", test).strip("-") + ".py")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(reproducer(finding), encoding="utf-8")
    return path
