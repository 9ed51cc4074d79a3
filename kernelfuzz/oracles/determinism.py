"""The determinism oracle: one source has one code, whatever process lowers it and whatever came before.

Warp's kernel cache, and every corpus of its code, stands on that.  Two processes with different seeds for
Python's hashes lower the batch, the first one each kernel twice in a row, the second one in the opposite
order; where their texts or module hashes differ, a third process tells what it was that mattered.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from kernelfuzz.devices import DEVICES
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.chunk import Chunk, note
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import DETERMINISM
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, compat, lower_devices

HASH_SEEDS = (0, 1)

# The result of lowering a source once: for each device [module hash, digest of the text], or [kind of failure].
Turn = list[list[str]]


class DeterminismWorkerFailed(RuntimeError):
    """A process that lowered a batch did not answer; the message has how it ended and its last output."""


@dataclass(frozen=True, slots=True)
class Difference:
    """That one source, or one kernel object, gave two codes: ``what`` differed on ``device`` because of ``cause``."""

    device: str
    what: str
    cause: str

    def __str__(self) -> str:
        return f"the {self.what} for {self.device} depends on {self.cause}"


def ask(chunk: Chunk) -> None:
    """Judge the sound cases of some chunks."""
    (some,) = DETERMINISM.samples
    if chunk.sampled(some):
        sound = chunk.sound
        note(sound, judge([record.case.kernel for record in sound]))


def again(cases: Sequence[Case], like: Verdict) -> list[Verdict]:
    return judge([case.kernel for case in cases])


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the case and what differed."""
    return Evidence(case, message=verdict.reason)


def judge(kernels: Sequence[Kernel], *, timeout: float | None = None) -> list[Verdict]:
    """Lower the kernels for both devices again and again, and compare.

    Raises DeterminismWorkerFailed where a process dies, and after ``timeout`` seconds of one process.
    """
    verdicts: list[Verdict] = []
    for found in differences([render(kernel) for kernel in kernels], timeout=timeout):
        if found is None:
            verdicts.append(DETERMINISM.passed())
        elif isinstance(found, str):
            verdicts.append(DETERMINISM.skipped(f"not lowered: {found}"))
        else:
            verdicts.append(DETERMINISM.failed(BuildSetting(found.device), str(found)))
    return verdicts


def differences(
    sources: Sequence[str], *, seeds: tuple[int, int] = HASH_SEEDS, timeout: float | None = None
) -> list[Difference | str | None]:
    """Return for each source what its code depends on; None where on nothing, the kind of failure where it has none.

    Errors as ``judge``.
    """
    if not sources:
        return []
    one_seed, other_seed = seeds
    forwards = [position for position in range(len(sources)) for _ in range(2)]
    first = _lowered(sources, forwards, one_seed, timeout)
    second = _lowered(sources, forwards[::-1], other_seed, timeout)
    unlike = [at for at in range(len(sources)) if _unlike(first[at][0], second[at][0]) is not None]
    # The order of the first and the hashes of the second.
    third = _lowered(sources, forwards, other_seed, timeout) if unlike else second
    results: list[Difference | str | None] = []
    for at in range(len(sources)):
        failures = [device[0] for device in first[at][0] if len(device) == 1]
        again = _unlike(first[at][0], first[at][1]) or _unlike(second[at][0], second[at][1])
        if again is not None:
            results.append(Difference(*again, "how often it was lowered in the process"))
        elif at not in unlike:
            results.append(failures[0] if failures else None)
        elif (seeded := _unlike(first[at][0], third[at][0])) is not None:
            results.append(Difference(*seeded, "PYTHONHASHSEED"))
        else:
            other = _unlike(first[at][0], second[at][0])
            assert other is not None
            results.append(Difference(*other, "what was lowered before"))
    return results


def _unlike(one: Turn, other: Turn) -> tuple[str, str] | None:
    """The first device for which two turns differ, and in what."""
    for device, left, right in zip(DEVICES, one, other, strict=True):
        if left != right:
            if len(left) != len(right) or len(left) == 1:
                return device, "outcome"
            return device, "text" if left[1] != right[1] else "module hash"
    return None


def _lowered(sources: Sequence[str], order: Sequence[int], seed: int, timeout: float | None) -> list[list[Turn]]:
    """Return what each source gave each time, lowered in that order by a process with that seed.

    The process is this module as a program: Python takes the seed of its hashes when it starts.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps({"sources": list(sources), "order": list(order)}),
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeterminismWorkerFailed(f"did not finish within {timeout:g} seconds") from None
    if done.returncode:
        raise DeterminismWorkerFailed(f"ended with exit code {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


# ----------------------------------------------------------------- in the process that lowers the batch


def digests(source: str) -> list[list[str]]:
    """Return for each device the hash of the module and the digest of its text, or the kind of failure."""
    with compat.unordered_promotions():
        lowered = lower_devices(source)
    found: list[list[str]] = []
    for device in DEVICES:
        result = lowered[device]
        if isinstance(result, Failure):
            found.append([result.kind])
        else:
            text = blake2b(result.module.encode(), digest_size=16).hexdigest()
            found.append([result.module_hash, text])
    return found


def answer(sources: Sequence[str], order: Sequence[int]) -> list[list[list[list[str]]]]:
    """Return for each source the result of each turn; ``order`` has the position of the source for each turn."""
    found: list[list[list[list[str]]]] = [[] for _ in sources]
    for position in order:
        found[position].append(digests(sources[position]))
    return found


def main() -> None:
    """Answer the request from stdin, as JSON, on a stdout that nothing else writes to."""
    with os.fdopen(os.dup(1), "w") as out:
        sys.stdout.flush()
        os.dup2(2, 1)
        request = json.load(sys.stdin)
        json.dump(answer(request["sources"], request["order"]), out)


if __name__ == "__main__":
    main()
