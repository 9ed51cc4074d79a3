"""What is wrong with a command, its input or its surroundings is told in one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import GOOD, REJECTED, SMALLEST, command, written

from kernelfuzz.cli import main

CORPUS = ["corpus", "--output", "{tmp}/out"]


SMALL_CORPUS = ["corpus", "--count", "1", "--output"]


BAD = {
    "category": ([*CORPUS, "--category", "vectr"], "did you mean 'vector'?"),
    "feature": ([*CORPUS, "--include", "whlie"], "did you mean 'while'?"),
    "both ways": ([*CORPUS, "--include", "while", "--exclude", "while"], "drop one of the two"),
    "size": ([*CORPUS, "--size", "huge"], "unknown size 'huge'"),
    "size 0": ([*CORPUS, "--size", "0"], "at least one statement"),
    "size -3": ([*CORPUS, "--size", "-3"], "at least one statement"),
    "profile": ([*CORPUS, "--profile", "realstic"], "did you mean 'realistic'?"),
    "category of a profile": (
        [*CORPUS, "--profile", "realistic", "--category", "math"],
        "drop one of the two",
    ),
    "count 0": ([*CORPUS, "--count", "0"], "--count"),
    "count -1": ([*CORPUS, "--count", "-1"], "--count"),
    "count x": ([*CORPUS, "--count", "x"], "--count"),
    "device": ([*CORPUS, "--device", "gpu"], "'cpu', 'cuda'"),
    "jobs 0": ([*CORPUS, "--jobs", "0"], "'auto'"),
    "jobs -2": ([*CORPUS, "--jobs", "-2"], "'auto'"),
    "jobs x": ([*CORPUS, "--jobs", "many"], "'auto'"),
    "no output": (["corpus"], "--output"),
    "output is a file": (["corpus", "--output", "{tmp}/file"], "is a file: give --output a directory"),
    "output under a file": (["corpus", "--output", "{tmp}/file/out"], "cannot write in"),
    "output in /proc": (["corpus", "--output", "/proc/kernelfuzz"], "cannot write in"),
    "output is something else": (
        [*SMALL_CORPUS, "{tmp}/full"],
        "holds something else: give another --output",
    ),
    "manifest of another program": ([*SMALL_CORPUS, "{tmp}/other"], "is not of this version of kernelfuzz"),
    "half a manifest": ([*SMALL_CORPUS, "{tmp}/half"], "is not of this version of kernelfuzz"),
    "count and megabytes": ([*CORPUS, "--count", "3", "--target-mb", "1"], "not both"),
    "no megabytes": ([*CORPUS, "--target-mb", "0"], "--target-mb"),
    "megabytes without end": ([*CORPUS, "--target-mb", "inf"], "inf is not a number above 0"),
    "megabytes of nothing": ([*CORPUS, "--target-mb", "nan"], "nan is not a number above 0"),
    "category of what comes": ([*CORPUS, "--natural", "--category", "math"], "drop one of the two"),
    "no name": (["corpus", "--output", ""], "--output is empty"),
    "shard 2 of 2": ([*CORPUS, "--shard-index", "2", "--shard-count", "2"], "a --shard-count of at least 3"),
    "shards of megabytes": ([*CORPUS, "--target-mb", "1", "--shard-count", "2"], "needs --count"),
    "ptx of cpu": ([*CORPUS, "--device", "cpu", "--ptx"], "add --device cuda"),
    "address without ray": ([*CORPUS, "--ray-address", "x"], "--engine ray"),
    "no index": (["show"], "--index"),
    "index -1": (["show", "--index", "-1"], "--index"),
    "seed of 65 bits": (["show", "--index", "0", "--seed", str(2**63)], "--seed"),
    "show device": (["show", "--index", "0", "--device", "tpu"], "'cpu', 'cuda'"),
    "no command": (["fuz"], "fuz"),
    "no option": (["corpus", "--outptu", "x"], "--output"),
    "no file": (["lower"], "FILE"),
    "missing file": (["lower", "{tmp}/none.py"], "give the path of a Python file"),
    "file is a directory": (["lower", "{tmp}"], "give the path of a Python file"),
    "binary": (["lower", "{tmp}/binary"], "is not Python"),
    "device and build": (["lower", "x.py", "--device", "cpu", "--build", "ptx"], "drop --device cpu"),
    "arch and cpu": (["lower", "x.py", "--arch", "80"], "--build ptx"),
    "timeout 0": (["lower", "x.py", "--timeout", "0"], "--timeout"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "binary").write_bytes(b"\x7fELF\xff\xfe\x00")
    for name, file in (("full", "README.md"), ("other", "manifest.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text("{}")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "manifest.json").write_text('{"format": 1, "state": "complete"}')
    before = sorted(tmp_path.rglob("*"))
    assert main([argument.format(tmp=tmp_path) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("kernelfuzz: ")
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2
    assert sorted(tmp_path.rglob("*")) == before


GENERIC = "import warp as wp\n@wp.kernel\ndef k(x: wp.array(dtype=wp.Scalar)):\n    pass\n"


BAD_FILES = {
    "not Python": ("Dear reader,\n", 2, "line 1: this is not Python"),
    "null byte": ("x = 1\0\n", 2, "this is not Python"),
    "empty": ("", 2, "no @wp.kernel"),
    "no kernel": ("x = 1\n", 2, "no @wp.kernel"),
    "generic": (GENERIC, 2, "overload"),
    "rejected": (REJECTED, 1, "no_such_builtin"),
    "raises": ("1 / 0\n", 1, "ZeroDivisionError"),
    "missing import": ("x = 1\nimport no_such_module\n", 2, "line 2: the file cannot be imported: ModuleNotFoundError"),
    "missing name": ("from json import no_such_name\n", 2, "no_such_name"),
    "exits": ("import sys\nsys.exit(3)\n", 1, "SystemExit"),
    "crashes": ("import os\nos.abort()\n", 3, "was killed by SIGABRT"),
}


@pytest.mark.parametrize(("text", "code", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_cannot_be_lowered(
    text: str, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lower", written(tmp_path, text)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_rejected_kernel_is_shown_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", written(tmp_path, REJECTED)]) == 1
    err = capsys.readouterr().err
    assert "kernels.py, line 6: " in err
    assert err.endswith("\n    x[0] = wp.no_such_builtin(1.0)\n")


def test_a_file_that_hangs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "while True:\n    pass\n")
    assert main(["lower", path, "--timeout", "2"]) == 3
    assert "did not finish within 2 seconds" in capsys.readouterr().err


def test_a_warp_that_cannot_be_driven(tmp_path: Path) -> None:
    (tmp_path / "warp").mkdir()
    (tmp_path / "warp" / "__init__.py").write_text("class config:\n    version = '0.9'\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    for arguments in (
        ["corpus", "--count", "2", "--output", str(tmp_path / "out")],
        ["corpus", "--count", "2", "--output", str(tmp_path / "out"), "--jobs", "2"],
        ["show", "--index", "0", "--device", "cpu"],
        ["lower", written(tmp_path, GOOD)],
    ):
        process = command(*arguments, env=environment)
        _, err = process.communicate()
        assert process.returncode == 4, err
        assert err == (
            "kernelfuzz: Warp 0.9 cannot be driven, it lacks warp._src.context: install 'warp-lang>=1.10,<=1.19'.\n"
        )
        assert not (tmp_path / "out").exists()


ENDING = """
import warp._src.context as context


def init():
    raise RuntimeError("Failed to load the shared library")


context.init = init
"""


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("warp/__init__.py", "raise ImportError('no libraries')", "Warp cannot be imported (no libraries): "),
        (
            "warp/__init__.py",
            "raise ValueError('half')",
            "Warp raises when it is imported (ValueError: half): ",
        ),
        ("warp/__init__.py", "raise SystemExit(0)", "Warp raises when it is imported (SystemExit: 0): "),
        ("sitecustomize.py", ENDING, "Warp does not start (RuntimeError: Failed to load the shared library): "),
    ],
    ids=["no import", "an exception", "an exit", "no start"],
)
def test_a_warp_that_is_broken(file: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    kernels = written(tmp_path, GOOD)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    for arguments in (
        ["fuzz", "--examples", "2", "--jobs", "1", "--output", str(tmp_path / "out")],
        ["corpus", "--count", "2", "--output", str(tmp_path / "out")],
        ["lower", kernels],
        ["lower", "kernels:first"],
    ):
        process = command(*arguments, env=environment, cwd=tmp_path)
        out, err = process.communicate()
        assert (process.returncode, out) == (4, ""), err
        assert err.startswith(f"kernelfuzz: {said}")
        assert "install 'warp-lang>=1.10,<=1.19'" in err
        assert len(err.splitlines()) == 1
        assert not (tmp_path / "out").exists()
    judged = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert judged.stderr.splitlines()[-1].startswith(f"kernelfuzz.checking.CannotJudge: {said}")


CHECK = """
import kernelfuzz
from kernelfuzz.strategies.kernel import generate_with
from kernelfuzz.strategies.options import check_options

kernelfuzz.check(generate_with(check_options(), 0, 1), scripts=None)
"""


@pytest.mark.parametrize("variable", ["WARP_CACHE_PATH", "XDG_CACHE_HOME"])
def test_a_kernel_cache_that_cannot_be_written(variable: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {name: value for name, value in os.environ.items() if name != "WARP_CACHE_PATH"}
    environment[variable] = str(tmp_path / "file")
    corpus = str(tmp_path / "corpus")
    assert main([*SMALLEST, "--output", corpus]) == 0
    kernels = written(tmp_path, GOOD)

    def there() -> list[Path]:
        # What reduce goes on with may be left.
        return sorted(path for path in tmp_path.rglob("*") if path.suffix != ".state")

    before = there()
    commands = [["corpus", "--count", "2", "--output", str(tmp_path / "out")], ["lower", kernels]]
    if variable == "WARP_CACHE_PATH":
        commands += [
            ["corpus", "--count", "2", "--output", str(tmp_path / "out"), "--jobs", "2"],
            ["fuzz", "--examples", "2", "--jobs", "1", "--output", str(tmp_path / "out")],
            ["reduce", kernels, "--fails", "lowering"],
            ["show", "--index", "0", "--device", "cpu"],
            ["validate", corpus],
            ["replay", kernels, "--jobs", "1"],
        ]
    for arguments in commands:
        process = command(*arguments, env=environment)
        _, err = process.communicate()
        assert process.returncode == 3, err
        assert re.fullmatch(
            rf"kernelfuzz: Warp's kernel cache at {re.escape(str(tmp_path))}/file/\S* cannot be written "
            r"\(Not a directory\): set WARP_CACHE_PATH to another folder\.\n",
            err,
        )
        assert there() == before


LAUNCHED = """
wp.config.kernel_cache_dir = "/sys/kernelfuzz"
wp.launch(second, dim=1, inputs=[wp.zeros(1, dtype=int, device="cpu")], device="cpu")
"""


def test_a_file_that_launches_where_the_kernel_cache_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lower", written(tmp_path, GOOD + LAUNCHED)]) == 3
    err = capsys.readouterr().err
    assert err.startswith("kernelfuzz: Warp's kernel cache at /sys/kernelfuzz cannot be written (")
    assert len(err.splitlines()) == 1
