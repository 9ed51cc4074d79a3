"""Exactly the well-typed kernels pass: those that Warp 1.10, 1.14 and 1.19 all generate code for.

``verify`` returns nothing, or raises a VerifyError that names the node.  Expressions are typed in
``kernelfuzz.typecheck.inference``; targets of assignments in ``kernelfuzz.typecheck.targets``.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Iterable

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.walk import breaks, statements_in, surely_returns, walk
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
from kernelfuzz.typecheck.scope import MAX_UNROLL, Module, Scope, VerifyError, merge_branches
from kernelfuzz.typecheck.static_values import known_truth
from kernelfuzz.typecheck.targets import assignable_name, augmented, part

__all__ = ["VerifyError", "verify"]

# Names that the text of a kernel uses for something else.
RESERVED = frozenset({"wp", "range", "int", "float", "bool", "tuple"})


def verify(kernel: n.Kernel, max_unroll: int = MAX_UNROLL) -> None:
    """Raise VerifyError unless the kernel is well typed, and TypeError at what is no kernel.

    ``max_unroll`` is Warp's option: a constant may be changed in a loop that is unrolled, and in no other.
    """
    n.require_kernel(kernel)
    try:
        _verify_module(kernel, max_unroll)
    except VerifyError as error:
        error.function = error.function or kernel.name
        raise


def _verify_module(kernel: n.Kernel, max_unroll: int) -> None:
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
    module = Module(structs, constants, functions, frozenset(), max_unroll)
    for constant in kernel.constants:
        _constant_name(constant, names, kernel.closure)
        _constant_value(constant.value, Scope(module, is_kernel=False, returns=None))
        constants[constant.name] = constant
    classes = {name.rpartition(".")[0] for name in constants} - {""}
    reserved = RESERVED | set(structs) | classes | {kernel.name}
    for function in kernel.functions:
        _declare(function.name, names, function)
        module = Module(structs, constants, functions, reserved | {function.name}, max_unroll)
        _verify_function(function, module)
        functions[function.name] = function
    _declare(kernel.name, names, kernel)
    scope = Scope(Module(structs, constants, functions, reserved, max_unroll), is_kernel=True, returns=None)
    _params(kernel.params, scope)
    _block(kernel.body, scope)


def _constant_name(constant: n.Constant, names: set[str], closure: bool) -> None:
    enumeration, dot, member = constant.name.rpartition(".")
    if not constant.enumeration:
        return _declare(constant.name, names, constant)
    if constant.enumeration not in ("IntEnum", "IntFlag") or not dot or closure or constant.value.type != t.INT32:
        fail(f"{constant.name} is no member of an enumeration at the top of a module", constant)
    if f"{enumeration}." not in names:  # the first of its class
        _declare(enumeration, names, constant)
        names.add(f"{enumeration}.")
    _check_identifier(member, constant)
    if constant.name in names:
        fail(f"{constant.name} is declared twice", constant)
    names.add(constant.name)
    return None


def _constant_value(value: n.Expr, scope: Scope) -> None:
    """A constant: a number, or a vector, matrix, quaternion or transform made of finite numbers."""
    infer(value, scope)
    if isinstance(value, n.Literal):
        return
    for node in walk(value):
        match node:
            case n.Literal(value=number):
                if not math.isfinite(number):
                    # notes/findings/infinity-in-a-captured-vector
                    fail("the parts of a constant must be finite", node)
            case n.Construct(type=t.Vector() | t.Matrix() | t.Quaternion() | t.Transform()):
                pass
            case _:
                fail("a constant has only numbers in it", node)


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


def _verify_function(function: n.Function, module: Module) -> None:
    scope = Scope(module, is_kernel=False, returns=function.returns)
    try:
        if function.returns is not None:
            _returned_type(function, dict(module.structs))
            # Warp ends a function that gives one value with ``return {};``, where it does not end in a return.
            ends = not isinstance(function.returns, t.Tuple) and _has_return(function)
            if not surely_returns(function.body) and not ends and not function.native:
                fail("must end with a return", function)
        _params(function.params, scope)
        if function.native:
            _native(function)
        _block(function.body, scope)
    except VerifyError as error:
        error.function = function.name
        raise


def _native(function: n.Function) -> None:
    if len(function.native) > 3 or function.body != (n.Pass(),):
        fail("has up to three texts of C++ and one pass", function)


def _has_return(function: n.Function) -> bool:
    return any(isinstance(node, n.Return) for node in statements_in(function.body))


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
    if len(values) > 1 and len(set(names)) != len(names):
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
    known = known_truth(statement.test, _constants_seen(scope))
    body = _branch(statement.body, scope, before, used=known is not False)
    orelse = _branch(statement.orelse, scope, before, used=known is not True)
    scope.assigned = assigned
    chosen = (body[2] | orelse[2]) & before[0] | (body[2] & orelse[2])
    if isinstance(tested, t.Scalar) and tested.is_float and not static and chosen:
        fail("a float is no condition of a branch that assigns a local variable", statement.test)
    if known is None:
        merge_branches(scope, before, body, orelse, static)
    else:
        scope.visible, scope.fixed, names = body if known else orelse
        scope.assigned |= names


def _constants_seen(scope: Scope) -> dict[str, n.Constant]:
    """The constants of the module that no local hides."""
    constants = scope.module.constants
    return {name: constant for name, constant in constants.items() if name not in scope.visible}


def _branch(
    block: n.Block, scope: Scope, before: tuple[set[str], set[str]], *, used: bool
) -> tuple[set[str], set[str], set[str]]:
    """The names after one branch: visible, fixed, assigned.  One that is not ``used`` gives no name a type."""
    scope.visible, scope.fixed, scope.assigned = set(before[0]), set(before[1]), set()
    types = dict(scope.types)
    _block(block, scope)
    if not used:
        scope.types = types
    return scope.visible, scope.fixed, scope.assigned


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
    copied = unrolled and _is_copied(statement, values, scope)
    # Before 1.19 a loop with a continue is not unrolled.
    changes = copied and not any(breaks(each, (n.Continue,)) for each in statement.body)
    fixed, assigned, scope.assigned = set(scope.fixed), scope.assigned, set()
    with scope.loop(name, unrolled, scope_runs, changes):
        scope.bind(name, t.INT32, fixed=False)
        if copied:
            scope.copied.add(name)
        _block(statement.body, scope)
        if copied and scope.assigned & (fixed | scope.fixed):  # a later copy finds what the first one has left
            _block(statement.body, scope)
        scope.copied.discard(name)
    scope.assigned |= assigned
    if unrolled:
        scope.counters.add(name)


def _is_copied(loop: n.For, bounds: Iterable[int | None], scope: Scope) -> bool:
    """Whether Warp surely makes a copy of the body for each number: few of them, and no break."""
    known = [value for value in bounds if value is not None]
    few = len(known) == len(loop.bounds) and len(range(*known)) <= scope.module.max_unroll
    return few and not any(map(breaks, loop.body))


def _runs(bounds: Iterable[int | None]) -> bool:
    """Whether a loop with constant bounds surely runs at all."""
    values = list(bounds)
    known = [value for value in values if value is not None]
    return len(known) == len(values) and len(range(*known)) > 0
