"""Signatures: one bug gives one, whatever the names and types; two bugs give two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import finding_kernels as kernels
import pytest
from finding_kernels import add, at, int_, kernel_of, launch_of, let, loop, n, name, store

from kernelfuzz.findings.shape import shape
from kernelfuzz.findings.signature import compiler_error, exception_text, signature
from kernelfuzz.ir import nodes as ir
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.verdict import BuildSetting, FailedKind, Verdict
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.typecheck.verify import verify


def verdict(kind: FailedKind, reason: str = "", setting: BuildSetting | None = None) -> Verdict:
    return Verdict("value", "failed", kind, reason, setting or BuildSetting())


def other_unpack() -> Case:
    """As ``changed``, with three names, other operators, another order and an unrolled loop."""
    body = (
        let("first", ir.Binary("*", n, int_(3), t.INT32)),
        let("second", ir.Binary("^", n, int_(5), t.INT32)),
        let("third", at("out0", 2)),
        ir.Unpack(("x", "y", "z"), (name("third"), name("second"), name("first"))),
        loop(int_(40), let("x", ir.Binary("-", name("x"), n, t.INT32))),
        store(1, name("third")),
        store(0, name("x")),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=kernels.ints(0, 0, 7)))


def other_ternary() -> Case:
    """As ``constant_ternary``, in floats, with the sides the other way round."""
    c, d = ir.Name("c", t.FLOAT32), ir.Name("d", t.FLOAT32)
    one = kernels.float_(1.0)
    body = (
        ir.Assign(c, add(ir.Cast(t.FLOAT32, at("out0", 0)), one)),
        ir.Assign(d, add(c, one)),
        ir.Assign(ir.Name("p", t.FLOAT32), ir.IfExp(ir.Literal(False, t.BOOL), c, d, t.FLOAT32)),
        loop(n, ir.Assign(ir.Name("p", t.FLOAT32), add(ir.Name("p", t.FLOAT32), one))),
        store(0, ir.Cast(t.INT32, d)),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=kernels.ints(0)))


def other_conversion() -> Case:
    """As ``retyped_constant``, to another type."""
    body = (
        let("some", int_(11)),
        store(1, ir.Cast(t.UINT64, name("some"))),
        store(0, ir.Literal(4, t.UINT64)),
        loop(n, store(0, ir.Cast(t.UINT64, add(name("some"), name("k"))))),
    )
    return Case(kernel_of(*body, out=t.Array(t.UINT64)), launch_of(n=3, out0=kernels.ints(0, 0)))


def other_row() -> Case:
    """As ``row_component``, with a 3 by 3 matrix of doubles and another letter."""
    mat, vec = t.Matrix(3, 3, t.FLOAT64), t.Vector(3, t.FLOAT64)
    m = name("rows", mat)
    body = (
        let("rows", ir.Construct(mat, (ir.Literal(2.0, t.FLOAT64),))),
        ir.Assign(ir.Attribute(ir.Index(m, (n,), vec), "z", t.FLOAT64), ir.Literal(4.0, t.FLOAT64)),
        store(0, ir.Index(m, (int_(2), int_(2)), t.FLOAT64)),
    )
    return Case(kernel_of(*body, out=t.Array(t.FLOAT64)), launch_of(n=1, out0=kernels.ints(0)))


def other_part() -> Case:
    """As ``transform_component``, reduced to the store into the translation, in doubles."""
    transform, vec = t.Transform(t.FLOAT64), t.Vector(3, t.FLOAT64)
    pose = name("pose", transform)
    body = (
        let("pose", ir.Construct(transform, ())),
        ir.Assign(ir.Attribute(ir.Attribute(pose, "p", vec), "z", t.FLOAT64), ir.Literal(0.5, t.FLOAT64)),
        store(1, pose),
    )
    return Case(kernel_of(*body, out=t.Array(transform), n=False), launch_of(out0=kernels.ints(0)))


def first_part() -> Case:
    """The first store of ``transform_component`` alone."""
    pose = name("t", kernels.TRANSFORM)
    body = (
        let("t", ir.Construct(kernels.TRANSFORM, ())),
        ir.Assign(ir.Index(ir.Attribute(pose, "p", kernels.VEC3), (int_(1),), t.FLOAT32), kernels.float_(8.0)),
        store(0, pose),
    )
    return Case(kernel_of(*body, out=t.Array(kernels.TRANSFORM), n=False), launch_of(out0=kernels.ints(0)))


def quaternion_part() -> Case:
    pose = name("t", kernels.TRANSFORM)
    rotation = ir.Attribute(pose, "q", t.Quaternion(t.FLOAT32))
    body = (
        let("t", ir.Construct(kernels.TRANSFORM, ())),
        ir.Assign(ir.Attribute(rotation, "w", t.FLOAT32), kernels.float_(8.0)),
        store(0, pose),
    )
    return Case(kernel_of(*body, out=t.Array(kernels.TRANSFORM), n=False), launch_of(out0=kernels.ints(0)))


def other_loop() -> Case:
    """As ``empty_loop``, with another range and another body."""
    body = (
        let("last", at("out0", 1)),
        replace(loop(n, store(0, int_(4)), counter="last"), bounds=(int_(2), n, int_(2))),
        store(1, name("last")),
    )
    return Case(kernel_of(*body), launch_of(n=0, out0=kernels.ints(0, 0)))


PAIRS: dict[str, tuple[Callable[[], Case], Callable[[], Case]]] = {
    "unpack": (kernels.changed, other_unpack),
    "constant ternary": (kernels.constant_ternary, other_ternary),
    "conversion": (kernels.retyped_constant, other_conversion),
    "row": (kernels.row_component, other_row),
    "part": (first_part, other_part),
    "loop": (kernels.empty_loop, other_loop),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_kernels_of_one_bug_fold(pair: tuple[Callable[[], Case], Callable[[], Case]]) -> None:
    first, second = (make().kernel for make in pair)
    verify(first)
    verify(second)
    assert first != second
    assert signature(verdict("wrong value"), first) == signature(verdict("wrong value"), second)


def test_different_bugs_differ() -> None:
    made = [
        *(first for first, _ in PAIRS.values()),
        quaternion_part,
        kernels.elements,
        kernels.sliced_element,
    ]
    signatures = [signature(verdict("wrong value"), make().kernel) for make in made]
    assert len(set(signatures)) == len(made), signatures


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (kernels.changed, "unpack(name)"),
        (kernels.swapped, "for{ unpack(name) }"),
        (kernels.elements, "unpack(element)"),
        (kernels.constant_ternary, "name if constant"),
        (kernels.empty_loop, "for(outlives){}"),
        (kernels.row_component, "mat[i][i] = leaf"),
        (kernels.product, "(float op float) op float"),
    ],
)
def test_a_shape_can_be_read(make: Callable[[], Case], text: str) -> None:
    assert shape(make().kernel) == text


def test_a_kernel_without_anything_of_interest_still_has_a_shape() -> None:
    copies = kernel_of(let("c", n), store(0, name("c")))
    assert shape(copies) == "int"
    assert shape(kernel_of()) == "empty"


def test_the_kind_the_device_and_what_was_changed_count() -> None:
    kernel = kernels.changed().kernel
    cuda = BuildSetting("cuda-host")
    assert signature(verdict("wrong value"), kernel) == "wrong value: unpack(name)"
    assert signature(verdict("wrong gradient"), kernel) == "wrong gradient: unpack(name)"
    assert signature(verdict("wrong value", setting=cuda), kernel) == "wrong value on CUDA: unpack(name)"
    assert signature(verdict("wrong value", setting=BuildSetting("cuda")), kernel) == signature(
        verdict("wrong value", setting=cuda), kernel
    )
    unrolled = BuildSetting(options=(("max_unroll", 0),))
    assert signature(verdict("different", setting=unrolled), kernel) == "different (max_unroll): unpack(name)"
    renamed = BuildSetting(row="rename")
    assert signature(verdict("different", setting=renamed), kernel) == "different (rename): unpack(name)"
    assert signature(verdict("crash", "signal SIGSEGV"), kernel) == "crash SIGSEGV: unpack(name)"
    with pytest.raises(ValueError, match="passed"):
        signature(Verdict("value", "passed"), kernel)


def test_the_shape_of_a_kernel_that_is_not_reduced_is_cut() -> None:
    kernel = generate(seed=0, index=8, size="large")
    assert len(shape(kernel)) > 200
    text = signature(verdict("wrong value"), kernel)
    assert len(text) < 200
    assert text != signature(verdict("wrong value"), generate(seed=0, index=9, size="large"))


CHAIN = (
    'codegen: line {line}: WarpCodegenTypeError: Error while parsing function "{function}" at line {line}:\n'
    "    {statement}\n;Cannot chain comparisons of unequal types: "
    "<class 'warp._src.types.{type}'> < wp.ref[{type}]."
)


def test_an_exception_is_told_by_its_words() -> None:
    kernel = kernels.chained().kernel
    one = CHAIN.format(line=5, function="kernel", statement="out0[i] = a[0] < a[1] < a[2]", type="int32")
    two = CHAIN.format(line=17, function="func_3", statement="v1 = s0.x < s0.y < 3", type="uint64")
    assert exception_text(one, kernel) == exception_text(two, kernel)
    assert exception_text(one, kernel) == (
        "WarpCodegenTypeError: Cannot chain comparisons of unequal types: int < ref[int]."
    )
    assert signature(verdict("rejected", one), kernel).startswith("rejected: WarpCodegenTypeError: Cannot")
    assert signature(verdict("rejected", one), kernel, frame="add_comp").endswith(" in add_comp")


def test_names_of_the_kernel_are_masked_and_those_of_warp_are_not() -> None:
    kernel = kernels.swapped().kernel
    said = "KeyError: Referencing undefined symbol: 'p'"
    assert exception_text(said, kernel) == exception_text(said.replace("'p'", "'q'"), kernel)
    extract = "RuntimeError: no overload for 'extract' that takes vec_t<3,wp::float32>, var_12 and 'atan2'"
    assert exception_text(extract, kernel) == (
        "RuntimeError: no overload for 'extract' that takes vec, NAME and 'atan2'"
    )
    assert exception_text(extract.replace("extract", "insert"), kernel) != exception_text(extract, kernel)


def test_a_compiler_is_told_by_its_first_error() -> None:
    kernel = kernels.swapped().kernel
    said = (
        "compile: In file included from /tmp/x/module.cpp:3:\n/usr/warp/mat.h:88:12: warning: unused\n"
        "/tmp/x/{file}.cpp:{line}:5: error: no matching function for call to '{name}'\n  note: candidate\n"
        "/tmp/x/module.cpp:99:5: error: another"
    )
    one = compiler_error(said.format(file="module", line=12, name="adj_add"), kernel)
    assert one == "no matching function for call to 'adj_add'"
    assert one == compiler_error(said.format(file="kernel_8", line=7, name="adj_add"), kernel)
    assert one != compiler_error(said.format(file="module", line=12, name="adj_mul"), kernel)


def test_nvrtc_is_told_by_its_error_and_not_by_what_warp_says_of_it() -> None:
    kernel = kernels.swapped().kernel
    said = (
        "compile: Warp NVRTC compilation error 6: NVRTC_ERROR_COMPILATION (/builds/warp/native/warp.cu:4837)\n"
        'Warning #629-D: the command line options do not match those used when precompiled header file "x"\n'
        '{file}.cu(150): error: no instance of overloaded function "wp::intersect_tri_tri" matches the argument list\n'
        "            argument types are: (wp::vec_t<3U, double>, const wp::vec_t<3U, double>)\n"
    )
    error = compiler_error(said.format(file="module"), kernel)
    assert error == "no instance of overloaded function 'intersect_tri_tri' matches the argument list"
    numbered = said.replace("error: no", "error #304: no").format(file="/tmp/y/kernel_8")
    assert compiler_error(numbered, kernel) == error
