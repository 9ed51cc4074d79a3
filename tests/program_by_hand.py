"""A program that is written by hand: two kernels over a constant and a function, launched one after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir.types import FLOAT64, INT32, Array
from kernelfuzz.strategies.program_kernels import other_function
from kernelfuzz.syntax.parse import parse

SOURCE = """\
import warp as wp

K0 = wp.constant(3)


@wp.func
def f0(x: wp.float64) -> wp.float64:
    return x * x


@wp.kernel
def kernel0(a: wp.array(dtype=wp.float64), b: wp.array(dtype=wp.float64)):
    i = wp.tid()
    b[i] = a[i] * wp.float64(K0)


@wp.kernel
def kernel1(b: wp.array(dtype=wp.float64), c: wp.array(dtype=wp.float64)):
    i = wp.tid()
    c[i] = b[i] + f0(b[i])


@wp.kernel
def kernel2(a: wp.array(dtype=wp.float64), b: wp.array(dtype=wp.float64)):
    i = wp.tid()
    b[i] = a[i] * wp.float64(wp.static(K0 + 1))
"""

SCALED, ADDED, STATIC = (parse(SOURCE, f"kernel{at}") for at in range(3))
(CONSTANT,), (SQUARE,) = SCALED.constants, ADDED.functions
HALF_SQUARE = other_function(SQUARE) or SQUARE
assert HALF_SQUARE != SQUARE

A = np.array([1.5, -0.5, 2.0])
VALUES = {"a": A, "b": np.zeros(3), "c": np.zeros(3)}
ARRAYS = tuple(p.ArrayVariable(name, Array(FLOAT64, 1), value) for name, value in VALUES.items())

FIRST = p.LaunchKernel("made0", (3,), {"a": "a", "b": "b"}, {})
SECOND = p.LaunchKernel("made1", (3,), {"b": "b", "c": "c"}, {})
BACKWARD = p.Backward(("c",))
TWO = p.SetConstant(replace(CONSTANT, value=n.Literal(2, INT32)))


def program(*events: p.Event, first: n.Kernel = SCALED, module: str = p.OWN_MODULE) -> p.Program:
    """The program of both kernels, with these events after their declarations."""
    declared = (p.Declare("made0", first, module), p.Declare("made1", ADDED))
    return p.Program(ARRAYS, (), (CONSTANT,), (SQUARE,), (*declared, *events))


COPIED = parse("""\
import warp as wp


@wp.kernel
def kernel0(a: wp.array(dtype=wp.float64), b: wp.array(dtype=wp.float64)):
    i = wp.tid()
    if a:
        b[i] = a[i]
""")
# A launch leaves out an array that the kernel asks for; an array keeps its gradient.
LEFT_OUT = program(FIRST, p.LaunchKernel("made0", (3,), {"b": "b"}, {"a": None}), SECOND, BACKWARD, first=COPIED)
RETAINED = replace(
    program(FIRST, SECOND, BACKWARD), arrays=tuple([replace(each, retained=each.name == "b") for each in ARRAYS])
)

WHOLE = program(
    *(FIRST, SECOND, replace(BACKWARD, again=True)),
    *(TWO, p.MarkModified("made0"), p.SetFunction(HALF_SQUARE)),
    *(FIRST, SECOND, BACKWARD),
)
