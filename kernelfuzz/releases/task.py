"""What travels between the command and the worker of a release: kernels there, what became of them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kernelfuzz.ir.codec import decode
from kernelfuzz.ir.launch import Input


@dataclass(frozen=True, slots=True)
class Task:
    """A kernel: drawn from ``seed`` and ``index`` under ``options``, or given as ``source``.

    ``options`` are the arguments of ``kernelfuzz.strategies.options.check_options``.  ``launch`` is how a
    given source is launched, where that is known: ``dim``, ``tiled`` and the ``inputs`` as
    ``kernelfuzz.ir.codec.encode`` has them.  ``label`` says which kernel it is.
    """

    label: str
    seed: int | None = None
    index: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    source: str | None = None
    launch: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """What ``Task(**fields)`` takes, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Result:
    """A launch on one target, and what the reference of that release says of it.

    ``status`` is a verdict's (``passed``, ``failed``, ``skipped``), or ``rejected`` where the kernel was not
    built.  ``reason`` is that of the verdict, or what Warp or the compiler said.  ``values`` are the arrays
    afterwards, or the gradients; None where there was no launch.
    """

    status: str
    reason: str = ""
    values: Mapping[str, Input] | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a release does with one kernel.

    ``code`` has the generated text by device (the kernel with what it needs), ``failures`` what was said
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
    """An observation from the JSON of ``kernelfuzz.releases.observe``."""
    results = {
        kind: {target: _result(result) for target, result in answer[kind].items()} for kind in ("outputs", "gradients")
    }
    return Observation(**{**answer, **results})


def _result(answer: Mapping[str, Any]) -> Result:
    values = answer["values"]
    return Result(answer["status"], answer["reason"], None if values is None else decode(values))
