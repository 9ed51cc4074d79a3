"""Run the kernels of a source: on the CPU, as CUDA text on the CPU, or on a CUDA device.

    with loaded(source, "cpu", options=JUDGED) as program:
        if isinstance(program, Failure): ...
        arrays = program.run("kernel", launch)

Everything happens in this process: a kernel that crashes takes it along (``kernelfuzz.workers``).
"""

from __future__ import annotations

import contextlib
import itertools
import re
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from kernelfuzz.devices import TARGETS, Device, Target
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.toolchain import compat, fast_clang, launchers, sources
from kernelfuzz.toolchain.arguments import (
    adjoint_arguments,
    check_red_zones,
    make_arguments,
    read_arrays,
    read_gradients,
    set_gradients,
)
from kernelfuzz.toolchain.build import build_message, compile_failure
from kernelfuzz.toolchain.capture import captured_output
from kernelfuzz.toolchain.launchers import CUDA_BLOCK_DIM, Entry, Launcher, PublicLauncher
from kernelfuzz.toolchain.layouts import CONTIGUOUS
from kernelfuzz.toolchain.sources import Failure
from kernelfuzz.toolchain.split_module import KernelCode, bare_piece, kernel_codes


class _Available(Mapping[str, Any]):
    """The options among ``values`` that the installed Warp has; looking at them imports Warp."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        if not compat.has_option(name):
            raise KeyError(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._values if compat.has_option(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)


# For values that are judged to the bit: no contraction, no reassociation, and as little else of what
# optimizers do as can be had, which is also the cheapest build.
JUDGED: Mapping[str, Any] = _Available(fuse_fp=False, fast_math=False, optimization_level=0)

# Far above the numbers that Warp gives functions of an imported module, so that generated names cannot collide.
_FIRST_NUMBER = 1000

_UNIQUE = itertools.count()


# What Warp generates for the kernels of a source, by device and by the name of the kernel.
Codes: TypeAlias = Mapping[Device, Mapping[str, KernelCode]]


class Program:
    """The kernels of one source, built and loaded; ``kernels`` are their names, as they are declared.

    ``codes`` has what Warp generated for each device, by the name of the kernel, where that was asked for; ``fast``
    tells whether another clang than Warp's has compiled it.
    """

    __slots__ = ("_entries", "_launcher", "codes", "fast", "kernels", "target")

    def __init__(
        self, target: Target, entries: Mapping[str, Entry], launcher: Launcher, codes: Codes | None = None
    ) -> None:
        self.target = target
        self.codes: Codes = codes or {}
        self.fast: bool = False
        self.kernels: tuple[str, ...] = tuple(entries)
        self._entries: dict[str, Entry] = dict(entries)
        self._launcher = launcher

    def run(
        self,
        name: str,
        launch: Launch,
        *,
        blocks: int | None = None,
        block_dim: int | None = None,
        layout: str = CONTIGUOUS,
    ) -> dict[str, Input]:
        """Launch the kernel once; the contents of every array parameter afterwards, as the inputs have them.

        ``blocks`` and ``block_dim`` are the grid on CUDA, by default Warp's: as many blocks as it takes, of as
        many threads as the program was loaded for.  On "cpu" there is no grid; on "cpu" and "cuda",
        ``block_dim`` is what the program was loaded with.  ``layout`` is how the arrays lie in memory
        (``kernelfuzz.toolchain.layouts``).

        Raises WritesOutside where something else than the arrays was written; ValueError at a name that is not
        in ``kernels``, at inputs that do not fit the kernel, and at a grid or a layout that there is not;
        RuntimeError after the end of ``loaded``.
        """
        entry = self._entry(name)
        _check(launch)
        with compat.LOCK, compat.isolated():
            arguments = make_arguments(entry.parameters, launch.inputs, self._launcher.device, layout=layout)
            self._launcher.launch(entry, launch, arguments.values, None, blocks, block_dim)
            check_red_zones(arguments)
            return read_arrays(arguments)

    def adjoint(
        self,
        name: str,
        launch: Launch,
        seeds: Mapping[str, Input],
        *,
        blocks: int | None = None,
        block_dim: int | None = None,
        layout: str = CONTIGUOUS,
    ) -> dict[str, Input]:
        """Launch the kernel, and then its adjoint with the gradients of arrays set to ``seeds`` (else zero).

        Returns the gradient of every array that holds floats, in the form of the inputs; of structs, the
        fields that do.  Errors as ``run``, and ValueError where the kernel was built without an adjoint.
        """
        entry = self._entry(name)
        if not compat.has_backward(entry.kernel):
            raise ValueError(f"the kernel {name} has no adjoint: load the source with backward=True")
        _check(launch)
        with compat.LOCK, compat.isolated():
            arguments = make_arguments(
                entry.parameters, launch.inputs, self._launcher.device, layout=layout, requires_grad=True
            )
            self._launcher.launch(entry, launch, arguments.values, None, blocks, block_dim)
            check_red_zones(arguments)
            set_gradients(arguments, seeds)
            self._launcher.launch(entry, launch, arguments.values, adjoint_arguments(arguments), blocks, block_dim)
            check_red_zones(arguments)
            return read_gradients(arguments)

    def _entry(self, name: str) -> Entry:
        if not self._entries:
            raise RuntimeError("this program is unloaded: use it inside the with block of loaded()")
        if name not in self._entries:
            raise ValueError(f"no kernel named {name!r}; the source has {', '.join(self.kernels)}")
        return self._entries[name]

    def _close(self) -> None:
        self._entries.clear()


def _check(launch: Launch) -> None:
    if not 1 <= len(launch.dim) <= (3 if launch.tiled else 4):
        most = 3 if launch.tiled else 4
        raise ValueError(f"a launch has 1 to {most} dimensions, got {len(launch.dim)}")
    if min(launch.dim) < 0:
        raise ValueError(f"the dimensions of a launch are not negative, got {launch.dim}")


@contextlib.contextmanager
def loaded(
    source: str,
    target: Target = "cpu",
    *,
    options: Mapping[str, Any] | None = None,
    backward: bool = False,
    block_dim: int | None = None,
    codes: bool = False,
    fast: bool = False,
    fast_refuses: bool = False,
) -> Generator[Program | Failure]:
    """The kernels of a source, built and loaded for ``target``; unloaded at the end, nothing left on disk.

    "cpu" and "cuda" go through Warp's public launch.  "cuda-host" runs the text that Warp generates for CUDA
    on the CPU, thread by thread.  ``options`` are module options of Warp, or fields of ``warp.config``.
    ``backward=False`` builds no adjoints; True leaves it to the source, where Warp's default is to have
    them.  ``block_dim`` is the block size that the code is generated for (by default 1 on the CPU, else 256).
    ``codes`` keeps what Warp generates, for both devices; it goes for a source that has one module.  ``fast`` lets
    another clang compile for the CPU, where it can (``kernelfuzz.toolchain.fast_clang``); what that does not take,
    Warp's own is asked about, unless ``fast_refuses``.

    A source that does not work gives a Failure, as from ``lower`` and ``build``.  Raises ValueError at a
    target that is not one, and UnsupportedWarp where the installed Warp cannot be driven.
    """
    if target not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, got {target!r}")
    chosen = dict(options or {})
    made: list[bool] = []

    def compiler(source: str, output: str) -> bool:
        refused = fast_clang.compile_file(source, output)
        made.append(refused is None)
        if refused and fast_refuses:
            raise compat.CompilerError("refused", Path(source).read_text(encoding="utf-8"), refused)
        return made[-1]

    asked = compiler if fast and target != "cuda" and fast_clang.takes(chosen) else None
    with _programs(source, _Request(target, chosen, backward, block_dim, codes, asked), _build) as outcome:
        if isinstance(outcome, Failure):
            yield outcome
        else:
            outcome[0].fast = any(made) and all(made)
            yield outcome[0]


@contextlib.contextmanager
def loaded_pair(
    source: str,
    *,
    options: Mapping[str, Any] | None = None,
    backward: bool = False,
    block_dim: int | None = None,
) -> Generator[tuple[Program, Program] | Failure]:
    """The kernels of a source for "cpu" and for "cuda-host", lowered from one run of it and built as one.

    The same programs as ``loaded`` gives one by one, and the same arguments, in less time; ``block_dim`` is
    that of the code for CUDA.  A Failure says that it does not go for both, or not together: ``loaded`` then
    tells what goes.
    """
    request = _Request("cuda-host", dict(options or {}), backward, block_dim)
    with _programs(source, request, _build_pair) as outcome:
        yield outcome if isinstance(outcome, Failure) else (outcome[0], outcome[1])


@dataclass(frozen=True, slots=True)
class _Request:
    target: Target
    options: dict[str, Any]
    backward: bool
    block_dim: int | None
    codes: bool = False
    compiler: compat.CpuCompiler | None = None


_Build: TypeAlias = Callable[
    [_Request, compat.Declarations, compat.Numbering, Mapping[str, Any], contextlib.ExitStack],
    tuple[Program, ...] | Failure,
]


@contextlib.contextmanager
def _programs(source: str, request: _Request, build: _Build) -> Generator[tuple[Program, ...] | Failure]:
    with contextlib.ExitStack() as stack:
        with compat.LOCK, compat.isolated(), captured_output() as output:
            # Numbered: two programs made of the same text must not share a module of Warp.
            source_ = sources.named(sources.source_text(source), f"_{next(_UNIQUE)}")
            outcome = _load(source_, request, build, stack, output)
        if not isinstance(outcome, Failure):
            for program in outcome:
                stack.callback(program._close)  # pyright: ignore[reportPrivateUsage]
        yield outcome


def _load(
    source: sources.Source, request: _Request, build: _Build, stack: contextlib.ExitStack, output: Any
) -> tuple[Program, ...] | Failure:
    if request.target == "cuda" and not compat.has_cuda():
        return Failure("unsupported", "no CUDA device that Warp can use on this machine")
    code = sources.compiled(source)
    if isinstance(code, Failure):
        return code
    with (
        compat.function_names({}, _FIRST_NUMBER) as numbering,
        compat.declarations(source.name) as declared,
        sources.registered(source) as namespace,
    ):
        # Forgotten whatever happens from here on, by the end of the with block of loaded().
        declared.keep()
        stack.callback(declared.forget)
        try:
            sources.execute(code, namespace)
            numbering.mark()
            return build(request, declared, numbering, namespace, stack)
        except compat.Unsupported as error:
            return Failure("unsupported", str(error))
        except compat.CompilerError as error:
            message = build_message(error.printed or output(), str(error), tempfile.gettempdir())
            # The file has Warp's name in one kind of build and ours in the other: neither is shown.
            return compile_failure(re.sub(r"[^\s'\"]*\.(cpp|cu)\b", r"module.\1", message), error.text)
        except (Exception, SystemExit) as error:
            return sources.raised(source, error)


def _build(
    request: _Request,
    declared: compat.Declarations,
    numbering: compat.Numbering,
    namespace: Mapping[str, Any],
    stack: contextlib.ExitStack,
) -> tuple[Program] | Failure:
    on_host = request.target == "cuda-host"
    # Warp's loader takes each kernel in the module that the source put it into; the text is one module.
    unit = compat.collect(declared, None) if on_host or request.codes else compat.unit_of(declared)
    problem = sources.no_kernels(unit, None)
    if problem is not None:
        return problem
    entries = _entries(unit, request, namespace)
    codes: dict[Device, Mapping[str, KernelCode]] = {}
    # What is loaded is generated last: then Warp's kernels have the names that they are launched by.
    if request.codes and on_host:
        codes["cpu"] = _by_name(_generated(unit, numbering, request, "cpu").pieces, unit, "cpu")
    elif request.codes:
        codes["cuda"] = _by_name(_generated(unit, numbering, request).pieces, unit, "cuda")
    if on_host:
        generated = _generated(unit, numbering, request)
        names = launchers.names_of(entries.values())
        launcher: Launcher = launchers.build_host(generated, names, request.options, stack, request.compiler)
        pieces = generated.pieces
    else:
        launcher, pieces = _loaded(entries, numbering, request, "cpu" if request.target == "cpu" else "cuda:0")
    if request.codes:
        device: Device = "cpu" if request.target == "cpu" else "cuda"
        codes[device] = _by_name(pieces, unit, device)
    return (Program(request.target, entries, launcher, codes),)


def _by_name(pieces: Iterable[compat.Piece], unit: compat.Unit, device: Device) -> dict[str, KernelCode]:
    """The code of each kernel, without comments, by its name."""
    bare = [bare_piece(piece) for piece in pieces]
    return {code.name: code for code in kernel_codes(compat.order_of(unit), bare, device)}


def _build_pair(
    request: _Request,
    declared: compat.Declarations,
    numbering: compat.Numbering,
    namespace: Mapping[str, Any],
    stack: contextlib.ExitStack,
) -> tuple[Program, Program] | Failure:
    unit = compat.collect(declared, None)
    problem = sources.no_kernels(unit, None)
    if problem is not None:
        return problem
    entries = _entries(unit, request, namespace)
    module = compat.module_of(tuple(entry.kernel for entry in entries.values()))
    if module is None:
        return Failure("unsupported", "the source puts its kernels into several modules")
    generated = _generated(unit, numbering, request)
    # Warp's kernels are named anew by what comes next.
    names = launchers.names_of(entries.values())
    text = launchers.host_text(generated.text)
    on_cpu, _ = _loaded(entries, numbering, replace(request, block_dim=None), "cpu", launchers.appended_text(text))
    on_host = launchers.find_host(text, names, compat.handle_of(module), request.block_dim or CUDA_BLOCK_DIM)
    return Program("cpu", entries, on_cpu), Program("cuda-host", entries, on_host)


def _entries(unit: compat.Unit, request: _Request, namespace: Mapping[str, Any]) -> dict[str, Entry]:
    """The kernels by their names, without adjoints where none are asked for."""
    entries = {
        compat.name_of(kernel, namespace): _entry(kernel)
        for kernel in unit.kernels
        if not (kernel.is_generic and not kernel.overloads)
    }
    if not request.backward:
        compat.without_backward(tuple(entry.kernel for entry in entries.values()))
    return entries


def _generated(
    unit: compat.Unit, numbering: compat.Numbering, request: _Request, device: Device = "cuda"
) -> compat.Generated:
    """The text for a device."""
    options = {**request.options, "block_dim": (request.block_dim or CUDA_BLOCK_DIM) if device == "cuda" else 1}
    return compat.generate(unit, numbering, device, backward=request.backward, options=options)


def _loaded(
    entries: Mapping[str, Entry],
    numbering: compat.Numbering,
    request: _Request,
    device: str,
    appended: str = "",
) -> tuple[PublicLauncher, tuple[compat.Piece, ...]]:
    """Built and loaded by Warp, and the pieces that it generated."""
    kernels = tuple(entry.kernel for entry in entries.values())
    compat.configure(request.options, kernels)
    block_dim = compat.launch_block_dim(device, request.block_dim)
    with tempfile.TemporaryDirectory(prefix="kernelfuzz_") as directory:
        compat.set_kernel_cache(directory)
        pieces = compat.load(
            kernels,
            numbering,
            device,
            backward=request.backward,
            block_dim=block_dim,
            appended=appended,
            compiler=request.compiler,
        )
    return PublicLauncher(device, request.options, block_dim), pieces


def _entry(kernel: Any) -> Entry:
    kernel = compat.concrete(kernel)
    return Entry(kernel, compat.parameters(kernel))
