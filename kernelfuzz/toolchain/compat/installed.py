"""The installed Warp: imported, initialised, and what it is asked for by feature."""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib
import inspect
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from kernelfuzz.toolchain.capture import captured_output

SUPPORTED = "warp-lang>=1.10,<=1.19"

# Warp's code generator keeps module-level state, so one lowering runs at a time.
LOCK = threading.RLock()

CODEGEN = ("codegen_struct", "codegen_func", "codegen_snippet", "codegen_kernel")

_NEEDED = {
    "context": (
        *("Module", "ModuleBuilder", "ModuleHasher", "Kernel", "Function", "user_modules", "get_module"),
        *("generate_unique_function_identifier", "init"),
    ),
    "codegen": (*CODEGEN, "make_full_qualified_name"),
    "types": ("type_repr",),
    "build": ("build_cpu", "build_cuda"),
}


class UnsupportedWarp(RuntimeError):
    """The installed Warp, or the lack of one, makes it impossible to go on.

    ``of_a_folder``: what is missing is a folder that can be written, and not another Warp.
    """

    of_a_folder: ClassVar[bool] = False


class UnwritableCache(UnsupportedWarp):
    """Warp cannot write its kernel cache, without which it does not start."""

    of_a_folder = True


class Unsupported(ValueError):
    """Something asked for, or something in a source, that the installed Warp cannot do."""


@dataclass(frozen=True, slots=True)
class LoadedWarp:
    warp: Any
    context: Any
    codegen: Any
    types: Any
    build: Any


@functools.cache
def load_warp() -> LoadedWarp:
    try:
        warp = importlib.import_module("warp")
    except ImportError as error:
        raise UnsupportedWarp(f"Warp cannot be imported ({error}): install {SUPPORTED!r}.") from error
    except (Exception, SystemExit) as error:  # whatever a broken installation raises
        raise UnsupportedWarp(
            f"Warp raises when it is imported ({_told(error)}): install {SUPPORTED!r} anew."
        ) from error
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
    return LoadedWarp(warp, **modules)


def _unsupported(version: str, missing: str) -> UnsupportedWarp:
    return UnsupportedWarp(f"Warp {version} cannot be driven, it lacks {missing}: install {SUPPORTED!r}.")


@functools.cache
def ready_warp() -> LoadedWarp:
    """Warp, initialised.  Without a driver it complains about that on the way."""
    loaded = load_warp()
    with captured_output(), quiet(vars(loaded.warp.config)):
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
        except (Exception, SystemExit) as error:  # for one, that a library of the wheel cannot be loaded
            raise UnsupportedWarp(f"Warp does not start ({_told(error)}): install {SUPPORTED!r} anew.") from error
    return loaded


def _told(error: BaseException) -> str:
    """What was raised, in one line without a full stop."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(":. ")


# Why a folder that is there cannot be written.
_DENIED = frozenset({errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS})


def check_cache(error: BaseException) -> None:
    """Raise UnwritableCache where an error is that Warp cannot write what it built."""
    cache = str(ready_warp().warp.config.kernel_cache_dir)
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
def parameters_of(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def has_method(instance: Any, method: str) -> bool:
    """Whether an object of Warp has a method, asked of its class.

    In 1.11.0 to 1.12.1 a module looks up what it lacks among deprecated names, and recurses without end.
    """
    return hasattr(type(instance), method)


def initialize() -> None:
    """Initialise Warp, without its greeting.  Raises UnsupportedWarp."""
    ready_warp()


def version() -> str:
    """The version of the installed Warp.  Raises UnsupportedWarp."""
    return str(load_warp().warp.config.version)


def directory() -> str:
    """Where the installed Warp lies."""
    return os.path.dirname(load_warp().warp.__file__)


@contextlib.contextmanager
def quiet(config: dict[str, Any]) -> Iterator[None]:
    # Written past the module's attribute hooks, which warn about old names.
    silent = {"log_level": logging.ERROR} if "log_level" in config else {"quiet": True, "verbose": False}
    saved = {name: config[name] for name in silent}
    config.update(silent)
    try:
        yield
    finally:
        config.update(saved)


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Warp as talkative as it can be: then it prints what NVRTC says of a text that it takes."""
    config = vars(ready_warp().warp.config)
    loud = {"log_level": logging.DEBUG} if "log_level" in config else {"verbose": True}
    saved = {name: config[name] for name in loud}
    config.update(loud)
    try:
        yield
    finally:
        config.update(saved)


def has_cuda() -> bool:
    """Whether there is a device to launch on."""
    return bool(ready_warp().warp.is_cuda_available())
