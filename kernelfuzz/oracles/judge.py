"""Asking the oracles about a batch of cases, and again about one failure.

Runs inside a worker.  What is sampled is drawn from the seed and the index of each kernel, so that an answer
is a function of the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.chunk import CaseRecord, Chunk, draw_launching, host_first
from kernelfuzz.oracles.compile import generated_code
from kernelfuzz.oracles.modules import Modules
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence, Request, category, draw_case
from kernelfuzz.oracles.table import COMPILE, ORACLES, OWN_CLANG, Questions
from kernelfuzz.oracles.under_way import asking
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.toolchain import compat
from kernelfuzz.typecheck.lacking import lacking


def judge_batch(request: Request) -> list[CaseOutcome]:
    """Draw the kernels of a request and judge them together; one outcome for each, in order."""
    records = [_record(request, index) for index in range(request.start, request.start + request.count)]
    choices = SeededChoices(GRAMMAR_VERSION, request.seed, request.key, "chunk")
    targets = host_first(request.checks.targets, choices)
    # Some chunks are compiled by Warp's own clang, whatever else there is.
    fast = choices.integer(1, OWN_CLANG.one_in) != 1
    return _judge(Chunk(records, targets, choices), request.checks, fast=fast)


def judge_cases(cases: Sequence[Case], checks: Checks, *, launch_given: bool = False) -> list[CaseOutcome]:
    """Judge given cases together by every question of ``checks``; one outcome for each, in order.

    Clang for CUDA is left to campaigns.  The gradient oracle chooses a launch of its own, and arrays lie in
    memory by chance, unless the launch of the cases was ``launch_given``.
    """
    records = [_given(at, case, launch_given) for at, case in enumerate(cases)]
    choices = SeededChoices(GRAMMAR_VERSION, "cases")
    chunk = Chunk(records, checks.targets, choices, everything=True, launch_given=launch_given)
    return _judge(chunk, checks)


def judge_again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    """Ask of every case the one question that ``like`` answers, in the same setting; ValueError where none does.

    The cases are of the kind that was judged then: a transformed kernel is judged as it is, and a gradient
    at the given launch.
    """
    compat.initialize()
    return _questions(like).again(cases, like)


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return what shows that a failed verdict on a case is right, and the code that Warp generates for it."""
    compat.initialize()
    evidence = _questions(verdict).explain(case, verdict)
    device = "cpu" if verdict.setting.target == "cpu" else "cuda"
    return replace(evidence, generated=generated_code(evidence.case.kernel, device))


def _questions(verdict: Verdict) -> Questions:
    if verdict.oracle not in ORACLES:
        raise ValueError(f"no oracle {verdict.oracle!r}")
    return ORACLES[verdict.oracle].questions()


def _judge(chunk: Chunk, checks: Checks, *, fast: bool = False) -> list[CaseOutcome]:
    compat.initialize()
    takes = []
    for record in chunk.records:
        if reason := lacking(record.case.kernel):
            record.note(COMPILE.skipped(reason))
        else:
            takes.append(record)
    # Their adjoints are read by one and launched by the other.
    with_adjoints = bool({"static", "gradient"} & set(checks.oracles))
    with Modules([record.case.kernel for record in takes], with_adjoints=with_adjoints, fast=fast) as modules:
        judged = replace(chunk, records=takes, modules=modules)
        for name, row in ORACLES.items():
            if name in checks.oracles:
                # Before an oracle comes to a question of its own it lowers the kernel, and asks the reference.
                plain = BuildSetting(chunk.targets[0])
                asking(row, [record.case for record in takes], takes[0].launching.of(plain) if takes else plain)
                row.questions().ask(judged)
        for record in takes:
            record.fast = modules.built_fast(record.case.kernel)
    return [record.outcome() for record in chunk.records]


def _given(at: int, case: Case, launch_given: bool) -> CaseRecord:
    identity = fingerprint(case.kernel)
    launching = draw_launching(identity, contiguous=launch_given)
    return CaseRecord(at, "", case, SeededChoices(GRAMMAR_VERSION, identity), launching)


def _record(request: Request, index: int) -> CaseRecord:
    case = draw_case(request.options, request.seed, index)
    choices = SeededChoices(GRAMMAR_VERSION, request.seed, index, "oracles")
    return CaseRecord(index, category(request, index), case, choices, draw_launching(request.seed, index))
