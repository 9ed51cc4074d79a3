"""Programs have their options to themselves, and leave nothing behind."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from launched_programs import FAILURES, GRIDS, HEAD, same

from kernelfuzz.devices import Target
from kernelfuzz.ir.launch import Launch
from kernelfuzz.toolchain.compat import has_option
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded

SMALL = HEAD + "@wp.kernel\ndef kernel(a: wp.array(dtype=float)):\n    i = wp.tid()\n    a[i] = a[i] * a[i] - {}"


MARKED = (
    HEAD
    + '''
@wp.func_native("""
#ifdef MARK
    return MARK;
#else
    return 1;
#endif
""")
def mark() -> int: ...


@wp.kernel
def kernel(a: wp.array(dtype=int)):
    a[wp.tid()] = mark()
'''
)


@pytest.mark.parametrize("target", GRIDS)
def test_options_reach_the_compiler_and_go_again(target: Target) -> None:
    if not has_option("cpu_compiler_flags"):
        pytest.skip("this Warp takes no flags for its compiler")
    launch = Launch((1,), {"a": np.zeros(1, np.int32)})
    for options, expected in (({}, 1), ({"cpu_compiler_flags": "-DMARK=5"}, 5), ({}, 1)):
        with loaded(MARKED, target, options=options) as program:
            assert isinstance(program, Program)
            same(program.run("kernel", launch)["a"], np.array([expected], np.int32))


@pytest.mark.parametrize("target", GRIDS)
def test_programs_of_the_same_text_live_side_by_side(target: Target) -> None:
    launch = Launch((1,), {"a": np.array([3], np.float32)})
    with loaded(SMALL.format(1.0), target, options=JUDGED) as outer:
        with loaded(SMALL.format(1.0), target, options=JUDGED) as inner:
            assert isinstance(inner, Program)
            assert isinstance(outer, Program)
            same(inner.run("kernel", launch), outer.run("kernel", launch))
        with pytest.raises(RuntimeError, match="this program is unloaded"):
            inner.run("kernel", launch)
        same(outer.run("kernel", launch)["a"], np.array([8], np.float32))


@pytest.mark.parametrize("target", GRIDS)
def test_nothing_is_left_behind(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import warp as wp

    wp.init()
    temporary, cache = tmp_path / "temporary", tmp_path / "cache"
    temporary.mkdir()
    cache.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(wp.config, "kernel_cache_dir", str(cache))
    bad = HEAD + FAILURES["bad native code"][0]

    def use(source: str) -> None:
        with loaded(source, target, options={"verify_fp": False, **JUDGED}):
            pass

    def traces() -> tuple[Any, ...]:
        config = {name: value for name, value in vars(wp.config).items() if not name.startswith("__")}
        names = [name for name in sys.modules if name.startswith("kernelfuzz_source")]
        return config, names, sorted(os.listdir(temporary)), os.listdir(cache)

    use(SMALL.format(2.0))
    before = traces()
    for source in (SMALL.format(3.0), bad, HEAD):
        use(source)
    assert traces() == before
    assert not os.listdir(cache)
    assert not list(temporary.glob("kernelfuzz_*"))


STRUCTS = (
    HEAD
    + """
@wp.struct
class Item:
    x: float

@wp.kernel
def kernel(items: wp.array(dtype=Item)):
    items[wp.tid()].x = 1.0
"""
)


@pytest.mark.parametrize("target", GRIDS)
def test_warp_forgets_the_structs_of_arrays(target: Target) -> None:
    def modules() -> set[str]:
        gc.collect()
        every = [each for each in gc.get_objects() if type(each).__name__ == "Module"]
        return {str(getattr(each, "name", "")) for each in every}

    before = modules()
    launch = Launch((2,), {"items": {"x": np.zeros(2, np.float32)}})
    with loaded(STRUCTS, target) as program:
        assert isinstance(program, Program)
        program.run("kernel", launch)
    del program
    assert not [name for name in modules() - before if name.startswith("kernelfuzz_source")]


def test_options_for_judging_are_those_that_this_warp_has() -> None:
    assert dict(JUDGED) == {name: JUDGED[name] for name in JUDGED}
    assert {"fuse_fp", "fast_math"} <= set(JUDGED) <= {"fuse_fp", "fast_math", "optimization_level"}
    assert all(has_option(name) for name in JUDGED)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(target: Target, count: int) -> int:
    before = 0
    for i in range(-20, count):
        if i == 0:
            gc.collect()
            before = resident()
        launch = Launch((1,), {"a": np.array([i], np.float32)})
        with loaded(SMALL.format(float(i)), target, options=JUDGED, backward=True) as program:
            assert isinstance(program, Program)
            program.adjoint("kernel", launch, {"a": np.array([1], np.float32)})
    gc.collect()
    return resident() - before


@linux
@pytest.mark.slow
@pytest.mark.parametrize("target", GRIDS)
def test_memory_is_flat_over_three_hundred_programs(target: Target) -> None:
    assert growth(target, 300) < 40 << 20
