"""How strong the oracles are: mistakes planted in Warp's code generator, and the share that a campaign notices.

    python tests/quality/mutants.py --mutants 60 --examples 300 --output strength

mutates a copy of the installed Warp's ``codegen.py`` at places that ordinary kernels reach, one place at a
time, and runs a campaign on each mutant, in a process of its own that imports the copy in place of Warp's file
(the installation is only read).  A mutant is noticed when a check fails that passes on the unmutated Warp.  The
output folder has a line of JSON for each mutant in ``results.jsonl``; the same command again goes on where an
earlier one ended.  notes/strength.md has the measured result.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import click
from mutation import Site, choose, mutant, sites  # pyright: ignore[reportMissingImports]

from kernelfuzz.strategies.kernel import GRAMMAR_VERSION

TRIAL = Path(__file__).with_name("mutant_trial.py")
REACHING = 60

Status = Literal["noticed", "survived", "same code", "broken"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    ``status``: "same code" where no example's generated code differs, "broken" where Warp does not come up at
    all, which takes no oracle to see; neither counts.  ``examples`` is how many of the campaign it took,
    ``changed`` the number of those whose code differs, ``check`` the oracle, kind and target that failed.
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


@dataclass(frozen=True, slots=True)
class Patience:
    """The seconds of silence after which a process is taken to hang."""

    base: float = 240.0
    each: float = 8.0


def events(task: str, given: Mapping[str, Any], cache: Path, patience: Patience) -> Iterator[dict[str, Any]]:
    """The events of one task in a process of its own; the last is "done", or "lost" where that died or hung."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",  # the code that Warp generates depends on it
        "WARP_CACHE_PATH": str(cache),
    }
    command = [sys.executable, str(TRIAL), task, json.dumps(given)]
    errors = cache / f"errors-{threading.get_ident()}.txt"
    with errors.open("w+") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=environment, text=True)
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        ready, count = False, 1
        try:
            while True:
                try:
                    line = lines.get(timeout=patience.base + patience.each * count)
                except queue.Empty:
                    yield {"event": "lost", "kind": "hang", "ready": ready}
                    return
                if line is None:
                    break
                event = json.loads(line)
                ready |= event["event"] == "ready"
                count = event.get("count", count)
                yield event
                if event["event"] == "done":
                    return
            code = process.wait()
            stderr.seek(0)
            said = stderr.read()
            if ready and code > 0:
                raise RuntimeError(f"{task} failed:\n{said[-4000:]}")
            yield {"event": "lost", "kind": "crash", "ready": ready, "said": said[-300:]}
        finally:
            process.kill()
            process.wait()
            reader.join()


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


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

    def known(self, jobs: int) -> dict[int, list[list[str]]]:
        """The checks that fail on the unmutated Warp, by example; the missing ones are run."""
        file = self.folder / "baseline.jsonl"
        have = {line["index"]: line["failed"] for line in _lines(file)}
        missing = [index for index in range(self.campaign["examples"]) if index not in have]
        parts = [part for part in (missing[job::jobs] for job in range(jobs)) if part]

        def run(indices: Sequence[int]) -> None:
            left = list(indices)
            # One process for all of them, unless an example kills it.
            while left:
                found: dict[str, Any] = {"index": left[0], "failed": []}
                given = {**self.campaign, "indices": list(left)}
                for event in events("baseline", given, self.cache, self.patience):
                    match event["event"]:
                        case "begin":
                            found = {"index": event["index"], "failed": []}
                        case "judged":
                            found["failed"] = [each["check"] for each in event["failed"]]
                            self._append(file, {**found, "fault": event.get("fault", "")})
                            left.remove(found["index"])
                        case "lost":
                            self._append(file, {**found, "failed": [["", event["kind"], ""]]})
                            left.remove(found["index"])
                        case _:
                            pass

        _in_parallel(run, parts, jobs)
        return {line["index"]: line["failed"] for line in _lines(file)}

    def _append(self, file: Path, line: Mapping[str, Any]) -> None:
        with self.lock, file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    # --------------------------------------------------------------------------------------- mutants

    def chosen(self) -> list[Site]:
        """The mutants to try, always the same ones."""
        file = self.folder / "reached.json"
        if not file.exists():
            given = {"seed": self.campaign["seed"] + 1, "count": REACHING}
            reached = [
                event["lines"]
                for event in events("reach", given, self.cache, self.patience)
                if event["event"] == "reached"
            ]
            file.write_text(json.dumps(reached[0]))
        lines = {int(line) for line in json.loads(file.read_text())}
        return choose(sites(self.text), lines, self.mutants, self.campaign["seed"])

    def results(self) -> dict[str, Result]:
        """What became of the mutants tried so far, by key."""
        return {line["key"]: _result(line) for line in _lines(self.folder / "results.jsonl")}

    def try_all(self, known: Mapping[int, list[list[str]]], jobs: int) -> list[Result]:
        """Try the chosen mutants that are not tried yet; the results of all, in the order of the file."""
        chosen = self.chosen()
        done = self.results()
        waiting = [site for site in chosen if site.key not in done]

        def run(site: Site) -> None:
            result = self.tried(site, known)
            self._append(self.folder / "results.jsonl", asdict(result))
            click.echo(_line(result))

        _in_parallel(run, waiting, jobs)
        done = self.results()
        return sorted((done[site.key] for site in chosen), key=lambda result: (result.line, result.key))

    def tried(self, site: Site, known: Mapping[int, list[list[str]]]) -> Result:
        """Run the campaign on one mutant."""
        begun = time.monotonic()
        diffs: list[str] = []
        faults: list[str] = []
        changed: set[int] = set()
        status: Status = "same code"
        examples, check, reason = self.campaign["examples"], (), ""
        at = 0
        with tempfile.TemporaryDirectory(dir=self.folder / "mutants") as place:
            path = Path(place) / "codegen.py"
            path.write_text(mutant(self.text, site))
            given = {**self.campaign, "codegen": str(path), "known": known}
            for event in events("trial", given, self.cache, self.patience):
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
                        status, examples, reason = "broken", 0, event.get("said", event["kind"])
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
    """The counts: mutants, those that change the generated code, those of them that are noticed, and by what."""
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
    known = measurement.known(jobs)
    failing = sum(bool(checks) for checks in known.values())
    click.echo(f"baseline: {failing} of {len(known)} examples fail on the unmutated Warp")
    results = measurement.try_all(known, jobs)
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
