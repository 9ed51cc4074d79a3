"""How many kernels of installed packages the reader reads, and why not the others.

    PYTHONPATH=/opt/real python tests/quality/read_real.py --reasons

prints one row for each package and one for each reason: the first that stops the reader.  ``--messages`` prints the
sentences behind them, ``--like WORDS`` the kernels whose sentence has them.  With ``--compare`` each kernel that is
read is rendered, Warp lowers that and the original, and the generated code must be the same, names aside; ``--share
0.1`` compares a tenth of them, always the same ones.  ``--write`` puts the tables into notes/real_kernels.md.  Kernels
are those of every file, in functions too.

``--into FILE`` appends what each file of a package gives, and skips the files that are there already: a run that was
stopped goes on, ``--package`` by package, and the tables are of all that FILE has.  A module whose import or whose
functions take too long, or end the process, is read from its text; how many are is printed.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import io
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
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

# Of the work of one file, in seconds.
TIMEOUT = 90.0

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
    ``why`` says which.  ``live``: an object that exists was read, not the text.
    """

    group: str
    file: str
    name: str
    line: int
    message: str = ""
    unlike: str | None = None
    why: str = ""
    live: bool = False

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


def read_file(group: str, path: Path, module: str, share: float, run: bool = True) -> list[Result]:
    """Every kernel of a file: from what exists where it does, from the text where nothing makes it.

    ``share`` of those that are read are compared.  ``run``: the module is imported and its functions are called.
    """
    warnings.simplefilter("ignore")
    text = path.read_text(encoding="utf-8")
    lines = {node.name: node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    with contextlib.redirect_stdout(io.StringIO()):
        originals = made_by(module, path, call=not group.endswith(".tests")) if run else {}
    results: list[Result] = []
    for key, from_text in parse_all(text, path=path).items():
        name, _, at = key.partition("@")
        made = Result(group, module, name, int(at or lines[name]))
        original = originals.get(made.line)
        made = replace(made, live=original is not None)
        kernel = from_text if original is None else _read(original)
        if isinstance(kernel, ParseError):
            made = replace(made, message=kernel.message)
        elif chosen(made, share):
            unlike, why = _compared(kernel, original)
            made = replace(made, unlike=unlike, why=why)
        results.append(made)
    return results


def chosen(kernel: Result, share: float) -> bool:
    """Whether a kernel is among a share of them that is chosen by chance, the same in every run."""
    digest = hashlib.sha256(f"{kernel.file}:{kernel.line}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


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


def read_files(places: Sequence[tuple[str, Path, str]], share: float, jobs: int) -> Iterator[tuple[str, list[Result]]]:
    """The module and the kernels of each of some files; a file that cannot be run is read from its text."""
    with Pool(jobs) as pool:
        tasks = [pool.submit(read_file, *place, share, timeout=TIMEOUT) for place in places]
        for place, task in zip(places, tasks, strict=True):
            try:
                yield place[2], pool.result(task)
            except WorkerError as error:
                click.echo(f"{place[2]} is read from its text: the process {error}", err=True)
                yield place[2], pool.result(pool.submit(read_file, *place, 0.0, False, timeout=TIMEOUT))


def kept(path: Path | None) -> dict[str, list[Result]]:
    """The kernels of the modules that an earlier run has put into a file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
    found = [json.loads(line) for line in lines]
    return {each["module"]: [Result(**result) for result in each["results"]] for each in found}


def keep(path: Path | None, module: str, results: list[Result]) -> None:
    """Append the kernels of a module to a file."""
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"module": module, "results": [asdict(each) for each in results]}) + "\n")


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


def show(results: Sequence[Result], messages: int, like: str, compare: bool) -> None:
    """Print the sentences, the kernels that have one, and what was compared."""
    shown = [each for each in results if each.message and not each.is_test]
    for sentence, count in Counter(masked(each.message) for each in shown).most_common(messages):
        click.echo(f"{count:5} {sentence[:150]}")
    for each in [each for each in shown if like and like in each.message]:
        click.echo(f"{each.file}:{each.line} {each.name}: {each.message}")
    if compare:
        for each in [each for each in results if each.unlike]:
            click.echo(f"{each.file}:{each.line} {each.name}: {each.unlike}")
        for why, count in Counter(each.why for each in results if each.why).most_common(12):
            click.echo(f"{count:5} not compared: {why[:150]}")


@click.command()
@click.option("--package", "packages", multiple=True, default=PACKAGES, show_default=True)
@click.option("--reasons", is_flag=True, help="Print a row for each first reason.")
@click.option("--messages", type=int, default=0, help="Print so many of the commonest sentences.")
@click.option("--like", default="", help="List the kernels whose sentence has these words, tests left out.")
@click.option("--compare", is_flag=True, help="Lower what is read and the original, and compare.")
@click.option("--share", default=1.0, show_default=True, help="Compare only so many, chosen by chance.")
@click.option("--tests/--no-tests", default=True, help="Whether files of tests are read.")
@click.option("--only", default="", help="Only files whose module has this in its name.")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="Go on with what this file has.")
@click.option("--write", "writing", is_flag=True, help="Put the tables into notes/real_kernels.md.")
@click.option("--jobs", default=1, show_default=True)
def main(packages: tuple[str, ...], only: str, into: Path | None, **how: Any) -> None:
    """Print what was asked for."""
    compare: bool = how["compare"]
    found = kept(into)
    places = [place for each in packages for place in files(each) if only in place[2] and place[2] not in found]
    places = [place for place in places if how["tests"] or not place[0].endswith(".tests")]
    for module, results in read_files(places, how["share"] if compare else 0.0, how["jobs"]):
        keep(into, module, results)
        found[module] = results
    everything = [each for results in found.values() for each in results]
    first, second = package_table(everything, compare), reason_table(everything)
    click.echo(first)
    if how["reasons"]:
        click.echo(second)
    show(everything, how["messages"], how["like"], compare)
    click.echo(f"{sum(each.live for each in everything)} of {len(everything)} were read as objects that exist")
    if how["writing"]:
        write(f"{versions(sorted({module.partition('.')[0] for module in found}))}:\n\n{first}\n{second}")


if __name__ == "__main__":
    sys.exit(main())
