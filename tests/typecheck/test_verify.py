"""Every rule of verify: one kernel that it accepts, one that it rejects, and what the error names."""

# ruff: noqa: E501  # one rule is one line of a table

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Constant,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Literal,
    Name,
    Param,
    Pass,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.types import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    UINT32,
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Transform,
    Tuple,
    Type,
    Vector,
)
from kernelfuzz.typecheck.verify import VerifyError, verify

VEC2, VEC3, MAT22, QUAT = Vector(2, FLOAT32), Vector(3, FLOAT32), Matrix(2, 2, FLOAT32), Quaternion(FLOAT32)
TRANSFORM = Transform(FLOAT32)
BODY = Struct("Body", (("mass", FLOAT32), ("at", VEC3), ("pose", TRANSFORM), ("data", Array(INT32))))

# Parameters and locals that every kernel here has.
n, x, b = Name("n", INT32), Name("x", FLOAT32), Name("b", BOOL)
ints, floats, grid = (
    Name("ints", Array(INT32)),
    Name("floats", Array(FLOAT32)),
    Name("grid", Array(FLOAT32, 2)),
)
vecs, mats, bodies = Name("vecs", Array(VEC3)), Name("mats", Array(MAT22)), Name("bodies", Array(BODY))
poses = Name("poses", Array(TRANSFORM))
i, v, m, q = Name("i", INT32), Name("v", VEC3), Name("m", MAT22), Name("q", QUAT)
t, s, y, k = Name("t", TRANSFORM), Name("s", BODY), Name("y", INT32), Name("k", INT32)
HALF = Name("HALF", FLOAT32)
THREE = Name("THREE", INT32)
PARAMS = tuple(Param(name.id, name.type) for name in (n, x, b, ints, floats, grid, vecs, mats, bodies, poses))
CONSTANTS = (Constant("HALF", Literal(0.5, FLOAT32)), Constant("THREE", Literal(3, INT32)))
SET_UP: Block = (
    Assign(i, Call("tid", (), INT32)),
    Assign(v, Construct(VEC3, (x,))),
    Assign(m, Construct(MAT22, (x,))),
    Assign(q, Construct(QUAT, (x, x, x, x))),
    Assign(t, Construct(TRANSFORM, (v, q))),
    Assign(s, Construct(BODY, ())),
)


def lit(value: float | bool, type_: Scalar | None = None) -> Literal:
    guess = BOOL if isinstance(value, bool) else FLOAT32 if isinstance(value, float) else INT32
    return Literal(value, type_ or guess)


def add(left: Expr, right: Expr) -> Binary:
    return Binary("+", left, right, left.type)


def at(value: Expr, *indices: Any, type_: Type = FLOAT32) -> Index:
    return Index(value, tuple(lit(each) if isinstance(each, int) else each for each in indices), type_)


def dot(value: Expr, *names: str) -> Attribute:
    """An attribute of an attribute of a value, with its type."""
    fields: dict[str, Type] = {"p": VEC3, "q": QUAT, "pose": TRANSFORM, "at": VEC3, "data": Array(INT32)}
    for name in names:
        value = Attribute(value, name, fields.get(name, FLOAT32))
    assert isinstance(value, Attribute)
    return value


def less(left: Expr, right: Expr) -> Compare:
    return Compare(left, ("<",), (right,))


def declare(value: Expr) -> Block:
    """``u = value``."""
    return (Assign(Name("u", value.type), value),)


def kernel(*statements: Stmt, **changes: Any) -> Kernel:
    made = Kernel(
        "kernel",
        PARAMS,
        (*SET_UP, *statements),
        structs=(BODY,),
        constants=CONSTANTS,
        functions=(TWICE, STORE, PAIR),
    )
    return replace(made, **changes)


TWICE = Function("twice", (Param("a", FLOAT32),), FLOAT32, (Return((add(Name("a", FLOAT32), Name("a", FLOAT32)),)),))
STORE = Function(
    "store",
    (Param("out", Array(INT32)), Param("j", INT32)),
    None,
    (Assign(at(Name("out", Array(INT32)), Name("j", INT32), type_=INT32), lit(1)),),
)
PAIR = Function("pair", (Param("a", FLOAT32),), Tuple((FLOAT32, INT32)), (Return((Name("a", FLOAT32), lit(1))),))

COUNT = Assign(y, add(y, lit(1)))
TO_N = (n,)


@dataclass
class Rule:
    """``bad`` must be rejected with ``message`` at ``node`` (its text), and ``good`` accepted."""

    name: str
    good: Block | Kernel
    bad: Block | Kernel
    message: str
    node: str
    function: str = "kernel"


def with_function(function: Function, *more: Function) -> Kernel:
    return kernel(functions=(function, *more))


def value(name: str, good: Expr, bad: Expr, message: str, node: str) -> Rule:
    return Rule(name, declare(good), declare(bad), message, node)


EXPRESSIONS = [
    value("type", add(n, lit(1)), Binary("+", n, lit(1), FLOAT32), "is int32 but is marked as float32", "n + 1"),
    value("name", n, Name("z", INT32), "is not defined here", "z"),
    value("literal", lit(127, INT8), lit(128, INT8), "128 is no value of int8", "wp.int8(128)"),
    value("literal_kind", lit(1.0), lit(1, FLOAT32), "1 is no value of float32", "1"),
    value("literal_float16", lit(65504.0, FLOAT16), lit(1e9, FLOAT16), "is no value of float16", "wp.float16("),
    value("binary", add(x, x), Binary("+", x, n, FLOAT32), "no operator + for float32 and int32", "x + n"),
    value("modulo", Binary("%", v, v, VEC3), Binary("%", v, x, VEC3), "no operator %", "v % x"),
    value("unary", Unary("-", v, VEC3), Unary("~", x, FLOAT32), "no operator ~ for float32", "~x"),
    value("unary_transform", Unary("-", q, QUAT), Unary("-", t, TRANSFORM), "no operator -", "-t"),
    value("compare", less(n, lit(1)), less(n, x), "no comparison < for int32 and float32", "n < x"),
    value("compare_chain", Compare(n, ("<", "<="), (i, n)), Compare(n, ("<", "<"), (i, x)), "no comparison", "n < i < x"),
    value("compare_vector", Compare(v, ("==",), (v,)), Compare(v, ("!=",), (v,)), "no comparison !=", "v != v"),
    value("and", BoolOp("and", (b, b)), BoolOp("and", (b, v)), "vec3f is no condition here (operand)", "v"),
    value("or", BoolOp("or", (n, x, ints)), BoolOp("or", (b, m)), "mat22f is no condition here (operand)", "m"),
    value("not_array", Unary("not", floats, BOOL), Unary("not", v, BOOL), "no operator not for vec3f", "not v"),
    value("ifexp_test", IfExp(b, x, x, FLOAT32), IfExp(x, x, x, FLOAT32), "float32 is no condition here (ternary)", "x"),
    value("ifexp_truth", IfExp(n, IfExp(ints, x, x, FLOAT32), x, FLOAT32), IfExp(v, x, x, FLOAT32), "vec3f is no condition", "v"),
    value("ifexp_branch", IfExp(b, v, v, VEC3), IfExp(b, x, n, FLOAT32), "branches are float32 and int32", "x if b else n"),
    value("cast", Cast(INT8, x), Cast(FLOAT32, v), "vec3f cannot be converted to float32", "float(v)"),
    value("cast_half", Cast(BOOL, x), Cast(FLOAT16, b), "bool cannot be converted to float16", "wp.float16(b)"),
    value("builtin", Call("sin", (x,), FLOAT32), Call("sin", (n,), FLOAT32), "sin does not take (int32)", "wp.sin(n)"),
    value("builtin_name", Call("sin", (x,), FLOAT32), Call("sine", (x,), FLOAT32), "no builtin sine", "wp.sine(x)"),
    value(
        "builtin_result", Call("argmin", (v,), UINT32), Call("argmin", (v,), INT32),
        "is uint32 but is marked as int32", "wp.argmin(v)",
    ),
    value(
        "keyword", Call("quat_identity", (), Quaternion(FLOAT64), (("dtype", FLOAT64),)),
        Call("quat_identity", (), Quaternion(INT32), (("dtype", INT32),)), "does not take (dtype=)", "quat_identity",
    ),
    value(
        "mutated_argument", Call("randf", (Call("rand_init", (n,), UINT32),), FLOAT32),
        Call("randf", (Static(lit(1, UINT32), UINT32),), FLOAT32), "a call changes this argument", "wp.static",
    ),
    value("tid", Call("tid", (), INT32), Call("tid", (n,), INT32), "takes nothing", "wp.tid(n)"),
    value("function", CallFunction("twice", (x,), FLOAT32), CallFunction("twice", (n,), FLOAT32), "twice does not take (int32)", "twice(n)"),
    value("function_name", CallFunction("twice", (x,), FLOAT32), CallFunction("thrice", (x,), FLOAT32), "no function thrice", "thrice(x)"),
    value("no_value", CallFunction("twice", (x,), FLOAT32), CallFunction("store", (ints, i), Tuple(())), "returns none", "u"),
    value("construct_fill", Construct(VEC3, (x,)), Construct(VEC3, (n,)), "vec3f cannot be made from (int32)", "wp.vec3(n)"),
    value("construct_components", Construct(VEC3, (x, x, x)), Construct(VEC3, (x, x)), "cannot be made", "wp.vec3(x, x)"),
    value("construct_copy", Construct(Vector(3, FLOAT64), (v,)), Construct(VEC2, (v,)), "cannot be made", "wp.vec2(v)"),
    value("construct_matrix", Construct(MAT22, (x, x, x, x)), Construct(MAT22, (dot(t, "p"), v)), "cannot be made", "wp.mat22(t.p, v)"),
    value("construct_quaternion", Construct(QUAT, (v, x)), Construct(QUAT, (x,)), "cannot be made", "wp.quat(x)"),
    value("construct_transform", Construct(TRANSFORM, (v, q)), Construct(TRANSFORM, (q, v)), "cannot be made", "wp.transform(q, v)"),
    value(
        "construct_struct", Construct(BODY, (x, v, t, ints)), Construct(BODY, (x, v)), "Body cannot be made", "Body(x, v)"
    ),
    value("bool_vector", Construct(Vector(2, BOOL), (b,)), Construct(Vector(2, BOOL), (x,)), "cannot be made from (float32)", "(x)"),
    value("construct_transform_of_one", Construct(TRANSFORM, (x,)), Construct(TRANSFORM, (v,)), "cannot be made", "wp.transform(v)"),
    value("construct_transform_copy", Construct(TRANSFORM, (t,)), Construct(Transform(FLOAT64), (t,)), "cannot be made", "(t)"),
    value("construct_quaternion_copy", Construct(Quaternion(FLOAT64), (q,)), Construct(QUAT, (x,)), "cannot be made", "wp.quat(x)"),
    value("index", at(floats, i), at(floats, x), "an index of an array must be an integer, not float32", "x"),
    value("index_count", at(grid, i, n), at(floats, i, n), "does not take 2 indices", "floats[i, n]"),
    value("view", at(grid, i, type_=Array(FLOAT32)), at(grid, i), "is array1d(float32) but is marked", "grid[i]"),
    value("index_negative", at(v, -1), at(floats, -1), "does not count from the end", "-1"),
    value("index_wide", at(floats, Cast(INT64, n)), at(floats, Cast(FLOAT64, n)), "must be an integer, not float64", "wp.float64(n)"),
    value("index_bounds", at(v, 2), at(v, 3), "index 3 is out of bounds for 3", "3"),
    value("index_bounds_low", at(v, -3), at(v, -4), "index -4 is out of bounds for 3", "-4"),
    value("index_constant", at(Construct(Vector(4, FLOAT32), (x,)), THREE), at(v, THREE), "index 3 is out of", "THREE"),
    value("index_matrix", at(m, 1, -2), at(m, 0, 2), "index 2 is out of bounds for 2", "2"),
    value("row", at(m, 1, type_=VEC2), at(m, 2, type_=VEC2), "out of bounds", "2"),
    value("index_quaternion", at(q, 3), at(q, 4), "out of bounds for 4", "4"),
    value("index_transform", at(t, 6), at(t, 7), "out of bounds for 7", "7"),
    value("slice", at(v, Slice(0, 2), type_=VEC2), at(v, Slice(0, 2), type_=VEC3), "is vec2f but is marked", "v[0:2]"),
    value("slice_empty", at(v, Slice(None, None, -1), type_=VEC3), at(v, Slice(1, 1), type_=VEC3), "selects nothing", "1:1"),
    value("slice_bounds", at(v, Slice(-3, 3), type_=VEC3), at(v, Slice(0, 5), type_=VEC3), "out of bounds", "0:5"),
    value("index_of_a_component", at(v, Cast(INT64, n)), at(v, x), "must be an integer, not float32", "x"),
    value("slice_matrix", at(m, Slice(0, 1), type_=Matrix(1, 2, FLOAT32)), at(m, Slice(0, 1), type_=VEC2), "is mat1x2f but is marked", "m[0:1]"),
    value("slice_column", at(m, Slice(None, None, -1), 1, type_=VEC2), at(m, Slice(0, 3), 1, type_=VEC2), "out of bounds for 2", "0:3"),
    value("slice_row", at(m, 1, Slice(1, None), type_=Vector(1, FLOAT32)), at(m, 2, Slice(0, 1), type_=Vector(1, FLOAT32)), "out of bounds for 2", "2"),
    value("slice_block", at(m, Slice(0, 2), Slice(0, 1), type_=Matrix(2, 1, FLOAT32)), at(m, Slice(0, 2), Slice(1, 1), type_=Matrix(2, 1, FLOAT32)), "selects nothing", "1:1"),
    value("slice_array", at(at(grid, 1, Slice(1, None), type_=Array(FLOAT32)), 0), at(at(grid, Slice(1, None), type_=Array(FLOAT32, 2)), 1, 0), "takes the subscripts of this slice", "grid[1:][1, 0]"),
    value("slice_array_step", at(at(floats, Slice(None, None, -2), type_=Array(FLOAT32)), 0), at(at(floats, Slice(None, None, 0), type_=Array(FLOAT32)), 0), "needs a step that is not 0", "::0"),
    value("slice_transform", at(t, Slice(0, 3), type_=VEC3), at(t, Slice(0, 8), type_=VEC3), "out of bounds for 7", "0:8"),
    value("slice_quaternion", at(q, Slice(1, None), type_=VEC3), at(q, Slice(0, 4), type_=QUAT), "is vec4f but is marked", "q[0:4]"),
    value("attribute", dot(v, "z"), Attribute(v, "w", FLOAT32), "vec3f has no attribute w", "v.w"),
    value("attribute_quaternion", dot(q, "w"), Attribute(q, "p", VEC3), "quatf has no attribute p", "q.p"),
    value("attribute_transform", dot(t, "p", "x"), dot(t, "x"), "transformf has no attribute x", "t.x"),
    value("field", dot(s, "mass"), dot(s, "weight"), "Body has no attribute weight", "s.weight"),
    value("shape", ArrayShape(grid, 1), ArrayShape(floats, 1), "array1d(float32) has no axis 1", "floats.shape[1]"),
    value("shape_of_value", ArrayShape(floats, 0), ArrayShape(v, 0), "vec3f has no axis 0", "v.shape[0]"),
    value("static", Static(add(THREE, lit(1)), INT32), Static(add(n, lit(1)), INT32), "only literals, constants", "n"),
    value(
        "static_division", Static(Binary("/", HALF, lit(2.0), FLOAT32), FLOAT32),
        Static(Binary("/", THREE, lit(2), INT32), INT32), "only literals, constants", "THREE / 2",
    ),
]  # fmt: skip

STATEMENTS = [
    Rule("retype", (Assign(y, n), Assign(y, i)), (Assign(y, n), Assign(Name("y", FLOAT32), x)), "cannot become float32", "y"),
    Rule("target_type", (Assign(y, n),), (Assign(Name("y", FLOAT32), n),), "is assigned to float32", "n"),
    Rule("parameter", (Assign(n, lit(1)), Assign(y, n)), (Assign(Name("n", FLOAT32), lit(1.0)),), "is int32 and cannot become float32", "n"),
    Rule("parameter_augmented", (AugAssign(n, "+", lit(1)),), (AugAssign(n, "+", x),), "no operator +=", "n"),
    Rule("module_name", (Assign(y, THREE),), (Assign(THREE, lit(1)),), "is declared by the module", "THREE"),
    Rule("function_name", (Assign(y, n),), (Assign(Name("twice", INT32), n),), "is declared by the module", "twice"),
    Rule("read_later", (Assign(y, n), Assign(k, y)), (Assign(k, y), Assign(y, n)), "is not defined here", "y"),
    Rule("branch_name", (If(b, (Assign(y, n),)), Assign(k, y)), (If(b, (Assign(y, n),), (Assign(k, y),)),), "is not defined", "y"),
    Rule(
        "static_branch",
        (If(lit(True), (Assign(y, n),)), Assign(k, y)),
        (If(lit(False), (Assign(y, n),)), Assign(k, y)), "is not defined", "y",
    ),
    Rule(
        "static_counter",
        (Assign(y, n), For("k", (lit(3),), (AugAssign(y, "+", Static(k, INT32)), If(b, (Continue(),))))),
        (Assign(y, n), For("k", (lit(3),), (AugAssign(y, "+", Static(k, INT32)), If(b, (Break(),))))),
        "only literals, constants", "k",
    ),
    Rule(
        "static_counter_of_many",
        (Assign(y, n), For("k", (lit(16),), (AugAssign(y, "+", Static(k, INT32)),))),
        (Assign(y, n), For("k", (lit(17),), (AugAssign(y, "+", Static(k, INT32)),))),
        "only literals, constants", "k",
    ),
    Rule(
        "static_counter_unknown",
        (Assign(y, n), For("k", (lit(2), lit(0), lit(-1)), (AugAssign(y, "+", Static(k, INT32)),))),
        (Assign(y, n), For("k", TO_N, (AugAssign(y, "+", Static(k, INT32)),))),
        "only literals, constants", "k",
    ),
    Rule("if_test", (If(b, (Pass(),)),), (If(v, (Pass(),)),), "vec3f is no condition here (if)", "v"),
    Rule("if_truth", (If(n, (Assign(y, n),)), If(ints, (Assign(y, n),)), If(x, (Pass(),))), (Assign(y, n), If(x, (Assign(y, i),))), "a float is no condition of a branch", "x"),
    Rule("while_test", (While(b, (Break(),)),), (While(ints, (Break(),)),), "array1d(int32) is no condition here (while)", "ints"),
    Rule("while_truth", (While(n, (Break(),)), While(x, (Break(),))), (While(v, (Break(),)),), "vec3f is no condition", "v"),
    Rule("break", (For("k", TO_N, (Break(),)),), (Break(),), "stands outside of a loop", "break"),
    Rule("continue", (While(b, (Continue(),)),), (If(b, (Continue(),)),), "stands outside of a loop", "continue"),
    Rule("bounds", (For("k", (lit(0), n, lit(2)), (Pass(),)),), (For("k", (x,), (Pass(),)),), "a bound of a loop must be int32", "x"),
    Rule("bounds_wide", (For("k", TO_N, (Pass(),)),), (For("k", (Cast(INT64, n),), (Pass(),)),), "not int64", "wp.int64(n)"),
    Rule("step", (For("k", (n, lit(0), lit(-1)), (Pass(),)),), (For("k", (lit(0), n, lit(0)), (Pass(),)),), "a step of zero", "0"),
    Rule("bound_count", (For("k", (lit(0), n), (Pass(),)),), (For("k", (), (Pass(),)),), "needs one to three bounds", "for k in range()"),
    Rule("loop_name", (For("k", TO_N, (Assign(y, k),)),), (For("k", TO_N, (Assign(k, n),)),), "name of a loop", "k"),
    Rule("loop_name_twice", (For("k", TO_N, (Pass(),)), For("k", TO_N, (Pass(),))), (For("k", TO_N, (For("k", TO_N, (Pass(),)),)),), "name of a loop", "k"),
    Rule("loop_name_after", (For("k", TO_N, (Pass(),)), Assign(y, k)), (For("k", (lit(0),), (Pass(),)), Assign(y, k)), "is not defined", "k"),
    Rule("loop_name_type", (For("k", TO_N, (Pass(),)),), (For("v", TO_N, (Pass(),)),), "cannot become int32", "v"),
    Rule("empty_loop", (For("k", (lit(1),), (Assign(y, n),)), Assign(k, y)), (For("k", (lit(0),), (Assign(y, n),)), Assign(i, y)), "is not defined", "y"),
    Rule("left_behind", (For("k", TO_N, (Pass(),)), For("j", TO_N, (AugAssign(k, "+", lit(1)),))), (For("k", (lit(3),), (Pass(),)), For("j", TO_N, (AugAssign(k, "+", lit(1)),))), "is a constant", "k"),
    Rule("element", (Assign(at(floats, i), x),), (Assign(at(floats, i), n),), "the value must be float32, not int32", "n"),
    Rule("whole_array", (Assign(at(grid, i, n), x),), (Assign(at(grid, i, type_=Array(FLOAT32)), floats),), "cannot be assigned", "grid[i]"),
    Rule("component", (Assign(dot(v, "x"), x),), (Assign(Attribute(Construct(VEC3, (x,)), "x", FLOAT32), x),), "is not a place", "wp.vec3(x).x"),
    Rule("nested_parts", (Assign(dot(at(bodies, i, type_=BODY), "at", "x"), x),), (Assign(dot(at(bodies, i, type_=BODY), "at"), x),), "the value must be vec3f", "x"),
    Rule("part_of_constant", (Assign(at(m, 0, 1), x),), (Assign(Attribute(Name("CONST", VEC3), "x", FLOAT32), x),), "is not defined", "CONST"),
    Rule("row", (Assign(at(at(mats, i, type_=MAT22), 0, type_=VEC2), Construct(VEC2, (x,))),), (Assign(at(at(mats, i, type_=MAT22), 0, type_=VEC2), v),), "the value must be vec2f, not vec3f", "v"),
    Rule("slice_in_array", (Assign(at(v, Slice(0, 2), type_=VEC2), Construct(VEC2, (x,))),), (Assign(at(at(vecs, i, type_=VEC3), Slice(0, 2), type_=VEC2), Construct(VEC2, (x,))),), "only a local takes a slice", "vecs[i][0:2]"),
    Rule("slice_of_a_column", (AugAssign(at(m, Slice(None, None), 0, type_=VEC2), "+", Construct(VEC2, (x,))),), (Assign(at(at(mats, i, type_=MAT22), Slice(None, None), 0, type_=VEC2), Construct(VEC2, (x,))),), "only a local takes a slice", "mats[i][:, 0]"),
    Rule("slice_in_struct", (Assign(at(t, Slice(0, 3), type_=VEC3), v),), (Assign(at(dot(s, "at"), Slice(None, None), type_=VEC3), v),), "only a local takes a slice", "s.at[:]"),
    Rule("transform_in_struct", (Assign(dot(at(poses, i, type_=TRANSFORM), "p"), v),), (Assign(dot(s, "pose", "p"), v),), "a transform in a local struct", "s.pose.p"),
    Rule("augmented", (AugAssign(v, "*", x),), (AugAssign(x, "*", v),), "no operator *= for float32 and vec3f", "x"),
    Rule("augmented_element", (AugAssign(at(floats, i), "*", x),), (AugAssign(at(dot(s, "data"), i, type_=INT32), "*", n),), "takes no *=", "s.data[i]"),
    Rule("augmented_adjoint", (AugAssign(dot(v, "x"), "*", x),), (AugAssign(dot(at(vecs, i, type_=VEC3), "x"), "*", x),), "takes no *=", "vecs[i].x"),
    Rule("augmented_name", (Assign(y, n), AugAssign(y, "+", lit(1))), (AugAssign(y, "+", lit(1)),), "is not defined", "y"),
    Rule("expression", (ExprStmt(Call("atomic_add", (floats, i, x), FLOAT32)),), (ExprStmt(add(x, x)),), "only a call can stand alone", "x + x"),
    Rule("atomic_index", (ExprStmt(Call("atomic_add", (grid, i, i, x), FLOAT32)),), (ExprStmt(Call("atomic_add", (grid, i, x), FLOAT32)),), "atomic_add does not take", "atomic_add"),
    Rule("unpack", (Unpack(("a", "c"), (n, x)),), (Unpack(("a", "c"), (n, x, x)),), "has 3 values for 2 names", "a, c = n, x, x"),
    Rule("unpack_call", (Unpack(("a", "c"), (CallFunction("pair", (x,), Tuple((FLOAT32, INT32))),)),), (Unpack(("a", "c", "d"), (CallFunction("pair", (x,), Tuple((FLOAT32, INT32))),)),), "has 2 values for 3 names", "a, c, d = pair(x)"),
    Rule("unpack_twice", (Unpack(("a", "c"), (n, x)),), (Unpack(("a", "a"), (n, n)),), "assigns to one name twice", "a, a = n, n"),
    Rule("unpack_parameter", (Unpack(("a", "n"), (n, n)),), (Unpack(("a", "n"), (n, x)),), "is int32 and cannot become float32", "n"),
    Rule("unpack_tid", (Unpack(("a", "c"), (Call("tid", (), Tuple((INT32, INT32))),)),), (Unpack(("a", "c"), (Call("tid", (), Tuple((INT32, UINT32))),)),), "gives one to four int32", "wp.tid()"),
    Rule("return", (Return(),), (Return((n,)),), "a kernel returns nothing", "return n"),
    Rule("void_call", (ExprStmt(CallFunction("store", (ints, i), Tuple(()))),), (ExprStmt(CallFunction("store", (floats, i), Tuple(()))),), "store does not take", "store(floats, i)"),
]  # fmt: skip

# A name that is a compile-time constant when a loop begins, and is changed in the loop.
CONSTANTS_IN_LOOPS = [
    Rule("literal", (Assign(y, Cast(INT32, lit(0))), For("k", TO_N, (COUNT,))), (Assign(y, lit(0)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("negative", (Assign(y, Unary("+", lit(1), INT32)), For("k", TO_N, (COUNT,))), (Assign(y, Unary("-", lit(1), INT32)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("static", (Assign(y, THREE), For("k", TO_N, (COUNT,))), (Assign(y, Static(THREE, INT32)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("negative_constant", (Assign(y, add(THREE, lit(1))), While(b, (COUNT,))), (Assign(y, Unary("-", THREE, INT32)), While(b, (COUNT,))), "is a constant", "y"),
    Rule("augmented", (Assign(y, lit(0)), AugAssign(y, "+", n), For("k", TO_N, (COUNT,))), (Assign(y, lit(0)), For("k", TO_N, (AugAssign(y, "+", n),))), "is a constant", "y"),
    Rule("unrolled", (Assign(y, lit(0)), For("k", (lit(16),), (COUNT,))), (Assign(y, lit(0)), For("k", (lit(17),), (COUNT,))), "is a constant", "y"),
    Rule("unrolled_with_continue", (For("k", TO_N, (Assign(y, lit(0)), COUNT)),), (Assign(y, lit(0)), For("k", (lit(3),), (If(b, (Continue(),)), COUNT))), "is a constant", "y"),
    Rule("second_copy", (Assign(y, n), For("k", (lit(2),), (For("j", TO_N, (COUNT,)),))), (Assign(y, n), For("k", (lit(2),), (For("j", TO_N, (COUNT,)), Assign(y, lit(1))))), "is a constant", "y"),
    Rule("inner", (Assign(y, n), For("k", TO_N, (For("j", TO_N, (COUNT,)),))), (For("k", TO_N, (Assign(y, lit(0)), For("j", TO_N, (COUNT,)))),), "is a constant", "y"),
    Rule("branch_in_loop", (Assign(y, lit(0)), For("k", TO_N, (Assign(at(ints, k, type_=INT32), y),))), (Assign(y, lit(0)), For("k", TO_N, (If(b, (Assign(y, n),)),))), "is a constant", "y"),
    Rule("merged", (Assign(y, lit(0)), If(b, (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), (If(b, (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("both_branches", (If(b, (Assign(y, lit(0)),), (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), (If(b, (Pass(),), (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("after_loop", (Assign(y, n), For("k", TO_N, (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), (For("k", TO_N, (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("after_unrolled", (Assign(y, n), For("k", (lit(3),), (COUNT,)), For("k", TO_N, (COUNT,))), (Assign(y, n), For("k", (lit(3),), (Assign(y, lit(1)),)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("length", (Assign(y, Call("len", (ints,), INT32)), For("k", TO_N, (COUNT,))), (Assign(y, Call("len", (v,), INT32)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("unpacked", (Unpack(("y", "j"), (n, i)), For("k", TO_N, (COUNT,))), (Unpack(("y", "j"), (lit(1), n)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
    Rule("other_dtype", (Assign(Name("w", INT8), lit(1, INT8)), For("k", TO_N, (Assign(Name("w", INT8), lit(2, INT8)),))), (Assign(Name("w", BOOL), lit(True)), For("k", TO_N, (Assign(Name("w", BOOL), b),))), "is a constant", "w"),
    Rule("choice", (Assign(y, IfExp(b, lit(1), lit(2), INT32)), For("k", TO_N, (COUNT,))), (Assign(y, IfExp(lit(True), lit(1), lit(2), INT32)), For("k", TO_N, (COUNT,))), "is a constant", "y"),
]  # fmt: skip


def _returning(*body: Stmt, returns: Type | None = FLOAT32, name: str = "f") -> Function:
    return Function(name, (Param("a", FLOAT32),), returns, body)


A = Name("a", FLOAT32)
BACK = Return((A,))

DECLARATIONS = [
    Rule("ends_with_return", with_function(_returning(BACK)), with_function(_returning(Assign(Name("u", FLOAT32), A))), "must end with a return", "def f", "f"),
    Rule("early_return", with_function(_returning(If(less(A, lit(0.0)), (BACK,)))), with_function(_returning(If(less(A, lit(0.0)), (Return((A, A)),)), returns=Tuple((FLOAT32, FLOAT32)))), "must end with a return", "def f", "f"),
    Rule("endless_loop", with_function(_returning(While(lit(True), (If(less(A, lit(0.0)), (Return((A, A)),)),)), returns=Tuple((FLOAT32, FLOAT32)))), with_function(_returning(While(lit(True), (If(less(A, lit(0.0)), (Return((A, A)),), (Break(),)),)), returns=Tuple((FLOAT32, FLOAT32)))), "must end with a return", "def f", "f"),
    Rule("return_type", with_function(_returning(BACK)), with_function(_returning(Return((lit(1),)))), "returns int32 instead of float32", "return 1", "f"),
    Rule("return_none", with_function(_returning(Return(), returns=None)), with_function(_returning(BACK, returns=None)), "does not fit", "return a", "f"),
    Rule("return_array", with_function(_returning(BACK)), with_function(_returning(BACK, returns=Array(FLOAT32))), "no function can return", "def f", "f"),
    Rule("return_pair", with_function(_returning(Return((A, A)), returns=Tuple((FLOAT32, FLOAT32)))), with_function(_returning(Return((A, A)), returns=FLOAT32)), "instead of float32", "return a, a", "f"),
    Rule("function_parameter", with_function(_returning(Assign(A, lit(1.0)), BACK)), with_function(_returning(Assign(Name("a", INT32), lit(1)), BACK)), "is float32 and cannot become int32", "a", "f"),
    Rule(
        "function_parameter_part",
        with_function(Function("f", (Param("a", VEC3),), None, (Assign(Attribute(Name("a", VEC3), "x", FLOAT32), lit(1.0)),))),
        with_function(Function("f", (Param("a", VEC3),), None, (Assign(Attribute(Name("a", VEC3), "x", FLOAT32), lit(1)),))),
        "the value must be float32", "1", "f",
    ),
    Rule("order", with_function(TWICE, _returning(Return((CallFunction("twice", (A,), FLOAT32),)))), with_function(_returning(Return((CallFunction("twice", (A,), FLOAT32),))), TWICE), "no function twice is declared", "twice(a)", "f"),
    Rule("recursion", with_function(_returning(BACK)), with_function(_returning(Return((CallFunction("f", (A,), FLOAT32),)))), "no function f is declared", "f(a)", "f"),
    Rule("function_tid", with_function(_returning(BACK)), with_function(_returning(ExprStmt(Call("tid", (), INT32)), BACK)), "only a kernel", "wp.tid()", "f"),
    Rule("function_twice", with_function(TWICE, _returning(BACK)), with_function(TWICE, TWICE), "twice is declared twice", "def twice", "kernel"),
    Rule("parameter_twice", kernel(), kernel(params=(*PARAMS, Param("n", INT32))), "two parameters have this name", "n: int32"),
    Rule("parameter_name", kernel(), kernel(params=(*PARAMS, Param("wp", INT32))), "is declared by the module", "wp: int32"),
    Rule("parameter_keyword", kernel(), kernel(params=(*PARAMS, Param("if", INT32))), "is no identifier", "if: int32"),
    Rule("parameter_tuple", kernel(), kernel(params=(*PARAMS, Param("z", Tuple((INT32, INT32))))), "no parameter can be", "z: "),
    Rule("parameter_rank", kernel(params=(*PARAMS, Param("z", Array(INT32, 4)))), kernel(params=(*PARAMS, Param("z", Array(INT32, 5)))), "no parameter can be", "z: array5d(int32)"),
    Rule("struct_declared", kernel(), kernel(structs=()), "the struct Body is not declared", "bodies: array1d(Body)"),
    Rule("struct_twice", kernel(), kernel(structs=(BODY, BODY)), "Body is declared twice", "def kernel"),
    Rule("struct_fields", kernel(), kernel(structs=(BODY, Struct("Two", (("a", INT32), ("a", INT32))))), "no struct like Two", "def kernel"),
    Rule("constant_value", kernel(), kernel(constants=(*CONSTANTS, Constant("BIG", lit(2**31)))), "is no value of int32", "2147483648"),
    Rule("constant_twice", kernel(), kernel(constants=(*CONSTANTS, *CONSTANTS)), "HALF is declared twice", "HALF"),
    Rule("kernel_name", kernel(), kernel(name="twice"), "twice is declared twice", "def twice", "twice"),
]  # fmt: skip

RULES = [*EXPRESSIONS, *STATEMENTS, *CONSTANTS_IN_LOOPS, *DECLARATIONS]


def _kernel(made: Block | Kernel) -> Kernel:
    return made if isinstance(made, Kernel) else kernel(*made)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_accepts_what_it_should(rule: Rule) -> None:
    verify(_kernel(rule.good))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_rejects_what_it_should_and_names_the_node(rule: Rule) -> None:
    with pytest.raises(VerifyError) as caught:
        verify(_kernel(rule.bad))
    message, _, rest = str(caught.value).partition(": `")
    text, _, where = rest.partition("`")
    assert rule.message in message
    assert rule.node in text
    assert where.endswith(f"in {rule.function}")


def test_the_error_shows_the_statement_around_the_node() -> None:
    with pytest.raises(VerifyError) as caught:
        verify(kernel(If(b, (Assign(y, Binary("*", n, x, INT32)),))))
    assert str(caught.value) == "no operator * for int32 and float32: `n * x`, in `y = n * x`, in kernel"
    assert caught.value.node == Binary("*", n, x, INT32)


def test_a_kernel_without_parameters_and_statements_is_well_typed() -> None:
    verify(Kernel("empty", (), (Pass(),)))


def test_an_array_of_a_struct_can_be_an_element_of_a_struct() -> None:
    verify(kernel(Assign(at(dot(at(bodies, i, type_=BODY), "data"), 0, type_=INT32), n)))
