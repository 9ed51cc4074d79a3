"""Reproducers: every kind of script runs on its own, exits 1 where the bug is and 0 where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import finding_kernels as kernels
import numpy as np
import pytest
from finding_kernels import add, float_, int_, kernel_of, launch_of, let, loop, n, name, store

from kernelfuzz.findings import reproducer as reproducer_module
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import launch_script, reproducer
from kernelfuzz.findings.signature import signature
from kernelfuzz.ir import nodes as ir
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.names import canonical_names, rename
from kernelfuzz.oracles.verdict import Accepted, BuildSetting, FailedKind, Malformed, Mismatch, Verdict
from kernelfuzz.toolchain import Failure, lower
from kernelfuzz.toolchain.generated_statements import definitions_in
from kernelfuzz.toolchain.layouts import LAYOUTS
from kernelfuzz.typecheck.verify import verify

RIGHT = {"out0": np.array([3.25, 5.0, np.nan], np.float32)}
WRONG = {"out0": np.array([3.25, 5.0, 1.0], np.float32)}
SEEDS = {"out0": np.ones(3, np.float32)}
CUDA = BuildSetting("cuda-host", (("fuse_fp", False),), 32, 1)

VEC3 = t.Vector(3, t.FLOAT32)
INNER = t.Struct("Inner", (("position", VEC3), ("count", t.INT32)))
OUTER = t.Struct("Outer", (("inner", INNER), ("scale", t.FLOAT32)))


def finding(case: Case, kind: FailedKind = "wrong value", setting: BuildSetting | None = None, **more: Any) -> Finding:
    mismatch, malformed = more.pop("mismatch", None), more.pop("malformed", None)
    verdict = Verdict("value", "failed", kind, "", setting or BuildSetting(), mismatch, malformed=malformed)
    return Finding(signature(verdict, case.kernel), verdict, case, case, **more)


def accepted(statement: str) -> Finding:
    """A statement on an array of bools that is said to be accepted."""
    text = f"import warp as wp\n\n\n@wp.kernel\ndef kernel(out0: wp.array(dtype=wp.bool)):\n    {statement}\n"
    verdict = Verdict("refusal", "failed", "accepted", accepted=Accepted("an edit", "bools", text))
    case = kernels.product()
    return Finding(signature(verdict, case.kernel), verdict, case, case)


def itself() -> Case:
    """A value that is compared with itself, of which clang warns."""
    store_of_bool = ir.Assign(ir.Index(name("out0", t.Array(t.BOOL)), (int_(0),), t.BOOL), ir.Compare(n, ("<=",), (n,)))
    return Case(kernel_of(store_of_bool, out=t.Array(t.BOOL)), launch_of(n=1, out0=np.zeros(1, np.bool_)))


def structs() -> Case:
    """Structs as a parameter and as elements: out0[i] = s with the element's count added."""
    element = ir.Index(name("a", t.Array(OUTER)), (name("i"),), OUTER)
    count = ir.Attribute(ir.Attribute(element, "inner", INNER), "count", t.INT32)
    copy = ir.Name("copy", OUTER)
    body = (
        let("i", ir.Call("tid", (), t.INT32)),
        let("copy", name("s", OUTER)),
        ir.Assign(
            ir.Attribute(ir.Attribute(copy, "inner", INNER), "count", t.INT32),
            add(ir.Attribute(ir.Attribute(copy, "inner", INNER), "count", t.INT32), count),
        ),
        ir.Assign(ir.Index(name("out0", t.Array(OUTER)), (name("i"),), OUTER), copy),
    )
    params = (ir.Param("s", OUTER), ir.Param("a", t.Array(OUTER)), ir.Param("out0", t.Array(OUTER)))
    one = {"inner": {"position": np.array([1, 2, -0.0], np.float32), "count": np.array(4, np.int32)}}
    return Case(
        ir.Kernel("kernel", params, body, structs=(INNER, OUTER)),
        Launch((2,), {"s": {**one, "scale": np.array(0.1, np.float32)}, "a": many(5, 6), "out0": many(0, 0)}),
    )


def many(*counts: int, position: tuple[float, ...] = (0, 0, 0), scale: float = 0.0) -> dict[str, Input]:
    """Elements of ``structs``, which differ in their counts."""
    return {
        "inner": {
            "position": np.array([position] * len(counts), np.float32),
            "count": np.array(counts, np.int32),
        },
        "scale": np.full(len(counts), scale, np.float32),
    }


def divided() -> Case:
    """A division by zero, which ends the process."""
    zeros = ir.Index(name("out0", kernels.INTS), (int_(0),), t.INT32)
    return Case(kernel_of(store(1, ir.Binary("%", n, zeros, t.INT32))), launch_of(n=7, out0=kernels.ints(0, 0)))


def beyond(at: int) -> Case:
    """A store outside of an array of two elements."""
    return Case(kernel_of(store(at, n)), launch_of(n=7, out0=kernels.ints(0, 0)))


def endless() -> Case:
    body = ir.While(ir.Compare(kernels.at("out0", 0), ("<",), (int_(9),)), (store(1, n), store(0, int_(0))))
    atomic = ir.Call("atomic_add", (name("out0", kernels.INTS), int_(1), int_(1)), t.INT32)
    inside = replace(body, body=(*body.body, ir.ExprStmt(atomic)))
    return Case(kernel_of(inside), launch_of(n=7, out0=kernels.ints(0, 0)))


def counters() -> Case:
    """code-depends-on-hash-seed: a dynamic loop that changes three counters of earlier loops."""
    names = ("alpha", "beta", "gamma")
    body = (
        *(loop(int_(2 + at), store(0, name(each)), counter=each) for at, each in enumerate(names)),
        loop(n, *(let(each, add(name(each), int_(1))) for each in names)),
        store(0, add(add(name("alpha"), name("beta")), name("gamma"))),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=kernels.ints(0)))


def named_e() -> Case:
    """local-named-as-a-value: a local ``e`` with an attribute."""
    e = name("e", VEC3)
    body = (
        ir.Assign(e, ir.Construct(VEC3, tuple([float_(1.0)] * 3))),
        ir.Assign(ir.Index(name("out0", kernels.FLOATS), (int_(0),), t.FLOAT32), ir.Attribute(e, "x", t.FLOAT32)),
    )
    return Case(kernel_of(*body, out=kernels.FLOATS, n=False), launch_of(out0=np.zeros(1, np.float32)))


def under_other_names(case: Case) -> Case:
    """The case with other names for everything, parameters included."""
    kernel = rename(case.kernel, canonical_names())
    values = [case.launch.inputs[param.name] for param in case.kernel.params]
    inputs = {param.name: value for param, value in zip(kernel.params, values, strict=True)}
    return Case(kernel, replace(case.launch, inputs=inputs))


def tiny() -> Case:
    """1 / 3 in float32 and a bool: literals have to give these bits."""
    x = name("x", t.FLOAT32)
    body = (
        ir.Assign(
            ir.Index(name("out0", kernels.FLOATS), (int_(0),), t.FLOAT32), ir.Binary("/", x, float_(3.0), t.FLOAT32)
        ),
    )
    return Case(
        kernel_of(*body, params=(ir.Param("x", t.FLOAT32), ir.Param("b", t.BOOL)), out=kernels.FLOATS, n=False),
        Launch(
            (1,),
            {
                "x": np.array(0.1, np.float32),
                "b": np.array(True),
                "out0": np.array([np.inf, -0.0], np.float32),
            },
        ),
    )


@dataclass(frozen=True)
class Row:
    """A finding and how its script ends; ``says`` stands in what it prints."""

    finding: Finding
    status: int
    says: str = "expected:"


PRODUCT = kernels.product()
SWAPPED = kernels.swapped()
PLACE = Mismatch("out0", (1,), 4, 5)
RENAMED = BuildSetting(row="rename")
OPTIONS = BuildSetting(options=(("max_unroll", 0), ("optimization_level", 0), ("verify_fp", False)))
GRADIENT = {"a": np.array([3, -4, np.nan], np.float32)}
NEAR = {"a": np.array([3.0001, -4, np.nan], np.float32)}
SUMS = many(9, 10, position=(1, 2, -0.0), scale=0.1)
THIRD = np.array([np.float32(0.1) / np.float32(3), -0.0], np.float32)

# Of another kernel, with a line that is longer than those of a script may be.
LONG = f"wp::adj_vec_t({', '.join(f'var_{at}' for at in range(90, 120))});"
ELSEWHERE = Malformed(
    "adjoint", "kernel_backward", LONG, "", "wp::adj_vec_t(var)", r"(?:var|adj)_99\b", (LONG, "adj_99;")
)

ROWS: dict[str, Row] = {
    "value": Row(finding(PRODUCT, expected=RIGHT), 0, "expected: [3.25, 5.0, nan]   actual: [3.25, 5.0, nan]"),
    "value, wrong": Row(finding(PRODUCT, expected=WRONG), 1),
    "value, to the bit": Row(finding(tiny(), expected={"out0": THIRD}), 0),
    "value, one bit off": Row(finding(tiny(), expected={"out0": np.nextafter(THIRD, np.float32(1))}), 1),
    "value, sign of zero": Row(finding(tiny(), expected={"out0": np.abs(THIRD)}), 1),
    "value, a known bug": Row(finding(SWAPPED, expected={"out0": kernels.ints(5, 4)}), 1, "actual: [5, 5]"),
    "value, by its place": Row(finding(SWAPPED, mismatch=PLACE), 1, "out0[1]   expected: 4   actual: 5"),
    "structs": Row(finding(structs(), expected={"out0": SUMS}), 0, "out0.inner.count   expected: [9, 10]"),
    "structs, wrong": Row(finding(structs(), expected={"out0": many(9, 11)}), 1),
    "CUDA": Row(finding(PRODUCT, setting=CUDA, expected=RIGHT), 0),
    "CUDA, wrong": Row(finding(PRODUCT, setting=CUDA, expected=WRONG), 1),
    "CUDA, a known bug": Row(finding(SWAPPED, setting=CUDA, expected={"out0": kernels.ints(5, 4)}), 1),
    "gradient": Row(finding(PRODUCT, "wrong gradient", expected=GRADIENT, seeds=SEEDS), 0, "gradient of a"),
    "gradient, wrong": Row(finding(PRODUCT, "wrong gradient", expected=NEAR, seeds=SEEDS), 1),
    "gradient, near": Row(finding(PRODUCT, "wrong gradient", expected=NEAR, seeds=SEEDS, tolerance=1e-3), 0),
    "gradient, CUDA": Row(finding(PRODUCT, "wrong gradient", CUDA, expected=GRADIENT, seeds=SEEDS), 0),
    "gradient, CUDA, wrong": Row(finding(PRODUCT, "wrong gradient", CUDA, expected=NEAR, seeds=SEEDS), 1),
    "rejected": Row(finding(kernels.chained(), "rejected"), 1, "Cannot chain comparisons"),
    "not rejected": Row(finding(PRODUCT, "rejected"), 0, "actual: accepted"),
    "rejected, CUDA": Row(finding(kernels.chained(), "rejected", CUDA), 1, "Cannot chain comparisons"),
    "compiles, CUDA": Row(finding(PRODUCT, "does not compile", CUDA), 0, "actual: accepted"),
    "different": Row(finding(SWAPPED, "different", RENAMED, second=kernels.changed()), 1, "rename: out0"),
    "not different": Row(finding(SWAPPED, "different", RENAMED, second=SWAPPED), 0),
    "different from expected": Row(
        finding(SWAPPED, "different", RENAMED, second=SWAPPED, expected={"out0": kernels.ints(5, 4)}), 1
    ),
    "not different from expected, other names": Row(
        finding(PRODUCT, "different", RENAMED, second=under_other_names(PRODUCT), expected=RIGHT), 0, "rename: out0"
    ),
    "not different, options": Row(finding(PRODUCT, "different", OPTIONS), 0),
    "different, options": Row(finding(PRODUCT, "different", OPTIONS, expected=WRONG), 1),
    "crash": Row(finding(divided(), "crash"), 1, "actual: SIG"),
    "no crash": Row(finding(PRODUCT, "crash"), 0, "actual: exit status 0"),
    "enough memory": Row(finding(PRODUCT, "memory"), 0, "actual: exit status 0"),
    "hang": Row(finding(endless(), "hang"), 1, "actual: still running after 20 s"),
    "deterministic": Row(finding(PRODUCT, "not deterministic"), 0),
    "deterministic, CUDA": Row(finding(PRODUCT, "not deterministic", CUDA), 0),
    "not deterministic": Row(finding(counters(), "not deterministic"), 1),
    "built alike": Row(finding(structs(), "built differently"), 0, "expected: kernel_"),
    "built differently": Row(finding(named_e(), "built differently"), 1, "expected: kernel_"),
    "refused": Row(accepted("out0[0] = 1"), 0, "expected: refused   actual: refused"),
    "accepted": Row(accepted("out0[0] = 1.0 < 2.0"), 1, "expected: refused   actual: accepted"),
    "no warning": Row(finding(PRODUCT, "compiler warns", BuildSetting(row="-W")), 0, "actual: no warning"),
    "no warning, CUDA": Row(finding(PRODUCT, "compiler warns", BuildSetting("ptx", row="#69-D")), 0),
    "warning": Row(finding(itself(), "compiler warns", BuildSetting(row="-Wtautological")), 1, "self-comp"),
    "gradient, strided": Row(
        finding(PRODUCT, "wrong gradient", BuildSetting(layout="strided"), expected=GRADIENT, seeds=SEEDS), 0
    ),
    "gradient, reversed, CUDA": Row(
        finding(PRODUCT, "wrong gradient", replace(CUDA, layout="reversed"), expected=NEAR, seeds=SEEDS), 1
    ),
    "inside": Row(finding(structs(), "writes outside"), 0, "out0   bytes changed around it: expected: 0   actual: 0"),
    "inside, the adjoint": Row(finding(PRODUCT, "writes outside", seeds=SEEDS), 0, "gradient of a   bytes"),
    "outside": Row(finding(beyond(-3), "writes outside"), 1, "out0   bytes changed around it: expected: 0   actual: 4"),
    "outside, CUDA": Row(finding(beyond(2), "writes outside", CUDA), 1, "actual: 4"),
    "outside, strided": Row(finding(beyond(2), "writes outside", BuildSetting(layout="strided")), 1, "actual: 4"),
    "outside, the adjoint": Row(finding(beyond(2), "writes outside", seeds={}), 1, "actual: 4"),
    "malformed": Row(finding(PRODUCT, "malformed code", malformed=ELSEWHERE), 2, "undecided"),
    "malformed, CUDA": Row(
        finding(PRODUCT, "malformed code", BuildSetting("ptx"), malformed=ELSEWHERE), 2, "undecided"
    ),
}

# Each array in a layout of its own, or all in one.
ROWS |= {
    f"structs, {layout}": Row(finding(structs(), setting=BuildSetting(layout=layout), expected={"out0": SUMS}), 0)
    for layout in LAYOUTS
}

# Rows that lean on a bug of this release.
OF_THIS_RELEASE = {
    "value, a known bug", "value, by its place", "CUDA, a known bug", "rejected", "rejected, CUDA",
    "different from expected", "not deterministic", "built differently",
}  # fmt: skip


# One of each template; what is left takes its time.
QUICK = {
    "value", "value, a known bug", "structs", "CUDA, wrong", "gradient, wrong", "rejected", "compiles, CUDA",
    "different", "crash", "deterministic", "built differently", "accepted", "malformed",
    "not different from expected, other names",
    "outside", "inside, the adjoint", "structs, mixed",
}  # fmt: skip


def run_script(path: Path) -> subprocess.CompletedProcess[str]:
    """Run by this interpreter, without what the tests have put into the environment."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, str(path)],
        capture_output=True, text=True, check=False, timeout=1200, cwd=path.parent, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("key", [pytest.param(key, marks=() if key in QUICK else pytest.mark.slow) for key in ROWS])
def test_the_script_ends_as_it_must(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if key in OF_THIS_RELEASE and version("warp-lang") != "1.19.0":
        pytest.skip("the row is about Warp 1.19.0")
    # Only what does hang may be late.
    monkeypatch.setattr(reproducer_module, "TIMEOUT_SECONDS", 20 if key == "hang" else 600)
    row = ROWS[key]
    path = tmp_path / "reproducer.py"
    path.write_text(reproducer(row.finding))
    done = run_script(path)
    assert done.returncode == row.status, done.stdout + done.stderr
    assert row.says in done.stdout
    assert "expected:" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("fewer", "status"), [(0, 1), (1, 0)], ids=["present", "fixed"])
def test_the_script_of_malformed_code_looks_at_the_lines_that_are_wrong(
    fewer: int, status: int, tmp_path: Path
) -> None:
    lowered = lower(PRODUCT.kernel)
    assert not isinstance(lowered, Failure)
    (definition,) = definitions_in(lowered.kernels[0].backward or "")
    there = tuple(line for line in definition.lines if "var_1" in line)
    malformed = replace(ELSEWHERE, about="var_1", lines=there[fewer:])
    path = tmp_path / "reproducer.py"
    path.write_text(reproducer(finding(PRODUCT, "malformed code", malformed=malformed)))
    done = run_script(path)
    assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.parametrize("key", ROWS)
def test_the_script_needs_only_warp_and_numpy_and_is_formatted(key: str, tmp_path: Path) -> None:
    text = reproducer(ROWS[key].finding)
    compile(text, key, "exec")
    imports = {line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imports - {"warp", "numpy"} <= set(sys.stdlib_module_names)
    assert "kernelfuzz" not in text
    assert max(map(len, text.splitlines())) <= 110
    assert "\n\n\n\n" not in text
    assert text.endswith("\n")


@pytest.mark.parametrize("case", [structs(), divided(), endless(), tiny(), PRODUCT, SWAPPED])
def test_the_kernels_of_these_tests_are_well_typed(case: Case) -> None:
    verify(case.kernel)


def test_the_options_of_the_finding_are_set_and_no_others() -> None:
    setting = BuildSetting(options=(("fuse_fp", False), ("mode", "debug"), ("verify_fp", True)))
    text = reproducer(finding(PRODUCT, setting=setting, expected=RIGHT))
    assert 'wp.set_module_options({"fuse_fp": False, "mode": "debug"})\n' in text
    assert "wp.config.verify_fp = True\n" in text
    plain = reproducer(finding(PRODUCT, expected=RIGHT))
    assert "set_module_options" not in plain


def test_outputs_that_tell_nothing_are_left_out() -> None:
    expected = {**RIGHT, "a": PRODUCT.launch.inputs["a"]}
    text = reproducer(finding(PRODUCT, expected=expected))
    assert 'check("out0"' in text
    assert 'check("a"' not in text
    wrong = finding(PRODUCT, expected=expected, mismatch=Mismatch("a", (0,), 1.5, 2.0))
    assert 'check("a"' in reproducer(wrong)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("wrong value", {}), ("wrong gradient", {"expected": GRADIENT}), ("wrong gradient", {})],
)
def test_what_is_missing_is_told(kind: FailedKind, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs what is expected"):
        reproducer(finding(PRODUCT, kind, **more))


def test_the_original_is_a_script_too(tmp_path: Path) -> None:
    path = tmp_path / "original.py"
    path.write_text(launch_script(finding(structs(), expected={"out0": SUMS}), structs()))
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "out0: [" in done.stdout


def test_a_finding_is_of_a_failed_verdict() -> None:
    passed = Verdict("value", "passed")
    with pytest.raises(ValueError, match="needs a failed verdict"):
        Finding("x", passed, PRODUCT, PRODUCT)
    assert finding(PRODUCT).features == ("arithmetic",)


def test_a_long_input_is_laid_out_in_lines() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32)
    a = ir.Param("a", kernels.FLOATS)
    x = ir.Index(name("a", kernels.FLOATS), (int_(63),), t.FLOAT32)
    kernel = kernel_of(store(0, x), params=(a,), out=kernels.FLOATS, n=False)
    case = Case(kernel, launch_of(a=values, out0=np.zeros(1, np.float32)))
    text = reproducer(finding(case, expected={"out0": values[-1:]}))
    assert max(map(len, text.splitlines())) <= 110
    made = next(line for line in text.splitlines() if line.startswith("a = "))
    assert made == "a = wp.array("
    numbers = text[text.index(made) :].partition("[")[2].partition("]")[0]
    read = np.array([float(number) for number in numbers.split(",")], np.float32)
    assert read.tobytes() == values.tobytes()


def test_vectors_are_constructed() -> None:
    v = ir.Param("v", VEC3)
    kernel = kernel_of(
        store(0, ir.Index(name("v", VEC3), (int_(1),), t.FLOAT32)), params=(v,), out=kernels.FLOATS, n=False
    )
    values = np.array([1.5, np.nan, -np.inf], np.float32)
    case = Case(kernel, launch_of(v=values, out0=np.zeros(1, np.float32)))
    assert "wp.vec3(1.5, np.nan, -np.inf)" in reproducer(finding(case, expected={"out0": values[1:2]}))


def test_what_is_refused_where_it_is_declared_is_shown(tmp_path: Path) -> None:
    refuse = "def refuse(*_, **__):\n    raise ValueError('no kernels today')\n"
    (tmp_path / "sitecustomize.py").write_text(f"import warp\n\n{refuse}\nwarp.kernel = refuse\n")
    for setting in (BuildSetting(), CUDA):
        script = tmp_path / "reproducer.py"
        script.write_text(reproducer(finding(structs(), "rejected", setting)))
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, "expected: accepted   actual: rejected: no kernels today\n")
