"""A kernel's differentiable form: what Warp documents that its adjoints do not get right, written otherwise.

The gradient oracle judges another kernel than the drawn one anyway (at inputs of its own); this
one differs from it only where a documented limitation applies, and there by one of the rules below, or by
reading an array that it overwrites from a copy.  It computes other values: only its adjoint is of interest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from kernelfuzz.analysis.effects import names_read, stored_argument, stored_places, written_parameters
from kernelfuzz.analysis.unrolling import is_dynamic
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames, root_name
from kernelfuzz.ir.rewrite import Part, Path, places, rebuild, replace_at, transform
from kernelfuzz.ir.walk import bound_names, children, walk
from kernelfuzz.reference.limitations import LIMITATIONS, reassigned_components
from kernelfuzz.rewrites.adjoints import constructed_again
from kernelfuzz.typecheck.verify import VerifyError, verify

Unit = n.Kernel | n.Function

# Iterations of a loop that stands for a dynamic one, of the outer loops and of those inside of them.
ITERATIONS = (3, 2)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is written instead where the limitation applies to a kernel or one of its functions.

    ``rewrites`` gives the unit rewritten in one or several ways, the best first: the first that verifies
    counts.
    """

    name: str
    limitation: str
    rewrites: Callable[[Unit], Iterator[Unit]]


def differentiable(kernel: n.Kernel) -> n.Kernel:
    """Return the kernel with every rule applied whose limitation applies to it.

    What no rule helps stays as it is: ``documented_limitation`` tells.
    """
    applies = {limitation.name: limitation.applies for limitation in LIMITATIONS}
    for rule in RULES:
        for position in range(len(kernel.functions)):
            if applies[rule.limitation](kernel.functions[position]):
                kernel = _first(kernel, rule, position)
        if applies[rule.limitation](kernel):
            kernel = _first(kernel, rule, None)
    return kernel


def _first(kernel: n.Kernel, rule: Rule, position: int | None) -> n.Kernel:
    """The kernel with its body or one of its functions rewritten in the first way that verifies."""
    unit: Unit = kernel if position is None else kernel.functions[position]
    for rewritten in rule.rewrites(unit):
        if position is None:
            assert isinstance(rewritten, n.Kernel)
            made = rewritten
        else:
            assert isinstance(rewritten, n.Function)
            functions = (*kernel.functions[:position], rewritten, *kernel.functions[position + 1 :])
            made = replace(kernel, functions=functions)
        if _verifies(made):
            return made
    return kernel


def _verifies(kernel: n.Kernel) -> bool:
    try:
        verify(kernel)
    except VerifyError:
        return False
    return True


def _with_body(unit: Unit, change: Callable[[n.Node], n.Node | Part]) -> Unit:
    """The unit with a function mapped over every node of its body (not, of a kernel, of its functions)."""
    if isinstance(unit, n.Kernel):
        alone = transform(replace(unit, functions=()), change)
        return replace(alone, functions=unit.functions)
    return transform(unit, change)


# ------------------------------------------------------------------------- in-place products


def _spelt_out(unit: Unit) -> Iterator[Unit]:
    """``a[i] *= e`` becomes ``a[i] = a[i] * e``."""

    def change(node: n.Node) -> n.Node:
        match node:
            case n.AugAssign(target=target, op=op, value=value) if (
                op not in ("+", "-") and not isinstance(target, n.Name) and t.has_floats(target.type)
            ):
                return n.Assign(target, n.Binary(op, target, value, target.type))
            case _:
                return node

    yield _with_body(unit, change)


# -------------------------------------------------------------------------------- components


def _constructed(unit: Unit) -> Iterator[Unit]:
    """``v.x = e`` becomes ``v = wp.vec3(e, v.y, v.z)`` where a component of v may be assigned twice.

    At an index that is not constant it becomes ``v[i] += e - v[i]``, which is documented as safe; other
    parts are not assigned.
    """
    names = reassigned_components(unit)

    def change(node: n.Node) -> n.Node:
        if not isinstance(node, n.Assign) or isinstance(node.target, n.Name) or not _is_part_of(node.target, names):
            return node
        return constructed_again(node) or _added(node) or n.Pass()

    yield _with_body(unit, change)


def _is_part_of(place: n.Place, names: frozenset[str]) -> bool:
    """Whether the place is a part of a vector, matrix, quaternion or transform in one of these locals."""
    value: n.Expr = place
    composite = False
    while isinstance(value, (n.Attribute, n.Index)):
        value = value.value
        if isinstance(value.type, t.Array):
            return False
        composite |= isinstance(value.type, (t.Vector, t.Matrix, t.Quaternion, t.Transform))
    return composite and isinstance(value, n.Name) and value.id in names


def _added(node: n.Assign) -> n.AugAssign | None:
    target = node.target
    indexed = isinstance(target, n.Index) and not any(isinstance(each, n.Slice) for each in target.indices)
    if not indexed or not isinstance(target.type, t.Scalar):
        return None
    return n.AugAssign(target, "+", n.Binary("-", node.value, target, target.type))


# ------------------------------------------------------------------------------------- loops


def _unrolled(unit: Unit) -> Iterator[Unit]:
    """A dynamic loop becomes one of few iterations whose body stands behind the loop's condition.

    Where that does not verify (a name would be assigned in a branch only), without the condition.  What
    leaves the loop early is left out.
    """
    for guarded in (True, False):
        fresh = FreshNames(_names(unit))
        yield replace(unit, body=tuple(_without_dynamic(unit.body, fresh, guarded, ITERATIONS)))


def _names(unit: Unit) -> set[str]:
    """The names of the unit's locals and parameters."""
    return {*names_read(*unit.body), *(param.name for param in unit.params)}


def _without_dynamic(block: n.Block, fresh: FreshNames, guarded: bool, iterations: tuple[int, ...]) -> Iterator[n.Stmt]:
    for statement in block:
        match statement:
            case n.If(test=test, body=body, orelse=orelse):
                branches = [tuple(_without_dynamic(each, fresh, guarded, iterations)) for each in (body, orelse)]
                yield n.If(test, *branches)
            case n.For() | n.While() if is_dynamic(statement):
                inner = tuple(_without_dynamic(statement.body, fresh, guarded, iterations[1:] or iterations))
                body = tuple([_staying(each) for each in inner])
                yield from _few_turns(statement, body, fresh, guarded, iterations[0])
            case n.For(name=name, bounds=bounds, body=body):
                inner = iterations[1:] or iterations
                yield n.For(name, bounds, tuple(_without_dynamic(body, fresh, guarded, inner)))
            case _:
                yield statement


def _staying(statement: n.Stmt) -> n.Stmt:
    """The statement of a loop's body without a break or a continue of that loop."""
    match statement:
        case n.Break() | n.Continue():
            return n.Pass()
        case n.If(test=test, body=body, orelse=orelse):
            return n.If(test, tuple(map(_staying, body)), tuple(map(_staying, orelse)))
        case _:
            return statement


def _few_turns(
    loop: n.For | n.While, body: n.Block, fresh: FreshNames, guarded: bool, count: int
) -> Iterator[n.Assign | n.For]:
    turns = (n.Literal(count, t.INT32),)
    if isinstance(loop, n.While):
        yield n.For(fresh("turn"), turns, (n.If(loop.test, body),) if guarded else body)
        return
    bounds: list[n.Expr] = []
    changed = bound_names(loop.body)
    for bound in loop.bounds:
        if any(isinstance(node, n.Name) and node.id in changed for node in walk(bound)):
            # A range is made once, whatever the body does to what it was made of.
            held = n.Name(fresh("bound"), bound.type)
            yield n.Assign(held, bound)
            bound = held
        bounds.append(bound)
    counter = n.Name(loop.name, t.INT32)
    if len(bounds) == 1:
        yield n.For(loop.name, turns, (n.If(n.Compare(counter, ("<",), tuple(bounds)), body),) if guarded else body)
        return
    turn = n.Name(fresh("turn"), t.INT32)
    step: n.Expr = bounds[2] if len(bounds) == 3 else n.Literal(1, t.INT32)
    distance = turn if len(bounds) == 2 else n.Binary("*", turn, step, t.INT32)
    here = n.Assign(counter, n.Binary("+", bounds[0], distance, t.INT32))
    order = ">" if isinstance(step, n.Unary) or (isinstance(step, n.Literal) and step.value < 0) else "<"
    rest: n.Block = (n.If(n.Compare(counter, (order,), (bounds[1],)), body),) if guarded else body
    yield n.For(turn.id, turns, (here, *rest))


# ----------------------------------------------------------------------------------- atomics


def _not_read(unit: Unit) -> Iterator[Unit]:
    """Where the value that an atomic returns is read, the operand of the atomic is."""
    while True:
        statements = {path for path, node in places(unit) if isinstance(node, n.ExprStmt)}
        read: dict[Path, Part] = {
            path: (node.args[-1],)
            for path, node in places(unit)
            if isinstance(node, n.Call) and node.name.startswith("atomic_") and path[:-1] not in statements
        }
        if not read:
            break
        unit = replace_at(unit, read)
    yield unit


def _stored(unit: Unit) -> Iterator[Unit]:
    """An exchange becomes a store, and so does a compare-and-swap."""

    def change(node: n.Node) -> n.Node:
        match node:
            case n.ExprStmt(value=n.Call(name="atomic_exch" | "atomic_cas", args=(array, *_) as args)) if isinstance(
                array.type, t.Array
            ) and t.has_floats(array.type):
                indices = args[1 : 1 + array.type.ndim]
                return n.Assign(n.Index(array, indices, array.type.dtype), args[-1])
            case _:
                return node

    yield _with_body(unit, change)


def _tile_sums(unit: Unit) -> Iterator[Unit]:
    """The sum of a tile for its minimum or maximum."""

    def change(node: n.Node) -> n.Node:
        match node:
            case n.Call(name="tile_min" | "tile_max"):
                return replace(node, name="tile_sum")
            case _:
                return node

    yield _with_body(unit, change)


# --------------------------------------------------------------------------------- eigenvalues


def _of_symmetric(unit: Unit) -> Iterator[Unit]:
    """``q, d = wp.eig3(m)`` becomes ``q, d = wp.eig3(m + wp.transpose(m))``."""
    fresh = FreshNames(_names(unit))

    def change(node: n.Node) -> n.Node | Part:
        match node:
            case n.Unpack(values=(n.Call(name="eig3", args=(matrix,)) as call,)):
                held = n.Name(fresh("matrix"), matrix.type)
                both = n.Binary("+", held, n.Call("transpose", (held,), matrix.type), matrix.type)
                return n.Assign(held, matrix), replace(node, values=(replace(call, args=(both,)),))
            case _:
                return node

    yield _with_body(unit, change)


RULES: tuple[Rule, ...] = (
    Rule("the operand for what an atomic returns", "value returned by an atomic", _not_read),
    Rule("a store for an exchange", "atomic exchange", _stored),
    Rule("a product and a store", "in-place multiplication", _spelt_out),
    Rule("a loop of few turns", "dynamic loop", _unrolled),
    Rule("the sum for an extremum", "extremum of a tile", _tile_sums),
    Rule("a new vector", "component assigned twice", _constructed),
    Rule("a sum of a matrix and its transpose", "eigenvalues of any matrix", _of_symmetric),
)


# ------------------------------------------------------------------------------- overwritten arrays


def read_from_copies(kernel: n.Kernel, overwritten: Set[str]) -> n.Kernel:
    """Return the kernel with a new parameter for each of these arrays, which it reads in the array's place.

    "This sort of problem boils down to a single pattern to be avoided: writing to an array after reading from
    it" (Differentiability, Array Overwrite Tracking): the adjoint runs when the array holds what was written.

    Only the kernel itself reads elsewhere, and the functions that it calls as long as they only read; an
    atomic minimum or maximum, which reads what it writes, becomes a sum.
    """
    writers = written_parameters(kernel)
    copies = {
        param.name: replace(param, name=_copy_name(param.name, kernel))
        for param in kernel.params
        if param.name in overwritten and isinstance(param.type, t.Array)
    }
    if not copies:
        return kernel
    kernel = transform(kernel, _summed)
    renamed = {name: copy.name for name, copy in copies.items()}
    # The locals that are views of arrays and that something is written through.
    views = frozenset(
        root_name(place)
        for node in walk(*kernel.body)
        for place in stored_places(node, writers)
        if not (isinstance(node, (n.Assign, n.AugAssign)) and isinstance(place, n.Name))
    )
    body = tuple([_reading(statement, renamed, writers, views) for statement in kernel.body])
    made = replace(kernel, params=(*kernel.params, *copies.values()), body=body)
    return made if _verifies(made) else kernel


def _copy_name(name: str, kernel: n.Kernel) -> str:
    taken = _names(kernel) | {function.name for function in kernel.functions}
    copy = f"{name}_before"
    while copy in taken:
        copy += "_"
    return copy


def _summed(node: n.Node) -> n.Node:
    match node:
        case n.ExprStmt(value=n.Call(name="atomic_min" | "atomic_max", args=(array, *_)) as call) if t.has_floats(
            array.type
        ):
            return n.ExprStmt(replace(call, name="atomic_add"))
        case _:
            return node


def _reading(
    node: n.Node, renamed: Mapping[str, str], writers: Mapping[str, frozenset[int]], views: frozenset[str]
) -> n.Node:
    """The node with the arrays renamed wherever it reads them."""

    def read(child: n.Node) -> n.Node:
        return _reading(child, renamed, writers, views)

    def written(place: n.Node) -> n.Node:
        # What is stored into keeps its name; the indices on the way there are read.
        if isinstance(place, n.Index):
            return rebuild(place, [(written(place.value),), *((read(index),) for index in place.indices)])
        return rebuild(place, [(written(place.value),)]) if isinstance(place, n.Attribute) else place

    match node:
        case n.Name(id=name, type=type_) if name in renamed:
            return n.Name(renamed[name], type_)
        case n.Assign(target=n.Name(id=name), value=value) if isinstance(value.type, t.Array) and name in views:
            return node
        case _:
            kept = _stored_children(node, writers)
    below = children(node)
    parts = [(written(child) if at in kept else read(child),) for at, child in enumerate(below)]
    return rebuild(node, parts) if below else node


def _stored_children(node: n.Node, writers: Mapping[str, frozenset[int]]) -> Collection[int]:
    """The positions of the children that the node stores into."""
    match node:
        case n.Assign() | n.AugAssign():
            return (0,)
        case n.Call():
            at = stored_argument(node)
            return () if at is None else (at,)
        case n.CallFunction(name=name):
            return writers[name]
        case _:
            return ()
