"""Options of a module of Warp, wherever this release keeps them."""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from typing import Any

from kernelfuzz.toolchain.compat.warp import (
    LoadedWarp,
    Unsupported,
    has_method,
    load_warp,
    parameters_of,
    version,
)

# Read from warp.config by releases that do not resolve every option on the module.
_CONFIG_OPTIONS = (
    *("verify_fp", "line_directives", "enable_vector_component_overwrites", "llvm_cuda"),
    *("enable_tiles_in_stack_memory", "optimization_level", "cpu_compiler_flags", "use_precompiled_headers"),
)


def set_options(module: Any, options: Mapping[str, Any]) -> None:
    config = vars(load_warp().warp.config)
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


def resolved_options(loaded: LoadedWarp, module: Any, block_dim: int) -> dict[str, Any]:
    config = loaded.warp.config
    if has_method(module, "resolve_options"):
        takes = "block_dim" in parameters_of(type(module).resolve_options)
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
    loaded = load_warp()
    module = loaded.context.Module("", None)
    return name in module.options or (name in vars(loaded.warp.config) and not name.startswith("_"))
