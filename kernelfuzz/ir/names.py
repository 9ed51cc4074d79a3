"""The names of a kernel: which it has, which are free, which name a place belongs to, and renaming."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal, TypeAlias, cast

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.fields import map_fields
from kernelfuzz.ir.types import Array, Struct
from kernelfuzz.ir.walk import bound_names


class FreshNames:
    """Names that are not taken, each given once: ``fresh("copy")`` is ``copy0``, then ``copy1``, ..."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def __call__(self, prefix: str) -> str:
        number = self._next.get(prefix, 0)
        while (name := f"{prefix}{number}") in self._taken:
            number += 1
        self._next[prefix] = number + 1
        self._taken.add(name)
        return name


def own_names(kernel: n.Kernel) -> frozenset[str]:
    """Every name that the author of a kernel chose, wherever in its module."""
    names = {constant.name for constant in kernel.constants}
    for function in (*kernel.functions, kernel):
        names.add(function.name)
        names.update(param.name for param in function.params)
        names |= bound_names(function.body)
    for struct in kernel.structs:
        names.add(struct.name)
        names.update(field for field, _ in struct.fields)
    return frozenset(names)


def root_of(place: n.Expr) -> n.Expr:
    """What a place or a view starts from: the expression without its indices and attributes."""
    while isinstance(place, (n.Index, n.Attribute)):
        place = place.value
    return place


def root_name(place: n.Expr) -> str:
    """The name that a place or a view starts from; empty where it starts from no name."""
    root = root_of(place)
    return root.id if isinstance(root, n.Name) else ""


def is_local(place: n.Expr) -> bool:
    """Whether this is a local or a part of one, not of an array."""
    while isinstance(place, (n.Index, n.Attribute)):
        place = place.value
        if isinstance(place.type, Array):
            return False
    return isinstance(place, n.Name)


# ------------------------------------------------------------------- renaming

Kind: TypeAlias = Literal["kernel", "function", "struct", "field", "constant", "param", "variable"]

# (kind, owner, name) -> new name.  The owner of a field is its struct, the owner of a parameter or a
# variable its function, each by its old name; everything else, and what the kernel owns, belongs to "".
NewName: TypeAlias = Callable[[Kind, str, str], str]

CANONICAL_PREFIX: dict[Kind, str] = {
    "function": "f",
    "struct": "s",
    "field": "m",
    "constant": "k",
    "param": "a",
    "variable": "v",
}


def canonical_names() -> NewName:
    """Numbers by order of first appearance: f0, s0, k0; a0, v0 in each function; m0 in each struct."""
    chosen: dict[tuple[str, str, str], str] = {}
    used: dict[tuple[str, str], int] = {}

    def new_name(kind: Kind, owner: str, name: str) -> str:
        if kind == "kernel":
            return "kernel"
        known = chosen.get((kind, owner, name))
        if known is None:
            number = used.get((kind, owner), 0)
            used[kind, owner] = number + 1
            known = chosen[kind, owner, name] = f"{CANONICAL_PREFIX[kind]}{number}"
        return known

    return new_name


def with_suffix(kernel: n.Kernel, suffix: str) -> n.Kernel:
    """Return the kernel with ``suffix`` appended to every name that belongs to its module."""

    def new_name(kind: Kind, owner: str, name: str) -> str:
        return name + suffix if kind in ("kernel", "function", "struct", "constant") else name

    return rename(kernel, new_name)


def rename(kernel: n.Kernel, new_name: NewName) -> n.Kernel:
    """The kernel with every name replaced by what ``new_name`` says; builtins and ``v.x`` keep theirs.

    ``new_name`` must give different names of one owner different new names, and must not give a name
    of a function a new name that the module has already.
    """
    module = _renaming(kernel, new_name, "", kernel)
    structs = tuple([module(struct) for struct in kernel.structs])
    constants = [_renamed_constant(known, new_name("constant", "", known.name)) for known in kernel.constants]
    functions: list[n.Function] = []
    for function in kernel.functions:
        renamed = _renaming(kernel, new_name, function.name, function)
        name, params = new_name("function", "", function.name), renamed(function.params)
        if function.native:  # its C++ has the names of its parameters
            named = zip(params, function.params, strict=True)
            params = tuple([replace(new, name=old.name) for new, old in named])
        made = replace(function, name=name, params=params, returns=renamed(function.returns))
        functions.append(replace(made, body=renamed(function.body)))
    return n.Kernel(
        name=new_name("kernel", "", kernel.name),
        params=module(kernel.params),
        body=module(kernel.body),
        functions=tuple(functions),
        structs=structs,
        constants=tuple(constants),
        closure=kernel.closure,
    )


def _renamed_constant(constant: n.Constant, name: str) -> n.Constant:
    # A name without a dot is no member of an enumeration any more.
    return n.Constant(name, constant.value, constant.enumeration if "." in name else "")


def _renaming(kernel: n.Kernel, new_name: NewName, owner: str, function: n.Function | n.Kernel) -> Callable[[Any], Any]:
    """Return the function that renames the parameters and the body of one function of the kernel."""
    kinds: dict[str, Kind] = {constant.name: "constant" for constant in kernel.constants}
    kinds.update(dict.fromkeys(bound_names(function.body), "variable"))
    kinds.update({param.name: "param" for param in function.params})

    def variable(name: str) -> str:
        kind = kinds.get(name, "variable")
        return new_name(kind, "" if kind == "constant" else owner, name)

    def renamed(value: Any) -> Any:
        match value:
            case tuple():
                return tuple([renamed(element) for element in cast(tuple[Any, ...], value)])
            case n.Name(id=name, type=type_):
                return n.Name(variable(name), renamed(type_))
            case n.Param(name=name, type=type_):
                return n.Param(variable(name), renamed(type_))
            case n.For(name=name, bounds=bounds, body=body):
                return n.For(variable(name), renamed(bounds), renamed(body))
            case n.Unpack(names=names, values=values):
                return n.Unpack(tuple([variable(name) for name in names]), renamed(values))
            case n.CallFunction(name=name, args=args, type=type_, static=static):
                return n.CallFunction(new_name("function", "", name), renamed(args), renamed(type_), static)
            case n.Call(keywords=keywords):
                renamed_keywords = tuple([(key, renamed(value)) for key, value in keywords])
                return n.Call(value.name, renamed(value.args), renamed(value.type), renamed_keywords)
            case n.Attribute(value=base, name=name):
                if isinstance(base.type, Struct):
                    name = new_name("field", base.type.name, name)
                return n.Attribute(renamed(base), name, renamed(value.type))
            case Struct(name=name, fields=members):
                new_fields = [(new_name("field", name, key), renamed(type_)) for key, type_ in members]
                return Struct(new_name("struct", "", name), tuple(new_fields))
            case _:
                # Everything else carries no name of its own.
                return map_fields(value, renamed)

    return renamed
