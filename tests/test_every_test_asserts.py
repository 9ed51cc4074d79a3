"""Every test of this suite asserts something: by itself, or through a helper of the suite."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from layers import parsed

TESTS = Path(__file__).parent

# Calls that raise where a promise is broken: of pytest, numpy, subprocess and of kernelfuzz.
RAISING = {"raises", "fail", "warns", "assert_allclose", "assert_array_equal", "check_returncode", "verify"}

# A corpus is made of these: what they do is up to the tests of the command.
MATERIAL = TESTS / "corpus" / "toy"


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sorted(TESTS.rglob("*.py")):
        if MATERIAL not in path.parents:
            for node in ast.walk(parsed(path)):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield path, node


def asserts(function: ast.AST, helpers: Iterable[str]) -> bool:
    known = {*RAISING, *helpers}
    for node in ast.walk(function):
        match node:
            case ast.Assert() | ast.Raise() | ast.keyword(arg="check", value=ast.Constant(value=True)):
                return True
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in known:
                return True
            case _:
                pass
    return False


def test_every_test_asserts() -> None:
    helpers: dict[str, list[ast.AST]] = defaultdict(list)
    tests: list[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]] = []
    for path, function in functions():
        if function.name.startswith("test_"):
            tests.append((path, function))
        else:
            helpers[function.name].append(function)
    asserting: set[str] = set()
    while new := {
        name
        for name, bodies in helpers.items()
        if name not in asserting and any(asserts(body, asserting) for body in bodies)
    }:
        asserting |= new
    silent = [f"{path.relative_to(TESTS)}: {test.name}" for path, test in tests if not asserts(test, asserting)]
    assert silent == []


def test_what_asserts_nothing_is_seen() -> None:
    silent, loud, through = ast.parse(
        "def test_a():\n    work()\ndef test_b():\n    assert work()\ndef test_c():\n    helper()\n"
    ).body
    assert not asserts(silent, ())
    assert asserts(loud, ())
    assert asserts(through, ("helper",))
    assert not asserts(through, ())
