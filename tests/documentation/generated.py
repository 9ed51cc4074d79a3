"""What pages show of the code: tables and numbers, each between two comments.

    python tests/documentation/generated.py

writes them anew; tests/documentation/test_generated.py fails where a page is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from differences import DIFFERENCES
from layers import FRONT, LEVEL, LEVELS, ROOT, room_of, rooms_imported, sources

from kernelfuzz.campaign.plan import CampaignPlan
from kernelfuzz.oracles.complaints import COMPLAINTS
from kernelfuzz.oracles.ill_typed import EDITS
from kernelfuzz.oracles.static_checks import CHECKS
from kernelfuzz.oracles.table import ORACLES, OWN_CLANG, Sample
from kernelfuzz.reference.arithmetic import BINARY, COMPARE, CONVERSIONS, UNARY
from kernelfuzz.reference.deviations import DEVIATIONS
from kernelfuzz.reference.limitations import LIMITATIONS
from kernelfuzz.reference.promises import PROMISES
from kernelfuzz.reference.smooth_domains import SMOOTH_DOMAINS
from kernelfuzz.rewrites import transformations as rewritten
from kernelfuzz.rewrites.workarounds import WORKAROUNDS
from kernelfuzz.strategies.features import GROUPS

KINDS = {"float": "floats", "int": "signed integers", "uint": "unsigned integers", "bool": "bool"}


def escaped(cell: str) -> str:
    cell = cell.replace("|", "\\|")
    return cell if "`" in cell else cell.replace("*", "\\*")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *[[escaped(cell) for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def kinds(names: Sequence[str]) -> str:
    text = ", ".join(KINDS[name] for name in names)
    return text.replace("signed integers, unsigned integers", "integers")


def differences() -> str:
    head = ("what", "rule", "source", "releases", "kept by")
    rows = [
        (row.name, row.rule, row.source, row.changed, f"`{row.kept_by.replace(', ', '`, `')}`") for row in DIFFERENCES
    ]
    return table(head, rows)


def arithmetic() -> str:
    # What has one reason has one row.
    rows: dict[tuple[str, str], list[str]] = {}
    for title, rules in (("", BINARY), ("unary ", UNARY), ("", COMPARE)):
        for rule in rules:
            rows.setdefault((kinds(rule.kinds), rule.source), []).append(f"{title}`{rule.op}`")
    for row in CONVERSIONS:
        made = f"{kinds(row.sources)} to {kinds(row.targets)}"
        rows.setdefault((made, row.source), []).append("conversion")
    return table(
        ("operator", "operands", "rule and source"),
        [(", ".join(names), operands, source) for (operands, source), names in rows.items()],
    )


def limitations() -> str:
    return table(
        ("what", "section", "sentence"),
        [(row.name, row.section, row.sentence) for row in LIMITATIONS],
    )


def transformations() -> str:
    rows = [(row.name, row.does, ", ".join(row.may_change)) for row in rewritten.TRANSFORMATIONS]
    return table(("transformation", "what is written instead", "may change"), rows)


def workarounds() -> str:
    rows = [
        (
            f"[{row.bug}](findings/{row.bug}.md)",
            row.does,
            ", ".join(row.releases),
            ", ".join(row.recognises),
            ", ".join(row.may_change),
        )
        for row in WORKAROUNDS.values()
    ]
    return table(("bug", "what is written instead", "releases", "recognises", "may change"), rows)


def deviations() -> str:
    rows = [
        (f"[{row.name}](findings/{row.name}.md)", row.rule, "open" if row.open else "predicted")
        for row in DEVIATIONS.values()
    ]
    return table(("bug", "what such a Warp does", "what it computes"), rows)


def smooth_domains() -> str:
    rows = [
        (f"`{row.builtin}`", row.closed + (f"; all but {row.meant_for}" if row.meant_for else ""), row.says)
        for row in SMOOTH_DOMAINS.values()
    ]
    return table(("builtin", "not judged", "what Warp says"), rows)


def promises() -> str:
    rows = [
        (
            f"`{name}`",
            row.says,
            ", ".join(f"[{bug}](findings/{bug}.md)" for bug in row.broken),
        )
        for name, row in PROMISES.items()
    ]
    return table(("builtin", "what Warp promises", "known to break it"), rows)


def findings() -> str:
    lines = (ROOT / "notes" / "findings" / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    return "\n".join(rows).replace("](", "](notes/findings/") + "\n"


def layers() -> str:
    """The rooms, the highest first."""
    rows = [(f"`{room}`", sentence) for level in reversed(LEVELS) for room, sentence in level.items()]
    return table(("room", "what lives there"), rows)


def imports() -> str:
    """Which room imports which, late imports included."""
    graph: dict[str, set[str]] = {}
    for path in sources():
        if room_of(path) != FRONT:
            graph.setdefault(room_of(path), set()).update(rooms_imported(path) - {FRONT})
    order = sorted(graph, key=lambda room: -LEVEL[room])
    rows = [
        (f"`{room}`", ", ".join(f"`{each}`" for each in order if each in graph[room]) or "nothing") for room in order
    ]
    return table(("room", "imports"), rows)


def features() -> str:
    rows = [(f"`{row.name}`", of, row.meaning, ", ".join(row.needs)) for of, group in GROUPS.items() for row in group]
    return table(("feature", "of", "what it is", "needs"), rows)


def oracles() -> str:
    rows = [
        (f"`{row.name}`", row.asks, "; ".join(_how_often(sample) for sample in row.samples), ", ".join(row.kinds))
        for row in ORACLES.values()
    ]
    return table(("oracle", "asks", "how often", "reports"), rows)


def checks() -> str:
    """What the static oracle holds."""
    return table(("check", "what holds"), [(f"`{row.name}`", row.says) for row in CHECKS.values()])


def refusals() -> str:
    """What the refusal oracle holds Warp to."""
    rows = [(row.name, row.source, row.sentence, row.since) for row in EDITS.values()]
    return table(("after the edit", "page", "sentence", "since"), rows)


def complaints() -> str:
    """The warnings that the warning oracle keeps."""
    rows = [
        (row.what, ", ".join(f"`-W{name}`" for name in row.clang), ", ".join(f"#{each}-D" for each in row.nvrtc))
        for row in COMPLAINTS
    ]
    return table(("what is wrong", "clang", "NVRTC"), rows)


def _how_often(sample: Sample) -> str:
    return (
        f"{sample.what}: every {sample.of}"
        if sample.one_in == 1
        else f"{sample.what}: one {sample.of} in {sample.one_in}"
    )


# What stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` of a page.
SECTIONS: dict[str, tuple[str, Callable[[], str]]] = {
    "findings": ("README.md", findings),
    "layers": ("README.md", layers),
    "features": ("notes/grammar.md", features),
    "differences": ("notes/reference.md", differences),
    "arithmetic": ("notes/reference.md", arithmetic),
    "limitations": ("notes/reference.md", limitations),
    "transformations": ("notes/rewrites.md", transformations),
    "deviations": ("notes/reference.md", deviations),
    "promises": ("notes/reference.md", promises),
    "smooth-domains": ("notes/reference.md", smooth_domains),
    "workarounds": ("notes/rewrites.md", workarounds),
    "oracles": ("notes/oracles.md", oracles),
    "checks": ("notes/oracles.md", checks),
    "refusals": ("notes/oracles.md", refusals),
    "complaints": ("notes/oracles.md", complaints),
    "rooms": ("notes/architecture.md", layers),
    "imports": ("notes/architecture.md", imports),
}


def default(dataclass: type, name: str) -> object:
    return next(field.default for field in fields(dataclass) if field.name == name)


# What stands between ``<!-- = NAME -->`` and the next ``<!-- -->``, in any page.
NUMBERS: dict[str, Callable[[], object]] = {
    "nvrtc": lambda: ORACLES["compile"].samples[0].one_in * ORACLES["compile"].samples[1].one_in,
    "clang": lambda: ORACLES["compile"].samples[2].one_in,
    "other-host": lambda: ORACLES["value"].samples[1].one_in,
    "own-clang": lambda: OWN_CLANG.one_in,
    "gradients": lambda: ORACLES["gradient"].samples[1].one_in,
    "options": lambda: ORACLES["metamorphic"].samples[1].one_in,
    "chunk": lambda: default(CampaignPlan, "chunk"),
}

_SECTION = re.compile(r"(<!-- ([\w-]+): begin\b.*?-->\n)(.*?)(<!-- \2: end -->)", re.DOTALL)
_NUMBER = re.compile(r"(<!-- = (\S+) -->)(.*?)(<!-- -->)")


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "notes").glob("*.md"))]


def written(page: Path) -> str:
    """The text of a page with everything generated as the code has it.  Raises KeyError at an unknown number."""
    made = {name: make for name, (of, make) in SECTIONS.items() if ROOT / of == page}
    text = page.read_text(encoding="utf-8")
    text = _SECTION.sub(lambda at: at[1] + (made[at[2]]() if at[2] in made else at[3]) + at[4], text)
    return _NUMBER.sub(lambda at: f"{at[1]}{NUMBERS[at[2]]()}{at[4]}", text)


def marked(page: Path) -> set[str]:
    """The names of all sections and numbers that a page has."""
    text = page.read_text(encoding="utf-8")
    return {at[2] for pattern in (_SECTION, _NUMBER) for at in pattern.finditer(text)}


if __name__ == "__main__":
    for each in pages():
        each.write_text(written(each), encoding="utf-8")
