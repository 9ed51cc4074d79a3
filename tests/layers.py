"""The rooms of kernelfuzz from the ground up, and who imports whom, read off the source.

``LEVELS`` is the one list of layers: tests/test_architecture.py compares every import with it, and the
README and notes/architecture.md show it (tests/documentation/generated.py writes them).
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]

# A room may import those of lower levels, and itself.  Rooms of one level do not know each other.
LEVELS: tuple[dict[str, str], ...] = (
    {
        "task_queue": "tasks that wait for a worker, whoever the workers are",
        "deadline": "what Hypothesis must not take for slowness of a test",
        "hooks": "what the tree of a kernel calls of higher rooms: the front door puts it in",
        "work_clock": "the time of a process that does not depend on what else the machine does",
    },
    {
        "devices": "the devices and targets of Warp, by name",
        "ir": "the tree of a kernel: nodes, types, walking and rebuilding, names, launches and their codec",
        "workers": "isolated processes that run tasks, with time-outs and memory limits",
    },
    {
        "typecheck": "Warp's rules: one row per builtin and operator, signatures, inference, `verify`",
        "ray_pool": "the processors of a Ray cluster as workers",
    },
    {"syntax": "text to tree and back: `render` through libcst, `parse`, the canonical form"},
    {"analysis": "questions about a tree: fingerprint, what is written, widening"},
    {"rewrites": "kernel to kernel, with the same meaning: for metamorphic tests and for known bugs"},
    {
        "strategies": "how a kernel, its parts and a launch are drawn, by seed or by Hypothesis",
        "reference": "what a kernel must compute: exactly, as derivatives, or within bounds",
        "toolchain": "what Warp does with a kernel: lower, build, launch; `compat` alone knows Warp's private names",
    },
    {"oracles": "what is asked about a kernel: one row per oracle"},
    {"findings": "a failure on disk: signature, script, report"},
    {"reduce": "a smaller kernel or file that fails in the same way"},
    {
        "programs": "programs of several kernels: their text, their judge, and the smallest that fails",
        "releases": "the same kernels under other releases of Warp: compare, replay, bisect",
    },
    {
        "campaign": "the search for bugs: schedule, pool of workers, triage",
        "corpus": "pairs of a kernel and its generated code: rows, shards, merging, statistics, validation",
        "checking": "`kernelfuzz.check`: one kernel, judged in a test",
        "from_type": "what Hypothesis draws for the types of kernelfuzz",
    },
    {"profiles": "the profiles of Hypothesis"},
    {
        "cli": "the command line",
        "pytest_plugin": "the options of pytest",
    },
    {"__main__": "`python -m kernelfuzz`"},
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}

# The front door: it names everything lazily, and fills the slots of lower rooms.
FRONT = "__init__"


def sources() -> list[Path]:
    # The link to strategies/ inside the package is left out: each file comes once.
    inside = [path for path in (ROOT / "kernelfuzz").rglob("*.py") if "strategies" not in path.parts]
    return sorted([*inside, *(ROOT / "strategies").rglob("*.py")])


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "kernelfuzz" else parts[0]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("kernelfuzz",) * (parts[0] == "strategies") + parts).removesuffix(".__init__")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that the tree imports, wherever in it: relative imports are not used here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            # ``from kernelfuzz import workers`` imports a room too.
            if node.module == "kernelfuzz":
                yield from (f"kernelfuzz.{each.name}" for each in node.names if not each.name.startswith("__"))
            else:
                yield node.module or ""
        elif isinstance(node, ast.Call):
            yield from named_import(node)


def named_import(call: ast.Call) -> Iterator[str]:
    """What ``importlib.import_module("kernelfuzz.workers")`` imports, where the name stands there."""
    if ast.unparse(call.func).rpartition(".")[2] == "import_module" and call.args:
        (name, *_) = call.args
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.startswith("kernelfuzz"):
            yield name.value


def rooms_imported(path: Path) -> set[str]:
    """The other rooms that a file imports, late imports included."""
    names = [name.split(".") for name in imported(parsed(path))]
    return {name[1] for name in names if name[0] == "kernelfuzz" and len(name) > 1} - {room_of(path)}


def for_running(tree: ast.Module) -> ast.Module:
    """A copy of the tree without what only a type checker imports."""

    class Strip(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST:
            return ast.Pass() if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)

    return Strip().visit(copy.deepcopy(tree))


def module_graph() -> dict[str, set[str]]:
    """The modules that each module imports, also late: ``from package import module`` imports the module."""
    modules = {module_of(path): path for path in sources()}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        found = graph.setdefault(name, set())
        for node in ast.walk(for_running(parsed(path))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Call):
                found.update(named_import(node))
            elif isinstance(node, ast.ImportFrom):
                below = {f"{node.module}.{alias.name}" for alias in node.names} & modules.keys()
                found |= below
                if len(below) < len(node.names):
                    found.add(node.module or "")
        found &= modules.keys()
    return graph


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one circle of imports; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
