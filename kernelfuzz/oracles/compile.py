"""The compile oracle: what is valid is lowered for both devices, and what was lowered compiles.

clang's answer for the CPU comes with the value oracle, which builds every kernel; here NVRTC compiles the
CUDA text, with its adjoint, and both devices must accept the same kernels.  clang can compile the CUDA
text too, where Warp and the machine can: two compilers do not forgive the same mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from kernelfuzz.devices import Device
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import AugAssign, Call, Kernel, Name
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles import value
from kernelfuzz.oracles.batch import batch_source, not_built, parts, until_alone
from kernelfuzz.oracles.chunk import CaseRecord, Chunk, note
from kernelfuzz.oracles.option_sets import sums_apart
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import COMPILE
from kernelfuzz.oracles.under_way import asking
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, compat
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.lower import Lowering, lower, lower_devices

PTX = BuildSetting("ptx")
CLANG = BuildSetting("ptx", (("llvm_cuda", True),))
# Warp writes sums in another way then; without a device the text is compiled, and not run.
DETERMINISTIC = BuildSetting("ptx", (("deterministic", "RUN_TO_RUN"),))

# A statement that any compiler of CUDA accepts, and one that clang in Warp 1.19 does not
# (notes/findings/bit-atomics-in-clang).
_PROBE = """
import warp as wp

@wp.kernel
def kernel(out: wp.array(dtype=int)):
    {statement}
"""
_LEAST = "out[0] = 1"
_BITS = "wp.atomic_or(out, 0, 1)"
_BIT_ATOMICS = frozenset({"atomic_and", "atomic_or", "atomic_xor"})
_BIT_OPERATORS = frozenset("&|^")


def ask(chunk: Chunk) -> None:
    """Have NVRTC build some of the cases, and of some chunks clang as well; lower the others."""
    by_nvrtc, in_chunk, by_clang = COMPILE.samples
    asked = chunk.sampled(in_chunk)
    sampled = [asked and chunk.samples(record, by_nvrtc) for record in chunk.records]
    chosen = [record for record, taken in zip(chunk.records, sampled, strict=True) if taken]
    _judge(chosen, PTX)
    if compat.has_option("deterministic"):
        summing = [record for record in chosen if record.sound and sums_apart(record.case.kernel, some=True)]
        _judge(summing, DETERMINISTIC)
    others = [record for record, taken in zip(chunk.records, sampled, strict=True) if not taken]
    for record in others:
        # The static oracle has lowered them.
        if record.codes is not None and isinstance(failure := record.codes["cuda"], Failure):
            record.note(_alone(record.case.kernel, failure, PTX))
    others = [record for record in others if record.codes is None]
    for record, verdict in zip(others, rejected([other.case.kernel for other in others]), strict=True):
        if verdict is not None:
            record.note(verdict)
    # Of cases that are asked everything there are few, and clang takes seconds to start.
    if asked and not chunk.everything and chunk.sampled(by_clang):
        _judge([record for record in chosen if record.sound], CLANG)


def _judge(records: Sequence[CaseRecord], setting: BuildSetting) -> None:
    """Compile the kernels of the records, and note the verdicts."""
    asking(COMPILE, [record.case for record in records], setting)
    note(records, judge([record.case.kernel for record in records], setting))


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    if like.setting in (PTX, CLANG, DETERMINISTIC):
        return judge([case.kernel for case in cases], like.setting)
    # One by one: most candidates of a kernel that is not built are not built either, and would be halved.
    judged = [verdict for case in cases for verdict in value.judge([case], value.expected([case]), like.setting)]
    return [each if each.oracle == COMPILE.name else COMPILE.passed(like.setting) for each in judged]


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the case and the words of Warp or the compiler."""
    return Evidence(case, message=verdict.reason)


def judge(kernels: Sequence[Kernel], setting: BuildSetting = PTX) -> list[Verdict]:
    """Lower each kernel for both devices and compile the CUDA text of all, forward and adjoint.

    By NVRTC, or by clang under the setting ``CLANG``: then a kernel is skipped, and not compiled, where that
    cannot be done here.
    """
    if setting == CLANG:
        missing = [clang_missing(_LEAST) or (clang_missing(_BITS) if _bits(k) else None) for k in kernels]
    else:
        missing = [None] * len(kernels)
    able = [kernel for kernel, failure in zip(kernels, missing, strict=True) if failure is None]

    def build_all(some: Sequence[Kernel]) -> list[Verdict] | Failure:
        of_text = dict(DETERMINISTIC.options) if setting == DETERMINISTIC else {}
        lowering = _text(some, of_text)
        if isinstance(lowering, Failure):
            return lowering
        artifact = build(lowering, "ptx", options={} if of_text else dict(setting.options))
        return artifact if isinstance(artifact, Failure) else [COMPILE.passed(setting)] * len(some)

    alone = until_alone(able, build_all, lambda kernel, failure: _alone(kernel, failure, setting), split=parts)
    judged = iter(alone)
    return [next(judged) if failure is None else not_built(failure, setting) for failure in missing]


def rejected(kernels: Sequence[Kernel]) -> list[Verdict | None]:
    """Return the verdict on each kernel that Warp generates no CUDA text with its adjoint for, None for others.

    It costs a fraction of compiling the text, and the value oracle builds no adjoints.
    """

    def lower_all(some: Sequence[Kernel]) -> list[Verdict | None] | Failure:
        text = _text(some)
        return text if isinstance(text, Failure) else [None for _ in some]

    return until_alone(kernels, lower_all, lambda kernel, failure: _alone(kernel, failure, PTX), split=parts)


@cache
def clang_missing(statement: str) -> Failure | None:
    """Why clang does not compile a statement for CUDA here, found out once; None where it does.

    Warp 1.10 needs headers of CUDA for it, which its wheel does not bring along.
    """
    lowering = lower(_PROBE.format(statement=statement), "cuda")
    if isinstance(lowering, Failure):
        return lowering
    artifact = build(lowering, "ptx", options=dict(CLANG.options))
    if not isinstance(artifact, Failure):
        return None
    # One line: it stands in the verdict on every kernel.
    lines = [line for line in artifact.message.splitlines() if "error" in line] or [artifact.message]
    return Failure("unsupported", f"clang for CUDA: {lines[0].strip()}")


def _bits(kernel: Kernel) -> bool:
    """Whether a kernel has an atomic on the bits of an integer: by its name, or as ``a[i] |= x``."""
    return any(
        (isinstance(node, Call) and node.name in _BIT_ATOMICS)
        or (isinstance(node, AugAssign) and node.op in _BIT_OPERATORS and not isinstance(node.target, Name))
        for node in walk(kernel)
    )


def _text(kernels: Sequence[Kernel], options: Mapping[str, Any] | None = None) -> Lowering | Failure:
    # What NVRTC refuses is told by the comments.
    return lower(batch_source(kernels)[0], "cuda", options=options, keep_comments=True)


def _alone(kernel: Kernel, failure: Failure, setting: BuildSetting) -> Verdict:
    """The verdict on a kernel whose CUDA text failed; its reason says what the CPU makes of it."""
    verdict = not_built(failure, setting)
    if verdict.kind != "rejected":
        return verdict
    on_cpu = lower_devices(render(kernel), ("cpu",))["cpu"]
    if isinstance(on_cpu, Failure):
        return verdict
    return not_built(Failure(failure.kind, f"{failure.message} (the CPU takes it)", failure.line), setting)


# ---------------------------------------------------------------------------- the code in a report

# Lines of generated code that say nothing of the statements of a kernel: declarations without a value,
# arguments on their way in, the loop over the grid.
_BOILERPLATE = re.compile(
    r"^(?:(?:wp::[\w:]+(?:<[^;=]*>)?[*&]?|bool|struct \w+)\s+var_\w+;"
    r"|.*= _wp_args->.*|.*\bwp_linear_tid\b.*|wp::tile_shared_storage_t.*"
    r"|for \(size_t _idx.*|_idx [<+].*|[{}])$"
)


def generated_code(kernel: Kernel, device: Device = "cpu") -> str:
    """Return the statements that Warp generates for the forward pass, without declarations and argument passing.

    Empty where Warp does not get as far.
    """
    lowered = lower(kernel, device, backward=False)
    if isinstance(lowered, Failure):
        return ""
    code = lowered.kernels[0]
    bodies = [_statements(text) for text in (*code.functions, code.forward)]
    return "\n".join(body for body in bodies if body)


def _statements(function: str) -> str:
    """The lines of a function's body that do something, indented as little as possible."""
    _, _, body = function.partition(")\n{")
    lines = [line for line in body.split("\n") if line.strip() and not _BOILERPLATE.match(line.strip())]
    if not lines:
        return ""
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    return "".join(f"{line[margin:]}\n" for line in lines)
