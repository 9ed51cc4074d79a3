"""Promises about shrinking: what Hypothesis makes of a kernel that has to contain something.

Each test writes out the smallest kernel of its kind.  Shrinking is a local search, so one of a few searches
has to find it; an entanglement of choices in the grammar, which keeps a statement alive, makes all of them
fail.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    Binary,
    Break,
    Call,
    Continue,
    For,
    If,
    Kernel,
    Literal,
    Node,
    Return,
    While,
)  # fmt: skip
from kernelfuzz.ir.types import Matrix, Struct
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies import kernels

Condition = Callable[[Kernel], bool]

SEARCHES = 32


def shrunk(condition: Condition, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What a few searches make of a kernel that satisfies the condition: the text of its kernel function."""
    profile = settings(
        max_examples=2000,
        database=None,
        deadline=None,
        derandomize=False,  # or under CI=1 every search would be the same
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
        phases=[Phase.generate, Phase.shrink],
    )
    # Hypothesis gives up after minutes, however little a busy machine has done in them.
    monkeypatch.setattr("hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS", math.inf)
    for search in range(SEARCHES):
        text = str(find(kernels(), condition, settings=profile, random=Random(search)))
        yield text[text.index("def kernel") :].rstrip()


def body_has(predicate: Callable[[Node], bool]) -> Condition:
    """Whether some node of the kernel's own body satisfies a predicate."""
    return lambda kernel: any(predicate(node) for node in walk(*kernel.body))


def inside(outer: type, inner: type) -> Condition:
    """Whether the body has a node of one kind within a node of another."""
    return body_has(
        lambda node: isinstance(node, outer) and any(n is not node and isinstance(n, inner) for n in walk(node))
    )


def calls(name: str) -> Condition:
    return body_has(lambda node: isinstance(node, Call) and node.name == name)


def is_matrix_product(node: Node) -> bool:
    if not isinstance(node, Binary) or node.op != "*":
        return False
    return isinstance(node.left.type, Matrix) and isinstance(node.right.type, Matrix)


def stores_into(container: type) -> Callable[[Node], bool]:
    def stores(node: Node) -> bool:
        if not isinstance(node, Assign) or not isinstance(node.target, Attribute):
            return False
        return isinstance(node.target.value.type, container)

    return stores


def is_dynamic_loop(node: Node) -> bool:
    return isinstance(node, For) and not all(isinstance(bound, Literal) for bound in node.bounds)


PROMISES: dict[str, tuple[Condition, str]] = {
    "an atomic add": (
        calls("atomic_add"),
        """
        def kernel(acc0: wp.array(dtype=float)):
            wp.atomic_add(acc0, 0, 0.0)
        """,
    ),
    "a loop in a loop": (
        inside(For, For),
        """
        def kernel():
            for i0 in range(1):
                for i1 in range(1):
                    x0 = float(0.0)
        """,
    ),
    "an if under a while": (
        # a break would be just as small
        lambda kernel: inside(While, If)(kernel) and not inside(While, Break)(kernel),
        """
        def kernel():
            w0 = int(0)
            while w0 < 1:
                w0 += 1
                if 0 < 0:
                    x0 = 0.0
        """,
    ),
    "a matrix product": (
        body_has(lambda node: isinstance(node, Assign) and is_matrix_product(node.value)),
        """
        def kernel(out0: wp.array(dtype=wp.mat22)):
            i = wp.tid()
            m0 = wp.mat22(0.0) * wp.mat22(0.0)
            out0[i] = m0
        """,
    ),
    "a write to a struct's field": (
        body_has(stores_into(Struct)),
        """
        def kernel(out0: wp.array(dtype=S0)):
            i = wp.tid()
            s0 = S0()
            s0.a = 0.0
            out0[i] = s0
        """,
    ),
    "a break": (
        body_has(lambda node: isinstance(node, Break)),
        """
        def kernel():
            for i0 in range(1):
                if 0 < 0:
                    break
        """,
    ),
    "a continue": (
        body_has(lambda node: isinstance(node, Continue)),
        """
        def kernel():
            w0 = int(0)
            while w0 < 1:
                w0 += 1
                if 0 < 0:
                    continue
        """,
    ),
    "a while loop": (
        body_has(lambda node: isinstance(node, While)),
        """
        def kernel():
            w0 = int(0)
            while w0 < 1:
                w0 += 1
                x0 = 0.0
        """,
    ),
    "a return in a loop": (
        inside(For, Return),
        """
        def kernel():
            for i0 in range(1):
                if 0 < 0:
                    return
        """,
    ),
    "a struct": (
        lambda kernel: bool(kernel.structs),
        """
        def kernel(out0: wp.array(dtype=S0)):
            i = wp.tid()
            s0 = S0()
            out0[i] = s0
        """,
    ),
    "an early return": (
        body_has(lambda node: isinstance(node, Return)),
        """
        def kernel():
            if 0 < 0:
                return
        """,
    ),
    "an else": (
        body_has(lambda node: isinstance(node, If) and bool(node.orelse)),
        """
        def kernel():
            if 0 < 0:
                x0 = 0.0
            else:
                x1 = 0.0
        """,
    ),
    "a sine": (
        calls("sin"),
        """
        def kernel(out0: wp.array(dtype=float)):
            i = wp.tid()
            x0 = wp.sin(0.0)
            out0[i] = x0
        """,
    ),
    "a loop of unknown length": (
        body_has(is_dynamic_loop),
        """
        def kernel(p0: int):
            for i0 in range(p0):
                x0 = 0.0
        """,
    ),
}


# What takes most of the searches, and up to five minutes.
RARE = ("a matrix product", "a continue", "a sine", "a break")


@pytest.mark.parametrize(
    "promise", [pytest.param(name, marks=pytest.mark.slow) if name in RARE else name for name in PROMISES]
)
def test_the_smallest_kernel_with(promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    condition, smallest = PROMISES[promise]
    expected = textwrap.dedent(smallest).strip()
    found: list[str] = []
    for text in shrunk(condition, monkeypatch):
        found.append(text)
        if text == expected:
            return
    assert expected in found
