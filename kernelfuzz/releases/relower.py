"""What was recorded about kernels, asked again of the Warp of this process.

For the worker of a release only: nothing here protects the process from a kernel that crashes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from kernelfuzz.devices import HOST_TARGET, BuildTarget, Device, Target
from kernelfuzz.ir.codec import decode, encode
from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.oracles import batch
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.releases.observe import code_text
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.toolchain import Failure, build, lower
from kernelfuzz.toolchain.programs import JUDGED, loaded

# What the code for each device is built to.
_BUILT: dict[Device, BuildTarget] = {"cpu": "cpu", "cuda": "ptx"}


def relower(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each row (``kernelfuzz.releases.rows.question``) its ``code``, its ``outputs`` where it says how it
    is launched, and in ``problem`` why there are none."""
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
    code = lowering.module if row["module"] else "\n".join(map(code_text, lowering.kernels))
    return {"code": code, "outputs": None, "problem": ""}


def _outputs(rows: Sequence[Mapping[str, Any]], target: Target) -> list[dict[str, Input] | Failure]:
    """Every kernel launched as its row says; those that kernelfuzz can read are built together."""
    launches = [_launch(row["launch"]) for row in rows]
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


def _launch(stored: Mapping[str, Any]) -> Launch:
    return Launch(tuple(stored["dim"]), decode(stored["inputs"]), stored["tiled"])


def build_file(source: str, directory: str) -> dict[str, str]:
    """What became of each step with a file of kernels: an empty text, or what Warp or a compiler said.

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
        # What this machine or release cannot build says nothing about the file.
        if not (isinstance(artifact, Failure) and artifact.kind == "unsupported"):
            steps[f"building {target}"] = str(artifact) if isinstance(artifact, Failure) else ""
    return steps
