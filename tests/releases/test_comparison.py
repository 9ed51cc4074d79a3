"""Two Warps held against each other for real: the running one, and itself with mistakes planted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from planted import SOURCES, planted_python  # pyright: ignore[reportMissingImports]

from kernelfuzz.releases.comparison import Report, Speed, compare, compare_all, report_lines
from kernelfuzz.releases.differences import Difference
from kernelfuzz.releases.environments import ReleaseError, environment
from kernelfuzz.releases.tasks import Task
from kernelfuzz.workers import Pool

TASKS = [Task(name, source=source) for name, source in SOURCES.items()]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    return planted_python(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def report(broken: str) -> Report:
    """The Warp that is planted with mistakes as the new one."""
    return compare(environment(sys.executable), environment(broken), TASKS)


def of_label(found: list[Difference]) -> dict[tuple[str, str], Difference]:
    return {(each.label, each.subject): each for each in found}


def test_each_planted_mistake_is_a_regression(report: Report) -> None:
    found = of_label(report.of_weight("regression"))
    assert sorted(found) == [
        ("astray", "acceptance"),
        ("deadly", "acceptance"),
        ("refused", "acceptance"),
        ("wrong", "gradients"),
        ("wrong", "values"),
    ]
    assert found["astray", "acceptance"].what == "writes outside of out0, 1 element after its end"
    assert found["astray", "acceptance"].where[:2] == ("kernel for cpu", "kernel for cuda-host")
    assert found["deadly", "acceptance"].what == "the process was killed by SIGSEGV"
    assert "no such thing" in found["refused", "acceptance"].what
    assert found["wrong", "values"].where == ("cpu", "cuda-host")
    assert report.of_weight("improvement") == report.of_weight("change") == []


def test_a_kernel_that_ends_the_process_costs_itself_only(report: Report) -> None:
    assert dict(report.counts) == {"kernels": 5, "lowered": 3, "values": 2, "gradients": 2}


def test_generated_code(report: Report) -> None:
    # Of sound, and of wrong and astray, for two devices each.
    assert (report.code.same, report.code.changed) == (2, 4)
    assert set(report.code.kinds) == {"other functions called", "argument passing"}
    assert dict(report.code.more) == {"div": 2, "adj_add": 2}
    assert dict(report.code.fewer) == {"mul": 2, "adj_mul": 2}


def test_the_report_says_it(report: Report) -> None:
    text = "\n".join(report_lines(report))
    assert "Regressions: 5" in text
    assert "accepted by the old only: the process was killed by SIGSEGV" in text
    assert "wrong (cpu, cuda-host): out0[" in text
    assert "+ var_" in text
    about = report.to_dict()
    assert len(about["regressions"]) == 5
    assert about["speed"]["kernels"] == 3


@pytest.mark.slow
def test_the_other_way_round_they_are_improvements(broken: str) -> None:
    wrong = [task for task in TASKS if task.label == "wrong"]
    report = compare(environment(broken), environment(sys.executable), wrong)
    assert [each.subject for each in report.of_weight("improvement")] == ["values", "gradients"]
    assert report.of_weight("regression") == []


@pytest.mark.slow
def test_one_warp_agrees_with_itself() -> None:
    this = environment(sys.executable)
    drawn = Task("seed 0 index 3", 0, 3, {"size": "small"})
    unread = Task("unread", source="import warp as wp\n\n\n@wp.kernel\ndef k(x: int):\n    print(x)\n")
    report = compare(this, this, [drawn, unread])
    assert report.differences == []
    assert (report.code.same, report.code.changed) == (4, 0)
    assert report.counts["values"] == 1
    assert list(report.skipped) == ["kernelfuzz cannot read it"]


def test_several_releases_are_held_against_one(broken: str, report: Report) -> None:
    this, other = environment(sys.executable), environment(broken)
    tasks = [task for task in TASKS if task.label in ("sound", "refused")]
    with Pool(2) as queue:
        same, changed = compare_all(this, [this, other], tasks, queue=queue)
    assert same.differences == []
    assert same.counts["lowered"] == 2
    assert changed.differences == [each for each in report.differences if each.label == "refused"]


def test_a_warp_that_cannot_be_driven(tmp_path: Path) -> None:
    python = planted_python(tmp_path)
    (tmp_path / "sitecustomize.py").write_text("import warp._src.context as c\ndel c.ModuleHasher\n")
    with pytest.raises(ReleaseError, match="ModuleHasher"):
        compare(environment(python), environment(sys.executable), TASKS[:1])


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ((1.0, 1.0, 1.0), (1.3, 1.3, 1.3), "slower"),
        ((1.0, 1.0, 1.0), (0.7, 0.7, 0.7), "faster"),
        ((1.0, 1.0, 1.0), (1.05, 1.1, 1.02), "no clear difference"),
        # One slow round is noise, in whichever of the two it is.
        ((1.0, 1.0, 1.0), (1.0, 2.0, 1.0), "no clear difference"),
        ((1.0, 1.0, 2.0), (1.3, 1.3, 1.3), "no clear difference"),
    ],
)
def test_slower_is_said_only_where_it_is_clear(old: tuple[float, ...], new: tuple[float, ...], verdict: str) -> None:
    assert Speed(10, old, new).verdict == verdict
