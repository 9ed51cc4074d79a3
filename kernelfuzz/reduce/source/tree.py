"""The concrete syntax tree of a text, taken apart for the passes, edits of it, and questions about its nodes.

An edit names nodes by their paths and gives what comes in their place.  It is made by rebuilding the nodes
above them only, so everything else keeps its layout.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from typing import Any, TypeAlias, TypeVar

import libcst as cst

# What a node of Python's own tree weighs; every other weighs 2.  A literal is simpler than a name, so that
# names give way to literals, and a loop weighs more than what is left of it when its body stands alone.
WEIGHT: dict[type[ast.AST], int] = {
    ast.Module: 0, ast.Pass: 0, ast.arguments: 0, ast.Expr: 1, ast.Constant: 1, ast.FormattedValue: 1,
    ast.For: 6, ast.While: 6, ast.FunctionDef: 6, ast.ClassDef: 6, ast.If: 4, ast.IfExp: 4,
    ast.AugAssign: 4, ast.AnnAssign: 3, ast.arg: 3,
}  # fmt: skip
_OTHER = 2

# The nodes that hold these stand for them: what is read or written, and the operators.
_WEIGHTLESS = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """The smaller, the simpler: the weight of the tree, then the length of the text, then its letters.

    Blank lines and the ends of lines do not count: ``tidy`` deals with them.
    """

    weight: int
    length: int
    text: str
    nodes: int = field(compare=False)


@lru_cache(maxsize=4096)
def _weight(kind: type[ast.AST]) -> int:
    return 0 if issubclass(kind, _WEIGHTLESS) else WEIGHT.get(kind, _OTHER)


def measure(text: str) -> Size:
    """The size of a text.  Raises SyntaxError where it is no Python."""
    kinds = [type(node) for node in ast.walk(parsed(text))]
    bare = "\n".join([line.rstrip() for line in text.split("\n") if line.strip()])
    nodes = sum(not issubclass(kind, _WEIGHTLESS) for kind in kinds)
    return Size(sum(map(_weight, kinds)), len(bare), bare, nodes)


def has_kernel(text: str, name: str) -> bool:
    """Whether a text has a kernel of a name.  Raises SyntaxError where it is no Python."""
    return name in text and any(
        isinstance(node, ast.FunctionDef)
        and node.name == name
        and any(_is_kernel(each) for each in node.decorator_list)
        for node in ast.walk(parsed(text))
    )


def _is_kernel(decorator: ast.expr) -> bool:
    """Whether this is ``kernel`` or ``wp.kernel``, called or not."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "kernel" in (getattr(function, "id", ""), getattr(function, "attr", ""))


def parsed(text: str) -> ast.Module:
    """Python's own tree of a text.  Raises SyntaxError."""
    try:
        with warnings.catch_warnings():
            # The warnings about candidates are no news.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from error


# The way down to a node: fields, each with a position where it holds several nodes, -1 where it holds one.
Path: TypeAlias = tuple[tuple[str, int], ...]

# What comes in the place of the nodes at some paths; nothing, where the node can be left out.
Edit: TypeAlias = Mapping[Path, Sequence[cst.CSTNode]]

NodeT = TypeVar("NodeT", bound=cst.CSTNode)

# Layout and punctuation, which no pass looks at.
_LAYOUT = (
    cst.BaseParenthesizableWhitespace, cst.TrailingWhitespace, cst.EmptyLine, cst.Newline, cst.Comma, cst.Dot,
    cst.Semicolon, cst.Colon, cst.AssignEqual, cst.LeftParen, cst.RightParen, cst.LeftSquareBracket,
    cst.RightSquareBracket,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A node in its place; ``parent`` is None for the module."""

    path: Path
    node: cst.CSTNode
    parent: Site | None

    def above(self, kind: type[NodeT]) -> Site | None:
        """The nearest node above that is of a kind."""
        site = self.parent
        while site is not None and not isinstance(site.node, kind):
            site = site.parent
        return site

    def holds(self, other: Site) -> bool:
        """Whether a site is this one or below it."""
        return other.path[: len(self.path)] == self.path


@lru_cache(maxsize=512)
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    names = [each.name for each in fields(kind)]
    return tuple([name for name in names if not name.startswith(("whitespace", "lpar", "rpar", "leading"))])


def children(node: cst.CSTNode) -> Iterator[tuple[tuple[str, int], cst.CSTNode]]:
    """The nodes directly below, without layout, in the order of the fields."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            if not isinstance(value, _LAYOUT):
                yield (name, -1), value
        elif isinstance(value, (tuple, list)):
            for position, each in enumerate(value):
                if isinstance(each, cst.CSTNode) and not isinstance(each, _LAYOUT):
                    yield (name, position), each


class Tree:
    """A text, taken apart when a pass looks at it.  ``wanted`` is the name of the only kernel that counts, if any."""

    def __init__(self, text: str, wanted: str | None = None) -> None:
        self.text = text
        self.wanted = wanted

    @cached_property
    def size(self) -> Size:
        """How simple the text is.  Raises SyntaxError where it is no Python."""
        return measure(self.text)

    @cached_property
    def module(self) -> cst.Module:
        """The tree.  Raises SyntaxError where the text is no Python that libcst reads."""
        try:
            return cst.parse_module(self.text)
        except cst.ParserSyntaxError as error:
            raise SyntaxError(error.message) from error

    @cached_property
    def sites(self) -> list[Site]:
        """Every node, the outer before the inner."""
        return list(_walk(self.module, (), None))

    def of(self, *kinds: type[NodeT]) -> list[tuple[Site, NodeT]]:
        """The sites of nodes of some kinds with their nodes, in the order of the text."""
        return [(site, site.node) for site in self.sites if isinstance(site.node, kinds)]

    def below(self, top: Site) -> list[Site]:
        """A site and everything below it."""
        return [site for site in self.sites if top.holds(site)]

    @cached_property
    def blocks(self) -> list[tuple[Path, Sequence[cst.CSTNode]]]:
        """Every list of statements with the path of its owner, the outer before the inner."""
        found: list[tuple[Path, Sequence[cst.CSTNode]]] = []
        for site in self.sites:
            match site.node:
                case cst.Module(body=body) | cst.IndentedBlock(body=body):
                    found.append((site.path, body))
                case cst.SimpleStatementSuite(body=body) | cst.SimpleStatementLine(body=[_, _, *_] as body):
                    found.append((site.path, body))
        return found

    def rebuilt(self, top: Site, edit: Edit) -> Sequence[cst.CSTNode]:
        """What a site becomes when an edit is made below it."""
        return _rebuilt(top.node, [(path[len(top.path) :], new) for path, new in edit.items()])

    def after(self, edit: Edit) -> str | None:
        """The text after an edit, or None where it cannot be made."""
        try:
            (made,) = self.rebuilt(self.sites[0], edit)
        except (cst.CSTValidationError, ValueError):
            return None  # not every node can stand at every place
        assert isinstance(made, cst.Module)
        return made.code


def _walk(node: cst.CSTNode, path: Path, parent: Site | None) -> Iterator[Site]:
    site = Site(path, node, parent)
    yield site
    for step, child in children(node):
        yield from _walk(child, (*path, step), site)


def _rebuilt(node: cst.CSTNode, edits: Sequence[tuple[Path, Sequence[cst.CSTNode]]]) -> Sequence[cst.CSTNode]:
    """What a node becomes; of nested edits the outer one counts."""
    whole = [new for path, new in edits if not path]
    if whole:
        return whole[0]
    steps: dict[str, dict[int, list[tuple[Path, Sequence[cst.CSTNode]]]]] = {}
    for path, new in edits:
        name, position = path[0]
        steps.setdefault(name, {}).setdefault(position, []).append((path[1:], new))
    changes: dict[str, object] = {}
    for name, positions in steps.items():
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            new = _rebuilt(value, positions[-1])
            if len(new) > 1:
                raise ValueError("several nodes where one can stand")
            changes[name] = new[0] if new else None
        else:
            changes[name] = _spliced(value, positions)
    return _mended(node.with_changes(**changes))


def _spliced(
    value: Sequence[cst.CSTNode], positions: Mapping[int, list[tuple[Path, Sequence[cst.CSTNode]]]]
) -> list[cst.CSTNode]:
    made: list[cst.CSTNode] = []
    for position, each in enumerate(value):
        made += _rebuilt(each, positions[position]) if position in positions else [each]
    if len(made) < len(value):
        # Which of them is the last one has changed, and with it who has a comma.
        made = [each.with_changes(comma=cst.MaybeSentinel.DEFAULT) if hasattr(each, "comma") else each for each in made]
    return made


def _mended(node: cst.CSTNode) -> Sequence[cst.CSTNode]:
    """A node that may have lost all that it held."""
    match node:
        case cst.IndentedBlock(body=[]):
            return [node.with_changes(body=[cst.SimpleStatementLine([cst.Pass()])])]
        case cst.SimpleStatementSuite(body=[]):
            return [node.with_changes(body=[cst.Pass()])]
        case cst.SimpleStatementLine(body=[]) | cst.Import(names=[]) | cst.ImportFrom(names=[]):
            return []
        case _:
            return [node]


# ----------------------------------------------------------- questions about nodes, and new nodes

ZERO = cst.Integer("0")

# What comes in the place of something that is gone; float literals are not integers to Warp.
PLAIN = (ZERO, cst.Float("0.0"))


def nodes_below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it, layout included."""
    yield node
    for child in node.children:
        yield from nodes_below(child)


def names_in(node: cst.CSTNode) -> set[str]:
    """Every identifier in a node: of variables, and also of attributes and keywords."""
    return {each.value for each in nodes_below(node) if isinstance(each, cst.Name)}


def last_name(node: cst.CSTNode) -> str:
    """``kernel`` of ``wp.kernel`` and of ``wp.kernel(module="unique")``; empty for what has no name."""
    match node:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name
        case cst.Call(func=function):
            return last_name(function)
        case _:
            return ""


def is_kernel(node: cst.CSTNode, name: str | None = None) -> bool:
    """Whether a node is a kernel; with a name, whether it is that one."""
    return (
        isinstance(node, cst.FunctionDef)
        and name in (None, node.name.value)
        and any(last_name(each.decorator) == "kernel" for each in node.decorators)
    )


def bound_names(statement: cst.CSTNode) -> set[str]:
    """The names that a statement binds in the module around it."""
    match statement:
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
            return {name.value}
        case cst.ImportAlias(asname=cst.AsName(name=name)):
            return names_in(name)
        case cst.ImportAlias(name=name):
            while isinstance(name, cst.Attribute):
                name = name.value
            return names_in(name)
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target) | cst.For(target=target):
            return names_in(target)
        case cst.BaseExpression():
            return set()
        case _:
            return {name for child in statement.children for name in bound_names(child)}


def lines(body: cst.BaseSuite) -> list[cst.BaseStatement]:
    """The statements of a block, as they stand in an indented one."""
    match body:
        case cst.IndentedBlock(body=statements):
            return list(statements)
        case cst.SimpleStatementSuite(body=statements):
            return [cst.SimpleStatementLine([each]) for each in statements]
        case _:
            raise TypeError(f"no block: {type(body).__name__}")


# ------------------------------------------------------------------- expressions

# What needs no parentheses wherever it stands.
_ATOMS = (
    cst.Name, cst.Integer, cst.Float, cst.SimpleString, cst.Call, cst.Attribute, cst.Subscript, cst.List,
    cst.Dict, cst.Set,
)  # fmt: skip


def in_place_of(old: cst.BaseExpression | None, new: cst.BaseExpression) -> cst.BaseExpression:
    """An expression that can stand where another one stood: in parentheses, where it may need them."""
    if new.lpar or (isinstance(new, _ATOMS) and not (old and old.lpar)):
        return new
    return new.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def with_names(statements: Sequence[cst.CSTNode], values: Mapping[str, cst.BaseExpression]) -> list[cst.CSTNode]:
    """The nodes with expressions in the place of variables."""

    def named(node: cst.Name) -> cst.BaseExpression:
        value = values.get(node.value)
        return node if value is None else in_place_of(node, value)

    def inside(node: cst.Attribute | cst.Arg) -> cst.CSTNode:
        return node.with_changes(value=changed(node.value, table, closed))

    # The name of an attribute, and of an argument, is no variable.
    closed = (cst.Attribute, cst.Arg)
    table: Changes = {cst.Name: named, cst.Attribute: inside, cst.Arg: inside}
    return [changed(each, table, closed) for each in statements]


def unlooped(statements: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
    """The statements of a loop's body without the ``break`` and ``continue`` of that loop."""
    table: Changes = {cst.Break: lambda _: cst.Pass(), cst.Continue: lambda _: cst.Pass()}
    return [changed(each, table, (cst.For, cst.While)) for each in statements]


# What comes in the place of a node of a class.
Changes: TypeAlias = Mapping[type[cst.CSTNode], Callable[[Any], Any]]


class _Changing(cst.CSTTransformer):
    def __init__(self, table: Changes, closed: Sequence[type[cst.CSTNode]]) -> None:
        super().__init__()
        self.table = table
        self.closed = closed

    def on_visit(self, node: cst.CSTNode) -> bool:
        return type(node) not in self.closed

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Any:
        change = self.table.get(type(updated_node))
        return updated_node if change is None else change(updated_node)


def changed(node: cst.CSTNode, table: Changes, closed: Sequence[type[cst.CSTNode]] = ()) -> cst.CSTNode:
    """The node with a function of the table applied to each node of its class, the inner ones first.

    What is below nodes of the classes ``closed`` stays.  The table must neither remove nor multiply the node.
    """
    made = node.visit(_Changing(table, closed))
    assert isinstance(made, cst.CSTNode)
    return made
