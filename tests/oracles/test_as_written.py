"""The gradient of a kernel is judged as it is written: loops of every kind, and defects planted in their adjoints."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import documented_gradients as documented
import numpy as np
import pytest

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import While
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles import gradient
from kernelfuzz.oracles.request import draw_case
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import history
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.options import check_options
from kernelfuzz.toolchain import compat
from kernelfuzz.typecheck.builtins import at_least

pytestmark = pytest.mark.skipif(not at_least(1, 14), reason="what was written has no gradient of its own there")

OPTIONS = (("fast_math", False), ("fuse_fp", False), ("optimization_level", 0))
SETTINGS = [BuildSetting("cpu", OPTIONS), BuildSetting("cuda-host", OPTIONS, 32, 2)]

# What released Warp gets wrong: notes/findings/leaving-a-dynamic-loop.
LEFT = {"a break", "a continue after something"}


def point_of(body: str, functions: str = "") -> gradient.Point:
    compat.initialize()
    point = gradient.prepare_at(documented.case_of(body, functions))
    assert isinstance(point, gradient.Point), point
    return point


POINTS = {name: (body, documented.FUNCTIONS if "total" in body else "") for name, body in documented.KNOWN.items()}
POINTS |= {name: (body, "") for name, (body, _) in documented.MASKED.items()}
# Every output depends on what is lost: nothing can be asked.
NOTHING_LEFT = [POINTS.pop(name) for name in ("a store to such a place", "a continue by such a condition")]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.target)
def test_warp_does_what_it_documents(setting: BuildSetting) -> None:
    verdicts = gradient.judge([point_of(*each) for each in POINTS.values()], setting)
    failed = {name for name, verdict in zip(POINTS, verdicts, strict=True) if verdict.status != "passed"}
    assert failed == LEFT & set(POINTS)


@pytest.mark.parametrize("body", [body for body, _ in NOTHING_LEFT])
def test_a_kernel_of_which_nothing_can_be_asked_is_skipped(body: str) -> None:
    verdict = gradient.prepare_at(documented.case_of(body))
    assert isinstance(verdict, Verdict)
    assert verdict.status == "skipped"


def test_a_store_over_a_store_is_asked_of_no_warp_that_leaves_the_gradient_to_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = documented.KNOWN["a store over a store"] + "\n    out[1] = x[2]"
    assert not point_of(body).lossy
    monkeypatch.setattr(history, "at_least", lambda *_: False)
    seeds = point_of(body).seeds["out"]
    assert isinstance(seeds, np.ndarray)
    assert seeds[:2].tolist() == [0.0, 2.0]


def test_random_numbers_between_what_moves_have_no_documented_gradient() -> None:
    low = "    low = -wp.abs(wp.float32(x[0]))\n"
    point = point_of(low + "    out[0] = wp.float64(wp.randf(wp.rand_init(7), low, 9.0)) + x[1]")
    assert point.lossy
    seeds = point.seeds["out"]
    assert isinstance(seeds, np.ndarray)
    assert seeds[0] == 0.0
    assert seeds[1] != 0.0


@pytest.mark.parametrize(
    "body",
    [
        "    y = out[0] ** x[0]\n    out[0] = -x[1]\n    out[1] = x[1]",
        "    y = wp.sqrt(out[0])\n    out[0] = wp.float64(0.0)\n    out[1] = x[1]",
    ],
)
def test_zero_times_what_comes_of_a_lost_value_is_no_finding(body: str) -> None:
    """The adjoint of what no output depends on finds a number in the array of which it makes infinity or NaN."""
    point = point_of(body)
    assert not point.lossy
    assert judged(point).reason == "not judged: what is lost is not finite"
    known = point_of("    y = out[0] ** x[0]\n    out[1] = x[1]")
    assert not known.spoilt
    assert judged(known).status == "passed"


def test_a_known_bug_is_told_beside_what_comes_of_a_lost_value() -> None:
    """Warp's gradient of x[1] is that of a known bug; that of out[0] is no number, because what it needs is lost."""
    lost = "    y = out[0] ** wp.float64(0.0)\n    out[0] = wp.float64(0.0)\n"
    point = point_of(lost + "    out[1] = x[0] % x[1]")
    assert point.spoilt
    verdict = judged(point)
    assert verdict.mismatch is not None
    assert verdict.mismatch.output == "x"
    assert verdict.bugs == ("remainder-ignores-the-divisor",)


def test_a_loop_that_never_ends_backwards_is_not_run() -> None:
    loop = "    w = int(0)\n    while w < n:\n        w += 1\n"
    left = documented.case_of(loop + "        out[0] = x[0]\n        if n > 2:\n            return")
    assert gradient.prepare_at(left) == gradient.GRADIENT.skipped(gradient.ENDLESS)
    inside = documented.case_of(loop + "        for i in range(n):\n            return")
    assert gradient.prepare_at(inside) != gradient.GRADIENT.skipped(gradient.ENDLESS)


# ------------------------------------------------------------------------------------ planted defects


def adjoint() -> Any:
    """What generates a function, to be patched: what the package itself must not touch, a test may."""
    return importlib.import_module("warp._src.codegen").Adjoint


def plant_no_adjoint_of_while(monkeypatch: pytest.MonkeyPatch) -> None:
    original = adjoint().end_while

    def end_while(self: Any) -> None:
        before = len(self.blocks[-3].body_reverse)
        original(self)
        del self.blocks[-1].body_reverse[before:]

    monkeypatch.setattr(adjoint(), "end_while", end_while)


def reversing(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any, str], str | None]) -> None:
    """Every statement of an adjoint becomes what ``change`` makes of it; None leaves it out."""
    original = adjoint().add_reverse

    def add_reverse(self: Any, statement: str) -> None:
        changed = change(self, statement)
        if changed is not None:
            original(self, changed)

    monkeypatch.setattr(adjoint(), "add_reverse", add_reverse)


def plant_negated_sin_in_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(self: Any, statement: str) -> str:
        inside = self.loop_blocks and "adj_sin(" in statement
        return re.sub(r", (adj_\w+)\);$", r", -\1);", statement) if inside else statement

    reversing(monkeypatch, change)


def plant_no_adjoint_of(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        reversing(monkeypatch, lambda self, statement: None if f"adj_{name}(" in statement else statement)

    return plant


def plant_nothing_after_a(kind: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The adjoint of a loop's body ends at its first ``break`` or ``continue``."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        original, dropped = getattr(adjoint(), f"emit_{kind}"), set[int]()

        def emit(self: Any, node: Any) -> None:
            original(self, node)
            dropped.add(id(self.loop_blocks[-1]))

        def change(self: Any, statement: str) -> str | None:
            gone = self.loop_blocks and id(self.loop_blocks[-1]) in dropped
            return None if gone and statement.startswith("wp::adj_") else statement

        visitors = adjoint().node_visitors
        node = next(each for each in visitors if each.__name__ == kind)
        monkeypatch.setitem(visitors, node, emit)
        reversing(monkeypatch, change)

    return plant


PLANTED: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "no adjoint of while": (plant_no_adjoint_of_while, "a while"),
    "sin negated in a loop": (plant_negated_sin_in_loops, "a sum"),
    "no adjoint of atomic_min": (plant_no_adjoint_of("atomic_min"), "a minimum"),
    "no adjoint of atomic_max": (plant_no_adjoint_of("atomic_max"), "a maximum"),
    "nothing after a continue": (plant_nothing_after_a("Continue"), "a continue"),
    "nothing after a break": (plant_nothing_after_a("Break"), "a break that is not taken"),
    "no adjoint of assign": (plant_no_adjoint_of("assign"), "a multiple of a constant"),
    "no adjoint of a store": (plant_no_adjoint_of("array_store"), "a store over a store"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant, concerned = PLANTED[name]
    point = point_of(*POINTS[concerned])
    assert judged(point).status == "passed"
    plant(monkeypatch)
    verdict = judged(point)
    assert (verdict.status, verdict.kind) == ("failed", "wrong gradient")


def judged(point: gradient.Point) -> Verdict:
    (verdict,) = gradient.judge([point], SETTINGS[0])
    return verdict


# --------------------------------------------------------------------------------------- drawn kernels


def prepared(count: int) -> list[tuple[Case, gradient.Point]]:
    compat.initialize()
    cases = [draw_case(check_options(), 5, index) for index in range(count)]
    points = [gradient.prepare(case.kernel, SeededChoices("as written", at)) for at, case in enumerate(cases)]
    return [(case, point) for case, point in zip(cases, points, strict=True) if isinstance(point, gradient.Point)]


def test_most_drawn_kernels_are_judged_as_written_and_tell_something() -> None:
    """Two thirds of all that have float outputs, and 80 % of those that are judged."""
    found = prepared(150)
    outputs = sum(bool(gradient.seeds_of(draw_case(check_options(), 5, index))) for index in range(150))
    assert sum(point.as_written for _, point in found) >= 0.65 * outputs
    assert sum(point.tells for _, point in found) >= 0.8 * len(found)
    written = [case.kernel for case, point in found if point.as_written]
    assert any(isinstance(node, While) for kernel in written for node in walk(kernel))


def test_what_tells_nothing_is_what_a_backward_pass_that_does_nothing_leaves() -> None:
    assert point_of("    out[0] = x[0]").tells
    assert point_of("    out[0] = wp.float64(1.0)").tells  # its gradient becomes zero
    nothing = point_of("    out[0] += wp.float64(1.0)")
    assert not nothing.tells
    assert np.asarray(nothing.expected["out"]).tolist() == np.asarray(nothing.seeds["out"]).tolist()
