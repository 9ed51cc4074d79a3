"""Branches and conditions written another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import (
    Assign,
    Block,
    BoolOp,
    Call,
    Compare,
    Expr,
    Function,
    If,
    IfExp,
    Kernel,
    Literal,
    Name,
    Pass,
    Return,
    Stmt,
    Unary,
)
from kernelfuzz.ir.types import BOOL, Scalar
from kernelfuzz.oracles.transformations.facts import (
    has_tiles,
    is_pure,
    is_total,
    next_statement,
    statements,
    values,
)
from kernelfuzz.oracles.transformations.paths import Path, block_at, node_at, replaced, spliced
from kernelfuzz.oracles.transformations.transformation import Transformation, with_kernel

if TYPE_CHECKING:
    from kernelfuzz.strategies.choices import Choices

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def negated(test: Expr) -> Expr:
    """The opposite of a condition: of integers with the opposite operator, else with ``not``.

    A NaN is not less than anything and not greater either, so floats keep their operator.
    """
    match test:
        case Compare(left=left, ops=(op,), comparators=comparators) if isinstance(left.type, Scalar):
            if not left.type.is_float or op in ("==", "!="):
                return Compare(left, (_OPPOSITE[op],), comparators)
        case Unary(op="not", operand=operand) if operand.type == BOOL:
            return operand
        case _:
            pass
    return Unary("not", test, BOOL)


def _ifs(wanted: Callable[[If], bool]) -> Callable[[Kernel], list[Path]]:
    def places(kernel: Kernel) -> list[Path]:
        if has_tiles(kernel):
            return []
        return [path for path, node in statements(kernel) if isinstance(node, If) and wanted(node)]

    return places


def _expressions(wanted: Callable[[Expr, tuple[Function, ...]], bool]) -> Callable[[Kernel], list[Path]]:
    def places(kernel: Kernel) -> list[Path]:
        return [path for path, node in values(kernel) if wanted(node, kernel.functions)]

    return places


def _if_at(case: Case, path: Path) -> If:
    node = node_at(case.kernel, path)
    assert isinstance(node, If)
    return node


# ------------------------------------------------------------------ statements


def _swap(case: Case, path: Path, choices: Choices) -> Case:
    node = _if_at(case, path)
    swapped = If(negated(node.test), node.orelse or (Pass(),), node.body)
    return with_kernel(case, replaced(case.kernel, path, swapped))


def _is_conjunction(node: If) -> bool:
    return isinstance(node.test, BoolOp) and node.test.op == "and" and not node.orelse


def _nest(case: Case, path: Path, choices: Choices) -> Case:
    node = _if_at(case, path)
    assert isinstance(node.test, BoolOp)
    first, *rest = node.test.values
    inner = If(rest[0] if len(rest) == 1 else BoolOp("and", tuple(rest)), node.body)
    return with_kernel(case, replaced(case.kernel, path, If(first, (inner,))))


def _is_disjunction(node: If) -> bool:
    return isinstance(node.test, BoolOp) and node.test.op == "or" and not node.orelse


def _cascade(case: Case, path: Path, choices: Choices) -> Case:
    """``if a or b: x`` as ``if a: x`` and ``elif b: x``."""
    node = _if_at(case, path)
    assert isinstance(node.test, BoolOp)
    first, *rest = node.test.values
    second = If(rest[0] if len(rest) == 1 else BoolOp("or", tuple(rest)), node.body)
    return with_kernel(case, replaced(case.kernel, path, If(first, node.body, (second,))))


def _returns(block: Block) -> bool:
    """Whether a block surely ends in a return."""
    match block[-1] if block else None:
        case Return():
            return True
        case If(body=body, orelse=orelse):
            return _returns(body) and _returns(orelse)
        case _:
            return False


def _has_needless_else(node: If) -> bool:
    return bool(node.orelse) and _returns(node.body)


def _drop_else(case: Case, path: Path, choices: Choices) -> Case:
    node = _if_at(case, path)
    return with_kernel(case, spliced(case.kernel, path, (replace(node, orelse=()), *node.orelse)))


def _lacks_else(node: If) -> bool:
    return not node.orelse and _returns(node.body)


def _following(kernel: Kernel, path: Path) -> tuple[Stmt, ...]:
    """The statements behind the one at the path, in its block."""
    block, position = block_at(kernel, path)
    return block[position + 1 :]


def _add_else(case: Case, path: Path, choices: Choices) -> Case | None:
    node, following = _if_at(case, path), _following(case.kernel, path)
    if not following:
        return None
    shorter = spliced(case.kernel, next_statement(path), (), len(following))
    return with_kernel(case, replaced(shorter, path, replace(node, orelse=following)))


def _chosen(node: Stmt) -> IfExp | None:
    match node:
        case Assign(target=Name(), value=IfExp() as value):
            return value
        case _:
            return None


def _ternary_assignments(kernel: Kernel) -> list[Path]:
    return [path for path, node in statements(kernel) if _chosen(node) is not None]


def _ternary_to_if(case: Case, path: Path, choices: Choices) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, Assign)
    value = node.value
    assert isinstance(value, IfExp)
    branch = If(value.test, (Assign(node.target, value.body),), (Assign(node.target, value.orelse),))
    return with_kernel(case, replaced(case.kernel, path, branch))


def _is_choice(node: If) -> bool:
    match node.body, node.orelse:
        case (Assign(target=Name() as one),), (Assign(target=Name() as other),):
            return one == other
        case _:
            return False


def _if_to_ternary(case: Case, path: Path, choices: Choices) -> Case | None:
    node = _if_at(case, path)
    (body,), (orelse,) = node.body, node.orelse
    assert isinstance(body, Assign)
    assert isinstance(orelse, Assign)
    if not all(is_pure(each.value, case.kernel.functions) for each in (body, orelse)):
        return None
    value = IfExp(node.test, body.value, orelse.value, body.value.type)
    return with_kernel(case, replaced(case.kernel, path, Assign(body.target, value)))


# ----------------------------------------------------------------- expressions


def _is_pure_bool_op(node: Expr, functions: tuple[Function, ...]) -> bool:
    return isinstance(node, BoolOp) and is_pure(node, functions)


def _bool_op_to_ternary(case: Case, path: Path, choices: Choices) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, BoolOp)
    first, *rest = node.values
    other = rest[0] if len(rest) == 1 else BoolOp(node.op, tuple(rest))
    if node.op == "and":
        changed = IfExp(first, other, Literal(False, BOOL), BOOL)
    else:
        changed = IfExp(first, Literal(True, BOOL), other, BOOL)
    return with_kernel(case, replaced(case.kernel, path, changed))


def _is_pure_chain(node: Expr, functions: tuple[Function, ...]) -> bool:
    return isinstance(node, Compare) and len(node.ops) > 1 and is_pure(node, functions)


def _split_chain(case: Case, path: Path, choices: Choices) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, Compare)
    operands = (node.left, *node.comparators)
    parts = [
        Compare(left, (op,), (right,))
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False)
    ]
    return with_kernel(case, replaced(case.kernel, path, BoolOp("and", tuple(parts))))


def _is_where(node: Expr, functions: tuple[Function, ...]) -> bool:
    # Warp takes any number as a condition of where; a ternary wants a bool.
    return (
        isinstance(node, Call)
        and node.name == "where"
        and node.args[0].type == BOOL
        and is_pure(node, functions)
    )


def _where_to_ternary(case: Case, path: Path, choices: Choices) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, Call)
    test, body, orelse = node.args
    return with_kernel(case, replaced(case.kernel, path, IfExp(test, body, orelse, node.type)))


def _is_total_ternary(node: Expr, functions: tuple[Function, ...]) -> bool:
    # ``wp.where`` evaluates both.
    return isinstance(node, IfExp) and is_total(node.body) and is_total(node.orelse)


def _ternary_to_where(case: Case, path: Path, choices: Choices) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, IfExp)
    changed = Call("where", (node.test, node.body, node.orelse), node.type)
    return with_kernel(case, replaced(case.kernel, path, changed))


def _is_ternary(node: Expr, functions: tuple[Function, ...]) -> bool:
    return isinstance(node, IfExp)


def _swap_ternary(case: Case, path: Path, choices: Choices) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, IfExp)
    changed = IfExp(negated(node.test), node.orelse, node.body, node.type)
    return with_kernel(case, replaced(case.kernel, path, changed))


BRANCHES = (
    Transformation("branches swapped", _ifs(lambda node: True), _swap),
    Transformation("and to nested ifs", _ifs(_is_conjunction), _nest),
    Transformation("or to elif", _ifs(_is_disjunction), _cascade),
    Transformation("else after a return dropped", _ifs(_has_needless_else), _drop_else),
    Transformation("else after a return added", _ifs(_lacks_else), _add_else),
    Transformation("ternary to if", _ternary_assignments, _ternary_to_if),
    Transformation("if to ternary", _ifs(_is_choice), _if_to_ternary),
    Transformation("ternary swapped", _expressions(_is_ternary), _swap_ternary),
    Transformation("and or to ternary", _expressions(_is_pure_bool_op), _bool_op_to_ternary),
    Transformation("chained comparison split", _expressions(_is_pure_chain), _split_chain),
    Transformation("where to ternary", _expressions(_is_where), _where_to_ternary),
    Transformation("ternary to where", _expressions(_is_total_ternary), _ternary_to_where),
)
