"""Trees made from other trees: nothing changes that was not asked for."""

from __future__ import annotations

import pytest

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import FreshNames, own_names, root_name
from kernelfuzz.ir.rewrite import (
    block_at,
    map_expressions,
    map_statements,
    node_at,
    places,
    rebuild,
    replace_at,
    replaced,
    roles,
    spliced,
    transform,
)
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32, Array
from kernelfuzz.ir.walk import children, literal_text, walk
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.syntax.render import render


@pytest.fixture(scope="module")
def kernels() -> list[n.Kernel]:
    return [generate(seed=5, index=index, size="large") for index in range(40)]


def exact(node: n.Node) -> str:
    """What tells literals apart that == does not."""
    return f"{type(node).__name__} {literal_text(node) if isinstance(node, n.Literal) else ''}"


def test_rebuilding_from_the_own_children_changes_nothing(kernels: list[n.Kernel]) -> None:
    kinds: set[type] = set()
    for kernel in kernels:
        for node in walk(kernel):
            again = rebuild(node, [(child,) for child in children(node)])
            assert again == node
            assert list(map(exact, walk(again))) == list(map(exact, walk(node)))
            kinds.add(type(node))
    assert len(kinds) >= 25, "the kernels must have nearly every kind of node"


def test_transform_reaches_every_node_and_keeps_what_stays(kernels: list[n.Kernel]) -> None:
    for kernel in kernels:
        seen: list[n.Node] = []

        def note(node: n.Node, seen: list[n.Node] = seen) -> n.Node:
            seen.append(node)
            return node

        assert transform(kernel, note) is kernel
        assert len(seen) == sum(1 for _ in walk(kernel)) - 1


def test_every_place_leads_to_its_node(kernels: list[n.Kernel]) -> None:
    for kernel in kernels[:10]:
        found = list(places(kernel))
        assert [node for _, node in found] == list(walk(kernel))[1:]
        for path, node in found:
            assert node_at(kernel, path) is node
            assert replaced(kernel, path, node) == kernel


def test_a_role_is_the_field_of_a_child_and_the_position_in_it(kernels: list[n.Kernel]) -> None:
    for kernel in kernels[:10]:
        for node in walk(kernel):
            for (field, index), child in zip(roles(node), children(node), strict=True):
                value = getattr(node, field)
                assert (value if index is None else value[index]) is child
    value = n.IfExp(n.Name("b", BOOL), n.Name("x", INT32), n.Name("y", INT32), INT32)
    assert [name for name, _ in roles(value)] == ["body", "test", "orelse"]


def test_statements_are_put_in_and_taken_out_of_their_block() -> None:
    first, second, third = (n.Assign(n.Name(name, INT32), n.Literal(1, INT32)) for name in "abc")
    branch = n.If(n.Name("c", BOOL), (first, second), (third,))
    kernel = n.Kernel("kernel", (n.Param("c", BOOL),), (branch,))
    assert block_at(kernel, (1, 2)) == ((first, second), 1)
    assert block_at(kernel, (1, 3)) == ((third,), 0)
    assert spliced(kernel, (1, 2), (third,), 0).body == (n.If(branch.test, (first, third, second), (third,)),)
    assert spliced(kernel, (1, 1), (third,), 2).body == (n.If(branch.test, (third,), (third,)),)
    with pytest.raises(ValueError, match=r"If\.test is no block"):
        block_at(kernel, (1, 0))


def test_every_expression_is_changed_but_a_target_stays_a_place() -> None:
    x, one = n.Name("x", INT32), n.Literal(1, INT32)
    place = n.Index(n.Name("out", Array(FLOAT32)), (x,), FLOAT32)
    static = n.Static(one, INT32)
    kernel = n.Kernel("kernel", (), (n.Assign(place, n.Cast(FLOAT32, n.Binary("+", x, static, INT32))),))

    def change(node: n.Expr) -> n.Expr:
        return n.Unary("-", node, node.type)

    negative = n.Unary("-", x, INT32)
    value = change(n.Cast(FLOAT32, change(n.Binary("+", negative, static, INT32))))
    (changed,) = map_expressions(kernel, change).body
    assert changed == n.Assign(n.Index(place.value, (negative,), FLOAT32), value)
    (changed,) = map_expressions(kernel, change, targets=False).body
    assert changed == n.Assign(place, value)


def test_every_statement_is_changed_the_inner_ones_first() -> None:
    loop = n.For("i", (n.Literal(3, INT32),), (n.Break(), n.Continue()))
    kernel = n.Kernel("kernel", (), (loop,))
    seen: list[n.Stmt] = []

    def change(node: n.Stmt, function: n.Function | n.Kernel) -> n.Block:
        assert function is kernel
        seen.append(node)
        return () if isinstance(node, n.Break) else (node, node)

    inner = n.For("i", loop.bounds, (n.Continue(), n.Continue()))
    assert map_statements(kernel, change).body == (inner, inner)
    assert seen == [n.Break(), n.Continue(), inner]


def test_fresh_names_are_not_taken_and_given_once(kernels: list[n.Kernel]) -> None:
    fresh = FreshNames(["copy0", "copy2", "of10"])
    assert [fresh("copy"), fresh("copy"), fresh("of1"), fresh("of"), fresh("of")] == [
        "copy1",
        "copy3",
        "of11",
        "of0",
        "of1",
    ]
    for kernel in kernels[:10]:
        names = {node.id for node in walk(kernel) if isinstance(node, n.Name)}
        assert names <= own_names(kernel)
        places = [node.target for node in walk(kernel) if isinstance(node, n.Assign)]
        assert own_names(kernel).issuperset(map(root_name, places))


def test_the_outer_of_two_nested_replacements_counts() -> None:
    inner = n.If(n.Name("b", BOOL), (n.Return(),))
    kernel = n.Kernel("kernel", (), (inner, n.Return()))
    assert replace_at(kernel, {(0,): (n.Pass(),), (0, 0): (n.Literal(True, BOOL),)}).body == (
        n.Pass(),
        n.Return(),
    )
    assert replace_at(kernel, {(0, 0): (n.Literal(True, BOOL),), (1,): ()}).body == (
        n.If(n.Literal(True, BOOL), (n.Return(),)),
    )


def test_an_emptied_body_gets_a_pass() -> None:
    kernel = n.Kernel("kernel", (), (n.If(n.Name("b", BOOL), (n.Return(),)),))
    assert replace_at(kernel, {(0, 1): ()}).body == (n.If(n.Name("b", BOOL), (n.Pass(),)),)


def test_identity_is_that_of_the_text(kernels: list[n.Kernel]) -> None:
    for kernel in kernels:
        texts = {identity(kernel): render(kernel)}
        for path, node in list(places(kernel))[::7]:
            if isinstance(node, n.Literal) and node.type == INT32:
                for value in (0, 1, 77):
                    other = replace_at(kernel, {path: (n.Literal(value, INT32),)})
                    text = render(other)
                    assert texts.setdefault(identity(other), text) == text
        assert len(set(texts.values())) == len(texts)
