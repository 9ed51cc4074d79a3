"""A Python script put together: what it imports, what it declares, what it does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.syntax.render import IMPORT_LINE, render

QUIET = """\
if hasattr(wp.config, "log_level"):
    wp.config.log_level = wp.LOG_ERROR
else:
    wp.config.quiet = True
"""

# The script runs itself: the child does what follows.
CHILD = """\
if len(sys.argv) == 1:
    try:
        done = subprocess.run([sys.executable, __file__, "child"], timeout={seconds}, check=False)
        ended = done.returncode
        actual = signal.Signals(-ended).name if ended < 0 else f"exit status {{ended}}"
    except subprocess.TimeoutExpired:
        actual = "still running after {seconds} s"
    print("expected: exit status 0   actual:", actual)
    sys.exit(actual != "exit status 0")
"""

CHILD_MEMORY = """
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
"""

_CHECK = '''\
def check(name, expected, actual):
    """Print both; True where they are equal{how}."""
    expected = np.broadcast_to(np.array(expected, dtype=actual.dtype), actual.shape)
    print(f"{{name}}   expected: {{expected.tolist()}}   actual: {{actual.tolist()}}")
{body}
'''

_EXACT = "    return np.array_equal(expected, actual)"

_BITS = """\
    nan = np.isnan(expected) & np.isnan(actual)
    return bool(np.all(nan | ((expected == actual) & (np.signbit(expected) == np.signbit(actual)))))"""

_CLOSE = "    return np.allclose(actual, expected, rtol={tolerance!r}, atol={tolerance!r}, equal_nan=True)"

# What wp.set_module_options takes; every other option is a field of wp.config.
_MODULE_OPTIONS = frozenset(
    ("max_unroll", "enable_backward", "enable_mathdx_gemm", "enable_mathdx_solver", "enable_mathdx_fft",
     "fast_math", "fuse_fp", "lineinfo", "cuda_output", "mode", "optimization_level", "cpu_compiler_flags",
     "block_dim", "compile_time_trace", "strip_hash", "deterministic", "deterministic_max_records",
     "default_grid_stride")
)  # fmt: skip


def check_function(*, floats: bool, tolerance: float) -> str:
    """The function of a script that compares an array with what is expected."""
    if tolerance:
        return _CHECK.format(how=f" within {tolerance!r}", body=_CLOSE.format(tolerance=tolerance))
    if floats:
        return _CHECK.format(how=" to the bit (NaN equals NaN)", body=_BITS)
    return _CHECK.format(how="", body=_EXACT)


def option_lines(options: Iterable[tuple[str, Any]]) -> list[str]:
    """The lines that set module options, and those that set fields of ``wp.config``."""
    chosen = dict(options)
    module = {name: value for name, value in chosen.items() if name in _MODULE_OPTIONS}
    lines = [f"wp.config.{name} = {_quoted(value)}" for name, value in chosen.items() if name not in _MODULE_OPTIONS]
    if module:
        pairs = ", ".join(f'"{name}": {_quoted(value)}' for name, value in module.items())
        lines.append(f"wp.set_module_options({{{pairs}}})")
    return lines


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def kernel_text(kernel: Kernel) -> str:
    """The declarations of a kernel without the import that the script has already."""
    return render(kernel).removeprefix(IMPORT_LINE).strip("\n") + "\n"


@dataclass(slots=True)
class Script:
    """A script that grows: ``imports``, then ``declarations``, then ``lines`` that run."""

    title: str
    exits: bool = True
    imports: set[str] = field(default_factory=set[str])
    from_imports: dict[str, str] = field(default_factory=dict[str, str])
    declarations: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])

    def need(self, *modules: str) -> None:
        self.imports.update(modules)

    def need_from(self, module: str, name: str) -> None:
        self.from_imports[module] = name

    def quiet(self) -> None:
        """Keep Warp from printing what it compiles."""
        self.declare(QUIET)

    def declare(self, text: str) -> None:
        """A piece of the script's upper half; two blank lines go before a ``def``, a class or a decorator."""
        self.declarations.append(text.strip("\n") + "\n")

    def add(self, *lines: str) -> None:
        self.lines += lines

    def text(self) -> str:
        """The whole script."""
        body = _joined(self.declarations, "\n".join(self.lines) + "\n")
        standard = "".join(f"import {name}\n" for name in sorted(self.imports))
        standard += "".join(f"from {module} import {name}\n" for module, name in self.from_imports.items())
        third = ("import numpy as np\n" if re.search(r"\bnp\.", body) else "") + "import warp as wp\n"
        status = "\n\nExit status: 1 where the bug is present, 0 where it is fixed." if self.exits else ""
        end = "\n" if self.exits else ""
        head = f'"""{self.title}.{status}{end}"""\n\n'
        return head + (f"{standard}\n" if standard else "") + third + "\n" + body


_DEFINES = re.compile(r"^(?:def |class |@)", re.MULTILINE)


def _joined(declarations: list[str], body: str) -> str:
    """The pieces with the blank lines between them that a formatter puts there."""
    text = ""
    after_definition = False
    for piece in (*declarations, body):
        defines = bool(re.match(r"def |class |@", piece))
        if text:
            text += "\n\n" if defines or after_definition else "\n"
        text += piece
        # A piece that ends inside of a definition ends with an indented line.
        after_definition = bool(_DEFINES.search(piece)) and piece.rstrip("\n").rpartition("\n")[2][:1] == " "
    return text
