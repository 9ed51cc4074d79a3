"""Known bugs: by its signature, or by a workaround, a failure is told from what is new."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from kernelfuzz.findings.folder import RECORD, UNCONFIRMED, read_finding
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.reference.deviations import DEVIATIONS, applicable
from kernelfuzz.rewrites.workarounds import WORKAROUNDS, worked_around

SEVERAL = "several known bugs together"

# Judges cases in the way that led to a verdict, as ``kernelfuzz.oracles.judge.judge_again`` does.
Ask = Callable[[Sequence[Case], Verdict], Sequence[Verdict]]

# The file that lists the signatures of a folder of findings written by hand.
KNOWN_FILE = "known.json"


class KnownError(ValueError):
    """A file or folder of known bugs that cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Known:
    """Known bugs: pairs of a signature, or a pattern of one, and the name of the finding.

    In a pattern ``*`` stands for any text and ``?`` for one character; brackets stand for themselves, as
    signatures have them (``vec[i]``).
    """

    entries: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Known) -> Known:
        return Known(self.entries + other.entries)

    def exact(self, signature: str) -> str | None:
        """Return the name of the finding with exactly this signature."""
        return next((name for known, name in self.entries if known == signature), None)

    def match(self, signature: str) -> str | None:
        """Return the name of the finding with this signature; an exact one comes before a pattern."""
        if (exact := self.exact(signature)) is not None:
            return exact
        for pattern, name in self.entries:
            if _pattern(pattern).fullmatch(signature):
                return name
        return None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, re.DOTALL)


def load_known(path: str | Path) -> Known:
    """Return the known bugs of a file or a folder.

    A folder holds ``known.json``, or folders that ``write_finding`` wrote, or both; one of a campaign that
    found only what is unconfirmed has none.  A file is such a ``known.json`` (a list of
    ``{"finding": name, "signatures": [...]}``) or one ``finding.json``.  Raises KnownError.
    """
    path = Path(path)
    if path.is_dir():
        return Known(tuple(_folder(path)))
    if not path.exists():
        raise KnownError(f"there is no file or folder {path}")
    return Known(tuple(_file(path)))


def _folder(path: Path) -> list[tuple[str, str]]:
    try:
        listed = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError as error:
        raise KnownError(f"{path} cannot be read: {error.strerror}") from error
    inside = [each for each in listed if each.name != UNCONFIRMED]
    entries: list[tuple[str, str]] = []
    found = False
    for each in inside:
        if each.name == KNOWN_FILE:
            entries += _file(each)
            found = True
        elif (each / RECORD).is_file():
            entries.append((_signature(each), each.name))
            found = True
    if (path / RECORD).is_file():
        entries.append((_signature(path), path.name))
        found = True
    if not found and inside == listed:
        raise KnownError(f"{path} holds no findings: neither {KNOWN_FILE} nor folders with a {RECORD}")
    return entries


def _signature(folder: Path) -> str:
    try:
        return read_finding(folder)["signature"]
    except ValueError as error:
        raise KnownError(str(error)) from error


def _file(path: Path) -> Iterable[tuple[str, str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KnownError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise KnownError(f"{path} is not JSON: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("signature"), str):
        return [(content["signature"], path.resolve().parent.name)]
    if not isinstance(content, list):
        raise KnownError(f"{path} must hold a list of known findings")
    return [entry for number, each in enumerate(content) for entry in _entries(path, number, each)]


def _entries(path: Path, number: int, each: Any) -> list[tuple[str, str]]:
    name = each.get("finding") if isinstance(each, dict) else None
    signatures = each.get("signatures") if isinstance(each, dict) else None
    if not isinstance(name, str) or not isinstance(signatures, list):
        raise KnownError(f'{path}: entry {number} must be {{"finding": name, "signatures": [text, ...]}}')
    if not all(isinstance(signature, str) for signature in signatures):
        raise KnownError(f"{path}: entry {number} ({name}) has a signature that is no text")
    return [(signature, name) for signature in signatures]


# ------------------------------------------------------------------------------------ by a workaround


def explained_by(case: Case, verdict: Verdict, names: Iterable[str], ask: Ask) -> str | None:
    """Return the known bug of ``names`` whose workaround makes a failing case pass, or ``SEVERAL`` where it takes all.

    None where the case fails with each and with all.  Bugs without a row of ``WORKAROUNDS`` are left out.  Of wrong
    values only the suspects of the verdict are tried: other bugs are predicted, or are not the reason.
    """
    kernel = case.kernel
    names = tuple([name for name in names if name in WORKAROUNDS and _recognises(name, verdict)])
    sets: list[tuple[str, ...]] = [(name,) for name in names]
    if len(sets) > 1:
        sets.append(names)
    rewritten = [(each, worked_around(kernel, each, verdict.setting.unroll)) for each in sets]
    rewritten = [(each, other) for each, other in rewritten if other != kernel]
    cases = [replace(case, kernel=other) for _, other in rewritten]
    for (each, _), found in zip(rewritten, ask(cases, verdict) if cases else (), strict=True):
        if found.status in ("passed", "known"):
            return each[0] if len(each) == 1 else SEVERAL
    return None


def _recognises(name: str, verdict: Verdict) -> bool:
    if name in DEVIATIONS and DEVIATIONS[name] not in applicable(of_gradients=True):
        return False
    if verdict.kind == "writes outside":
        # Where an adjoint writes is not predicted.
        return verdict.oracle == "gradient" or name in verdict.suspects
    of_values = verdict.kind in ("wrong value", "different")
    return verdict.kind in WORKAROUNDS[name].recognises and (not of_values or name in verdict.suspects)
