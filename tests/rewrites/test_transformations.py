"""Each transformation on a small kernel, and all of them on drawn ones: nothing that is computed changes."""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.rewrite import Path, transform
from kernelfuzz.ir.types import INT32
from kernelfuzz.oracles import metamorphic, value
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.reference import Undefined, run
from kernelfuzz.rewrites import transformations
from kernelfuzz.rewrites.conditions import negated
from kernelfuzz.rewrites.places import Picks, at_node, each_value, whole
from kernelfuzz.rewrites.transformations import TRANSFORMATIONS, Transformation
from kernelfuzz.strategies.choices import Choices, SeededChoices
from kernelfuzz.strategies.kernel import generate
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.syntax.parse import parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Lowering, lower
from kernelfuzz.toolchain.programs import JUDGED
from kernelfuzz.typecheck.verify import verify

BY_NAME = {row.name: row for row in TRANSFORMATIONS}


class First(Choices):
    """Always the simplest choice."""

    __slots__ = ()

    def integer(self, low: int, high: int) -> int:
        return low


HEAD = """import warp as wp

K = wp.constant(3)


@wp.func
def square(v: float) -> float:
    return v * v


@wp.kernel
def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
"""
INPUTS = {
    "n": np.array(2, np.int32),
    "m": np.array(3, np.int32),
    "x": np.array(0.5, np.float32),
    "c": np.array(True),
    "out": np.zeros(8, np.float32),
}

# Each transformation by its name, a body, and what changes in the text of its module.
TEXTS = """
# constant bound to dynamic bound
for i in range(4):
    out[i] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
-    for i in range(4):
+def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), bound0: int):
+    for i in range(bound0):

# dynamic bound to constant bound
for i in range(n):
    out[i] = x
-    for i in range(n):
+    for i in range(2):

# for to while
for i in range(n):
    out[i] = x
-    for i in range(n):
+    counter0 = int(0)
+    counter1 = int(n)
+    while counter0 < counter1:
+        i = counter0
+        counter0 = counter0 + 1

# while with a flag
w = int(0)
while w < n:
    w = w + 1
-    while w < n:
+    going0 = w < n
+    while going0:
+        going0 = w < n

# first iteration peeled off
for i in range(4):
    out[i] = x
-    for i in range(4):
+    i = int(0)
+    out[i] = x
+    for i in range(1, 4):

# expression moved into a function
out[0] = x + 1.0
+@wp.func
+def moved0(x: float) -> float:
+    return x + 1.0
-    out[0] = x + 1.0
+    out[0] = moved0(x)

# function inlined
out[0] = square(x)
-    out[0] = square(x)
+    out[0] = x * x

# body moved into a function
i = wp.tid()
out[i] = x
+@wp.func
+def procedure0(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), i: int):
+    out[i] = x
-    out[i] = x
+    procedure0(n, m, x, c, out, i)

# dead code in an if
out[0] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
+def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), opaque0: int):
+    if opaque0 > 0:
+        out[0] = x

# dead code in a while
out[0] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
+def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), opaque0: int):
+    while opaque0 > 0:
+        out[0] = x

# dead code in a for
out[0] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
+def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), opaque0: int):
+    for never0 in range(opaque0):
+        out[0] = x

# true condition
out[0] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
-    out[0] = x
+def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), opaque0: int):
+    if opaque0 == 0:
+        out[0] = x

# constant to static
out[n] = 2.0
-    out[n] = 2.0
+    out[n] = wp.static(2.0)

# static to constant
out[n] = wp.static(1.0 + 1.0)
-    out[n] = wp.static(1.0 + 1.0)
+    out[n] = 2.0

# constant to argument
out[n] = 2.0
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
-    out[n] = 2.0
+def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float), given0: float):
+    out[n] = given0

# argument to constant
out[n] = 2.0
-    out[n] = 2.0
+    out[2] = 2.0

# constant to named constant
out[n] = 2.0
+CONSTANT0 = wp.constant(2.0)
-    out[n] = 2.0
+    out[n] = CONSTANT0

# named constant to constant
out[K] = x
-    out[K] = x
+    out[3] = x

# constants into or out of a closure
out[K] = x
-K = wp.constant(3)
-@wp.kernel
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
-    out[K] = x
+def make_kernel(K):
+    @wp.kernel
+    def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
+        out[K] = x
+    return kernel
+kernel = make_kernel(3)

# augmented to plain assignment
y = x + x
y *= x
-    y *= x
+    y = y * x

# plain to augmented assignment
y = x + x
y = y * x
-    y = y * x
+    y *= x

# operands bound to temporaries
out[n] = x * x + square(x)
-    out[n] = x * x + square(x)
+    operand1 = x
+    operand2 = x
+    operand0 = operand1 * operand2
+    operand4 = x
+    operand3 = square(operand4)
+    out[n] = operand0 + operand3

# temporary inlined
t = x + x
out[n] = t * x
-    t = x + x
-    out[n] = t * x
+    out[n] = (x + x) * x

# branches swapped
if n < m:
    out[0] = x
-    if n < m:
+    if n >= m:
+        pass
+    else:

# and to nested ifs
if c and n < m:
    out[0] = x
-    if c and n < m:
-        out[0] = x
+    if c:
+        if n < m:
+            out[0] = x

# or to elif
if c or n < m:
    out[0] = x
-    if c or n < m:
+    if c:
+    elif n < m:
+        out[0] = x

# else after a return dropped
if c:
    return
else:
    out[0] = x
-    else:
-        out[0] = x
+    out[0] = x

# else after a return added
if c:
    return
out[0] = x
-    out[0] = x
+    else:
+        out[0] = x

# ternary to if
y = x if c else x + x
-    y = x if c else x + x
+    if c:
+        y = x
+    else:
+        y = x + x

# if to ternary
if c:
    y = x
else:
    y = x + x
-    if c:
-        y = x
-    else:
-        y = x + x
+    y = x if c else x + x

# ternary swapped
out[0] = x if c else x + x
-    out[0] = x if c else x + x
+    out[0] = x + x if not c else x

# and or to ternary
b = c and n < m
-    b = c and n < m
+    b = n < m if c else False

# chained comparison split
b = n < m < 4
-    b = n < m < 4
+    b = n < m and m < 4

# where to ternary
out[0] = wp.where(c, x, x + x)
-    out[0] = wp.where(c, x, x + x)
+    out[0] = x if c else x + x

# ternary to where
out[0] = x if c else x + x
-    out[0] = x if c else x + x
+    out[0] = wp.where(c, x, x + x)

# names changed
y = x + x
out[0] = y
-def square(v: float) -> float:
-    return v * v
+def square(renamed0: float) -> float:
+    return renamed0 * renamed0
-    y = x + x
-    out[0] = y
+    renamed1 = x + x
+    out[0] = renamed1

# parameters reordered
out[0] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
+def kernel(m: int, x: float, c: bool, out: wp.array(dtype=float), n: int):

# unused parameter
out[0] = x
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
+def kernel(unused0: int, n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):

# unused local
out[0] = x
+    unused0 = 0

# parameters in a struct
out[n] = x
+@wp.struct
+class Packed0:
+    n: int
+    m: int
+    x: float
+    c: bool
-def kernel(n: int, m: int, x: float, c: bool, out: wp.array(dtype=float)):
-    out[n] = x
+def kernel(packed0: Packed0, out: wp.array(dtype=float)):
+    out[packed0.n] = packed0.x
"""
EXAMPLES = {name.removeprefix("# "): lines for name, *lines in map(str.splitlines, TEXTS.strip().split("\n\n"))}


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@")) and len(line) > 1]


def check(original: Case, changed: Case, name: str) -> bool:
    """Whether the two were compared: the original is defined.  Raises AssertionError where they differ."""
    verify(changed.kernel)
    try:
        wanted = run(original.kernel, original.launch)
    except Undefined:
        return False
    mismatch = first_mismatch(wanted, run(changed.kernel, changed.launch))
    assert mismatch is None, f"{name}: {mismatch}\n{original.kernel}\n{changed.kernel}"
    return True


def drawn(seed: int, index: int) -> Case:
    kernel = generate(seed=seed, index=index, size="small")
    return Case(kernel, draw_launch(SeededChoices("launch", seed, index), kernel))


def test_there_is_an_example_of_each() -> None:
    assert list(EXAMPLES) == [row.name for row in TRANSFORMATIONS]


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items(), ids=EXAMPLES)
def test_example(name: str, example: list[str]) -> None:
    body = [line for line in example if line[0] not in "+-"]
    text = HEAD + textwrap.indent("\n".join(body), "    ") + "\n"
    case = Case(parse(text), Launch((1,), INPUTS))
    changed = BY_NAME[name].apply(case, First())
    assert changed is not None
    assert [*body, *changed_lines(text, render(changed.kernel))] == example
    assert check(case, changed, name)
    assert isinstance(lowered := lower(changed.kernel), Lowering), lowered


def test_drawn_kernels_compute_the_same() -> None:
    compared: set[str] = set()
    for index in range(16):
        case = drawn(7, index)
        for row in TRANSFORMATIONS:
            changed = row.apply(case, SeededChoices(row.name, index))
            if changed is None:
                continue
            assert changed.launch is case.launch or "launch" in row.may_change
            if check(case, changed, row.name):
                compared.add(row.name)
    assert len(compared) >= 28


def test_a_sample_of_drawn_kernels_lowers() -> None:
    for index in range(24):
        case = drawn(8, index)
        row = TRANSFORMATIONS[index * 7 % len(TRANSFORMATIONS)]
        changed = row.apply(case, SeededChoices(row.name, index))
        if changed is not None and isinstance(lower(case.kernel), Lowering):
            assert isinstance(lowered := lower(changed.kernel), Lowering), f"{row.name}: {lowered}"


def test_a_choice_gives_the_same_change_again() -> None:
    case = drawn(9, 3)
    for row in TRANSFORMATIONS:
        assert row.apply(case, SeededChoices(1)) == row.apply(case, SeededChoices(1))


def test_a_new_row_is_drawn_verified_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Transformation(
        "a plus sign",
        "A number has a plus sign.",
        each_value(n.Literal, lambda node, kernel: node.type == INT32),
        at_node(lambda node, kernel: n.Unary("+", node, node.type)),
    )
    monkeypatch.setattr(transformations, "TRANSFORMATIONS", (*TRANSFORMATIONS, toy))
    case = Case(parse(HEAD + "    out[n] = 2.0 + float(7)\n"), Launch((1,), INPUTS))
    drawn = [SeededChoices(seed) for seed in range(200)]
    names = [found[0] for each in drawn if (found := metamorphic.transform(case, each)) is not None]
    at = names.index("a plus sign")
    (judged,) = metamorphic.judge_transformed(
        [case], value.expected([case]), [SeededChoices(at)], BuildSetting("cpu", tuple(sorted(JUDGED.items())))
    )
    verdict, changed = judged
    assert (verdict.status, verdict.setting.row) == ("passed", "a plus sign")
    assert "float(+7)" in render(changed.kernel)


anywhere = whole(lambda kernel: True)


def test_a_wrong_transformation_is_caught() -> None:
    def minus_for_plus(case: Case, path: Path, picks: Picks) -> Case:
        def change(node: n.Node) -> n.Node:
            return replace(node, op="-") if isinstance(node, (n.Binary, n.AugAssign)) and node.op == "+" else node

        return replace(case, kernel=transform(case.kernel, change))

    case = Case(parse(HEAD + "    out[0] = x + 1.0\n"), Launch((1,), INPUTS))
    changed = Transformation("plus to minus", "", anywhere, minus_for_plus).apply(case, First())
    assert changed is not None
    with pytest.raises(AssertionError, match="plus to minus"):
        check(case, changed, "plus to minus")


def test_what_does_not_verify_is_given_up() -> None:
    def undeclared(case: Case, path: Path, picks: Picks) -> Case:
        return replace(case, kernel=replace(case.kernel, params=case.kernel.params[1:]))

    case = Case(parse(HEAD + "    out[n] = x\n"), Launch((1,), INPUTS))
    assert Transformation("parameter dropped", "", anywhere, undeclared).apply(case, First()) is None


def test_a_constant_is_not_put_where_warp_refuses_it() -> None:
    """In a dynamic loop inside an unrolled one, notes/findings/README.md."""
    body = "for i in range(2):\n    w = int(0)\n    while w < n:\n        w = w + 1\n        y = x\n"
    case = Case(parse(HEAD + textwrap.indent(body, "    ")), Launch((1,), INPUTS))
    for seed in range(30):
        changed = BY_NAME["argument to constant"].apply(case, SeededChoices(seed))
        assert changed is None or "y = 0.5" not in render(changed.kernel)


def test_floats_keep_their_comparison() -> None:
    kernel = parse(HEAD + "    if x < 1.0:\n        out[0] = x\n")
    (branch,) = kernel.body
    assert isinstance(branch, n.If)
    assert render(replace(kernel, body=(n.If(negated(branch.test), branch.body),))).count("not x < 1.0") == 1
