"""``kernelfuzz corpus`` in a directory where another run is at work, or has ended before its time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kernelfuzz.cli import main
from kernelfuzz.corpus import engines
from kernelfuzz.corpus.corpus_plan import ALL, Plan
from kernelfuzz.corpus.directory import Store, at_work
from kernelfuzz.ray_pool import ClusterUnavailable
from kernelfuzz.strategies.options import check_options
from kernelfuzz.toolchain.compat import UnwritableCache

SMALLEST = ["corpus", "--count", "1", "--size", "1", "--device", "cpu"]

FAILURES: dict[str, tuple[BaseException, int, str]] = {
    "full disk": (
        OSError(28, "No space left on device"),
        3,
        "cannot write in {out} (No space left on device): nothing was made yet.",
    ),
    "no cluster": (
        ClusterUnavailable("no Ray cluster at x:1"),
        3,
        "no Ray cluster at x:1; nothing was made yet.",
    ),
    "interrupt": (KeyboardInterrupt(), 130, "interrupted; nothing was made yet."),
    "no kernel cache": (UnwritableCache("no cache."), 3, "no cache."),
    "fault": (ZeroDivisionError("x"), 3, "a fault in kernelfuzz, please report it: ZeroDivisionError: x"),
}


@pytest.mark.parametrize(("error", "code", "said"), FAILURES.values(), ids=FAILURES)
def test_a_run_that_fails_at_once_is_in_nobodys_way(
    error: BaseException,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def make_shard(*_: object) -> None:
        raise error

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(engines, "make_shard", make_shard)
        assert main([*SMALLEST, "--seed", "1", "--output", str(out)]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"kernelfuzz: {said.format(out=out)}")
    assert not out.exists()
    assert main([*SMALLEST, "--output", str(out)]) == 0


def test_a_full_disk_is_no_wrong_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write", write)
    assert main([*SMALLEST, "--output", str(tmp_path / "out")]) == 3
    assert "(No space left on device): give --output a directory" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_second_run_is_told_of_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    with at_work(Store(out), Plan(check_options()), ALL):
        for more in ([], ["--overwrite"], ["--resume"], ["--shard-index", "1", "--shard-count", "3"]):
            assert main([*SMALLEST, *more, "--output", str(out)]) == 3
            captured = capsys.readouterr()
            assert captured.out == ""
            assert captured.err.startswith(f"kernelfuzz: process {os.getpid()} on ")
            assert captured.err.endswith(f" is at work in {out}: wait until it ends, or give another --output.\n")
    assert main([*SMALLEST, "--output", str(out)]) == 0
    assert sorted(os.listdir(out)) == ["README.md", "data", "manifest.json"]
