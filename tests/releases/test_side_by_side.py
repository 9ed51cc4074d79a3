"""Releases side by side on workers of any engine: files travel, and a lost node costs nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz.releases.bisection import bisect
from kernelfuzz.releases.comparison import compare
from kernelfuzz.releases.environments import INSTALLED, environment
from kernelfuzz.releases.replay import items, replay
from kernelfuzz.releases.run_script import ScriptOutcome
from kernelfuzz.releases.side_by_side import Script, build_file, script_outcome
from kernelfuzz.releases.tasks import Task
from kernelfuzz.task_queue import TaskQueue
from kernelfuzz.workers import Pool

SAYS_WHERE = "import sys, pathlib\nprint(pathlib.Path(__file__).parent)\nsys.exit(1)\n"


def test_a_script_is_run_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(SAYS_WHERE)
    outcome = script_outcome(INSTALLED, Script.read(path), 60.0)
    assert (outcome.presence, outcome.detail) == ("present", str(tmp_path))


@pytest.mark.parametrize("there", [None, "import sys\nsys.exit(0)\n"], ids=["missing", "another"])
def test_a_script_travels_to_a_machine_that_lacks_it(there: str | None, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(SAYS_WHERE)
    script = Script.read(path)
    path.unlink()
    if there is not None:
        path.write_text(there)
    outcome = script_outcome(INSTALLED, script, 60.0)
    assert outcome.presence == "present"
    assert outcome.detail != str(tmp_path)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "kernels.py"
    text = (
        "# -*- coding: latin-1 -*-\nimport warp as wp\n\n\n@wp.kernel\ndef naïve(x: wp.array(dtype=float)):\n    pass\n"
    )
    path.write_bytes(text.encode("latin-1"))
    with Pool(1) as pool:
        steps = pool.result(pool.submit(build_file, INSTALLED, Script.read(path), 300.0))
    assert steps
    assert not any(steps.values())


# ------------------------------------------------------------------------------------ two nodes, one lost


@dataclass
class Nodes:
    """Two nodes of a local cluster; ``lose`` ends the second."""

    address: str
    second: Any
    lost: list[bool] = field(default_factory=list[bool])

    def lose(self) -> None:
        if not self.lost:
            self.lost.append(True)
            self.second.kill_all_processes(check_alive=False)


@contextmanager
def two_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    from ray.cluster_utils import Cluster

    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        yield Nodes(str(cluster.address), cluster.add_node(num_cpus=1))
    finally:
        cluster.shutdown()


def compared(queue: TaskQueue, lose: Callable[[], None]) -> Any:
    this = environment(sys.executable)
    tasks = [Task(f"seed 0 index {index}", 0, index, {"size": "small"}) for index in range(40)]
    report = compare(this, this, tasks, queue=queue, progress=lambda *_: lose())
    return {**report.to_dict(), "speed": None}


def replayed(queue: TaskQueue, lose: Callable[[], None]) -> Any:
    found = items(Path(__file__).parents[2] / "notes" / "findings")[:6]
    results = replay(
        found, [environment(sys.executable)], lambda _: (), queue=queue, timeout=300.0, on_done=lambda *_: lose()
    )
    return [(each.item.name, each.status) for each in results[0]]


def bisected(queue: TaskQueue, lose: Callable[[], None]) -> Any:
    """The same release under many names: what is asked is whether answers are lost."""
    releases = [f"1.{minor}.0" for minor in range(10, 20)]

    def attempt(some: Any) -> list[ScriptOutcome]:
        scripts = [Script("/none/script.py", f"import sys\nsys.exit({each >= '1.14.0'})\n".encode()) for each in some]
        waiting = [queue.submit(script_outcome, sys.executable, script, 60.0) for script in scripts]
        return [queue.result(each) for each in waiting]

    return bisect(releases, attempt, width=2, on_tried=lambda _: lose()).release


@pytest.mark.slow
@pytest.mark.parametrize("job", [compared, replayed, bisected])
def test_a_lost_node_costs_nothing(
    job: Callable[[TaskQueue, Callable[[], None]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="comes with kernelfuzz[ray]")
    from kernelfuzz.ray_pool import RayPool

    with Pool(2) as pool:
        here = job(pool, lambda: None)
    with two_nodes(monkeypatch) as nodes, RayPool(nodes.address, 2) as queue:
        there = job(queue, nodes.lose)
        assert nodes.lost
    assert there == here
