"""The kernels of Warp's own test suite: the reference computes what Warp's CPU backend computes, to the bit.

Nobody drew these kernels, so nobody made sure that they are defined for any launch: where the reference says
that one is not, nothing is compared.

    python -m pytest tests/reference/test_warp_kernels.py -q -s -m slow

prints how many had each outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from kernelfuzz import reference
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.nodes import Call, Kernel
from kernelfuzz.ir.types import Array, Tuple, Type, holds_array
from kernelfuzz.ir.walk import walk
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.reference.deviations import DEVIATIONS
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.launch_inputs import draw_launch, grid_ndim
from kernelfuzz.syntax.parse import parse_all
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain.programs import JUDGED, Program, loaded

LAUNCHES = 3

# Kernels on which the two differ, by file and name, each with the reason.
KNOWN: dict[str, str] = {}


def readable() -> list[tuple[str, Kernel]]:
    """Every kernel of the suite that the IR can say, with the file and the name that it has there."""
    spec = find_spec("warp")
    assert spec is not None
    assert spec.origin is not None
    files = sorted((Path(spec.origin).parent / "tests").rglob("*.py"))
    return [
        (f"{path.name}:{name.partition('@')[0]}", kernel)
        for path in files
        for name, kernel in parse_all(path.read_text(encoding="utf-8")).items()
        if isinstance(kernel, Kernel)
    ]


def holds_arrays(type_: Type) -> bool:
    """Whether the elements of an array are structs with arrays in them, for which no launch is drawn."""
    return isinstance(type_, Array) and holds_array(type_.dtype)


def most_axes(kernel: Kernel) -> int:
    """The most axes that one ``wp.tid()`` of the kernel has."""
    calls = [node for node in walk(kernel) if isinstance(node, Call) and node.name == "tid"]
    return max((len(call.type.elements) if isinstance(call.type, Tuple) else 1 for call in calls), default=1)


def defined_launches(where: str, kernel: Kernel, outcomes: Counter[str]) -> list[tuple[Launch, dict[str, Input]]]:
    """The launches out of a few for which the kernel is defined, with what the reference computes."""
    found: list[tuple[Launch, dict[str, Input]]] = []
    for number in range(LAUNCHES):
        launch = draw_launch(SeededChoices("kernels of Warp", where, number), kernel)
        if number == 0:
            # One thread over arrays that are longer: many kernels of a test store at a fixed place.
            launch = replace(launch, dim=(1,) * len(launch.dim))
        try:
            found.append((launch, reference.run(kernel, launch, deviations=(DEVIATIONS["negated-zero"],))))
        except reference.Undefined as undefined:
            outcomes[f"undefined: {undefined.reason}"] += 1
    return found


def compare(kernels: Sequence[tuple[str, Kernel]]) -> tuple[Counter[str], list[str]]:
    """What came of each kernel and launch, and a line for each kernel on which the two differ."""
    outcomes: Counter[str] = Counter()
    differences: list[str] = []
    for where, kernel in kernels:
        if any(holds_arrays(param.type) for param in kernel.params):
            outcomes["arrays of structs with arrays"] += 1
            continue
        if most_axes(kernel) > grid_ndim(kernel):
            outcomes["has grids of two sorts"] += 1
            continue
        launches = defined_launches(where, kernel, outcomes)
        if not launches:
            continue
        with loaded(render(kernel), "cpu", options=JUDGED) as program:
            if not isinstance(program, Program):
                differences.append(f"{where}: {program}")
                continue
            for launch, expected in launches:
                mismatch = first_mismatch(expected, program.run(kernel.name, launch))
                outcomes["compared"] += 1
                if mismatch is not None:
                    differences.append(f"{where}: {mismatch}")
    return outcomes, differences


def check(kernels: Sequence[tuple[str, Kernel]]) -> None:
    outcomes, differences = compare(kernels)
    print(f"\n{len(kernels)} kernels, {LAUNCHES} launches of each")
    for outcome, count in outcomes.most_common():
        print(f"{count:6} {outcome}")
    unknown = [line for line in differences if not any(line.startswith(f"{known}: ") for known in KNOWN)]
    assert not unknown, "\n".join(unknown)
    # Measured: about 70 % of the launches are defined and compared.
    assert outcomes["compared"] > 0.5 * LAUNCHES * len(kernels)


def test_a_sample_of_the_kernels_agrees() -> None:
    check(readable()[::40])


@pytest.mark.slow
def test_all_kernels_agree() -> None:
    check(readable())
