"""One grammar, two sources of choices: a kernel is a function of the integers drawn, from either source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelfuzz.ir.nodes import Kernel, Pass
from kernelfuzz.strategies.choices import Choices, DrawnChoices, SeededChoices
from kernelfuzz.strategies.kernel import draw_kernel
from kernelfuzz.strategies.options import Options, check_options
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.syntax.render import render
from kernelfuzz.typecheck.verify import verify

DEFAULT = check_options()
REALISTIC = check_options(profile="realistic")

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


class Recorder(Choices):
    """Passes on what another source draws, and remembers each number with its range."""

    def __init__(self, source: Choices) -> None:
        self.source = source
        self.drawn: list[tuple[int, int, int]] = []

    def integer(self, low: int, high: int) -> int:
        value = self.source.integer(low, high)
        self.drawn.append((low, high, value))
        return value


class Replay(Choices):
    """Gives recorded numbers again, and requires that the grammar draws them in the same ranges."""

    def __init__(self, drawn: Sequence[tuple[int, int, int]]) -> None:
        self.left = list(reversed(drawn))

    def integer(self, low: int, high: int) -> int:
        recorded_low, recorded_high, value = self.left.pop()
        assert (low, high) == (recorded_low, recorded_high)
        return value


class Lowest(Choices):
    """The simplest choice every time: what shrinking moves towards."""

    def integer(self, low: int, high: int) -> int:
        return low


class Highest(Choices):
    """The last choice every time, up to a number of choices after which the grammar must come to an end."""

    def __init__(self, most: int = 2000) -> None:
        self.left = most

    def integer(self, low: int, high: int) -> int:
        self.left -= 1
        return high if self.left > 0 else low


def recorded(source: Choices, options: Options, category: str | None) -> tuple[Kernel, Recorder]:
    recorder = Recorder(source)
    return draw_kernel(recorder, options, category), recorder


def assert_replays(kernel: Kernel, recorder: Recorder, options: Options, category: str | None) -> None:
    replay = Replay(recorder.drawn)
    again = draw_kernel(replay, options, category)
    assert again == kernel
    assert render(again) == render(kernel)
    assert not replay.left


@pytest.mark.parametrize("options", [DEFAULT, REALISTIC], ids=["default", "realistic"])
def test_the_choices_of_a_seed_can_be_replayed(options: Options) -> None:
    for index in range(40):
        category = options.categories[index % 10]
        kernel, recorder = recorded(SeededChoices("record", index), options, category)
        assert_replays(kernel, recorder, options, category)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_the_choices_of_hypothesis_can_be_replayed(data: st.DataObject) -> None:
    kernel, recorder = recorded(DrawnChoices(data.draw), DEFAULT, None)
    verify(kernel)
    assert_replays(kernel, recorder, DEFAULT, None)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(data=st.data(), index=st.integers(0, 10_000), category=st.sampled_from(sorted(CATEGORIES)))
def test_both_sources_draw_within_the_range(data: st.DataObject, index: int, category: str) -> None:
    for source in (SeededChoices("range", index), DrawnChoices(data.draw)):
        _, recorder = recorded(source, DEFAULT, category)
        assert all(low <= value <= high for low, high, value in recorder.drawn)


@pytest.mark.parametrize("category", [None, *CATEGORIES])
@pytest.mark.parametrize("source", [Lowest, Highest])
def test_the_first_and_the_last_choice_every_time_give_kernels_too(
    source: Callable[[], Choices], category: str | None
) -> None:
    kernel = draw_kernel(source(), DEFAULT, category)
    verify(kernel)
    compile(render(kernel), "kernel.py", "exec")


def test_the_simplest_choices_give_the_smallest_kernel() -> None:
    simplest = draw_kernel(Lowest(), DEFAULT)
    assert simplest.body == (Pass(),)
    assert simplest.params == ()
