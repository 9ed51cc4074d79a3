"""The shape of a reduced kernel in one short line: what is left of it without all that is incidental.

Names, literals, widths of types, sizes of vectors and which of several like operators it is do not count;
loads of inputs, the thread index and plain stores are left out.  So two minimal kernels of one bug mostly
have one shape, and a person can read it: ``unpack(name)``, ``for{ vec[i] = leaf }``.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernelfuzz.analysis.effects import outlives
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never

# How much is taken away: the first level that leaves anything gives the shape.
PLAIN_DROPPED, COPIES_DROPPED, NOTHING_DROPPED = range(3)

_COMMUTATIVE = frozenset("+*&|^")


def shape(kernel: n.Kernel) -> str:
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


_KINDS = {t.Vector: "vec", t.Matrix: "mat", t.Quaternion: "quat"}


def kind(type_: t.Type) -> str:
    """Return a word for a type without its widths and sizes."""
    if isinstance(type_, t.Scalar):
        return "int" if type_.kind == "uint" else type_.kind
    return _KINDS.get(type(type_)) or type(type_).__name__.lower()


@dataclass(frozen=True, slots=True)
class _Shape:
    """What writes the shape of one function."""

    level: int
    function: n.Function | n.Kernel
    constants: frozenset[str]

    # ------------------------------------------------------------- statements

    def block(self, block: n.Block) -> str:
        texts = [self.statement(node) for node in block]
        telling = [text for text in texts if text]
        if any(not _is_bare(text) for text in telling):
            # Blocks without anything of interest in them count only where there is nothing else.
            telling = [text for text in telling if not _is_bare(text)]
        return "; ".join(dict.fromkeys(telling))

    def statement(self, node: n.Stmt) -> str:
        match node:
            case n.Assign(target=target, value=value):
                return self.assignment(target, "=", value)
            case n.AugAssign(target=target, op=op, value=value):
                if isinstance(target, n.Name) and self.level == PLAIN_DROPPED and self.plain(value):
                    return ""
                return self.assignment(target, f"{_operator(op)}=", value)
            case n.Unpack(values=(n.Call(name="tid"),)):
                return ""
            case n.Unpack(values=values):
                return f"unpack({self.sources(values)})"
            case n.If(test=test, body=body, orelse=orelse):
                text = f"if{self.condition(test)}{{{_padded(self.block(body))}}}"
                other = self.block(orelse)
                return f"{text} else {{{_padded(other)}}}" if other else text
            case n.For(name=name, bounds=bounds, body=body):
                telling = [self.expression(bound) for bound in bounds if not self.plain(bound)]
                if outlives(name, self.function):
                    telling.append("outlives")
                head = f"({', '.join(telling)})" if telling else ""
                return f"for{head}{{{_padded(self.block(body))}}}"
            case n.While(test=test, body=body):
                return f"while{self.condition(test)}{{{_padded(self.block(body))}}}"
            case n.Return(values=values):
                telling = [self.expression(value) for value in values if self.telling(value)]
                if isinstance(self.function, n.Kernel):
                    return "return"
                return f"return {', '.join(telling)}" if telling else ""
            case n.Break():
                return "break"
            case n.Continue():
                return "continue"
            case n.Pass():
                return ""
            case n.ExprStmt(value=value):
                return self.expression(value)
            case _:
                return assert_never(node)

    def assignment(self, target: n.Place, sign: str, value: n.Expr) -> str:
        """What is assigned; to where, only if it goes into a part of a value or changes one."""
        whole = isinstance(target, n.Name) or isinstance(target.value.type, t.Array)
        if isinstance(value, n.Call) and value.name == "tid":
            return ""
        if not whole:
            text = self.expression(value) if not self.plain(value) else "leaf"
            return f"{self.expression(target)} {sign} {text}"
        if sign != "=":
            return f"{kind(target.type) if isinstance(target, n.Name) else 'array'} {sign} " + (
                self.expression(value) if not self.plain(value) else "leaf"
            )
        if not self.telling(value):
            return ""
        return self.expression(value)

    # ------------------------------------------------------------ expressions

    def telling(self, node: n.Expr) -> bool:
        """Whether an assigned value is more than what this level leaves out."""
        if self.level == NOTHING_DROPPED:
            return True
        if self.level == COPIES_DROPPED:
            return not self.leaf(node)
        return not self.plain(node)

    def leaf(self, node: n.Expr) -> bool:
        match node:
            case n.Name() | n.Literal() | n.ArrayShape():
                return True
            case n.Static(value=value):
                return isinstance(value, (n.Name, n.Literal))
            case n.Unary(op="-", operand=n.Literal()):
                return True
            case n.Cast(operand=operand):
                return not isinstance(operand, n.Name) and self.leaf(operand)
            case n.Index(value=value, indices=indices) if _names_element(value):
                return all(not isinstance(index, n.Slice) and self.plain(index) for index in indices)
            case n.Call(args=()) | n.Construct(args=()):
                return True
            case n.Construct(args=args):
                return all(isinstance(argument, n.Literal) for argument in args)
            case _:
                return False

    def plain(self, node: n.Expr) -> bool:
        """Whether an expression is a leaf, or everyday arithmetic over leaves of one kind."""
        if self.leaf(node):
            return True
        match node:
            case n.Binary(op=op, left=left, right=right) if op in _COMMUTATIVE or op == "-":
                same = kind(left.type) == kind(right.type) and isinstance(left.type, (t.Scalar, t.Vector))
                return same and self.plain(left) and self.plain(right)
            case n.Binary(op="%", left=left, right=n.Literal()):
                return self.plain(left)
            case n.Unary(op="-" | "+" | "not", operand=operand):
                return self.plain(operand)
            case n.Compare(left=left, comparators=(right,)):
                return self.plain(left) and self.plain(right)
            case n.BoolOp(values=values):
                return all(self.plain(value) for value in values)
            case n.Cast(type=type_, operand=operand):
                # Warp has ways of its own with a name that becomes 64 bits wide.
                return not (isinstance(operand, n.Name) and type_.bits == 64) and self.plain(operand)
            case n.Attribute(value=n.Name(type=t.Vector() | t.Struct())):
                return True
            case n.Index(value=n.Name(type=t.Vector() | t.Matrix() | t.Quaternion() | t.Transform()), indices=indices):
                return all(not isinstance(index, n.Slice) and self.plain(index) for index in indices)
            case _:
                return False

    def condition(self, test: n.Expr) -> str:
        return "" if self.plain(test) else f"({self.expression(test)})"

    def source(self, node: n.Expr) -> str:
        """How a value is at hand: that decides whether it is copied."""
        match node:
            case n.Name():
                return "name"
            case n.Literal() | n.Static():
                return "leaf"
            case n.Index(value=value) if _is_array(value):
                return "element"
            case _:
                return "leaf" if self.plain(node) else self.expression(node)

    def sources(self, values: tuple[n.Expr, ...]) -> str:
        """The sources of several values, each once, in order of the alphabet; leaves only where all are."""
        found = sorted({self.source(value) for value in values})
        telling = [source for source in found if source != "leaf"]
        return ", ".join(telling or found)

    def expression(self, node: n.Expr) -> str:
        if self.leaf(node):
            return kind(node.type)
        match node:
            case n.Name() | n.Literal() | n.ArrayShape():
                return kind(node.type)
            case n.Unary(op=op, operand=operand):
                return f"{op}{' ' if op == 'not' else ''}{self.operand(operand)}"
            case n.Binary(op=op, left=left, right=right):
                sides = [self.side(left, right), self.side(right, left)]
                if op in _COMMUTATIVE:
                    sides.sort()
                return f"{sides[0]} {_operator(op)} {sides[1]}"
            case n.Compare(left=left, comparators=comparators):
                operands = [self.operand(side) for side in (left, *comparators)]
                return " cmp ".join(operands) if len(operands) == 2 else f"chain({_each(operands)})"
            case n.BoolOp(values=values):
                return f"both({_each([self.operand(value) for value in values])})"
            case n.IfExp(test=test, body=body, orelse=orelse):
                return f"{self.sources((body, orelse))} if {self.test(test)}"
            case n.Call(name=name, args=args) | n.CallFunction(name=name, args=args):
                called = name if isinstance(node, n.Call) else "function"
                return f"{called}({', '.join(self.operand(argument) for argument in args)})"
            case n.Construct(type=type_, args=args):
                telling = [self.expression(argument) for argument in args if not self.plain(argument)]
                return f"{kind(type_)}({_each(telling)})"
            case n.Cast(type=type_, operand=operand):
                name = "name" if isinstance(operand, n.Name) else self.operand(operand)
                return f"{kind(type_)}({name})"
            case n.Index(value=value, indices=indices):
                return f"{self.base(value)}[{', '.join(self.index(index) for index in indices)}]"
            case n.Attribute(value=value, name=name):
                return f"{self.base(value)}{_attribute(value.type, name)}"
            case n.Static(value=value):
                return f"static({self.operand(value)})"
            case _:
                return assert_never(node)

    def side(self, node: n.Expr, other: n.Expr) -> str:
        """An operand of an operator; beside a call, which may change it, of what kind it is does not count."""
        return "value" if isinstance(other, n.CallFunction) and self.leaf(node) else self.operand(node)

    def operand(self, node: n.Expr) -> str:
        text = self.expression(node)
        return f"({text})" if isinstance(node, (n.Binary, n.Compare, n.IfExp)) else text

    def test(self, node: n.Expr) -> str:
        if isinstance(node, (n.Literal, n.Static)) or (isinstance(node, n.Name) and node.id in self.constants):
            return "constant"
        return "test" if self.plain(node) else self.operand(node)

    def base(self, node: n.Expr) -> str:
        if _is_array(node):
            return "array"
        if self.leaf(node):
            return "element" if isinstance(node, n.Index) else kind(node.type)
        return self.operand(node)

    def index(self, node: n.Expr | n.Slice) -> str:
        if isinstance(node, n.Slice):
            return ":"
        return "i" if self.plain(node) else self.expression(node)


def _is_bare(text: str) -> bool:
    """Whether a text is only control flow around nothing."""
    return text in ("if{}", "for{}", "while{}")


def _padded(text: str) -> str:
    return f" {text} " if text else ""


def _is_array(node: n.Expr) -> bool:
    return isinstance(node.type, t.Array)


def _names_element(node: n.Expr) -> bool:
    return isinstance(node, n.Name) and isinstance(node.type, t.Array)


def _operator(op: str) -> str:
    return "op" if op in _COMMUTATIVE or op == "-" else op


def _each(texts: list[str]) -> str:
    return ", ".join(sorted(set(texts)))


def _attribute(owner: t.Type, name: str) -> str:
    if isinstance(owner, t.Struct):
        return ".field"
    return f".{name}" if isinstance(owner, t.Transform) else "[i]"
