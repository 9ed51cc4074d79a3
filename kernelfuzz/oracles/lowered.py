"""The code that Warp generates for many kernels, lowered together for both devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from kernelfuzz.devices import DEVICES, Device
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.batch import batch_source, parts, until_alone
from kernelfuzz.toolchain import Failure, KernelCode, lower_devices

# The code of a kernel for each device, or why there is none.
Codes: TypeAlias = Mapping[Device, KernelCode | Failure]


def lowered(kernels: Sequence[Kernel]) -> list[Codes]:
    """Return the code of each kernel, with its adjoint."""

    def lower_all(some: Sequence[Kernel]) -> list[Codes] | Failure:
        source, names = batch_source(some)
        by_device = lower_devices(source)
        failures = [each for each in by_device.values() if isinstance(each, Failure)]
        if failures and len(some) > 1:
            return failures[0]
        codes: list[dict[Device, KernelCode | Failure]] = [{} for _ in some]
        for device in DEVICES:
            lowering = by_device[device]
            found = {} if isinstance(lowering, Failure) else {code.name: code for code in lowering.kernels}
            for name, kept in zip(names, codes, strict=True):
                kept[device] = lowering if isinstance(lowering, Failure) else found[name]
        return [*codes]

    def alone(kernel: Kernel, failure: Failure) -> Codes:
        raise AssertionError("a kernel that is lowered alone has no failure but its own")

    return until_alone(kernels, lower_all, alone, split=parts)
