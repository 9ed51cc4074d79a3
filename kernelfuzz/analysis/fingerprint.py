"""When two kernels are the same but for their names, and when they have the same shape.

A tree is written down in one canonical text and hashed.  The text is a prefix code: each entry says how
many entries follow it, so that two different trees never have the same text.  It holds what the source
text holds: the types that a well-typed expression has anyway are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.fields import BLOCKS, CHILDREN
from kernelfuzz.ir.names import canonical_names, rename
from kernelfuzz.ir.walk import blocks, bound_names, heads, literal_text

# A change of the canonical text must change this, or hashes of two versions would be compared.  It is a salt:
# the module that it names is gone, and renaming it would change every hash.
VERSION = "kernelfuzz.ir.normalize 1"


def fingerprint(kernel: n.Kernel) -> str:
    """Equal for two kernels exactly when they are equal up to the names that their author chose."""
    return hashed(canonical_tokens(kernel))


def canonical_tokens(kernel: n.Kernel) -> list[str]:
    """The canonical text that a fingerprint is the hash of, in its parts: what two similar kernels share."""
    return _canonical(_Numbered(), kernel)


def hashed(tokens: list[str]) -> str:
    """The fingerprint of the kernel that has these canonical tokens."""
    return blake2b("\n".join(tokens).encode(), digest_size=16).hexdigest()


def skeleton(kernel: n.Kernel) -> str:
    """Equal for two kernels that differ only in names, literals, builtins and types."""
    return hashed(_canonical(_Masked(), kernel))


def identity(kernel: n.Kernel) -> str:
    """Equal for two kernels exactly when they have the same source text; much faster than rendering it."""
    declared = [kernel.name, *[constant.name for constant in kernel.constants]]
    for struct in kernel.structs:
        declared += [struct.name, *[name for name, _ in struct.fields]]
    lines = [f"declared {len(declared)}", *declared, *_canonical(_Spelled(), kernel)]
    return hashed(lines)


def alpha_normalize(kernel: n.Kernel) -> n.Kernel:
    """The kernel under canonical names: equal for two kernels that are equal up to renaming."""
    return rename(kernel, canonical_names())


# --------------------------------------------------------------------- names


class _Numbers(dict[str, str]):
    """Numbers for names, by order of first appearance.  A dict, because known names cost no call."""

    def __missing__(self, name: str) -> str:
        self[name] = number = str(len(self))
        return number


class _Mask(dict[str, str]):
    """One symbol for every name."""

    def __init__(self, symbol: str) -> None:
        super().__init__()
        self.symbol = symbol

    def __missing__(self, name: str) -> str:
        return self.symbol


class _Same(dict[str, str]):
    """Each name itself."""

    def __missing__(self, name: str) -> str:
        return name


class _Numbered:
    """How a fingerprint writes down what an author may choose."""

    def __init__(self) -> None:
        self.builtins: dict[str, str] = _Same()
        self.functions: dict[str, str] = _Numbers()
        self.structs: dict[str, str] = _Numbers()
        self.types: dict[int, str] = {}
        self.names: dict[str, str] = {}

    def enter(self, kernel: n.Kernel, function: n.Kernel | n.Function) -> None:
        """Start the scope of a function, where the module's constants come first."""
        self.names = names = _Numbers()
        if kernel.constants:
            own = bound_names(function.body) | {param.name for param in function.params}
            for number, constant in enumerate(kernel.constants):
                # What the function binds is its own, even where a constant has the same name.
                visible = constant.name not in own
                names[constant.name if visible else f"hidden {number}"] = f"constant {number}"

    def literal(self, node: n.Literal) -> str:
        return f"{node.type.name} {literal_text(node)}"

    def integer(self, value: int | None) -> str:
        return str(value)

    def attribute(self, node: n.Attribute) -> str:
        owner = node.value.type
        if isinstance(owner, t.Struct):
            for position, (name, _) in enumerate(owner.fields):
                if name == node.name:
                    return str(position)
        return node.name

    def type(self, type_: t.Type) -> str:
        # Keyed by identity: a kernel holds its types for as long as this lives, and hashing a type
        # costs more than writing it down.
        known = self.types.get(id(type_))
        if known is None:
            known = self.types[id(type_)] = self.spell(type_)
        return known

    def spell(self, type_: t.Type) -> str:
        match type_:
            case t.Scalar():
                return type_.name
            case t.Vector():
                return f"vector {type_.length} {type_.dtype.name}"
            case t.Matrix():
                return f"matrix {type_.rows} {type_.columns} {type_.dtype.name}"
            case t.Quaternion():
                return f"quaternion {type_.dtype.name}"
            case t.Transform():
                return f"transform {type_.dtype.name}"
            case t.Struct():
                fields = [self.type(field) for _, field in type_.fields]
                return f"struct {self.structs[type_.name]} {len(fields)} {' '.join(fields)}"
            case t.Array():
                return f"array {type_.ndim} {self.type(type_.dtype)}"
            case t.Tile():
                return f"tile {type_.shape} {type_.dtype.name}"
            case t.Tuple():
                elements = [self.type(element) for element in type_.elements]
                return f"tuple {len(elements)} {' '.join(elements)}"
            case _:
                return assert_never(type_)

    def keyword(self, value: n.Keyword) -> str:
        if isinstance(value, (bool, int, str, tuple)):
            return repr(value)
        return self.type(value)


class _Spelled(_Numbered):
    """How an identity writes it down: every name as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.functions = _Same()
        self.structs = _Same()
        self.names = _Same()

    def enter(self, kernel: n.Kernel, function: n.Kernel | n.Function) -> None:
        """Every name is itself in every scope."""

    def attribute(self, node: n.Attribute) -> str:
        return node.name

    def literal(self, node: n.Literal) -> str:
        # What has the same text as a literal is written as this is: -3, and a conversion as in wp.int8(3).
        text = literal_text(node)
        plain = t.BOOL if node.type == t.BOOL else t.FLOAT32 if node.type.is_float else t.INT32
        lines = [] if node.type == plain else ["cast", node.type.name]
        lines += ["unary -"] if text.startswith("-") else []
        return "\n".join([*lines, f"{plain.name} {text.removeprefix('-')}"])


class _Masked(_Numbered):
    """How a skeleton writes it down: one symbol for each sort of thing."""

    def __init__(self) -> None:
        super().__init__()
        self.builtins = _Mask("B")
        self.functions = _Mask("F")
        self.names = _Mask("N")

    def enter(self, kernel: n.Kernel, function: n.Kernel | n.Function) -> None:
        """No scope tells names apart."""

    def literal(self, node: n.Literal) -> str:
        return "L"

    def integer(self, value: int | None) -> str:
        return "" if value is None else "L"

    def attribute(self, node: n.Attribute) -> str:
        return "N"

    def type(self, type_: t.Type) -> str:
        return "T"

    def keyword(self, value: n.Keyword) -> str:
        return "L"


# ------------------------------------------------------------- canonical text

# What each class writes for itself, before its children; ``_write`` has names and literals.  Each entry says
# how many entries follow where the class leaves that open.
_OWN: dict[type[n.Node], Callable[[Any, _Numbered], tuple[str, ...]]] = {
    n.Unary: lambda node, s: (f"unary {node.op}",),
    n.Binary: lambda node, s: (node.op,),
    n.Compare: lambda node, s: (f"compare {' '.join(node.ops)}",),
    n.BoolOp: lambda node, s: (f"{node.op} {len(node.values)}",),
    n.IfExp: lambda node, s: ("ifexp",),
    n.Call: lambda node, s: (f"call {len(node.args)} {len(node.keywords)}", s.builtins[node.name]),
    n.CallFunction: lambda node, s: (
        f"function {len(node.args)}" + " static" * node.static, s.functions[node.name]
    ),
    n.Construct: lambda node, s: (f"construct {len(node.args)}", s.type(node.type)),
    n.Cast: lambda node, s: ("cast", s.type(node.type)),
    n.Index: lambda node, s: (f"index {len(node.indices)}",),
    n.Attribute: lambda node, s: (".", s.attribute(node)),
    n.ArrayShape: lambda node, s: (f"shape {s.integer(node.axis)}",),
    n.Static: lambda node, s: ("static",),
    n.Constant: lambda node, s: (),
    n.Slice: lambda node, s: ("slice " + ",".join([s.integer(part) for part in (node.start, node.stop, node.step)]),),
    n.Assign: lambda node, s: ("=",),
    n.AugAssign: lambda node, s: (f"{node.op}=",),
    n.ExprStmt: lambda node, s: ("expression",),
    n.If: lambda node, s: ("if",),
    n.For: lambda node, s: (f"for {len(node.bounds)}", s.names[node.name]),
    n.While: lambda node, s: ("while",),
    n.Unpack: lambda node, s: (
        f"unpack {len(node.names)} {len(node.values)}", *[s.names[name] for name in node.names]
    ),
    n.Return: lambda node, s: (f"return {len(node.values)}",),
    n.Break: lambda node, s: ("break",),
    n.Continue: lambda node, s: ("continue",),
    n.Pass: lambda node, s: ("pass",),
}  # fmt: skip


def _canonical(symbols: _Numbered, kernel: n.Kernel) -> list[str]:
    out = [VERSION, "closure" if kernel.closure else "module"]
    out.append(f"structs {len(kernel.structs)}")
    out += [symbols.type(struct) for struct in kernel.structs]
    out.append(f"constants {len(kernel.constants)}")
    for constant in kernel.constants:
        _write(constant, out, symbols.names, symbols)
    out.append(f"functions {len(kernel.functions)}")
    for function in kernel.functions:
        out.append(symbols.functions[function.name])
        out.append("None" if function.returns is None else symbols.type(function.returns))
        out += [f"native {text}" for text in function.native]
        _write_function(function, out, kernel, symbols)
    _write_function(kernel, out, kernel, symbols)
    return out


def _write_function(function: n.Function | n.Kernel, out: list[str], kernel: n.Kernel, symbols: _Numbered) -> None:
    symbols.enter(kernel, function)
    out.append(f"params {len(function.params)}")
    for param in function.params:
        out += (symbols.names[param.name], symbols.type(param.type))
    _write_block(function.body, out, symbols.names, symbols)


def _write_block(block: n.Block, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    out.append(f"block {len(block)}")
    for statement in block:
        _write(statement, out, names, symbols)


def _write(node: Any, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    kind: type[n.Node] = node.__class__
    out += _OWN[kind](node, symbols)
    compound = kind in BLOCKS
    below: tuple[Any, ...] = heads(node) if compound else CHILDREN[kind](node)
    for child in below:
        kind_below: type[n.Node] = child.__class__
        if kind_below is n.Name:  # most of the nodes
            out.append(names[child.id])
        elif kind_below is n.Literal:
            out.append(symbols.literal(child))
        else:
            _write(child, out, names, symbols)
    if compound:
        for block in blocks(node):
            _write_block(block, out, names, symbols)
    elif kind is n.Call and node.keywords:
        out += [f"{key}={symbols.keyword(value)}" for key, value in node.keywords]
