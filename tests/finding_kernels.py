"""Kernels that released Warp gets wrong, and some that it gets right, written by hand in the IR."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
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
    Return,
    Slice,
    Stmt,
    Unary,
    Unpack,
)
from kernelfuzz.ir.types import (
    BOOL,
    FLOAT32,
    INT32,
    INT64,
    UINT32,
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Transform,
    Type,
    Vector,
)

INTS, FLOATS, LONGS = Array(INT32), Array(FLOAT32), Array(INT64)


def int_(value: int) -> Literal:
    return Literal(value, INT32)


def float_(value: float) -> Literal:
    return Literal(value, FLOAT32)


def name(id_: str, type_: Type = INT32) -> Name:
    return Name(id_, type_)


def add(left: Expr, right: Expr) -> Binary:
    return Binary("+", left, right, left.type)


def let(id_: str, value: Expr) -> Assign:
    return Assign(Name(id_, value.type), value)


def at(array: str, index: int, dtype: Type = INT32) -> Index:
    return Index(Name(array, Array(dtype)), (int_(index),), dtype)  # pyright: ignore[reportArgumentType]


def store(index: int, value: Expr, array: str = "out0") -> Assign:
    return Assign(at(array, index, value.type), value)


def kernel_of(*body: Stmt, out: Type = INTS, params: tuple[Param, ...] = (), n: bool = True) -> Kernel:
    own = (Param("n", INT32),) if n else ()
    return Kernel("kernel", (*own, *params, Param("out0", out)), tuple(body))


def launch_of(**inputs: Input | int) -> Launch:
    """A launch of one thread; a number is the value of an int32 parameter."""
    made = {key: np.array(value, dtype=np.int32) if isinstance(value, int) else value for key, value in inputs.items()}
    return Launch((1,), made)


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def loop(count: Expr, *body: Stmt, counter: str = "k") -> For:
    return For(counter, (count,), tuple(body))


n = name("n")


def swapped() -> Case:
    """tuple-assignment-aliases: (5, 4) for n = 3."""
    body: Block = (
        let("p", add(n, int_(1))),
        let("q", add(n, int_(2))),
        loop(n, Unpack(("p", "q"), (name("q"), name("p")))),
        store(0, name("p")),
        store(1, name("q")),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=ints(0, 0)))


def changed() -> Case:
    """tuple-assignment-aliases: (4, 5) for n = 3."""
    body: Block = (
        let("c", add(n, int_(1))),
        let("d", add(n, int_(2))),
        Unpack(("p", "q"), (name("c"), name("d"))),
        loop(n, let("p", add(name("p"), int_(100))), let("q", add(name("q"), int_(200)))),
        store(0, name("c")),
        store(1, name("d")),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=ints(0, 0)))


def elements() -> Case:
    """tuple-assignment-aliases: (8, 7) for (7, 8)."""
    body: Block = (
        Unpack(("p", "q"), (at("out0", 0), at("out0", 1))),
        store(0, name("q")),
        store(1, name("p")),
    )
    return Case(kernel_of(*body, n=False), launch_of(out0=ints(7, 8)))


def constant_ternary() -> Case:
    """constant-ternary-aliases: (304, 4) for n = 3."""
    body: Block = (
        let("c", add(n, int_(1))),
        let("p", IfExp(Literal(True, BOOL), name("c"), n, INT32)),
        loop(n, let("p", add(name("p"), int_(100)))),
        store(0, name("p")),
        store(1, name("c")),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=ints(0, 0)))


def ternary_of_an_element() -> Case:
    """ternary-loads-too-late: (8, 2)."""
    body: Block = (store(1, IfExp(Compare(at("out0", 0), (">",), (int_(9),)), at("out0", 0), int_(2), INT32)),)
    return Case(kernel_of(*body), launch_of(n=0, out0=ints(8, 0)))


def ternary_of_a_struct() -> Case:
    """ternary-loads-too-late: (8, 2)."""
    pair = Struct("Pair", (("x", INT32),))
    pairs = Array(pair, 1)
    element = Index(Name("pairs", pairs), (int_(0),), pair)
    chosen = IfExp(Compare(at("out0", 0), (">",), (int_(9),)), element, Name("p", pair), pair)
    body: Block = (let("p", Construct(pair, (int_(2),))), store(1, Attribute(chosen, "x", INT32)))
    kernel = replace(kernel_of(*body, params=(Param("pairs", pairs),)), structs=(pair,))
    return Case(kernel, launch_of(n=0, out0=ints(8, 0), pairs={"x": ints(5)}))


def negative_component() -> Case:
    """negative-component-of-an-element: (0, 0), (0, 9), where n is -1."""
    pair = Vector(2, INT32)
    element = Index(Name("out0", Array(pair)), (int_(1),), pair)
    body: Block = (
        Assign(Index(element, (n,), INT32), int_(8)),
        Assign(Index(element, (int_(-1),), INT32), int_(9)),
    )
    return Case(kernel_of(*body, out=Array(pair)), launch_of(n=-1, out0=np.zeros((3, 2), np.int32)))


def empty_loop() -> Case:
    """empty-loop-loses-the-counter: (5, 0) for n = 0."""
    body: Block = (
        let("i", add(n, int_(5))),
        loop(n, store(1, add(at("out0", 1), int_(1))), counter="i"),
        store(0, name("i")),
    )
    return Case(kernel_of(*body), launch_of(n=0, out0=ints(0, 0)))


def searched() -> Case:
    """lower-bound-ignores-strides: 2 and 1, where arrays are not contiguous."""
    a, floats = name("a", INTS), name("cdf", FLOATS)
    body: Block = (
        store(0, Call("lower_bound", (a, int_(5)), INT32)),
        store(1, Call("sample_cdf", (Literal(7, UINT32), floats), INT32)),
    )
    inputs = {"a": ints(1, 3, 5, 7), "cdf": np.array([0.25, 0.75, 1.0], np.float32), "out0": ints(0, 0)}
    return Case(kernel_of(*body, params=(Param("a", INTS), Param("cdf", FLOATS)), n=False), launch_of(**inputs))


def parameter_changed() -> Case:
    """parameter-keeps-its-change: 6 and 6 for n = 3, where one thread of the grid does the work of both."""
    thread = Name("i", INT32)
    body: Block = (
        Assign(thread, Call("tid", (), INT32)),
        loop(n, let("n", add(n, int_(1)))),
        Assign(Index(Name("out0", INTS), (thread,), INT32), n),
    )
    return Case(kernel_of(*body), replace(launch_of(n=3, out0=ints(0, 0)), dim=(2,)))


def retyped_constant() -> Case:
    """conversion-retypes-a-constant: (10, 7) for n = 3."""
    one = Literal(1, INT64)
    body: Block = (
        let("c", int_(7)),
        let("total", Cast(INT64, name("c"))),
        loop(n, let("total", add(name("total", INT64), one))),
        store(0, name("total", INT64)),
        store(1, Cast(INT64, name("c"))),
    )
    return Case(kernel_of(*body, out=LONGS), launch_of(n=3, out0=np.zeros(2, np.int64)))


def rejected_conversion() -> Case:
    """conversion-retypes-a-constant: rejected."""
    longs = Param("longs", LONGS)
    body: Block = (
        loop(
            int_(2),
            Assign(Index(name("longs", LONGS), (name("k"),), INT64), Cast(INT64, name("k"))),
            Assign(Index(name("out0", INTS), (name("k"),), INT32), name("k")),
        ),
    )
    case = kernel_of(*body, params=(longs,), n=False)
    return Case(case, launch_of(longs=np.zeros(2, np.int64), out0=ints(0, 0)))


VEC2, VEC3, VEC4 = Vector(2, FLOAT32), Vector(3, FLOAT32), Vector(4, FLOAT32)
MAT22, TRANSFORM = Matrix(2, 2, FLOAT32), Transform(FLOAT32)


def row_component() -> Case:
    """store-into-a-part-of-a-part: ((9, 2), (3, 4))."""
    m = name("m", MAT22)
    row = Index(m, (int_(0),), VEC2)
    body: Block = (
        let("m", Construct(MAT22, tuple(float_(value) for value in (1.0, 2.0, 3.0, 4.0)))),
        Assign(Attribute(row, "x", FLOAT32), float_(9.0)),
        store(0, m),
    )
    return Case(kernel_of(*body, out=Array(MAT22), n=False), launch_of(out0=np.zeros((1, 2, 2), np.float32)))


def transform_component() -> Case:
    """store-into-a-part-of-a-part: (7, 8, 0, 0, 0, 0, 0.5)."""
    t = name("t", TRANSFORM)
    position = Attribute(t, "p", VEC3)
    body: Block = (
        let("t", Construct(TRANSFORM, ())),
        Assign(Attribute(position, "x", FLOAT32), float_(7.0)),
        Assign(Index(position, (int_(1),), FLOAT32), float_(8.0)),
        Assign(Attribute(Attribute(t, "q", Quaternion(FLOAT32)), "w", FLOAT32), float_(0.5)),
        store(0, t),
    )
    return Case(kernel_of(*body, out=Array(TRANSFORM), n=False), launch_of(out0=np.zeros((1, 7), np.float32)))


def stored_into_itself() -> Case:
    """vector-is-stored-into-itself: (3, 2, 1)."""
    v = name("v", VEC3)
    body: Block = (
        let("v", Construct(VEC3, tuple(float_(value) for value in (1.0, 2.0, 3.0)))),
        Assign(Index(v, (Slice(None, None, -1),), VEC3), v),
        store(0, v),
    )
    return Case(kernel_of(*body, out=Array(VEC3), n=False), launch_of(out0=np.zeros((1, 3), np.float32)))


def sliced_element() -> Case:
    """subscript-of-a-slice: rejected; 20."""
    v = name("v", VEC4)
    body: Block = (
        let("v", Construct(VEC4, tuple(float_(value) for value in (10.0, 20.0, 30.0, 40.0)))),
        store(0, Index(Index(v, (Slice(1, 3),), VEC2), (int_(0),), FLOAT32)),
    )
    return Case(kernel_of(*body, out=FLOATS, n=False), launch_of(out0=np.zeros(1, np.float32)))


def chained() -> Case:
    """chained-comparison-of-references: rejected; True for (1, 2, 3)."""
    a = Param("a", INTS)
    body: Block = (store(0, Compare(at("a", 0), ("<", "<"), (at("a", 1), at("a", 2)))),)
    return Case(
        kernel_of(*body, out=Array(BOOL), params=(a,), n=False),
        launch_of(a=ints(1, 2, 3), out0=np.zeros(1, np.bool_)),
    )


ZEROS = np.zeros(1, np.float32)


def negated() -> Case:
    """negated-zero: -0.0 for 0.0."""
    x = Param("x", FLOAT32)
    negative = Unary("-", name("x", FLOAT32), FLOAT32)
    kernel = kernel_of(store(0, negative), out=FLOATS, params=(x,), n=False)
    return Case(kernel, launch_of(x=np.array(0.0, np.float32), out0=ZEROS))


def bump() -> Function:
    """``f(a)`` adds 100 to ``a[0]`` and returns 1."""
    body = (store(0, add(at("a", 0), int_(100)), array="a"), Return((int_(1),)))
    return Function("f", (Param("a", INTS),), INT32, body)


BUMPED = CallFunction("f", (name("out0", INTS),), INT32)


def read_late() -> Case:
    """element-is-read-late: (102, 3) for (2, 0)."""
    kernel = kernel_of(store(1, add(at("out0", 0), BUMPED)), n=False)
    return Case(replace(kernel, functions=(bump(),)), launch_of(out0=ints(2, 0)))


def read_late_augmented() -> Case:
    """element-is-read-late: (4, 0) for (2, 0)."""
    kernel = kernel_of(AugAssign(at("out0", 0), "*", add(BUMPED, int_(1))), n=False)
    return Case(replace(kernel, functions=(bump(),)), launch_of(out0=ints(2, 0)))


def step() -> Function:
    """``f(a)`` adds 1 to ``a[0]`` and returns 1."""
    return replace(bump(), body=(store(0, add(at("a", 0), int_(1)), array="a"), Return((int_(1),))))


def read_late_place() -> Case:
    """element-is-read-late: ``grid[out0[0], f(out0)] = 9`` stores into row 0, which f counts up."""
    grid = Param("grid", Array(INT32, 2))
    place = Index(name("grid", grid.type), (at("out0", 0), BUMPED), INT32)
    kernel = kernel_of(Assign(place, int_(9)), params=(grid,), n=False)
    launch = launch_of(grid=np.zeros((2, 2), np.int32), out0=ints(0, 0))
    return Case(replace(kernel, functions=(step(),)), launch)


def read_late_sum() -> Case:
    """element-is-read-late: ``total[out0[0]] += f(out0)`` adds to the first element, before f counts up."""
    total = Param("total", Array(INT32))
    place = Index(name("total", total.type), (at("out0", 0),), INT32)
    kernel = kernel_of(AugAssign(place, "+", BUMPED), params=(total,), n=False)
    return Case(replace(kernel, functions=(step(),)), launch_of(total=ints(0, 0), out0=ints(0, 0)))


def read_late_effect() -> Case:
    """element-is-read-late: the operands of a call whose result nothing uses."""
    slot, call = at("out0", 0), CallFunction("f", (name("out0", Array(INT32)),), INT32)
    swap = ExprStmt(Call("atomic_cas", (name("out0", Array(INT32)), int_(0), slot, add(call, int_(7))), INT32))
    return Case(replace(kernel_of(swap, n=False), functions=(bump(),)), launch_of(out0=ints(2, 0)))


def read_late_transform() -> Case:
    """element-is-read-late: a transform, which has no unary plus."""
    turn = Transform(FLOAT32)
    last = float_(1.0)
    one = Construct(turn, (Construct(Vector(3, FLOAT32), (last,)), Construct(Quaternion(FLOAT32), (last,) * 4)))
    slot = at("out0", 0, turn)
    write = Function("f", (Param("a", Array(turn)),), turn, (store(0, one, array="a"), Return((one,))))
    call = CallFunction("f", (name("out0", Array(turn)),), turn)
    kernel = replace(kernel_of(store(1, add(slot, call)), out=Array(turn), n=False), functions=(write,))
    return Case(kernel, launch_of(out0=np.zeros((2, 7), np.float32)))


def read_late_state() -> Case:
    """element-is-read-late: a random state, which stays 5 where it is read."""
    state = name("state", UINT32)
    drawn = Binary("*", Call("randu", (state,), UINT32), Literal(0, UINT32), UINT32)
    body: Block = (
        let("state", Cast(UINT32, add(n, int_(5)))),
        store(0, Cast(INT32, Binary("+", state, drawn, UINT32))),
        let("state", Cast(UINT32, add(n, int_(5)))),
        AugAssign(state, "+", drawn),
        store(1, Cast(INT32, state)),
    )
    return Case(kernel_of(*body), launch_of(n=0, out0=ints(0, 0)))


def eager_chain() -> Case:
    """chained-comparison-is-eager: (2, 0) for (2, 0)."""
    test = Compare(int_(1), ("<", "<"), (n, BUMPED))
    kernel = kernel_of(If(test, (store(1, int_(1)),)))
    return Case(replace(kernel, functions=(bump(),)), launch_of(n=0, out0=ints(2, 0)))


def eager_chain_of_values() -> Case:
    """chained-comparison-is-eager: (2, 0) for (2, 0), with a value in the middle that is no name."""
    test = Compare(int_(1), ("<", "<"), (add(n, int_(1)), BUMPED))
    kernel = kernel_of(If(test, (store(1, int_(1)),)))
    return Case(replace(kernel, functions=(bump(),)), launch_of(n=0, out0=ints(2, 0)))


def condition_changed() -> Case:
    """condition-is-read-again: 7 for True."""
    flag = at("flags", 0, BOOL)
    body: Block = (
        let("p", add(n, int_(1))),
        If(flag, (Assign(flag, Literal(False, BOOL)), let("p", add(n, int_(7))))),
        store(0, name("p")),
    )
    kernel = kernel_of(*body, params=(Param("flags", Array(BOOL)),))
    return Case(kernel, launch_of(n=0, flags=np.array([True]), out0=ints(0)))


def element_rebound() -> Case:
    """tuple-assignment-aliases: rejected; (11, 7) for (8, 7)."""
    body: Block = (
        let("p", add(n, int_(1))),
        Unpack(("p", "q"), (at("out0", 0), n)),
        store(0, add(name("p"), name("q"))),
    )
    return Case(kernel_of(*body), launch_of(n=3, out0=ints(8, 7)))


def product(dtype: Scalar = FLOAT32) -> Case:
    """A kernel that Warp gets right: each thread stores x * x + 1."""
    i = name("i")
    x = Index(name("a", Array(dtype)), (i,), dtype)
    body: Block = (
        Assign(i, Call("tid", (), INT32)),
        Assign(
            Index(name("out0", Array(dtype)), (i,), dtype),
            add(Binary("*", x, x, dtype), Literal(1.0 if dtype.is_float else 1, dtype)),
        ),
    )
    values = np.array([1.5, -2.0, np.nan] if dtype.is_float else [1, -2, 3], np.dtype(dtype.name))
    kernel = kernel_of(*body, out=Array(dtype), params=(Param("a", Array(dtype)),), n=False)
    return Case(kernel, Launch((3,), {"a": values, "out0": np.zeros_like(values)}))
