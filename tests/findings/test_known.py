"""Known bugs: where their signatures come from, what matches, errors in a file, and the workaround that explains."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import finding_kernels as kernels
import pytest

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.folder import slug, write_finding
from kernelfuzz.findings.known import SEVERAL, Known, KnownError, explained_by, load_known
from kernelfuzz.findings.recognised import BUGS, RECOGNISED, RULES
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.rewrites.workarounds import WORKAROUNDS, Workaround
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.lower import lower

NOTES = Path(__file__).parents[2] / "notes" / "findings"


def test_patterns_have_two_wildcards_and_an_exact_signature_comes_first() -> None:
    known = Known((("wrong value*: vec[i]*", "pattern"), ("wrong value: vec[i] = leaf", "exact"), ("a?c", "x")))
    assert known.match("wrong value: vec[i] = leaf") == "exact"
    assert known.match("wrong value on CUDA: vec[i] op= leaf") == "pattern"
    assert known.match("wrong value: veci") is None
    assert known.match("abc") == "x"
    assert Known().match("abc") is None


def test_every_rule_has_a_page_and_a_reason() -> None:
    pages = {path.stem for path in NOTES.glob("*.md")}
    assert {*BUGS, *(rule.bug for rule in RULES)} <= pages
    assert all(rule.why and rule.signatures for rule in RULES)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (kernels.chained, "chained-comparison-of-references"),
        (kernels.sliced_element, "subscript-of-a-slice"),
        (kernels.rejected_conversion, "conversion-retypes-a-constant"),
        (kernels.element_rebound, "tuple-assignment-aliases"),
    ],
)
def test_a_rule_recognises_what_this_warp_rejects(make: Callable[[], Case], name: str) -> None:
    kernel = make().kernel
    said = lower(kernel)
    if not isinstance(said, Failure):
        pytest.skip("this Warp accepts the kernel")
    verdict = Verdict("compile", "failed", "rejected", str(said))
    assert RECOGNISED.match(signature(verdict, kernel)) == name


def test_a_folder_of_written_findings_is_known(tmp_path: Path) -> None:
    case = kernels.swapped()
    verdict = Verdict("value", "failed", "wrong value")
    text = signature(verdict, case.kernel)
    finding = Finding(text, verdict, case, case, expected={"out0": kernels.ints(5, 4)}, generated="x;\n")
    folder = write_finding(finding, tmp_path)
    for path in (tmp_path, folder, folder / "finding.json"):
        assert load_known(path).match(text) == slug(text)
    (tmp_path / "known.json").write_text(json.dumps([{"finding": "other", "signatures": ["x*"]}]))
    assert load_known(tmp_path).match("xyz") == "other"
    assert load_known(tmp_path).match(text) == slug(text)


def test_a_campaign_that_confirmed_nothing_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / "unconfirmed").mkdir()
    assert load_known(tmp_path) == Known()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "must hold a list"),
        ("[1]", "entry 0 must be"),
        ('[{"finding": "a", "signatures": "b"}]', "entry 0 must be"),
        ('[{"finding": "a", "signatures": [1]}]', r"entry 0 \(a\) has a signature that is no text"),
    ],
)
def test_a_bad_file_is_told_in_a_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(content)
    for each in (path, tmp_path):
        with pytest.raises(KnownError, match=message) as error:
            load_known(each)
        assert "\n" not in str(error.value)


def test_a_path_without_findings_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KnownError, match=r"^there is no file or folder "):
        load_known(tmp_path / "missing")
    with pytest.raises(KnownError, match="holds no findings"):
        load_known(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(KnownError, match="holds no findings"):
        load_known(tmp_path)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "finding.json").write_text("[]")
    with pytest.raises(KnownError, match="has no signature"):
        load_known(tmp_path)


# ------------------------------------------------------------------------------------ by a workaround

CASE = replace(kernels.swapped(), kernel=replace(kernels.swapped().kernel, name="kernel"))
WRONG = Verdict("value", "failed", "wrong value", suspects=("a", "b", "c", "nothing", "slope"))
REJECTED = Verdict("compile", "failed", "rejected")
GRADIENT = Verdict("gradient", "failed", "wrong gradient")
OUTSIDE = replace(WRONG, kind="writes outside")
ADJOINT = Verdict("gradient", "failed", "writes outside")

# The names of workarounds, the name of the rewritten kernel that passes, and the bug that explains the failure.
EXPLAINED = {
    "one of three": (WRONG, ["a", "b", "c"], "kernel_b", "b"),
    "both": (WRONG, ["a", "b"], "kernel_a_b", SEVERAL),
    "all three": (WRONG, ["a", "b", "c"], "kernel_a_b_c", SEVERAL),
    "none": (WRONG, ["a", "b"], "", None),
    "a value that the bug does not change here": (replace(WRONG, suspects=("a",)), ["b"], "kernel_b", None),
    "a kernel that the bug does not refuse": (REJECTED, ["a"], "kernel_a", None),
    "no names": (WRONG, [], "kernel", None),
    "a bug without a workaround": (WRONG, ["predicted", "b"], "kernel_b", "b"),
    "a write outside of a suspect": (OUTSIDE, ["a"], "kernel_a", "a"),
    "a write outside, whatever the bug does to values": (OUTSIDE, ["slope"], "kernel_slope", "slope"),
    "a write outside of none that is suspected": (replace(OUTSIDE, suspects=("a",)), ["b"], "kernel_b", None),
    "a write outside in an adjoint, which nothing predicts": (ADJOINT, ["b"], "kernel_b", "b"),
    "nothing is rewritten": (WRONG, ["nothing"], "kernel", None),
    "a bug of gradients, of a value": (WRONG, ["slope"], "kernel_slope", None),
    "a bug of gradients, of a gradient": (GRADIENT, ["slope"], "kernel_slope", "slope"),
}


@pytest.mark.parametrize("otherwise", [WRONG, Verdict("value", "skipped", "", "undefined")], ids=["failed", "skipped"])
@pytest.mark.parametrize(("verdict", "names", "passing", "bug"), EXPLAINED.values(), ids=EXPLAINED)
def test_the_known_bug_is_the_one_whose_workaround_passes(
    verdict: Verdict,
    names: list[str],
    passing: str,
    bug: str | None,
    otherwise: Verdict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def renaming(name: str) -> Callable[[Kernel], Kernel]:
        return lambda kernel: kernel if name == "nothing" else replace(kernel, name=f"{kernel.name}_{name}")

    def ask(cases: Sequence[Case], asked: Verdict) -> list[Verdict]:
        assert cases
        assert asked == verdict
        assert all(case.launch is CASE.launch and case.kernel.name != "kernel" for case in cases)
        return [Verdict("value", "passed") if case.kernel.name == passing else otherwise for case in cases]

    for name in set(names) - {"predicted"}:
        kinds = ("wrong gradient",) if name == "slope" else ("wrong value", "wrong gradient")
        toy = Workaround(name, (), "The kernel has another name.", renaming(name), recognises=kinds)
        monkeypatch.setitem(WORKAROUNDS, name, toy)
    assert explained_by(CASE, verdict, names, ask) == bug
