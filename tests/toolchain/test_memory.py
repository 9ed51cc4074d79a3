"""Memory stays flat, however many kernels one process lowers."""

from __future__ import annotations

import gc
import linecache
import os
import sys
from pathlib import Path

import pytest

from kernelfuzz.toolchain import Failure, Lowering, lower

GOOD = """
import warp as wp

@wp.struct
class Item#:
    x: float
    v: wp.vec3

@wp.func
def weighted#(s: Item#, x: float):
    return s.x * x * #.5

def make(n):
    @wp.kernel
    def kernel#(a: wp.array(dtype=float), s: wp.array(dtype=Item#)):
        t = wp.tid()
        total = float(0.0)
        for j in range(n):
            total += weighted#(s[j], a[j])
        item = Item#()
        item.x = total
        s[t] = item
        a[t] = wp.sin(total)
    return kernel#

k = make(# % 5)
"""
BAD = "import warp as wp\n@wp.kernel\ndef kernel#(a: wp.array(dtype=float)):\n    a[0] = a[0] + 1\n"

MEGABYTE = 1 << 20


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _growth(count: int) -> int:
    before = 0
    for i in range(-200, count):
        if i == 0:
            gc.collect()
            before = _resident()
        number = str(i + 200)
        assert isinstance(lower(GOOD.replace("#", number), "cpu" if i % 2 else "cuda"), Lowering)
        if i % 5 == 0:
            assert isinstance(lower(BAD.replace("#", number)), Failure)
    return _resident() - before


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
def test_memory_is_flat_over_a_thousand_kernels() -> None:
    assert _growth(1000) < 10 * MEGABYTE


@linux
@pytest.mark.slow
def test_memory_is_flat_over_twenty_thousand_kernels() -> None:
    assert _growth(20_000) < 100 * MEGABYTE


def test_warp_forgets_a_source() -> None:
    lower(GOOD.replace("#", "1"))
    assert not [name for name in sys.modules if name.startswith("kernelfuzz_source")]
    assert not [name for name in linecache.cache if str(name).startswith("<kernelfuzz")]
