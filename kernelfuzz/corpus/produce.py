"""Making a corpus: kernels drawn, rendered and lowered in chunks, by one process or by several.

A chunk of indices is a pure function of the plan, so the file is the same whatever the number of jobs is.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import BinaryIO

from kernelfuzz import workers
from kernelfuzz.corpus.record import describe, make_row
from kernelfuzz.ir.render import render
from kernelfuzz.strategies.kernel import category_of, generate_with
from kernelfuzz.strategies.options import Options
from kernelfuzz.toolchain import Failure, compat, lower_devices

FILE_NAME = "corpus.jsonl"

# Kernels per chunk: the hand-over is lost in the work, and the last chunk does not keep the others waiting.
_CHUNK = 16

# A chunk is killed after this many seconds and some for each kernel; a kernel takes some hundredths of one.
_PATIENCE = 120.0
_PATIENCE_PER_KERNEL = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a corpus is a function of, together with the versions of kernelfuzz, its grammar and Warp."""

    count: int
    seed: int
    devices: tuple[compat.Device, ...]
    options: Options
    backward: bool = True


@dataclass(frozen=True, slots=True)
class Rejected:
    """A kernel without a row for a device; ``kind`` is a Failure's, or one of crash, hang and internal."""

    index: int
    device: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows of some kernels in a row, as the text of the file, and what they cost."""

    text: bytes
    kernels: int
    pairs: int
    fingerprints: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    work_seconds: float
    warp_seconds: float


@dataclass(slots=True)
class Summary:
    """What came of a plan so far.  ``work_seconds`` is summed over the jobs, without importing Warp.

    ``kernels`` have a row each at least; ``distinct`` counts those that differ in more than names.
    """

    pairs: int = 0
    kernels: int = 0
    seconds: float = 0.0
    work_seconds: float = 0.0
    warp_seconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    first_rejected: Rejected | None = None
    fingerprints: set[str] = field(default_factory=set)

    def add(self, chunk: Chunk) -> None:
        """Count a chunk in."""
        self.pairs += chunk.pairs
        self.kernels += chunk.kernels
        self.work_seconds += chunk.work_seconds
        self.warp_seconds += chunk.warp_seconds
        self.fingerprints.update(chunk.fingerprints)
        self.failures.update(rejected.kind for rejected in chunk.rejected)
        if self.first_rejected is None and chunk.rejected:
            self.first_rejected = chunk.rejected[0]

    def to_dict(self) -> dict[str, object]:
        """The numbers as ``kernelfuzz corpus --json`` prints them."""
        return {
            "pairs": self.pairs,
            "kernels": self.kernels,
            "distinct": len(self.fingerprints),
            "seconds": round(self.seconds, 3),
            "pairs_per_second": round(self.pairs / self.seconds, 2) if self.seconds else 0.0,
            "work_seconds": round(self.work_seconds, 3),
            "warp_seconds": round(self.warp_seconds, 3),
            "overhead": round(self.work_seconds / self.warp_seconds, 3) if self.warp_seconds else None,
            "failures": dict(sorted(self.failures.items())),
            "first_failure": asdict(self.first_rejected) if self.first_rejected else None,
        }


def produce(
    plan: Plan, file: BinaryIO, *, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> Summary:
    """Write the rows of the plan to ``file``, in the order of the indices and, within one, of the devices.

    ``progress`` is called with the number of kernels done after each chunk.  With one job everything happens
    in this process.  Raises UnsupportedWarp, and OSError where the file cannot be written.
    """
    started = time.perf_counter()
    summary = Summary()
    done = 0
    spans = _spans(plan.count, jobs)
    with contextlib.closing(_here(plan, spans) if jobs == 1 else _in_workers(plan, spans, jobs)) as chunks:
        for (_, count), chunk in zip(spans, chunks, strict=True):
            writing = time.perf_counter()
            file.write(chunk.text)
            summary.add(chunk)
            summary.work_seconds += time.perf_counter() - writing
            done += count
            if progress is not None:
                progress(done)
    summary.seconds = time.perf_counter() - started
    return summary


@contextlib.contextmanager
def atomic_file(directory: str, name: str = FILE_NAME) -> Iterator[BinaryIO]:
    """A file that appears in ``directory`` only when it is whole; otherwise nothing is left behind."""
    made = not os.path.isdir(directory)
    os.makedirs(directory, exist_ok=True)
    partial = os.path.join(directory, f".{name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, os.path.join(directory, name))
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        if made:
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        raise


# -------------------------------------------------------------------------------------------- chunks


def _spans(count: int, jobs: int) -> list[tuple[int, int]]:
    """Start and length of the chunks; short runs are cut finer, so that every job gets some."""
    size = max(1, min(_CHUNK, count // (jobs * 4)))
    return [(start, min(size, count - start)) for start in range(0, count, size)]


def _here(plan: Plan, spans: Iterable[tuple[int, int]]) -> Generator[Chunk, None, None]:
    for start, count in spans:
        yield make_chunk(plan, start, count)


def _in_workers(plan: Plan, spans: list[tuple[int, int]], jobs: int) -> Generator[Chunk, None, None]:
    tasks = [(plan, start, count) for start, count in spans]
    results = workers.in_order(make_chunk, tasks, jobs=min(jobs, len(tasks)), timeout=_timeout(_CHUNK))
    with contextlib.closing(results):
        for (_, start, count), result in zip(tasks, results, strict=True):
            if isinstance(result, Chunk):
                yield result
            else:
                yield _join([_alone(plan, index) for index in range(start, start + count)])


def _alone(plan: Plan, index: int) -> Chunk:
    """One kernel of a chunk that did not come back, in a process of its own: most of the others are fine."""
    try:
        return workers.call(make_chunk, plan, index, 1, timeout=_timeout(1))
    except workers.WorkerError as error:
        kind = "hang" if isinstance(error, workers.WorkerTimeout) else "crash"
        message = f"the process that lowered it {error}"
        rejected = tuple(Rejected(index, device, kind, message) for device in plan.devices)
        return Chunk(b"", 0, 0, (), rejected, 0.0, 0.0)


def _timeout(kernels: int) -> float:
    return _PATIENCE + _PATIENCE_PER_KERNEL * kernels


def _join(chunks: list[Chunk]) -> Chunk:
    return Chunk(
        text=b"".join(chunk.text for chunk in chunks),
        kernels=sum(chunk.kernels for chunk in chunks),
        pairs=sum(chunk.pairs for chunk in chunks),
        fingerprints=tuple(each for chunk in chunks for each in chunk.fingerprints),
        rejected=tuple(each for chunk in chunks for each in chunk.rejected),
        work_seconds=sum(chunk.work_seconds for chunk in chunks),
        warp_seconds=sum(chunk.warp_seconds for chunk in chunks),
    )


def _label(options: Options, index: int) -> str:
    """The category that a row states.  The realistic profile draws from none."""
    return "realistic" if options.profile == "realistic" else category_of(options, index)


def _place(error: BaseException) -> str:
    """Where an exception was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


def make_chunk(plan: Plan, start: int, count: int) -> Chunk:
    """The rows of the kernels ``start`` to ``start + count - 1``."""
    # Imports and initialises Warp, before the clock starts.
    with compat.isolated():
        pass
    version = compat.version()
    started = time.perf_counter()
    lines: list[str] = []
    fingerprints: list[str] = []
    rejected: list[Rejected] = []
    warp_seconds = 0.0
    for index in range(start, start + count):
        category = _label(plan.options, index)
        try:
            kernel = generate_with(plan.options, plan.seed, index)
            source = render(kernel)
            drawn = describe(kernel, source, category, plan.seed, index)
            results = lower_devices(source, plan.devices, backward=plan.backward)
        except compat.UnsupportedWarp:
            raise
        except Exception as error:
            # A fault of ours in one kernel: said in the summary, and the run goes on.
            message = f"{type(error).__name__}: {error} ({_place(error)})"
            rejected += [Rejected(index, device, "internal", message) for device in plan.devices]
            continue
        rows = 0
        for device, result in results.items():
            if isinstance(result, Failure):
                rejected.append(Rejected(index, device, result.kind, result.message))
                continue
            lines.append(make_row(drawn, result, version).to_json())
            warp_seconds += result.warp_seconds
            rows += 1
        if rows:
            fingerprints.append(drawn.facts["fingerprint"])
    text = "".join(lines).encode()
    return Chunk(
        text=text,
        kernels=len(fingerprints),
        pairs=len(lines),
        fingerprints=tuple(fingerprints),
        rejected=tuple(rejected),
        work_seconds=time.perf_counter() - started,
        warp_seconds=warp_seconds,
    )
