"""Where a Python source can be mutated: one small mistake at one place, as a programmer makes it.

Pure: from the text of a file to sites, and from a site to the text of the mutant.
"""

from __future__ import annotations

import ast
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """One mutant: the place (lines from 1, columns in bytes from 0, as in ``ast``), and what comes there."""

    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    operator: str
    original: str
    mutated: str

    @property
    def key(self) -> str:
        """What tells this mutant from every other of the file."""
        return f"{self.line}:{self.column}-{self.end_line}:{self.end_column} {self.mutated}"


# The comparison that is off by the boundary, or the opposite where there is no boundary.
_OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPPOSITE = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)

# What only tells people something.
_TELLS = frozenset({"log_debug", "log_warning", "warn", "print"})

Replacement = tuple[str, ast.AST, str]


def sites(text: str) -> list[Site]:
    """Every mutant of a source that has to do with what it computes, in the order of its places.

    Left out: what raises and the conditions that only guard it, assertions, messages, f-strings (whose parts
    have no places of their own before Python 3.12), annotations, and what runs at import.
    """
    found: dict[str, Site] = {}
    lines = text.encode().split(b"\n")
    for function, node, condition in _nodes(ast.parse(text)):
        for operator, at, mutated in _mutations(node, condition):
            assert isinstance(at, (ast.expr, ast.stmt))
            assert at.end_lineno is not None
            assert at.end_col_offset is not None
            place = (at.lineno, at.col_offset, at.end_lineno, at.end_col_offset)
            original = _one_line(_cut(lines, *place).decode())
            site = Site(*place, function, operator, original, mutated)
            found.setdefault(site.key, site)
    return sorted(found.values(), key=lambda site: (site.line, site.column, site.operator))


def mutant(text: str, site: Site) -> str:
    """The text with the one place changed."""
    lines = text.encode().split(b"\n")
    before = lines[site.line - 1][: site.column]
    after = lines[site.end_line - 1][site.end_column :]
    changed = [*lines[: site.line - 1], before + site.mutated.encode() + after, *lines[site.end_line :]]
    return b"\n".join(changed).decode()


def choose(candidates: Sequence[Site], reached: Collection[int], count: int, seed: int) -> list[Site]:
    """``count`` of the sites on ``reached`` lines: the operators in turn, each where the fewest are so far.

    The choice for a smaller count is the start of that for a greater one.
    """
    shuffled = [site for site in candidates if site.line in reached]
    random.Random(seed).shuffle(shuffled)
    left: defaultdict[str, list[Site]] = defaultdict(list)
    for site in shuffled:
        left[site.operator].append(site)
    taken: Counter[str] = Counter()
    chosen: list[Site] = []
    while len(chosen) < count and any(left.values()):
        for operator in sorted(left):
            if not left[operator] or len(chosen) == count:
                continue
            site = min(left[operator], key=lambda site: taken[site.function])
            left[operator].remove(site)
            taken[site.function] += 1
            chosen.append(site)
    return chosen


# ------------------------------------------------------------------------------------------- operators


def _mutations(node: ast.AST, condition: bool) -> Iterator[Replacement]:
    """The mutants of one node: (operator, what is replaced, by which text)."""
    if condition and isinstance(node, ast.expr):
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield "negate a condition", node, f"({ast.unparse(node.operand)})"
        else:
            yield "negate a condition", node, f"(not ({ast.unparse(node)}))"
    for operator, mutate in _OPERATORS:
        replaced = mutate(node, condition)
        if replaced is not None:
            yield operator, node, replaced


def _swapped_boolean(node: ast.AST, condition: bool) -> str | None:
    if not isinstance(node, ast.BoolOp):
        return None
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return f"({ast.unparse(ast.BoolOp(other, node.values))})"


def _dropped_not(node: ast.AST, condition: bool) -> str | None:
    # As a whole condition it is dropped by negating that.
    if condition or not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        return None
    return f"(bool({ast.unparse(node.operand)}))"


def _swapped_comparison(node: ast.AST, condition: bool) -> str | None:
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    if condition and isinstance(node.ops[0], _OPPOSITE):
        return None  # the same as negating the condition
    other = _OTHER_COMPARISON[type(node.ops[0])]()
    return f"({ast.unparse(ast.Compare(node.left, [other], node.comparators))})"


def _off_by_one(node: ast.AST, condition: bool) -> str | None:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return str(node.value + 1)
    return None


def _dropped(node: ast.AST, condition: bool) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return "pass"
    if isinstance(node, ast.Assign) and all(isinstance(target, ast.Subscript) for target in node.targets):
        return "pass"
    return None


_OPERATORS: tuple[tuple[str, Callable[[ast.AST, bool], str | None]], ...] = (
    ("swap and/or", _swapped_boolean),
    ("drop not", _dropped_not),
    ("swap a comparison", _swapped_comparison),
    ("off by one", _off_by_one),
    ("drop a call or store", _dropped),
)


# ------------------------------------------------------------------------------------------- traversal


def _nodes(tree: ast.AST) -> Iterator[tuple[str, ast.AST, bool]]:
    """The nodes inside functions, each with the function's qualified name and whether it is a condition."""

    def visit(node: ast.AST, scope: str, inside: bool, condition: bool) -> Iterator[tuple[str, ast.AST, bool]]:
        if _left_out(node):
            return
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{scope}.{node.name}" if scope else node.name
            within = inside or not isinstance(node, ast.ClassDef)
            for statement in node.body:
                yield from visit(statement, name, within, False)
            return
        if inside:
            yield scope, node, condition
        conditions = {id(test) for test in _tests(node)}
        unwanted = {id(part) for part in _annotations(node)}
        for child in ast.iter_child_nodes(node):
            if id(child) not in unwanted:
                yield from visit(child, scope, inside, id(child) in conditions)

    yield from visit(tree, "", False, False)


def _tests(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.comprehension(ifs=ifs):
            return ifs
        case _:
            return []


def _annotations(node: ast.AST) -> list[ast.AST]:
    return [node.annotation] if isinstance(node, ast.AnnAssign) else []


def _left_out(node: ast.AST) -> bool:
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.arguments():
            return True
        case ast.If(body=[*_, ast.Raise()], orelse=[]):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name in _TELLS
        case _:
            return False


def _cut(lines: Sequence[bytes], line: int, column: int, end_line: int, end_column: int) -> bytes:
    if line == end_line:
        return lines[line - 1][column:end_column]
    return b"\n".join([lines[line - 1][column:], *lines[line : end_line - 1], lines[end_line - 1][:end_column]])


def _one_line(text: str) -> str:
    return " ".join(text.split())
