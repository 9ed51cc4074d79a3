"""Making a corpus: the same bytes however it is made, and whatever happens on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from corpora import Does, FakeEngine  # pyright: ignore[reportMissingImports]
from processes import until  # pyright: ignore[reportMissingImports]

from kernelfuzz import workers
from kernelfuzz.corpus import build_shard, engines
from kernelfuzz.corpus.build_shard import make_shard
from kernelfuzz.corpus.corpus_plan import Part, Plan, as_dict
from kernelfuzz.corpus.directory import Store, WrongCorpus
from kernelfuzz.corpus.engines import Engine, here, processes
from kernelfuzz.corpus.files import rows
from kernelfuzz.corpus.produce import NothingMade, Summary, produce
from kernelfuzz.corpus.shard import Damaged, entries_of
from kernelfuzz.strategies.options import check_options

PLAN = Plan(check_options(size="small"), count=12, seed=1)


def made(plan: Plan, directory: Path, **options: Any) -> Summary:
    store = Store(directory)
    assert not store.open(as_dict(plan))
    return produce(plan, store, command="kernelfuzz corpus", **options)


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole")
    summary = made(PLAN, directory)
    assert summary.manifest is not None
    return directory


def test_what_is_in_the_directory(whole: Path) -> None:
    found = contents(whole)
    assert {"README.md", "manifest.json"} < found.keys()
    assert all(name.startswith("data/") for name in found.keys() - {"README.md", "manifest.json"})
    manifest = json.loads(found["manifest.json"])
    assert manifest["state"] == "complete"
    assert manifest["files"].keys() == found.keys() - {"README.md", "manifest.json"}


def test_every_kernel_has_a_row_for_each_device(whole: Path) -> None:
    found = list(rows(whole))
    assert sorted((row["metadata"]["index"], row["device"]) for row in found) == [
        (index, device) for index in range(12) for device in ("cpu", "cuda")
    ]
    for device in ("cpu", "cuda"):
        for split in ("train", "validation", "test"):
            indices = [row["metadata"]["index"] for row in found if (row["device"], row["split"]) == (device, split)]
            assert indices == sorted(indices)


def backwards(function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Generator[Any, None, None]:
    """Do the last task first."""
    yield from reversed([function(*task) for task in reversed(list(tasks))])


def failing(problem: workers.WorkerError, when: Callable[[int, tuple[Any, ...]], bool]) -> Does:
    """Lose some tasks, told by their number and what they are."""

    def does(function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Generator[Any, None, None]:
        for number, task in enumerate(tasks):
            yield problem if when(number, task) else function(*task)

    return does


@pytest.mark.parametrize("engine", [processes(2), FakeEngine(backwards)], ids=["two jobs", "backwards"])
def test_the_bytes_do_not_depend_on_the_engine(engine: Engine, whole: Path, tmp_path: Path) -> None:
    made(PLAN, tmp_path, engine=engine)
    assert contents(tmp_path) == contents(whole)


def test_the_rows_do_not_depend_on_the_shards() -> None:
    lines = [entry.line for entry in entries_of(make_shard(PLAN, 0, 6).data)]
    singles = {index: make_shard(PLAN, index, 1).data for index in reversed(range(6))}
    assert lines == [entry.line for index in range(6) for entry in entries_of(singles[index])]


def test_parts_made_by_several_runs(whole: Path, tmp_path: Path) -> None:
    assert made(PLAN, tmp_path, part=Part(2, 3)).manifest is None
    assert made(PLAN, tmp_path, part=Part(0, 3)).manifest is None
    summary = made(PLAN, tmp_path, part=Part(1, 3))
    assert summary.manifest is not None
    assert contents(tmp_path) == contents(whole)


def dying(after: int) -> Engine:
    """An engine that fails after so many shards."""

    def does(function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Generator[Any, None, None]:
        for number, task in enumerate(tasks):
            if number == after:
                raise OSError(28, "No space left on device")
            yield function(*task)

    return FakeEngine(does)


def test_a_run_goes_on_where_another_ended(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        made(PLAN, tmp_path, engine=dying(after=1))
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["00000000.zst"]
    summary = made(PLAN, tmp_path)
    assert summary.resumed == PLAN.shard_size
    assert contents(tmp_path) == contents(whole)


def test_a_damaged_shard_is_made_again(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        made(PLAN, tmp_path, engine=dying(after=2))
    first, second = sorted((tmp_path / "shards").iterdir())
    first.write_bytes(first.read_bytes()[:-9])
    second.write_bytes(b"")
    assert made(PLAN, tmp_path).resumed == 0
    assert contents(tmp_path) == contents(whole)


def test_a_run_that_goes_on_reads_what_is_in_shards_and_not_the_rows(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        made(PLAN, tmp_path, engine=dying(after=1))
    (shard,) = (tmp_path / "shards").iterdir()
    before = Store(tmp_path).heads()
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[: size // 2] + bytes(size - size // 2))
    assert Store(tmp_path).heads() == before


def test_a_shard_that_turns_out_to_be_damaged_is_made_again(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        made(PLAN, tmp_path, engine=dying(after=2))
    shard = tmp_path / "shards" / "00000001.zst"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[: size // 2] + bytes(size - size // 2))
    with pytest.raises(Damaged, match=r"00000001\.zst"):
        made(PLAN, tmp_path)
    assert made(PLAN, tmp_path).resumed == 12 - PLAN.shard_size
    assert contents(tmp_path) == contents(whole)


def test_a_merge_goes_on_where_a_process_is_lost(whole: Path, tmp_path: Path) -> None:
    killed = workers.WorkerDied("was killed by SIGKILL", from_outside=True)
    made(
        PLAN,
        tmp_path,
        engine=FakeEngine(failing(killed, lambda number, task: number == 0 and isinstance(task[0], Path))),
    )
    assert contents(tmp_path) == contents(whole)


def test_duplicates_are_dropped_across_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Plan.draw
    monkeypatch.setattr(Plan, "draw", lambda self, index: draw(self, index % 5))
    summary = made(PLAN, tmp_path)
    assert summary.manifest is not None
    assert (summary.manifest["kernels"], summary.manifest["duplicates"]) == (5, 14)
    found = [(row["id"], row["device"]) for row in rows(tmp_path)]
    assert len(found) == len(set(found)) == 10


def test_the_time_in_warp_is_a_part_of_the_work(tmp_path: Path) -> None:
    summary = made(PLAN, tmp_path)
    assert 0 < summary.warp_seconds < summary.work_seconds < summary.seconds + 0.1


def test_progress_counts_to_the_end(tmp_path: Path) -> None:
    seen: list[int] = []
    made(PLAN, tmp_path, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == PLAN.count


def is_first_shard(number: int, task: tuple[Any, ...]) -> bool:
    return number == 0 and isinstance(task[0], Plan)


def test_a_crash_costs_one_kernel(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(function: Callable[..., Any], plan: Plan, index: int, count: int, **_: Any) -> Any:
        if index == 1:
            raise workers.WorkerDied("was killed by SIGSEGV")
        return function(plan, index, count)

    monkeypatch.setattr(engines.workers, "call", call)
    crash = workers.WorkerDied("was killed by SIGSEGV")
    summary = made(PLAN, tmp_path, engine=FakeEngine(failing(crash, is_first_shard)))
    assert summary.failures == {"crash": 2}
    assert summary.first_missing is not None
    assert summary.first_missing.index == 1
    assert summary.first_missing.message == "the process that made it was killed by SIGSEGV"
    left = [row for row in rows(whole) if row["metadata"]["index"] != 1]
    assert list(rows(tmp_path)) == left


@pytest.mark.parametrize(("kills", "lost"), [(4, False), (5, True)])
def test_what_is_killed_from_outside_is_made_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, lost: bool
) -> None:
    """A shard, and when that is killed again and again, each of its kernels; one of them as often."""
    killed = workers.WorkerDied("was killed by SIGKILL", from_outside=True)
    calls: Counter[tuple[int, int]] = Counter()

    def call(function: Callable[..., Any], plan: Plan, index: int, count: int, **_: Any) -> Any:
        calls[index, count] += 1
        if index == 0 and calls[index, count] <= kills:
            raise killed
        return function(plan, index, count)

    monkeypatch.setattr(engines.workers, "call", call)
    summary = made(PLAN, tmp_path, engine=FakeEngine(failing(killed, is_first_shard)))
    assert summary.failures == ({"crash": 2} if lost else {})
    assert calls[0, PLAN.shard_size] == 5
    if not lost:
        assert contents(tmp_path) == contents(whole)


def test_a_fault_of_ours_costs_one_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = build_shard.drawn

    def drawn(kernel: Any, category: Any, *, seed: int, index: int) -> Any:
        if index == 2:
            raise KeyError("x0")
        return original(kernel, category, seed=seed, index=index)

    monkeypatch.setattr(build_shard, "drawn", drawn)
    assert made(PLAN, tmp_path).failures == {"internal": 2}


def test_nothing_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(*_: Any, **__: Any) -> Any:
        raise KeyError("x0")

    monkeypatch.setattr(build_shard, "drawn", drawn)
    with pytest.raises(NothingMade, match="the first at index 0 on cpu: KeyError: 'x0'"):
        made(PLAN, tmp_path)


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"count": 13}, {"scope": "both"}, {"format": "parquet"}, {"balanced": False}]
)
def test_another_plan_is_refused(change: dict[str, Any], whole: Path) -> None:
    with pytest.raises(WrongCorpus, match=f"{next(iter(change))} "):
        Store(whole).open(as_dict(replace(PLAN, **change)))


def test_executed_rows_have_what_the_reference_agrees_with(tmp_path: Path) -> None:
    plan = replace(PLAN, count=6, execute=True)
    made(plan, tmp_path, engine=processes(1))
    found = [row for row in rows(tmp_path) if row["io"] is not None]
    assert len(found) >= 8
    for row in found:
        assert all(row["verified"][name] for name in ("lowered", "built_cpu", "ran", "matched"))
        assert row["io"]["outputs"]
        assert {tensor["name"].partition(".")[0] for tensor in row["io"]["inputs"]} == {
            argument["name"] for argument in row["arg_types"]
        }
        for tensor in row["io"]["inputs"] + row["io"]["outputs"]:
            size = 1
            for axis in tensor["shape"]:
                size *= axis
            assert len(tensor["values"]) == size


def test_a_launch_does_not_depend_on_what_is_built_with_it() -> None:
    plan = replace(PLAN, execute=True)
    together = {
        entry.key: entry.line for span in ((0, 2), (2, 2)) for entry in entries_of(make_shard(plan, *span).data)
    }
    for alone in (plan, replace(plan, devices=("cpu",)), replace(plan, devices=("cuda",))):
        found = {entry.key: entry.line for entry in entries_of(make_shard(alone, 0, 4).data)}
        assert found
        assert found == {key: together[key] for key in found}
        assert {key.device for key in found} == set(alone.devices)


def test_both_devices_are_built_as_one_module(monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelfuzz.oracles import batch

    built: list[str] = []
    for name in ("loaded", "loaded_pair"):
        original = getattr(batch, name)

        def load(*args: Any, name: str = name, original: Any = original, **options: Any) -> Any:
            built.append(name)
            return original(*args, **options)

        monkeypatch.setattr(batch, name, load)
    make_shard(replace(PLAN, execute=True), 0, 4)
    assert built == ["loaded_pair"]


def test_executed_kernels_are_built_in_batches() -> None:
    plan = replace(PLAN, execute=True)
    assert [replace(plan, count=count).shard_size for count in (16, 64, 256, 4000, 100_000)] == [4, 8, 32, 64, 256]
    assert [replace(PLAN, count=count).shard_size for count in (16, 64, 256, 4000, 100_000)] == [4, 4, 4, 62, 256]


def test_a_kernel_that_warp_gets_wrong_has_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelfuzz.corpus import execute

    original = execute.value.expected

    def expected(cases: Any) -> Any:
        wanted: Any = original(cases)
        for outputs in wanted[:1]:
            first = next(array for array in outputs.values() if not isinstance(array, dict))
            first += 1
        return wanted

    monkeypatch.setattr(execute.value, "expected", expected)
    summary = made(replace(PLAN, count=4, execute=True), tmp_path, engine=here)
    assert summary.first_missing is not None
    assert (summary.first_missing.index, summary.first_missing.kind) == (0, "mismatch")
    assert " must be " in summary.first_missing.message
    assert 0 not in {row["metadata"]["index"] for row in rows(tmp_path)}


def test_compiled_rows(tmp_path: Path) -> None:
    made(replace(PLAN, count=1, ptx=True, scope="both"), tmp_path)
    found = {row["device"]: row for row in rows(tmp_path)}
    assert found["cpu"]["ptx"] is None
    assert ".visible .entry" in found["cuda"]["ptx"]
    assert found["cuda"]["verified"]["built_cuda"] is True
    assert found["cuda"]["ir_forward"].strip() in found["cuda"]["generated_code"]


# --------------------------------------------------------------------------------------------- killed

COMMAND = [sys.executable, "-m", "kernelfuzz", "corpus", "--size", "small", "--seed", "1"]


def start(directory: Path, count: int, jobs: int = 2) -> subprocess.Popen[bytes]:
    arguments = [*COMMAND, "--count", str(count), "--jobs", str(jobs), "--output", str(directory)]
    return subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def works_or_has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether there is a worker, beside the process that multiprocessing starts for itself."""
    return process.poll() is not None or len(children(process.pid)) > 1


def kill_and_go_on(directory: Path, count: int, times: int) -> None:
    """Kill the parent, or a worker, at ``times`` random moments; then let it finish."""
    randomly = random.Random(5)
    for number in range(times):
        process = start(directory, count)
        # However long it takes to start.
        until(partial(works_or_has_ended, process))
        deadline = time.monotonic() + randomly.uniform(0.0, 5.0)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        if process.poll() is None and number % 2 and (found := children(process.pid)):
            os.kill(randomly.choice(found), signal.SIGKILL)
            time.sleep(randomly.uniform(0.0, 1.0))
        process.kill()
        process.wait()
    process = start(directory, count)
    assert process.wait(timeout=1800) == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for the workers in /proc")
def test_killed_and_started_again(whole: Path, tmp_path: Path) -> None:
    kill_and_go_on(tmp_path / "out", 12, 2)
    assert contents(tmp_path / "out").keys() == contents(whole).keys()
    assert list(rows(tmp_path / "out")) == list(rows(whole))


@pytest.mark.slow
def test_killed_at_twenty_moments(tmp_path: Path) -> None:
    assert start(tmp_path / "whole", 300).wait(timeout=1800) == 0
    kill_and_go_on(tmp_path / "killed", 300, 20)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    assert start(tmp_path / "whole", 100).wait(timeout=1800) == 0
    process = start(tmp_path / "killed", 100)
    killed = 0
    while process.poll() is None:
        time.sleep(1.5)
        if killed < 4 and process.poll() is None and (found := children(process.pid)):
            os.kill(found[killed % len(found)], signal.SIGKILL)
            killed += 1
    assert killed
    assert process.returncode == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_full_disk_ends_with_one_sentence(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk], check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        command = [*COMMAND, "--count", "400", "--output", str(disk / "out")]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        assert process.returncode == 3
        assert process.stderr.count("\n") == 1
        assert "No space left on device" in process.stderr
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        assert subprocess.run([*COMMAND, "--count", "400", "--output", str(tmp_path / "whole")], check=False)
        assert contents(disk / "out") == contents(tmp_path / "whole")
    finally:
        subprocess.run(["umount", disk], check=True)
