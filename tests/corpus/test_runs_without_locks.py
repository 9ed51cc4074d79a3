"""Runs of a corpus where a file system has no locks, or a file is missing."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz.cli import main
from kernelfuzz.corpus import directory
from kernelfuzz.corpus.corpus_plan import ALL, as_dict
from kernelfuzz.corpus.directory import Store, WrongCorpus, at_work

sys.path.insert(0, str(Path(__file__).parent))
from test_runs import OTHER, contents, meanwhile, run


def test_a_shard_that_is_not_whole_is_none(tmp_path: Path) -> None:
    """As of a run that was killed while it wrote its first."""
    run(tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    tmp_path = tmp_path / "again"
    store = Store(tmp_path)
    store.open(as_dict(OTHER))
    (store.shards / ".00000000.zst.1.partial").touch()
    run(tmp_path)
    assert contents(tmp_path) == whole


def test_what_is_missing_for_another_reason_is_told(tmp_path: Path) -> None:
    def gone() -> None:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(FileNotFoundError):
        run(tmp_path, engine=meanwhile(gone, 1))
    assert sorted(os.listdir(tmp_path)) == ["manifest.json", "shards"]


def test_a_complete_corpus_is_swept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["corpus", "--count", "1", "--size", "1", "--device", "cpu", "--output", str(tmp_path)]
    assert main(arguments) == 0
    (tmp_path / ".run-1-of-2.lock").touch()
    assert main(arguments) == 0
    assert "is complete already." in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == ["README.md", "data", "manifest.json"]


def test_without_locks_a_run_that_may_be_there_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(directory.fcntl, "flock", flock)
    with at_work(Store(tmp_path), OTHER, ALL), pytest.raises(WrongCorpus, match=r"seed \(2, now 1\)"):
        run(tmp_path)
