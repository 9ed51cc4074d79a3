"""The compile oracle: what is valid is lowered for both devices, and what was lowered compiles.

clang's answer for the CPU comes with the value oracle, which builds every kernel; here NVRTC compiles the
CUDA text, with its adjoint, and both devices are held to accept the same kernels.  clang can compile the CUDA
text too, where Warp and the machine have what that takes: two compilers do not forgive the same mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from kernelfuzz.ir.nodes import AugAssign, Call, Kernel, Name
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles.batch import batch_source
from kernelfuzz.oracles.value import not_built
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.lower import Lowering, lower, lower_devices

PTX = BuildSetting("ptx")
CLANG = BuildSetting("ptx", (("llvm_cuda", True),))

# What any compiler of CUDA takes, and what clang in Warp 1.19 does not (notes/findings/bit-atomics-in-clang).
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
    judged = iter(_judge(able, setting))
    return [next(judged) if failure is None else not_built(failure, setting) for failure in missing]


def rejected(kernels: Sequence[Kernel]) -> list[Verdict | None]:
    """The verdict on each kernel for which Warp generates no CUDA text with its adjoint; None for the others.

    It costs a fraction of compiling the text, and the value oracle builds no adjoints.
    """
    if not kernels:
        return []
    failure = _text(kernels)
    if not isinstance(failure, Failure):
        return [None] * len(kernels)
    if len(kernels) == 1:
        return [_alone(kernels[0], failure, PTX)]
    middle = len(kernels) // 2
    return [*rejected(kernels[:middle]), *rejected(kernels[middle:])]


def _judge(kernels: Sequence[Kernel], setting: BuildSetting) -> list[Verdict]:
    if not kernels:
        return []
    failure = _built(kernels, setting)
    if failure is None:
        return [Verdict("compile", "passed", "", "", setting)] * len(kernels)
    if len(kernels) == 1:
        return [_alone(kernels[0], failure, setting)]
    middle = len(kernels) // 2
    return [*_judge(kernels[:middle], setting), *_judge(kernels[middle:], setting)]


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


def _text(kernels: Sequence[Kernel]) -> Lowering | Failure:
    return lower(batch_source(kernels)[0], "cuda")


def _built(kernels: Sequence[Kernel], setting: BuildSetting) -> Failure | None:
    lowering = _text(kernels)
    if isinstance(lowering, Failure):
        return lowering
    artifact = build(lowering, "ptx", options=dict(setting.options))
    return artifact if isinstance(artifact, Failure) else None


def _alone(kernel: Kernel, failure: Failure, setting: BuildSetting) -> Verdict:
    """The verdict on a kernel whose CUDA text failed; its reason says what the CPU makes of it."""
    verdict = not_built(failure, setting)
    if verdict.kind != "rejected":
        return verdict
    on_cpu = lower_devices(render(kernel), ("cpu",))["cpu"]
    if isinstance(on_cpu, Failure):
        return verdict
    return not_built(Failure(failure.kind, f"{failure.message} (the CPU takes it)", failure.line), setting)
