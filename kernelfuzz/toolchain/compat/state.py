"""Warp's global state: its configuration and module options, how it numbers names, and what it leaves to chance."""

from __future__ import annotations

import ast
import contextlib
import enum
import functools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelfuzz.toolchain.compat import installed


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Warp kept quiet inside, and its global configuration put back afterwards, whatever ran inside."""
    # Initialised first: that fills in parts of the configuration, which must stay.
    config = vars(installed.ready_warp().warp.config)
    saved = dict(config)
    try:
        with installed.quiet(config):
            yield
    finally:
        for name in config.keys() - saved.keys():
            del config[name]
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
    context = installed.load_warp().context
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


def set_kernel_cache(directory: str) -> None:
    """Where Warp puts what it builds; for ``isolated`` to put back."""
    vars(installed.ready_warp().warp.config)["kernel_cache_dir"] = directory


# -------------------------------------------------------------------------------- the options of a module

# Read from warp.config by releases that do not resolve every option on the module.
_CONFIG_OPTIONS = (
    *("verify_fp", "line_directives", "enable_vector_component_overwrites", "llvm_cuda"),
    *("enable_tiles_in_stack_memory", "optimization_level", "cpu_compiler_flags", "use_precompiled_headers"),
)


def set_options(module: Any, options: Mapping[str, Any]) -> None:
    config = vars(installed.load_warp().warp.config)
    for name, value in options.items():
        if name in module.options:
            home = module.options
        elif name in config and not name.startswith("_"):
            home = config
        else:
            raise installed.Unsupported(f"Warp {installed.version()} has no option {name!r}")
        home[name] = _coerced(name, home[name], value)


def _coerced(name: str, current: Any, value: Any) -> Any:
    """Options that Warp holds as an enumeration are given by name or by value."""
    if not isinstance(current, enum.Enum) or isinstance(value, type(current)):
        return value
    for member in type(current):
        if value == member.value or (isinstance(value, str) and value.upper() == member.name):
            return member
    known = ", ".join(each.name for each in type(current))
    raise installed.Unsupported(f"option {name!r} takes one of {known}, got {value!r}")


def resolved_options(loaded: installed.LoadedWarp, module: Any, block_dim: int) -> dict[str, Any]:
    config = loaded.warp.config
    if installed.has_method(module, "resolve_options"):
        takes = "block_dim" in installed.parameters_of(type(module).resolve_options)
        return module.resolve_options(config, **({"block_dim": block_dim} if takes else {}))
    resolved = dict(module.options)
    resolved["mode"] = resolved.get("mode") or config.mode
    for name in _CONFIG_OPTIONS:
        if resolved.get(name) is None and hasattr(config, name):
            resolved[name] = getattr(config, name)
    return resolved


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as values that pickle and print without Warp."""
    return {name: value.name if isinstance(value, enum.Enum) else value for name, value in options.items()}


def configure(options: Mapping[str, Any], kernels: tuple[Any, ...]) -> None:
    """Set ``options`` on the modules of ``kernels``; ``isolated`` puts back those that are Warp's own.

    Raises Unsupported at an option that this Warp does not have.
    """
    for module in {id(kernel.module): kernel.module for kernel in kernels}.values():
        set_options(module, options)


@functools.cache
def has_option(name: str) -> bool:
    """Whether this Warp has the option, on its modules or in its configuration."""
    loaded = installed.load_warp()
    module = loaded.context.Module("", None)
    return name in module.options or (name in vars(loaded.warp.config) and not name.startswith("_"))


# ------------------------------- the order of leftover counters, which Warp 1.19 leaves to chance

_order_promotions = True


@contextlib.contextmanager
def unordered_promotions() -> Iterator[None]:
    """Leave the order of leftover counters to Warp inside, for who asks whether its code is deterministic."""
    global _order_promotions
    with installed.LOCK:
        before, _order_promotions = _order_promotions, False
        try:
            yield
        finally:
            _order_promotions = before


@contextlib.contextmanager
def ordered_promotions(codegen: Any) -> Iterator[None]:
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
