"""Hypothesis strategies for Warp kernels.

    from hypothesis import given
    from kernelfuzz.strategies import kernels

    @given(kernels(categories=["atomic"], size="small"))
    def test_my_backend(kernel):
        ...  # kernel is a kernelfuzz.ir.nodes.Kernel; str(kernel) is its Python source

Every strategy takes keyword-only options and checks them when it is made: a wrong one raises InvalidOption (a
ValueError) with a sentence that says what would do.
"""

from kernelfuzz.ir.launch import Launch
from kernelfuzz.strategies.options import InvalidOption
from kernelfuzz.strategies.public import (
    expressions,
    functions,
    kernels,
    launches,
    programs,
    scalars,
    statements,
    types,
)

__all__ = [
    "InvalidOption",
    "Launch",
    "expressions",
    "functions",
    "kernels",
    "launches",
    "programs",
    "scalars",
    "statements",
    "types",
]
