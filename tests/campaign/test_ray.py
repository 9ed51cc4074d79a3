"""A campaign on a Ray cluster finds what it finds on this machine, also where a node dies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernelfuzz.campaign import CampaignPlan, CampaignSummary, WorkerFunctions, fuzz
from kernelfuzz.cli import main
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.options import check_options

sys.path.insert(0, str(Path(__file__).parent))
import fakes  # pyright: ignore[reportMissingImports]

pytest.importorskip("ray", reason="comes with kernelfuzz[ray]")


def test_an_address_without_a_cluster_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fuzz", "--examples", "1", "--engine", "ray", "--ray-address", "127.0.0.1:1"]
    assert main([*command, "--output", str(tmp_path / "out")]) == 3
    assert "no Ray cluster at 127.0.0.1:1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [["fuzz", "--examples", "1"], ["corpus", "--count", "1"]], ids=["fuzz", "corpus"])
def test_without_ray_it_is_said_where_it_comes_from(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*command, "--engine", "ray", "--output", str(tmp_path / "out")]) == 2
    assert "this needs ray, which is not installed: it comes with kernelfuzz[ray]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def results(
    judges: WorkerFunctions, *, pool: Any = None, on_progress: Callable[[CampaignSummary], None] | None = None
) -> dict[str, Any]:
    """What comes of a campaign, without the times."""
    plan = CampaignPlan(check_options(), Checks(("value",), ("cpu",)), seed=5, examples=64, chunk=8)
    found = fuzz(plan, jobs=2, judges=judges, pool=pool, on_progress=on_progress).to_dict()
    return {name: value for name, value in found.items() if name not in ("seconds", "examples_per_second")}


# The ones have bugs that are reduced; the others end their processes, which is looked into in further ones.
@pytest.mark.slow
@pytest.mark.parametrize("judges", [fakes.BUGGY, fakes.CRASHING_OFTEN], ids=["wrong", "crashing"])
@pytest.mark.parametrize("loses_a_node", [False, True])
def test_a_cluster_of_two_nodes(judges: WorkerFunctions, loses_a_node: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.cluster_utils import Cluster

    from kernelfuzz.ray_pool import RayPool

    here = results(judges)
    assert here["findings"] or here["unattributed"] or here["unconfirmed"]
    # The nodes take the functions of the test by their names.
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(folders))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    lost: list[int] = []
    try:
        second = cluster.add_node(num_cpus=1)

        def lose(summary: CampaignSummary) -> None:
            if loses_a_node and summary.examples >= 20 and not lost:
                lost.append(summary.examples)
                second.kill_all_processes(check_alive=False)

        there = results(judges, pool=lambda on_wait: RayPool(cluster.address, 2, on_wait=on_wait), on_progress=lose)
    finally:
        cluster.shutdown()
    assert bool(lost) == loses_a_node
    assert there == here


@pytest.mark.slow
def test_a_run_on_a_cluster_is_terminated_as_any_other() -> None:
    from kernelfuzz.ray_pool import RayPool

    before = signal.getsignal(signal.SIGTERM)
    with RayPool(None, 1):
        assert signal.getsignal(signal.SIGTERM) is before
