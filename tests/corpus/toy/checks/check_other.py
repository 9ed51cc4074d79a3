"""What is asked for by name: how many examples are drawn, a worker that dies, a suite without kernels."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies import kernels

drawn: list[int] = []


@given(number=st.integers())
def test_numbers(number: int) -> None:
    drawn.append(number)


def test_how_many_numbers() -> None:
    if "TOY_LOG" in os.environ:
        Path(os.environ["TOY_LOG"]).write_text(f"{len(drawn)} {hash(tuple(drawn))}", encoding="utf-8")


seen: list[Kernel] = []


@given(kernel=kernels(size="small"))
def test_worker_dies(kernel: Kernel) -> None:
    seen.append(kernel)
    if len(seen) == 4 and "TOY_KILL" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)


@given(kernel=kernels(size="small"))
def test_fails(kernel: Kernel) -> None:
    raise AssertionError
