"""A failing program on disk: its signature, and a folder with its script, the program as drawn, and a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelfuzz.findings.folder import RECORD, slug, write_folder
from kernelfuzz.ir import program as p
from kernelfuzz.ir.array_text import number_text
from kernelfuzz.programs.program_script import script
from kernelfuzz.programs.program_verdict import ProgramVerdict
from kernelfuzz.programs.text import program_text
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.toolchain.layouts import CONTIGUOUS


@dataclass(frozen=True, slots=True)
class ProgramFinding:
    """A program that fails, made small, of the ``original`` with this seed and index."""

    program: p.Program
    verdict: ProgramVerdict
    original: p.Program
    seed: int
    index: int
    warp_version: str

    @property
    def signature(self) -> str:
        """What findings of one bug mostly have in common: how they fail, and what the program is made of."""
        marks = self.verdict.words or ", ".join(sorted(set(_marks(self.program))))
        return f"program: {self.verdict.kind} ({self.verdict.run}): {marks}"

    @property
    def script(self) -> str:
        return script(self.program, self.verdict, self.signature)


def _marks(program: p.Program) -> Iterator[str]:
    """What a program is made of, in words."""
    for event in program.events:
        match event:
            case p.Declare(kernel=kernel, module=module, backward=backward):
                yield from (["in a module of its own"] if module == p.UNIQUE else [])
                yield from (["in another module"] if module not in (p.OWN_MODULE, p.UNIQUE) else [])
                yield from ([f"kernel enable_backward={backward}"] if backward is not None else [])
                yield from (["a factory"] if kernel.closure else [])
                yield from (["a function"] if kernel.functions else [])
            case p.SetOption(name=name, value=value):
                yield f"module {name}={value}"
            case p.LaunchKernel(dim=dim, arrays=arrays):
                yield from (["no threads"] if 0 in dim else [])
                yield from (["an array twice"] if len({*arrays.values()}) < len(arrays) else [])
            case p.Backward(again=again):
                yield "a second backward pass" if again else "a backward pass"
            case p.SetConstant() | p.SetFunction() | p.MarkModified():
                yield type(event).__name__
    for array in program.arrays:
        yield from ([f"{array.layout} arrays"] if array.layout != CONTIGUOUS else [])
        yield from ([] if array.gradient else ["an array without a gradient"])


def write_program(finding: ProgramFinding, directory: str | Path) -> Path:
    """The folder of the finding inside ``directory``; one that there is already is left as it is.

    It holds ``reproducer.py``, ``original.py``, ``report.md`` and ``finding.json``.
    """

    def files() -> dict[str, str]:
        return {
            "reproducer.py": finding.script,
            "original.py": program_text(finding.original),
            "report.md": report(finding),
            RECORD: json.dumps(record(finding), indent=2) + "\n",
        }

    return write_folder(finding.signature, directory, files)


def record(finding: ProgramFinding) -> dict[str, Any]:
    """The finding as JSON."""
    verdict = finding.verdict
    return {
        "schema": 1,
        "signature": finding.signature,
        "kind": verdict.kind,
        "oracle": "program",
        "run": verdict.run,
        "message": verdict.reason,
        "place": "" if verdict.mismatch is None else f"{verdict.mismatch.output}{list(verdict.mismatch.index)}",
        "path": slug(finding.signature),
        "events": len(finding.program.events),
        "warp_version": finding.warp_version,
        "grammar_version": GRAMMAR_VERSION,
        "seed": finding.seed,
        "index": finding.index,
        "source": program_text(finding.program),
    }


def report(finding: ProgramFinding) -> str:
    """The page of the finding."""
    verdict = finding.verdict
    if (wrong := verdict.mismatch) is not None:
        wanted, actual = number_text(wrong.expected), number_text(wrong.actual)
        what = f"`{wrong.output}{list(wrong.index)}` is {actual} instead of {wanted}."
    else:
        what = f"\n\n```\n{verdict.reason.strip()}\n```"
    return (
        f"# {finding.signature[:1].upper() + finding.signature[1:]}\n\n"
        f"{verdict.kind.capitalize()}, {verdict.run}. Warp {finding.warp_version}: yes. Script: `reproducer.py`.\n\n"
        f"```python\n{program_text(finding.program)}```\n\n**Actual.** {what}\n\n"
        f"Found by kernelfuzz. Drawn from seed {finding.seed}, program {finding.index}, grammar {GRAMMAR_VERSION}.\n"
    )
