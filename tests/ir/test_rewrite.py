"""Trees made from other trees: nothing changes that was not asked for."""

from __future__ import annotations

import pytest

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.rewrite import places, rebuild, replace_at, transform
from kernelfuzz.ir.types import BOOL, INT32
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
            at: n.Node = kernel
            for step in path:
                at = children(at)[step]
            assert at is node


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
