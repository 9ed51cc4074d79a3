"""An installed package is found from any folder, also from the one above a clone called kernelfuzz."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from processes import UNHURRIED

ROOT = Path(__file__).parents[1]

# What an editable install and its tests take; a build leaves things behind, so it gets a copy.
CLONED = ("pyproject.toml", "README.md", "LICENSE", "kernelfuzz", "strategies", "tests")

ENVIRONMENT = {name: value for name, value in UNHURRIED.items() if name != "PYTHONPATH"}

SUITE = """
import kernelfuzz
from hypothesis import given, settings
from kernelfuzz.strategies import kernels


@settings(max_examples=3, database=None)
@given(kernels(size="small"))
def test_theirs(kernel):
    assert str(kernel) == kernelfuzz.render(kernel)
"""

FOUND = "import kernelfuzz, kernelfuzz.strategies; print(kernelfuzz.generate.__module__)"


def said(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_folder_of_that_name_does_not_hide_the_package(tmp_path: Path) -> None:
    """As a clone does in the folder above it.  Where this fails, run ``pip install -e .`` again first."""
    (tmp_path / "kernelfuzz").mkdir()
    assert said(sys.executable, "-c", FOUND, folder=tmp_path) == "kernelfuzz.strategies.kernel\n"


@pytest.fixture(scope="module")
def above(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clone called kernelfuzz, and an environment with an editable install of that."""
    folder = tmp_path_factory.mktemp("above")
    for name in CLONED:
        source, clone = ROOT / name, folder / "kernelfuzz" / name
        if source.is_dir():
            shutil.copytree(source, clone, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            clone.parent.mkdir(exist_ok=True)
            shutil.copy(source, clone)
    said(sys.executable, "-m", "venv", "venv", folder=folder)
    pip = ("venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    said(*pip, "install", "--no-deps", "--editable", "./kernelfuzz", folder=folder)
    # What it depends on is here already.  The path entries that are in this environment are not followed.
    (site,) = folder.glob("venv/lib/python*/site-packages")
    others = dict.fromkeys(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))
    (site / "others.pth").write_text("".join(f"{path}\n" for path in others), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_an_editable_install_works_from_the_folder_above(above: Path) -> None:
    python = "venv/bin/python"
    assert said(python, "-c", FOUND, folder=above) == "kernelfuzz.strategies.kernel\n"
    assert said(python, "-c", "import kernelfuzz; print(kernelfuzz.__file__)", folder=above).strip() == str(
        above / "kernelfuzz" / "kernelfuzz" / "__init__.py"
    )
    (above / "test_theirs.py").write_text(SUITE, encoding="utf-8")
    quiet = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "1 passed" in said(*quiet, "test_theirs.py", folder=above)
    own = said(*quiet, "-n", "0", "kernelfuzz/tests/ir/test_types.py", folder=above)
    assert " passed" in own
    assert "failed" not in own


@pytest.mark.slow
def test_an_editable_install_is_an_entry_of_the_path(above: Path) -> None:
    """Type checkers read entries; they run no import hook."""
    (entry,) = above.glob("venv/lib/python*/site-packages/__editable__.kernelfuzz-*.pth")
    assert Path(entry.read_text(encoding="utf-8").strip()) == above / "kernelfuzz"
