"""Poisson's equation with warp.fem: ``-Δu = f`` in the unit square or cube, ``u`` given on its boundary.

A problem is a manufactured solution: ``u`` is chosen, and ``f`` worked out from it by hand.  ``l2_error``
solves it on the CPU and says how far the finite element solution is from ``u``.

Everything is float64 where warp.fem has geometries in float64; before, in Warp 1.10, geometry and basis
functions are float32, and the integrals, the matrix and the solver float64.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import warp as wp
import warp.fem as fem
from warp.optim.linear import cg, preconditioner

# Nothing here is differentiated through.
wp.set_module_options({"enable_backward": False})

HAS_FLOAT64 = "scalar_type" in inspect.signature(fem.Grid2D).parameters
SCALAR = wp.float64 if HAS_FLOAT64 else wp.float32
Vec2 = wp.types.vector(2, SCALAR)
Vec3 = wp.types.vector(3, SCALAR)
PI = wp.constant(SCALAR(math.pi))


# ------------------------------------------------------------------------------------- manufactured solutions


@wp.func
def waves(x: Vec2):
    return wp.sin(PI * x[0]) * wp.sin(SCALAR(2.0) * PI * x[1])


@wp.func
def waves_source(x: Vec2):
    return SCALAR(5.0) * PI * PI * waves(x)


@wp.func
def growth(x: Vec2):
    return wp.exp(x[0]) * wp.cos(SCALAR(2.0) * x[1])


@wp.func
def growth_source(x: Vec2):
    return SCALAR(3.0) * growth(x)


@wp.func
def quintic(x: Vec2):
    return x[0] * x[0] * x[0] * x[0] * x[0] + x[0] * x[1] * x[1] * x[1] * x[1]


@wp.func
def quintic_source(x: Vec2):
    return -SCALAR(20.0) * x[0] * x[0] * x[0] - SCALAR(12.0) * x[0] * x[1] * x[1]


@wp.func
def room(x: Vec3):
    return wp.cos(PI * x[0]) * wp.sin(PI * x[1]) * wp.exp(x[2])


@wp.func
def room_source(x: Vec3):
    return (SCALAR(2.0) * PI * PI - SCALAR(1.0)) * room(x)


@dataclass(frozen=True, slots=True)
class Problem:
    """A solution, and the right-hand side that has it."""

    name: str
    dimension: int
    solution: wp.Function
    source: wp.Function


PROBLEMS = {
    each.name: each
    for each in (
        Problem("waves", 2, waves, waves_source),
        Problem("growth", 2, growth, growth_source),
        Problem("quintic", 2, quintic, quintic_source),
        Problem("room", 3, room, room_source),
    )
}


# --------------------------------------------------------------------------------------------- integrands


@fem.integrand
def stiffness(s: fem.Sample, u: fem.Field, v: fem.Field):
    return wp.dot(fem.grad(u, s), fem.grad(v, s))


@fem.integrand
def mass(s: fem.Sample, u: fem.Field, v: fem.Field):
    return u(s) * v(s)


def integrand_of(function: wp.Function) -> Callable[[Callable[..., Any]], fem.Integrand]:
    """``fem.integrand`` for a closure over ``function``, which goes into its name.

    warp.fem remembers what it has made of an integrand by its name, and all closures would have the same.
    """

    def decorate(closure: Callable[..., Any]) -> fem.Integrand:
        closure.__name__ = closure.__qualname__ = f"{closure.__name__}_{function.key}"
        return fem.integrand(closure)

    return decorate


def moments(function: wp.Function) -> fem.Integrand:
    """The integrand of ``function`` against test functions."""

    @integrand_of(function)
    def moment(s: fem.Sample, domain: fem.Domain, v: fem.Field):
        return function(fem.position(domain, s)) * v(s)

    return moment


def squared_errors(function: wp.Function) -> fem.Integrand:
    """The integrand of the square of what a field is off from ``function``."""

    @integrand_of(function)
    def squared_error(s: fem.Sample, domain: fem.Domain, u: fem.Field):
        difference = u(s) - function(fem.position(domain, s))
        return difference * difference

    return squared_error


# --------------------------------------------------------------------------------------------- geometries


def squares(resolution: int) -> fem.Geometry:
    return fem.Grid2D(wp.vec2i(resolution), **_scalar_type())


def cubes(resolution: int) -> fem.Geometry:
    return fem.Grid3D(wp.vec3i(resolution), **_scalar_type())


def triangles(resolution: int) -> fem.Geometry:
    return _simplices(fem.Trimesh2D, resolution, Vec2)


def tetrahedra(resolution: int) -> fem.Geometry:
    return _simplices(fem.Tetmesh, resolution, Vec3)


def _scalar_type() -> dict[str, Any]:
    return {"scalar_type": SCALAR} if HAS_FLOAT64 else {}


def _simplices(make: Callable[..., fem.Geometry], resolution: int, vector: Any) -> fem.Geometry:
    """A lattice whose cells are cut along their diagonal: one simplex for each order to go along the axes."""
    dimension = len(vector())
    axis = np.linspace(0.0, 1.0, resolution + 1)
    points = np.stack(np.meshgrid(*[axis] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    strides = (resolution + 1) ** np.arange(dimension - 1, -1, -1)
    cells = np.indices([resolution] * dimension).reshape(dimension, -1).T
    simplices = []
    for order in permutations(range(dimension)):
        path = np.cumsum([0, *strides[list(order)]])
        if np.linalg.det(np.eye(dimension)[list(order)]) < 0.0:
            path[[-2, -1]] = path[[-1, -2]]
        simplices.append((cells @ strides)[:, None] + path)
    vertices = wp.array(np.concatenate(simplices), dtype=int)
    return make(vertices, wp.array(points, dtype=vector))


GEOMETRIES = {"squares": squares, "triangles": triangles, "cubes": cubes, "tetrahedra": tetrahedra}


# ------------------------------------------------------------------------------------------------ solution


def l2_error(problem: Problem, geometry: str, degree: int, resolution: int) -> float:
    """The L2 norm of the error of the solution with elements of ``degree`` on ``resolution`` cells a side."""
    with wp.ScopedDevice("cpu"):
        geo = GEOMETRIES[geometry](resolution)
        cells, sides = fem.Cells(geo), fem.BoundarySides(geo)
        space = fem.make_polynomial_space(geo, degree=degree, dtype=SCALAR)
        # Enough for the error of the quadrature to be of a higher order than that of the elements.
        quadrature = fem.RegularQuadrature(cells, order=2 * degree + 2)
        solution = space.make_field()
        solution.dof_values = _coefficients(problem, space, cells, sides, quadrature)
        error = squared_errors(problem.solution)
        return math.sqrt(fem.integrate(error, quadrature=quadrature, fields={"u": solution}))


def _coefficients(
    problem: Problem, space: Any, cells: fem.Cells, sides: fem.BoundarySides, quadrature: fem.Quadrature
) -> wp.array:
    def integral(integrand: fem.Integrand, fields: dict[str, Any], **how: Any) -> Any:
        return fem.integrate(integrand, fields=fields, output_dtype=wp.float64, **how)

    test, trial = fem.make_test(space, domain=cells), fem.make_trial(space, domain=cells)
    matrix = integral(stiffness, {"u": trial, "v": test}, quadrature=quadrature)
    right = integral(moments(problem.source), {"v": test}, quadrature=quadrature)

    # Integrals over nodes: a diagonal matrix, and so the values of the solution at the nodes on the boundary.
    test, trial = fem.make_test(space, domain=sides), fem.make_trial(space, domain=sides)
    projector = integral(mass, {"u": trial, "v": test}, assembly="nodal")
    values = integral(moments(problem.solution), {"v": test}, assembly="nodal")
    fem.project_linear_system(matrix, right, projector, values)

    found = wp.zeros_like(right)
    limit = 20 * found.size
    _, residual, tolerance = cg(matrix, b=right, x=found, tol=1e-12, maxiter=limit, M=preconditioner(matrix, "diag"))
    if residual > tolerance:
        raise RuntimeError(f"conjugate gradients did not converge: {residual} after {limit} iterations")
    return wp.array(found.numpy(), dtype=SCALAR)
