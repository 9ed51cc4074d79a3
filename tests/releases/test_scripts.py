"""Reproducers: what their exit status says, and what is no answer."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from processes import FOREVER, LIMIT, Clock, is_running, until  # pyright: ignore[reportMissingImports]

from kernelfuzz.releases.run_script import run_script

SCRIPTS = {
    "present": (
        "import sys\nprint('expected: 1   actual: 2')\nsys.exit(1)",
        "present",
        "expected: 1   actual: 2",
    ),
    "true": ("import sys\nprint('x')\nsys.exit(True)", "present", "x"),
    "fixed": ("import sys\nprint('same')\nsys.exit(0)", "fixed", "same"),
    "falls off the end": ("print('same')", "fixed", "same"),
    "uncaught": ("print('before')\nraise ValueError('no such thing')", "broken", "ValueError: no such thing"),
    "syntax": ("def f(:\n    pass", "broken", "SyntaxError"),
    "undecided": ("import sys\nprint('undecided: no device')\nsys.exit(2)", "broken", "undecided: no device"),
    "killed": ("import os\nos.kill(os.getpid(), 11)", "broken", "killed by SIGSEGV"),
    "own name": (
        "import sys\nassert __name__ == '__main__' and sys.argv == [__file__], sys.argv\nsys.exit(1)",
        "present",
        "",
    ),
    "runs itself": (
        "import subprocess, sys\n"
        "if len(sys.argv) == 1:\n"
        "    sys.exit(subprocess.run([sys.executable, __file__, 'child']).returncode - 4)\n"
        "print('child')\nsys.exit(5)",
        "present",
        "child",
    ),
}


@pytest.mark.parametrize(("text", "presence", "detail"), SCRIPTS.values(), ids=SCRIPTS)
def test_what_a_script_says(text: str, presence: str, detail: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(text)
    outcome = run_script(script, sys.executable, timeout=LIMIT)
    assert outcome.presence == presence
    assert detail in outcome.detail


def hanging(directory: Path) -> Path:
    """A script that starts a process, makes a folder named as its number, and waits."""
    script = directory / "script.py"
    script.write_text(
        "import os, subprocess, time\n"
        f"child = subprocess.Popen(['sleep', '{FOREVER}'])\n"
        f"os.mkdir(os.path.join({str(directory / 'started')!r}, str(child.pid)))\n"
        f"time.sleep({FOREVER})"
    )
    (directory / "started").mkdir()
    return script


def has_begun(script: Path) -> bool:
    return any(script.with_name("started").iterdir())


def everything_is_gone(script: Path) -> None:
    (child,) = script.with_name("started").iterdir()
    until(lambda: not is_running(int(child.name)))


def test_a_script_that_hangs_goes_with_what_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = hanging(tmp_path)
    monkeypatch.setattr("kernelfuzz.work_clock.time", Clock(lambda: has_begun(script)))
    outcome = run_script(script, sys.executable, timeout=1.5)
    assert outcome.presence == "broken"
    assert outcome.detail == "still running after 1.5 seconds"
    everything_is_gone(script)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    script = tmp_path / "script.py"
    script.write_text("open('left', 'w').write('x')\nimport tempfile\ntempfile.mkdtemp()")
    assert run_script(script, sys.executable, timeout=LIMIT).presence == "fixed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["script.py", "temporary"]
    assert list(temporary.iterdir()) == []


def test_a_script_that_is_stopped(tmp_path: Path) -> None:
    script = hanging(tmp_path)
    with pytest.raises(InterruptedError):
        run_script(script, sys.executable, timeout=FOREVER, stopped=lambda: has_begun(script))
    everything_is_gone(script)
