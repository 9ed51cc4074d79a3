"""What runs in a process of its own for ``mutants.py``, on Warp as it is or with another ``codegen.py``.

    python tests/quality/mutant_trial.py TASK ARGUMENTS

with the arguments as a JSON object; the last line of the output is the answer, a JSON object.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import json
import re
import resource
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from kernelfuzz.campaign import CampaignPlan, CampaignSummary, fuzz
from kernelfuzz.campaign.loop import judging
from kernelfuzz.campaign.plan import Timeouts
from kernelfuzz.findings.recognised import BUGS, RECOGNISED
from kernelfuzz.oracles.request import Checks
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.options import check_options
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, UnsupportedWarp, lower_devices
from kernelfuzz.toolchain.programs import JUDGED

CODEGEN = "warp._src.codegen"

MEMORY = 8 << 30
DIFF_LINES = 40
_HASH = re.compile(r"_[0-9a-f]{8}(?=_|\b)")
# One variable more shifts the numbers of all that follow.
_NUMBERED = re.compile(r"\b((?:var|adj|label|start_for|end_for|start_while|end_while)_?)\d+\b")

Answer = dict[str, Any]


# ------------------------------------------------------------------------------------- generated texts


def texts(seed: int, index: int) -> dict[str, str]:
    """What Warp generates for a drawn kernel, with its adjoint and without; or why it does not."""
    source = render(generate(seed=seed, index=index))
    found: dict[str, str] = {}
    for name, backward in (("backward", True), ("forward", False)):
        results = lower_devices(source, ("cpu", "cuda"), backward=backward, options=JUDGED)
        for device, result in results.items():
            found[f"{name} {device}"] = str(result) if isinstance(result, Failure) else result.module
    return found


def difference(before: Mapping[str, str], seed: int, index: int) -> str:
    """The first difference between what Warp generates for a kernel and what it did; empty without one.

    Neither comments nor layout nor the hash of a kernel are code.
    """
    try:
        now = texts(seed, index)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    for name, text in before.items():
        if code(now[name]) != code(text):
            return readable_difference(text, now[name], name)
    return ""


def code(text: str) -> list[str]:
    """The lines of a text without its layout and the hash that is a part of names."""
    return [stripped for line in _HASH.sub("", text).split("\n") if (stripped := line.strip())]


def readable_difference(before: str, now: str, title: str) -> str:
    """The first lines of a unified diff, without numbers of variables unless nothing else differs."""
    plain = [_NUMBERED.sub(r"\1#", text) for text in (before, now)]
    first, second = (before, now) if plain[0] == plain[1] else plain
    lines = difflib.unified_diff(first.split("\n"), second.split("\n"), title, "mutated", n=2, lineterm="")
    return "\n".join(line for line, _ in zip(lines, range(DIFF_LINES), strict=False))


@contextlib.contextmanager
def reached_lines() -> Iterator[set[int]]:
    """The lines of Warp's ``codegen.py`` that run inside."""
    path = sys.modules[CODEGEN].__file__
    lines: set[int] = set()

    def local(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        lines.add(frame.f_lineno)
        return local

    def traced(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        return local if frame.f_code.co_filename == path else None

    sys.settrace(traced)
    try:
        yield lines
    finally:
        sys.settrace(None)


def read_texts(file: Path) -> list[dict[str, Any]]:
    """What the unmutated Warp makes of each kernel, and the lines of its code generator that this runs."""
    return json.loads(zlib.decompress(file.read_bytes()))


def record(given: Mapping[str, Any]) -> Answer:
    """Keep the texts of all kernels in ``file``."""
    kept: list[dict[str, Any]] = []
    texts(given["seed"], 0)  # imports Warp
    for index in range(given["examples"]):
        with reached_lines() as lines:
            made = texts(given["seed"], index)
        kept.append({"texts": made, "lines": sorted(lines)})
    Path(given["file"]).write_bytes(zlib.compress(json.dumps(kept).encode()))
    return {}


def changed(given: Mapping[str, Any]) -> Answer:
    """The first kernel among ``reaching`` whose text differs from that in ``file``, and how.

    ``broken`` is why Warp cannot be imported, which takes no campaign to see.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    try:
        importlib.import_module("warp")
    except Exception as error:
        return {"broken": f"{type(error).__name__}: {error}"}
    kept = read_texts(Path(given["file"]))
    for index in given["reaching"]:
        diff = difference(kept[index]["texts"], given["seed"], index)
        if diff:
            return {"first": index, "diff": diff}
    return {"first": None, "diff": ""}


# ------------------------------------------------------------------------------------------- campaigns


def nothing(checks: Checks) -> None:
    """In the place of the control kernels."""


def campaign(given: Mapping[str, Any]) -> Answer:
    """A campaign with the shipped known bugs, up to its first new finding; what came of it.

    ``stopped`` is why it does not start, where the control kernels fail; it is run without them then, since they
    say that something is wrong but not what.
    """
    stopped = ""
    try:
        return {"stopped": stopped, **_campaign(given, control=True)}
    except UnsupportedWarp as error:
        stopped = str(error)
    try:
        return {"stopped": stopped, **_campaign(given, control=False)}
    except UnsupportedWarp:
        return {"stopped": stopped, "examples": 0}


def _campaign(given: Mapping[str, Any], *, control: bool) -> Answer:
    plan = CampaignPlan(
        check_options(),
        Checks(tuple(given["oracles"]), tuple(given["targets"])),
        seed=given["seed"],
        examples=given["examples"],
        known=RECOGNISED,
        bugs=BUGS,
        reduction=given["reduction"],
        patience=Timeouts(base=15.0),
    )
    explained: dict[int, Counter[str]] = {}

    def progress(summary: CampaignSummary) -> None:
        explained[summary.examples] = summary.predicted + summary.recognised
        if summary.findings and not summary.doing:
            raise KeyboardInterrupt

    judges = judging()
    summary = fuzz(plan, on_progress=progress, judges=judges if control else replace(judges, control=nothing))
    said = summary.to_dict()
    kept = ("examples", "findings", "unconfirmed", "unattributed", "unexamined", "faults", "skipped")
    return {**{name: said[name] for name in kept}, "explained": {str(at): found for at, found in explained.items()}}


TASKS: dict[str, Callable[[Mapping[str, Any]], Answer]] = {"record": record, "changed": changed, "campaign": campaign}

if __name__ == "__main__":
    print("\n" + json.dumps(TASKS[sys.argv[1]](json.loads(sys.argv[2]))), flush=True)
