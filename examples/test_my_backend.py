"""The strategies in a test suite: here every kernel must lower for CUDA.

Run it with ``pytest examples/test_my_backend.py``; Hypothesis shrinks what fails.
"""

from hypothesis import given, settings

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies import kernels
from kernelfuzz.toolchain import Lowering, lower


@settings(max_examples=20, deadline=None)
@given(kernels(categories=["atomic", "vector"], size="small"))
def test_every_kernel_lowers(kernel: Kernel) -> None:
    assert isinstance(lower(kernel, "cuda"), Lowering)
