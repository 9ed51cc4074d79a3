"""Everything that kernelfuzz needs of Warp's private names; no other file may touch them.

They move with every release, so each difference is told by feature (is the attribute there, does the
function take the argument) and never by version number.  Supported: Warp 1.10 to 1.19.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import ctypes
import enum
import errno
import functools
import importlib
import inspect
import logging
import os
import re
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from kernelfuzz.toolchain.argument_types import (
    ArgumentType,
    ArrayType,
    CompositeType,
    Parameter,
    ScalarType,
    StructType,
    ValueType,
)
from kernelfuzz.toolchain.capture import captured_output

Device: TypeAlias = Literal["cpu", "cuda"]

SUPPORTED = "warp-lang>=1.10,<=1.19"

# Warp's code generator keeps module-level state, so one lowering runs at a time.
LOCK = threading.RLock()

_CODEGEN = ("codegen_struct", "codegen_func", "codegen_snippet", "codegen_kernel")
_NEEDED = {
    "context": (
        *("Module", "ModuleBuilder", "ModuleHasher", "Kernel", "Function", "user_modules", "get_module"),
        *("generate_unique_function_identifier", "init"),
    ),
    "codegen": (*_CODEGEN, "make_full_qualified_name"),
    "types": ("type_repr",),
    "build": ("build_cpu", "build_cuda"),
}
# Read from warp.config by releases that do not resolve every option on the module.
_CONFIG_OPTIONS = (
    *("verify_fp", "line_directives", "enable_vector_component_overwrites", "llvm_cuda"),
    *("enable_tiles_in_stack_memory", "optimization_level", "cpu_compiler_flags", "use_precompiled_headers"),
)


class UnsupportedWarp(RuntimeError):
    """The installed Warp, or the lack of one, makes it impossible to go on."""


class UnwritableCache(UnsupportedWarp):
    """Warp cannot write its kernel cache, without which it does not start."""


class Unsupported(ValueError):
    """Something asked for, or something in a source, that the installed Warp cannot do."""


@dataclass(frozen=True, slots=True)
class _Warp:
    warp: Any
    context: Any
    codegen: Any
    types: Any
    build: Any


@functools.cache
def _load() -> _Warp:
    try:
        warp = importlib.import_module("warp")
    except ImportError as error:
        raise UnsupportedWarp(f"Warp cannot be imported ({error}): install {SUPPORTED!r}.") from error
    version = getattr(getattr(warp, "config", None), "version", "of an unknown version")
    modules: dict[str, Any] = {}
    for name, needed in _NEEDED.items():
        try:
            module = importlib.import_module(f"warp._src.{name}")
        except ImportError:
            raise _unsupported(version, f"warp._src.{name}") from None
        missing = [each for each in needed if not hasattr(module, each)]
        if missing:
            raise _unsupported(version, ", ".join(f"warp._src.{name}.{each}" for each in missing))
        modules[name] = module
    if not hasattr(modules["context"].Module, "get_module_hash"):
        raise _unsupported(version, "Module.get_module_hash")
    return _Warp(warp, **modules)


def _unsupported(version: str, missing: str) -> UnsupportedWarp:
    return UnsupportedWarp(f"Warp {version} cannot be driven, it lacks {missing}: install {SUPPORTED!r}.")


@functools.cache
def _ready() -> _Warp:
    """Warp, initialised.  Without a driver it complains about that on the way."""
    loaded = _load()
    with captured_output(), _quiet(vars(loaded.warp.config)):
        before = loaded.warp.config.kernel_cache_dir
        try:
            loaded.context.init()
        except OSError as error:
            cache = str(loaded.warp.config.kernel_cache_dir)
            loaded.warp.config.kernel_cache_dir = before
            # It is about the folder itself, or one of those that lead there.
            if error.filename and Path(cache).is_relative_to(str(error.filename)):
                raise _unwritable(cache, error) from None
            raise
    return loaded


# Why a folder that is there cannot be written.
_DENIED = frozenset({errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS})


def check_cache(error: BaseException) -> None:
    """Raise UnwritableCache where an error is that Warp cannot write what it built."""
    cache = str(_ready().warp.config.kernel_cache_dir)
    if not isinstance(error, OSError) or error.errno not in _DENIED:
        return
    if Path(str(error.filename)).is_relative_to(cache):
        raise _unwritable(cache, error) from None


def _unwritable(cache: str, error: OSError) -> UnwritableCache:
    reason = error.strerror
    return UnwritableCache(
        f"Warp's kernel cache at {cache} cannot be written ({reason}): set WARP_CACHE_PATH to another folder."
    )


@functools.cache
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _has(instance: Any, method: str) -> bool:
    """Whether an object of Warp has a method, asked of its class.

    In 1.11.0 to 1.12.1 a module looks up what it lacks among deprecated names, and recurses without end.
    """
    return hasattr(type(instance), method)


def initialize() -> None:
    """Initialise Warp, without its greeting.  Raises UnsupportedWarp."""
    _ready()


def version() -> str:
    """The version of the installed Warp.  Raises UnsupportedWarp."""
    return str(_load().warp.config.version)


def directory() -> str:
    """Where the installed Warp lies."""
    return os.path.dirname(_load().warp.__file__)


# ------------------------------------------------------------------------------------------ isolation


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Warp kept quiet inside, and its global configuration put back afterwards, whatever ran inside."""
    # Initialised first: that fills in parts of the configuration, which must stay.
    config = vars(_ready().warp.config)
    saved = dict(config)
    try:
        with _quiet(config):
            yield
    finally:
        for name in config.keys() - saved.keys():
            del config[name]
        config.update(saved)


@contextlib.contextmanager
def _quiet(config: dict[str, Any]) -> Iterator[None]:
    # Written past the module's attribute hooks, which warn about old names.
    silent = {"log_level": logging.ERROR} if "log_level" in config else {"quiet": True, "verbose": False}
    saved = {name: config[name] for name in silent}
    config.update(silent)
    try:
        yield
    finally:
        config.update(saved)


@dataclass(slots=True)
class Numbering:
    """The next number for each key of a user function."""

    next: dict[str, int]
    declared: dict[str, int] = field(default_factory=dict)

    def mark(self) -> None:
        """The source has run: what follows is code generation, which may make functions of its own."""
        self.declared = dict(self.next)

    def rewind(self) -> None:
        """Back to the mark, so that one generation does not shift the names in the next."""
        self.next.clear()
        self.next.update(self.declared)


@contextlib.contextmanager
def function_names(first: Mapping[str, int], otherwise: int = 0) -> Iterator[Numbering]:
    """Number the generated names of functions made inside from ``first`` (by key; else from ``otherwise``).

    Warp counts them across the whole process, so the text of a source would depend on what came before
    it.  Functions that an import makes keep Warp's own numbers, because they outlive the source.
    """
    context = _load().context
    original = context.generate_unique_function_identifier
    numbering = Numbering(dict(first))

    def identifier(key: str) -> str:
        # The caller is Function.__init__, which has the Python function at hand.
        function = sys._getframe(1).f_locals.get("func")
        spec = getattr(sys.modules.get(getattr(function, "__module__", "")), "__spec__", None)
        if getattr(spec, "_initializing", False):
            return original(key)
        number = numbering.next.get(key, otherwise)
        numbering.next[key] = number + 1
        return f"{key}_{number}"

    context.generate_unique_function_identifier = identifier
    try:
        yield numbering
    finally:
        context.generate_unique_function_identifier = original


# ----------------------------------------------------------------------------------------- collecting


@dataclass(slots=True)
class Declarations:
    """What a running source declares; ``kernels`` weakly, as in Warp, where a dropped kernel is gone."""

    name: str
    kernels: list[weakref.ref[Any]] = field(default_factory=list)
    modules: dict[int, Any] = field(default_factory=dict)
    kept: bool = False

    def keep(self) -> None:
        """The modules outlive the source: whoever says so calls ``forget`` in the end."""
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
    context = _load().context
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
    loaded = _load()
    sizes: dict[Any, int] = getattr(loaded.types, "_type_size_cache", {})
    for type_ in [each for each in sizes if isinstance(each, loaded.codegen.Struct)]:
        if type_.module is module:
            del sizes[type_]


@contextlib.contextmanager
def registered_kernels() -> Iterator[list[Any]]:
    """Every kernel that is made inside, whoever makes it."""
    module = _load().context.Module
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


def collect(declared: Declarations, wanted: str | None) -> Unit:
    """The unit of a source that has run.

    Kernels declared with ``module="unique"`` join the source's module, which takes over their options.
    Where those differ, only the kernels with the same options as the one ``wanted`` stay; raises
    Unsupported if none is.
    """
    module = _load().context.get_module(declared.name)
    kernels = [kernel for kernel in (ref() for ref in declared.kernels) if kernel is not None]
    options = [kernel.module.options for kernel in kernels] or [module.options]
    chosen = dict(options[0])
    if any(each != chosen for each in options):
        named = [kernel.module.options for kernel in kernels if wanted in (kernel.func.__name__, kernel.key)]
        if not named or any(each != named[0] for each in named):
            raise Unsupported(
                "the kernels of this source have different module options: pick one by its name"
            )
        chosen = dict(named[0])
        kernels = [kernel for kernel in kernels if kernel.module.options == chosen]
    for kernel in kernels:
        module.has_unresolved_static_expressions |= kernel.module.has_unresolved_static_expressions
    module._live_kernels.clear()
    module._live_kernels.update(kernels)
    return Unit(module, tuple(kernels), chosen)


def is_kernel(value: object) -> bool:
    """Whether it is a kernel of Warp."""
    return isinstance(value, _load().context.Kernel)


# What generating code leaves behind on a kernel, as far as launches read it.
_LEFT_BEHIND = ("module", "hash", "grid_stride")


@contextlib.contextmanager
def borrowed(kernel: Any) -> Iterator[Unit]:
    """A unit of one kernel that is somebody else's, in a module of its own; given back as it was."""
    own = kernel.module
    module = _load().context.Module(own.name, None)
    module.options = dict(own.options)
    module.has_unresolved_static_expressions = own.has_unresolved_static_expressions
    module._live_kernels.add(kernel)
    instances = (kernel, *kernel.overloads.values())
    saved = [
        (each, {name: getattr(each, name) for name in _LEFT_BEHIND if hasattr(each, name)})
        for each in instances
    ]
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


# ----------------------------------------------------------------------------------------- generating


@dataclass(frozen=True, slots=True)
class Piece:
    """One call of Warp's code generator: a struct, a function or a kernel, as it stands in the module."""

    kind: Literal["struct", "function", "kernel"]
    owner: Any
    name: str
    text: str
    part: Literal["whole", "forward", "reverse"] = "whole"


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """What the records say about a kernel beyond its text."""

    name: str
    key: str
    mangled_name: str
    arg_types: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Generated:
    """The text of a module, the pieces that it is made of in their order, and its options.

    ``order`` are the mangled names of the kernels as the source declares them.
    ``collisions`` are the keys of functions that share a generated name with another module's.
    ``module_hash`` is what Warp's kernel cache knows the module by, in hexadecimal.
    """

    text: str
    pieces: tuple[Piece, ...]
    order: tuple[str, ...]
    options: dict[str, Any]
    collisions: tuple[str, ...]
    module_hash: str = ""


def generate(
    unit: Unit, numbering: Numbering, device: Device, *, backward: bool, options: Mapping[str, Any]
) -> Generated:
    """Run Warp's code generator over the unit for ``device``.

    Raises Unsupported, and whatever else Warp raises at a kernel that it does not take.
    """
    loaded = _load()
    module = unit.module
    module.options.clear()
    module.options.update(unit.options)
    # What a launch uses unless it is told otherwise; it overrides what the source set on its module.
    module.options["block_dim"] = 1 if device == "cpu" else 256
    _set_options(module, options)
    if not backward:
        module.options["enable_backward"] = False
    if _has(module, "mark_modified"):
        module.mark_modified()
    with _without_backward(unit, active=not backward), _ordered_promotions(loaded.codegen):
        try:
            return _generate(loaded, unit, numbering, device)
        except ValueError as error:
            # Without an architecture, the limits of the fallback on the CPU are put on CUDA too.
            found = re.search(r"(tile_i?fft)\(\) on CPU requires", str(error))
            if device == "cuda" and found is not None:
                raise Unsupported(
                    f"Warp {version()} compiles this {found[1]} for CUDA with libmathdx only"
                ) from None
            raise


def _generate(loaded: _Warp, unit: Unit, numbering: Numbering, device: Device) -> Generated:
    module = unit.module
    block_dim = module.options["block_dim"]
    # Also resolves the static expressions that wait for code generation.
    numbering.rewind()
    module_hash: bytes = module.get_module_hash(block_dim)
    numbering.rewind()
    hasher = module.hashers[block_dim]
    # Sorted as 1.19 does: before, the order of a module's kernels followed their addresses in memory.
    hasher.unique_kernels = dict(sorted(hasher.unique_kernels.items()))
    resolved = _resolved_options(loaded, module, block_dim)
    builder_class = loaded.context.ModuleBuilder
    target = {"target": device} if "target" in _parameters(builder_class) else {}
    # No architecture: what depends on one (libmathdx for tile_matmul and its kin) takes Warp's own fallback.
    builder = builder_class(module, {**resolved, "output_arch": None}, hasher=hasher, **target)
    pieces: list[Piece] = []
    with _recording(loaded.codegen, pieces):
        text = builder.codegen(device)
    _check_tile_math(text, device, resolved)
    return Generated(
        text, tuple(pieces), _order(unit), _plain(resolved), _collisions(builder), module_hash.hex()
    )


_TILE_MATH = re.compile(r"\b(tile_(?:matmul|i?fft|cholesky\w*|lower_solve\w*|upper_solve\w*))\(")


def _check_tile_math(text: str, device: Device, resolved: Mapping[str, Any]) -> None:
    """Before Warp had a fallback for it, tile math on CUDA was text that only libmathdx could complete."""
    if device == "cuda" and "enable_mathdx_gemm" not in resolved:
        found = _TILE_MATH.search(text)
        if found is not None:
            raise Unsupported(f"Warp {version()} compiles {found[1]} for CUDA with libmathdx only")


def _order(unit: Unit) -> tuple[str, ...]:
    """The mangled names in the order of declaration; equal kernels are one."""
    names: dict[str, None] = {}
    for kernel in unit.kernels:
        instances = kernel.overloads.values() if kernel.is_generic else (kernel,)
        hashed = [each for each in instances if each.hash is not None]
        names.update(dict.fromkeys(sorted(each.get_mangled_name() for each in hashed)))
    return tuple(names)


def facts(kernel: Any) -> KernelFacts:
    """What a record says about ``kernel``, a piece's owner."""
    default_key = _load().codegen.make_full_qualified_name(kernel.func)
    return KernelFacts(
        name=kernel.func.__name__ if kernel.key == default_key else kernel.key,
        key=kernel.key,
        mangled_name=kernel.get_mangled_name(),
        arg_types=tuple((arg.label, _type_text(kernel, arg.type)) for arg in kernel.adj.args),
    )


def _type_text(kernel: Any, type_: Any) -> str:
    text = _load().types.type_repr(type_)
    # Structs come with the module that they are in, and one scalar with Warp's own.
    return text.replace(f"{kernel.func.__module__}.", "").replace("warp._src.types.", "")


@contextlib.contextmanager
def _recording(codegen: Any, pieces: list[Piece]) -> Iterator[None]:
    """Note what each call of the code generator returns: the pieces come without generating them twice."""
    originals = {name: getattr(codegen, name) for name in _CODEGEN}

    def struct(owner: Any, *args: Any, **kwargs: Any) -> str:
        text = originals["codegen_struct"](owner, *args, **kwargs)
        pieces.append(Piece("struct", owner, owner.native_name, text))
        return text

    def function(original: Callable[..., str], naming: str, owner: Any, *args: Any, **kwargs: Any) -> str:
        text = original(owner, *args, **kwargs)
        part = "whole"
        if kwargs.get("forward_only"):
            part = "forward"
        elif kwargs.get("reverse_only"):
            part = "reverse"
        pieces.append(Piece("function", owner, kwargs[naming], text, part))
        return text

    def kernel(owner: Any, *args: Any, **kwargs: Any) -> str:
        text = originals["codegen_kernel"](owner, *args, **kwargs)
        pieces.append(Piece("kernel", owner, owner.get_mangled_name(), text))
        return text

    codegen.codegen_struct = struct
    codegen.codegen_func = functools.partial(function, originals["codegen_func"], "c_func_name")
    codegen.codegen_snippet = functools.partial(function, originals["codegen_snippet"], "name")
    codegen.codegen_kernel = kernel
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(codegen, name, original)


@contextlib.contextmanager
def _without_backward(unit: Unit, *, active: bool) -> Iterator[None]:
    """Take back what kernels say for themselves: an option on the decorator beats the module's."""
    kernels = [each for kernel in unit.kernels for each in (kernel, *kernel.overloads.values())]
    changed = [kernel for kernel in kernels if active and kernel.options.get("enable_backward")]
    saved = [dict(kernel.options) for kernel in changed]
    for kernel in changed:
        kernel.options["enable_backward"] = False
    try:
        yield
    finally:
        for kernel, options in zip(changed, saved, strict=True):
            kernel.options.clear()
            kernel.options.update(options)


def translated(pieces: tuple[Piece, ...]) -> str:
    """The Python that Warp made the pieces of: the syntax trees that it translated, rewritten or not.

    What they name from around them is written as Warp resolved it: types, functions by their keys, numbers.
    """
    owners = {id(piece.owner): piece for piece in pieces}
    return "\n\n\n".join(_PYTHON[piece.kind](piece.owner, piece.name) for piece in owners.values()) + "\n"


def _python_struct(struct: Any, name: str) -> str:
    fields = [f"    {label}: {_python_type(each.type)}" for label, each in struct.vars.items()]
    return "\n".join(["@wp.struct", f"class {struct.key}:", *(fields or ["    pass"])])


def _python_function(adjoint: Any, name: str) -> str:
    # The generated name is the key and a number.
    return _python_definition(adjoint, name.rpartition("_")[0], "wp.func")


def _python_kernel(kernel: Any, name: str) -> str:
    return _python_definition(kernel.adj, kernel.key, "wp.kernel")


_PYTHON = {"struct": _python_struct, "function": _python_function, "kernel": _python_kernel}


def _python_definition(adjoint: Any, name: str, decorator: str) -> str:
    (definition,) = [each for each in adjoint.tree.body if isinstance(each, ast.FunctionDef)]
    definition = copy.deepcopy(definition)
    definition.name = name
    native = [each for each in definition.decorator_list if "native" in ast.unparse(each)]
    definition.decorator_list = native or [_verbatim(decorator)]
    for argument in definition.args.args:
        if argument.arg in adjoint.arg_types:
            argument.annotation = _verbatim(_python_type(adjoint.arg_types[argument.arg]))
    definition.returns = None
    assigned = {each.id for each in ast.walk(definition) if isinstance(each, ast.Name) and _is_store(each)}
    resolved = _Resolved(adjoint, assigned | {argument.arg for argument in definition.args.args})
    definition.body = [resolved.visit(each) for each in definition.body]
    return ast.unparse(definition)


class _Resolved(ast.NodeTransformer):
    """Puts what a name from around a function stands for in its place."""

    def __init__(self, adjoint: Any, local: set[str]) -> None:
        self._adjoint = adjoint
        self._local = local
        self._constants: dict[str, Any] = adjoint.get_references()[0]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id not in {*self._local, "wp"}:
            context, codegen = _load().context, _load().codegen
            found, _ = self._adjoint.resolve_static_expression(node.func, eval_types=False)
            if isinstance(found, context.Function) and not found.is_builtin():
                node.func = _verbatim(found.key)
            elif isinstance(found, codegen.Struct) or (isinstance(found, type) and found not in _OF_PYTHON):
                node.func = _verbatim(_python_type(found))
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._number(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        number = self._number(node)
        return self.generic_visit(node) if number is node else number

    def _number(self, node: ast.expr) -> ast.expr:
        value: Any = self._constants.get(ast.unparse(node))
        if isinstance(value, (bool, int, float)):
            return ast.Constant(value)
        if isinstance(value, tuple(_load().types.scalar_types)):
            return _verbatim(f"{_python_type(type(value))}({value.value!r})")
        return node


# Called by their own names.
_OF_PYTHON = (bool, int, float, range)


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _verbatim(text: str) -> ast.Name:
    """What ``ast.unparse`` prints as it stands."""
    return ast.Name(text, ast.Load())


def _python_type(type_: Any) -> str:
    loaded = _load()
    type_ = loaded.types.type_to_warp(type_)
    if isinstance(type_, loaded.codegen.Struct):
        return str(type_.key)
    if loaded.types.is_array(type_):
        return f"wp.{type(type_).__name__}(dtype={_python_type(type_.dtype)}, ndim={type_.ndim})"
    text = loaded.types.type_repr(type_).replace("warp._src.types.", "")
    return f"wp.{text}" if hasattr(loaded.warp, text) else text


_order_promotions = True


@contextlib.contextmanager
def unordered_promotions() -> Iterator[None]:
    """Leave the order of leftover counters to Warp inside, for who asks whether its code is deterministic."""
    global _order_promotions
    with LOCK:
        before, _order_promotions = _order_promotions, False
        try:
            yield
        finally:
            _order_promotions = before


@contextlib.contextmanager
def _ordered_promotions(codegen: Any) -> Iterator[None]:
    """Copy the leftover counters of unrolled loops in the order of their names.

    Warp 1.19 takes them in the order of a set, so that its code depends on the process
    (notes/findings/code-depends-on-hash-seed.md); a corpus must not.
    """
    original = getattr(codegen.Adjoint, "_promote_mutated_iter_constants", None)
    if original is None or not _order_promotions:
        yield
        return

    def promote(adjoint: Any, body: list[ast.stmt]) -> None:
        nodes = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)]
        for name in sorted({node.id for node in nodes if isinstance(node.ctx, ast.Store)}):
            original(adjoint, [ast.Name(name, ast.Store())])

    codegen.Adjoint._promote_mutated_iter_constants = promote
    try:
        yield
    finally:
        codegen.Adjoint._promote_mutated_iter_constants = original


def _collisions(builder: Any) -> tuple[str, ...]:
    """The keys of functions of different modules that go by one generated name."""
    owners: dict[str, set[int]] = {}
    for function in builder.functions:
        owners.setdefault(function.native_func, set()).add(id(function.module))
    return tuple(sorted({f.key for f in builder.functions if len(owners[f.native_func]) > 1}))


# -------------------------------------------------------------------------------------------- options


def _set_options(module: Any, options: Mapping[str, Any]) -> None:
    config = vars(_load().warp.config)
    for name, value in options.items():
        if name in module.options:
            home = module.options
        elif name in config and not name.startswith("_"):
            home = config
        else:
            raise Unsupported(f"Warp {version()} has no option {name!r}")
        home[name] = _coerced(name, home[name], value)


def _coerced(name: str, current: Any, value: Any) -> Any:
    """Options that Warp holds as an enumeration are given by name or by value."""
    if not isinstance(current, enum.Enum) or isinstance(value, type(current)):
        return value
    for member in type(current):
        if value == member.value or (isinstance(value, str) and value.upper() == member.name):
            return member
    known = ", ".join(each.name for each in type(current))
    raise Unsupported(f"option {name!r} takes one of {known}, got {value!r}")


def _resolved_options(loaded: _Warp, module: Any, block_dim: int) -> dict[str, Any]:
    config = loaded.warp.config
    if _has(module, "resolve_options"):
        takes = "block_dim" in _parameters(type(module).resolve_options)
        return module.resolve_options(config, **({"block_dim": block_dim} if takes else {}))
    resolved = dict(module.options)
    resolved["mode"] = resolved.get("mode") or config.mode
    for name in _CONFIG_OPTIONS:
        if resolved.get(name) is None and hasattr(config, name):
            resolved[name] = getattr(config, name)
    return resolved


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as values that pickle and print without Warp."""
    return {name: value.name if isinstance(value, enum.Enum) else value for name, value in options.items()}


# ------------------------------------------------------------------------------------------- building

# By the name of the option: the parameter of Warp's build functions that takes it.
BUILD_OPTIONS: dict[str, tuple[str, ...]] = {
    "mode": ("mode", "config"),
    "optimization_level": ("optimization_level",),
    "fuse_fp": ("fuse_fp",),
    "fast_math": ("fast_math",),
    "verify_fp": ("verify_fp",),
    "lineinfo": ("lineinfo",),
    "llvm_cuda": ("llvm_cuda",),
    "cpu_compiler_flags": ("extra_flags",),
    "enable_tiles_in_stack_memory": ("enable_tiles_in_stack_memory",),
    "use_precompiled_headers": ("use_precompiled_headers",),
}


@functools.cache
def cuda_archs() -> tuple[int, ...]:
    """The architectures that this Warp's NVRTC compiles for, ascending; with or without a driver."""
    runtime = _ready().context.runtime
    core = runtime.core
    if getattr(runtime, "nvrtc_supported_archs", None):
        return tuple(sorted(runtime.nvrtc_supported_archs))
    # Older releases ask only where there is a driver.
    if not hasattr(core, "wp_nvrtc_supported_arch_count"):
        return ()
    archs = (ctypes.c_int * core.wp_nvrtc_supported_arch_count())()
    core.wp_nvrtc_supported_archs(archs)
    return tuple(sorted(archs))


def compile_file(
    source: str, output: str, arch: int | None, options: Mapping[str, Any], chosen: Mapping[str, Any]
) -> None:
    """Compile the file ``source`` into ``output``, whose suffix says what is wanted; no ``arch`` is the CPU.

    ``chosen`` beats ``options``.  Raises Unsupported, and what Warp raises when its compiler fails.
    """
    loaded = _ready()
    runtime, config = loaded.context.runtime, vars(loaded.warp.config)
    function = loaded.build.build_cpu if arch is None else loaded.build.build_cuda
    takes = _parameters(function)
    values = {name: options.get(name) for name in BUILD_OPTIONS} | dict(chosen)
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        parameter = next((each for each in BUILD_OPTIONS[name] if each in takes), None)
        if name == "optimization_level" and value is None:
            value = 2 if arch is None else 3
        if parameter is not None and value is not None:
            arguments[parameter] = value
        elif name in config and value is not None:
            config[name] = value
        elif name in chosen and parameter is None:
            kind = "the CPU" if arch is None else "CUDA"
            raise Unsupported(f"Warp {version()} has no build option {name!r} for {kind}")
    more = {"block_dim": options.get("block_dim", 256)}
    if "pch_dir" in takes:
        more["pch_dir"] = _pch_dir(runtime, arch, output)
    arguments.update({name: value for name, value in more.items() if name in takes})
    if arch is None:
        function(output, source, **arguments)
    else:
        function(source, arch, output, **arguments)


def _pch_dir(runtime: Any, arch: int | None, output: str) -> str | None:
    """Where Warp puts precompiled headers; None for none."""
    if arch is None:
        return runtime.get_clang_pch_dir()
    if _has(runtime, "get_nvrtc_pch_dir"):
        return runtime.get_nvrtc_pch_dir()
    # 1.12.1, which always wants a folder.
    return runtime.get_pch_dir() or os.path.dirname(output)


# ------------------------------------------------------------------------------------------ launching


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
        raise Unsupported(f"the generic kernel {kernel.func.__name__} has {count} overloads, not one")
    return next(iter(kernel.overloads.values()))


def parameters(kernel: Any) -> tuple[Parameter, ...]:
    """The parameters of a kernel.  Raises Unsupported at a type that is no value and no plain array."""
    return tuple(Parameter(arg.label, _argument_type(arg.type)) for arg in kernel.adj.args)


def _argument_type(type_: Any) -> ArgumentType:
    loaded = _load()
    types = loaded.types
    if types.is_array(type_):
        plain = types.matches_array_class if hasattr(types, "matches_array_class") else isinstance
        if not plain(type_, loaded.warp.array):
            raise Unsupported(f"no values are made for a parameter of type {types.type_repr(type_)}")
        return ArrayType(_value_type(type_.dtype), type_.ndim)
    return _value_type(type_)


def _value_type(annotation: Any) -> ValueType:
    import numpy as np

    loaded = _load()
    type_ = loaded.types.type_to_warp(annotation)
    if isinstance(type_, loaded.codegen.Struct):
        fields = tuple((name, _value_type(variable.type)) for name, variable in type_.vars.items())
        return StructType(type_, np.dtype(type_.numpy_dtype()), fields)
    if hasattr(type_, "_wp_scalar_type_") and hasattr(type_, "_shape_"):
        dtype = loaded.warp.dtype_to_numpy(type_._wp_scalar_type_)
        return CompositeType(type_, np.dtype(dtype), tuple(type_._shape_))
    if type_ in loaded.types.scalar_and_bool_types and type_ is not getattr(loaded.warp, "bfloat16", None):
        return ScalarType(type_, np.dtype(loaded.warp.dtype_to_numpy(type_)))
    raise Unsupported(f"no values are made for a parameter of type {loaded.types.type_repr(type_)}")


def configure(options: Mapping[str, Any], kernels: tuple[Any, ...]) -> None:
    """Set ``options`` on the modules of ``kernels``; ``isolated`` puts back those that are Warp's own.

    Raises Unsupported at an option that this Warp does not have.
    """
    for module in {id(kernel.module): kernel.module for kernel in kernels}.values():
        _set_options(module, options)


@functools.cache
def has_option(name: str) -> bool:
    """Whether this Warp has the option, on its modules or in its configuration."""
    loaded = _load()
    module = loaded.context.Module("", None)
    return name in module.options or (name in vars(loaded.warp.config) and not name.startswith("_"))


def has_cuda() -> bool:
    """Whether there is a device to launch on."""
    return bool(_ready().warp.is_cuda_available())


def set_kernel_cache(directory: str) -> None:
    """Where Warp puts what it builds; for ``isolated`` to put back."""
    vars(_ready().warp.config)["kernel_cache_dir"] = directory


def launch_block_dim(device: str, asked: int | None) -> int:
    """The block size of launches on ``device``: on the CPU it is 1, unless Warp is told to have blocks."""
    if device != "cpu":
        return asked or 256
    blocks = getattr(_load().warp.config, "enable_cpu_blocks", False)
    return (asked or 1) if blocks else 1


class CompilerError(RuntimeError):
    """Warp's compiler did not take the generated code."""


def load(
    kernels: tuple[Any, ...],
    numbering: Numbering,
    device: str,
    *,
    backward: bool,
    block_dim: int,
    appended: str = "",
) -> None:
    """Build and load the modules of ``kernels`` through Warp's own loader, by way of Warp's kernel cache.

    ``appended`` goes to the end of the text that is compiled for the CPU.  Raises CompilerError, and whatever
    else Warp raises at a kernel that it does not take.
    """
    loaded = _load()
    modules = {id(kernel.module): kernel.module for kernel in kernels}
    with _ordered_promotions(loaded.codegen):
        for module in modules.values():
            if not backward:
                module.options["enable_backward"] = False
            # Some releases resolve the options of every variant with the module's own block size.
            module.options["block_dim"] = block_dim
            if _has(module, "mark_modified"):
                module.mark_modified()
            numbering.rewind()
            module.get_module_hash(block_dim)
            numbering.rewind()
            with _telling_builds(loaded.build, appended):
                module.load(loaded.warp.get_device(device), block_dim)


@contextlib.contextmanager
def _telling_builds(build: Any, appended: str) -> Iterator[None]:
    """Raise CompilerError where a build fails: Warp raises a plain Exception, with nothing to know it by."""
    originals = {name: getattr(build, name) for name in ("build_cpu", "build_cuda")}

    def telling(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        given = inspect.signature(original).bind(*args, **kwargs).arguments
        if appended and "cpp_path" in given:
            with open(given["cpp_path"], "a", encoding="utf-8") as file:
                file.write(appended)
        try:
            return original(*args, **kwargs)
        except Exception as error:
            raise CompilerError(str(error) or type(error).__name__) from error

    for name, original in originals.items():
        setattr(build, name, functools.partial(telling, original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(build, name, original)


def module_of(kernels: tuple[Any, ...]) -> Any:
    """The one module that holds all the kernels; None where there are several."""
    modules = {id(kernel.module): kernel.module for kernel in kernels}
    return next(iter(modules.values())) if len(modules) == 1 else None


def handle_of(module: Any) -> str:
    """What ``address`` knows a module by that ``load`` has loaded for the CPU."""
    (loaded,) = module.execs.values()
    return str(loaded.handle)


def without_backward(kernels: tuple[Any, ...]) -> None:
    """Take back what kernels say for themselves: an option on the decorator beats the module's."""
    for kernel in kernels:
        if kernel.options.get("enable_backward"):
            kernel.options["enable_backward"] = False


def has_backward(kernel: Any) -> bool:
    """Whether the kernel is built with an adjoint."""
    return bool({**kernel.module.options, **kernel.options}.get("enable_backward"))


def pack(
    kernel: Any, dim: tuple[int, ...], arguments: list[Any], adjoints: list[Any] | None
) -> tuple[Any, list[Any]]:
    """The bounds of a launch, its arguments and the adjoint ones, as Warp hands them to a CUDA kernel."""
    loaded = _ready()
    context, device = loaded.context, loaded.warp.get_device("cpu")
    if hasattr(context, "_build_launch_bounds_from_tuple"):
        bounds = context._build_launch_bounds_from_tuple(dim, kernel.adj.kernel_dim)
    else:
        bounds = loaded.types.launch_bounds_t(dim)
    packed = [
        context.pack_arg(kernel, arg.type, arg.label, value, device, adjoint)
        for adjoint, values in ((False, arguments), (True, adjoints or []))
        for arg, value in zip(kernel.adj.args, values, strict=bool(values))
    ]
    return bounds, packed


def mangled_name(kernel: Any) -> str:
    """What the kernel is called in the text that was generated last."""
    return kernel.get_mangled_name()


def has_grid_stride(kernel: Any) -> bool:
    """Whether a thread of the kernel goes on to further points of the grid where there are fewer threads."""
    return bool(getattr(kernel, "grid_stride", True))


def load_object(path: str, handle: str) -> None:
    """Load an object file into the process.  Raises CompilerError where it cannot be linked."""
    runtime = _ready().context.runtime
    arguments = [path.encode(), handle.encode()]
    declared = runtime.llvm.wp_load_obj.argtypes
    if declared is not None and len(declared) > 2:
        arguments.append(_load().warp.config.legacy_cpu_linker)
    if runtime.llvm.wp_load_obj(*arguments) != 0:
        raise CompilerError("the object file cannot be linked")


def unload_object(handle: str) -> None:
    """The end of what ``load_object`` loaded."""
    _ready().context.runtime.llvm.wp_unload_obj(handle.encode())


def address(handle: str, name: str) -> int:
    """Where the function ``name`` of a loaded object lies.  Raises CompilerError where it has none."""
    found = int(_ready().context.runtime.llvm.wp_lookup(handle.encode(), name.encode()))
    if not found:
        raise CompilerError(f"the object has no function {name}")
    return found
