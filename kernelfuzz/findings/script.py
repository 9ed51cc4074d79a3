"""A Python script as it is put together: what it imports, what it declares, what it does.

``HARNESS`` lets a script run CUDA text on a machine without a GPU.
"""

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

# The script runs itself: the child does what follows.  Its limit is on the processor's time, which a busy machine
# does not change; ``waiting`` ends a child that computes nothing.
CHILD = """\
if len(sys.argv) == 1:
    try:
        done = subprocess.run([sys.executable, __file__, "child"], timeout={waiting}, check=False)
        ended = done.returncode
        actual = signal.Signals(-ended).name if ended < 0 else f"exit status {{ended}}"
    except subprocess.TimeoutExpired:
        actual = "SIGXCPU"
    print("expected: exit status 0   actual:", actual.replace("SIGXCPU", "still running after {seconds} s"))
    sys.exit(actual != "exit status 0")

resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds} + 10))
"""

CHILD_MEMORY = """\
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

# Replaces wp.launch in a script.  With a device it is a launch; without one, the text that Warp generates
# for CUDA is compiled as CPU code and its threads run one after another.  It uses Warp's internals, as a
# script for one release may.
HARNESS = '''\
device = "cuda:0" if wp.is_cuda_available() else "cpu"

PRELUDE = """
#define __global__
#define __launch_bounds__(...)
struct index3 { unsigned int x, y, z; };
static index3 blockIdx, blockDim, threadIdx, gridDim;
#undef builtin_block_dim
#define builtin_block_dim() (int(blockDim.x))
"""
LAUNCHER = """
template <typename T, T... I> struct numbers {};
template <typename... T, int... I> static void run(void (*f)(T...), void** args, numbers<int, I...>) {
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x)
            f(*static_cast<T*>(args[I])...);
}
template <typename... T> static void run(void (*f)(T...), void** args) {
    run(f, args, __make_integer_seq<numbers, int, sizeof...(T)>());
}
extern "C" void entry(void** args, unsigned int blocks, unsigned int threads) {
    gridDim = { blocks, 1, 1 };
    blockDim = { threads, 1, 1 };
    run(NAME, args);
}
"""


def launch(kernel, dim, inputs, adjoint=False, tiled=False, block_dim=256, blocks=0):
    """Launch on CUDA; without a device, run the text that Warp generates for CUDA on the CPU."""
    adjoints = [value.grad if isinstance(value, wp.array) else value for value in inputs] if adjoint else []
    if wp.is_cuda_available():
        start = wp.launch_tiled if tiled else wp.launch
        more = {"adj_inputs": adjoints, "adjoint": True} if adjoint else {}
        start(kernel, dim, inputs, device=device, block_dim=block_dim, max_blocks=blocks, **more)
        return
    from warp._src import build, context, types

    # Releases differ in what these take, and where it is.
    threads, module, builder = 1 if tiled else block_dim, kernel.module, context.ModuleBuilder
    dim = (*dim, threads) if tiled else dim
    module.options["block_dim"] = block_dim
    module.get_module_hash(block_dim)
    own = {"mode": wp.config.mode, **module.options}
    resolved = module.resolve_options(wp.config) if hasattr(type(module), "resolve_options") else own
    options = {**resolved, "output_arch": None}
    named = {"target": "cuda"} if "target" in builder.__init__.__code__.co_varnames else {}
    builder = builder(module, options, hasher=module.hashers[block_dim], **named)
    text = re.sub("(?m)^#define WP_TILE_BLOCK_DIM .*", "#define WP_TILE_BLOCK_DIM 1", builder.codegen("cuda"))
    at = text.index("\\n", text.index("#define builtin_block_dim()")) + 1
    name = f"{kernel.get_mangled_name()}_cuda_kernel_{'backward' if adjoint else 'forward'}"
    with tempfile.TemporaryDirectory() as folder:
        source, output = f"{folder}/module.cpp", f"{folder}/module.o"
        Path(source).write_text(text[:at] + PRELUDE + text[at:] + LAUNCHER.replace("NAME", name))
        build.build_cpu(output, source, fuse_fp=options["fuse_fp"], verify_fp=False)
        llvm = context.runtime.llvm
        more = len(llvm.wp_load_obj.argtypes or "..") - 2
        llvm.wp_load_obj(output.encode(), name.encode(), *[False] * more)
    if hasattr(context, "_build_launch_bounds_from_tuple"):
        bounds = context._build_launch_bounds_from_tuple(dim, kernel.adj.kernel_dim)
    else:
        bounds = types.launch_bounds_t(dim)
    packed = [bounds] + [
        context.pack_arg(kernel, arg.type, arg.label, value, wp.get_device("cpu"), values is adjoints)
        for values in (inputs, adjoints)
        for arg, value in zip(kernel.adj.args, values, strict=bool(values))
    ]
    pointers = (ctypes.c_void_p * len(packed))(*map(ctypes.addressof, packed))
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    address = llvm.wp_lookup(name.encode(), b"entry")
    entry(address)(pointers, blocks or -(-math.prod(dim) // threads), threads)
'''

# Finds in the text of a module what a script shows of one function.
STATEMENTS = '''\
def statements(text, function, about):
    """The lines of a function of the generated text that a pattern finds, without comments."""
    start = re.search(function, text, re.MULTILINE).end()
    lines = [line.partition("//")[0].strip() for line in text[start : text.index("\\n}", start)].split("\\n")]
    return [line for line in lines if re.search(about, line)]
'''

# What the harness needs imported.
HARNESS_IMPORTS = ("ctypes", "math", "re", "sys", "tempfile")

# Moves an array between bands of a known byte, into a part of the block of memory between them.
PLACED = '''\
around = {}


def placed(name, array, skipped=0, step=1, transposed=False):
    """The array, moved into memory that is filled with the byte 0xA5, which goes on on both sides of it."""
    item = array.strides[-1]
    sizes = [skipped + size * abs(step) for size in array.shape]
    band = max(256, 64 * item, math.prod(sizes) * item)

    def elements(memory):
        block = memory[band:-band].view(f"V{item}").reshape(sizes[::-1] if transposed else sizes)
        return (block.T if transposed else block)[(slice(skipped or None, None, step),) * array.ndim]

    filled = np.full(band + math.prod(sizes) * item + band, 0xA5, np.uint8)
    inside = elements(filled)
    inside[...] = np.ndarray(array.shape, f"V{item}", array.numpy().tobytes())
    memory = wp.array(filled, dtype=wp.uint8, device=device)
    around[name] = memory, elements
    grad = array.grad
    if grad is not None:
        grad = placed(f"gradient of {name}", grad, skipped, step, transposed)
    ptr = memory.ptr + inside.ctypes.data - filled.ctypes.data
    more = {"shape": array.shape, "strides": inside.strides, "capacity": memory.size, "grad": grad}
    return wp.array(ptr=ptr, dtype=array.dtype, device=device, **more)
'''

UNCHANGED = '''\
def unchanged(name):
    """Print how many bytes around an array are no longer what they were; True where none are."""
    memory, elements = around[name]
    found = memory.numpy().copy()
    elements(found)[...] = elements(np.full_like(found, 0xA5))
    count = np.count_nonzero(found != 0xA5)
    print(f"{name}   bytes changed around it: expected: 0   actual: {count}")
    return count == 0
'''

# What wp.set_module_options takes; every other option is a field of wp.config.
_MODULE_OPTIONS = frozenset(
    ("max_unroll", "enable_backward", "enable_mathdx_gemm", "enable_mathdx_solver", "enable_mathdx_fft",
     "fast_math", "fuse_fp", "lineinfo", "cuda_output", "mode", "optimization_level", "cpu_compiler_flags",
     "block_dim", "compile_time_trace", "strip_hash", "deterministic", "deterministic_max_records",
     "default_grid_stride")
)  # fmt: skip


def check_function(*, floats: bool, tolerance: float) -> str:
    """Return the function of a script that compares an array with what is expected."""
    if tolerance:
        return _CHECK.format(how=f" within {tolerance!r}", body=_CLOSE.format(tolerance=tolerance))
    if floats:
        return _CHECK.format(how=" to the bit (NaN equals NaN)", body=_BITS)
    return _CHECK.format(how="", body=_EXACT)


def option_lines(options: Iterable[tuple[str, Any]]) -> list[str]:
    """Return the lines that set fields of ``wp.config``, and the one that sets module options."""
    chosen = dict(options)
    module = {name: value for name, value in chosen.items() if name in _MODULE_OPTIONS}
    lines = [f"wp.config.{name} = {_quoted(value)}" for name, value in chosen.items() if name not in _MODULE_OPTIONS]
    if module:
        pairs = ", ".join(f'"{name}": {_option(name, value)}' for name, value in module.items())
        lines.append(f"wp.set_module_options({{{pairs}}})")
    return lines


def _option(name: str, value: Any) -> str:
    # Warp takes the name of a mode without a word, and then does not know it.
    return f"wp.DeterministicMode.{value}" if name == "deterministic" else _quoted(value)


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def kernel_text(kernel: Kernel) -> str:
    """Return the declarations of a kernel without the import that the script has already."""
    return render(kernel).removeprefix(IMPORT_LINE).strip("\n") + "\n"


@dataclass(slots=True)
class Script:
    """A script with its parts in order: ``imports``, ``declarations``, ``lines`` that run.

    ``exits``: its exit status tells whether the bug is present.
    """

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
        """Add a piece to the upper half, once; two blank lines go before a ``def``, a class or a decorator."""
        piece = text.strip("\n") + "\n"
        if piece not in self.declarations:
            self.declarations.append(piece)

    def add(self, *lines: str) -> None:
        self.lines += lines

    def text(self) -> str:
        """Return the whole script."""
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
    """Return the pieces with the blank lines between them that a formatter puts there."""
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
