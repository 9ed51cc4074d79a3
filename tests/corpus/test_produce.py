"""Making a corpus: the same file however it is made, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz import workers
from kernelfuzz.corpus import produce as producing
from kernelfuzz.corpus.produce import Plan, atomic_file, make_chunk, produce
from kernelfuzz.strategies.options import check_options

PLAN = Plan(count=12, seed=1, devices=("cpu", "cuda"), options=check_options(size="small"))


def made(plan: Plan, **options: Any) -> tuple[producing.Summary, bytes]:
    file = io.BytesIO()
    return produce(plan, file, **options), file.getvalue()


def test_rows_come_in_the_order_of_index_and_device() -> None:
    summary, text = made(PLAN)
    rows = [json.loads(line) for line in text.decode().splitlines()]
    asked = [(index, device) for index in range(PLAN.count) for device in PLAN.devices]
    found = [(row["metadata"]["index"], row["device"]) for row in rows]
    assert found == [pair for pair in asked if pair in found]
    assert summary.pairs == len(rows)
    assert summary.pairs + sum(summary.failures.values()) == len(asked)
    assert len(summary.fingerprints) == len({row["metadata"]["fingerprint"] for row in rows})


def test_the_file_does_not_depend_on_the_number_of_jobs() -> None:
    assert made(PLAN)[1] == made(PLAN, jobs=2)[1]


def test_the_file_does_not_depend_on_the_chunks() -> None:
    whole = make_chunk(PLAN, 0, 6).text
    singles = {index: make_chunk(PLAN, index, 1).text for index in reversed(range(6))}
    assert whole == b"".join(singles[index] for index in range(6))


def test_the_time_in_warp_is_a_part_of_the_work() -> None:
    summary, _ = made(PLAN)
    assert 0 < summary.warp_seconds < summary.work_seconds < summary.seconds + 0.1
    assert summary.to_dict()["overhead"] == pytest.approx(
        summary.work_seconds / summary.warp_seconds, abs=1e-3
    )


def test_progress_counts_to_the_end() -> None:
    seen: list[int] = []
    made(PLAN, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == PLAN.count


def test_a_crash_costs_one_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = made(PLAN)[1].decode().splitlines()

    def in_order(function: Any, tasks: list[Any], **_: Any) -> Iterator[Any]:
        yield workers.WorkerDied("was killed by SIGSEGV")
        for task in tasks[1:]:
            yield function(*task)

    def call(function: Any, plan: Plan, index: int, count: int, **_: Any) -> Any:
        if index == 1:
            raise workers.WorkerDied("was killed by SIGSEGV")
        return function(plan, index, count)

    monkeypatch.setattr(producing, "_CHUNK", 4)
    monkeypatch.setattr(producing, "_spans", lambda count, jobs: [(0, 4), (4, 8)])
    monkeypatch.setattr(workers, "in_order", in_order)
    monkeypatch.setattr(workers, "call", call)
    summary, text = made(PLAN, jobs=2)
    assert summary.failures["crash"] == 2
    assert summary.first_rejected == producing.Rejected(
        1, "cpu", "crash", "the process that lowered it was killed by SIGSEGV"
    )
    left = [line for line in expected if json.loads(line)["metadata"]["index"] != 1]
    assert text.decode().splitlines() == left


def test_a_fault_of_ours_costs_one_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    original = producing.generate_with

    def generate_with(options: Any, seed: int, index: int) -> Any:
        if index == 2:
            raise KeyError("x0")
        return original(options, seed, index)

    monkeypatch.setattr(producing, "generate_with", generate_with)
    summary, _ = made(PLAN)
    assert summary.failures["internal"] == 2


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 2, 7, 64, 1000])
def test_spans_cover_every_index_once(count: int, jobs: int) -> None:
    spans = producing._spans(count, jobs)
    assert [index for start, length in spans for index in range(start, start + length)] == list(range(count))


def test_an_atomic_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    with atomic_file(str(tmp_path / "new")) as file:
        file.write(b"text")
        assert not (tmp_path / "new" / "corpus.jsonl").exists()
    assert os.listdir(tmp_path / "new") == ["corpus.jsonl"]
    assert (tmp_path / "new" / "corpus.jsonl").read_bytes() == b"text"


def interrupted(directory: Path) -> None:
    with atomic_file(str(directory)) as file:
        file.write(b"after")
        raise KeyboardInterrupt


def test_an_interrupted_file_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "new")
    assert os.listdir(tmp_path) == []


def test_an_interrupted_file_leaves_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path)
    assert os.listdir(tmp_path) == ["corpus.jsonl"]
    assert (tmp_path / "corpus.jsonl").read_text() == "before"


@pytest.mark.slow
def test_two_jobs_are_nearly_twice_as_fast() -> None:
    if workers.available_cpus() < 2:
        pytest.skip("needs two processors")
    plan = Plan(600, 0, ("cpu", "cuda"), check_options())
    rates = {}
    for jobs in (1, 2):
        summary, _ = made(plan, jobs=jobs)
        rates[jobs] = summary.pairs / summary.seconds
    assert rates[2] / rates[1] >= 1.7


# Warp 1.19 copies the leftover variables of static loops before a dynamic one, in the order of a set.
LEFTOVERS = """\
import warp as wp


@wp.kernel
def kernel(n: int, out: wp.array(dtype=int)):
    for i in range(2):
        for j in range(2):
            for k in range(2):
                out[i] = j + k
    for m in range(n):
        for i in range(3):
            for j in range(3):
                for k in range(3):
                    out[i] = j + k + m
"""


def test_the_code_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "import sys, hashlib, kernelfuzz\n"
        "print(hashlib.sha256(kernelfuzz.lower(sys.argv[1]).module.encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program, LEFTOVERS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(found) == 1
