"""How strong the oracles are: the share of mistakes planted in Warp's code generator that they notice.

    python tests/quality/mutants.py --mutants 60 --examples 300 --output strength

mutates a copy of the installed Warp's ``codegen.py`` at places that ordinary kernels reach, one place at a
time, and runs a campaign on each mutant, in a process of its own that imports the copy in place of Warp's
file (the installation is only read).  A mutant is noticed when a check fails that passes on the unmutated
Warp.  The output folder has a line of JSON for each mutant in ``results.jsonl``; the same command again goes
on where an earlier one ended.  notes/strength.md has the measured result.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import click
from mutant_process import Event, Patience, events
from mutant_trial import baseline_name, read_record
from mutation import Site, choose, mutant, sites

from kernelfuzz.strategies.kernel import GRAMMAR_VERSION

# So many examples say which places ordinary kernels reach.
REACHING = 60

Status = Literal["noticed", "survived", "same code", "broken"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    ``status``: "same code" where no example's generated code differs (but for layout and hashes), "broken"
    where Warp does not come up at all, which takes no oracle to see; neither counts.  ``examples`` is how
    many of the campaign it took, ``changed`` the number of those whose code differs, as far as they were
    looked at, ``check`` the oracle, kind and target that failed; ``faults`` are exceptions in kernelfuzz.
    ``diffs`` shows the first differences in the generated code.
    """

    key: str
    line: int
    function: str
    operator: str
    original: str
    mutated: str
    status: Status
    examples: int
    changed: int
    check: tuple[str, ...] = ()
    reason: str = ""
    faults: tuple[str, ...] = ()
    diffs: tuple[str, ...] = ()
    seconds: float = 0.0


class Measurement:
    """One folder of results: the baseline, the chosen mutants, and what became of those tried so far."""

    def __init__(self, folder: Path, campaign: Mapping[str, Any], mutants: int, patience: Patience) -> None:
        self.folder = folder
        self.campaign = {**campaign, "folder": str(folder / "baseline")}
        self.mutants = mutants
        self.patience = patience
        self.codegen = installed_codegen()
        self.text = self.codegen.read_text()
        self.lock = threading.Lock()
        self.judging = threading.Lock()
        self.cache = folder / "cache"
        for path in (self.cache, folder / "baseline", folder / "mutants"):
            path.mkdir(parents=True, exist_ok=True)
        self._check_same()

    def _check_same(self) -> None:
        """Results of another campaign or another Warp do not mix with ours."""
        ours = {**self.campaign, "warp": version("warp-lang"), "grammar": GRAMMAR_VERSION}
        ours.pop("examples")  # the baseline of more examples goes on from that of fewer
        file = self.folder / "campaign.json"
        if file.exists() and json.loads(file.read_text()) != json.loads(json.dumps(ours)):
            raise click.UsageError(f"{self.folder} has the results of another campaign: choose another --output")
        file.write_text(json.dumps(ours, indent=1))

    # -------------------------------------------------------------------------------------- baseline

    def record(self, jobs: int) -> None:
        """Keep what the unmutated Warp generates for each example, where that is not kept yet."""
        missing = [index for index in range(self.campaign["examples"]) if not self._recorded(index).exists()]

        def run(indices: Sequence[int]) -> None:
            for event in events("record", {**self.campaign, "indices": indices}, self.cache, self.patience):
                if event["event"] == "lost":
                    raise RuntimeError(f"the unmutated Warp does not lower the examples: {event}")

        _in_parallel(run, [part for part in (missing[job::jobs] for job in range(jobs)) if part], jobs)

    def _recorded(self, index: int) -> Path:
        return self.folder / "baseline" / baseline_name(index)

    def known(self, index: int) -> list[list[str]]:
        """The checks that an example fails on the unmutated Warp; it is judged when that is first asked."""
        file = self.folder / "baseline.jsonl"
        with self.judging:
            have = {line["index"]: line["failed"] for line in _lines(file)}
            if index not in have:
                failed: list[list[str]] = []
                given = {**self.campaign, "indices": [index]}
                for event in events("judge", given, self.cache, self.patience):
                    if event["event"] == "judged":
                        failed = [each["check"] for each in event["failed"]]
                    elif event["event"] == "lost":
                        failed = [["", event["kind"], ""]]
                self._append(file, {"index": index, "failed": failed})
                return failed
            return have[index]

    def _append(self, file: Path, line: Mapping[str, Any]) -> None:
        with self.lock, file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    # --------------------------------------------------------------------------------------- mutants

    def chosen(self) -> list[Site]:
        """The mutants to try, always the same ones: on lines that the first examples reach."""
        lines = set[int]().union(*(self.reached[index] for index in range(min(REACHING, len(self.reached)))))
        return choose(sites(self.text), lines, self.mutants, self.campaign["seed"])

    @cached_property
    def reached(self) -> list[frozenset[int]]:
        """The lines that lowering each example runs."""
        files = map(self._recorded, range(self.campaign["examples"]))
        return [frozenset(read_record(file)["lines"]) for file in files]

    def results(self) -> dict[str, Result]:
        """What became of the mutants tried so far, by key."""
        return {line["key"]: _result(line) for line in _lines(self.folder / "results.jsonl")}

    def try_all(self, jobs: int) -> list[Result]:
        """Try the chosen mutants that are not tried yet; the results of all, in the order of the file."""
        chosen = self.chosen()
        done = self.results()
        waiting = [site for site in chosen if site.key not in done]

        def run(site: Site) -> None:
            result = self.tried(site)
            self._append(self.folder / "results.jsonl", asdict(result))
            click.echo(_line(result))

        _in_parallel(run, waiting, jobs)
        done = self.results()
        return sorted((done[site.key] for site in chosen), key=lambda result: (result.line, result.key))

    def _answer(self, event: Event) -> list[list[str]]:
        return self.known(event["index"])

    def tried(self, site: Site) -> Result:
        """Run the campaign on one mutant."""
        begun = time.monotonic()
        diffs: list[str] = []
        faults: list[str] = []
        changed: set[int] = set()
        status: Status = "same code"
        examples, check, reason = self.campaign["examples"], (), ""
        at = 0
        with tempfile.TemporaryDirectory(dir=self.folder / "mutants") as directory:
            path = Path(directory) / "codegen.py"
            path.write_text(mutant(self.text, site))
            place = range(site.line, site.end_line + 1)
            reaching = [index for index, lines in enumerate(self.reached) if not lines.isdisjoint(place)]
            given = {**self.campaign, "codegen": str(path), "reaching": reaching}
            for event in events("trial", given, self.cache, self.patience, self._answer):
                match event["event"]:
                    case "begin":
                        at = event["index"]
                    case "changed":
                        changed.add(event["index"])
                        diffs += [event["diff"]] if event["diff"] else []
                        status = "survived"
                    case "judged" if "fault" in event:
                        faults.append(f"{event['index']}: {event['fault']}")
                    case "noticed":
                        status, examples = "noticed", event["index"] + 1
                        check, reason = tuple(event["check"]), event["reason"]
                    case "lost" if not event["ready"]:
                        status, examples, reason = "broken", 0, event["said"]
                    case "lost":
                        status, examples = "noticed", at + 1
                        check, reason = ("", event["kind"], ""), f"the process of example {at} was lost"
                    case _:
                        pass
        return Result(
            site.key,
            site.line,
            site.function,
            site.operator,
            site.original,
            site.mutated,
            status,
            examples,
            len(changed),
            check,
            reason[:300],
            tuple(faults),
            tuple(diffs),
            round(time.monotonic() - begun, 1),
        )


def _in_parallel(run: Any, items: Sequence[Any], jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as executor:
        for done in [executor.submit(run, item) for item in items]:
            done.result()


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _result(line: Mapping[str, Any]) -> Result:
    lists = {name: tuple(value) for name, value in line.items() if isinstance(value, list)}
    return Result(**{**line, **lists})


def installed_codegen() -> Path:
    """The installed Warp's ``codegen.py``; Warp is not imported."""
    spec = find_spec("warp")
    if spec is None or spec.origin is None:
        raise click.UsageError("Warp is not installed")
    return Path(spec.origin).parent / "_src" / "codegen.py"


# ---------------------------------------------------------------------------------------------- report


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """The counts: mutants, those that change the generated code, those of them that are noticed, by what."""
    changing = [result for result in results if result.status in ("noticed", "survived")]
    noticed = [result for result in changing if result.status == "noticed"]
    by: dict[str, int] = {}
    for result in noticed:
        name = " ".join(part for part in result.check[:2] if part)
        by[name] = by.get(name, 0) + 1
    return {
        "mutants": len(results),
        "broken": sum(result.status == "broken" for result in results),
        "same_code": sum(result.status == "same code" for result in results),
        "changing": len(changing),
        "noticed": len(noticed),
        "share": round(len(noticed) / len(changing), 3) if changing else None,
        "by": dict(sorted(by.items(), key=lambda item: -item[1])),
    }


def _line(result: Result) -> str:
    change = f"{result.original[:60]}  ->  {result.mutated[:60]}"
    how = " ".join(part for part in result.check if part)
    detail = f"{how} after {result.examples}" if how else f"{result.changed} changed"
    return f"{result.line:5} {result.status:9} {detail:42} {result.function}: {change}"


@click.command()
@click.option("--mutants", default=60, show_default=True, help="How many places to mutate.")
@click.option("--examples", default=300, show_default=True, help="How many kernels a campaign has.")
@click.option("--seed", default=0, show_default=True)
@click.option("--jobs", default=2, show_default=True, help="How many campaigns run at a time.")
@click.option("--oracle", "oracles", multiple=True, default=("value", "compile", "gradient"), show_default=True)
@click.option("--target", "targets", multiple=True, default=("cpu", "cuda-host"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("strength"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def main(
    mutants: int,
    examples: int,
    seed: int,
    jobs: int,
    oracles: tuple[str, ...],
    targets: tuple[str, ...],
    output: Path,
    as_json: bool,
) -> None:
    """Measure which share of the mutants of Warp's code generator a campaign notices."""
    campaign = {"seed": seed, "examples": examples, "oracles": oracles, "targets": targets}
    measurement = Measurement(output.resolve(), campaign, mutants, Patience())
    measurement.record(jobs)
    results = measurement.try_all(jobs)
    found = summary(results)
    (output / "summary.json").write_text(
        json.dumps({**found, "results": [asdict(result) for result in results]}, indent=1)
    )
    if as_json:
        click.echo(json.dumps(found))
        return
    for result in results:
        click.echo(_line(result))
    for name, value in found.items():
        click.echo(f"{name}: {value}")


if __name__ == "__main__":
    main()
