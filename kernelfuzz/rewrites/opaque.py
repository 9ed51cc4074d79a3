"""Code behind a condition that Warp cannot know: a new parameter ``opaque``, which the launch sets to 0."""

from __future__ import annotations

from collections.abc import Callable

from kernelfuzz.analysis.effects import asks_thread, binds_array, has_tiles
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.types import INT32
from kernelfuzz.rewrites.everywhere import fresh
from kernelfuzz.rewrites.inputs import with_scalar
from kernelfuzz.rewrites.paths import Path, block_at, spliced, statement_at, statements
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel

_ZERO = n.Literal(0, INT32)

# How many statements in a row a true condition is put around.
_LONGEST = 3


def _is_set(opaque: n.Expr) -> n.Expr:
    return n.Compare(opaque, (">",), (_ZERO,))


def _places(kernel: n.Kernel) -> list[Path]:
    if has_tiles(kernel):
        return []
    return [path for path, node in statements(kernel, functions=False) if not asks_thread(node)]


def _movable(block: n.Block) -> bool:
    return not asks_thread(*block) and not binds_array(block)


def _dead(wrap: Callable[[n.Expr, n.Block, str], n.Stmt]) -> Callable[[Case, Path, Picks], Case | None]:
    """A copy of some statement of the kernel, at the place and never run."""

    def rewrite(case: Case, path: Path, choices: Picks) -> Case | None:
        copied = statement_at(case.kernel, choices.pick(_places(case.kernel)))
        if not _movable((copied,)):
            return None
        changed, opaque = with_scalar(case, "opaque", _ZERO)
        dead = wrap(opaque, (copied,), next(fresh(changed.kernel, "never")))
        return with_kernel(changed, spliced(changed.kernel, path, (dead,), 0))

    return rewrite


def _guard(case: Case, path: Path, choices: Picks) -> Case | None:
    """A condition that is always true around one to three statements."""
    block, position = block_at(case.kernel, path)
    count = min(choices.integer(1, _LONGEST), len(block) - position)
    guarded = block[position : position + count]
    if not _movable(guarded):
        return None
    changed, opaque = with_scalar(case, "opaque", _ZERO)
    statement = n.If(n.Compare(opaque, ("==",), (_ZERO,)), guarded)
    return with_kernel(changed, spliced(changed.kernel, path, (statement,), count))


OPAQUE = (
    Transformation("dead code in an if", _places, _dead(lambda opaque, body, name: n.If(_is_set(opaque), body))),
    Transformation("dead code in a while", _places, _dead(lambda opaque, body, name: n.While(_is_set(opaque), body))),
    Transformation("dead code in a for", _places, _dead(lambda opaque, body, name: n.For(name, (opaque,), body))),
    Transformation("true condition", _places, _guard),
)
