"""Names, parameters and unused variables: what a kernel declares, with what its launch gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kernelfuzz.analysis.effects import changed_locals
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.names import Kind, own_names, rename
from kernelfuzz.ir.rewrite import Path, node_at, spliced, transform
from kernelfuzz.ir.walk import bound_names, children
from kernelfuzz.rewrites.places import Picks, fresh_names, new_name, with_names

# ---------------------------------------------------------- parameters and their values


@dataclass(frozen=True, slots=True)
class NewParam:
    """A parameter that a kernel does not have yet, what the launch gives it, and the expression that reads it."""

    param: n.Param
    given: Input
    read: n.Expr


def new_scalar(kernel: n.Kernel, prefix: str, value: n.Literal) -> NewParam:
    """A new parameter that has the value of a literal."""
    type_ = value.type
    bounds = (int(value.value), int(value.value)) if type_.is_integer else None
    param = n.Param(new_name(kernel, prefix), type_, bounds)
    return NewParam(param, np.array(value.value, dtype=np.dtype(type_.name)), n.Name(param.name, type_))


def new_element(kernel: n.Kernel, prefix: str, value: int) -> NewParam:
    """A new int32 array of one element, which has the value."""
    type_ = t.Array(t.INT32)
    param = n.Param(new_name(kernel, prefix), type_, (value, value), (1,))
    read = n.Index(n.Name(param.name, type_), (n.Literal(0, t.INT32),), t.INT32)
    return NewParam(param, np.array([value], dtype=np.int32), read)


def with_param(case: Case, kernel: n.Kernel, new: NewParam) -> Case:
    """The case with another kernel, which gets the new parameter behind its others."""
    inputs = {**case.launch.inputs, new.param.name: new.given}
    return Case(replace(kernel, params=(*kernel.params, new.param)), replace(case.launch, inputs=inputs))


def given_value(case: Case, name: str) -> n.Literal | None:
    """What the launch gives a scalar parameter; None for other parameters, and for NaN, whose bits vary."""
    param = next((each for each in case.kernel.params if each.name == name), None)
    value = case.launch.inputs.get(name)
    if param is None or not isinstance(param.type, t.Scalar) or not isinstance(value, np.ndarray):
        return None
    plain = value.item()
    return None if plain != plain else n.Literal(plain, param.type)


# -------------------------------------------------------------------------- names

# Names that mean something in C++, in CUDA or in the code that Warp writes, and nothing in Python.
TELLING_NAMES = (
    *("auto", "double", "char", "template", "register", "new", "delete", "this", "struct", "union", "signed"),
    *("unsigned", "volatile", "static", "switch", "default", "void", "namespace", "operator", "typename"),
    *("var_0", "adj_var_0", "var_1", "dim", "_idx", "task_index", "args", "_wp_args", "ret", "adj_ret"),
    *("label0", "start_for_0", "blockIdx", "threadIdx", "gridDim", "half", "NULL", "nullptr", "INFINITY"),
    *("vec3", "array_t", "adj_x", "load", "address", "add", "max", "min", "printf", "std", "main"),
)


def renamed(case: Case, path: Path, picks: Picks) -> Case:
    """Every local of the kernel and every local and parameter of its functions under a new name.

    Warp gives a parameter its own name in the code, where a word of C++ cannot be one: only locals get those.
    The parameters of the kernel are what a launch knows it by.
    """
    taken = own_names(case.kernel)
    waiting = [name for name in TELLING_NAMES if name not in taken]
    fresh = fresh_names(case.kernel)
    chosen: dict[tuple[str, str], str] = {}

    def choose(kind: Kind, owner: str, name: str) -> str:
        if kind not in ("variable", "param") or (kind == "param" and not owner):
            return name
        if (owner, name) not in chosen:
            own = {new for (other, _), new in chosen.items() if other == owner}
            left = [each for each in waiting if each not in own]
            use = left and kind == "variable" and picks.chance(0.75)
            chosen[owner, name] = picks.pick(left) if use else fresh("renamed")
        return chosen[owner, name]

    # The contract of a parameter is no part of its text.
    return replace(case, kernel=replace(rename(case.kernel, choose), params=case.kernel.params))


# ------------------------------------------------------------------- order, and what is unused


def has_several_params(kernel: n.Kernel) -> bool:
    """Whether there is another order of the parameters."""
    return len(kernel.params) > 1


def reordered(case: Case, path: Path, picks: Picks) -> Case:
    """The parameters of the kernel in another order."""
    waiting = list(case.kernel.params)
    params: list[n.Param] = []
    while waiting:
        params.append(waiting.pop(picks.integer(0, len(waiting) - 1)))
    if tuple(params) == case.kernel.params:
        params = [*params[1:], params[0]]
    return replace(case, kernel=replace(case.kernel, params=tuple(params)))


_UNUSED = (
    n.Literal(0, t.INT32),
    n.Literal(1.0, t.FLOAT32),
    n.Literal(True, t.BOOL),
    n.Literal(0.5, t.FLOAT64),
)


def unused_param(case: Case, path: Path, picks: Picks) -> Case:
    """A new parameter that nothing reads, somewhere among the others."""
    changed = with_param(case, case.kernel, new_scalar(case.kernel, "unused", picks.pick(_UNUSED)))
    params = list(changed.kernel.params)
    params.insert(picks.integer(0, len(params) - 1), params.pop())
    return replace(changed, kernel=replace(changed.kernel, params=tuple(params)))


def unused_local(case: Case, path: Path, picks: Picks) -> Case:
    """A new local that nothing reads, in front of the statement."""
    value = picks.pick(_UNUSED)
    unused = n.Assign(n.Name(new_name(case.kernel, "unused"), value.type), value)
    return replace(case, kernel=spliced(case.kernel, path, (unused,), 0))


def own_copies(kernel: n.Kernel) -> n.Kernel:
    """A local with the value of each parameter that the kernel changes, which it changes instead."""
    changed = changed_locals(kernel.body)
    fresh = fresh_names(kernel)
    copies = {
        each.name: n.Name(fresh("own"), each.type)
        for each in kernel.params
        if each.name in changed and not isinstance(each.type, t.Array)
    }

    def name(old: str) -> str:
        return copies[old].id if old in copies else old

    def change(node: n.Node) -> n.Node:
        match node:
            case n.Name(id=id_, type=type_):
                return n.Name(name(id_), type_)
            case n.Unpack(names=names):
                return replace(node, names=tuple(map(name, names)))
            case n.For(name=counter):
                return replace(node, name=name(counter))
            case _:
                return node

    body = transform(replace(kernel, functions=()), change).body
    first = [n.Assign(copy, n.Name(old, copy.type)) for old, copy in copies.items()]
    return replace(kernel, body=(*first, *body))


# ---------------------------------------------------------------------- structs


def packable(kernel: n.Kernel) -> list[Path]:
    """Parameters that a struct can hold together: scalars with the same contract, two or more."""
    return [
        (position,)
        for position, child in enumerate(children(kernel))
        if isinstance(child, n.Param) and child in (like := _like(kernel, child)) and len(like) > 1
    ]


def _like(kernel: n.Kernel, param: n.Param) -> tuple[n.Param, ...]:
    like = [each for each in kernel.params if isinstance(each.type, t.Scalar) and each.bounds == param.bounds]
    return tuple([each for each in like if each.name not in bound_names(kernel.body)])


def packed(case: Case, path: Path, picks: Picks) -> Case:
    """The parameter and those like it as fields of a struct that the kernel gets in their place."""
    kernel, param = case.kernel, node_at(case.kernel, path)
    assert isinstance(param, n.Param)
    members = _like(kernel, param)
    struct = t.Struct(new_name(kernel, "Packed"), tuple([(each.name, each.type) for each in members]))
    given = n.Param(new_name(kernel, "packed"), struct, members[0].bounds)
    fields = {each.name: n.Attribute(n.Name(given.name, struct), each.name, each.type) for each in members}
    changed = replace(
        kernel,
        params=(given, *[each for each in kernel.params if each not in members]),
        body=with_names(replace(kernel, functions=()), fields).body,
        structs=(*kernel.structs, struct),
    )
    inputs = {name: value for name, value in case.launch.inputs.items() if name not in fields}
    inputs[given.name] = {name: case.launch.inputs[name] for name in fields}
    return Case(changed, replace(case.launch, inputs=inputs))
