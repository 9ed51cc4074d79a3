"""Branches and conditions written another way, and code behind a condition that Warp cannot know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kernelfuzz.analysis.effects import asks_thread, binds_array, has_tiles, is_pure, is_total
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.rewrite import Path, block_at, node_at, spliced
from kernelfuzz.ir.types import BOOL, INT32, Scalar
from kernelfuzz.ir.walk import surely_returns
from kernelfuzz.rewrites.parameters import new_scalar, with_param
from kernelfuzz.rewrites.places import Change, Picks, new_name, statements

# ------------------------------------------------------------------ statements

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def negated(test: n.Expr) -> n.Expr:
    """The opposite of a condition: of integers with the opposite operator, else with ``not``.

    A NaN is not less than anything and not greater either, so floats keep their operator.
    """
    match test:
        case n.Compare(left=left, ops=(op,), comparators=comparators) if isinstance(left.type, Scalar):
            floats = any(isinstance(side.type, Scalar) and side.type.is_float for side in (left, *comparators))
            if not floats or op in ("==", "!="):
                return n.Compare(left, (_OPPOSITE[op],), comparators)
        case n.Unary(op="not", operand=operand) if operand.type == BOOL:
            return operand
        case _:
            pass
    return n.Unary("not", test, BOOL)


def swapped(node: n.If, kernel: n.Kernel) -> n.If:
    """The branches of an ``if`` under the opposite condition."""
    return n.If(negated(node.test), node.orelse or (n.Pass(),), node.body)


def is_conjunction(node: n.If, kernel: n.Kernel) -> bool:
    """Whether this is ``if a and b:`` without an else."""
    return isinstance(node.test, n.BoolOp) and node.test.op == "and" and not node.orelse


def is_disjunction(node: n.If, kernel: n.Kernel) -> bool:
    """Whether this is ``if a or b:`` without an else."""
    return isinstance(node.test, n.BoolOp) and node.test.op == "or" and not node.orelse


def _first_and_rest(test: n.Expr) -> tuple[n.Expr, n.Expr]:
    """``a`` and ``b and c`` of ``a and b and c``."""
    assert isinstance(test, n.BoolOp)
    first, *rest = test.values
    return first, rest[0] if len(rest) == 1 else n.BoolOp(test.op, tuple(rest))


def nested(node: n.If, kernel: n.Kernel) -> n.If:
    """``if a: if b: x`` for ``if a and b: x``."""
    first, rest = _first_and_rest(node.test)
    return n.If(first, (n.If(rest, node.body),))


def cascaded(node: n.If, kernel: n.Kernel) -> n.If:
    """``if a: x`` and ``elif b: x`` for ``if a or b: x``."""
    first, rest = _first_and_rest(node.test)
    return n.If(first, node.body, (n.If(rest, node.body),))


def has_needless_else(node: n.If, kernel: n.Kernel) -> bool:
    """Whether there is an else behind a body that surely returns."""
    return bool(node.orelse) and surely_returns(node.body)


def without_else(node: n.If, kernel: n.Kernel) -> n.Block:
    """The statements of the else behind the ``if``."""
    return (replace(node, orelse=()), *node.orelse)


def lacks_else(node: n.If, kernel: n.Kernel) -> bool:
    """Whether there is no else behind a body that surely returns."""
    return not node.orelse and surely_returns(node.body)


def with_else(case: Case, path: Path, picks: Picks) -> Case | None:
    """What follows an ``if`` in its block as its else."""
    node = node_at(case.kernel, path)
    assert isinstance(node, n.If)
    block, at = block_at(case.kernel, path)
    following = block[at + 1 :]
    if not following:
        return None
    new = replace(node, orelse=following)
    return replace(case, kernel=spliced(case.kernel, path, (new,), 1 + len(following)))


def assigns_ternary(node: n.Assign, kernel: n.Kernel) -> bool:
    """Whether this is ``x = a if c else b``."""
    return isinstance(node.target, n.Name) and isinstance(node.value, n.IfExp)


def ternary_to_if(node: n.Assign, kernel: n.Kernel) -> n.If:
    """``if c: x = a`` and ``else: x = b``."""
    value = node.value
    assert isinstance(value, n.IfExp)
    return n.If(value.test, (n.Assign(node.target, value.body),), (n.Assign(node.target, value.orelse),))


def is_choice(node: n.If, kernel: n.Kernel) -> bool:
    """Whether both branches do nothing but assign to the same local."""
    match node.body, node.orelse:
        case (n.Assign(target=n.Name() as one),), (n.Assign(target=n.Name() as other),):
            return one == other
        case _:
            return False


def if_to_ternary(node: n.If, kernel: n.Kernel) -> n.Assign | None:
    """``x = a if c else b``."""
    (body,), (orelse,) = node.body, node.orelse
    assert isinstance(body, n.Assign)
    assert isinstance(orelse, n.Assign)
    if not all(is_pure(each.value, kernel.functions) for each in (body, orelse)):
        return None
    return n.Assign(body.target, n.IfExp(node.test, body.value, orelse.value, body.value.type))


# ----------------------------------------------------------------- expressions


def is_pure_bool_op(node: n.BoolOp, kernel: n.Kernel) -> bool:
    """Whether ``a and b`` or ``a or b`` changes nothing."""
    return is_pure(node, kernel.functions)


def bool_op_to_ternary(node: n.BoolOp, kernel: n.Kernel) -> n.IfExp:
    """``b if a else False`` for ``a and b``; ``True if a else b`` for ``a or b``."""
    first, rest = _first_and_rest(node)
    if node.op == "and":
        return n.IfExp(first, rest, n.Literal(False, BOOL), BOOL)
    return n.IfExp(first, n.Literal(True, BOOL), rest, BOOL)


def is_pure_chain(node: n.Compare, kernel: n.Kernel) -> bool:
    """Whether this is a chain, ``a < b < c``, that changes nothing."""
    return len(node.ops) > 1 and is_pure(node, kernel.functions)


def split_chain(node: n.Compare, kernel: n.Kernel) -> n.BoolOp:
    """``a < b and b < c`` for ``a < b < c``."""
    return linked(node)


def linked(node: n.Compare) -> n.BoolOp:
    """The comparisons of neighbours in a chain, each of them by itself."""
    sides = (node.left, *node.comparators)
    links = zip(sides[:-1], node.ops, sides[1:], strict=True)
    return n.BoolOp("and", tuple([n.Compare(left, (op,), (right,)) for left, op, right in links]))


def is_pure_where(node: n.Call, kernel: n.Kernel) -> bool:
    """Whether this is a ``wp.where`` of a bool that changes nothing."""
    # Warp takes any number as a condition of where; a ternary wants a bool.
    return node.name == "where" and node.args[0].type == BOOL and is_pure(node, kernel.functions)


def where_to_ternary(node: n.Call, kernel: n.Kernel) -> n.IfExp:
    """``a if c else b`` for ``wp.where(c, a, b)``."""
    test, body, orelse = node.args
    return n.IfExp(test, body, orelse, node.type)


def is_total_ternary(node: n.IfExp, kernel: n.Kernel) -> bool:
    """Whether both sides may be evaluated, as ``wp.where`` does."""
    return is_total(node.body) and is_total(node.orelse)


def ternary_to_where(node: n.IfExp, kernel: n.Kernel) -> n.Call:
    """``wp.where(c, a, b)`` for ``a if c else b``."""
    return n.Call("where", (node.test, node.body, node.orelse), node.type)


def swapped_ternary(node: n.IfExp, kernel: n.Kernel) -> n.IfExp:
    """The sides of a ternary under the opposite condition."""
    return n.IfExp(negated(node.test), node.orelse, node.body, node.type)


# ----------------- code behind a condition that Warp cannot know: a new parameter, which the launch sets to 0

_ZERO = n.Literal(0, INT32)

# How many statements in a row a true condition is put around.
_LONGEST = 3


def guardable(kernel: n.Kernel) -> list[Path]:
    """The kernel's own statements that do not ask for the thread."""
    if has_tiles(kernel):
        return []
    return [path for path, node in statements(kernel, functions=False) if not asks_thread(node)]


def _is_movable(block: n.Block) -> bool:
    return not asks_thread(*block) and not binds_array(block)


def _dead(wrap: Callable[[n.Expr, n.Block, str], n.Stmt]) -> Change:
    """A copy of some statement of the kernel in front of the place, wrapped so that it never runs.

    ``wrap`` gets a parameter that is 0, the copy, and a new name.
    """

    def rewrite(case: Case, path: Path, picks: Picks) -> Case | None:
        block, at = block_at(case.kernel, picks.pick(guardable(case.kernel)))
        copied = block[at]
        if not _is_movable((copied,)):
            return None
        opaque = new_scalar(case.kernel, "opaque", _ZERO)
        dead = wrap(opaque.read, (copied,), new_name(case.kernel, "never"))
        return with_param(case, spliced(case.kernel, path, (dead,), 0), opaque)

    return rewrite


def _is_set(opaque: n.Expr) -> n.Expr:
    return n.Compare(opaque, (">",), (_ZERO,))


dead_if: Change = _dead(lambda opaque, body, _: n.If(_is_set(opaque), body))
dead_while: Change = _dead(lambda opaque, body, _: n.While(_is_set(opaque), body))
dead_for: Change = _dead(lambda opaque, body, name: n.For(name, (opaque,), body))


def guarded(case: Case, path: Path, picks: Picks) -> Case | None:
    """A condition that is always true around one to three statements."""
    block, position = block_at(case.kernel, path)
    count = min(picks.integer(1, _LONGEST), len(block) - position)
    inside = block[position : position + count]
    if not _is_movable(inside):
        return None
    opaque = new_scalar(case.kernel, "opaque", _ZERO)
    statement = n.If(n.Compare(opaque.read, ("==",), (_ZERO,)), inside)
    return with_param(case, spliced(case.kernel, path, (statement,), count), opaque)
