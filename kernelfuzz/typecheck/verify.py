"""Exactly the well-typed kernels pass: those that Warp 1.10, 1.14 and 1.19 all generate code for.

``verify`` returns nothing, or raises a VerifyError that names the node.  Expressions are typed in
``kernelfuzz.typecheck.inference``; targets of assignments in ``kernelfuzz.typecheck.verify``.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable
from dataclasses import dataclass

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.typecheck.inference import (
    constant_value,
    expect,
    expect_test,
    fail,
    infer,
    is_fixed,
    is_fixed_value,
    is_valid,
)
from kernelfuzz.typecheck.operators import augmented_allowed
from kernelfuzz.typecheck.scope import Module, Scope, VerifyError, merge_branches

__all__ = ["VerifyError", "verify"]

# Names that the text of a kernel uses for something else.
RESERVED = frozenset({"wp", "range", "int", "float", "bool", "tuple"})


def verify(kernel: n.Kernel) -> None:
    """Raise VerifyError unless the kernel is well typed, and TypeError at what is no kernel."""
    n.require_kernel(kernel)
    try:
        _verify_module(kernel)
    except VerifyError as error:
        error.function = error.function or kernel.name
        raise


def _verify_module(kernel: n.Kernel) -> None:
    names: set[str] = set()
    structs: dict[str, t.Struct] = {}
    for struct in kernel.structs:
        _declare(struct.name, names, kernel)
        for field, type_ in struct.fields:
            _check_identifier(field, kernel)
            _check_structs(type_, structs, kernel)
        if not is_valid(struct):
            fail(f"Warp has no struct like {struct.name}", kernel)
        structs[struct.name] = struct
    constants: dict[str, n.Constant] = {}
    functions: dict[str, n.Function] = {}
    module = Module(structs, constants, functions, frozenset())
    for constant in kernel.constants:
        _declare(constant.name, names, constant)
        infer(constant.value, Scope(module, is_kernel=False, returns=None))
        constants[constant.name] = constant
    reserved = RESERVED | set(structs) | {kernel.name}
    for function in kernel.functions:
        _declare(function.name, names, function)
        module = Module(structs, constants, functions, reserved | {function.name})
        _verify_function(function, module)
        functions[function.name] = function
    _declare(kernel.name, names, kernel)
    scope = Scope(Module(structs, constants, functions, reserved), is_kernel=True, returns=None)
    _params(kernel.params, scope)
    _block(kernel.body, scope)


def _declare(name: str, names: set[str], node: n.Constant | n.Function | n.Kernel) -> None:
    _check_identifier(name, node)
    if name in names or name in RESERVED:
        fail(f"{name} is declared twice" if name in names else f"{name} is a reserved name", node)
    names.add(name)


def _check_identifier(name: str, node: n.Constant | n.Function | n.Kernel | n.Param | n.Stmt) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        fail(f"{name!r} is no identifier", node)


def _check_structs(
    type_: t.Type, structs: dict[str, t.Struct], node: n.Constant | n.Function | n.Kernel | n.Param
) -> None:
    """Raise unless the structs that a type is made of are declared."""
    match type_:
        case t.Struct(name=name):
            if structs.get(name) != type_:
                fail(f"the struct {name} is not declared like this", node)
        case t.Array(dtype=dtype):
            _check_structs(dtype, structs, node)
        case t.Tuple(elements=elements):
            for element in elements:
                _check_structs(element, structs, node)
        case _:
            pass


# ------------------------------------------------------------------- functions


def _params(params: tuple[n.Param, ...], scope: Scope) -> None:
    for param in params:
        _check_identifier(param.name, param)
        module = scope.module
        if param.name in scope.types:
            fail("two parameters have this name", param)
        if param.name in module.reserved or param.name in module.constants or param.name in module.functions:
            fail("is declared by the module and cannot be a parameter", param)
        if not is_valid(param.type) or isinstance(param.type, (t.Tuple, t.Tile)):
            fail(f"no parameter can be {t.type_name(param.type)}", param)
        _check_structs(param.type, dict(module.structs), param)
        scope.types[param.name] = param.type
        scope.visible.add(param.name)
    scope.params = frozenset(scope.types)


def _verify_function(function: n.Function, module: Module) -> None:
    scope = Scope(module, is_kernel=False, returns=function.returns)
    try:
        if function.returns is not None:
            _returned_type(function, dict(module.structs))
            if not function.body or not isinstance(function.body[-1], n.Return):
                fail("must end with a return", function)
        _params(function.params, scope)
        _block(function.body, scope)
    except VerifyError as error:
        error.function = function.name
        raise


def _returned_type(function: n.Function, structs: dict[str, t.Struct]) -> None:
    returns = function.returns
    assert returns is not None
    elements = returns.elements if isinstance(returns, t.Tuple) else (returns,)
    single = isinstance(returns, t.Tuple) and len(elements) < 2
    if single or any(isinstance(each, (t.Array, t.Tile, t.Tuple)) or not is_valid(each) for each in elements):
        fail(f"no function can return {t.type_name(returns)}", function)
    _check_structs(returns, structs, function)


# ------------------------------------------------------------------ statements


def _block(block: n.Block, scope: Scope) -> None:
    for statement in block:
        try:
            _statement(statement, scope)
        except VerifyError as error:
            error.statement = error.statement or statement
            raise


def _statement(statement: n.Stmt, scope: Scope) -> None:
    match statement:
        case n.Assign():
            _assign(statement, scope)
        case n.AugAssign(target=target, op=op, value=value):
            augmented(target, op, value, scope)
            if isinstance(target, n.Name):
                _bind(target.id, target.type, False, scope, target)
        case n.If():
            _if(statement, scope)
        case n.For():
            _for(statement, scope)
        case n.ExprStmt(value=value):
            if not isinstance(value, (n.Call, n.CallFunction)):
                fail("only a call can stand alone", value)
            infer(value, scope)
        case n.Return():
            _return(statement, scope)
        case n.Unpack():
            _unpack(statement, scope)
        case n.While(test=test, body=body):
            expect_test(test, "while", scope)
            with scope.loop(None, unrolled=False, runs=True):
                _block(body, scope)
        case n.Break() | n.Continue():
            if not scope.loops:
                fail("stands outside of a loop", statement)
        case n.Pass():
            pass
        case _:
            assert_never(statement)


def _assign(statement: n.Assign, scope: Scope) -> None:
    target, value = statement.target, statement.value
    if not isinstance(target, n.Name):
        expect(value, part(target, scope).type, scope, "the value")
        return
    type_ = infer(value, scope)
    if target.type != type_:
        fail(f"is {t.type_name(type_)} and is assigned to {t.type_name(target.type)}", value)
    _bind(target.id, type_, is_fixed(value, scope), scope, target)


def _bind(name: str, type_: t.Type, fixed: bool, scope: Scope, node: n.Name | None = None) -> None:
    _check_new(name, scope)
    assignable_name(name, type_, scope, node)
    scope.bind(name, type_, fixed)


def _check_new(name: str, scope: Scope) -> None:
    if name not in scope.types:
        _check_identifier(name, n.Pass())


def _unpack(statement: n.Unpack, scope: Scope) -> None:
    names, values = statement.names, statement.values
    if len(values) == 1:
        found = infer(values[0], scope)
        types = found.elements if isinstance(found, t.Tuple) else ()
        fixed = [False] * len(types)
    else:
        types = tuple([infer(value, scope) for value in values])
        for value, type_ in zip(values, types, strict=True):
            if isinstance(type_, (t.Array, t.Tile, t.Tuple)):
                fail(f"is {t.type_name(type_)} and cannot be assigned together with others", value)
        fixed = [is_fixed_value(value, scope) for value in values]
    if len(types) != len(names) or len(names) < 2:
        fail(f"has {len(types)} values for {len(names)} names", statement)
    if len(set(names)) != len(names):
        fail("assigns to one name twice", statement)
    for name, type_, constant in zip(names, types, fixed, strict=True):
        _bind(name, type_, constant, scope)


def _return(statement: n.Return, scope: Scope) -> None:
    values = statement.values
    if not values or scope.returns is None:
        if values or scope.returns is not None:
            fail("a kernel returns nothing" if scope.is_kernel else "does not fit the function", statement)
        return
    types = tuple([infer(value, scope) for value in values])
    found = types[0] if len(types) == 1 else t.Tuple(types)
    if found != scope.returns:
        fail(f"returns {t.type_name(found)} instead of {t.type_name(scope.returns)}", statement)


def _if(statement: n.If, scope: Scope) -> None:
    tested = expect_test(statement.test, "if", scope)
    if not statement.body:
        fail("has an empty body", statement)
    before = set(scope.visible), set(scope.fixed)
    assigned, scope.assigned = scope.assigned, set()
    static = is_fixed_value(statement.test, scope)
    _block(statement.body, scope)
    body = scope.visible, scope.fixed, scope.assigned
    scope.visible, scope.fixed, scope.assigned = set(before[0]), set(before[1]), set()
    _block(statement.orelse, scope)
    orelse = scope.visible, scope.fixed, scope.assigned
    scope.assigned = assigned
    if isinstance(tested, t.Scalar) and tested.is_float and not static and body[2] | orelse[2]:
        fail("a float is no condition of a branch that assigns a local variable", statement.test)
    merge_branches(scope, before, body, orelse, static)


def _for(statement: n.For, scope: Scope) -> None:
    name, bounds = statement.name, statement.bounds
    if not 1 <= len(bounds) <= 3 or not statement.body:
        fail("needs one to three bounds and a body", statement)
    for bound in bounds:
        expect(bound, t.INT32, scope, "a bound of a loop")
    unrolled = all(is_fixed_value(bound, scope) for bound in bounds)
    values = [constant_value(bound, scope) for bound in bounds]
    if len(values) == 3 and values[2] == 0:
        fail("a step of zero", bounds[2])
    _check_new(name, scope)
    assignable_name(name, t.INT32, scope, loop=True)
    scope_runs = not unrolled or _runs(values)
    with scope.loop(name, unrolled, scope_runs):
        scope.bind(name, t.INT32, fixed=False)
        _block(statement.body, scope)
    if unrolled:
        scope.counters.add(name)


def _runs(bounds: Iterable[int | None]) -> bool:
    """Whether a loop with constant bounds surely runs at all."""
    values = list(bounds)
    known = [value for value in values if value is not None]
    return len(known) == len(values) and len(range(*known)) > 0


# -------------------------------------------------------------------- targets


@dataclass(frozen=True, slots=True)
class Part:
    """A target that is not a bare name: its type and where it lives.

    ``element``: the place is a whole element of an array; ``in_struct``: a struct holds that array.
    ``in_array``: it is an element of an array or a part of one; else it is a part of a local.
    ``direct``: it is a part of a local name itself, not of a field of it.
    """

    type: t.Type
    container: t.Type
    element: bool
    in_array: bool
    in_struct: bool
    direct: bool


def assignable_name(name: str, type_: t.Type, scope: Scope, node: n.Name | None = None, loop: bool = False) -> None:
    """Raise unless the name may get a value of the type here.  ``loop``: as the name of a for loop."""
    node = node or n.Name(name, type_)
    if name in scope.module.reserved or name in scope.module.constants or name in scope.module.functions:
        fail("is declared by the module and cannot be a local variable", node)
    if name in scope.params:
        fail("is a parameter and cannot be assigned", node)
    if name in scope.active:
        fail("is the name of a loop around this and cannot be assigned", node)
    if name in scope.frozen and not (loop and name in scope.counters):
        fail(
            "is a constant, which a loop around this cannot change: declare it with int(...) or float(...)",
            node,
        )
    known = scope.types.get(name)
    if known is not None and known != type_:
        fail(f"is {t.type_name(known)} and cannot become {t.type_name(type_)}", node)
    if known is not None and isinstance(type_, (t.Tile, t.Tuple)):
        fail(f"is {t.type_name(type_)} and cannot be assigned again", node)
    if type_ == t.Tuple(()):
        fail("gets the value of a function that returns none", node)


def part(target: n.Index | n.Attribute, scope: Scope) -> Part:
    """The place that the target is, or VerifyError where Warp cannot assign to it."""
    type_ = infer(target, scope)
    if isinstance(type_, (t.Array, t.Tile, t.Tuple)):
        fail(f"is {t.type_name(type_)} and cannot be assigned", target)
    container = target.value.type
    element = isinstance(container, t.Array)
    in_array, in_struct = _lives_in(target, scope)
    found = Part(
        type=type_,
        container=container,
        element=element,
        in_array=in_array,
        in_struct=in_struct,
        direct=isinstance(target.value, n.Name),
    )
    if not element:
        _check_part(target, found)
    return found


def _lives_in(target: n.Index | n.Attribute, scope: Scope) -> tuple[bool, bool]:
    """Whether the place is inside an array, and whether a struct holds that array."""
    value: n.Expr = target
    while isinstance(value, (n.Index, n.Attribute)):
        if isinstance(value, n.Index) and isinstance(value.value.type, t.Array):
            return True, _held_by_struct(value.value)
        value = value.value
    if not isinstance(value, n.Name):
        fail("is not a place that can be assigned", target)
    if value.id in scope.params:
        fail("is a parameter and cannot be assigned", value)
    if value.id not in scope.visible:
        fail("is a constant of the module and cannot be assigned", value)
    return False, False


def _held_by_struct(array: n.Expr) -> bool:
    while isinstance(array, n.Index):
        array = array.value
    return isinstance(array, n.Attribute)


def _check_part(target: n.Index | n.Attribute, place: Part) -> None:
    sliced = isinstance(target, n.Index) and any(isinstance(index, n.Slice) for index in target.indices)
    if sliced and (place.in_array or not place.direct):
        fail("only a local vector takes a slice", target)
    row = isinstance(place.container, t.Matrix) and not isinstance(place.type, t.Scalar)
    if row and (place.in_array or not place.direct):
        fail("only a local matrix takes a row", target)
    if isinstance(place.container, t.Transform) and isinstance(target, n.Attribute) and not place.direct:
        fail("only a local transform takes a translation or a rotation", target)


def augmented(target: n.Place, op: str, value: n.Expr, scope: Scope) -> None:
    """Raise unless ``target op= value`` is well typed and Warp takes it, with its adjoint."""
    target_type, value_type = infer(target, scope), infer(value, scope)
    place = None if isinstance(target, n.Name) else part(target, scope)
    if not augmented_allowed(op, target_type, value_type):
        fail(f"no operator {op}= for {t.type_name(target_type)} and {t.type_name(value_type)}", target)
    if place is not None and not _takes_augmented(target, place, op):
        fail(f"this place takes no {op}=", target)


def _takes_augmented(target: n.Place, place: Part, op: str) -> bool:
    # Warp makes += -= &= |= ^= of an array element atomic, and the other operators a load and a store.
    atomic = op in ("+", "-", "&", "|", "^")
    if place.element:
        # 1.19 has no load and store for an array that is a field of a struct.
        return atomic or not place.in_struct
    indexed = isinstance(target, n.Index) and not isinstance(place.container, t.Matrix)
    if atomic and indexed and not place.direct:
        return False  # 1.10 and 1.14 have no such operation through a reference; a[i].x += 1 they have
    # 1.19 has no adjoint of the others for a part of an element.
    return atomic or not place.in_array or not _is_float(place.type)


def _is_float(type_: t.Type) -> bool:
    if isinstance(type_, (t.Struct, t.Array, t.Tuple, t.Tile)):
        return True
    return type_.is_float if isinstance(type_, t.Scalar) else type_.dtype.is_float
