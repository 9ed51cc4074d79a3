"""A local that has the name of a value of Warp changes the name of its kernel once it was built.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import subprocess
import sys
import tempfile

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(out: wp.array(dtype=float)):
    e = wp.vec3(1.0, 2.0, 3.0)
    out[0] = e.x


def launched():
    out = wp.zeros(1, dtype=float, device="cpu")
    wp.launch(kernel, dim=1, inputs=[out], device="cpu")
    return out.numpy()[0]


if len(sys.argv) == 2:
    # Another process, which loads what this one has compiled.
    try:
        wp.load_aot_module(kernel.module, device="cpu", module_dir=sys.argv[1])
        print(launched())
    except Exception as error:
        print(f"{type(error).__name__}: {str(error).strip().rpartition('. Tried')[0] or error}")
    sys.exit()

with tempfile.TemporaryDirectory() as cache:
    wp.config.kernel_cache_dir = cache
    names, loaded = [], []
    for how in ("before a launch", "after a launch"):
        wp.set_module_options({"max_unroll": 16})
        with tempfile.TemporaryDirectory() as folder:
            wp.compile_aot_module(kernel.module, device="cpu", module_dir=folder)
            names.append(kernel.get_mangled_name())
            child = [sys.executable, __file__, folder]
            loaded.append(subprocess.run(child, capture_output=True, text=True, check=True).stdout.split("\n")[-2])
        print(f"compiled {how}: the kernel is {names[-1]}")
        print(f"loaded by another process: expected: 1.0   actual: {loaded[-1]}")
        launched()
sys.exit(len(set(names)) != 1 or loaded != ["1.0", "1.0"])
