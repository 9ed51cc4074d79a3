"""The generated code depends on PYTHONHASHSEED.

Exit status: 1 where the bug is present, 0 where it is fixed.  The page beside this script explains it.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import warp as wp

if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True


@wp.kernel
def kernel(n: int, out: wp.array(dtype=int)):
    for alpha in range(2):
        out[0] = alpha
    for beta in range(3):
        out[0] = beta
    for gamma in range(4):
        out[0] = gamma
    for _ in range(n):
        alpha = alpha + 1
        beta = beta + 2
        gamma = gamma + 3
    out[0] = alpha + beta + gamma


if len(sys.argv) == 2:
    wp.config.kernel_cache_dir = sys.argv[1]
    wp.load_module(device="cpu")
    sys.exit()

generated = {}
for seed in ("0", "1", "2"):
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, __file__, cache], env=environment, check=True, capture_output=True)
        (source,) = Path(cache).rglob("*.cpp")
        generated[seed] = source.read_text()
        copies = re.findall(r"var_\d+ = wp::copy\(var_\d+\);", generated[seed])
        print(f"seed {seed}  module {source.parent.name}  copies before the loop: {copies[:3]}")
print("texts of one module: expected: 1   actual:", len(set(generated.values())))
sys.exit(len(set(generated.values())) != 1)
