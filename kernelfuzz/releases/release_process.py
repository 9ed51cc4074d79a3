"""The worker of a release, seen from outside: a process that may crash or hang, and is started again then."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import kernelfuzz
from kernelfuzz.releases.environments import Environment, FolderError, ReleaseError
from kernelfuzz.work_clock import WorkClock
from kernelfuzz.workers import WorkerDied, WorkerError, WorkerTimeout

# Starting Python and Warp, in seconds of work (``kernelfuzz.work_clock``), as everything below.
_STARTING = 120.0

# The patience for an answer, in seconds: for any, and for each kernel, which takes some tenths of one.
_PATIENCE = 60.0
_PATIENCE_PER_KERNEL = 10.0

# How often a wait looks up, in seconds.
_WAKE = 0.2


class WorkerFault(WorkerError):
    """A fault of kernelfuzz in the worker: what was raised, and where."""


def patience_for(kernels: int) -> float:
    """Return how long to wait for an answer about ``kernels`` kernels, in seconds."""
    return _PATIENCE + _PATIENCE_PER_KERNEL * kernels


class Process:
    """Answers requests in the environment of a release.  Use it in a ``with``, which ends the process.

    The process runs the kernelfuzz that runs here, whatever the environment has.  Once ``stopped()``
    is true, it waits for no answer.
    """

    def __init__(self, environment: Environment, stopped: Callable[[], bool] = lambda: False) -> None:
        self.environment = environment
        self._stopped = stopped
        self._directory = ""
        self._running: tuple[subprocess.Popen[bytes], Connection, WorkClock] | None = None

    def __enter__(self) -> Process:
        self._directory = tempfile.mkdtemp(prefix="kernelfuzz-")
        # Alone in a folder: the one that it is installed in may hold another Warp.
        package = Path(self._directory) / "kernelfuzz"
        package.symlink_to(Path(kernelfuzz.__file__).resolve().parent, target_is_directory=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end()
        shutil.rmtree(self._directory, ignore_errors=True)

    def ask(self, action: str, *, patience: float, **request: Any) -> Any:
        """What the worker answers within ``patience`` seconds of work.

        Raises WorkerError where the process died, took longer, or has a fault, ReleaseError where kernelfuzz
        cannot drive the release (FolderError for want of a folder), InterruptedError where it was stopped.
        """
        self._send({"action": action, **request})
        return self._answer(patience)

    def each(self, action: str, name: str, items: Sequence[Any]) -> list[Any | WorkerError]:
        """What the worker answers to each of the items, which are asked about together where that goes.

        Where that ends the process, they are asked one by one; one that ends it has a WorkerError in its
        place.
        """
        return ask_each([self], action, name, items)[0]

    def _send(self, request: Mapping[str, Any]) -> None:
        if self._running is None:
            self._start()
        assert self._running is not None
        # Where the process died meanwhile, waiting for the answer tells.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._running[1].send_bytes(json.dumps(request).encode())

    def _collect(self, action: str, name: str, items: Sequence[Any]) -> list[Any | WorkerError]:
        try:
            return self._answer(patience_for(len(items)))
        except WorkerError as error:
            if len(items) == 1:
                return [error]
        return [answer for item in items for answer in self.each(action, name, [item])]

    def _start(self) -> None:
        here, there = socket.socketpair()
        environ = {name: text for name, text in os.environ.items() if name != "PYTHONHOME"}
        # One seed for all: what a release makes of a kernel must not depend on the order of its sets.
        environ |= {"PYTHONPATH": self._directory, "PYTHONHASHSEED": "0", "TMPDIR": self._directory}
        command = [self.environment.python, "-m", "kernelfuzz.releases.release_worker", str(there.fileno())]
        process = subprocess.Popen(
            command,
            pass_fds=[there.fileno()],
            env=environ,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        there.close()
        self._running = process, Connection(here.detach()), WorkClock(process.pid)
        try:
            self._answer(_STARTING)
        except WorkerError as error:
            python = self.environment.python
            raise ReleaseError(f"the worker that {python} runs does not start: the process {error}") from None

    def _answer(self, patience: float) -> Any:
        assert self._running is not None
        process, pipe, clock = self._running
        try:
            until = clock.seconds() + patience
            while not pipe.poll(_WAKE):
                if self._stopped():
                    raise InterruptedError
                if clock.seconds() > until:
                    self._end()
                    raise WorkerTimeout(f"did not finish within {patience:g} seconds")
            answer = json.loads(pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10.0)
            code = process.returncode
            self._end()
            raise WorkerDied(_ending(code)) from None
        if "unsupported" in answer:
            raise (FolderError if answer["of a folder"] else ReleaseError)(answer["unsupported"].rstrip("."))
        if "fault" in answer:
            raise WorkerFault(answer["fault"])
        return answer["answer"]

    def _end(self) -> None:
        if self._running is None:
            return
        process, pipe, _ = self._running
        self._running = None
        pipe.close()
        # Its group: what a kernel started goes with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask_each(processes: Sequence[Process], action: str, name: str, items: Sequence[Any]) -> list[list[Any]]:
    """Return what ``Process.each`` does, for each of several processes; they work at the same time."""
    for process in processes:
        process._send({"action": action, name: list(items)})  # pyright: ignore[reportPrivateUsage]
    return [process._collect(action, name, items) for process in processes]  # pyright: ignore[reportPrivateUsage]


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
