"""What render writes, parse reads: the same text again, and the same tree up to the reader's choices."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from kernelfuzz.ir.nodes import Cast, For, Function, If, Kernel, Literal, Pass, Unary, While
from kernelfuzz.ir.normalize import fingerprint
from kernelfuzz.ir.parse import parse
from kernelfuzz.ir.render import render
from kernelfuzz.ir.types import BOOL, FLOAT32, INT32
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.vocabulary import CATEGORIES


def canonical(value: Any) -> Any:
    """The tree in the form that the reader chooses where one text has two trees."""
    if isinstance(value, tuple):
        return tuple(canonical(each) for each in value)
    if not is_dataclass(value):
        return value
    made = type(value)(*[canonical(getattr(value, field.name)) for field in fields(value)])
    match made:
        case If() | For() | While() | Function() | Kernel() if not made.body:
            return replace(made, body=(Pass(),))
        case Unary(op="-", operand=Literal(value=number, type=dtype)) if dtype in (INT32, FLOAT32):
            # The text of -(-3) has two signs, and -0 is no literal.
            plain = str(number)[0] not in "-n" and not (dtype == INT32 and number == 0)
            return Literal(-number, dtype) if plain else made
        case Cast(type=dtype, operand=Literal(value=number, type=source)):
            same = source == (FLOAT32 if dtype.is_float else INT32)
            fits = dtype.is_float or (dtype != BOOL and dtype.limits[0] <= number <= dtype.limits[1])
            return Literal(number, dtype) if same and fits and dtype not in (INT32, FLOAT32, BOOL) else made
        case _:
            return made


def check(kernel: Kernel) -> None:
    text = render(kernel)
    read = parse(text)
    assert render(read) == text
    assert fingerprint(read) == fingerprint(canonical(kernel))


@pytest.mark.parametrize("profile", ["default", "realistic"])
def test_a_drawn_kernel_is_read_back(profile: str) -> None:
    for index in range(len(CATEGORIES)):
        check(generate(seed=11, index=index, profile=profile))


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["default", "realistic"])
@pytest.mark.parametrize("start", range(0, 500, 125))
def test_a_thousand_drawn_kernels_are_read_back(profile: str, start: int) -> None:
    for index in range(start, start + 125):
        check(generate(seed=12, index=index, profile=profile))


def test_reading_twice_is_reading_once() -> None:
    for index in range(20):
        read = parse(render(generate(seed=13, index=index)))
        assert parse(render(read)) == read
