"""The oracles' verdicts on one kernel, as an assertion for anybody's test suite."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
from hypothesis.errors import FailedHealthCheck

from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.deadline import off_the_deadline
from kernelfuzz.devices import TARGETS
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.recognised import BUGS
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.oracles.control_kernels import require
from kernelfuzz.oracles.judge import explain, judge_again, judge_cases
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reduce.reduce_case import reduce
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import UnsupportedWarp, compat
from kernelfuzz.typecheck.verify import verify

# What costs little enough to ask about every example of a test.
DEFAULT_ORACLES = tuple(name for name, row in ORACLES.items() if row.cheap)

# How long a kernel that fails in a test of Hypothesis is made smaller, in seconds, and how many candidates are judged
# between two looks at the time.
_REDUCTION = 20.0
_AT_A_TIME = 8


# Hypothesis ends a test at a failed health check, without trying smaller examples.
class KernelFailed(AssertionError, FailedHealthCheck):
    """Warp did not do with a kernel what it must; the message has the kernel and how to see it again.

    Inside a test of Hypothesis that is the smallest kernel that kernelfuzz found; Hypothesis looks for none.
    """


class CannotJudge(UnsupportedWarp, FailedHealthCheck):
    """Nothing can be said about any kernel here: of this Warp, on this machine; the message says why."""


class NotJudged(Exception):
    """None of the oracles could say anything about a kernel; the message has the reason of each."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdicts on a kernel that did not fail.

    ``known`` names the known bugs that it met: keys of ``kernelfuzz.findings.recognised.BUGS``, or
    ``kernelfuzz.findings.known.SEVERAL``.  Oracles that did not judge it are in ``skipped``.
    """

    verdicts: tuple[Verdict, ...]
    known: tuple[str, ...] = ()

    @property
    def passed(self) -> frozenset[str]:
        """The oracles that judged the kernel and found nothing wrong."""
        return frozenset(verdict.oracle for verdict in self.verdicts if verdict.status == "passed")

    @property
    def skipped(self) -> dict[str, str]:
        """Why oracles did not judge the kernel, by name; the reason on the last target where one did not."""
        return {v.oracle: v.reason for v in self.verdicts if v.status == "skipped"}


def check(
    kernel: Kernel | Any,
    *,
    launch: Launch | None = None,
    oracles: Iterable[str] = DEFAULT_ORACLES,
    targets: Iterable[str] = ("cpu",),
    known: Iterable[str] | None = None,
    scripts: str | Path | None = ".kernelfuzz",
) -> Checked:
    """Have the oracles judge a kernel, and return their verdicts; raise KernelFailed where one fails.

    The kernel may be a ``warp.Kernel``: what ``kernelfuzz.syntax.parse.parse`` reads of it is judged.

    ``launch`` is how it is launched, for all oracles (default: one that depends on the kernel only, and a
    point of its own for the gradient oracle).  ``known`` names bugs of released Warp whose failures are skips
    and not failures (default: all that kernelfuzz can tell, ``kernelfuzz.findings.recognised.BUGS``;
    an empty list: none).  A failure writes a script that needs nothing but Warp and numpy into the folder
    ``scripts``, named after the running pytest test, and the message says how to run it; None writes nothing.
    Inside a test of Hypothesis, kernelfuzz makes the kernel smaller for some seconds, and the message and the
    script are those of the smallest; Hypothesis' own shrinking is left out.  Nor does the time that this takes
    count towards the deadline of the test.

    Everything runs in this process.  Raises VerifyError at a kernel that is not well typed, ValueError at an
    oracle, a target or a known bug that there is not and at a launch that does not fit, CannotJudge where Warp
    cannot be driven, does not pass the control kernels or has no device for "cuda", and NotJudged where no
    oracle could judge the kernel (of a given launch: none that launches).  Inside a test of Hypothesis a kernel
    that is not judged at a launch of our choice is rejected instead, as by ``hypothesis.reject``, and its reason
    is an event of the statistics.
    """
    with off_the_deadline():
        checks = Checks(_given("oracle", oracles, ORACLES), _given("target", targets, TARGETS))
        names = BUGS if known is None else _listed("known bug", known, BUGS)
        if not isinstance(kernel, Kernel) and compat.is_kernel(kernel):
            kernel = parse(kernel)
        verify(kernel)
        given = None if launch is None else _fitting(launch, kernel)
        _begin(checks)
        return _checked(kernel, given, checks, names, scripts)


def _begin(checks: Checks) -> None:
    """Raises CannotJudge where no verdict of these oracles on these targets would mean anything."""
    try:
        if "cuda" in checks.targets and not compat.has_cuda():
            raise UnsupportedWarp("Warp sees no CUDA device on this machine: drop 'cuda' from the targets")
        require(checks)
    except UnsupportedWarp as error:
        raise CannotJudge(str(error)) from None


def _checked(
    kernel: Kernel, launch: Launch | None, checks: Checks, names: Sequence[str], scripts: str | Path | None
) -> Checked:
    if launch is None:
        case = Case(kernel, draw_launch(SeededChoices("check", fingerprint(kernel)), kernel))
    else:
        case = Case(kernel, launch)
    (outcome,) = judge_cases([case], checks, launch_given=launch is not None)
    verdicts: list[Verdict] = []
    met: list[str] = []
    for verdict, judged in _judged(outcome, case):
        verdict = verdict.heeding(names)
        if verdict.status == "known":
            met += verdict.bugs
            verdict = replace(verdict, status="skipped", kind="", reason=f"known bug: {', '.join(verdict.bugs)}")
        if verdict.status == "failed":
            bug = explained_by(judged, verdict, names, judge_again)
            if bug is None:
                verdict, judged, said = _smallest(verdict, judged, names)
                raise KernelFailed(_message(verdict, judged, scripts, said))
            met.append(bug)
            verdict = replace(verdict, status="skipped", kind="", reason=f"known bug: {bug}")
        verdicts.append(verdict)
    if met:
        verdicts += _not_asked(checks, verdicts, met[0])
    else:
        _require_judged(verdicts, launch is not None)
    return Checked(tuple(verdicts), tuple(dict.fromkeys(met)))


def _given(kind: str, names: Iterable[str], table: Iterable[str]) -> tuple[str, ...]:
    given = _listed(kind, names, table)
    if not given:
        raise ValueError(f"give at least one {kind}: {', '.join(table)}")
    return given


def _listed(kind: str, names: Iterable[str], table: Iterable[str]) -> tuple[str, ...]:
    given = (names,) if isinstance(names, str) else tuple(names)
    there = tuple(table)
    for name in given:
        if name not in there:
            raise ValueError(f"no {kind} {name!r}; there are {', '.join(there)}")
    return given


def _fitting(launch: Launch, kernel: Kernel) -> Launch:
    """The launch.  Raises ValueError where it has no threads, or lacks a value for a parameter."""
    if not isinstance(launch, Launch):  # pyright: ignore[reportUnnecessaryIsInstance]  (not everybody checks)
        raise ValueError(f"launch must be a kernelfuzz.ir.launch.Launch, not {type(launch).__name__}")
    dim = launch.dim
    if not isinstance(dim, tuple) or not all(isinstance(size, int) and size > 0 for size in dim):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"the dim of a launch is a tuple of sizes of at least 1, not {dim!r}")
    names = [param.name for param in kernel.params]
    if sorted(launch.inputs) != sorted(names):
        given = ", ".join(launch.inputs) or "none"
        raise ValueError(f"the inputs of a launch of {kernel.name} are {', '.join(names)}; given: {given}")
    for name, value in launch.inputs.items():
        if value is None:
            if not any(param.name == name and isinstance(param.type, Array) for param in kernel.params):
                raise ValueError(f"input {name} is None, which stands for no array, and is no array")
        elif not isinstance(value, (np.ndarray, Mapping)):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = type(value).__name__
            raise ValueError(f"input {name} must be a numpy array, or a mapping of a struct's fields, not {kind}")
    return launch


def _judged(outcome: CaseOutcome, case: Case) -> list[tuple[Verdict, Case]]:
    """The verdicts, each with the case that it is really about."""
    return [
        (verdict, evidence.case if evidence is not None else case)
        for verdict, evidence in zip(outcome.verdicts, outcome.evidence, strict=True)
    ]


def _not_asked(checks: Checks, verdicts: Sequence[Verdict], known: str) -> list[Verdict]:
    """Skips for what is asked of sound kernels only; an event of Hypothesis tells that there are some."""
    if hypothesis.currently_in_test_context():
        hypothesis.event(f"kernelfuzz: known bug: {known}")
    judged = {(verdict.oracle, verdict.setting.target) for verdict in verdicts}
    whole = {verdict.oracle for verdict in verdicts if not ORACLES[verdict.oracle].launches}
    reason = f"not judged after the known bug {known}"
    return [
        Verdict(oracle, "skipped", "", reason, BuildSetting(target))
        for oracle in checks.oracles
        for target in checks.targets
        if (oracle, target) not in judged and oracle not in whole
    ]


def _require_judged(verdicts: Sequence[Verdict], launch_given: bool) -> None:
    """Raise NotJudged, or have Hypothesis try another kernel, where every verdict is skipped."""
    asked = [verdict for verdict in verdicts if not launch_given or ORACLES[verdict.oracle].launches]
    asked = asked or list(verdicts)
    if any(verdict.status != "skipped" for verdict in asked):
        return
    reasons = dict.fromkeys(f"{v.oracle} on {v.setting.target}: {v.reason}" for v in asked)
    why = "; ".join(reasons) or "no oracle was asked"
    if not launch_given and hypothesis.currently_in_test_context():
        hypothesis.event(f"kernelfuzz: not judged: {why}")
        hypothesis.reject()
    where = "at this launch" if launch_given else "as it is"
    raise NotJudged(f"no oracle could judge the kernel {where}: {why}")


def _smallest(verdict: Verdict, case: Case, names: Sequence[str]) -> tuple[Verdict, Case, str]:
    """The failure at the smallest case that is found in time, and what to say about it."""
    if not hypothesis.currently_in_test_context():
        return verdict, case, ""
    look, until = looks(verdict, case.kernel), time.monotonic() + _REDUCTION

    def interesting(cases: Sequence[Case]) -> list[bool]:
        answers = [False] * len(cases)
        for low in range(0, len(cases), _AT_A_TIME):
            if time.monotonic() >= until:
                break
            some = cases[low : low + _AT_A_TIME]
            found = zip(judge_again(some, verdict), some, strict=True)
            answers[low : low + len(some)] = [
                alike(verdict, look, each.heeding(names), other.kernel) for each, other in found
            ]
        return answers

    try:
        small = reduce(case, interesting, seconds=_REDUCTION)
        again = judge_again([small], verdict)[0].heeding(names)
        # It may have become a bug that is known, or something that fails in company only.
        if not alike(verdict, look, again, small.kernel) or explained_by(small, again, names, judge_again):
            return verdict, case, "Not reduced: every smaller kernel that was tried fails in another way."
    except Exception as error:
        return verdict, case, f"Not reduced: a fault in kernelfuzz, please report it: {type(error).__name__}: {error}"
    return again, small, f"Reduced from {count_nodes(case.kernel)} to {count_nodes(small.kernel)} nodes."


def _message(verdict: Verdict, case: Case, scripts: str | Path | None, said: str) -> str:
    name = signature(verdict, case.kernel)
    lines = [f"{name} ({verdict.oracle} oracle, {verdict.setting.target})", "", render(case.kernel).rstrip()]
    if said:
        lines += ["", said]
    if verdict.mismatch is not None:
        wrong = verdict.mismatch
        place = f"{wrong.output}{list(wrong.index)}"
        lines += ["", f"{place} must be {wrong.expected!r} and is {wrong.actual!r}"]
    if verdict.reason:
        lines += ["", verdict.reason]
    if scripts is not None:
        try:
            path = _write(_finding(name, verdict, case), Path(scripts))
            lines += ["", f"See it again with: python {path}"]
        except OSError as error:
            lines += ["", f"No script was written: {error}"]
    return "\n".join(lines)


def _finding(name: str, verdict: Verdict, case: Case) -> Finding:
    evidence: Evidence = explain(case, verdict)
    return Finding(
        signature=name,
        verdict=verdict,
        case=evidence.case,
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
