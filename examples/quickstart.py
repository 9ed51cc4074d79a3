"""Draw a kernel, look at the CUDA code that Warp generates from it, and compile it to PTX, without a GPU."""

import kernelfuzz
from kernelfuzz.toolchain import Failure

kernel = kernelfuzz.generate(seed=0, index=0, category="vector", size="small")
print(kernelfuzz.render(kernel))

lowering = kernelfuzz.lower(kernel, "cuda")
if isinstance(lowering, Failure):
    raise SystemExit(f"Warp generates no code: {lowering}")
print(lowering.kernels[0].forward)

ptx = kernelfuzz.build(lowering, "ptx", arch=90)
if isinstance(ptx, Failure):
    raise SystemExit(f"the code does not compile: {ptx}")
print(f"{len(ptx.data)} bytes of PTX for sm_{ptx.arch}")
