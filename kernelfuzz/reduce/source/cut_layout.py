"""Cuts of layout: comments, line breaks in brackets, parentheses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from kernelfuzz.reduce.source.tree import Changes, Edit, Tree, changed

_SPACE = cst.SimpleWhitespace(" ")
_NOTHING = cst.SimpleWhitespace("")


def _without_last_comma(elements: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
    """The comma at the end goes with the line break that it was for."""
    last = [each.with_changes(comma=cst.MaybeSentinel.DEFAULT) for each in elements[-1:]]
    return [*elements[:-1], *last]


# No comments, and no line breaks inside brackets.
_PLAIN: Changes = {
    cst.ParenthesizedWhitespace: lambda _: _SPACE,
    cst.Comma: lambda _: cst.Comma(_NOTHING, _SPACE),
    cst.LeftParen: lambda _: cst.LeftParen(_NOTHING),
    cst.RightParen: lambda _: cst.RightParen(_NOTHING),
    cst.Arg: lambda node: node.with_changes(whitespace_after_arg=_NOTHING),
    cst.Call: lambda node: node.with_changes(whitespace_before_args=_NOTHING, args=_without_last_comma(node.args)),
    cst.Parameters: lambda node: node.with_changes(params=_without_last_comma(node.params)),
    cst.FunctionDef: lambda node: node.with_changes(whitespace_before_params=_NOTHING),
    cst.TrailingWhitespace: lambda node: node.with_changes(whitespace=_NOTHING, comment=None),
    cst.EmptyLine: lambda node: cst.RemoveFromParent() if node.comment else node,
}

# No blank lines.
_DENSE: Changes = {cst.EmptyLine: lambda node: node if node.comment else cst.RemoveFromParent()}


def plain_layout(tree: Tree) -> Iterator[Edit]:
    """All without comments and line breaks in brackets; then one line at a time."""
    yield {(): [changed(tree.module, _PLAIN)]}
    for position, statement in enumerate(tree.module.body):
        yield {(("body", position),): [changed(statement, _PLAIN)]}
    for site, line in tree.of(cst.SimpleStatementLine):
        if len(site.path) > 1:
            yield {site.path: [changed(line, _PLAIN)]}


def drop_parentheses(tree: Tree) -> Iterator[Edit]:
    """An expression without the parentheses around it."""
    for site, node in tree.of(cst.BaseExpression):
        if node.lpar:
            yield {site.path: [node.with_changes(lpar=(), rpar=())]}


def tidy(text: str) -> str:
    """A text with two blank lines around each definition of the module, and no other blank line."""
    module = cst.parse_module(text)
    body: list[cst.CSTNode] = []
    apart = False
    for each in module.body:
        dense = changed(each, _DENSE)
        defines = isinstance(each, (cst.FunctionDef, cst.ClassDef))
        blank = [cst.EmptyLine(indent=False)] * (2 if body and (apart or defines) else 0)
        comments = [line for line in each.leading_lines if line.comment]
        body.append(dense.with_changes(leading_lines=[*blank, *comments]))
        apart = defines
    header = [line for line in module.header if line.comment]
    footer = [line for line in module.footer if line.comment]
    made = module.with_changes(header=header, body=body, footer=footer).code.strip("\n")
    return f"{made}\n" if made else ""
