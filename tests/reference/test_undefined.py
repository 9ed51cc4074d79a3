"""One kernel for each reason why an execution has no defined result; the exception names the node."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernelfuzz import reference
from kernelfuzz.reference.memory import commutes
from kernelfuzz.syntax.render import line_of

_SPEC = importlib.util.spec_from_file_location("written_kernels", Path(__file__).with_name("written.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
written = importlib.util.module_from_spec(_SPEC)
sys.modules["written_kernels"] = written
_SPEC.loader.exec_module(written)

# reason, the node's text, parameters, body, inputs, threads
CASES: list[tuple[str, str, str, str, dict[str, Any], int]] = [
    ("signed overflow", "a + 1", "a: int", "out[0] = a + 1", {"a": 2**31 - 1}, 1),
    ("signed overflow", "-a", "a: int", "out[0] = -a", {"a": -(2**31)}, 1),
    ("signed overflow", "a * a", "a: uint16", "out[0] = int(a * a)", {"a": 65535}, 1),
    ("signed overflow", "out[0] += a", "a: int", "out[0] += a\n    out[0] += a", {"a": 2**30}, 1),
    ("division by zero", "7 / a", "a: int", "out[0] = 7 / a", {"a": 0}, 1),
    ("division by zero", "7 % a", "a: int", "out[0] = 7 % a", {"a": 0}, 1),
    ("division by zero", "wp.static(1 // 0)", "a: int", "out[0] = wp.static(1 // 0)", {"a": 0}, 1),
    ("shift out of range", "1 << a", "a: int", "out[0] = 1 << a", {"a": 32}, 1),
    ("shift out of range", "1 >> a", "a: int", "out[0] = 1 >> a", {"a": -1}, 1),
    ("index out of range", "out[a]", "a: int", "out[a] = 1", {"a": 2}, 1),
    ("index out of range", "out[a]", "a: int", "out[0] = out[a]", {"a": -1}, 1),
    ("index out of range", "v[a]", "a: int", "v = wp.vec2i(1, 2)\n    out[0] = v[a]", {"a": 2}, 1),
    ("float to int out of range", "int(a)", "a: float", "out[0] = int(a)", {"a": 3e9}, 1),
    ("float to int out of range", "int(a)", "a: float", "out[0] = int(a)", {"a": np.nan}, 1),
    ("bits of a NaN", "wp.cast(a, dtype=wp.int32)", "a: float",
     "out[0] = wp.cast(a, dtype=int32)", {"a": np.nan}, 1),
    ("uninitialised read", "x", "a: int", "if a > 0:\n        x = 1\n    out[0] = x", {"a": 0}, 1),
    ("uninitialised read", "i", "a: int",
     "for i in range(a):\n        out[0] = 1\n    out[0] = i", {"a": 0}, 1),
    ("data race", "out[0]", "a: int", "i = wp.tid()\n    out[0] = i", {"a": 0}, 2),
    ("data race", "out[0]", "a: int", "i = wp.tid()\n    out[i] = out[0]", {"a": 0}, 2),
    ("data race", "out[0] += 1", "a: int", "i = wp.tid()\n    out[0] += 1\n    out[1] = out[0]", {"a": 0}, 2),
    ("data race", "out[0] *= 2", "a: int", "i = wp.tid()\n    out[0] *= 2", {"a": 0}, 2),
    ("order of atomics", "wp.atomic_add(out, 0, 1)", "a: int",
     "i = wp.tid()\n    wp.atomic_add(out, 0, 1)\n    wp.atomic_min(out, 0, i)", {"a": 0}, 2),
    ("order of atomics", "wp.atomic_exch(out, 0, i)", "a: int",
     "i = wp.tid()\n    wp.atomic_exch(out, 0, i)", {"a": 0}, 2),
    ("order of atomics", "wp.atomic_add(out, 0, 1)", "a: int",
     "x = wp.atomic_add(out, 0, 1)", {"a": 0}, 2),
    ("order of atomics", "wp.atomic_add(f, 0, 0.1)", "f: array[float]",
     "wp.atomic_add(f, 0, 0.1)", {"f": [0.0]}, 3),
    ("too many steps", "while a > 0:", "a: int", "while a > 0:\n        out[0] = 1", {"a": 1}, 1),
    ("outside the domain", "wp.lower_bound(f, 1, 0, 1.0)", "f: array[float]",
     "out[0] = wp.lower_bound(f, 1, 0, 1.0)", {"f": [0.0, 1.0]}, 1),
    ("array not sorted", "wp.lower_bound(f, 1.0)", "f: array[float]",
     "out[0] = wp.lower_bound(f, 1.0)", {"f": [2.0, 1.0]}, 1),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[1]}")
def test_is_undefined(case: tuple[str, str, str, str, dict[str, Any], int]) -> None:
    reason, text, params, body, inputs, threads = case
    kernel = written.kernel(f"def k({params}, out: array[int]):\n    {body}\n")
    launch = written.launch(kernel, threads, **inputs, out=[0, 0])
    with pytest.raises(reference.Undefined) as caught:
        reference.run(kernel, launch, steps=1000)
    assert caught.value.reason == reason
    assert caught.value.node is not None
    assert line_of(caught.value.node) == text


# What is near to one of the reasons, and defined.
DEFINED: list[tuple[str, str, dict[str, Any], int, list[int]]] = [
    ("a: int", "out[0] = -a", {"a": 2**31 - 1}, 1, [-(2**31) + 1, 0]),
    ("a: float", "out[0] = int(a)", {"a": -0.5}, 1, [0, 0]),
    ("a: int", "if a > 0 and 1 / a > 0:\n        out[0] = 1", {"a": 0}, 1, [0, 0]),
    ("a: int", "i = wp.tid()\n    out[i] = a", {"a": 4}, 2, [4, 4]),
    ("a: int", "i = wp.tid()\n    out[i] = out[i] + a", {"a": 4}, 2, [4, 4]),
    ("a: array[int]", "i = wp.tid()\n    out[i] = a[0]", {"a": [5]}, 2, [5, 5]),
    ("a: int", "wp.atomic_add(out, 0, a)\n    wp.atomic_sub(out, 0, 1)", {"a": 4}, 2, [6, 0]),
    ("a: int", "i = wp.tid()\n    x = wp.atomic_add(out, i, a)\n    out[i] += x", {"a": 4}, 2, [4, 4]),
]  # fmt: skip


@pytest.mark.parametrize("case", DEFINED, ids=lambda case: case[1])
def test_is_defined(case: tuple[str, str, dict[str, Any], int, list[int]]) -> None:
    params, body, inputs, threads, expected = case
    kernel = written.kernel(f"def k({params}, out: array[int]):\n    {body}\n")
    found = reference.run(kernel, written.launch(kernel, threads, **inputs, out=[0, 0]))["out"]
    assert isinstance(found, np.ndarray)
    assert found.tolist() == expected


def _sums(*numbers: float) -> bool:
    return commutes("sum", [np.float32(number) for number in numbers])


def test_which_float_sums_do_not_depend_on_the_order() -> None:
    assert _sums(0.0, 0.5, 0.25, -8.0)
    assert _sums(2.0**30, 2.0**31, 2.0**20)
    assert not _sums(0.0, 0.1, 0.2)
    # Exact in this order, but 2**24 + 1 is no float32.
    assert not _sums(2.0**24, -(2.0**24), 1.0)
    assert not _sums(3e38, 3e38, -3e38)
    assert commutes("sum", [np.array([1.0, 2.0]), np.array([3.0, np.inf])])
    assert commutes("min", [np.float32(1.0), np.float32(-2.0)])
    assert not commutes("min", [np.float32(0.0), np.float32(-0.0)])
    assert not commutes("max", [np.float32(0.0), np.float32(np.nan)])
