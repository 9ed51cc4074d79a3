"""Branches and conditions written another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kernelfuzz.analysis.effects import has_tiles, is_pure, is_total
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import BOOL, Scalar
from kernelfuzz.rewrites.paths import Path, block_at, next_statement, node_at, replaced, spliced, statements, values
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def negated(test: n.Expr) -> n.Expr:
    """The opposite of a condition: of integers with the opposite operator, else with ``not``.

    A NaN is not less than anything and not greater either, so floats keep their operator.
    """
    match test:
        case n.Compare(left=left, ops=(op,), comparators=comparators) if isinstance(left.type, Scalar):
            if not left.type.is_float or op in ("==", "!="):
                return n.Compare(left, (_OPPOSITE[op],), comparators)
        case n.Unary(op="not", operand=operand) if operand.type == BOOL:
            return operand
        case _:
            pass
    return n.Unary("not", test, BOOL)


def _ifs(wanted: Callable[[n.If], bool]) -> Callable[[n.Kernel], list[Path]]:
    def places(kernel: n.Kernel) -> list[Path]:
        if has_tiles(kernel):
            return []
        return [path for path, node in statements(kernel) if isinstance(node, n.If) and wanted(node)]

    return places


def _expressions(
    wanted: Callable[[n.Expr, tuple[n.Function, ...]], bool],
) -> Callable[[n.Kernel], list[Path]]:
    def places(kernel: n.Kernel) -> list[Path]:
        return [path for path, node in values(kernel) if wanted(node, kernel.functions)]

    return places


def _if_at(case: Case, path: Path) -> n.If:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.If)
    return node


# ------------------------------------------------------------------ statements


def _swap(case: Case, path: Path, choices: Picks) -> Case:
    node = _if_at(case, path)
    swapped = n.If(negated(node.test), node.orelse or (n.Pass(),), node.body)
    return with_kernel(case, replaced(case.kernel, path, swapped))


def _is_conjunction(node: n.If) -> bool:
    return isinstance(node.test, n.BoolOp) and node.test.op == "and" and not node.orelse


def _nest(case: Case, path: Path, choices: Picks) -> Case:
    node = _if_at(case, path)
    assert isinstance(node.test, n.BoolOp)
    first, *rest = node.test.values
    inner = n.If(rest[0] if len(rest) == 1 else n.BoolOp("and", tuple(rest)), node.body)
    return with_kernel(case, replaced(case.kernel, path, n.If(first, (inner,))))


def _is_disjunction(node: n.If) -> bool:
    return isinstance(node.test, n.BoolOp) and node.test.op == "or" and not node.orelse


def _cascade(case: Case, path: Path, choices: Picks) -> Case:
    """``if a or b: x`` as ``if a: x`` and ``elif b: x``."""
    node = _if_at(case, path)
    assert isinstance(node.test, n.BoolOp)
    first, *rest = node.test.values
    second = n.If(rest[0] if len(rest) == 1 else n.BoolOp("or", tuple(rest)), node.body)
    return with_kernel(case, replaced(case.kernel, path, n.If(first, node.body, (second,))))


def _returns(block: n.Block) -> bool:
    """Whether a block surely ends in a return."""
    match block[-1] if block else None:
        case n.Return():
            return True
        case n.If(body=body, orelse=orelse):
            return _returns(body) and _returns(orelse)
        case _:
            return False


def _has_needless_else(node: n.If) -> bool:
    return bool(node.orelse) and _returns(node.body)


def _drop_else(case: Case, path: Path, choices: Picks) -> Case:
    node = _if_at(case, path)
    return with_kernel(case, spliced(case.kernel, path, (replace(node, orelse=()), *node.orelse)))


def _lacks_else(node: n.If) -> bool:
    return not node.orelse and _returns(node.body)


def _following(kernel: n.Kernel, path: Path) -> tuple[n.Stmt, ...]:
    """The statements behind the one at the path, in its block."""
    block, position = block_at(kernel, path)
    return block[position + 1 :]


def _add_else(case: Case, path: Path, choices: Picks) -> Case | None:
    node, following = _if_at(case, path), _following(case.kernel, path)
    if not following:
        return None
    shorter = spliced(case.kernel, next_statement(path), (), len(following))
    return with_kernel(case, replaced(shorter, path, replace(node, orelse=following)))


def _chosen(node: n.Stmt) -> n.IfExp | None:
    match node:
        case n.Assign(target=n.Name(), value=n.IfExp() as value):
            return value
        case _:
            return None


def _ternary_assignments(kernel: n.Kernel) -> list[Path]:
    return [path for path, node in statements(kernel) if _chosen(node) is not None]


def _ternary_to_if(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Assign)
    value = node.value
    assert isinstance(value, n.IfExp)
    branch = n.If(value.test, (n.Assign(node.target, value.body),), (n.Assign(node.target, value.orelse),))
    return with_kernel(case, replaced(case.kernel, path, branch))


def _is_choice(node: n.If) -> bool:
    match node.body, node.orelse:
        case (n.Assign(target=n.Name() as one),), (n.Assign(target=n.Name() as other),):
            return one == other
        case _:
            return False


def _if_to_ternary(case: Case, path: Path, choices: Picks) -> Case | None:
    node = _if_at(case, path)
    (body,), (orelse,) = node.body, node.orelse
    assert isinstance(body, n.Assign)
    assert isinstance(orelse, n.Assign)
    if not all(is_pure(each.value, case.kernel.functions) for each in (body, orelse)):
        return None
    value = n.IfExp(node.test, body.value, orelse.value, body.value.type)
    return with_kernel(case, replaced(case.kernel, path, n.Assign(body.target, value)))


# ----------------------------------------------------------------- expressions


def _is_pure_bool_op(node: n.Expr, functions: tuple[n.Function, ...]) -> bool:
    return isinstance(node, n.BoolOp) and is_pure(node, functions)


def _bool_op_to_ternary(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.BoolOp)
    first, *rest = node.values
    other = rest[0] if len(rest) == 1 else n.BoolOp(node.op, tuple(rest))
    if node.op == "and":
        changed = n.IfExp(first, other, n.Literal(False, BOOL), BOOL)
    else:
        changed = n.IfExp(first, n.Literal(True, BOOL), other, BOOL)
    return with_kernel(case, replaced(case.kernel, path, changed))


def _is_pure_chain(node: n.Expr, functions: tuple[n.Function, ...]) -> bool:
    return isinstance(node, n.Compare) and len(node.ops) > 1 and is_pure(node, functions)


def _split_chain(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Compare)
    operands = (node.left, *node.comparators)
    parts = [
        n.Compare(left, (op,), (right,)) for left, op, right in zip(operands, node.ops, operands[1:], strict=False)
    ]
    return with_kernel(case, replaced(case.kernel, path, n.BoolOp("and", tuple(parts))))


def _is_where(node: n.Expr, functions: tuple[n.Function, ...]) -> bool:
    # Warp takes any number as a condition of where; a ternary wants a bool.
    return isinstance(node, n.Call) and node.name == "where" and node.args[0].type == BOOL and is_pure(node, functions)


def _where_to_ternary(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.Call)
    test, body, orelse = node.args
    return with_kernel(case, replaced(case.kernel, path, n.IfExp(test, body, orelse, node.type)))


def _is_total_ternary(node: n.Expr, functions: tuple[n.Function, ...]) -> bool:
    # ``wp.where`` evaluates both.
    return isinstance(node, n.IfExp) and is_total(node.body) and is_total(node.orelse)


def _ternary_to_where(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.IfExp)
    changed = n.Call("where", (node.test, node.body, node.orelse), node.type)
    return with_kernel(case, replaced(case.kernel, path, changed))


def _is_ternary(node: n.Expr, functions: tuple[n.Function, ...]) -> bool:
    return isinstance(node, n.IfExp)


def _swap_ternary(case: Case, path: Path, choices: Picks) -> Case:
    node = node_at(case.kernel, path)
    assert isinstance(node, n.IfExp)
    changed = n.IfExp(negated(node.test), node.orelse, node.body, node.type)
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
