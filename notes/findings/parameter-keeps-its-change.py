"""A parameter that a kernel changes keeps its value for the next thread of a grid-stride loop.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
Without a GPU the code for CUDA is read: what is assigned to the parameter in the loop over the threads stays there.
"""

import re
import sys

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(x: float, n: int, out: wp.array(dtype=float)):
    i = wp.tid()
    for _ in range(n):
        x = x * 2.0
    out[i] = x


wp.init()
if wp.is_cuda_available():
    out = wp.zeros(64, dtype=float, device="cuda")
    # One block of 32 threads for 64: each does the work of two.
    wp.launch(kernel, dim=64, inputs=[1.5, 3, out], device="cuda", max_blocks=1, block_dim=32)
    actual = sorted(set(out.numpy().tolist()))
    print(f"expected: [12.0]   actual: {actual}")
    sys.exit(actual != [12.0])

try:
    from warp._src.context import ModuleBuilder
except ImportError:
    from warp.context import ModuleBuilder
module = kernel.module
hasher = getattr(module, "get_module_hash", None) or module.hash_module
hasher()
options = dict(module.options, block_dim=256, output_arch=None)
if hasattr(module, "hashers"):
    made = ModuleBuilder(module, options, hasher=module.hashers.get(256))
else:
    made = ModuleBuilder(module, options, None, target="cuda")
text = made.codegen("cuda")
forward = text[text.index("_cuda_kernel_forward(") :].split("_cuda_kernel_backward(")[0]
inside = forward[forward.index("_idx < dim.size") :]
changed = re.findall(r"wp::assign\(var_x, .*\);", inside)
print(f"expected: no assignment to var_x, which is declared outside of the loop over threads   actual: {changed}")
sys.exit(bool(changed))
