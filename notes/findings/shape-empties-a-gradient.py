"""In a debug build the backward pass of a kernel that reads the shape of an array ends the process.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import subprocess
import sys

import numpy as np
import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True
wp.config.mode = "debug"


@wp.kernel(module="unique")
def control(a: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = a[i] * 2.0 + float(n)


@wp.kernel(module="unique")
def shaped(a: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = a[i] * 2.0 + float(a.shape[0])


def gradient(kernel):
    a, out = (wp.zeros(2, dtype=float, device="cpu", requires_grad=True) for _ in range(2))
    with wp.Tape() as tape:
        wp.launch(kernel, dim=2, inputs=[a, 2, out], device="cpu")
    tape.backward(grads={out: wp.array(np.ones(2, np.float32), device="cpu")})
    print(a.grad.numpy().tolist())


if len(sys.argv) > 1:
    gradient({"control": control, "shaped": shaped}[sys.argv[1]])
    sys.exit()
wrong = 0
for name in ("control", "shaped"):
    done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=False)
    lines = done.stdout.split("\n")
    actual = lines[-2] if done.returncode == 0 else f"the process ended with {done.returncode}"
    print(f"{name}: expected: [2.0, 2.0]   actual: {actual}")
    wrong += actual != "[2.0, 2.0]"
sys.exit(wrong > 0)
