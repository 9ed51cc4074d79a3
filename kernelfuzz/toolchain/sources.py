"""A Python source on its way into Warp: its text, its names, and why it fails, as a value: ``Failure``."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import io
import linecache
import re
import sys
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kernelfuzz.toolchain import compat

if TYPE_CHECKING:
    from kernelfuzz.ir.nodes import Kernel


FailureKind: TypeAlias = Literal["syntax", "empty", "codegen", "compile", "unsupported", "outside"]
"""``syntax``: the text is not Python.  ``empty``: it is, but holds no Warp kernel (or not the one asked for).
``codegen``: running it or generating code from it raised.  ``compile``: the generated code does not compile.
``unsupported``: this Warp, or this machine's toolchain, cannot do what was asked.
``outside``: a launch wrote outside of its arrays."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source was not lowered, a lowering not built, or a launch came to nothing.

    ``message`` is Warp's or the compiler's own, without the file names that the toolchain made up.
    ``line`` is the 1-based line of the source that was handed in, where one is known; ``refused`` are lines in each
    of the functions whose generated code a compiler did not take.
    """

    kind: FailureKind
    message: str
    line: int | None = None
    source_line: str | None = None
    refused: tuple[int, ...] = field(default=(), repr=False, compare=False)

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{self.kind}: {where}{self.message}"


@dataclass(frozen=True, slots=True)
class Source:
    """A source under the names that it has while Warp works on it."""

    text: str
    name: str
    filename: str
    package: str = ""  # what its relative imports start from


def source_text(source: str | Kernel) -> str:
    """The text of a source, or of a kernel of our IR, with plain line ends.  Raises TypeError at anything else."""
    if not isinstance(source, str):
        from kernelfuzz.syntax.render import render

        source = render(source)
    # As Python's own file reader has it, so that line numbers agree between the compiler and linecache.
    source = source.removeprefix("\ufeff")
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source if source.endswith("\n") else source + "\n"


def named(text: str, suffix: str = "", package: str = "") -> Source:
    """``text`` under names made of its content: with comments kept, they end up in the generated text.

    ``suffix`` tells several uses of one text apart.
    """
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest() + suffix
    return Source(text, f"kernelfuzz_source_{digest}", f"<kernelfuzz {digest}>", package)


def compiled(source: Source) -> types.CodeType | Failure:
    """Python's code for the source, or a Failure of kind ``syntax``."""
    try:
        return compile(source.text, source.filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        return _failure(source, "syntax", error.msg, error.lineno)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return _failure(source, "syntax", f"{type(error).__name__}: {error}", None)


def execute(code: types.CodeType, namespace: dict[str, Any]) -> None:
    """Run the source; what it prints is dropped.  Raises whatever it raises."""
    with contextlib.redirect_stdout(_Discard()):
        exec(code, namespace)


class _Discard(io.TextIOBase):
    """Takes what a source prints while it runs."""

    def write(self, s: str, /) -> int:
        return len(s)


@contextlib.contextmanager
def registered(source: Source) -> Iterator[dict[str, Any]]:
    """A fresh module namespace for the source, where ``inspect`` finds its text; gone afterwards."""
    module = types.ModuleType(source.name)
    module.__file__ = source.filename
    module.__package__ = source.package
    sys.modules[source.name] = module
    lines = io.StringIO(source.text).readlines()
    linecache.cache[source.filename] = (len(source.text), None, lines, source.filename)
    try:
        yield module.__dict__
    finally:
        sys.modules.pop(source.name, None)
        linecache.cache.pop(source.filename, None)
        filed: dict[str, str] = getattr(inspect, "_filesbymodname", {})
        if filed.pop(source.name, None) is not None:
            known: dict[str, str] = inspect.modulesbyfile  # pyright: ignore[reportAttributeAccessIssue]
            for path in [path for path, name in known.items() if name == source.name]:
                del known[path]
        module.__dict__.clear()


def no_kernels(unit: compat.Unit, wanted: str | None, text: str = "") -> Failure | None:
    """Why there is no code to generate: no kernel, none of the name ``wanted``, only generic ones.

    The message also names a kernel of ``text`` that no call has made.
    """
    if not unit.kernels:
        return Failure("empty", f"no @wp.kernel found in the source{_uncalled(text, None)}")
    generic = compat.generic_without_overloads(unit)
    if len(generic) == len(unit.kernels) or wanted in generic:
        return Failure(
            "unsupported",
            f"generic kernel without an overload: {', '.join(generic)}; instantiate it with wp.overload",
        )
    names = compat.kernel_names(unit)
    if wanted is not None and wanted not in names:
        found = ", ".join(sorted(names))
        return Failure("empty", f"no kernel named {wanted!r}; the source has {found}{_uncalled(text, wanted)}")
    return None


def _uncalled(text: str, wanted: str | None) -> str:
    """What to do about a kernel that only a call would make."""
    for maker in ast.walk(ast.parse(text)):
        if isinstance(maker, ast.FunctionDef):
            inside = [node for node in ast.walk(maker) if isinstance(node, ast.FunctionDef)][1:]
            made = [node.name for node in inside if _is_kernel(node) and wanted in (None, node.name)]
            if made:
                return (
                    f"; {made[0]} is made by a call of {maker.name}: "
                    f"have the file call it, with the arguments that you want"
                )
    return ""


def _is_kernel(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).partition("(")[0].endswith("kernel") for each in function.decorator_list)


def raised(source: Source, error: BaseException) -> Failure:
    """The failure for an exception that came out of running the source or of Warp's code generator."""
    # A KeyError prints the representation of its message, with the line breaks escaped.
    text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    # Warp names the function that it was in, and the one that called it before that.
    places = re.findall(re.escape(source.filename) + r":(\d+)", message)
    line = int(places[-1]) if places else None
    if line is None:
        frames = traceback.walk_tb(error.__traceback__)
        lines = [number for frame, number in frames if frame.f_code.co_filename == source.filename]
        line = lines[-1] if lines else None
    return _failure(source, "codegen", message, line)


def _failure(source: Source, kind: FailureKind, message: str, line: int | None) -> Failure:
    message = re.sub(re.escape(source.filename) + r":(\d+)", r"line \1", message)
    message = message.replace(source.filename, "the source").replace(source.name, "source").strip()
    lines = source.text.split("\n")
    source_line = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else None
    return Failure(kind, message, line, source_line)
