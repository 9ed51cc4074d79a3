"""A fingerprint sees everything but names; a skeleton sees only the shape."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelfuzz.analysis.fingerprint import alpha_normalize, fingerprint, skeleton
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import Kind, NewName, rename
from kernelfuzz.syntax.render import render

A, B, X = n.Name("a", t.FLOAT32), n.Name("b", t.FLOAT32), n.Name("x", t.FLOAT32)
I, VEC = n.Name("i", t.INT32), t.Vector(3, t.FLOAT32)  # noqa: E741
OUT = n.Name("out", t.Array(t.FLOAT32))
LESS = n.Compare(A, ("<", "<="), (B, X))
NOT_LESS = n.Unary("not", LESS, t.BOOL)
INNER = t.Struct("Inner", (("value", t.FLOAT32), ("at", VEC)))
OUTER = t.Struct("Outer", (("inner", INNER), ("value", t.INT32)))
S = n.Name("s", OUTER)
ZERO = n.Literal(0, t.INT32)
TWO_FLOATS = t.Tuple((t.FLOAT32, t.FLOAT32))
TID = n.Assign(I, n.Call("tid", (), t.INT32))


def literal(value: float) -> n.Literal:
    return n.Literal(value, t.FLOAT32)


def at(array: n.Expr, *indices: n.Expr | n.Slice) -> n.Index:
    return n.Index(array, indices, t.FLOAT32)


def add(left: n.Expr, right: n.Expr) -> n.Binary:
    return n.Binary("+", left, right, t.FLOAT32)


# x, a and b are names of the functions and of the kernel: each has its own.
TWICE = n.Function("twice", (n.Param("x", t.FLOAT32),), t.FLOAT32, (n.Return((add(X, X),)),))
PAIR = n.Function(
    "pair",
    (n.Param("a", t.FLOAT32), n.Param("b", t.FLOAT32)),
    TWO_FLOATS,
    (n.Assign(X, n.CallFunction("twice", (A,), t.FLOAT32)), n.Return((X, B))),
)
INNER_VALUE = n.Attribute(n.Attribute(S, "inner", INNER), "value", t.FLOAT32)

ZOO = {
    "branches": n.Kernel(
        "branches",
        (n.Param("out", OUT.type), n.Param("a", t.FLOAT32), n.Param("b", t.FLOAT32)),
        (
            TID,
            n.Assign(X, n.Cast(t.FLOAT32, literal(0.5))),
            n.If(LESS, (n.AugAssign(X, "*", A),), (n.If(NOT_LESS, (n.Return(),)), n.Pass())),
            n.Assign(at(OUT, I), n.IfExp(n.BoolOp("or", (LESS, LESS)), X, n.Unary("-", B, t.FLOAT32), t.FLOAT32)),
        ),
    ),
    "loops": n.Kernel(
        "loops",
        (n.Param("out", OUT.type),),
        (
            n.Unpack(("i", "j"), (n.Call("tid", (), t.Tuple((t.INT32, t.INT32))),)),
            n.For("k", (ZERO, n.ArrayShape(OUT, 0)), (n.AugAssign(at(OUT, I), "+", literal(1.0)),)),
            n.While(n.Compare(at(OUT, I), (">",), (literal(1.0),)), (n.Break(), n.Continue())),
            n.ExprStmt(n.Call("atomic_add", (OUT, I, literal(2.0)), t.FLOAT32)),
        ),
    ),
    "functions": n.Kernel(
        "functions",
        (n.Param("out", OUT.type),),
        (
            TID,
            n.Unpack(("a", "b"), (n.CallFunction("pair", (at(OUT, I), literal(3.0)), TWO_FLOATS),)),
            n.Assign(X, n.CallFunction("twice", (add(A, B),), t.FLOAT32)),
            n.Assign(at(OUT, I), add(X, n.Static(n.Name("K", t.FLOAT32), t.FLOAT32))),
        ),
        (TWICE, PAIR),
        (),
        (n.Constant("K", literal(4.0)), n.Constant("L", n.Literal(3, t.INT8))),
    ),
    "structs": n.Kernel(
        "structs",
        (n.Param("s", OUTER), n.Param("out", t.Array(INNER))),
        (
            TID,
            n.Assign(INNER_VALUE, literal(1.0)),
            n.Assign(n.Attribute(at(OUT, I), "x", t.FLOAT32), INNER_VALUE),
            n.Assign(n.Name("v", VEC), n.Construct(VEC, (X, X, X))),
            n.Assign(X, at(n.Name("v", VEC), n.Slice(0, 2, 1))),
        ),
        (),
        (INNER, OUTER),
    ),
    "closure": n.Kernel(
        "closure",
        (),
        (n.Assign(A, n.Name("K", t.FLOAT32)),),
        constants=(n.Constant("K", literal(1.5)),),
        closure=True,
    ),
    "tile": n.Kernel(
        "tile",
        (),
        (n.Assign(A, n.Call("zeros", (), t.FLOAT32, (("shape", (4, 2)), ("dtype", t.FLOAT32), ("storage", "s")))),),
    ),
}
kernels = pytest.mark.parametrize("kernel", ZOO.values(), ids=ZOO.keys())


def random_names(seed: int) -> NewName:
    """New names that are reused wherever scoping allows it."""
    random, chosen, free = Random(seed), dict[tuple[str, str], str](), dict[str, list[str]]()

    def new_name(kind: Kind, owner: str, name: str) -> str:
        # What belongs to the module is written in upper case, so that no function hides it.
        letters = "ABCDEFGHJKLM" if kind in ("kernel", "function", "struct", "constant") else "abcdefghijkl"
        owner = f"{owner} field" if kind == "field" else owner if letters.islower() else "module"
        if (owner, name) not in chosen:
            pool = free.setdefault(owner, random.sample(letters, len(letters)))
            chosen[owner, name] = pool.pop()
        return chosen[owner, name]

    return new_name


@kernels
@given(seed=st.integers(0, 2**32))
def test_names_do_not_matter(kernel: n.Kernel, seed: int) -> None:
    renamed = rename(kernel, random_names(seed))
    assert fingerprint(renamed) == fingerprint(kernel)
    assert skeleton(renamed) == skeleton(kernel)
    assert alpha_normalize(renamed) == alpha_normalize(kernel)


@kernels
def test_canonical_names_are_a_fixed_point(kernel: n.Kernel) -> None:
    canonical = alpha_normalize(kernel)
    assert alpha_normalize(canonical) == canonical
    assert fingerprint(canonical) == fingerprint(kernel)


def test_canonical_names() -> None:
    assert render(alpha_normalize(ZOO["functions"])) == (
        "import warp as wp\n\nk0 = wp.constant(4.0)\nk1 = wp.constant(wp.int8(3))\n"
        "\n\n@wp.func\ndef f0(a0: float) -> float:\n    return a0 + a0\n"
        "\n\n@wp.func\ndef f1(a0: float, a1: float) -> tuple[float, float]:\n"
        "    v0 = f0(a0)\n    return v0, a1\n"
        "\n\n@wp.kernel\ndef kernel(a0: wp.array(dtype=float)):\n    v0 = wp.tid()\n"
        "    v1, v2 = f1(a0[v0], 3.0)\n    v3 = f0(v1 + v2)\n    a0[v0] = v3 + wp.static(k0)\n"
    )
    assert "s0.m0.m0" not in render(ZOO["structs"])
    assert "a0.m0.m0 = 1.0" in render(alpha_normalize(ZOO["structs"]))


# ------------------------------------------------------------------ sensitivity

OTHER_OPERATOR = {"+": "-", "*": "+", "-": "+", "or": "and", "not": "~", "<": ">", "<=": "<", ">": "<="}
OTHER_TYPE: dict[t.Type, t.Type] = {
    t.FLOAT32: t.FLOAT64,
    t.INT32: t.INT8,
    VEC: t.Vector(2, t.FLOAT32),
    t.INT8: t.INT32,
}


def changed(node: Any) -> list[Any]:
    """The node with one thing changed that is not a name."""
    match node:
        case n.Literal():
            return [replace(node, value=node.value + 1), replace(node, type=OTHER_TYPE[node.type])]
        case n.Binary() | n.Unary() | n.AugAssign() | n.BoolOp():
            return [replace(node, op=OTHER_OPERATOR[node.op])]
        case n.Compare():
            return [replace(node, ops=(OTHER_OPERATOR[op], *node.ops[1:])) for op in node.ops[:1]]
        case n.Call():
            more = replace(node, keywords=(*node.keywords, ("more", 1)))
            return [replace(node, name="other"), replace(node, args=(*node.args, A)), more]
        case n.Construct() | n.Cast():
            return [replace(node, type=OTHER_TYPE[node.type])]
        case n.ArrayShape():
            return [replace(node, axis=node.axis + 1)]
        case n.Slice():
            return [replace(node, start=None), replace(node, stop=7), replace(node, step=None)]
        case n.Attribute(name="x" | "value"):
            return [replace(node, name="y" if node.name == "x" else "at")]
        case n.Function():
            return [replace(node, returns=None), replace(node, body=node.body[:-1])]
        case n.Kernel():
            shorter = [replace(node, body=node.body[:at] + node.body[at + 1 :]) for at in range(len(node.body))]
            return [replace(node, closure=not node.closure), *shorter]
        case n.Break():
            return [n.Continue()]
        case n.Param():
            return [replace(node, type=t.Tuple((node.type,)))]
    return []


def mutants(value: Any) -> list[Any]:
    """The tree with one thing changed anywhere in it."""
    if isinstance(value, tuple):
        return [(*value[:at], mutant, *value[at + 1 :]) for at, below in enumerate(value) for mutant in mutants(below)]
    if not is_dataclass(value) or isinstance(value, type):
        return []
    below = [field.name for field in fields(value) if field.name not in ("type", "returns", "structs")]
    deep = [replace(value, **{name: mutant}) for name in below for mutant in mutants(getattr(value, name))]
    return changed(value) + deep


@kernels
def test_a_fingerprint_sees_every_change(kernel: n.Kernel) -> None:
    different = mutants(kernel)
    assert len(different) > 2
    prints = {fingerprint(mutant) for mutant in different}
    assert fingerprint(kernel) not in prints
    # Few mutants are the same kernel by two ways; the rest are told apart from each other too.
    assert len(prints) == len({render(alpha_normalize(mutant)) for mutant in different})


def test_which_name_is_used_matters() -> None:
    def kernel(*body: n.Stmt) -> n.Kernel:
        return n.Kernel("k", (n.Param("a", t.FLOAT32), n.Param("b", t.FLOAT32)), body)

    sums = [kernel(n.Assign(X, add(*operands))) for operands in ((A, B), (B, A), (A, A), (B, B))]
    assert len({fingerprint(k) for k in sums}) == 4
    assert len({skeleton(k) for k in sums}) == 1


def test_a_local_that_hides_a_constant_is_a_local() -> None:
    def kernel(local: str) -> n.Kernel:
        name = n.Name(local, t.FLOAT32)
        body = (n.Assign(name, literal(1.0)), n.Assign(B, name))
        return n.Kernel("k", (), body, constants=(n.Constant("K", literal(2.0)),))

    assert fingerprint(kernel("K")) == fingerprint(kernel("x"))
    assert alpha_normalize(kernel("K")) == alpha_normalize(kernel("x"))


def test_zeros_of_both_signs_differ() -> None:
    zero, minus = (n.Kernel("k", (), (n.Assign(A, literal(value)),)) for value in (0.0, -0.0))
    assert zero == minus
    assert fingerprint(zero) != fingerprint(minus)


def test_a_skeleton_sees_the_shape_only() -> None:
    def kernel(value: n.Expr) -> n.Kernel:
        return n.Kernel("k", (n.Param("a", t.FLOAT32),), (n.Assign(B, value),))

    same = [
        (n.Call("sin", (A,), t.FLOAT32), n.Call("cos", (A,), t.FLOAT32)),
        (literal(1.0), n.Literal(7, t.INT8)),
        (n.Construct(VEC, (A,)), n.Construct(t.Vector(2, t.FLOAT64), (B,))),
        (n.Cast(t.INT32, A), n.Cast(t.INT8, A)),
        (n.Attribute(A, "x", t.FLOAT32), n.Attribute(A, "y", t.FLOAT32)),
    ]
    for left, right in same:
        assert skeleton(kernel(left)) == skeleton(kernel(right))
        assert fingerprint(kernel(left)) != fingerprint(kernel(right))
    shapes = [left for left, _ in same] + [
        add(A, A),
        n.Binary("-", A, A, t.FLOAT32),
        n.Call("sin", (A, A), t.FLOAT32),
    ]
    assert len({skeleton(kernel(value)) for value in shapes}) == len(shapes)


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    # A corpus stores it: neither the hash seed nor the release of Python may change it.
    assert fingerprint(ZOO["functions"]) == "9939f4145916485ef5fe25f88f72f764"
    assert skeleton(ZOO["functions"]) == "5bec8817ee5c8c577204c85bff586e40"
