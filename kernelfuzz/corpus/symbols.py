"""One naming scheme for generated code: Warp's names without the hashes that it puts into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from kernelfuzz.toolchain import KernelCode, Lowering

_HASHED = re.compile(r"(.+)_[0-9a-f]{8}")
_STRUCT = re.compile(r"^struct (\w+_[0-9a-f]{8})\b", re.MULTILINE)


def plain_symbols(lowering: Lowering) -> Lowering:
    """The lowering with names that depend on the source only.

    Warp appends a hash to the name of each kernel and struct, and makes further names of these
    (``wp_args_kernel_1cebf18c``, ``kernel_1cebf18c_cpu_kernel_forward``, ``adj_S0_89bd4622``).  Each gets the
    name alone, or a number instead of the hash where that name is taken already.  The module still builds.
    """
    mangled = [code.mangled_name for code in lowering.kernels]
    structs = [name for name in _STRUCT.findall(lowering.module) if not name.startswith("wp_args_")]
    names = _names(dict.fromkeys((*mangled, *structs)), lowering.module)
    if not names:
        return lowering
    pattern = re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join(names)})(?![0-9A-Za-z])")

    def renamed(text: str) -> str:
        return pattern.sub(lambda found: names[found[0]], text)

    return replace(
        lowering,
        module=renamed(lowering.module),
        kernels=tuple(_renamed(code, renamed) for code in lowering.kernels),
    )


def _names(hashed: Iterable[str], module: str) -> dict[str, str]:
    """The new name for each of the names that have a hash; none of them is in the module already."""
    names: dict[str, str] = {}
    for name in hashed:
        match = _HASHED.fullmatch(name)
        if match is None:
            continue
        plain, number = match[1], 0
        while plain in names.values() or re.search(rf"\b{plain}\b", module):
            number += 1
            plain = f"{match[1]}_{number}"
        names[name] = plain
    return names


def _renamed(code: KernelCode, renamed: Callable[[str], str]) -> KernelCode:
    return replace(
        code,
        mangled_name=renamed(code.mangled_name),
        forward=renamed(code.forward),
        backward=None if code.backward is None else renamed(code.backward),
        functions=tuple(map(renamed, code.functions)),
        structs=tuple(map(renamed, code.structs)),
    )
