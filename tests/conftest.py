"""What several tests share: a wheel, installed; and the suite that ``--hypothesis-profile=corpus`` runs.

Hypothesis asks no clock, neither in tests nor in the examples of docstrings, unless a profile is named.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Makes the helpers of this folder importable.
sys.path.append(str(Path(__file__).parent))

ROOT = Path(__file__).parents[1]

# What a wheel is built of; building would leave things behind in the source tree.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "kernelfuzz", "strategies")


def pytest_configure(config: pytest.Config) -> None:
    """Put the suite for corpora in the place of all tests; a path on the command line has precedence."""
    profile = config.getoption("hypothesis_profile", None)
    if profile is None:
        settings.register_profile(
            "any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
        settings.load_profile("any machine")
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS
    if profile == "corpus" and not chosen:
        config.args[:] = [str(Path(__file__).with_name("test_emit_corpus.py"))]


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with a wheel of kernelfuzz; other packages are those of this one."""
    work = tmp_path_factory.mktemp("wheel")
    source = work / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", work, source], check=True)
    (wheel,) = work.glob("kernelfuzz-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", work / "venv"], check=True)
    (site,) = work.glob("venv/lib/python*/site-packages")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", site, wheel], check=True)
    # Behind its own.  What editable installs add to the path is not followed from here.
    others = dict.fromkeys(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))
    (site / "others.pth").write_text("".join(f"{path}\n" for path in others), encoding="utf-8")
    return work / "venv" / "bin" / "python"
