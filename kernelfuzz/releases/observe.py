"""What the Warp of this process does with kernels: lowered, built, run, differentiated and judged.

For the worker of a release only: nothing here protects the process from a kernel that crashes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np

from kernelfuzz.devices import HOST_TARGET, BuildTarget, Device, Target
from kernelfuzz.findings.signature import compiler_error, exception_text
from kernelfuzz.ir.codec import decode_launch, encode
from kernelfuzz.ir.launch import Case, Input, Launch, given_or_not
from kernelfuzz.oracles import batch, gradient, value
from kernelfuzz.oracles.request import draw_case
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.releases.tasks import Task, code_text, task
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.strategies.options import check_options
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, KernelCode, Lowering, build, lower, lower_devices
from kernelfuzz.toolchain.programs import JUDGED, loaded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A task as text and, where it can be launched, as a case; ``skipped`` tells why it cannot."""

    source: str
    case: Case | None
    skipped: str = ""


def observe(tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return an observation (for ``tasks.observation``) for each task (of ``Task.to_json``), as JSON."""
    asked = [task(entry) for entry in tasks]
    prepared = [_prepare(each) for each in asked]
    found = [_lowered(each, made) for each, made in zip(asked, prepared, strict=True)]
    ready = [
        (each.case, about)
        for each, about in zip(prepared, found, strict=True)
        if each.case is not None and not about["failures"]
    ]
    _run([case for case, _ in ready], [about for _, about in ready])
    _differentiate([case for case, _ in ready], [about for _, about in ready])
    return found


def seconds(sources: Sequence[str]) -> list[float]:
    """What Warp itself takes for each source, in seconds, for both devices; 0.0 where it does not take it."""
    return [
        sum(each.warp_seconds for each in lower_devices(source).values() if isinstance(each, Lowering))
        for source in sources
    ]


def _prepare(task: Task) -> _Prepared:
    if task.source is None:
        assert task.seed is not None
        assert task.index is not None
        case = draw_case(check_options(**task.options), task.seed, task.index)
        return _Prepared(render(case.kernel), case)
    try:
        kernel = parse(task.source)
    except ParseError as error:
        return _Prepared(task.source, None, f"kernelfuzz cannot read it: {error}")
    if task.launch is not None:
        return _Prepared(task.source, Case(kernel, task.launch))
    # The contract of the kernel is not in its text: inputs that break it are undefined for the reference.
    try:
        launch = draw_launch(SeededChoices(GRAMMAR_VERSION, _digest(task.source), "launch"), kernel)
    except ValueError as error:
        return _Prepared(task.source, None, str(error))
    return _Prepared(task.source, Case(kernel, launch))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def case_digest(case: Case) -> str:
    """The same for two cases exactly when they have the same text, grid and inputs."""
    launch = case.launch
    digest = blake2b(f"{render(case.kernel)}\n{launch.dim} {launch.tiled}\n".encode(), digest_size=16)
    for path, array in given_or_not(dict(sorted(launch.inputs.items()))):
        kind = "None" if array is None else f"{array.dtype.name} {array.shape}"
        digest.update(f"{'.'.join(path)} {kind}\n".encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _lowered(task: Task, prepared: _Prepared) -> dict[str, Any]:
    lowered = lower_devices(prepared.source)
    return {
        "label": task.label,
        "source": prepared.source,
        "case": "" if prepared.case is None else case_digest(prepared.case),
        "point": "",
        "code": {
            device: "\n".join(map(_code, result.kernels))
            for device, result in lowered.items()
            if isinstance(result, Lowering)
        },
        "failures": {
            device: message_of(result, prepared.case)
            for device, result in lowered.items()
            if isinstance(result, Failure)
        },
        "outputs": {},
        "gradients": {},
        "skipped": prepared.skipped,
        "ended": "",
    }


def _code(code: KernelCode) -> str:
    return code_text((*code.structs, *code.functions, code.forward, code.backward))


def message_of(failure: Failure, case: Case | None) -> str:
    """Return the message of Warp or a compiler, without what two releases may word differently."""
    if failure.kind == "outside":
        return failure.message
    if case is None:
        return str(failure)
    words = compiler_error if failure.kind == "compile" else exception_text
    return f"{failure.kind}: {words(str(failure), case.kernel)}"


class _Recording:
    """Builds as another does, and keeps the outcome of each case by target."""

    def __init__(self, build: batch.Evaluate) -> None:
        self._build = build
        self.outcomes: dict[str, Sequence[Any]] = {}

    def __call__(
        self, cases: Sequence[Case], setting: BuildSetting, action: batch.Action[T], *, backward: bool = False
    ) -> list[T | Failure]:
        outcomes = self._build(cases, setting, action, backward=backward)
        self.outcomes[setting.target] = outcomes
        return outcomes


def _run(cases: Sequence[Case], found: Sequence[dict[str, Any]]) -> None:
    wanted = value.expected(cases)

    def judge(setting: BuildSetting, build: batch.Evaluate) -> Sequence[Verdict]:
        return value.judge(cases, wanted, setting, evaluate=build)

    _record("outputs", cases, found, judge)


def _differentiate(cases: Sequence[Case], found: Sequence[dict[str, Any]]) -> None:
    points: list[gradient.Point] = []
    about: list[dict[str, Any]] = []
    for case, each in zip(cases, found, strict=True):
        choices = SeededChoices(GRAMMAR_VERSION, each["case"], "gradient")
        point = gradient.prepare(case.kernel, choices)
        if isinstance(point, gradient.Point):
            point = point.widened()  # the last bits of narrower floats are another question
            points.append(point)
            about.append(each)
            each["point"] = case_digest(point.case)

    def judge(setting: BuildSetting, build: batch.Evaluate) -> Sequence[Verdict]:
        return gradient.judge(points, setting, evaluate=build)

    # An array that is written has no gradient of its own afterwards, but that of its last value.
    judged = [list(point.expected) for point in points]
    _record("gradients", [point.case for point in points], about, judge, judged)


def _record(
    kind: str,
    cases: Sequence[Case],
    found: Sequence[dict[str, Any]],
    judge: Callable[[BuildSetting, batch.Evaluate], Sequence[Verdict]],
    judged: Sequence[Sequence[str]] | None = None,
) -> None:
    """Judge the cases on every target, and put the result of each under ``kind``.

    ``judged`` names the arrays of each case that have a meaning (default: all).
    """
    settings = [BuildSetting(target, tuple(sorted(JUDGED.items()))) for target in HOST_TARGET.values()]
    with batch.Pair(settings[-1]) as pair:
        for setting in settings:
            recording = _Recording(pair)
            verdicts = judge(setting, recording)
            outcomes = recording.outcomes[setting.target]
            for at, (about, case, verdict, outcome) in enumerate(zip(found, cases, verdicts, outcomes, strict=True)):
                if judged is not None and not isinstance(outcome, Failure):
                    outcome = {name: outcome[name] for name in judged[at]}
                about[kind][setting.target] = _result(case, verdict, outcome)


def _result(case: Case, verdict: Verdict, outcome: Mapping[str, Any] | Failure | None) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {"status": "rejected", "reason": message_of(outcome, case), "values": None}
    reason = verdict.reason
    if verdict.mismatch is not None:
        at = verdict.mismatch
        reason = f"{at.output}{list(at.index)} must be {at.expected!r}, not {at.actual!r}"
    values = None if outcome is None else encode(outcome)
    # Between releases a known bug is a failure that the other may not have.
    status = "failed" if verdict.status == "known" else verdict.status
    return {"status": status, "reason": reason, "values": values}


# ---------------------------------------------------------------------- kernels that were recorded before

# What the code for each device is built to.
_BUILT: dict[Device, BuildTarget] = {"cpu": "cpu", "cuda": "ptx"}


def relower(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each row (of ``Recorded.question``) its ``code``, its ``outputs`` where it has a launch, and in
    ``problem`` why there are none."""
    answers = [_again(row) for row in rows]
    for device in HOST_TARGET:
        launched = [
            (row, answer)
            for row, answer in zip(rows, answers, strict=True)
            if row["launch"] is not None and row["device"] == device and answer["code"] is not None
        ]
        outcomes = _outputs([row for row, _ in launched], HOST_TARGET[device])
        for (_, answer), outcome in zip(launched, outcomes, strict=True):
            if isinstance(outcome, Failure):
                answer["problem"] = str(outcome)
            else:
                answer["outputs"] = encode(outcome)
    return answers


def _again(row: Mapping[str, Any]) -> dict[str, Any]:
    lowering = lower(row["source"], row["device"], backward=row["backward"])
    if isinstance(lowering, Failure):
        return {"code": None, "outputs": None, "problem": str(lowering)}
    code = lowering.module if row["module"] else "\n".join(map(_code, lowering.kernels))
    return {"code": code, "outputs": None, "problem": ""}


def _outputs(rows: Sequence[Mapping[str, Any]], target: Target) -> list[dict[str, Input] | Failure]:
    """Launch every kernel as its row states; those that kernelfuzz can read are built together."""
    launches = [decode_launch(row["launch"]) for row in rows]
    cases: dict[int, Case] = {}
    for at, row in enumerate(rows):
        with contextlib.suppress(ParseError):
            cases[at] = Case(parse(row["source"]), launches[at])
    ready = list(cases.values())
    setting = BuildSetting(target, tuple(sorted(JUDGED.items())))
    together = batch.evaluate(
        ready,
        setting,
        lambda program, name, at: program.run(name, ready[at].launch),
    )
    found = dict(zip(cases, together, strict=True))
    return [found[at] if at in found else _alone(row["source"], launches[at], target) for at, row in enumerate(rows)]


def _alone(source: str, launch: Launch, target: Target) -> dict[str, Input] | Failure:
    with loaded(source, target, options=JUDGED) as program:
        return program if isinstance(program, Failure) else program.run(program.kernels[0], launch)


def build_file(source: str, directory: str) -> dict[str, str]:
    """Return the result of each step with a file of kernels: an empty text, or the message of Warp or a compiler.

    ``directory`` is where the file lies, for what it imports from beside it.
    """
    sys.path.insert(0, directory)
    steps: dict[str, str] = {}
    for device, target in _BUILT.items():
        lowering = lower(source, device)
        if isinstance(lowering, Failure):
            steps[f"lowering for {device}"] = str(lowering)
            continue
        steps[f"lowering for {device}"] = ""
        artifact = build(lowering, target)
        # What this machine or release cannot build tells nothing about the file.
        if not (isinstance(artifact, Failure) and artifact.kind == "unsupported"):
            steps[f"building {target}"] = str(artifact) if isinstance(artifact, Failure) else ""
    return steps
