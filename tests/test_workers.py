"""Isolated processes.  What runs in them are functions of the standard library, which they can import."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import tempfile
import time
from pathlib import Path

import pytest
from processes import FOREVER, LIMIT, Clock, is_running, until

from kernelfuzz import workers


def test_a_call_runs_in_another_process() -> None:
    assert workers.call(os.getpid) != os.getpid()


def test_a_crash_is_an_error_that_says_how() -> None:
    with pytest.raises(workers.WorkerDied, match="SIGABRT"):
        workers.call(os.abort, timeout=LIMIT)


def test_a_process_that_is_killed_from_outside_is_told_apart() -> None:
    with pytest.raises(workers.WorkerDied, match="SIGKILL") as killed:
        workers.call(exec, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", timeout=LIMIT)
    with pytest.raises(workers.WorkerDied) as crashed:
        workers.call(os.abort, timeout=LIMIT)
    assert (killed.value.from_outside, crashed.value.from_outside) == (True, False)


def test_an_exit_is_an_error_that_says_how() -> None:
    with pytest.raises(workers.WorkerDied, match="exit code 7"):
        workers.call(os._exit, 7, timeout=LIMIT)


def test_a_hang_ends_after_the_timeout() -> None:
    with pytest.raises(workers.WorkerTimeout, match="within 1 seconds"):
        workers.call(time.sleep, FOREVER, timeout=1)


TELLING = """
import os, time
from kernelfuzz import workers
workers.tell("the first")
workers.tell(("the second", 2))
{end}
"""


@pytest.mark.parametrize(("end", "timeout"), [("os.abort()", LIMIT), (f"time.sleep({FOREVER})", 3.0)])
def test_what_a_task_told_last_comes_with_its_end(end: str, timeout: float) -> None:
    with pytest.raises(workers.WorkerError) as ended:
        workers.call(exec, TELLING.format(end=end), timeout=timeout)
    assert ended.value.told == ("the second", 2)
    travelled = pickle.loads(pickle.dumps(ended.value))
    assert travelled.told == ("the second", 2)


def test_what_a_task_told_is_not_held_against_the_next() -> None:
    with workers.Pool(1) as pool:
        assert pool.result(pool.submit(exec, TELLING.format(end=""), timeout=LIMIT)) is None
        with pytest.raises(workers.WorkerDied) as ended:
            pool.result(pool.submit(os.abort, timeout=LIMIT))
    assert ended.value.told is None


def test_nobody_is_told_what_no_worker_is_at() -> None:
    workers.tell("nothing")
    assert workers.call(int, "7", timeout=LIMIT) == 7


def test_what_the_function_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        workers.call(int, "x", timeout=LIMIT)


def test_a_fresh_task_is_the_first_of_its_process() -> None:
    with workers.Pool(2) as pool:
        for fresh in (False, True):
            tasks = [pool.submit(os.getpid, timeout=LIMIT, fresh=fresh) for _ in range(4)]
            found = [pool.result(task) for task in tasks]
            assert (len(set(found)) == len(found)) == fresh
        later = pool.submit(os.getpid, timeout=LIMIT)
        assert pool.result(later) in found


def test_results_come_in_the_order_of_the_tasks() -> None:
    tasks = [(number, 10) for number in range(-20, 20)]
    assert list(workers.in_order(pow, tasks, jobs=2, timeout=LIMIT)) == [number**10 for number, _ in tasks]


def test_a_crash_costs_its_own_task_only() -> None:
    tasks = [("pass",), ("import os; os.abort()",), ("pass",), ("pass",)]
    results = list(workers.in_order(exec, tasks, jobs=2, timeout=LIMIT))
    assert [type(result) for result in results] == [type(None), workers.WorkerDied, type(None), type(None)]


def test_no_tasks_give_no_results() -> None:
    assert list(workers.in_order(pow, [], jobs=2)) == []


def test_what_a_task_prints_stays_away_from_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    workers.call(os.system, "echo from a task", timeout=LIMIT)
    out, err = capfd.readouterr()
    assert out == ""
    assert "from a task" in err


def test_a_native_loop_ends_after_the_timeout() -> None:
    """No signal handler of Python's runs in it."""
    with pytest.raises(workers.WorkerTimeout):
        workers.call(re.match, r"(a|a)*b", "a" * 30, timeout=1)  # minutes


def test_runaway_memory_is_told_apart() -> None:
    # Not more and more of it: on a busy machine nobody may look for a while.
    grow = f"import time\nheld = bytearray(b'x') * (400 << 20)\ntime.sleep({FOREVER})"
    with pytest.raises(workers.WorkerMemory, match=r"ran out of memory \(it had more than 200 MiB\)"):
        workers.call(exec, grow, memory=200 << 20)


def test_a_memory_error_is_running_out_of_memory() -> None:
    with pytest.raises(workers.WorkerMemory, match="ran out of memory"):
        workers.call(exec, "raise MemoryError", timeout=LIMIT)


def test_a_worker_that_holds_much_is_replaced() -> None:
    with workers.Pool(1, memory=200 << 20) as pool:
        hold = "import builtins; builtins.held = bytearray(b'x') * (120 << 20)"
        before = pool.result(pool.submit(os.getpid))
        pool.result(pool.submit(exec, hold))
        assert pool.result(pool.submit(os.getpid)) != before


def test_an_exception_carries_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        workers.call(exec, "def culprit():\n    1 / 0\nculprit()", timeout=LIMIT)
    assert "in culprit" in str(caught.value.__cause__)


def test_an_exception_that_does_not_travel_is_told() -> None:
    local = "class Local(Exception): pass\nraise Local('why')"
    with pytest.raises(RuntimeError, match="Local: why"):
        workers.call(exec, local, timeout=LIMIT)


def test_urgent_tasks_come_first() -> None:
    with workers.Pool(1) as pool:
        pool.submit(os.getpid)
        late = pool.submit(time.monotonic)
        soon = pool.submit(time.monotonic, urgent=True)
        assert pool.result(soon) < pool.result(late)


def test_reserved_workers_take_urgent_tasks_only() -> None:
    with workers.Pool(1) as pool:
        with pool.reserve(1):
            plain = pool.submit(os.getpid)
            assert pool.result(pool.submit(os.getpid, urgent=True)) > 0
            assert not plain.done
        assert pool.result(plain) > 0


def test_waiting_can_end() -> None:
    with workers.Pool(1) as pool:
        slow = pool.submit(time.sleep, FOREVER)
        with pytest.raises(TimeoutError):
            pool.result(slow, until=time.monotonic() + 0.3)
        pool.cancel([slow])
        assert pool.result(pool.submit(int, "7")) == 7


@pytest.mark.parametrize("end", ["", "os.abort()", f"time.sleep({FOREVER})"])
def test_temporary_files_and_children_of_a_task_are_removed(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    leave = (
        "import os, subprocess, tempfile, time\n"
        "tempfile.mkstemp()\n"
        f"child = subprocess.Popen(['sleep', '{FOREVER}'])\n"
        f"os.mkdir(os.path.join({str(tmp_path)!r}, str(child.pid)))\n"  # is there at once, unlike a text
    )
    timeout = None
    if end.startswith("time"):
        timeout = 3.0
        monkeypatch.setattr(
            "kernelfuzz.work_clock.time", Clock(lambda: any(each.name.isdigit() for each in tmp_path.iterdir()))
        )
    with contextlib.suppress(workers.WorkerError):
        workers.call(exec, leave + end, timeout=timeout)
    (child,) = tmp_path.iterdir()
    until(lambda: not is_running(int(child.name)))


def test_many_crashes_lose_no_task() -> None:
    tasks = [("import os; os.abort()",) if at % 3 == 0 else ("pass",) for at in range(30)]
    results = list(workers.in_order(exec, tasks, jobs=3, timeout=LIMIT))
    assert [isinstance(result, workers.WorkerDied) for result in results] == [at % 3 == 0 for at in range(30)]
