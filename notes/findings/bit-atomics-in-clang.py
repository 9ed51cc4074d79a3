"""Atomics on the bits of an integer, in CUDA code that is compiled with clang (the option llvm_cuda).

No GPU is needed: the code is compiled, not run.  Warp 1.10 needs CUDA's own headers for clang.

Exit status: 1 where the bug is present, 0 where it is fixed, or where clang compiles no CUDA at all.  The
page beside this script explains it.
"""

import sys
import tempfile
from pathlib import Path

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True
wp.config.llvm_cuda = True


@wp.kernel(module="unique")
def control(out: wp.array(dtype=int)):
    wp.atomic_add(out, 0, 1)


@wp.kernel(module="unique")
def bit_and(out: wp.array(dtype=int)):
    wp.atomic_and(out, 0, 1)


@wp.kernel(module="unique")
def bit_or(out: wp.array(dtype=int)):
    wp.atomic_or(out, 0, 1)


@wp.kernel(module="unique")
def bit_xor(out: wp.array(dtype=int)):
    wp.atomic_xor(out, 0, 1)


@wp.kernel(module="unique")
def wide_max(out: wp.array(dtype=wp.int64)):
    wp.atomic_max(out, 0, wp.int64(1))


@wp.kernel(module="unique")
def wide_min(out: wp.array(dtype=wp.int64)):
    wp.atomic_min(out, 0, wp.int64(1))


def run(kernel):
    try:
        with tempfile.TemporaryDirectory() as folder:
            wp.compile_aot_module(kernel.module, arch=90, module_dir=folder, use_ptx=True)
            # Before 1.19 nothing is raised where the compiler fails.
            actual = "accepted" if list(Path(folder).rglob("*.ptx")) else "rejected: no PTX is written"
    except Exception as error:
        actual = "rejected: " + str(error).strip().splitlines()[-1]
    print(f"{kernel.key:8} expected: accepted   actual: {actual}")
    return actual == "accepted"


if not run(control):
    print("clang compiles no CUDA at all here")
    sys.exit()
good = [run(bit_and), run(bit_or), run(bit_xor), run(wide_max), run(wide_min)]
sys.exit(not all(good))
