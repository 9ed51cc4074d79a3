"""``kernelfuzz corpus``."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from kernelfuzz.cli.console import (
    COUNT,
    INFRASTRUCTURE,
    INTERRUPTED,
    SEED,
    USAGE,
    Cluster,
    Drawing,
    PositiveNumber,
    Problem,
    category_option,
    drawing_options,
    engine_options,
    jobs_option,
    json_option,
    needing,
    progress_bar,
    say,
    stopped_by_terminate,
)
from kernelfuzz.devices import DEVICES, Device

if TYPE_CHECKING:
    from kernelfuzz.corpus.corpus_plan import Part, Plan
    from kernelfuzz.corpus.directory import Store
    from kernelfuzz.corpus.engines import Engine
    from kernelfuzz.corpus.produce import Summary
    from kernelfuzz.strategies.options import Options

_COUNT = 1000


@click.command(short_help="Make a corpus of kernels with their generated code.")
@click.option("--count", type=COUNT, help=f"How many kernels to draw.  [default: {_COUNT}]")
@click.option(
    "--target-mb",
    type=PositiveNumber(),
    metavar="MB",
    help="Instead of a count: megabytes of rows for each device, before compression.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=SEED,
    help="The same seed gives the same corpus.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    type=click.Choice(DEVICES),
    default=DEVICES,
    show_default="both",
    help="Whose code to generate; no GPU is needed. Repeatable.",
)
@click.option("--output", required=True, metavar="DIR", help="Where the corpus goes; made if missing.")
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the corpus in DIR, which must be there; without it, go on if there is one.",
)
@click.option("--overwrite", is_flag=True, help="Replace the corpus in DIR.")
@category_option("A category to draw from. Repeatable; default: ten categories.")
@click.option(
    "--balanced/--natural",
    default=True,
    show_default=True,
    help="As many kernels of each category, or whatever comes.",
)
@drawing_options
@click.option(
    "--scope",
    type=click.Choice(("kernel", "module", "both")),
    default="kernel",
    show_default=True,
    help="The code of a row: the kernel's own functions, the whole module, or both.",
)
@click.option("--no-backward", is_flag=True, help="Leave the adjoints out.")
@click.option("--ptx", is_flag=True, help="Add what NVRTC makes of the code for CUDA, as PTX for sm_90.")
@click.option("--cubin", is_flag=True, help="The same as a binary, in base64.")
@click.option("--execute", is_flag=True, help="Launch every kernel; add inputs, and outputs checked by the reference.")
@click.option("--warp-symbols", is_flag=True, help="Leave Warp's hashes in the names of the generated code.")
@click.option("--old-keys", is_flag=True, help="Add cpp_forward, cuda_forward ... as older pipelines have them.")
@click.option(
    "--format",
    type=click.Choice(("jsonl", "json", "parquet")),
    default="jsonl",
    show_default=True,
    help="Compressed JSON lines, one JSON file for each pair, or Parquet.",
)
@jobs_option("1", "How many processes work; the corpus is the same for any number.")
@click.option("--shard-index", type=click.IntRange(min=0), default=0, help="Which part this run makes, from 0.")
@click.option(
    "--shard-count",
    type=click.IntRange(min=1),
    default=1,
    help="How many parts; the run that makes the last shard finishes the corpus.",
)
@engine_options
@json_option("Print what came of it as one JSON object.")
def corpus(
    output: str,
    resume: bool,
    overwrite: bool,
    jobs: int,
    cluster: Cluster | None,
    drawing: Drawing,
    as_json: bool,
    **options: Any,
) -> None:
    """Draw kernels and write each with the code that Warp generates from it.

    DIR opens with datasets.load_dataset: data/ has the rows, README.md the card. It is a pure function of the
    options and of the versions of kernelfuzz and Warp. A run that is killed loses the shards under way; the
    same command goes on where it was. Without --json, the path of DIR is printed.

    \b
    Examples:
      kernelfuzz corpus --count 1000 --seed 0 --output corpus
      kernelfuzz corpus --target-mb 200 --execute --format parquet --jobs auto --output corpus
    """
    index, count = options.pop("shard_index"), options.pop("shard_count")
    _check_parts(index, count, options["target_mb"])
    checked = drawing.check()
    if drawing.categories and not options["balanced"]:
        raise click.UsageError("--category has no meaning with --natural; drop one of the two")
    if not output:
        raise Problem("--output is empty: give it the name of a directory.", USAGE)
    if os.path.exists(output) and not os.path.isdir(output):
        raise Problem(f"{output} is a file: give --output a directory.", USAGE)
    with needing("corpus"):
        from kernelfuzz.corpus.corpus_plan import Part
        from kernelfuzz.corpus.directory import Store
        from kernelfuzz.corpus.produce import Summary

        plan, store, part = _plan(checked, options), Store(output), Part(index, count)
    with stopped_by_terminate(), _at_work(store, plan, part, resume, overwrite) as complete:
        if complete:
            summary = Summary(manifest=store.manifest())
            say(f"{output} is complete already.")
        else:
            summary = _produce(plan, store, _engine(cluster, plan, jobs), part)
    click.echo(json.dumps(summary.to_dict()) if as_json else output)
    if not complete:
        _report(summary, plan)


def _check_parts(index: int, count: int, target_mb: float | None) -> None:
    if index >= count:
        raise click.UsageError(f"--shard-index {index} needs a --shard-count of at least {index + 1}")
    if count > 1 and target_mb is not None:
        raise click.UsageError("--shard-count needs --count: what makes --target-mb full is not known beforehand")


def _plan(checked: Options, asked: dict[str, Any]) -> Plan:
    """The plan: what else was asked has the names of its fields, but for two.  Raises a usage error."""
    from kernelfuzz.corpus.corpus_plan import Plan

    if asked["count"] is None and asked["target_mb"] is None:
        asked["count"] = _COUNT
    elif asked["count"] is not None and asked["target_mb"] is not None:
        raise click.UsageError("give --count or --target-mb, not both")
    chosen = asked.pop("devices")
    devices: tuple[Device, ...] = tuple([device for device in DEVICES if device in chosen])
    if (asked["ptx"] or asked["cubin"]) and "cuda" not in devices:
        raise click.UsageError("--ptx and --cubin are made of the code for cuda: add --device cuda")
    return Plan(checked, devices, backward=not asked.pop("no_backward"), **asked)


@contextlib.contextmanager
def _at_work(store: Store, plan: Plan, part: Part, resume: bool, overwrite: bool) -> Iterator[bool]:
    """The directory, ready for the run until the end; whether there is nothing left to do."""
    from kernelfuzz.corpus.directory import AtWork, WrongCorpus, at_work

    output = store.directory
    with contextlib.ExitStack() as stack:
        try:
            if resume and store.manifest() is None:
                raise Problem(f"{output} holds no corpus to go on with: drop --resume.", USAGE)
            complete = stack.enter_context(at_work(store, plan, part, overwrite=overwrite))
            if complete:
                store.sweep()
        except AtWork as error:
            raise Problem(f"{error}: wait until it ends, or give another --output.", INFRASTRUCTURE) from None
        except WrongCorpus as error:
            raise Problem(f"{error}.", USAGE) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise Problem(
                f"cannot write in {output} ({reason}): give --output a directory that can be written.",
                INFRASTRUCTURE if error.errno == errno.ENOSPC else USAGE,
            ) from None
        yield complete


def _engine(cluster: Cluster | None, plan: Plan, jobs: int) -> Engine:
    from kernelfuzz.corpus.engines import here, on_ray, processes

    if cluster is not None:
        return on_ray(cluster.address, jobs)
    # Compilers, and what they built, run in a process of their own: they may crash.
    compiled = plan.execute or plan.ptx or plan.cubin
    return here if jobs == 1 and not compiled else processes(jobs)


def _produce(plan: Plan, store: Store, engine: Engine, part: Part) -> Summary:
    from kernelfuzz.corpus.corpus_plan import command_of
    from kernelfuzz.corpus.merge import MergeFailed
    from kernelfuzz.corpus.produce import NothingMade, produce
    from kernelfuzz.corpus.shard import Damaged
    from kernelfuzz.ray_pool import ClusterUnavailable

    try:
        total = None if plan.count is None else plan.count // part.count
        with progress_bar("kernels", total) as progress:
            return produce(plan, store, engine=engine, part=part, command=command_of(plan), progress=progress)
    except NothingMade as error:
        store.remove()
        raise Problem(f"{error}; no corpus was written.", INFRASTRUCTURE) from None
    except Damaged as error:
        raise Problem(f"a shard in {store.shards} is damaged ({error}): {_kept(store)}.", INFRASTRUCTURE) from None
    except KeyboardInterrupt:
        raise Problem(f"interrupted; {_kept(store)}.", INTERRUPTED) from None
    except (ClusterUnavailable, MergeFailed) as error:
        raise Problem(f"{error}; {_kept(store)}.", INFRASTRUCTURE) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Problem(f"cannot write in {store.directory} ({reason}): {_kept(store)}.", INFRASTRUCTURE) from None


def _kept(store: Store) -> str:
    """What becomes of the work of a run that is cut short."""
    if store.has_shards():
        return "what is made is kept, and the same command goes on"
    return "nothing was made yet"


def _report(summary: Summary, plan: Plan) -> None:
    from kernelfuzz.corpus.produce import one_line

    rate = summary.pairs / summary.seconds
    had = f", {summary.resumed} of them from before" if summary.resumed else ""
    say(
        f"{summary.pairs} pairs of {summary.kernels} kernels{had} "
        f"in {summary.seconds:.1f} s, {rate:.1f} pairs per second."
    )
    if summary.manifest is None:
        say("other parts are not made yet; the run that makes the last shard finishes the corpus.")
    else:
        manifest = summary.manifest
        rows = ", ".join(f"{sum(devices.values())} {split}" for split, devices in manifest["rows"].items())
        say(f"{manifest['kernels']} distinct kernels in {manifest['clusters']} clusters; rows: {rows}.")
    if summary.first_missing is not None:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.failures.items()))
        total = sum(summary.failures.values())
        asked = summary.pairs + total
        say(f"{total} of {asked} pairs are missing ({kinds}); the first is {one_line(summary.first_missing)}")
