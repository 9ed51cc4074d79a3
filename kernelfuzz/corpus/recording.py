"""Kernels that pass a test become a corpus.

Each process that runs tests appends the rows of what passed to a part, a file of its own: two lines for each
row, the first of which is for merging.  At the end one process makes the corpus of all parts that are there, those
of earlier and of killed sessions too.  The result is a function of the set of kernels that passed.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from hypothesis import settings
from hypothesis.strategies import DataObject

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.corpus.build_row import drawn, make_row, plain_symbols
from kernelfuzz.corpus.corpus_plan import Format, differences, versions
from kernelfuzz.corpus.directory import CARD, DATA, RUNNING, Store, WrongCorpus
from kernelfuzz.corpus.engines import here
from kernelfuzz.corpus.publish import Form, publish_rows
from kernelfuzz.corpus.row import encode
from kernelfuzz.corpus.shard import Damaged, Entry, Key
from kernelfuzz.devices import Device
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.syntax.canonical import canonical
from kernelfuzz.toolchain import Failure, UnsupportedWarp, compat, lower_devices

_SOURCE = "pytest"
_PARTS = "pytest-*.jsonl"

# Rows of parts that are read at once.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """The corpus that a session adds to."""

    directory: Path
    devices: tuple[Device, ...]
    format: Format

    def plan(self) -> dict[str, Any]:
        """What the manifest says it was asked for."""
        return {"source": _SOURCE, "device": list(self.devices), "format": self.format}

    def command(self) -> str:
        """What the card says it was made with."""
        words = ["pytest --hypothesis-profile=corpus"]
        words += [f"--corpus-device {device}" for device in self.devices]
        return " ".join([*words, f"--corpus-format {self.format}", "--corpus-dir DIR"])


@dataclass(frozen=True, slots=True)
class Rejected:
    """A kernel without a row for a device: ``kind`` is a Failure's, or internal."""

    id: str
    device: str
    kind: str
    message: str


@dataclass(slots=True)
class Recorded:
    """The outcomes of the kernels of one test.

    ``kernels`` counts the different ones that passed, whether others recorded them before or not;
    ``problem`` is why nothing can be recorded any more, or empty.
    """

    kernels: int = 0
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    problem: str = ""


# ------------------------------------------------------------------------------------------- the directory


def opened(wanted: Wanted) -> Store:
    """The directory, ready to be added to.  Raises WrongCorpus with a sentence, and OSError."""
    directory = wanted.directory
    other = "give another --corpus-dir"
    store = Store(directory)
    try:
        found = store.manifest()
    except WrongCorpus:
        raise WrongCorpus(f"{directory} has a manifest that is not ours to read: {other}") from None
    if found is None:
        if directory.exists() and not directory.is_dir():
            raise WrongCorpus(f"{directory} is a file: {other}")
        if (directory / DATA).exists() or (directory / CARD).exists():
            raise WrongCorpus(f"{directory} holds something else: {other}")
    else:
        plan = found["plan"]
        if plan.get("source") != _SOURCE:
            raise WrongCorpus(f"{directory} holds a corpus that kernelfuzz corpus made: {other}")
        differ = differences(plan, wanted.plan()) + differences(found["versions"], versions())
        if differ:
            raise WrongCorpus(f"{directory} holds a corpus made with another {', '.join(differ)}: {other}")
        if found["state"] != RUNNING and not any(store.shards.glob(_PARTS)):
            raise WrongCorpus(f"{directory} cannot be added to without its {store.shards.name}: {other}")
    store.open(wanted.plan())
    return store


# -------------------------------------------------------------------------------------- what a test is given


def kernels_in(value: Any) -> Iterator[Kernel | DataObject]:
    """Every kernel in a value, also within containers and dataclasses, and what more can be drawn from."""
    waiting, seen = [value], set[int]()
    while waiting:
        value = waiting.pop()
        if isinstance(value, (Kernel, DataObject)):
            yield value
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (list, tuple, set, frozenset)):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif is_dataclass(value) and not isinstance(value, type):
            waiting += [getattr(value, each.name, None) for each in fields(value)]


class _Example:
    """The kernels of one run of a test: those it was called with, and those that it draws."""

    def __init__(self, arguments: Any) -> None:
        self.kernels: list[Kernel] = []
        self._drawing: dict[int, DataObject] = {}
        self._add(arguments)

    def _add(self, value: Any) -> None:
        for each in kernels_in(value):
            if isinstance(each, Kernel):
                self.kernels.append(each)
            elif id(each) not in self._drawing:
                self._drawing[id(each)] = each
                each.draw = self._noting(each.draw)

    def _noting(self, draw: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(draw)
        def noting(*arguments: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            value = draw(*arguments, **options)
            self._add(value)
            return value

        return noting

    def close(self) -> None:
        for each in self._drawing.values():
            del each.draw


# ------------------------------------------------------------------------------------------------ recording


class Recorder:
    """Writes the rows of the kernels that pass in this process to a part."""

    def __init__(self, wanted: Wanted, parts: Path, worker: str) -> None:
        self._wanted = wanted
        self._parts = parts
        self._worker = worker
        self._file: BinaryIO | None = None
        self._known: set[bytes] = set()
        self._problem = ""

    @contextlib.contextmanager
    def watching(self, test: Any) -> Iterator[Recorded]:
        """Record the kernels of the examples that pass while Hypothesis runs a test; others are left alone.

        ``test.hypothesis.inner_test`` is what Hypothesis calls for each example, and is there to be replaced:
        https://hypothesis.readthedocs.io/en/latest/extending.html
        """
        recorded = Recorded()
        handle = getattr(test, "hypothesis", None)
        inner = getattr(handle, "inner_test", None)
        if handle is None or inner is None:
            yield recorded
            return
        passed: dict[bytes, None] = {}
        waiting: list[Kernel] = []

        def done(kernels: Iterable[Kernel]) -> None:
            for kernel in kernels:
                digest = _digest(kernel)
                passed[digest] = None
                if digest not in self._known:
                    self._known.add(digest)
                    waiting.append(kernel)
            # What is done here counts as time that the test took.
            if settings().deadline is None:
                self._record(waiting, recorded)

        handle.inner_test = _replacement(inner, done)
        try:
            yield recorded
        finally:
            handle.inner_test = inner
            self._record(waiting, recorded)
            recorded.kernels = len(passed)
            recorded.problem = self._problem

    def close(self) -> None:
        """Close the part."""
        if self._file is not None:
            self._file.close()

    def _record(self, kernels: list[Kernel], recorded: Recorded) -> None:
        """Take the kernels out of the list and write their rows; a test never fails of it."""
        while kernels:
            kernel = kernels.pop(0)
            if self._problem:
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._write(kernel, recorded)
            except UnsupportedWarp as error:
                self._problem = str(error)
            except OSError as error:
                self._problem = f"cannot write in {self._parts} ({error.strerror or error})"
            except Exception as error:
                # A fault of ours in one kernel: the summary names it, and the run goes on.
                message = f"{type(error).__name__}: {error}"
                recorded.rejected += [
                    Rejected(_digest(kernel).hex(), device, "internal", message) for device in self._wanted.devices
                ]

    def _write(self, kernel: Kernel, recorded: Recorded) -> None:
        looked_at = drawn(canonical(kernel))  # what is read back has the same id
        for device, result in lower_devices(looked_at.source, self._wanted.devices).items():
            if isinstance(result, Failure):
                recorded.rejected.append(Rejected(looked_at.id, device, result.kind, result.message))
                continue
            row = make_row(looked_at, plain_symbols(result), compat.version(), scope="kernel")
            key = Key(row.id, row.device, looked_at.sketch)
            file = self._part()
            file.write(msgspec.json.encode(key) + b"\n" + encode(row))
            # A process that dies takes no row along that is whole.
            file.flush()

    def _part(self) -> BinaryIO:
        """The file of this process, which nobody else writes to."""
        if self._file is None:
            self._parts.mkdir(parents=True, exist_ok=True)
            for number in itertools.count():
                # A process of an earlier session may have had the same number.
                name = f"pytest-{self._worker}-{os.getpid()}-{number}.jsonl"
                with contextlib.suppress(FileExistsError):
                    self._file = (self._parts / name).open("xb")
                    break
        assert self._file is not None
        return self._file


def _digest(kernel: Kernel) -> bytes:
    """Tells kernels apart that == does not: 0.0 and -0.0, 1 and True."""
    return bytes.fromhex(identity(kernel))


def _replacement(inner: Callable[..., Any], done: Callable[[Iterable[Kernel]], None]) -> Callable[..., Any]:
    """A test that hands over the kernels of each example that passes, and none of one that raises."""

    @contextlib.contextmanager
    def watched(*given: Any) -> Iterator[None]:
        example = _Example(given)
        try:
            yield
        finally:
            example.close()
        done(example.kernels)

    @functools.wraps(inner)
    def test(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        with watched(arguments, named):
            return inner(*arguments, **named)

    @functools.wraps(inner)
    async def asynchronous(*arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        with watched(arguments, named):
            return await inner(*arguments, **named)

    return asynchronous if inspect.iscoroutinefunction(inner) else test


# ------------------------------------------------------------------------------------------------- the corpus


@dataclass(frozen=True, slots=True)
class Published:
    """The corpus that is there now, and how many of its rows were not there before."""

    manifest: dict[str, Any]
    added: int


@dataclass(frozen=True, slots=True)
class Recording:
    """Rows that lie here and there in parts: the file of each, and where in it the row begins."""

    places: tuple[tuple[Path, int], ...]

    def keys(self) -> Iterator[Key]:
        return (_entry(*place).key for place in self.places)

    def lines(self) -> Iterator[bytes]:
        return (_entry(*place).line for place in self.places)


def publish(wanted: Wanted, store: Store) -> Published | None:
    """Make the corpus of all parts; None, and a directory that holds no corpus, where they have no row.

    Raises Damaged, and OSError; then the directory is as it was.
    """
    with store.locked():
        before = store.manifest()
        rows = _rows(store.shards)
        if rows:
            facts = {"plan": wanted.plan(), "versions": versions()}
            places = tuple(place for _, place in sorted(rows.items()))
            some = [Recording(places[at : at + _AT_ONCE]) for at in range(0, len(places), _AT_ONCE)]
            sources = [(each, len(each.places)) for each in some]
            with here() as workers:
                manifest = publish_rows(store, workers, sources, facts, Form(wanted.format), command=wanted.command())
            return Published(manifest, _number_of_rows(manifest) - _number_of_rows(before or {}))
    if before is not None and before["state"] == RUNNING:
        store.remove()
    return None


def _rows(parts: Path) -> dict[tuple[str, str], tuple[Path, int]]:
    """Where the row is for each kernel and device.

    Of several, which differ in names or in the contract of the kernel, it is the first in the order of the
    text, so that it does not matter who recorded what.
    """
    found: dict[tuple[str, str], tuple[Path, int]] = {}
    for path in sorted(parts.glob(_PARTS)):
        for at, entry in _entries(path):
            pair = (entry.key.id, entry.key.device)
            if pair not in found or entry.line < _entry(*found[pair]).line:
                found[pair] = (path, at)
    return found


def _entries(path: Path) -> Iterator[tuple[int, Entry]]:
    """The rows of a part and where they begin, without one that was cut off by the end of its process."""
    with path.open("rb") as file:
        while True:
            at = file.tell()
            key, line = file.readline(), file.readline()
            if not line.endswith(b"\n"):
                return
            yield at, _decoded(path, key, line)


def _entry(path: Path, at: int) -> Entry:
    with path.open("rb") as file:
        file.seek(at)
        return _decoded(path, file.readline(), file.readline())


_KEY = msgspec.json.Decoder(Key)


def _decoded(path: Path, key: bytes, line: bytes) -> Entry:
    try:
        return Entry(_KEY.decode(key), line)
    except msgspec.DecodeError as error:
        raise Damaged(f"{path}: {error}") from None


def _number_of_rows(manifest: dict[str, Any]) -> int:
    return sum(sum(devices.values()) for devices in manifest.get("rows", {}).values())
