"""The examples run, as they stand and from anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_quickstart(tmp_path: Path) -> None:
    path = str(EXAMPLES / "quickstart.py")
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("import warp as wp\n")
    assert "_cuda_kernel_forward(" in done.stdout
    assert done.stdout.endswith("bytes of PTX for sm_90\n")


def test_a_suite_of_somebody_else(tmp_path: Path) -> None:
    # Copied, as a user would have it: outside of this project and its pytest configuration.
    (tmp_path / "test_my_backend.py").write_text((EXAMPLES / "test_my_backend.py").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "test_my_backend.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
