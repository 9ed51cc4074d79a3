"""Kernels of the installed Warp: lowered where Warp does it, and small when something is wrong in them."""

from __future__ import annotations

import pytest
import real_kernels as real  # pyright: ignore[reportMissingImports]

from kernelfuzz.workers import Pool

pytestmark = pytest.mark.slow


def test_real_kernels() -> None:
    found = real.spread(list(real.sources("warp")), 12)
    with Pool(1) as pool:
        reasons = real.lower_all(found, pool)
        assert len(reasons) > 40
        assert real.only_warp(found, reasons, pool) == []
    assert sum(not reason for reason in reasons.values()) > len(reasons) / 2
    count, fitting, _ = real.parsed(found)
    assert 2 * fitting >= count > 0
    for each in real.reduce_planted(real.chosen(found, reasons, 4), 1):
        assert len(each.text.splitlines()) <= 10, each.text
        assert each.minimal
