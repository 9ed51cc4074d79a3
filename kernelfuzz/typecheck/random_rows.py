"""The rows of random numbers and of noise, of the table of builtins (``kernelfuzz.typecheck.builtin_rows``)."""

from __future__ import annotations

from typing import Any

from kernelfuzz.typecheck.builtin_columns import Closed, row

_OVERLOADS = Closed("exactly defined; older releases lack overloads in Python scope")

# ``rand_init`` makes a state from a seed; every other one advances the state that it is given, in place.
_INIT: dict[str, Any] = {
    "group": "random", "differentiable": False, "exact": "scalar.random_state", "closed": _OVERLOADS,
}  # fmt: skip
_DRAW: dict[str, Any] = {"group": "random", "differentiable": False, "mutates": (0,)}
_UNIFORM: dict[str, Any] = {**_DRAW, "draws": 1, "closed": _OVERLOADS}
_SAMPLE: dict[str, Any] = {**_DRAW, "without": "random numbers: only their distribution is documented"}
RANDOM = (
    row("rand_init", "(int32) -> uint32", word="states of random generators", **_INIT),
    row("rand_init", "(int32, int32) -> uint32", **_INIT),
    row("randi", "(uint32) -> int32", word="random integers", range="ends", exact="scalar.random_int", **_UNIFORM),
    row("randi", "(uint32, int32, int32) -> int32", domains="any below above", range="ends", exact="scalar.random_int",
        **_UNIFORM),
    row("randu", "(uint32) -> uint32", word="random unsigned integers", exact="scalar.random_uint", **_UNIFORM),
    row("randu", "(uint32, uint32, uint32) -> uint32", domains="any below above", exact="scalar.random_uint",
        **_UNIFORM),
    row("randf", "(uint32) -> float32", word="random floats", exact="scalar.random_float", **_UNIFORM),
    row("randf", "(uint32, float32, float32) -> float32", domains="any below above", exact="scalar.random_float",
        **_UNIFORM),
    row("randn", "(uint32) -> float32", word="normally distributed floats", ulp=None, draws=2, **_SAMPLE),
    row("sample_triangle", "(uint32) -> vec(2,float32)", word="random points of a triangle", draws=2, **_SAMPLE),
    row("sample_unit_square", "(uint32) -> vec(2,float32)", word="random points of a square", draws=2, **_SAMPLE),
    row("sample_unit_cube", "(uint32) -> vec(3,float32)", word="random points of a cube", draws=3, **_SAMPLE),
    row("sample_unit_ring", "(uint32) -> vec(2,float32)", word="random points of a ring", ulp=None, draws=1, **_SAMPLE),
    row("sample_unit_disk", "(uint32) -> vec(2,float32)", word="random points of a disk", ulp=None, draws=2, **_SAMPLE),
    row("sample_unit_sphere_surface", "(uint32) -> vec(3,float32)", word="random points on a sphere", ulp=None, draws=2,
        **_SAMPLE),
    row("sample_unit_sphere", "(uint32) -> vec(3,float32)", word="random points of a ball", ulp=None, draws=3,
        **_SAMPLE),
    row("sample_unit_hemisphere_surface", "(uint32) -> vec(3,float32)", word="random points on a hemisphere", ulp=None,
        draws=2, **_SAMPLE),
    row("sample_unit_hemisphere", "(uint32) -> vec(3,float32)", word="random points of a hemisphere", ulp=None, draws=3,
        **_SAMPLE),
    row("sample_cdf", "(uint32, array(float32,1)) -> int32", word="samples of a distribution", range="whole", draws=1,
        without="searches an array: done by the interpreter", **_DRAW),
    # Knuth's method: see ``kernelfuzz.reference.closed_forms.scalar.state_after``.
    row("poisson", "(uint32, float32) -> uint32", word="Poisson-distributed integers", domains="any rate", ulp=None,
        draws=None, **_SAMPLE),
)  # fmt: skip

_NOISE: dict[str, Any] = {"group": "noise", "without": "no formula is documented"}
NOISE = (
    row("noise", "(uint32, float32) -> float32", word="Perlin noise", domains="any small", **_NOISE),
    row("noise", "(uint32, vec(n,float32)) -> float32", domains="any small", n="2..4", **_NOISE),
    row("pnoise", "(uint32, float32, int32) -> float32", word="periodic Perlin noise", domains="any small period",
        **_NOISE),
    *(
        row("pnoise", f"(uint32, vec({size},float32){', int32' * size}) -> float32",
            domains="any small" + " period" * size, **_NOISE)
        for size in (2, 3, 4)
    ),
    row("curlnoise", "(uint32, vec(n,float32), uint32, float32, float32) -> vec(n,float32)", word="curl noise",
        domains="any small octaves small small", n="2..3", **_NOISE),
    row("curlnoise", "(uint32, vec(4,float32), uint32, float32, float32) -> vec(3,float32)",
        domains="any small octaves small small", **_NOISE),
)  # fmt: skip
