"""The rows of one shard: a pure function of the plan, so it does not matter who makes it, or how often."""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kernelfuzz.corpus.build_row import Drawn, Extras, drawn, make_row, plain_symbols
from kernelfuzz.corpus.corpus_plan import Plan
from kernelfuzz.corpus.row import Row, Verified, encode, with_old_keys
from kernelfuzz.corpus.shard import Entry, Key, Made, Missing, encoded, entries_of, head_of
from kernelfuzz.devices import BuildTarget, Device
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.toolchain import Failure, Lowering, build, compat, lower_devices

# Which part of a row each compiler's output is.
_COMPILED: tuple[BuildTarget, ...] = ("ptx", "cubin")


@dataclass(slots=True)
class _Pair:
    """A kernel with its code for one device, on the way to being a row."""

    kernel: Drawn
    lowering: Lowering
    extras: Extras = field(default_factory=Extras)
    problem: Failure | str | None = None


def make_shard(plan: Plan, start: int, count: int) -> Made:
    """The shard of the kernels ``start`` to ``start + count - 1``.  Raises UnsupportedWarp."""
    # Imports and initialises Warp, before the clock starts.
    with compat.isolated():
        pass
    version = compat.version()
    started = time.perf_counter()
    missing: list[Missing] = []
    kernels = _drawn(plan, range(start, start + count), missing)
    pairs = list(_lowered(plan, kernels, missing))
    if plan.execute:
        _execute(pairs, plan.devices)
    if plan.ptx or plan.cubin:
        _compile(pairs, plan)
    entries: list[Entry] = []
    for pair in pairs:
        assert pair.kernel.index is not None
        if pair.problem is not None:
            missing.append(_missing(pair.kernel.index, pair.lowering.device, pair.problem))
            continue
        row = make_row(pair.kernel, pair.lowering, version, scope=plan.scope, extras=pair.extras)
        entries.append(Entry(Key(row.id, row.device, pair.kernel.sketch), _line(row, plan)))
    missing.sort(key=lambda each: each.index)
    head = head_of(start, count, entries, missing)
    data = encoded(head, entries)
    warp_seconds = sum(pair.lowering.warp_seconds for pair in pairs)
    return Made(data, head, time.perf_counter() - started, warp_seconds)


def lost_shard(plan: Plan, start: int, kind: str, message: str) -> Made:
    """The shard of one kernel that takes its process along."""
    missing = [Missing(start, device, kind, message) for device in plan.devices]
    head = head_of(start, 1, (), missing)
    return Made(encoded(head, ()), head, 0.0, 0.0)


def joined(shards: Sequence[Made]) -> Made:
    """Shards in a row as one."""
    entries = [entry for shard in shards for entry in entries_of(shard.data)]
    missing = [each for shard in shards for each in shard.head.missing]
    head = head_of(shards[0].head.start, sum(shard.head.count for shard in shards), entries, missing)
    work = sum(shard.work_seconds for shard in shards)
    return Made(encoded(head, entries), head, work, sum(shard.warp_seconds for shard in shards))


def _line(row: Row, plan: Plan) -> bytes:
    return encode(with_old_keys(row) if plan.old_keys else row)


def _drawn(plan: Plan, indices: Iterable[int], missing: list[Missing]) -> list[Drawn]:
    """The kernels that can be had.  One kind of work after the other, and all before the first is lowered: in
    turns with Warp, which leaves nothing of theirs in the processor's caches, they take a quarter longer."""
    picked: list[tuple[int, Kernel, str | None]] = []
    for index in indices:
        with _noted(plan, index, missing):
            picked.append((index, *plan.draw(index)))
    kernels: list[Drawn] = []
    for index, kernel, category in picked:
        with _noted(plan, index, missing):
            kernels.append(drawn(kernel, category, seed=plan.seed, index=index))
    return kernels


def _lowered(plan: Plan, kernels: Iterable[Drawn], missing: list[Missing]) -> Iterator[_Pair]:
    for kernel in kernels:
        assert kernel.index is not None
        results: dict[str, Lowering | Failure] = {}
        with _noted(plan, kernel.index, missing):
            results = lower_devices(kernel.source, plan.devices, backward=plan.backward)
        for device, result in results.items():
            if isinstance(result, Failure):
                missing.append(_missing(kernel.index, device, result))
            else:
                yield _Pair(kernel, result if plan.warp_symbols else plain_symbols(result))


@contextlib.contextmanager
def _noted(plan: Plan, index: int, missing: list[Missing]) -> Generator[None]:
    """A fault of ours in one kernel is noted, so that the summary names it, and the run goes on."""
    try:
        yield
    except compat.UnsupportedWarp:
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error} ({_place(error)})"
        missing += [Missing(index, device, "internal", message) for device in plan.devices]


def _missing(index: int, device: str, problem: Failure | str) -> Missing:
    if isinstance(problem, Failure):
        return Missing(index, device, problem.kind, problem.message)
    return Missing(index, device, "mismatch", problem)


def _place(error: BaseException) -> str:
    """Where an exception was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


def _execute(pairs: list[_Pair], devices: tuple[Device, ...]) -> None:
    from kernelfuzz.corpus.execute import execute

    # A kernel that Warp takes for one device only is among them all the same.
    kernels = list({id(pair.kernel): pair.kernel for pair in pairs}.values())
    outcomes = execute(kernels, devices)
    positions = {id(kernel): at for at, kernel in enumerate(kernels)}
    for pair in pairs:
        outcome = outcomes[pair.lowering.device][positions[id(pair.kernel)]]
        if isinstance(outcome, tuple):
            pair.extras = Extras(run=outcome[0], verified=outcome[1])
        else:
            pair.problem = outcome


def _compile(pairs: list[_Pair], plan: Plan) -> None:
    """Have NVRTC build the code of each pair for CUDA, alone, as its row has it."""
    for pair in pairs:
        if pair.lowering.device != "cuda" or pair.problem is not None:
            continue
        for target in _COMPILED:
            if not getattr(plan, target):
                continue
            artifact = build(pair.lowering, target)
            if isinstance(artifact, Failure):
                pair.problem = artifact
                break
            before = pair.extras
            verified = Verified(
                lowered=True,
                built_cpu=before.verified.built_cpu,
                built_cuda=True,
                ran=before.verified.ran,
                matched=before.verified.matched,
            )
            made = {"ptx": before.ptx, "cubin": before.cubin, target: artifact.data}
            pair.extras = Extras(made["ptx"], made["cubin"], before.run, verified)
