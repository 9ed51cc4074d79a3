"""The command line.  Commands import what they need when they run, so that ``--help`` is quick."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

import click

from kernelfuzz import __version__
from kernelfuzz.cli.bisect_command import bisect
from kernelfuzz.cli.compare_command import compare
from kernelfuzz.cli.console import INFRASTRUCTURE, UNAVAILABLE, USAGE, Problem, say, sentence
from kernelfuzz.cli.corpus_command import corpus
from kernelfuzz.cli.fuzz_command import fuzz
from kernelfuzz.cli.lower_command import lower
from kernelfuzz.cli.reduce_command import reduce
from kernelfuzz.cli.replay_command import replay
from kernelfuzz.cli.show_command import show
from kernelfuzz.cli.stats_command import stats
from kernelfuzz.cli.validate_command import validate

_EXIT_CODES = """\b
Exit codes:
  0  done, nothing found
  1  findings, or failures not examined; a kernel that Warp gets wrong; a bug still there
  2  the command or its input is wrong
  3  the work could not be done: a worker crashed or hung, another run is at work, a disk is full
  4  the device or the installed Warp release cannot be used
"""


def _versions() -> str:
    try:
        warp = f"warp-lang {installed_version('warp-lang')}"
    except PackageNotFoundError:
        warp = "no warp-lang"
    return f"kernelfuzz {__version__} ({warp}, Python {platform.python_version()})"


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXIT_CODES,
)
@click.version_option(message=_versions())
@click.pass_context
def cli(context: click.Context) -> None:
    """Random typed kernels for NVIDIA Warp, and the C++ and CUDA that Warp makes of them.

    \b
    Search for bugs in Warp's code generator:
      kernelfuzz fuzz --time 10m
    Make a corpus of pairs of Python source and generated code:
      kernelfuzz corpus --count 1000 --seed 0 --device cpu --device cuda --output corpus
    Look at one kernel:
      kernelfuzz show --seed 0 --index 7 --device cuda
    The code that Warp generates for your own kernels:
      kernelfuzz lower kernels.py --device cuda
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


cli.add_command(fuzz)
cli.add_command(corpus)
cli.add_command(stats)
cli.add_command(validate)
cli.add_command(show)
cli.add_command(lower)
cli.add_command(reduce)
cli.add_command(compare)
cli.add_command(replay)
cli.add_command(bisect)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = cli.main(arguments, prog_name="kernelfuzz", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "kernelfuzz"
        say(f"{sentence(error.format_message())}\nSee '{command} --help'.")
        return USAGE
    except Problem as problem:
        say(str(problem))
        return problem.code
    except (click.Abort, KeyboardInterrupt):
        say("interrupted; nothing was written.")
        return 128 + 2
    except (BrokenPipeError, SystemExit):
        # Whoever read the output has enough; click makes an exit of that.  Python would complain again when
        # it closes stdout.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    from kernelfuzz.toolchain.compat import UnsupportedWarp

    if isinstance(error, UnsupportedWarp):
        say(str(error))
        # With another folder the same command works.
        return INFRASTRUCTURE if error.of_a_folder else UNAVAILABLE
    if os.environ.get("KERNELFUZZ_TRACEBACK"):
        raise error
    if isinstance(error, OSError):
        say(sentence(f"the system said: {error}"))
    else:
        name = type(error).__name__
        say(f"a fault in kernelfuzz, please report it: {name}: {error} (KERNELFUZZ_TRACEBACK=1 shows where).")
    return INFRASTRUCTURE


__all__ = ["cli", "main"]
