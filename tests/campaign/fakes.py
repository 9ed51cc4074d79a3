"""Oracles that need no Warp: what they say depends on the kernel alone, and some end their process."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from processes import FOREVER  # pyright: ignore[reportMissingImports]

from kernelfuzz.campaign import WorkerFunctions
from kernelfuzz.findings.blame import Blamed
from kernelfuzz.findings.finding import Finding
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.request import CaseOutcome, Checks, Counts, Evidence, Request, category, draw_case
from kernelfuzz.oracles.verdict import BuildSetting, Mismatch, Verdict
from kernelfuzz.strategies.features import features
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import UnsupportedWarp

PASSED = Verdict("value", "passed")
SKIPPED = Verdict("value", "skipped", "", "undefined: too many steps")
WRONG = Verdict("value", "failed", "wrong value")


def rejected(message: str) -> Verdict:
    return Verdict("compile", "failed", "rejected", f"codegen: {message}")


def segfault() -> Verdict:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("survived")


def abort() -> Verdict:
    os.abort()


def mark(what: str) -> None:
    """Tell the test what this process is at, by a file."""
    Path(os.environ["KERNELFUZZ_TEST"], f"{what}-{os.getpid()}").touch()


def marked(directory: Path, what: str) -> list[int]:
    """The processes that have been at something."""
    return [int(path.name.rpartition("-")[2]) for path in directory.glob(f"{what}-*")]


def hang() -> Verdict:
    mark("hanging")
    re.match(r"(a|a)*b", "a" * 36)  # hours
    raise AssertionError("finished")


def doze() -> Verdict:
    """Hang without computing, so that a test can have its time pass quickly."""
    mark("hanging")
    time.sleep(FOREVER)
    raise AssertionError("finished")


def hog() -> Verdict:
    # Not more and more of it: on a busy machine nobody may look for a while.
    held = bytearray(b"x") * (600 << 20)
    time.sleep(FOREVER)
    raise AssertionError(f"{len(held)} bytes are too few")


def fault() -> Verdict:
    raise ValueError("this oracle has a fault")


def batch(request: Request, judge: Callable[[int, Case], Verdict]) -> list[CaseOutcome]:
    outcomes: list[CaseOutcome] = []
    for index in range(request.start, request.start + request.count):
        verdict = judge(index, draw_case(request.options, request.seed, index))
        counts = Counts(lowered=1, built_cpu=1, ran=1, compared=int(verdict.status == "passed"))
        outcomes.append(CaseOutcome(index, category(request, index), (verdict,), counts))
    return outcomes


def explain(case: Case, verdict: Verdict) -> Evidence:
    return Evidence(case, expected={}, message=verdict.reason)


def write(finding: Finding, directory: str) -> Path:
    """One file with what a test wants to know."""
    path = Path(directory) / f"{finding.index}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"signature": finding.signature, "source": render(finding.case.kernel)}))
    return path


def no_control(checks: Checks) -> None:
    """Whatever there is can be judged."""


def refused(checks: Checks) -> None:
    """A Warp that does nothing on any of the targets."""
    raise UnsupportedWarp(f"{', '.join(checks.oracles)}: nothing works on {', '.join(checks.targets)}.")


def refused_where_slow(checks: Checks) -> None:
    """Control kernels that pass what costs little."""
    if "determinism" in checks.oracles:
        refused(checks)


def crashed(checks: Checks) -> None:
    """A Warp that ends its process."""
    segfault()


def confirmed(finding: Finding, tick: Callable[[], None]) -> str:
    """Every script shows its finding."""
    return ""


# ---------------------------------------------------------------------------------------- all is well


def _passes(index: int, case: Case) -> Verdict:
    return SKIPPED if index % 10 == 9 else PASSED


def passing_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, _passes)


def passing_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [PASSED for _ in cases]


PASSING = WorkerFunctions(passing_batch, passing_again, explain, no_control, confirmed, write)


def skipping_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: SKIPPED)


SKIPPING = WorkerFunctions(skipping_batch, passing_again, explain, no_control, confirmed, write)


# ----------------------------------------------------------------------- bugs that depend on features


def _buggy(kernel: Kernel) -> Verdict:
    has = features(kernel)
    if "while" in has:
        return rejected("no while here")
    if "ternary" in has:
        return WRONG
    return PASSED


def buggy_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: _buggy(case.kernel))


def buggy_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [_buggy(case.kernel) for case in cases]


GRADIENT = Verdict("gradient", "failed", "wrong gradient")


def gradient_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: GRADIENT)


def gradient_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [GRADIENT for _ in cases]


WRONG_GRADIENT = WorkerFunctions(gradient_batch, gradient_again, explain, no_control, confirmed, write)

BUGGY = WorkerFunctions(buggy_batch, buggy_again, explain, no_control, confirmed, write)


def different_batch(request: Request) -> list[CaseOutcome]:
    """A number is wrong wherever there is a conditional expression."""
    return batch(request, lambda index, case: _different(case.kernel))


def different_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [_different(case.kernel) for case in cases]


def _different(kernel: Kernel) -> Verdict:
    return replace(WRONG, mismatch=Mismatch("out0", (0,), 1, 2)) if "ternary" in features(kernel) else PASSED


def no_answer(case: Case, verdict: Verdict, known: Collection[str]) -> tuple[Blamed, ...]:
    raise ValueError("no blame")


def no_worker(case: Case, verdict: Verdict, known: Collection[str]) -> tuple[Blamed, ...]:
    return segfault()  # pyright: ignore[reportReturnType]


def stuck_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    """The first question is answered; a reduction then takes for ever."""
    if len(cases) > 1:
        mark("stuck")
        time.sleep(FOREVER)
    return [_buggy(case.kernel) for case in cases]


BLAMELESS = WorkerFunctions(different_batch, different_again, explain, no_control, confirmed, write)


STUCK = WorkerFunctions(buggy_batch, stuck_again, explain, no_control, confirmed, write)


def company_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: WRONG if index == 7 else PASSED)


# Wrong in a batch, and right alone.
COMPANY = WorkerFunctions(company_batch, passing_again, explain, no_control, confirmed, write)


# ------------------------------------------------------------------------------ what ends the process


def once_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: segfault() if index == 2 else PASSED)


# A crash in the run and not afterwards.
COMPANY_CRASH = WorkerFunctions(once_batch, passing_again, explain, no_control, confirmed, write)


ENDS: dict[int, Callable[[], Verdict]] = {1: doze, 5: segfault, 10: abort, 14: hog, 20: fault}


def ending_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: ENDS.get(index, lambda: PASSED)())


ENDING = WorkerFunctions(ending_batch, passing_again, explain, no_control, confirmed, write)


def hanging_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: hang() if index >= 1 else PASSED)


# The first kernel passes, and then nothing ends.
HANGING = WorkerFunctions(hanging_batch, passing_again, explain, no_control, confirmed, write)


def crashing_batch(request: Request) -> list[CaseOutcome]:
    """One kernel, and only for the target cuda-host."""

    def judge(index: int, case: Case) -> Verdict:
        return segfault() if index == 77 and "cuda-host" in request.checks.targets else PASSED

    return batch(request, judge)


def crashing_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [segfault() if case.kernel.body else PASSED for case in cases]


CRASHING = WorkerFunctions(crashing_batch, crashing_again, explain, no_control, confirmed, write)


def often_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: segfault() if index % 10 == 3 else PASSED)


# Some kernels crash, in their batch only.
CRASHING_OFTEN = WorkerFunctions(often_batch, passing_again, explain, no_control, confirmed, write)


def lost_batch(request: Request) -> list[CaseOutcome]:
    return batch(request, lambda index, case: segfault())


# Every kernel ends its process in its batch.
LOST = WorkerFunctions(lost_batch, passing_again, explain, no_control, confirmed, write)


def company_crash(request: Request) -> list[CaseOutcome]:
    """A batch dies for its size."""
    return batch(request, lambda index, case: segfault() if request.count > 4 else PASSED)


CROWDED = WorkerFunctions(company_crash, passing_again, explain, no_control, confirmed, write)


_spoiled = False


def spoiling_batch(request: Request) -> list[CaseOutcome]:
    """Kernel 2 ends its process, but only in the next task."""
    global _spoiled
    if _spoiled:
        segfault()
    _spoiled = request.start <= 2 < request.start + request.count
    return batch(request, lambda index, case: PASSED)


SPOILING = WorkerFunctions(spoiling_batch, passing_again, explain, no_control, confirmed, write)


OUTSIDE = Verdict("value", "failed", "writes outside", "writes outside of out0, 1 element before its start")


STRIDED = BuildSetting(layout="strided")


def strided_batch(request: Request) -> list[CaseOutcome]:
    """Kernel 2 is wrong where arrays are strided."""
    return batch(request, lambda index, case: replace(WRONG, setting=STRIDED) if index == 2 else PASSED)


def strided_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [replace(WRONG, setting=verdict.setting) if verdict.setting == STRIDED else PASSED for _ in cases]


def anywhere_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [replace(WRONG, setting=verdict.setting) for _ in cases]


def elsewhere_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    """With contiguous arrays it is a write outside."""
    return [replace(WRONG if verdict.setting == STRIDED else OUTSIDE, setting=verdict.setting) for _ in cases]


LAID_OUT = WorkerFunctions(strided_batch, strided_again, explain, no_control, confirmed, write)


def outside_batch(request: Request) -> list[CaseOutcome]:
    """Kernel 2 ends its process in company; alone it is seen to write outside."""

    def judge(index: int, case: Case) -> Verdict:
        if index != 2:
            return PASSED
        return segfault() if request.count > 1 else OUTSIDE

    return batch(request, judge)


def outside_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [OUTSIDE for _ in cases]


WRITING = WorkerFunctions(outside_batch, outside_again, explain, no_control, confirmed, write)


def leaving_files(request: Request) -> list[CaseOutcome]:
    import subprocess
    import tempfile

    handle, _ = tempfile.mkstemp(prefix="left-behind")
    os.close(handle)
    subprocess.Popen(["sleep", str(FOREVER)])
    return batch(request, lambda index, case: segfault() if index == 3 else PASSED)


LEAVING = WorkerFunctions(leaving_files, passing_again, explain, no_control, confirmed, write)
