"""Cuts of types: 32-bit scalars, shorter vectors, a field instead of a struct, fewer fields; everywhere at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.names import root_of
from kernelfuzz.ir.rewrite import Part, transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce.edit import Change, Edit, Tree, default, number, with_inputs
from kernelfuzz.typecheck.inference import subscript_type
from kernelfuzz.typecheck.scope import VerifyError

TypeMap: TypeAlias = Callable[[t.Type], t.Type]
COMPONENTS = "xyzw"


def narrow_scalars(tree: Tree) -> Iterator[Edit]:
    """float64 and float16 as float32, every integer as int32, everywhere."""
    for type_ in _types_of(tree):
        if isinstance(type_, t.Scalar) and type_ not in (t.BOOL, t.INT32, t.FLOAT32):
            yield _retype(("scalar", type_), {type_: t.FLOAT32 if type_.is_float else t.INT32})
            if type_.kind == "uint":
                yield _retype(("unsigned", type_), {type_: t.UINT32})


def shrink_composites(tree: Tree) -> Iterator[Edit]:
    """Vectors and matrices with fewer components, or none: one type at a time, and all of one size."""
    found = _types_of(tree)
    for type_ in found:
        for new in _smaller(type_):
            yield _retype((type_, new), {type_: new})
    sizes = {size for each in found if isinstance(each, (t.Vector, t.Matrix)) for size in t.shape(each)}
    for size in sorted(sizes - {1, 2}, reverse=True):
        for new_size in range(2, size):
            yield Edit(1, ("size", size, new_size), change=_resized(size, new_size))


def _types_of(tree: Tree) -> list[t.Type]:
    """Every type in the kernel, those inside others included, in order of appearance."""
    found: dict[t.Type, None] = {}

    def add(type_: t.Type) -> None:
        if type_ not in found:
            found[type_] = None
            for inner in _inner_types(type_):
                add(inner)

    for struct in tree.kernel.structs:
        add(struct)
    for node in walk(tree.kernel):
        type_ = node.returns if isinstance(node, n.Function) else getattr(node, "type", None)
        if type_ is not None:
            add(type_)
    return list(found)


def _inner_types(type_: t.Type) -> tuple[t.Type, ...]:
    match type_:
        case t.Scalar():
            return ()
        case t.Struct(fields=fields):
            return tuple([field for _, field in fields])
        case t.Tuple(elements=elements):
            return elements
        case _:
            return (type_.dtype,)


def _smaller(type_: t.Type) -> Iterator[t.Type]:
    match type_:
        case t.Vector(length=length, dtype=dtype):
            yield dtype
            yield from (t.Vector(size, dtype) for size in range(2, length))
        case t.Matrix(rows=rows, columns=columns, dtype=dtype):
            yield dtype
            for new in ((2, 2), (2, columns), (rows, 2), (rows, rows), (columns, columns)):
                if new[0] <= rows and new[1] <= columns and new != (rows, columns):
                    yield t.Matrix(*new, dtype)
        case t.Quaternion(dtype=dtype):
            yield dtype
            yield t.Vector(4, dtype)


def _retype(label: object, table: dict[t.Type, t.Type]) -> Edit:
    return Edit(1, ("retype", label), change=lambda case: retyped(case, lambda type_: table.get(type_, type_)))


def _resized(size: int, new_size: int) -> Change:
    def changed(type_: t.Type) -> t.Type:
        match type_:
            case t.Vector(length=length, dtype=dtype) if length == size:
                return t.Vector(new_size, dtype)
            case t.Matrix(rows=rows, columns=columns, dtype=dtype) if size in (rows, columns):
                return t.Matrix(new_size if rows == size else rows, new_size if columns == size else columns, dtype)
            case _:
                return type_

    return lambda case: retyped(case, changed)


# -------------------------------------------------------------------- structs


def structs_to_fields(tree: Tree) -> Iterator[Edit]:
    """A struct as one of its fields, everywhere."""
    for struct in tree.kernel.structs:
        for field, type_ in struct.fields:
            if not isinstance(type_, t.Array):
                yield Edit(8, ("field of", struct, field), change=_only_field(struct.name, field))


def _only_field(name: str, field: str) -> Change:
    def change(case: Case) -> Case | None:
        struct = _struct(case, name, field)
        if struct is None:
            return None
        type_ = dict(struct.fields)[field]
        return retyped(case, lambda known: type_ if known == struct else known, struct, (field,))

    return change


def _struct(case: Case, name: str, field: str) -> t.Struct | None:
    """The struct of a name, if it has a field."""
    return next((each for each in case.kernel.structs if each.name == name and each.field(field)), None)


def drop_fields(tree: Tree) -> Iterator[Edit]:
    """A field of a struct, unless it is the only one: an array of nothing has no length."""
    for struct in tree.kernel.structs:
        for field, _ in struct.fields if len(struct.fields) > 1 else ():
            yield Edit(6, ("field", struct.name, field), change=_without_field(struct.name, field))


def _without_field(name: str, field: str) -> Change:
    def change(case: Case) -> Case | None:
        struct = _struct(case, name, field)
        if struct is None or len(struct.fields) == 1:
            return None
        smaller = t.Struct(name, tuple([each for each in struct.fields if each[0] != field]))
        kept = tuple([key for key, _ in smaller.fields])
        return retyped(case, lambda known: smaller if known == struct else known, struct, kept)

    return change


# ------------------------------------------------------------- types of a kernel replaced


def everywhere(change: TypeMap) -> TypeMap:
    """``change`` inside structs, arrays and tuples too."""
    known: dict[t.Type, t.Type] = {}

    def mapped(type_: t.Type) -> t.Type:
        if type_ not in known:
            new = change(type_)
            known[type_] = inside(type_) if new == type_ else new
        return known[type_]

    def inside(type_: Any) -> t.Type:
        match type_:
            case t.Scalar():
                return type_
            case t.Array(dtype=dtype):
                return replace(type_, dtype=mapped(dtype))
            case t.Struct(name=name, fields=fields):
                return t.Struct(name, tuple([(key, mapped(field)) for key, field in fields]))
            case t.Tuple(elements=elements):
                return t.Tuple(tuple([mapped(element) for element in elements]))
            case _:
                return replace(type_, dtype=_scalar(mapped(type_.dtype), type_.dtype))

    return mapped


def _scalar(new: t.Type, old: t.Scalar) -> t.Scalar:
    return new if isinstance(new, t.Scalar) else old


def retyped(case: Case, change: TypeMap, struct: t.Struct | None = None, kept: tuple[str, ...] = ()) -> Case | None:
    """The case with every type replaced, or None where the types stay; verify has the last word on it.

    Indices beyond a smaller composite read its last component.  Of ``struct``, which becomes a smaller struct
    or its only kept field, the fields ``kept`` are left: reading another gives zero, a store to one is dropped.
    """
    mapped = everywhere(change)
    kernel = case.kernel
    body = transform(replace(kernel, structs=()), _Retyping(mapped, struct, kept).node)
    structs = [mapped(each) for each in kernel.structs]
    params = [replace(param, type=mapped(old.type)) for param, old in zip(body.params, kernel.params, strict=True)]
    functions = [
        function if function.returns is None else replace(function, returns=mapped(function.returns))
        for function in body.functions
    ]
    new = replace(
        body,
        structs=tuple([each for each in structs if isinstance(each, t.Struct)]),
        params=tuple(params),
        functions=tuple(functions),
    )
    if new == kernel and identity(new) == identity(kernel):
        return None
    given = case.launch.inputs
    inputs = {
        each.name: _converted(given[each.name], each.type, mapped(each.type), struct, kept) for each in kernel.params
    }
    return with_inputs(case, inputs, new)


class _Retyping:
    """What ``retyped`` does to each node, after its children."""

    def __init__(self, mapped: TypeMap, struct: t.Struct | None, kept: tuple[str, ...]) -> None:
        self.mapped = mapped
        self.struct = struct
        self.kept = kept
        # The values that stand for fields that are gone: a store to one of them, or to a part of it, goes too.
        self.gone: list[n.Expr] = []

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
            case n.Assign(target=target) | n.AugAssign(target=target) if any(
                root_of(target) is each for each in self.gone
            ):
                return ()
            case _:
                return node

    def scalar(self, type_: t.Scalar) -> t.Scalar:
        return _scalar(self.mapped(type_), type_)

    def keyword(self, value: Any) -> Any:
        return value if isinstance(value, (bool, int, str, tuple)) else self.mapped(value)

    def construct(self, old: t.Type, args: tuple[n.Expr, ...]) -> n.Expr:
        new = self.mapped(old)
        if self.struct is not None and old == self.struct and args:
            args = tuple([arg for (name, _), arg in zip(self.struct.fields, args, strict=True) if name in self.kept])
            return n.Construct(new, args) if _is_smaller(new, self.struct) else args[0]
        match old, new:
            case (t.Vector() | t.Matrix() | t.Quaternion(), t.Scalar()):
                return args[0] if args and args[0].type == new else number(new, 0)
            case (t.Struct(), t.Scalar() | t.Vector() | t.Matrix() | t.Quaternion() | t.Transform()):
                return number(new, 0) if isinstance(new, t.Scalar) else n.Construct(new, ())
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
                return n.Index(value, indices, _part_type(value.type, indices) or type_)
            case _:
                return n.Index(value, node.indices, type_)

    def attribute(self, node: n.Attribute) -> n.Expr:
        value, name = node.value, node.name
        if self.struct is not None and value.type == self.mapped(self.struct) and self.struct.field(name) == node.type:
            smaller = _is_smaller(value.type, self.struct)
            if name not in self.kept and (smaller or not isinstance(value.type, t.Struct)):
                new = default(self.mapped(node.type)) or n.Literal(0, t.INT32)
                self.gone.append(new)
                return new
            if name in self.kept and not smaller:
                return value
        if isinstance(value.type, t.Scalar):
            return value
        if isinstance(value.type, t.Vector) and name in COMPONENTS:
            name = COMPONENTS[min(COMPONENTS.index(name), value.type.length - 1)]
        return n.Attribute(value, name, self.mapped(node.type))


def _part_type(value: t.Type, indices: tuple[n.Expr | n.Slice, ...]) -> t.Type | None:
    """The type of a part of a value, where the part is not empty."""
    try:
        return subscript_type(value, indices)
    except VerifyError:
        return None


def _is_smaller(new: t.Type, old: t.Struct) -> bool:
    """Whether a type is what is left of a struct, not one of its fields."""
    return isinstance(new, t.Struct) and new.name == old.name


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


def _converted(value: Input, old: t.Type, new: t.Type, struct: t.Struct | None, kept: tuple[str, ...]) -> Input:
    """A value of the type ``old`` as one of ``new``: fewer fields or components, another dtype."""
    if value is None:
        return None
    if isinstance(old, t.Array) and isinstance(new, t.Array):
        return _converted(value, old.dtype, new.dtype, struct, kept)
    if isinstance(value, dict):
        assert isinstance(old, t.Struct)
        if not isinstance(new, t.Struct) or not _is_smaller(new, old):
            return value[kept[0]]
        fields = [name for name, _ in old.fields if old != struct or name in kept]
        types = dict(old.fields)
        return {
            name: _converted(value[name], types[name], new_field, struct, kept)
            for name, (_, new_field) in zip(fields, new.fields, strict=True)
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
