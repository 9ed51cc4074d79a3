"""What a kernel must compute: an interpreter that is independent of Warp's code generator."""

from kernelfuzz.reference.derivative import gradient
from kernelfuzz.reference.execution import run
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth, Stopped, Undefined

__all__ = ["NotDifferentiable", "NotSmooth", "Stopped", "Undefined", "gradient", "run"]
