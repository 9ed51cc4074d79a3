"""Nodes that keep their text: trees print as if they did not, and can be changed like any other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

import kernelfuzz
from kernelfuzz.ir import types as t
from kernelfuzz.syntax.kept import code_of, kept
from kernelfuzz.syntax.render import to_cst
from kernelfuzz.syntax.tokens import OPEN, annotation, identifier, warp_attribute

MODULE = cst.Module(())
KERNELS = [*kernelfuzz.generate_many(20, seed=5), *kernelfuzz.generate_many(20, seed=6, profile="realistic")]


def same_text(tree: cst.Module) -> bool:
    """Whether the tree prints as it does without kept texts: what is cloned has none."""
    return code_of(tree) == tree.code == tree.deep_clone().code


def test_a_tree_prints_as_one_without_kept_texts() -> None:
    assert all(same_text(to_cst(kernel)) for kernel in KERNELS)


def test_a_wrong_kept_text_would_be_seen() -> None:
    wrong = kept(cst.Name("a"))
    object.__setattr__(wrong, "text", "b")
    assert not same_text(cst.Module([cst.SimpleStatementLine([cst.Expr(wrong)])]))


def test_the_kinds_of_nodes_are_those_of_libcst() -> None:
    node = warp_attribute("vec3")
    assert isinstance(node, cst.Attribute)
    assert type(node).__name__ == "Attribute"
    assert kept(node) is node


@pytest.mark.parametrize(
    "change", [copy.copy, copy.deepcopy, cst.CSTNode.deep_clone, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_is_a_plain_node(change: Callable[[cst.CSTNode], cst.CSTNode]) -> None:
    for node in (
        identifier("x"),
        warp_attribute("vec3"),
        OPEN[0],
        annotation(t.Array(t.FLOAT32)),
    ):
        copied = change(node)
        assert type(copied) is type(node).__mro__[1]
        assert MODULE.code_for_node(copied) == MODULE.code_for_node(node)


def test_a_changed_node_prints_what_it_was_changed_to() -> None:
    assert MODULE.code_for_node(identifier("x").with_changes(value="y")) == "y"


class Renaming(cst.CSTTransformer):
    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return updated_node.with_changes(value="warp") if original_node.value == "wp" else updated_node


def test_a_tree_can_be_transformed() -> None:
    for kernel in KERNELS[:5]:
        tree = to_cst(kernel)
        changed = tree.visit(Renaming())
        assert changed.code == tree.deep_clone().visit(Renaming()).code
        assert "@wp." in tree.code
        assert "wp." not in changed.code.replace("warp.", "")


def test_positions_are_known() -> None:
    found = MetadataWrapper(to_cst(KERNELS[0])).resolve(PositionProvider)
    names = {(at.start.line, at.start.column): node.value for node, at in found.items() if isinstance(node, cst.Name)}
    assert names[1, len("import ")] == "warp"
