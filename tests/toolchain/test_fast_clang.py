"""Another clang compiles what campaigns run; what it does not take, Warp compiles."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kernelfuzz.ir.launch import Launch
from kernelfuzz.toolchain import Failure, fast_clang
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded

SOURCE = """
import warp as wp

@wp.func
def twice(x: float):
    return x + x

@wp.kernel
def scale(a: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = twice(a[i]) * wp.sin(a[i])
"""
LAUNCH = Launch((3,), {"a": np.array([0.5, 1.5, -2.0], np.float32), "out": np.zeros(3, np.float32)})

installed = pytest.mark.skipif(fast_clang.command() is None, reason="needs kernelfuzz[fast]")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Each test finds the compiler anew."""
    fast_clang.command.cache_clear()
    yield
    fast_clang.command.cache_clear()


def outputs(target: str = "cpu", *, fast: bool = True, **request: object) -> tuple[dict[str, object], bool]:
    options = {"options": JUDGED, **request}
    with loaded(SOURCE, target, fast=fast, **options) as program:  # pyright: ignore[reportArgumentType]
        assert isinstance(program, Program), program
        return {**program.run("scale", LAUNCH)}, program.fast


def same(one: dict[str, object], other: dict[str, object]) -> bool:
    return all(np.array_equal(np.asarray(one[name]), np.asarray(other[name])) for name in one)


@installed
@pytest.mark.parametrize("target", ["cpu", "cuda-host"])
def test_both_compilers_give_the_same_bits(target: str) -> None:
    fast, by_other = outputs(target)
    own, by_warp = outputs(target, fast=False)
    assert same(fast, own)
    assert (by_other, by_warp) == (True, False)


@installed
@pytest.mark.parametrize(("name", "value"), [("optimization_level", 2), ("fuse_fp", True), ("verify_fp", True)])
def test_other_options_are_warps(name: str, value: object) -> None:
    assert not outputs(options={**JUDGED, name: value})[1]


@installed
def test_options_of_the_text_are_no_matter() -> None:
    assert outputs(options={**JUDGED, "max_unroll": 0})[1]


@installed
def test_what_is_wrong_in_the_text_is_told_by_warp() -> None:
    native = SOURCE.replace(
        "@wp.func\ndef twice(x: float):\n    return x + x",
        '@wp.func_native("return no_such_name;")\ndef twice(x: float) -> float: ...',
    )
    assert native != SOURCE
    with loaded(native, "cpu", options=JUDGED, fast=True) as program:
        assert isinstance(program, Failure)
        assert program.kind == "compile"
        assert "no_such_name" in program.message


def fake(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package ``ziglang`` whose executable is a script of the shell."""
    zig = folder / "zig"
    zig.write_text(f"#!/bin/sh\n{script}\n")
    zig.chmod(0o755)
    spec = importlib.machinery.ModuleSpec("ziglang", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)


def test_without_it_warp_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not outputs()[1]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("exit 1", id="does not start"),
        pytest.param('case "$*" in *trial*) exec ZIG "$@";; esac; exit 1', id="takes nothing", marks=installed),
        pytest.param("exit 0", id="makes no object"),
        pytest.param('for last; do :; done; echo no object > "$last"', id="makes what is no object"),
        pytest.param("exec sleep 1000", id="does not end"),
    ],
)
def test_where_it_fails_warp_compiles(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = fast_clang.command()
    fast_clang.command.cache_clear()
    fake(tmp_path, script.replace("ZIG", called[0] if called else ""), monkeypatch)
    monkeypatch.setattr(fast_clang, "_TRIAL_SECONDS", 1.0 if "sleep" in script else 10.0)
    own, by_other = outputs()
    assert not by_other
    assert same(own, outputs(fast=False)[0])


@installed
def test_a_full_disk_costs_the_precompiled_header_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(headers: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fast_clang, "_precompiled", full)
    own, by_other = outputs()
    assert by_other
    assert same(own, outputs(fast=False)[0])
