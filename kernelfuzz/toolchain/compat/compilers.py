"""Warp's compilers (clang for the CPU, NVRTC or clang for CUDA) and its loader, and launches without its own."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from kernelfuzz.toolchain.compat import installed
from kernelfuzz.toolchain.compat.generator import Piece, recorded
from kernelfuzz.toolchain.compat.state import Numbering, ordered_promotions

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
    runtime = installed.ready_warp().context.runtime
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
    loaded = installed.ready_warp()
    runtime, config = loaded.context.runtime, vars(loaded.warp.config)
    function = loaded.build.build_cpu if arch is None else loaded.build.build_cuda
    takes = installed.parameters_of(function)
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
            raise installed.Unsupported(f"Warp {installed.version()} has no build option {name!r} for {kind}")
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
    if installed.has_method(runtime, "get_nvrtc_pch_dir"):
        return runtime.get_nvrtc_pch_dir()
    # 1.12.1, which always wants a folder.
    return runtime.get_pch_dir() or os.path.dirname(output)


class CompilerError(RuntimeError):
    """A compiler did not take the generated code.

    ``text`` is that code, and ``printed`` what the compiler has said of it where nobody else has caught that.
    """

    def __init__(self, message: str, text: str = "", printed: str = "") -> None:
        super().__init__(message)
        self.text: str = text
        self.printed: str = printed


# Compiles the file of its first argument for the CPU, into the object of its second; whether that went.  Raises
# CompilerError where nothing else is to be asked.
CpuCompiler: TypeAlias = Callable[[str, str], bool]


@contextlib.contextmanager
def _telling_builds(build: Any, appended: str, compiler: CpuCompiler | None) -> Iterator[None]:
    """Raise CompilerError where a build fails: Warp raises a plain Exception, with nothing to know it by."""
    originals = {name: getattr(build, name) for name in ("build_cpu", "build_cuda")}

    def telling(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(original).bind(*args, **kwargs).arguments
        if appended and "cpp_path" in given:
            with open(given["cpp_path"], "a", encoding="utf-8") as file:
                file.write(appended)
        if compiler is not None and "cpp_path" in given:
            if compiler(given["cpp_path"], given["obj_path"]):
                return None
            # Warp's will hardly take it; with precompiled headers it would try twice.
            if "use_precompiled_headers" in installed.parameters_of(original):
                kwargs["use_precompiled_headers"] = False
        try:
            return original(*args, **kwargs)
        except Exception as error:
            with open(given["cpp_path" if "cpp_path" in given else "cu_path"], encoding="utf-8") as file:
                text = file.read()
            raise CompilerError(str(error) or type(error).__name__, text) from error

    for name, original in originals.items():
        setattr(build, name, functools.partial(telling, original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(build, name, original)


def load_object(path: str, handle: str) -> None:
    """Load an object file into the process.  Raises CompilerError where it cannot be linked."""
    runtime = installed.ready_warp().context.runtime
    arguments = [path.encode(), handle.encode()]
    declared = runtime.llvm.wp_load_obj.argtypes
    if declared is not None and len(declared) > 2:
        arguments.append(installed.load_warp().warp.config.legacy_cpu_linker)
    if runtime.llvm.wp_load_obj(*arguments) != 0:
        raise CompilerError("the object file cannot be linked")


def unload_object(handle: str) -> None:
    """The end of what ``load_object`` loaded."""
    installed.ready_warp().context.runtime.llvm.wp_unload_obj(handle.encode())


def address(handle: str, name: str) -> int:
    """Where the function ``name`` of a loaded object lies.  Raises CompilerError where it has none."""
    found = int(installed.ready_warp().context.runtime.llvm.wp_lookup(handle.encode(), name.encode()))
    if not found:
        raise CompilerError(f"the object has no function {name}")
    return found


# -------------------------------------------------------------------------------- loading and launching


def launch_block_dim(device: str, asked: int | None) -> int:
    """The block size of launches on ``device``: on the CPU it is 1, unless Warp is told to have blocks."""
    if device != "cpu":
        return asked or 256
    blocks = getattr(installed.load_warp().warp.config, "enable_cpu_blocks", False)
    return (asked or 1) if blocks else 1


def load(
    kernels: tuple[Any, ...],
    numbering: Numbering,
    device: str,
    *,
    backward: bool,
    block_dim: int,
    appended: str = "",
    compiler: CpuCompiler | None = None,
) -> tuple[Piece, ...]:
    """Build and load the modules of ``kernels`` through Warp's own loader, by way of Warp's kernel cache.

    Returns the pieces that Warp generated.  ``appended`` goes to the end of the text that is compiled for the CPU;
    ``compiler`` is asked first to compile it.  Raises CompilerError, and whatever else Warp raises at a kernel that
    it does not take.
    """
    loaded = installed.load_warp()
    modules = {id(kernel.module): kernel.module for kernel in kernels}
    pieces: list[Piece] = []
    with ordered_promotions(loaded.codegen), recorded(loaded.codegen, pieces):
        for module in modules.values():
            if not backward:
                module.options["enable_backward"] = False
            # Some releases resolve the options of every variant with the module's own block size.
            module.options["block_dim"] = block_dim
            if installed.has_method(module, "mark_modified"):
                module.mark_modified()
            numbering.rewind()
            module.get_module_hash(block_dim)
            numbering.rewind()
            with _telling_builds(loaded.build, appended, compiler):
                module.load(loaded.warp.get_device(device), block_dim)
    return tuple(pieces)


def handle_of(module: Any) -> str:
    """What ``address`` knows a module by that ``load`` has loaded for the CPU."""
    (loaded,) = module.execs.values()
    return str(loaded.handle)


def pack(kernel: Any, dim: tuple[int, ...], arguments: list[Any], adjoints: list[Any] | None) -> tuple[Any, list[Any]]:
    """The bounds of a launch, its arguments and the adjoint ones, as Warp hands them to a CUDA kernel."""
    loaded = installed.ready_warp()
    context, device = loaded.context, loaded.warp.get_device("cpu")
    if hasattr(context, "_build_launch_bounds_from_tuple"):
        bounds = context._build_launch_bounds_from_tuple(dim, kernel.adj.kernel_dim)
    else:
        bounds = loaded.types.launch_bounds_t(dim)
    packed = [
        context.pack_arg(kernel, arg.type, arg.label, value, device, adjoint)
        for adjoint, values in ((False, arguments), (True, adjoints or []))
        for arg, value in zip(kernel.adj.args, values, strict=bool(values))
    ]
    return bounds, packed


def has_grid_stride(kernel: Any) -> bool:
    """Whether a thread of the kernel goes on to further points of the grid where there are fewer threads."""
    return bool(getattr(kernel, "grid_stride", True))
