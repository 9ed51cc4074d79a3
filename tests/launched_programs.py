"""Programs that tests launch, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kernelfuzz.devices import Target
from kernelfuzz.ir.launch import Input

Values = Mapping[str, Any]


# A target with the grids that are tried on it: blocks and threads in each.  On the host, threads take several
# turns of the grid-stride loop in some, and in some the last turn is not for all.
GRIDS: dict[Target, list[tuple[int | None, int | None]]] = {
    "cpu": [(None, None)],
    "cuda-host": [(None, None), (1, 1), (2, 2), (1, 3), (1, 64), (9, 1)],
}


ON = [(target, *grid) for target, grids in GRIDS.items() for grid in grids]


DTYPES = {
    "bool": np.bool_, "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "float16": np.float16, "float32": np.float32, "float64": np.float64,
}  # fmt: skip


COPY = """
@wp.kernel
def copy_{name}(value: wp.{name}, values: wp.array(dtype=wp.{name}), out: wp.array2d(dtype=wp.{name})):
    i = wp.tid()
    out[i, 0] = value
    out[i, 1] = values[i]
"""


KERNELS = """
import warp as wp

mat23 = wp.types.matrix(shape=(2, 3), dtype=wp.int8)
vec5 = wp.types.vector(5, wp.float16)
SCALE = wp.constant(3)


@wp.struct
class Inner:
    half: wp.float16
    flag: bool
    matrix: mat23


@wp.struct
class Outer:
    number: int
    inner: Inner
    pose: wp.transformd


@wp.func
def twice(x: int):
    return x * 2


@wp.kernel
def composites(
    v: wp.vec3, m: mat23, q: wp.quath, t: wp.transformd, w: vec5,
    vs: wp.array(dtype=wp.vec3), ms: wp.array(dtype=mat23), qs: wp.array(dtype=wp.quath),
    ts: wp.array(dtype=wp.transformd), ws: wp.array(dtype=vec5),
):
    i = wp.tid()
    vs[i] = v + vs[i]
    ms[i] = m + ms[i]
    qs[i] = q
    ts[i] = wp.transformd(t.p * wp.float64(2.0), ts[i].q)
    ws[i] = w * wp.float16(0.5)


@wp.kernel
def structs(one: Outer, many: wp.array2d(dtype=Outer), out: wp.array(dtype=int)):
    i, j = wp.tid()
    s = many[i, j]
    made = Outer()
    made.number = s.number + one.number
    made.inner.half = one.inner.half
    made.inner.flag = not s.inner.flag
    made.inner.matrix = s.inner.matrix + one.inner.matrix
    made.pose = one.pose
    many[i, j] = made
    if s.inner.flag:
        wp.atomic_add(out, 0, twice(s.number))


@wp.kernel
def dimensions(
    a: wp.array(dtype=int), b: wp.array2d(dtype=int), c: wp.array3d(dtype=int), d: wp.array4d(dtype=int)
):
    i, j, k, l = wp.tid()
    d[i, j, k, l] = d[i, j, k, l] * 1000 + a[i] + b[i, j] + c[i, j, k]
    if wp.len(a) == 1:
        wp.atomic_max(a, 0, j)


def make(step):
    @wp.kernel
    def kernel(out: wp.array(dtype=int)):
        i = wp.tid()
        if i == 1:
            return
        out[i] = i * step + SCALE

    return kernel


by_two = make(2)
by_five = make(5)


@wp.kernel(module="unique")
def apart(out: wp.array(dtype=float)):
    out[wp.tid()] = 1.5
""" + "".join(COPY.format(name=name) for name in DTYPES)


def same(got: Input, expected: Any) -> None:
    """Equal values of equal dtypes and shapes, all the way down."""
    if isinstance(expected, dict):
        assert isinstance(got, dict)
        assert list(got) == list(expected)
        for name, value in expected.items():
            same(got[name], value)
    else:
        assert isinstance(got, np.ndarray)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def struct_inputs() -> dict[str, Input]:
    numbers = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
    flags = np.array([[True, False, False], [False, False, True]])
    return {
        "one": {
            "number": np.array(100, np.int32),
            "inner": {
                "half": np.array(0.25, np.float16),
                "flag": np.array(True),
                "matrix": np.array([[1, 2, 3], [4, 5, 6]], np.int8),
            },
            "pose": np.arange(7.0),
        },
        "many": {
            "number": numbers,
            "inner": {
                "half": np.ones((2, 3), np.float16),
                "flag": flags,
                "matrix": np.full((2, 3, 2, 3), 10, np.int8),
            },
            "pose": np.zeros((2, 3, 7)),
        },
        "out": np.array([0], np.int32),
    }


def dimension_inputs(*dim: int) -> dict[str, Input]:
    sizes = [dim[: axes + 1] for axes in range(4)]
    return {
        name: np.arange(np.prod(size), dtype=np.int32).reshape(size) for name, size in zip("abcd", sizes, strict=True)
    }


GRADIENTS = """
import warp as wp


@wp.struct
class Item:
    x: float
    count: int
    v: wp.vec3d


@wp.kernel
def square(
    a: wp.array(dtype=float), b: wp.array(dtype=float), factor: float, n: wp.array(dtype=int),
    out: wp.array(dtype=float),
):
    i = wp.tid()
    out[i] = a[i] * a[i] * factor * float(n[i]) + b[0]


@wp.kernel
def items(items: wp.array(dtype=Item), w: wp.vec3d, one: Item, out: wp.array2d(dtype=wp.float64)):
    i = wp.tid()
    s = items[i]
    for j in range(s.count):
        out[i, j] = wp.dot(s.v, w) * wp.float64(s.x) + wp.float64(one.x)


@wp.kernel
def rows(m: wp.array(dtype=wp.mat22h), v: wp.array(dtype=wp.vec2h), out: wp.array(dtype=wp.vec2h)):
    i = wp.tid()
    out[i] = m[i] * v[i]
"""


SQUARE: dict[str, Input] = {
    "a": np.array([1, -2, 0.5, 4, 3], np.float32),
    "b": np.array([7], np.float32),
    "factor": np.array(3, np.float32),
    "n": np.array([1, 2, 4, 1, 0], np.int32),
    "out": np.zeros(5, np.float32),
}


HEAD = "import warp as wp\n"


FAILURES = {
    "syntax": ("def :", {}, "syntax", "invalid syntax", 2),
    "no kernel": ("x = 1", {}, "empty", "no @wp.kernel", None),
    "raises": ("1 / 0", {}, "codegen", "ZeroDivisionError", 2),
    "unknown name": (
        "@wp.kernel\ndef kernel(a: wp.array(dtype=int)):\n    a[0] = nothing",
        {},
        "codegen",
        "nothing",
        4,
    ),
    "bad native code": (
        "@wp.func_native('not C++;')\ndef native(x: int): ...\n"
        "@wp.kernel\ndef kernel(a: wp.array(dtype=int)):\n    native(a[0])",
        {},
        "compile",
        "error:",
        None,
    ),
    "generic": (
        "from typing import Any\n@wp.kernel\ndef kernel(a: wp.array(dtype=Any)):\n    a[0] = a[1]",
        {},
        "unsupported",
        "generic kernel without an overload: kernel",
        None,
    ),
    "option": (
        "@wp.kernel\ndef kernel(a: wp.array(dtype=int)):\n    a[0] = 1",
        {"no_such_option": 1},
        "unsupported",
        "no_such_option",
        None,
    ),
}
