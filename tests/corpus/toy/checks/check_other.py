"""What is asked for by name: how many examples are drawn, a process that dies, a disk that is full."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from toy_log import say

from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies import kernels


@given(number=st.integers())
def test_numbers(number: int) -> None:
    say("numbers", str(number))


passed: list[Kernel] = []


@given(kernel=kernels(size="small"))
def test_dies(kernel: Kernel) -> None:
    if len(passed) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    passed.append(kernel)
    say("dies", fingerprint(kernel))


def test_disk_is_taken_away() -> None:
    shards = Path(os.environ["TOY_SHARDS"])
    shards.rmdir()
    shards.touch()


@given(kernel=kernels(size="small"))
def test_without_a_disk(kernel: Kernel) -> None:
    assert kernel.name == "kernel"
