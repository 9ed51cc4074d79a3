"""Names, parameters and locals declared another way."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.rename import Kind, rename
from kernelfuzz.rewrites.everywhere import fresh, identifiers
from kernelfuzz.rewrites.inputs import with_scalar
from kernelfuzz.rewrites.paths import Path, changed_everywhere, spliced, statements
from kernelfuzz.rewrites.transformation import Picks, Transformation, with_kernel

# Names that mean something in C++, in CUDA or in the code that Warp writes, and nothing in Python.
TELLING_NAMES = (
    *("auto", "double", "char", "template", "register", "new", "delete", "this", "struct", "union", "signed"),
    *("unsigned", "volatile", "static", "switch", "default", "void", "namespace", "operator", "typename"),
    *("var_0", "adj_var_0", "var_1", "dim", "_idx", "task_index", "args", "_wp_args", "ret", "adj_ret"),
    *("label0", "start_for_0", "blockIdx", "threadIdx", "gridDim", "half", "NULL", "nullptr", "INFINITY"),
    *("vec3", "array_t", "adj_x", "load", "address", "add", "max", "min", "printf", "std", "main"),
)


def _whole(kernel: n.Kernel) -> list[Path]:
    return [()]


def _rename(case: Case, path: Path, choices: Picks) -> Case:
    """Every local of the kernel and every local and parameter of its functions under a new name.

    Warp gives a parameter its own name in the code, where a word of C++ cannot be one: only locals get those.
    The parameters of the kernel are what a launch knows it by.
    """
    taken = identifiers(case.kernel)
    waiting = [name for name in TELLING_NAMES if name not in taken]
    spare = fresh(case.kernel, "renamed")
    chosen: dict[tuple[str, str], str] = {}

    def new_name(kind: Kind, owner: str, name: str) -> str:
        if kind not in ("variable", "param") or (kind == "param" and not owner):
            return name
        if (owner, name) not in chosen:
            own = {new for (other, _), new in chosen.items() if other == owner}
            left = [each for each in waiting if each not in own]
            use = left and kind == "variable" and choices.chance(0.75)
            chosen[owner, name] = choices.pick(left) if use else next(spare)
        return chosen[owner, name]

    renamed = rename(case.kernel, new_name)
    # The contract of a parameter is no part of its text.
    return with_kernel(case, replace(renamed, params=case.kernel.params))


def _several_params(kernel: n.Kernel) -> list[Path]:
    return [()] if len(kernel.params) > 1 else []


def _reorder(case: Case, path: Path, choices: Picks) -> Case:
    waiting = list(case.kernel.params)
    params: list[n.Param] = []
    while waiting:
        params.append(waiting.pop(choices.integer(0, len(waiting) - 1)))
    if tuple(params) == case.kernel.params:
        params = [*params[1:], params[0]]
    return with_kernel(case, replace(case.kernel, params=tuple(params)))


_UNUSED = (
    n.Literal(0, t.INT32),
    n.Literal(1.0, t.FLOAT32),
    n.Literal(True, t.BOOL),
    n.Literal(0.5, t.FLOAT64),
)


def _unused_param(case: Case, path: Path, choices: Picks) -> Case:
    changed, _ = with_scalar(case, "unused", choices.pick(_UNUSED))
    params = list(changed.kernel.params)
    params.insert(choices.integer(0, len(params) - 1), params.pop())
    return with_kernel(changed, replace(changed.kernel, params=tuple(params)))


def _statement_places(kernel: n.Kernel) -> list[Path]:
    return [path for path, _ in statements(kernel)]


def _unused_local(case: Case, path: Path, choices: Picks) -> Case:
    name, value = next(fresh(case.kernel, "unused")), choices.pick(_UNUSED)
    unused = n.Assign(n.Name(name, value.type), value)
    return with_kernel(case, spliced(case.kernel, path, (unused,), 0))


# ---------------------------------------------------------------------- structs


def _packable(kernel: n.Kernel) -> list[Path]:
    """Parameters that a struct can hold together: scalars with the same contract, two or more."""
    return [
        (("params", at),)
        for at, param in enumerate(kernel.params)
        if isinstance(param.type, t.Scalar) and len(_like(kernel, param)) > 1
    ]


def _like(kernel: n.Kernel, param: n.Param) -> tuple[n.Param, ...]:
    return tuple(each for each in kernel.params if isinstance(each.type, t.Scalar) and each.bounds == param.bounds)


def _pack(case: Case, path: Path, choices: Picks) -> Case | None:
    kernel = case.kernel
    ((_, position),) = path
    assert position is not None
    packed = _like(kernel, kernel.params[position])
    struct = t.Struct(next(fresh(kernel, "Packed")), tuple([(param.name, param.type) for param in packed]))
    name = next(fresh(kernel, "packed"))
    fields = {param.name: param.type for param in packed}

    def change(node: n.Node) -> n.Node:
        if isinstance(node, n.Name) and node.id in fields:
            return n.Attribute(n.Name(name, struct), node.id, node.type)
        return node

    body = changed_everywhere(replace(kernel, functions=()), change).body
    given = n.Param(name, struct, packed[0].bounds)
    params = tuple([param for param in kernel.params if param not in packed])
    changed = replace(
        kernel,
        params=(given, *params),
        body=body,
        structs=(*kernel.structs, struct),
    )
    launch = case.launch
    inputs = {key: value for key, value in launch.inputs.items() if key not in fields}
    inputs[name] = {key: launch.inputs[key] for key in fields}
    return Case(changed, Launch(launch.dim, inputs, launch.tiled))


DECLARATIONS = (
    Transformation("names changed", _whole, _rename),
    Transformation("parameters reordered", _several_params, _reorder),
    Transformation("unused parameter", _whole, _unused_param),
    Transformation("unused local", _statement_places, _unused_local),
    Transformation("parameters in a struct", _packable, _pack),
)
