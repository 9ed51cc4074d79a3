"""Findings on disk: one folder each, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.report import report
from kernelfuzz.findings.reproducer import launch_script, reproducer
from kernelfuzz.ir.codec import encode, encode_launch
from kernelfuzz.ir.launch import Case
from kernelfuzz.syntax.render import render

SCHEMA = 1
RECORD = "finding.json"


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
    folder = Path(directory)
    target = folder / slug(finding.signature)
    if (target / RECORD).exists():
        return target
    files = {
        "reproducer.py": reproducer(finding),
        "original.py": launch_script(finding, finding.original),
        "report.md": report(finding),
        RECORD: json.dumps(record(finding), indent=2, allow_nan=False) + "\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        for name, text in files.items():
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
    setting, mismatch = finding.verdict.setting, finding.verdict.mismatch
    return {
        "schema": SCHEMA,
        "signature": finding.signature,
        "kind": finding.kind,
        "oracle": finding.oracle,
        "target": setting.target,
        "transformation": setting.transformation,
        "module_options": _plain(dict(setting.options)),
        "block_dim": setting.block_dim,
        "blocks": setting.blocks,
        "message": finding.message or finding.verdict.reason,
        "mismatch": mismatch and _plain(asdict(mismatch)),
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
