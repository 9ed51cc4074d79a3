"""The process that lowers a batch: ``python -m kernelfuzz.oracles.determinism_worker``.

It reads a request from stdin and writes the answer to stdout, as JSON.  It is a process of its own because
Python takes the seed of its hashes when it starts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from hashlib import blake2b

from kernelfuzz.devices import DEVICES
from kernelfuzz.toolchain import Failure, compat, lower_devices


def digests(source: str) -> list[list[str]]:
    """For each device the hash of the module and the digest of its text, or the kind of failure."""
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
    """For each source what each of its turns gave; ``order`` has the position of the source for each turn."""
    found: list[list[list[list[str]]]] = [[] for _ in sources]
    for position in order:
        found[position].append(digests(sources[position]))
    return found


def main() -> None:
    """Answer the request, on a stdout that nothing else writes to."""
    with os.fdopen(os.dup(1), "w") as out:
        sys.stdout.flush()
        os.dup2(2, 1)
        request = json.load(sys.stdin)
        json.dump(answer(request["sources"], request["order"]), out)


if __name__ == "__main__":
    main()
