"""The static oracle: the generated code holds together, whatever the inputs (``static_checks`` has the rules).

It runs no compiler and no kernel.  What it reads is lowered for both devices, which the compile oracle needs too.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernelfuzz.devices import DEVICES
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.chunk import Chunk
from kernelfuzz.oracles.lowered import Codes, lowered
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.static_checks import CHECKS, Code, code_of
from kernelfuzz.oracles.table import STATIC
from kernelfuzz.oracles.verdict import BuildSetting, Malformed, Verdict
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.generated_statements import NotUnderstood


def ask(chunk: Chunk) -> None:
    """Judge every case, also those that fail at their launch."""
    for record in chunk.records:
        record.codes = chunk.codes(record)
    others = [record for record in chunk.records if record.codes is None]
    for record, codes in zip(others, lowered([record.case.kernel for record in others]), strict=True):
        record.codes = codes
    for record in chunk.records:
        assert record.codes is not None
        record.note(judged(record.codes))


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    return judge([case.kernel for case in cases], like.malformed)


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the case, and what is wrong with the lines around it."""
    fault = verdict.malformed
    assert fault is not None
    return Evidence(case, message="\n".join([verdict.reason, f"in {fault.function}:", *fault.lines]))


def judge(kernels: Sequence[Kernel], like: Malformed | None = None) -> list[Verdict]:
    """Lower the kernels, and judge what Warp generates; of several faults one that is ``like`` another comes first."""
    return [judged(codes, like) for codes in lowered(kernels)]


def judged(codes: Codes, like: Malformed | None = None) -> Verdict:
    """Return the verdict on the code of a kernel."""
    there = [(device, code) for device in DEVICES if not isinstance(code := codes[device], Failure)]
    if not there:
        failure = codes[DEVICES[0]]
        assert isinstance(failure, Failure)
        return STATIC.skipped(f"not lowered: {failure.kind}")
    try:
        found = faults(code_of(*[code for _, code in there]))
    except NotUnderstood as error:
        return STATIC.skipped(f"not understood: {error}")
    if not found:
        return STATIC.passed()
    fault = next((each for each in found if like is not None and each.alike(like)), found[0])
    on_cuda = fault.check == "devices" or there[0][0] == "cuda"
    return STATIC.failed(BuildSetting("ptx" if on_cuda else "cpu"), said(fault), malformed=fault)


def faults(code: Code) -> list[Malformed]:
    """What breaks a rule, in the order of the rules.  Raises NotUnderstood where that is all there is to say."""
    found: list[Malformed] = []
    for check in CHECKS.values():
        try:
            found += check.find(code)
        except NotUnderstood:
            if not found:
                raise
    return found


def said(fault: Malformed) -> str:
    """What is wrong, in words."""
    return (
        f"{CHECKS[fault.check].says}; not so in {fault.function}\n"
        f"expected: {fault.wanted or 'nothing'}\nactual:   {fault.actual or 'nothing'}"
    )
