"""kernelfuzz: a fuzzer for the code generator of NVIDIA Warp.

Everything is imported when it is first used: ``import kernelfuzz`` loads neither Warp nor Hypothesis nor
libcst.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kernelfuzz.hooks import HOOKS

if TYPE_CHECKING:
    from kernelfuzz.checking import CannotJudge, Checked, KernelFailed, NotJudged, check
    from kernelfuzz.programs.machine import ProgramFailed, ProgramMachine
    from kernelfuzz.strategies.kernel import generate, generate_many
    from kernelfuzz.syntax.render import render
    from kernelfuzz.toolchain import build, lower
    from kernelfuzz.typecheck.verify import verify

__version__ = "0.1.0"

# Where each public name lives.
_HOME = {
    "CannotJudge": "kernelfuzz.checking",
    "Checked": "kernelfuzz.checking",
    "KernelFailed": "kernelfuzz.checking",
    "NotJudged": "kernelfuzz.checking",
    "ProgramFailed": "kernelfuzz.programs.machine",
    "ProgramMachine": "kernelfuzz.programs.machine",
    "build": "kernelfuzz.toolchain",
    "check": "kernelfuzz.checking",
    "generate": "kernelfuzz.strategies.kernel",
    "generate_many": "kernelfuzz.strategies.kernel",
    "lower": "kernelfuzz.toolchain",
    "render": "kernelfuzz.syntax.render",
    "verify": "kernelfuzz.typecheck.verify",
}

__all__ = [
    "CannotJudge",
    "Checked",
    "KernelFailed",
    "NotJudged",
    "ProgramFailed",
    "ProgramMachine",
    "__version__",
    "build",
    "check",
    "generate",
    "generate_many",
    "lower",
    "render",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'kernelfuzz' has no attribute {name!r}")
    deadline = importlib.import_module("kernelfuzz.deadline")
    # A test that asks for it first may be under way.
    with deadline.off_the_deadline():
        return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _late(module: str, name: str) -> Callable[[Any], Any]:
    """A function of a module that is imported when the function is called."""
    return lambda value: getattr(importlib.import_module(module), name)(value)


def _register_types() -> None:
    # Where Hypothesis was imported first, its entry points have run, and it is told of the types of a kernel
    # when they are imported; where it comes second, kernelfuzz.profiles does it.
    if "hypothesis" in sys.modules:
        importlib.import_module("kernelfuzz.from_type")


HOOKS.source = _late("kernelfuzz.syntax.render", "render")
HOOKS.program = _late("kernelfuzz.programs.text", "program_text")
HOOKS.line = _late("kernelfuzz.syntax.render", "line_of")
HOOKS.pasted = _late("kernelfuzz.syntax.paste", "pasted")
HOOKS.described = _late("kernelfuzz.toolchain.described", "described")
HOOKS.imported = _register_types
