"""The row of a corpus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kernelfuzz.corpus.record import describe, make_row
from kernelfuzz.ir.nodes import ArrayShape, Assign, Binary, Call, For, Index, Kernel, Literal, Name, Param
from kernelfuzz.ir.render import render
from kernelfuzz.ir.types import FLOAT32, INT32, Array
from kernelfuzz.toolchain import Lowering, lower

INDEX, IN, OUT = Name("i", INT32), Name("a", Array(FLOAT32)), Name("out", Array(FLOAT32))
DOUBLED = Binary("*", Index(IN, (INDEX,), FLOAT32), Literal(2.0, FLOAT32), FLOAT32)
KERNEL = Kernel(
    name="kernel",
    params=(Param("a", IN.type), Param("out", OUT.type)),
    body=(
        Assign(INDEX, Call("tid", (), INT32)),
        For("k", (ArrayShape(IN, 0, INT32),), (Assign(Index(OUT, (INDEX,), FLOAT32), DOUBLED),)),
    ),
)


def row(device: Any = "cpu", **options: Any) -> dict[str, Any]:
    source = render(KERNEL)
    lowering = lower(source, device, **options)
    assert isinstance(lowering, Lowering)
    drawn = describe(KERNEL, source, "arithmetic", seed=3, index=5)
    return json.loads(make_row(drawn, lowering, "1.2.3").to_json())


def test_the_keys_of_a_row() -> None:
    found = row()
    assert list(found) == [
        "python_source",
        "category",
        "device",
        "ir_forward",
        "ir_backward",
        "ir_functions",
        "ir_structs",
        "metadata",
    ]
    assert list(found["metadata"]) == [
        "kernel_name",
        "mangled_name",
        "seed",
        "index",
        "num_params",
        "num_lines",
        "nesting",
        "num_nodes",
        "features",
        "fingerprint",
        "arg_types",
        "has_backward",
        "ir_type",
        "warp_version",
        "kernelfuzz_version",
        "grammar_version",
    ]


def test_the_counts_describe_the_kernel() -> None:
    metadata = row()["metadata"]
    expected = {"num_params": 2, "num_lines": 4, "nesting": 1, "seed": 3, "index": 5, "kernel_name": "kernel"}
    assert expected.items() <= metadata.items()
    assert list(metadata["arg_types"]) == ["a", "out"]
    assert {"for", "dynamic_for", "arithmetic"} <= set(metadata["features"])


@pytest.mark.parametrize(("device", "ir_type"), [("cpu", "cpp"), ("cuda", "cuda")])
def test_the_code_is_that_of_the_device(device: str, ir_type: str) -> None:
    found = row(device)
    name = found["metadata"]["mangled_name"]
    assert found["device"] == device
    assert found["metadata"]["ir_type"] == ir_type
    assert f"{name}_{device}_kernel_forward(" in found["ir_forward"]
    assert f"{name}_{device}_kernel_backward(" in found["ir_backward"]
    assert ("blockIdx" in found["ir_forward"]) == (device == "cuda")


def test_without_backward() -> None:
    found = row(backward=False)
    assert found["ir_backward"] is None
    assert found["metadata"]["has_backward"] is False


def test_a_row_is_one_line() -> None:
    source = render(KERNEL)
    lowering = lower(source)
    assert isinstance(lowering, Lowering)
    text = make_row(describe(KERNEL, source, "arithmetic", 0, 0), lowering, "1").to_json()
    assert text.endswith("}\n")
    assert text.count("\n") == 1
