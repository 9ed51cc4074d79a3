"""A view of an array has the elements that NumPy's has."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from kernelfuzz.ir.types import INT32
from kernelfuzz.reference.memory import Shadow, View, row_major
from kernelfuzz.reference.undefined import Undefined

SHAPE = (3, 4)
NUMBERS = np.arange(12).reshape(SHAPE)
ENDS = (None, -5, -1, 0, 2, 9)
SLICES = [slice(*ends, step) for ends in product(ENDS, ENDS) for step in (None, 2, -1, -3)]
KEYS = [*[(key,) for key in SLICES], *[(1, key) for key in SLICES], *[(key, 2) for key in SLICES]]
KEYS += [(key, slice(3, 0, -2)) for key in SLICES]


def whole() -> View:
    return View(NUMBERS.reshape(-1), Shadow(("a",), INT32), 0, SHAPE, row_major(SHAPE))


@pytest.mark.parametrize("keys", KEYS, ids=str)
def test_a_slice_is_that_of_numpy(keys: tuple[int | slice, ...]) -> None:
    found, expected = whole().view(keys), NUMBERS[keys]
    assert found.shape == expected.shape
    for index in np.ndindex(*expected.shape):
        assert NUMBERS.reshape(-1)[found.at(index)] == expected[index]


def test_a_view_of_a_view_is_that_of_numpy() -> None:
    found = whole().view((slice(2, 0, -1),)).view((slice(None), slice(1, None, 2))).view((1,))
    expected = NUMBERS[2:0:-1][:, 1::2][1]
    assert [NUMBERS.reshape(-1)[found.at((at,))] for at in range(2)] == expected.tolist()
    with pytest.raises(Undefined):
        found.at((2,))


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_of_a_view_that_is_out_of_range_is_undefined(index: int) -> None:
    with pytest.raises(Undefined):
        whole().view((index, slice(None)))
