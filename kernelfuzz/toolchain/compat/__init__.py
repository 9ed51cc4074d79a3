"""Everything that kernelfuzz needs of Warp's private names; nothing outside of this package may touch them.

They move with every release, so each difference is told by feature (is the attribute there, does the function
take the argument) and never by version number.  Supported: Warp 1.10 to 1.19.
"""

# ruff: noqa: F401 - the names of the modules are those of the package

from __future__ import annotations

from kernelfuzz.toolchain.compat.argument_types import parameters
from kernelfuzz.toolchain.compat.compilers import (
    BUILD_OPTIONS,
    CompilerError,
    CpuCompiler,
    address,
    compile_file,
    cuda_archs,
    handle_of,
    has_grid_stride,
    launch_block_dim,
    load,
    load_object,
    pack,
    unload_object,
)
from kernelfuzz.toolchain.compat.generator import (
    Generated,
    KernelFacts,
    Piece,
    facts,
    generate,
    generate_ahead,
    has_backward,
    hash_of,
    mangled_name,
    order_of,
    without_backward,
)
from kernelfuzz.toolchain.compat.installed import (
    LOCK,
    SUPPORTED,
    Unsupported,
    UnsupportedWarp,
    UnwritableCache,
    check_cache,
    directory,
    has_cuda,
    initialize,
    telling,
    version,
)
from kernelfuzz.toolchain.compat.objects import (
    beyond_a_tree,
    builtin_name,
    captured_values,
    definition,
    is_exported,
    native_texts,
    overloads_of,
    own_types,
    tree_type,
    tree_value,
)
from kernelfuzz.toolchain.compat.registry import (
    Declarations,
    Unit,
    borrowed,
    callee_text,
    collect,
    concrete,
    constant_texts,
    declarations,
    field_types,
    generic_without_overloads,
    is_kernel,
    kernel_names,
    module_of,
    name_of,
    registered_kernels,
    type_text,
    unit_of,
)
from kernelfuzz.toolchain.compat.state import (
    Numbering,
    configure,
    function_names,
    has_option,
    isolated,
    set_kernel_cache,
    unordered_promotions,
)
