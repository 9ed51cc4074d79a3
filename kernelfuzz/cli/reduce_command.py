"""``kernelfuzz reduce``: anybody's failing kernel file made small."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from kernelfuzz.cli.console import (
    CLEAN,
    INFRASTRUCTURE,
    USAGE,
    Duration,
    Jobs,
    PositiveNumber,
    Problem,
    say,
    stopped_by_terminate,
)
from kernelfuzz.cli.lower_command import home_of, read_source
from kernelfuzz.cli.named_kernels import is_named, read_named

if TYPE_CHECKING:
    from kernelfuzz.reduce.source import Progress, Question

_INTERRUPTED = 128 + 2


@click.command("reduce", short_help="Make a failing file of yours small.")
@click.argument("file")
@click.option("--kernel", metavar="NAME", help="The kernel that fails; it stays. Default: any.")
@click.option(
    "--fails",
    "stage",
    type=click.Choice(("lowering", "cpu", "ptx")),
    help="Keep that Warp generates no code, or that clang (cpu) or NVRTC (ptx) does not take it, with the "
    "same message.",
)
@click.option(
    "--test",
    "command",
    metavar="COMMAND",
    help="Keep that this shell command ends with status 0. It runs in a fresh directory that has the file; "
    "the path of the file is $1 and, of a simple command, the last argument.",
)
@click.option("--output", metavar="PATH", help="Where the result goes. Default: FILE with .reduced.py in place of .py.")
@click.option(
    "--jobs",
    default="1",
    show_default=True,
    type=Jobs(),
    metavar="N|auto",
    help="How many candidates are tried side by side; the result is the same for any number.",
)
@click.option("--time", "seconds", type=Duration(), metavar="TIME", help="When to stop: 90s, 10m, 2h. Default: never.")
@click.option(
    "--timeout",
    type=PositiveNumber(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="What one try may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as one JSON object.")
def reduce(
    file: str,
    kernel: str | None,
    stage: str | None,
    command: str | None,
    output: str | None,
    as_json: bool,
    **limits: Any,
) -> int:
    """Make a Python file small that Warp, a compiler or a test of yours fails on.

    What is kept is the failure of the original: its kind and its message, or the status of COMMAND. FILE
    itself stays as it is; it may be PACKAGE.MODULE:KERNEL, and a file of that kernel alone with what it needs is made
    small then. The smallest file so far is in PATH at any time. The same command goes on where an
    earlier one was stopped: PATH.state has what was tried.

    The module code of FILE, and of what is made of it, is run in processes of its own with a timeout. That
    is no sandbox: give it only files that you would run.

    \b
    Examples:
      kernelfuzz reduce kernels.py --kernel step --fails lowering
      kernelfuzz reduce kernels.py --test ./still_wrong.sh --jobs auto --time 10m
    """
    if (stage is None) == (command is None):
        raise click.UsageError("say what to keep: either --fails or --test COMMAND")
    text, file, kernel = _read(file, kernel, limits["timeout"])
    target = _target(file, output)
    _check(text, file, kernel)
    question = _question(file, kernel, stage, command)
    started = time.monotonic()
    result = _run(text, file, target, question, kernel, limits)
    from kernelfuzz.reduce.source import measure

    before = measure(text)
    facts = {
        "original_lines": len(text.splitlines()),
        "lines": len(result.text.splitlines()),
        "original_nodes": before.nodes,
        "nodes": result.size.nodes,
        "tries": result.tries,
        "minimal": result.minimal,
        "seconds": round(time.monotonic() - started, 3),
        "output": target,
    }
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(target)
        left = f"{facts['nodes']} of {facts['original_nodes']} nodes"
        say(f"{left} are left, in {facts['lines']} lines, after {result.tries} tries.")
    if not result.text:
        say("--test passes for an empty file too: it does not depend on what is in the file.")
    if not result.minimal:
        say("the time was over before nothing smaller was left; the same command goes on from here.")
    return CLEAN


# ------------------------------------------------------------------------------------- what is asked


def _read(file: str, kernel: str | None, timeout: float) -> tuple[str, str, str | None]:
    """The text of a file, or of a kernel of a module alone; the name of the file and that of the kernel."""
    if not is_named(file):
        return read_source(file), file, kernel
    if kernel is not None:
        raise click.UsageError("--kernel goes with a file: PACKAGE.MODULE:KERNEL names the kernel")
    text, name = read_named(file, timeout)
    return text, f"{name}.py", name


def _target(file: str, output: str | None) -> str:
    """The path of the result.  Raises Problem where it cannot be written, or is the input."""
    target = output or f"{file.removesuffix('.py')}.reduced.py"
    if os.path.isdir(target):
        raise Problem(f"{target} is a directory: give --output the path of a file.", USAGE)
    if os.path.exists(target) and os.path.samefile(file, target):
        raise Problem(f"--output is {file} itself, which is kept: give another path.", USAGE)
    directory = os.path.dirname(os.path.abspath(target))
    try:
        tempfile.TemporaryFile(dir=directory).close()
    except OSError:
        raise Problem(
            f"cannot write in {directory}: give --output a path in a directory that can be written.", USAGE
        ) from None
    return target


def _check(text: str, file: str, kernel: str | None) -> None:
    from kernelfuzz.reduce.source import has_kernel, parsed

    try:
        parsed(text)
        found = kernel is None or has_kernel(text, kernel)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        raise Problem(f"{file}{where}: this is not Python: {error.msg}.", USAGE) from None
    if not found:
        raise Problem(f"{file} has no kernel {kernel!r}: --kernel takes the name of a @wp.kernel.", USAGE)


def _question(file: str, kernel: str | None, stage: Any, command: str | None) -> Question:
    from kernelfuzz.reduce.source import Command, Fails

    if command is None:
        return Fails(stage, kernel, *home_of(file))
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise click.UsageError(f"--test is no shell command: {error}") from None
    if not words:
        raise click.UsageError("--test is empty: give a shell command")
    # It runs somewhere else.
    if os.sep in words[0] and os.path.exists(words[0]):
        command = command.replace(words[0], shlex.quote(os.path.abspath(words[0])), 1)
    return Command(command, os.path.basename(file))


# ------------------------------------------------------------------------------------------ the work


def _run(text: str, file: str, target: str, question: Question, kernel: str | None, limits: dict[str, Any]) -> Progress:
    from kernelfuzz.reduce.source import Limits, NotInteresting, reduce_source
    from kernelfuzz.reduce.source.question import write_whole

    try:
        with stopped_by_terminate(), _progress() as show:
            return reduce_source(
                text,
                question,
                kernel=kernel,
                limits=Limits(**limits),
                state=f"{target}.state",
                on_better=lambda better: write_whole(target, better),
                on_progress=show,
            )
    except NotInteresting as found:
        raise _not_interesting(found.answer, file, question) from None
    except KeyboardInterrupt:
        kept = f"the smallest file so far is {target}" if os.path.exists(target) else "nothing was written"
        raise Problem(f"interrupted; {kept}.", _INTERRUPTED) from None


def _not_interesting(answer: str, file: str, question: Question) -> Problem:
    from kernelfuzz.reduce.source import Command

    if answer.startswith("the process "):
        return Problem(f"{file}: {answer}; --timeout gives it more time.", INFRASTRUCTURE)
    if isinstance(question, Command):
        return Problem(f"the original, {file}, does not pass --test: it ends with {answer}.", USAGE)
    which = f"{file} (kernel {question.kernel})" if question.kernel else file
    before, _, reason = answer.rstrip(".").partition(": ")
    if "ImportError:" in reason or "ModuleNotFoundError:" in reason:
        return Problem(f"the original, {which}, cannot be imported: {reason}.", USAGE)
    if reason.startswith("SystemExit"):
        sentence = f"{which} ends its process when it is run: put that under `if __name__ == '__main__':`."
        return Problem(f"the original, {sentence}", USAGE)
    if before in ("lowering codegen", "lowering process"):
        reason = f"its lowering does ({reason}): give --fails lowering"
    reason = reason or "nothing fails"
    return Problem(f"the original, {which}, does not fail at {question.stage}: {reason}.", USAGE)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[Progress], None] | None]:
    """How small it is, live, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        last = 0.0

        def show(now: Progress) -> None:
            nonlocal last
            if time.monotonic() - last >= 0.25:
                last = time.monotonic()
                lines = len(now.text.splitlines())
                state = f"{lines} lines, {now.size.nodes} nodes; {now.tries} tries; now: {now.now}"
                live.update(Text(state), refresh=True)

        yield show
