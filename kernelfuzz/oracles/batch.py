"""Many kernels as one module: building them together costs a fraction of building each alone.

Where the module does not lower or build, the kernel that the failure names is taken out of it; where none is
named, the kernels are halved until those at fault stand alone.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache, partial
from typing import Protocol, TypeAlias, TypedDict, TypeVar, cast

from kernelfuzz.devices import Target
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.names import with_suffix
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.table import COMPILE, Oracle
from kernelfuzz.oracles.verdict import BuildSetting, FailedKind, Verdict
from kernelfuzz.syntax.render import IMPORT_LINE, render
from kernelfuzz.toolchain import Failure, FailureKind
from kernelfuzz.toolchain.layouts import CONTIGUOUS
from kernelfuzz.toolchain.programs import Program, loaded, loaded_pair
from kernelfuzz.toolchain.red_zones import WritesOutside

T = TypeVar("T")
Item = TypeVar("Item")
Problem = TypeVar("Problem")

# ``action(program, name, position of the case)``.
Action = Callable[[Program, str, int], T]

# The positions of some items, in groups.
Groups: TypeAlias = Sequence[Sequence[int]]

FAILED_AS: dict[FailureKind, FailedKind] = {
    "syntax": "rejected",
    "empty": "rejected",
    "codegen": "rejected",
    "compile": "does not compile",
}


# ---------------------------------------------------------------------------------- halve until alone


def halves(items: Sequence[object], problem: object = None) -> Groups:
    """The positions of the items in two groups, the first half and the rest."""
    positions = list(range(len(items)))
    middle = len(items) // 2
    return positions[:middle], positions[middle:]


def begin_until_alone(
    items: Sequence[Item],
    begin: Callable[[Sequence[Item]], Callable[[], list[T] | Problem]],
    alone: Callable[[Item, Problem], T],
    *,
    split: Callable[[Sequence[Item], Problem], Groups] = halves,
    after: Callable[[Problem, Sequence[T]], None] = lambda problem, results: None,
) -> Callable[[], list[T]]:
    """Begin a question about all items; the function returned waits for a result for each.

    ``begin(items)`` starts a question about some items, and what it returns waits for the answer: a list with
    a result for each, or the problem that concerns all of them.  Then ``split`` divides the items, and the
    parts are begun before the first is waited for.  ``alone(item, problem)`` is the result of an item that has
    the problem by itself.  ``after(problem, results)`` is called with the results of items that were divided.
    """
    if not items:
        return list
    answer_to_all = begin(items)

    def wait() -> list[T]:
        answer = answer_to_all()
        if isinstance(answer, list):
            return cast("list[T]", answer)
        if len(items) == 1:
            return [alone(items[0], answer)]
        begun = [
            (part, begin_until_alone([items[at] for at in part], begin, alone, split=split, after=after))
            for part in split(items, answer)
        ]
        found = {at: result for part, wait_for in begun for at, result in zip(part, wait_for(), strict=True)}
        results = [found[at] for at in range(len(items))]
        after(answer, results)
        return results

    return wait


def until_alone(
    items: Sequence[Item],
    ask: Callable[[Sequence[Item]], list[T] | Problem],
    alone: Callable[[Item, Problem], T],
    *,
    split: Callable[[Sequence[Item], Problem], Groups] = halves,
) -> list[T]:
    """Return a result for each item, asking about many together: as ``begin_until_alone``, one after another."""
    return begin_until_alone(items, lambda some: partial(ask, some), alone, split=split)()


# ----------------------------------------------------------------------------------- one source for all


@lru_cache(maxsize=128)
def _numbered_text(kernel: Kernel, number: int) -> tuple[str, str]:
    """The text of a kernel in a batch, and its name; several modules are made of one chunk's kernels."""
    named = with_suffix(kernel, f"_{number}")
    return render(named).removeprefix(IMPORT_LINE), named.name


def batch_source(kernels: Sequence[Kernel]) -> tuple[str, tuple[str, ...]]:
    """Return one source with all the kernels, and the name of each; a single kernel keeps its names."""
    if len(kernels) == 1:
        return render(kernels[0]), (kernels[0].name,)
    texts = [_numbered_text(kernel, number) for number, kernel in enumerate(kernels)]
    return IMPORT_LINE + "\n\n".join(text for text, _ in texts), tuple(name for _, name in texts)


def parts(kernels: Sequence[Kernel], failure: Failure) -> Groups:
    """Divide several kernels: those that ``failure`` names from the others, or else one half from the other."""
    lines = failure.refused if failure.line is None else (failure.line,)
    if not lines:
        return halves(kernels)
    lengths = [_numbered_text(kernel, number)[0].count("\n") + 2 for number, kernel in enumerate(kernels)]
    starts = list(itertools.accumulate(lengths[:-1], initial=IMPORT_LINE.count("\n") + 1))
    named = sorted({max(bisect_right(starts, line) - 1, 0) for line in lines})
    others = [at for at in range(len(kernels)) if at not in named]
    return [*([at] for at in named), *([others] if others else [])]


# --------------------------------------------------------------------------------------- build and run


def not_built(failure: Failure, setting: BuildSetting) -> Verdict:
    """Return the compile oracle's verdict on a kernel that did not get as far as a launch."""
    if failure.kind == "unsupported":
        return COMPILE.skipped(f"unsupported: {failure.message}", setting)
    return COMPILE.failed(setting, str(failure), kind=FAILED_AS[failure.kind])


def without_result(failure: Failure, setting: BuildSetting, oracle: Oracle) -> Verdict:
    """Return the verdict on a kernel of which ``oracle`` has no result: not built, or its launch was not sound."""
    if failure.kind == "outside":
        return oracle.failed(setting, failure.message, kind="writes outside")
    return not_built(failure, replace(setting, layout=CONTIGUOUS))


class Launched(TypedDict):
    """What a launch takes of a setting."""

    blocks: int | None
    block_dim: int | None
    layout: str


def launched(setting: BuildSetting, launch: Launch) -> Launched:
    """Return how a program that is loaded launches by a setting: the host alone has blocks of any size then."""
    own = setting.target == "cuda-host" and not launch.tiled
    return {"blocks": setting.blocks, "block_dim": setting.block_dim if own else None, "layout": setting.layout}


def result_of(action: Action[T], program: Program, name: str, at: int) -> T | Failure:
    """Return what the action gives, or that the kernel wrote outside of its arrays."""
    try:
        return action(program, name, at)
    except WritesOutside as error:
        return Failure("outside", str(error))


class Evaluate(Protocol):
    """Builds cases under a setting, and does something with each."""

    def __call__(
        self, cases: Sequence[Case], setting: BuildSetting, action: Action[T], *, backward: bool = False
    ) -> list[T | Failure]:
        """Return ``action`` for each case, or why it was not built, or that it wrote outside of its arrays."""
        ...


def evaluate(
    cases: Sequence[Case], setting: BuildSetting, action: Action[T], *, backward: bool = False, fast: bool = False
) -> list[T | Failure]:
    """Return ``action(program, name, position of the case)`` for each case, or why there is no such result.

    ``fast`` as ``loaded``: what is refused alone, Warp's own compiler is asked about.
    """
    assert setting.target != "ptx", "PTX is built, but not run"
    target = cast("Target", setting.target)

    def run(positions: Sequence[int]) -> list[T | Failure] | Failure:
        source, names = batch_source([cases[at].kernel for at in positions])
        with loaded(
            source,
            target,
            options=dict(setting.options),
            backward=backward,
            block_dim=setting.block_dim,
            fast=fast,
            fast_refuses=len(names) > 1,
        ) as program:
            if isinstance(program, Failure):
                return program
            return [result_of(action, program, name, at) for name, at in zip(names, positions, strict=True)]

    def split(positions: Sequence[int], failure: Failure) -> Groups:
        return parts([cases[at].kernel for at in positions], failure)

    return until_alone(range(len(cases)), run, lambda at, failure: failure, split=split)


def of_built(
    cases: Sequence[Case],
    setting: BuildSetting,
    action: Action[T],
    built: Sequence[tuple[Program, str] | None],
    *,
    backward: bool,
    fast: bool = False,
) -> list[T | Failure]:
    """``evaluate`` of cases some of which are built: ``built`` has the program of each, and its name there.

    What does not go with others has none, and is built by itself.
    """
    done = {at: result_of(action, *found, at) for at, found in enumerate(built) if found is not None}
    rest = [at for at in range(len(cases)) if at not in done]
    separate = evaluate(
        [cases[at] for at in rest],
        setting,
        lambda program, name, at: action(program, name, rest[at]),
        backward=backward,
        fast=fast,
    )
    done.update(zip(rest, separate, strict=True))
    return [done[at] for at in range(len(cases))]


class Pair:
    """``evaluate`` for "cpu" and then for "cuda-host", with one build for both where that goes.

    Use it in a ``with``, at whose end what was built is unloaded.  ``on_host`` is the setting of the second.
    """

    def __init__(self, on_host: BuildSetting) -> None:
        self.on_host = on_host
        self._stack = ExitStack()
        # By the identity of a kernel: itself, which keeps that its own, its two programs, and its name there.
        self._built: dict[int, tuple[Kernel, tuple[Program, Program], str]] = {}

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
            assert setting.options == self.on_host.options
            self._build([case.kernel for case in cases], backward)
        else:
            assert setting == self.on_host
        built: list[tuple[Program, str] | None] = []
        for case in cases:
            _, programs, name = self._built.get(id(case.kernel), (None, None, ""))
            built.append((programs[setting.target == "cuda-host"], name) if programs else None)
        return of_built(cases, setting, action, built, backward=backward)

    def _build(self, kernels: Sequence[Kernel], backward: bool) -> None:
        """Build what goes together, for both targets."""
        options, block_dim = dict(self.on_host.options), self.on_host.block_dim

        def build(some: Sequence[Kernel]) -> list[None] | Failure:
            source, names = batch_source(some)
            pair = loaded_pair(source, options=options, backward=backward, block_dim=block_dim)
            programs = self._stack.enter_context(pair)
            if isinstance(programs, Failure):
                return programs
            for kernel, name in zip(some, names, strict=True):
                self._built[id(kernel)] = kernel, programs, name
            return [None] * len(some)

        until_alone(kernels, build, lambda kernel, failure: None, split=parts)
