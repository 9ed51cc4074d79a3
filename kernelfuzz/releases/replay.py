"""Reproducers, files of kernels and corpora, tried again under a release."""

from __future__ import annotations

import ast
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

from kernelfuzz.ir.codec import decode
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.releases.code_changes import code_change, same_code
from kernelfuzz.releases.environments import Environment
from kernelfuzz.releases.release_process import Process
from kernelfuzz.releases.run_script import Presence, run_script
from kernelfuzz.releases.tasks import Recorded
from kernelfuzz.workers import WorkerError

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
    environment: Environment,
    rows: Callable[[Path], Iterable[Recorded]],
    *,
    jobs: int,
    timeout: float,
    on_done: Callable[[Replayed], None] | None = None,
) -> list[Replayed]:
    """Replay all items under a release, ``jobs`` at a time; the results come in the order of the items.

    ``rows`` reads the kernels of a corpus.  A script or a file of kernels is killed after ``timeout`` seconds.
    Raises what ``rows`` does, and ReleaseError.
    """
    stop = threading.Event()
    limits = _Limits(timeout, stop.is_set)
    results: list[Replayed] = []
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_replayed, item, environment, rows, limits) for item in found]
        try:
            for each in waiting:
                results.append(each.result())
                if on_done is not None:
                    on_done(results[-1])
        finally:
            # Where something went wrong, what still runs is ended; otherwise nothing does.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    return results


@dataclass(frozen=True, slots=True)
class _Limits:
    """When to give up: after ``timeout`` seconds, or once ``stopped()``."""

    timeout: float
    stopped: Callable[[], bool]


def _replayed(
    item: Item,
    environment: Environment,
    rows: Callable[[Path], Iterable[Recorded]],
    limits: _Limits,
) -> Replayed:
    match item.kind:
        case "reproducer":
            outcome = run_script(item.path, environment.python, timeout=limits.timeout, stopped=limits.stopped)
            return Replayed(item, _STATUS[outcome.presence], outcome.detail, outcome.seconds)
        case "kernels":
            return _kernels(item, environment, limits)
        case "corpus":
            return _corpus(item, environment, rows(item.path), limits)


def _kernels(item: Item, environment: Environment, limits: _Limits) -> Replayed:
    source = item.path.read_text(encoding="utf-8")
    with Process(environment, limits.stopped) as process:
        try:
            beside = str(item.path.resolve().parent)
            steps = process.ask(
                "build file",
                patience=limits.timeout,
                source=source,
                directory=beside,
            )
        except WorkerError as error:
            return Replayed(item, "fails", f"the process {error}")
    bad = [f"{step}: {_line(reason)}" for step, reason in steps.items() if reason]
    return Replayed(item, "fails" if bad else "ok", "; ".join(bad) or ", ".join(steps))


def _line(text: str) -> str:
    """A message in one line."""
    joined = " ".join(text.split())
    return joined if len(joined) <= 200 else joined[:200] + "..."


def _corpus(item: Item, environment: Environment, rows: Iterable[Recorded], limits: _Limits) -> Replayed:
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    first = ""
    with Process(environment, limits.stopped) as process:
        waiting = iter(rows)
        while chunk := list(islice(waiting, _CHUNK)):
            questions = [row.question() for row in chunk]
            for row, answer in zip(chunk, process.each("relower", "rows", questions), strict=True):
                counts["rows"] += 1
                bad = _compared(row, answer, counts, kinds)
                first = first or (bad and f"{row.label}: {_line(bad)}")
    counts.update({f"code: {kind}": count for kind, count in kinds.items()})
    if not counts["rows"]:
        return Replayed(item, "changed", "there are no rows")
    return Replayed(item, "changed" if first else "ok", first or f"{counts['rows']} rows", 0.0, dict(counts))


def _compared(row: Recorded, answer: Mapping[str, Any] | WorkerError, counts: Counter[str], kinds: Counter[str]) -> str:
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
