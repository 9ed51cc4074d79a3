"""A kernel and its inputs with every type replaced by another, everywhere at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.rewrite import Part, transform
from kernelfuzz.reduce.defaults import default

TypeMap: TypeAlias = Callable[[t.Type], t.Type]
COMPONENTS = "xyzw"


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A struct that becomes one of its fields."""

    struct: t.Struct
    field: str


def everywhere(change: TypeMap) -> TypeMap:
    """``change`` inside structs, arrays and tuples too."""
    known: dict[t.Type, t.Type] = {}

    def mapped(type_: t.Type) -> t.Type:
        if type_ not in known:
            known[type_] = _inside(type_)
        return known[type_]

    def _inside(type_: t.Type) -> t.Type:
        new = change(type_)
        if new != type_:
            return new
        match type_:
            case t.Vector(length=length, dtype=dtype):
                return t.Vector(length, _scalar(mapped(dtype), dtype))
            case t.Matrix(rows=rows, columns=columns, dtype=dtype):
                return t.Matrix(rows, columns, _scalar(mapped(dtype), dtype))
            case t.Quaternion(dtype=dtype):
                return t.Quaternion(_scalar(mapped(dtype), dtype))
            case t.Transform(dtype=dtype):
                return t.Transform(_scalar(mapped(dtype), dtype))
            case t.Tile(dtype=dtype, shape=sizes):
                return t.Tile(_scalar(mapped(dtype), dtype), sizes)
            case t.Array(dtype=dtype, ndim=ndim):
                return t.Array(mapped(dtype), ndim)  # pyright: ignore[reportArgumentType]
            case t.Struct(name=name, fields=fields):
                return t.Struct(name, tuple([(key, mapped(field)) for key, field in fields]))
            case t.Tuple(elements=elements):
                return t.Tuple(tuple([mapped(element) for element in elements]))
            case t.Scalar():
                return type_

    return mapped


def _scalar(new: t.Type, old: t.Scalar) -> t.Scalar:
    return new if isinstance(new, t.Scalar) else old


def retyped(case: Case, change: TypeMap, field_of: FieldOf | None = None) -> Case | None:
    """The case with every type replaced, or None where the types stay; verify has the last word on it.

    Indices beyond a smaller composite read its last component.  With ``field_of`` the other fields of the
    struct are gone: reading one gives zero, a store to one is dropped.
    """
    mapped = everywhere(change)
    kernel = case.kernel
    rewrite = _Rewrite(mapped, field_of)
    body = transform(replace(kernel, structs=()), rewrite.node)
    gone = None if field_of is None else field_of.struct.name
    structs = tuple([mapped(struct) for struct in kernel.structs if struct.name != gone])
    params = tuple(
        [replace(param, type=mapped(old.type)) for param, old in zip(body.params, kernel.params, strict=True)]
    )
    functions = tuple(
        [
            function if function.returns is None else replace(function, returns=mapped(function.returns))
            for function in body.functions
        ]
    )
    new = replace(body, structs=structs, params=params, functions=functions)  # pyright: ignore
    if new == kernel and identity(new) == identity(kernel):
        return None
    inputs = {
        param.name: converted(case.launch.inputs[param.name], param.type, mapped(param.type), field_of)
        for param in kernel.params
    }
    return Case(new, replace(case.launch, inputs=inputs))


class _Rewrite:
    """What ``retyped`` does to each node, after its children."""

    def __init__(self, mapped: TypeMap, field_of: FieldOf | None) -> None:
        self.mapped = mapped
        self.field_of = field_of
        # What the new type of a part was made from: the old node is gone when its parent is rewritten.
        self.gone: set[int] = set()
        self.kept: list[n.Node] = []

    def node(self, node: n.Node) -> n.Node | Part:
        match node:
            case n.Literal(value=value, type=type_):
                return _literal(value, self.scalar(type_))
            case n.Construct(type=type_, args=args):
                return self.construct(type_, args)
            case n.Index():
                return self.index(node)
            case n.Attribute():
                return self.attribute(node)
            case n.Call(keywords=keywords):
                words = tuple([(key, self.keyword(value)) for key, value in keywords])
                return replace(node, type=self.mapped(node.type), keywords=words)
            case n.Cast() | n.Static():
                return replace(node, type=self.scalar(node.type))
            case n.Name() | n.Unary() | n.Binary() | n.IfExp() | n.CallFunction():
                return replace(node, type=self.mapped(node.type))
            case n.Assign(target=target) | n.AugAssign(target=target) if id(target) in self.gone:
                return ()
            case _:
                return node

    def scalar(self, type_: t.Scalar) -> t.Scalar:
        return _scalar(self.mapped(type_), type_)

    def keyword(self, value: Any) -> Any:
        return value if isinstance(value, (bool, int, str, tuple)) else self.mapped(value)

    def construct(self, old: t.Type, args: tuple[n.Expr, ...]) -> n.Expr:
        new = self.mapped(old)
        if self.field_of is not None and old == self.field_of.struct and args:
            names = [name for name, _ in self.field_of.struct.fields]
            return args[names.index(self.field_of.field)]
        match old, new:
            case (t.Vector() | t.Matrix() | t.Quaternion(), t.Scalar()):
                return args[0] if args and args[0].type == new else _given(default(new))
            case (t.Struct(), t.Scalar() | t.Vector() | t.Matrix() | t.Quaternion() | t.Transform()):
                return _given(default(new))
            case (t.Vector(length=length), t.Vector()) if len(args) == length:
                return n.Construct(new, args[: new.length])
            case (t.Matrix(rows=rows, columns=columns), t.Matrix()) if len(args) == rows * columns:
                kept = [args[row * columns + column] for row in range(new.rows) for column in range(new.columns)]
                return n.Construct(new, tuple(kept))
            case _:
                return n.Construct(new, args)

    def index(self, node: n.Index) -> n.Expr:
        value = node.value
        if isinstance(value.type, t.Scalar):
            return value  # a component of what has become a scalar
        type_ = self.mapped(node.type)
        match value.type:
            case t.Vector() | t.Matrix() | t.Quaternion() | t.Transform():
                limits = t.shape(value.type)
                indices = tuple([_inside(each, size) for each, size in zip(node.indices, limits, strict=False)])
                if isinstance(value.type, t.Vector) and isinstance(indices[0], n.Slice):
                    part = slice(indices[0].start, indices[0].stop, indices[0].step)
                    count = len(range(*part.indices(value.type.length)))
                    type_ = t.Vector(max(count, 1), value.type.dtype)
                return n.Index(value, indices, type_)
            case _:
                return n.Index(value, node.indices, type_)

    def attribute(self, node: n.Attribute) -> n.Expr:
        value, name = node.value, node.name
        if self.field_of is not None and value.type == self.mapped(self.field_of.struct):
            fields = dict(self.field_of.struct.fields)
            if name == self.field_of.field and node.type == fields[name]:
                return value
            if name in fields and not isinstance(value.type, t.Struct):
                new = default(self.mapped(node.type)) or value
                self.gone.add(id(new))
                self.kept.append(new)
                return new
        if isinstance(value.type, t.Scalar):
            return value
        if isinstance(value.type, t.Vector) and name in COMPONENTS:
            name = COMPONENTS[min(COMPONENTS.index(name), value.type.length - 1)]
        return n.Attribute(value, name, self.mapped(node.type))


def _given(node: n.Expr | None) -> n.Expr:
    assert node is not None, "every value has a default"
    return node


def _inside(index: n.Expr | n.Slice, size: int) -> n.Expr | n.Slice:
    match index:
        case n.Literal(value=int() as value):
            return replace(index, value=max(-size, min(value, size - 1)))
        case n.Slice(start=start, stop=stop, step=step):
            return n.Slice(_clipped(start, size), _clipped(stop, size), step)
        case _:
            return index


def _clipped(value: int | None, size: int) -> int | None:
    return None if value is None else max(-size, min(value, size))


def _literal(value: int | float | bool, type_: t.Scalar) -> n.Literal:
    if type_.kind == "bool":
        return n.Literal(bool(value), type_)
    if type_.is_float:
        return n.Literal(float(value), type_)
    low, high = type_.limits
    return n.Literal(max(low, min(int(value), high)) if value == value and abs(value) < 2**70 else 0, type_)


# --------------------------------------------------------------------- inputs


def converted(value: Input, old: t.Type, new: t.Type, field_of: FieldOf | None = None) -> Input:
    """A value of the type ``old`` as one of ``new``: fewer components, another dtype."""
    if isinstance(old, t.Array) and isinstance(new, t.Array):
        return converted(value, old.dtype, new.dtype, field_of)
    if isinstance(value, dict):
        assert isinstance(old, t.Struct)
        if field_of is not None and old == field_of.struct:
            return value[field_of.field]
        assert isinstance(new, t.Struct)
        return {
            name: converted(value[name], field, new_field, field_of)
            for (name, field), (_, new_field) in zip(old.fields, new.fields, strict=True)
        }
    match old, new:
        case (t.Vector(), t.Vector(length=length)):
            value = value[..., :length]
        case (t.Matrix(), t.Matrix(rows=rows, columns=columns)):
            value = value[..., :rows, :columns]
        case (t.Vector() | t.Quaternion() | t.Transform(), t.Scalar()):
            value = value[..., 0]
        case (t.Matrix(), t.Scalar()):
            value = value[..., 0, 0]
        case _:
            pass
    return _cast(np.asarray(value), new)


def _cast(value: np.ndarray[Any, Any], new: t.Type) -> np.ndarray[Any, Any]:
    assert not isinstance(new, (t.Struct, t.Array, t.Tuple, t.Tile))
    scalar = new if isinstance(new, t.Scalar) else new.dtype
    dtype = np.dtype(scalar.name)
    if value.dtype == dtype:
        return np.ascontiguousarray(value).reshape(value.shape)
    if scalar.is_integer:
        low, high = scalar.limits
        flat = [max(low, min(int(each), high)) for each in value.reshape(-1).tolist()]
        return np.array(flat, dtype=dtype).reshape(value.shape)
    with np.errstate(over="ignore"):
        return value.astype(dtype)
