"""Warp's builtins: one row each, and what the rows mean.

A row is ``row("dot", "(vec(n,S), vec(n,S)) -> S", ...)`` in ``kernelfuzz.typecheck.builtin_rows``; the
language of signatures is that of ``kernelfuzz.typecheck.patterns``.  Everything that has to know a builtin
(the grammar, verify, the reference interpreter, the oracles) reads its row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from kernelfuzz.ir.nodes import Keyword
from kernelfuzz.ir.types import Type
from kernelfuzz.typecheck.builtin_rows import ROWS, Builtin
from kernelfuzz.typecheck.patterns import (
    SignaturePattern,
    Solution,
    match_call,
    may_stand_for,
    parse,
    solutions,
)

BUILTINS: tuple[Builtin, ...] = ROWS
NAMES: frozenset[str] = frozenset(builtin.name for builtin in BUILTINS)


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


@cache
def _rows_giving(kind: type[Type], newer: bool) -> tuple[tuple[Builtin, SignaturePattern], ...]:
    """The rows whose result may be a type of this class: most rows give something else."""
    rows = ((builtin, pattern(builtin)) for builtin in BUILTINS if newer or not builtin.since)
    return tuple((builtin, written) for builtin, written in rows if may_stand_for(written.result, kind))


@lru_cache(maxsize=4096)
def producing(result: Type, newer: bool = False) -> tuple[Signature, ...]:
    """Every signature that yields the type, simplest first, always in the same order.

    Rows that some supported Warp lacks come only with ``newer``.
    """
    return tuple(
        _signature(builtin, solution)
        for builtin, written in _rows_giving(type(result), newer)
        for solution in solutions(written, result)
    )


@cache
def _rows_of(name: str) -> tuple[Builtin, ...]:
    return tuple(builtin for builtin in BUILTINS if builtin.name == name)


@cache
def resolve(name: str, arg_types: tuple[Type, ...], keywords: tuple[tuple[str, Keyword], ...] = ()) -> Signature | None:
    """The signature that a call with these argument types means, or None where there is none."""
    for builtin in _rows_of(name):
        if (found := match_call(pattern(builtin), arg_types, keywords)) is not None:
            return _signature(builtin, found)
    return None
