"""Warp's builtins: one row each, and what the rows mean.

A row is ``row("dot", "(vec(n,S), vec(n,S)) -> S", ...)`` in ``kernelfuzz.typecheck.builtin_rows``; the
language of signatures is that of ``kernelfuzz.typecheck.patterns``.  Everything that has to know a builtin
(the grammar, verify, the reference interpreter, the oracles, descriptions) reads its row here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, KeysView
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, ParamSpec, TypeVar

from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.ir.types import Type
from kernelfuzz.typecheck.builtin_columns import Builtin
from kernelfuzz.typecheck.builtin_rows import ROWS
from kernelfuzz.typecheck.patterns import (
    SignaturePattern,
    Solution,
    match_call,
    may_stand_for,
    parse,
    solutions,
)

P = ParamSpec("P")
R = TypeVar("R")

# The table.  ``NAMES`` is a view: it follows the table, as everything does that is kept by ``follows_table``.
BUILTINS: list[Builtin] = list(ROWS)
_BY_NAME: dict[str, list[Builtin]] = {}
for _row in BUILTINS:
    _BY_NAME.setdefault(_row.name, []).append(_row)
NAMES: KeysView[str] = _BY_NAME.keys()
_CACHES: list[Any] = []


def follows_table(size: int | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """``lru_cache(size)`` for a function that reads the table: its cache is emptied when the table changes."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        cached: Any = lru_cache(size)(function)
        _CACHES.append(cached)
        return cached

    return decorate


@contextmanager
def with_row(row: Builtin) -> Generator[Builtin, None, None]:
    """The table with one more row at its end, until the context ends."""
    BUILTINS.append(row)
    _BY_NAME.setdefault(row.name, []).append(row)
    _empty_caches()
    try:
        yield row
    finally:
        BUILTINS.remove(row)
        _BY_NAME[row.name].remove(row)
        if not _BY_NAME[row.name]:
            del _BY_NAME[row.name]
        _empty_caches()


def _empty_caches() -> None:
    for cached in _CACHES:
        cached.cache_clear()


def word(name: str) -> str | None:
    """What a builtin computes, in words that follow "computes"; None where there is no such builtin."""
    return next((row.word for row in _BY_NAME.get(name, ()) if row.word is not None), None)


def verb(name: str) -> str:
    """How an atomic changes an array, in words between "atomically" and the array's name; "" of other calls."""
    return next((row.verb for row in _BY_NAME.get(name, ())), "")


@cache
def at_least(*release: int) -> bool:
    """Whether the installed Warp is that release or a later one: ``at_least(1, 14)``."""
    found = tuple(int(part) for part in re.findall(r"\d+", version("warp-lang"))[: len(release)])
    return found >= release


def is_newer(release: str) -> bool:
    """Whether the installed Warp is older than a release that a row names; False for ""."""
    return bool(release) and not at_least(*map(int, release.split(".")))


@dataclass(frozen=True, slots=True)
class Signature:
    """A builtin with concrete types.  ``domains`` has one entry for each parameter, as ``params`` has."""

    name: str
    params: tuple[Type, ...]
    result: Type
    builtin: Builtin
    keywords: tuple[tuple[str, Keyword], ...] = ()
    domains: tuple[str, ...] = ()


@cache
def pattern(builtin: Builtin) -> SignaturePattern:
    """The parsed signature of a row."""
    return parse(builtin.signature, builtin.keywords, builtin.where)


def _signature(builtin: Builtin, solution: Solution) -> Signature:
    domains = builtin.domains or ("any",) * len(pattern(builtin).params)
    return Signature(
        name=builtin.name,
        params=solution.params,
        result=solution.result,
        builtin=builtin,
        keywords=solution.keywords,
        domains=tuple(domains[position] for position in solution.positions),
    )


@cache
def instances(builtin: Builtin) -> tuple[Signature, ...]:
    """Every concrete signature of a row, with dimensions and types as the pattern language lists them."""
    return tuple(_signature(builtin, solution) for solution in solutions(pattern(builtin)))


@follows_table()
def _rows_giving(kind: type[Type], newer: bool) -> tuple[tuple[Builtin, SignaturePattern], ...]:
    """The rows whose result may be a type of this class: most rows give something else."""
    rows = ((builtin, pattern(builtin)) for builtin in BUILTINS if newer or not builtin.since)
    return tuple((builtin, written) for builtin, written in rows if may_stand_for(written.result, kind))


@follows_table(4096)
def producing(result: Type, newer: bool = False) -> tuple[Signature, ...]:
    """Every signature that yields the type, simplest first, always in the same order.

    Rows that some supported Warp lacks come only with ``newer``.
    """
    return tuple(
        _signature(builtin, solution)
        for builtin, written in _rows_giving(type(result), newer)
        for solution in solutions(written, result)
    )


@follows_table()
def resolve(name: str, arg_types: tuple[Type, ...], keywords: tuple[tuple[str, Keyword], ...] = ()) -> Signature | None:
    """The signature that a call with these argument types means, or None where there is none."""
    for builtin in _BY_NAME.get(name, ()):
        if (found := match_call(pattern(builtin), arg_types, keywords)) is not None:
            return _signature(builtin, found)
    return None
