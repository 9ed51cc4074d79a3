"""``kernelfuzz fuzz``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from kernelfuzz.cli.console import (
    CLEAN,
    COUNT,
    FINDINGS,
    INFRASTRUCTURE,
    INTERRUPTED,
    SEED,
    UNAVAILABLE,
    USAGE,
    Cluster,
    Drawing,
    Duration,
    Problem,
    category_option,
    engine_options,
    jobs_option,
    json_option,
    say,
    sentence,
    stopped_by_terminate,
)
from kernelfuzz.cli.fuzz_display import Display, display, say_next, table
from kernelfuzz.devices import HOST_TARGET, TARGETS
from kernelfuzz.oracles.table import ORACLES

if TYPE_CHECKING:
    from kernelfuzz.campaign import CampaignPlan, CampaignSummary
    from kernelfuzz.findings.known import Known


# What ``--known`` takes instead of a file.
_NOTHING = "none"


class OracleName(click.Choice[str]):
    """One of the oracles that the table has when it is asked for."""

    @property
    def choices(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return tuple(ORACLES)

    @choices.setter
    def choices(self, names: tuple[str, ...]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Click sets those that it is made with."""


@click.command(short_help="Search for bugs in Warp's code generator.")
@click.option("--time", "seconds", type=Duration(), metavar="TIME", help="How long: 90s, 10m, 2h. Default: 1m.")
@click.option("--examples", type=COUNT, help="How many kernels to judge, instead of a time.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="The same seed draws the same kernels.")
@jobs_option("auto", "How many processes work; what is found is the same for any number.")
@click.option(
    "--oracle",
    "oracles",
    multiple=True,
    type=OracleName(()),
    help="What to check. Repeatable; default: everything.",
)
@category_option("A category to draw from. Repeatable; default: ten categories, in turn.")
@click.option("--without", multiple=True, metavar="FEATURE", help="A feature that no kernel may have. Repeatable.")
@click.option(
    "--device",
    "targets",
    multiple=True,
    type=click.Choice(TARGETS),
    default=tuple(HOST_TARGET.values()),
    show_default="cpu and cuda-host",
    help="Where kernels run; cuda-host is the code for CUDA, run on the CPU. Repeatable.",
)
@click.option(
    "--output",
    default="findings",
    show_default=True,
    metavar="DIR",
    help="Where findings go; made if needed.",
)
@click.option(
    "--known",
    multiple=True,
    metavar="FILE",
    help="Findings that are known besides the bugs that kernelfuzz knows: a known.json, or a folder of findings. "
    "Repeatable. 'none': no bug is known.",
)
@click.option(
    "--programs",
    default=32,
    show_default=True,
    type=click.IntRange(min=0),
    metavar="N",
    help="One program of several kernels is judged for so many kernels; 0: none.",
)
@engine_options
@json_option("Print what came of it as one JSON object.")
def fuzz(jobs: int, output: str, known: tuple[str, ...], cluster: Cluster | None, as_json: bool, **asked: Any) -> int:
    """Draw kernels, check what Warp makes of them, and write a small reproducer for every bug found.

    Each finding gets a folder in DIR with a script that needs only Warp. Ctrl-C ends the search and keeps
    what was found. The exit code is 1 where there is a new finding, or a failure that was not examined, as
    many that look like it brought nothing new. What its script does not show, run alone, is written into
    DIR/unconfirmed and does not count. Where control kernels do not pass, nothing is reported and the exit
    code is 4.

    \b
    Examples:
      kernelfuzz fuzz --time 10m --jobs auto
      kernelfuzz fuzz --examples 1000 --seed 7 --oracle value --device cpu --without tile
    """
    if asked["seconds"] is not None and asked["examples"] is not None:
        raise click.UsageError("--time and --examples exclude each other; drop one of the two")
    if _NOTHING in known and len(known) > 1:
        raise click.UsageError("--known none and --known FILE exclude each other; drop one of the two")
    with stopped_by_terminate():
        with display() as show:
            show.prepare("loading the grammar and the oracles")
            plan = _plan(asked, output, known)
            show.plan(plan)
            _check_devices(plan.checks.targets)
            with _writable(output):
                try:
                    summary = _run(plan, jobs, cluster, show)
                except KeyboardInterrupt:
                    # A second one: the first ends the campaign, which has a summary then.
                    raise Problem(f"interrupted; what is in {output} is kept.", INTERRUPTED) from None
        _show(summary, as_json)
    if sys.stderr.isatty() and not summary.interrupted:
        say_next(summary, plan, known)
    return _exit_code(summary)


def _plan(asked: Mapping[str, Any], output: str, known: tuple[str, ...]) -> CampaignPlan:
    """The plan of the options.  Raises a usage error, and Problem where the known findings cannot be read."""
    options = Drawing(asked["categories"], exclude=asked["without"]).check()
    from kernelfuzz.campaign import CampaignPlan
    from kernelfuzz.findings.recognised import BUGS
    from kernelfuzz.oracles.request import Checks

    oracles, targets = (tuple(dict.fromkeys(asked[name])) for name in ("oracles", "targets"))
    seconds, examples = asked["seconds"], asked["examples"]
    return CampaignPlan(
        options,
        Checks(oracles or tuple(ORACLES), targets),
        seed=asked["seed"],
        examples=examples,
        seconds=60.0 if examples is None and seconds is None else seconds,
        known=_known(known),
        bugs=() if _NOTHING in known else BUGS,
        output=output,
        programs=asked["programs"],
    )


def _known(paths: tuple[str, ...]) -> Known:
    from kernelfuzz.findings.known import Known, KnownError, load_known
    from kernelfuzz.findings.recognised import RECOGNISED

    if _NOTHING in paths:
        return Known()
    try:
        return sum(map(load_known, paths), RECOGNISED)
    except KnownError as error:
        raise Problem(f"--known: {error}.", USAGE) from None


@contextlib.contextmanager
def _writable(directory: str) -> Iterator[None]:
    """Make the directory, to know before all the work whether it can be; gone again if nothing is in it."""
    made = not os.path.isdir(directory)
    try:
        os.makedirs(directory, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(0, "Permission denied")
    except OSError as error:
        reason = error.strerror or str(error)
        raise Problem(
            f"cannot write in {directory} ({reason}): give --output a directory that can be written.", USAGE
        ) from None
    try:
        yield
    finally:
        if made:
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def _check_devices(targets: tuple[str, ...]) -> None:
    """Raises Problem where there is no GPU for a target that needs one."""
    if "cuda" not in targets:
        return
    from kernelfuzz import workers

    try:
        devices = workers.call(cuda_devices, timeout=120.0)
    except workers.WorkerError as error:
        raise Problem(f"the process that looked for a GPU {error}.", UNAVAILABLE) from None
    if not devices:
        raise Problem("--device cuda needs a GPU and Warp sees none: drop it.", UNAVAILABLE)


def cuda_devices() -> int:
    """How many GPUs Warp sees; runs in a worker."""
    from kernelfuzz.toolchain import compat

    with compat.isolated():
        import warp as wp

        return len(wp.get_cuda_devices())


def _run(plan: CampaignPlan, jobs: int, cluster: Cluster | None, show: Display) -> CampaignSummary:
    from kernelfuzz import campaign

    if cluster is None:
        return campaign.fuzz(plan, jobs=jobs, on_progress=show)
    from kernelfuzz.ray_pool import ClusterUnavailable, RayPool

    def on_cluster(on_wait: Callable[[], None]) -> RayPool:
        return RayPool(cluster.address, jobs, limited=True, on_wait=on_wait)

    try:
        return campaign.fuzz(plan, on_progress=show, pool=on_cluster)
    except ClusterUnavailable as error:
        raise Problem(f"{error}.", INFRASTRUCTURE) from None


def _show(summary: CampaignSummary, as_json: bool) -> None:
    """The table to stdout or, where that has the JSON, to stderr."""
    from rich.console import Console

    if as_json:
        click.echo(json.dumps(summary.to_dict()))
    Console(stderr=as_json, highlight=False).print(table(summary), soft_wrap=True)
    for fault in summary.faults:
        say(sentence(f"a fault in kernelfuzz, please report it: {' '.join(fault.split())}"))
    if summary.interrupted:
        say("interrupted; what was found is kept.")


def _exit_code(summary: CampaignSummary) -> int:
    if summary.interrupted:
        return INTERRUPTED
    # What was not examined may be a new bug as well: that is no clean end.
    programs = any(not found.why for found in summary.program_findings)
    if summary.findings or summary.unexamined or programs:
        return FINDINGS
    if summary.judged <= summary.lost:
        reasons = ", ".join(reason for reason, _ in summary.skipped.most_common(1))
        reasons = reasons or ("each ended its process" if summary.lost else "")
        raise Problem(f"no kernel was judged{f' ({reasons})' if reasons else ''}.", INFRASTRUCTURE)
    return CLEAN
