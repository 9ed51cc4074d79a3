"""From generated text to a CPU object, PTX or CUBIN, with the compilers inside the Warp wheel.

None of it needs a GPU or a driver: NVRTC compiles for architectures that are not there.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelfuzz.devices import BUILT_FROM, BuildTarget
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.capture import captured_output
from kernelfuzz.toolchain.lower import Lowering
from kernelfuzz.toolchain.refused_lines import refused_lines
from kernelfuzz.toolchain.sources import Failure

# The suffixes of the text and of the output, by which Warp tells what is wanted.
_SUFFIXES: dict[BuildTarget, tuple[str, str]] = {
    "cpu": (".cpp", ".o"),
    "ptx": (".cu", ".ptx"),
    "cubin": (".cu", ".cubin"),
}

# A compiler that trips over a template can print more than anyone will read.
_MESSAGE_CHARACTERS = 8000


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled module: an object file, PTX text (as bytes) or a CUBIN.

    ``arch`` is the compute capability times ten, None for the CPU.  ``seconds`` is the compiler's time; the
    first build of a process for each kind of target also builds Warp's headers.  ``printed`` is what the compiler
    said of the module, whose file is ``module.cpp`` or ``module.cu``.
    """

    target: BuildTarget
    arch: int | None
    data: bytes
    seconds: float
    printed: str = field(default="", repr=False, compare=False)


def build(
    lowering: Lowering,
    target: BuildTarget = "cpu",
    arch: int = 90,
    *,
    options: Mapping[str, Any] | None = None,
    warnings: bool = False,
) -> Artifact | Failure:
    """Compile the whole module of ``lowering``.

    ``arch`` counts for ptx and cubin (90 is sm_90).  ``options`` replace build options of the lowering:
    mode, optimization_level, fuse_fp, fast_math, verify_fp, lineinfo, llvm_cuda, cpu_compiler_flags,
    enable_tiles_in_stack_memory, use_precompiled_headers.  With ``warnings`` NVRTC's are printed too; clang's are
    anyway.

    Text that does not compile gives a Failure with the compiler's message; so do an architecture and an
    option that this Warp does not have.  Raises ValueError where the lowering is for another device than the
    target, and at an option that only changes the generated text; UnsupportedWarp as ``lower`` does.
    """
    if target not in BUILT_FROM:
        raise ValueError(f"target must be one of {', '.join(BUILT_FROM)}, got {target!r}")
    device = BUILT_FROM[target]
    if lowering.device != device:
        raise ValueError(
            f"target {target!r} is built from a lowering for device {device!r}, "
            f"this one is for {lowering.device!r}: call lower(source, {device!r})"
        )
    unknown = sorted((options or {}).keys() - compat.BUILD_OPTIONS.keys())
    if unknown:
        raise ValueError(f"not build options: {', '.join(unknown)}; what changes the text goes to lower()")
    with compat.LOCK, compat.isolated():
        known = () if target == "cpu" else compat.cuda_archs()
        if target != "cpu" and arch not in known:
            names = ", ".join(map(str, known)) or "none"
            version = compat.version()
            return Failure("unsupported", f"Warp {version} does not build for arch {arch!r}; it does for {names}")
        with compat.telling() if warnings else contextlib.nullcontext():
            return _compile(lowering, target, None if target == "cpu" else arch, dict(options or {}))


def _compile(lowering: Lowering, target: BuildTarget, arch: int | None, options: dict[str, Any]) -> Artifact | Failure:
    source_suffix, output_suffix = _SUFFIXES[target]
    with tempfile.TemporaryDirectory(prefix="kernelfuzz_") as directory:
        source = os.path.join(directory, "module" + source_suffix)
        output = os.path.join(directory, "module" + output_suffix)
        with open(source, "w", encoding="utf-8") as file:
            file.write(lowering.module)
        problem: str | None = None
        with captured_output() as read:
            start = time.perf_counter()
            try:
                compat.compile_file(source, output, arch, lowering.options, options)
            except compat.Unsupported as error:
                return Failure("unsupported", str(error))
            except Exception as error:
                problem = str(error) or type(error).__name__
            seconds = time.perf_counter() - start
            printed = read()
        if problem is None and os.path.exists(output):
            with open(output, "rb") as file:
                data = file.read()
            # NVRTC ends its text as C does.
            data = data.rstrip(b"\0") if target == "ptx" else data
            return Artifact(target, arch, data, seconds, printed.replace(directory + os.sep, ""))
        return compile_failure(build_message(printed, problem, directory), lowering.module)


def compile_failure(message: str, text: str) -> Failure:
    """The failure of a compiler whose output is ``message``, about a ``text`` that Warp generated."""
    # A header that is not there is the machine's fault (clang needs CUDA's own), not the kernel's.
    missing = "fatal error:" in message and "file not found" in message
    return Failure("unsupported" if missing else "compile", message, refused=refused_lines(text, message))


# Warp prints this between two attempts with the same output, once with precompiled headers and once without.
_RETRY = "retrying without precompiled headers"

_PCH_NOTE = re.compile(r'^"module\.cu": (?:using|creating) precompiled header file.*\n', re.MULTILINE)


def build_message(printed: str, problem: str | None, directory: str) -> str:
    """What the compiler has printed, once, and without the directories that differ from machine to machine.

    ``problem`` stands in where it printed nothing; ``directory`` is where the text and the output lay.
    """
    text = printed.rpartition(_RETRY)[2] if _RETRY in printed else printed
    text = text.replace(directory + os.sep, "").replace(compat.directory() + os.sep, "warp/")
    text = _PCH_NOTE.sub("", text).strip()
    if len(text) > _MESSAGE_CHARACTERS:
        text = text[:_MESSAGE_CHARACTERS] + "\n(shortened)"
    return text or problem or "the compiler wrote no output and gave no reason"
