"""Many kernels, one module: building them together costs a fraction of building each alone.

When the module does not lower or build, the kernel that the failure names is taken out of it; where none is
named, it is halved until the kernels at fault stand alone.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import lru_cache
from typing import Protocol, TypeVar, cast

from kernelfuzz.devices import Target
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.rename import with_suffix
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.syntax.render import IMPORT_LINE, render
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import Program, loaded, loaded_pair

T = TypeVar("T")

# ``action(program, name, position of the case)``.
Action = Callable[[Program, str, int], T]


@lru_cache(maxsize=128)
def _numbered_text(kernel: Kernel, number: int) -> tuple[str, str]:
    """The text of a kernel in a batch, and its name; several modules are made of one chunk's kernels."""
    named = with_suffix(kernel, f"_{number}")
    return render(named).removeprefix(IMPORT_LINE), named.name


def batch_source(kernels: Sequence[Kernel]) -> tuple[str, tuple[str, ...]]:
    """One source with all the kernels, and the name of each; a single kernel keeps its names."""
    if len(kernels) == 1:
        return render(kernels[0]), (kernels[0].name,)
    texts = [_numbered_text(kernel, number) for number, kernel in enumerate(kernels)]
    return IMPORT_LINE + "\n\n".join(text for text, _ in texts), tuple(name for _, name in texts)


def parts(kernels: Sequence[Kernel], failure: Failure) -> tuple[list[int], list[int]]:
    """The positions of several kernels in two groups: those that ``failure`` names, or else one half."""
    positions = list(range(len(kernels)))
    if failure.line is not None:
        lengths = [_numbered_text(kernel, number)[0].count("\n") + 2 for number, kernel in enumerate(kernels)]
        starts = list(itertools.accumulate(lengths[:-1], initial=IMPORT_LINE.count("\n") + 1))
        named = max(bisect_right(starts, failure.line) - 1, 0)
        return [named], positions[:named] + positions[named + 1 :]
    return positions[: len(positions) // 2], positions[len(positions) // 2 :]


class Evaluate(Protocol):
    """What has cases built under a setting, and something done with each."""

    def __call__(
        self, cases: Sequence[Case], setting: BuildSetting, action: Action[T], *, backward: bool = False
    ) -> list[T | Failure]:
        """``action`` for each case, or why it was not built."""
        ...


def evaluate(
    cases: Sequence[Case],
    setting: BuildSetting,
    action: Action[T],
    *,
    backward: bool = False,
) -> list[T | Failure]:
    """``action(program, name, position of the case)`` for each case, or why it was not built."""
    assert setting.target != "ptx", "PTX is built, but not run"
    target = cast("Target", setting.target)

    def load(source: str) -> AbstractContextManager[Program | Failure]:
        options = dict(setting.options)
        return loaded(source, target, options=options, backward=backward, block_dim=setting.block_dim)

    results: list[T | Failure] = [Failure("empty", "not built")] * len(cases)
    groups = [list(range(len(cases)))]
    while groups:
        positions = groups.pop()
        if not positions:
            continue
        kernels = [cases[position].kernel for position in positions]
        source, names = batch_source(kernels)
        with load(source) as program:
            if not isinstance(program, Failure):
                for name, position in zip(names, positions, strict=True):
                    results[position] = action(program, name, position)
            elif len(positions) == 1:
                results[positions[0]] = program
            else:
                groups += [[positions[at] for at in part] for part in parts(kernels, program)]
    return results


class Pair:
    """``evaluate`` for "cpu" and then for "cuda-host", with one build for both where that goes.

    Use it in a ``with``, at whose end what was built is unloaded.  ``on_host`` is the setting of the second.
    """

    def __init__(self, on_host: BuildSetting) -> None:
        self.on_host = on_host
        self._stack = ExitStack()
        # By the identity of a kernel: itself, which keeps that its own, its program for the host, its name.
        self._built: dict[int, tuple[Kernel, Program, str]] = {}

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self._built.clear()
        self._stack.close()

    def __call__(
        self, cases: Sequence[Case], setting: BuildSetting, action: Action[T], *, backward: bool = False
    ) -> list[T | Failure]:
        """As ``evaluate``; for "cpu" before "cuda-host", with the same options."""
        if setting.target == "cpu":
            return self._first(cases, setting, action, backward=backward)
        assert setting == self.on_host
        results: list[T | Failure] = [Failure("empty", "not built")] * len(cases)
        rest: list[int] = []
        for position, case in enumerate(cases):
            if id(case.kernel) in self._built:
                _, program, name = self._built[id(case.kernel)]
                results[position] = action(program, name, position)
            else:
                rest.append(position)
        _alone(cases, rest, results, setting, action, backward=backward)
        return results

    def _first(
        self, cases: Sequence[Case], setting: BuildSetting, action: Action[T], *, backward: bool
    ) -> list[T | Failure]:
        assert setting.options == self.on_host.options
        results: list[T | Failure] = [Failure("empty", "not built")] * len(cases)
        rest: list[int] = []
        groups = [list(range(len(cases)))]
        while groups:
            positions = groups.pop()
            if not positions:
                continue
            kernels = [cases[position].kernel for position in positions]
            source, names = batch_source(kernels)
            programs = self._stack.enter_context(
                loaded_pair(
                    source,
                    options=dict(setting.options),
                    backward=backward,
                    block_dim=self.on_host.block_dim,
                )
            )
            if not isinstance(programs, Failure):
                on_cpu, on_host = programs
                for name, position in zip(names, positions, strict=True):
                    kernel = cases[position].kernel
                    self._built[id(kernel)] = kernel, on_host, name
                    results[position] = action(on_cpu, name, position)
            elif len(positions) == 1:
                rest += positions
            else:
                groups += [[positions[at] for at in part] for part in parts(kernels, programs)]
        _alone(cases, rest, results, setting, action, backward=backward)
        return results


def _alone(
    cases: Sequence[Case],
    positions: Sequence[int],
    results: list[T | Failure],
    setting: BuildSetting,
    action: Action[T],
    *,
    backward: bool,
) -> None:
    """``evaluate`` for some of the cases."""
    found = evaluate(
        [cases[position] for position in positions],
        setting,
        lambda program, name, at: action(program, name, positions[at]),
        backward=backward,
    )
    for position, result in zip(positions, found, strict=True):
        results[position] = result
