"""What makes a text interesting, asked in a worker: how it fails, or what a command says."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kernelfuzz.findings.messages import compiler_error, exception_text
from kernelfuzz.ir.nodes import Kernel

Stage: TypeAlias = Literal["lowering", "cpu", "ptx"]

# Reduction renames nothing, so the names in a message are kept: otherwise each undefined name would be as
# interesting as the one that the user asks about.
_NO_NAMES = Kernel("", (), ())


@dataclass(frozen=True, slots=True)
class Fails:
    """How Warp, or a compiler that it brings, fails on a text: the signature, in one line.

    ``lowering``: Warp generates no code for the CPU.  ``cpu`` and ``ptx``: it does, and clang or NVRTC does
    not take it; of a text that is not lowered, the answer is a signature that starts with ``lowering``.
    ``directory`` is where the text imports from, ``package`` what its relative imports start from.
    """

    stage: Stage
    kernel: str | None = None
    directory: str = "."
    package: str = ""

    def __call__(self, text: str) -> str:
        """The signature of what goes wrong; empty where nothing does.  For a worker process only."""
        with open(os.devnull, "w") as nowhere, warnings.catch_warnings():
            # What is said about candidates is no news.
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                return self._signature(text)

    def _signature(self, text: str) -> str:
        from kernelfuzz.toolchain import Failure, build, lower

        if self.directory not in sys.path:
            sys.path.insert(0, self.directory)
        device = "cuda" if self.stage == "ptx" else "cpu"
        made = lower(text, device, kernel=self.kernel, package=self.package)
        if isinstance(made, Failure):
            if made.kind in ("empty", "unsupported"):
                # Nothing that is looked for in smaller texts: the words are for people.
                return f"lowering {made.kind}: {made.message}"
            return f"lowering {made.kind}: {exception_text(made.message, _NO_NAMES)}"
        if self.stage == "lowering":
            return ""
        built = build(made, self.stage)
        if isinstance(built, Failure):
            return f"{self.stage} {built.kind}: {compiler_error(built.message, _NO_NAMES)}"
        return ""


@dataclass(frozen=True, slots=True)
class Command:
    """The exit status of a shell command in a fresh directory that holds the text under a file name.

    The path of the file is the first argument of the shell, ``$1``.  A simple command, one without any of
    ``| & ; < > ( )`` and without ``$1``, gets it as its last argument.
    """

    command: str
    name: str

    def __call__(self, text: str) -> str:
        """``status N``, with the status as a shell has it.  For a worker process only."""
        with tempfile.TemporaryDirectory(prefix="kernelfuzz_") as directory:
            path = os.path.join(directory, self.name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run(
                ["sh", "-c", script(self.command), "sh", path],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        return f"status {done.returncode}"


Question: TypeAlias = Fails | Command


def script(command: str) -> str:
    """What the shell gets for a command."""
    words = shlex.shlex(command, punctuation_chars=True)
    simple = not any(set(word) <= set(words.punctuation_chars) for word in words)
    return f'{command} "$1"' if simple and "$1" not in command and "\n" not in command else command
