"""What runs in a process of its own for ``mutants.py``: a campaign on a Warp with another ``codegen.py``.

    python tests/quality/mutant_trial.py TASK ARGUMENTS

with the arguments as a JSON object; each line of the output is one event, a JSON object.  The mutated file is
put in the place of Warp's own while that is imported: the installation is only read.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import re
import resource
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

CODEGEN = "warp._src.codegen"

# As many kernels are one batch of a campaign.
CHUNK = 32
# So many changed kernels are judged one by one before batches are: most mutants are noticed at the first few.
SINGLE = 8
MEMORY = 8 << 30
DIFF_LINES = 40
_HASH = re.compile(r"_[0-9a-f]{8}(?=_|\b)")
# One variable more shifts the numbers of all that follow.
_NUMBERED = re.compile(r"\b((?:var|adj|label|start_for|end_for|start_while|end_while)_?)\d+\b")

Texts = dict[str, str]
Event = dict[str, Any]


class Replaced(importlib.abc.MetaPathFinder):
    """Imports ``codegen.py`` from another file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_file_location(fullname, self.path) if fullname == CODEGEN else None


@dataclass(frozen=True, slots=True)
class Campaign:
    """The examples of a campaign and what is asked about them."""

    seed: int
    examples: int
    oracles: tuple[str, ...]
    targets: tuple[str, ...]
    folder: Path  # what the Warp of the installation makes of each example

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Campaign:
        return cls(
            given["seed"],
            given["examples"],
            tuple(given["oracles"]),
            tuple(given["targets"]),
            Path(given["folder"]),
        )

    def file(self, index: int) -> Path:
        return self.folder / baseline_name(index)


def baseline_name(index: int) -> str:
    """The file of one example in the folder of the baseline."""
    return f"{index:05}.json.z"


def read_record(file: Path) -> dict[str, Any]:
    """The sources of an example, what the unmutated Warp makes of them, and the lines that this runs."""
    return json.loads(zlib.decompress(file.read_bytes()))


# ------------------------------------------------------------------------------------- generated texts


def texts(source: str, *, backward: bool) -> Texts:
    """What Warp generates for a source on both devices, as the oracles have it built; or why it does not."""
    from kernelfuzz.toolchain import Failure, lower_devices
    from kernelfuzz.toolchain.programs import JUDGED

    results = lower_devices(source, ("cpu", "cuda"), backward=backward, options=JUDGED)
    return {device: str(result) if isinstance(result, Failure) else result.module for device, result in results.items()}


def sources(campaign: Campaign, index: int) -> dict[str, str]:
    """The sources that the oracles build for one example: with and without adjoint, and over float64."""
    from kernelfuzz.analysis.widen import widen
    from kernelfuzz.strategies.kernel import generate
    from kernelfuzz.syntax.render import render

    kernel = generate(seed=campaign.seed, index=index)
    widened = widen(kernel)
    source = render(kernel)
    found = {"backward": source, "forward": source}
    return found if widened is None else found | {"widened": render(widened)}


def difference(record: Mapping[str, Any]) -> str:
    """The first difference between what Warp generates for an example and what it did; empty without one.

    Neither comments nor layout nor the hash of a kernel are code.
    """
    for name, source in record["sources"].items():
        try:
            now = texts(source, backward=name != "forward")
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        for device, before in record["texts"][name].items():
            if code(now[device]) != code(before):
                return readable_difference(before, now[device], f"{name} {device}")
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


# --------------------------------------------------------------------------------------------- judging


def judged(campaign: Campaign, start: int, count: int) -> Iterator[Event]:
    """An event for each example: the checks that it fails, with what a person reads about the first."""
    from kernelfuzz.oracles.judge import judge_batch
    from kernelfuzz.oracles.request import Checks, Request
    from kernelfuzz.strategies.options import check_options

    checks = Checks(campaign.oracles, campaign.targets)
    chunk = start - start % CHUNK
    try:
        outcomes = judge_batch(Request(check_options(), campaign.seed, start, count, checks, chunk))
    except Exception as error:
        # A campaign calls that a fault of its own and goes on: it does not count as noticed.
        if count == 1:
            yield {
                "event": "judged",
                "index": start,
                "failed": [],
                "fault": f"{type(error).__name__}: {error}",
            }
            return
        for index in range(start, start + count):
            yield from judged(campaign, index, 1)
        return
    for outcome in outcomes:
        failed = [
            {
                "check": [verdict.oracle, verdict.kind, verdict.setting.target],
                "reason": verdict.reason or str(verdict.mismatch),
            }
            for verdict in outcome.failed
        ]
        yield {"event": "judged", "index": outcome.index, "failed": failed}


# ----------------------------------------------------------------------------------------------- tasks


def record(given: Mapping[str, Any]) -> Iterator[Event]:
    """Keep what the installed Warp makes of the examples in ``indices``, and which lines run for that."""
    campaign = Campaign.of(given)
    for index in given["indices"]:
        yield {"event": "begin", "index": index, "count": 1}
        found = sources(campaign, index)
        with reached_lines() as lines:
            made = {name: texts(source, backward=name != "forward") for name, source in found.items()}
        text = json.dumps({"sources": found, "texts": made, "lines": sorted(lines)})
        unfinished = campaign.file(index).with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(zlib.compress(text.encode()))
        unfinished.rename(campaign.file(index))


def judge(given: Mapping[str, Any]) -> Iterator[Event]:
    """Judge the examples in ``indices``, one by one."""
    for index in given["indices"]:
        yield from judged(Campaign.of(given), index, 1)


def trial(given: Mapping[str, Any]) -> Iterator[Event]:
    """The campaign, up to the first check that fails here and not on the unmutated Warp.

    Only examples for which another text is generated are judged: text is all that the oracles see of the code
    generator, so what it leaves as it was cannot fail.  And only the examples in ``reaching``, for which the
    place of the mutant runs, are generated again.  (Where a mutant also changes how arguments are packed, or
    something that Warp keeps from one kernel for the next, that is noticed less often than in a campaign,
    never more often.)
    """
    campaign = Campaign.of(given)
    count = 0
    for start in range(0, campaign.examples, CHUNK):
        changed: list[int] = []
        for index in range(start, min(start + CHUNK, campaign.examples)):
            if index not in given["reaching"]:
                continue
            yield {"event": "begin", "index": index, "count": 1}
            differs = difference(read_record(campaign.file(index)))
            if differs:
                yield {"event": "changed", "index": index, "diff": differs if count < 3 else ""}
                count += 1
                changed.append(index)
            if count and count <= SINGLE and changed and changed[-1] == index:
                changed.pop()
                yield from _noticing(campaign, index, 1)
        for first, length in runs(changed):
            yield from _noticing(campaign, first, length)


def runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring indices together, across gaps of at most two: (first, how many with those in the gaps)."""
    found: list[tuple[int, int]] = []
    for index in indices:
        if found and index - sum(found[-1]) <= 2:
            found[-1] = (found[-1][0], index - found[-1][0] + 1)
        else:
            found.append((index, 1))
    return found


def _noticing(campaign: Campaign, start: int, count: int) -> Iterator[Event]:
    yield {"event": "begin", "index": start, "count": count}
    for event in judged(campaign, start, count):
        yield event
        if not event["failed"]:
            continue
        yield {"event": "asks", "index": event["index"]}
        known = json.loads(sys.stdin.readline())
        for each in event["failed"]:
            if each["check"] not in known:
                yield {"event": "noticed", "index": event["index"], **each}
                raise Noticed


class Noticed(Exception):
    """Nothing more to find out."""


TASKS: dict[str, Callable[[Mapping[str, Any]], Iterator[Event]]] = {
    "record": record,
    "judge": judge,
    "trial": trial,
}


def main(task: str, given: Mapping[str, Any]) -> None:
    """Run one task, with the file ``codegen`` in the place of Warp's where that is given."""
    # The descriptor of the events is ours alone: Warp and compilers write to the standard ones.
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    if given.get("codegen"):
        sys.meta_path.insert(0, Replaced(given["codegen"]))
    # Whatever a mutant breaks before a kernel is lowered is no matter of oracles.
    texts("import warp as wp\n\n\n@wp.kernel\ndef kernel():\n    pass\n", backward=True)

    def emit(event: Mapping[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")
        events.flush()

    emit({"event": "ready"})
    try:
        for event in TASKS[task](given):
            emit(event)
    except Noticed:
        pass
    emit({"event": "done"})


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
