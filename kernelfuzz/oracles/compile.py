"""The compile oracle: what is valid is lowered for both devices, and what was lowered compiles.

clang's answer comes with the value oracle, which builds every kernel; here NVRTC compiles the CUDA text, with
its adjoint, and both devices are held to accept the same kernels.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.render import render
from kernelfuzz.oracles.batch import batch_source
from kernelfuzz.oracles.value import not_built
from kernelfuzz.oracles.verdict import Setting, Verdict
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.errors import Failure
from kernelfuzz.toolchain.lower import lower, lower_devices

PTX = Setting("ptx")


def judge(kernels: Sequence[Kernel]) -> list[Verdict]:
    """Lower each kernel for both devices and compile the CUDA text of all with NVRTC, forward and adjoint."""
    if not kernels:
        return []
    failure = _ptx(kernels)
    if failure is None:
        return [Verdict("compile", "passed", "", "", PTX)] * len(kernels)
    if len(kernels) == 1:
        return [_alone(kernels[0], failure)]
    middle = len(kernels) // 2
    return [*judge(kernels[:middle]), *judge(kernels[middle:])]


def _ptx(kernels: Sequence[Kernel]) -> Failure | None:
    lowering = lower(batch_source(kernels)[0], "cuda")
    if isinstance(lowering, Failure):
        return lowering
    artifact = build(lowering, "ptx")
    return artifact if isinstance(artifact, Failure) else None


def _alone(kernel: Kernel, failure: Failure) -> Verdict:
    """The verdict on a kernel whose CUDA text failed; its reason says what the CPU makes of it."""
    verdict = not_built(failure, PTX)
    if verdict.kind != "rejected":
        return verdict
    on_cpu = lower_devices(render(kernel), ("cpu",))["cpu"]
    if isinstance(on_cpu, Failure):
        return verdict
    return not_built(Failure(failure.kind, f"{failure.message} (the CPU takes it)", failure.line), PTX)
