"""Reduction finds the smallest kernel of a shape: the shape stands in for a bug."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pytest
from minimal import is_minimal  # pyright: ignore[reportMissingImports]

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import FLOAT16, Array, Scalar, Struct
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce import reduce
from kernelfuzz.reduce.reduce_case import Progress
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.typecheck.verify import verify

Shape = Callable[[n.Kernel], bool]


def has_break_and_atomic(kernel: n.Kernel) -> bool:
    """A loop with a break inside an if, and an atomic anywhere."""
    breaks = any(
        isinstance(loop, n.For)
        and any(isinstance(node, n.If) and any(isinstance(each, n.Break) for each in node.body) for node in walk(loop))
        for loop in walk(kernel)
    )
    return breaks and any(isinstance(node, n.Call) and node.name.startswith("atomic_") for node in walk(kernel))


def swaps(kernel: n.Kernel) -> bool:
    """``a, b = b, a``."""
    return any(
        isinstance(node, n.Unpack)
        and [value.id if isinstance(value, n.Name) else "" for value in node.values] == [*reversed(node.names)]
        for node in walk(kernel)
    )


def stores_to_a_field(kernel: n.Kernel) -> bool:
    """``s.v = ...`` in the kernel."""
    return any(
        isinstance(node, n.Assign)
        and isinstance(node.target, n.Attribute)
        and isinstance(node.target.value.type, Struct)
        for node in walk(*kernel.body)
    )


def uses_float16_and_while(kernel: n.Kernel) -> bool:
    """A while loop in the kernel, and a float16 in its body."""
    return any(isinstance(node, n.While) for node in walk(*kernel.body)) and any(
        getattr(node, "type", None) == FLOAT16 for node in walk(*kernel.body)
    )


def calls_in_a_loop(kernel: n.Kernel) -> bool:
    """A call of a function inside a loop of the kernel."""
    return any(
        isinstance(loop, (n.For, n.While)) and any(isinstance(node, n.CallFunction) for node in walk(loop))
        for loop in walk(*kernel.body)
    )


def nests_loops(kernel: n.Kernel) -> bool:
    """A for inside a while, or the other way round."""
    return any(
        isinstance(outer, (n.For, n.While))
        and any(isinstance(node, (n.For, n.While)) and type(node) is not type(outer) for node in walk(*outer.body))
        for outer in walk(*kernel.body)
    )


def augments_after_a_return(kernel: n.Kernel) -> bool:
    """An early return, and after it an augmented assignment to an element of an array."""
    returned = False
    for node in walk(*kernel.body):
        returned = returned or isinstance(node, n.Return)
        if returned and isinstance(node, n.AugAssign) and isinstance(node.target, n.Index):
            return isinstance(node.target.value.type, Array)
    return False


def divides_in_a_branch(kernel: n.Kernel) -> bool:
    """An integer division inside a branch, with a divisor that is no literal."""
    return any(
        isinstance(branch, (n.If, n.IfExp))
        and any(
            isinstance(node, n.Binary)
            and node.op == "//"
            and isinstance(node.type, Scalar)
            and node.type.is_integer
            and isinstance(node.right, (n.Name, n.Call))
            for node in walk(branch)
        )
        for branch in walk(*kernel.body)
    )


def chains_comparisons(kernel: n.Kernel) -> bool:
    """``a < b < c`` somewhere, and a condition that reads an array."""
    return any(isinstance(node, n.Compare) and len(node.ops) > 1 for node in walk(kernel)) and any(
        isinstance(node, (n.If, n.While)) and any(isinstance(each, n.Index) for each in walk(node.test))
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


def statements(kernel: n.Kernel) -> int:
    return sum(isinstance(node, n.Stmt) for node in walk(kernel))  # pyright: ignore


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
