"""The results of ``mutants.py`` as a part of a page: counts, and every mutant that a campaign does not notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mutant_reasons import REASONS

from kernelfuzz.strategies.kernel import GRAMMAR_VERSION

if TYPE_CHECKING:
    from mutants import Result

BEGIN = "<!-- measured: begin.  Written by tests/quality/mutants.py. -->\n"
END = "<!-- measured: end -->\n"

# The kinds of failure that have a column of their own.
KINDS = ("rejected", "does not compile", "wrong value", "wrong gradient")

# No campaign is run: there is nothing to tell, or Warp cannot be imported.
UNCHANGED = ("same code", "broken")


def same_meaning(result: Result) -> bool:
    """Whether what the mutant changes in the text changes nothing that a kernel computes, as argued."""
    return result.status != "noticed" and result.key in REASONS and REASONS[result.key].same_meaning


def counts(results: Sequence[Result]) -> dict[str, Any]:
    """The counts: mutants, those that change a text, those that change what a kernel computes, and what came of them.

    ``explained`` are those for which known bugs explain more failures than they do on the unmutated Warp.
    """
    changing = [result for result in results if result.status not in UNCHANGED]
    computing = [result for result in changing if not same_meaning(result)]
    noticed = [result for result in changing if result.status == "noticed"]
    return {
        "mutants": len(results),
        "broken": sum(result.status == "broken" for result in results),
        "change a text": len(changing),
        "change a result": len(computing),
        "noticed": len(noticed),
        "share": round(len(noticed) / len(computing), 3) if computing else None,
        **{kind: sum(result.kind == kind for result in noticed) for kind in KINDS},
        "other": dict(Counter(result.kind for result in noticed if result.kind not in KINDS)),
        "stopped by control kernels": sum(bool(result.stopped) for result in changing),
        "explained": sum(bool(result.explained) for result in changing),
        "not noticed, explained": sum(bool(result.explained) for result in changing if result.status != "noticed"),
    }


def write(page: Path, results: Sequence[Result], campaign: Mapping[str, Any]) -> None:
    """Put the results between the two marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}{text(results, campaign)}{END}{after}")


def text(results: Sequence[Result], campaign: Mapping[str, Any]) -> str:
    """What stands between the marks."""
    found = counts(results)
    functions = len({result.function for result in results})
    first = sorted(result.examples for result in results if result.status == "noticed")
    paragraphs = [
        f"Warp {version('warp-lang')}, grammar version {GRAMMAR_VERSION}; {found['mutants']} mutants in {functions} "
        f"functions. A campaign: {campaign['examples']} kernels of seed {campaign['seed']}, the oracles "
        f"{', '.join(campaign['oracles'])} on {' and '.join(campaign['targets'])}, with the shipped known bugs.",
        f"**{found['change a text']} of {found['mutants']} mutants change the generated text of a kernel of the "
        f"campaign. {found['noticed']} of these end "
        f"in a new finding. Of the {found['change a result']} that may "
        f"change what a kernel computes, that is {_percent(found)}.**",
        f"{found['broken']} more keep Warp from being imported, which takes no campaign to see; they do not count.",
        _by_operator(results),
        f"Others: {_listed(found['other']) or 'none'}. ",
        f"Half of the findings come within {first[len(first) // 2]} kernels, the last after {first[-1]}. "
        f"With {found['stopped by control kernels']} mutants the control kernels fail: a campaign says so and does not "
        "start. They are counted here by what the campaign finds without control kernels.",
        f"Known bugs explain more failures than on the unmutated Warp with {found['explained']} mutants, "
        f"{found['not noticed, explained']} of them not noticed.{_explained(results)}",
        "### What is not noticed\n\n" + _survivors(results),
    ]
    return "\n" + "\n\n".join(part.strip() for part in paragraphs) + "\n\n"


def _percent(found: Mapping[str, Any]) -> str:
    return "none" if found["share"] is None else f"{100 * found['share']:.0f} %"


def _listed(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items(), key=lambda item: -item[1]))


def _by_operator(results: Sequence[Result]) -> str:
    columns: dict[str, Callable[[Result], bool]] = {
        "mutants": lambda result: True,
        "change a text": lambda result: result.status not in UNCHANGED,
        **{kind: lambda result, kind=kind: result.kind == kind for kind in KINDS},
        "other": lambda result: result.status == "noticed" and result.kind not in KINDS,
        "the same results": same_meaning,
        "not noticed": lambda result: result.status in ("survived", "unfinished") and not same_meaning(result),
    }

    def row(name: str, some: Sequence[Result]) -> list[str]:
        return [name, *(str(sum(map(holds, some))) for holds in columns.values())]

    operators = sorted({result.operator for result in results})
    rows = [row(name, [result for result in results if result.operator == name]) for name in operators]
    return _table(["", *columns], [*rows, row("**all**", results)])


def _explained(results: Sequence[Result]) -> str:
    told = [
        f"- {result.line}, `{_short(result.original)}` as `{_short(result.mutated)}` ({result.status}): "
        f"{', '.join(result.explained)}"
        for result in results
        if result.explained
    ]
    return "\n\n" + "\n".join(told) if told else ""


def _survivors(results: Sequence[Result]) -> str:
    rows = [
        [
            str(result.line),
            f"`{result.function}`: `{_short(result.original)}` as `{_short(result.mutated)}`",
            "the same results" if same_meaning(result) else "unfinished" if result.status == "unfinished" else "gap",
            REASONS[result.key].text if result.key in REASONS else "not looked into",
        ]
        for result in results
        if result.status in ("survived", "unfinished")
    ]
    return _table(["line", "mutant", "", "why"], rows)


def _short(code: str) -> str:
    return code if len(code) <= 70 else f"{code[:67]}..."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
