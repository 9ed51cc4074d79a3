"""The static oracle: sound code passes, and each kind of planted defect is noticed, by the check that is about it.

The defects are planted in Warp's code generator at run time.  No kernel is built or launched here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import finding_kernels
import numpy as np
import pytest
from code_generator import Patch, around_loops, codegen, forward, reverse, text_of, without_adjoints_of

import kernelfuzz
from kernelfuzz.findings import known
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import report
from kernelfuzz.findings.known import explained_by
from kernelfuzz.findings.likeness import alike, looks
from kernelfuzz.findings.recognised import RECOGNISED
from kernelfuzz.findings.reproducer import reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles import compile, static
from kernelfuzz.oracles.chunk import Chunk
from kernelfuzz.oracles.judge import explain, judge_again, judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.static_checks import CHECKS, operation
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.reference.deviations import DEVIATIONS
from kernelfuzz.rewrites.workarounds import WORKAROUNDS
from kernelfuzz.strategies.kernel import generate_with
from kernelfuzz.strategies.options import check_options
from kernelfuzz.syntax.parse import parse

# A function, branches, an early return, two kinds of loop, joined conditions, a field: what the checks are about.
SOURCE = """
import warp as wp


@wp.struct
class Pair:
    a: float
    b: float


@wp.func
def scaled(x: float, n: int) -> float:
    if n > 3:
        return wp.sin(x)
    return x * 2.0


@wp.kernel
def kernel(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    i = wp.tid()
    s = Pair()
    s.a = x[i]
    y = s.a * x[i]
    if n > 5 and x[i] > 0.5:
        y = wp.cos(y) - 1.0
    else:
        y = wp.min(y, 3.0)
    if y > 100.0:
        return
    for k in range(n):
        z = y * x[k]
        if z > 50.0:
            break
        out[i] = scaled(z, k) + float(k)
    out[i] = y * s.a
"""


def judged(source: str = SOURCE) -> Verdict:
    (verdict,) = static.judge([parse(source)])
    return verdict


def test_sound_code_passes() -> None:
    assert judged().status == "passed"


@pytest.mark.parametrize(
    "feature", ["break", "early_return", "nested_loop", "outlive", "struct", "tile", "tuple_return"]
)
def test_drawn_kernels_pass(feature: str) -> None:
    options = check_options(include=[feature], size="small")
    verdicts = static.judge([generate_with(options, 3, index) for index in range(6)])
    assert [(verdict.status, verdict.reason) for verdict in verdicts] == [("passed", "")] * 6


# ----------------------------------------------------------------------------------- planted defects


def drop_in_a_branch(patch: Patch) -> None:
    """A variable that one branch assigns is read and never written."""
    forward(patch, lambda statement, replay: ("// " + statement if "wp::cos(" in statement else statement, replay))


def merge_the_wrong_way(patch: Patch) -> None:
    """Behind a branch, the value of the other branch is taken."""
    original = codegen().Adjoint.add_builtin_call

    def add_builtin_call(adjoint: Any, name: str, args: list[Any], *more: Any, **named: Any) -> Any:
        turned = [args[0], args[2], args[1]] if name == "where" else args
        return original(adjoint, name, turned, *more, **named)

    patch.setattr(codegen().Adjoint, "add_builtin_call", add_builtin_call)


def label_without_goto(patch: Patch) -> None:
    """The replay of a return goes on."""
    forward(patch, lambda text, replay: (text, f"// {replay}" if replay and replay.startswith("goto") else replay))


def goto_without_label(patch: Patch) -> None:
    reverse(patch, lambda statement: "" if statement.startswith("label") else statement)


def loop_without_its_end(patch: Patch) -> None:
    forward(patch, lambda text, replay: (f"// {text}" if text.startswith("end_for") else text, replay))


def arguments_of_others(patch: Patch) -> None:
    """On the CPU every argument comes from the field of another."""
    text_of(patch, "codegen_func_forward", lambda text, _: text.replace("_wp_args->x;", "_wp_args->out;"))


def other_field_on_cuda(patch: Patch) -> None:
    """A struct is generated for the CPU and then for CUDA."""
    original, devices = codegen().codegen_struct, iter(("cpu", "cuda"))

    def struct(*args: Any, **more: Any) -> str:
        text = original(*args, **more)
        return text if next(devices) == "cpu" else text.replace("wp::float32 b;", "wp::float64 b;")

    patch.setattr(codegen(), "codegen_struct", struct)


def no_function_for_the_adjoint(patch: Patch) -> None:
    """The text for CUDA has the adjoint of no function."""
    original = codegen().codegen_func

    def function(adjoint: Any, *, device: str, **more: Any) -> str:
        more.update({"forward_only": True} if device == "cuda" else {})
        return original(adjoint, device=device, **more)

    patch.setattr(codegen(), "codegen_func", function)


def other_call_in_the_replay(patch: Patch) -> None:
    forward(patch, lambda text, replay: (text, (replay or text).replace("wp::min(", "wp::max(")))


def stores_again(patch: Patch) -> None:
    """The replay writes to arrays."""
    forward(patch, lambda text, replay: (text, text if "array_store" in text else replay))


def other_operator_on_cuda(patch: Patch) -> None:
    text_of(
        patch, "codegen_func_forward", lambda t, device: t.replace("wp::sub(", "wp::add(") if device == "cuda" else t
    )


def return_from_the_loop_over_the_grid(patch: Patch) -> None:
    text_of(patch, "codegen_func_forward", lambda t, device: t.replace("continue;", "return;"))


def adjoint_returns_from_the_loop_over_the_grid(patch: Patch) -> None:
    text_of(patch, "codegen_func_reverse", lambda t, device: t.replace("continue;", "return;"))


def other_adjoint_on_cuda(patch: Patch) -> None:
    text_of(
        patch, "codegen_func_reverse", lambda t, device: t.replace("adj_sub(", "adj_add(") if device == "cuda" else t
    )


def adjoint_dropped(patch: Patch) -> None:
    without_adjoints_of(patch, "sin")


def adjoint_of_a_field_dropped(patch: Patch) -> None:
    reverse(patch, lambda statement: "" if ".a +=" in statement else statement)


def adjoint_with_other_operands(patch: Patch) -> None:
    """``adj_sub(a, b, ...)`` gets a and a."""

    def change(statement: str) -> str:
        head, found, rest = statement.partition("adj_sub(")
        first, *others = rest.split(", ")
        return head + found + ", ".join([first, first, *others[1:]]) if found else statement

    reverse(patch, change)


def adjoints_in_the_wrong_order(patch: Patch) -> None:
    """The adjoint of a difference comes before those of what follows it."""
    original = codegen().Adjoint.add_reverse

    def add_reverse(adjoint: Any, statement: str) -> None:
        original(adjoint, statement)
        if "adj_sub(" in statement:
            block = adjoint.blocks[-1].body_reverse
            block[-2:] = block[:-3:-1]

    patch.setattr(codegen().Adjoint, "add_reverse", add_reverse)


def branch_turned_in_the_reverse_pass(patch: Patch) -> None:
    reverse(patch, lambda text: text.replace("if (!", "if (") if text.startswith("if (!") else text)


def loop_not_reset(patch: Patch) -> None:
    """The adjoints of one turn are left for the next."""
    around_loops(patch, lambda adjoint: adjoint.blocks[-1].vars.clear(), lambda lines: lines)


def loop_resets_too_much(patch: Patch) -> None:
    """A turn drops the adjoints of what is computed before the loop."""
    around_loops(patch, lambda adjoint: adjoint.blocks[-1].vars.extend(adjoint.blocks[-3].vars), lambda lines: lines)


def loop_not_turned(patch: Patch) -> None:
    """The backward pass of a loop starts with its first turn."""
    around_loops(patch, lambda adjoint: None, lambda lines: [line for line in lines if "iter_reverse" not in line])


def loop_not_replayed(patch: Patch) -> None:
    """A turn of the backward pass has the values of another."""
    around_loops(patch, lambda adjoint: adjoint.blocks[-1].body_replay.clear(), lambda lines: lines)


@dataclass(frozen=True)
class Defect:
    """What is planted, the check that notices it, and a part of the statement that it names."""

    plant: Callable[[Patch], None]
    check: str
    names: str


DEFECTS = (
    Defect(label_without_goto, "labels", "label"),
    Defect(goto_without_label, "labels", "goto label"),
    Defect(loop_without_its_end, "labels", "goto end_for"),
    Defect(arguments_of_others, "devices", "var"),
    Defect(other_field_on_cuda, "devices", "wp::float32 b"),
    Defect(no_function_for_the_adjoint, "devices", "adj"),
    Defect(other_operator_on_cuda, "devices", "sub("),
    Defect(other_adjoint_on_cuda, "devices", "adj_sub("),
    Defect(return_from_the_loop_over_the_grid, "devices", "continue"),
    Defect(adjoint_returns_from_the_loop_over_the_grid, "devices", "continue"),
    Defect(drop_in_a_branch, "written", "sub("),
    Defect(merge_the_wrong_way, "written", "var"),
    Defect(other_call_in_the_replay, "replay", "min("),
    Defect(stores_again, "replay", "array_store("),
    Defect(loop_not_replayed, "replay", "address("),
    Defect(adjoint_dropped, "adjoint", "adj_sin("),
    Defect(adjoint_of_a_field_dropped, "adjoint", "adj.a"),
    Defect(adjoint_with_other_operands, "adjoint", "adj_sub("),
    Defect(branch_turned_in_the_reverse_pass, "adjoint", "if (!var)"),
    Defect(adjoints_in_the_wrong_order, "order", "adj"),
    Defect(loop_not_turned, "loops", "iter_reverse"),
    Defect(loop_not_reset, "resets", "adj = {}"),
    Defect(loop_resets_too_much, "resets", "adj = {}"),
)


def test_each_check_has_its_defect() -> None:
    assert {defect.check for defect in DEFECTS} == set(CHECKS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.plant.__name__)
def test_a_planted_defect_is_noticed(defect: Defect, monkeypatch: Patch) -> None:
    defect.plant(monkeypatch)
    verdict = judged()
    assert (verdict.status, verdict.kind) == ("failed", "malformed code"), verdict.reason
    assert verdict.malformed is not None
    assert verdict.malformed.check == defect.check, verdict.reason
    assert defect.names in verdict.malformed.operation, verdict.reason
    # A script cannot tell the bug from other code by no lines at all.
    assert verdict.malformed.lines


# ------------------------------------------------------------------- as the rest of kernelfuzz sees it


def case(source: str = SOURCE) -> Case:
    inputs = {"x": np.ones(4, np.float32), "n": np.array(3, np.int32), "out": np.zeros(4, np.float32)}
    return Case(parse(source), Launch((4,), inputs))


# The function of the kernel, without all else: what reduction would leave.
SMALLER = """
import warp as wp


@wp.func
def other(y: float) -> float:
    return wp.sin(y)


@wp.kernel
def kernel(x: wp.array(dtype=float), n: int, out: wp.array(dtype=float)):
    out[0] = other(x[0])
"""


def test_a_failure_is_asked_again_explained_and_shown(monkeypatch: Patch) -> None:
    without_adjoints_of(monkeypatch, "sin")
    (outcome,) = judge_cases([case()], Checks(("static",), ("cpu",)))
    (failed,) = outcome.failed
    name = signature(failed, case().kernel)
    assert name == "malformed code: adjoint: wp::adj_sin(var, adj)"
    small = case(SMALLER)
    (again,) = judge_again([small], failed)
    assert alike(failed, looks(failed, case().kernel), again, small.kernel)
    evidence = explain(small, again)
    assert "expected: wp::adj_sin(" in evidence.message
    assert "wp::sin(" in evidence.generated
    finding = Finding(name, again, small, small, message=evidence.message)
    assert "wp::adj_sin(" in reproducer(finding)
    assert "wp::adj_sin(" in report(finding)
    monkeypatch.undo()
    assert [verdict.status for verdict in judge_again([small], failed)] == ["passed"]


def test_of_several_faults_the_same_one_is_found_again(monkeypatch: Patch) -> None:
    without_adjoints_of(monkeypatch, "sin")
    lost = judged(SMALLER)
    other_operator_on_cuda(monkeypatch)
    other_adjoint_on_cuda(monkeypatch)
    first = judged()
    assert first.malformed is not None
    assert first.malformed.check == "devices"
    (again,) = judge_again([case()], lost)
    assert again.malformed is not None
    assert lost.malformed is not None
    assert again.malformed.alike(lost.malformed)


def test_check_fails_with_a_script(monkeypatch: Patch, tmp_path: Path) -> None:
    loop_not_turned(monkeypatch)
    with pytest.raises(kernelfuzz.KernelFailed, match="malformed code: loops: var = wp::iter_reverse"):
        kernelfuzz.check(case().kernel, oracles=["static"], scripts=tmp_path)
    (script,) = tmp_path.iterdir()
    assert "statements(source.read_text(), " in script.read_text()


def test_a_kernel_is_lowered_once_for_two_oracles(monkeypatch: Patch) -> None:
    asked: list[str] = []
    original = compile.rejected
    monkeypatch.setattr(compile, "rejected", lambda kernels: asked.extend(k.name for k in kernels) or original(kernels))
    monkeypatch.setattr(Chunk, "samples", lambda *_: False)
    (outcome,) = judge_cases([case()], Checks(("static", "compile"), ("cpu",)))
    assert not outcome.failed
    assert asked == []


def test_what_is_not_lowered_is_left_to_the_compile_oracle(monkeypatch: Patch) -> None:
    monkeypatch.setitem(codegen().builtin_operators, ast.Sub, "no_such_builtin")
    assert (judged().status, judged().reason) == ("skipped", "not lowered: codegen")
    (outcome,) = judge_cases([case()], Checks(("static", "compile"), ("cpu",)))
    assert [(verdict.oracle, verdict.kind) for verdict in outcome.failed] == [("compile", "rejected")]


def test_what_is_not_understood_is_skipped_with_the_statement(monkeypatch: Patch) -> None:
    forward(monkeypatch, lambda text, replay: (f"auto {text}" if "= wp::sin(" in text else text, replay))
    verdict = judged()
    assert verdict.status == "skipped"
    assert verdict.reason.startswith("not understood: auto var_")


def test_a_counter_that_a_loop_may_not_set_is_the_known_bug() -> None:
    kernel = finding_kernels.empty_loop()
    (failed,) = judge_again([kernel], static.judge([parse(SOURCE)])[0])
    assert failed.malformed is not None
    assert (failed.malformed.check, failed.malformed.actual[:16]) == ("written", "wp::array_store(")
    assert explained_by(kernel, failed, WORKAROUNDS, judge_again) == "empty-loop-loses-the-counter"


def load_behind_the_branch(patch: Patch) -> None:
    """As Warp did up to 1.11.0 (notes/findings/ternary-loads-too-late)."""

    def emit_IfExp(adjoint: Any, node: ast.IfExp) -> Any:
        condition = adjoint.eval(node.test)
        adjoint.begin_if(condition)
        body = adjoint.eval(node.body)
        adjoint.end_if(condition)
        adjoint.begin_else(condition)
        orelse = adjoint.eval(node.orelse)
        adjoint.end_else(condition)
        return adjoint.add_builtin_call("where", [condition, body, orelse])

    patch.setitem(codegen().Adjoint.node_visitors, ast.IfExp, emit_IfExp)


def store_a_part_again(patch: Patch) -> None:
    """As Warp did from 1.14 to 1.17 (notes/findings/part-is-stored-again)."""

    def change(text: str, replay: str | None) -> tuple[str, str | None]:
        stored = re.fullmatch(r"wp::store\(&\((wp::index\(.*)\), (var_\d+)\);", text)
        return (text, replay) if stored is None else (f"{stored[1]} = {stored[2]};", None)

    forward(patch, change)


def test_an_element_that_is_loaded_behind_its_branch_is_a_bug_of_old_releases(monkeypatch: Patch) -> None:
    load_behind_the_branch(monkeypatch)
    kernel = finding_kernels.ternary_of_an_element()
    (failed,) = static.judge([kernel.kernel])
    assert explained_by(kernel, failed, WORKAROUNDS, judge_again) is None
    monkeypatch.setattr(known, "applicable", lambda **_: tuple(DEVIATIONS.values()))
    assert explained_by(kernel, failed, WORKAROUNDS, judge_again) == "ternary-loads-too-late"


PART = """
import warp as wp


@wp.kernel
def kernel(out: wp.array(dtype={of})):
    out[0]{part} = 2.0
"""


@pytest.mark.parametrize(("of", "part"), [("wp.vec3", ".y"), ("wp.vec3", "[1]"), ("wp.mat22", "[1, 0]")])
def test_a_part_that_is_stored_again_is_the_known_bug(of: str, part: str, monkeypatch: Patch) -> None:
    source = PART.format(of=of, part=part)
    assert judged(source).status == "passed"
    store_a_part_again(monkeypatch)
    failed = judged(source)
    assert RECOGNISED.match(signature(failed, parse(source))) == "part-is-stored-again"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("var_3 = wp::add(var_1, var_2);", "var_30 = wp::add(var_p0, var_2);"),
        ("adj_f0_0(var_1, adj_1, adj_2);", "adj_scaled_1(var_7, var_8, adj_7, adj_8, adj_3);"),
        ("if (iter_cmp(var_1) == 0) goto end_for_0;", "if (iter_cmp(var_7) == 0) goto end_for_12;"),
        ("var_1 = wp::vec_t<3, wp::float32>(var_0);", "var_5 = wp::vec_t<4, wp::float32>(var_1, var_2);"),
    ],
)
def test_an_operation_has_no_numbers(one: str, other: str) -> None:
    assert operation(one) == operation(other)


def test_operations_are_told_apart() -> None:
    assert len({operation(f"var_3 = wp::{name}(var_1);") for name in ("sin", "cos", "adj_sin")}) == 3
