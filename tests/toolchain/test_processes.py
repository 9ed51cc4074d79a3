"""Promises that only another process can check: determinism, silence, late imports, releases of Warp."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((Path(__file__).parent / "sources").glob("*.py"))


def run(code: str, *arguments: str, path: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(filter(None, [path, str(ROOT)]))
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


DIGESTS = """
import hashlib, sys
from pathlib import Path
from kernelfuzz.toolchain import lower_devices
found = {}
for path in sys.argv[1:]:
    for device, result in lower_devices(Path(path).read_text(), keep_comments="keep" in path).items():
        found[path, device] = hashlib.sha256(repr((result.module, result.kernels)).encode()).hexdigest()
for key in sorted(found):
    print(*key, found[key])
"""


def test_the_text_depends_on_nothing_but_the_source() -> None:
    names = [str(path) for path in SOURCES]
    first = run(DIGESTS, *names, PYTHONHASHSEED="1")
    second = run(DIGESTS, *reversed(names), PYTHONHASHSEED="2")
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout.count("\n") == 2 * len(names)
    assert first.stdout == second.stdout


def test_nothing_is_printed() -> None:
    code = (
        "from kernelfuzz.toolchain import Artifact, build, lower\n"
        "source = 'import warp as wp\\nprint(1)\\nwp.init()\\n@wp.kernel\\n'\n"
        "source += 'def k(a: wp.array(dtype=float)):\\n    a[0] = 1.0\\n'\n"
        "assert isinstance(build(lower(source)), Artifact)\n"
        "assert isinstance(build(lower(source, 'cuda'), 'ptx'), Artifact)\n"
    )
    done = run(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_importing_the_toolchain_does_not_import_warp() -> None:
    code = "import sys, kernelfuzz.toolchain\nassert 'warp' not in sys.modules and 'numpy' not in sys.modules"
    done = run(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"warp/__init__.py": "raise ImportError('broken')"}, "cannot be imported (broken)"),
        ({"warp/__init__.py": "raise ValueError('broken')"}, "raises when it is imported (ValueError: broken)"),
        (
            {"warp/__init__.py": "class config: version = '9.9'"},
            "Warp 9.9 cannot be driven, it lacks warp._src.",
        ),
        (
            {
                "warp/__init__.py": "class config: version = '9.9'",
                "warp/_src/__init__.py": "",
                "warp/_src/context.py": "class Module: pass",
            },
            "lacks warp._src.context.ModuleBuilder",
        ),
    ],
)
def test_a_warp_that_cannot_be_driven_is_one_sentence(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = run("from kernelfuzz.toolchain import lower\nlower('x = 1')", path=str(tmp_path))
    last = done.stderr.strip().splitlines()[-1]
    assert "UnsupportedWarp: " in last
    assert reason in last
    assert "warp-lang>=1.10,<=1.19" in last


# What Warp itself compiles, in its own cache, for a module that it imports from a file.
REAL = """
import sys
sys.path.insert(0, sys.argv[1])
import warp as wp
wp.config.kernel_cache_dir = sys.argv[3]
wp.init()
wp.config.kernel_cache_dir = sys.argv[3]
module = __import__(sys.argv[2])
wp.compile_aot_module(module, arch=90, module_dir=sys.argv[3], use_ptx=True)
wp.load_module(module, device="cpu", block_dim=1)  # as a launch does
"""


def _real(path: Path, cache: Path) -> dict[str, str]:
    done = run(REAL, str(path.parent), path.stem, str(cache), WARP_CACHE_PATH=str(cache))
    assert done.returncode == 0, done.stderr
    (cpu,) = cache.rglob("*.cpp")
    (cuda,) = cache.rglob("*.cu")
    return {"cpu": cpu.read_text(), "cuda": cuda.read_text()}


def _check_against_warp(path: Path, cache: Path) -> None:
    from kernelfuzz.toolchain import Lowering, lower_devices

    real = _real(path, cache)
    for device, lowering in lower_devices(path.read_text(), keep_comments=True).items():
        assert isinstance(lowering, Lowering)
        ours = [line for line in lowering.module.splitlines() if not line.startswith("// <kernelfuzz")]
        theirs = [line for line in real[device].splitlines() if not line.startswith(f"// {path}")]
        # Before 1.19 the order of a module's kernels is that of their addresses in memory.
        several = len(lowering.kernels) > 1
        assert (sorted(ours) if several else ours) == (sorted(theirs) if several else theirs)


def test_the_text_is_what_warp_compiles(tmp_path: Path) -> None:
    _check_against_warp(next(path for path in SOURCES if path.stem == "structs"), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_text_is_what_warp_compiles(path: Path, tmp_path: Path) -> None:
    if path.stem == "unique":
        pytest.skip("Warp builds one module for each of its kernels")
    if path.stem == "statics":
        pytest.skip("functions made in static expressions are numbered as often as Warp evaluates them")
    _check_against_warp(path, tmp_path)
