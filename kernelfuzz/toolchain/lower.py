"""From Python source, or a kernel that was made, to the C++ or CUDA text that Warp would compile."""

from __future__ import annotations

import contextlib
import linecache
import time
import types
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kernelfuzz.devices import DEVICES, Device
from kernelfuzz.toolchain import compat, sources
from kernelfuzz.toolchain.sources import Failure
from kernelfuzz.toolchain.split_module import KernelCode, kernel_codes, stripped
from kernelfuzz.toolchain.translated import translated

if TYPE_CHECKING:
    from kernelfuzz.ir.nodes import Kernel

# Where the numbering of a source's functions restarts if the names from 0 are taken by an imported module.
_RENUMBERED = 1000


@dataclass(frozen=True, slots=True)
class Lowering:
    """What Warp generated from one source for one device.

    ``module`` is the text of the whole .cpp or .cu.  ``options`` are the resolved module options,
    ``module_hash`` is what Warp's kernel cache knows the module by.
    ``warp_seconds`` is the time spent in Warp: running the source (its decorators), hashing, code
    generation.  Where one source is lowered for several devices, the first one carries the shared part.
    ``source`` is the Python that was lowered; for a kernel that a program has made, what Warp translated:
    its structs, functions and the kernel, after whatever rewrote their syntax trees.
    """

    device: Device
    backward: bool
    module: str
    kernels: tuple[KernelCode, ...]
    options: Mapping[str, Any]
    warp_seconds: float
    module_hash: str = ""
    source: str = field(default="", compare=False, repr=False)


def lower(
    source: str | Kernel,
    device: Device = "cpu",
    *,
    backward: bool = True,
    kernel: str | None = None,
    keep_comments: bool = False,
    options: Mapping[str, Any] | None = None,
    package: str = "",
) -> Lowering | Failure:
    """The code that Warp generates for ``device`` from Python source text, or from a kernel of our IR.

    ``backward=False`` takes the adjoints away; True leaves it to the source, where Warp's default is to have
    them.  ``kernel`` picks the kernels of that name; the module keeps the others, except those that ask for
    other module options, and none of them where one is rejected.  ``options`` are module options of Warp, or
    fields of ``warp.config``, by name.  ``package`` is what relative imports start from.

    The text is what a launch on that device would compile (block_dim 1 on the CPU, 256 on CUDA), with Warp's
    own fallback where libmathdx would need an architecture.  What the source prints while it runs is dropped.

    A source that does not work gives a Failure.  Raises ValueError at a device that is not one, and
    UnsupportedWarp where the installed Warp cannot be driven.
    """
    return lower_devices(
        source,
        (device,),
        backward=backward,
        kernel=kernel,
        keep_comments=keep_comments,
        options=options,
        package=package,
    )[device]


def lower_devices(
    source: str | Kernel,
    devices: Iterable[Device] = DEVICES,
    *,
    backward: bool = True,
    kernel: str | None = None,
    keep_comments: bool = False,
    options: Mapping[str, Any] | None = None,
    package: str = "",
) -> dict[str, Lowering | Failure]:
    """``lower`` for several devices; the source runs once.  The same arguments and errors."""
    devices = tuple(devices)
    for device in devices:
        if device not in DEVICES:
            raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    text = sources.source_text(source)
    settings = _Settings(backward, kernel, keep_comments, dict(options) if options else {}, package)
    with compat.LOCK, compat.isolated():
        results: dict[str, Lowering | Failure] = {}
        todo: list[Device] = [*devices]
        while todo:
            # A failure can leave a Warp kernel half built, so the next device starts from the source again.
            done = _run(text, tuple(todo), settings)
            if kernel is not None and any(_is_rejected(each) for each in done.values()):
                # Another kernel may be at fault.
                done = _run(text, tuple(todo), replace(settings, alone=True))
            results.update(done)
            todo = [device for device in todo if device not in done]
    return results


@contextlib.contextmanager
def made_kernels() -> Generator[list[Any]]:
    """Every kernel of Warp that is made inside, in that order, by any code and in any module.

    Libraries make kernels while they run (warp.fem one for each integrand and what it is integrated over) and
    keep them to themselves.  The list holds on to those that their makers would drop.
    """
    compat.initialize()
    with compat.registered_kernels() as kernels:
        yield kernels


def lower_kernel(
    kernel: Any,
    device: Device = "cpu",
    *,
    backward: bool = True,
    keep_comments: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Lowering | Failure:
    """The code that Warp generates for a ``warp.Kernel`` that this process has made, in a module of its own.

    For a kernel whose source is no text that ``lower`` could run: a closure, one with rewritten syntax trees.
    Of a generic kernel, all overloads are lowered.  The kernel itself stays as it was, and can still be
    launched.  Functions keep the numbers that Warp gave them in this process.  The options and errors are
    those of ``lower``, and TypeError at what is no kernel.
    """
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    if not compat.is_kernel(kernel):
        raise TypeError(f"a warp.Kernel is lowered, got {type(kernel).__name__}")
    settings = _Settings(backward, None, keep_comments, dict(options or {}))
    with compat.LOCK, compat.isolated(), compat.borrowed(kernel) as unit:
        filename = kernel.func.__code__.co_filename
        source = sources.Source("".join(linecache.getlines(filename)), kernel.func.__module__, filename)
        problem = sources.no_kernels(unit, None)
        if problem is not None:
            return problem
        start = time.perf_counter()
        try:
            # Numbers are not made anew: functions that live on must not get the names of others.
            generated = compat.generate(unit, compat.Numbering({}), device, backward=backward, options=settings.options)
        except compat.Unsupported as error:
            return Failure("unsupported", str(error))
        except Exception as error:
            return sources.raised(source, error)
        spent = time.perf_counter() - start
        return _lowering(generated, device, settings, spent, translated(generated.pieces))


@dataclass(frozen=True, slots=True)
class _Settings:
    backward: bool
    kernel: str | None
    keep_comments: bool
    options: dict[str, Any]
    package: str = ""
    alone: bool = False


def _is_rejected(result: Lowering | Failure) -> bool:
    return isinstance(result, Failure) and result.kind == "codegen"


def _run(text: str, devices: tuple[Device, ...], settings: _Settings) -> dict[str, Lowering | Failure]:
    """Lower for ``devices``, in order, up to and including the first that fails."""
    source = sources.named(text, package=settings.package)
    code = sources.compiled(source)
    if isinstance(code, Failure):
        return dict.fromkeys(devices, code)
    first: dict[str, int] = {}
    while True:
        outcome = _attempt(source, code, devices, settings, first)
        if isinstance(outcome, dict):
            return outcome
        first.update(dict.fromkeys(outcome, _RENUMBERED))


def _attempt(
    source: sources.Source,
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
        sources.registered(source) as namespace,
    ):
        start = time.perf_counter()
        try:
            sources.execute(code, namespace)
            unit = compat.collect(declared, settings.kernel, alone=settings.alone)
        except compat.Unsupported as error:
            return dict.fromkeys(devices, Failure("unsupported", str(error)))
        except (Exception, SystemExit) as error:
            compat.check_cache(error)  # a source may launch its kernels
            return dict.fromkeys(devices, sources.raised(source, error))
        spent = time.perf_counter() - start
        problem = sources.no_kernels(unit, settings.kernel, source.text)
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
                results[device] = sources.raised(source, error)
                break
            spent += time.perf_counter() - start
            if not first.keys() >= set(generated.collisions):
                return generated.collisions
            results[device] = _lowering(generated, device, settings, spent, source.text)
            spent = 0.0
        return results


def _lowering(
    generated: compat.Generated, device: Device, settings: _Settings, seconds: float, source: str
) -> Lowering:
    text, pieces = generated.text, generated.pieces
    if not settings.keep_comments:
        text, pieces = stripped(text, pieces)
    return Lowering(
        device=device,
        backward=settings.backward,
        module=text,
        kernels=kernel_codes(generated.order, pieces, device, settings.kernel),
        options=generated.options,
        warp_seconds=seconds,
        module_hash=generated.module_hash,
        source=source,
    )
