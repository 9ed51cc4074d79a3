"""What makes a text interesting: how it fails, or the status of a command; asked in workers, answers kept on disk."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal, TypeAlias

from kernelfuzz.findings.signature import compiler_error, exception_text
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.reduce.search import OutOfTime
from kernelfuzz.reduce.source.cut_declarations import without_other_kernels
from kernelfuzz.reduce.source.tree import Tree
from kernelfuzz.workers import Pool, PoolTask, WorkerDied, WorkerError

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
            # Warnings about candidates are no news.
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


# ------------------------------------------------------------------------------ answers on disk


def key_of(text: str) -> str:
    """What a text is known by."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Answers:
    """Whether texts are interesting, by key; a line of a file for each, as soon as it is known.

    The first line says which reduction the file belongs to: that of another one is replaced.  A line that
    was cut off by the end of a process is left out.  Without a path, nothing is kept.
    """

    def __init__(self, path: str | None, identity: str) -> None:
        self._path = path
        self._known: dict[str, bool] = {}
        self._file = None
        if path is None:
            return
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            first, *lines = file.read().split("\n")
            if first == identity:
                self._known = {line[:32]: line[33:] == "1" for line in lines if len(line) == 34}
        # Anew, without a line that was cut off.
        text = "".join([f"{identity}\n", *[f"{key} {int(good)}\n" for key, good in self._known.items()]])
        write_whole(path, text)
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - close() closes it

    def get(self, key: str) -> bool | None:
        """The answer, or None where it is not known."""
        return self._known.get(key)

    def put(self, key: str, good: bool) -> None:
        """Remember an answer."""
        self._known[key] = good
        if self._file is not None:
            self._file.write(f"{key} {int(good)}\n")
            self._file.flush()

    def close(self, *, done: bool) -> None:
        """No more answers; the file goes where the reduction is done."""
        if self._file is not None and self._path is not None:
            self._file.close()
            if done:
                os.unlink(self._path)


def write_whole(path: str, text: str) -> None:
    """Write a file that is there whole or as it was before, whenever the process ends."""
    directory, name = os.path.split(os.path.abspath(path))
    handle, made = tempfile.mkstemp(prefix=f".{name}-", dir=directory)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(made, 0o644)
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


# ------------------------------------------------------------------------------------- asking


class NotInteresting(Exception):
    """The original does not fail as the question requires; ``answer`` is what the question gave for it."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


class Asker:
    """A question about one text after the other, in the workers of a pool.

    ``until``: the end of a reduction on the clock of ``time.monotonic``; an answer that is not there by then
    raises OutOfTime.
    """

    def __init__(self, pool: Pool, question: Question, answers: Answers, timeout: float) -> None:
        self.pool = pool
        self.question = question
        self.answers = answers
        self.timeout = timeout
        self.until: float = math.inf
        self._wanted = ""

    def start(self, text: str, kernel: str | None) -> Tree:
        """Ask about the original and remember its answer; the text to begin with.  Raises NotInteresting."""
        tree = Tree(text, kernel)
        self._settle(tree)
        if isinstance(self.question, Fails) and kernel is not None:
            # Warp says what is wrong with the first kernel that it does not take: that must be this one.
            alone = without_other_kernels(tree, kernel)
            if alone != text:
                tree = Tree(alone, kernel)
                self._settle(tree)
        return tree

    def _settle(self, tree: Tree) -> None:
        assert tree.module  # Raises SyntaxError
        answer = self._result(self._submit(tree.text, self.question), tree.text)
        if not _counts(answer, self.question):
            raise NotInteresting(answer)
        self._wanted = answer
        self.answers.put(key_of(tree.text), True)

    def knows(self, text: str) -> bool:
        """Whether the answer is on disk."""
        return self.answers.get(key_of(text)) is not None

    def begin(self, text: str) -> Callable[[], bool]:
        """Have a worker look at a text, unless the answer is on disk; what waits for the answer."""
        key = key_of(text)
        known = self.answers.get(key)
        if known is not None:
            return lambda: known
        task = self._submit(text, self.question)

        def result() -> bool:
            good = self._result(task, text) == self._wanted
            self.answers.put(key, good)
            return good

        return result

    def _submit(self, text: str, question: Question) -> PoolTask[str]:
        return self.pool.submit(question, text, timeout=self.timeout)

    def _result(self, task: PoolTask[str], text: str) -> str:
        """What the question gives for a text; how its process ended, where it ended."""
        try:
            return self.pool.result(task, self.until)
        except TimeoutError:
            raise OutOfTime from None
        except WorkerError as error:
            if not isinstance(self.question, Fails) or not isinstance(error, WorkerDied):
                return f"the process {error}"
            stage = self.question.stage
            if stage != "lowering" and self._dies_before(text, self.question):
                stage = "lowering"
            return f"{stage} process: it {error}"

    def _dies_before(self, text: str, question: Fails) -> bool:
        """Whether lowering alone ends the process, so that it is not the compiler that does."""
        try:
            self.pool.result(self._submit(text, replace(question, stage="lowering")), self.until)
        except TimeoutError:
            raise OutOfTime from None
        except WorkerError:
            return True
        return False


def _counts(answer: str, question: Question) -> bool:
    """Whether the answer for the original is something to look for in smaller texts."""
    match question:
        case Command():
            return answer == "status 0"
        case Fails(stage=stage):
            # What cannot be imported, or ends its process, says nothing about Warp.
            if re.match(r"lowering codegen: (ModuleNotFoundError|ImportError|SystemExit)\b", answer):
                return False
            return answer.startswith((f"{stage} codegen:", f"{stage} compile:", f"{stage} process:"))
