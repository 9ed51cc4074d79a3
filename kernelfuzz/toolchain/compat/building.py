"""Warp's compilers: clang for the CPU, NVRTC or clang for CUDA."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kernelfuzz.toolchain.compat.warp import (
    Unsupported,
    has_method,
    load_warp,
    parameters_of,
    ready_warp,
    version,
)

# By the name of the option: the parameter of Warp's build functions that takes it.
BUILD_OPTIONS: dict[str, tuple[str, ...]] = {
    "mode": ("mode", "config"),
    "optimization_level": ("optimization_level",),
    "fuse_fp": ("fuse_fp",),
    "fast_math": ("fast_math",),
    "verify_fp": ("verify_fp",),
    "lineinfo": ("lineinfo",),
    "llvm_cuda": ("llvm_cuda",),
    "cpu_compiler_flags": ("extra_flags",),
    "enable_tiles_in_stack_memory": ("enable_tiles_in_stack_memory",),
    "use_precompiled_headers": ("use_precompiled_headers",),
}


@functools.cache
def cuda_archs() -> tuple[int, ...]:
    """The architectures that this Warp's NVRTC compiles for, ascending; with or without a driver."""
    runtime = ready_warp().context.runtime
    core = runtime.core
    if getattr(runtime, "nvrtc_supported_archs", None):
        return tuple(sorted(runtime.nvrtc_supported_archs))
    # Older releases ask only where there is a driver.
    if not hasattr(core, "wp_nvrtc_supported_arch_count"):
        return ()
    archs = (ctypes.c_int * core.wp_nvrtc_supported_arch_count())()
    core.wp_nvrtc_supported_archs(archs)
    return tuple(sorted(archs))


def compile_file(
    source: str, output: str, arch: int | None, options: Mapping[str, Any], chosen: Mapping[str, Any]
) -> None:
    """Compile the file ``source`` into ``output``, whose suffix says what is wanted; no ``arch`` is the CPU.

    ``chosen`` beats ``options``.  Raises Unsupported, and what Warp raises when its compiler fails.
    """
    loaded = ready_warp()
    runtime, config = loaded.context.runtime, vars(loaded.warp.config)
    function = loaded.build.build_cpu if arch is None else loaded.build.build_cuda
    takes = parameters_of(function)
    values = {name: options.get(name) for name in BUILD_OPTIONS} | dict(chosen)
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        parameter = next((each for each in BUILD_OPTIONS[name] if each in takes), None)
        if name == "optimization_level" and value is None:
            value = 2 if arch is None else 3
        if parameter is not None and value is not None:
            arguments[parameter] = value
        elif name in config and value is not None:
            config[name] = value
        elif name in chosen and parameter is None:
            kind = "the CPU" if arch is None else "CUDA"
            raise Unsupported(f"Warp {version()} has no build option {name!r} for {kind}")
    more = {"block_dim": options.get("block_dim", 256)}
    if "pch_dir" in takes:
        more["pch_dir"] = _pch_dir(runtime, arch, output)
    arguments.update({name: value for name, value in more.items() if name in takes})
    if arch is None:
        function(output, source, **arguments)
    else:
        function(source, arch, output, **arguments)


def _pch_dir(runtime: Any, arch: int | None, output: str) -> str | None:
    """Where Warp puts precompiled headers; None for none."""
    if arch is None:
        return runtime.get_clang_pch_dir()
    if has_method(runtime, "get_nvrtc_pch_dir"):
        return runtime.get_nvrtc_pch_dir()
    # 1.12.1, which always wants a folder.
    return runtime.get_pch_dir() or os.path.dirname(output)


class CompilerError(RuntimeError):
    """Warp's compiler did not take the generated code."""


@contextlib.contextmanager
def _telling_builds(build: Any, appended: str) -> Iterator[None]:
    """Raise CompilerError where a build fails: Warp raises a plain Exception, with nothing to know it by."""
    originals = {name: getattr(build, name) for name in ("build_cpu", "build_cuda")}

    def telling(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(original).bind(*args, **kwargs).arguments
        if appended and "cpp_path" in given:
            with open(given["cpp_path"], "a", encoding="utf-8") as file:
                file.write(appended)
        try:
            return original(*args, **kwargs)
        except Exception as error:
            raise CompilerError(str(error) or type(error).__name__) from error

    for name, original in originals.items():
        setattr(build, name, functools.partial(telling, original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(build, name, original)


def load_object(path: str, handle: str) -> None:
    """Load an object file into the process.  Raises CompilerError where it cannot be linked."""
    runtime = ready_warp().context.runtime
    arguments = [path.encode(), handle.encode()]
    declared = runtime.llvm.wp_load_obj.argtypes
    if declared is not None and len(declared) > 2:
        arguments.append(load_warp().warp.config.legacy_cpu_linker)
    if runtime.llvm.wp_load_obj(*arguments) != 0:
        raise CompilerError("the object file cannot be linked")


def unload_object(handle: str) -> None:
    """The end of what ``load_object`` loaded."""
    ready_warp().context.runtime.llvm.wp_unload_obj(handle.encode())


def address(handle: str, name: str) -> int:
    """Where the function ``name`` of a loaded object lies.  Raises CompilerError where it has none."""
    found = int(ready_warp().context.runtime.llvm.wp_lookup(handle.encode(), name.encode()))
    if not found:
        raise CompilerError(f"the object has no function {name}")
    return found
