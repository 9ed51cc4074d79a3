"""Everything that kernelfuzz needs of Warp's private names; nothing outside of this package may touch them.

They move with every release, so each difference is told by feature (is the attribute there, does the function
take the argument) and never by version number.  Supported: Warp 1.10 to 1.19.
"""

from __future__ import annotations

from kernelfuzz.toolchain.compat.building import (
    BUILD_OPTIONS,
    CompilerError,
    address,
    compile_file,
    cuda_archs,
    load_object,
    unload_object,
)
from kernelfuzz.toolchain.compat.collecting import (
    Declarations,
    Unit,
    borrowed,
    collect,
    concrete,
    declarations,
    generic_without_overloads,
    is_kernel,
    kernel_names,
    module_of,
    name_of,
    registered_kernels,
    unit_of,
)
from kernelfuzz.toolchain.compat.generating import (
    Generated,
    KernelFacts,
    Piece,
    facts,
    generate,
    has_backward,
    mangled_name,
    without_backward,
)
from kernelfuzz.toolchain.compat.isolation import Numbering, function_names, isolated, set_kernel_cache
from kernelfuzz.toolchain.compat.launching import (
    handle_of,
    has_grid_stride,
    launch_block_dim,
    load,
    pack,
    parameters,
)
from kernelfuzz.toolchain.compat.module_options import configure, has_option
from kernelfuzz.toolchain.compat.promotions import unordered_promotions
from kernelfuzz.toolchain.compat.translated import translated
from kernelfuzz.toolchain.compat.warp import (
    LOCK,
    SUPPORTED,
    Device,
    Unsupported,
    UnsupportedWarp,
    UnwritableCache,
    check_cache,
    directory,
    has_cuda,
    initialize,
    version,
)

__all__ = [
    "BUILD_OPTIONS",
    "LOCK",
    "SUPPORTED",
    "CompilerError",
    "Declarations",
    "Device",
    "Generated",
    "KernelFacts",
    "Numbering",
    "Piece",
    "Unit",
    "Unsupported",
    "UnsupportedWarp",
    "UnwritableCache",
    "address",
    "borrowed",
    "check_cache",
    "collect",
    "compile_file",
    "concrete",
    "configure",
    "cuda_archs",
    "declarations",
    "directory",
    "facts",
    "function_names",
    "generate",
    "generic_without_overloads",
    "handle_of",
    "has_backward",
    "has_cuda",
    "has_grid_stride",
    "has_option",
    "initialize",
    "is_kernel",
    "isolated",
    "kernel_names",
    "launch_block_dim",
    "load",
    "load_object",
    "mangled_name",
    "module_of",
    "name_of",
    "pack",
    "parameters",
    "registered_kernels",
    "set_kernel_cache",
    "translated",
    "unit_of",
    "unload_object",
    "unordered_promotions",
    "version",
    "without_backward",
]
