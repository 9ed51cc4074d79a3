"""How fast a campaign is, against one module per kernel, and where its time goes.

    python tests/quality/fuzz_speed.py --chunks 4 --json speed.json

Kernels are judged by the same oracles, asked the same questions, in several ways, which take turns; the last
two judge some kernels of each chunk only (``--alone``), because they are slow.  Kernels differ much in
cost: with an ``--alone`` as large as ``--chunk`` all judge the same ones.

campaign   chunks as a campaign judges them: many kernels to a module, value and gradient of one build
own        the same, with nothing compiled by the faster clang (``kernelfuzz[fast]``)
before     a campaign of another checkout (``--against``), in a process of its own
alone      each kernel in modules of its own, with the options of a campaign
plain      the same, built as Warp builds a kernel unless it is told otherwise: optimized, with its adjoint
           (only the contraction of ``a * b + c`` is off, without which no values could be judged to the bit)

Time is processor time, of this process and of those that it starts, so that what else the machine does
matters little (neighbours on a core still slow it down: compare within one run); precompiled headers are made
beforehand.  ``--jobs-examples`` also runs ``kernelfuzz fuzz`` with one and two jobs, in turns, and compares the time
that passes.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kernelfuzz.devices import Target
from kernelfuzz.oracles import batch, compile, modules, value
from kernelfuzz.oracles import judge as judging
from kernelfuzz.oracles.chunk import Chunk
from kernelfuzz.oracles.option_sets import option_sets
from kernelfuzz.oracles.request import Checks, Request, draw_case
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.options import Options, check_options
from kernelfuzz.toolchain.programs import loaded

TARGETS = ("cpu", "cuda-host")


def processor_time() -> float:
    """Seconds of processor time that this process and its children took."""
    return sum(os.times()[:4])


# -------------------------------------------------------------------------------- where the time goes

# What is timed, by module and attribute (dotted into a class), and what it counts for.  Time in one of them
# does not count for those that it was called from.
PARTS: tuple[tuple[str, str, str], ...] = (
    ("kernelfuzz.oracles.judge", "draw_case", "drawing"),
    ("kernelfuzz.oracles.gradient", "draw_launch", "drawing"),
    ("kernelfuzz.oracles.value", "run", "reference"),
    ("kernelfuzz.oracles.gradient", "prepare", "reference of gradients"),
    ("kernelfuzz.oracles.gradient", "central_difference", "reference of gradients"),
    ("kernelfuzz.oracles.batch", "batch_source", "rendering"),
    ("kernelfuzz.oracles.modules", "batch_source", "rendering"),
    ("kernelfuzz.oracles.compile", "batch_source", "rendering"),
    ("kernelfuzz.toolchain.sources", "execute", "running the source"),
    ("kernelfuzz.toolchain.sources", "compiled", "running the source"),
    ("warp._src.context", "Module.get_module_hash", "Warp's code generation"),
    ("warp._src.context", "ModuleBuilder.__init__", "Warp's code generation"),
    ("warp._src.context", "ModuleBuilder.codegen", "Warp's code generation"),
    ("warp._src.build", "build_cpu", "clang"),
    ("kernelfuzz.toolchain.fast_clang", "compile_file", "the faster clang"),
    ("warp._src.build", "build_cuda", "NVRTC"),
    ("kernelfuzz.toolchain.compat", "address", "linking"),
    ("kernelfuzz.toolchain.compat", "load_object", "linking"),
    ("kernelfuzz.toolchain.programs", "Program.run", "launches"),
    ("kernelfuzz.toolchain.programs", "Program.adjoint", "launches"),
    ("kernelfuzz.oracles.determinism", "judge", "processes for determinism"),
)
REST = "our own rest"


@dataclass
class Shares:
    """Processor time by what it was spent on."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    within: list[str] = field(default_factory=list[str])
    since: float = 0.0

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What happens inside counts for ``name``."""
        self._turn()
        self.within.append(name)
        try:
            yield
        finally:
            self._turn()
            self.within.pop()

    def _turn(self) -> None:
        now = processor_time()
        if self.within:
            name = self.within[-1]
            self.seconds[name] = self.seconds.get(name, 0.0) + now - self.since
        self.since = now

    def timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The function, whose time counts for ``name``."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return call

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Everything of ``PARTS`` timed inside."""
        with contextlib.ExitStack() as stack:
            for module, path, name in PARTS:
                owner: Any = importlib.import_module(module)
                *outer, attribute = path.split(".")
                for each in outer:
                    owner = getattr(owner, each)
                original = getattr(owner, attribute)
                setattr(owner, attribute, self.timed(original, name))
                stack.callback(setattr, owner, attribute, original)
            stack.enter_context(self.part(REST))
            yield


# --------------------------------------------------------------------------------------- the three ways


@dataclass
class Side:
    """One way of judging, and what it took."""

    name: str
    kernels: int = 0
    processor: float = 0.0
    passed: float = 0.0
    failed: int = 0

    def judge(self, request: Request) -> None:
        """Judge a request this way, all at once."""
        processor, passed = processor_time(), time.perf_counter()
        outcomes = judging.judge_batch(request)
        self.processor += processor_time() - processor
        self.passed += time.perf_counter() - passed
        self.kernels += request.count
        self.failed += sum(bool(outcome.failed) for outcome in outcomes)

    @property
    def milliseconds(self) -> float:
        """Processor time for a kernel."""
        return 1000 * self.processor / max(1, self.kernels)

    def row(self) -> dict[str, float | int | str]:
        """For the table."""
        return {
            "way": self.name,
            "kernels": self.kernels,
            "ms_per_kernel": round(self.milliseconds, 1),
            "kernels_per_second": round(1000 / self.milliseconds, 2),
            "wall_ms_per_kernel": round(1000 * self.passed / max(1, self.kernels), 1),
            "failed": self.failed,
        }


def _loaded_plainly(source: str, target: Target, **request: Any) -> Any:
    """``loaded`` with adjoints, and optimized as Warp does unless it is told otherwise."""
    options = {n: v for n, v in request["options"].items() if (n, v) != ("optimization_level", 0)}
    return loaded(source, target, **{**request, "options": options, "backward": True})


@contextlib.contextmanager
def _replaced(owner: Any, name: str, other: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _warm(options: Options) -> None:
    """Make every precompiled header: compilers make one for each set of options, once in a process."""
    case = draw_case(options, 0, 0)
    judged = Chunk((), ("cpu",), SeededChoices(0)).setting("cpu")
    wanted = value.expected([case])
    value.judge([case], wanted, judged)
    value.judge([case], wanted, BuildSetting("cpu", (("fuse_fp", False),)), backward=True)
    for row in option_sets("cpu"):
        setting = BuildSetting("cpu", tuple((dict(judged.options) | dict(row.options)).items()))
        value.judge([case], wanted, setting)
    compile.judge([case.kernel])


# In another checkout, whose judge may have other parts: a chunk is judged when its start is read.
_BEFORE = """
import os, sys
from kernelfuzz.oracles import judge
from kernelfuzz.oracles.request import Checks, Request
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.strategies.options import check_options
seed, size = map(int, sys.argv[1:])
names = [name for name in ORACLES if name in {oracles}]
for line in sys.stdin:
    started = sum(os.times()[:4])
    outcomes = judge.judge_batch(Request(check_options(), seed, int(line), size, Checks(tuple(names), {targets})))
    print(sum(os.times()[:4]) - started, sum(bool(outcome.failed) for outcome in outcomes), flush=True)
"""


@dataclass
class Before:
    """A campaign of another checkout."""

    side: Side
    process: subprocess.Popen[str]

    @staticmethod
    def start(tree: str, seed: int, size: int, oracles: Sequence[str]) -> Before:
        code = _BEFORE.format(oracles=tuple(oracles), targets=TARGETS)
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(seed), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": tree},
            text=True,
        )
        before = Before(Side("before"), process)
        before.judge(0, 0)  # the compilers start, and make their headers
        return Before(Side("before"), process)

    def judge(self, start: int, count: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{start}\n")
        self.process.stdin.flush()
        spent, failed = next(line for line in self.process.stdout if line[:1].isdigit()).split()
        self.side.kernels += count
        self.side.processor += float(spent)
        self.side.failed += int(failed)


def compare(options: Options, chosen: argparse.Namespace) -> dict[str, Any]:
    """Judge chunks in all ways; some kernels of each chunk one by one."""
    _warm(options)
    campaign, warps, own, plain = Side("campaign"), Side("own"), Side("alone"), Side("plain")
    shares, size = Shares(), chosen.chunk
    oracles = tuple(chosen.oracle or ORACLES)
    checks = Checks(oracles, TARGETS)
    before = Before.start(chosen.against, chosen.seed, size, oracles) if chosen.against else None
    for number in range(chosen.chunks):
        start = (number + 1) * size
        request = Request(options, chosen.seed, start, size, checks)
        with shares.watched():
            campaign.judge(request)
        with _replaced(judging, "OWN_CLANG", replace(judging.OWN_CLANG, one_in=1)):
            warps.judge(request)
        if before is not None:
            before.judge(start, size)
        for position in range(0, size, max(1, size // chosen.alone)) if chosen.alone else ():
            # Judged as a part of the chunk: the same is asked of it.
            single = Request(options, chosen.seed, start + position, 1, checks, chunk=start)
            own.judge(single)
            with _replaced(modules, "loaded", _loaded_plainly), _replaced(batch, "loaded", _loaded_plainly):
                plain.judge(single)
    total = sum(shares.seconds.values())
    others = [side for side in (warps, *([before.side] if before else []), own, plain) if side.kernels]
    return {
        "chunk": size,
        "ways": [side.row() for side in (campaign, *others)],
        "times_faster": {side.name: round(side.milliseconds / campaign.milliseconds, 2) for side in others},
        "share_of_time": {
            name: round(spent / total, 4) for name, spent in sorted(shares.seconds.items(), key=lambda item: -item[1])
        },
    }


# ------------------------------------------------------------------------------------------------ jobs


def fuzz(jobs: int, examples: int, seed: int) -> dict[str, float]:
    """A campaign: the seconds that passed, and those of processors."""
    with tempfile.TemporaryDirectory() as directory:
        processor, passed = processor_time(), time.perf_counter()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "kernelfuzz", "fuzz", f"--examples={examples}", f"--jobs={jobs}"),
                *(f"--seed={seed}", f"--output={directory}", "--json"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        passed, processor = time.perf_counter() - passed, processor_time() - processor
    if done.returncode not in (0, 1):
        raise RuntimeError(f"kernelfuzz fuzz ended with {done.returncode}: {done.stderr[-2000:]}")
    said = json.loads(done.stdout)
    return {"jobs": jobs, "seconds": passed, "processor": processor, "examples": said["examples"]}


def compare_jobs(examples: int, rounds: int, seed: int) -> dict[str, Any]:
    """One job against two, in turns."""
    runs = [fuzz(jobs, examples, seed + turn) for turn in range(rounds) for jobs in (1, 2)]
    passed = {jobs: sum(run["seconds"] for run in runs if run["jobs"] == jobs) for jobs in (1, 2)}
    processor = {jobs: sum(run["processor"] for run in runs if run["jobs"] == jobs) for jobs in (1, 2)}
    return {
        "examples": examples * rounds,
        "seconds": {str(jobs): round(seconds, 1) for jobs, seconds in passed.items()},
        "processor_seconds": {str(jobs): round(seconds, 1) for jobs, seconds in processor.items()},
        "times_faster_with_two_jobs": round(passed[1] / passed[2], 2),
        # What two jobs could gain, were both always busy on a processor of their own.
        "at_most": round(2 * processor[1] / processor[2], 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


# ------------------------------------------------------------------------------------------------ main


def _print(result: dict[str, Any]) -> None:
    print(f"{'way':10} {'kernels':>8} {'ms/kernel':>10} {'kernels/s':>10} {'wall ms':>9} {'failed':>7}")
    for row in result["ways"]:
        print(
            f"{row['way']:10} {row['kernels']:8} {row['ms_per_kernel']:10.1f} "
            f"{row['kernels_per_second']:10.2f} {row['wall_ms_per_kernel']:9.1f} {row['failed']:7}"
        )
    for name, times in result["times_faster"].items():
        print(f"a campaign is {times} times as fast as {name}")
    for name, share in result["share_of_time"].items():
        print(f"  {100 * share:5.1f}%  {name}")
    if "jobs" in result:
        jobs = result["jobs"]
        print(
            f"two jobs: {jobs['times_faster_with_two_jobs']} times as fast as one over {jobs['examples']} "
            f"examples (at most {jobs['at_most']} by processor time; load average {jobs['load_average']})"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write the JSON where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=3, help="how many chunks are judged (3)")
    parser.add_argument("--chunk", type=int, default=64, help="kernels in each (64)")
    parser.add_argument("--alone", type=int, default=8, help="of each chunk so many one by one (8; 0: none)")
    parser.add_argument("--against", metavar="DIR", help="another checkout, whose campaign takes turns")
    parser.add_argument("--oracle", action="append", choices=[*ORACLES], help="which oracles (all); repeatable")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs-examples", type=int, default=0, help="also --jobs 1 and 2, with so many")
    parser.add_argument("--rounds", type=int, default=1, help="how often --jobs 1 and 2 take turns (1)")
    parser.add_argument("--json", metavar="FILE", help="write the result there, - for stdout")
    chosen = parser.parse_args(arguments)
    result = compare(check_options(), chosen)
    if chosen.jobs_examples:
        result["jobs"] = compare_jobs(chosen.jobs_examples, chosen.rounds, chosen.seed)
    if chosen.json == "-":
        print(json.dumps(result, indent=2))
        return
    _print(result)
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
