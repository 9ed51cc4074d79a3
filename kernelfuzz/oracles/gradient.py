"""The gradient oracle: the adjoint that Warp generates gives the derivative of what the kernel computes.

The kernel is judged as written, or, where that tells nothing, in a form without what Warp documents as not
differentiable (``differentiable``), at a point without corners, against forward-mode dual numbers in the reference
over float64; where the two differ, central differences of the reference decide whether the point is one at which a
derivative can be judged at all.

A kernel over narrower floats is judged over these, with what their rounding may move (``rounding_error``); where
that is too much to tell anything, or where a derivative is off, it is judged over float64 (``widen``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kernelfuzz.analysis.effects import written_arrays
from kernelfuzz.analysis.unrolling import MAX_UNROLL
from kernelfuzz.analysis.widen import widen_around_float32, widen_with_stand_ins, widened, widened_inputs
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input, arrays_of, flattened, leaves
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.types import holds_array
from kernelfuzz.oracles import batch
from kernelfuzz.oracles.chunk import HOSTS, CaseRecord, Chunk
from kernelfuzz.oracles.compare import first_at
from kernelfuzz.oracles.differentiable import differentiable, read_from_copies
from kernelfuzz.oracles.gradient_precision import PRECISIONS, Precision, narrowest_float
from kernelfuzz.oracles.option_sets import OptionSet, may_unroll_less, option_sets_of_gradients
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import GRADIENT
from kernelfuzz.oracles.under_way import asking
from kernelfuzz.oracles.verdict import BuildSetting, Mismatch, Verdict
from kernelfuzz.reference import NotDifferentiable, NotSmooth, Undefined
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.derivative import central_difference, documented_gradient, gradient, on_the_way
from kernelfuzz.reference.deviations import DEVIATIONS, applicable, explanation
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.execution import execute
from kernelfuzz.reference.limitations import array_overwrites
from kernelfuzz.reference.rounded_derivative import rounding_error
from kernelfuzz.reference.undefined import Stopped
from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.launch_inputs import POSITIVE, SMOOTH, draw_launch
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.capture import captured_output
from kernelfuzz.toolchain.programs import Program
from kernelfuzz.typecheck.builtins import at_least

# What rounding may move is judged only where it is a small part of the derivative.
SMALL_PART = 0.05

NO_OUTPUT = "no output over floats"
NO_FLOAT64_FORM = "a builtin has no float64 form"
# A known bug, which would cost a worker each time.
ENDLESS = "known: the backward pass of a while loop that is left by return does not end (leaving-a-dynamic-loop)"
# What that computes depends on what the adjoint happens to have of the values that the loop carries, or is no number.
STRAY = "known: the backward pass goes through what a loop was left before (leaving-a-dynamic-loop)"
# The launches that are tried until one tells anything; where nothing stands in the way, one more hardly helps.
STYLES = (SMOOTH, SMOOTH, POSITIVE)
# Of how many kernels of a chunk other options are asked: their adjoints are built once more.
_UNDER_OPTIONS = 16
# On a device every thread of a block adds to the gradient of what all of them read, as often as there are
# threads; on the CPU a block has one.
BLOCK_OF_A_TILE = "not judged: every thread of a block adds to the gradients"


@dataclass(frozen=True, slots=True)
class Point:
    """A case at a smooth point, the gradients of its outputs, and the derivatives to find.

    ``over_float64`` is what the reference differentiates: the case, with float64 for each float.  ``rounding`` is how
    far rounding may move each derivative, by ``flattened`` name; empty where the case itself is over float64.
    ``lossy``: outputs have no gradient there because Warp documents that the adjoint has lost what it needs.
    ``spoilt``: it needs something that is lost, if only for what no output depends on.
    ``left``: a dynamic ``for`` is left before its end, ``carried``: one that carries floats.
    """

    case: Case
    over_float64: Case
    seeds: Mapping[str, Input]
    expected: Mapping[str, Input]
    rounding: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lossy: bool = False
    spoilt: bool = False
    left: bool = False
    carried: bool = False
    as_written: bool = True

    @property
    def precision(self) -> Precision:
        """How far the derivatives may be off, beside the ``rounding``."""
        return PRECISIONS[narrowest_float(self.case.kernel)]

    @property
    def tells(self) -> bool:
        """Whether a backward pass that does nothing would fail."""
        start, expected = flattened(self.seeds), flattened(self.expected)
        return any(not np.array_equal(wanted, start.get(path, 0.0 * wanted)) for path, wanted in expected.items())

    def widened(self) -> Point:
        """The same point, judged over float64."""
        return replace(self, case=self.over_float64, seeds=widened_inputs(self.seeds), rounding={})


def ask(chunk: Chunk) -> None:
    """Judge the adjoints of the sound cases on one target (of few cases: on each)."""
    ready: list[tuple[CaseRecord, Point]] = []
    for record in chunk.sound:
        case = record.case
        point = prepare_at(case) if chunk.launch_given else prepare(case.kernel, record.choices)
        if isinstance(point, Verdict):
            record.note(point)
        else:
            record.as_written, record.tells, record.narrow = point.as_written, point.tells, bool(point.rounding)
            ready.append((record, point))
    # The other host would build them all once more.
    able = [each for each in chunk.targets if each not in HOSTS or each == chunk.targets[0]]
    targets = chunk.targets if chunk.everything else (chunk.choices.pick(able),)
    for target in targets:
        ready = [(record, point) for record, point in ready if record.sound]
        setting = chunk.setting(target)
        settings = [record.launching.of(setting) for record, _ in ready]
        answers = settled([point for _, point in ready], setting, evaluate=chunk.evaluate, settings=settings)
        for (record, _), (point, verdict) in zip(ready, answers, strict=True):
            record.note(verdict, point.case)
    _, options = GRADIENT.samples
    if chunk.sampled(options):
        passed = [(record, point) for record, point in ready if record.verdicts[-1].status == "passed"]
        row = chunk.choices.pick(option_sets_of_gradients(targets[0]))
        some = [each for each in passed if may_unroll_less(row, each[1].case.kernel)][:_UNDER_OPTIONS]
        points, plain = [point for _, point in some], chunk.setting(targets[0])
        answers_under = judge_options(points, row, plain, chunk.evaluate)
        for (record, _), (case, verdict) in zip(some, answers_under, strict=True):
            record.note(verdict, case)


def judge_options(
    points: Sequence[Point], row: OptionSet, setting: BuildSetting, evaluate: batch.Evaluate = batch.evaluate
) -> list[tuple[Case, Verdict]]:
    """Judge the points with the options of the row: the derivatives are those that there are without them.

    What is lost depends on which loops are unrolled.  Returns the case that each verdict is about.
    """
    changed = row.setting(setting)
    ready = [_under(row, point, changed.unroll) for point in points]
    with captured_output():  # verify_fp tells about every NaN
        judged = iter(judge([point for point in ready if isinstance(point, Point)], changed, evaluate=evaluate))
    return [
        (before.case, replace(point, setting=changed)) if isinstance(point, Verdict) else (point.case, next(judged))
        for before, point in zip(points, ready, strict=True)
    ]


def _under(row: OptionSet, point: Point, unroll: int) -> Point | Verdict:
    """The point of the kernel as the row has it written, where Warp unrolls loops of up to ``unroll`` iterations."""
    kernel = row.written(point.case.kernel)
    if kernel != point.case.kernel:
        return prepare_at(replace(point.case, kernel=kernel), unroll)
    return point if unroll == MAX_UNROLL else prepare_at(point.case, unroll, over_float64=point.over_float64.kernel)


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    points = [prepare_at(case, like.setting.unroll) for case in cases]
    judged = iter(judge([point for point in points if isinstance(point, Point)], like.setting))
    return [point if isinstance(point, Verdict) else next(judged) for point in points]


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the derivatives that the reference computes, and the gradients that they start from."""
    point = prepare_at(case, verdict.setting.unroll)
    assert isinstance(point, Point), "a case that is skipped is not judged"
    return Evidence(case, point.expected, point.seeds, tolerance=point.precision.relative, message=verdict.reason)


def prepare(kernel: Kernel, choices: Choices) -> Point | Verdict:
    """The point at which a kernel's adjoint is judged, or the verdict that skips it.

    As written, where what Warp documents of its adjoint tells anything; else in the differentiable form.
    """
    found = _tried(kernel, choices)
    if isinstance(found, Point) and (found.tells or not found.lossy):
        return found
    other = _another_form(kernel, choices)
    better = isinstance(other, Point) and (other.tells or not isinstance(found, Point))
    return other if better else found


def _another_form(kernel: Kernel, choices: Choices) -> Point | Verdict:
    """The same for the kernel with what is documented to be lost written otherwise."""
    widened = widen_with_stand_ins(kernel)
    if widened is None:
        return GRADIENT.skipped(NO_FLOAT64_FORM)
    judged = differentiable(widened)
    launch = draw_launch(choices, judged, SMOOTH)
    try:
        overwritten = array_overwrites(judged, launch)
    except Undefined as undefined:
        return GRADIENT.skipped(f"undefined: {undefined.reason}")
    if overwritten:
        judged = read_from_copies(judged, overwritten)
    found = _tried(judged, choices)
    return replace(found, as_written=False) if isinstance(found, Point) else found


def _tried(kernel: Kernel, choices: Choices) -> Point | Verdict:
    """The kernel at the first launch of a few at which its gradient tells anything, or else at any."""
    over_float64 = widen_around_float32(kernel)
    if over_float64 is None:
        return GRADIENT.skipped(NO_FLOAT64_FORM)
    found: Point | Verdict = GRADIENT.skipped(NO_OUTPUT)
    for style in STYLES:
        case = Case(kernel, draw_launch(choices, kernel, style))
        if not seeds_of(case):
            break
        point = prepare_at(case, over_float64=over_float64)
        if isinstance(point, Point) and (point.tells or (isinstance(found, Point) and not point.lossy)):
            return point
        if not isinstance(found, Point):
            found = point
    return found


def prepare_at(case: Case, unroll: int = MAX_UNROLL, *, over_float64: Kernel | None = None) -> Point | Verdict:
    """The point of a kernel as written, at a given launch, or the verdict that skips it.

    Warp unrolls loops of up to ``unroll`` iterations.
    ``over_float64`` is what ``widen_around_float32`` makes of the kernel, where the caller has it.
    """
    wide = widened(case, over_float64)
    if wide is None:
        return GRADIENT.skipped(NO_FLOAT64_FORM)
    seeds = seeds_of(case)
    if not seeds:
        return GRADIENT.skipped(NO_OUTPUT)
    try:
        found = documented_gradient(wide.kernel, wide.launch, seeds, unroll=unroll)
    except Undefined as undefined:
        return GRADIENT.skipped(f"undefined: {undefined.reason}")
    except NotSmooth as corner:
        return GRADIENT.skipped(f"not smooth: {corner.reason}")
    except NotDifferentiable as other:
        return GRADIENT.skipped(f"documented: {other.reason}")
    if found.endless:
        return GRADIENT.skipped(ENDLESS)
    if found.lossy and not _largest_of(found.seeds):
        return GRADIENT.skipped(found.reasons[0])
    judged = {name: value for name, value in found.expected.items() if name in judged_arrays(case.kernel)}
    if not any(array.size for _, array in leaves(judged)):
        return GRADIENT.skipped("no input over floats")
    if not all(np.isfinite(array).all() for _, array in leaves(judged)):
        return GRADIENT.skipped("not finite")
    point = Point(
        case, wide, found.seeds, judged, lossy=found.lossy, spoilt=found.spoilt, left=found.left, carried=found.carried
    )
    return point if wide.kernel == case.kernel else _in_its_own_floats(point)


def _in_its_own_floats(point: Point) -> Point:
    """The point with what rounding may move; over float64 where that leaves too little to tell."""
    wide, scalar = point.over_float64, narrowest_float(point.case.kernel)
    rounding = rounding_error(wide.kernel, wide.launch, point.seeds, point.expected, scalar)
    if rounding is None:
        return point.widened()
    for path, wanted in flattened(point.expected).items():
        if np.abs(rounding[path]).max(initial=0.0) > SMALL_PART * np.abs(wanted).max(initial=0.0):
            return point.widened()
    return replace(point, rounding=rounding)


def judged_arrays(kernel: Kernel) -> frozenset[str]:
    """The arrays whose gradients are judged.

    A tape has no gradient of an argument that is no array.  Of an array that is written, "Warp correctly
    propagates gradients only through the final write by zeroing the output gradient after reading it" (Array
    Overwrites): it holds the derivative by what was in it before the launch.  Before 1.14 it held what
    was written last.
    """
    arrays = frozenset([param.name for param in kernel.params if holds_array(param.type)])
    return arrays if at_least(1, 14) else arrays - written_arrays(kernel)


def seeds_of(case: Case) -> dict[str, Input]:
    """A gradient for every float of every array that the kernel writes: 1, 2, 3, ..., no two alike."""
    written = written_arrays(case.kernel)
    seeds: dict[str, Input] = {}
    for param in case.kernel.params:
        if holds_array(param.type) and param.name in written:
            counted = _counted(arrays_of(param.type, case.launch.inputs[param.name]))
            if counted is not None:
                seeds[param.name] = counted
    return seeds


def _counted(value: Input) -> Input | None:
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "f":
            return None
        return np.arange(1, value.size + 1, dtype=value.dtype).reshape(value.shape)
    fields = {name: _counted(inner) for name, inner in value.items()}
    return {name: inner for name, inner in fields.items() if inner is not None} or None


def judge(
    points: Sequence[Point],
    setting: BuildSetting,
    *,
    evaluate: batch.Evaluate = batch.evaluate,
    settings: Sequence[BuildSetting] | None = None,
) -> list[Verdict]:
    """Run the adjoint of every point in one module and compare each derivative.

    ``evaluate`` has the cases built, ``settings`` how each is launched (default: as ``setting`` says).
    """
    cases = [point.case for point in points]
    each_setting = settings or [setting] * len(points)
    asking(GRADIENT, cases, each_setting[0] if cases else setting)

    def adjoint(program: Program, name: str, at: int) -> dict[str, Input]:
        launch = points[at].case.launch
        return program.adjoint(name, launch, points[at].seeds, **batch.launched(each_setting[at], launch))

    outcomes = evaluate(cases, setting, adjoint, backward=True)
    return [
        batch.without_result(outcome, each, GRADIENT)
        if isinstance(outcome, Failure)
        else _verdict(point, outcome, each)
        for point, outcome, each in zip(points, outcomes, each_setting, strict=True)
    ]


def settled(
    points: Sequence[Point],
    setting: BuildSetting,
    *,
    evaluate: batch.Evaluate = batch.evaluate,
    settings: Sequence[BuildSetting] | None = None,
) -> list[tuple[Point, Verdict]]:
    """``judge``, with the point that each verdict is about.

    Where a derivative over narrower floats is wrong, that over float64 has the first word: it is exact, and what is
    known of bugs is told by it.
    """
    answers = list(zip(points, judge(points, setting, evaluate=evaluate, settings=settings), strict=True))
    doubtful = [
        at for at, (point, verdict) in enumerate(answers) if point.rounding and verdict.kind == "wrong gradient"
    ]
    wide = [points[at].widened() for at in doubtful]
    second = judge(wide, setting, evaluate=evaluate, settings=settings and [settings[at] for at in doubtful])
    for at, point, verdict in zip(doubtful, wide, second, strict=True):
        if verdict.status != "passed":
            answers[at] = point, verdict
    return answers


def _verdict(point: Point, actual: Mapping[str, Input], setting: BuildSetting) -> Verdict:
    mismatch = _first_wrong(point, actual, point.expected)
    if mismatch is None:
        return GRADIENT.passed(setting)
    if point.spoilt and not np.isfinite(mismatch.actual):
        # Nothing of what is lost is asked for, but zero times a value that is not finite is no number.
        return GRADIENT.skipped("not judged: what is lost is not finite", setting)
    if setting.target == "cuda" and point.case.launch.tiled:
        return GRADIENT.skipped(BLOCK_OF_A_TILE, setting)
    kernel, launch = point.over_float64.kernel, point.over_float64.launch
    scale = on_the_way(kernel, launch)
    if not scale.finite and not np.isfinite(mismatch.actual):
        # It may be needed by nothing; but an adjoint multiplies it by zero, which is no number.
        return GRADIENT.skipped("not judged: a derivative on the way is not finite", setting)
    if abs(mismatch.actual - mismatch.expected) <= point.precision.cancelled * scale.largest * _largest_of(point.seeds):
        return GRADIENT.skipped("not judged: derivatives that cancel", setting)
    path = tuple(mismatch.output.split("."))
    place = _flat(point.expected, mismatch)
    opinion = central_difference(kernel, launch, point.seeds, path, place)
    if not abs(opinion.value - mismatch.expected) <= opinion.error:
        return GRADIENT.skipped("not smooth: central differences disagree", setting)
    if abs(opinion.value - mismatch.actual) <= opinion.error:
        return GRADIENT.skipped("not judged: too close for central differences", setting)
    if point.rounding and not _computes_alike(point):
        return GRADIENT.skipped("not judged: rounding changes what the kernel computes", setting)
    bugs = predicted(point, actual, setting.unroll)
    if not bugs and point.left and _goes_astray(point, setting.unroll):
        return GRADIENT.skipped(STRAY, setting)
    return GRADIENT.failed(setting, mismatch=mismatch, bugs=bugs)


def _goes_astray(point: Point, unroll: int) -> bool:
    """Whether it is open what the adjoint of what never ran does to the gradient, which is not nothing.

    Where that has no derivative, or carries values that are lost.
    """
    kernel, launch = point.over_float64.kernel, point.over_float64.launch
    row = DEVIATIONS["leaving-a-dynamic-loop"]
    try:
        found = gradient(kernel, launch, point.seeds, [row], strict=False, unroll=unroll, by=point.expected)
    except Stopped:
        return True
    return point.carried and _first_wrong(point, found, point.expected) is not None


def _computes_alike(point: Point) -> bool:
    """Whether the outputs of the case are those over float64, but for rounding: it took the same branches."""
    close = point.precision.relative
    cases = (point.case, point.over_float64)
    try:
        outputs, wide = (flattened(execute(each.kernel, each.launch, Exact(), rounded=True)) for each in cases)
    except Undefined:
        return False
    return all(
        np.allclose(value, wide[path], rtol=close, atol=close * float(np.abs(wide[path]).max(initial=0.0)))
        if value.dtype.kind == "f"
        else np.array_equal(value, wide[path])
        for path, value in outputs.items()
    )


def predicted(point: Point, actual: Mapping[str, Input], unroll: int = MAX_UNROLL) -> tuple[str, ...]:
    """The known bugs with which the reference gives these gradients, but for rounding; empty where none do.

    Warp unrolls loops of up to ``unroll`` iterations.
    """
    kernel, launch = point.over_float64.kernel, point.over_float64.launch
    # What ``_verdict`` does not judge by itself, beside another derivative that is wrong.
    excused = point.spoilt or not on_the_way(kernel, launch).finite

    def agrees(deviations: Sequence[Deviation]) -> bool:
        found = gradient(kernel, launch, point.seeds, deviations, strict=False, unroll=unroll, by=point.expected)
        return _first_wrong(point, _finite_or(found, actual) if excused else actual, found) is None

    return explanation(applicable(of_gradients=True), agrees)


def _finite_or(others: Mapping[str, Input], values: Mapping[str, Input]) -> dict[str, Input]:
    """The values, with the others where they are not finite, by ``flattened`` name."""
    instead = flattened(others)
    return {
        path: np.where(np.isfinite(value), value, instead[path]) if path in instead else value
        for path, value in flattened(values).items()
    }


def _flat(expected: Mapping[str, Input], mismatch: Mismatch) -> int:
    """The number of the place among all of its array, in row-major order."""
    return int(np.ravel_multi_index(mismatch.index, flattened(expected)[mismatch.output].shape))


def _largest_of(inputs: Mapping[str, Input]) -> float:
    return max((float(np.abs(each).max(initial=0.0)) for _, each in leaves(inputs)), default=0.0)


def _first_wrong(point: Point, actual: Mapping[str, Input], expected: Mapping[str, Input]) -> Mismatch | None:
    return first_difference(expected, actual, point.seeds, point.precision, point.rounding)


def first_difference(
    expected: Mapping[str, Input],
    actual: Mapping[str, Input],
    seeds: Mapping[str, Input],
    precision: Precision = PRECISIONS[t.FLOAT64],
    rounding: Mapping[str, Any] | None = None,
) -> Mismatch | None:
    """The first derivative that is off by more than rounding; ``seeds`` are the gradients of the outputs.

    ``rounding`` is what is allowed beside the ``precision``, by ``flattened`` name.
    """
    found = flattened(actual)
    largest = max(_largest_of(expected), _largest_of(seeds))
    for path, wanted in flattened(expected).items():
        got = found[path]
        allowed = precision.relative * np.maximum(np.abs(wanted), np.abs(got)) + precision.absolute * largest
        if rounding:
            allowed = allowed + rounding[path]
        if (mismatch := first_at(path, np.abs(wanted - got) <= allowed, wanted, got)) is not None:
            return mismatch
    return None
