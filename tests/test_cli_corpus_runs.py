"""The command line makes corpora: whole, in parts, again, and as far as an interrupt lets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import SMALLEST, rows_of
from processes import FOREVER, LIMIT, interruptible, until

from kernelfuzz.cli import main


def test_corpus_with_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(["corpus", "--count", "10", "--size", "small", "--output", out, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    rows = rows_of(out)
    assert summary["complete"] is True
    assert summary["pairs"] - 2 * summary["duplicates"] == len(rows)
    assert summary["pairs"] + sum(summary["failures"].values()) == 20
    assert summary["distinct"] == len({row["id"] for row in rows})
    assert summary["work_seconds"] > summary["warp_seconds"] > 0
    assert len({row["category"] for row in rows}) > 5
    assert sorted(os.listdir(out)) == ["README.md", "data", "manifest.json"]


def test_corpus_prints_the_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    arguments = ["--count", "2", "--device", "cuda", "--category", "math", "--no-backward", "--output", out]
    assert main(["corpus", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.out == out + "\n"
    assert "pairs per second" in captured.err
    found = {(row["category"], row["device"], row["ir_backward"]) for row in rows_of(out)}
    assert found == {("math", "cuda", None)}


def test_a_complete_corpus_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SMALLEST, "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = {path: path.stat() for path in (tmp_path / "out").rglob("*")}
    capsys.readouterr()
    assert main([*arguments, "--resume", "--json"]) == 0
    captured = capsys.readouterr()
    assert "is complete already" in captured.err
    assert json.loads(captured.out)["distinct"] == 1
    assert {path: path.stat() for path in (tmp_path / "out").rglob("*")} == before


def test_a_corpus_that_lost_a_file_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["corpus", "--count", "2", "--size", "1", "--device", "cpu", "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    lost = next(path for path in before if path.parent.name == "data")
    lost.unlink()
    capsys.readouterr()
    assert main(arguments) == 0
    assert "is complete already" not in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_other_options_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SMALLEST, "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    capsys.readouterr()
    assert main([*arguments, "--seed", "4", "--scope", "both"]) == 2
    said = capsys.readouterr().err
    assert "seed (0, now 4); scope (kernel, now both)" in said
    assert main([*arguments, "--device", "cuda", "--no-backward"]) == 2
    assert "device (cpu, now cpu cuda); backward (on, now off)" in capsys.readouterr().err
    assert "--overwrite" in said
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    assert main([*arguments, "--seed", "4", "--overwrite"]) == 0
    assert [row["metadata"]["seed"] for row in rows_of(tmp_path / "out")] == [4]


def test_resume_needs_something_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALLEST, "--resume", "--output", str(tmp_path / "out")]) == 2
    assert "no corpus to go on with" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_parts_make_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["corpus", "--count", "9", "--size", "1", "--device", "cpu"]
    assert main([*arguments, "--output", str(tmp_path / "whole")]) == 0
    parts = [*arguments, "--output", str(tmp_path / "parts"), "--shard-count", "2"]
    assert main([*parts, "--shard-index", "1"]) == 0
    assert "the run that makes the last shard finishes the corpus" in capsys.readouterr().err
    assert not (tmp_path / "parts" / "data").exists()
    assert main([*parts, "--shard-index", "0"]) == 0
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def contents(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_a_size_instead_of_a_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelfuzz.corpus import corpus_plan

    monkeypatch.setattr(corpus_plan, "_USUAL", 4)
    asked = ["corpus", "--target-mb", "0.05", "--size", "1", "--output", str(tmp_path / "out")]
    assert main(asked) == 0
    rows = rows_of(tmp_path / "out")
    for device in ("cpu", "cuda"):
        text = "".join(json.dumps(row, separators=(",", ":")) for row in rows if row["device"] == device)
        # At least as much as was asked for, and not a whole shard of four kernels more for both.
        assert len(text.encode()) > 45_000
    assert len(rows) < 60


def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("kernelfuzz.corpus")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main([*SMALLEST, "--output", str(tmp_path / "out")]) == 2
    assert (
        "this needs pyarrow, which is not installed: "
        "it comes with kernelfuzz[corpus], in a checkout by pip install '.[corpus]'." in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--count", "3"), "every kernel failed, the first at index 0 on cpu: no"),
        (("--target-mb", "1"), "16 kernels gave no row for some device, the first at index 0 on cpu: no"),
    ],
)
def test_no_rows_are_no_success(
    asked: tuple[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from kernelfuzz.corpus import build_shard, corpus_plan
    from kernelfuzz.toolchain import Failure

    def lower_devices(source: str, devices: tuple[str, ...], **_: object) -> dict[str, Failure]:
        return {device: Failure("codegen", "no") for device in devices}

    monkeypatch.setattr(build_shard, "lower_devices", lower_devices)
    monkeypatch.setattr(corpus_plan, "_USUAL", 4)
    assert main(["corpus", *asked, "--output", str(tmp_path / "out")]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert not (tmp_path / "out").exists()


# From its first shard on, a kernel takes for ever; the workers run this file too.
STUCK = """
import sys, time
from pathlib import Path
from kernelfuzz.cli import main
from kernelfuzz.corpus import build_shard

lower = build_shard.lower_devices

def lower_devices(*arguments, **options):
    if list(Path({out!r}).glob("shards/[!.]*")):
        Path({stuck!r}).touch()
        time.sleep({forever})
    return lower(*arguments, **options)

build_shard.lower_devices = lower_devices
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_it_and_keeps_what_is_made(number: signal.Signals, jobs: str, tmp_path: Path) -> None:
    out, stuck, program = tmp_path / "out", tmp_path / "stuck", tmp_path / "program.py"
    program.write_text(STUCK.format(out=str(out), stuck=str(stuck), forever=FOREVER))
    arguments = ["corpus", "--count", "1000", "--output", str(out), "--jobs", jobs]
    with interruptible([sys.executable, str(program), *arguments], stderr=subprocess.PIPE) as process:
        until(stuck.exists, process)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert err.strip() == "kernelfuzz: interrupted; what is made is kept, and the same command goes on."
    left = sorted(path.name for path in out.rglob("*"))
    assert left[-2:] == ["manifest.json", "shards"]
    assert len(left) > 2
    assert all(name.endswith(".zst") and not name.startswith(".") for name in left[:-2])
