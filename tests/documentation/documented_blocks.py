"""The code blocks of a Markdown page, and how one is run.

An indented block, and one fenced as ``sh``, holds shell commands, one a line; where its first line starts
with ``$ ``, the lines without that are what the command before them prints to stdout, and ``...`` stands for
anything.  A block fenced as ``python`` is a program, or a test file where it defines tests.  Blocks in other
languages are there to be looked at.  Comments directly before a block say what is special about it:

    <!-- not run: needs a cluster -->   the reason why it is not run here
    <!-- slow -->                       run by ``pytest -m slow`` only
    <!-- exit: 0 1 -->                  the exit codes that are right; without this, 0
    <!-- file: kernels.py -->           the text of a file that commands further down use
    <!-- without a GPU -->              run only where Warp sees no device
    <!-- output of Warp 1.19 -->        what is printed is compared under that release only
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from markdown_it import MarkdownIt
from processes import UNHURRIED  # pyright: ignore[reportMissingImports]

from kernelfuzz.toolchain import compat

SHELL, PYTHON = "sh", "python"
SHOWN = ("cpp", "cuda", "diff", "ini", "json", "text", "toml", "yaml")

_MARK = re.compile(r"<!--\s*(not run|slow|exit|file|without a GPU|output of Warp)\b:?\s*(.*?)\s*-->", re.DOTALL)

# Seconds; the slowest are campaigns and corpora whose time the page says.
_LIMIT = 3600


@dataclass(frozen=True, slots=True)
class Block:
    """``where`` is page and line; ``marks`` are the comments before it."""

    where: str
    language: str
    text: str
    marks: Mapping[str, str]

    @property
    def runs(self) -> bool:
        return self.language in (SHELL, PYTHON) and "not run" not in self.marks

    @property
    def installs(self) -> bool:
        """Whether it needs an environment of its own."""
        return self.language == SHELL and "pip install" in self.text

    @property
    def slow(self) -> bool:
        return "slow" in self.marks

    @property
    def problem(self) -> str | None:
        """Why the block is neither run nor excused."""
        if self.language not in (SHELL, PYTHON, *SHOWN):
            return f"{self.where}: a block in {self.language or 'no language'}, which nobody runs"
        if "not run" in self.marks and not self.marks["not run"]:
            return f"{self.where}: no reason is given why it is not run"
        return None

    def with_text(self, *changes: tuple[str, str]) -> Block:
        """The block with other words in it."""
        text = self.text
        for old, new in changes:
            text = text.replace(old, new)
        return replace(self, text=text)


def blocks(text: str, page: str = "page") -> list[Block]:
    """Every block of a page, in order."""
    found: list[Block] = []
    marks: dict[str, str] = {}
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "html_block":
            marks.update(_MARK.findall(token.content))
            continue
        if token.type in ("fence", "code_block"):
            language = SHELL if token.type == "code_block" else token.info.strip()
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(f"{page}:{line}", language, token.content, marks))
        marks = {}
    return found


def inline(text: str) -> Iterator[str]:
    """What stands between backticks in the sentences and tables of a page."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


@dataclass(frozen=True, slots=True)
class Command:
    """``printed`` is what the page shows of its output; None where it shows nothing."""

    text: str
    printed: str | None = None


def commands(text: str) -> list[Command]:
    """The commands of a shell block."""
    lines = text.replace("\\\n", "").splitlines()
    if not text.startswith("$ "):
        return [Command(line) for line in lines if line.strip() and not line.startswith("#")]
    found: list[Command] = []
    for part in re.split(r"^\$ ", "\n".join(lines), flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        found.append(Command(command, printed if printed.strip() else None))
    return found


def agrees(printed: str, real: str) -> bool:
    """Whether the output is what the page shows; ``...`` is anything, and ends of lines do not count."""
    shown, output = ("\n".join(map(str.rstrip, text.strip("\n").splitlines())) for text in (printed, real))
    return re.fullmatch(".*?".join(map(re.escape, shown.split("..."))), output, re.DOTALL) is not None


def run(block: Block, folder: Path, binaries: Path) -> None:
    """Run the block in ``folder``, with an environment's programs; AssertionError where the page is wrong."""
    if "file" in block.marks:
        path = folder / block.marks["file"]
        path.write_text(block.text, encoding="utf-8")
        path.chmod(0o755)
        return
    if "without a GPU" in block.marks and compat.has_cuda():
        return
    codes = [int(code) for code in block.marks.get("exit", "0").split()]
    release = block.marks.get("output of Warp")
    compared = release is None or f"{version('warp-lang')}.".startswith(f"{release}.")
    for command in _python(block, folder) if block.language == PYTHON else commands(block.text):
        done = subprocess.run(
            ["timeout", str(_LIMIT), "bash", "-o", "pipefail", "-c", command.text],
            cwd=folder,
            env=_environment(binaries),
            capture_output=True,
            text=True,
        )
        said = f"{block.where}: {command.text}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        assert done.returncode in codes, f"exit code {done.returncode}, not {codes}\n{said}"
        if command.printed is not None and compared:
            assert agrees(command.printed, done.stdout), f"the page shows\n{command.printed}\n{said}"


def _python(block: Block, folder: Path) -> list[Command]:
    path = folder / f"test_block_{block.where.rpartition(':')[2]}.py"
    path.write_text(block.text, encoding="utf-8")
    is_suite = re.search(r"^def test_", block.text, re.MULTILINE)
    return [Command(f"python -m pytest {path.name}" if is_suite else f"python {path.name}")]


def _environment(binaries: Path) -> dict[str, str]:
    # What pytest and a terminal leave behind would change what commands do and print.
    kept = {key: value for key, value in UNHURRIED.items() if not key.startswith("PYTEST")}
    kept.pop("COLUMNS", None)
    kept.pop("PYTHONPATH", None)
    return {**kept, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
