"""What Warp's own objects are, in the words of the tree: types, values, functions and their parts."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.toolchain.compat import installed


def tree_type(value: Any) -> t.Type | None:
    """The type that an object of Python is to Warp; None for what is no type, generic or unknown to the tree."""
    loaded = installed.load_warp()
    types = loaded.types
    if isinstance(value, loaded.codegen.Struct):
        fields = [(name, tree_type(each.type)) for name, each in value.vars.items()]
        known = tuple([(name, type_) for name, type_ in fields if type_ is not None])
        return t.Struct(value.key.rpartition(".")[2], known) if len(known) == len(fields) else None
    if _is_array_type(value):
        plain = types.matches_array_class if hasattr(types, "matches_array_class") else isinstance
        element = tree_type(value.dtype) if plain(value, loaded.warp.array) else None
        if element is None or isinstance(element, (t.Array, t.Tile, t.Tuple)):
            return None
        return t.Array(element, value.ndim)
    if not isinstance(value, type):
        return None
    if hasattr(value, "_wp_scalar_type_") and hasattr(value, "_shape_"):
        return _composite_type(value)
    scalar = types.type_to_warp(value)
    return t.SCALAR_BY_NAME.get("bool" if scalar is bool else getattr(scalar, "__name__", ""))


def _is_array_type(value: Any) -> bool:
    loaded = installed.load_warp()
    # An annotation is an array without data.
    return not isinstance(value, type) and loaded.types.is_array(value)


def _composite_type(value: Any) -> t.Type | None:
    types = installed.load_warp().types
    dtype = tree_type(value._wp_scalar_type_)
    if not isinstance(dtype, t.Scalar):
        return None
    shape = tuple(value._shape_)
    if types.type_is_quaternion(value):
        return t.Quaternion(dtype)
    if types.type_is_transformation(value):
        return t.Transform(dtype)
    if not all(isinstance(size, int) for size in shape):
        return None
    return t.Vector(shape[0], dtype) if len(shape) == 1 else t.Matrix(shape[0], shape[1], dtype)


def tree_value(value: Any) -> n.Literal | n.Construct | None:
    """A scalar, vector, matrix, quaternion or transform of Warp as a node; None for anything else."""
    if isinstance(value, (bool, int, float)):
        return None
    type_ = tree_type(type(value))
    match type_:
        case t.Scalar():
            # The number may be one of numpy, or a member of an enumeration.
            return n.Literal(float(value.value) if type_.is_float else int(value.value), type_)
        case t.Vector() | t.Quaternion():
            return n.Construct(type_, _literals(value, type_.dtype))
        case t.Matrix():
            rows = [value[row] for row in range(type_.rows)]
            return n.Construct(type_, tuple([part for row in rows for part in _literals(row, type_.dtype)]))
        case t.Transform(dtype=dtype):
            parts = _literals(value, dtype)
            position = n.Construct(t.Vector(3, dtype), parts[:3])
            return n.Construct(type_, (position, n.Construct(t.Quaternion(dtype), parts[3:])))
        case _:
            return None


def _literals(values: Any, dtype: t.Scalar) -> tuple[n.Literal, ...]:
    plain = [getattr(each, "value", each) for each in values]
    return tuple([n.Literal(float(each) if dtype.is_float else int(each), dtype) for each in plain])


def is_exported(value: type) -> bool:
    """Whether a class has a name in the ``warp`` package itself: kernels know it by that."""
    return getattr(installed.load_warp().warp, value.__name__, None) is value


def builtin_name(value: Any) -> str | None:
    """The name of a builtin of Warp; None for anything else."""
    is_function = isinstance(value, installed.load_warp().context.Function)
    return str(value.key) if is_function and value.is_builtin() else None


def overloads_of(value: Any) -> tuple[Any, ...]:
    """The functions under one ``@wp.func`` name, without those that Warp made of generic ones; () for anything else."""
    context = installed.load_warp().context
    if not isinstance(value, context.Function) or value.is_builtin():
        return ()
    made = [*value.user_overloads.values(), *value.user_templates.values()]
    written = [each for each in made if getattr(each, "generic_parent", None) is None]
    return tuple(written) or (value,)


def written_source(value: Any) -> tuple[str, int]:
    """The text of a kernel or a function of Warp from its first decorator on, and the line that it starts in."""
    return value.adj.source, value.adj.fun_lineno


def own_types(value: Any) -> dict[str, t.Type]:
    """The types of the parameters of a kernel or a function of Warp that are not generic and that the tree has."""
    found = {name: tree_type(type_) for name, type_ in value.adj.arg_types.items() if name != "return"}
    return {name: type_ for name, type_ in found.items() if type_ is not None}


def captured_values(value: Any) -> dict[str, Any]:
    """What a kernel or a function of Warp captures from the functions around it."""
    return dict(inspect.getclosurevars(value.func).nonlocals)


def native_texts(value: Any) -> tuple[str, ...]:
    """The C++ of a function of ``@wp.func_native``: of its body, its adjoint and its replay; () for any other."""
    names = ("native_snippet", "adj_native_snippet", "replay_snippet")
    texts = [getattr(value, name, None) or "" for name in names]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def beyond_a_tree(value: Any) -> str:
    """What a function of Warp has that no tree can say; empty where nothing."""
    if getattr(value, "custom_grad_func", None) is not None or getattr(value, "custom_replay_func", None) is not None:
        return f"{value.key} has a gradient of its own"
    return ""


def definition(value: Any) -> ast.FunctionDef:
    """The syntax tree of what was written, with the lines of its file."""
    text, line = written_source(value)
    (found,) = [each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)]
    # Lines are counted from 0 or from 1 in releases.
    ast.increment_lineno(found, max(0, line - 1))
    return found
