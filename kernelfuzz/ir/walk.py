"""Reading a tree: its children, every node below it, and the counts that describe a kernel."""

from __future__ import annotations

from collections.abc import Iterator

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
    Constant,
    Construct,
    Continue,
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
    Param,
    Pass,
    Return,
    Slice,
    Static,
    Stmt,
    Unary,
    Unpack,
    While,
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below ``node``, in the order in which the source text has them."""
    match node:
        # The most frequent nodes come first: this is called once per node of every kernel.
        case Name() | Literal():
            return ()
        case Binary():
            return (node.left, node.right)
        case Index():
            return (node.value, *node.indices)
        case Assign() | AugAssign():
            return (node.target, node.value)
        case Call() | CallFunction() | Construct():
            return node.args
        case Unary() | Cast():
            return (node.operand,)
        case Attribute() | Static() | ExprStmt():
            return (node.value,)
        case Compare():
            return (node.left, *node.comparators)
        case BoolOp() | Return() | Unpack():
            return node.values
        case If():
            return (node.test, *node.body, *node.orelse)
        case For():
            return (*node.bounds, *node.body)
        case While():
            return (node.test, *node.body)
        case IfExp():
            return (node.body, node.test, node.orelse)
        case ArrayShape():
            return (node.array,)
        case Slice() | Break() | Continue() | Pass() | Param():
            return ()
        case Constant():
            return (node.value,)
        case Function():
            return (*node.params, *node.body)
        case Kernel():
            return (*node.constants, *node.functions, *node.params, *node.body)
        case _:
            return assert_never(node)


_LEAVES = frozenset({Name, Literal})


def walk(*roots: Node) -> Iterator[Node]:
    """The roots and every node below them: parents before children, in source order."""
    waiting: list[Node] = [*reversed(roots)]
    while waiting:
        current = waiting.pop()
        yield current
        if type(current) not in _LEAVES:  # half of all nodes: asking each costs more than this
            waiting.extend(reversed(children(current)))


def count_nodes(node: Node) -> int:
    """How many nodes there are in a tree, its root included."""
    return sum(1 for _ in walk(node))


def builtins_used(node: Node) -> frozenset[str]:
    """The names of the Warp builtins that a tree calls."""
    return frozenset(found.name for found in walk(node) if isinstance(found, Call))


def literal_text(literal: Literal) -> str:
    """The value as Python writes it in the literal's type: equal exactly when the literals are.

    Python calls 1, 1.0 and True equal, and 0.0 and -0.0; a kernel tells them apart.
    """
    match literal.type.kind:
        case "float":
            return repr(float(literal.value))
        case "bool":
            return repr(bool(literal.value))
        case _:
            return repr(int(literal.value))


def bound_names(block: Block) -> frozenset[str]:
    """The names that a block assigns: by ``=``, ``op=``, unpacking or as the variable of a ``for``."""
    names: set[str] = set()
    waiting = list(block)
    while waiting:
        statement = waiting.pop()
        match statement:
            case Assign(target=Name(id=name)) | AugAssign(target=Name(id=name)):
                names.add(name)
            case Unpack():
                names.update(statement.names)
            case If():
                waiting += (*statement.body, *statement.orelse)
            case For():
                names.add(statement.name)
                waiting += statement.body
            case While():
                waiting += statement.body
            case Assign() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
                pass
            case _:
                return assert_never(statement)
    return frozenset(names)


def nesting(body: Kernel | Block) -> int:
    """How deeply ``if``, ``for`` and ``while`` are nested; an ``elif`` is as deep as its ``if``."""
    block = body.body if isinstance(body, Kernel) else body
    return max((_statement_nesting(statement) for statement in block), default=0)


def _statement_nesting(statement: Stmt) -> int:
    match statement:
        case If(body=body, orelse=(If() as elif_,)):
            return max(1 + nesting(body), _statement_nesting(elif_))
        case If(body=body, orelse=orelse):
            return 1 + max(nesting(body), nesting(orelse))
        case For(body=body) | While(body=body):
            return 1 + nesting(body)
        case Assign() | Unpack() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
            return 0
        case _:
            return assert_never(statement)


def num_lines(kernel: Kernel) -> int:
    """The lines of the kernel function as rendered: its ``def`` and its body, without the decorator."""
    return 1 + _block_lines(kernel.body)


def _block_lines(block: Block) -> int:
    # An empty block is one ``pass``.
    return sum(_statement_lines(statement) for statement in block) or 1


def _statement_lines(statement: Stmt) -> int:
    match statement:
        case If(body=body, orelse=()):
            return 1 + _block_lines(body)
        case If(body=body, orelse=(If() as elif_,)):
            return 1 + _block_lines(body) + _statement_lines(elif_)
        case If(body=body, orelse=orelse):
            return 2 + _block_lines(body) + _block_lines(orelse)
        case For(body=body) | While(body=body):
            return 1 + _block_lines(body)
        case Assign() | Unpack() | AugAssign() | Break() | Continue() | Pass() | Return() | ExprStmt():
            return 1
        case _:
            return assert_never(statement)
