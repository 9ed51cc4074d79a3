"""Which features a kernel has: one pass over its nodes."""

from __future__ import annotations

from kernelfuzz.ir.nodes import (
    ArrayShape,
    Assign,
    Attribute,
    AugAssign,
    Binary,
    Block,
    BoolOp,
    Break,
    Call,
    CallFunction,
    Cast,
    Compare,
    Construct,
    Continue,
    Expr,
    For,
    Function,
    If,
    IfExp,
    Index,
    Kernel,
    Keyword,
    Literal,
    Name,
    Return,
    Slice,
    Static,
    Unary,
    Unpack,
    While,
)  # fmt: skip
from kernelfuzz.ir.types import (
    BOOL,
    Array,
    Matrix,
    Quaternion,
    Scalar,
    Struct,
    Transform,
    Tuple,
    Type,
    Vector,
)
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.strategies.builtin_safety import FEATURE_OF_GROUP, FEATURE_OF_OPERATOR
from kernelfuzz.strategies.dtypes import feature_of
from kernelfuzz.strategies.ranges import component_of
from kernelfuzz.typecheck.builtins import resolve

_FEATURES_BY_CALL = ("math", "random", "spatial", "quaternion", "transform", "bitwise")
_KINDS: dict[type[Type], str] = {
    Vector: "vector",
    Matrix: "matrix",
    Quaternion: "quaternion",
    Transform: "transform",
}


def features(kernel: Kernel) -> frozenset[str]:
    """The names (of ``kernelfuzz.strategies.vocabulary.FEATURES``) of everything that the kernel has."""
    found: set[str] = set()
    for param in kernel.params:
        _parameter(param.type, found)
    types: dict[int, Type] = {}
    for node in walk(kernel):
        if isinstance(node, (Name, Literal)):  # half of all nodes, and they show nothing
            continue
        _node(node, found)
        if (type_ := getattr(node, "type", None)) is not None:
            types[id(type_)] = type_
    for type_ in types.values():
        _scalar(type_, found)
    for function in kernel.functions:
        if function.returns is None:
            found.add("procedure")
        elif isinstance(function.returns, Tuple):
            found.add("tuple_return")
    if kernel.constants:
        found.update(("constant", "closure") if kernel.closure else ("constant",))
    if any(isinstance(field, Struct) for struct in kernel.structs for _, field in struct.fields):
        found.add("nested_struct")
    if kernel.structs:
        found.add("struct")
    storing = {function.name for function in kernel.functions if function.returns and _stores(function)}
    if storing and any(isinstance(node, CallFunction) and node.name in storing for node in walk(kernel)):
        found.add("effect")
    if any(outlives(block) for block in (kernel.body, *(function.body for function in kernel.functions))):
        found.add("outlive")
    _control(kernel.body, found, loops=0, in_kernel=True)
    for function in kernel.functions:
        _control(function.body, found, loops=0, in_kernel=False)
    if found & {"break", "continue", "early_return"}:
        found.add("early_exit")
    return frozenset(found)


def _stores(function: Function) -> bool:
    """Whether a function stores into an array that it is given."""
    for node in walk(*function.body):
        if isinstance(node, (Assign, AugAssign)) and not isinstance(node.target, Name):
            root: Expr = node.target
            while isinstance(root, (Index, Attribute)):
                root = root.value
            if isinstance(root.type, Array):
                return True
    return False


def outlives(block: Block) -> bool:
    """Whether a name that only a nested block makes is read after that block."""
    return _outlives(block, set())


def _outlives(block: Block, known: set[str]) -> bool:
    """``known``: the names that the code before the block makes; grows by what the block makes itself."""
    nested: set[str] = set()
    for statement in block:
        bound = bound_names((statement,))
        gone = nested - known - bound
        if gone and any(isinstance(node, Name) and node.id in gone for node in walk(statement)):
            return True
        if isinstance(statement, (If, For, While)):
            blocks = (statement.body, statement.orelse) if isinstance(statement, If) else (statement.body,)
            if any(_outlives(inner, set(known)) for inner in blocks):
                return True
            nested |= bound
        else:
            known |= bound
    return False


def _parameter(type_: Type, found: set[str]) -> None:
    match type_:
        case Scalar():
            found.add("scalar_param")
            if type_ == BOOL:
                found.add("bool_data")
        case Array(dtype=dtype, ndim=ndim):
            if ndim >= 2:
                found.add("array_nd")
            if ndim >= 3:
                found.add("array_3d")
            if isinstance(dtype, Struct):
                found.add("struct_array")
            if dtype == BOOL:
                found.add("bool_data")
        case _:
            pass


def _scalar(type_: Type, found: set[str]) -> None:
    """What the scalar type shows that an expression or a parameter is made of, if it is no array."""
    scalar = component_of(type_)
    if scalar is None:
        return
    if (feature := feature_of(scalar)) is not None:
        found.add(feature)
    if scalar.kind == "uint":
        found.add("unsigned")


def _node(node: object, found: set[str]) -> None:
    match node:
        case Binary(op=op, type=result) | Unary(op=op, type=result):
            if isinstance(result, Scalar) and op in FEATURE_OF_OPERATOR:
                found.add(FEATURE_OF_OPERATOR[op])
            if op == "~":
                found.add("bitwise")
            _composite(result, found)
        case Call(name=name, args=args, keywords=keywords, type=result):
            _call(name, args, keywords, result, found)
        case Construct(type=result):
            _composite(result, found)
        case Cast(type=target, operand=operand) if not isinstance(operand, Literal):
            source = operand.type
            if isinstance(source, Scalar) and source != target:
                found.add("cast")
                if source.is_integer and target.is_integer and source.bits != target.bits:
                    found.add("mixed_widths")
        case Compare(ops=ops) if len(ops) > 1:
            found.add("chained")
        case BoolOp():
            found.add("and_or")
        case IfExp():
            found.add("ternary")
        case CallFunction():
            found.add("function")
        case ArrayShape():
            found.add("array_shape")
        case Static():
            found.add("static")
        case Index(indices=indices, type=result):
            if any(isinstance(index, Slice) for index in indices):
                found.add("slice")
            if isinstance(result, Array):
                found.add("view")
        case Unpack(values=(Call(name="tid"),)):
            found.add("tid_nd")
        case Unpack(values=values) if len(values) > 1:
            found.add("unpack")
        case Assign(target=target):
            _target(target, found)
        case AugAssign(target=target, op=op):
            found.add("augmented")
            _target(target, found)
            if isinstance(target.type, Scalar) and op in FEATURE_OF_OPERATOR:
                found.add(FEATURE_OF_OPERATOR[op])
            if isinstance(target, Index) and isinstance(target.value.type, Array) and op in "+-&|^":
                found.add("atomic")
        case _:
            pass


def _composite(type_: Type, found: set[str]) -> None:
    if (feature := _KINDS.get(type(type_))) is not None:
        found.add(feature)
    if (isinstance(type_, Vector) and type_.length > 4) or (
        isinstance(type_, Matrix) and max(type_.rows, type_.columns) > 4
    ):
        found.add("spatial")


def _call(
    name: str,
    args: tuple[Expr, ...],
    keywords: tuple[tuple[str, Keyword], ...],
    result: Type,
    found: set[str],
) -> None:
    if name.startswith("atomic_"):
        found.add("atomic")
        return
    if name.startswith("tile"):
        found.add("tile")
        return
    if name == "where":
        found.add("where")
        return
    _composite(result, found)
    for argument in args:
        if isinstance(argument.type, (Quaternion, Transform)):
            _composite(argument.type, found)
    signature = resolve(name, tuple(argument.type for argument in args), keywords)
    if signature is None:
        return
    group = signature.builtin.group
    if group == "decomposition":
        found.add("decomposition")
    elif (feature := FEATURE_OF_GROUP.get(group)) in (
        "math",
        "random",
        "spatial",
        "quaternion",
        "transform",
        "bitwise",
    ):
        found.add(feature)


def _target(target: Name | Index | Attribute, found: set[str]) -> None:
    if isinstance(target, Name):
        return
    base: Expr = target
    while isinstance(base, (Index, Attribute)):
        if isinstance(base, Index) and isinstance(base.value.type, Array):
            if base is not target:
                found.add("element_component_store")
            return
        base = base.value
    found.add("component_store")


def _control(block: Block, found: set[str], *, loops: int, in_kernel: bool) -> None:
    """What a feature means depends on where a statement stands."""
    for statement in block:
        match statement:
            case If(body=body, orelse=orelse):
                found.add("if")
                if len(orelse) == 1 and isinstance(orelse[0], If):
                    found.add("elif")
                elif orelse:
                    found.add("else")
                _control(body, found, loops=loops, in_kernel=in_kernel)
                _control(orelse, found, loops=loops, in_kernel=in_kernel)
            case For(bounds=bounds, body=body):
                found.add("for")
                if not all(isinstance(bound, Literal) for bound in bounds):
                    found.add("dynamic_for")
                if len(bounds) == 3:
                    found.add("range_step")
                if loops:
                    found.add("nested_loop")
                _control(body, found, loops=loops + 1, in_kernel=in_kernel)
            case While(body=body):
                found.add("while")
                if loops:
                    found.add("nested_loop")
                _control(body, found, loops=loops + 1, in_kernel=in_kernel)
            case Break():
                found.add("break")
            case Continue():
                found.add("continue")
            case Return() if in_kernel:
                found.add("early_return")
            case _:
                pass
