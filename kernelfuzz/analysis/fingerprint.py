"""When two kernels are the same but for their names, and when they have the same shape.

A tree is written down in one canonical text and hashed.  The text is a prefix code: each entry says how
many entries follow it, so that two different trees never have the same text.  It holds what the source
text holds: the types that a well-typed expression has anyway are left out.
"""

from __future__ import annotations

from hashlib import blake2b

from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Keyword,
    Literal,
    Name,
    Pass,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)
from kernelfuzz.ir.rename import canonical_names, rename
from kernelfuzz.ir.types import (
    BOOL,
    FLOAT32,
    INT32,
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
)
from kernelfuzz.ir.walk import bound_names, literal_text

# A change of the canonical text must change this, or hashes of two versions would be compared.
VERSION = "kernelfuzz.ir.normalize 1"


def fingerprint(kernel: Kernel) -> str:
    """Equal for two kernels exactly when they are equal up to the names that their author chose."""
    return hashed(canonical_tokens(kernel))


def canonical_tokens(kernel: Kernel) -> list[str]:
    """The canonical text that a fingerprint is the hash of, in its parts: what two similar kernels share."""
    return _canonical(_Numbered(), kernel)


def hashed(tokens: list[str]) -> str:
    """The fingerprint of the kernel that has these canonical tokens."""
    return blake2b("\n".join(tokens).encode(), digest_size=16).hexdigest()


def skeleton(kernel: Kernel) -> str:
    """Equal for two kernels that differ only in names, literals, builtins and types."""
    return _digest(_Masked(), kernel)


def identity(kernel: Kernel) -> str:
    """Equal for two kernels exactly when they have the same source text; much faster than rendering it."""
    declared = [kernel.name, *[constant.name for constant in kernel.constants]]
    for struct in kernel.structs:
        declared += [struct.name, *[name for name, _ in struct.fields]]
    lines = [f"declared {len(declared)}", *declared, *_canonical(_Spelled(), kernel)]
    return hashed(lines)


def alpha_normalize(kernel: Kernel) -> Kernel:
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

    def names(self, kernel: Kernel, function: Kernel | Function) -> dict[str, str]:
        """The names of one function's scope, where the module's constants come first."""
        names = _Numbers()
        if kernel.constants:
            own = bound_names(function.body) | {param.name for param in function.params}
            for number, constant in enumerate(kernel.constants):
                # What the function binds is its own, even where a constant has the same name.
                visible = constant.name not in own
                names[constant.name if visible else f"hidden {number}"] = f"constant {number}"
        return names

    def literal(self, node: Literal) -> str:
        return f"{node.type.name} {literal_text(node)}"

    def integer(self, value: int | None) -> str:
        return str(value)

    def attribute(self, node: Attribute) -> str:
        owner = node.value.type
        if isinstance(owner, Struct):
            for position, (name, _) in enumerate(owner.fields):
                if name == node.name:
                    return str(position)
        return node.name

    def type(self, type_: Type) -> str:
        # Keyed by identity: a kernel holds its types for as long as this lives, and hashing a type
        # costs more than writing it down.
        known = self.types.get(id(type_))
        if known is None:
            known = self.types[id(type_)] = self.spell(type_)
        return known

    def spell(self, type_: Type) -> str:
        match type_:
            case Scalar():
                return type_.name
            case Vector():
                return f"vector {type_.length} {type_.dtype.name}"
            case Matrix():
                return f"matrix {type_.rows} {type_.columns} {type_.dtype.name}"
            case Quaternion():
                return f"quaternion {type_.dtype.name}"
            case Transform():
                return f"transform {type_.dtype.name}"
            case Struct():
                fields = [self.type(field) for _, field in type_.fields]
                return f"struct {self.structs[type_.name]} {len(fields)} {' '.join(fields)}"
            case Array():
                return f"array {type_.ndim} {self.type(type_.dtype)}"
            case Tile():
                return f"tile {type_.shape} {type_.dtype.name}"
            case Tuple():
                elements = [self.type(element) for element in type_.elements]
                return f"tuple {len(elements)} {' '.join(elements)}"
            case _:
                return assert_never(type_)

    def keyword(self, value: Keyword) -> str:
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

    def names(self, kernel: Kernel, function: Kernel | Function) -> dict[str, str]:
        return self.same

    def attribute(self, node: Attribute) -> str:
        return node.name

    def literal(self, node: Literal) -> str:
        # What has the same text as a literal is written as this is: -3, and a conversion as in wp.int8(3).
        text = literal_text(node)
        plain = BOOL if node.type == BOOL else FLOAT32 if node.type.is_float else INT32
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

    def names(self, kernel: Kernel, function: Kernel | Function) -> dict[str, str]:
        return self.any_name

    def literal(self, node: Literal) -> str:
        return "L"

    def integer(self, value: int | None) -> str:
        return "" if value is None else "L"

    def attribute(self, node: Attribute) -> str:
        return "N"

    def type(self, type_: Type) -> str:
        return "T"

    def keyword(self, value: Keyword) -> str:
        return "L"


# ------------------------------------------------------------- canonical text


def _digest(symbols: _Numbered, kernel: Kernel) -> str:
    return hashed(_canonical(symbols, kernel))


def _canonical(symbols: _Numbered, kernel: Kernel) -> list[str]:
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


def _write_function(
    function: Function | Kernel, out: list[str], names: dict[str, str], symbols: _Numbered
) -> None:
    out.append(f"params {len(function.params)}")
    for param in function.params:
        out.append(names[param.name])
        out.append(symbols.type(param.type))
    _write_block(function.body, out, names, symbols)


def _write_block(block: Block, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    out.append(f"block {len(block)}")
    for statement in block:
        _write_statement(statement, out, names, symbols)


def _write_statement(node: Stmt, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    match node:
        case Assign():
            out.append("=")
            _write(node.target, out, names, symbols)
            _write(node.value, out, names, symbols)
        case AugAssign():
            out.append(f"{node.op}=")
            _write(node.target, out, names, symbols)
            _write(node.value, out, names, symbols)
        case ExprStmt():
            out.append("expression")
            _write(node.value, out, names, symbols)
        case If():
            out.append("if")
            _write(node.test, out, names, symbols)
            _write_block(node.body, out, names, symbols)
            _write_block(node.orelse, out, names, symbols)
        case For():
            out.append(f"for {len(node.bounds)}")
            out.append(names[node.name])
            for bound in node.bounds:
                _write(bound, out, names, symbols)
            _write_block(node.body, out, names, symbols)
        case While():
            out.append("while")
            _write(node.test, out, names, symbols)
            _write_block(node.body, out, names, symbols)
        case Unpack():
            out.append(f"unpack {len(node.names)} {len(node.values)}")
            out += [names[name] for name in node.names]
            for value in node.values:
                _write(value, out, names, symbols)
        case Return():
            out.append(f"return {len(node.values)}")
            for value in node.values:
                _write(value, out, names, symbols)
        case Break():
            out.append("break")
        case Continue():
            out.append("continue")
        case Pass():
            out.append("pass")
        case _:
            assert_never(node)


def _write(node: Expr | Slice, out: list[str], names: dict[str, str], symbols: _Numbered) -> None:
    match node:
        case Name():
            out.append(names[node.id])
        case Literal():
            out.append(symbols.literal(node))
        case Binary():
            out.append(node.op)
            _write(node.left, out, names, symbols)
            _write(node.right, out, names, symbols)
        case Index():
            out.append(f"index {len(node.indices)}")
            _write(node.value, out, names, symbols)
            for index in node.indices:
                _write(index, out, names, symbols)
        case Call():
            out.append(f"call {len(node.args)} {len(node.keywords)}")
            out.append(symbols.builtins[node.name])
            for arg in node.args:
                _write(arg, out, names, symbols)
            for key, value in node.keywords:
                out.append(f"{key}={symbols.keyword(value)}")
        case Construct():
            out.append(f"construct {len(node.args)}")
            out.append(symbols.type(node.type))
            for arg in node.args:
                _write(arg, out, names, symbols)
        case Cast():
            out.append("cast")
            out.append(symbols.type(node.type))
            _write(node.operand, out, names, symbols)
        case Attribute():
            out.append(".")
            out.append(symbols.attribute(node))
            _write(node.value, out, names, symbols)
        case Compare():
            out.append(f"compare {' '.join(node.ops)}")
            _write(node.left, out, names, symbols)
            for comparator in node.comparators:
                _write(comparator, out, names, symbols)
        case BoolOp():
            out.append(f"{node.op} {len(node.values)}")
            for value in node.values:
                _write(value, out, names, symbols)
        case Unary():
            out.append(f"unary {node.op}")
            _write(node.operand, out, names, symbols)
        case IfExp():
            out.append("ifexp")
            _write(node.body, out, names, symbols)
            _write(node.test, out, names, symbols)
            _write(node.orelse, out, names, symbols)
        case CallFunction():
            out.append(f"function {len(node.args)}")
            out.append(symbols.functions[node.name])
            for arg in node.args:
                _write(arg, out, names, symbols)
        case ArrayShape():
            out.append(f"shape {symbols.integer(node.axis)}")
            _write(node.array, out, names, symbols)
        case Slice():
            parts = (node.start, node.stop, node.step)
            out.append("slice " + ",".join([symbols.integer(part) for part in parts]))
        case Static():
            out.append("static")
            _write(node.value, out, names, symbols)
        case _:
            assert_never(node)
