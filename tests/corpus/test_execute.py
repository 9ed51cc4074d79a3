"""Values of a run in a row: text that gives the bits back, the same with every release of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import from_dtype

from kernelfuzz.corpus.execute import tensors

FLOATS = [np.dtype(name) for name in ("float16", "float32", "float64")]
NUMBERS = st.sampled_from(FLOATS).flatmap(from_dtype)


def text_of(value: Any) -> str:
    (tensor,) = tensors({"x": np.array([value])})
    (text,) = tensor.values
    return text


@given(NUMBERS)
@example(np.float32(16776016.0))  # numpy 2.4 writes 1.6776016e+07
@example(np.float32(4192256.25))
@example(np.float16(1024.0))
@example(np.float64(1e16))
@example(np.float32(-0.0))
def test_floats_are_written_as_python_does(value: Any) -> None:
    text = text_of(value)
    assert text == repr(float(text))
    again = value.dtype.type(text)
    assert again.tobytes() == value.tobytes() or (np.isnan(again) and np.isnan(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(16776016.0), "16776016.0"),
        (np.float32(0.1), "0.1"),
        (np.float32(1e-5), "1e-05"),
        (np.float64("-inf"), "-inf"),
        (np.float16("nan"), "nan"),
        (np.int8(-3), "-3"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        (np.bool_(True), "True"),
    ],
)
def test_the_text_of_a_number(value: Any, text: str) -> None:
    assert text_of(value) == text
