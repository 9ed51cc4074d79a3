"""The oracles of kernelfuzz over given kernels, with defects planted in the code generator of each worker.

Which ones is in the environment, which workers inherit.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernelfuzz.campaign import WorkerFunctions
from kernelfuzz.findings.blame import Blamed, blame
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.judge import explain, judge_again, judge_cases
from kernelfuzz.oracles.request import CaseOutcome, Checks, Evidence, Request
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.syntax.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
import fakes  # pyright: ignore[reportMissingImports]
from code_generator import codegen, without_adjoints_of  # pyright: ignore[reportMissingImports]

PLANTED = "KERNELFUZZ_TEST_PLANTED"
PATCH = pytest.MonkeyPatch()

HEAD = "import warp as wp\n\n\n"
FLOATS = np.array([0.0, -3.0, 5.0, 7.0], np.float64)
INTS = np.array([2, -3, 5, 7], np.int32)


def double_negation_is_lost() -> None:
    """``-x`` of a float64 is x."""
    original = codegen().Adjoint.add_builtin_call

    def call(adjoint: Any, name: str, args: Any, *rest: Any, **more: Any) -> Any:
        wide = name == "neg" and "float64" in str(args[0].type)
        return original(adjoint, "pos" if wide else name, args, *rest, **more)

    PATCH.setattr(codegen().Adjoint, "add_builtin_call", call)


DEFECTS: dict[str, Callable[[], None]] = {
    "product": lambda: PATCH.setitem(codegen().builtin_operators, ast.Mult, "sub"),
    "xor": lambda: PATCH.setitem(codegen().builtin_operators, ast.BitXor, "bit_or"),
    "negation": double_negation_is_lost,
    "if": lambda: PATCH.setitem(codegen().Adjoint.node_visitors, ast.If, lambda adjoint, node: None),
    "while": lambda: PATCH.setitem(codegen().Adjoint.node_visitors, ast.While, lambda adjoint, node: None),
    "adjoint of a product": lambda: without_adjoints_of(PATCH, "mul"),
}


@cache
def plant() -> None:
    for name in os.environ[PLANTED].split(", "):
        DEFECTS[name]()


def ints(body: str, functions: str = "") -> Case:
    """A kernel with the statements, over an array of integers for input and one for output."""
    return _case(body, functions, "int", INTS)


def floats(body: str, functions: str = "") -> Case:
    return _case(body, functions, "wp.float64", FLOATS)


def _case(body: str, functions: str, dtype: str, values: Any) -> Case:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    params = f"a: wp.array(dtype={dtype}), out: wp.array(dtype={dtype})"
    kernel = parse(f"{HEAD}{functions}@wp.kernel\ndef kernel({params}):\n    i = wp.tid()\n{lines}")
    return Case(kernel, Launch((len(values),), {"a": values, "out": np.zeros_like(values)}))


LOOPED = """
x = a[i]
for k in range(3):
    x = x + {operation}
if x > 2:
    out[i] = x - 1
"""

FUNCTION = """@wp.func
def change(y: int, z: int) -> int:
    return 1 + {operation}


"""

CASES: dict[str, Case] = {
    "product": ints("out[i] = a[i] * 3 + 1"),
    "product in a loop": ints(LOOPED.strip().format(operation="k * x")),
    "product in a function": ints("out[i] = change(a[i], i) + 4", FUNCTION.format(operation="y * z")),
    "xor": ints("out[i] = (a[i] ^ 6) + i"),
    "product and xor": ints("y = a[i] * a[i]\nout[i] = y + (a[i] ^ 3)"),
    "negation": floats("x = a[i] + wp.float64(1.0)\nout[i] = -x + wp.float64(4.0)"),
    "negated zero": floats("out[i] = -a[i]"),
    "if": ints("x = a[i]\nif i < 2:\n    x = x + 7\nout[i] = x"),
    "another if": ints("for k in range(2):\n    if k == 1:\n        out[i] = a[i] + 1"),
    "if beside a sum": ints("y = a[i] + 5\nif y > 0:\n    out[i] = y"),
    "while": ints("x = int(0)\nwhile x < 4:\n    x = x + 1\nout[i] = x + a[i]"),
    "gradient": floats("out[i] = a[i] * wp.float64(3.0)"),
    "gradient in a loop": floats("x = a[i]\nfor k in range(2):\n    x = wp.sin(x * a[i])\nout[i] = x + a[i]"),
}

JUDGED = "KERNELFUZZ_TEST_JUDGED"


def batch(request: Request) -> list[CaseOutcome]:
    """The cases that the environment names, by their indices."""
    plant()
    names = os.environ[JUDGED].split(", ")[request.start : request.start + request.count]
    cases = [CASES[name] for name in names]
    outcomes = judge_cases(cases, request.checks, launch_given=True)
    return [
        replace(outcome, index=request.start + at, evidence=tuple([Evidence(case)] * len(outcome.verdicts)))
        for at, (case, outcome) in enumerate(zip(cases, outcomes, strict=True))
    ]


def again(cases: Sequence[Case], verdict: Verdict) -> list[Verdict]:
    plant()
    return judge_again(cases, verdict)


def explained(case: Case, verdict: Verdict) -> Evidence:
    plant()
    return explain(case, verdict)


def blamed(case: Case, verdict: Verdict, known: Collection[str]) -> tuple[Blamed, ...]:
    plant()
    return blame(case, verdict, known)


# The script of a finding runs without what is planted here.
WARP = WorkerFunctions(batch, again, explained, fakes.no_control, fakes.confirmed, fakes.write, blamed)
VALUES, GRADIENTS = Checks(("value",), ("cpu",)), Checks(("gradient",), ("cpu",))
