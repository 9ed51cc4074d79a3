"""How long a corpus takes against what Warp itself needs, in one run.

    python tests/quality/corpus_speed.py --count 400

Three times, by processor time, in turns over the same kernels: the whole work for a shard (drawing,
rendering, describing, lowering, hashing, sketching, encoding), within it the time spent in Warp, and a plain
loop that has Warp lower the finished sources and keeps nothing.  Merging is measured at the end.

    python tests/quality/corpus_speed.py --jobs-count 1200 --rounds 3

also has one process and two make a corpus of so many kernels, in turns, by the time that passes.

    python tests/quality/corpus_speed.py --columns-count 64

also says what --execute, --ptx and --cubin add for each kernel, in milliseconds of processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from typing import Any

from kernelfuzz.corpus.build_shard import make_shard
from kernelfuzz.corpus.corpus_plan import Plan, as_dict
from kernelfuzz.corpus.directory import Store
from kernelfuzz.corpus.engines import here, processes
from kernelfuzz.corpus.produce import produce, publish
from kernelfuzz.corpus.row import decode
from kernelfuzz.corpus.shard import entries_of
from kernelfuzz.strategies.options import check_options
from kernelfuzz.toolchain import lower_devices
from kernelfuzz.workers import leave_old_objects_alone

# As in a corpus of 10,000 kernels, whose first ones these are.
_SHARD = 156
_COLUMNS_OF = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="how many kernels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs-count", type=int, default=0, help="also --jobs 1 and 2, with so many kernels")
    parser.add_argument("--rounds", type=int, default=1, help="how often --jobs 1 and 2 take turns")
    parser.add_argument(
        "--columns-count", type=int, default=0, help="also what each compiled column adds to so many kernels"
    )
    given = parser.parse_args()
    count, seed = given.count, given.seed
    plan = Plan(check_options(), count=count, seed=seed)
    make_shard(plan, 0, 4)  # Warp is imported, caches are warm
    leave_old_objects_alone()  # as a process that makes shards does
    ours = plain = within = 0.0
    with tempfile.TemporaryDirectory() as directory:
        store = Store(directory)
        store.open(as_dict(plan))
        starts = range(0, count, _SHARD)
        for number, start in enumerate(starts):
            size = min(_SHARD, count - start)
            began = time.process_time()
            made = make_shard(plan, start, size)
            store.write(store.path(number), made.data)
            spent = time.process_time() - began
            ours += spent
            within += made.warp_seconds / made.work_seconds * spent
            # Taken from the rows: to draw them before would have warmed the grammar's caches.
            sources = dict.fromkeys(decode(entry.line).python_source for entry in entries_of(made.data))
            began = time.process_time()
            for source in sources:
                lower_devices(source, plan.devices, keep_comments=True)
            plain += time.process_time() - began
            leave_old_objects_alone(number + 1)
        began = time.process_time()
        with here() as workers:
            manifest = publish(store, workers, plan, len(starts), command="")
        merging = time.process_time() - began
    result = {
        "kernels": count,
        "distinct": manifest["kernels"],
        "pairs_per_second": round(2 * count / (ours + merging), 1),
        "plain_loop_pairs_per_second": round(2 * count / plain, 1),
        "work_to_warp": round((ours + merging) / within, 3),
        "work_to_plain_loop": round((ours + merging) / plain, 3),
        "merging_share": round(merging / (ours + merging), 3),
    }
    if given.jobs_count:
        result["jobs"] = compare_jobs(given.jobs_count, given.rounds, seed)
    if given.columns_count:
        result["more_ms"] = compare_columns(given.columns_count, seed)
    print(json.dumps(result, indent=1))


def compare_columns(count: int, seed: int) -> dict[str, float]:
    """What a kernel takes more with each column that is compiled, in milliseconds; all kernels are one shard."""
    spent: dict[str, float] = {}
    for name in ("", "execute", "ptx", "cubin"):
        column: dict[str, Any] = {name: True} if name else {}
        plan = Plan(check_options(), count=_COLUMNS_OF, seed=seed, **column)
        make_shard(plan, count, 2)  # its compiler has its headers
        if not name:
            make_shard(plan, 0, count)  # the grammar's caches are filled
        began = time.process_time()
        make_shard(plan, 0, count)
        spent[name] = time.process_time() - began
    return {name: round(1000 * (spent[name] - spent[""]) / count, 1) for name in spent if name}


def compare_jobs(count: int, rounds: int, seed: int) -> dict[str, Any]:
    """One job against two, in turns; with few kernels, what it takes to start a worker shows."""
    seconds = {1: 0.0, 2: 0.0}
    for turn in range(rounds):
        plan = Plan(check_options(), count=count, seed=seed + turn)
        for jobs in seconds:
            with tempfile.TemporaryDirectory() as directory:
                store = Store(directory)
                store.open(as_dict(plan))
                seconds[jobs] += produce(plan, store, engine=processes(jobs)).seconds
    return {
        "kernels": count * rounds,
        "seconds": {str(jobs): round(passed, 1) for jobs, passed in seconds.items()},
        "times_faster_with_two_jobs": round(seconds[1] / seconds[2], 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
