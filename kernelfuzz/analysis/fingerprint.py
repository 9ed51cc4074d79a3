"""When two kernels are the same but for their names, and when they have the same shape.

A tree is written down in one canonical text and hashed.  The text is a prefix code: each entry says how
many entries follow it, so that two different trees never have the same text.  It holds what the source
text holds: the types that a well-typed expression has anyway are left out.
"""

from __future__ import annotations

from hashlib import blake2b

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.rename import canonical_names, rename
from kernelfuzz.ir.walk import bound_names, literal_text

# A change of the canonical text must change this, or hashes of two versions would be compared.
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
    return _digest(_Masked(), kernel)


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

    def names(self, kernel: n.Kernel, function: n.Kernel | n.Function) -> dict[str, str]:
        """The names of one function's scope, where the module's constants come first."""
        names = _Numbers()
        if kernel.constants:
            own = bound_names(function.body) | {param.name for param in function.params}
            for number, constant in enumerate(kernel.constants):
                # What the function binds is its own, even where a constant has the same name.
                visible = constant.name not in own
                names[constant.name if visible else f"hidden {number}"] = f"constant {number}"
        return names

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
        self.same = _Same()

    def names(self, kernel: n.Kernel, function: n.Kernel | n.Function) -> dict[str, str]:
        return self.same

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
        self.any_name = _Mask("N")

    def names(self, kernel: n.Kernel, function: n.Kernel | n.Function) -> dict[str, str]:
        return self.any_name

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


def _digest(symbols: _Numbered, kernel: n.Kernel) -> str:
    return hashed(_canonical(symbols, kernel))


def _canonical(symbols: _Numbered, kernel: n.Kernel) -> list[str]:
    out = [VERSION, "closure" if kernel.closure else "module"]
    out.append(f"structs {len(kernel.structs)}")
    out += [symbols.type(struct) for struct in kernel.structs]
    out.append(f"constants {len(kernel.constants)}")
    out += [symbols.literal(constant.value) for constant in kernel.constants]
    out.append(f"functions {len(kernel.functions)}")
    for function in kernel.functions:
        out.append(symbols.functions[function.name])
        out.append("None" if function.returns is None else symbols.type(function.returns))
        _write_function(function, out, symbols.names(kernel, function), symbols)
    _write_function(kernel, out, symbols.names(kernel, kernel), symbols)
    return out


def _write_function(function: n.Function | n.Kernel, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    out.append(f"params {len(function.params)}")
    for param in function.params:
        out.append(names[param.name])
        out.append(symbols.type(param.type))
    _write_block(function.body, out, names, symbols)


def _write_block(block: n.Block, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    out.append(f"block {len(block)}")
    for statement in block:
        _write_statement(statement, out, names, symbols)


def _write_statement(node: n.Stmt, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    match node:
        case n.Assign():
            out.append("=")
            _write(node.target, out, names, symbols)
            _write(node.value, out, names, symbols)
        case n.AugAssign():
            out.append(f"{node.op}=")
            _write(node.target, out, names, symbols)
            _write(node.value, out, names, symbols)
        case n.ExprStmt():
            out.append("expression")
            _write(node.value, out, names, symbols)
        case n.If():
            out.append("if")
            _write(node.test, out, names, symbols)
            _write_block(node.body, out, names, symbols)
            _write_block(node.orelse, out, names, symbols)
        case n.For():
            out.append(f"for {len(node.bounds)}")
            out.append(names[node.name])
            for bound in node.bounds:
                _write(bound, out, names, symbols)
            _write_block(node.body, out, names, symbols)
        case n.While():
            out.append("while")
            _write(node.test, out, names, symbols)
            _write_block(node.body, out, names, symbols)
        case n.Unpack():
            out.append(f"unpack {len(node.names)} {len(node.values)}")
            out += [names[name] for name in node.names]
            for value in node.values:
                _write(value, out, names, symbols)
        case n.Return():
            out.append(f"return {len(node.values)}")
            for value in node.values:
                _write(value, out, names, symbols)
        case n.Break():
            out.append("break")
        case n.Continue():
            out.append("continue")
        case n.Pass():
            out.append("pass")
        case _:
            assert_never(node)


def _write(node: n.Expr | n.Slice, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    match node:
        case n.Name():
            out.append(names[node.id])
        case n.Literal():
            out.append(symbols.literal(node))
        case n.Binary():
            out.append(node.op)
            _write(node.left, out, names, symbols)
            _write(node.right, out, names, symbols)
        case n.Index():
            out.append(f"index {len(node.indices)}")
            _write(node.value, out, names, symbols)
            for index in node.indices:
                _write(index, out, names, symbols)
        case n.Call():
            out.append(f"call {len(node.args)} {len(node.keywords)}")
            out.append(symbols.builtins[node.name])
            for arg in node.args:
                _write(arg, out, names, symbols)
            for key, value in node.keywords:
                out.append(f"{key}={symbols.keyword(value)}")
        case n.Construct():
            out.append(f"construct {len(node.args)}")
            out.append(symbols.type(node.type))
            for arg in node.args:
                _write(arg, out, names, symbols)
        case n.Cast():
            out.append("cast")
            out.append(symbols.type(node.type))
            _write(node.operand, out, names, symbols)
        case n.Attribute():
            out.append(".")
            out.append(symbols.attribute(node))
            _write(node.value, out, names, symbols)
        case n.Compare():
            out.append(f"compare {' '.join(node.ops)}")
            _write(node.left, out, names, symbols)
            for comparator in node.comparators:
                _write(comparator, out, names, symbols)
        case n.BoolOp():
            out.append(f"{node.op} {len(node.values)}")
            for value in node.values:
                _write(value, out, names, symbols)
        case n.Unary():
            out.append(f"unary {node.op}")
            _write(node.operand, out, names, symbols)
        case n.IfExp():
            out.append("ifexp")
            _write(node.body, out, names, symbols)
            _write(node.test, out, names, symbols)
            _write(node.orelse, out, names, symbols)
        case n.CallFunction():
            out.append(f"function {len(node.args)}")
            out.append(symbols.functions[node.name])
            for arg in node.args:
                _write(arg, out, names, symbols)
        case n.ArrayShape():
            out.append(f"shape {symbols.integer(node.axis)}")
            _write(node.array, out, names, symbols)
        case n.Slice():
            parts = (node.start, node.stop, node.step)
            out.append("slice " + ",".join([symbols.integer(part) for part in parts]))
        case n.Static():
            out.append("static")
            _write(node.value, out, names, symbols)
        case _:
            assert_never(node)
