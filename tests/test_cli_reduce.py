"""``kernelfuzz reduce``: its exit codes, what it writes, what it says, and how it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import FOREVER, LIMIT, interruptible, until

from kernelfuzz.cli import main

PROGRAM = """
import sys
from kernelfuzz.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""

LINES = "".join(f"x{number} = {number}\n" for number in range(30))
BROKEN = """\
import warp as wp


@wp.kernel
def k(a: wp.array(dtype=float)):
    i = wp.tid()
    a[i] = missing(a[i])
"""

FACTORY = """\
import warp as wp


def make(n: int):
    @wp.kernel(module="unique", enable_backward=False)
    def made(out: wp.array(dtype=float)):
        out[wp.tid()] = missing + float(n)

    return made
"""

BAD = {
    "neither": (["file.py"], 2, "either --fails or --test"),
    "both": (["file.py", "--fails", "cpu", "--test", "true"], 2, "either --fails or --test"),
    "no file": (["none.py", "--fails", "cpu"], 2, "cannot read none.py"),
    "not Python": (["text", "--fails", "cpu"], 2, "this is not Python"),
    "no kernel": (["file.py", "--fails", "lowering", "--kernel", "nope"], 2, "no kernel 'nope'"),
    "quotes": (["file.py", "--test", "grep 'x"], 2, "no shell command"),
    "empty": (["file.py", "--test", " "], 2, "--test is empty"),
    "input": (["file.py", "--test", "true", "--output", "file.py"], 2, "which is kept"),
    "directory": (["file.py", "--test", "true", "--output", "."], 2, "is a directory"),
    "nowhere": (["file.py", "--test", "true", "--output", "none/x.py"], 2, "cannot write in"),
    "test fails": (["file.py", "--test", "exit 3"], 2, "does not pass --test: it ends with status 3"),
    "hangs": (
        ["file.py", "--test", "sleep 30;", "--timeout", "0.5"],
        3,
        "--timeout gives it more time",
    ),
    "works": (["fine.py", "--fails", "lowering"], 2, "does not fail at lowering: nothing fails"),
    "no call": (
        ["factory.py", "--fails", "lowering", "--kernel", "made"],
        2,
        "no @wp.kernel found in the source; made is made by a call of make: have the file call it",
    ),
    "no import": (
        ["imports.py", "--fails", "lowering"],
        2,
        "imports.py, cannot be imported: ModuleNotFoundError",
    ),
    "relative": (["relative.py", "--fails", "lowering"], 2, "relative.py, cannot be imported: ImportError"),
    "exits": (["exits.py", "--fails", "lowering"], 2, "exits.py ends its process when it is run"),
    "exits early": (["exits.py", "--fails", "cpu"], 2, "exits.py ends its process when it is run"),
    "dies early": (["dies.py", "--fails", "cpu"], 2, "(it was killed by SIGSEGV): give --fails lowering"),
    "read-only": (["file.py", "--test", "true", "--output", "/sys/x.py"], 2, "cannot write in /sys"),
    "earlier": (["file.py", "--fails", "ptx"], 2, "does not fail at ptx: its lowering does ("),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "file.py").write_text(BROKEN)
    (tmp_path / "fine.py").write_text(BROKEN.replace("missing", "wp.sin"))
    (tmp_path / "text").write_text("this is no Python")
    (tmp_path / "lines.py").write_text(LINES)
    (tmp_path / "factory.py").write_text(FACTORY)
    (tmp_path / "imports.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "relative.py").write_text("from .beside import x\n")
    (tmp_path / "exits.py").write_text(BROKEN.replace("missing", "wp.sin") + "raise SystemExit\n")
    (tmp_path / "dies.py").write_text("import ctypes\nctypes.string_at(0)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("arguments", "code", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str], code: int, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    assert main(["reduce", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) <= 2
    assert sorted(here.rglob("*")) == before


def test_a_failure_of_warp(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reduce", "file.py", "--fails", "lowering"]) == 0
    out, err = capsys.readouterr()
    assert out == "file.reduced.py\n"
    assert "9 of 27 nodes are left, in 6 lines" in err
    assert Path("file.reduced.py").read_text() == "import warp as wp\n\n\n@wp.kernel\ndef k():\n    missing\n"
    assert Path("file.py").read_text() == BROKEN
    assert not list(here.glob("*.state"))


def test_json_and_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["reduce", "lines.py", "--test", "grep -q 'x7 '", "--output", "small.py", "--json"]
    assert main(arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {**facts, "seconds": 0, "tries": 0} == {
        "original_lines": 30, "lines": 1, "original_nodes": 91, "nodes": 4, "tries": 0, "minimal": True,
        "seconds": 0, "output": "small.py",
    }  # fmt: skip
    assert facts["tries"] > 0
    assert Path("small.py").read_text() == "x7 = 0\n"


def test_a_factory_that_is_called(here: Path) -> None:
    Path("factory.py").write_text(FACTORY + "\n\nkernels = [make(n) for n in (1, 2, 3)]\n")
    assert main(["reduce", "factory.py", "--fails", "lowering", "--kernel", "made"]) == 0
    assert Path("factory.reduced.py").read_text() == ("import warp as wp\n\n\n@wp.kernel\ndef made():\n    missing\n")


def test_a_file_of_a_package(here: Path) -> None:
    package = here / "package_of_kernels"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helpers.py").write_text("import warp as wp\n\n@wp.func\ndef twice(x: float):\n    return x * 2.0\n")
    text = BROKEN.replace("import warp as wp", "import warp as wp\nfrom .helpers import twice")
    (package / "file.py").write_text(text.replace("missing(a[i])", "twice(1.0) + wp.vec2(1.0)"))
    assert main(["lower", "package_of_kernels/file.py", "--json"]) == 1
    assert main(["reduce", "package_of_kernels/file.py", "--fails", "lowering"]) == 0
    left = (package / "file.reduced.py").read_text()
    assert "wp.vec2" in left
    assert len(left.splitlines()) <= 7


def test_a_test_that_always_passes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("nothing.py").write_text("")
    for name in ("file.py", "nothing.py"):
        assert main(["reduce", name, "--test", "true"]) == 0
        assert Path(name.replace(".py", ".reduced.py")).read_text() == ""
        assert "passes for an empty file too" in capsys.readouterr().err


def test_any_number_of_jobs(here: Path) -> None:
    results = []
    for jobs in ("1", "2"):
        assert main(["reduce", "lines.py", "--test", "grep -q 'x[12]7'", "--jobs", jobs]) == 0
        results.append(Path("lines.reduced.py").read_text())
    assert results[0] == results[1] == "x27 = 0\n"


def test_what_is_minimal_stays(here: Path) -> None:
    Path("one.py").write_text("x\n")
    assert main(["reduce", "one.py", "--test", "grep -q x"]) == 0
    assert Path("one.reduced.py").read_text() == "x\n"


def test_a_script_beside_the_file(here: Path) -> None:
    script = here / "check.sh"
    script.write_text('#!/bin/sh\n[ "$1" = "$PWD/lines.py" ] && grep -q "x3 " lines.py\n')
    script.chmod(0o755)
    assert main(["reduce", "lines.py", "--test", "./check.sh"]) == 0
    assert Path("lines.reduced.py").read_text() == "x3 = 0\n"


# The questions that are asked until one waits for the gate to go.
ASKED = 8


@contextmanager
def started(here: Path, log: Path) -> Iterator[subprocess.Popen[str]]:
    """A reduction in a process of its own; while there is a gate, one of its questions takes for ever."""
    program, gate = here / "program.py", here / "gate"
    program.write_text(PROGRAM)
    wait = f"while [ -e {gate} ] && [ $(wc -l < {log}) -gt {ASKED} ]; do sleep 0.05; done"
    command = f"echo >> {log}; {wait}; grep -q x7 lines.py && grep -q x21 lines.py"
    arguments = ["reduce", "lines.py", "--test", command, "--timeout", str(FOREVER)]
    with interruptible(
        [sys.executable, str(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=here,
    ) as process:
        yield process


def until_it_waits(log: Path, process: subprocess.Popen[str]) -> None:
    until(lambda: log.exists() and len(log.read_text()) > ASKED, process)


def test_killed_and_going_on(here: Path) -> None:
    whole = here / "whole"
    with started(here, whole) as process:
        assert process.wait(LIMIT) == 0
    result = Path("lines.reduced.py").read_text()
    Path("lines.reduced.py").unlink()
    log, gate = here / "log", here / "gate"
    gate.touch()
    with started(here, log) as process:
        until_it_waits(log, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(LIMIT)
    gate.unlink()
    assert "x7" in Path("lines.reduced.py").read_text()
    assert Path("lines.reduced.py.state").exists()
    with started(here, log) as process:
        assert process.wait(LIMIT) == 0
    assert Path("lines.reduced.py").read_text() == result
    # The original twice, and the one that was under way.
    assert len(whole.read_text()) <= len(log.read_text()) <= len(whole.read_text()) + 2
    assert not Path("lines.reduced.py.state").exists()


def test_ctrl_c(here: Path) -> None:
    log = here / "log"
    (here / "gate").touch()
    with started(here, log) as process:
        until_it_waits(log, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert err == "kernelfuzz: interrupted; the smallest file so far is lines.reduced.py.\n"
    assert len(Path("lines.reduced.py").read_text()) < len(LINES)
    assert Path("lines.py").read_text() == LINES
