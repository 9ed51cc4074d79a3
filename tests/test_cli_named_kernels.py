"""``package.module:kernel`` on the command line: what importing a module makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kernelfuzz.cli import main

HOME = """\
import warp as wp
from . import limits

@wp.func
def half(x: float):
    return x * 0.5

def make(count: int):
    @wp.kernel
    def inner(out: wp.array(dtype=float)):
        out[0] = half(out[0]) + float(count * limits.LIMIT)
    return inner

made = make(3)

@wp.kernel
def broken(out: wp.array(dtype=float)):
    out[0] = half(1.0) + 2
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "toys"
    home.mkdir()
    (home / "__init__.py").write_text("")
    (home / "limits.py").write_text("LIMIT = 7\n")
    (home / "kernels.py").write_text(HOME)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_lowered_as_it_is(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", "toys.kernels:made", "--json"]) == 0
    (code,) = json.loads(capsys.readouterr().out)["kernels"]
    assert code["name"] == "inner"
    assert "half_0(" in code["forward"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["toys.nowhere:made"], 2, "toys.nowhere cannot be imported: ModuleNotFoundError"),
        (["toys.kernels:absent"], 2, "toys.kernels has no absent"),
        (["toys.kernels:half"], 2, "toys.kernels:half is no kernel of Warp, but Function"),
        (["toys.kernels:made", "--kernel", "made"], 2, "names the kernel"),
        (["toys.kernels:broken"], 1, "Warp generates no code"),
    ],
)
def test_what_cannot_be_lowered(
    arguments: list[str], status: int, said: str, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lower", *arguments]) == status
    assert said in capsys.readouterr().err


def test_a_module_that_hangs(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (package / "hangs.py").write_text("while True:\n    pass\n")
    assert main(["lower", "hangs:k", "--timeout", "2"]) == 3
    assert "was killed" in capsys.readouterr().err


def test_a_file_of_it_alone_is_made_small(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = "grep -q LIMIT"
    assert main(["reduce", "toys.kernels:made", "--test", test, "--time", "20s"]) == 0
    assert capsys.readouterr().out == "inner.reduced.py\n"
    assert "LIMIT" in (package / "inner.reduced.py").read_text()
