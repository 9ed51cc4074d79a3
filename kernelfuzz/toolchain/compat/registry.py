"""The kernels that a source declares, in the Warp module that will hold them."""

from __future__ import annotations

import ast
import contextlib
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelfuzz.toolchain.compat import installed


@dataclass(slots=True)
class Declarations:
    """What a running source declares; ``kernels`` weakly, as in Warp, where a dropped kernel is gone."""

    name: str
    kernels: list[weakref.ref[Any]] = field(default_factory=list)
    modules: dict[int, Any] = field(default_factory=dict)
    kept: bool = False

    def keep(self) -> None:
        """The modules outlive the source, until ``forget`` is called."""
        self.kept = True

    def forget(self) -> None:
        """Unload what is loaded, and let go of it."""
        for module in self.modules.values():
            _forget(module)
        self.modules.clear()
        self.kernels.clear()


@contextlib.contextmanager
def declarations(name: str) -> Iterator[Declarations]:
    """Note the kernels that the Python module ``name`` declares inside; Warp forgets them afterwards."""
    context = installed.load_warp().context
    registry: dict[str, Any] = context.user_modules
    before = frozenset(registry)
    declared = Declarations(name)
    original = context.Module.register_kernel

    def register_kernel(module: Any, kernel: Any) -> None:
        # warp.fem makes a kernel of an integrand, in a module that is named after that of the integrand.
        if kernel.func.__module__ == name or module.name.startswith(f"{name}."):
            declared.kernels.append(weakref.ref(kernel))
            declared.modules[id(module)] = module
        original(module, kernel)

    context.Module.register_kernel = register_kernel
    try:
        yield declared
    finally:
        context.Module.register_kernel = original
        if name in registry:
            declared.modules[id(registry[name])] = registry[name]
        # Modules of packages that the source imported for the first time stay: so do the packages.
        for key in [key for key in registry if key not in before]:
            if id(registry[key]) in declared.modules:
                del registry[key]
        if not declared.kept:
            declared.forget()


def _forget(module: Any) -> None:
    # A source can launch its own kernels while it runs.
    if module.execs:
        module.unload()
    for reference in module.references:
        reference.dependents.discard(module)
    module.references.clear()
    module.dependents.clear()
    module.hashers.clear()
    # Warp remembers the size of every struct that it made an array of, and a struct holds its module.
    loaded = installed.load_warp()
    sizes: dict[Any, int] = getattr(loaded.types, "_type_size_cache", {})
    for type_ in [each for each in sizes if isinstance(each, loaded.codegen.Struct)]:
        if type_.module is module:
            del sizes[type_]


@contextlib.contextmanager
def registered_kernels() -> Iterator[list[Any]]:
    """Every kernel that is made inside, by any code."""
    module = installed.load_warp().context.Module
    original = module.register_kernel
    kernels: list[Any] = []

    def register_kernel(owner: Any, kernel: Any) -> None:
        kernels.append(kernel)
        original(owner, kernel)

    module.register_kernel = register_kernel
    try:
        yield kernels
    finally:
        module.register_kernel = original


@dataclass(frozen=True, slots=True)
class Unit:
    """The kernels that one source declared, in that order, in the Warp module that will hold them all."""

    module: Any
    kernels: tuple[Any, ...]
    options: dict[str, Any]


def collect(declared: Declarations, wanted: str | None, *, alone: bool = False) -> Unit:
    """The unit of a source that has run.

    Kernels declared with ``module="unique"`` join the source's module, which takes over their options.
    Where those differ, only the kernels with the same options as the one ``wanted`` stay; raises
    Unsupported if none is.  ``alone``: only the one that is wanted stays.
    """
    module = installed.load_warp().context.get_module(declared.name)
    kernels = [kernel for kernel in (ref() for ref in declared.kernels) if kernel is not None]
    options = [kernel.module.options for kernel in kernels] or [module.options]
    chosen = dict(options[0])
    if any(each != chosen for each in options):
        named = [kernel.module.options for kernel in kernels if wanted in (kernel.func.__name__, kernel.key)]
        if not named or any(each != named[0] for each in named):
            raise installed.Unsupported(
                "the kernels of this source have different module options: pick one by its name"
            )
        chosen = dict(named[0])
        kernels = [kernel for kernel in kernels if kernel.module.options == chosen]
    if alone:
        kernels = [kernel for kernel in kernels if wanted in (kernel.func.__name__, kernel.key)]
    for kernel in kernels:
        module.has_unresolved_static_expressions |= kernel.module.has_unresolved_static_expressions
    module._live_kernels.clear()
    module._live_kernels.update(kernels)
    return Unit(module, tuple(kernels), chosen)


def is_kernel(value: object) -> bool:
    """Whether it is a kernel of Warp."""
    return isinstance(value, installed.load_warp().context.Kernel)


# What generating code leaves behind on a kernel, as far as launches read it.
_LEFT_BEHIND = ("module", "hash", "grid_stride")


@contextlib.contextmanager
def borrowed(kernel: Any) -> Iterator[Unit]:
    """A unit of one kernel that is somebody else's, in a module of its own; given back as it was."""
    own = kernel.module
    module = installed.load_warp().context.Module(own.name, None)
    module.options = dict(own.options)
    module.has_unresolved_static_expressions = own.has_unresolved_static_expressions
    module._live_kernels.add(kernel)
    instances = (kernel, *kernel.overloads.values())
    saved = [(each, {name: getattr(each, name) for name in _LEFT_BEHIND if hasattr(each, name)}) for each in instances]
    try:
        for each in instances:
            each.module = module
        yield Unit(module, (kernel,), dict(own.options))
    finally:
        for each, values in saved:
            for name, value in values.items():
                setattr(each, name, value)


def generic_without_overloads(unit: Unit) -> tuple[str, ...]:
    """The names of the generic kernels that nothing instantiates."""
    return tuple(sorted(k.func.__name__ for k in unit.kernels if k.is_generic and not k.overloads))


def kernel_names(unit: Unit) -> frozenset[str]:
    """Every name that the unit's kernels answer to: the Python function's and Warp's own key."""
    return frozenset(name for kernel in unit.kernels for name in (kernel.func.__name__, kernel.key))


def unit_of(declared: Declarations) -> Unit:
    """The kernels that a source has declared, each left in the module that the source put it into."""
    kernels = tuple(kernel for kernel in (each() for each in declared.kernels) if kernel is not None)
    module = kernels[0].module if kernels else None
    return Unit(module, kernels, dict(module.options) if module is not None else {})


def name_of(kernel: Any, namespace: Mapping[str, Any]) -> str:
    """What the source calls a kernel: the name that it is bound to, or else the function's own."""
    bound = next((name for name, value in namespace.items() if value is kernel), None)
    return kernel.func.__name__ if bound is None else bound


def concrete(kernel: Any) -> Any:
    """The kernel, or its overload where it is generic.  Raises Unsupported where it has none or several."""
    if not kernel.is_generic:
        return kernel
    if len(kernel.overloads) != 1:
        count = len(kernel.overloads)
        raise installed.Unsupported(f"the generic kernel {kernel.func.__name__} has {count} overloads, not one")
    return next(iter(kernel.overloads.values()))


def module_of(kernels: tuple[Any, ...]) -> Any:
    """The one module that holds all the kernels; None where there are several."""
    modules = {id(kernel.module): kernel.module for kernel in kernels}
    return next(iter(modules.values())) if len(modules) == 1 else None


# ------------------------------------------------------------------- what a definition names, as Python text


def type_text(type_: Any) -> str:
    """A type as an annotation: ``wp.float32``, ``wp.array(dtype=S, ndim=1)``, a struct by its key."""
    loaded = installed.load_warp()
    type_ = loaded.types.type_to_warp(type_)
    if isinstance(type_, loaded.codegen.Struct):
        return str(type_.key)
    if loaded.types.is_array(type_):
        return f"wp.{type(type_).__name__}(dtype={type_text(type_.dtype)}, ndim={type_.ndim})"
    text = loaded.types.type_repr(type_).replace("warp._src.types.", "")
    return f"wp.{text}" if hasattr(loaded.warp, text) else text


def field_types(struct: Any) -> dict[str, str]:
    """The fields of a struct, each with its type as text."""
    return {name: type_text(each.type) for name, each in struct.vars.items()}


def constant_texts(adjoint: Any) -> dict[str, str]:
    """The numbers that a function names from around it, by the text of the name."""
    found: dict[str, Any] = adjoint.get_references()[0]
    scalars = tuple(installed.load_warp().types.scalar_types)
    return {
        name: f"{type_text(type(value))}({value.value!r})"
        if isinstance(value, scalars)
        else ast.unparse(ast.Constant(value))
        for name, value in found.items()
        if isinstance(value, (bool, int, float, *scalars))
    }


# Called by their own names.
_OF_PYTHON = (bool, int, float, range)


def callee_text(adjoint: Any, callee: Any) -> str | None:
    """What a function calls by a name from around it: another by its key, a type; None for anything else."""
    loaded = installed.load_warp()
    found, _ = adjoint.resolve_static_expression(callee, eval_types=False)
    if isinstance(found, loaded.context.Function) and not found.is_builtin():
        return str(found.key)
    if isinstance(found, loaded.codegen.Struct) or (isinstance(found, type) and found not in _OF_PYTHON):
        return type_text(found)
    return None
