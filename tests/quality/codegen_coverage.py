"""How much of Warp's code generator a number of kernels reaches.

    python tests/quality/codegen_coverage.py --count 300

prints the share of the lines and branches of the installed Warp's ``codegen.py`` that lowering the kernels
runs, on both devices with both passes (importing Warp alone runs about 15 % of the lines), and lists the
functions that are not reached: from it the next features of the grammar are chosen.  Needs ``coverage``
(``pip install -e '.[dev]'``).
"""

from __future__ import annotations

import ast
import json
import sys
import tempfile
from pathlib import Path

import click
import coverage

from kernelfuzz.strategies.kernel import generate_many
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, lower_devices


def _functions(source: Path) -> dict[str, tuple[int, int]]:
    """The body of every function of a file: its first and last line, by qualified name."""
    found: dict[str, tuple[int, int]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name = f"{prefix}{child.name}"
                if isinstance(child, ast.FunctionDef):
                    found[name] = (child.body[0].lineno, child.end_lineno or child.lineno)
                visit(child, f"{name}.")

    visit(ast.parse(source.read_text()), "")
    return found


def measure(count: int, seed: int) -> dict[str, object]:
    """Lower ``count`` kernels under coverage; returns percentages and the functions that stay unreached."""
    assert "warp" not in sys.modules, "Warp must be imported under measurement"
    with tempfile.TemporaryDirectory() as folder:
        collector = coverage.Coverage(branch=True, data_file=None, include=["*/warp/_src/codegen.py"])
        collector.start()
        failures = 0
        for kernel in generate_many(count, seed=seed):
            results = lower_devices(render(kernel), ("cpu", "cuda")).values()
            failures += any(isinstance(result, Failure) for result in results)
        collector.stop()
        report = Path(folder) / "coverage.json"
        collector.json_report(outfile=str(report))
        (path, data), *_ = json.loads(report.read_text())["files"].items()
        executed = set(data["executed_lines"])
        unreached = {
            name: last - first + 1
            for name, (first, last) in _functions(Path(path)).items()
            if not executed & set(range(first, last + 1))
        }
        totals = data["summary"]
        return {
            "kernels": count,
            "failures": failures,
            "lines_percent": round(100 * totals["covered_lines"] / totals["num_statements"], 1),
            "branches_percent": round(100 * totals["covered_branches"] / totals["num_branches"], 1),
            "unreached": dict(sorted(unreached.items(), key=lambda item: -item[1])),
            "missing_lines": data["missing_lines"],
            "path": path,
        }


@click.command()
@click.option("--count", default=300, show_default=True, help="How many kernels.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(count: int, seed: int, as_json: bool) -> None:
    """Measure how much of Warp's codegen.py the default kernels reach."""
    result = measure(count, seed)
    if as_json:
        click.echo(json.dumps(result))
        return
    click.echo(f"{count} kernels, {result['failures']} failures, {result['path']}")
    click.echo(f"lines {result['lines_percent']} %, branches {result['branches_percent']} %")
    click.echo("functions that are not reached, with their length in lines:")
    unreached = result["unreached"]
    assert isinstance(unreached, dict)
    for name, length in unreached.items():
        click.echo(f"  {length:5} {name}")


if __name__ == "__main__":
    main()
