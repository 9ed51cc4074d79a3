"""What the commands share: exit codes, problems, highlighted text, and the options that draw a kernel.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from kernelfuzz.strategies.options import Options
    from kernelfuzz.toolchain import KernelCode, Lowering

CLEAN, FINDINGS, USAGE, INFRASTRUCTURE, UNAVAILABLE = range(5)

Command = TypeVar("Command", bound=Callable[..., Any])


def sentence(text: str) -> str:
    """The text with one mark at its end: its own, as of a question, or a full stop."""
    text = text.rstrip(".")
    return text if text.endswith(("?", "!", ":")) else f"{text}."


class Problem(Exception):
    """An end of the command that is not success: one sentence for the user, and the exit code."""

    def __init__(self, message: str, code: int) -> None:
        # What a message quotes at its end may be a sentence already; a quoted line of code gets no mark.
        super().__init__(sentence(message) if message.endswith(".") else message)
        self.code = code


@contextlib.contextmanager
def needing(extra: str) -> Iterator[None]:
    """What is imported here comes with an extra: where it is missing, say how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "kernelfuzz":
            raise
        raise Problem(
            f"this needs {error.name}, which is not installed: it comes with kernelfuzz[{extra}], "
            f"in a checkout by pip install '.[{extra}]'.",
            USAGE,
        ) from None


def say(message: str) -> None:
    """A message to the user."""
    click.echo(f"kernelfuzz: {message}", err=True)


def show_code(text: str, language: str) -> None:
    """Code to stdout: highlighted on a terminal, and exactly as it is otherwise."""
    text = text.rstrip("\n") + "\n"
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.syntax import Syntax

    highlighted = Syntax("", language, background_color="default").highlight(text)
    # Long lines run on, as without a terminal: nothing is cut off or broken up.
    Console(highlight=False).print(highlighted, end="", soft_wrap=True)


def language_of(device: str) -> str:
    """The name that the highlighter has for the generated code of a device."""
    return "cuda" if device == "cuda" else "cpp"


def code_text(code: KernelCode) -> str:
    """The generated code of one kernel, with the structs and functions that it needs, in one text."""
    parts = [*code.structs, *code.functions, code.forward, code.backward or ""]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def module_text(lowering: Lowering) -> str:
    """The generated code of every kernel of a lowering; what several need comes once."""
    seen: dict[str, None] = {}
    for kernel in lowering.kernels:
        seen.update(dict.fromkeys((*kernel.structs, *kernel.functions)))
    for kernel in lowering.kernels:
        seen.update(dict.fromkeys((kernel.forward, kernel.backward or "")))
    return "\n\n".join(part.strip("\n") for part in seen if part) + "\n"


# ---------------------------------------------------------------------------------- kinds of options

# More than anybody has time for; what a corpus divides into shards must stay small enough for one.
COUNT = click.IntRange(min=1, max=10**12)


class PositiveNumber(click.FloatRange):
    """A number above zero; neither NaN, which no limit excludes, nor infinity is one."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number above 0.", param, ctx)
        return number


# ------------------------------------------------------------------------- options that draw a kernel

_DRAWING = (
    click.option(
        "--size",
        default="medium",
        show_default=True,
        metavar="small|medium|large|N",
        help="How many statements: a name, or a number up to 1000.",
    ),
    click.option(
        "--profile",
        default="default",
        show_default=True,
        metavar="default|realistic",
        help="What kernels look like: as varied as can be, or with the frequencies of published Warp code.",
    ),
    click.option("--include", multiple=True, metavar="FEATURE", help="A feature every kernel must have. Repeatable."),
    click.option("--exclude", multiple=True, metavar="FEATURE", help="A feature no kernel may have. Repeatable."),
)


def drawing_options(command: Command) -> Command:
    """The options that say what kernels may be drawn."""
    for option in reversed(_DRAWING):
        command = option(command)
    return command


def _size(text: str) -> str | int:
    """A number of statements; what is none, or has more digits than Python reads, as it is."""
    with contextlib.suppress(ValueError):
        if text.removeprefix("-").isdecimal():
            return int(text)
    return text


def checked_options(
    categories: tuple[str, ...], size: str, profile: str, include: tuple[str, ...], exclude: tuple[str, ...]
) -> Options:
    """The options as the strategies take them.  Raises a usage error with a sentence."""
    from kernelfuzz.strategies.options import InvalidOption, check_options

    try:
        options = check_options(
            categories=categories or None,
            size=_size(size),
            profile=profile,
            include=include,
            exclude=exclude,
        )
    except InvalidOption as error:
        raise click.UsageError(str(error)) from None
    if categories and profile == "realistic":
        raise click.UsageError("--category has no meaning with --profile realistic; drop one of the two")
    return options
