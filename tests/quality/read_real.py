"""How many kernels of installed packages the reader reads, and why not the others.

    PYTHONPATH=/opt/real python tests/quality/read_real.py --reasons

prints one row for each package and one for each reason: the first that stops the reader.  ``--messages`` prints the
sentences behind them, ``--like WORDS`` the kernels whose sentence has them.  With ``--compare`` each kernel that is
read is rendered, Warp lowers that and the original, and the generated code must be the same, names aside.  ``--write``
puts the tables into notes/real_kernels.md.  Kernels are those of every file, in functions too.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from made_kernels import made_by
from read_reasons import REASONS, reason

from kernelfuzz.findings.signature import masked
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.syntax.parse import ParseError, parse, parse_all
from kernelfuzz.syntax.render import render
from kernelfuzz.workers import Pool, WorkerError

sys.path.insert(0, str(Path(__file__).parents[1]))

from same_code import difference

TIMEOUT = 300.0

PACKAGES = ("newton", "mujoco_warp", "warp")
PAGE = Path(__file__).parents[2] / "notes" / "real_kernels.md"

# The rows of the table: of each package, the files whose path has the part; "" takes the rest.
GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "newton": (("/tests/", "newton.tests"), ("/examples/", "newton.examples"), ("", "newton")),
    "mujoco_warp": (("_test.py", "mujoco_warp.tests"), ("/test_data/", "mujoco_warp.tests"), ("", "mujoco_warp")),
    "warp": (
        ("/tests/", "warp.tests"),
        ("/examples/", "warp.examples"),
        ("/fem/", "warp.fem"),
        ("", "warp, rest"),
    ),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one kernel: ``message`` says why it is not read, ``unlike`` where its code differs.

    ``unlike`` is None where the codes were not compared, because nothing made the kernel or one was not lowered:
    ``why`` says which.
    """

    group: str
    file: str
    name: str
    line: int
    message: str = ""
    unlike: str | None = None
    why: str = ""

    @property
    def is_test(self) -> bool:
        return self.group.endswith(".tests")


def files(package: str) -> Iterator[tuple[str, Path, str]]:
    """The group, the path and the module name of every file of a package that has kernels."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise click.ClickException(f"{package} is not installed")
    root = Path(next(iter(found.submodule_search_locations)))
    for path in sorted(root.rglob("*.py")):
        if "kernel" in path.read_text(encoding="utf-8"):
            inside = path.relative_to(root.parent)
            group = next(group for part, group in GROUPS.get(package, (("", package),)) if part in f"/{inside}")
            parts = inside.with_suffix("").parts
            yield group, path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# ---------------------------------------------------------------- in a worker


def read_file(group: str, path: Path, module: str, compare: bool) -> list[Result]:
    """Every kernel of a file: from what exists where it does, from the text where nothing makes it."""
    warnings.simplefilter("ignore")
    text = path.read_text(encoding="utf-8")
    lines = {node.name: node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    with contextlib.redirect_stdout(io.StringIO()):
        originals = made_by(module, path, call=not group.endswith(".tests"))
    results: list[Result] = []
    for key, from_text in parse_all(text, path=path).items():
        name, _, at = key.partition("@")
        made = Result(group, module, name, int(at or lines[name]))
        original = originals.get(made.line)
        kernel = from_text if original is None else _read(original)
        if isinstance(kernel, ParseError):
            made = replace(made, message=kernel.message)
        elif compare:
            unlike, why = _compared(kernel, original)
            made = replace(made, unlike=unlike, why=why)
        results.append(made)
    return results


def _read(original: Any) -> Kernel | ParseError:
    try:
        return parse(original)
    except ParseError as failure:
        return failure


def _compared(kernel: Kernel, original: Any) -> tuple[str | None, str]:
    """Where the code of a kernel differs from that of the one that it was read from, or why that is not known."""
    from kernelfuzz.toolchain import Failure, lower, lower_kernel

    if original is None:
        return None, "nothing makes such a kernel"
    want = lower_kernel(original)
    if isinstance(want, Failure):
        return None, f"Warp does not lower it: {masked(str(want).splitlines()[0])}"
    backward = want.kernels[0].backward is not None
    got = lower(render(kernel), backward=backward, options={"max_unroll": want.options["max_unroll"]})
    if isinstance(got, Failure):
        return f"the rendered one is refused: {str(got).splitlines()[0]}", ""
    # Of a generic kernel, one overload was read.
    unlike = [difference(each, got.kernels[0]) for each in want.kernels]
    return min(unlike, key=len), ""


# ------------------------------------------------------------------ the tables


def read_files(places: Iterable[tuple[str, Path, str]], compare: bool, jobs: int) -> list[Result]:
    """Every kernel of some files."""
    results: list[Result] = []
    with Pool(jobs) as pool:
        tasks = [(place, pool.submit(read_file, *place, compare, timeout=TIMEOUT)) for place in places]
        for place, task in tasks:
            try:
                results += pool.result(task)
            except WorkerError as error:
                raise click.ClickException(f"{place[1]}: the process {error}") from error
    return results


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def package_table(results: Sequence[Result], compare: bool) -> str:
    """One row for each group, and one for all that is no test."""
    groups = sorted({each.group for each in results}, key=lambda group: (group.endswith(".tests"), group))
    chosen = [(group, [each for each in results if each.group == group]) for group in groups]
    chosen.append(("**all but tests**", [each for each in results if not each.is_test]))
    rows: list[tuple[object, ...]] = []
    for group, some in chosen:
        read = [each for each in some if not each.message]
        row: tuple[object, ...] = (group, len(some), len(read), percent(len(read), len(some)))
        if compare:
            known = [each for each in read if each.unlike is not None]
            row += (len(known), sum(not each.unlike for each in known))
        rows.append(row)
    return table(("package", "kernels", "read", "%", *(("compared", "same code") if compare else ())), rows)


def reason_table(results: Sequence[Result]) -> str:
    """One row for each reason."""
    all_but_tests = Counter(reason(each.message) for each in results if each.message and not each.is_test)
    every = Counter(reason(each.message) for each in results if each.message)
    names = [name for name, _ in REASONS] + ["other"]
    rows = [(name, all_but_tests[name], every[name]) for name in sorted(names, key=lambda n: -all_but_tests[n])]
    return table(("first reason", "kernels that are no tests", "all"), [row for row in rows if row[2]])


def write(text: str) -> None:
    """Put the tables between the two marks of the page."""
    begin, end = "<!-- read: begin.  Written by tests/quality/read_real.py. -->\n", "<!-- read: end -->\n"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def versions(packages: Iterable[str]) -> str:
    names = {"warp": "warp-lang", "mujoco_warp": "mujoco-warp"}
    return ", ".join(f"{each} {version(names.get(each, each))}" for each in packages)


@click.command()
@click.option("--package", "packages", multiple=True, default=PACKAGES, show_default=True)
@click.option("--reasons", is_flag=True, help="Print a row for each first reason.")
@click.option("--messages", type=int, default=0, help="Print so many of the commonest sentences.")
@click.option("--like", default="", help="List the kernels whose sentence has these words, tests left out.")
@click.option("--compare", is_flag=True, help="Lower what is read and the original, and compare.")
@click.option("--only", default="", help="Only files whose module has this in its name.")
@click.option("--write", "writing", is_flag=True, help="Put the tables into notes/real_kernels.md.")
@click.option("--jobs", default=1, show_default=True)
def main(
    packages: tuple[str, ...], reasons: bool, messages: int, like: str, only: str, writing: bool, **how: Any
) -> None:
    """Print what was asked for."""
    compare: bool = how["compare"]
    places = [place for each in packages for place in files(each) if only in place[2]]
    results = read_files(places, compare, how["jobs"])
    first, second = package_table(results, compare), reason_table(results)
    click.echo(first)
    if reasons:
        click.echo(second)
    shown = [each for each in results if each.message and not each.is_test]
    for sentence, count in Counter(masked(each.message) for each in shown).most_common(messages):
        click.echo(f"{count:5} {sentence[:150]}")
    if like:
        for each in [each for each in shown if like in each.message]:
            click.echo(f"{each.file}:{each.line} {each.name}: {each.message}")
    if compare:
        for each in [each for each in results if each.unlike]:
            click.echo(f"{each.file}:{each.line} {each.name}: {each.unlike}")
        for why, count in Counter(each.why for each in results if each.why).most_common(12):
            click.echo(f"{count:5} not compared: {why[:150]}")
    if writing:
        write(f"{versions(packages)}:\n\n{first}\n{second}")


if __name__ == "__main__":
    sys.exit(main())
