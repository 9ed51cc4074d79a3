"""Types are values: what travels to another process, or is copied, is the same type afterwards."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import kernelfuzz
from kernelfuzz.ir.types import FLOATS, NUMBERS, SCALARS, Scalar, Vector


@pytest.mark.parametrize("scalar", SCALARS, ids=str)
def test_there_is_one_object_for_each_scalar_type(scalar: Scalar) -> None:
    for again in (pickle.loads(pickle.dumps(scalar)), copy.copy(scalar), copy.deepcopy(scalar)):
        assert again is scalar


@pytest.mark.parametrize("scalar", NUMBERS, ids=str)
def test_limits_are_those_of_numpy(scalar: Scalar) -> None:
    assert np.dtype(scalar.name).itemsize * 8 == scalar.bits
    if scalar in FLOATS:
        info = np.finfo(scalar.name)
        assert (scalar.largest, scalar.smallest_normal, scalar.epsilon) == (info.max, info.tiny, info.eps)
    else:
        assert scalar.limits == (np.iinfo(scalar.name).min, np.iinfo(scalar.name).max)


def test_limits_follow_from_the_precision_and_not_from_the_bits_alone() -> None:
    bfloat16 = Scalar("bfloat16", "float", 16, precision=8)
    assert (bfloat16.largest, bfloat16.epsilon) == (3.3895313892515355e38, 0.0078125)


def test_other_types_are_compared_by_what_they_are_made_of() -> None:
    types = [Vector(length, scalar) for length in (2, 3) for scalar in SCALARS]
    assert len(set(types)) == len(types)
    assert [pickle.loads(pickle.dumps(type_)) for type_ in types] == types


def test_a_kernel_that_travels_is_the_same_kernel() -> None:
    for index in range(30):
        kernel = kernelfuzz.generate(seed=0, index=index)
        assert pickle.loads(pickle.dumps(kernel)) == kernel
