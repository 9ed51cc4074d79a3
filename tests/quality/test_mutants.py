"""The machinery of ``mutants.py``: which mistakes it plants, and that it tells noticed from unchanged."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from pathlib import Path

import mutant_page
import pytest
from mutant_reasons import REASONS, Reason
from mutant_trial import code, readable_difference
from mutants import Measurement, Result, came_of, installed_codegen
from mutation import Site, choose, mutant, sites

SOURCE = '''\
LIMIT = 3


def first(values: list[int], flag=1):
    """Text with 7."""
    if not flag and values:
        values[0] = "ä"; values.clear()
    if len(values) < 2:
        raise ValueError(f"{flag + 1}")
    assert flag == 5
    log_warning("say", 6)
    return (values
            or not flag)


class Holder:
    size = 4

    def grow(self):
        def inner():
            return 1 if self.size == 8 else 2
        return [x for x in inner() if x]
'''


def mutated(operator: str) -> list[tuple[str, str, str]]:
    return [(site.function, site.original, site.mutated) for site in sites(SOURCE) if site.operator == operator]


def test_conditions_are_negated() -> None:
    assert mutated("negate a condition") == [
        ("first", "not flag and values", "(not (not flag and values))"),
        ("Holder.grow.inner", "self.size == 8", "(not (self.size == 8))"),
        ("Holder.grow", "x", "(not (x))"),
    ]


def test_boolean_operators_are_swapped() -> None:
    assert mutated("swap and/or") == [
        ("first", "not flag and values", "(not flag or values)"),
        ("first", "values or not flag", "(values and (not flag))"),
    ]


def test_not_is_dropped() -> None:
    assert mutated("drop not") == [("first", "not flag", "(bool(flag))")] * 2


def test_calls_and_stores_are_dropped_but_no_messages() -> None:
    assert mutated("drop a call or store") == [
        ("first", 'values[0] = "ä"', "pass"),
        ("first", "values.clear()", "pass"),
    ]


def test_constants_are_off_by_one_outside_of_messages_defaults_and_module_level() -> None:
    assert mutated("off by one") == [
        ("first", "0", "1"),
        ("Holder.grow.inner", "1", "2"),
        ("Holder.grow.inner", "8", "9"),
        ("Holder.grow.inner", "2", "3"),
    ]


def test_a_comparison_that_is_a_condition_is_not_negated_twice() -> None:
    source = "def f(a, b):\n    c = a == b\n    if a is b:\n        pass\n    while a < b:\n        pass\n"
    found = [site.mutated for site in sites(source) if site.operator == "swap a comparison"]
    assert found == ["(a != b)", "(a <= b)"]


def test_a_mutant_differs_at_its_place_only() -> None:
    # Places are in bytes: the letter before them is two.
    (site,) = [site for site in sites(SOURCE) if site.original == "values.clear()"]
    assert mutant(SOURCE, site) == SOURCE.replace("values.clear()", "pass")
    (site,) = [site for site in sites(SOURCE) if site.original.startswith("values or")]
    assert mutant(SOURCE, site) == SOURCE.replace("values\n            or not flag", "(values and (not flag))")


def test_every_mutant_of_warp_parses_and_has_a_key_of_its_own() -> None:
    text = installed_codegen().read_text()
    found = sites(text)
    assert len({site.key for site in found}) == len(found) > 1000
    for site in found[::300]:
        changed = mutant(text, site)
        ast.parse(changed)
        assert changed != text


def test_the_choice_is_spread_and_grows_at_its_end() -> None:
    found = sites(installed_codegen().read_text())
    reached = {site.line for site in found[::2]}
    chosen = choose(found, reached, 60, seed=3)
    assert len({site.function for site in chosen}) == 60
    assert len({site.operator for site in chosen}) == 6
    assert {site.line for site in chosen} <= reached
    assert choose(found, reached, 20, seed=3) == chosen[:20]
    assert choose(found, reached, 60, seed=4) != chosen
    assert choose(found, {found[0].line}, 60, seed=3)


def test_layout_and_hashes_are_no_code() -> None:
    assert code("a_0123abcd(\n\n  x_89abcdef_cpu);") == code("a_ffffffff(\nx_00000000_cpu);")
    assert code("a_0123abcd(x);") != code("a_0123abcd(y);")
    difference = readable_difference("int var_1;\nint var_2;\nf(var_2);", "int var_1;\nf(var_1);", "cpu")
    assert [line for line in difference.split("\n")[3:] if line[0] in "+-"] == ["-int var_#;"]


NOTICED = Result(
    "1:0-1:1 1", 1, "f", "off by one", "0", "1", "noticed", 0, "", 4, "wrong value", "value", "wrong value: add"
)
SURVIVED = replace(NOTICED, key="2:0-2:1 1", line=2, status="survived", kind="", oracle="", signature="")


def test_the_share_is_of_those_that_change_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    same = replace(SURVIVED, key="3:0-3:1 1", line=3)
    monkeypatch.setitem(REASONS, same.key, Reason(True, "An empty line."))
    results = [
        NOTICED,
        replace(NOTICED, kind="crash", stopped="an empty kernel crashes"),
        SURVIVED,
        same,
        replace(SURVIVED, status="same code"),
        replace(SURVIVED, status="broken"),
        replace(SURVIVED, status="unfinished", explained=("late-read",)),
    ]
    found = mutant_page.counts(results)
    assert (found["mutants"], found["change a text"], found["change a result"], found["noticed"]) == (7, 5, 4, 2)
    assert found["share"] == 0.5
    assert (found["wrong value"], found["other"]) == (1, {"crash": 1})
    assert (found["stopped by control kernels"], found["explained"], found["not noticed, explained"]) == (1, 1, 1)


def test_a_page_keeps_what_is_around_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Above.\n\n{mutant_page.BEGIN}old\n{mutant_page.END}\nBelow.\n")
    monkeypatch.setitem(REASONS, SURVIVED.key, Reason(False, "Nobody | looks."))
    campaign = {"examples": 48, "seed": 1, "oracles": ["value"], "targets": ["cpu"]}
    mutant_page.write(page, [NOTICED, SURVIVED], campaign)
    text = page.read_text()
    assert text.startswith("Above.\n")
    assert text.endswith("\nBelow.\n")
    assert "old" not in text
    assert "| 2 | `f`: `0` as `1` | gap | Nobody \\| looks. |" in text
    assert "| off by one | 2 | 2 | 0 | 0 | 1 | 0 | 0 | 0 | 1 |" in text
    mutant_page.write(page, [NOTICED, SURVIVED], campaign)
    assert page.read_text() == text


def test_what_known_bugs_explain_beyond_the_unmutated_warp_is_told() -> None:
    before = {"8": Counter({"late-read": 1})}
    answer = {"stopped": "", "examples": 8, "findings": [], "explained": {"8": {"late-read": 1, "negated-zero": 2}}}
    assert came_of(answer, before) == {
        "examples": 8,
        "stopped": "",
        "status": "survived",
        "explained": ("negated-zero",),
        "left": (),
    }


def _site(text: str, function: str, original: str, operator: str) -> Site:
    (site,) = [
        site for site in sites(text) if (site.function, site.original, site.operator) == (function, original, operator)
    ]
    return site


@pytest.mark.slow
def test_a_campaign_on_a_mutant(tmp_path: Path) -> None:
    campaign = {"seed": 1, "examples": 4, "oracles": ["value", "compile"], "targets": ["cpu"]}
    measurement = Measurement(tmp_path, campaign, 2)
    before = measurement.codegen.read_bytes()
    assert len(measurement.reached) == 4

    # A comment changes no code: the kernels are lowered again and every text is the same.
    text = measurement.text
    unmarked = text.replace("import ast\n", "import ast  # mutated\n", 1)
    assert unmarked != text
    measurement.text = unmarked
    dropped = _site(unmarked, "Adjoint.end_if", 'adj.add_forward("}")', "drop a call or store")
    assert measurement.tried(replace(dropped, mutated=dropped.original)).status == "same code"

    # Without its closing bracket a branch does not compile; the script of the finding, run alone, shows it too.
    noticed = measurement.tried(dropped)
    assert (noticed.status, noticed.oracle, noticed.kind) == ("noticed", "compile", "does not compile")
    assert any(line.startswith("-") and line.strip("- ") == "}" for line in noticed.diff.split("\n"))

    # No campaign is needed for a Warp that cannot be imported.
    broken = measurement.tried(replace(dropped, mutated="]["))
    assert (broken.status, broken.stopped.partition(":")[0]) == ("broken", "SyntaxError")
    assert measurement.codegen.read_bytes() == before

    # The same folder is refused for another campaign.
    with pytest.raises(Exception, match="another campaign"):
        Measurement(tmp_path, {**campaign, "seed": 2}, 2)
