"""Launch seeded kernels on the CPU through Warp itself, watched for whatever must not happen.

    python tests/strategies/launch_on_cpu.py --seed 0 --start 0 --count 150 --folder /tmp/launched

The kernels are built in debug mode, where an index out of range stops the process, and with traps where C++
leaves an operation undefined: signed overflow, division by zero, a shift or a conversion of a float out of
range.  Before each launch a line ``start INDEX`` is printed and after it ``done INDEX`` and a digest of all
outputs: what is missing at the end tells which kernel it was that stopped the process.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import warp as wp

from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.nodes import Kernel, Param
from kernelfuzz.ir.render import render
from kernelfuzz.ir.types import Array, Matrix, Scalar, Struct, Tile, Tuple, Type, Value, Vector, warp_name
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.inputs import draw_launch
from kernelfuzz.strategies.kernel import generate

CHECKS = "signed-integer-overflow,integer-divide-by-zero,shift-base,shift-exponent,float-cast-overflow"
FLAGS = f"-fsanitize={CHECKS} -fsanitize-trap={CHECKS}"


def warp_type(type_: Value, module: ModuleType) -> Any:
    """Warp's own object for a type that a kernel's module uses."""
    if isinstance(type_, Struct):
        return getattr(module, type_.name)
    if (name := warp_name(type_)) is not None:
        return getattr(wp, name)
    assert isinstance(type_, (Vector, Matrix))
    dtype = getattr(wp, type_.dtype.name)
    if isinstance(type_, Vector):
        return wp.types.vector(type_.length, dtype)
    return wp.types.matrix((type_.rows, type_.columns), dtype)


def warp_value(type_: Type, value: Input, module: ModuleType) -> Any:
    """A parameter that is no array."""
    if isinstance(type_, Struct):
        assert isinstance(value, Mapping)
        made = warp_type(type_, module)()
        for name, field in type_.fields:
            setattr(made, name, warp_value(field, value[name], module))
        return made
    assert isinstance(value, np.ndarray)
    assert not isinstance(type_, (Array, Tile, Tuple))
    if isinstance(type_, Scalar):
        return value.item()
    return warp_type(type_, module)(*value.reshape(-1).tolist())


def fill(records: np.ndarray[Any, Any], type_: Struct, value: Input) -> None:
    """Write the fields of an array of structs into numpy's records."""
    assert isinstance(value, Mapping)
    for name, field in type_.fields:
        if isinstance(field, Struct):
            fill(records[name], field, value[name])
        else:
            records[name] = value[name]


def warp_array(type_: Array, value: Input, module: ModuleType) -> Any:
    dtype = warp_type(type_.dtype, module)
    if not isinstance(type_.dtype, Struct):
        assert isinstance(value, np.ndarray)
        return wp.array(value, dtype=dtype, ndim=type_.ndim, device="cpu")
    leaf = value
    inner: Type = type_.dtype
    while isinstance(inner, Struct):
        name, inner = inner.fields[0]
        assert isinstance(leaf, Mapping)
        leaf = leaf[name]
    assert isinstance(leaf, np.ndarray)
    records = np.zeros(leaf.shape[: type_.ndim], dtype=dtype.numpy_dtype())
    fill(records, type_.dtype, value)
    return wp.array(records, dtype=dtype, ndim=type_.ndim, device="cpu")


def argument(param: Param, launch: Launch, module: ModuleType) -> Any:
    value = launch.inputs[param.name]
    made = warp_array if isinstance(param.type, Array) else warp_value
    return made(param.type, value, module)  # pyright: ignore[reportArgumentType]


def load(kernel: Kernel, name: str, folder: Path) -> ModuleType:
    """Import the rendered source from a file: Warp reads the source of a kernel through ``inspect``."""
    path = folder / f"{name}.py"
    path.write_text(render(kernel))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outputs(kernel: Kernel, launch: Launch, module: ModuleType) -> str:
    """Launch once; the digest of every array afterwards."""
    arguments = [argument(param, launch, module) for param in kernel.params]
    wp.launch(module.kernel, dim=launch.dim, inputs=arguments, device="cpu")
    digest = hashlib.blake2b(digest_size=8)
    for param, value in zip(kernel.params, arguments, strict=True):
        if isinstance(param.type, Array):
            digest.update(np.ascontiguousarray(value.numpy()).tobytes())
    return digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("seed", "start", "count"):
        parser.add_argument(f"--{option}", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for the sources and what Warp builds")
    parser.add_argument("--size", default="medium", help="as for kernels()")
    parser.add_argument("--profile", default="default", help="as for kernels()")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    wp.config.mode = "debug"
    wp.config.enable_backward = False
    wp.config.kernel_cache_dir = str(asked.folder / "cache")
    if hasattr(wp.config, "cpu_compiler_flags"):
        wp.config.cpu_compiler_flags = FLAGS
    wp.init()
    for index in range(asked.start, asked.start + asked.count):
        kernel = generate(seed=asked.seed, index=index, size=asked.size, profile=asked.profile)
        launch = draw_launch(SeededChoices("launch", asked.seed, index), kernel)
        print("start", index, flush=True)
        module = load(kernel, f"kernel_{asked.seed}_{index}", asked.folder)
        first, second = (outputs(kernel, launch, module) for _ in range(2))
        print("done", index, first if first == second else f"{first} then {second}", flush=True)


if __name__ == "__main__":
    main()
