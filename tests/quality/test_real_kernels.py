"""Kernels of installed packages: lowered where Warp does it, and small when something is wrong in them."""

from __future__ import annotations

import importlib.util

import pytest
import real_kernels as real  # pyright: ignore[reportMissingImports]

from kernelfuzz.workers import Pool

pytestmark = pytest.mark.slow

# How many files of each package, and how many kernels those have at least.
SAMPLES = {"warp": (12, 40), "newton": (12, 25), "mujoco_warp": (6, 25)}

DEFECTS = 7


@pytest.mark.parametrize("package", SAMPLES)
def test_real_kernels(package: str) -> None:
    if package != "warp" and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    files, least = SAMPLES[package]
    found = real.spread(list(real.sources(package)), files)
    with Pool(1) as pool:
        reasons = real.lower_all(found, pool)
        assert len(reasons) > least
        assert real.only_warp(found, reasons, pool) == []
    # A package that is not installed keeps some of them from everybody.
    able = [reason for reason in reasons.values() if not real.no_import(reason)]
    assert sum(not reason for reason in able) > len(reasons) / 2
    count, fitting, _ = real.parsed(found)
    assert 2 * fitting >= count > 0
    planted = real.chosen(found, reasons, DEFECTS)
    assert len(planted) == DEFECTS
    for each in real.reduce_planted(planted, 1):
        assert len(each.text.splitlines()) <= 10, each.text
        assert each.minimal
