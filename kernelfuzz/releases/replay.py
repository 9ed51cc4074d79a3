"""Reproducers, files of kernels and corpora, tried again under a release."""

from __future__ import annotations

import ast
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from kernelfuzz.ir.codec import decode
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.releases.code_changes import code_change, same_code
from kernelfuzz.releases.environments import Environment
from kernelfuzz.releases.run_script import Presence, ScriptOutcome
from kernelfuzz.releases.side_by_side import Answer, Script, build_file, relower, script_outcome
from kernelfuzz.releases.tasks import Recorded
from kernelfuzz.task_queue import PoolTask, TaskQueue, WorkerError

Kind: TypeAlias = Literal["reproducer", "kernels", "corpus"]
Status: TypeAlias = Literal["fixed", "ok", "still there", "changed", "fails"]

# What needs nobody's attention.
GOOD: frozenset[Status] = frozenset(("fixed", "ok"))

REPRODUCER = "reproducer.py"
# The manifest of a corpus, and the files that hold rows.
MANIFEST = "manifest.json"
ROWS = (".jsonl", ".jsonl.zst", ".parquet", ".json")

_STATUS: dict[Presence, Status] = {"present": "still there", "fixed": "fixed", "broken": "changed"}

# Rows that are asked about together.
_CHUNK = 16


class NothingToReplay(ValueError):
    """A path with nothing to replay; the message is one sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to replay."""

    kind: Kind
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of an item.  ``counts`` is for a corpus: the number of rows by result."""

    item: Item
    status: Status
    detail: str = ""
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict[str, int])

    def to_dict(self) -> dict[str, Any]:
        """What ``kernelfuzz replay --json`` prints."""
        return {
            "name": self.item.name,
            "path": str(self.item.path),
            "kind": self.item.kind,
            "status": self.status,
            "detail": self.detail,
            "seconds": round(self.seconds, 2),
            "counts": dict(self.counts),
        }


def items(path: Path) -> list[Item]:
    """Return the items to replay at a path, in the order of the names.  Raises NothingToReplay."""
    if path.is_file():
        return [_file(path)]
    if not path.is_dir():
        raise NothingToReplay(f"{path}: no such file or folder")
    if (path / MANIFEST).is_file():
        return [Item("corpus", path.name, path)]
    if (path / REPRODUCER).is_file():
        return [Item("reproducer", path.resolve().name, path / REPRODUCER)]
    found: list[Item] = []
    for each in sorted(path.iterdir()):
        if each.name.startswith("."):
            continue
        if (each / REPRODUCER).is_file():
            found.append(Item("reproducer", each.name, each / REPRODUCER))
        elif each.is_file() and each.name.endswith((".py", ".jsonl", ".jsonl.zst", ".parquet")):
            found.append(_file(each))
    if not found:
        raise NothingToReplay(f"{path} holds nothing to replay: no reproducers, no files of kernels, no corpus")
    return found


def _file(path: Path) -> Item:
    if path.suffix == ".py":
        return Item("reproducer" if exits(path) else "kernels", path.stem, path)
    if path.name.endswith(ROWS) and path.name != "finding.json":
        return Item("corpus", path.name, path)
    raise NothingToReplay(f"{path} cannot be replayed: it is neither a Python file nor one of {', '.join(ROWS)}")


def exits(path: Path) -> bool:
    """Whether a file ends Python with a status of its own: a reproducer does, a file of kernels does not.

    Raises NothingToReplay where it is no Python file.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise NothingToReplay(f"{path} is not Python: {error}") from None
    except OSError as error:
        raise NothingToReplay(f"{path} cannot be read: {error.strerror}") from None
    return any(
        (isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.exit")
        or (isinstance(node, ast.Name) and node.id in ("SystemExit", "exit"))
        for node in ast.walk(tree)
    )


def replay(
    found: Sequence[Item],
    environments: Sequence[Environment],
    rows: Callable[[Path], Iterable[Recorded]],
    *,
    queue: TaskQueue,
    timeout: float,
    on_done: Callable[[Environment, Replayed], None] | None = None,
) -> list[list[Replayed]]:
    """Replay all items under each of the releases: a list for each, in the order of the items.

    The workers of ``queue`` do it, with all releases side by side.  ``rows`` reads the kernels of a corpus.  A script
    or a file of kernels is killed after ``timeout`` seconds.  Raises what ``rows`` does, and ReleaseError.
    """
    results: list[list[Replayed]] = [[] for _ in environments]
    waiting: deque[tuple[int, _Waiting]] = deque()

    def keep(which: int, replayed: Replayed) -> None:
        results[which].append(replayed)
        if on_done is not None:
            on_done(environments[which], replayed)

    def receive() -> None:
        which, item = waiting.popleft()
        keep(which, item.result(queue))

    for item in found:
        for which, environment in enumerate(environments):
            match item.kind:
                case "corpus":
                    # Its parts are many: nothing else is under way meanwhile.
                    while waiting:
                        receive()
                    keep(which, _corpus(item, environment, rows(item.path), queue))
                case "reproducer" | "kernels":
                    waiting.append((which, _asked(item, environment, queue, timeout)))
    while waiting:
        receive()
    return results


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An item whose answer is to come, and what that says about it."""

    item: Item
    task: PoolTask[Any]
    meaning: Callable[[Item, Any], Replayed]

    def result(self, queue: TaskQueue) -> Replayed:
        try:
            return self.meaning(self.item, queue.result(self.task))
        except WorkerError as error:
            return Replayed(self.item, "fails", f"the process {error}")


def _asked(item: Item, environment: Environment, queue: TaskQueue, timeout: float) -> _Waiting:
    function, meaning = (script_outcome, _scripted) if item.kind == "reproducer" else (build_file, _built)
    return _Waiting(item, queue.submit(function, environment.label, Script.read(item.path), timeout), meaning)


def _scripted(item: Item, outcome: ScriptOutcome) -> Replayed:
    return Replayed(item, _STATUS[outcome.presence], outcome.detail, outcome.seconds)


def _built(item: Item, steps: Mapping[str, str | None]) -> Replayed:
    bad = [f"{step}: {_line(reason)}" for step, reason in steps.items() if reason]
    return Replayed(item, "fails" if bad else "ok", "; ".join(bad) or ", ".join(steps))


def _line(text: str) -> str:
    """A message in one line."""
    joined = " ".join(text.split())
    return joined if len(joined) <= 200 else joined[:200] + "..."


def _corpus(item: Item, environment: Environment, rows: Iterable[Recorded], queue: TaskQueue) -> Replayed:
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    first = ""
    asked: deque[list[Recorded]] = deque()

    def questions() -> Iterator[tuple[str, list[dict[str, Any]]]]:
        waiting = iter(rows)
        while chunk := list(islice(waiting, _CHUNK)):
            asked.append(chunk)
            yield environment.label, [row.question() for row in chunk]

    for answers in queue.in_order(relower, questions()):
        chunk = asked.popleft()
        if isinstance(answers, WorkerError):
            answers = [answers] * len(chunk)
        for row, answer in zip(chunk, answers, strict=True):
            counts["rows"] += 1
            bad = _compared(row, answer, counts, kinds)
            first = first or (bad and f"{row.label}: {_line(bad)}")
    counts.update({f"code: {kind}": count for kind, count in kinds.items()})
    if not counts["rows"]:
        return Replayed(item, "changed", "there are no rows")
    return Replayed(item, "changed" if first else "ok", first or f"{counts['rows']} rows", 0.0, dict(counts))


def _compared(row: Recorded, answer: Answer, counts: Counter[str], kinds: Counter[str]) -> str:
    """Count a row; return what is not as it was, or an empty text."""
    if isinstance(answer, WorkerError):
        counts["ended the process"] += 1
        return f"the process {answer}"
    if answer["problem"]:
        counts["not accepted"] += 1
        return answer["problem"]
    bad = ""
    if answer["outputs"] is not None:
        mismatch = first_mismatch(row.outputs or {}, decode(answer["outputs"]))
        counts["same values" if mismatch is None else "other values"] += 1
        if mismatch is not None:
            place = f"{mismatch.output}{list(mismatch.index)}"
            bad = f"{place} was {mismatch.expected!r} and is {mismatch.actual!r}"
    if same_code(row.code, answer["code"]):
        counts["same code"] += 1
        return bad
    counts["other code"] += 1
    change = code_change(row.code, answer["code"])
    kinds.update(change.kinds if change else ())
    return bad or f"other code ({', '.join(change.kinds if change else ())})"
