"""Small kernels with what they must give, by hand from Python's reference and Warp's documentation."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.ir.nodes import Construct, Literal
from kernelfuzz.ir.types import FLOAT32, FLOAT64, INT32, Struct, Vector
from kernelfuzz.typecheck.builtins import at_least

_SPEC = importlib.util.spec_from_file_location("written_kernels", Path(__file__).with_name("written.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
written = importlib.util.module_from_spec(_SPEC)
sys.modules["written_kernels"] = written
_SPEC.loader.exec_module(written)

TENTHS = Construct(Vector(2, FLOAT64), (Literal(0.1, FLOAT64), Literal(0.2, FLOAT64)))
POINT = Struct("Point", (("n", INT32), ("v", Vector(2, FLOAT32))))


@dataclass(frozen=True)
class Example:
    """A kernel, its inputs (``out`` starts as zeros of the shape of what is expected), and its output."""

    name: str
    text: str
    out: list[Any]
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    dim: int | tuple[int, ...] = 1
    structs: tuple[Struct, ...] = ()
    constants: dict[str, Literal | Construct] = field(default_factory=dict[str, "Literal | Construct"])
    tiled: bool = False


EXAMPLES = [
    Example("remainder takes the sign of the dividend", """
        def k(a: array[int], b: array[int], out: array[int]):
            i = wp.tid()
            out[i] = a[i] % b[i]
        """, [-1, 1], {"a": [-3, 3], "b": [2, -2]}, 2),
    Example("floor division floors", """
        def k(a: array[int], b: array[int], out: array[int]):
            i = wp.tid()
            out[i] = a[i] // b[i]
        """, [-4, -4, 3, 3], {"a": [-7, 7, -7, 7], "b": [2, -2, -2, 2]}, 4),
    Example("division of integers truncates", """
        def k(a: array[int], b: array[int], out: array[int]):
            i = wp.tid()
            out[i] = a[i] / b[i]
        """, [-3, -3, 3, 3], {"a": [-7, 7, -7, 7], "b": [2, -2, -2, 2]}, 4),
    Example("a float remainder is that of C", """
        def k(a: float, b: float, out: array[float]):
            out[0] = a % b
        """, [-1.5], {"a": -5.5, "b": 2.0}),
    Example("unsigned numbers wrap", """
        def k(a: uint8, out: array[uint8]):
            out[0] = a - wp.uint8(2)
        """, [255], {"a": 1}),
    Example("int8 wraps when stored", """
        def k(a: int8, out: array[int8]):
            out[0] = a + a
        """, [-56], {"a": 100}),
    Example("round takes halves away from zero, rint to even", """
        def k(a: array[float], out: array[float]):
            i = wp.tid()
            out[i] = wp.round(a[i]) * 10.0 + wp.rint(a[i])
        """, [10.0, 22.0, -10.0], {"a": [0.5, 1.5, -0.5]}, 3),
    Example("asin is clamped to its domain", """
        def k(a: float, out: array[float]):
            out[0] = wp.asin(a) - wp.asin(1.0)
        """, [0.0], {"a": 2.0}),
    Example("where takes the second argument if the first holds", """
        def k(a: int, out: array[int]):
            out[0] = wp.where(a > 0, 1, 2)
            out[1] = wp.where(a < 0, 1, 2)
        """, [1, 2], {"a": 5}),
    Example("a vector is copied by an assignment", """
        def k(out: array[float]):
            v = wp.vec2(1.0, 2.0)
            w = v
            w[0] = 5.0
            v.y = 7.0
            out[0] = v[0]
            out[1] = v[1]
            out[2] = w[0]
            out[3] = w[1]
        """, [1.0, 7.0, 5.0, 2.0]),
    Example("a function gets a vector by value", """
        def f(v: vec2) -> float:
            w = v
            w[0] = 9.0
            return w[0]
        def k(out: array[float]):
            v = wp.vec2(1.0, 2.0)
            out[0] = f(v)
            out[1] = v[0]
        """, [9.0, 1.0]),
    Example("a function gets an array by reference", """
        def f(a: array[float], i: int):
            a[i] = 3.0
        def k(out: array[float]):
            f(out, 1)
        """, [0.0, 3.0]),
    Example("an element is a copy", """
        def k(a: array[vec2], out: array[float]):
            v = a[0]
            a[0] = wp.vec2(8.0, 9.0)
            out[0] = v[0]
            out[1] = a[0][1]
        """, [1.0, 9.0], {"a": [[1, 2]]}),
    Example("a view shares memory", """
        def k(a: array2[float], out: array[float]):
            row = a[1]
            row[0] = 4.0
            out[0] = a[1, 0]
        """, [4.0], {"a": [[1, 2], [3, 4]]}),
    Example("negative indices of a vector wrap", """
        def k(out: array[float]):
            v = wp.vec3(1.0, 2.0, 3.0)
            out[0] = v[-1]
            out[1] = v[1:][0]
            out[2] = v[::-1][0]
        """, [3.0, 2.0, 3.0]),
    Example("a slice of a local can be assigned", """
        def k(out: array[float]):
            v = wp.vec3(1.0, 2.0, 3.0)
            v[0:2] = wp.vec2(7.0, 8.0)
            out[0] = v[0] + v[1] + v[2]
        """, [18.0]),
    Example("a row of a matrix", """
        def k(out: array[float]):
            m = wp.mat22(1.0, 2.0, 3.0, 4.0)
            m[0] = wp.vec2(5.0, 6.0)
            out[0] = m[0, 1]
            out[1] = m[1][0]
            out[2] = (m @ wp.vec2(1.0, 10.0))[1]
        """, [6.0, 3.0, 43.0]),
    Example("a vector times a matrix", """
        def k(out: array[float]):
            v = wp.vec2(1.0, 10.0) @ wp.mat22(1.0, 2.0, 3.0, 4.0)
            out[0] = v[0]
            out[1] = v[1]
        """, [31.0, 42.0]),
    Example("a quaternion product", """
        def k(out: array[float]):
            q = wp.quat(1.0, 0.0, 0.0, 0.0) * wp.quat(0.0, 1.0, 0.0, 0.0)
            out[0] = q.x
            out[1] = q.y
            out[2] = q.z
            out[3] = q.w
        """, [0.0, 0.0, 1.0, 0.0]),
    Example("a transform of a transform", """
        def k(out: array[float]):
            t = wp.transform(wp.vec3(1.0, 2.0, 3.0), wp.quat(0.0, 0.0, 0.0, 1.0))
            u = t * t
            out[0] = u.p[2]
            out[1] = u.q[3]
        """, [6.0, 1.0]),
    Example("names outlive their block", """
        def k(a: int, out: array[int]):
            if a > 0:
                x = 1
            else:
                x = 2
            for n in range(3):
                y = n
            out[0] = x
            out[1] = y
            out[2] = n
        """, [1, 2, 2], {"a": 1}),
    Example("the bounds of a range are evaluated once", """
        def k(a: int, out: array[int]):
            n = int(a)
            for i in range(n):
                n += 10
                out[0] += 1
            out[1] = n
        """, [2, 22], {"a": 2}),
    Example("a range with a negative step", """
        def k(a: int, out: array[int]):
            for i in range(a, -1, -2):
                out[0] = out[0] * 10 + i
        """, [531], {"a": 5}),
    Example("break and continue", """
        def k(a: int, out: array[int]):
            for i in range(a):
                if i == 1:
                    continue
                if i == 4:
                    break
                out[0] = out[0] * 10 + i
        """, [23], {"a": 9}),
    Example("a while loop", """
        def k(a: int, out: array[int]):
            n = int(a)
            while n > 1:
                n = n // 2
                out[0] += 1
        """, [3], {"a": 9}),
    Example("a comparison chain evaluates each operand once", """
        def f(c: array[int]) -> int:
            c[0] += 1
            return 5
        def k(c: array[int], out: array[int]):
            if 1 < f(c) < 9:
                out[0] = c[0]
            if 6 < f(c) < f(c):
                out[1] = 7
            out[2] = c[0]
        """, [1, 0, 2], {"c": [0]}),
    Example("and and or stop early", """
        def f(c: array[int]) -> bool:
            c[0] += 1
            return True
        def k(a: int, c: array[int], out: array[int]):
            if a > 0 and f(c):
                out[0] = 1
            if a == 0 or f(c):
                out[1] = 1
            out[2] = c[0]
        """, [0, 1, 0], {"a": 0, "c": [0]}),
    Example("a conditional expression evaluates one branch", """
        def f(c: array[int], by: int) -> int:
            c[0] += by
            return by
        def k(a: int, c: array[int], out: array[int]):
            out[0] = f(c, 1) if a > 0 else f(c, 10)
            out[1] = c[0]
        """, [10, 10], {"a": 0, "c": [0]}),
    Example("operands are evaluated from left to right", """
        def f(c: array[int]) -> int:
            c[0] = 7
            return 1
        def k(c: array[int], out: array[int]):
            out[0] = c[0] * 10 + f(c)
            out[1] = c[0]
        """, [21, 7], {"c": [2]}),
    Example("a tuple is evaluated before it is unpacked", """
        def k(a: int, out: array[int]):
            x = a + 1
            y = a + 2
            x, y = y, x
            out[0] = x
            out[1] = y
        """, [2, 1], {"a": 0}),
    Example("several results", """
        def f(a: int) -> (int, float):
            return a + 1, 0.5
        def k(out: array[float]):
            n, x = f(2)
            out[0] = float(n) + x
        """, [3.5]),
    Example("a struct is zero at first", """
        def k(out: array[float]):
            s = Point()
            s.n += 3
            s.v.y = 2.0
            out[0] = float(s.n) + s.v[0]
            out[1] = s.v.y
        """, [3.0, 2.0], structs=(POINT,)),
    Example("an array of structs", """
        def k(a: array[Point], out: array[float]):
            s = a[1]
            a[1].n = 8
            a[1].v.x += 0.5
            out[0] = float(s.n)
            out[1] = float(a[1].n)
            out[2] = a[1].v[0]
        """, [4.0, 8.0, 1.5], {"a": {"n": [3, 4], "v": [[0, 0], [1, 1]]}}, structs=(POINT,)),
    Example("wp.static is evaluated by Python", """
        def k(out: array[int]):
            out[0] = wp.static(-7 // 2)
            out[1] = wp.static(-7 % K)
        """, [-4, 2], constants={"K": Literal(3, INT32)}),
    Example("wp.static of the counter of an unrolled loop has a value for each copy", """
        def k(out: array[int]):
            for i in range(-2, 3):
                if wp.static(i) == 1:
                    continue
                for j in range(2):
                    out[0] += wp.static(10 * i + j)
        """, [-16]),
    Example("a constant may be a vector, and keeps its digits", """
        def k(out: array[float64]):
            v = V
            v[1] = wp.float64(2.0)
            out[0] = V[0]
            out[1] = V.y + v.y
        """, [0.1, 2.2], constants={"V": TENTHS}),
    Example("a conversion to 64 bits of Python's number loses nothing", """
        def k(out: array[float64]):
            out[0] = wp.float64(K)
            out[1] = wp.float64(wp.static(10000000000.0 * 3.0))
        """, [0.1, 3e10] if at_least(1, 12, 1) else [0.10000000149011612, 30000001024.0],
        constants={"K": Literal(0.1, FLOAT32)}),
    Example("the last axis of a grid varies fastest", """
        def k(out: array[int]):
            i, j = wp.tid()
            out[i * 3 + j] = 10 * i + j
        """, [0, 1, 2, 10, 11, 12], dim=(2, 3)),
    Example("atomics return what was there", """
        def k(a: array[int], out: array[int]):
            out[0] = wp.atomic_add(a, 0, 5)
            out[1] = wp.atomic_max(a, 0, 3)
            out[2] = wp.atomic_min(a, 0, 2)
            out[3] = wp.atomic_cas(a, 0, 2, 9)
            out[4] = wp.atomic_cas(a, 0, 2, 1)
            out[5] = wp.atomic_exch(a, 0, 4)
            out[6] = a[0]
        """, [1, 6, 6, 2, 9, 9, 4], {"a": [1]}),
    Example("sums of many threads", """
        def k(out: array[float]):
            i = wp.tid()
            wp.atomic_add(out, 0, 0.5)
            out[1] += float(i)
        """, [2.0, 6.0], dim=4),
    Example("the shape of an array", """
        def k(a: array2[int], out: array[int]):
            out[0] = a.shape[0] * 10 + a.shape[1]
            out[1] = wp.len(a)
        """, [23, 2], {"a": [[1, 2, 3], [4, 5, 6]]}),
    Example("the same bits as another type", """
        def k(out: array[int]):
            out[0] = wp.cast(1.0, dtype=int32)
        """, [0x3F800000]),
    Example("a tile is loaded, summed and stored", """
        def k(a: array2[float], out: array[float]):
            i = wp.tid()
            t = wp.tile_load(a[i], shape=4)
            s = wp.tile_sum(t)
            u = wp.tile_broadcast(s, shape=(4,))
            wp.tile_store(out, u + t)
        """, [11.0, 12.0, 13.0, 14.0], {"a": [[1, 2, 3, 4]]}, tiled=True),
    Example("a transposed tile is read by rows", """
        def k(a: array[float], out: array[float]):
            t = wp.tile_load(a, shape=4)
            u = wp.tile_reshape(t, shape=(2, 2))
            v = wp.tile_transpose(u)
            w = wp.tile_reshape(v, shape=(4,))
            wp.tile_store(out, w)
        """, [0.0, 2.0, 1.0, 3.0], {"a": [0, 1, 2, 3]}, tiled=True),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_kernel(example: Example) -> None:
    kernel = written.kernel(example.text, *example.structs, **example.constants)
    inputs = {**example.inputs, "out": np.zeros(len(example.out))}
    launch = written.launch(kernel, example.dim, example.tiled, **inputs)
    found = reference.run(kernel, launch)["out"]
    assert isinstance(found, np.ndarray)
    assert found.tolist() == example.out
    given = launch.inputs["out"]
    assert isinstance(given, np.ndarray)
    assert found.dtype == given.dtype
    assert not given.any(), "the inputs of a launch stay as they are"
