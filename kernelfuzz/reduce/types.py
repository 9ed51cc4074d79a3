"""Cuts of types: 32-bit scalars, shorter vectors, a field instead of a struct, fewer fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.rewrite import Part, transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce.defaults import default
from kernelfuzz.reduce.edit import Change, Edit, Tree
from kernelfuzz.reduce.retype import FieldOf, TypeMap, everywhere, retyped


def types_of(tree: Tree) -> list[t.Type]:
    """Every type in the kernel, those inside others included, in order of appearance."""
    found: dict[t.Type, None] = {}

    def add(type_: t.Type) -> None:
        if type_ in found:
            return
        found[type_] = None
        match type_:
            case t.Vector(dtype=inner) | t.Matrix(dtype=inner) | t.Quaternion(dtype=inner) | t.Transform(dtype=inner):
                add(inner)
            case t.Array(dtype=inner) | t.Tile(dtype=inner):
                add(inner)
            case t.Struct(fields=fields):
                for _, field in fields:
                    add(field)
            case t.Tuple(elements=elements):
                for element in elements:
                    add(element)
            case t.Scalar():
                pass

    for struct in tree.kernel.structs:
        add(struct)
    for node in walk(tree.kernel):
        type_ = node.returns if isinstance(node, n.Function) else getattr(node, "type", None)
        if type_ is not None:
            add(type_)
    return list(found)


def narrow_scalars(tree: Tree) -> Iterator[Edit]:
    """float64 and float16 as float32, every integer as int32, everywhere."""
    for type_ in types_of(tree):
        if isinstance(type_, t.Scalar) and type_ not in (t.BOOL, t.INT32, t.FLOAT32):
            yield _retype(("scalar", type_), {type_: t.FLOAT32 if type_.is_float else t.INT32})
            if type_.kind == "uint":
                yield _retype(("unsigned", type_), {type_: t.UINT32})


def shrink_composites(tree: Tree) -> Iterator[Edit]:
    """Vectors and matrices with fewer components, or none: one type at a time, and all of one size."""
    found = types_of(tree)
    for type_ in found:
        for new in _smaller(type_):
            yield _retype((type_, new), {type_: new})
    sizes = {size for each in found if isinstance(each, (t.Vector, t.Matrix)) for size in t.shape(each)}
    for size in sorted(sizes - {1, 2}, reverse=True):
        for new_size in range(2, size):
            yield Edit(1, ("size", size, new_size), change=_resized(size, new_size))


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
        case _:
            pass


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
        struct = _struct(case, name)
        type_ = None if struct is None else struct.field(field)
        if struct is None or type_ is None:
            return None
        return retyped(case, lambda known: type_ if known == struct else known, FieldOf(struct, field))

    return change


def _struct(case: Case, name: str) -> t.Struct | None:
    return next((struct for struct in case.kernel.structs if struct.name == name), None)


def drop_fields(tree: Tree) -> Iterator[Edit]:
    """A field of a struct, unless it is the only one: an array of nothing has no length."""
    for struct in tree.kernel.structs:
        for field, _ in struct.fields if len(struct.fields) > 1 else ():
            yield Edit(6, ("field", struct.name, field), change=_without_field(struct.name, field))


def _without_field(name: str, field: str) -> Change:
    def change(case: Case) -> Case | None:
        struct = _struct(case, name)
        if struct is None or struct.field(field) is None or len(struct.fields) == 1:
            return None
        position = [key for key, _ in struct.fields].index(field)
        smaller = t.Struct(name, tuple([each for each in struct.fields if each[0] != field]))
        gone: list[n.Node] = []

        def drop(node: n.Node) -> n.Node | Part:
            match node:
                case n.Attribute(value=value, name=key, type=type_) if value.type == struct and key == field:
                    new = default(type_) or n.Literal(0, t.INT32)
                    gone.append(new)
                    return new
                case n.Construct(type=type_, args=args) if type_ == struct and args:
                    return n.Construct(struct, (*args[:position], *args[position + 1 :]))
                case n.Assign(target=target) | n.AugAssign(target=target) if _is_in(target, gone):
                    return ()
                case _:
                    return node

        kernel = transform(case.kernel, drop)
        inputs = {
            param.name: _input_without(case.launch.inputs[param.name], param.type, struct, field)
            for param in kernel.params
        }
        mapped: TypeMap = everywhere(lambda known: smaller if known == struct else known)
        typed = retyped_nodes(replace(case, kernel=kernel), mapped)
        return Case(typed, replace(case.launch, inputs=inputs))

    return change


def _is_in(target: n.Expr, gone: list[n.Node]) -> bool:
    """Whether a target is, or is a part of, something that was dropped."""
    value = target
    while True:
        if any(value is each for each in gone):
            return True
        inner = getattr(value, "value", None)
        if inner is None or isinstance(value, n.Literal):
            return False
        value = inner


def retyped_nodes(case: Case, mapped: TypeMap) -> n.Kernel:
    """The kernel with types replaced, where no value changes its components."""
    kernel = case.kernel

    def change(node: n.Node) -> n.Node:
        type_ = getattr(node, "type", None)
        return node if type_ is None or mapped(type_) == type_ else replace(node, type=mapped(type_))  # pyright: ignore

    new = transform(kernel, change)
    functions = tuple(
        [each if each.returns is None else replace(each, returns=mapped(each.returns)) for each in new.functions]
    )
    structs = tuple([mapped(struct) for struct in kernel.structs])
    return replace(new, functions=functions, structs=structs)  # pyright: ignore


def _input_without(value: Input, type_: t.Type, struct: t.Struct, field: str) -> Input:
    element = type_.dtype if isinstance(type_, t.Array) else type_
    if not isinstance(value, dict) or not isinstance(element, t.Struct):
        return value
    return {
        name: _input_without(value[name], inner, struct, field)
        for name, inner in element.fields
        if not (element == struct and name == field)
    }
