"""Reduction finds the smallest kernel of a shape: the shape stands in for a bug."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pytest

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Break,
    Call,
    CallFunction,
    Compare,
    For,
    If,
    IfExp,
    Index,
    Kernel,
    Name,
    Return,
    Stmt,
    Unpack,
    While,
)
from kernelfuzz.ir.types import FLOAT16, Array, Scalar, Struct
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce import is_minimal, reduce
from kernelfuzz.reduce.engine import Progress
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.inputs import draw_launch
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.typecheck.verify import verify

Shape = Callable[[Kernel], bool]


def has_break_and_atomic(kernel: Kernel) -> bool:
    """A loop with a break inside an if, and an atomic anywhere."""
    breaks = any(
        isinstance(loop, For)
        and any(
            isinstance(node, If) and any(isinstance(each, Break) for each in node.body) for node in walk(loop)
        )
        for loop in walk(kernel)
    )
    return breaks and any(isinstance(node, Call) and node.name.startswith("atomic_") for node in walk(kernel))


def swaps(kernel: Kernel) -> bool:
    """``a, b = b, a``."""
    return any(
        isinstance(node, Unpack)
        and [value.id if isinstance(value, Name) else "" for value in node.values] == [*reversed(node.names)]
        for node in walk(kernel)
    )


def stores_to_a_field(kernel: Kernel) -> bool:
    """``s.v = ...`` in the kernel."""
    return any(
        isinstance(node, Assign)
        and isinstance(node.target, Attribute)
        and isinstance(node.target.value.type, Struct)
        for node in walk(*kernel.body)
    )


def uses_float16_and_while(kernel: Kernel) -> bool:
    """A while loop in the kernel, and a float16 in its body."""
    return any(isinstance(node, While) for node in walk(*kernel.body)) and any(
        getattr(node, "type", None) == FLOAT16 for node in walk(*kernel.body)
    )


def calls_in_a_loop(kernel: Kernel) -> bool:
    """A call of a function inside a loop of the kernel."""
    return any(
        isinstance(loop, (For, While)) and any(isinstance(node, CallFunction) for node in walk(loop))
        for loop in walk(*kernel.body)
    )


def nests_loops(kernel: Kernel) -> bool:
    """A for inside a while, or the other way round."""
    return any(
        isinstance(outer, (For, While))
        and any(
            isinstance(node, (For, While)) and type(node) is not type(outer) for node in walk(*outer.body)
        )
        for outer in walk(*kernel.body)
    )


def augments_after_a_return(kernel: Kernel) -> bool:
    """An early return, and after it an augmented assignment to an element of an array."""
    returned = False
    for node in walk(*kernel.body):
        returned = returned or isinstance(node, Return)
        if returned and isinstance(node, AugAssign) and isinstance(node.target, Index):
            return isinstance(node.target.value.type, Array)
    return False


def divides_in_a_branch(kernel: Kernel) -> bool:
    """An integer division inside a branch, with a divisor that is no literal."""
    return any(
        isinstance(branch, (If, IfExp))
        and any(
            isinstance(node, Binary)
            and node.op == "//"
            and isinstance(node.type, Scalar)
            and node.type.is_integer
            and isinstance(node.right, (Name, Call))
            for node in walk(branch)
        )
        for branch in walk(*kernel.body)
    )


def chains_comparisons(kernel: Kernel) -> bool:
    """``a < b < c`` somewhere, and a condition that reads an array."""
    return any(isinstance(node, Compare) and len(node.ops) > 1 for node in walk(kernel)) and any(
        isinstance(node, (If, While)) and any(isinstance(each, Index) for each in walk(node.test))
        for node in walk(kernel)
    )


# The shape and how many statements the smallest kernel of it has.
SHAPES: tuple[tuple[Shape, int], ...] = (
    (has_break_and_atomic, 4),
    (swaps, 3),
    (stores_to_a_field, 2),
    (uses_float16_and_while, 3),
    (calls_in_a_loop, 3),
    (nests_loops, 3),
    (augments_after_a_return, 2),
    (divides_in_a_branch, 2),
    (chains_comparisons, 3),
)


def statements(kernel: Kernel) -> int:
    return sum(isinstance(node, Stmt) for node in walk(kernel))  # pyright: ignore


def cases_of(shape: Shape) -> Iterator[Case]:
    for index in range(2000):
        kernel = generate(seed=1, index=index, size="large")
        if shape(kernel):
            yield Case(kernel, draw_launch(SeededChoices(1, index), kernel))


def check(shape: Shape, smallest: int, case: Case) -> Progress:
    progress: list[Progress] = []

    def interesting(cases: Sequence[Case]) -> list[bool]:
        for each in cases:
            verify(each.kernel)
            assert list(each.launch.inputs) == [param.name for param in each.kernel.params]
        return [shape(each.kernel) for each in cases]

    reduced = reduce(case, interesting, on_progress=progress.append)
    assert interesting([reduced]) == [True]
    assert is_minimal(reduced, interesting)
    # A function that is part of what is left has a return of its own.
    assert statements(reduced.kernel) <= smallest + 2, str(reduced.kernel)
    return progress[-1]


@pytest.mark.parametrize(("shape", "smallest"), SHAPES, ids=lambda each: getattr(each, "__name__", ""))
def test_smallest_kernel_of_a_shape(shape: Shape, smallest: int) -> None:
    for case in islice(cases_of(shape), 1):
        assert check(shape, smallest, case).rounds <= 40


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "smallest"), SHAPES, ids=lambda each: getattr(each, "__name__", ""))
def test_smallest_kernel_of_a_shape_from_many(shape: Shape, smallest: int) -> None:
    done = [check(shape, smallest, case) for case in islice(cases_of(shape), 12)]
    assert len(done) == 12
    assert sorted(each.rounds for each in done)[6] <= 25
