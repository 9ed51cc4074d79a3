"""What tests of the command line share: files with kernels, and the command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

GOOD = """\
import warp as wp


@wp.struct
class Pair:
    a: float
    b: float


@wp.func
def total(p: Pair):
    return p.a + p.b


@wp.kernel
def first(x: wp.array(dtype=float)):
    p = Pair()
    p.a = x[0]
    p.b = 2.0
    x[wp.tid()] = total(p)


@wp.kernel
def second(x: wp.array(dtype=int)):
    x[wp.tid()] = 1
"""


REJECTED = """\
import warp as wp


@wp.kernel
def broken(x: wp.array(dtype=float)):
    x[0] = wp.no_such_builtin(1.0)
"""


def written(directory: Path, text: str | bytes) -> str:
    path = directory / "kernels.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def command(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kernelfuzz", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # pyright: ignore[reportArgumentType, reportCallIssue]
    )


def rows_of(directory: str | Path) -> list[dict[str, Any]]:
    from kernelfuzz.corpus.files import rows

    return list(rows(directory))


SMALLEST = ["corpus", "--count", "1", "--size", "1", "--device", "cpu"]
