"""Crashes of Warp under some module options, planted in every process of a test: in the scripts of findings too.

Python runs a ``sitecustomize`` that it finds on its path before all else; this writes one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import option_sets
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import CaseOutcome, Request
from kernelfuzz.syntax.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
import planted_defects  # pyright: ignore[reportMissingImports]

# The row of options that alone is asked, for a worker to read.
ROW = "KERNELFUZZ_TEST_ROW"

_HEAD = """
import os
import signal

from warp._src.codegen import Adjoint


def before(name, crash):
    original = getattr(Adjoint, name)

    def called(adjoint, *args, **more):
        crash(adjoint, *args)
        return original(adjoint, *args, **more)

    setattr(Adjoint, name, called)


def die():
    os.kill(os.getpid(), signal.SIGSEGV)


"""

# What is added to the head: where Warp's generator dies, or generates what does.
PLANTED = {
    # The loop of the kernel is one only where it is not unrolled.
    "the generator, at a loop": 'before("begin_for", lambda adjoint, *_: die())',
    "the generator, in debug mode": (
        'before("build", lambda _, builder, *__: builder.options["mode"] == "debug" and die())'
    ),
    "the generator, for large blocks": (
        'before("build", lambda _, builder, *__: builder.options["block_dim"] == 1024 and die())'
    ),
    "the adjoint, of a loop": 'before("begin_for", lambda adjoint, *_: adjoint.add_reverse("__builtin_trap();"))',
}


def plant(name: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have Warp crash in each process that starts from now on."""
    (folder / "sitecustomize.py").write_text(_HEAD + PLANTED[name] + "\n", encoding="utf-8")
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    patch.setenv("PYTHONPATH", os.pathsep.join(path))


KERNEL = """
import warp as wp


@wp.kernel
def kernel(a: wp.array(dtype=wp.float64), out: wp.array(dtype=wp.float64)):
    i = wp.tid()
    x = a[i]
    for k in range(3):
        x = x + a[i] * a[i]
    out[i] = x
"""


def cases() -> Sequence[Case]:
    values = np.array([1.0, -3.0, 5.0, 7.0], np.float64)
    return [Case(parse(KERNEL), Launch((4,), {"a": values, "out": np.zeros_like(values)}))]


def batch(request: Request) -> list[CaseOutcome]:
    """The kernel, under one row of options."""
    rows = [row for row in option_sets.OPTION_SETS if row.name == os.environ[ROW]]
    planted_defects.PATCH.setattr(option_sets, "OPTION_SETS", tuple(rows))
    return judge_cases(cases(), request.checks, launch_given=True)
