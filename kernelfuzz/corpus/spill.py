"""Records on their way from the tasks of one stage to those of the next, by way of files.

Each task of a stage writes one file, in which the records of a partition lie together; a task of the next stage reads
one partition of all of them.  So nobody holds more than a partition, and there are no more files than tasks.  A file
is there whole or not at all, and doing a task again writes the same one.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kernelfuzz.corpus.directory import whole

_BOUND = np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class Spill:
    """The records of a stage of so many ``tasks``, for a stage of so many ``partitions``.

    ``record`` is their dtype, as a list of names and types.
    """

    folder: Path
    tasks: int
    partitions: int
    record: tuple[tuple[Any, ...], ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(list(self.record))

    def write(self, task: int, records: np.ndarray, partition: np.ndarray) -> None:
        """Write the records of a task; ``partition`` says for each where it goes."""
        partition = partition.astype(np.int64)
        order = np.argsort(partition, kind="stable")
        bounds = np.searchsorted(partition[order], np.arange(self.partitions + 1)).astype(_BOUND)
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole(self._path(task)) as partial, partial.open("wb") as file:
            file.write(bounds.tobytes())
            records[order].tofile(file)

    def read(self, partition: int) -> np.ndarray:
        """The records of a partition, in the order of the tasks."""
        with contextlib.ExitStack() as stack:
            spans: list[tuple[int, int]] = []
            for task in range(self.tasks):
                with self._path(task).open("rb") as file:
                    spans.append(self._span(file, partition))
            found = np.empty(sum(high - low for low, high in spans), self.dtype)
            at = 0
            for task, (low, high) in enumerate(spans):
                if low == high:
                    continue
                file = stack.enter_context(self._path(task).open("rb"))
                file.seek((self.partitions + 1) * _BOUND.itemsize + low * self.dtype.itemsize)
                file.readinto(memoryview(found[at : at + high - low]).cast("B"))  # pyright: ignore[reportArgumentType]
                at += high - low
                stack.close()
            return found

    def read_task(self, task: int) -> np.ndarray:
        """All that a task wrote."""
        return np.fromfile(self._path(task), self.dtype, offset=(self.partitions + 1) * _BOUND.itemsize)

    def _span(self, file: BinaryIO, partition: int) -> tuple[int, int]:
        file.seek(partition * _BOUND.itemsize)
        low, high = np.fromfile(file, _BOUND, 2)
        return int(low), int(high)

    def _path(self, task: int) -> Path:
        return self.folder / f"{task:06}"

    def remove(self) -> None:
        """Take the files away."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Columns:
    """A column of numbers for each partition, whose elements are read by their numbers: ``partition << 32 | index``."""

    folder: Path
    dtype: str
    width: int

    def write(self, partition: int, values: np.ndarray) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole(self._path(partition)) as partial:
            values.astype(self.dtype, copy=False).tofile(partial)

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """The elements with these numbers, which ascend; an array of the shape (len(numbers), width)."""
        found = np.empty((len(numbers), self.width), self.dtype)
        partitions = numbers >> np.uint64(32)
        names, starts = np.unique(partitions, return_index=True)
        bounds = np.append(starts, len(numbers))
        for name, low, high in zip(names, bounds[:-1], bounds[1:], strict=True):
            # Not kept open: what was read of it would count as memory of this process.
            column = np.memmap(self._path(int(name)), self.dtype, "r").reshape(-1, self.width)
            found[low:high] = column[(numbers[low:high] & np.uint64(0xFFFFFFFF)).astype(np.int64)]
        return found

    def _path(self, partition: int) -> Path:
        return self.folder / f"{partition:06}"
