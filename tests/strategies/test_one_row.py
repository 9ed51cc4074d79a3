"""A feature needs one row of ``FEATURES`` and nothing else; and which rows of builtins the grammar never draws."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernelfuzz.campaign.schedule import without
from kernelfuzz.cli import main
from kernelfuzz.corpus.build_row import drawn
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import walk
from kernelfuzz.strategies import InvalidOption, inventory
from kernelfuzz.strategies.builtin_calls import candidates
from kernelfuzz.strategies.context import Context
from kernelfuzz.strategies.features import FEATURES, Feature, features, unavailable, with_needs
from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.strategies.local_variables import declare
from kernelfuzz.strategies.options import check_options
from kernelfuzz.strategies.ranges import Ranged
from kernelfuzz.syntax.render import render
from kernelfuzz.typecheck.builtins import BUILTINS, Builtin, resolve
from kernelfuzz.typecheck.verify import verify

LUCKY = 7_777_777


def plant(ctx: Context) -> list[n.Stmt]:
    return declare(ctx, Ranged(n.Cast(t.INT32, n.Literal(LUCKY, t.INT32)), LUCKY, LUCKY))


ROW = Feature(
    name="lucky",
    meaning="a number that brings luck",
    plant=plant,
    found=inventory.node(n.Literal, lambda literal: literal.value == LUCKY),
    needs=("while",),
    dtypes=lambda dtypes: t.INT32 in dtypes,
)


@pytest.fixture
def lucky(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A toy feature, added by its row."""

    def forget() -> None:
        for cached in (with_needs, unavailable):
            cached.cache_clear()

    monkeypatch.setitem(FEATURES, ROW.name, ROW)
    forget()
    yield ROW.name
    monkeypatch.undo()
    forget()


def test_a_toy_feature_is_drawn_and_found(lucky: str) -> None:
    for kernel in generate_many(20, seed=60, include=[lucky]):
        assert lucky in features(kernel)
        assert str(LUCKY) in render(kernel)
        verify(kernel)
    assert not any(lucky in features(kernel) for kernel in generate_many(20, seed=60, exclude=[lucky]))


@pytest.mark.parametrize("options", [{"exclude": ["while"]}, {"dtypes": ["float32"]}, {"depth": 0}], ids=str)
def test_a_toy_feature_needs_what_its_row_says(lucky: str, options: dict[str, object]) -> None:
    with pytest.raises(InvalidOption, match=lucky):
        check_options(include=[lucky], **options)  # pyright: ignore[reportArgumentType]


def test_a_toy_feature_is_listed(lucky: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidOption, match=f"choose from .*{lucky}"):
        check_options(include=["zzzzzz"])
    assert main(["show", "--index", "0", "--include", "lukcy"]) == 2
    assert f"did you mean '{lucky}'?" in capsys.readouterr().err


def test_a_toy_feature_is_drawn_by_the_command_line(lucky: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--index", "0", "--include", lucky]) == 0
    assert str(LUCKY) in capsys.readouterr().out


def test_a_toy_feature_is_in_rows_of_corpora_and_can_be_avoided_by_a_campaign(lucky: str) -> None:
    (kernel,) = generate_many(1, seed=61, include=[lucky])
    assert lucky in drawn(kernel).features
    avoiding = without(check_options(), lucky)
    assert avoiding is not None
    assert lucky in avoiding.exclude


# -------------------------------------------------------------------- builtins

_ATOMIC = "atomics are drawn over scalars, and sums over vectors"
_FIRST = "a call is of the first row of the name, which takes any value"
_TRUTH = "conditions are drawn as bools; people give integers too"

# The rows that the grammar never draws, by name (and signature, where other rows of the name are drawn).
NEVER_DRAWN = {
    "where (bool, vec(n,S), vec(n,S)) -> vec(n,S)": _FIRST,
    "where (bool, mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)": _FIRST,
    "where (bool, quat(S), quat(S)) -> quat(S)": _FIRST,
    "where (bool, transform(S), transform(S)) -> transform(S)": _FIRST,
    "where (int32, S, S) -> S": _TRUTH,
    "where (int32, vec(n,S), vec(n,S)) -> vec(n,S)": _TRUTH,
    "where (int32, mat(r,c,S), mat(r,c,S)) -> mat(r,c,S)": _TRUTH,
    "where (int32, quat(S), quat(S)) -> quat(S)": _TRUTH,
    "where (int32, transform(S), transform(S)) -> transform(S)": _TRUTH,
    "len (array(S,d)) -> int32": "lengths of arrays are drawn as a.shape[axis]",
    "atomic_add (array(mat(r,c,S),d), int32*d, mat(r,c,S)) -> mat(r,c,S)": _ATOMIC,
    "atomic_add (array(quat(S),d), int32*d, quat(S)) -> quat(S)": _ATOMIC,
    "atomic_add (array(transform(S),d), int32*d, transform(S)) -> transform(S)": _ATOMIC,
    "atomic_sub (array(mat(r,c,S),d), int32*d, mat(r,c,S)) -> mat(r,c,S)": _ATOMIC,
    "atomic_sub (array(quat(S),d), int32*d, quat(S)) -> quat(S)": _ATOMIC,
    "atomic_sub (array(transform(S),d), int32*d, transform(S)) -> transform(S)": _ATOMIC,
    "atomic_min (array(vec(n,S),d), int32*d, vec(n,S)) -> vec(n,S)": _ATOMIC,
    "atomic_min (array(mat(r,c,S),d), int32*d, mat(r,c,S)) -> mat(r,c,S)": _ATOMIC,
    "atomic_max (array(vec(n,S),d), int32*d, vec(n,S)) -> vec(n,S)": _ATOMIC,
    "atomic_max (array(mat(r,c,S),d), int32*d, mat(r,c,S)) -> mat(r,c,S)": _ATOMIC,
}  # fmt: skip

# Features whose statements and expressions name their builtins themselves.
BY_NAME = ("tile", "atomic", "decomposition", "random", "where", "shift", "search")


def value_types() -> Iterator[t.Type]:
    for dtype in t.SCALARS:
        yield dtype
        yield from (t.Vector(length, dtype) for length in (2, 3, 4, 5, 6))
        yield from (t.Matrix(rows, columns, dtype) for rows in (2, 3, 4) for columns in (2, 3, 4))
        if dtype.is_float:
            yield from (t.Matrix(6, 6, dtype), t.Quaternion(dtype), t.Transform(dtype))


def called(root: n.Node) -> Iterator[Builtin]:
    for node in walk(root):
        if isinstance(node, n.Call):
            signature = resolve(node.name, tuple(argument.type for argument in node.args), node.keywords)
            if signature is not None:
                yield signature.builtin


def test_every_row_of_builtins_is_drawn_or_has_a_reason() -> None:
    found = {signature.builtin for type_ in value_types() for signature, _ in candidates(type_).signatures}
    for feature in BY_NAME:
        for kernel in generate_many(80, seed=62, include=[feature]):
            found.update(called(kernel))
    left = [row for row in BUILTINS if row not in found]
    unexplained = [f"{row.name} {row.signature}" for row in left if row.name not in NEVER_DRAWN]
    assert sorted(unexplained) == sorted(name for name in NEVER_DRAWN if " " in name)
    assert {row.name for row in left} == {name.split()[0] for name in NEVER_DRAWN}
