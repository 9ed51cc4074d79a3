"""``st.from_type`` of our classes, in either order of imports, and what that imports."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelfuzz.from_type import FOUND, MADE
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import Expr, Function, Kernel, Stmt
from kernelfuzz.ir.types import Type, Value
from kernelfuzz.syntax.render import render_expression, render_statements
from kernelfuzz.typecheck.verify import verify

few = settings(max_examples=10, deadline=None, suppress_health_check=[*HealthCheck])  # pyright: ignore[reportArgumentType]


@dataclass
class Work:
    """Somebody's class whose fields are annotated with types of ours."""

    kernel: Kernel
    helper: Function


@few
@given(...)
def test_annotations_are_enough(kernel: Kernel, case: Case, type_: Type, value: Value) -> None:
    verify(kernel)
    verify(case.kernel)
    assert case.launch.inputs.keys() == {param.name for param in case.kernel.params}
    assert str(type_)
    assert isinstance(value, Value)


@few
@given(st.builds(Work), st.from_type(Launch))
def test_builds_finds_them(work: Work, launch: Launch) -> None:
    verify(work.kernel)
    assert render_statements(work.helper.body)
    assert 1 <= len(launch.dim) <= 4


@few
@given(st.from_type(Expr), st.from_type(Stmt))  # pyright: ignore[reportArgumentType]
def test_unions_are_drawn_as_their_members(expression: Any, statement: Any) -> None:
    assert render_expression(expression)
    assert render_statements((statement,))


@pytest.mark.parametrize("kind", [*MADE, *FOUND], ids=lambda kind: kind.__name__)
def test_every_class_is_drawn(kind: type[Any]) -> None:
    drawn: list[object] = []

    @settings(few, max_examples=3, database=None)
    @given(st.from_type(kind))
    def test(each: object) -> None:
        drawn.append(each)

    test()
    assert drawn
    assert {type(each) for each in drawn} == {kind}


def loaded(program: str) -> tuple[list[str], set[str]]:
    """What a fresh process prints, and which of the heavy packages it has at the end."""
    watched = ("warp", "libcst", "numpy", "kernelfuzz.ir", "kernelfuzz.strategies", "kernelfuzz.from_type")
    last = f"\nimport sys\nprint(*(set({watched!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program + last], capture_output=True, text=True, check=True)
    *printed, names = done.stdout.split("\n")[:-1]
    return printed, set(names.split())


DRAW = """
@settings(max_examples=1, database=None, deadline=None)
@given(...)
def test(kernel: Kernel):
    print(type(kernel.body).__name__)
test()
"""
HYPOTHESIS = "from hypothesis import given, settings\n"


@pytest.mark.parametrize(
    "program",
    [
        HYPOTHESIS + "from kernelfuzz.ir.nodes import Kernel",
        "from kernelfuzz.ir.nodes import Kernel\n" + HYPOTHESIS,
        "from kernelfuzz.strategies import kernels\nfrom kernelfuzz.ir.nodes import Kernel\n" + HYPOTHESIS,
    ],
    ids=["hypothesis first", "kernelfuzz first", "strategies first"],
)
def test_in_a_fresh_process(program: str) -> None:
    printed, names = loaded(program + DRAW)
    assert printed == ["tuple"]
    assert "warp" not in names


def test_hypothesis_alone_imports_nothing_of_it() -> None:
    assert loaded("import hypothesis, hypothesis.strategies") == ([], set())


def test_the_classes_alone_import_no_hypothesis() -> None:
    printed, names = loaded("import sys, kernelfuzz.ir.nodes\nprint('hypothesis' in sys.modules)")
    assert printed == ["False"]
    assert names == {"kernelfuzz.ir"}


def test_registering_imports_no_strategies() -> None:
    _, names = loaded("import hypothesis, kernelfuzz.ir.nodes")
    assert names == {"kernelfuzz.ir", "kernelfuzz.from_type", "numpy"}
