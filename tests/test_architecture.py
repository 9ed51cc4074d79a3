"""Which part may import which, read off the source: imports point downwards only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from layers import FRONT, LEVEL, ROOT, circle, for_running, imported, module_graph, parsed, room_of, sources

# What points upwards all the same, by file and module, with the reason beside it.
UPWARDS: frozenset[tuple[str, str]] = frozenset()


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def at_import(tree: ast.Module) -> ast.Module:
    """The tree without what does not run when the module is imported."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            return ast.Pass()

    return Strip().visit(for_running(tree))


def private_names_of_warp(tree: ast.AST) -> Iterator[str]:
    for name in imported(tree):
        if re.match(r"warp\._", name):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr):
            if isinstance(node.value, ast.Name) and node.value.id in ("wp", "warp"):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("warp._"):
            yield node.value


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_imports_point_downwards(path: Path) -> None:
    room = room_of(path)
    if room == FRONT:
        return
    assert room in LEVEL, f"{room} is new: give it a level in tests/layers.py"
    for name in imported(parsed(path)):
        if not name.startswith("kernelfuzz.") or (name_of(path), name) in UPWARDS:
            continue
        other = name.split(".")[1]
        assert other == room or LEVEL[other] < LEVEL[room], f"{room} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_only_compat_touches_private_names_of_warp(path: Path) -> None:
    if path.parent.name != "compat":
        assert list(private_names_of_warp(parsed(path))) == []


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_warp_is_imported_only_when_it_is_used(path: Path) -> None:
    at_start = {name.split(".")[0] for name in imported(at_import(parsed(path)))}
    assert "warp" not in at_start
    if room_of(path) in ("ir", "typecheck", "syntax", "analysis", "strategies"):
        assert "warp" not in {name.split(".")[0] for name in imported(parsed(path))}


def test_the_rules_see_what_they_forbid() -> None:
    tree = ast.parse("import warp as wp\nfrom kernelfuzz import workers\nx = wp._src.context\ny = 'warp._src'")
    assert list(imported(tree)) == ["warp", "kernelfuzz.workers"]
    assert sorted(private_names_of_warp(tree)) == ["warp._src", "wp._src"]
    lazy = ast.parse("def f():\n    import warp\nif TYPE_CHECKING:\n    import warp\n")
    assert list(imported(at_import(lazy))) == []
    named = ast.parse("importlib.import_module('kernelfuzz.cli')\nimport_module('kernelfuzz.oracles')\nf('kernelfuzz')")
    assert list(imported(named)) == ["kernelfuzz.cli", "kernelfuzz.oracles"]


HEAVY = ("warp", "libcst", "hypothesis", "numpy", "click", "rich")


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import kernelfuzz", HEAVY),
        ("import kernelfuzz.cli", ("warp", "libcst", "hypothesis", "numpy", "rich")),
        (
            "from kernelfuzz.cli import main; main(['corpus', '--help'])",
            ("warp", "libcst", "hypothesis", "rich"),
        ),
        ("import kernelfuzz.toolchain", ("warp",)),
        ("from kernelfuzz.strategies.kernel import generate; generate(seed=0, index=0)", ("warp",)),
    ],
    ids=["package", "cli", "help", "toolchain", "generate"],
)
def test_imports_are_lazy(code: str, absent: tuple[str, ...]) -> None:
    program = f"{code}\nimport sys\nprint('loaded:', *sorted(set(sys.modules) & set({absent!r})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_the_package_alone_imports_its_hooks_only() -> None:
    program = (
        "import __future__, collections.abc, importlib, sys, typing\nbefore = set(sys.modules)\nimport kernelfuzz\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["kernelfuzz", "kernelfuzz.hooks"]


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = module_graph()
    # The front door names every public function, late, and is imported before everything.
    assert circle({name: below - {"kernelfuzz"} for name, below in graph.items()}) == []


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert sorted(set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}))) == ["a", "b", "c"]


# Modules of one name play the same role for the same kind of thing.
SAME_ROLE = {
    "cut_declarations.py": "smaller declarations, of a tree and of a text",
    "cut_expressions.py": "smaller expressions, of a tree and of a text",
    "cut_statements.py": "fewer statements, of a tree and of a text",
}


def test_no_two_modules_have_one_name() -> None:
    paths: dict[str, list[str]] = {}
    for path in sources():
        paths.setdefault(path.name, []).append(name_of(path))
    twice = {name: found for name, found in paths.items() if len(found) > 1}
    assert twice.keys() - SAME_ROLE.keys() - {"__init__.py"} == set(), twice
    assert SAME_ROLE.keys() <= twice.keys()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500
    for function in functions(parsed(path)):
        assert (function.end_lineno or 0) - function.lineno < 60, function.name
        arguments = function.args
        assert len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]) <= 8, function.name
