"""The examples run, as they stand and from anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import UNHURRIED

from kernelfuzz.syntax.parse import parse

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
        env=UNHURRIED,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def third_party_suite(python: Path, work: Path, bug: str) -> tuple[int, str]:
    """The exit code and the output of the package's tests, copied elsewhere, against a wheel."""
    package = work / "third_party_suite"
    shutil.copytree(EXAMPLES / "third_party_suite", package, ignore=shutil.ignore_patterns("__pycache__"))
    ours = ("CI", "PYTEST_", "PYTHON", "HYPOTHESIS_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-show-statistics"],
        cwd=package,
        env={**clean, "TOYWARP_BUG": bug},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )
    return done.returncode, done.stdout


def test_a_backend_of_somebody_else(python: Path, tmp_path: Path) -> None:
    code, output = third_party_suite(python, tmp_path, bug="")
    assert code == 0, output
    # Nearly everything was compared, and little was left out.
    (compared,) = (line for line in output.splitlines() if line.endswith("%, compared"))
    assert float(compared.split("* ")[1].split("%")[0]) > 60


@pytest.mark.slow
def test_its_planted_bug_is_found_and_shrunk(python: Path, tmp_path: Path) -> None:
    code, output = third_party_suite(python, tmp_path, bug="negative-step")
    assert code == 1, output
    lines = [line.removeprefix("E").strip(" ") for line in output.splitlines()]
    # The last example that is printed, from between its quotes; pytest indents it.
    start = max(at for at, line in enumerate(lines) if line.endswith('parse("""'))
    end = next(at for at, line in enumerate(lines[start:], start) if line.startswith('"""'))
    raw = output.splitlines()[start + 1 : end]
    indent = len(raw[0]) - len(raw[0].removeprefix("E").lstrip())
    kernel = parse("\n".join(line[indent:] for line in raw) + "\n")
    assert "range(0, -1, -1)" in str(kernel)
    assert str(kernel).count("\n") <= 12
