"""Kernels of installed packages: are they lowered, do they fit the IR, and how small do planted defects get?

    python tests/quality/real_kernels.py --package warp --package newton --package mujoco_warp

Only the kernels at the top of a module count.  What kernelfuzz does not lower is given to Warp itself, as a
file with that one kernel which is imported and built for the CPU.  "No import": the file imports a package
that is not installed, so that nobody gets as far as its kernels; these are not asked about.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kernelfuzz.findings.signature import masked
from kernelfuzz.reduce.source import Fails, Limits, reduce_source
from kernelfuzz.reduce.source.cut_declarations import without_other_kernels
from kernelfuzz.reduce.source.tree import Tree
from kernelfuzz.syntax.parse import ParseError, parse_all
from kernelfuzz.workers import Pool, WorkerError

T = TypeVar("T")

TIMEOUT = 180.0

# What the IR does not have, by the words that a kernel has then.
_OUTSIDE = re.compile(r"tile|mesh|volume|bvh|hash_?grid|texture", re.IGNORECASE)

# A statement that Warp generates no code for, by what is wrong with it.
DEFECTS = {
    "undefined name": "planted = never_defined + 1.0",
    "missing builtin": "planted = wp.not_a_builtin(1.0)",
    "type mismatch": "planted = wp.vec3(1.0, 2.0, 3.0) + 1.0",
    "float16 call": "planted = wp.atan2(wp.float16(1.0), 2.0)",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a package; ``text`` has absolute imports, so that it runs wherever it is."""

    name: str
    text: str
    kernels: tuple[ast.FunctionDef, ...]


@dataclass(frozen=True, slots=True)
class Reduced:
    """What became of one planted defect."""

    name: str
    kernel: str
    defect: str
    lines: int
    text: str
    tries: int
    minimal: bool


# ------------------------------------------------------------------------------------ finding kernels


def spread(things: Sequence[T], count: int) -> list[T]:
    """So many of some things, evenly spread, in order."""
    count = min(count, len(things))
    return [things[position * len(things) // count] for position in range(count)]


def sources(package: str) -> Iterator[Source]:
    """The files of an installed package that have kernels, in the order of their names."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{package} is not installed")
    root = Path(next(iter(found.submodule_search_locations)))
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "wp.kernel" in text:
            inside = path.relative_to(root.parent)
            text = absolute(text, inside.parts[:-1])
            functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
            kernels = tuple([node for node in functions if is_kernel(node)])
            if kernels:
                yield Source(str(inside), text, kernels)


def is_kernel(function: ast.FunctionDef) -> bool:
    """Whether a function is a kernel."""
    return any(ast.unparse(each).startswith("wp.kernel") for each in function.decorator_list)


def absolute(text: str, package: Sequence[str]) -> str:
    """A text with ``from kernelfuzz.x import y`` for ``from .x import y``."""

    def change(found: re.Match[str]) -> str:
        above = package[: len(package) + 1 - len(found[2])]
        return f"{found[1]}from {'.'.join([*above, found[3]] if found[3] else above)} import"

    return re.sub(r"^([ \t]*)from (\.+)([\w.]*) import", change, text, flags=re.MULTILINE)


def needs_more(source: Source, kernel: ast.FunctionDef) -> bool:
    """Whether a kernel has tiles, meshes, volumes or the like."""
    return _OUTSIDE.search(ast.get_source_segment(source.text, kernel) or "") is not None


# ------------------------------------------------------------------------------ what is asked of them


def lowered(text: str, kernel: str | None) -> tuple[str, ...] | str:
    """The names of the kernels that kernelfuzz lowers, or why it does not; runs in a worker."""
    from kernelfuzz.toolchain import Failure, lower

    made = lower(text, "cpu", kernel=kernel)
    return str(made) if isinstance(made, Failure) else tuple([each.name for each in made.kernels])


def taken_by_warp(text: str) -> bool:
    """Whether Warp itself imports a file and builds what is in it; runs in a worker."""
    import warp as wp

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "kernelfuzz_real_kernel.py")
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        try:
            spec.loader.exec_module(module)
            made = wp.get_module(path.stem)
            # A generic kernel without an overload is no code to Warp either.
            wp.load_module(module, device="cpu")
            return any(not each.is_generic or each.overloads for each in made.kernels.values())
        except (Exception, SystemExit):
            return False
        finally:
            del sys.modules[path.stem]


def lower_all(found: Iterable[Source], pool: Pool) -> dict[tuple[str, str], str]:
    """Why each kernel is not lowered, by file and kernel; empty where it is."""
    reasons: dict[tuple[str, str], str] = {}
    for source in found:
        names = [kernel.name for kernel in source.kernels]
        whole = _ask(pool, lowered, source.text, None)
        for name in names:
            if isinstance(whole, str) or name not in whole:
                alone = without_other_kernels(Tree(source.text), name)
                answer = _ask(pool, lowered, alone, name)
                reasons[source.name, name] = answer if isinstance(answer, str) else ""
            else:
                reasons[source.name, name] = ""
    return reasons


def _ask(pool: Pool, function: object, *args: object) -> tuple[str, ...] | str:
    try:
        return pool.result(pool.submit(function, *args, timeout=TIMEOUT))  # pyright: ignore
    except WorkerError as error:
        return f"the process {error}"


def no_import(reason: str) -> bool:
    """Whether a file could not be imported, for want of another package."""
    return re.search(r"\b(ModuleNotFoundError|ImportError): ", reason.split("\n")[0]) is not None


def only_warp(found: Iterable[Source], reasons: dict[tuple[str, str], str], pool: Pool) -> list[str]:
    """The kernels that Warp takes and kernelfuzz does not, with the reasons."""
    missing: list[str] = []
    for source in found:
        for kernel in source.kernels:
            reason = reasons[source.name, kernel.name]
            # Without an overload, a generic kernel has no code for anybody.
            if reason and "generic kernel" not in reason and not no_import(reason):
                alone = without_other_kernels(Tree(source.text), kernel.name)
                if _ask(pool, taken_by_warp, alone) is True:
                    missing.append(f"{source.name} {kernel.name}: {reason}")
    return missing


def parsed(found: Iterable[Source]) -> tuple[int, int, Counter[str]]:
    """How many kernels without tiles and the like there are, how many fit the IR, why others do not."""
    count = fitting = 0
    why: Counter[str] = Counter()
    for source in found:
        results = parse_all(source.text)
        for kernel in source.kernels:
            if needs_more(source, kernel):
                continue
            count += 1
            result = results.get(kernel.name) or results.get(f"{kernel.name}@{kernel.lineno}")
            if isinstance(result, ParseError):
                why[masked(result.message)] += 1
            else:
                fitting += 1
    return count, fitting, why


# ------------------------------------------------------------------------------------ planted defects


def plant(source: Source, kernel: ast.FunctionDef, statement: str) -> str:
    """The text with a statement before the last one of a kernel."""
    last = kernel.body[-1]
    lines = source.text.split("\n")
    lines.insert(last.lineno - 1, f"{' ' * last.col_offset}{statement}")
    return "\n".join(lines)


def chosen(
    found: Sequence[Source], reasons: dict[tuple[str, str], str], count: int
) -> list[tuple[Source, ast.FunctionDef]]:
    """Kernels of some length that are lowered, spread over the files."""
    able = [
        (source, kernel)
        for source in found
        for kernel in source.kernels
        if not reasons[source.name, kernel.name]
        and (kernel.end_lineno or 0) - kernel.lineno >= 15
        and "import warp as wp" in source.text
    ]
    return spread(able, count)


def reduce_planted(planted: Sequence[tuple[Source, ast.FunctionDef]], jobs: int) -> Iterator[Reduced]:
    """Each kernel with a defect, reduced."""
    defects = list(DEFECTS.items())
    for position, (source, kernel) in enumerate(planted):
        defect, statement = defects[position % len(defects)]
        text = plant(source, kernel, statement)
        result = reduce_source(
            text, Fails("lowering", kernel.name), kernel=kernel.name, limits=Limits(jobs, timeout=TIMEOUT)
        )
        yield Reduced(
            source.name,
            kernel.name,
            defect,
            len(text.splitlines()),
            result.text,
            result.tries,
            result.minimal,
        )


def main() -> int:
    """Print the tables; 1 where something is not as it must be."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--package", action="append", help="default: warp")
    arguments.add_argument("--files", type=int, default=60, help="of each package at most, evenly spread")
    arguments.add_argument("--defects", type=int, default=20, help="how many to plant")
    arguments.add_argument("--jobs", type=int, default=1)
    arguments.add_argument("--show", action="store_true", help="print what is left of each")
    options = arguments.parse_args()
    good = True
    reasons: dict[tuple[str, str], str] = {}
    planted: list[tuple[Source, ast.FunctionDef]] = []
    print("| package | kernels | no import | lowered | Warp alone | without tiles, meshes, volumes | fit the IR |")
    print("|---|---|---|---|---|---|---|")
    why: Counter[str] = Counter()
    packages = options.package or ["warp"]
    with Pool(options.jobs) as pool:
        for position, package in enumerate(packages):
            found = spread(list(sources(package)), options.files)
            here = lower_all(found, pool)
            missing = only_warp(found, here, pool)
            count, fitting, more = parsed(found)
            done = sum(not reason for reason in here.values())
            without = sum(map(no_import, here.values()))
            row = (package, len(here), without, done, len(missing), count, fitting)
            print(f"| {' | '.join(map(str, row))} |", flush=True)
            for each in missing:
                print(f"only Warp: {each}", file=sys.stderr)
            good = good and not missing and 2 * fitting >= count
            ends = [options.defects * at // len(packages) for at in (position, position + 1)]
            planted += chosen(found, here, ends[1] - ends[0])
            reasons.update(here)
            why += more
    print("\nNot lowered, by us or by Warp:\n")
    for reason, times in Counter(masked(each.split("\n")[0]) for each in reasons.values() if each).most_common(12):
        print(f"- {times}: {reason[:150]}")
    print("\nWhy kernels do not fit the IR:\n")
    for reason, times in why.most_common(12):
        print(f"- {times}: {reason}")
    print("\n| file | kernel | defect | lines | after | tries |\n|---|---|---|---|---|---|")
    for each in reduce_planted(planted, options.jobs):
        left = len(each.text.splitlines())
        good = good and left <= 10 and each.minimal
        print(
            f"| {each.name} | {each.kernel} | {each.defect} | {each.lines} | {left} | {each.tries} |",
            flush=True,
        )
        if options.show:
            print(each.text, file=sys.stderr, flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
