"""The page of a finding: ready to be pasted as an issue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.script import kernel_text
from kernelfuzz.findings.signature import changed
from kernelfuzz.ir.array_text import number_text, numpy_text
from kernelfuzz.ir.launch import Case, Input, flattened
from kernelfuzz.ir.types import Array
from kernelfuzz.oracles.verdict import FAILURES

# An array with more numbers is not quoted.
_SHORT = 16


def report(finding: Finding) -> str:
    """Return ``report.md``: the kernel, what is expected and why, what Warp gives, and where it goes wrong."""
    setting = finding.verdict.setting
    where = "" if setting.target == "cpu" else f" on {setting.target}"
    release = finding.warp_version or "unknown"
    parts = [
        f"# {finding.title}",
        f"{finding.kind.capitalize()}{where}. Warp {release}: yes. Script: `reproducer.py`.",
        f"```python\n{kernel_text(finding.case.kernel)}```",
        _launched(finding.case),
        f"**Expected.** {_expected(finding)}",
        f"**Actual.** {_actual(finding)}",
    ]
    if setting.options:
        options = ", ".join(f"`{name}={value!r}`" for name, value in setting.options)
        parts.insert(4, f"Module options: {options}.")
    if finding.second is not None:
        what = changed(finding.verdict)
        parts.insert(3, f"Against ({what}):\n\n```python\n{kernel_text(finding.second.kernel)}```")
    if finding.generated:
        parts.append(f"What {release} generates:\n\n```cpp\n{finding.generated}```")
    if finding.workaround:
        parts.append(f"**Workaround.** {finding.workaround}")
    if finding.upstream:
        parts.append(f"Reported as {finding.upstream}.")
    features = ", ".join(finding.needed or finding.features)
    origin = ""
    if finding.seed is not None:
        origin = f" Drawn from seed {finding.seed}, index {finding.index}, grammar {finding.grammar_version}."
    parts.append(f"Found by kernelfuzz ({finding.oracle} oracle).{origin} Features: {features or 'none'}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _launched(case: Case) -> str:
    """Return a sentence with the grid and those inputs that are short."""
    given: list[str] = []
    for param in case.kernel.params:
        for name, leaf in flattened({param.name: case.launch.inputs[param.name]}).items():
            if leaf.size <= _SHORT:
                given.append(f"`{name}` = {numpy_text(leaf)}")
            elif isinstance(param.type, Array):
                given.append(f"`{name}` has the shape {leaf.shape}")
    start = "wp.launch_tiled" if case.launch.tiled else "wp.launch"
    return f"Launched with `{start}(..., dim={case.launch.dim})`; {'; '.join(given) or 'no arguments'}."


def _expected(finding: Finding) -> str:
    kind = FAILURES[finding.kind]
    # Of gradients all are expected; of values, those that the kernel changes.
    shown = (finding.expected or {}) if kind.shown_by == "gradients" else finding.expected and finding.judged()
    values = "" if shown is None else _values(shown)
    bound = f" within {finding.tolerance}" if finding.tolerance else ""
    return kind.expected.format(values=values, bound=bound, change=changed(finding.verdict)).strip()


def _values(expected: Mapping[str, Input]) -> str:
    short = [f"`{name}` = {numpy_text(leaf)}" for name, leaf in flattened(expected).items() if leaf.size <= _SHORT]
    return "; ".join(short) + "." if short else "The values in the script."


def _actual(finding: Finding) -> str:
    mismatch = finding.verdict.mismatch
    if mismatch is not None:
        place = f"`{mismatch.output}{list(mismatch.index)}`"
        wanted, got = number_text(np.asarray(mismatch.expected)), number_text(np.asarray(mismatch.actual))
        return f"{place} is {got} instead of {wanted}."
    printed = finding.message or finding.verdict.reason
    return f"\n\n```\n{printed.strip()}\n```" if printed else "See the script's output."
