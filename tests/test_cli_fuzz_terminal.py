"""``kernelfuzz fuzz`` on a terminal: what it shows while it runs, and what it says at the end."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# The command, with oracles that need no Warp.
PROGRAM = """
import sys
sys.path[:0] = {paths!r}
if __name__ == "__main__":
    from kernelfuzz.cli import fuzz_display, main
    prepare = fuzz_display.Terminal.prepare

    def first(self, doing):
        heavy = [name for name in ("hypothesis", "libcst", "numpy", "warp") if name in sys.modules]
        open("heavy", "w").write(repr(heavy))
        prepare(self, doing)
        import fakes
        from kernelfuzz import campaign
        real = campaign.fuzz
        campaign.fuzz = lambda *args, **named: real(*args, **named, judges=fakes.{judges})

    fuzz_display.Terminal.prepare = first
    sys.exit(main(sys.argv[1:]))
"""


def on_a_terminal(folder: Path, judges: str, *arguments: str) -> tuple[int, str, list[str]]:
    """Exit code, stdout, and the lines that the terminal showed: those that were drawn again as well."""
    script = folder / "program.py"
    paths = [str(HERE), str(HERE / "campaign")]
    script.write_text(PROGRAM.format(paths=paths, judges=judges))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(script), "fuzz", "--jobs", "1", *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=folder,
        text=True,
        env={**os.environ, "COLUMNS": "200", "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            read = os.read(ours, 1 << 16)
        except OSError:  # how a terminal ends whose other side is closed
            break
        if not read:
            break
        shown += read
    os.close(ours)
    out, _ = process.communicate()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "\n")
    return process.returncode, out, [line.rstrip() for line in plain.splitlines() if line.strip()]


def test_it_says_what_it_does_from_the_start(tmp_path: Path) -> None:
    code, out, lines = on_a_terminal(tmp_path, "PASSING", "--examples", "12", "--seed", "3")
    assert code == 0
    # So it comes within a second.
    assert (tmp_path / "heavy").read_text() == "[]"
    assert re.search(r"examples +12 in ", out)
    assert re.fullmatch("now +loading the grammar and the oracles", lines[0])
    assert any("starting Warp, and judging the control kernels" in line for line in lines)
    assert any(re.fullmatch(r"time +\d+:\d\d elapsed, 12 examples remaining", line) for line in lines)
    assert lines[-3:] == [
        "kernelfuzz: next:",
        "  kernelfuzz fuzz --seed 4 --examples 120 --output findings  # other kernels, for longer",
        "  kernelfuzz show --seed 3 --index 0 --device cuda  # what a kernel and its code look like",
    ]


def test_it_says_how_much_time_is_left(tmp_path: Path) -> None:
    code, _, lines = on_a_terminal(tmp_path, "PASSING", "--time", "3s", "--device", "cpu", "--oracle", "value")
    assert code == 0
    times = [re.fullmatch(r"time +0:(\d\d) elapsed, 0:(\d\d) remaining", line) for line in lines]
    shown = [(int(found[1]), int(found[2])) for found in times if found]
    assert shown
    assert all(2 <= elapsed + remaining <= 4 for elapsed, remaining in shown if elapsed <= 3)
    assert "kernelfuzz fuzz --seed 1 --time 30s --oracle value --device cpu --output findings" in lines[-2]


@pytest.mark.parametrize("known", [True, False])
def test_it_names_the_known_bugs_and_what_to_do_about_new_ones(known: bool, tmp_path: Path) -> None:
    entry = {"finding": "a-page", "signatures": ["rejected*", "wrong value*"]}
    (tmp_path / "known.json").write_text(json.dumps([entry]))
    more = ("--known", "known.json") if known else ()
    code, out, lines = on_a_terminal(tmp_path, "BUGGY", "--examples", "60", "--output", "new bugs", *more)
    assert code == (0 if known else 1)
    if known:
        assert re.search(r"^recognised +a-page \d+ *$", out, re.MULTILINE)
        assert "kernelfuzz fuzz --seed 1 --examples 600 --known known.json --output 'new bugs'" in lines[-2]
    else:
        assert re.match(r"  python 'new bugs/.*/reproducer\.py'  # see it happen$", lines[-2])
        assert re.match(r"  kernelfuzz bisect 'new bugs/.*' --from 1\.10\.0 --to [\d.]+  # ", lines[-1])
