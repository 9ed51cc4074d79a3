"""What a launch writes outside of its arrays is noticed, however they lie in memory; what it writes inside is not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelfuzz.devices import HOST_TARGET, Target
from kernelfuzz.ir.launch import Input, Launch, flattened
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.layouts import CONTIGUOUS, LAYOUTS, MIXED, Layout, layout_of, placement
from kernelfuzz.toolchain.programs import Program, loaded
from kernelfuzz.toolchain.red_zones import PATTERN, Guarded, WritesOutside, guarded

ROWS = {name: layout_of("a", name) for name in LAYOUTS if name != MIXED}

KERNELS = """
import warp as wp


@wp.struct
class Item:
    weight: float
    place: wp.vec3d


@wp.kernel
def into(at: int, a: wp.array(dtype=float), out: wp.array(dtype=wp.int16)):
    out[at] = wp.int16(a[0])


@wp.kernel
def component(at: int, out: wp.array2d(dtype=wp.vec3)):
    wp.atomic_add(out, at, 1, wp.vec3(0.0, 2.0, 0.0))


@wp.kernel
def sums(a: wp.array(dtype=float), b: wp.array2d(dtype=wp.vec3d), c: wp.array3d(dtype=Item),
         out: wp.array2d(dtype=wp.vec3d), total: wp.array(dtype=float), items: wp.array(dtype=Item)):
    i, j = wp.tid()
    row = b[i]
    out[i, j] = row[j] * wp.float64(a[j]) + c[i, j, 1].place
    wp.atomic_add(total, i, a[j] * c[i, 0, j].weight)
    items[i].weight = a[0]


@wp.kernel
def squares(at: int, a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = a[i + at] * a[i + at]
"""


@pytest.fixture(scope="module", params=HOST_TARGET.values())
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    target: Target = request.param
    with loaded(KERNELS, target, backward=True) as made:
        assert isinstance(made, Program)
        yield made


# ------------------------------------------------------------------------------------------ an array


def items(shape: tuple[int, ...]) -> Input:
    count = math.prod(shape)
    place = np.arange(3 * count, dtype=np.float64).reshape(*shape, 3)
    return {"weight": np.arange(count, dtype=np.float32).reshape(shape), "place": place}


@st.composite
def arrays(draw: st.DrawFn) -> Guarded:
    """An array of vectors of any length in any layout, whose elements are 1, 2, 3, ..."""
    import warp as wp

    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    length = draw(st.integers(2, 5))
    data = np.arange(1, 1 + math.prod(shape) * length, dtype=np.int16).reshape(*shape, length)
    place = placement(draw(st.sampled_from(list(ROWS.values()))), shape, 2 * length)
    return guarded(data, wp.types.vector(length, wp.int16), len(shape), place, "cpu")


def contents(array: Guarded) -> np.ndarray[Any, Any]:
    return np.arange(1, 1 + array.array.size * math.prod(array.inner), dtype=np.int16).reshape(array.values().shape)


@given(arrays())
@settings(deadline=None)
def test_warp_sees_the_elements_that_were_put_in(array: Guarded) -> None:
    compat.initialize()
    wanted = contents(array)
    assert np.array_equal(array.values(), wanted)
    assert array.array.numpy().reshape(wanted.shape).tolist() == wanted.tolist()
    assert array.outside() == ""


@given(arrays(), st.data())
@settings(deadline=None)
def test_a_byte_that_changes_is_noticed_exactly_where_no_element_is(array: Guarded, data: st.DataObject) -> None:
    memory = array.memory.numpy()
    at = data.draw(st.integers(0, memory.size - 1))
    before = array.values().copy()
    memory[at] ^= 0xFF
    inside = not np.array_equal(array.values(), before)
    assert bool(array.outside()) != inside


@pytest.mark.parametrize("name", ROWS)
def test_bands_are_wide_on_both_sides(name: str) -> None:
    import warp as wp

    compat.initialize()
    for count, dtype in ((1, wp.int8), (3, wp.float64), (1000, wp.int16)):
        data = np.zeros(count, wp.dtype_to_numpy(dtype))
        array = guarded(data, dtype, 1, placement(ROWS[name], (count,), data.itemsize), "cpu")
        wide = max(256, 64 * data.itemsize, data.nbytes)
        memory = array.memory.numpy()
        assert memory[:wide].tolist() == memory[-wide:].tolist() == [PATTERN] * wide
        assert memory.size >= 2 * wide + data.nbytes


def test_there_are_layouts_that_are_not_contiguous_and_a_mixture() -> None:
    shape, itemsize = (2, 3), 4
    strides = {name: placement(row, shape, itemsize).strides for name, row in ROWS.items()}
    assert strides[CONTIGUOUS] == (12, 4)
    assert len(set(strides.values())) == len(ROWS)
    assert placement(ROWS["offset"], (5,), itemsize).strides == (4,)
    assert {layout_of(f"a{number}", MIXED) for number in range(40)} == set(ROWS.values())
    assert layout_of("a", CONTIGUOUS) == Layout()
    with pytest.raises(ValueError, match=r"a layout is one of contiguous, offset, .*, got 'diagonal'"):
        layout_of("a", "diagonal")


# ---------------------------------------------------------------------------------------- a launch


def into(at: int) -> Launch:
    inputs = {"at": np.array(at, np.int32), "a": np.array([7.0], np.float32), "out": np.zeros(3, np.int16)}
    return Launch((1,), inputs)


@pytest.mark.parametrize(
    ("layout", "at", "where"),
    [
        (CONTIGUOUS, 3, "1 element after its end"),
        (CONTIGUOUS, 9, "7 elements after its end"),
        (CONTIGUOUS, -4, "1 element before its start"),
        ("offset", 4, "2 elements after its end"),
        ("strided", 3, "2 elements after its end"),
        ("reversed", 3, "1 element before its start"),
        ("transposed", -5, "2 elements before its start"),
    ],
)
def test_a_store_outside_is_told_where(program: Program, layout: str, at: int, where: str) -> None:
    with pytest.raises(WritesOutside, match=f"^writes outside of out, {where}$"):
        program.run("into", into(at), layout=layout)


def test_a_part_of_an_element_is_told_in_bytes(program: Program) -> None:
    launch = Launch((1,), {"at": np.array(3, np.int32), "out": np.zeros((2, 2, 3), np.float32)})
    with pytest.raises(WritesOutside, match=r"^writes outside of out, 44 bytes after its end$"):
        program.run("component", launch)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_read_outside_is_no_write(program: Program, layout: str) -> None:
    inputs = {"at": np.array(2, np.int32), "a": np.ones(2, np.float32), "out": np.zeros(2, np.float32)}
    program.run("squares", Launch((2,), inputs), layout=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_adjoint_that_adds_outside_is_told(program: Program, layout: str) -> None:
    inputs = {"at": np.array(2, np.int32), "a": np.ones(2, np.float32), "out": np.zeros(2, np.float32)}
    with pytest.raises(WritesOutside, match=r"^writes outside of the gradient of a, "):
        program.adjoint("squares", Launch((2,), inputs), {"out": np.ones(2, np.float32)}, layout=layout)


def sums() -> Launch:
    shapes = {"a": (3,), "b": (2, 3, 3), "out": (2, 3, 3), "total": (2,)}
    inputs = {
        name: (1.5 + np.arange(math.prod(shape))).reshape(shape).astype(np.float32 if name in "a total" else np.float64)
        for name, shape in shapes.items()
    }
    return Launch((2, 3), {**inputs, "c": items((2, 3, 3)), "items": items((2,))})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_launch_is_the_same_in_every_layout(program: Program, layout: str) -> None:
    """Also its gradients; of arrays of several axes, rows of them, vectors and structs."""
    launch = sums()
    seeds = {"out": np.ones((2, 3, 3)), "total": np.array([1, 2], np.float32)}
    wanted = flattened(program.run("sums", launch)), flattened(program.adjoint("sums", launch, seeds))
    got = program.run("sums", launch, layout=layout), program.adjoint("sums", launch, seeds, layout=layout)
    assert wanted[0]["total"].tolist() != flattened(launch.inputs)["total"].tolist()
    assert wanted[1]["a"].any()
    for one, other in zip(wanted, map(flattened, got), strict=True):
        assert {path: array.tolist() for path, array in one.items()} == {
            path: array.tolist() for path, array in other.items()
        }


def test_an_array_without_elements_has_bands_too(program: Program) -> None:
    empty = {"at": np.array(0, np.int32), "a": np.ones(1, np.float32), "out": np.zeros(0, np.int16)}
    with pytest.raises(WritesOutside, match="of out, 1 element after its end"):
        program.run("into", Launch((1,), empty))
