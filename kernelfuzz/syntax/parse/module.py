"""A whole source text: which kernels it has, and what each of them needs of it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernelfuzz.hooks import HOOKS
from kernelfuzz.ir.contract import Bounds, Shapes, with_contract
from kernelfuzz.ir.names import FreshNames, own_names, rename
from kernelfuzz.ir.nodes import CallFunction, Constant, Function, Kernel, Node
from kernelfuzz.ir.types import Struct, Type
from kernelfuzz.ir.walk import bound_names, walk
from kernelfuzz.syntax.parse.bindings import (
    ClassSource,
    FunctionSource,
    Namespace,
    Parameter,
    Sources,
    WarpName,
    parameter_names,
    read_names,
)
from kernelfuzz.syntax.parse.errors import ParseError
from kernelfuzz.syntax.parse.expressions import constant_of
from kernelfuzz.syntax.parse.imported import place_of
from kernelfuzz.syntax.parse.known_locals import assigned_once
from kernelfuzz.syntax.parse.live_branches import without_dead_branches
from kernelfuzz.syntax.parse.statements import block, read_function, read_params
from kernelfuzz.syntax.parse.unit import Reader, Unit
from kernelfuzz.syntax.parse.values import argument_of, class_type, evaluate, is_decorated
from kernelfuzz.typecheck.verify import VerifyError, verify


def parse(
    source: str | FunctionSource | object,
    kernel: str | None = None,
    *,
    path: Path | None = None,
    types: Mapping[str, Type] | None = None,
    bounds: Bounds | None = None,
    shapes: Shapes | None = None,
    ascending: Collection[str] = (),
    optional: Collection[str] = (),
) -> Kernel:
    """The kernel of a source text as a verified tree; ``kernel`` says which one where there are several.

    ``source`` may also be a ``warp.Kernel`` that a program has made: what a name in it stands for is asked of its own
    module and of what it captures, as Warp does.  Of a generic one its first overload is read.

    Names are those of ``parse_all``.  ``bounds``, ``shapes``, ``ascending`` and ``optional`` give parameters by name
    what a launch keeps to and the text does not say.  ``path`` is the file that has the text: modules beside it and
    relative imports are found from there.  ``types`` gives generic parameters by name their types.  The text may also
    be what Hypothesis prints of a kernel, with all of that.
    Raises ParseError, and ValueError at a parameter that there is not.
    """
    if not isinstance(source, str):
        existing = source if isinstance(source, FunctionSource) else HOOKS.described(source)
        made = _kernel(_typed(existing, types), Sources(existing.namespace, (existing,), ()), 1)
    elif (printed := _printed(source)) is not None:
        return parse(printed[0], kernel, path=path, types=types, **printed[1])
    else:
        made = _parse(source, kernel, path, types)
    if not (bounds or shapes or ascending or optional):
        return made
    return with_contract(made, bounds=bounds, shapes=shapes, ascending=ascending, optional=optional)


def _typed(source: FunctionSource, types: Mapping[str, Type] | None) -> FunctionSource:
    """A kernel whose generic parameters have types."""
    if not types:
        return source
    unknown = types.keys() - set(parameter_names(source.node))
    if unknown:
        raise ValueError(f"{source.node.name} has no parameter {', '.join(sorted(unknown))}")
    # Those of an overload give way to what is asked for.
    return replace(source, types={**source.types, **types})


def _printed(source: str) -> tuple[str, dict[str, Any]] | None:
    """The arguments of ``parse(...)``, where that is the whole text."""
    if not source.lstrip().startswith("parse("):
        return None
    match _tree(source).body:
        case [ast.Expr(value=ast.Call(func=ast.Name(id="parse"), args=[ast.Constant(value=str() as text)]) as call)]:
            return text, {each.arg or "": ast.literal_eval(each.value) for each in call.keywords}
        case _:
            return None


def _parse(source: str, kernel: str | None, path: Path | None, types: Mapping[str, Type] | None) -> Kernel:
    sources = _read(source, path)
    found = _kernels(sources)
    if kernel is None and len(found) != 1:
        names = ", ".join(found)
        raise ParseError(f"the text has {len(found)} kernels ({names}): name one" if found else "no kernel", 0)
    if kernel is not None and kernel not in found:
        raise ParseError(f"no kernel {kernel} in the text, which has {', '.join(found) or 'none'}", 0)
    chosen = found[kernel] if kernel is not None else next(iter(found.values()))
    return _kernel(_typed(chosen, types), sources, len(found))


def parse_all(source: str, *, path: Path | None = None) -> dict[str, Kernel | ParseError]:
    """Every kernel of a source text by name, or why it does not fit the IR.

    A kernel whose name the text has several times is called ``name@line``, with the line of its ``def``.
    ``path`` as for ``parse``.  Raises ParseError where the text is no Python.
    """
    sources = _read(source, path)
    found = _kernels(sources)
    result: dict[str, Kernel | ParseError] = {}
    for name, each in found.items():
        try:
            result[name] = _kernel(each, sources, len(found))
        except ParseError as failure:
            result[name] = failure
    return result


def _read(source: str, path: Path | None) -> Sources:
    return read_names(_tree(source), *(("", ()) if path is None else place_of(path)))


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as failure:
        raise ParseError(f"this is no Python: {failure.msg}", failure.lineno or 0) from failure


def _kernels(sources: Sources) -> dict[str, FunctionSource]:
    found = [source for source in sources.functions if is_decorated(source.node, "kernel", source.namespace)]
    times = Counter(source.node.name for source in found)
    return {
        source.node.name if times[source.node.name] == 1 else f"{source.node.name}@{source.node.lineno}": source
        for source in found
    }


# ------------------------------------------------------------------ one kernel


def _kernel(source: FunctionSource, sources: Sources, count: int) -> Kernel:
    unit = Unit(read_function)
    reader = Reader(unit, source.namespace, is_kernel=True)
    params = read_params(source, (), reader)
    reader.once = assigned_once(source.node.body) - {param.name for param in params}
    body = block(source.node.body, reader)
    captured = _captured(source, unit) if source.kind else _factory_constants(source.namespace, unit)
    if count == 1:
        _declare_all(sources, unit)
    constants = captured if captured is not None else _by_line(unit.constants.values(), sources.module)
    made = Kernel(
        name=source.node.name,
        params=params,
        body=body,
        functions=_by_position(unit),
        structs=_structs(unit, sources),
        constants=constants,
        closure=captured is not None,
    )
    made = _distinct(made) or made
    try:
        _verify(made, unit, source)
    except ParseError:
        # Warp does not look at a branch whose condition it knows not to hold: what is wrong may be in one.
        live = without_dead_branches(made)
        if live == made:
            raise
        _verify(live, unit, source)
        return live
    return made


def _distinct(kernel: Kernel) -> Kernel | None:
    """The kernel with names of its module that neither it nor a function's local has; None where that is so already.

    What stands in several modules is put into one, and a function may call a local as another module calls a constant.
    """
    inner = {name for each in (*kernel.functions, kernel) for name in (*bound_names(each.body), *param_names(each))}
    inner.add(kernel.name)
    shared = inner & {each.name for each in (*kernel.constants, *kernel.functions)}
    if not shared or kernel.closure:
        return None
    fresh = FreshNames(inner | own_names(kernel))
    chosen = {name: fresh(f"{name}_") for name in sorted(shared)}
    return rename(kernel, lambda kind, _, name: chosen.get(name, name) if kind in ("constant", "function") else name)


def param_names(function: Function | Kernel) -> list[str]:
    """The names of the parameters of a function of the tree."""
    return [param.name for param in function.params]


def _verify(kernel: Kernel, unit: Unit, source: FunctionSource) -> None:
    try:
        verify(kernel)
    except VerifyError as failure:
        places: tuple[Node | None, ...] = (failure.node, failure.statement)
        lines = [unit.lines.get(id(each), 0) for each in places]
        line = next(filter(None, lines), source.node.lineno)
        raise ParseError(str(failure), line) from failure


def _captured(source: FunctionSource, unit: Unit) -> tuple[Constant, ...] | None:
    """The constants of a kernel that exists, where it captures each of them and no function of it has one."""
    constants = tuple(unit.constants.values())
    taken = all(each.name in source.captured for each in constants) and not unit.functions
    return constants if constants and taken else None


def _factory_constants(namespace: Namespace, unit: Unit) -> tuple[Constant, ...] | None:
    """The parameters of the factory function around a kernel, where they are all that it captures."""
    owner = namespace.owner
    if owner is None or namespace.parent is not namespace.module or not parameter_names(owner):
        return None
    calls = namespace.module.calls.get(owner.name, ())
    if not calls or not unit.constants.keys() <= set(parameter_names(owner)):
        return None
    call, where = calls[0]
    made: list[Constant] = []
    for name in parameter_names(owner):
        bindings = namespace.bindings[name]
        if len(bindings) != 1 or not isinstance(bindings[0], Parameter):
            return None
        try:
            value = constant_of(argument_of(call, where, namespace, name, bindings[0]))
        except ParseError:
            return None
        if value is None:
            return None
        made.append(Constant(name, value))
    if any(source.namespace is namespace for source in unit.sources.values()):
        return None
    return tuple(made) if all(unit.constants.get(each.name, each) == each for each in made) else None


def _declare_all(sources: Sources, unit: Unit) -> None:
    """What a module declares around its only kernel belongs to it, also where nothing reads it."""
    module = sources.module
    for name, bindings in module.bindings.items():
        try:
            match bindings:
                case [ast.Call() as value] if evaluate(value.func, module) == WarpName("constant"):
                    constant = constant_of(evaluate(value, module))
                    if constant is not None:
                        unit.constant(name, constant)
                case [FunctionSource() as function] if is_decorated(function.node, "func", module):
                    _declare_function(function, unit)
                case [ClassSource() as struct] if is_decorated(struct.node, "struct", module):
                    unit.struct(class_type(struct), struct.node)
                case _:
                    pass
        except ParseError:
            continue  # the kernel does without it


def _declare_function(function: FunctionSource, unit: Unit) -> None:
    before = unit.state()
    try:
        unit.function(function, (), function.node)
    except ParseError:
        unit.restore(before)  # a function that does not fit must not leave behind what it needs
        raise


# ---------------------------------------------------------------- the order


def _by_line(constants: Iterable[Constant], module: Namespace) -> tuple[Constant, ...]:
    """Constants in the order in which the module binds them, those of other places after them."""
    order = {name: position for position, name in enumerate(module.bindings)}
    return tuple(sorted(constants, key=lambda each: order.get(each.name.partition(".")[0], len(order))))


def _structs(unit: Unit, sources: Sources) -> tuple[Struct, ...]:
    # Those of other modules come first: they hold none of this one.
    order = {source.node.name: position for position, source in enumerate(sources.classes)}
    return tuple(sorted(unit.structs.values(), key=lambda each: order.get(each.name, -1)))


def _by_position(unit: Unit) -> tuple[Function, ...]:
    """Functions in the order of the text, except that one comes after those that it calls."""
    placed: dict[str, Function] = {}

    def place(function: Function) -> None:
        if function.name in placed:
            return
        for node in walk(function):
            if isinstance(node, CallFunction):
                place(unit.functions[node.name])
        placed[function.name] = function

    for function in sorted(unit.functions.values(), key=lambda each: unit.sources[each.name].node.lineno):
        place(function)
    return tuple(placed.values())
