"""What the merge of a corpus takes for each row, and how much memory, where there are more and more rows.

    python tests/quality/merge_scaling.py --rows 200000 --rows 2000000

The rows have only what merging needs to know, made up as they are read: as many sketches share bands as those of real
kernels, and one in twenty is a near duplicate.  Processor time and memory are those of one process that does all tasks
of a size, in a process of its own.  Files take about 1 kB for each row.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kernelfuzz.corpus.engines import here
from kernelfuzz.corpus.merge import merge
from kernelfuzz.corpus.near_duplicates import SKETCH_NUMBERS
from kernelfuzz.corpus.shard import Key
from kernelfuzz.devices import DEVICES

_SOURCE = 10_000

# How many of the numbers of a sketch are those that many kernels have.  Of 64,000 medium kernels (seed 0), 1.2 pairs
# share a band for each kernel, and 0.2 % share the most frequent one: with this, so do made-up ones.
_COMMON = 0.21

# Of twenty kernels, one is another one with up to so many changes.
_COPIES, _CHANGES = 20, 16


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Rows of kernels, for both devices."""

    first: int
    count: int

    def keys(self) -> Iterator[Key]:
        sketches = _sketches(self.first, self.count)
        names = np.random.default_rng([1, self.first]).bytes(16 * self.count)
        for number in range(self.count):
            name, sketch = names[16 * number : 16 * number + 16].hex(), sketches[number].tobytes()
            for device in DEVICES:
                yield Key(name, device, sketch)

    def lines(self) -> Iterator[bytes]:
        raise AssertionError("there are no rows")


def _sketches(first: int, count: int) -> np.ndarray:
    draw = np.random.default_rng([2, first])
    found = draw.integers(0, 1 << 32, (count, SKETCH_NUMBERS), np.uint32)
    common = draw.random(found.shape) < _COMMON
    found[common] = np.broadcast_to(np.arange(SKETCH_NUMBERS, dtype=np.uint32), found.shape)[common]
    copies = np.arange(_COPIES - 1, count, _COPIES)
    found[copies] = found[copies - 1 - draw.integers(0, _COPIES - 1, len(copies))]
    for at in copies:
        places = draw.integers(0, SKETCH_NUMBERS, draw.integers(0, _CHANGES + 1))
        found[at, places] = draw.integers(0, 1 << 32, len(places), np.uint32)
    return found.astype("<u4")


def measure(rows: int) -> dict[str, Any]:
    """What one merge takes, in this process."""
    kernels = rows // len(DEVICES)
    spans = [(start, min(_SOURCE, kernels - start)) for start in range(0, kernels, _SOURCE)]
    sources = [(MadeUp(start, count), count * len(DEVICES)) for start, count in spans]
    with tempfile.TemporaryDirectory() as folder, here() as workers:
        began = time.process_time()
        for source, _ in sources:
            deque(source.keys(), maxlen=0)
        making_up = time.process_time() - began
        began = time.process_time()
        result = merge(workers, sources, Path(folder))
        spent = time.process_time() - began - making_up
    return {
        "rows": rows,
        "kernels": result.kernels,
        "clusters": result.clusters,
        "microseconds_per_row": round(spent / rows * 1e6, 2),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
    }


def compare(sizes: list[int]) -> dict[str, Any]:
    """One size after the other, each in a process of its own."""
    command = [sys.executable, __file__, "--alone"]
    found = [
        json.loads(subprocess.run([*command, "--rows", str(rows)], check=True, capture_output=True).stdout)
        for rows in sizes
    ]
    first, last = found[0]["microseconds_per_row"], found[-1]["microseconds_per_row"]
    return {"sizes": found, "last_to_first": round(last / first, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, action="append", required=True)
    parser.add_argument("--alone", action="store_true", help="in this process, the first size only")
    given = parser.parse_args()
    print(json.dumps(measure(given.rows[0]) if given.alone else compare(given.rows), indent=1))


if __name__ == "__main__":
    main()
