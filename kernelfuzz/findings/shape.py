"""The shape of a reduced kernel in one short line: what is left of it without all that is incidental.

Names, literals, widths of types, sizes of vectors and which of several like operators it is do not count;
loads of inputs, the thread index and plain stores are left out.  So two minimal kernels of one bug mostly
have one shape, and a person can read it: ``unpack(name)``, ``for{ vec[i] = leaf }``.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    Literal,
    Name,
    Node,
    Pass,
    Place,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)
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
)
from kernelfuzz.ir.walk import children

# How much is taken away: the first level that leaves anything gives the shape.
PLAIN_DROPPED, COPIES_DROPPED, NOTHING_DROPPED = range(3)

_COMMUTATIVE = frozenset("+*&|^")


def shape(kernel: Kernel) -> str:
    """The shape of a kernel; two kernels that differ only in what is incidental have the same."""
    for level in (PLAIN_DROPPED, COPIES_DROPPED, NOTHING_DROPPED):
        texts: list[str] = []
        for function in (*kernel.functions, kernel):
            writer = _Shape(level, function, frozenset(constant.name for constant in kernel.constants))
            inside = writer.block(function.body)
            if not inside:
                continue
            texts.append(inside if function is kernel else f"function{{ {inside} }}")
        if texts:
            return "; ".join(dict.fromkeys(texts))
    return "empty"


def outlives(name: str, function: Function | Kernel) -> bool:
    """Whether the counter of a loop is a variable outside of every loop that counts with it."""
    waiting: list[Node] = [function]
    while waiting:
        node = waiting.pop()
        if isinstance(node, For) and node.name == name:
            waiting += node.bounds
        elif (isinstance(node, Name) and node.id == name) or (
            isinstance(node, Unpack) and name in node.names
        ):
            return True
        elif isinstance(node, Kernel):
            waiting += node.body
        else:
            waiting += children(node)
    return False


def _kind(type_: Type) -> str:
    match type_:
        case Scalar(kind=kind):
            return "int" if kind == "uint" else kind
        case Vector():
            return "vec"
        case Matrix():
            return "mat"
        case Quaternion():
            return "quat"
        case Transform():
            return "transform"
        case Struct():
            return "struct"
        case Array():
            return "array"
        case Tile():
            return "tile"
        case Tuple():
            return "tuple"
        case _:
            return assert_never(type_)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What writes the shape of one function."""

    level: int
    function: Function | Kernel
    constants: frozenset[str]

    # ------------------------------------------------------------- statements

    def block(self, block: Block) -> str:
        texts = [self.statement(node) for node in block]
        telling = [text for text in texts if text]
        if any(not _is_bare(text) for text in telling):
            # Blocks without anything of interest in them count only where there is nothing else.
            telling = [text for text in telling if not _is_bare(text)]
        return "; ".join(dict.fromkeys(telling))

    def statement(self, node: Stmt) -> str:
        match node:
            case Assign(target=target, value=value):
                return self.assignment(target, "=", value)
            case AugAssign(target=target, op=op, value=value):
                if isinstance(target, Name) and self.level == PLAIN_DROPPED and self.plain(value):
                    return ""
                return self.assignment(target, f"{_operator(op)}=", value)
            case Unpack(values=(Call(name="tid"),)):
                return ""
            case Unpack(values=values):
                return f"unpack({self.sources(values)})"
            case If(test=test, body=body, orelse=orelse):
                text = f"if{self.condition(test)}{{{_padded(self.block(body))}}}"
                other = self.block(orelse)
                return f"{text} else {{{_padded(other)}}}" if other else text
            case For(name=name, bounds=bounds, body=body):
                telling = [self.expression(bound) for bound in bounds if not self.plain(bound)]
                if outlives(name, self.function):
                    telling.append("outlives")
                head = f"({', '.join(telling)})" if telling else ""
                return f"for{head}{{{_padded(self.block(body))}}}"
            case While(test=test, body=body):
                return f"while{self.condition(test)}{{{_padded(self.block(body))}}}"
            case Return(values=values):
                telling = [self.expression(value) for value in values if self.telling(value)]
                if isinstance(self.function, Kernel):
                    return "return"
                return f"return {', '.join(telling)}" if telling else ""
            case Break():
                return "break"
            case Continue():
                return "continue"
            case Pass():
                return ""
            case ExprStmt(value=value):
                return self.expression(value)
            case _:
                return assert_never(node)

    def assignment(self, target: Place, sign: str, value: Expr) -> str:
        """What is assigned; to where, only if it goes into a part of a value or changes one."""
        whole = isinstance(target, Name) or isinstance(target.value.type, Array)
        if isinstance(value, Call) and value.name == "tid":
            return ""
        if not whole:
            text = self.expression(value) if not self.plain(value) else "leaf"
            return f"{self.expression(target)} {sign} {text}"
        if sign != "=":
            return f"{_kind(target.type) if isinstance(target, Name) else 'array'} {sign} " + (
                self.expression(value) if not self.plain(value) else "leaf"
            )
        if not self.telling(value):
            return ""
        return self.expression(value)

    # ------------------------------------------------------------ expressions

    def telling(self, node: Expr) -> bool:
        """Whether an assigned value is more than what this level leaves out."""
        if self.level == NOTHING_DROPPED:
            return True
        if self.level == COPIES_DROPPED:
            return not self.leaf(node)
        return not self.plain(node)

    def leaf(self, node: Expr) -> bool:
        match node:
            case Name() | Literal() | ArrayShape():
                return True
            case Static(value=value):
                return isinstance(value, (Name, Literal))
            case Unary(op="-", operand=Literal()):
                return True
            case Cast(operand=operand):
                return not isinstance(operand, Name) and self.leaf(operand)
            case Index(value=value, indices=indices) if _names_element(value):
                return all(not isinstance(index, Slice) and self.plain(index) for index in indices)
            case Call(args=()) | Construct(args=()):
                return True
            case Construct(args=args):
                return all(isinstance(argument, Literal) for argument in args)
            case _:
                return False

    def plain(self, node: Expr) -> bool:
        """Whether an expression is a leaf, or everyday arithmetic over leaves of one kind."""
        if self.leaf(node):
            return True
        match node:
            case Binary(op=op, left=left, right=right) if op in _COMMUTATIVE or op == "-":
                same = _kind(left.type) == _kind(right.type) and isinstance(left.type, (Scalar, Vector))
                return same and self.plain(left) and self.plain(right)
            case Binary(op="%", left=left, right=Literal()):
                return self.plain(left)
            case Unary(op="-" | "+" | "not", operand=operand):
                return self.plain(operand)
            case Compare(left=left, comparators=(right,)):
                return self.plain(left) and self.plain(right)
            case BoolOp(values=values):
                return all(self.plain(value) for value in values)
            case Cast(type=type_, operand=operand):
                # Warp has ways of its own with a name that becomes 64 bits wide.
                return not (isinstance(operand, Name) and type_.bits == 64) and self.plain(operand)
            case Attribute(value=Name(type=Vector() | Struct())):
                return True
            case Index(value=Name(type=Vector() | Matrix() | Quaternion() | Transform()), indices=indices):
                return all(not isinstance(index, Slice) and self.plain(index) for index in indices)
            case _:
                return False

    def condition(self, test: Expr) -> str:
        return "" if self.plain(test) else f"({self.expression(test)})"

    def source(self, node: Expr) -> str:
        """How a value is at hand: that decides whether it is copied."""
        match node:
            case Name():
                return "name"
            case Literal() | Static():
                return "leaf"
            case Index(value=value) if _is_array(value):
                return "element"
            case _:
                return "leaf" if self.plain(node) else self.expression(node)

    def sources(self, values: tuple[Expr, ...]) -> str:
        """The sources of several values, each once, in order of the alphabet; leaves only where all are."""
        found = sorted({self.source(value) for value in values})
        telling = [source for source in found if source != "leaf"]
        return ", ".join(telling or found)

    def expression(self, node: Expr) -> str:
        if self.leaf(node):
            return _kind(node.type)
        match node:
            case Name() | Literal() | ArrayShape():
                return _kind(node.type)
            case Unary(op=op, operand=operand):
                return f"{op}{' ' if op == 'not' else ''}{self.operand(operand)}"
            case Binary(op=op, left=left, right=right):
                sides = [self.operand(left), self.operand(right)]
                if op in _COMMUTATIVE:
                    sides.sort()
                return f"{sides[0]} {_operator(op)} {sides[1]}"
            case Compare(left=left, comparators=comparators):
                operands = [self.operand(side) for side in (left, *comparators)]
                return " cmp ".join(operands) if len(operands) == 2 else f"chain({_each(operands)})"
            case BoolOp(values=values):
                return f"both({_each([self.operand(value) for value in values])})"
            case IfExp(test=test, body=body, orelse=orelse):
                return f"{self.sources((body, orelse))} if {self.test(test)}"
            case Call(name=name, args=args) | CallFunction(name=name, args=args):
                called = name if isinstance(node, Call) else "function"
                return f"{called}({', '.join(self.operand(argument) for argument in args)})"
            case Construct(type=type_, args=args):
                telling = [self.expression(argument) for argument in args if not self.plain(argument)]
                return f"{_kind(type_)}({_each(telling)})"
            case Cast(type=type_, operand=operand):
                name = "name" if isinstance(operand, Name) else self.operand(operand)
                return f"{_kind(type_)}({name})"
            case Index(value=value, indices=indices):
                return f"{self.base(value)}[{', '.join(self.index(index) for index in indices)}]"
            case Attribute(value=value, name=name):
                return f"{self.base(value)}{_attribute(value.type, name)}"
            case Static(value=value):
                return f"static({self.operand(value)})"
            case _:
                return assert_never(node)

    def operand(self, node: Expr) -> str:
        text = self.expression(node)
        return f"({text})" if isinstance(node, (Binary, Compare, IfExp)) else text

    def test(self, node: Expr) -> str:
        if isinstance(node, (Literal, Static)) or (isinstance(node, Name) and node.id in self.constants):
            return "constant"
        return "test" if self.plain(node) else self.operand(node)

    def base(self, node: Expr) -> str:
        if _is_array(node):
            return "array"
        if self.leaf(node):
            return "element" if isinstance(node, Index) else _kind(node.type)
        return self.operand(node)

    def index(self, node: Expr | Slice) -> str:
        if isinstance(node, Slice):
            return ":"
        return "i" if self.plain(node) else self.expression(node)


def _is_bare(text: str) -> bool:
    """Whether a text is only control flow around nothing."""
    return text in ("if{}", "for{}", "while{}")


def _padded(text: str) -> str:
    return f" {text} " if text else ""


def _is_array(node: Expr) -> bool:
    return isinstance(node.type, Array)


def _names_element(node: Expr) -> bool:
    return isinstance(node, Name) and isinstance(node.type, Array)


def _operator(op: str) -> str:
    return "op" if op in _COMMUTATIVE or op == "-" else op


def _each(texts: list[str]) -> str:
    return ", ".join(sorted(set(texts)))


def _attribute(owner: Type, name: str) -> str:
    if isinstance(owner, Struct):
        return ".field"
    return f".{name}" if isinstance(owner, Transform) else "[i]"
