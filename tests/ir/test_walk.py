"""Walking: every node class is reached, in source order, and the counts agree with the rendered text."""

from __future__ import annotations

import ast
from dataclasses import fields
from typing import get_args

import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import (
    bound_names,
    builtins_used,
    children,
    count_nodes,
    literal_text,
    nesting,
    num_lines,
    walk,
)
from kernelfuzz.syntax.render import render, render_statements

A, B, I = n.Name("a", t.FLOAT32), n.Name("b", t.FLOAT32), n.Name("i", t.INT32)  # noqa: E741
V = n.Name("v", t.Vector(3, t.FLOAT32))
OUT = n.Name("out", t.Array(t.FLOAT32))
LESS = n.Compare(A, ("<",), (B,))
ONE = n.Literal(1, t.INT32)

# One kernel with every node class in it.
EVERYTHING = n.Kernel(
    "kernel",
    (n.Param("out", OUT.type),),
    (
        n.Unpack(("i", "j"), (n.Call("tid", (), t.Tuple((t.INT32, t.INT32))),)),
        n.Assign(A, n.IfExp(LESS, n.Cast(t.FLOAT32, I), n.Unary("-", B, t.FLOAT32), t.FLOAT32)),
        n.Assign(V, n.Construct(V.type, (A, n.Attribute(V, "x", t.FLOAT32), n.CallFunction("f", (A,), t.FLOAT32)))),
        n.If(
            n.BoolOp("and", (LESS, LESS)),
            (n.Pass(),),
            (
                n.If(
                    LESS,
                    (n.For("k", (n.ArrayShape(OUT, 0),), (n.Break(), n.Continue())),),
                    (n.While(LESS, (n.AugAssign(n.Index(OUT, (I,), t.FLOAT32), "+", A),)),),
                ),
            ),
        ),
        n.ExprStmt(n.Call("dot", (n.Index(V, (n.Slice(0, 2),), V.type), V), t.FLOAT32)),
        n.Assign(B, n.Binary("*", n.Static(n.Name("K0", t.INT32), t.INT32), ONE, t.INT32)),
    ),
    (n.Function("f", (n.Param("x", t.FLOAT32),), t.FLOAT32, (n.Return((n.Name("x", t.FLOAT32),)),)),),
    (),
    (n.Constant("K0", ONE),),
)

# Where the text does not have the fields in the order in which the class declares them.
TEXT_ORDER = {
    n.IfExp: ("body", "test", "orelse"),
    n.Kernel: ("constants", "functions", "params", "body"),
}


def test_every_node_class_is_reached() -> None:
    assert {type(node) for node in walk(EVERYTHING)} == set(get_args(n.Node))


def test_children_are_the_nodes_among_the_fields_in_text_order() -> None:
    for node in walk(EVERYTHING):
        found: list[n.Node] = []
        for field in TEXT_ORDER.get(type(node), tuple(field.name for field in fields(node))):
            value = getattr(node, field)
            found += [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, get_args(n.Node))]
        assert children(node) == tuple(found)


def test_walk_is_in_the_order_of_the_text() -> None:
    literals = [n.Literal(value, t.INT32) for value in range(100, 106)]
    first, *rest = literals
    tree = n.IfExp(rest[1], n.Index(first, (rest[0],), t.INT32), n.Call("max", tuple(rest[2:]), t.INT32), t.INT32)
    assert [node for node in walk(tree) if isinstance(node, n.Literal)] == [first, *rest]
    assert next(walk(tree)) is tree
    assert [*walk(A, B)] == [A, B]


def test_counts() -> None:
    assert count_nodes(n.Binary("+", A, B, t.FLOAT32)) == 3
    assert builtins_used(EVERYTHING) == {"tid", "dot"}
    assert bound_names(EVERYTHING.body) == {"i", "j", "a", "v", "k", "b"}


IF, ELIF = n.If(LESS, (n.Pass(),)), n.If(LESS, (), (n.If(LESS, ()),))


@pytest.mark.parametrize(
    ("block", "depth"),
    [
        ((), 0),
        ((n.Pass(), n.Return()), 0),
        ((IF,), 1),
        ((ELIF,), 1),
        ((n.If(LESS, (), (IF, n.Pass())),), 2),
        ((n.If(LESS, (), (n.If(LESS, (IF,)),)),), 2),
        ((IF, n.For("i", (ONE,), (n.While(LESS, (ELIF,)),))), 3),
    ],
)
def test_nesting(block: n.Block, depth: int) -> None:
    assert nesting(block) == depth
    assert nesting(n.Kernel("k", (), block)) == depth


@pytest.mark.parametrize("body", [EVERYTHING.body, (), (IF, ELIF, n.If(LESS, (), (IF, IF)))])
def test_num_lines_counts_the_rendered_lines(body: n.Block) -> None:
    kernel = n.Kernel("kernel", (), body)
    (_, definition) = ast.parse(render(kernel)).body
    assert isinstance(definition, ast.FunctionDef)
    assert definition.end_lineno is not None
    assert num_lines(kernel) == definition.end_lineno - definition.lineno + 1
    assert num_lines(kernel) == 1 + len(render_statements(body).splitlines())


def test_literals_that_python_calls_equal_have_different_texts() -> None:
    texts = [literal_text(n.Literal(value, t.FLOAT32)) for value in (0.0, -0.0, 1, 1.5)]
    assert texts == ["0.0", "-0.0", "1.0", "1.5"]
    assert literal_text(n.Literal(1, t.BOOL)) == "True"
    assert literal_text(n.Literal(True, t.INT32)) == "1"
