"""Matrices that are documented as rotations: whether one is, and whether it stays one as it moves.

"It must be orthonormal with a determinant of +1; otherwise, the result is unspecified" (Built-ins, quat_from_matrix).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.reference import arithmetic
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import NO_ROTATION, NotDifferentiable, Undefined
from kernelfuzz.typecheck.builtins import Signature

# A rotation that was computed by a few operations is off by a few roundings.
_ROUNDINGS = 64
# How far a movement may lead out of the rotations, as a part of its length.
_OUT_OF_IT = 1e-9


def arguments_of(signature: Signature) -> tuple[int, ...]:
    """The positions of the arguments that must be rotations; of a larger matrix, its first three rows and columns."""
    return tuple(at for at, domain in enumerate(signature.domains) if domain == "rotation")


def check(signature: Signature, at: int, value: Any) -> None:
    """Raises Undefined where an argument is no rotation."""
    matrix = np.vectorize(value_of, otypes=[np.float64])(value)[:3, :3]
    scalar = arithmetic.component_type(signature.params[at])
    assert scalar in t.FLOATS
    allowed = _ROUNDINGS * float(np.finfo(scalar.name).eps)
    with np.errstate(all="ignore"):
        orthonormal = bool(np.all(np.abs(matrix @ matrix.T - np.eye(3)) <= allowed))
    if not orthonormal or np.linalg.det(matrix) < 0:
        raise Undefined(NO_ROTATION)


def check_movement(value: Any) -> None:
    """Raises NotDifferentiable where an argument of Duals leaves the rotations as it moves."""
    block = value[:3, :3]
    matrix = np.vectorize(value_of, otypes=[np.float64])(block)
    moving = [each for each in block.reshape(-1) if isinstance(each, Dual)]
    if not moving:
        return
    still = np.zeros_like(moving[0].tangent)
    tangents = np.array([each.tangent if isinstance(each, Dual) else still for each in block.reshape(-1)])
    for tangent in tangents.reshape(3, 3, -1).transpose(2, 0, 1):
        turned = matrix.T @ tangent
        if np.abs(turned + turned.T).max() > _OUT_OF_IT * max(1.0, np.abs(tangent).max()):
            raise NotDifferentiable("documented for rotations only")
