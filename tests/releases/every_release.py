"""What works under each release of Warp: lowering, compiling, launches and adjoints of the control kernels.

    python tests/releases/every_release.py            # prints the table of notes/releases.md
    python tests/releases/every_release.py --write    # and writes it there

Every final release from 1.10.0 on gets an environment of its own (500 MB each, made once: notes/releases.md).
The exit code is 1 where anything does not work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from kernelfuzz.releases.environments import Environment, ReleaseError, environment, release_key, released
from kernelfuzz.releases.release_process import Process
from kernelfuzz.toolchain.control import QUESTIONS
from kernelfuzz.workers import WorkerError

OLDEST = "1.10.0"
PAGE = Path(__file__).parents[2] / "notes" / "releases.md"
BEGIN, END = "<!-- every release: begin -->\n", "<!-- every release: end -->\n"

# A first build makes precompiled headers; the machine may do other things as well.
_PATIENCE = 900.0


def asked(under: Environment) -> dict[str, str]:
    """What is wrong under a release, by question; an empty text where nothing is."""
    try:
        with Process(under) as process:
            return process.ask("control", patience=_PATIENCE)
    except (ReleaseError, WorkerError) as error:
        return {question: str(error) for question in QUESTIONS}


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """A row for each release, a column for each question, and below it what is wrong."""
    lines = [f"| Warp | {' | '.join(QUESTIONS)} |", f"|{'---|' * (len(QUESTIONS) + 1)}"]
    faults: list[str] = []
    for release, answers in found.items():
        cells = ["no" if answers[question] else "yes" for question in QUESTIONS]
        lines.append(f"| {release} | {' | '.join(cells)} |")
        faults += [f"- {release}, {question}: {fault}" for question, fault in answers.items() if fault]
    return "\n".join([*lines, *([""] if faults else []), *faults]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table into notes/releases.md")
    arguments = parser.parse_args()
    found: dict[str, dict[str, str]] = {}
    for release in released():
        if release_key(release) >= release_key(OLDEST):
            found[release] = asked(environment(release, making=lambda text: print(text, file=sys.stderr)))
            print(f"asked {release}", file=sys.stderr)
    text = table(found)
    print(text, end="")
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
    return int(any(fault for answers in found.values() for fault in answers.values()))


if __name__ == "__main__":
    sys.exit(main())
