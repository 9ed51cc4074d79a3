"""What Hypothesis draws where a test asks for a type of ours: by ``st.from_type``, ``st.builds`` or ``...``.

Importing this module registers the types.  That needs both Hypothesis and the classes, and must make nobody
import what they do not use: so it is imported when the second of the two is, by the hook of ``kernelfuzz.ir`` where
Hypothesis is loaded, and by its entry point (``kernelfuzz.profiles``) where ``kernelfuzz.ir`` is.  Strategies
are imported, with what prints their values, when one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

from kernelfuzz.ir import nodes
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import Function, Kernel, Node
from kernelfuzz.ir.walk import walk

Strategy: TypeAlias = "st.SearchStrategy[Any]"


def _kernels(**options: Any) -> Strategy:
    from kernelfuzz.strategies import kernels

    return kernels(**options)


def _functions() -> Strategy:
    from kernelfuzz.strategies import functions

    return functions()


def _cases() -> Strategy:
    from kernelfuzz.strategies import launches

    return _kernels().flatmap(lambda kernel: st.builds(Case, st.just(kernel), launches(kernel)))


def _launches() -> Strategy:
    return _cases().map(lambda case: case.launch)


def _nodes(kind: type[Node], feature: str) -> Strategy:
    """The nodes of one kind that a kernel with a feature has: nearly every such kernel has some."""

    def found(kernel: Kernel) -> Sequence[Node]:
        return [node for node in walk(kernel) if type(node) is kind]

    return _kernels(include=[feature], size="small").map(found).filter(bool).flatmap(st.sampled_from)


_scalars = st.sampled_from(t.SCALARS)
_floats = st.sampled_from([scalar for scalar in t.SCALARS if scalar.is_float])
_numbers = st.sampled_from([scalar for scalar in t.SCALARS if scalar.kind != "bool"])
_sizes = st.sampled_from((3, 2, 4))


def _structs() -> Strategy:
    kernels = _kernels(include=["struct"], size="small")
    return kernels.flatmap(lambda kernel: st.sampled_from(kernel.structs))


def _values() -> Strategy:
    from kernelfuzz.strategies import types

    return types()


MADE: dict[type[Any], Callable[[], Strategy]] = {
    Kernel: _kernels,
    Function: _functions,
    Launch: _launches,
    Case: _cases,
    t.Scalar: lambda: _scalars,
    t.Vector: lambda: st.builds(t.Vector, _sizes, _numbers),
    t.Matrix: lambda: st.builds(t.Matrix, _sizes, _sizes, _floats),
    t.Quaternion: lambda: st.builds(t.Quaternion, _floats),
    t.Transform: lambda: st.builds(t.Transform, _floats),
    t.Struct: _structs,
    t.Array: lambda: st.builds(t.Array, _values(), st.integers(1, 4)),
    t.Tile: lambda: st.builds(t.Tile, _numbers, st.tuples(st.sampled_from((4, 2, 8)))),
    t.Tuple: lambda: st.builds(t.Tuple, st.lists(_values(), min_size=2, max_size=4).map(tuple)),
}

# A feature with which a kernel has nodes of the kind, so that they are well typed and mean something.
FOUND: dict[type[Node], str] = {
    nodes.Literal: "arithmetic",
    nodes.Name: "arithmetic",
    nodes.Unary: "arithmetic",
    nodes.Binary: "arithmetic",
    nodes.Compare: "if",
    nodes.BoolOp: "and_or",
    nodes.IfExp: "ternary",
    nodes.Call: "math",
    nodes.CallFunction: "function",
    nodes.Construct: "vector",
    nodes.Cast: "cast",
    nodes.Index: "view",
    nodes.Attribute: "struct",
    nodes.ArrayShape: "array_shape",
    nodes.Static: "static",
    nodes.Slice: "slice",
    nodes.Assign: "arithmetic",
    nodes.Unpack: "unpack",
    nodes.AugAssign: "augmented",
    nodes.If: "if",
    nodes.For: "for",
    nodes.While: "while",
    nodes.Return: "early_return",
    nodes.ExprStmt: "atomic",
    nodes.Param: "scalar_param",
    nodes.Constant: "constant",
}


def _prepared(make: Callable[[], Strategy]) -> Strategy:
    from kernelfuzz.strategies.public import prepared

    return prepared(make)


# A union such as ``Expr`` is drawn as one of its members.
for _kind, _made in MADE.items():
    st.register_type_strategy(_kind, lambda _, make=_made: _prepared(make))
for _node, _feature in FOUND.items():
    st.register_type_strategy(_node, lambda _, kind=_node, feature=_feature: _prepared(lambda: _nodes(kind, feature)))
