"""Oracles that need no Warp: what they say depends on the kernel alone, and some end their process."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kernelfuzz.campaign import Judging
from kernelfuzz.findings.finding import Finding
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.render import render
from kernelfuzz.oracles.request import Counts, Evidence, Outcome, Request, category, draw_case
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.strategies.features import features

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


def hang() -> Verdict:
    re.match(r"(a|a)*b", "a" * 200)
    raise AssertionError("finished")


def hog() -> Verdict:
    held = []
    while True:
        held.append(bytearray(b"x") * (16 << 20))
        time.sleep(0.005)


def fault() -> Verdict:
    raise ValueError("this oracle has a fault")


def batch(request: Request, judge: Callable[[int, Case], Verdict]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for index in range(request.start, request.start + request.count):
        verdict = judge(index, draw_case(request.options, request.seed, index))
        counts = Counts(lowered=1, built_cpu=1, ran=1, compared=int(verdict.status == "passed"))
        outcomes.append(Outcome(index, category(request, index), (verdict,), counts))
    return outcomes


def explain(case: Case, verdict: Verdict) -> Evidence:
    return Evidence(case, expected={}, message=verdict.reason)


def write(finding: Finding, directory: str) -> Path:
    """One file with what a test wants to know."""
    path = Path(directory) / f"{finding.index}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"signature": finding.signature, "source": render(finding.case.kernel)}))
    return path


# ---------------------------------------------------------------------------- all is well, but slowly


def _passes(index: int, case: Case) -> Verdict:
    time.sleep(0.01)
    return SKIPPED if index % 10 == 9 else PASSED


def passing_batch(request: Request) -> list[Outcome]:
    return batch(request, _passes)


def passing_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [PASSED for _ in cases]


PASSING = Judging(passing_batch, passing_again, explain, write)


def skipping_batch(request: Request) -> list[Outcome]:
    return batch(request, lambda index, case: SKIPPED)


SKIPPING = Judging(skipping_batch, passing_again, explain, write)


# ----------------------------------------------------------------------- bugs that depend on features


def _buggy(kernel: Kernel) -> Verdict:
    has = features(kernel)
    if "while" in has:
        return rejected("no while here")
    if "ternary" in has:
        return WRONG
    return PASSED


def buggy_batch(request: Request) -> list[Outcome]:
    return batch(request, lambda index, case: _buggy(case.kernel))


def buggy_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [_buggy(case.kernel) for case in cases]


BUGGY = Judging(buggy_batch, buggy_again, explain, write)


def stuck_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    """The first question is answered; a reduction then takes for ever."""
    if len(cases) > 1:
        time.sleep(600)
    return [_buggy(case.kernel) for case in cases]


STUCK = Judging(buggy_batch, stuck_again, explain, write)


def company_batch(request: Request) -> list[Outcome]:
    return batch(request, lambda index, case: WRONG if index == 7 else PASSED)


# Wrong in a batch, and right alone.
COMPANY = Judging(company_batch, passing_again, explain, write)


# ------------------------------------------------------------------------------ what ends the process


def once_batch(request: Request) -> list[Outcome]:
    return batch(request, lambda index, case: segfault() if index == 2 else PASSED)


# A crash in the run and not afterwards.
COMPANY_CRASH = Judging(once_batch, passing_again, explain, write)


ENDS: dict[int, Callable[[], Verdict]] = {1: hang, 5: segfault, 10: abort, 14: hog, 20: fault}


def ending_batch(request: Request) -> list[Outcome]:
    return batch(request, lambda index, case: ENDS.get(index, lambda: PASSED)())


ENDING = Judging(ending_batch, passing_again, explain, write)


def crashing_batch(request: Request) -> list[Outcome]:
    """One kernel, and only for the target cuda-host."""

    def judge(index: int, case: Case) -> Verdict:
        return segfault() if index == 77 and "cuda-host" in request.checks.targets else PASSED

    return batch(request, judge)


def crashing_again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    return [segfault() if case.kernel.body else PASSED for case in cases]


CRASHING = Judging(crashing_batch, crashing_again, explain, write)


def company_crash(request: Request) -> list[Outcome]:
    """A batch dies for its size."""
    return batch(request, lambda index, case: segfault() if request.count > 4 else PASSED)


CROWDED = Judging(company_crash, passing_again, explain, write)


def leaving_files(request: Request) -> list[Outcome]:
    import subprocess
    import tempfile

    handle, _ = tempfile.mkstemp(prefix="left-behind")
    os.close(handle)
    subprocess.Popen(["sleep", "600"])
    return batch(request, lambda index, case: segfault() if index == 3 else PASSED)


LEAVING = Judging(leaving_files, passing_again, explain, write)
