"""Warp's code generator, run over the kernels of a module."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kernelfuzz.devices import Device
from kernelfuzz.toolchain.compat import installed
from kernelfuzz.toolchain.compat.registry import Unit
from kernelfuzz.toolchain.compat.state import Numbering, ordered_promotions, plain, resolved_options, set_options


@dataclass(frozen=True, slots=True)
class Piece:
    """One call of Warp's code generator: a struct, a function or a kernel, as it stands in the module."""

    kind: Literal["struct", "function", "kernel"]
    owner: Any
    name: str
    text: str
    part: Literal["whole", "forward", "reverse"] = "whole"


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """What the records say about a kernel beyond its text."""

    name: str
    key: str
    mangled_name: str
    arg_types: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Generated:
    """The text of a module, the pieces that it is made of in their order, and its options.

    ``order`` are the mangled names of the kernels as the source declares them.
    ``collisions`` are the keys of functions that share a generated name with another module's.
    ``module_hash`` is what Warp's kernel cache knows the module by, in hexadecimal.
    """

    text: str
    pieces: tuple[Piece, ...]
    order: tuple[str, ...]
    options: dict[str, Any]
    collisions: tuple[str, ...]
    module_hash: str = ""


def generate(
    unit: Unit, numbering: Numbering, device: Device, *, backward: bool, options: Mapping[str, Any]
) -> Generated:
    """Run Warp's code generator over the unit for ``device``.

    Raises Unsupported, and whatever else Warp raises at a kernel that it does not take.
    """
    loaded = installed.load_warp()
    module = unit.module
    module.options.clear()
    module.options.update(unit.options)
    # What a launch uses unless it is told otherwise; it overrides what the source set on its module.
    module.options["block_dim"] = 1 if device == "cpu" else 256
    set_options(module, options)
    if not backward:
        module.options["enable_backward"] = False
    if installed.has_method(module, "mark_modified"):
        module.mark_modified()
    with _without_backward(unit, active=not backward), ordered_promotions(loaded.codegen):
        try:
            return _generate(loaded, unit, numbering, device)
        except ValueError as error:
            # Without an architecture, the limits of the fallback on the CPU are put on CUDA too.
            found = re.search(r"(tile_i?fft)\(\) on CPU requires", str(error))
            if device == "cuda" and found is not None:
                text = f"Warp {installed.version()} compiles this {found[1]} for CUDA with libmathdx only"
                raise installed.Unsupported(text) from None
            raise


def _generate(loaded: installed.LoadedWarp, unit: Unit, numbering: Numbering, device: Device) -> Generated:
    module = unit.module
    block_dim = module.options["block_dim"]
    # Also resolves the static expressions that wait for code generation.
    numbering.rewind()
    module_hash: bytes = module.get_module_hash(block_dim)
    numbering.rewind()
    hasher = module.hashers[block_dim]
    # Sorted as 1.19 does: before, the order of a module's kernels followed their addresses in memory.
    hasher.unique_kernels = dict(sorted(hasher.unique_kernels.items()))
    resolved = resolved_options(loaded, module, block_dim)
    builder_class = loaded.context.ModuleBuilder
    target = {"target": device} if "target" in installed.parameters_of(builder_class) else {}
    # No architecture: what depends on one (libmathdx for tile_matmul and its kin) takes Warp's own fallback.
    builder = builder_class(module, {**resolved, "output_arch": None}, hasher=hasher, **target)
    pieces: list[Piece] = []
    with recorded(loaded.codegen, pieces):
        text = builder.codegen(device)
    _check_tile_math(text, device, resolved)
    return Generated(text, tuple(pieces), order_of(unit), plain(resolved), _collisions(builder), module_hash.hex())


_TILE_MATH = re.compile(r"\b(tile_(?:matmul|i?fft|cholesky\w*|lower_solve\w*|upper_solve\w*))\(")


def _check_tile_math(text: str, device: Device, resolved: Mapping[str, Any]) -> None:
    """Before Warp had a fallback for it, tile math on CUDA was text that only libmathdx could complete."""
    if device == "cuda" and "enable_mathdx_gemm" not in resolved:
        found = _TILE_MATH.search(text)
        if found is not None:
            raise installed.Unsupported(f"Warp {installed.version()} compiles {found[1]} for CUDA with libmathdx only")


def order_of(unit: Unit) -> tuple[str, ...]:
    """The mangled names in the order of declaration; equal kernels are one."""
    names: dict[str, None] = {}
    for kernel in unit.kernels:
        instances = kernel.overloads.values() if kernel.is_generic else (kernel,)
        hashed = [each for each in instances if each.hash is not None]
        names.update(dict.fromkeys(sorted(each.get_mangled_name() for each in hashed)))
    return tuple(names)


def facts(kernel: Any) -> KernelFacts:
    """What a record says about ``kernel``, a piece's owner."""
    default_key = installed.load_warp().codegen.make_full_qualified_name(kernel.func)
    return KernelFacts(
        name=kernel.func.__name__ if kernel.key == default_key else kernel.key,
        key=kernel.key,
        mangled_name=kernel.get_mangled_name(),
        arg_types=tuple((arg.label, _type_text(kernel, arg.type)) for arg in kernel.adj.args),
    )


def _type_text(kernel: Any, type_: Any) -> str:
    text = installed.load_warp().types.type_repr(type_)
    # Structs come with the module that they are in, and one scalar with Warp's own.
    return text.replace(f"{kernel.func.__module__}.", "").replace("warp._src.types.", "")


@contextlib.contextmanager
def recorded(codegen: Any, pieces: list[Piece]) -> Iterator[None]:
    """Note what each call of the code generator returns: the pieces come without generating them twice."""
    originals = {name: getattr(codegen, name) for name in installed.CODEGEN}

    def struct(owner: Any, *args: Any, **kwargs: Any) -> str:
        text = originals["codegen_struct"](owner, *args, **kwargs)
        pieces.append(Piece("struct", owner, owner.native_name, text))
        return text

    def function(original: Callable[..., str], naming: str, owner: Any, *args: Any, **kwargs: Any) -> str:
        text = original(owner, *args, **kwargs)
        part = "whole"
        if kwargs.get("forward_only"):
            part = "forward"
        elif kwargs.get("reverse_only"):
            part = "reverse"
        pieces.append(Piece("function", owner, kwargs[naming], text, part))
        return text

    def kernel(owner: Any, *args: Any, **kwargs: Any) -> str:
        text = originals["codegen_kernel"](owner, *args, **kwargs)
        pieces.append(Piece("kernel", owner, owner.get_mangled_name(), text))
        return text

    codegen.codegen_struct = struct
    codegen.codegen_func = functools.partial(function, originals["codegen_func"], "c_func_name")
    codegen.codegen_snippet = functools.partial(function, originals["codegen_snippet"], "name")
    codegen.codegen_kernel = kernel
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(codegen, name, original)


@contextlib.contextmanager
def _without_backward(unit: Unit, *, active: bool) -> Iterator[None]:
    """Take back what kernels say for themselves: an option on the decorator beats the module's."""
    kernels = [each for kernel in unit.kernels for each in (kernel, *kernel.overloads.values())]
    changed = [kernel for kernel in kernels if active and kernel.options.get("enable_backward")]
    saved = [dict(kernel.options) for kernel in changed]
    for kernel in changed:
        kernel.options["enable_backward"] = False
    try:
        yield
    finally:
        for kernel, options in zip(changed, saved, strict=True):
            kernel.options.clear()
            kernel.options.update(options)


@contextlib.contextmanager
def _compiling_nothing(build: Any) -> Iterator[None]:
    """Have Warp's compilers write empty files."""
    originals = {name: getattr(build, name) for name in ("build_cpu", "build_cuda")}

    def nothing(output: str, original: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        with open(inspect.signature(original).bind(*args, **kwargs).arguments[output], "wb"):
            pass

    build.build_cpu = functools.partial(nothing, "obj_path", originals["build_cpu"])
    build.build_cuda = functools.partial(nothing, "output_path", originals["build_cuda"])
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(build, name, original)


def generate_ahead(unit: Unit, numbering: Numbering, arch: int) -> tuple[Piece, ...]:
    """The pieces that ``wp.compile_aot_module`` generates of a unit for CUDA; nothing is compiled.

    The options are those of the unit, and what Warp knows of the module from before, it keeps.
    """
    loaded = installed.ready_warp()
    module = unit.module
    module.options.clear()
    module.options.update(unit.options)
    pieces: list[Piece] = []
    with (
        tempfile.TemporaryDirectory(prefix="kernelfuzz_") as folder,
        ordered_promotions(loaded.codegen),
        recorded(loaded.codegen, pieces),
        _compiling_nothing(loaded.build),
    ):
        numbering.rewind()
        loaded.warp.compile_aot_module(module, arch=arch, module_dir=folder, use_ptx=True)
        numbering.rewind()
    return tuple(pieces)


def _collisions(builder: Any) -> tuple[str, ...]:
    """The keys of functions of different modules that go by one generated name."""
    owners: dict[str, set[int]] = {}
    for function in builder.functions:
        owners.setdefault(function.native_func, set()).add(id(function.module))
    return tuple(sorted({f.key for f in builder.functions if len(owners[f.native_func]) > 1}))


def without_backward(kernels: tuple[Any, ...]) -> None:
    """Take back what kernels say for themselves: an option on the decorator beats the module's."""
    for kernel in kernels:
        if kernel.options.get("enable_backward"):
            kernel.options["enable_backward"] = False


def has_backward(kernel: Any) -> bool:
    """Whether the kernel is built with an adjoint."""
    return bool({**kernel.module.options, **kernel.options}.get("enable_backward"))


def hash_of(kernel: Any) -> str:
    """What Warp told the kernel from others by, the last time that it was asked; in hexadecimal."""
    return bytes(kernel.hash).hex()


def mangled_name(kernel: Any) -> str:
    """What the kernel is called in the text that was generated last."""
    return kernel.get_mangled_name()
