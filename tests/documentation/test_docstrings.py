"""The examples in docstrings run as they are printed, with what their readers would import."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kernelfuzz
from kernelfuzz.ir.types import FLOAT32, Vector
from kernelfuzz.syntax import render

ROOT = Path(kernelfuzz.__file__).parent
IMPORTED = {
    "given": given,
    "st": st,
    "FLOAT32": FLOAT32,
    "Vector": Vector,
    "render_function": render.render_function,
    "render_statements": render.render_statements,
}


def modules() -> list[str]:
    """The names of the modules whose text has an example."""
    names = [each.name for each in pkgutil.walk_packages([str(ROOT)], f"{ROOT.name}.")]
    return [name for name in names if ">>> " in _text(name)]


def _text(name: str) -> str:
    # Not by importing it: some modules need an extra.
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", modules())
def test_the_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs=IMPORTED)
    assert result.attempted > 0
    assert result.failed == 0


def test_all_public_strategies_have_an_example() -> None:
    public = importlib.import_module("kernelfuzz.strategies.public")
    found = {test.name.rpartition(".")[2] for test in doctest.DocTestFinder().find(public) if test.examples}
    assert found == set(importlib.import_module("kernelfuzz.strategies").__all__) - {
        "InvalidOption",
        "Launch",
    }
