"""Members of enumerations stay what they are: read, written, verified, renamed and judged as such."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernelfuzz import check
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.names import canonical_names, rename, with_suffix
from kernelfuzz.ir.types import INT32, INT64
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.typecheck.verify import VerifyError, verify

TEXT = """\
import warp as wp
import enum


class Kind(enum.IntEnum):
    FREE = 4


class Flag(enum.IntFlag):
    SET = 1


LIMIT = wp.constant(7)


@wp.kernel
def k(out: wp.array(dtype=int)):
    i = wp.tid()
    if i == Kind.FREE or i < LIMIT:
        out[i] = i | Flag.SET
"""


def test_they_are_read_and_written_back() -> None:
    kernel = parse(TEXT)
    assert kernel.constants == (
        n.Constant("Kind.FREE", n.Literal(4, INT32), "IntEnum"),
        n.Constant("Flag.SET", n.Literal(1, INT32), "IntFlag"),
        n.Constant("LIMIT", n.Literal(7, INT32)),
    )
    assert render(kernel) == TEXT


def test_the_value_alone_is_a_number() -> None:
    assert "i == 4" in render(parse(TEXT.replace("Kind.FREE or", "Kind.FREE.value or")))


def test_warp_computes_with_them_what_the_reference_says() -> None:
    assert "value" in check(parse(TEXT), oracles=["value"], scripts=None).passed


def test_renaming_keeps_them_or_makes_plain_constants_of_them() -> None:
    kernel = parse(TEXT)
    assert "Kind.FREE_0" in render(with_suffix(kernel, "_0"))
    plain = rename(kernel, canonical_names())
    verify(plain)
    assert "enum" not in render(plain)


@pytest.mark.parametrize(
    ("constant", "said"),
    [
        (n.Constant("Kind.FREE", n.Literal(4, INT32)), "no identifier|not a name|identifier"),
        (n.Constant("Kind.FREE", n.Literal(4, INT64), "IntEnum"), "no member of an enumeration"),
        (n.Constant("Kind", n.Literal(4, INT32), "IntEnum"), "no member of an enumeration"),
        (n.Constant("Kind.FREE", n.Literal(4, INT32), "Enum"), "no member of an enumeration"),
        (n.Constant("k.FREE", n.Literal(4, INT32), "IntEnum"), "k"),
    ],
)
def test_what_is_no_member_is_refused(constant: n.Constant, said: str) -> None:
    with pytest.raises(VerifyError, match=said):
        verify(replace(parse(TEXT), constants=(constant,)))
