"""Cuts of layout: comments, line breaks in brackets, parentheses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from kernelfuzz.reduce.source.nodes import visited
from kernelfuzz.reduce.source.tree import Edit, Tree

_SPACE = cst.SimpleWhitespace(" ")
_NOTHING = cst.SimpleWhitespace("")


class _Plain(cst.CSTTransformer):
    """Takes out comments and the line breaks inside brackets."""

    def leave_ParenthesizedWhitespace(
        self, original_node: cst.ParenthesizedWhitespace, updated_node: cst.ParenthesizedWhitespace
    ) -> cst.SimpleWhitespace:
        return _SPACE

    def leave_Comma(self, original_node: cst.Comma, updated_node: cst.Comma) -> cst.Comma:
        return cst.Comma(_NOTHING, _SPACE)

    def leave_LeftParen(self, original_node: cst.LeftParen, updated_node: cst.LeftParen) -> cst.LeftParen:
        return cst.LeftParen(_NOTHING)

    def leave_RightParen(self, original_node: cst.RightParen, updated_node: cst.RightParen) -> cst.RightParen:
        return cst.RightParen(_NOTHING)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(whitespace_after_arg=_NOTHING)

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        args = _without_last_comma(updated_node.args)
        return updated_node.with_changes(whitespace_before_args=_NOTHING, args=args)

    def leave_Parameters(self, original_node: cst.Parameters, updated_node: cst.Parameters) -> cst.Parameters:
        return updated_node.with_changes(params=_without_last_comma(updated_node.params))

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        return updated_node.with_changes(whitespace_before_params=_NOTHING)

    def leave_TrailingWhitespace(
        self, original_node: cst.TrailingWhitespace, updated_node: cst.TrailingWhitespace
    ) -> cst.TrailingWhitespace:
        return updated_node.with_changes(whitespace=_NOTHING, comment=None)

    def leave_EmptyLine(
        self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine
    ) -> cst.EmptyLine | cst.RemovalSentinel:
        return cst.RemoveFromParent() if updated_node.comment else updated_node


def _without_last_comma(elements: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
    """The comma at the end goes with the line break that it was for."""
    last = [each.with_changes(comma=cst.MaybeSentinel.DEFAULT) for each in elements[-1:]]
    return [*elements[:-1], *last]


class _Dense(cst.CSTTransformer):
    """Takes out blank lines."""

    def leave_EmptyLine(
        self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine
    ) -> cst.EmptyLine | cst.RemovalSentinel:
        return updated_node if updated_node.comment else cst.RemoveFromParent()


def plain_layout(tree: Tree) -> Iterator[Edit]:
    """All without comments and line breaks in brackets; then one line at a time."""
    yield {(): [_plain(tree.module)]}
    for position, statement in enumerate(tree.module.body):
        yield {(("body", position),): [_plain(statement)]}
    for site in tree.of(cst.SimpleStatementLine):
        if len(site.path) > 1:
            yield {site.path: [_plain(site.node)]}


def _plain(node: cst.CSTNode) -> cst.CSTNode:
    return visited(node, _Plain())


def drop_parentheses(tree: Tree) -> Iterator[Edit]:
    """An expression without the parentheses around it."""
    for site in tree.of(cst.BaseExpression):
        if getattr(site.node, "lpar", ()):
            yield {site.path: [site.node.with_changes(lpar=(), rpar=())]}


def tidy(text: str) -> str:
    """A text with two blank lines around each definition of the module, and no other blank line."""
    module = cst.parse_module(text)
    body: list[cst.CSTNode] = []
    apart = False
    for each in module.body:
        dense = visited(each, _Dense())
        defines = isinstance(each, (cst.FunctionDef, cst.ClassDef))
        blank = [cst.EmptyLine(indent=False)] * (2 if body and (apart or defines) else 0)
        comments = [line for line in each.leading_lines if line.comment]
        body.append(dense.with_changes(leading_lines=[*blank, *comments]))
        apart = defines
    header = [line for line in module.header if line.comment]
    footer = [line for line in module.footer if line.comment]
    made = module.with_changes(header=header, body=body, footer=footer).code.strip("\n")
    return f"{made}\n" if made else ""
