"""Many kernels as one module: the same as one by one, whatever is wrong with some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Assign, Kernel, Name
from kernelfuzz.ir.types import INT32
from kernelfuzz.oracles import batch, value
from kernelfuzz.oracles.batch import Pair, batch_source, begin_until_alone, evaluate, parts, until_alone
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.reference import Undefined
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded

ON_CPU = BuildSetting("cpu", tuple(sorted(JUDGED.items())))
ON_HOST = replace(ON_CPU, target="cuda-host", block_dim=4, blocks=2)


def _case(index: int) -> Case:
    kernel = generate(seed=11, index=index, size="small")
    return Case(kernel, draw_launch(SeededChoices("batch", index), kernel))


def _spoiled(case: Case) -> Case:
    """With a name that nothing assigns, which Warp does not lower."""
    wrong = Assign(Name("found", INT32), Name("nowhere", INT32))
    return replace(case, kernel=replace(case.kernel, body=(wrong, *case.kernel.body)))


def _is_lost(kernel: Kernel) -> bool:
    first = kernel.body[0]
    return isinstance(first, Assign) and first.value == Name("nowhere", INT32)


CASES = [_spoiled(_case(index)) if index in (0, 5) else _case(index) for index in range(8)]


def test_a_failure_names_the_kernel_that_is_at_fault() -> None:
    kernels = [case.kernel for case in CASES if not _is_lost(case.kernel)]
    for at in range(len(kernels) + 1):
        some = [*kernels[:at], CASES[0].kernel, *kernels[at:]]
        with loaded(batch_source(some)[0]) as program:
            assert isinstance(program, Failure)
            assert program.line is not None
            assert parts(some, program) == [[at], [each for each in range(len(some)) if each != at]]


def test_without_a_line_a_batch_is_halved() -> None:
    kernels = [case.kernel for case in CASES[:5]]
    assert parts(kernels, Failure("compile", "somewhere")) == ([0, 1], [2, 3, 4])


def test_items_at_fault_are_asked_alone_and_parts_begin_before_one_is_waited_for() -> None:
    events: list[str] = []

    def begin(some: Sequence[int]) -> Callable[[], list[int] | str]:
        events.append(f"begin {len(some)}")

        def wait() -> list[int] | str:
            events.append(f"wait {len(some)}")
            return "odd" if any(each % 2 for each in some) else [2 * each for each in some]

        return wait

    divided: list[list[int]] = []
    wait = begin_until_alone(
        [0, 2, 4, 5], begin, lambda item, problem: -item, after=lambda _, r: divided.append(list(r))
    )
    assert events == ["begin 4"]
    assert wait() == [0, 4, 8, -5]
    assert events[1:4] == ["wait 4", "begin 2", "begin 2"]
    assert divided == [[8, -5], [0, 4, 8, -5]]
    assert until_alone([], lambda some: "problem", lambda item, problem: item) == []


@pytest.mark.parametrize("backward", [False, True])
def test_two_targets_built_as_one_are_the_same_as_one_by_one(backward: bool) -> None:
    def run(program: Program, name: str, at: int) -> str:
        setting = ON_HOST if program.target == "cuda-host" else ON_CPU
        return str(program.run(name, CASES[at].launch, blocks=setting.blocks))

    alone = [evaluate(CASES, setting, run, backward=backward) for setting in (ON_CPU, ON_HOST)]
    with Pair(ON_HOST) as pair:
        together = [pair(CASES, setting, run, backward=backward) for setting in (ON_CPU, ON_HOST)]
    assert together == alone
    for results in together:
        lost = [isinstance(result, Failure) for result in results]
        assert lost == [_is_lost(case.kernel) for case in CASES]


def test_what_does_not_go_together_is_built_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    defined = [case for case in CASES if not isinstance(value.expected([case])[0], Undefined)]
    sound = [case for case in defined if not _is_lost(case.kernel)][:2]
    wanted = value.expected(sound)
    settings = (ON_CPU, ON_HOST)
    alone = [value.judge(sound, wanted, setting) for setting in settings]
    monkeypatch.setattr("kernelfuzz.toolchain.launchers.appended_text", lambda host: "this is no C++")
    with Pair(ON_HOST) as pair:
        assert [value.judge(sound, wanted, setting, evaluate=pair) for setting in settings] == alone
    assert {verdict.status for verdicts in alone for verdict in verdicts} == {"passed"}


def test_a_batch_is_rendered_once() -> None:
    kernels = [case.kernel for case in CASES]
    source = batch_source(kernels)
    before = batch._numbered_text.cache_info()  # pyright: ignore[reportPrivateUsage]
    assert batch_source(kernels) == source
    after = batch._numbered_text.cache_info()  # pyright: ignore[reportPrivateUsage]
    assert (after.hits - before.hits, after.misses) == (len(kernels), before.misses)
