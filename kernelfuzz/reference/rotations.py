"""Matrices that are documented as rotations, with scales or without: whether one is, and whether it stays one.

"It must be orthonormal with a determinant of +1; otherwise, the result is unspecified" (Built-ins, quat_from_matrix).
A matrix to decompose is "[[s_x R_00, s_y R_01, s_z R_02, p_x], ...]" with a rotation matrix R (Built-ins,
transform_decompose): its columns are orthogonal.  Of one with any other columns there is no such R and s.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.ir import types as t
from kernelfuzz.reference import arithmetic
from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import NO_ROTATION, NO_SCALED_ROTATION, NotDifferentiable, Undefined
from kernelfuzz.typecheck.builtins import Signature

Block: TypeAlias = "np.ndarray[Any, Any]"

# The domains of rotations, and of rotations whose columns are scaled.
ROTATION, SCALED = "rotation", "scaled"

# A rotation that was computed by a few operations is off by a few roundings.
_ROUNDINGS = 64
# How far a movement may lead out of the rotations, as a part of its length.
_OUT_OF_IT = 1e-9


def arguments_of(signature: Signature) -> tuple[int, ...]:
    """The positions of the arguments that must be rotations; of a larger matrix, its first three rows and columns."""
    return tuple(at for at, domain in enumerate(signature.domains) if domain in (ROTATION, SCALED))


def check(signature: Signature, at: int, value: Any) -> None:
    """Raises Undefined where an argument is no rotation, or is none with scales where these are documented."""
    matrix = np.vectorize(value_of, otypes=[np.float64])(value)[:3, :3]
    scalar = arithmetic.component_type(signature.params[at])
    assert scalar in t.FLOATS
    allowed = _ROUNDINGS * float(np.finfo(scalar.name).eps)
    if signature.domains[at] == SCALED:
        if not _orthogonal(matrix, allowed):
            raise Undefined(NO_SCALED_ROTATION)
        return
    with np.errstate(all="ignore"):
        orthonormal = bool(np.all(np.abs(matrix @ matrix.T - np.eye(3)) <= allowed))
    if not orthonormal or np.linalg.det(matrix) < 0:
        raise Undefined(NO_ROTATION)


def _orthogonal(matrix: Block, allowed: float) -> bool:
    """Whether the columns are orthogonal, whatever their lengths, also zero."""
    if not np.isfinite(matrix).all():
        return False
    turned, _ = _unscaled(matrix)
    return bool((np.abs(turned.T @ turned)[~np.eye(3, dtype=bool)] <= allowed).all())


def _unscaled(matrix: Block) -> tuple[Block, Block]:
    """The columns divided by their lengths, and these; a column of zeros stays as it is."""
    # First by the largest component: no square overflows, or is zero by underflow.
    largest = np.abs(matrix).max(axis=0)
    columns = matrix / np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(columns, axis=0)
    return columns / np.where(lengths > 0, lengths, 1), largest * lengths


def check_movement(signature: Signature, at: int, value: Any) -> None:
    """Raises NotDifferentiable where an argument of Duals leaves the rotations as it moves.

    Where scales are documented, these may move as well; at a scale that is zero or negative there is no telling which
    rotation and which scales come of it.
    """
    block = value[:3, :3]
    matrix = np.vectorize(value_of, otypes=[np.float64])(block)
    moving = [each for each in block.reshape(-1) if isinstance(each, Dual)]
    if not moving:
        return
    scaled = signature.domains[at] == SCALED
    lengths = np.ones(3)
    if scaled:
        matrix, lengths = _unscaled(matrix)
        if not (lengths > 0).all() or np.linalg.det(matrix) < 0:
            raise NotDifferentiable("scales that are zero or negative")
    still = np.zeros_like(moving[0].tangent)
    tangents = np.array([each.tangent if isinstance(each, Dual) else still for each in block.reshape(-1)])
    for tangent in tangents.reshape(3, 3, -1).transpose(2, 0, 1):
        turned = matrix.T @ (tangent / lengths)
        away = turned + turned.T
        if scaled:
            np.fill_diagonal(away, 0.0)
        if np.abs(away).max() > _OUT_OF_IT * max(1.0, np.abs(tangent / lengths).max()):
            raise NotDifferentiable(f"documented for {'scaled ' if scaled else ''}rotations only")
