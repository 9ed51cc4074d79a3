"""examples/hypofuzz: HypoFuzz, in a virtual environment of its own, traces Warp's code generator."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from processes import UNHURRIED

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "hypofuzz"


def test_the_example_is_a_test_that_passes(tmp_path: Path) -> None:
    (tmp_path / "test_codegen.py").write_text((EXAMPLE / "test_codegen.py").read_text())
    command = [sys.executable, "-m", "pytest", "-q", "test_codegen.py"]
    done = subprocess.run(command, cwd=tmp_path, env=UNHURRIED, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_without_hypofuzz_the_command_says_so(tmp_path: Path) -> None:
    if subprocess.run([sys.executable, "-c", "import hypofuzz"], capture_output=True).returncode == 0:
        pytest.skip("hypofuzz is installed here")
    done = subprocess.run([sys.executable, str(EXAMPLE / "fuzz.py")], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "hypofuzz is not installed: pip install hypofuzz in a virtual environment.\n"


@pytest.mark.slow
def test_lines_of_the_code_generator_are_traced(tmp_path: Path) -> None:
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    install = [python, "-m", "pip", "install", "-q", f"{ROOT}[test]", "hypofuzz"]
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode != 0:
        pytest.skip(f"hypofuzz cannot be installed: {installed.stderr.strip().splitlines()[-1]}")
    command = [python, str(EXAMPLE / "fuzz.py"), "--seconds", "120", "--directory", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.fullmatch(r"(\d+) lines of Warp's code generator were traced\n", done.stdout)
    assert found is not None
    assert int(found[1]) > 500
