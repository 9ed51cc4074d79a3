"""Many kernels as one module: the same as one by one, whatever is wrong with some of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Cast, ExprStmt, Kernel, Literal
from kernelfuzz.ir.types import INT32
from kernelfuzz.oracles import batch, value
from kernelfuzz.oracles.batch import Pair, batch_source, parts
from kernelfuzz.oracles.verdict import Setting
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.inputs import draw_launch
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.toolchain.errors import Failure
from kernelfuzz.toolchain.launch import JUDGED, loaded


def _case(index: int) -> Case:
    kernel = generate(seed=11, index=index, size="small")
    return Case(kernel, draw_launch(SeededChoices("batch", index), kernel))


def _spoiled(kernel: Kernel) -> Kernel:
    """With a number as a statement, which Warp does not lower: an expression there must be a call."""
    literal = Literal(INT32, 1)
    return replace(kernel, body=(ExprStmt(Cast(INT32, literal)), *kernel.body))
