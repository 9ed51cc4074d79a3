"""Findings on disk: a folder each, with its record as JSON, its scripts and its report, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import launch_script, reproducer
from kernelfuzz.findings.script import kernel_text
from kernelfuzz.findings.signature import changed
from kernelfuzz.ir.array_text import number_text, numpy_text
from kernelfuzz.ir.codec import encode, encode_launch
from kernelfuzz.ir.launch import Case, Input, flattened, given_or_not
from kernelfuzz.ir.types import Array
from kernelfuzz.oracles.verdict import FAILURES
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.layouts import CONTIGUOUS

SCHEMA = 1
RECORD = "finding.json"

# The folder, inside of that of a campaign, of what looked like findings and is not shown by their scripts.
UNCONFIRMED = "unconfirmed"


def slug(signature: str) -> str:
    """Return the name of a finding's folder: words of the signature, and a digest that tells it from all others."""
    words = re.sub(r"[^a-z0-9]+", "-", signature.lower()).strip("-")
    digest = hashlib.blake2b(signature.encode(), digest_size=4).hexdigest()
    return f"{words[:48].strip('-')}-{digest}"


def write_finding(finding: Finding, directory: str | Path) -> Path:
    """The folder of the finding inside ``directory``, which is made where it is missing.

    It holds ``reproducer.py``, ``original.py`` (the kernel before reduction), ``report.md`` and
    ``finding.json``.  A finding whose signature has a folder already is left as it is.  Runs
    nothing of Warp.  Raises ValueError where the finding lacks what its script needs, OSError where the folder
    cannot be written.
    """

    def files() -> dict[str, str]:
        return {
            "reproducer.py": reproducer(finding),
            "original.py": launch_script(finding, finding.original),
            "report.md": report(finding),
            RECORD: json.dumps(record(finding), indent=2, allow_nan=False) + "\n",
        }

    return write_folder(finding.signature, directory, files)


def write_folder(signature: str, directory: str | Path, files: Callable[[], Mapping[str, str]]) -> Path:
    """Write what ``files`` gives by name, a record among it, into the folder of a signature, whole or not at all.

    ``directory`` is made where it is missing.  A folder with a record is left as it is.  Raises OSError where the
    folder cannot be written.
    """
    folder = Path(directory)
    target = folder / slug(signature)
    if (target / RECORD).exists():
        return target
    contents = files()
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        for name, text in contents.items():
            (made / name).write_text(text, encoding="utf-8")
        made.chmod(0o755)
        os.rename(made, target)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        # Another process may have written the same finding in the meantime.
        if not (target / RECORD).exists():
            raise
    return target


def read_finding(directory: str | Path) -> dict[str, Any]:
    """Return the content of ``finding.json`` in a finding's folder.  Raises ValueError where it is none."""
    path = Path(directory) / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("signature"), str):
        raise ValueError(f"{path} is no finding: it has no signature")
    return found


def record(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON: kernels as source text, arrays as lists (NaN and infinities as text)."""
    setting, mismatch, malformed = finding.verdict.setting, finding.verdict.mismatch, finding.verdict.malformed
    return {
        "schema": SCHEMA,
        "signature": finding.signature,
        "kind": finding.kind,
        "oracle": finding.oracle,
        "target": setting.target,
        "row": setting.row,
        "module_options": _plain(dict(setting.options)),
        "block_dim": setting.block_dim,
        "blocks": setting.blocks,
        "layout": setting.layout,
        "message": finding.message or finding.verdict.reason,
        "mismatch": mismatch and _plain(asdict(mismatch)),
        "malformed": malformed and _plain(asdict(malformed)),
        "accepted": finding.verdict.accepted and asdict(finding.verdict.accepted),
        "features": list(finding.features),
        "needed": list(finding.needed),
        "path": slug(finding.signature),
        "nodes": finding.nodes,
        "lines": finding.lines,
        "upstream": finding.upstream,
        "workaround": finding.workaround,
        "warp_version": finding.warp_version,
        "grammar_version": finding.grammar_version,
        "seed": finding.seed,
        "index": finding.index,
        "options": _plain(finding.options),
        "seconds": finding.seconds,
        "tolerance": finding.tolerance,
        "case": _case(finding.case),
        "original": _case(finding.original),
        "second": None if finding.second is None else _case(finding.second),
        "expected": finding.expected and encode(finding.expected, numbers=True),
        "seeds": finding.seeds and encode(finding.seeds, numbers=True),
        "generated": finding.generated,
    }


def _case(case: Case) -> dict[str, Any]:
    launch = encode_launch(case.launch, numbers=True)
    return {"source": render(case.kernel), "kernel": case.kernel.name, **launch}


def _plain(value: Any) -> Any:
    """Return a value that JSON has; what it lacks becomes text."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, float) and not np.isfinite(value):
        return repr(float(value))
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


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
    if setting.layout != CONTIGUOUS:
        parts.insert(4, f"Arrays in memory: {setting.layout}.")
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
        for path, leaf in given_or_not({param.name: case.launch.inputs[param.name]}):
            name = ".".join(path)
            if leaf is None:
                given.append(f"`{name}` = None")
            elif leaf.size <= _SHORT:
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
