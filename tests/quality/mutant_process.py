"""A process that ``mutant_trial.py`` runs in, seen from outside: its events, and that it may die or hang."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

TRIAL = Path(__file__).with_name("mutant_trial.py")

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Patience:
    """The seconds of silence after which a process is taken to hang: ``base``, and ``each`` per example."""

    base: float = 240.0
    each: float = 8.0


def events(
    task: str,
    given: Mapping[str, Any],
    cache: Path,
    patience: Patience,
    answer: Callable[[Event], Any] = lambda event: None,
) -> Iterator[Event]:
    """The events of one task.  The last is "done", or "lost" where the process died or hung.

    ``answer`` gives what the process wants to know when it asks.  Raises RuntimeError where the task itself
    raised after it was "ready": that is a mistake of ours, and none of a mutant.
    """
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",  # the code that Warp generates depends on it
        "WARP_CACHE_PATH": str(cache),
    }
    command = [sys.executable, str(TRIAL), task, json.dumps(given)]
    with tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment, text=True
        )
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        assert process.stdin is not None
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
        reader.start()
        ready, count = False, 1
        try:
            while True:
                try:
                    line = lines.get(timeout=patience.base + patience.each * count)
                except queue.Empty:
                    yield {"event": "lost", "kind": "hang", "ready": ready, "said": ""}
                    return
                if not line:
                    break
                event = json.loads(line)
                ready |= event["event"] == "ready"
                count = event.get("count", count)
                if event["event"] == "asks":
                    process.stdin.write(json.dumps(answer(event)) + "\n")
                    process.stdin.flush()
                    continue
                yield event
                if event["event"] == "done":
                    return
            code = process.wait()
            stderr.seek(0)
            said = stderr.read()
            if ready and code > 0:
                raise RuntimeError(f"{task} failed:\n{said[-4000:]}")
            yield {"event": "lost", "kind": "crash", "ready": ready, "said": said[-300:]}
        finally:
            process.kill()
            process.wait()
            reader.join()


def _read(stream: IO[str], lines: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")
