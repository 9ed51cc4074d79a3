"""The columns of the table of builtins (``kernelfuzz.typecheck.builtin_rows``): what a row says, and who reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

# A closed form: its place as "module.function" of ``kernelfuzz.reference.closed_forms`` (or Python's ``operator``),
# or the function itself.  "each module.function" applies it to every component of composites of one shape; "typed
# module.function" passes the ``Signature`` before the arguments.
FormName: TypeAlias = "str | Callable[..., Any]"


@dataclass(frozen=True, slots=True)
class Closed:
    """Why the reference evaluates a builtin by its exact closed form instead of calling Warp from Python scope.

    ``of_builtins``: the form is exact with Warp's own sines, arc tangents and the like in it.
    """

    reason: str
    only_integers: bool = False
    of_builtins: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Builtin:
    """One family of signatures of one builtin.  Rows are compared and hashed by identity.

    ``signature``, ``keywords``, ``where``: the types, in the language of ``kernelfuzz.typecheck.patterns``; ``where``
    says what the variables stand for.
    ``group``: the subject; the grammar maps it to a feature.
    ``word``: what the builtin computes, in words that follow "computes"; "" for what nobody would mention, None where
    another row of the same name has it.  ``verb``, of atomics: the words between "atomically" and an array's name.
    ``domains``: for each written parameter a name of ``kernelfuzz.typecheck.domains.DOMAINS``; empty: any value.
    ``range``: the range of a result over int32 or int64, a name of a rule of the grammar's; such rows must have one.
    ``ulp``: the bound on the error of CUDA's result in units in the last place, 0 for the same bits: from "CUDA C++
    Programming Guide: Mathematical Functions", the larger of the single and the double precision entry.  None for
    compositions of such functions, for which no bound is stated.
    ``cpu_ulp``: the error of the CPU's float64 result, where it is more than the few units of most functions.
    ``differentiable``: False where Warp documents no gradient.
    ``since``: the first Warp release that has the builtin, where that is later than the oldest supported one.
    ``mutates``: the positions of the arguments that a call changes.
    ``draws``: how many numbers it takes from the random state that it changes; None where that depends on the result.
    ``form``: the closed form (see ``FormName``), None where there is none: then ``without`` is the reason.
    ``exact``: evaluated in the builtin's own precision, the closed form gives Warp's bits on the CPU, because it does
    the same correctly rounded operations in the same order (tests/reference/test_builtins.py tries it).
    ``source``: where the definition comes from; "Built-ins" is Warp's language reference.
    ``closed``: why the reference uses the closed form and does not call Warp; None where it calls Warp.
    ``python_name``: the function of Python scope with the same implementation, where it has another name.
    """

    name: str
    signature: str
    group: str
    word: str | None = None
    verb: str = ""
    keywords: str = ""
    domains: tuple[str, ...] = ()
    range: str = ""
    ulp: int | None = 0
    cpu_ulp: int = 0
    differentiable: bool = True
    since: str = ""
    mutates: tuple[int, ...] = ()
    draws: int | None = 0
    form: FormName | None = None
    exact: bool = False
    without: str = ""
    source: str = ""
    closed: Closed | None = None
    python_name: str = ""
    where: tuple[tuple[str, str], ...] = ()


def row(
    name: str,
    signature: str,
    group: str,
    word: str | None = None,
    *,
    domains: str = "",
    exact: FormName | None = None,
    says: str = "",
    **columns: Any,
) -> Builtin:
    """Build a ``Builtin`` from the short notation of ``builtin_rows``.

    ``domains`` is separated by spaces; ``exact`` gives a ``form`` that is exact; ``says`` is what Built-ins says of the
    builtin, as a short form of ``source``.  The other arguments are columns, and, by one letter, the variables of the
    signature.
    """
    variables = tuple((key, columns.pop(key)) for key in list(columns) if len(key) == 1)
    if exact is not None:
        columns.update(form=exact, exact=True)
    columns.setdefault("source", f"Built-ins, {name}: {says}" if says else f"Built-ins, {name}")
    return Builtin(name, signature, group, word, domains=tuple(domains.split()), where=variables, **columns)
