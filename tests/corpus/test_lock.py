"""Locks that are files: having one, looking at one, and the note in it."""

from __future__ import annotations

import errno
import fcntl
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz.corpus import directory as module
from kernelfuzz.corpus.directory import is_held, lock, note_in


def test_a_lock_is_there_while_it_is_had(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert is_held(path) is False
    with lock(path, "me"):
        assert is_held(path)
        assert note_in(path) == "me"
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("a much longer note of somebody else")
    assert is_held(path) is False
    with lock(path, "me"):
        assert note_in(path) == "me"


def test_one_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            with lock(tmp_path / "lock"):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert most == [1] * 200
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_removed_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits has the file open that the one before removes: others would lock a new one."""
    path = tmp_path / "lock"
    original, removed = fcntl.flock, list[bool]()

    def flock(file: Any, how: int) -> None:
        if not removed:
            removed.append(True)
            path.unlink()
        original(file, how)

    monkeypatch.setattr(module.fcntl, "flock", flock)
    with lock(path):
        assert removed
        assert is_held(path)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_without_locks_everybody_has_them(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: Any) -> None:
        raise OSError(code, "no locks here")

    monkeypatch.setattr(module.fcntl, "flock", flock)
    path = tmp_path / "lock"
    with lock(path):
        assert is_held(path) is None
        with lock(path):
            pass
    assert list(tmp_path.iterdir()) == []


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
