"""What stands in for something that was taken away: zeros, and code without a name.

A cut may leave reads of names and calls of functions that are gone.  ``mend`` gives each of them the
default of its type, or drops what cannot do without, so that nearly every cut leaves a kernel that is well
typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Block,
    Break,
    Call,
    CallFunction,
    Construct,
    Continue,
    Expr,
    ExprStmt,
    For,
    Function,
    If,
    Index,
    Kernel,
    Literal,
    Name,
    Node,
    Pass,
    Place,
    Return,
    Slice,
    Stmt,
    Unpack,
    While,
)
from kernelfuzz.ir.rewrite import rebuild
from kernelfuzz.ir.types import (
    BOOL,
    INT32,
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Tile,
    Transform,
    Tuple,
    Type,
    Vector,
)
from kernelfuzz.ir.walk import bound_names, children, walk


def number(type_: Scalar, value: int) -> Literal:
    """The number as a literal of the type."""
    if type_ == BOOL:
        return Literal(bool(value), type_)
    return Literal(float(value) if type_.is_float else value, type_)


def default(type_: Type) -> Expr | None:
    """The simplest value of a type, or None where no expression makes one."""
    match type_:
        case Scalar():
            return number(type_, 0)
        case Vector() | Matrix() | Quaternion() | Transform() | Struct():
            return Construct(type_, ())
        case Array() | Tile() | Tuple():
            return None
        case _:
            return assert_never(type_)


def base_name(place: Place) -> str | None:
    """The name that a place is a part of."""
    value: Expr = place
    while isinstance(value, (Index, Attribute)):
        value = value.value
    return value.id if isinstance(value, Name) else None


def unpacked(pairs: Sequence[tuple[str, Expr]]) -> Stmt | None:
    """``a, b = x, y`` for any number of pairs."""
    match pairs:
        case []:
            return None
        case [(name, value)]:
            return Assign(Name(name, value.type), value)
        case _:
            return Unpack(tuple([name for name, _ in pairs]), tuple([value for _, value in pairs]))


def mend(kernel: Kernel) -> Kernel:
    """The kernel without reads of names and calls of functions that nothing declares."""
    constants = {constant.name for constant in kernel.constants}
    declared: set[str] = set()
    functions: list[Function] = []
    changed = False
    for function in kernel.functions:
        mended = _mended(function, constants, declared)
        changed = changed or mended is not function.body
        functions.append(replace(function, body=mended))
        declared.add(function.name)
    body = _mended(kernel, constants, declared)
    if not changed and body is kernel.body:
        return kernel
    return replace(kernel, functions=tuple(functions), body=body)


def _mended(function: Function | Kernel, constants: AbstractSet[str], declared: AbstractSet[str]) -> Block:
    known = bound_names(function.body) | {param.name for param in function.params} | constants
    for node in walk(*function.body):
        if isinstance(node, Name):
            lost = node.id not in known
        else:
            lost = isinstance(node, CallFunction) and node.name not in declared
        if lost:
            return _block(function.body, known, declared)
    # An empty body has the text of a pass: one tree for one text.
    return () if function.body == (Pass(),) else function.body


def _block(block: Block, known: AbstractSet[str], declared: AbstractSet[str]) -> Block:
    mended = [_statement(statement, known, declared) for statement in block]
    return tuple([statement for statement in mended if statement is not None])


def _statement(node: Stmt, known: AbstractSet[str], declared: AbstractSet[str]) -> Stmt | None:
    def value(expression: Expr) -> Expr | None:
        return _expression(expression, known, declared)

    def inside(block: Block) -> Block:
        return _block(block, known, declared)

    match node:
        case Assign() | AugAssign():
            if base_name(node.target) not in known:
                return None
            target, new = value(node.target), value(node.value)
            if new is None or not isinstance(target, (Name, Index, Attribute)):
                return None
            return replace(node, target=target, value=new)
        case Unpack(names=names, values=values):
            if len(values) == 1:
                new = value(values[0])
                return None if new is None else Unpack(names, (new,))
            pairs = [(name, value(each)) for name, each in zip(names, values, strict=True)]
            return unpacked([(name, new) for name, new in pairs if new is not None])
        case If():
            test = value(node.test) or number(BOOL, 0)
            return If(test, inside(node.body) or (Pass(),), inside(node.orelse))
        case For():
            bounds = tuple([value(bound) or number(INT32, 0) for bound in node.bounds])
            return For(node.name, bounds, inside(node.body) or (Pass(),))
        case While():
            return While(value(node.test) or number(BOOL, 0), inside(node.body) or (Pass(),))
        case ExprStmt():
            new = value(node.value)
            return ExprStmt(new) if isinstance(new, (Call, CallFunction)) else None
        case Return():
            returned = [value(each) for each in node.values]
            return Return(tuple([each for each in returned if each is not None]))
        case Break() | Continue() | Pass():
            return node
        case _:
            return assert_never(node)


def _expression(node: Expr, known: AbstractSet[str], declared: AbstractSet[str]) -> Expr | None:
    """The expression with defaults in place of what is lost; None where there is no default."""
    match node:
        case Name(id=name):
            return node if name in known else default(node.type)
        case CallFunction(name=name) if name not in declared:
            return default(node.type)
        case _:
            pass
    parts: list[tuple[Node, ...]] = []
    same = True
    for child in children(node):
        new = child if isinstance(child, Slice) else _expression(_as_expression(child), known, declared)
        whole = not parts and isinstance(node, (Index, Attribute, ArrayShape))
        if new is None or (whole and new is not child and isinstance(new, (Literal, Construct))):
            # Nothing is left to take a part of.
            return default(node.type)
        same = same and new is child
        parts.append((new,))
    return node if same else rebuild(node, parts)


def _as_expression(node: Node) -> Expr:
    # Below an expression there are only expressions and slices.
    return node  # pyright: ignore[reportReturnType]
