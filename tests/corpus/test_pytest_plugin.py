"""``pytest --hypothesis-profile=corpus`` in a project that is not ours, with kernelfuzz from a wheel.

The project is in toy/.  Its tests say in a log which kernels they passed, and the corpus is held to that.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from hypothesis import currently_in_test_context, given, settings

from kernelfuzz import pytest_plugin
from kernelfuzz.corpus.corpus_plan import Plan, as_dict, versions
from kernelfuzz.corpus.directory import WrongCorpus
from kernelfuzz.corpus.files import rows
from kernelfuzz.corpus.recording import Recorder, Wanted, opened
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies import kernels
from kernelfuzz.strategies.options import check_options
from kernelfuzz.toolchain import control

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).with_name("toy")

PROFILE = "--hypothesis-profile=corpus"
PASSED, FAILED, INTERNAL_ERROR, USAGE = 0, 1, 3, 4


@dataclass(frozen=True, slots=True)
class Session:
    """A run of pytest: its exit code, what it printed, and (test, id) for each kernel that passed."""

    code: int
    output: str
    log: list[tuple[str, str]]

    @property
    def ids(self) -> set[str]:
        return {each for _, each in self.log}

    @property
    def summary(self) -> list[str]:
        """What is said about the corpus."""
        lines = self.output.splitlines()
        starts = [at for at, line in enumerate(lines) if " kernelfuzz corpus " in line]
        assert len(starts) == 1, self.output
        rest = lines[starts[0] + 1 :]
        ends = next(at for at, line in enumerate([*rest, "="]) if line.startswith("="))
        return [line for line in rest[:ends] if line]


Run: TypeAlias = Callable[..., Session]


@pytest.fixture(scope="session")
def run(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run pytest in the toy project."""
    project = tmp_path_factory.mktemp("project") / "toy"
    shutil.copytree(TOY, project, ignore=shutil.ignore_patterns("__pycache__"))
    ours = ("CI", "PYTEST_", "PYTHON", "HYPOTHESIS_", "GITHUB_", "TF_BUILD")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def run(*arguments: str | Path, **variables: str | Path) -> Session:
        log = project / "log"
        log.unlink(missing_ok=True)
        done = subprocess.run(
            [python, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=project,
            env={**clean, "TOY_LOG": str(log), **{name: str(value) for name, value in variables.items()}},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
        )
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        found = [json.loads(line) for line in lines]
        return Session(done.returncode, done.stdout, [(each["test"], each["says"]) for each in found])

    return run


def contents(directory: Path) -> dict[str, bytes]:
    """What is published, by name."""
    files = [directory / "README.md", directory / "manifest.json", *(directory / "data").rglob("*.*")]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def pairs(directory: Path) -> list[tuple[str, str]]:
    return sorted((row["id"], row["device"]) for row in rows(directory))


def both(ids: set[str]) -> list[tuple[str, str]]:
    return sorted((each, device) for each in ids for device in ("cpu", "cuda"))


KERNELS = (PROFILE, "checks/check_kernels.py", "--corpus-max-examples=3", "--hypothesis-seed=1")


@dataclass(frozen=True, slots=True)
class Made:
    """A session of the tests with kernels, and the corpus that came of it."""

    session: Session
    directory: Path


@pytest.fixture(scope="session")
def made(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Made:
    directory = tmp_path_factory.mktemp("made") / "corpus"
    return Made(run(*KERNELS, "--corpus-dir", directory), directory)


# -------------------------------------------------------------------------------------- what is recorded


# Without the profile, the plugin loads nothing; Hypothesis' own plugin loads Hypothesis at the end.
IDLE = """
import sys, pytest
pytest.main(["-p", "no:hypothesispytest"])
print("loaded:", *({"warp", "hypothesis", "libcst", "msgspec"} & set(sys.modules)))
import kernelfuzz, kernelfuzz.pytest_plugin
print(kernelfuzz.__file__)
"""


def test_the_wheel_is_what_runs(python: Path, tmp_path: Path) -> None:
    done = subprocess.run([python, "-c", IDLE], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=1800)
    loaded, path = done.stdout.splitlines()[-2:]
    assert "kernelfuzz-0" in done.stdout
    assert Path(path).is_relative_to(python.parents[1])
    assert loaded == "loaded:"


def test_the_rows_are_those_of_passing_examples(made: Made) -> None:
    assert made.session.code == FAILED
    assert "1 failed, 12 passed, 1 skipped" in made.session.output
    assert "FAILED checks/check_kernels.py::test_fails_on_loops" in made.session.output
    assert {test for test, _ in made.session.log} == {
        *("function", "fails_on_loops", "discards_ifs", "filters_doubles"),
        *("parametrised_vector", "parametrised_atomic", "containers", "method", "coroutine", "of_unittest"),
        *("says_itself_how_many", "given_what_warp_rejects"),
    }
    assert pairs(made.directory) == both(made.session.ids)


def test_the_rows_say_where_they_come_from(made: Made) -> None:
    for row in rows(made.directory):
        assert (row["metadata"]["seed"], row["metadata"]["index"]) == (None, None)
        assert row["launch"]["seed"] == f"launch {row['id']}"
        assert row["verified"]["lowered"]
    manifest = json.loads((made.directory / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["state"] == "complete"
    assert manifest["plan"] == {"source": "pytest", "device": ["cpu", "cuda"], "format": "jsonl"}


def test_the_summary(made: Made) -> None:
    number = len(made.session.ids)
    tests = len({test for test, _ in made.session.log})
    first, second = made.session.summary
    assert first == (
        f"{2 * number} rows of {number} kernels in {made.directory}; {2 * number} rows are new, from {tests} tests"
    )
    assert second.startswith("2 rows are missing, the first of checks/check_kernels.py::test_given_what_warp")
    assert "codegen" in second


def test_two_workers_make_the_same_corpus(run: Run, made: Made, tmp_path: Path) -> None:
    session = run(*KERNELS, "--corpus-dir", tmp_path / "two", "-n", "2")
    assert session.code == FAILED
    assert sorted(session.log) == sorted(made.session.log)
    assert {path.name.split("-")[1] for path in (tmp_path / "two" / "shards").iterdir()} == {"gw0", "gw1"}
    assert contents(tmp_path / "two") == contents(made.directory)


# --------------------------------------------------------------------------------------- what is added to


def test_another_session_adds_to_what_a_killed_one_left(run: Run, made: Made, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(made.directory, corpus)
    # As it is when a first session is killed while it writes a row.
    shutil.rmtree(corpus / "data")
    (corpus / "README.md").unlink()
    manifest = json.loads((corpus / "manifest.json").read_bytes())
    begun = {name: manifest[name] for name in ("format", "plan", "versions")}
    (corpus / "manifest.json").write_text(json.dumps({**begun, "state": "running"}), encoding="utf-8")
    (part,) = (corpus / "shards").iterdir()
    lines = part.read_bytes().splitlines(keepends=True)
    cut = json.loads(lines[-2])
    part.write_bytes(b"".join(lines)[:-100])

    session = run(
        *(PROFILE, "checks/check_kernels.py", "-k", "test_function", "--corpus-dir", corpus),
        *("--corpus-max-examples=3", "--hypothesis-seed=2"),
    )
    assert session.code == PASSED
    added = session.ids - made.session.ids
    assert added
    expected = set(both(made.session.ids | session.ids))
    if cut["id"] not in session.ids:
        expected.remove((cut["id"], cut["device"]))
    assert pairs(corpus) == sorted(expected)
    assert f"{len(expected)} rows are new, from 1 tests" in session.summary[0]


def test_a_worker_that_is_killed(run: Run, tmp_path: Path) -> None:
    dies = ("checks/check_other.py", "-k", "dies", "-n", "1")
    session = run(PROFILE, *dies, "--corpus-dir", tmp_path / "corpus")
    assert session.code == FAILED
    assert "crashed while running" in session.output
    assert len(session.log) == 3
    assert pairs(tmp_path / "corpus") == both(session.ids)


def test_no_kernel_no_corpus(run: Run, tmp_path: Path) -> None:
    numbers = (PROFILE, "checks/check_other.py", "-k", "numbers", "--corpus-dir", tmp_path / "corpus")
    session = run(*numbers, CI="1")
    assert session.code == PASSED
    assert session.summary == [f"no kernel passed a test: nothing is written to {tmp_path / 'corpus'}"]
    assert not (tmp_path / "corpus").exists()
    # Where CI is set, Hypothesis draws the same examples every time, unless the profile says otherwise.
    assert len(session.log) == 200
    again = run(*numbers, CI="1")
    assert len(again.log) == 200
    assert again.log != session.log
    assert len(run(*numbers, "--corpus-max-examples=7", "--hypothesis-verbosity=verbose").log) == 7


# ------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--corpus-dir", "other"), "--corpus-dir has no meaning without --hypothesis-profile=corpus"),
        ((PROFILE, "--corpus-max-examples", "0"), "--corpus-max-examples must be 1 or more, and is 0"),
    ],
)
def test_options_that_make_no_sense(run: Run, option: tuple[str, ...], message: str) -> None:
    session = run(*option)
    assert session.code == USAGE
    assert session.output.splitlines() == [f"ERROR: {message}", ""]


def test_a_corpus_of_another_device_is_refused(run: Run, made: Made) -> None:
    before = contents(made.directory)
    session = run(PROFILE, "--corpus-dir", made.directory, "--corpus-device", "cuda", "-n", "2")
    assert session.code == USAGE
    assert session.output.splitlines()[0] == (
        f"ERROR: {made.directory} holds a corpus made with another device (cpu cuda, now cuda): "
        "give another --corpus-dir"
    )
    assert contents(made.directory) == before


def test_without_the_extra(run: Run, tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("raise ModuleNotFoundError(name=__name__)\n", encoding="utf-8")
    session = run(PROFILE, PYTHONPATH=tmp_path)
    assert session.code == USAGE
    assert session.output.splitlines()[0] == (
        f"ERROR: {PROFILE} needs msgspec, which is not installed: "
        "it comes with kernelfuzz[corpus], in a checkout by pip install '.[corpus]'"
    )


WANTED: dict[str, Any] = {"devices": ("cpu", "cuda"), "format": "jsonl"}


def test_a_warp_that_lowers_no_control_kernel_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(control, "lowered", lambda source, device: "out of order" if device == "cuda" else None)
    place = SimpleNamespace(dir=tmp_path)
    config: Any = SimpleNamespace(getoption=lambda name, default=None: None, invocation_params=place)
    with pytest.raises(pytest.UsageError, match=r"cannot judge Warp .* is not lowered for cuda: out of order"):
        pytest_plugin._started(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plan": as_dict(Plan(check_options()))}, "holds a corpus that kernelfuzz corpus made"),
        (
            {"plan": {"source": "pytest", "device": ["cpu", "cuda"], "format": "json"}},
            r"format \(json, now jsonl",
        ),
        ({"versions": {**versions(), "warp": "1.9.0"}}, r"warp \(1\.9\.0, now "),
        ({"state": "complete"}, "cannot be added to without its shards"),
        ({"format": 0}, "a manifest that is not ours"),
    ],
)
def test_directories_of_something_else(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    wanted = Wanted(tmp_path, **WANTED)
    plan = {"plan": wanted.plan(), "versions": versions(), "format": 1, "state": "running"}
    (tmp_path / "manifest.json").write_text(json.dumps(plan), encoding="utf-8")
    opened(wanted)
    (tmp_path / "manifest.json").write_text(json.dumps({**plan, **change}), encoding="utf-8")
    with pytest.raises(WrongCorpus, match=f"{message}.*: give another --corpus-dir$"):
        opened(wanted)


def test_directories_that_hold_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongCorpus, match=r"file is a file: give another --corpus-dir$"):
        opened(Wanted(tmp_path / "file", **WANTED))
    (tmp_path / "README.md").touch()
    with pytest.raises(WrongCorpus, match=r"holds something else: give another --corpus-dir$"):
        opened(Wanted(tmp_path, **WANTED))


# ------------------------------------------------------------------------------------------------ deadlines


@pytest.mark.parametrize(("deadline", "within"), [(None, True), (3_600_000, False)])
def test_what_is_recorded_is_not_on_the_account_of_a_test_with_a_deadline(
    deadline: int | None, within: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bool] = []

    def write(*_: Any) -> None:
        written.append(currently_in_test_context())

    @settings(max_examples=2, deadline=deadline, database=None)
    @given(kernels(size="small"))
    def test(kernel: Kernel) -> None:
        assert kernel.name

    monkeypatch.setattr(Recorder, "_write", write)
    with Recorder(Wanted(tmp_path, **WANTED), tmp_path, "worker").watching(test):
        test()
    assert set(written) == {within}


# -------------------------------------------------------------------------------------------------- longer


@pytest.mark.slow
@pytest.mark.parametrize("format", ["json", "parquet"])
def test_other_formats(run: Run, tmp_path: Path, format: str) -> None:
    session = run(
        *(PROFILE, "checks/check_kernels.py", "-k", "test_method", "--corpus-max-examples=5"),
        *("--corpus-dir", tmp_path / "corpus", "--corpus-format", format, "--corpus-device", "cuda"),
    )
    assert session.code == PASSED
    assert pairs(tmp_path / "corpus") == sorted((each, "cuda") for each in session.ids)
    assert {path.suffix for path in (tmp_path / "corpus" / "data").rglob("*.*")} == {f".{format}"}


@pytest.mark.slow
def test_derandomized_tests_draw_the_same_whatever_the_workers(run: Run, tmp_path: Path) -> None:
    arguments = (PROFILE, "checks/check_kernels.py", "-k", "says_itself_how_many", "--corpus-dir")
    one, two = run(*arguments, tmp_path / "one"), run(*arguments, tmp_path / "two", "-n", "2")
    assert sorted(one.log) == sorted(two.log)
    assert len(one.log) == 3
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_what_cannot_be_written_is_said(run: Run, tmp_path: Path) -> None:
    shards = tmp_path / "corpus" / "shards"
    arguments = (PROFILE, "checks/check_other.py", "-k", "disk", "--corpus-dir", tmp_path / "corpus")
    session = run(*arguments, TOY_SHARDS=shards)
    assert session.code == INTERNAL_ERROR
    assert "2 passed" in session.output
    assert session.summary[-1].startswith(f"ERROR: cannot write in {shards} (")


@pytest.mark.slow
def test_our_own_suite_makes_a_balanced_corpus(python: Path, tmp_path: Path) -> None:
    arguments = [PROFILE, "-q", "-p", "no:cacheprovider", "--corpus-max-examples=3", "--corpus-dir"]
    subprocess.run([python, "-m", "pytest", *arguments, tmp_path / "corpus"], cwd=ROOT, check=True, timeout=1800)
    found = {row["category"] for row in rows(tmp_path / "corpus")}
    assert len(found) >= 12
