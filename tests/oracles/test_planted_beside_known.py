"""A defect in the construct of a known bug is not that bug: each planted here fails, and nothing predicts it."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import finding_kernels as kernels  # pyright: ignore[reportMissingImports]
import numpy as np
import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.oracles.judge import judge_cases
from kernelfuzz.oracles.request import Checks
from kernelfuzz.reference.deviations import applicable
from kernelfuzz.syntax.parse import parse
from kernelfuzz.typecheck.builtins import at_least

pytestmark = pytest.mark.skipif(not at_least(1, 19), reason="the defects are edits of the code generator of Warp 1.19")


@dataclass(frozen=True)
class Defect:
    """An edit of a method of Warp's code generator, and the kernel of the known bug that it is planted beside."""

    bug: str
    name: str
    method: str
    old: str
    new: str
    case: Callable[[], Case]


def text(body: str, **inputs: np.ndarray) -> Case:
    """A kernel of one thread from its statements; the parameters are those of ``inputs``."""
    types = {"int32": "int", "float32": "float", "float64": "wp.float64", "int64": "wp.int64", "bool": "bool"}
    params = ", ".join(f"{name}: wp.array(dtype={types[value.dtype.name]})" for name, value in inputs.items())
    source = f"import warp as wp\n\n\n@wp.kernel\ndef kernel({params}):\n{textwrap.indent(body, '    ')}\n"
    return Case(parse(source), Launch((1,), inputs))


def three_names() -> Case:
    return text(
        "a = out[0] + 1\nb = out[0] + 2\nc = out[0] + 3\nx, y, z = a, b, c\nout[0] = x\nout[1] = y\nout[2] = z",
        out=kernels.ints(5, 0, 0),
    )


def negated() -> Case:
    return text("out[0] = -out[1]\nout[2] = out[1] - 1.0", out=np.array([0.0, 2.0, 0.0], np.float32))


def wide() -> Case:
    return text(
        "n = 7\ntotal = wp.int64(n)\nout[0] = total\nout[1] = wp.int64(n) + out[1]", out=np.array([0, 2], np.int64)
    )


def column() -> Case:
    """``m[:][0]``, which the reader takes for ``m[:, 0]`` as Warp does."""
    made = text(
        "m = wp.mat22(out[0], out[1], out[2], out[3])\nv = m[0] + m[1]\nout[4] = v[0] + m[0][1]\nout[5] = v[1]",
        out=np.array([1, 2, 3, 4, 0, 0], np.float32),
    )
    whole = t.Matrix(2, 2, t.FLOAT32)
    row = n.Index(
        n.Index(n.Name("m", whole), (n.Slice(None, None),), whole), (n.Literal(0, t.INT32),), t.Vector(2, t.FLOAT32)
    )
    assign = n.Assign(n.Name("v", row.type), row)
    body = tuple(assign if at == 1 else statement for at, statement in enumerate(made.kernel.body))
    return replace(made, kernel=replace(made.kernel, body=body))


def branched() -> Case:
    return text(
        "n = out[0] + 1\nif flags[0]:\n    n = out[0] + 7\nout[1] = n", flags=np.array([True]), out=kernels.ints(0, 0)
    )


def parts() -> Case:
    return text(
        "t = wp.transform(wp.vec3(out[0], 2.0, 3.0), wp.quat(0.0, 0.0, 0.0, 1.0))\n"
        "t.p.x = 7.0\nt.p = wp.vec3(4.0, out[1], 6.0)\nout[2] = t.p[0]\nout[3] = t.q[3] + t.p[1]",
        out=np.array([1, 5, 0, 0], np.float32),
    )


def reversed_into_itself() -> Case:
    return text(
        "v = wp.vec3(out[0], out[1], out[2])\nv[::-1] = v\nout[0] = v[0]\nout[1] = v[1]\nout[2] = v[2]",
        out=np.array([1, 2, 3], np.float32),
    )


def ordered() -> Case:
    return text("out[1] = 7\nif out[0] < out[1] + 0 < out[2] + 0:\n    out[3] = 1", out=kernels.ints(1, 0, 9, 0))


ASSIGN, IF, TERNARY = "Adjoint.emit_Assign", "Adjoint.emit_If", "Adjoint.emit_IfExp"
BINARY, UNARY, COMPARE = "Adjoint.emit_BinOp", "Adjoint.emit_UnaryOp", "Adjoint.add_comp"
STORE = "Adjoint._store_subscript"
INTO_PARTS = 'adj.add_builtin_call("assign_inplace", [target, *indices, rhs])'
CALL = "return adj.add_builtin_call(name, [left, right])"
MERGE = '"where", [cond, if_var, else_var]'

DEFECTS = (
    Defect("tuple-assignment-aliases", "names in the wrong order", ASSIGN,
        "in zip(names, out, strict=True)", "in zip(names, reversed(out), strict=True)", three_names),
    Defect("tuple-assignment-aliases", "the first value twice", ASSIGN,
        "            names = []\n", "            rhs = [rhs[0], rhs[0], *rhs[2:]]\n            names = []\n",
        three_names),
    Defect("tuple-assignment-aliases", "the first name keeps its value", ASSIGN,
        "                adj.symbols[name] = rhs\n\n        # handles the case",
        "                adj.symbols[name] = adj.symbols.get(name, rhs)\n\n        # handles the case",
        kernels.swapped),
    Defect("negated-zero", "no negation", UNARY,
        "return adj.add_builtin_call(name, [arg])", "return adj.add_builtin_call('pos', [arg])", negated),
    Defect("negated-zero", "-1 for -0", UNARY,
        "return adj.add_builtin_call(name, [arg])",
        "return adj.add_builtin_call('sub', [adj.add_builtin_call(name, [arg]), adj.add_constant(1.0)])",
        kernels.negated),
    Defect("vector-is-stored-into-itself", "the negative", STORE,
        INTO_PARTS, INTO_PARTS.replace("rhs", "adj.add_builtin_call('neg', [rhs])"), reversed_into_itself),
    Defect("vector-is-stored-into-itself", "the sum of the value with itself", STORE,
        INTO_PARTS, INTO_PARTS.replace("rhs", "adj.add_builtin_call('add', [rhs, rhs])"), reversed_into_itself),
    Defect("element-is-read-late", "a difference for a sum", BINARY,
        CALL, "return adj.add_builtin_call('sub' if name == 'add' else name, [left, right])", kernels.read_late),
    Defect("element-is-read-late", "the right operand twice", BINARY,
        "right = adj.eval(node.right)", "right = adj.eval(node.right); right = adj.eval(node.right)",
        kernels.read_late),
    Defect("element-is-read-late", "the left operand for the right one", BINARY,
        CALL, "return adj.add_builtin_call(name, [left, left])", kernels.read_late),
    Defect("condition-is-read-again", "the branches exchanged", IF,
        MERGE, '"where", [cond, else_var, if_var]', branched),
    Defect("condition-is-read-again", "the branch is not taken", IF,
        "adj.begin_if(cond)", "adj.begin_else(cond)", kernels.condition_changed),
    Defect("constant-ternary-aliases", "the other side", TERNARY,
        "return adj.eval(node.body) if cond.constant", "return adj.eval(node.orelse) if cond.constant",
        kernels.constant_ternary),
    Defect("constant-ternary-aliases", "the sum of both sides", TERNARY,
        "return adj.eval(node.body) if cond.constant else adj.eval(node.orelse)",
        "return adj.add_builtin_call('add', [adj.eval(node.body), adj.eval(node.orelse)])", kernels.constant_ternary),
    Defect("chained-comparison-is-eager", "the last link is dropped", COMPARE,
        "zip(op_strings, comps, strict=True)", "zip(op_strings[:1], comps[:1], strict=True)", kernels.eager_chain),
    Defect("chained-comparison-is-eager", "the operators exchanged", COMPARE,
        "for op, comp in zip(op_strings, comps, strict=True)",
        "for op, comp in zip([{'<': '>'}.get(op, op) for op in op_strings], comps, strict=True)", ordered),
    Defect("subscript-of-a-slice", "the next column", "Adjoint.eval_indices",
        "    def eval_indices(adj, target_type, indices):\n",
        "    def eval_indices(adj, target_type, indices):\n"
        "        if len(indices) == 2: indices = (indices[0], adj.add_constant(1))\n", column),
    Defect("subscript-of-a-slice", "the subscripts exchanged", "Adjoint.eval_indices",
        "            return tuple(indices)\n        elif", "            return tuple(reversed(indices))\n        elif",
        column),
    Defect("store-into-a-part-of-a-part", "the rotation for the translation", "Adjoint._store_attribute",
        'return adj.add_builtin_call("transform_set_translation", [aggregate, rhs])',
        "return adj.add_builtin_call('transform_set_translation', [aggregate, adj.add_builtin_call('mul', "
        "[rhs, adj.add_constant(2.0)])])", parts),
    Defect("store-into-a-part-of-a-part", "the store of a part is dropped too", "Adjoint._store_attribute",
        'return adj.add_builtin_call("transform_set_translation", [aggregate, rhs])', "return None", parts),
    Defect("conversion-retypes-a-constant", "one more", BINARY,
        CALL, "return adj.add_builtin_call(name, [left, left])", wide),
    Defect("conversion-retypes-a-constant", "another constant", "Adjoint.emit_Constant",
        "return adj.add_constant(node.value)", "return adj.add_constant(node.value + (node.value == 7))", wide),
)  # fmt: skip


def plant(monkeypatch: pytest.MonkeyPatch, defect: Defect) -> None:
    """Replace a piece of the text of a method of the code generator."""
    codegen: Any = importlib.import_module("warp._src.codegen")
    class_, _, method = defect.method.partition(".")
    source = textwrap.dedent(inspect.getsource(getattr(getattr(codegen, class_), method)))
    source = "class Edited:\n" + textwrap.indent(source, "    ")
    assert source.count(defect.old) == 1, f"the code generator has another text: {defect.name}"
    names: dict[str, Any] = {}
    exec(source.replace(defect.old, defect.new), vars(codegen), names)
    original, edited = getattr(getattr(codegen, class_), method), vars(names["Edited"])[method]
    monkeypatch.setattr(getattr(codegen, class_), method, edited)
    for kind, visitor in codegen.Adjoint.node_visitors.items():
        if visitor is original:
            monkeypatch.setitem(codegen.Adjoint.node_visitors, kind, edited)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: f"{defect.bug}: {defect.name}")
def test_a_defect_beside_a_known_bug_is_new(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    case = defect.case()
    checks = Checks(("value",), ("cpu",))
    (before,) = judge_cases([case], checks)
    assert not before.failed
    plant(monkeypatch, defect)
    (outcome,) = judge_cases([case], checks)
    assert outcome.failed, outcome.verdicts
    assert outcome.failed[0].kind in ("wrong value", "rejected", "does not compile")


def test_each_bug_that_is_predicted_has_two_defects_beside_it() -> None:
    for row in applicable():
        assert sum(defect.bug == row.name for defect in DEFECTS) >= 2 or row.open, row.name
