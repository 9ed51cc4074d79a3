"""What a known bug refuses is built by itself, and judged as any kernel is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import modules
from kernelfuzz.oracles.built_apart import REFUSED, is_built_apart
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.syntax.parse import parse

CORNER = """
import warp as wp

CORNER = wp.constant(wp.vec3(0.0, 0.0, 0.0))


@wp.kernel
def {name}(p: wp.array(dtype=wp.vec3), out: wp.array(dtype=int)):
    out[0] = wp.intersect_tri_tri({first}, p[1], p[2], p[3], p[4], p[5])
"""


def case(name: str, first: str) -> Case:
    points = np.arange(18, dtype=np.float32).reshape(6, 3) % 7
    return Case(parse(CORNER.format(name=name, first=first)), Launch((1,), {"p": points, "out": np.zeros(1, np.int32)}))


def test_it_costs_the_others_no_second_build(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    original = modules.loaded

    def counted(source: str, *args: object, **options: object) -> object:
        built.append(source.count("@wp.kernel"))
        return original(source, *args, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]

    monkeypatch.setattr(modules, "loaded", counted)
    cases = [case("one", "p[0]"), case("captured", "CORNER"), case("two", "p[0]")]
    outcomes = judge_cases(cases, Checks(("value",), ("cpu",)))
    assert sorted(built) == [1, 2]
    assert [each.verdicts[0].status for each in outcomes] == ["passed", "failed", "passed"]
    assert outcomes[1].verdicts[0].kind == "does not compile"


def test_each_row_is_a_known_bug_and_no_other_kernel_meets_it() -> None:
    pages = Path(__file__).parents[2] / "notes" / "findings"
    assert all((pages / f"{name}.md").exists() for name in REFUSED)
    assert is_built_apart(case("captured", "CORNER").kernel)
    assert not is_built_apart(case("plain", "p[0]").kernel)
