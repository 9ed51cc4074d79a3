"""Reading a tree: its children, every node below it, and the counts that describe a kernel."""

from __future__ import annotations

from collections.abc import Iterator

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.fields import BLOCKS, CHILDREN


def children(node: n.Node) -> tuple[n.Node, ...]:
    """The nodes directly below ``node``, in the order in which the source text has them."""
    return CHILDREN[type(node)](node)


# Half of all nodes: asking each for its children would cost more than asking whether it is one of these.
LEAVES = frozenset({n.Name, n.Literal})


def walk(*roots: n.Node) -> Iterator[n.Node]:
    """The roots and every node below them: parents before children, in source order."""
    waiting: list[n.Node] = [*reversed(roots)]
    while waiting:
        current = waiting.pop()
        yield current
        kind = type(current)
        if kind not in LEAVES:
            waiting.extend(reversed(CHILDREN[kind](current)))


def count_nodes(node: n.Node) -> int:
    """How many nodes there are in a tree, its root included."""
    return sum(1 for _ in walk(node))


def builtins_used(node: n.Node) -> frozenset[str]:
    """The names of the Warp builtins that a tree calls."""
    return frozenset(found.name for found in walk(node) if isinstance(found, n.Call))


def literal_text(literal: n.Literal) -> str:
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


def blocks(node: n.Node) -> tuple[n.Block, ...]:
    """The blocks directly in a statement, a function or a kernel: ``(body, orelse)`` of an ``if``."""
    return tuple([getattr(node, name) for name in BLOCKS.get(type(node), ())])


def heads(node: n.Node) -> tuple[n.Node, ...]:
    """The children of a node that stand in no block: the test of an ``if``, the bounds of a ``for``."""
    return children(node)[: -sum(map(len, blocks(node))) or None]


def statements_in(block: n.Block) -> Iterator[n.Stmt]:
    """The statements of a block and those below them: parents before children, in source order."""
    for statement in block:
        yield statement
        for inner in blocks(statement):
            yield from statements_in(inner)


def bound_by(node: n.Node) -> tuple[str, ...]:
    """The names that one statement assigns: by ``=``, ``op=``, unpacking or as the variable of a ``for``."""
    match node:
        case n.Assign(target=n.Name(id=name)) | n.AugAssign(target=n.Name(id=name)) | n.For(name=name):
            return (name,)
        case n.Unpack(names=names):
            return names
        case _:
            return ()


def subscripts(place: n.Index) -> list[n.Expr]:
    """The indices that are expressions: the slices are left out."""
    return [index for index in place.indices if not isinstance(index, n.Slice)]


def bound_names(block: n.Block) -> frozenset[str]:
    """The names that the statements of a block assign, at any depth."""
    return frozenset([name for statement in statements_in(block) for name in bound_by(statement)])


def surely_returns(block: n.Block) -> bool:
    """Whether a block ends in a return, in a branch both sides of which do, or in a loop that only returns end."""
    match block[-1] if block else None:
        case n.Return():
            return True
        case n.While(test=n.Literal(value=True), body=body):
            return not any(map(breaks, body))
        case n.If(body=body, orelse=orelse):
            return surely_returns(body) and surely_returns(orelse)
        case _:
            return False


def breaks(statement: n.Stmt, kinds: tuple[type[n.Stmt], ...] = (n.Break,)) -> bool:
    """Whether a statement of a loop's body may end this loop; of other ``kinds``, whether it is or has one of them."""
    match statement:
        case n.If(body=body, orelse=orelse):
            return any(breaks(each, kinds) for each in (*body, *orelse))
        case _:
            return isinstance(statement, kinds)


def nesting(body: n.Kernel | n.Block) -> int:
    """How deeply ``if``, ``for`` and ``while`` are nested; an ``elif`` is as deep as its ``if``."""
    block = body.body if isinstance(body, n.Kernel) else body
    return max((_statement_nesting(statement) for statement in block), default=0)


def _statement_nesting(statement: n.Stmt) -> int:
    match statement:
        case n.If(body=body, orelse=(n.If() as elif_,)):
            return max(1 + nesting(body), _statement_nesting(elif_))
        case _:
            return max((1 + nesting(block) for block in blocks(statement)), default=0)


def num_lines(kernel: n.Kernel) -> int:
    """The lines of the kernel function as rendered: its ``def`` and its body, without the decorator."""
    return 1 + _block_lines(kernel.body)


def _block_lines(block: n.Block) -> int:
    # An empty block is one ``pass``.
    return sum(_statement_lines(statement) for statement in block) or 1


def _statement_lines(statement: n.Stmt) -> int:
    match statement:
        case n.If(body=body, orelse=()):
            return 1 + _block_lines(body)
        case n.If(body=body, orelse=(n.If() as elif_,)):
            return 1 + _block_lines(body) + _statement_lines(elif_)
        case _:
            # Each block has a line in front of it; ``else:`` is one.
            return sum(1 + _block_lines(block) for block in blocks(statement)) or 1
