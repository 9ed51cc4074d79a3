"""The features of kernels: one row of ``FEATURES`` for each, which everything that names features reads.

A feature is something that a kernel has or has not.  A row says what it is, what it needs, how a kernel comes
to have it and how it is found in a kernel; to add a feature is to add a row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.strategies import (
    array_fields,
    buffers,
    local_variables,
    optional_arrays,
    static_loops,
    tile_blocks,
    user_functions,
)
from kernelfuzz.strategies import control_flow as control
from kernelfuzz.strategies import inventory as has
from kernelfuzz.strategies import required_features as plant
from kernelfuzz.strategies.value_types import float_dtype, integer_dtype, matrix_type, numeric_dtype, vector_type
from kernelfuzz.typecheck.lacking import newer_values
from kernelfuzz.typecheck.targets import newer_places

Dtypes = Callable[[tuple[t.Scalar, ...]], bool]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature.

    ``plant`` draws statements that have it, whatever else the kernel holds; ``found`` tells whether a kernel
    has it.  ``needs`` are the features that it cannot be drawn without, ``one_of`` those of which it needs
    one; ``excludes`` cannot be in the same kernel, and without the feature there is nothing that it
    ``stands_for``.  ``dtypes`` tells whether it can be drawn over some scalar types, ``depth`` is how deep
    control flow nests for it.  A kernel may use it ``always``, or it is switched off in a quarter of the
    kernels (``common``) or in three quarters (``rare``: what is rare in real kernels).  ``newer``: some
    supported release of Warp does not have it.
    """

    name: str
    meaning: str
    plant: plant.Plant
    found: has.Finder
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    dtypes: Dtypes | None = None
    depth: int = 0
    allowed: Literal["always", "common", "rare"] = "common"
    newer: bool = False


def _some(wanted: Callable[[t.Scalar], bool]) -> Dtypes:
    return lambda dtypes: any(map(wanted, dtypes))


def _has(*any_of: t.Scalar) -> Dtypes:
    return lambda dtypes: not set(any_of).isdisjoint(dtypes)


def _of_bits(*bits: int) -> Callable[[t.Scalar], bool]:
    return lambda dtype: dtype.is_integer and dtype.bits in bits


def _is_unsigned(dtype: t.Scalar) -> bool:
    return dtype.kind == "uint"


_float, _integer = _some(lambda dtype: dtype.is_float), _some(lambda dtype: dtype.is_integer)


def _dimensions(least: int) -> has.Finder:
    return has.parameter(lambda type_: isinstance(type_, t.Array) and type_.ndim >= least)


# The rows, by what they are features of.
GROUPS: dict[str, tuple[Feature, ...]] = {
    "operations": (
        Feature("arithmetic", "an arithmetic operator over scalars",
            plant.operator(("+", "-", "*", "/", "//", "%"), numeric_dtype), has.operator("arithmetic"),
            allowed="always"),
        Feature("power", "the operator **", plant.operator(("**",), float_dtype), has.operator("power"), dtypes=_float),
        Feature("bitwise", "one of & | ^ ~", plant.operator(("&", "|", "^"), integer_dtype),
            has.either(has.operator("bitwise"), has.builtin("bitwise")), dtypes=_integer),
        Feature("shift", "one of << >>", plant.operator(("<<", ">>"), integer_dtype),
            has.either(has.operator("shift"), has.builtin("shift")), dtypes=_integer),
        Feature("cast", "a conversion between scalar types", plant.conversion, has.node(n.Cast, has.conversion)),
        Feature("mixed_widths", "integers of two widths", plant.mixed_widths, has.node(n.Cast, has.change_of_width),
            needs=("cast",), one_of=("wide_int", "small_int"),
            dtypes=lambda dtypes: len({d.bits for d in dtypes if d.is_integer}) > 1),
        Feature("math", "a mathematical function of scalars", plant.builtin("math", float_dtype), has.builtin("math"),
            dtypes=_float, allowed="always"),
        Feature("random", "a random number or noise from an explicit state", plant.random, has.builtin("random"),
            needs=("unsigned",), dtypes=_has(t.FLOAT32), allowed="rare"),
        Feature("newer", "a builtin or a constructor that the oldest supported release of Warp has not", plant.newer,
            lambda shown: any(s.builtin.since for s in shown.signatures) or newer_values(shown.kernel), dtypes=_float,
            allowed="rare", newer=True),
        Feature("and_or", "and, or", plant.and_or, has.node(n.BoolOp)),
        Feature("truth", "a number or an array as a condition", plant.truth, has.tested),
        Feature("chained", "a chained comparison (a < b <= c)", plant.chained,
            has.node(n.Compare, lambda compare: len(compare.ops) > 1)),
        Feature("ternary", "a conditional expression", plant.choice("ternary"), has.node(n.IfExp)),
        Feature("where", "wp.where", plant.choice("where"), has.node(n.Call, lambda call: call.name == "where")),
    ),
    "types": (
        Feature("bool_data", "an array or a parameter of bool", plant.bool_data,
            has.parameter(lambda type_: t.BOOL in (type_, isinstance(type_, t.Array) and type_.dtype)),
            needs=("scalar_param",), allowed="rare"),
        Feature("float16", "a half precision value", plant.of_dtype(t.FLOAT16), has.dtype("float16"),
            dtypes=_has(t.FLOAT16), allowed="rare"),
        Feature("float64", "a double precision value", plant.of_dtype(t.FLOAT64), has.dtype("float64"),
            dtypes=_has(t.FLOAT64)),
        Feature("small_int", "an integer of 8 or 16 bits", plant.integer_where(_of_bits(8, 16)), has.dtype("small_int"),
            dtypes=_some(_of_bits(8, 16))),
        Feature("wide_int", "an integer of 64 bits", plant.integer_where(_of_bits(64)), has.dtype("wide_int"),
            dtypes=_some(_of_bits(64))),
        Feature("unsigned", "an unsigned integer", plant.integer_where(_is_unsigned), has.scalar(_is_unsigned),
            dtypes=_some(_is_unsigned)),
        Feature("vector", "an operation that makes a vector", plant.of_type(vector_type), has.composite("vector")),
        Feature("matrix", "an operation that makes a matrix", plant.of_type(matrix_type), has.composite("matrix")),
        Feature("quaternion", "an operation that makes or takes a quaternion",
            plant.builtin("quaternion", lambda ctx: t.Quaternion(float_dtype(ctx))),
            has.either(has.composite("quaternion"), has.builtin("quaternion")), needs=("vector", "matrix"),
            dtypes=_float),
        Feature("transform", "an operation that makes or takes a transform",
            plant.builtin("transform", lambda ctx: t.Transform(float_dtype(ctx))),
            has.either(has.composite("transform"), has.builtin("transform")), needs=("vector", "quaternion", "matrix"),
            dtypes=_float),
        Feature("spatial", "a spatial vector or matrix, or another long vector",
            plant.builtin("spatial", lambda ctx: t.Vector(6, float_dtype(ctx))),
            has.either(has.long_value, has.builtin("spatial")), needs=("vector", "matrix"), dtypes=_float,
            allowed="rare"),
        Feature("decomposition", "a value taken apart by a builtin (qr3, svd3, quat_to_axis_angle)",
            local_variables.decompose, lambda shown: "decomposition" in shown.groups, needs=("matrix", "vector"),
            dtypes=_float, allowed="rare"),
        Feature("struct", "a struct", plant.struct, lambda shown: bool(shown.kernel.structs)),
        Feature("nested_struct", "a struct within a struct", functools.partial(plant.struct, nested=True),
            lambda shown: any(isinstance(f, t.Struct) for struct in shown.kernel.structs for _, f in struct.fields),
            needs=("struct",), allowed="rare"),
        Feature("struct_array", "an array of structs", plant.struct_array,
            has.parameter(lambda type_: isinstance(type_, t.Array) and isinstance(type_.dtype, t.Struct)),
            needs=("struct",)),
        Feature("array_field", "a parameter that is a struct with arrays in it", array_fields.use,
            has.parameter(lambda type_: isinstance(type_, t.Struct) and t.holds_array(type_)), needs=("struct",)),
    ),
    "places": (
        Feature("array_nd", "an array of two dimensions or more", plant.array_of(2), _dimensions(2)),
        Feature("array_3d", "an array of three dimensions or more", plant.array_of(3), _dimensions(3),
            needs=("array_nd",)),
        Feature("view", "a row or a slice of an array as an array of its own", plant.view,
            has.node(n.Index, lambda index: isinstance(index.type, t.Array)), needs=("array_nd",)),
        Feature("array_slice", "a slice of an array", plant.array_slice,
            has.node(n.Index, has.slice_of_array), needs=("view",)),
        Feature("optional_array", "an array that a launch may leave out, and that is asked for (if a:)",
            optional_arrays.asks, has.asked_array, needs=("truth", "if"), depth=1),
        Feature("search", "a binary search in a sorted array", plant.search, has.search, allowed="rare"),
        Feature("array_shape", "a.shape[0]", plant.array_shape, has.node(n.ArrayShape)),
        Feature("slice", "a slice of a vector, a matrix, a quaternion or a transform", plant.slice_,
            has.node(n.Index, has.slice_of_value), needs=("vector",)),
        Feature("component_store", "an assignment to a component of a local", plant.component_store,
            has.component_store, needs=("vector",)),
        Feature("element_component_store", "an assignment to a component or a field of an array's element",
            plant.element_component_store, has.element_component_store, needs=("vector",)),
        Feature("slice_store", "an assignment to a slice of a local", plant.slice_store,
            has.target(has.sliced), needs=("slice", "component_store")),
        Feature("computed_place", "an assignment to a place that an element or a call gives", plant.computed_place,
            has.target(has.computed), needs=("component_store",)),
        Feature("newer_place", "an assignment to a place that some supported release of Warp refuses",
            plant.newer_place, lambda shown: any(newer_places(shown.kernel)),
            needs=("element_component_store", "augmented", "atomic"), newer=True),
        Feature("augmented", "an augmented assignment", plant.augmented, has.node(n.AugAssign)),
        Feature("unpack", "an assignment to several names", local_variables.unpack_pair,
            has.node(n.Unpack, lambda unpack: len(unpack.values) > 1)),
        Feature("outlive", "a name that a block makes and that is read after the block", plant.outlive,
            lambda shown: any(map(has.outlives, shown.units)), needs=("if", "else", "for"), depth=1),
    ),
    "control flow": (
        Feature("if", "an if statement", plant.branching("if"), has.node(n.If), depth=1),
        Feature("else", "an if statement with an else", plant.branching("else"),
            has.node(n.If, lambda branch: bool(branch.orelse) and not has.elif_(branch)), needs=("if",), depth=1),
        Feature("elif", "an if statement with an elif", plant.branching("elif"), has.node(n.If, has.elif_),
            needs=("if",), depth=1),
        Feature("for", "a for loop", plant.loop(), has.node(n.For), depth=1),
        Feature("dynamic_for", "a for loop whose bounds are known only when it runs", plant.loop(dynamic=True),
            has.node(n.For, lambda loop: not all(isinstance(bound, n.Literal) for bound in loop.bounds)),
            needs=("for",), depth=1),
        Feature("range_step", "a range with a step", plant.loop(stepped=True),
            has.node(n.For, lambda loop: len(loop.bounds) == 3), needs=("for",), depth=1),
        Feature("while", "a while loop", control.while_loop, has.node(n.While), depth=1),
        Feature("nested_loop", "a loop in a loop", plant.loop(plant.loop()), has.nested_loop, needs=("for",), depth=2),
        Feature("break", "break", plant.breaking, has.node(n.Break), needs=("for", "if"), depth=2),
        Feature("continue", "continue", plant.continuing, has.node(n.Continue), needs=("for", "if"), depth=2),
        Feature("early_return", "a return before the end of a kernel", plant.early_return,
            lambda shown: shown.returns_early, needs=("if",), depth=1),
        Feature("early_exit", "break, continue or an early return", plant.early_exit,
            has.either(has.node(n.Break), has.node(n.Continue), lambda shown: shown.returns_early),
            needs=("early_return",), stands_for=("early_return", "break", "continue"), depth=1, allowed="always"),
    ),
    "module": (
        Feature("atomic", "an atomic operation on shared memory", buffers.atomic_update, has.atomic),
        Feature("scalar_param", "a parameter of the kernel that is a scalar", plant.scalar_param,
            has.parameter(lambda type_: isinstance(type_, t.Scalar)), allowed="always"),
        Feature("assigned_param", "a parameter that is assigned", plant.assigned_param, has.assigned_param,
            needs=("scalar_param",), allowed="rare"),
        Feature("tid_nd", "several names from wp.tid()", plant.tid_nd, has.node(n.Unpack, has.thread_indices),
            needs=("array_nd",)),
        Feature("function", "a call of a @wp.func", plant.call, has.node(n.CallFunction)),
        Feature("tuple_return", "a function that returns several values", user_functions.unpack_call,
            has.function(lambda function: isinstance(function.returns, t.Tuple)), needs=("function",)),
        Feature("procedure", "a function called for what it stores", user_functions.call_procedure,
            has.function(lambda function: function.returns is None), needs=("function",)),
        Feature("effect", "a function that stores, called for its value", plant.effect, has.effect,
            needs=("function",)),
        Feature("constant", "a constant of the module, or captured by a closure", plant.constant,
            lambda shown: bool(shown.kernel.constants)),
        Feature("static", "wp.static", plant.static,
            has.either(has.node(n.Static), has.node(n.CallFunction, lambda call: call.static))),
        Feature("static_counter", "wp.static of the counter of an unrolled loop", static_loops.static_loop,
            static_loops.has_counter, needs=("static", "for"), depth=1, allowed="rare"),
        Feature("closure", "a kernel made by a function, with captured values", plant.constant,
            lambda shown: shown.kernel.closure and bool(shown.kernel.constants), needs=("constant",), allowed="rare"),
        # Atomics: every thread of a block would update the shared memory.
        Feature("tile", "operations on tiles", tile_blocks.block,
            has.node(n.Call, lambda call: call.name.startswith("tile")), needs=("view",), excludes=("atomic",),
            allowed="rare", dtypes=_has(t.FLOAT32, t.FLOAT64)),
    ),
}  # fmt: skip
FEATURES: dict[str, Feature] = {each.name: each for rows in GROUPS.values() for each in rows}

# What the swarm never switches off: without these there is nothing left to draw.
ALWAYS = frozenset(each.name for each in FEATURES.values() if each.allowed == "always")

# What a campaign leaves out where a release of Warp does not have it.
NEWER = frozenset(each.name for each in FEATURES.values() if each.newer)

# What keeps the grammar's operands in their domains: a kernel cannot do without.
INDISPENSABLE = frozenset({"arithmetic", "math"})


def features(kernel: n.Kernel, shown: has.Inventory | None = None) -> frozenset[str]:
    """The names of the features that a kernel has; ``shown`` is its inventory, where that is there already."""
    shown = shown or has.Inventory(kernel)
    return frozenset(name for name, feature in FEATURES.items() if feature.found(shown))


@functools.lru_cache(maxsize=4096)
def with_needs(wanted: frozenset[str]) -> frozenset[str]:
    """The features, with all that they need."""
    result, queue = set(wanted), list(wanted)
    while queue:
        needed = set(FEATURES[queue.pop()].needs) - result
        result |= needed
        queue += needed
    return frozenset(result)


@functools.lru_cache(maxsize=4096)
def unavailable(exclude: frozenset[str], dtypes: tuple[t.Scalar, ...], depth: int) -> frozenset[str]:
    """The features that the options rule out, by themselves or through what they need."""
    out = set(exclude).union(*(FEATURES[feature].stands_for for feature in exclude))
    out |= {f.name for f in FEATURES.values() if f.depth > depth or (f.dtypes and not f.dtypes(dtypes))}
    out |= {f.name for f in FEATURES.values() if f.one_of and out.issuperset(f.one_of)}
    return frozenset(name for name in FEATURES if with_needs(frozenset({name})) & out)
