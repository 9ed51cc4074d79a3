"""What a kernel must compute: an interpreter that is independent of Warp's code generator."""

from kernelfuzz.reference.gradient import gradient
from kernelfuzz.reference.launch import run
from kernelfuzz.reference.undefined import NotDifferentiable, NotSmooth, Stopped, Undefined

__all__ = ["NotDifferentiable", "NotSmooth", "Stopped", "Undefined", "gradient", "run"]
