"""Judging other cases in the way in which one was judged: what reduction asks, over and over."""

from __future__ import annotations

from collections.abc import Sequence

from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles import compile, determinism, gradient, tolerance, value
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.toolchain import compat


def judge_again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    """Ask of every case the one question that ``like`` answers, in the same setting.

    The cases are of the kind that was judged then: a transformed kernel is judged as it is, and a gradient
    over float64 at the given launch.
    """
    compat.initialize()
    match like.oracle:
        case "compile" if like.setting in (compile.PTX, compile.CLANG):
            return compile.judge([case.kernel for case in cases], like.setting)
        case "compile":
            return [_built(case, like.setting) for case in cases]
        case "gradient":
            return _gradients(cases, like.setting)
        case "determinism":
            return determinism.judge([case.kernel for case in cases])
        case "value" | "metamorphic":
            return value.judge(cases, value.expected(cases), like.setting, like.oracle)
        case _:
            raise ValueError(f"no oracle {like.oracle!r}")


def explain(case: Case, verdict: Verdict) -> Evidence:
    """What shows that a failed verdict on a case is right: what the reference computes for it."""
    compat.initialize()
    match verdict.oracle:
        case "value" | "metamorphic":
            (wanted,) = value.expected([case])
            assert not isinstance(wanted, Undefined), "an undefined case is not judged"
            if verdict.setting.target == "cuda" and (bound := _let_pass(case, wanted, verdict)) is not None:
                # Other outputs may be off by more, or by anything: only the one that is wrong shows it.
                return Evidence(case, tolerance=bound, message=verdict.reason)
            return Evidence(case, wanted, message=verdict.reason)
        case "gradient":
            point = gradient.prepare_at(case)
            assert isinstance(point, gradient.Point), "a case that is skipped is not judged"
            return Evidence(case, point.expected, point.seeds, tolerance=gradient.RELATIVE, message=verdict.reason)
        case _:
            return Evidence(case, message=verdict.reason)


def _let_pass(case: Case, wanted: value.Outputs, verdict: Verdict) -> float | None:
    """The relative error that is let pass where an output of a device is wrong; None: none anywhere."""
    allowed = tolerance.tolerances(case, wanted)
    if allowed is None or verdict.mismatch is None or all(each.exact.all() for each in allowed.values()):
        return None
    return tolerance.relative(verdict.mismatch, allowed)


def _built(case: Case, setting: BuildSetting) -> Verdict:
    # One by one: most candidates of a kernel that is not built are not built either, and would be bisected.
    (verdict,) = value.judge([case], value.expected([case]), setting)
    if verdict.oracle == "compile":
        return verdict
    return Verdict("compile", "passed", "", "", setting)


def _gradients(cases: Sequence[Case], setting: BuildSetting) -> list[Verdict]:
    points = [gradient.prepare_at(case) for case in cases]
    ready = [point for point in points if isinstance(point, gradient.Point)]
    judged = iter(gradient.judge(ready, setting))
    return [point if isinstance(point, Verdict) else next(judged) for point in points]
