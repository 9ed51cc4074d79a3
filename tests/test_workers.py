"""Isolated processes.  What runs in them are functions of the standard library, which they can import."""

from __future__ import annotations

import os
import time

import pytest

from kernelfuzz import workers


def test_a_call_runs_in_another_process() -> None:
    assert workers.call(os.getpid) != os.getpid()


def test_a_crash_is_an_error_that_says_how() -> None:
    with pytest.raises(workers.WorkerDied, match="SIGABRT"):
        workers.call(os.abort, timeout=60)


def test_an_exit_is_an_error_that_says_how() -> None:
    with pytest.raises(workers.WorkerDied, match="exit code 7"):
        workers.call(os._exit, 7, timeout=60)


def test_a_hang_ends_after_the_timeout() -> None:
    started = time.monotonic()
    with pytest.raises(workers.WorkerTimeout, match="within 1 seconds"):
        workers.call(time.sleep, 600, timeout=1)
    assert time.monotonic() - started < 30


def test_what_the_function_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        workers.call(int, "x", timeout=60)


def test_results_come_in_the_order_of_the_tasks() -> None:
    tasks = [(number, 10) for number in range(-20, 20)]
    assert list(workers.in_order(pow, tasks, jobs=2, timeout=60)) == [number**10 for number, _ in tasks]


def test_a_crash_costs_its_own_task_only() -> None:
    tasks = [("pass",), ("import os; os.abort()",), ("pass",), ("pass",)]
    results = list(workers.in_order(exec, tasks, jobs=2, timeout=60))
    assert [type(result) for result in results] == [type(None), workers.WorkerDied, type(None), type(None)]


def test_no_tasks_give_no_results() -> None:
    assert list(workers.in_order(pow, [], jobs=2)) == []


def test_what_a_task_prints_stays_away_from_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    workers.call(os.system, "echo from a task", timeout=60)
    out, err = capfd.readouterr()
    assert out == ""
    assert "from a task" in err
