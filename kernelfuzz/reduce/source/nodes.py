"""Small questions about nodes of a concrete syntax tree, and the nodes that passes put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import libcst as cst

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


class _WithNames(cst.CSTTransformer):
    def __init__(self, values: Mapping[str, cst.BaseExpression]) -> None:
        super().__init__()
        self.values = values

    # The name of an attribute, and of an argument, is no variable.
    def visit_Attribute(self, node: cst.Attribute) -> bool:
        return False

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        return updated_node.with_changes(value=updated_node.value.visit(self))

    def visit_Arg(self, node: cst.Arg) -> bool:
        return False

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(value=updated_node.value.visit(self))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        value = self.values.get(updated_node.value)
        return updated_node if value is None else in_place_of(updated_node, value)


def with_names(statements: Sequence[cst.CSTNode], values: Mapping[str, cst.BaseExpression]) -> list[cst.CSTNode]:
    """The nodes with expressions in the place of variables."""
    return [visited(each, _WithNames(values)) for each in statements]


class _Unlooped(cst.CSTTransformer):
    """Loops inside keep what leaves them."""

    def visit_For(self, node: cst.For) -> bool:
        return False

    def visit_While(self, node: cst.While) -> bool:
        return False

    def leave_Break(self, original_node: cst.Break, updated_node: cst.Break) -> cst.Pass:
        return cst.Pass()

    def leave_Continue(self, original_node: cst.Continue, updated_node: cst.Continue) -> cst.Pass:
        return cst.Pass()


def unlooped(statements: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
    """The statements of a loop's body without the ``break`` and ``continue`` of that loop."""
    return [visited(each, _Unlooped()) for each in statements]


def visited(node: cst.CSTNode, transformer: cst.CSTTransformer) -> cst.CSTNode:
    """What a transformer that neither removes nor multiplies the node itself makes of it."""
    made = node.visit(transformer)
    assert isinstance(made, cst.CSTNode)
    return made
