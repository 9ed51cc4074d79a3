"""Runs in one directory at the same time, and what a run leaves that made nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from corpora import FakeEngine  # pyright: ignore[reportMissingImports]

from kernelfuzz.corpus import directory
from kernelfuzz.corpus.build_shard import make_shard
from kernelfuzz.corpus.corpus_plan import ALL, Part, Plan, as_dict
from kernelfuzz.corpus.directory import AtWork, Store, WrongCorpus, at_work
from kernelfuzz.corpus.engines import Engine, here
from kernelfuzz.corpus.produce import Summary, produce
from kernelfuzz.strategies.options import check_options

# Four shards.
PLAN = Plan(check_options(size=1), devices=("cpu",), count=16, seed=1)
OTHER = replace(PLAN, seed=2)


def run(
    directory: Path, plan: Plan = PLAN, part: Part = ALL, *, engine: Engine = here, overwrite: bool = False
) -> Summary | None:
    """What ``kernelfuzz corpus`` does; None where all was done before."""
    store = Store(directory)
    with at_work(store, plan, part, overwrite=overwrite) as complete:
        return None if complete else produce(plan, store, engine=engine, part=part)


def meanwhile(action: Callable[[], object], before: int) -> Engine:
    """An engine that does something before it makes its shard of a number."""

    def does(function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Generator[Any, None, None]:
        for number, task in enumerate(tasks):
            if function is make_shard and number == before:
                action()
            yield function(*task)

    return FakeEngine(does)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("whole")
    run(directory)
    return contents(directory)


# ------------------------------------------------------------------------------------- at the same time

IN_THE_WAY: dict[str, dict[str, Any]] = {
    "the same": {},
    "other options": {"plan": OTHER},
    "in its place": {"overwrite": True},
    "a part of it": {"part": Part(1, 2)},
}


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("options", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_a_second_run_is_refused_and_the_first_goes_on(
    options: dict[str, Any], before: int, whole: dict[str, bytes], tmp_path: Path
) -> None:
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(AtWork) as error:
            run(tmp_path, **options)
        refused.append(str(error.value))

    run(tmp_path, engine=meanwhile(second, before))
    (said,) = refused
    assert said.startswith(f"process {os.getpid()} on ")
    assert said.endswith(f" is at work in {tmp_path}")
    assert contents(tmp_path) == whole


def test_the_whole_is_refused_while_a_part_is_made(tmp_path: Path) -> None:
    def second() -> None:
        for part in (ALL, Part(1, 2), Part(3, 4)):
            with pytest.raises(AtWork):
                run(tmp_path, part=part)

    run(tmp_path, part=Part(1, 2), engine=meanwhile(second, 0))


@pytest.mark.parametrize("before", [0, 1])
def test_parts_are_made_side_by_side(before: int, whole: dict[str, bytes], tmp_path: Path) -> None:
    def others() -> None:
        for part in (Part(1, 4), Part(3, 4)):
            summary = run(tmp_path, part=part)
            assert summary is not None
            assert summary.manifest is None

    run(tmp_path, part=Part(0, 2), engine=meanwhile(others, before))
    assert contents(tmp_path) == whole


def test_a_part_that_fails_at_once_leaves_the_others_alone(whole: dict[str, bytes], tmp_path: Path) -> None:
    def other() -> None:
        with pytest.raises(OSError, match="No space left"):
            run(tmp_path, part=Part(1, 2), engine=meanwhile(full_disk, 0))

    run(tmp_path, part=Part(0, 2), engine=meanwhile(other, 0))
    run(tmp_path, part=Part(1, 2))
    assert contents(tmp_path) == whole


def test_a_part_is_not_replaced_while_another_is_made(whole: dict[str, bytes], tmp_path: Path) -> None:
    def other() -> None:
        for plan in (PLAN, OTHER):
            with pytest.raises(AtWork):
                run(tmp_path, plan, Part(1, 2), overwrite=True)
        with pytest.raises(WrongCorpus, match=r"seed \(1, now 2\)"):
            run(tmp_path, OTHER, Part(1, 2))

    run(tmp_path, part=Part(0, 2), engine=meanwhile(other, 0))
    run(tmp_path, part=Part(1, 2))
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("before", [0, 2])
def test_without_locks_both_runs_end_well(
    before: int, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(directory.fcntl, "flock", flock)
    run(tmp_path, engine=meanwhile(lambda: run(tmp_path), before))
    assert contents(tmp_path) == whole


# ----------------------------------------------------------------------------------------- nothing made


def full_disk() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("fail", [full_disk, interrupted])
def test_a_run_that_made_nothing_leaves_nothing(fail: Callable[[], None], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("mine", "new"):
        with pytest.raises((OSError, KeyboardInterrupt)):
            run(tmp_path / name, engine=meanwhile(fail, 0))
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]


def test_a_first_shard_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Store.write

    def failing(store: Store, path: Path, data: bytes) -> None:
        if path.suffix == ".zst":
            full_disk()
        write(store, path, data)

    monkeypatch.setattr(Store, "write", failing)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_made_something_keeps_it(whole: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, engine=meanwhile(full_disk, 1))
    assert sorted(contents(tmp_path)) == ["manifest.json", "shards/00000000.zst"]
    with pytest.raises(WrongCorpus, match=r"seed \(1, now 2\)"):
        run(tmp_path, OTHER)
    summary = run(tmp_path)
    assert summary is not None
    assert summary.resumed == PLAN.shard_size
    assert contents(tmp_path) == whole


BEGIN = """\
import sys
from kernelfuzz.corpus.corpus_plan import Plan
from kernelfuzz.corpus.corpus_plan import ALL
from kernelfuzz.corpus.directory import at_work
from kernelfuzz.corpus.directory import Store
from kernelfuzz.strategies.options import check_options

with at_work(Store(sys.argv[1]), Plan(check_options(), seed=7), ALL):
    print("begun", flush=True)
    sys.stdin.read()
"""


def test_a_run_that_is_killed_is_in_nobodys_way(whole: dict[str, bytes], tmp_path: Path) -> None:
    command = [sys.executable, "-c", BEGIN, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    with pytest.raises(AtWork, match=f"^process {process.pid} on "):
        run(tmp_path)
    process.kill()
    process.communicate()
    assert {"manifest.json", ".run-0-of-1.lock"} == contents(tmp_path).keys()
    run(tmp_path)
    assert contents(tmp_path) == whole


def test_what_a_test_session_has_begun_is_left_alone(tmp_path: Path) -> None:
    begun = {**as_dict(PLAN), "source": "pytest"}
    Store(tmp_path).open(begun)
    with pytest.raises(WrongCorpus, match=r"source \(pytest, now none\)"):
        run(tmp_path)
    assert not Store(tmp_path).open(begun)


def test_what_lies_around_is_swept(whole: dict[str, bytes], tmp_path: Path) -> None:
    for name in (".lock", ".door.lock", ".run-1-of-2.lock"):
        (tmp_path / name).touch()
    run(tmp_path)
    assert contents(tmp_path) == whole
