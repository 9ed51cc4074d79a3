"""The reasons for no answer of the reference: the execution has no defined result, or the result no gradient."""

from __future__ import annotations

from kernelfuzz.ir.nodes import Node

# Every reason that the exceptions carry; reports count by them.
SIGNED_OVERFLOW = "signed overflow"
DIVISION_BY_ZERO = "division by zero"
SHIFT_OUT_OF_RANGE = "shift out of range"
INDEX_OUT_OF_RANGE = "index out of range"
FLOAT_TO_INT = "float to int out of range"
BITS_OF_NAN = "bits of a NaN"
NOTHING_RETURNED = "function without a returned value"
OWN_ARRAY = "array of the kernel's own"
COOPERATION = "cooperation of a block"
NATIVE_CODE = "native code"
UNINITIALISED_READ = "uninitialised read"
DATA_RACE = "data race"
ORDER_OF_ATOMICS = "order of atomics"
TOO_MANY_STEPS = "too many steps"
OUTSIDE_DOMAIN = "outside the domain"
NO_ROTATION = "a matrix that is no rotation"
NO_SCALED_ROTATION = "a matrix that is no rotation with scales"
NOT_SORTED = "array not sorted"
NOT_CONTIGUOUS = "array not contiguous"
SIZE_OF_BLOCKS = "size of blocks"


class Stopped(Exception):
    """The reference stops here: ``node`` is the expression or statement, ``reason`` says why.

    Arithmetic does not know its node and raises without one; the interpreter fills in the innermost node
    around it.
    """

    def __init__(self, reason: str, node: Node | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node

    def __str__(self) -> str:
        if self.node is None:
            return self.reason
        from kernelfuzz.syntax.render import line_of

        return f"{self.reason}: `{line_of(self.node)}`"


class Undefined(Stopped):
    """The kernel has no defined result for these inputs."""


class NotSmooth(Stopped):
    """The result is defined, but has no derivative at these inputs."""


class Corner(NotSmooth):
    """So near to a corner or a jump that the derivative may be either of two finite ones."""


class NotDifferentiable(Stopped):
    """Warp documents no gradient for something that the result depends on."""


class Lost(NotDifferentiable):
    """Which way the adjoint goes, or where it stores, depends on a value that Warp documents as lost."""
