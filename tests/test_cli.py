"""The command line: what it prints where, its exit codes, and what it says to bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import FOREVER, LIMIT, interruptible, until

import kernelfuzz
from kernelfuzz.cli import main

GOOD = """\
import warp as wp


@wp.struct
class Pair:
    a: float
    b: float


@wp.func
def total(p: Pair):
    return p.a + p.b


@wp.kernel
def first(x: wp.array(dtype=float)):
    p = Pair()
    p.a = x[0]
    p.b = 2.0
    x[wp.tid()] = total(p)


@wp.kernel
def second(x: wp.array(dtype=int)):
    x[wp.tid()] = 1
"""

REJECTED = """\
import warp as wp


@wp.kernel
def broken(x: wp.array(dtype=float)):
    x[0] = wp.no_such_builtin(1.0)
"""


@pytest.fixture
def good(tmp_path: Path) -> str:
    return written(tmp_path, GOOD)


def written(directory: Path, text: str | bytes) -> str:
    path = directory / "kernels.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def command(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kernelfuzz", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # pyright: ignore[reportArgumentType, reportCallIssue]
    )


# ------------------------------------------------------------------------------------------- bad input


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


# ---------------------------------------------------------------------------------------------- corpus


def rows_of(directory: str | Path) -> list[dict[str, Any]]:
    from kernelfuzz.corpus.files import rows

    return list(rows(directory))


def test_corpus_with_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(["corpus", "--count", "10", "--size", "small", "--output", out, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    rows = rows_of(out)
    assert summary["complete"] is True
    assert summary["pairs"] - 2 * summary["duplicates"] == len(rows)
    assert summary["pairs"] + sum(summary["failures"].values()) == 20
    assert summary["distinct"] == len({row["id"] for row in rows})
    assert summary["work_seconds"] > summary["warp_seconds"] > 0
    assert len({row["category"] for row in rows}) > 5
    assert sorted(os.listdir(out)) == ["README.md", "data", "manifest.json"]


def test_corpus_prints_the_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    arguments = ["--count", "2", "--device", "cuda", "--category", "math", "--no-backward", "--output", out]
    assert main(["corpus", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.out == out + "\n"
    assert "pairs per second" in captured.err
    found = {(row["category"], row["device"], row["ir_backward"]) for row in rows_of(out)}
    assert found == {("math", "cuda", None)}


SMALLEST = ["corpus", "--count", "1", "--size", "1", "--device", "cpu"]


def test_a_complete_corpus_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SMALLEST, "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = {path: path.stat() for path in (tmp_path / "out").rglob("*")}
    capsys.readouterr()
    assert main([*arguments, "--resume", "--json"]) == 0
    captured = capsys.readouterr()
    assert "is complete already" in captured.err
    assert json.loads(captured.out)["distinct"] == 1
    assert {path: path.stat() for path in (tmp_path / "out").rglob("*")} == before


def test_a_corpus_that_lost_a_file_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["corpus", "--count", "2", "--size", "1", "--device", "cpu", "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    lost = next(path for path in before if path.parent.name == "data")
    lost.unlink()
    capsys.readouterr()
    assert main(arguments) == 0
    assert "is complete already" not in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_other_options_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SMALLEST, "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    capsys.readouterr()
    assert main([*arguments, "--seed", "4", "--scope", "both"]) == 2
    said = capsys.readouterr().err
    assert "seed (0, now 4); scope (kernel, now both)" in said
    assert main([*arguments, "--device", "cuda", "--no-backward"]) == 2
    assert "device (cpu, now cpu cuda); backward (on, now off)" in capsys.readouterr().err
    assert "--overwrite" in said
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    assert main([*arguments, "--seed", "4", "--overwrite"]) == 0
    assert [row["metadata"]["seed"] for row in rows_of(tmp_path / "out")] == [4]


def test_resume_needs_something_to_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALLEST, "--resume", "--output", str(tmp_path / "out")]) == 2
    assert "no corpus to go on with" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_parts_make_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["corpus", "--count", "9", "--size", "1", "--device", "cpu"]
    assert main([*arguments, "--output", str(tmp_path / "whole")]) == 0
    parts = [*arguments, "--output", str(tmp_path / "parts"), "--shard-count", "2"]
    assert main([*parts, "--shard-index", "1"]) == 0
    assert "the run that makes the last shard finishes the corpus" in capsys.readouterr().err
    assert not (tmp_path / "parts" / "data").exists()
    assert main([*parts, "--shard-index", "0"]) == 0
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def contents(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_a_size_instead_of_a_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kernelfuzz.corpus import corpus_plan

    monkeypatch.setattr(corpus_plan, "_USUAL", 4)
    asked = ["corpus", "--target-mb", "0.05", "--size", "1", "--output", str(tmp_path / "out")]
    assert main(asked) == 0
    rows = rows_of(tmp_path / "out")
    for device in ("cpu", "cuda"):
        text = "".join(json.dumps(row, separators=(",", ":")) for row in rows if row["device"] == device)
        # At least as much as was asked for, and not a whole shard of four kernels more for both.
        assert len(text.encode()) > 45_000
    assert len(rows) < 60


def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("kernelfuzz.corpus")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main([*SMALLEST, "--output", str(tmp_path / "out")]) == 2
    assert (
        "this needs pyarrow, which is not installed: "
        "it comes with kernelfuzz[corpus], in a checkout by pip install '.[corpus]'." in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--count", "3"), "every kernel failed, the first at index 0 on cpu: no"),
        (("--target-mb", "1"), "16 kernels gave no row for some device, the first at index 0 on cpu: no"),
    ],
)
def test_no_rows_are_no_success(
    asked: tuple[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from kernelfuzz.corpus import build_shard, corpus_plan
    from kernelfuzz.toolchain import Failure

    def lower_devices(source: str, devices: tuple[str, ...], **_: object) -> dict[str, Failure]:
        return {device: Failure("codegen", "no") for device in devices}

    monkeypatch.setattr(build_shard, "lower_devices", lower_devices)
    monkeypatch.setattr(corpus_plan, "_USUAL", 4)
    assert main(["corpus", *asked, "--output", str(tmp_path / "out")]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert not (tmp_path / "out").exists()


# From its first shard on, a kernel takes for ever; the workers run this file too.
STUCK = """
import sys, time
from pathlib import Path
from kernelfuzz.cli import main
from kernelfuzz.corpus import build_shard

lower = build_shard.lower_devices

def lower_devices(*arguments, **options):
    if list(Path({out!r}).glob("shards/[!.]*")):
        Path({stuck!r}).touch()
        time.sleep({forever})
    return lower(*arguments, **options)

build_shard.lower_devices = lower_devices
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_it_and_keeps_what_is_made(number: signal.Signals, jobs: str, tmp_path: Path) -> None:
    out, stuck, program = tmp_path / "out", tmp_path / "stuck", tmp_path / "program.py"
    program.write_text(STUCK.format(out=str(out), stuck=str(stuck), forever=FOREVER))
    arguments = ["corpus", "--count", "1000", "--output", str(out), "--jobs", jobs]
    with interruptible([sys.executable, str(program), *arguments], stderr=subprocess.PIPE) as process:
        until(stuck.exists, process)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert err.strip() == "kernelfuzz: interrupted; what is made is kept, and the same command goes on."
    left = sorted(path.name for path in out.rglob("*"))
    assert left[-2:] == ["manifest.json", "shards"]
    assert len(left) > 2
    assert all(name.endswith(".zst") and not name.startswith(".") for name in left[:-2])


# ------------------------------------------------------------------------------------------------ show


def test_show_prints_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--seed", "2", "--index", "3", "--size", "small"]) == 0
    kernel = kernelfuzz.generate(seed=2, index=3, size="small")
    assert capsys.readouterr().out == kernelfuzz.render(kernel)


def test_show_prints_the_code_of_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["show", "--index", "0", "--category", "arithmetic", "--size", "2"]
    assert main([*arguments, "--device", "cpu", "--device", "cuda"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("import warp as wp\n")
    for device in ("cpu", "cuda"):
        assert f"// Generated by Warp for {device}\n" in out
        assert f"_{device}_kernel_forward(" in out
        assert f"_{device}_kernel_backward(" in out


def test_show_prints_the_kernel_of_the_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "--count", "3", "--seed", "9", "--device", "cpu", "--output", str(tmp_path)]) == 0
    capsys.readouterr()
    for row in rows_of(tmp_path):
        assert main(["show", "--seed", "9", "--index", str(row["metadata"]["index"])]) == 0
        assert capsys.readouterr().out == row["python_source"]


# ----------------------------------------------------------------------------------------------- lower


def test_lower_prints_every_kernel(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", good]) == 0
    out = capsys.readouterr().out
    assert out.count("struct Pair") == 1
    assert "total_0(" in out
    for name in ("first", "second"):
        assert f"void {name}_" in out


def test_lower_one_kernel(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", good, "--kernel", "second", "--device", "cuda", "--no-backward"]) == 0
    out = capsys.readouterr().out
    assert "void second_" in out
    assert "first" not in out
    assert "Pair" not in out
    assert "backward" not in out


def test_lower_one_kernel_beside_one_that_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, GOOD + REJECTED)
    assert main(["lower", path, "--kernel", "second"]) == 0
    assert "second_" in capsys.readouterr().out
    assert main(["lower", path, "--kernel", "broken"]) == 1
    assert "no_such_builtin" in capsys.readouterr().err


def test_lower_an_unknown_kernel(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", good, "--kernel", "third"]) == 2
    assert "no kernel named 'third'; the source has first, second" in capsys.readouterr().err


def test_lower_the_module(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", good, "--scope", "module"]) == 0
    assert "#include" in capsys.readouterr().out


def test_lower_with_json(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", good, "--json", "--build", "ptx", "--arch", "80", "--kernel", "first"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [kernel["name"] for kernel in found["kernels"]] == ["first"]
    assert found["device"] == "cuda"
    assert ".target sm_80" in found["artifact"]["data"]


@pytest.mark.parametrize(("target", "start"), [("cpu", b"\x7fELF"), ("cubin", b"\x7fELF")])
def test_lower_builds_a_file(target: str, start: bytes, good: str, tmp_path: Path) -> None:
    path = tmp_path / "result"
    assert main(["lower", good, "--build", target, "--output", str(path)]) == 0
    assert path.read_bytes().startswith(start)


def test_lower_for_an_unknown_architecture(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", good, "--build", "ptx", "--arch", "1"]) == 4
    assert "does not build for arch 1" in capsys.readouterr().err


def test_lower_imports_from_beside_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "beside_it.py").write_text("import warp as wp\n@wp.func\ndef f(x: float):\n    return x\n")
    text = "import warp as wp\nimport beside_it\nprint('noise')\n" + REJECTED.partition("\n")[2]
    path = written(tmp_path, text.replace("wp.no_such_builtin", "beside_it.f"))
    assert main(["lower", path]) == 0
    captured = capsys.readouterr()
    assert "void broken_" in captured.out
    assert "noise" not in captured.out


# ------------------------------------------------------------------------------------------------ help


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"kernelfuzz {kernelfuzz.__version__} (warp-lang ")


@pytest.mark.parametrize("arguments", [["--help"], ["corpus", "-h"], ["show", "--help"], ["lower", "--help"]])
def test_help_has_an_example(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "\n    kernelfuzz " in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_python_minus_m(tmp_path: Path) -> None:
    process = command("--help", cwd=tmp_path)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.startswith("Usage: kernelfuzz ")


def test_a_reader_that_leaves_is_no_error() -> None:
    line = f"{sys.executable} -m kernelfuzz show --index 0 --size large --device cuda | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "import warp as wp\n", "")
