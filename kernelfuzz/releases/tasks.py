"""What a command and the worker of a release exchange: kernels to ask about, and what was observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kernelfuzz.ir.codec import decode, decode_launch, encode_launch
from kernelfuzz.ir.launch import Input, Launch


@dataclass(frozen=True, slots=True)
class Task:
    """A kernel to observe: drawn from ``seed`` and ``index`` under ``options``, or given as ``source``.

    ``options`` are the arguments of ``kernelfuzz.strategies.options.check_options``.  ``launch`` is that of a
    given source, where it is known.  ``label`` names the kernel in messages.
    """

    label: str
    seed: int | None = None
    index: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    source: str | None = None
    launch: Launch | None = None

    def to_json(self) -> dict[str, Any]:
        """What ``task`` reads."""
        return {**asdict(replace(self, launch=None)), "launch": self.launch and encode_launch(self.launch)}


def task(entry: Mapping[str, Any]) -> Task:
    """The task that ``Task.to_json`` wrote."""
    return Task(**{**entry, "launch": entry["launch"] and decode_launch(entry["launch"])})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A kernel with the code that Warp generated before, and the arrays after its launch where there was one.

    ``code`` is for ``device``: the ``whole_module``, or what ``code_text`` makes of the kernel's parts, with
    an adjoint where ``backward``.
    """

    label: str
    source: str
    device: str
    backward: bool
    whole_module: bool
    code: str
    launch: Launch | None = None
    outputs: Mapping[str, Input] | None = None

    def question(self) -> dict[str, Any]:
        """What ``kernelfuzz.releases.observe.relower`` reads, as JSON."""
        return {
            "source": self.source,
            "device": self.device,
            "backward": self.backward,
            "module": self.whole_module,
            "launch": self.launch and encode_launch(self.launch),
        }


def tasks_of(recorded: Iterable[Recorded]) -> list[Task]:
    """A task for each kernel, with its first launch; a kernel recorded for several devices is one task."""
    tasks: dict[str, Task] = {}
    for each in recorded:
        known = tasks.setdefault(each.source, Task(each.label, source=each.source))
        if known.launch is None:
            tasks[each.source] = replace(known, launch=each.launch)
    return list(tasks.values())


def code_text(parts: Iterable[str | None]) -> str:
    """The generated code of a kernel in one text: structs, functions, forward and backward pass."""
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


@dataclass(frozen=True, slots=True)
class Result:
    """A launch on one target, and the verdict of the reference for that release.

    ``status`` is a verdict's (``passed``, ``failed``, ``skipped``), or ``rejected`` where the kernel was not
    built or wrote outside of its arrays.  ``reason`` is that of the verdict, or what Warp or the compiler
    printed.  ``values`` are the arrays afterwards, or the gradients; None where there are none.
    """

    status: str
    reason: str = ""
    values: Mapping[str, Input] | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a release does with one kernel.

    ``code`` has the generated text by device (the kernel with what it needs), ``failures`` the message
    where there is none.  ``outputs`` and ``gradients`` have a result by target; ``outputs`` is empty where
    the kernel cannot be launched, and ``skipped`` then says why.  ``case`` and ``point`` are digests of
    what was launched.  ``ended`` says how the process ended, where the kernel ended it.
    """

    label: str
    source: str = ""
    case: str = ""
    point: str = ""
    code: Mapping[str, str] = field(default_factory=dict[str, str])
    failures: Mapping[str, str] = field(default_factory=dict[str, str])
    outputs: Mapping[str, Result] = field(default_factory=dict[str, Result])
    gradients: Mapping[str, Result] = field(default_factory=dict[str, Result])
    skipped: str = ""
    ended: str = ""


def observation(answer: Mapping[str, Any]) -> Observation:
    """The observation that ``kernelfuzz.releases.observe.observe`` gave as JSON."""
    results = {
        kind: {target: _result(result) for target, result in answer[kind].items()} for kind in ("outputs", "gradients")
    }
    return Observation(**{**answer, **results})


def _result(answer: Mapping[str, Any]) -> Result:
    values = answer["values"]
    return Result(answer["status"], answer["reason"], None if values is None else decode(values))
