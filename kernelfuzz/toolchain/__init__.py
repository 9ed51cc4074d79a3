"""What Warp does with a kernel: lower it to C++ or CUDA text, and build that text.

Importing this package does not import Warp; the first call does.
"""

from kernelfuzz.toolchain.build import Artifact, build
from kernelfuzz.toolchain.compat import UnsupportedWarp
from kernelfuzz.toolchain.lower import Lowering, lower, lower_devices, lower_kernel, made_kernels
from kernelfuzz.toolchain.sources import Failure, FailureKind
from kernelfuzz.toolchain.split_module import KernelCode

__all__ = [
    "Artifact",
    "Failure",
    "FailureKind",
    "KernelCode",
    "Lowering",
    "UnsupportedWarp",
    "build",
    "lower",
    "lower_devices",
    "lower_kernel",
    "made_kernels",
]
