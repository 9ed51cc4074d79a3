"""Many kernels, one module: building them together costs a fraction of building each alone.

When the module does not lower or build, it is halved until the kernels at fault stand alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.rename import Kind, rename
from kernelfuzz.ir.render import IMPORT_LINE, render
from kernelfuzz.oracles.verdict import Setting
from kernelfuzz.toolchain.errors import Failure
from kernelfuzz.toolchain.launch import Program, Target, loaded

T = TypeVar("T")

# What belongs to the module and so needs a name of its own for each kernel.
_MODULE_LEVEL: frozenset[Kind] = frozenset({"kernel", "function", "struct", "constant"})


def numbered(kernel: Kernel, number: int) -> Kernel:
    """The kernel with the number appended to every name of its module."""

    def new_name(kind: Kind, owner: str, name: str) -> str:
        return f"{name}_{number}" if kind in _MODULE_LEVEL else name

    return rename(kernel, new_name)


def batch_source(kernels: Sequence[Kernel]) -> tuple[str, tuple[str, ...]]:
    """One source with all the kernels, and the name of each; a single kernel keeps its names."""
    if len(kernels) == 1:
        return render(kernels[0]), (kernels[0].name,)
    each = [numbered(kernel, number) for number, kernel in enumerate(kernels)]
    texts = [render(kernel).removeprefix(IMPORT_LINE) for kernel in each]
    return IMPORT_LINE + "\n\n".join(texts), tuple(kernel.name for kernel in each)


def evaluate(
    cases: Sequence[Case],
    setting: Setting,
    action: Callable[[Program, str, int], T],
    *,
    backward: bool = False,
) -> list[T | Failure]:
    """``action(program, name, position of the case)`` for each case, or why it was not built."""
    assert setting.target != "ptx", "PTX is built, but not run"
    target = cast("Target", setting.target)
    results: list[T | Failure] = [Failure("empty", "not built")] * len(cases)

    def attempt(positions: Sequence[int]) -> None:
        if not positions:
            return
        source, names = batch_source([cases[position].kernel for position in positions])
        options = dict(setting.options)
        with loaded(
            source, target, options=options, backward=backward, block_dim=setting.block_dim
        ) as program:
            if not isinstance(program, Failure):
                for name, position in zip(names, positions, strict=True):
                    results[position] = action(program, name, position)
                return
            if len(positions) == 1:
                results[positions[0]] = program
                return
        middle = len(positions) // 2
        attempt(positions[:middle])
        attempt(positions[middle:])

    attempt(range(len(cases)))
    return results
