"""Locks: looking at one, and the note in it."""

from __future__ import annotations

import errno
import fcntl
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz.corpus import directory as module
from kernelfuzz.corpus.directory import is_held, lock, note_in


def test_looking_is_no_holding(tmp_path: Path) -> None:
    """Two that look at the same moment do not take each other for the holder."""
    path = tmp_path / "lock"
    path.touch()
    with FileIO(path) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert is_held(path) is False


def test_a_file_that_somebody_else_made_is_left(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path):
        path.unlink()
        path.write_text("another")
    assert note_in(path) == "another"


def test_who_waits_leaves_the_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []

    def flock(*_: Any) -> None:
        notes.append(note_in(path))
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(module.fcntl, "flock", flock)
    path = tmp_path / "lock"
    with lock(path, "me"), lock(path):
        pass
    assert notes == ["", "me"]


def test_a_lock_needs_no_room_for_its_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(FileIO):
        def write(self, *_: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "FileIO", Full)
    path = tmp_path / "lock"
    with lock(path, "me"):
        assert is_held(path)
        assert note_in(path) == ""
    assert not path.exists()
