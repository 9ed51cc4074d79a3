"""From Python source to the C++ or CUDA text that Warp would compile."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import linecache
import re
import sys
import time
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.compat import Device
from kernelfuzz.toolchain.errors import Failure, FailureKind
from kernelfuzz.toolchain.pieces import KernelCode, kernel_codes, stripped

if TYPE_CHECKING:
    from kernelfuzz.ir.nodes import Kernel

DEVICES: tuple[Device, ...] = ("cpu", "cuda")

# Where the numbering of a source's functions restarts if the names from 0 are taken by an imported module.
_RENUMBERED = 1000


@dataclass(frozen=True, slots=True)
class Lowering:
    """What Warp generated from one source for one device.

    ``module`` is the text of the whole .cpp or .cu.  ``options`` are the resolved module options.
    ``warp_seconds`` is the time spent in Warp: running the source (its decorators), hashing, code
    generation.  Where one source is lowered for several devices, the first one carries the shared part.
    """

    device: Device
    backward: bool
    module: str
    kernels: tuple[KernelCode, ...]
    options: Mapping[str, Any]
    warp_seconds: float


def lower(
    source: str | Kernel,
    device: Device = "cpu",
    *,
    backward: bool = True,
    kernel: str | None = None,
    keep_comments: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Lowering | Failure:
    """The code that Warp generates for ``device`` from Python source text, or from a kernel of our IR.

    ``backward=False`` takes the adjoints away; True leaves it to the source, where Warp's default is to have
    them.  ``kernel`` picks the kernels of that name; the module keeps the others, except those that ask for
    other module options.  ``options`` are module options of Warp, or fields of ``warp.config``, by name.

    The text is what a launch on that device would compile (block_dim 1 on the CPU, 256 on CUDA), with Warp's
    own fallback where libmathdx would need an architecture.  What the source prints while it runs is dropped.

    A source that does not work gives a Failure.  Raises ValueError at a device that is not one, and
    UnsupportedWarp where the installed Warp cannot be driven.
    """
    return lower_devices(
        source, (device,), backward=backward, kernel=kernel, keep_comments=keep_comments, options=options
    )[device]


def lower_devices(
    source: str | Kernel,
    devices: Iterable[Device] = DEVICES,
    *,
    backward: bool = True,
    kernel: str | None = None,
    keep_comments: bool = False,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Lowering | Failure]:
    """``lower`` for several devices; the source runs once.  The same arguments and errors."""
    devices = tuple(devices)
    for device in devices:
        if device not in DEVICES:
            raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    text = _source_text(source)
    settings = _Settings(backward, kernel, keep_comments, dict(options or {}))
    with compat.LOCK, compat.isolated():
        results: dict[str, Lowering | Failure] = {}
        todo = list(devices)
        while todo:
            # A failure can leave a Warp kernel half built, so the next device starts from the source again.
            done = _run(text, tuple(todo), settings)
            results.update(done)
            todo = [device for device in todo if device not in done]
    return results


@dataclass(frozen=True, slots=True)
class _Settings:
    backward: bool
    kernel: str | None
    keep_comments: bool
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """A source under the names that it has while it is being lowered."""

    text: str
    name: str
    filename: str


def _source_text(source: str | Kernel) -> str:
    if not isinstance(source, str):
        from kernelfuzz.ir.render import render

        source = render(source)
    # As Python's own file reader has it, so that line numbers agree between the compiler and linecache.
    source = source.removeprefix("\ufeff")
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source if source.endswith("\n") else source + "\n"


def _run(text: str, devices: tuple[Device, ...], settings: _Settings) -> dict[str, Lowering | Failure]:
    """Lower for ``devices``, in order, up to and including the first that fails."""
    # Named by content: with comments kept, the names end up in the generated text.
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    source = _Source(text, f"kernelfuzz_source_{digest}", f"<kernelfuzz {digest}>")
    try:
        code = compile(text, source.filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        return dict.fromkeys(devices, _failure(source, "syntax", error.msg, error.lineno))
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return dict.fromkeys(devices, _failure(source, "syntax", f"{type(error).__name__}: {error}", None))
    first: dict[str, int] = {}
    while True:
        outcome = _attempt(source, code, devices, settings, first)
        if isinstance(outcome, dict):
            return outcome
        first.update(dict.fromkeys(outcome, _RENUMBERED))


def _attempt(
    source: _Source,
    code: types.CodeType,
    devices: tuple[Device, ...],
    settings: _Settings,
    first: Mapping[str, int],
) -> dict[str, Lowering | Failure] | tuple[str, ...]:
    """The results; or the keys of functions whose generated names collide with an imported module's."""
    results: dict[str, Lowering | Failure] = {}
    with (
        compat.function_names(first) as numbering,
        compat.declarations(source.name) as declared,
        _registered(source) as namespace,
    ):
        start = time.perf_counter()
        try:
            with contextlib.redirect_stdout(_Discard()):
                exec(code, namespace)
            unit = compat.collect(declared, settings.kernel)
        except compat.Unsupported as error:
            return dict.fromkeys(devices, Failure("unsupported", str(error)))
        except (Exception, SystemExit) as error:
            return dict.fromkeys(devices, _raised(source, error))
        spent = time.perf_counter() - start
        problem = _no_kernels(unit, settings.kernel)
        if problem is not None:
            return dict.fromkeys(devices, problem)
        numbering.mark()
        for device in devices:
            start = time.perf_counter()
            try:
                generated = compat.generate(
                    unit, numbering, device, backward=settings.backward, options=settings.options
                )
            except compat.Unsupported as error:
                results[device] = Failure("unsupported", str(error))
                break
            except Exception as error:
                results[device] = _raised(source, error)
                break
            spent += time.perf_counter() - start
            if not first.keys() >= set(generated.collisions):
                return generated.collisions
            results[device] = _lowering(generated, device, settings, spent)
            spent = 0.0
        return results


class _Discard(io.TextIOBase):
    """Takes what a source prints while it runs."""

    def write(self, s: str, /) -> int:
        return len(s)


@contextlib.contextmanager
def _registered(source: _Source) -> Iterator[dict[str, Any]]:
    """A fresh module namespace for the source, where ``inspect`` finds its text; gone afterwards."""
    module = types.ModuleType(source.name)
    module.__file__ = source.filename
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


def _lowering(generated: compat.Generated, device: Device, settings: _Settings, seconds: float) -> Lowering:
    text, pieces = generated.text, generated.pieces
    if not settings.keep_comments:
        text, pieces = stripped(text, pieces)
    return Lowering(
        device=device,
        backward=settings.backward,
        module=text,
        kernels=kernel_codes(generated, pieces, device, settings.kernel),
        options=generated.options,
        warp_seconds=seconds,
    )


# -------------------------------------------------------------------------------------------- failures


def _no_kernels(unit: compat.Unit, wanted: str | None) -> Failure | None:
    if not unit.kernels:
        return Failure("empty", "no @wp.kernel found in the source")
    generic = compat.generic_without_overloads(unit)
    if len(generic) == len(unit.kernels) or wanted in generic:
        return Failure(
            "unsupported",
            f"generic kernel without an overload: {', '.join(generic)}; instantiate it with wp.overload",
        )
    names = compat.kernel_names(unit)
    if wanted is not None and wanted not in names:
        return Failure("empty", f"no kernel named {wanted!r}; the source has {', '.join(sorted(names))}")
    return None


def _raised(source: _Source, error: BaseException) -> Failure:
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


def _failure(source: _Source, kind: FailureKind, message: str, line: int | None) -> Failure:
    message = re.sub(re.escape(source.filename) + r":(\d+)", r"line \1", message)
    message = message.replace(source.filename, "the source").replace(source.name, "source").strip()
    lines = source.text.split("\n")
    source_line = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else None
    return Failure(kind, message, line, source_line)
