"""The text that Warp generates for CUDA, run on the CPU: one thread after another.

Warp's headers compile as CPU code where no CUDA compiler is at work, so all that the text lacks there is what
the language itself brings along: ``__global__`` and the index variables, which are put after the includes,
and a way to launch a kernel, which is put at the end.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

from kernelfuzz.ir.launch import Launch
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.compat.argument_types import Parameter

# What Warp takes on CUDA unless it is told otherwise.
CUDA_BLOCK_DIM = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """A kernel that can be launched."""

    kernel: Any
    parameters: tuple[Parameter, ...]


class Launcher(Protocol):
    """How the kernels of a program are launched; one for each kind of target."""

    @property
    def device(self) -> str:
        """Where the arrays lie."""
        ...

    def launch(
        self,
        entry: Entry,
        launch: Launch,
        arguments: list[Any],
        adjoints: list[Any] | None,
        blocks: int | None,
        block_dim: int | None,
    ) -> None:
        """The kernel, or where there are ``adjoints``, its adjoint."""
        ...


@dataclass(frozen=True, slots=True)
class PublicLauncher:
    """Launches through ``wp.launch`` and ``wp.launch_tiled``."""

    device: str
    options: Mapping[str, Any]
    block_dim: int

    def launch(
        self,
        entry: Entry,
        launch: Launch,
        arguments: list[Any],
        adjoints: list[Any] | None,
        blocks: int | None,
        block_dim: int | None,
    ) -> None:
        import warp as wp

        if self.device != "cpu" and block_dim not in (None, self.block_dim):
            raise ValueError(f"the program was loaded for block_dim {self.block_dim}, got {block_dim}")
        # Warp reads some of its options again at each launch.
        compat.configure(self.options, (entry.kernel,))
        more: dict[str, Any] = {} if adjoints is None else {"adjoint": True, "adj_inputs": adjoints}
        start = wp.launch_tiled if launch.tiled else wp.launch
        start(
            entry.kernel,
            dim=list(launch.dim),
            inputs=arguments,
            device=self.device,
            block_dim=self.block_dim,
            max_blocks=blocks or 0,
            record_tape=False,
            **more,
        )


# ---------------------------------------------------------------------- CUDA text on the CPU

# Behind the last include.  Threads take turns, so one set of index variables is enough; a block has one
# thread as far as tiles are concerned, whose barriers are then nothing.
_PRELUDE = """
#define __global__
#define __launch_bounds__(...)
struct kernelfuzz_index { unsigned int x, y, z; };
static kernelfuzz_index blockIdx, blockDim, threadIdx, gridDim;
#undef builtin_block_dim
#define builtin_block_dim() static_cast<int>(blockDim.x)
"""

# The arguments come as an array of pointers, as cudaLaunchKernel takes them, and the grid as the number of
# blocks and of threads in each.
_LAUNCHER = """
template <typename T, T... I> struct kernelfuzz_sequence {};

template <typename... T, int... I>
static void kernelfuzz_launch(
    void (*kernel)(T...), void** args, const unsigned int* grid, kernelfuzz_sequence<int, I...>)
{
    gridDim = { grid[0], 1, 1 };
    blockDim = { grid[1], 1, 1 };
    blockIdx = threadIdx = { 0, 0, 0 };
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x)
            kernel(*static_cast<T*>(args[I])...);
}

template <typename... T>
static void kernelfuzz_launch(void (*kernel)(T...), void** args, const unsigned int* grid)
{
    kernelfuzz_launch(kernel, args, grid, __make_integer_seq<kernelfuzz_sequence, int, sizeof...(T)>());
}
"""

_ENTRY = """
extern "C" void kernelfuzz_{name}(void** args, const unsigned int* grid)
{{
    kernelfuzz_launch({name}, args, grid);
}}
"""

_DEFINED_BLOCK_DIM = re.compile(r"^#define WP_TILE_BLOCK_DIM .*$", re.MULTILINE)
_KERNEL = re.compile(r"__global__ void (?:WP_MAXNREG\(\w+\) )?(\w+_cuda_kernel_(?:forward|backward))\(")

_UNIQUE = itertools.count()


def host_text(module: str) -> str:
    """The text of a CUDA module as text for the CPU, with a function ``kernelfuzz_NAME`` for each kernel."""
    text = _DEFINED_BLOCK_DIM.sub("#define WP_TILE_BLOCK_DIM 1", module, count=1)
    entries = "".join(_ENTRY.format(name=name) for name in _KERNEL.findall(text))
    # The last macro of the header, which the prelude defines anew.
    at = text.index("\n", text.index("#define builtin_block_dim()")) + 1
    return text[:at] + _PRELUDE + text[at:] + _LAUNCHER + entries


# Where the text for CUDA goes behind that for the CPU, out of the way of its functions and structs.
_NAMESPACE = "kernelfuzz_host"

_INDEX_MACRO = re.compile(r"^#define (builtin_\w+)\(.*$", re.MULTILINE)


def appended_text(host: str) -> str:
    """What makes ``host_text`` a part of the same module's text for the CPU.

    Together they compile in two thirds of the time of both: what they instantiate of Warp's templates is the
    same, and is made once.
    """
    at = host.index(_PRELUDE)
    macros = "".join(
        f"#undef {macro[1]}\n{macro[0]}\n"
        for macro in _INDEX_MACRO.finditer(host, 0, at)
        if macro[1] != "builtin_block_dim"
    )
    return f"\n{macros}namespace {_NAMESPACE} {{\n{host[at:]}\n}}\n"


@dataclass(frozen=True, slots=True)
class HostLauncher:
    """Launches the functions of ``host_text`` by their addresses.

    ``names`` has what each kernel, by its ``id``, is called in the text; ``block_dim`` is what that was generated
    for, and the number of threads in a block that no launch chooses.
    """

    functions: Mapping[str, int]
    names: Mapping[int, str]
    block_dim: int = CUDA_BLOCK_DIM
    device: str = "cpu"

    def launch(
        self,
        entry: Entry,
        launch: Launch,
        arguments: list[Any],
        adjoints: list[Any] | None,
        blocks: int | None,
        block_dim: int | None,
    ) -> None:
        threads = block_dim if block_dim is not None else (1 if launch.tiled else self.block_dim)
        if threads < 1 or (blocks is not None and blocks < 1):
            raise ValueError(f"a grid has at least one block and one thread, got {blocks} and {block_dim}")
        if launch.tiled and threads != 1:
            raise ValueError(f"a block of a tiled launch has one thread on the host, got {threads}")
        dim = (*launch.dim, threads) if launch.tiled else launch.dim
        bounds, values = compat.pack(entry.kernel, dim, arguments, adjoints)
        needed = -(-math.prod(dim) // threads)
        if blocks is not None and blocks < needed and not compat.has_grid_stride(entry.kernel):
            raise ValueError(f"a kernel without a grid-stride loop needs {needed} blocks, got {blocks}")
        direction = "forward" if adjoints is None else "backward"
        address = self.functions[f"{self.names[id(entry.kernel)]}_cuda_kernel_{direction}"]
        packed = [bounds, *values]
        pointers = (ctypes.c_void_p * len(packed))(*(ctypes.addressof(each) for each in packed))
        grid = (ctypes.c_uint * 2)(blocks or needed, threads)
        _FUNCTION(address)(pointers, grid)


_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


def names_of(entries: Iterable[Entry]) -> dict[int, str]:
    """What each kernel is called in the text that was generated last."""
    return {id(entry.kernel): compat.mangled_name(entry.kernel) for entry in entries}


def build_host(
    generated: compat.Generated,
    names: Mapping[int, str],
    options: Mapping[str, Any],
    stack: ExitStack,
    compiler: compat.CpuCompiler | None = None,
) -> HostLauncher:
    """Compile and load the module as text for the CPU; ``stack`` unloads it.  Raises CompilerError.

    ``compiler`` is asked first.
    """
    text = host_text(generated.text)
    chosen = {name: value for name, value in options.items() if name in compat.BUILD_OPTIONS}
    handle = f"kernelfuzz_host_{next(_UNIQUE)}"
    with tempfile.TemporaryDirectory(prefix="kernelfuzz_") as directory:
        source = os.path.join(directory, "module.cpp")
        output = os.path.join(directory, "module.o")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            if compiler is None or not compiler(source, output):
                if compiler is not None and compat.has_option("use_precompiled_headers"):
                    # Warp's will hardly take it; with precompiled headers it would try twice.
                    chosen = {"use_precompiled_headers": False, **chosen}
                compat.compile_file(source, output, None, {**generated.options, "block_dim": 1}, chosen)
        except (compat.Unsupported, compat.CompilerError):
            raise
        except Exception as error:
            raise compat.CompilerError(str(error) or type(error).__name__, text) from error
        compat.load_object(output, handle)
    stack.callback(compat.unload_object, handle)
    return find_host(text, names, handle, generated.options["block_dim"])


def find_host(text: str, names: Mapping[int, str], handle: str, block_dim: int) -> HostLauncher:
    """The launcher of a text that is loaded.  Raises CompilerError where a function is not there."""
    functions = {name: compat.address(handle, f"kernelfuzz_{name}") for name in _KERNEL.findall(text)}
    return HostLauncher(functions, names, block_dim)
