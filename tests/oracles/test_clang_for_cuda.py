"""The compile oracle's second compiler: clang for the CUDA text, where Warp and the machine have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.types import INT32, Array
from kernelfuzz.oracles import compile, judge
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.build import Artifact
from kernelfuzz.toolchain.lower import Lowering

OUT = n.Name("out", Array(INT32))
FIRST, ONE = n.Literal(0, INT32), n.Literal(1, INT32)
PLACE = n.Index(OUT, (FIRST,), INT32)
PARAMS = (n.Param("out", Array(INT32)),)
PLAIN = n.Kernel("plain", PARAMS, (n.Assign(PLACE, ONE),))
CALLED = n.Kernel("called", PARAMS, (n.ExprStmt(n.Call("atomic_or", (OUT, FIRST, ONE), INT32)),))
IN_PLACE = n.Kernel("in_place", PARAMS, (n.AugAssign(PLACE, "&", ONE),))
ADDED = n.Kernel("added", PARAMS, (n.AugAssign(PLACE, "+", ONE),))
KERNELS = [PLAIN, CALLED, IN_PLACE, ADDED]


class Compilers:
    """Stand-ins for NVRTC and clang: clang refuses every text with one of ``refused`` in it."""

    def __init__(self) -> None:
        self.refused: dict[str, Failure] = {}
        self.asked: list[bool] = []

    def build(self, lowering: Lowering, target: str, *, options: dict[str, Any] | None = None) -> Artifact | Failure:
        clang = bool((options or {}).get("llvm_cuda"))
        self.asked.append(clang)
        for part, failure in self.refused.items():
            if clang and part in lowering.module:
                return failure
        return Artifact("ptx", 90, b"", 0.0)


@pytest.fixture
def compilers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compilers]:
    made = Compilers()
    monkeypatch.setattr(compile, "build", made.build)
    compile.clang_missing.cache_clear()
    yield made
    compile.clang_missing.cache_clear()


def test_both_compilers_get_the_same_kernels(compilers: Compilers) -> None:
    for setting in (compile.PTX, compile.CLANG):
        verdicts = compile.judge(KERNELS, setting)
        assert [(verdict.status, verdict.setting) for verdict in verdicts] == [("passed", setting)] * 4
    assert compilers.asked[0] is False
    assert all(compilers.asked[1:])


def test_a_machine_without_the_headers_is_asked_once(compilers: Compilers) -> None:
    message = "In file included from module.cu:4:\nbuiltin.h:82:10: fatal error: 'cuda_fp16.h' file not found\n"
    compilers.refused["wp::"] = Failure("unsupported", message)
    for _ in range(3):
        for verdict in compile.judge(KERNELS, compile.CLANG):
            assert (verdict.oracle, verdict.status) == ("compile", "skipped")
            assert verdict.reason.endswith("builtin.h:82:10: fatal error: 'cuda_fp16.h' file not found")
    assert len(compilers.asked) == 1
    assert compile.judge(KERNELS)[0].status == "passed"


def test_only_kernels_that_a_known_bug_touches_are_left_out(compilers: Compilers) -> None:
    said = "builtin.h:2637:12: error: use of undeclared identifier 'atomicOr'"
    for name in ("atomic_or(", "atomic_and("):
        compilers.refused[name] = Failure("compile", said)
    verdicts = compile.judge(KERNELS, compile.CLANG)
    assert [verdict.status for verdict in verdicts] == ["passed", "skipped", "skipped", "passed"]
    assert "undeclared identifier" in verdicts[1].reason


def test_what_only_clang_refuses_is_found_and_judged_again(compilers: Compilers) -> None:
    compilers.refused["atomic_add("] = Failure("compile", "error: no")
    verdicts = compile.judge(KERNELS, compile.CLANG)
    assert [verdict.kind for verdict in verdicts] == ["", "", "", "does not compile"]
    assert verdicts[3].setting == compile.CLANG
    cases = [Case(kernel, Launch((1,), {})) for kernel in KERNELS]
    assert judge.judge_again(cases, verdicts[3]) == verdicts


def test_the_real_clang_compiles_or_says_why() -> None:
    compile.clang_missing.cache_clear()
    missing = compile.clang_missing(compile._LEAST)  # pyright: ignore[reportPrivateUsage]
    (verdict,) = compile.judge([ADDED], compile.CLANG)
    if missing is None:
        assert verdict.status == "passed"
    else:
        assert (verdict.status, missing.kind) == ("skipped", "unsupported")
        assert "file not found" in verdict.reason
