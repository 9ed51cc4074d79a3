"""What a corpus holds: one row for each kernel and device.

The classes below are the schema: ``json_schema`` gives it as JSON Schema, readers check against it, and the
columns of a Parquet file follow from it.  Nothing in a row depends on when or where it was made.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from kernelfuzz.devices import Device

# That of kernelfuzz and of Warp, whose templates the generated code is made of.
LICENSE = "Apache-2.0"

SPLITS = ("train", "validation", "test")

IrType = Literal["cpp", "cuda"]
Split = Literal["train", "validation", "test"]

IR_TYPES: dict[Device, IrType] = {"cpu": "cpp", "cuda": "cuda"}


def _said(description: str) -> Meta:
    return Meta(description=description)


class Argument(Struct, frozen=True, forbid_unknown_fields=True):
    """A parameter of the kernel."""

    name: Annotated[str, _said("its name in the source")]
    type: Annotated[str, _said("as Warp writes it: 'array(ndim=1, dtype=float32)'")]


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the module options under which Warp generated the code."""

    name: Annotated[str, _said("as in wp.set_module_options")]
    value: Annotated[str, _said("as Python prints it")]


class Inputs(Struct, frozen=True, forbid_unknown_fields=True):
    """How the kernel is launched."""

    dim: Annotated[tuple[int, ...], _said("the launch grid, 1 to 4 numbers")]
    tiled: Annotated[bool, _said("one block for each point of the grid (wp.launch_tiled)")]
    seed: Annotated[
        str | None,
        _said("what the inputs are drawn from, with the kernel's contract; null where they were not drawn"),
    ]


class Tensor(Struct, frozen=True, forbid_unknown_fields=True):
    """The value of a parameter before or after a launch; a struct's fields are tensors of their own."""

    name: Annotated[str, _said("the parameter, and the field of a struct after a dot")]
    dtype: Annotated[str, _said("the scalar type, by numpy's name")]
    shape: Annotated[tuple[int, ...], _said("the array's shape followed by that of its elements")]
    values: Annotated[
        tuple[str, ...],
        _said("in C order, each the shortest text that gives its bits back; nan, inf, -inf"),
    ]


class Run(Struct, frozen=True, forbid_unknown_fields=True):
    """A real launch of the generated code of this row (for cuda: of the CUDA text, on the host)."""

    inputs: Annotated[tuple[Tensor, ...], _said("every parameter before the launch")]
    outputs: Annotated[tuple[Tensor, ...], _said("every array parameter that the kernel writes, afterwards")]
    reference: Annotated[
        str, _said("'agrees', or why kernelfuzz's reference interpreter has no answer for this launch")
    ]
    tolerance_ulp: Annotated[int, _said("how far outputs may be from the reference; 0 is to the bit")]


class Verified(Struct, frozen=True, forbid_unknown_fields=True):
    """What was tried with this row's code and succeeded; null is what was not tried."""

    lowered: Annotated[bool, _said("Warp generated the code")]
    built_cpu: Annotated[bool | None, _said("clang built it to run on the CPU")] = None
    built_cuda: Annotated[bool | None, _said("NVRTC built it")] = None
    ran: Annotated[bool | None, _said("it was launched, and came back")] = None
    matched: Annotated[bool | None, _said("its outputs are the reference's")] = None


class Metadata(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a row comes from and what it counts for."""

    kernel_name: Annotated[str, _said("the name in the source")]
    mangled_name: Annotated[str, _said("what names in the generated code begin with")]
    category: Annotated[str, _said("that of the row")]
    device: Annotated[Device, _said("that of the row")]
    ir_type: Annotated[IrType, _said("that of the row")]
    seed: Annotated[int | None, _said("null where Hypothesis drew the kernel")]
    index: Annotated[int | None, _said("null where Hypothesis drew the kernel")]
    num_params: Annotated[int, _said("parameters of the kernel")]
    num_lines: Annotated[int, _said("lines of the kernel's and its functions' bodies")]
    nesting: Annotated[int, _said("depth of nested control flow")]
    num_nodes: Annotated[int, _said("nodes of the typed AST")]
    module_id: Annotated[str, _said("a hash of the generated module: rows with the same one share it")]
    warp_version: Annotated[str, _said("the release of Warp that generated the code")]
    kernelfuzz_version: Annotated[str, _said("the release of kernelfuzz that made the row")]
    grammar_version: Annotated[int, _said("the same seed and index of one version are the same kernel")]
    options: Annotated[tuple[Setting, ...], _said("the module options that the generated text depends on")]
    has_backward: Annotated[bool, _said("whether there is an adjoint")]


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A kernel, and the code that Warp generated from it for one device."""

    id: Annotated[str, _said("a hash of the kernel up to the names in it; the rows for its devices share it")]
    python_source: Annotated[str, _said("a module with the kernel, and the functions and structs it needs")]
    category: Annotated[str, _said("what the kernel was drawn for, or else what says most about it")]
    features: Annotated[tuple[str, ...], _said("what of the language it uses, in alphabetical order")]
    description: Annotated[str, _said("what the kernel does, in English, made from its AST")]
    arg_types: Annotated[tuple[Argument, ...], _said("the parameters of the kernel, in order")]
    device: Annotated[Device, _said("whose code this is")]
    ir_type: Annotated[IrType, _said("the language of the code")]
    ir_forward: Annotated[str | None, _said("the kernel's own function; null with scope module")]
    ir_backward: Annotated[str | None, _said("its adjoint; null where there is none, and with scope module")]
    ir_functions: Annotated[tuple[str, ...], _said("the user functions that it calls, each with its adjoint")]
    ir_structs: Annotated[tuple[str, ...], _said("the structs that it needs")]
    generated_code: Annotated[str | None, _said("the whole module; null with scope kernel")]
    ptx: Annotated[str | None, _said("what NVRTC made of the module, for sm_90; null unless asked for")]
    cubin: Annotated[str | None, _said("the same as a binary, in base64; null unless asked for")]
    launch: Annotated[Inputs, _said("how the kernel is launched")]
    io: Annotated[Run | None, _said("a real launch; null unless asked for, and where nothing can judge it")]
    verified: Annotated[Verified, _said("what was tried with this row's code; null is what was not tried")]
    metadata: Annotated[Metadata, _said("where the row comes from, and its size")]
    near_duplicate_cluster: Annotated[str, _said("the smallest id of the rows that this one is much like")]
    split: Annotated[Split, _said("the rows of a cluster are in one split")]
    license: Annotated[str, _said("an SPDX identifier")]
    cpp_forward: Annotated[str | UnsetType | None, _said("ir_forward again, for older readers")] = UNSET
    cpp_backward: Annotated[str | UnsetType | None, _said("ir_backward again")] = UNSET
    cuda_forward: Annotated[str | UnsetType | None, _said("ir_forward again, for older readers")] = UNSET
    cuda_backward: Annotated[str | UnsetType | None, _said("ir_backward again")] = UNSET


OLD_KEYS = ("cpp_forward", "cpp_backward", "cuda_forward", "cuda_backward")


def with_old_keys(row: Row) -> Row:
    """The row with its code under the names that older pipelines gave it as well."""
    language = "cpp" if row.device == "cpu" else "cuda"
    code: dict[str, Any] = {f"{language}_forward": row.ir_forward, f"{language}_backward": row.ir_backward}
    return msgspec.structs.replace(row, **code)


def has_old_keys(row: Row) -> bool:
    """Whether it is one of ``with_old_keys``."""
    return any(getattr(row, name) is not UNSET for name in OLD_KEYS)


def encode(row: Row) -> bytes:
    """The row as one line of JSON, with its line end."""
    return msgspec.json.encode(row) + b"\n"


_DECODER = msgspec.json.Decoder(Row)


def decode(line: bytes | str) -> Row:
    """The row of a line.  Raises msgspec.DecodeError, which says what is wrong and where."""
    return _DECODER.decode(line)


def json_schema() -> dict[str, Any]:
    """The schema of a row as JSON Schema (2020-12)."""
    (schema,), components = msgspec.json.schema_components([Row], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A row of a kernelfuzz corpus",
        **schema,
        "$defs": components,
    }
