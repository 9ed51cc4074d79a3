"""What render writes, parse reads: the same text again, and the same tree."""

from __future__ import annotations

import pytest

from kernelfuzz.ir.contract import contract_of, with_contract
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.options import Profile
from kernelfuzz.strategies.vocabulary import CATEGORIES
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render


def check(kernel: Kernel) -> None:
    text = render(kernel)
    read = parse(text)
    assert render(read) == text
    assert with_contract(read, **contract_of(kernel)) == kernel


@pytest.mark.parametrize("profile", ["default", "realistic"])
def test_a_drawn_kernel_is_read_back(profile: Profile) -> None:
    for index in range(len(CATEGORIES)):
        check(generate(seed=11, index=index, profile=profile))


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["default", "realistic"])
@pytest.mark.parametrize("start", range(0, 500, 125))
def test_a_thousand_drawn_kernels_are_read_back(profile: Profile, start: int) -> None:
    for index in range(start, start + 125):
        check(generate(seed=12, index=index, profile=profile))


def test_reading_twice_is_reading_once() -> None:
    for index in range(20):
        read = parse(render(generate(seed=13, index=index)))
        assert parse(render(read)) == read
