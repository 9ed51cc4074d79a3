"""What HypoFuzz fuzzes: every kernel must lower for both devices."""

from hypothesis import given, settings

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies import kernels
from kernelfuzz.toolchain import Lowering, lower_devices


@settings(deadline=None)
@given(kernels(size="small"))
def test_every_kernel_lowers(kernel: Kernel) -> None:
    for lowering in lower_devices(kernel).values():
        assert isinstance(lowering, Lowering), lowering
