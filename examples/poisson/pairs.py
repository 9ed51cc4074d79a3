"""The code that Warp generates for Poisson's equation, as pairs with the Python that it comes from.

    python examples/poisson/pairs.py --output pairs.jsonl

warp.fem makes the kernels while it runs: one for each integrand and what it is integrated over, and more to
assemble and to solve.  All of them are recorded and lowered for both devices.  A line of the output is a
kernel, or an integrand alone; its columns have the names and meanings of a corpus (notes/corpus.md).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import warp as wp
from poisson import GEOMETRIES, PROBLEMS, l2_error

from kernelfuzz.toolchain import Failure, KernelCode, Lowering, lower_kernel, made_kernels

IR_TYPES = {"cpu": "cpp", "cuda": "cuda"}
OURS = "poisson."


class NotLowered(RuntimeError):
    """Warp generates no code for a kernel that has just run."""


def record(geometries: Iterable[str], degrees: Iterable[int]) -> list[wp.Kernel]:
    """The kernels that are made to solve one problem on each geometry, with elements of each degree."""
    degrees = tuple(degrees)
    with made_kernels() as kernels:
        for geometry in geometries:
            name = "room" if geometry in ("cubes", "tetrahedra") else "waves"
            for degree in degrees:
                l2_error(PROBLEMS[name], geometry, degree, resolution=2)
    return kernels


def rows(kernels: Iterable[wp.Kernel]) -> Iterator[dict[str, Any]]:
    """A row for each kernel and device, and for each integrand and device; what comes twice, once."""
    seen: set[tuple[str, str]] = set()
    for kernel in kernels:
        for device in IR_TYPES:
            lowering = lower_kernel(kernel, device)
            if isinstance(lowering, Failure):
                raise NotLowered(f"{kernel.key} for {device}: {lowering}")
            for row in (*_kernel_rows(kernel, lowering), *_integrand_rows(kernel, lowering)):
                key = row["id"], row["device"]
                if key not in seen:
                    seen.add(key)
                    yield row


def _kernel_rows(kernel: wp.Kernel, lowering: Lowering) -> Iterator[dict[str, Any]]:
    for code in lowering.kernels:
        yield {
            **_common(kernel, lowering, lowering.source, "kernel", code.name),
            "arg_types": [{"name": name, "type": type_} for name, type_ in code.arg_types],
            "ir_forward": code.forward,
            "ir_backward": code.backward,
            "ir_functions": code.functions,
            "ir_structs": code.structs,
        }


def _integrand_rows(kernel: wp.Kernel, lowering: Lowering) -> Iterator[dict[str, Any]]:
    """The function that an integrand of ours became inside of a kernel, in Python and in C++."""
    if not kernel.module.name.startswith(OURS):
        return
    name = kernel.key.rpartition("_")[0]
    for code in lowering.kernels:
        python = _only(lowering.source.split("\n\n\n"), rf"^@wp\.func\ndef {name}_[0-9a-f]{{8}}\(")
        yield {
            **_common(kernel, lowering, python.strip() + "\n", "integrand", name),
            "arg_types": [],
            "ir_forward": _integrand_code(code, name),
            "ir_backward": None,
            "ir_functions": [],
            "ir_structs": [],
        }


def _integrand_code(code: KernelCode, name: str) -> str:
    return _only(code.functions, rf"^static .*\b{name}_[0-9a-f]{{8}}_\d+\(")


def _only(texts: Iterable[str], pattern: str) -> str:
    (found,) = [text for text in texts if re.search(pattern, text, re.MULTILINE)]
    return found


def _common(kernel: wp.Kernel, lowering: Lowering, source: str, kind: str, name: str) -> dict[str, Any]:
    return {
        "id": blake2b(source.encode(), digest_size=16).hexdigest(),
        "python_source": source,
        "kind": kind,
        "kernel_name": name,
        "module": kernel.module.name,
        "device": lowering.device,
        "ir_type": IR_TYPES[lowering.device],
        "warp_version": wp.config.version,
        "license": "Apache-2.0",
    }


def write(path: Path, kernels: Iterable[wp.Kernel]) -> int:
    """Write the rows as JSON lines; how many there were."""
    lines = [json.dumps(row) + "\n" for row in rows(kernels)]
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Pairs of Python and generated code from warp.fem.")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    parser.add_argument("--geometry", action="append", choices=tuple(GEOMETRIES), help="default: all")
    parser.add_argument("--degree", action="append", type=int, choices=(1, 2, 3), help="default: 1 and 2")
    options = parser.parse_args()
    count = write(options.output, record(options.geometry or GEOMETRIES, options.degree or (1, 2)))
    print(f"{count} rows in {options.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
