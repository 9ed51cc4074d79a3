"""A kernel and its inputs with every type replaced by another, everywhere at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.nodes import (
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Call,
    CallFunction,
    Cast,
    Construct,
    Expr,
    IfExp,
    Index,
    Literal,
    Name,
    Node,
    Slice,
    Static,
    Unary,
)
from kernelfuzz.ir.rewrite import Part, transform
from kernelfuzz.ir.types import (
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
    shape,
)
from kernelfuzz.reduce.defaults import default

TypeMap: TypeAlias = Callable[[Type], Type]
COMPONENTS = "xyzw"


@dataclass(frozen=True, slots=True)
class FieldOf:
    """A struct that becomes one of its fields."""

    struct: Struct
    field: str


def everywhere(change: TypeMap) -> TypeMap:
    """``change`` inside structs, arrays and tuples too."""
    known: dict[Type, Type] = {}

    def mapped(type_: Type) -> Type:
        if type_ not in known:
            known[type_] = _inside(type_)
        return known[type_]

    def _inside(type_: Type) -> Type:
        new = change(type_)
        if new != type_:
            return new
        match type_:
            case Vector(length=length, dtype=dtype):
                return Vector(length, _scalar(mapped(dtype), dtype))
            case Matrix(rows=rows, columns=columns, dtype=dtype):
                return Matrix(rows, columns, _scalar(mapped(dtype), dtype))
            case Quaternion(dtype=dtype):
                return Quaternion(_scalar(mapped(dtype), dtype))
            case Transform(dtype=dtype):
                return Transform(_scalar(mapped(dtype), dtype))
            case Tile(dtype=dtype, shape=sizes):
                return Tile(_scalar(mapped(dtype), dtype), sizes)
            case Array(dtype=dtype, ndim=ndim):
                return Array(mapped(dtype), ndim)  # pyright: ignore[reportArgumentType]
            case Struct(name=name, fields=fields):
                return Struct(name, tuple([(key, mapped(field)) for key, field in fields]))
            case Tuple(elements=elements):
                return Tuple(tuple([mapped(element) for element in elements]))
            case Scalar():
                return type_

    return mapped


def _scalar(new: Type, old: Scalar) -> Scalar:
    return new if isinstance(new, Scalar) else old


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
        self.kept: list[Node] = []

    def node(self, node: Node) -> Node | Part:
        match node:
            case Literal(value=value, type=type_):
                return _literal(value, self.scalar(type_))
            case Construct(type=type_, args=args):
                return self.construct(type_, args)
            case Index():
                return self.index(node)
            case Attribute():
                return self.attribute(node)
            case Call(keywords=keywords):
                words = tuple([(key, self.keyword(value)) for key, value in keywords])
                return replace(node, type=self.mapped(node.type), keywords=words)
            case Cast() | Static():
                return replace(node, type=self.scalar(node.type))
            case Name() | Unary() | Binary() | IfExp() | CallFunction():
                return replace(node, type=self.mapped(node.type))
            case Assign(target=target) | AugAssign(target=target) if id(target) in self.gone:
                return ()
            case _:
                return node

    def scalar(self, type_: Scalar) -> Scalar:
        return _scalar(self.mapped(type_), type_)

    def keyword(self, value: Any) -> Any:
        return value if isinstance(value, (bool, int, str, tuple)) else self.mapped(value)

    def construct(self, old: Type, args: tuple[Expr, ...]) -> Expr:
        new = self.mapped(old)
        if self.field_of is not None and old == self.field_of.struct and args:
            names = [name for name, _ in self.field_of.struct.fields]
            return args[names.index(self.field_of.field)]
        match old, new:
            case (Vector() | Matrix() | Quaternion(), Scalar()):
                return args[0] if args and args[0].type == new else _given(default(new))
            case (Struct(), Scalar() | Vector() | Matrix() | Quaternion() | Transform()):
                return _given(default(new))
            case (Vector(length=length), Vector()) if len(args) == length:
                return Construct(new, args[: new.length])
            case (Matrix(rows=rows, columns=columns), Matrix()) if len(args) == rows * columns:
                kept = [
                    args[row * columns + column] for row in range(new.rows) for column in range(new.columns)
                ]
                return Construct(new, tuple(kept))
            case _:
                return Construct(new, args)

    def index(self, node: Index) -> Expr:
        value = node.value
        if isinstance(value.type, Scalar):
            return value  # a component of what has become a scalar
        type_ = self.mapped(node.type)
        match value.type:
            case Vector() | Matrix() | Quaternion() | Transform():
                limits = shape(value.type)
                indices = tuple(
                    [_inside(each, size) for each, size in zip(node.indices, limits, strict=False)]
                )
                if isinstance(value.type, Vector) and isinstance(indices[0], Slice):
                    part = slice(indices[0].start, indices[0].stop, indices[0].step)
                    count = len(range(*part.indices(value.type.length)))
                    type_ = Vector(max(count, 1), value.type.dtype)
                return Index(value, indices, type_)
            case _:
                return Index(value, node.indices, type_)

    def attribute(self, node: Attribute) -> Expr:
        value, name = node.value, node.name
        if self.field_of is not None and value.type == self.mapped(self.field_of.struct):
            fields = dict(self.field_of.struct.fields)
            if name == self.field_of.field and node.type == fields[name]:
                return value
            if name in fields and not isinstance(value.type, Struct):
                new = default(self.mapped(node.type)) or value
                self.gone.add(id(new))
                self.kept.append(new)
                return new
        if isinstance(value.type, Scalar):
            return value
        if isinstance(value.type, Vector) and name in COMPONENTS:
            name = COMPONENTS[min(COMPONENTS.index(name), value.type.length - 1)]
        return Attribute(value, name, self.mapped(node.type))


def _given(node: Expr | None) -> Expr:
    assert node is not None, "every value has a default"
    return node


def _inside(index: Expr | Slice, size: int) -> Expr | Slice:
    match index:
        case Literal(value=int() as value):
            return replace(index, value=max(-size, min(value, size - 1)))
        case Slice(start=start, stop=stop, step=step):
            return Slice(_clipped(start, size), _clipped(stop, size), step)
        case _:
            return index


def _clipped(value: int | None, size: int) -> int | None:
    return None if value is None else max(-size, min(value, size))


def _literal(value: int | float | bool, type_: Scalar) -> Literal:
    if type_.kind == "bool":
        return Literal(bool(value), type_)
    if type_.is_float:
        return Literal(float(value), type_)
    low, high = type_.limits
    return Literal(max(low, min(int(value), high)) if value == value and abs(value) < 2**70 else 0, type_)


# --------------------------------------------------------------------- inputs


def converted(value: Input, old: Type, new: Type, field_of: FieldOf | None = None) -> Input:
    """A value of the type ``old`` as one of ``new``: fewer components, another dtype."""
    if isinstance(old, Array) and isinstance(new, Array):
        return converted(value, old.dtype, new.dtype, field_of)
    if isinstance(value, dict):
        assert isinstance(old, Struct)
        if field_of is not None and old == field_of.struct:
            return value[field_of.field]
        assert isinstance(new, Struct)
        return {
            name: converted(value[name], field, new_field, field_of)
            for (name, field), (_, new_field) in zip(old.fields, new.fields, strict=True)
        }
    match old, new:
        case (Vector(), Vector(length=length)):
            value = value[..., :length]
        case (Matrix(), Matrix(rows=rows, columns=columns)):
            value = value[..., :rows, :columns]
        case (Vector() | Quaternion() | Transform(), Scalar()):
            value = value[..., 0]
        case (Matrix(), Scalar()):
            value = value[..., 0, 0]
        case _:
            pass
    return _cast(np.asarray(value), new)


def _cast(value: np.ndarray[Any, Any], new: Type) -> np.ndarray[Any, Any]:
    assert not isinstance(new, (Struct, Array, Tuple, Tile))
    scalar = new if isinstance(new, Scalar) else new.dtype
    dtype = np.dtype(scalar.name)
    if value.dtype == dtype:
        return np.ascontiguousarray(value).reshape(value.shape)
    if scalar.is_integer:
        low, high = scalar.limits
        flat = [max(low, min(int(each), high)) for each in value.reshape(-1).tolist()]
        return np.array(flat, dtype=dtype).reshape(value.shape)
    with np.errstate(over="ignore"):
        return value.astype(dtype)
