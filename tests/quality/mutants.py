"""How strong a campaign is: the share of mistakes planted in Warp's code generator that it reports as new findings.

    python tests/quality/mutants.py --mutants 120 --output strength --page notes/strength.md

mutates a copy of the installed Warp's ``codegen.py`` at places that drawn kernels reach, one place at a time,
and runs a small campaign on each mutant that changes the generated text of a kernel of that campaign: drawing,
judging, triage, known bugs, scripts that are run alone.  The copy stands in the place of Warp's file in all
processes (``replaced/sitecustomize.py``); the installation is only read.  The output folder has a line of JSON
for each mutant in ``results.jsonl``; the same command again goes on where an earlier one ended.  ``--page``
writes the results into a page.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import click
import mutant_page
from mutant_trial import Answer, read_texts
from mutation import Site, choose, mutant, sites

from kernelfuzz.strategies.kernel import GRAMMAR_VERSION

HERE = Path(__file__).parent

# Seconds that lowering, and a campaign, may take; a mutant may never end.
LOWERING = 120.0
CAMPAIGN = 240.0

# How long a reduction takes at most.  A campaign's own time is given where a failure is no finding: what is not small
# enough may look like a known bug.
REDUCTION = 3.0
REDUCTION_AGAIN = 60.0

Status = Literal["noticed", "survived", "unfinished", "same code", "broken"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    ``status``: "same code" where no kernel's text differs (but for layout and hashes), and "broken" where Warp
    cannot be imported: no campaign is run; "unfinished" where the campaign took too long.  ``first`` is the first
    kernel whose text differs, ``examples`` how many the campaign dealt with.  Of the finding there is its ``kind``,
    ``oracle`` and ``signature``.  ``stopped`` is why the campaign with control kernels does not start.
    ``explained`` are known bugs that explain more failures than on the unmutated Warp, ``left`` what else the
    campaign says that is no finding.
    """

    key: str
    line: int
    function: str
    operator: str
    original: str
    mutated: str
    status: Status
    first: int | None = None
    diff: str = ""
    examples: int = 0
    kind: str = ""
    oracle: str = ""
    signature: str = ""
    stopped: str = ""
    explained: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    seconds: float = 0.0


class Measurement:
    """One folder of results: the baseline, the chosen mutants, and what became of those tried so far."""

    def __init__(self, folder: Path, campaign: Mapping[str, Any], mutants: int) -> None:
        self.folder = folder
        self.texts = folder / "texts.json.z"
        self.campaign = {**campaign, "file": str(self.texts)}
        self.mutants = mutants
        self.codegen = installed_codegen()
        self.text = self.codegen.read_text()
        (folder / "mutants").mkdir(parents=True, exist_ok=True)
        self._check_same()

    def _check_same(self) -> None:
        """Results of another campaign or another Warp do not mix with ours."""
        ours = {**self.campaign, "warp": version("warp-lang"), "grammar": GRAMMAR_VERSION}
        file = self.folder / "campaign.json"
        if file.exists() and json.loads(file.read_text()) != json.loads(json.dumps(ours)):
            raise click.UsageError(f"{self.folder} has the results of another campaign: choose another --output")
        file.write_text(json.dumps(ours, indent=1))

    # -------------------------------------------------------------------------------------- baseline

    @cached_property
    def reached(self) -> list[frozenset[int]]:
        """The lines of the unmutated code generator that lowering each kernel runs."""
        if not self.texts.exists():
            self._must("record")
        return [frozenset(each["lines"]) for each in read_texts(self.texts)]

    @cached_property
    def explained(self) -> dict[str, Counter[str]]:
        """How many failures each known bug explains on the unmutated Warp, by the number of examples."""
        file = self.folder / "unmutated.json"
        if not file.exists():
            file.write_text(json.dumps(self._must("campaign")))
        answer = json.loads(file.read_text())
        if answer["findings"] or answer["unexamined"] or answer["stopped"]:
            raise click.ClickException(f"the unmutated Warp fails by itself: see {file}")
        return {at: Counter(found) for at, found in answer["explained"].items()}

    def _must(self, task: str) -> Answer:
        given = {**self.campaign, "reduction": REDUCTION}
        answer = run(task, given, self.folder / "cache", 10 * CAMPAIGN)
        if isinstance(answer, str):
            raise click.ClickException(f"the unmutated Warp does not do: {answer}")
        return answer

    # --------------------------------------------------------------------------------------- mutants

    def chosen(self) -> list[Site]:
        """The mutants to try, always the same ones: on lines that the kernels reach."""
        return choose(sites(self.text), frozenset[int]().union(*self.reached), self.mutants, self.campaign["seed"])

    def results(self) -> list[Result]:
        """What became of the mutants tried so far, in the order of the file."""
        file = self.folder / "results.jsonl"
        found = map(json.loads, file.read_text().splitlines()) if file.exists() else ()
        results = [
            Result(**{**line, "explained": tuple(line["explained"]), "left": tuple(line["left"])}) for line in found
        ]
        return sorted(results, key=lambda result: (result.line, result.key))

    def try_all(self) -> None:
        """Try the chosen mutants that are not tried yet."""
        done = {result.key for result in self.results()}
        for site in self.chosen():
            if site.key not in done:
                result = self.tried(site)
                with (self.folder / "results.jsonl").open("a") as stream:
                    stream.write(json.dumps(asdict(result)) + "\n")
                click.echo(shown(result))

    def tried(self, site: Site) -> Result:
        """Look for a kernel whose text one mutant changes, and run the campaign where there is one."""
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self.folder / "mutants") as directory:
            path = Path(directory) / "codegen.py"
            path.write_text(mutant(self.text, site))
            place = range(site.line, site.end_line + 1)
            reaching = [index for index, lines in enumerate(self.reached) if not lines.isdisjoint(place)]
            found = self._tried(path, reaching)
        names = ("key", "line", "function", "operator", "original", "mutated")
        about = {name: getattr(site, name) for name in names}
        return Result(**about, **found, seconds=round(time.monotonic() - begun, 1))

    def _tried(self, codegen: Path, reaching: Sequence[int]) -> dict[str, Any]:
        given = {**self.campaign, "reaching": reaching}
        lowered = run("changed", given, self.folder / "cache", LOWERING, codegen)
        if isinstance(lowered, str):
            lowered = {"first": 0, "diff": lowered}  # a Warp that does not come up, or that never ends
        if "broken" in lowered:
            return {"status": "broken", "stopped": lowered["broken"]}
        if lowered["first"] is None:
            return {"status": "same code"}
        found = self._campaign(codegen, REDUCTION, CAMPAIGN)
        if found["status"] == "survived" and (found["explained"] or found["left"]):
            found = self._campaign(codegen, REDUCTION_AGAIN, 2 * CAMPAIGN)
        return {**lowered, **found}

    def _campaign(self, codegen: Path, reduction: float, seconds: float) -> dict[str, Any]:
        given = {**self.campaign, "reduction": reduction}
        answer = run("campaign", given, self.folder / "cache", seconds, codegen)
        if isinstance(answer, str):
            return {"status": "unfinished", "explained": (), "left": (answer,)}
        return came_of(answer, self.explained)


def came_of(answer: Answer, before: Mapping[str, Counter[str]]) -> dict[str, Any]:
    """The fields of a result that tell what came of a campaign."""
    at = str(answer["examples"])
    more = Counter[str](answer.get("explained", {}).get(at, {})) - before.get(at, Counter[str]())
    left = [f"{name}: {each}" for name in ("unexamined", "unattributed", "faults") for each in answer.get(name, ())]
    left += [f"{each['signature']}: {each['why']}" for each in answer.get("unconfirmed", ())]
    found: dict[str, Any] = {"examples": answer["examples"], "stopped": answer["stopped"], "status": "survived"}
    for finding in answer.get("findings", ())[:1]:
        found |= {"status": "noticed", **{name: finding[name] for name in ("kind", "oracle", "signature")}}
    return found | {"explained": tuple(sorted(more)), "left": tuple(each[:300] for each in left)}


def run(task: str, given: Mapping[str, Any], cache: Path, seconds: float, codegen: Path | None = None) -> Answer | str:
    """The answer of one task in a process of its own, or how that failed; with another code generator, where given."""
    # The code that Warp generates depends on the hash seed.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "WARP_CACHE_PATH": str(cache)}
    if codegen is not None:
        paths = [str(HERE / "replaced"), os.environ.get("PYTHONPATH", "")]
        environment |= {"KERNELFUZZ_CODEGEN": str(codegen), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, str(HERE / "mutant_trial.py"), task, json.dumps(given)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True, start_new_session=True
    )
    try:
        out, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"{task} takes more than {seconds:.0f} s"
    finally:
        # Its workers are told by nobody else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        return f"{task} ends with {process.returncode}: {said[-300:]}"
    return json.loads(out.splitlines()[-1])


def installed_codegen() -> Path:
    """The installed Warp's ``codegen.py``; Warp is not imported."""
    spec = find_spec("warp")
    if spec is None or spec.origin is None:
        raise click.UsageError("Warp is not installed")
    return Path(spec.origin).parent / "_src" / "codegen.py"


def shown(result: Result) -> str:
    """One line about a result."""
    detail = f"{result.oracle} {result.kind} after {result.examples}" if result.kind else f"first {result.first}"
    explained = f" explained: {', '.join(result.explained)}" if result.explained else ""
    change = f"{result.original[:50]}  ->  {result.mutated[:50]}"
    stopped = " (control)" if result.stopped else ""
    where = f"{result.line:5} {result.status:10} {detail:36}{stopped}{explained} {result.function}"
    return f"{where}: {change} [{result.seconds} s]"


@click.command()
@click.option("--mutants", default=120, show_default=True, help="How many places to mutate.")
@click.option("--examples", default=48, show_default=True, help="How many kernels a campaign has.")
@click.option("--seed", default=1, show_default=True)
@click.option(
    "--oracle",
    "oracles",
    multiple=True,
    default=("value", "static", "compile", "gradient"),
    show_default=True,
)
@click.option("--target", "targets", multiple=True, default=("cpu", "cuda-host"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("strength"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), help="Write the results into this page.")
def main(
    mutants: int,
    examples: int,
    seed: int,
    oracles: tuple[str, ...],
    targets: tuple[str, ...],
    output: Path,
    page: Path | None,
) -> None:
    """Measure which share of the mutants of Warp's code generator a campaign notices."""
    campaign = {"seed": seed, "examples": examples, "oracles": oracles, "targets": targets}
    measurement = Measurement(output.resolve(), campaign, mutants)
    measurement.try_all()
    results = measurement.results()
    for result in results:
        click.echo(shown(result))
    click.echo(json.dumps(mutant_page.counts(results)))
    if page is not None:
        mutant_page.write(page, results, campaign)


if __name__ == "__main__":
    main()
