"""What works under each release of Warp: the control kernels, and a campaign of 64 kernels.

    python tests/releases/every_release.py                     # prints the table of notes/releases.md
    python tests/releases/every_release.py --write             # and writes it there
    python tests/releases/every_release.py --release 1.12.1    # of one release, or of several

The control kernel (``x * x``) is lowered, compiled to PTX, launched and differentiated; the campaign asks all
oracles.  Every final release from 1.10.0 on gets an environment of its own (500 MB each, made once:
notes/releases.md).  ``--output`` keeps the findings.  The exit code is 1 where anything does not work: a control
kernel, or a kernel of the campaign that cannot be judged for a fault of kernelfuzz.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kernelfuzz
from kernelfuzz.releases.environments import (
    Environment,
    ReleaseError,
    clean_environ,
    environment,
    release_key,
    released,
)
from kernelfuzz.releases.release_process import Process
from kernelfuzz.toolchain.control import QUESTIONS
from kernelfuzz.workers import WorkerError

OLDEST = "1.10.0"
EXAMPLES = 64
PAGE = Path(__file__).parents[2] / "notes" / "releases.md"
BEGIN, END = "<!-- every release: begin -->\n", "<!-- every release: end -->\n"

# A first build makes precompiled headers.
_PATIENCE = 900.0

FUZZED = ("judged", "outputs", "gradients", "known", "not examined", "not confirmed", "new")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a release does: what is wrong, by question (an empty text where nothing is), and what was fuzzed."""

    questions: Mapping[str, str]
    fuzzed: Mapping[str, Any]

    @property
    def works(self) -> bool:
        return not any(self.questions.values()) and "unsupported" not in self.fuzzed and not self.fuzzed["faults"]


def asked(under: Environment) -> dict[str, str]:
    """What is wrong under a release, by question; an empty text where nothing is."""
    try:
        with Process(under) as process:
            return process.ask("control", patience=_PATIENCE)
    except (ReleaseError, WorkerError) as error:
        return {question: str(error) for question in QUESTIONS}


def fuzzed(under: Environment, examples: int, output: str | None = None) -> dict[str, Any]:
    """The summary of a campaign under a release, or why there is none."""
    with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as directory:
        Path(directory, "kernelfuzz").symlink_to(Path(kernelfuzz.__file__).resolve().parent, target_is_directory=True)
        program = Path(__file__).with_name("fuzz_release.py")
        done = subprocess.run(
            [under.python, str(program), str(examples), *([output] if output else [])],
            env={**clean_environ(), "PYTHONPATH": directory, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else {"unsupported": (done.stderr.splitlines() or ["no answer"])[-1]}


def table(found: Mapping[str, Answer]) -> str:
    """A row for each release, and below it what is wrong and what was found."""
    head = ["Warp", *QUESTIONS, *FUZZED]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    notes: list[str] = []
    for release, answer in found.items():
        cells = ["no" if answer.questions[question] else "yes" for question in QUESTIONS]
        lines.append(f"| {' | '.join([release, *cells, *numbers(answer.fuzzed)])} |")
        notes += [f"- {release}, {question}: {fault}" for question, fault in answer.questions.items() if fault]
        notes += [f"- {release}, {told}" for told in remarks(answer.fuzzed)]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def numbers(summary: Mapping[str, Any]) -> list[str]:
    if "unsupported" in summary:
        return ["no"] * len(FUZZED)
    known = summary["failed"] - sum(len(summary[name]) for name in ("unexamined", "unconfirmed", "findings"))
    return [
        f"{summary['judged']} of {summary['examples']}",
        *(str(summary[name]) for name in ("compared", "gradients_compared")),
        str(known),
        *(str(len(summary[name])) for name in ("unexamined", "unconfirmed", "findings")),
    ]


def remarks(summary: Mapping[str, Any]) -> list[str]:
    """What the numbers do not tell."""
    if "unsupported" in summary:
        return [f"fuzzing: {summary['unsupported']}"]
    return [
        *(f"new: `{found['signature']}`" for found in summary["findings"]),
        *(f"`{found['signature']}` ({found['why']})" for found in summary["unconfirmed"]),
        *(f"unattributed: {lost}" for lost in summary["unattributed"]),
        *(f"fault: {fault}" for fault in summary["faults"]),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into notes/releases.md")
    parser.add_argument("--release", action="append", help="a release to ask, instead of all; repeatable")
    parser.add_argument("--output", metavar="DIR", help="a folder for the findings of each release")
    options = parser.parse_args(arguments)
    wanted = options.release or [each for each in released() if release_key(each) >= release_key(OLDEST)]
    found: dict[str, Answer] = {}
    for release in wanted:
        under = environment(release, making=lambda text: print(text, file=sys.stderr))
        output = os.path.abspath(os.path.join(options.output, release)) if options.output else None
        found[release] = Answer(asked(under), fuzzed(under, EXAMPLES, output))
        print(f"asked {release}", file=sys.stderr)
    text = table(found)
    print(text, end="")
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
    return int(not all(answer.works for answer in found.values()))


if __name__ == "__main__":
    sys.exit(main())
