"""The first example of a process is no slower than the others: nothing is imported while a test runs.

libcst is imported for those who draw or print a kernel, and for nobody else.  Its import can take longer than
the 200 ms that Hypothesis allows the body of a test; these tests look at what is imported, and at no clock.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys

from hypothesis import HealthCheck, given, settings, strategies as st

import kernelfuzz
from kernelfuzz.ir.nodes import Kernel, Literal
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import FLOAT32, Scalar
from kernelfuzz.strategies import expressions, functions, kernels, launches, scalars, statements, types


class Work:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel


def imported() -> set[str]:
    return {{name for name in sys.modules if name.partition(".")[0] in ("kernelfuzz", "libcst")}}


@settings(max_examples=3, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given({strategy}, st.data())
def test(value: object, data: st.DataObject) -> None:
    before = imported()
    {use}
    assert imported() == before, sorted(imported() - before)


strategy = {strategy}
assert "kernelfuzz.syntax.render" not in sys.modules or {asked_at_once}, "imported by the definition"
test()
"""

PRINT = "str(value), repr(value)"
KERNEL = "str(value), repr(value), kernelfuzz.render(value), kernelfuzz.verify(value)"
LAUNCH = "str(value), repr(data.draw(launches(value)))"


def run(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("strategy", "use"),
    [
        ('kernels(size="small")', KERNEL),
        ('kernels(size="small")', LAUNCH),
        ("functions()", PRINT),
        ("statements()", PRINT),
        ("expressions(FLOAT32)", PRINT),
        ("types()", PRINT),
        ('scalars("int8")', PRINT),
        ("st.builds(Work)", "str(value.kernel), repr(value.kernel)"),
    ],
)
def test_printing_imports_nothing_in_the_body(strategy: str, use: str) -> None:
    run(PROGRAM.format(strategy=strategy, use=use, asked_at_once=False))


@pytest.mark.parametrize("kind", ["Kernel", "Case", "Literal", "Scalar"])
def test_printing_what_is_registered_for_a_type_imports_nothing_in_the_body(kind: str) -> None:
    # Hypothesis evaluates what is registered for a type as soon as a strategy for the type is made.
    run(PROGRAM.format(strategy=f"st.from_type({kind})", use=PRINT, asked_at_once=True))


def test_a_strategy_is_ready_before_its_first_draw() -> None:
    """Where it were only then, the import would count as slow data; and an explicit example has no draw."""
    run("""
import sys

from hypothesis import Phase, example, given, settings

from kernelfuzz.strategies import kernels

ran = []


@settings(phases=[Phase.explicit])
@example(None)
@given(kernels())
def test(kernel: object) -> None:
    ran.append("kernelfuzz.syntax.paste" in sys.modules)


assert "kernelfuzz.syntax.render" not in sys.modules
test()
assert ran == [True], ran
""")
