"""A clang that compiles Warp's text for the CPU in half the time of the one inside Warp, where it is installed.

It is the clang of the package ``ziglang`` (``pip install kernelfuzz[fast]``).  Its objects go through Warp's own
loader.  Only builds as values are judged by go this way: optimization level 0, no contraction, no debug mode; what
asks for anything else, and what this clang does not take, is compiled by Warp.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.capture import captured_output

_FLAGS = (
    *("-x", "c++", "-std=c++17", "-O0", "-g0", "-w", "-march=native", "-fPIC", "-mcmodel=small"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-exceptions", "-fno-rtti", "-fno-stack-protector"),
    *("-fno-asynchronous-unwind-tables", "-ferror-limit=0", "-DNDEBUG", "-DWP_ENABLE_TILES_IN_STACK_MEMORY"),
)

# The options of a build that this compiler stands in for, with their values.
_OPTIONS = {"fuse_fp": False, "fast_math": False, "optimization_level": 0}

# What the compiler is tried with, once in a process: it may be broken, of another machine, or never end.
_TRIAL_NAME = "kernelfuzz_trial"
_TRIAL = f'extern "C" void {_TRIAL_NAME}() {{}}\n'
# Far above what it takes, and below the time that a worker has for its first task (``campaign.plan.Timeouts``).
_TRIAL_SECONDS = 10.0

_LAST_INCLUDE = re.compile(r"\A.*^#include [^\n]*\n", re.DOTALL | re.MULTILINE)


@functools.cache
def command() -> tuple[str, ...] | None:
    """How the compiler is called; None where it is not installed, or does not make what Warp loads here."""
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None or sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    executable = Path(found.origin).with_name("zig")
    if not os.access(executable, os.X_OK):
        return None
    called = (str(executable), "clang")
    return called if _works(called) else None


def _works(called: tuple[str, ...]) -> bool:
    """Whether the compiler makes an object that Warp's loader takes, in time, of a text that includes nothing."""
    with tempfile.TemporaryDirectory(prefix="kernelfuzz_trial_") as folder:
        source, output = Path(folder, "trial.cpp"), Path(folder, "trial.o")
        source.write_text(_TRIAL, encoding="utf-8")
        made = _run([*called, *_FLAGS, "-c", str(source), "-o", str(output)], timeout=_TRIAL_SECONDS)
        if made is not None:
            return False
        with compat.LOCK, captured_output():
            try:
                compat.load_object(str(output), _TRIAL_NAME)
                compat.address(_TRIAL_NAME, _TRIAL_NAME)
            except compat.CompilerError:
                return False
            compat.unload_object(_TRIAL_NAME)
    return True


def takes(options: Mapping[str, Any]) -> bool:
    """Whether a build with these options, of Warp's names, can be made by the compiler.

    Those that only change the text can be any.
    """
    asked = {name: options.get(name, value) for name, value in _OPTIONS.items() if compat.has_option(name)}
    others = options.keys() & compat.BUILD_OPTIONS.keys() - _OPTIONS
    return command() is not None and asked == {name: _OPTIONS[name] for name in asked} and not others


def compile_file(source: str, output: str) -> str | None:
    """Compile the file ``source`` into the object ``output``.

    Returns what the compiler said where it did not go, which is nothing where it could not be asked; else None.
    """
    called = command()
    if called is None:
        return ""
    flags = [*_FLAGS, f"-I{compat.directory()}/native"]
    try:
        header = _precompiled(_headers(Path(source).read_text(encoding="utf-8")))
    except OSError:
        # No place for it: that is no fault of the kernel's, as what is raised here would be.
        header = None
    if header is not None:
        flags += ["-include-pch", header]
    return _run([*called, *flags, "-c", source, "-o", output])


def compile_text(text: str) -> str | None:
    """``compile_file`` of a text whose object nobody wants."""
    with tempfile.TemporaryDirectory(prefix="kernelfuzz_") as folder:
        source = Path(folder, "module.cpp")
        source.write_text(text, encoding="utf-8")
        return compile_file(str(source), str(source.with_suffix(".o")))


def _headers(text: str) -> str:
    """What a text begins with, up to its last include."""
    found = _LAST_INCLUDE.match(text)
    return found[0] if found else ""


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where this process keeps its precompiled headers."""
    return tempfile.TemporaryDirectory(prefix="kernelfuzz_pch_")


@functools.cache
def _precompiled(headers: str) -> str | None:
    """The precompiled form of the headers; None where they do not compile."""
    called = command()
    assert called is not None
    folder = Path(_folder().name)
    source = folder / f"{len(list(folder.iterdir()))}.h"
    source.write_text(headers, encoding="utf-8")
    output = f"{source}.pch"
    flags = ["c++-header" if flag == "c++" else flag for flag in _FLAGS]
    refused = _run([*called, *flags, f"-I{compat.directory()}/native", str(source), "-o", output])
    return output if refused is None else None


def _run(arguments: list[str], *, timeout: float | None = None) -> str | None:
    """Run a command, for ``timeout`` seconds at most: None where it went well, else what it said."""
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # A compiler that a signal ended says nothing of the text.
    return None if done.returncode == 0 else done.stderr if done.returncode > 0 else ""
