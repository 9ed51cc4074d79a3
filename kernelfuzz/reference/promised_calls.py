"""Calls of builtins against what is promised of them (``kernelfuzz.reference.promises``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import FLOAT32, Tuple, Type
from kernelfuzz.ir.walk import builtins_used
from kernelfuzz.reference import _promise_terms
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.domain import Value
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.promises import PROMISES, Promise
from kernelfuzz.typecheck.builtins import Signature

TERMS: Mapping[str, Callable[..., Any]] = {
    name: term
    for name, term in vars(_promise_terms).items()
    if getattr(term, "__module__", "") == _promise_terms.__name__
}


@dataclass(frozen=True, slots=True)
class Breach:
    """A call that does not hold ``text``, an expression of its builtin's promise; ``bug``: the known one it meets."""

    signature: Signature
    arguments: tuple[Value, ...]
    text: str
    bug: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """The calls of a launch of which something is promised, in the order in which the reference makes them.

    ``breaches`` are those that break it; ``unasked`` has the builtins of those for whose arguments nothing is promised.
    """

    breaches: list[Breach] = field(default_factory=list[Breach])
    unasked: list[str] = field(default_factory=list[str])


def watched(case: Case) -> Watched:
    """Hold the calls of a launch to what is promised.  Raises Undefined where the kernel is not defined for it."""
    found = Watched()
    if not builtins_used(case.kernel).isdisjoint(PROMISES):
        execute(case.kernel, case.launch, _Watching(found))
    return found


@dataclass(frozen=True, slots=True)
class _Watching(Exact):
    """The domain of exact values, which notes every call that breaks a promise, or is not asked for it."""

    found: Watched

    def call(self, signature: Signature) -> Callable[[tuple[Value, ...]], Value]:
        evaluate = Exact.call(self, signature)
        if signature.name not in PROMISES:
            return evaluate

        def call(arguments: tuple[Value, ...]) -> Value:
            value = evaluate(arguments)
            # Of a builtin that changes its argument the value comes with the new one.
            result = value[0] if signature.builtin.mutates else value
            results = result if isinstance(signature.result, Tuple) else (result,)
            texts = not_held(signature, arguments, results)
            if texts is None:
                self.found.unasked.append(signature.name)
            elif texts:
                breach = Breach(signature, arguments, texts[0], known(signature, arguments, results))
                self.found.breaches.append(breach)
            return value

        return call


def names_of(promise: Promise, count: int) -> list[str]:
    """A name for each of so many arguments; those that a star stands for are numbered."""
    names: list[str] = []
    for name in promise.arguments:
        names += [f"{name[1:]}{at}" for at in range(count - len(names))] if name.startswith("*") else [name]
    return names


def not_held(signature: Signature, arguments: Sequence[Value], results: Sequence[Value]) -> list[str] | None:
    """The expressions of a promise that a call does not hold; None where nothing is promised for its arguments."""
    promise = PROMISES[signature.name]
    scope = _scope(promise, signature, arguments, results)
    return [text for text in promise.holds if not _true(text, scope)] if _true(promise.given, scope) else None


def broken(signature: Signature, arguments: Sequence[Value], results: Sequence[Value]) -> str | None:
    """The first expression of a promise that a call does not hold; None where it holds all, or none was made."""
    return next(iter(not_held(signature, arguments, results) or ()), None)


def known(signature: Signature, arguments: Sequence[Value], results: Sequence[Value]) -> str | None:
    """The known bug that a call which breaks a promise meets, or None where it is not known."""
    promise = PROMISES[signature.name]
    scope = _scope(promise, signature, arguments, results)
    return next((bug for bug, text in promise.broken.items() if _true(text, scope)), None)


def epsilon(signature: Signature) -> float:
    """``eps`` of a call: the distance from 1 to the next number of the type that the builtin computes in."""
    parts = (*signature.params, *parts_of(signature))
    floats = [scalar for scalar in map(component_type, parts) if scalar.is_float]
    return float(np.finfo(floats[0].name if floats else FLOAT32.name).eps)


def parts_of(signature: Signature) -> tuple[Type, ...]:
    """The types of the results of a call."""
    return signature.result.elements if isinstance(signature.result, Tuple) else (signature.result,)


def _scope(
    promise: Promise, signature: Signature, arguments: Sequence[Value], results: Sequence[Value]
) -> dict[str, Any]:
    """What the expressions may name.  Numbers are float64, so that they do not round once more."""
    values = [np.asarray(value, dtype=np.float64)[()] for value in (*arguments, *results)]
    given, made = values[: len(arguments)], values[len(arguments) :]
    scope: dict[str, Any] = {"np": np, **TERMS, "eps": epsilon(signature)}
    scope["tolerance"] = eval(_compiled(promise.within), scope)
    for at, name in enumerate(promise.arguments):
        scope[name.removeprefix("*")] = tuple(given[at:]) if name.startswith("*") else given[at]
    return scope | dict(zip(promise.results, made, strict=True))


def _true(text: str, scope: dict[str, Any]) -> bool:
    with np.errstate(all="ignore"):
        return bool(eval(_compiled(text), scope))


@cache
def _compiled(text: str) -> CodeType:
    return compile(text, "<promise>", "eval")
