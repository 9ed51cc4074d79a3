"""What a row says about its kernel is a function of the source alone."""

from __future__ import annotations

import kernelfuzz
from kernelfuzz.analysis.fingerprint import fingerprint
from kernelfuzz.corpus.build_row import drawn
from kernelfuzz.ir.walk import count_nodes, nesting, num_lines
from kernelfuzz.strategies.features import features
from kernelfuzz.syntax.parse import parse


def test_the_facts_are_those_of_the_source() -> None:
    for index in range(150):
        row = drawn(kernelfuzz.generate(seed=0, index=index))
        read = parse(row.source)
        assert row.id == fingerprint(read), index
        assert row.features == tuple(sorted(features(read))), index
        for count in (count_nodes, nesting, num_lines):
            assert count(row.kernel) == count(read), index
