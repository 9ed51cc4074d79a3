"""The text for CUDA runs on the CPU as it would on a device: grids, remainders, kernels of every shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from kernelfuzz.devices import Target
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.launchers import host_text
from kernelfuzz.toolchain.lower import Lowering, lower
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded, loaded_pair

SOURCE = """
import warp as wp


@wp.kernel
def block(out: wp.array(dtype=int)):
    out[wp.tid()] = wp.block_dim()


@wp.kernel(enable_backward=False)
def turns(visits: wp.array(dtype=int), limit: int):
    i = wp.tid()
    if i >= limit:
        return
    for j in range(i):
        if j == 2:
            return
        wp.atomic_add(visits, j, 1)
    wp.atomic_add(visits, 7, 1)


@wp.kernel
def sums(a: wp.array(dtype=wp.float16), total: wp.array(dtype=wp.float16), most: wp.array(dtype=wp.float64)):
    i = wp.tid()
    wp.atomic_add(total, 0, a[i])
    wp.atomic_max(most, 0, wp.float64(a[i]))


@wp.kernel
def product(a: wp.array(dtype=float), out: wp.array(dtype=float), total: wp.array(dtype=float)):
    i, j = wp.tid()
    out[i] = a[i] * a[i]
    wp.atomic_add(total, 0, a[i] * 2.0)


@wp.kernel
def tiled(a: wp.array2d(dtype=float), out: wp.array2d(dtype=float)):
    i = wp.tid()
    t = wp.tile_load(a[i], shape=4)
    wp.tile_store(out[i], t + t + wp.tile_broadcast(wp.tile_sum(t), shape=(4,)))
"""

GRIDS = [(None, None), (1, 1), (1, 5), (2, 3), (3, 4), (64, 1), (1, 256)]


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with loaded(SOURCE, "cuda-host", options=JUDGED, backward=True) as program:
        assert isinstance(program, Program)
        yield program


def arrays(got: dict[str, Input]) -> dict[str, list[float]]:
    return {name: value.tolist() for name, value in got.items() if isinstance(value, np.ndarray)}


@pytest.mark.parametrize("count", [1, 5, 13])
@pytest.mark.parametrize(("blocks", "block_dim"), GRIDS)
def test_every_thread_has_its_turn_and_only_one(
    program: Program, blocks: int | None, block_dim: int | None, count: int
) -> None:
    launch = Launch((count,), {"visits": np.zeros(8, np.int32), "limit": np.array(6, np.int32)})
    got = program.run("turns", launch, blocks=blocks, block_dim=block_dim)
    # Threads from 1 on visit 0, from 2 on also 1, and return there from 3 on: 0, 1 and 2 come to the end.
    threads = min(count, 6)
    visits = [max(threads - 1, 0), max(threads - 2, 0), 0, 0, 0, 0, 0, min(threads, 3)]
    assert arrays(got) == {"visits": visits}


@pytest.mark.parametrize(("blocks", "block_dim"), GRIDS)
def test_a_kernel_sees_its_block_size(program: Program, blocks: int | None, block_dim: int | None) -> None:
    got = program.run("block", Launch((7,), {"out": np.zeros(7, np.int32)}), blocks=blocks, block_dim=block_dim)
    assert arrays(got) == {"out": [block_dim or 256] * 7}


@pytest.mark.parametrize("blocks", [None, 1])
def test_a_block_has_the_threads_that_the_program_was_loaded_for(blocks: int | None) -> None:
    source = SOURCE[: SOURCE.index("@wp.kernel(enable_backward=False)")]
    launch = Launch((7,), {"out": np.zeros(7, np.int32)})
    with loaded(source, "cuda-host", options=JUDGED, block_dim=2) as program:
        assert isinstance(program, Program)
        assert arrays(program.run("block", launch, blocks=blocks)) == {"out": [2] * 7}
    with loaded_pair(source, options=JUDGED, block_dim=2) as pair:
        assert isinstance(pair, tuple)
        assert arrays(pair[1].run("block", launch, blocks=blocks)) == {"out": [2] * 7}


@pytest.mark.parametrize(("blocks", "block_dim"), GRIDS)
def test_atomics_on_floats(program: Program, blocks: int | None, block_dim: int | None) -> None:
    inputs: dict[str, Input] = {
        "a": np.arange(10, dtype=np.float16) / np.float16(4),
        "total": np.array([0.5], np.float16),
        "most": np.array([-1.0]),
    }
    got = arrays(program.run("sums", Launch((10,), inputs), blocks=blocks, block_dim=block_dim))
    assert (got["total"], got["most"]) == ([11.75], [2.25])


@pytest.mark.parametrize(("blocks", "block_dim"), GRIDS)
def test_adjoints_on_every_grid(program: Program, blocks: int | None, block_dim: int | None) -> None:
    a = np.array([1, -2, 3, 0.5, 8], np.float32)
    inputs: dict[str, Input] = {"a": a, "out": np.zeros(5, np.float32), "total": np.zeros(1, np.float32)}
    seeds: dict[str, Input] = {"out": np.arange(5, dtype=np.float32), "total": np.array([10], np.float32)}
    got = arrays(program.adjoint("product", Launch((5, 1), inputs), seeds, blocks=blocks, block_dim=block_dim))
    assert got["a"] == (2 * a * np.arange(5) + 20).tolist()


def test_an_adjoint_that_the_kernel_does_without(program: Program) -> None:
    launch = Launch((1,), {"visits": np.zeros(8, np.int32), "limit": np.array(1, np.int32)})
    with pytest.raises(ValueError, match="the kernel turns has no adjoint"):
        program.adjoint("turns", launch, {})


@pytest.mark.parametrize("target", ["cpu", "cuda-host"])
def test_tiles(target: Target) -> None:
    with loaded(SOURCE, target, options=JUDGED) as program:
        assert isinstance(program, Program)
        inputs: dict[str, Input] = {
            "a": np.arange(8, dtype=np.float32).reshape(2, 4),
            "out": np.zeros((2, 4), np.float32),
        }
        got = arrays(program.run("tiled", Launch((2,), inputs, tiled=True)))
        assert got["out"] == [[6, 8, 10, 12], [30, 32, 34, 36]]


def test_tiles_are_for_blocks_of_one_thread(program: Program) -> None:
    inputs: dict[str, Input] = {"a": np.zeros((1, 4), np.float32), "out": np.zeros((1, 4), np.float32)}
    with pytest.raises(ValueError, match="a block of a tiled launch has one thread on the host, got 32"):
        program.run("tiled", Launch((1,), inputs, tiled=True), block_dim=32)


@pytest.mark.parametrize("grid", [{"blocks": 0}, {"block_dim": 0}, {"block_dim": -1}])
def test_a_grid_without_threads(program: Program, grid: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least one block and one thread"):
        program.run("block", Launch((1,), {"out": np.zeros(1, np.int32)}), **grid)


LEAN = """
import warp as wp


@wp.kernel(grid_stride=False)
def lean(out: wp.array(dtype=int)):
    i = wp.tid()
    out[i] = i + 1
"""


def test_a_kernel_without_a_grid_stride_loop() -> None:
    with loaded(LEAN, "cuda-host", options=JUDGED) as program:
        if isinstance(program, Failure):
            assert program.kind == "codegen", "this Warp has grid-stride loops only"
            pytest.skip("this Warp has no grid_stride")
        launch = Launch((5,), {"out": np.zeros(6, np.int32)})
        for blocks, block_dim in ((None, None), (2, 3), (7, 1), (1, 5)):
            got = program.run("lean", launch, blocks=blocks, block_dim=block_dim)
            assert arrays(got) == {"out": [1, 2, 3, 4, 5, 0]}
        with pytest.raises(ValueError, match="without a grid-stride loop needs 3 blocks, got 2"):
            program.run("lean", launch, blocks=2, block_dim=2)


def test_the_text_keeps_what_warp_generated() -> None:
    lowering = lower(SOURCE, "cuda")
    assert isinstance(lowering, Lowering)
    text = host_text(lowering.module)
    for kernel in lowering.kernels:
        assert kernel.forward in text
        assert f"void kernelfuzz_{kernel.mangled_name}_cuda_kernel_forward(void** args" in text
        has_adjoint = f"void kernelfuzz_{kernel.mangled_name}_cuda_kernel_backward(void** args" in text
        assert has_adjoint == (kernel.backward is not None)
