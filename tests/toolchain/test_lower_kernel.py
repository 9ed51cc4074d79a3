"""Kernels that a program has made are recorded, and lowered as they are."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
import warp as wp

from kernelfuzz.toolchain import Failure, KernelCode, Lowering, lower, lower_kernel, made_kernels

OFFSET = 3


@wp.struct
class Pair:
    first: wp.float32
    second: wp.array(dtype=wp.int32)  # pyright: ignore[reportInvalidTypeForm]


@wp.func
def scaled(x: float, factor: Any):
    return x * float(factor)


def make_kernel(factor: int) -> Any:
    @wp.kernel
    def closure(pair: Pair, out: wp.array(dtype=float)):  # pyright: ignore
        # A remark.
        i = wp.tid()
        for j in range(2):
            out[i] = scaled(pair.first, factor) + float(OFFSET + j)

    return closure


def lowered(kernel: Any, device: Any = "cpu", **settings: Any) -> tuple[Lowering, KernelCode]:
    result = lower_kernel(kernel, device, **settings)
    assert isinstance(result, Lowering), result
    (code,) = result.kernels
    return result, code


def test_kernels_are_recorded_in_the_order_in_which_they_are_made() -> None:
    make_kernel(1)
    with made_kernels() as outer:
        first = make_kernel(2)
        with made_kernels() as inner:
            second = make_kernel(3)
    make_kernel(4)
    assert outer == [first, second]
    assert inner == [second]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_closure_is_lowered_as_its_text_would_be(device: Any) -> None:
    text = """
import warp as wp
@wp.kernel
def kernel(out: wp.array(dtype=float)):
    out[wp.tid()] = 7.0 * out[0]
"""
    expected = lower(text, device)
    assert isinstance(expected, Lowering)
    factor = 7.0

    @wp.kernel
    def kernel(out: wp.array(dtype=float)):  # pyright: ignore[reportInvalidTypeForm]
        out[wp.tid()] = factor * out[0]

    _, code = lowered(kernel, device)
    (other,) = expected.kernels
    for mine, its in ((code.forward, other.forward), (code.backward, other.backward)):
        assert mine is not None
        assert its is not None
        assert mine.replace(code.mangled_name, "K") == its.replace(other.mangled_name, "K")


def test_the_source_is_what_warp_translated_with_names_resolved() -> None:
    lowering, _ = lowered(make_kernel(5))
    assert lowering.source == (
        "@wp.struct\n"
        "class Pair:\n"
        "    first: wp.float32\n"
        "    second: wp.array(dtype=wp.int32, ndim=1)\n"
        "\n\n"
        "@wp.func\n"
        "def scaled(x: wp.float32, factor: wp.int32):\n"
        "    return x * float(factor)\n"
        "\n\n"
        "@wp.kernel\n"
        f"def {KEY}(pair: Pair, out: wp.array(dtype=wp.float32, ndim=1)):\n"
        "    i = wp.tid()\n"
        "    for j in range(2):\n"
        "        out[i] = scaled(pair.first, 5) + float(3 + j)\n"
    )
    ast.parse(lowering.source)


KEY = "make_kernel__locals__closure"


def test_the_source_of_a_text_is_the_text() -> None:
    text = "import warp as wp\n@wp.kernel\ndef k(n: int):\n    pass\n"
    lowering = lower(text)
    assert isinstance(lowering, Lowering)
    assert lowering.source == text


@pytest.mark.parametrize("settings", [{}, {"backward": False}, {"options": {"max_unroll": 0}}])
def test_a_kernel_can_be_launched_before_and_afterwards(settings: dict[str, Any]) -> None:
    kernel = make_kernel(6)
    pair = Pair()
    pair.first = 2.0

    def launched() -> np.ndarray:
        out = wp.zeros(2, dtype=float, device="cpu")
        wp.launch(kernel, 2, [pair, out], device="cpu")
        return out.numpy()

    before = launched()
    assert before.tolist() == [16.0, 16.0]
    module, options = kernel.module, dict(kernel.module.options)
    for device in ("cpu", "cuda"):
        lowered(kernel, device, **settings)
    assert kernel.module is module
    assert module.options == options
    assert launched().tolist() == before.tolist()


def test_options_and_backward_hold() -> None:
    kernel = make_kernel(8)
    assert lowered(kernel)[1].backward is not None
    assert lowered(kernel, backward=False)[1].backward is None
    assert "for_" in lowered(kernel, options={"max_unroll": 0})[1].forward
    assert "for_" not in lowered(kernel)[1].forward
    assert "A remark" not in lowered(kernel)[1].forward
    assert "// out[i] = scaled" in lowered(kernel, keep_comments=True)[1].forward


def test_a_kernel_is_lowered_twice_alike() -> None:
    kernel = make_kernel(9)
    first, again = lowered(kernel, "cuda")[0], lowered(kernel, "cuda")[0]
    assert (first.module, first.source) == (again.module, again.source)


def test_the_overloads_of_a_generic_kernel_are_lowered() -> None:
    @wp.kernel
    def generic(a: wp.array(dtype=Any)):  # pyright: ignore[reportInvalidTypeForm]
        a[0] = a[1]

    failure = lower_kernel(generic)
    assert isinstance(failure, Failure)
    assert failure.kind == "unsupported"
    assert "generic kernel without an overload" in failure.message
    wp.overload(generic, [wp.array(dtype=wp.vec3)])
    _, code = lowered(generic)
    assert code.arg_types == (("a", "array(ndim=1, dtype=vec3f)"),)


def test_a_kernel_that_warp_does_not_take_gives_a_failure_with_its_line() -> None:
    @wp.kernel
    def wrong(a: wp.array(dtype=float)):  # pyright: ignore[reportInvalidTypeForm]
        a[0] = wp.sin(a)  # pyright: ignore[reportArgumentType, reportCallIssue]

    failure = lower_kernel(wrong)
    assert isinstance(failure, Failure)
    assert failure.kind == "codegen"
    assert failure.source_line is not None
    assert failure.source_line.startswith("a[0] = wp.sin(a)")


def test_bad_arguments_are_errors() -> None:
    with pytest.raises(TypeError, match=r"a warp\.Kernel is lowered, got int"):
        lower_kernel(3)
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, got 'gpu'"):
        lower_kernel(make_kernel(10), "gpu")  # pyright: ignore[reportArgumentType]
