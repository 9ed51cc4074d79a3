"""What a reproducer of a CUDA finding carries: the way to run CUDA text on a machine without a GPU."""

from __future__ import annotations

# Replaces wp.launch in a script.  With a device it is a launch; without one, the text that Warp generates
# for CUDA is compiled as CPU code and its threads run one after another.  It leans on Warp's internals, as a
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
    from warp._src import build, context

    if "target" not in context.ModuleBuilder.__init__.__code__.co_varnames:
        print("undecided: without a CUDA device this script needs a later Warp (1.19.0 will do)")
        sys.exit(2)
    threads, module = 1 if tiled else block_dim, kernel.module
    dim = (*dim, threads) if tiled else dim
    module.options["block_dim"] = block_dim
    module.get_module_hash(block_dim)
    options = {**module.resolve_options(wp.config), "output_arch": None}
    builder = context.ModuleBuilder(module, options, hasher=module.hashers[block_dim], target="cuda")
    text = re.sub("(?m)^#define WP_TILE_BLOCK_DIM .*", "#define WP_TILE_BLOCK_DIM 1", builder.codegen("cuda"))
    at = text.index("\\n", text.index("#define builtin_block_dim()")) + 1
    name = f"{kernel.get_mangled_name()}_cuda_kernel_{'backward' if adjoint else 'forward'}"
    with tempfile.TemporaryDirectory() as folder:
        source, output = f"{folder}/module.cpp", f"{folder}/module.o"
        Path(source).write_text(text[:at] + PRELUDE + text[at:] + LAUNCHER.replace("NAME", name))
        build.build_cpu(output, source, fuse_fp=options["fuse_fp"], verify_fp=False)
        llvm = context.runtime.llvm
        llvm.wp_load_obj(output.encode(), name.encode(), *[False] * (len(llvm.wp_load_obj.argtypes) - 2))
    bounds = context._build_launch_bounds_from_tuple(dim, kernel.adj.kernel_dim)
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

# What the harness needs imported.
HARNESS_IMPORTS = ("ctypes", "math", "re", "sys", "tempfile")
