"""What adjoints read, against the headers of the installed Warp."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import warp as wp

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.reference.dual import Dual
from kernelfuzz.reference.needs import READ_THEIR_RESULTS, Operand, needs
from kernelfuzz.typecheck.builtins import BUILTINS, instances

HEADERS = sorted((Path(wp.__file__).parent / "native").glob("*.h"))
WITH_SEVERAL_RESULTS = {
    row.name: (len(each.params), len(each.result.elements))
    for row in BUILTINS
    for each in instances(row)
    if isinstance(each.result, t.Tuple)
}


def reads_its_results(name: str, arguments: int, results: int) -> bool:
    """Whether the body of the adjoint has the parameters that come after those of the arguments."""
    for header in HEADERS:
        found = re.search(rf"\badj_{name}\(([^)]*)\)\s*{{(.*?)^}}", header.read_text(), re.DOTALL | re.MULTILINE)
        if found is not None:
            names = [each.split()[-1].lstrip("&") for each in re.sub(r"<[^>]*>", "", found[1]).split(",")]
            assert len(names) == 2 * (arguments + results)
            return any(re.search(rf"\b{each}\b", found[2]) for each in names[arguments : arguments + results])
    return False  # a function of Warp's that is written in Python: its adjoint has what it computes


@pytest.mark.parametrize("name", WITH_SEVERAL_RESULTS)
def test_the_table_has_what_reads_its_results(name: str) -> None:
    assert reads_its_results(name, *WITH_SEVERAL_RESULTS[name]) == (name in READ_THEIR_RESULTS)


def test_a_product_of_transforms_needs_its_left_operand_for_the_derivative_by_it() -> None:
    moving, still = Operand(Dual(1.0, np.ones(1)), lost=1), Operand(1.0, lost=0)

    def product(type_: t.Type) -> n.Binary:
        return n.Binary("*", n.Name("p", type_), n.Name("q", type_), type_)

    assert needs(product(t.Transform(t.FLOAT32)))([moving, still])
    assert not needs(product(t.Quaternion(t.FLOAT32)))([moving, still])
