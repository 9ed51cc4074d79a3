"""Inputs and outputs as JSON: every form gives every bit back, for each dtype, shape and struct."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kernelfuzz.ir.codec import decode, decode_texts, encode, encode_texts, plain_text
from kernelfuzz.ir.launch import Input, flattened

DTYPES = (
    "bool",
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
    "float16",
    "float32",
    "float64",
)
SPECIAL = np.array([0.1, -0.0, np.nan, -np.inf], np.float32)
NAMES = st.sampled_from(["a0", "out0", "s", "position", "inner", "x"])
# The bytes are drawn, so that NaN comes with every payload.
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3).flatmap(
        lambda shape: hnp.arrays(f"u{np.dtype(dtype).itemsize}", shape).map(
            lambda bits: bits.astype(bool) if dtype == "bool" else bits.view(dtype)
        )
    )
)
VALUES = st.dictionaries(
    NAMES, st.recursive(ARRAYS, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6)
)


def assert_same(values: dict[str, Input], back: dict[str, Input], *, payloads: bool) -> None:
    wanted, found = flattened(values), flattened(back)
    assert list(wanted) == list(found)
    for path, array in wanted.items():
        other = found[path]
        assert (array.dtype, array.shape) == (other.dtype, other.shape)
        if payloads or array.dtype.kind != "f":
            assert array.tobytes() == other.tobytes()
        else:
            numbers = ~np.isnan(array)
            assert np.array_equal(numbers, ~np.isnan(other))
            assert array[numbers].tobytes() == other[numbers].tobytes()


@given(VALUES)
def test_every_bit_comes_back(values: dict[str, Input]) -> None:
    assert_same(values, decode(json.loads(json.dumps(encode(values)))), payloads=True)
    text = json.dumps(encode(values, numbers=True), allow_nan=False)
    assert_same(values, decode(json.loads(text)), payloads=False)
    assert_same(values, decode_texts(json.loads(json.dumps(encode_texts(values)))), payloads=False)


@pytest.mark.parametrize(
    ("array", "numbers", "texts"),
    [
        (SPECIAL, [SPECIAL[0].item(), -0.0, "nan", "-inf"], ["0.1", "-0.0", "nan", "-inf"]),
        (np.array(5e-324), [5e-324], ["5e-324"]),
        (np.array([6e-8], np.float16), [float(np.float16(6e-8))], ["6e-08"]),
        (np.array([2**64 - 1], np.uint64), [2**64 - 1], ["18446744073709551615"]),
        (np.array([[True, False]]), [True, False], ["True", "False"]),
        (np.zeros((0, 3), np.float32), [], []),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, np.ndarray) else "",
)
def test_what_is_written(array: np.ndarray[Any, Any], numbers: list[Any], texts: list[str]) -> None:
    shape = {"dtype": array.dtype.name, "shape": list(array.shape)}
    written = encode({"s": {"x": array}}, numbers=True)
    # As text: 1 equals True, and 0.0 equals -0.0.
    assert json.dumps(written) == json.dumps({"s": {"fields": {"x": {**shape, "values": numbers}}}})
    (row,) = encode_texts({"s": {"x": array}})
    assert row == {"name": "s.x", **shape, "shape": array.shape, "values": tuple(texts)}


@given(st.integers(0, 2**16 - 1))
def test_a_narrow_float_is_not_rounded_twice(bits: int) -> None:
    value = np.array(bits, np.uint16).view(np.float16)[()]
    again = np.array(float(plain_text(value)), np.float16)
    assert np.array_equal(again, value, equal_nan=True)
    assert np.isnan(value) or np.signbit(again) == np.signbit(value)
