"""``compare``, ``replay``, ``bisect``: exit codes, what they print where, and the workflow that uses them."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kernelfuzz import workers
from kernelfuzz.cli import main
from kernelfuzz.releases import environments, side_by_side
from kernelfuzz.releases.environments import Environment, ReleaseError
from kernelfuzz.releases.run_script import ScriptOutcome
from kernelfuzz.task_queue import PoolTask

sys.path.insert(0, str(Path(__file__).parent / "releases"))
from planted import SOURCES, planted_python  # pyright: ignore[reportMissingImports]

WORKFLOW = Path(__file__).parents[1] / "examples" / "ci" / "nightly-fuzz.yml"
COMPARE = ["compare", "--old", sys.executable, "--new", sys.executable]

# Arguments, the exit code, and a part of the one sentence that is said.
BAD = {
    "no old": (["compare", "--new", "1.19.0"], 2, "--old"),
    "neither": (["compare", "--old", "latest", "--new", "1.19.0"], 4, "neither a release"),
    "both sources": ([*COMPARE, "--corpus", "c", "--seed", "1"], 2, "drop --seed"),
    "category": ([*COMPARE, "--category", "vectr"], 2, "did you mean 'vector'?"),
    "no corpus": ([*COMPARE, "--corpus", "{tmp}/none"], 2, "none"),
    "not a row": ([*COMPARE, "--corpus", "{tmp}/other.jsonl"], 2, "python_source"),
    "no path": (["replay"], 2, "PATH"),
    "missing path": (["replay", "{tmp}/none"], 2, "no such file"),
    "nothing there": (["replay", "{tmp}/folder"], 2, "holds nothing"),
    "no such warp": (["replay", "{tmp}/there.py", "--warp", "/none"], 4, "neither a release"),
    "no script": (["bisect", "{tmp}/none.py", "--from", "1.10.0", "--to", "1.19.0"], 2, "no file"),
    "no release": (["bisect", "{tmp}/there.py", "--from", "1.0", "--to", "1.19.0"], 4, "no final release"),
    "backwards": (["bisect", "{tmp}/there.py", "--from", "1.19.0", "--to", "1.10.0"], 2, "--from"),
}


@pytest.fixture(autouse=True)
def releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here asks pip."""
    known = ("1.10.0", "1.11.0", "1.12.0", "1.13.0", "1.14.0", "1.19.0")
    monkeypatch.setattr(environments, "released", lambda: known)


@pytest.mark.parametrize(("arguments", "code", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    arguments: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.py").write_text("import sys\nsys.exit(1)\n")
    (tmp_path / "other.jsonl").write_text('{"text": "x"}\n')
    (tmp_path / "folder").mkdir()
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) <= 2


# --------------------------------------------------------------------------------------------- compare


def write_rows(path: Path, *names: str) -> str:
    path.write_text("".join(json.dumps({"python_source": SOURCES[name]}) + "\n" for name in names))
    return str(path)


def test_compare_finds_a_regression(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = planted_python(tmp_path)
    corpus = write_rows(tmp_path / "rows.jsonl", "refused")
    code = main(["compare", "--old", sys.executable, "--new", planted, "--corpus", corpus, "--json"])
    out, err = capsys.readouterr()
    about = json.loads(out)
    assert code == 3  # nothing else was there to compare
    assert [each["label"] for each in about["regressions"]] == ["row 1"]
    assert "Regressions: 1" in err


@pytest.mark.slow
def test_compare_of_one_warp_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMPARE, "--count", "2", "--size", "small"]) == 0
    out, err = capsys.readouterr()
    assert "2 lowered by both" in out
    assert "Regressions: none" in out
    assert "4 texts are the same to the byte, 0 are not" in out
    assert err == ""


# ---------------------------------------------------------------------------------------------- replay


def test_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.py").write_text("import sys\nprint('expected: 1   actual: 2')\nsys.exit(1)\n")
    (tmp_path / "fixed.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "other.py").write_text("import sys\nprint('undecided')\nsys.exit(2)\n")
    assert main(["replay", str(tmp_path / "fixed.py")]) == 0
    capsys.readouterr()
    assert main(["replay", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["fixed", "changed", "undecided", "still"]
    assert "1 changed, 1 fixed, 1 still there." in err
    assert main(["replay", str(tmp_path), "--json", "--jobs", "3", "--warp", sys.executable]) == 1
    about = json.loads(capsys.readouterr().out)
    assert about["counts"] == {"changed": 1, "fixed": 1, "still there": 1}
    assert [each["status"] for each in about["results"]] == ["fixed", "changed", "still there"]
    # The same one by two names.
    assert main(["replay", str(tmp_path), "--warp", sys.executable, "--warp", sys.prefix]) == 1
    out = capsys.readouterr().out
    assert [line.split()[1] for line in out.splitlines() if "undecided" not in line] == (
        ["fixed", "fixed", "changed", "changed", "still", "still"]
    )


# ---------------------------------------------------------------------------------------------- bisect


@pytest.fixture
def reproducer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bug that came in 1.13.0; 1.12.0 cannot be installed."""

    class Here(workers.Pool):
        """Does tasks in this process, which is the one with the fake releases."""

        def submit(self, function: Any, *args: Any, **_: Any) -> Any:
            task: PoolTask[Any] = PoolTask(b"", None)
            task.finish(function(*args), None)
            return task

    def environment(asked: str, **_: Any) -> Environment:
        if asked == "1.12.0":
            raise ReleaseError("Warp 1.12.0 cannot be installed: it was withdrawn")
        return Environment(asked, asked, asked)

    def run_script(path: Path, python: str, *, timeout: float) -> ScriptOutcome:
        assert path.name == "script.py"
        return ScriptOutcome("present" if python >= "1.13.0" else "fixed", "", timeout)

    monkeypatch.setattr(workers, "Pool", Here)
    monkeypatch.setattr(environments, "environment", environment)
    monkeypatch.setattr(side_by_side, "environment_here", environment)
    monkeypatch.setattr(side_by_side, "run_script", run_script)
    (tmp_path / "script.py").write_text("")
    return str(tmp_path / "script.py")


def test_bisect(reproducer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bisect", reproducer, "--from", "1.10.0", "--to", "1.19.0"]) == 0
    out, err = capsys.readouterr()
    assert out == "1.13.0\n"
    assert "kernelfuzz: 1.10.0 does not have the bug\n" in err
    assert "1.12.0 cannot be told (Warp 1.12.0 cannot be installed: it was withdrawn" in err
    assert err.endswith("1.13.0 is the first release with the bug; 1.11.0 does not have it; 1.12.0 cannot be told.\n")
    assert main(["bisect", reproducer, "--from", "1.10.0", "--to", "1.19.0", "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert (about["release"], about["before"], about["untold"]) == ("1.13.0", "1.11.0", ["1.12.0"])
    assert [each["release"] for each in about["tried"]][:2] == ["1.10.0", "1.19.0"]


@pytest.mark.parametrize("jobs", ["2", "7"])
def test_bisect_tries_several_at_a_time(jobs: str, reproducer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bisect", reproducer, "--from", "1.10.0", "--to", "1.19.0", "--jobs", jobs]) == 0
    out, err = capsys.readouterr()
    assert out == "1.13.0\n"
    assert err.endswith("1.13.0 is the first release with the bug; 1.11.0 does not have it; 1.12.0 cannot be told.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--from", "1.13.0", "--to", "1.19.0"], 1, "the bug is in 1.13.0 already"),
        (["--from", "1.10.0", "--to", "1.11.0"], 1, "the bug is not in 1.11.0"),
        (["--from", "1.13.0", "--to", "1.19.0", "--first-fixed"], 1, "still in 1.19.0"),
        (["--from", "1.10.0", "--to", "1.19.0", "--first-fixed"], 1, "not in 1.10.0"),
        (["--from", "1.12.0", "--to", "1.19.0"], 4, "1.12.0 cannot be installed"),
    ],
)
def test_bisect_without_an_answer(
    arguments: list[str], code: int, said: str, reproducer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bisect", reproducer, *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err.splitlines()[-1]


# -------------------------------------------------------------------------------------------- workflow


def workflow() -> dict[str, Any]:
    about = yaml.safe_load(WORKFLOW.read_text())
    about["on"] = about.pop(True)  # what YAML 1.1 takes the word for
    return about


def steps(job: str) -> list[dict[str, Any]]:
    return workflow()["jobs"][job]["steps"]


def using(job: str, action: str) -> dict[str, Any]:
    (step,) = [step for step in steps(job) if step.get("uses", "").startswith(action)]
    return step


def test_the_workflow_is_nightly_limited_and_keeps_what_it_finds() -> None:
    about = workflow()
    assert about["on"]["schedule"][0]["cron"]
    assert "pull_request" in about["on"]
    assert all(int(job["timeout-minutes"]) > 0 for job in about["jobs"].values())
    upload = using("fuzz", "actions/upload-artifact@")
    assert upload["if"] == "always()"
    assert "found" in upload["with"]["path"].split()
    assert "--output found" in "".join(step.get("run", "") for step in steps("fuzz"))


def test_the_example_database_comes_and_goes_by_one_name() -> None:
    from hypothesis.database import GitHubArtifactDatabase

    download = using("hypothesis", "dawidd6/action-download-artifact@")["with"]
    upload = using("hypothesis", "actions/upload-artifact@")
    # By this name developers get it with Hypothesis' own class.
    default = inspect.signature(GitHubArtifactDatabase.__init__).parameters["artifact_name"].default
    assert download["name"] == upload["with"]["name"] == default
    assert download["path"] == upload["with"]["path"] == ".hypothesis/examples"
    assert (upload["if"], upload["with"]["include-hidden-files"]) == ("always()", True)
