"""What a worker of any engine does under releases: it observes kernels, runs scripts and lowers recorded kernels again.

Releases and files travel by name: each machine has its own environments, and makes those that it lacks.
"""

from __future__ import annotations

import contextlib
import functools
import io
import tempfile
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from kernelfuzz.releases.environments import INSTALLED, Environment, environment, this_environment
from kernelfuzz.releases.release_process import Process, ask_each
from kernelfuzz.releases.run_script import ScriptOutcome, run_script
from kernelfuzz.task_queue import WorkerError

# What a release answers about a kernel, or how the kernel ended its process.
Answer: TypeAlias = Mapping[str, Any] | WorkerError


@dataclass(frozen=True, slots=True)
class Script:
    """A file of Python: read at ``path`` where that is the same file, else from its ``content``."""

    path: str
    content: bytes

    @classmethod
    def read(cls, path: Path) -> Script:
        return cls(str(path.resolve()), path.read_bytes())

    @property
    def text(self) -> str:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(self.content).readline)
        return self.content.decode(encoding)

    @contextlib.contextmanager
    def here(self) -> Iterator[Path]:
        """Give the file on this machine: where it lies, with what lies beside it, or a copy."""
        path = Path(self.path)
        if _content(path) == self.content:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as directory:
            copy = Path(directory, path.name)
            copy.write_bytes(self.content)
            yield copy


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def observe_kernels(labels: Sequence[str], tasks: Sequence[Mapping[str, Any]]) -> list[list[Answer]]:
    """Return what each of the releases makes of the kernels, a list for each release; they work at the same time."""
    return ask_each([_process(label) for label in labels], "observe", "tasks", tasks)


def script_outcome(label: str, script: Script, timeout: float) -> ScriptOutcome:
    """Return what a reproducer says under a release."""
    with script.here() as path:
        return run_script(path, environment_here(label).python, timeout=timeout)


def build_file(label: str, script: Script, timeout: float) -> Mapping[str, str | None]:
    """Return what is wrong in each step of lowering and building a file of kernels.  Raises WorkerError."""
    with script.here() as path:
        beside = str(path.parent)
        return _process(label).ask("build file", patience=timeout, source=script.text, directory=beside)


def relower(label: str, questions: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Return what a release makes of recorded kernels."""
    return _process(label).each("relower", "rows", questions)


@functools.cache
def environment_here(label: str) -> Environment:
    """Return the environment of this machine that is called so.  Raises ReleaseError."""
    return this_environment() if label == INSTALLED else environment(label)


@functools.cache
def _process(label: str) -> Process:
    """The process of a release that this worker keeps: it ends with the worker."""
    return Process(environment_here(label)).__enter__()
