"""Shards made on a Ray cluster: the same bytes, also where a node dies."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="comes with kernelfuzz[ray]")

CORPUS = [sys.executable, "-m", "kernelfuzz", "corpus", "--size", "small", "--device", "cpu", "--seed", "3"]


def contents(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_an_address_without_a_cluster_is_said(tmp_path: Path) -> None:
    command = [*CORPUS, "--count", "1", "--engine", "ray", "--ray-address", "127.0.0.1:1"]
    process = subprocess.run([*command, "--output", str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert process.returncode == 3
    assert "no Ray cluster at 127.0.0.1:1" in process.stderr
    assert "Traceback" not in process.stderr


# When a node is lost: what there must be in the directory.
MOMENTS = {"never": "", "while shards are made": "shards/00000001.zst", "while they are merged": ".data.*/between/keys"}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_cluster_of_two_nodes(moment: str, tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    local = subprocess.run([*CORPUS, "--count", "96", "--output", str(tmp_path / "local")], check=False)
    assert local.returncode == 0
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        command = [*CORPUS, "--count", "96", "--engine", "ray", "--ray-address", cluster.address]
        process = subprocess.Popen([*command, "--output", str(tmp_path / "ray")])
        if moment:
            while not list((tmp_path / "ray").glob(moment)):
                assert process.poll() is None
                time.sleep(0.01)
            second.kill_all_processes(check_alive=False, allow_graceful=False)
            assert process.poll() is None, "the node went after the end"
        assert process.wait(timeout=1200) == 0
    finally:
        cluster.shutdown()
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
