"""Warp's global state, put back: its configuration, and how it numbers generated names."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kernelfuzz.toolchain.compat.warp import load_warp, quiet, ready_warp


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Warp kept quiet inside, and its global configuration put back afterwards, whatever ran inside."""
    # Initialised first: that fills in parts of the configuration, which must stay.
    config = vars(ready_warp().warp.config)
    saved = dict(config)
    try:
        with quiet(config):
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
    context = load_warp().context
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
    vars(ready_warp().warp.config)["kernel_cache_dir"] = directory
