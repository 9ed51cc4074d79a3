"""The devices that Warp generates code for, and the targets that this code is built for and run on."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Device: TypeAlias = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = get_args(Device)

# Where kernels run; "cuda-host" is the code for CUDA, run on the CPU.
Target: TypeAlias = Literal["cpu", "cuda-host", "cuda"]
TARGETS: tuple[Target, ...] = get_args(Target)

# Where the code of each device runs on any machine, with or without a GPU.
HOST_TARGET: dict[Device, Target] = {"cpu": "cpu", "cuda": "cuda-host"}

# What the code is compiled to, and the device that each is made from.
BuildTarget: TypeAlias = Literal["cpu", "ptx", "cubin"]
BUILT_FROM: dict[BuildTarget, Device] = {"cpu": "cpu", "ptx": "cuda", "cubin": "cuda"}
