"""Promises about a thousand kernels: how different they are, and how large."""

from __future__ import annotations

import ast
import statistics
from collections import Counter

import pytest

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import Array
from kernelfuzz.ir.walk import builtins_used, nesting, num_lines
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.kernel import category_of, check_options, generate_many
from kernelfuzz.strategies.vocabulary import CATEGORIES, REALISTIC, REALISTIC_NDIMS

COUNT = 1000


@pytest.fixture(scope="module")
def drawn() -> list[Kernel]:
    return list(generate_many(COUNT, seed=0))


@pytest.fixture(scope="module")
def trees(drawn: list[Kernel]) -> list[ast.Module]:
    return [ast.parse(str(kernel)) for kernel in drawn]


class _Anonymous(ast.NodeTransformer):
    """Renames every name that a module binds, in order of appearance; a mask also hides constants and wp.X.

    Written against Python's own tree, so that it shares nothing with kernelfuzz.analysis.fingerprint.
    """

    def __init__(self, *, mask: bool) -> None:
        self.mask = mask
        self.names: dict[str, str] = {}

    def _new(self, name: str) -> str:
        if name in ("wp", "int", "float", "bool", "range"):
            return name
        return "_" if self.mask else self.names.setdefault(name, f"n{len(self.names)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._new(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self.generic_visit(node)
        node.arg = self._new(node.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._new(node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._new(node.name)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if self.mask:
            node.attr = "_"
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(0) if self.mask else node


def _distinct(trees: list[ast.Module], *, mask: bool) -> int:
    return len({ast.dump(_Anonymous(mask=mask).visit(ast.parse(ast.unparse(tree)))) for tree in trees})


def test_nearly_all_kernels_differ_beyond_their_names(trees: list[ast.Module]) -> None:
    assert _distinct(trees, mask=False) >= 995


def test_nearly_all_kernels_differ_in_shape(trees: list[ast.Module]) -> None:
    assert _distinct(trees, mask=True) >= 950


def test_many_builtins_are_called(drawn: list[Kernel]) -> None:
    assert len(frozenset[str]().union(*(builtins_used(kernel) for kernel in drawn))) >= 120


def test_control_flow_nests_deeply(drawn: list[Kernel]) -> None:
    depths = Counter(nesting(kernel) for kernel in drawn)
    assert depths[4] + depths[5] >= 20


def test_the_ten_categories_have_equal_shares(drawn: list[Kernel]) -> None:
    options = check_options()
    shares = Counter(category_of(options, index) for index in range(COUNT))
    assert len(shares) == 10
    for category, count in shares.items():
        assert abs(count - COUNT / 10) <= 0.2 * COUNT / 10, category
    for index, kernel in enumerate(drawn):
        assert CATEGORIES[category_of(options, index)].holds(features(kernel)), index


def test_a_default_kernel_is_as_long_as_people_write_them(drawn: list[Kernel]) -> None:
    assert 10 <= statistics.median(map(num_lines, drawn)) <= 25


def test_the_size_moves_the_length(drawn: list[Kernel]) -> None:
    small, large = (
        statistics.median(map(num_lines, generate_many(200, seed=0, size=size))) for size in ("small", "large")
    )
    medium = statistics.median(map(num_lines, drawn))
    assert small <= 0.75 * medium
    assert large >= 1.5 * medium


@pytest.fixture(scope="module")
def realistic() -> list[Kernel]:
    return list(generate_many(2000, seed=0, profile="realistic"))


def test_the_realistic_profile_has_the_frequencies_of_real_kernels(realistic: list[Kernel]) -> None:
    found = Counter(feature for kernel in realistic for feature in features(kernel))
    off = {
        feature: (found[feature] / len(realistic), target)
        for feature, target in REALISTIC.items()
        if abs(found[feature] / len(realistic) - target) > target / 3
    }
    assert not off, "feature: (share, target)"


def test_realistic_arrays_have_real_dimensions(realistic: list[Kernel]) -> None:
    found = Counter(p.type.ndim for k in realistic for p in k.params if isinstance(p.type, Array))
    for ndim, thousandth in REALISTIC_NDIMS:
        share = 1000 * found[ndim] / sum(found.values())
        assert abs(share - thousandth) <= thousandth / 3, ndim


def test_realistic_control_flow_is_as_shallow_as_real_code(realistic: list[Kernel]) -> None:
    depths = [nesting(kernel) for kernel in realistic]
    assert sum(depth <= 2 for depth in depths) >= 0.8 * len(depths)
    assert sum(depth <= 3 for depth in depths) >= 0.9 * len(depths)
