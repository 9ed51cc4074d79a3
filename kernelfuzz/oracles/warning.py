"""The warning oracle: compilers have nothing to say about the code of a valid kernel.

clang says so of the text for the CPU, with its adjoint, NVRTC of the text for CUDA.  What counts is in ``complaints``.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.batch import batch_source, until_alone
from kernelfuzz.oracles.chunk import Chunk, note
from kernelfuzz.oracles.complaints import ASKED, Warned, warned
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import WARNING
from kernelfuzz.oracles.under_way import asking
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.toolchain import Failure, compat, lower
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.programs import JUDGED

CLANG = BuildSetting("cpu")
NVRTC = BuildSetting("ptx")


def ask(chunk: Chunk) -> None:
    """Have both compilers build some of the sound cases."""
    some, in_chunk = WARNING.samples
    asked = chunk.sampled(in_chunk)
    chosen = [record for record in chunk.sound if asked and chunk.samples(record, some)]
    for setting in (CLANG, NVRTC):
        asking(WARNING, [record.case for record in chosen], setting)
        note(chosen, judge([record.case.kernel for record in chosen], setting))


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    setting = CLANG if like.setting.target == "cpu" else NVRTC
    return judge([case.kernel for case in cases], setting)


def explain(case: Case, verdict: Verdict) -> Evidence:
    return Evidence(case, message=verdict.reason)


def judge(kernels: Sequence[Kernel], setting: BuildSetting) -> list[Verdict]:
    """Build the kernels for the target of the setting, and read what its compiler prints."""

    def build_all(some: Sequence[Kernel]) -> list[Verdict] | Failure | Warned:
        printed = _printed(batch_source(some)[0], setting)
        if isinstance(printed, Failure):
            return printed
        first = next(warned(printed), None)
        return [WARNING.passed(setting)] * len(some) if first is None else first

    return until_alone(kernels, build_all, lambda kernel, problem: _alone(problem, setting))


def _printed(source: str, setting: BuildSetting) -> str | Failure:
    on_cpu = setting.target == "cpu"
    lowering = lower(source, "cpu" if on_cpu else "cuda", backward=on_cpu)
    if isinstance(lowering, Failure):
        return lowering
    asked = _asked() if on_cpu else {}
    made = build(lowering, "cpu" if on_cpu else "ptx", options={**JUDGED, **asked}, warnings=True)
    return made if isinstance(made, Failure) else made.printed


def _asked() -> dict[str, str]:
    """The options with which clang gives the warnings that it must be asked for."""
    return {"cpu_compiler_flags": ASKED} if compat.has_option("cpu_compiler_flags") else {}


def _alone(problem: Failure | Warned, setting: BuildSetting) -> Verdict:
    if isinstance(problem, Failure):
        return WARNING.skipped(f"not built: {problem.kind}", setting)
    # A script must ask as this does.
    asked = _asked() if problem.mark == ASKED else {}
    told = BuildSetting(setting.target, tuple(asked.items()), row=problem.mark)
    return WARNING.failed(told, f"{problem.text}\n{problem.line}\n{problem.complaint.what}")
