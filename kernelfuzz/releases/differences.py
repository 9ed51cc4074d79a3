"""Differences between two releases in what they do with one kernel, weighed by the reference.

The reference is that of each release: where the documentation of Warp differs, so does what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kernelfuzz.ir.launch import Input
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.gradient import first_difference
from kernelfuzz.oracles.verdict import Mismatch
from kernelfuzz.releases.tasks import Observation, Result

Weight: TypeAlias = Literal["regression", "improvement", "change"]
Subject: TypeAlias = Literal["acceptance", "values", "gradients"]

WEIGHTS: tuple[Weight, ...] = ("regression", "improvement", "change")

Values: TypeAlias = Mapping[str, Input]

# The first place where two sets of values differ, and whether that is no more than rounding.
Differing: TypeAlias = Callable[[Values, Values], "tuple[Mismatch, bool] | None"]


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` is the same for differences of one sort; ``detail`` is the place in the kernel ``label``.

    ``where`` are devices and targets.
    """

    subject: Subject
    weight: Weight
    label: str
    where: tuple[str, ...]
    what: str
    detail: str = ""


# By what the references say of the old and of the new.
_BY_REFERENCE: dict[tuple[str, str], tuple[Weight, str]] = {
    ("passed", "failed"): ("regression", "only the old agrees with the reference"),
    ("failed", "passed"): ("improvement", "only the new agrees with the reference"),
    ("passed", "passed"): ("change", "each agrees with the reference for its release"),
    ("failed", "failed"): ("change", "neither agrees with the reference"),
}


def differences(old: Observation, new: Observation) -> list[Difference]:
    """Where the two differ, generated code aside."""
    found = [_acceptance(old, new)]
    if old.case == new.case:
        found += _results("values", old.label, old.outputs, new.outputs, _differing_values)
    if old.point == new.point:
        found += _results("gradients", old.label, old.gradients, new.gradients, _differing_gradients)
    return [each for each in found if each is not None]


def problems(seen: Observation) -> dict[str, str]:
    """Why a kernel was not taken, by the step that refused it, in the order of the steps."""
    found: dict[str, str] = {}
    if seen.ended:
        found["process"] = f"the process {seen.ended}"
    found |= {f"lowering for {device}": reason for device, reason in seen.failures.items()}
    for kind, results in (("kernel", seen.outputs), ("adjoint", seen.gradients)):
        for target, result in results.items():
            if result.status == "rejected":
                found[f"{kind} for {target}"] = result.reason
    return found


def _acceptance(old: Observation, new: Observation) -> Difference | None:
    before, after = problems(old), problems(new)
    if before == after or (before and after and _same_reason(before, after)):
        return None
    if not before:
        return Difference("acceptance", "regression", old.label, tuple(after), _first(after))
    if not after:
        return Difference("acceptance", "improvement", old.label, tuple(before), _first(before))
    what = f"refused in another way: {_first(before)}; now {_first(after)}"
    return Difference("acceptance", "change", old.label, tuple(dict.fromkeys((*before, *after))), what)


def _same_reason(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return _first(before) == _first(after) and list(before) == list(after)


def _first(found: Mapping[str, str]) -> str:
    return next(iter(found.values()))


def _results(
    subject: Subject,
    label: str,
    old: Mapping[str, Result],
    new: Mapping[str, Result],
    differing: Differing,
) -> Iterator[Difference]:
    """A difference for each weight; targets that differ alike are one."""
    merged: dict[tuple[Weight, str], tuple[list[str], str]] = {}
    for target in old.keys() & new.keys():
        before, after = old[target], new[target]
        if before.values is None or after.values is None:
            continue
        found = differing(before.values, after.values)
        if found is None:
            continue
        at, rounding = found
        if rounding:
            sort: tuple[Weight, str] = "change", "only rounding differs"
        else:
            sort = _BY_REFERENCE.get((before.status, after.status)) or _unjudged(before, after)
        detail = f"{at.output}{list(at.index)}: {at.expected!r}, now {at.actual!r}"
        merged.setdefault(sort, ([], detail))[0].append(target)
    for (weight, what), (targets, detail) in merged.items():
        yield Difference(subject, weight, label, tuple(sorted(targets)), what, detail)


def _unjudged(before: Result, after: Result) -> tuple[Weight, str]:
    reason = before.reason if before.status == "skipped" else after.reason
    return "change", f"cannot be judged ({reason})"


def _differing_values(old: Values, new: Values) -> tuple[Mismatch, bool] | None:
    mismatch = first_mismatch(old, new)
    return None if mismatch is None else (mismatch, False)


def _differing_gradients(old: Values, new: Values) -> tuple[Mismatch, bool] | None:
    mismatch = first_mismatch(old, new)
    if mismatch is None:
        return None
    larger = first_difference(old, new, {})
    return (larger or mismatch), larger is None
