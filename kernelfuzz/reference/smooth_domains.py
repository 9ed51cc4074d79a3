"""Where a builtin without a closed form is documented to have a derivative: ONE table, one row per builtin.

Its derivative is that of what Warp's own function gives (``partials``), which may seem to have one where its
documentation promises none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.reference.dual import Dual, value_of
from kernelfuzz.reference.undefined import Corner, NotDifferentiable

Value: TypeAlias = Any
Function: TypeAlias = Callable[[tuple[Value, ...]], Value]

# How far the ``gaps`` are open, as a part of the largest component, or of 1: some twenty steps of ``partials``.
OPEN = 2.0**-6


@dataclass(frozen=True, slots=True)
class SmoothDomain:
    """The arguments at which a builtin is documented to have a derivative.

    ``gaps`` gives numbers that are not 0 there, of arguments in float64; ``closed`` says what it means that one is.
    ``onto`` projects its one argument onto those that it is ``meant_for``, a linear space: of one that is not in it, or
    leaves it as it moves, nothing is documented.  ``says`` is where Warp says so.
    """

    builtin: str
    closed: str
    gaps: Callable[..., Any]
    says: str
    onto: Callable[[Value], Value] | None = None
    meant_for: str = ""


def _of_svd2(a: Any) -> Any:
    # Beside a singular matrix a column of U is turned round: sigma is never negative.
    larger, smaller = np.linalg.svd(a)[1]
    return larger - smaller, smaller


def _symmetric_part(matrix: Value) -> Value:
    return (matrix + matrix.T) / 2


_ROWS = (
    SmoothDomain(
        "svd2", "singular values that are equal, close or zero", _of_svd2,
        says="derivatives of individual singular vectors are not uniquely defined when singular values repeat and may"
        " be numerically unstable when singular values are close",
    ),
    SmoothDomain(
        "svd3", "singular values that are equal or close", lambda a: np.diff(np.linalg.svd(a)[1]),
        says="derivatives of individual singular vectors are not uniquely defined at repeated magnitudes and may be"
        " numerically unstable when the magnitudes are close",
    ),
    SmoothDomain(
        "qr3", "a matrix without full rank", lambda a: np.diag(np.linalg.qr(a)[1]),
        says="autodiff requires A to have full rank; gradients may be numerically unstable when a diagonal entry of R"
        " is small relative to the others",
    ),
    SmoothDomain(
        "eig3", "eigenvalues that are equal or close", lambda a: np.diff(np.linalg.eigvalsh(_symmetric_part(a))),
        says="the eigendecomposition of a symmetric 3x3 matrix; losses that select an individual eigenvalue may be"
        " nondifferentiable when eigenvalues repeat; gradients through Q may be unreliable when eigenvalues are close"
        " or repeated",
        onto=_symmetric_part, meant_for="symmetric matrices",
    ),
    SmoothDomain(
        "quat_slerp", "rotations that differ by 180 degrees", lambda a, b, t: a @ b,
        says="when dot(a, b) is zero, the shortest arc is not unique; near that case, small changes to the inputs can"
        " reverse the direction of the interpolation",
    ),
)  # fmt: skip

SMOOTH_DOMAINS: Mapping[str, SmoothDomain] = {row.builtin: row for row in _ROWS}


def within(builtin: str, function: Function, arguments: tuple[Value, ...]) -> Function:
    """``function``, which computes the builtin, made such that it may be differentiated by each component.

    ``arguments`` hold Duals.  Raises Corner where the derivative is documented not to exist, and
    NotDifferentiable where the arguments move to where the builtin is not meant for.
    """
    row = SMOOTH_DOMAINS.get(builtin)
    if row is None:
        return function
    plain = [_plain(argument) for argument in arguments]
    sizes = [float(np.abs(argument).max(initial=0.0)) for argument in plain]
    onto = row.onto
    if onto is not None and not all(_stays_in(onto, argument) for argument in arguments):
        raise NotDifferentiable(f"documented for {row.meant_for} only")
    if not np.isfinite(sizes).all() or np.abs(row.gaps(*plain)).min() < OPEN * max(1.0, *sizes):
        raise Corner(row.closed)
    return function if onto is None else lambda values: function(tuple([onto(value) for value in values]))


def _plain(argument: Value) -> Any:
    return np.vectorize(value_of, otypes=[np.float64])(argument)


def _stays_in(onto: Callable[[Value], Value], argument: Value) -> bool:
    """Whether a linear projection changes neither the argument nor how it moves, but for rounding."""
    tangents = [np.atleast_1d(each.tangent) for each in argument.reshape(-1) if isinstance(each, Dual)]
    still = np.zeros_like(tangents[0])
    moved = np.stack([each.tangent if isinstance(each, Dual) else still for each in argument.reshape(-1)])
    parts = [_plain(argument), *(part.reshape(argument.shape) for part in moved.T)]
    return not any((np.abs(part - onto(part)) > Dual.near * max(1.0, np.abs(part).max())).any() for part in parts)
