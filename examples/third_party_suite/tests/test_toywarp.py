"""The backend held to the reference of kernelfuzz, on the kernels that it knows."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from toywarp import Unsupported, run

from kernelfuzz import render
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.reference import run as expected
from kernelfuzz.strategies import kernels, launches
from kernelfuzz.strategies.features import FEATURES

# What the backend has; every other feature of the vocabulary is excluded.
KNOWN = {
    *(
        "arithmetic",
        "math",
        "scalar_param",
        "early_exit",
        "early_return",
        "break",
        "continue",
        "if",
        "else",
        "elif",
    ),
    *(
        "for",
        "while",
        "nested_loop",
        "range_step",
        "dynamic_for",
        "and_or",
        "ternary",
        "tid_nd",
        "array_nd",
        "unpack",
    ),
    *("augmented", "outlive"),
}

known = kernels(include=["range_step"], exclude=FEATURES.keys() - KNOWN, dtypes=["int32"], size="small")


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(known, st.data())
def test_it_computes_what_the_reference_does(kernel: Kernel, data: st.DataObject) -> None:
    launch = data.draw(launches(kernel))
    try:
        made = run(render(kernel), launch.dim, launch.inputs)
    except Unsupported as unsupported:
        event(f"unsupported: {unsupported}")
        return
    event("compared")
    for name, array in expected(kernel, launch).items():
        assert isinstance(array, np.ndarray)
        np.testing.assert_array_equal(made[name], array, err_msg=name)
