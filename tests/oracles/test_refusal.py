"""The refusal oracle: each edit is refused, and where Warp swallowed what is wrong, it is noticed."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from code_generator import Patch, codegen

from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.recognised import RECOGNISED
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import refusal
from kernelfuzz.oracles.ill_typed import EDITS
from kernelfuzz.oracles.judge import judge_again, judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.table import REFUSAL
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.syntax.parse import parse

# A place for every edit, each in an assignment or a return.
SOURCE = """
import warp as wp


@wp.struct
class Pair:
    a: float
    b: float


@wp.func
def total(x: wp.array2d(dtype=float), k: int) -> float:
    y = x[0, k]
    return y


@wp.kernel
def kernel(x: wp.array2d(dtype=float), n: int, out: wp.array(dtype=float)):
    i = wp.tid()
    s = Pair()
    v = wp.vec3(x[0, 0], x[0, 1], x[0, 2])
    w = v + v
    y = x[0, 0] + x[0, 1]
    c = y < x[0, 1]
    y = x[0, 0] if c else x[0, 1]
    y = wp.sin(y)
    y = total(x, n)
    y = wp.min(y, x[0, 1])
    y = wp.clamp(y, x[0, 0], x[0, 1])
    y = wp.dot(v, w)
    y = -y
    part = v[0:2]
    for k in range(n):
        y = y + x[0, k]
    while y > 100.0:
        y = y * 0.5
    if n > 5:
        return
    out[i] = y + s.a + w[0] + part[0]
"""
KERNEL = parse(SOURCE)
CASE = Case(KERNEL, Launch((1,), {"x": np.ones((3, 3), np.float32), "n": np.array(1), "out": np.ones(1, np.float32)}))

# What this Warp accepts, with its page.
ACCEPTED = {
    "compared values of unequal types": "comparison-of-unequal-types",
    "an array of other dimensions": "array-of-other-dimensions",
}


def swallow(patch: Patch) -> None:
    """An assignment, or a return, that Warp does not understand is left out."""
    adjoint = codegen().Adjoint

    def swallowing(original: Callable[..., None]) -> Callable[..., None]:
        def swallow(*args: Any) -> None:
            try:
                original(*args)
            except Exception as error:  # whatever it is about
                if "undefined symbol: unheard" in str(error):
                    raise

        return swallow

    visitors = adjoint.node_visitors
    patch.setitem(visitors, ast.Assign, swallowing(visitors[ast.Assign]))
    patch.setitem(visitors, ast.For, swallowing(visitors[ast.For]))
    returned = visitors[ast.Return]
    patch.setitem(
        visitors,
        ast.Return,
        lambda self, node: returned(self, node if self.is_user_function else ast.Return(value=None)),
    )
    patch.setattr(adjoint, "materialize_redefinitions", swallowing(adjoint.materialize_redefinitions))
    builder = importlib.import_module("warp._src.context").ModuleBuilder
    patch.setattr(builder, "_kernel_has_value_return", staticmethod(lambda kernel: False), raising=False)


DOCUMENTED = [name for name, row in EDITS.items() if row.documented()]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_an_edit_is_refused(name: str) -> None:
    verdict = refusal.judge(KERNEL, EDITS[name])
    assert verdict.status == ("failed" if name in ACCEPTED else "passed")


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_is_accepted_is_noticed(name: str, monkeypatch: Patch) -> None:
    swallow(monkeypatch)
    verdict = refusal.judge(KERNEL, EDITS[name])
    assert (verdict.status, verdict.kind) == ("failed", "accepted")
    assert verdict.accepted is not None
    assert verdict.accepted.edit == name
    (again,) = judge_again([CASE], verdict)
    assert alike(verdict, looks(verdict, KERNEL), again, KERNEL)
    # The known bugs are these alone.
    known = {**ACCEPTED, "slice with step 0": "slice-with-step-zero"}.get(name)
    if verdict.accepted.about == "vector":
        known = None
    assert RECOGNISED.match(signature(verdict, KERNEL)) == known


def test_a_place_without_code_is_skipped() -> None:
    """A loop that is unrolled and makes no turn."""
    kernel = parse(SOURCE.replace("    y = wp.sin(y)\n", "    for k in range(0):\n        y = wp.sin(y)\n"))
    verdict = refusal.judge(kernel, EDITS["too many arguments of a builtin"])
    assert (verdict.status, verdict.reason) == ("skipped", "Warp generates no code for the place")


def asked() -> list[Verdict]:
    """What a campaign would ask of the kernel, drawn in several ways."""
    verdicts: list[Verdict] = []
    for n in range(6):
        case = Case(parse(SOURCE.replace("100.0", f"10{n}.0")), CASE.launch)
        (outcome,) = judge_cases([case], Checks(("refusal",), ("cpu",)))
        verdicts += outcome.verdicts
    return verdicts


def test_it_is_asked(monkeypatch: Patch) -> None:
    assert all(verdict.status == "passed" or verdict.setting.row in ACCEPTED for verdict in asked())
    swallow(monkeypatch)
    found = asked()
    assert {verdict.kind for verdict in found} == {"accepted"}
    assert len({verdict.setting.row for verdict in found}) > 2


def test_a_kernel_without_a_place_is_skipped() -> None:
    kernel = parse("import warp as wp\n\n\n@wp.kernel\ndef kernel(x: wp.array(dtype=float)):\n    pass\n")
    case = Case(kernel, Launch((1,), {"x": np.ones(1, np.float32)}))
    (outcome,) = judge_cases([case], Checks(("refusal",), ("cpu",)))
    assert outcome.verdicts == (REFUSAL.skipped("no edit fits"),)
