"""Kernels built by Warp's own loader, their parameters, and the arguments of a launch."""

from __future__ import annotations

from typing import Any

from kernelfuzz.toolchain.argument_types import (
    ArgumentType,
    ArrayType,
    CompositeType,
    Parameter,
    ScalarType,
    StructType,
    ValueType,
)
from kernelfuzz.toolchain.compat.building import _telling_builds
from kernelfuzz.toolchain.compat.isolation import Numbering
from kernelfuzz.toolchain.compat.promotions import ordered_promotions
from kernelfuzz.toolchain.compat.warp import Unsupported, has_method, load_warp, ready_warp


def parameters(kernel: Any) -> tuple[Parameter, ...]:
    """The parameters of a kernel.  Raises Unsupported at a type that is no value and no plain array."""
    return tuple(Parameter(arg.label, _argument_type(arg.type)) for arg in kernel.adj.args)


def _argument_type(type_: Any) -> ArgumentType:
    loaded = load_warp()
    types = loaded.types
    if types.is_array(type_):
        plain = types.matches_array_class if hasattr(types, "matches_array_class") else isinstance
        if not plain(type_, loaded.warp.array):
            raise Unsupported(f"no values are made for a parameter of type {types.type_repr(type_)}")
        return ArrayType(_value_type(type_.dtype), type_.ndim)
    return _value_type(type_)


def _value_type(annotation: Any) -> ValueType:
    import numpy as np

    loaded = load_warp()
    type_ = loaded.types.type_to_warp(annotation)
    if isinstance(type_, loaded.codegen.Struct):
        fields = tuple((name, _value_type(variable.type)) for name, variable in type_.vars.items())
        return StructType(type_, np.dtype(type_.numpy_dtype()), fields)
    if hasattr(type_, "_wp_scalar_type_") and hasattr(type_, "_shape_"):
        dtype = loaded.warp.dtype_to_numpy(type_._wp_scalar_type_)
        return CompositeType(type_, np.dtype(dtype), tuple(type_._shape_))
    if type_ in loaded.types.scalar_and_bool_types and type_ is not getattr(loaded.warp, "bfloat16", None):
        return ScalarType(type_, np.dtype(loaded.warp.dtype_to_numpy(type_)))
    raise Unsupported(f"no values are made for a parameter of type {loaded.types.type_repr(type_)}")


def launch_block_dim(device: str, asked: int | None) -> int:
    """The block size of launches on ``device``: on the CPU it is 1, unless Warp is told to have blocks."""
    if device != "cpu":
        return asked or 256
    blocks = getattr(load_warp().warp.config, "enable_cpu_blocks", False)
    return (asked or 1) if blocks else 1


def load(
    kernels: tuple[Any, ...],
    numbering: Numbering,
    device: str,
    *,
    backward: bool,
    block_dim: int,
    appended: str = "",
) -> None:
    """Build and load the modules of ``kernels`` through Warp's own loader, by way of Warp's kernel cache.

    ``appended`` goes to the end of the text that is compiled for the CPU.  Raises CompilerError, and whatever
    else Warp raises at a kernel that it does not take.
    """
    loaded = load_warp()
    modules = {id(kernel.module): kernel.module for kernel in kernels}
    with ordered_promotions(loaded.codegen):
        for module in modules.values():
            if not backward:
                module.options["enable_backward"] = False
            # Some releases resolve the options of every variant with the module's own block size.
            module.options["block_dim"] = block_dim
            if has_method(module, "mark_modified"):
                module.mark_modified()
            numbering.rewind()
            module.get_module_hash(block_dim)
            numbering.rewind()
            with _telling_builds(loaded.build, appended):
                module.load(loaded.warp.get_device(device), block_dim)


def handle_of(module: Any) -> str:
    """What ``address`` knows a module by that ``load`` has loaded for the CPU."""
    (loaded,) = module.execs.values()
    return str(loaded.handle)


def pack(kernel: Any, dim: tuple[int, ...], arguments: list[Any], adjoints: list[Any] | None) -> tuple[Any, list[Any]]:
    """The bounds of a launch, its arguments and the adjoint ones, as Warp hands them to a CUDA kernel."""
    loaded = ready_warp()
    context, device = loaded.context, loaded.warp.get_device("cpu")
    if hasattr(context, "_build_launch_bounds_from_tuple"):
        bounds = context._build_launch_bounds_from_tuple(dim, kernel.adj.kernel_dim)
    else:
        bounds = loaded.types.launch_bounds_t(dim)
    packed = [
        context.pack_arg(kernel, arg.type, arg.label, value, device, adjoint)
        for adjoint, values in ((False, arguments), (True, adjoints or []))
        for arg, value in zip(kernel.adj.args, values, strict=bool(values))
    ]
    return bounds, packed


def has_grid_stride(kernel: Any) -> bool:
    """Whether a thread of the kernel goes on to further points of the grid where there are fewer threads."""
    return bool(getattr(kernel, "grid_stride", True))
