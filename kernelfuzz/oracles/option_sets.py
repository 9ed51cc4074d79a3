"""Module options that must not change what a kernel computes, one row each.

The options oracle builds a kernel with and without a row's options and holds the outputs against each other
to the bit.  Where an option may change bits, the row says for which kernels it may not.  The baseline
is ``kernelfuzz.toolchain.programs.JUDGED``: no contraction, no reassociation, optimization level 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.types import Array, Type, has_floats
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.rewrites.shapes import lengths_for_shapes
from kernelfuzz.toolchain import compat
from kernelfuzz.typecheck.builtins import resolve
from kernelfuzz.typecheck.operators import TILE_CALLS
from kernelfuzz.typecheck.verify import VerifyError, verify

CUDA = ("cuda-host", "cuda")
ALL = ("cpu", "cuda-host", "cuda")


def any_kernel(kernel: n.Kernel) -> bool:
    """Every kernel: the option must not change a bit of what it computes."""
    return True


def as_it_is(kernel: n.Kernel) -> n.Kernel:
    """The kernel itself."""
    return kernel


def without_library_math(kernel: n.Kernel) -> bool:
    """Kernels whose floats come from exactly rounded operations only.

    An optimizer evaluates ``sinh(0.5)`` while it compiles, with another library than the kernel would call:
    clang from level 1 on gives other bits for log10, sinh, cosh and atan of a constant (Warp 1.19.0).
    """
    return not any(map(_is_library_math, walk(kernel)))


def without_float_arithmetic(kernel: n.Kernel) -> bool:
    """Kernels that compute nothing with floats: contraction rounds ``a * b + c`` once instead of twice."""
    computing = (node for node in walk(kernel) if isinstance(node, (n.Binary, n.Call)))
    return not any(has_floats(each) for node in computing for each in _types(node))


def without_tiles(kernel: n.Kernel) -> bool:
    """Kernels without tiles, whose layout depends on the size of a block."""
    names = {node.name for node in walk(kernel) if isinstance(node, n.Call)}
    return names.isdisjoint(TILE_CALLS)


def without_sums_in_place(kernel: n.Kernel) -> bool:
    """Kernels that update no element of an array in place."""
    return not any(map(_sums, walk(kernel)))


def sums_apart(kernel: n.Kernel, some: bool = False) -> bool:
    """Kernels that read no array which they sum into, and sum whole elements only.

    With ``some``, only those of them that sum at all.  ``deterministic`` documents that it refuses the others, as
    ``out[i] -= out[i]``, and results of atomics that are not slots.  Functions that sum, whose arrays have other
    names, are left out.
    """
    if any(_sums(node) for function in kernel.functions for node in walk(function)):
        return False
    arrays: list[str] = []
    for node in walk(kernel):
        match node:
            case n.AugAssign(target=n.Name()):
                continue
            case n.AugAssign(target=n.Index(value=n.Name(id=name, type=Array()), type=made), op="+" | "-"):
                arrays.append(name)
                if isinstance(made, Array):
                    return False
            case n.AugAssign():
                return False
            case n.ExprStmt(value=n.Call(name=called, args=(n.Name(id=name), *_))) if called.startswith("atomic_"):
                arrays.append(name)
            case _:
                continue
    atomics = sum(isinstance(node, n.Call) and node.name.startswith("atomic_") for node in walk(kernel))
    named = [node.id for node in walk(kernel) if isinstance(node, n.Name) and node.id in arrays]
    statements = sum(isinstance(node, n.ExprStmt) and _sums(node.value) for node in walk(kernel))
    # Each is named where it is summed into and nowhere else, and no result of an atomic is used.
    return len(named) == len(arrays) and atomics == statements and (bool(arrays) or not some)


def without_unrolling(kernel: n.Kernel) -> bool:
    """Kernels that Warp takes without unrolling: no static expression reads a counter, no loop changes a constant."""
    if not any(isinstance(node, n.For) for node in walk(kernel)):
        return True
    try:
        verify(kernel, max_unroll=0)
    except VerifyError:
        return False
    return True


def _sums(node: object) -> bool:
    in_place = isinstance(node, n.AugAssign) and not isinstance(node.target, n.Name)
    return in_place or (isinstance(node, n.Call) and node.name.startswith("atomic_"))


def _is_library_math(node: object) -> bool:
    if isinstance(node, n.Binary):
        return node.op == "**"
    if not isinstance(node, n.Call) or node.name == "tid" or node.name in TILE_CALLS:
        return False
    signature = resolve(node.name, tuple(argument.type for argument in node.args), node.keywords)
    return signature is None or signature.builtin.ulp != 0


def _types(node: n.Binary | n.Call) -> tuple[Type, ...]:
    operands: tuple[n.Expr, ...] = (node.left, node.right) if isinstance(node, n.Binary) else node.args
    return (node.type, *(operand.type for operand in operands))


@dataclass(frozen=True, slots=True)
class OptionSet:
    """Options that are compared with the baseline.

    ``targets`` are those of ``kernelfuzz.toolchain.programs`` where they say anything.  ``exact`` tells
    for which kernels every bit must agree, by the rule of its docstring.  ``backward`` has the adjoints
    built too.  ``block_dim`` is the size of a block, which is no module option of a launch.  Rows of ``gradients``
    are asked of gradients as well, of every kernel: there no bits are compared.  Such a kernel is first ``written``
    otherwise where the options show a known bug that would end the process.
    """

    name: str
    options: tuple[tuple[str, Any], ...] = ()
    targets: tuple[str, ...] = ALL
    exact: Callable[[n.Kernel], bool] = any_kernel
    backward: bool = False
    block_dim: int | None = None
    gradients: bool = False
    written: Callable[[n.Kernel], n.Kernel] = as_it_is

    def setting(self, plain: BuildSetting) -> BuildSetting:
        """The setting ``plain`` with the options of the row."""
        options = dict(plain.options) | dict(self.options)
        return replace(
            plain,
            options=tuple(sorted(options.items())),
            block_dim=self.block_dim or plain.block_dim,
            # Threads without a grid-stride loop take one turn: a grid that is too small leaves points out.
            blocks=plain.blocks if options.get("default_grid_stride", True) else None,
            row=f"options: {self.name}",
        )


OPTION_SETS: tuple[OptionSet, ...] = (
    OptionSet("no unrolling", (("max_unroll", 0),), exact=without_unrolling, gradients=True),
    OptionSet("unrolling once", (("max_unroll", 1),), exact=without_unrolling, gradients=True),
    OptionSet("more unrolling", (("max_unroll", 64),), gradients=True),
    # Bounds checks and unoptimized code; a kernel that is defined passes the checks.
    OptionSet("debug", (("mode", "debug"),), gradients=True, written=lengths_for_shapes),
    # On the CUDA device NVRTC compiles with what the release knows; clang's levels count for the others.
    OptionSet("optimization 1", (("optimization_level", 1),), exact=without_library_math, gradients=True),
    OptionSet("optimization 2", (("optimization_level", 2),), exact=without_library_math, gradients=True),
    OptionSet("optimization 3", (("optimization_level", 3),), exact=without_library_math, gradients=True),
    OptionSet("with adjoints", backward=True),
    OptionSet("contraction", (("fuse_fp", True),), exact=without_float_arithmetic),
    OptionSet("floats verified", (("verify_fp", True),), gradients=True),
    OptionSet("one thread one point", (("default_grid_stride", False),), targets=CUDA),
    OptionSet("small blocks", targets=CUDA, exact=without_tiles, block_dim=32, gradients=True),
    OptionSet("large blocks", targets=CUDA, exact=without_tiles, block_dim=1024, gradients=True),
    OptionSet("components overwritten", (("enable_vector_component_overwrites", True),), gradients=True),
    OptionSet("generic processor", (("cpu_compiler_flags", ""),), targets=("cpu",), exact=without_library_math),
    OptionSet(
        "no vectorizer",
        (("cpu_compiler_flags", "-fno-vectorize -fno-slp-vectorize"), ("optimization_level", 2)),
        targets=("cpu",),
        exact=without_library_math,
    ),
    OptionSet("line information", (("lineinfo", True),)),
    OptionSet("no line directives", (("line_directives", False), ("lineinfo", True))),
    OptionSet(
        "deterministic",
        (("deterministic", "RUN_TO_RUN"),),
        targets=("cpu", "cuda"),
        exact=sums_apart,
    ),
    OptionSet("clang for CUDA", (("llvm_cuda", True),), targets=("cuda",), exact=without_library_math),
    OptionSet("tiles in shared memory", (("enable_tiles_in_stack_memory", False),)),
    OptionSet("no precompiled headers", (("use_precompiled_headers", False),)),
)


def available(row: OptionSet) -> bool:
    """Whether the installed Warp has every option of the row.  Raises UnsupportedWarp."""
    return all(compat.has_option(name) for name, _ in row.options)


def may_unroll_less(row: OptionSet, kernel: n.Kernel) -> bool:
    """Whether a kernel is built under the options of a row at all: some need their loops unrolled."""
    return row.exact is not without_unrolling or without_unrolling(kernel)


def option_sets_of_gradients(target: str) -> tuple[OptionSet, ...]:
    """The rows that the gradient oracle asks on a target."""
    return tuple([row for row in OPTION_SETS if row.gradients and target in row.targets and available(row)])


def option_sets(target: str, kernel: n.Kernel | None = None) -> tuple[OptionSet, ...]:
    """The rows that count for a target on the installed Warp, and where one is given, for a kernel."""
    return tuple(
        row for row in OPTION_SETS if target in row.targets and available(row) and (kernel is None or row.exact(kernel))
    )
