"""The workflow and the cluster jobs in examples/ say what the command line takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kernelfuzz.cli import cli

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / "examples" / "ci" / "nightly-fuzz.yml"
FILES = (WORKFLOW, *sorted((ROOT / "examples" / "cluster").iterdir()))


def scripts(path: Path) -> Iterator[str]:
    """The texts in a file that a shell runs."""
    if path.suffix == ".sh":
        yield path.read_text()
    else:
        yield from _runs(yaml.safe_load(path.read_text()))


def _runs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "run":
                yield each
            elif key == "args":
                yield from each
            else:
                yield from _runs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _runs(each)


def commands(path: Path) -> list[list[str]]:
    """The words behind ``kernelfuzz`` of each call, with a number where a shell puts something in."""
    found = []
    for script in scripts(path):
        text = re.sub(r"\$\{\{.*?\}\}", "1", script.replace("\\\n", " "))
        # An array of words that may be empty, and so is left out.
        text = re.sub(r'"\$\{\w+\[@\]\}"', "", text)
        text = re.sub(r"\$\{\w+[^}]*\}|\$\w+", "1", text)
        for line in text.splitlines():
            call = re.match(r"\s*kernelfuzz (.*?)(?: > .*)?$", line)
            if call:
                found.append(shlex.split(call[1]))
    return found


def parsed(words: list[str]) -> None:
    """Raises click.ClickException where the command line does not take the words; nothing is run."""
    context = click.Context(cli)
    name, command, rest = cli.resolve_command(context, list(words))
    assert command is not None
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_is_one_that_the_command_line_takes(path: Path) -> None:
    found = commands(path)
    assert found
    for words in found:
        parsed(words)


def test_the_commands_are_those_that_are_meant() -> None:
    assert [words[0] for words in commands(WORKFLOW)] == ["fuzz", "replay"]
    (corpus,) = commands(ROOT / "examples" / "cluster" / "slurm.sh")
    assert "--shard-index" in corpus


@pytest.mark.parametrize("words", [["fuzz", "--for", "60m"], ["replay"], ["fuzz", "--time", "an hour"], ["refresh"]])
def test_a_command_that_is_none_is_noticed(words: list[str]) -> None:
    with pytest.raises(click.ClickException):
        parsed(words)


def test_findings_are_uploaded_although_the_search_fails_the_job() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    steps = {step["name"]: step for step in jobs["fuzz"]["steps"] if "name" in step}
    fuzz, upload = steps["Fuzz"], steps["Upload the findings"]
    assert "continue-on-error" not in fuzz
    assert "||" not in fuzz["run"]
    output = re.search(r"--output (\S+)", fuzz["run"])
    assert output is not None
    assert upload["if"] == "always()"
    assert output[1] in upload["with"]["path"].split()
    minutes = re.search(r"--time (\d+)m", fuzz["run"])
    assert minutes is not None
    assert int(minutes[1]) < jobs["fuzz"]["timeout-minutes"]


def test_each_job_runs_for_one_kind_of_event() -> None:
    text = WORKFLOW.read_text()
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["replay"]["if"] == "github.event_name == 'pull_request'"
    assert jobs["fuzz"]["if"] == jobs["hypothesis"]["if"] == "github.event_name != 'pull_request'"
    for event in ("schedule:", "workflow_dispatch:", "pull_request:"):
        assert re.search(rf"^  {event}", text, re.MULTILINE)


def test_the_example_database_is_where_hypothesis_looks_for_it() -> None:
    hypothesis = yaml.safe_load(WORKFLOW.read_text())["jobs"]["hypothesis"]["steps"]
    artifacts = [step["with"] for step in hypothesis if "artifact" in step.get("uses", "")]
    assert [each["name"] for each in artifacts] == ["hypothesis-example-db"] * 2
    assert {each["path"] for each in artifacts} == {".hypothesis/examples"}
    assert artifacts[-1]["include-hidden-files"] is True
