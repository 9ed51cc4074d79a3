"""What each pass over a concrete syntax tree makes of a text."""

from __future__ import annotations

import ast

import pytest
from minimal import is_minimal_text  # pyright: ignore[reportMissingImports]

from kernelfuzz.reduce.source import measure, neighbours
from kernelfuzz.reduce.source.cut_layout import tidy
from kernelfuzz.reduce.source.reduce_text import PASSES
from kernelfuzz.reduce.source.tree import Tree

# A text, and one that an edit makes of it, by the pass.
CASES = {
    "keep_one_kernel": [
        (
            "import warp as wp\nimport math\nx = 1\n@wp.kernel\ndef a():\n    x\n@wp.kernel\ndef b():\n    pass\n",
            "import warp as wp\nx = 1\n@wp.kernel\ndef a():\n    x\n",
        )
    ],
    "drop_statements": [
        ("a\nb\nc\nd\n", "c\nd\n"),
        ("a\nb\nc\n", "a\nc\n"),
        ("if a:\n    b\n", "if a:\n    pass\n"),
    ],
    "drop_statements_of_kernels": [("a\n@wp.kernel\ndef k():\n    b\n    c\n", "a\n@wp.kernel\ndef k():\n    c\n")],
    "hoist_bodies": [
        ("if a:\n    b\nelse:\n    c\n", "c\n"),
        ("if a:\n    b\nelse:\n    c\n", "b\nc\n"),
        ("if a:\n    b\nelif c:\n    d\n", "if c:\n    d\n"),
        ("if a:\n    b\nelif c:\n    d\n", "if a:\n    b\nelse:\n    d\n"),
        ("for i in range(3, n):\n    if i:\n        break\n    f(i)\n", "if 3:\n    pass\nf(3)\n"),
        ("while a: b\n", "b\n"),
        ("with a:\n    b\n", "b\n"),
    ],
    "drop_clauses": [("if a:\n    b\nelse:\n    c\n", "if a:\n    b\n")],
    "plain_layout": [("f(  # one\n    a,\n    b,\n)\n", "f(a, b)\n"), ("# what\na\n", "a\n")],
    "flatten_functions": [
        (
            "def make(n):\n    @wp.kernel\n    def k():\n        n\n    return k\nk = make(3)\n",
            "@wp.kernel\ndef k():\n    3\n",
        )
    ],
    "inline_functions": [
        ("def f(a, b=2):\n    x = a\n    return x + b\ny = f(1)\n", "x = 1\ny = (x + 2)\n"),
        ("def f(a):\n    g(a)\nf(z)\n", "g(z)\n0\n"),
    ],
    "drop_params": [
        ("def f(a, b):\n    g(b)\nf(1, 2)\nf(b=3, a=4)\n", "def f(a):\n    g(0)\nf(1)\nf(a=4)\n"),
        (
            "def k(a, b):\n    pass\nwp.launch(k, 1, [x], [y])\n",
            "def k(a):\n    pass\nwp.launch(k, 1, [x], [])\n",
        ),
    ],
    "drop_fields": [
        ("class S:\n    a: int\n    b: int\ns.a = 1\ns.b = s.a\n", "class S:\n    b: int\ns.b = 0\n"),
    ],
    "drop_elements": [
        ("f(a, b)\n", "f(b)\n"),
        ("@wp.kernel(x=1)\ndef f(): pass\n", "@wp.kernel()\ndef f(): pass\n"),
        ("from a import b, c\n", "from a import b\n"),
        ("x = (a, b)\n", "x = (a,)\n"),
    ],
    "drop_annotations": [
        ("def f(a: int = 1) -> int: pass\n", "def f(a = 1) -> int: pass\n"),
        ("def f(a: int = 1) -> int: pass\n", "def f(a: int = 1): pass\n"),
    ],
    "replace_by_literal": [("f(a)\n", "f(0)\n"), ("def f(a: wp.vec3): pass\n", "def f(a: int): pass\n")],
    "replace_by_part": [
        ("f(a + b, c)\n", "f(b, c)\n"),
        ("-(a + b)\n", "(a + b)\n"),
        ("f(a[i].x)\n", "f(a[i])\n"),
    ],
    "plainer_statements": [("x = e\n", "e\n"), ("x += e\n", "x = e\n"), ("x: int = e\n", "x = e\n")],
    "substitute_locals": [("x = a + b\ny = x * c\n", "y = (a + b) * c\n")],
    "simplify_literals": [("f(100)\n", "f(50)\n"), ("f(0.5)\n", "f(0.0)\n"), ("f('abc')\n", 'f("")\n')],
    "drop_parentheses": [("f((a))\n", "f(a)\n")],
}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
    ids=[f"{name} {at}" for name, cases in CASES.items() for at in range(len(cases))],
)
def test_a_pass_makes(name: str, before: str, after: str) -> None:
    (one,) = [each for each in PASSES if each.__name__ == name][:1]
    tree = Tree(before)
    made = [tree.after(edit) for edit in one(tree)]
    assert after in made
    assert measure(after) < measure(before)


def test_every_pass_is_tested() -> None:
    assert {each.__name__ for each in PASSES} == CASES.keys()


def test_neighbours_are_smaller_python_and_each_comes_once() -> None:
    text = "".join(before for cases in CASES.values() for before, _ in cases)
    found = list(neighbours(text))
    assert len(found) == len(set(found)) > 200
    for each in found:
        ast.parse(each)
        assert measure(each) < measure(text)


def test_a_wanted_kernel_stays() -> None:
    text = "@wp.kernel\ndef a(): pass\n@wp.kernel\ndef b(): pass\n"
    assert all("kernel\ndef b" in each for each in neighbours(text, "b"))
    assert any("def b" not in each for each in neighbours(text))


def test_minimal() -> None:
    assert is_minimal_text("x\n", lambda text: "x" in text)
    assert not is_minimal_text("x\ny\n", lambda text: "x" in text)
    assert not is_minimal_text("f(x)\n", lambda text: "x" in text)


def test_tidy() -> None:
    ugly = "\n# of the file\n\nimport a\n@d\ndef f():\n\n    x\n\n    y\n# of z\nz = 1\nw\n\n\n"
    assert tidy(ugly) == ("# of the file\nimport a\n\n\n@d\ndef f():\n    x\n    y\n\n\n# of z\nz = 1\nw\n")
