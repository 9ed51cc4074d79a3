"""Which features a kernel has: one pass over its nodes."""

from __future__ import annotations

from kernelfuzz.ir import nodes as n  # fmt: skip
from kernelfuzz.ir import types as t
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.strategies.builtin_calls import FEATURE_OF_GROUP, FEATURE_OF_OPERATOR
from kernelfuzz.strategies.ranges import component_of
from kernelfuzz.strategies.value_types import feature_of
from kernelfuzz.typecheck.builtins import resolve

_FEATURES_BY_CALL = ("math", "random", "spatial", "quaternion", "transform", "bitwise")
_KINDS: dict[type[t.Type], str] = {
    t.Vector: "vector",
    t.Matrix: "matrix",
    t.Quaternion: "quaternion",
    t.Transform: "transform",
}


def features(kernel: n.Kernel) -> frozenset[str]:
    """The names (of ``kernelfuzz.strategies.vocabulary.FEATURES``) of everything that the kernel has."""
    found: set[str] = set()
    for param in kernel.params:
        _parameter(param.type, found)
    types: dict[int, t.Type] = {}
    for node in walk(kernel):
        if isinstance(node, (n.Name, n.Literal)):  # half of all nodes, and they show nothing
            continue
        _node(node, found)
        if (type_ := getattr(node, "type", None)) is not None:
            types[id(type_)] = type_
    for type_ in types.values():
        _scalar(type_, found)
    for function in kernel.functions:
        if function.returns is None:
            found.add("procedure")
        elif isinstance(function.returns, t.Tuple):
            found.add("tuple_return")
    if kernel.constants:
        found.update(("constant", "closure") if kernel.closure else ("constant",))
    if any(isinstance(field, t.Struct) for struct in kernel.structs for _, field in struct.fields):
        found.add("nested_struct")
    if kernel.structs:
        found.add("struct")
    storing = {function.name for function in kernel.functions if function.returns and _stores(function)}
    if storing and any(isinstance(node, n.CallFunction) and node.name in storing for node in walk(kernel)):
        found.add("effect")
    if any(outlives(block) for block in (kernel.body, *(function.body for function in kernel.functions))):
        found.add("outlive")
    _control(kernel.body, found, loops=0, in_kernel=True)
    for function in kernel.functions:
        _control(function.body, found, loops=0, in_kernel=False)
    if found & {"break", "continue", "early_return"}:
        found.add("early_exit")
    return frozenset(found)


def _stores(function: n.Function) -> bool:
    """Whether a function stores into an array that it is given."""
    for node in walk(*function.body):
        if isinstance(node, (n.Assign, n.AugAssign)) and not isinstance(node.target, n.Name):
            root: n.Expr = node.target
            while isinstance(root, (n.Index, n.Attribute)):
                root = root.value
            if isinstance(root.type, t.Array):
                return True
    return False


def outlives(block: n.Block) -> bool:
    """Whether a name that only a nested block makes is read after that block."""
    return _outlives(block, set())


def _outlives(block: n.Block, known: set[str]) -> bool:
    """``known``: the names that the code before the block makes; grows by what the block makes itself."""
    nested: set[str] = set()
    for statement in block:
        bound = bound_names((statement,))
        gone = nested - known - bound
        if gone and any(isinstance(node, n.Name) and node.id in gone for node in walk(statement)):
            return True
        if isinstance(statement, (n.If, n.For, n.While)):
            blocks = (statement.body, statement.orelse) if isinstance(statement, n.If) else (statement.body,)
            if any(_outlives(inner, set(known)) for inner in blocks):
                return True
            nested |= bound
        else:
            known |= bound
    return False


def _parameter(type_: t.Type, found: set[str]) -> None:
    match type_:
        case t.Scalar():
            found.add("scalar_param")
            if type_ == t.BOOL:
                found.add("bool_data")
        case t.Array(dtype=dtype, ndim=ndim):
            if ndim >= 2:
                found.add("array_nd")
            if ndim >= 3:
                found.add("array_3d")
            if isinstance(dtype, t.Struct):
                found.add("struct_array")
            if dtype == t.BOOL:
                found.add("bool_data")
        case _:
            pass


def _scalar(type_: t.Type, found: set[str]) -> None:
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
        case n.Binary(op=op, type=result) | n.Unary(op=op, type=result):
            if isinstance(result, t.Scalar) and op in FEATURE_OF_OPERATOR:
                found.add(FEATURE_OF_OPERATOR[op])
            if op == "~":
                found.add("bitwise")
            _composite(result, found)
        case n.Call(name=name, args=args, keywords=keywords, type=result):
            _call(name, args, keywords, result, found)
        case n.Construct(type=result):
            _composite(result, found)
        case n.Cast(type=target, operand=operand) if not isinstance(operand, n.Literal):
            source = operand.type
            if isinstance(source, t.Scalar) and source != target:
                found.add("cast")
                if source.is_integer and target.is_integer and source.bits != target.bits:
                    found.add("mixed_widths")
        case n.Compare(ops=ops) if len(ops) > 1:
            found.add("chained")
        case n.BoolOp():
            found.add("and_or")
        case n.IfExp():
            found.add("ternary")
        case n.CallFunction():
            found.add("function")
        case n.ArrayShape():
            found.add("array_shape")
        case n.Static():
            found.add("static")
        case n.Index(indices=indices, type=result):
            if any(isinstance(index, n.Slice) for index in indices):
                found.add("slice")
            if isinstance(result, t.Array):
                found.add("view")
        case n.Unpack(values=(n.Call(name="tid"),)):
            found.add("tid_nd")
        case n.Unpack(values=values) if len(values) > 1:
            found.add("unpack")
        case n.Assign(target=target):
            _target(target, found)
        case n.AugAssign(target=target, op=op):
            found.add("augmented")
            _target(target, found)
            if isinstance(target.type, t.Scalar) and op in FEATURE_OF_OPERATOR:
                found.add(FEATURE_OF_OPERATOR[op])
            if isinstance(target, n.Index) and isinstance(target.value.type, t.Array) and op in "+-&|^":
                found.add("atomic")
        case _:
            pass


def _composite(type_: t.Type, found: set[str]) -> None:
    if (feature := _KINDS.get(type(type_))) is not None:
        found.add(feature)
    if (isinstance(type_, t.Vector) and type_.length > 4) or (
        isinstance(type_, t.Matrix) and max(type_.rows, type_.columns) > 4
    ):
        found.add("spatial")


def _call(
    name: str,
    args: tuple[n.Expr, ...],
    keywords: tuple[tuple[str, n.Keyword], ...],
    result: t.Type,
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
        if isinstance(argument.type, (t.Quaternion, t.Transform)):
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


def _target(target: n.Name | n.Index | n.Attribute, found: set[str]) -> None:
    if isinstance(target, n.Name):
        return
    base: n.Expr = target
    while isinstance(base, (n.Index, n.Attribute)):
        if isinstance(base, n.Index) and isinstance(base.value.type, t.Array):
            if base is not target:
                found.add("element_component_store")
            return
        base = base.value
    found.add("component_store")


def _control(block: n.Block, found: set[str], *, loops: int, in_kernel: bool) -> None:
    """What a feature means depends on where a statement stands."""
    for statement in block:
        match statement:
            case n.If(body=body, orelse=orelse):
                found.add("if")
                if len(orelse) == 1 and isinstance(orelse[0], n.If):
                    found.add("elif")
                elif orelse:
                    found.add("else")
                _control(body, found, loops=loops, in_kernel=in_kernel)
                _control(orelse, found, loops=loops, in_kernel=in_kernel)
            case n.For(bounds=bounds, body=body):
                found.add("for")
                if not all(isinstance(bound, n.Literal) for bound in bounds):
                    found.add("dynamic_for")
                if len(bounds) == 3:
                    found.add("range_step")
                if loops:
                    found.add("nested_loop")
                _control(body, found, loops=loops + 1, in_kernel=in_kernel)
            case n.While(body=body):
                found.add("while")
                if loops:
                    found.add("nested_loop")
                _control(body, found, loops=loops + 1, in_kernel=in_kernel)
            case n.Break():
                found.add("break")
            case n.Continue():
                found.add("continue")
            case n.Return() if in_kernel:
                found.add("early_return")
            case _:
                pass
