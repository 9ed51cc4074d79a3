"""Interpreters with a Warp that has mistakes planted: the running one, behind a shell script."""

from __future__ import annotations

import sys
from pathlib import Path

# Each kernel is told by its name, which numbering in a batch leaves as the beginning.
_PLANT = """\
import functools, os, signal, warp
from warp._src import codegen, context

codegen_kernel, build_kernel = codegen.codegen_kernel, context.ModuleBuilder.build_kernel


@functools.wraps(codegen_kernel)
def planted_codegen(kernel, *args, **kwargs):
    text = codegen_kernel(kernel, *args, **kwargs)
    if kernel.key.startswith("astray"):
        return text.replace("wp::array_store(var_out0, var_0,", "wp::array_store(var_out0, var_0 + 1,")
    return text.replace("wp::mul(", "wp::div(").replace("wp::adj_mul(", "wp::adj_add(")


def planted_build(self, kernel):
    if kernel.key.startswith("refused"):
        raise RuntimeError("no such thing")
    if kernel.key.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return build_kernel(self, kernel)


codegen.codegen_kernel, context.ModuleBuilder.build_kernel = planted_codegen, planted_build
"""


def planted_python(directory: Path) -> str:
    """The path of an interpreter whose Warp multiplies by dividing, refuses kernels called ``refused``, dies of
    those called ``deadly``, and has those called ``astray`` store one element later."""
    (directory / "sitecustomize.py").write_text(_PLANT)
    script = directory / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={directory}:"$PYTHONPATH" exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return str(script)


def kernel_source(name: str, statement: str) -> str:
    """A module with one kernel, as ``kernelfuzz.syntax.render`` writes it."""
    return f"""\
import warp as wp


@wp.kernel
def {name}(a0: wp.array(dtype=float), out0: wp.array(dtype=float)):
    i = wp.tid()
    out0[i] = {statement}
"""


SOURCES = {
    "sound": kernel_source("sound", "a0[i] + 1.0"),
    "wrong": kernel_source("wrong", "a0[i] * 3.0"),
    "refused": kernel_source("refused", "a0[i] - 1.0"),
    "deadly": kernel_source("deadly", "a0[i] - 2.0"),
    "astray": kernel_source("astray", "a0[i] + 2.0"),
}
