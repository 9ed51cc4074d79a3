"""Kernels launched for a corpus: their inputs and their outputs, where the reference gives the same bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kernelfuzz.analysis.effects import written_arrays
from kernelfuzz.corpus.build_row import Drawn
from kernelfuzz.corpus.corpus_plan import BATCH
from kernelfuzz.corpus.row import Run, Tensor, Verified
from kernelfuzz.devices import DEVICES, HOST_TARGET, Device
from kernelfuzz.ir.codec import encode_texts
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles import batch, value
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import JUDGED, Program

# What a launch of a kernel came to: with its run, without one because there is nothing to hold it against, or
# why the kernel gets no row.
Executed = tuple[Run | None, Verified] | Failure | str


def execute(kernels: Sequence[Drawn], devices: Sequence[Device]) -> dict[Device, list[Executed]]:
    """Launch every kernel for each device with the inputs that its row states; the kernels are built together.

    A kernel whose outputs are not the reference's gives a sentence that says where.  One that the reference
    calls undefined for its inputs is built and not launched.
    """
    results: dict[Device, list[Executed]] = {device: [] for device in devices}
    for start in range(0, len(kernels), BATCH):
        for device, executed in _execute_batch(kernels[start : start + BATCH], devices).items():
            results[device] += executed
    return results


def _execute_batch(kernels: Sequence[Drawn], devices: Sequence[Device]) -> dict[Device, list[Executed]]:
    cases = [Case(each.kernel, draw_launch(each.launch_choices(), each.kernel)) for each in kernels]
    wanted = value.expected(cases)

    def launch(program: Program, name: str, at: int) -> value.Outputs | None:
        return None if isinstance(wanted[at], Undefined) else program.run(name, cases[at].launch)

    def executed(device: Device, evaluate: batch.Evaluate) -> list[Executed]:
        outputs = evaluate(cases, host_setting(device), launch)
        return [
            result if isinstance(result, Failure) else _executed(case, outcome, result)
            for case, outcome, result in zip(cases, wanted, outputs, strict=True)
        ]

    if set(devices) != set(DEVICES):
        return {device: executed(device, batch.evaluate) for device in devices}
    with batch.Pair(host_setting("cuda")) as pair:
        # One build serves both, in this order.
        return {device: executed(device, pair) for device in DEVICES}


def _executed(case: Case, wanted: value.Outputs | Undefined, actual: value.Outputs | None) -> Executed:
    # Clang builds the CUDA text for the host as well, but that is not what NVRTC makes of it.
    if isinstance(wanted, Undefined) or actual is None:
        return None, Verified(lowered=True, built_cpu=True)
    mismatch = first_mismatch(wanted, actual)
    if mismatch is not None:
        place = f"{mismatch.output}{list(mismatch.index)}"
        return f"{place} must be {mismatch.expected!r} and is {mismatch.actual!r}"
    inputs, outputs = tensors(case.launch.inputs), written(case.kernel, actual)
    run = Run(inputs=inputs, outputs=outputs, reference="agrees", tolerance_ulp=0)
    return run, Verified(lowered=True, built_cpu=True, ran=True, matched=True)


def host_setting(device: Device) -> BuildSetting:
    """How the code of a device is built and run: CUDA text on the host, so that any machine gives the same rows."""
    return BuildSetting(HOST_TARGET[device], tuple(sorted(JUDGED.items())))


def written(kernel: Kernel, arrays: Mapping[str, Input]) -> tuple[Tensor, ...]:
    """What a row has of the arrays after a launch: those that the kernel writes."""
    names = written_arrays(kernel)
    return tensors({name: array for name, array in arrays.items() if name in names})


def tensors(values: Mapping[str, Input]) -> tuple[Tensor, ...]:
    """Values as a row has them."""
    return tuple(Tensor(**entry) for entry in encode_texts(values))
