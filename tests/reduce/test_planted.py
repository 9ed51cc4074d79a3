"""Reduction of wrong values: the reference against itself with one construct planted wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from minimal import is_minimal  # pyright: ignore[reportMissingImports]

from kernelfuzz import reference
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case, flattened
from kernelfuzz.ir.rewrite import Part, transform
from kernelfuzz.ir.types import INT32, Array, Matrix, Scalar, Vector
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce import reduce
from kernelfuzz.reduce.reduce_case import Progress
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch

Defect = Callable[[n.Node], "n.Node | Part"]


def swap_in_sequence(node: n.Node) -> n.Node | Part:
    match node:
        case n.Unpack(names=names, values=values) if len(values) > 1:
            return tuple([n.Assign(n.Name(name, each.type), each) for name, each in zip(names, values, strict=True)])
        case _:
            return node


def chain_cut_short(node: n.Node) -> n.Node:
    match node:
        case n.Compare(left=left, ops=(op, _, *_), comparators=(right, *_)):
            return n.Compare(left, (op,), (right,))
        case _:
            return node


def floor_division_truncates(node: n.Node) -> n.Node:
    match node:
        case n.Binary(op="//", type=Scalar(kind="int")):
            return replace(node, op="/")
        case _:
            return node


def continue_breaks(node: n.Node) -> n.Node:
    return n.Break() if isinstance(node, n.Continue) else node


def break_continues(node: n.Node) -> n.Node:
    return n.Continue() if isinstance(node, n.Break) else node


def negative_index_is_the_first(node: n.Node) -> n.Node:
    match node:
        case n.Index(value=value, indices=(n.Literal(value=at),)) if isinstance(value.type, Vector) and at < 0:
            return n.Index(value, (n.Literal(0, INT32),), node.type)
        case _:
            return node


def update_of_an_element_stores(node: n.Node) -> n.Node:
    match node:
        case n.AugAssign(target=n.Index(value=n.Name(type=Array())) as target, value=value):
            return n.Assign(target, value)
        case _:
            return node


def else_is_lost(node: n.Node) -> n.Node:
    match node:
        case n.If(orelse=(_, *_)):
            return replace(node, orelse=())
        case _:
            return node


def conditional_takes_the_first(node: n.Node) -> n.Node:
    return node.body if isinstance(node, n.IfExp) else node


def min_is_max(node: n.Node) -> n.Node:
    match node:
        case n.Call(name="min"):
            return replace(node, name="max")
        case _:
            return node


def early_return_goes_on(node: n.Node) -> n.Node:
    match node:
        case n.If(body=(*before, n.Return())):
            return replace(node, body=(*before, n.Pass()))
        case _:
            return node


def matrix_is_transposed(node: n.Node) -> n.Node:
    match node:
        case n.Index(value=value, indices=(row, column)) if isinstance(value.type, Matrix):
            return n.Index(value, (column, row), node.type) if value.type.rows == value.type.columns else node
        case _:
            return node


# The defect, and how many statements show it at least.
DEFECTS: tuple[tuple[Defect, int], ...] = (
    (swap_in_sequence, 3),
    (chain_cut_short, 1),
    (floor_division_truncates, 1),
    (continue_breaks, 3),
    (break_continues, 3),
    (negative_index_is_the_first, 1),
    (update_of_an_element_stores, 1),
    (else_is_lost, 3),
    (conditional_takes_the_first, 1),
    (min_is_max, 1),
    (early_return_goes_on, 3),
    (matrix_is_transposed, 2),
)

# A candidate that runs longer than this is not interesting.
STEPS = 20_000


def outputs(kernel: n.Kernel, case: Case) -> list[np.ndarray] | None:
    try:
        with np.errstate(all="ignore"):
            return list(flattened(reference.run(kernel, case.launch, steps=STEPS)).values())
    except reference.Stopped:
        return None


def differs(case: Case, defect: Defect) -> bool:
    broken = transform(case.kernel, defect)
    if broken is case.kernel:
        return False
    expected, actual = outputs(case.kernel, case), outputs(broken, case)
    if expected is None or actual is None:
        return False
    pairs = zip(expected, actual, strict=True)
    return any(not np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for one, other in pairs)


def cases_of(defect: Defect) -> Iterator[Case]:
    for index in range(1000):
        kernel = generate(seed=2, index=index, size="large")
        case = Case(kernel, draw_launch(SeededChoices(2, index), kernel))
        if differs(case, defect):
            yield case


def check(defect: Defect, smallest: int, case: Case) -> Progress:
    progress: list[Progress] = []

    def interesting(cases: Sequence[Case]) -> list[bool]:
        return [differs(each, defect) for each in cases]

    reduced = reduce(case, interesting, on_progress=progress.append)
    assert differs(reduced, defect)
    assert is_minimal(reduced, interesting)
    found = sum(isinstance(node, n.Stmt) for node in walk(*reduced.kernel.body))  # pyright: ignore
    assert found <= smallest + 2, str(reduced.kernel)
    assert reduced.launch.dim == (1,)
    return progress[-1]


@pytest.mark.parametrize(("defect", "smallest"), DEFECTS[:4], ids=lambda each: getattr(each, "__name__", ""))
def test_smallest_kernel_that_shows_a_defect(defect: Defect, smallest: int) -> None:
    for case in islice(cases_of(defect), 1):
        assert check(defect, smallest, case).rounds <= 40


@pytest.mark.slow
@pytest.mark.parametrize(("defect", "smallest"), DEFECTS, ids=lambda each: getattr(each, "__name__", ""))
def test_smallest_kernel_that_shows_a_defect_from_many(defect: Defect, smallest: int) -> None:
    done = [check(defect, smallest, case) for case in islice(cases_of(defect), 6)]
    assert len(done) == 6
    assert sorted(each.rounds for each in done)[3] <= 30
