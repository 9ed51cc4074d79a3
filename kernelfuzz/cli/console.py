"""What the commands share: exit codes, problems, highlighted text, progress, and the options of several commands.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import contextlib
import functools
import math
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from kernelfuzz.strategies.options import Options
    from kernelfuzz.toolchain import KernelCode, Lowering

CLEAN, FINDINGS, USAGE, INFRASTRUCTURE, UNAVAILABLE = range(5)
INTERRUPTED = 128 + signal.SIGINT

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


# ------------------------------------------------------------------------------------- while it runs


@contextlib.contextmanager
def stopped_by_terminate() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does, so that it too leaves nothing half-written.

    Only the first: it is often sent to a process and again to its group, and what is done about it must come to its
    end.  A second Ctrl-C, which a person sends, ends the command where it is.
    """
    told = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if not told:
            told = True
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread, which no signal interrupts
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def progress_bar(what: str, total: int | None = None, *, timed: bool = True) -> Iterator[Callable[..., None] | None]:
    """A bar on a terminal, nothing elsewhere.

    The function takes how many are done and, where they change, how many there are and what.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn())
    remaining = (progress.TimeRemainingColumn(),) if timed else ()
    with progress.Progress(*columns, *remaining, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def show(done: int, total: int | None = None, what: str | None = None) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show


# ---------------------------------------------------------------------------------- kinds of options

# A corpus has its seed in a column of 64 bits, and ``show`` prints what a corpus or a campaign has.
SEED = click.IntRange(-(2**63), 2**63 - 1)

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


# More processes than that are a mistake: each imports Warp.
_MOST_JOBS = 1024


class Jobs(click.ParamType[int]):
    """A number of processes, or ``auto`` for one per processor."""

    name = "jobs"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "auto":
            from kernelfuzz.workers import available_cpus

            return available_cpus()
        try:
            jobs = int(value)
        except ValueError:
            jobs = 0
        if not 1 <= jobs <= _MOST_JOBS:
            self.fail(f"{value!r} is neither a number from 1 to {_MOST_JOBS} nor 'auto'.", param, ctx)
        return jobs


# Seconds of a year.
_LONGEST = 366 * 86400.0

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """A time such as ``90``, ``90s``, ``10m`` or ``1.5h``, as a number of seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip())
        seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
        if not 0 < seconds <= _LONGEST:
            self.fail(
                f"{value!r} is no time: give seconds, or a number with s, m or h, such as 10m, up to a year.",
                param,
                ctx,
            )
        return seconds


# -------------------------------------------------------------------------- options of several commands


def json_option(help: str = "Print everything as one JSON object.") -> Callable[[Command], Command]:
    return click.option("--json", "as_json", is_flag=True, help=help)


def jobs_option(default: str, help: str) -> Callable[[Command], Command]:
    return click.option("--jobs", default=default, show_default=True, type=Jobs(), metavar="N|auto", help=help)


def timeout_option(seconds: float, help: str) -> Callable[[Command], Command]:
    return click.option(
        "--timeout", type=PositiveNumber(), default=seconds, show_default=True, metavar="SECONDS", help=help
    )


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster that is to work: that at ``address``, or one of this machine's own."""

    address: str | None


def engine_options(command: Command) -> Command:
    """The options that say who works: the ``cluster`` of the command, None where that is this machine."""

    @functools.wraps(command)
    def with_cluster(engine: str, ray_address: str | None, **given: Any) -> Any:
        if engine == "local" and ray_address is not None:
            raise click.UsageError("--ray-address has a meaning with --engine ray only")
        if engine == "ray":
            with needing("ray"):
                import ray  # noqa: F401  # before anything is begun
        return command(cluster=Cluster(ray_address) if engine == "ray" else None, **given)

    where = click.option("--ray-address", metavar="ADDRESS", help="The Ray cluster; default: a local one of its own.")
    who = click.option(
        "--engine", type=click.Choice(("local", "ray")), default="local", show_default=True, help="Who works."
    )
    wrapped: Any = who(where(with_cluster))
    return wrapped


def category_option(help: str) -> Callable[[Command], Command]:
    return click.option("--category", "categories", multiple=True, metavar="CATEGORY", help=help)


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


@dataclass(frozen=True, slots=True)
class Drawing:
    """What kernels may be drawn, as the command line has it."""

    categories: tuple[str, ...] = ()
    size: str = "medium"
    profile: str = "default"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def check(self) -> Options:
        """The options as the strategies take them.  Raises a usage error with a sentence."""
        from kernelfuzz.strategies.options import InvalidOption, check_options

        try:
            options = check_options(
                categories=self.categories or None,
                size=_size(self.size),
                profile=self.profile,
                include=self.include,
                exclude=self.exclude,
            )
        except InvalidOption as error:
            raise click.UsageError(str(error)) from None
        if self.categories and self.profile == "realistic":
            raise click.UsageError("--category has no meaning with --profile realistic; drop one of the two")
        return options


def drawing_options(command: Command) -> Command:
    """The options that say what kernels may be drawn: with --category, the ``drawing`` of the command."""

    @functools.wraps(command)
    def with_drawing(**given: Any) -> Any:
        drawing = Drawing(**{each.name: given.pop(each.name) for each in fields(Drawing)})
        return command(drawing=drawing, **given)

    wrapped: Any = with_drawing
    for option in reversed(_DRAWING):
        wrapped = option(wrapped)
    return wrapped


def _size(text: str) -> str | int:
    """A number of statements; what is none, or has more digits than Python reads, as it is."""
    with contextlib.suppress(ValueError):
        if text.removeprefix("-").isdecimal():
            return int(text)
    return text
