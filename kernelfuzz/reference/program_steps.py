"""What a program computes: the launches in turn over shared arrays, each of the kernel as it was built last.

"Kernel k1 uses late binding of C.  This means that it captures the latest value of C, determined when the module is
built during the launch"; a constant that changes is not noticed, what is declared again is (Code Generation:
"Late Binding and Static Expressions", "Updating Constants", "Module Reloading").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from kernelfuzz.analysis.effects import names_read
from kernelfuzz.analysis.unrolling import MAX_UNROLL
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.launch import Input, Launch
from kernelfuzz.ir.rewrite import transform
from kernelfuzz.reference.compiled import Deviation
from kernelfuzz.reference.execution import run
from kernelfuzz.typecheck.static_values import static_value

# What every array of a program holds, by name.
Contents: TypeAlias = Mapping[str, Input]
D = TypeVar("D", n.Kernel, n.Function)


@dataclass(frozen=True, slots=True)
class Step:
    """A launch that was made: the kernel as it was built, and every array of the program afterwards.

    ``arrays`` is as in the event.  ``differentiated``: a tape runs its adjoint; loops of up to ``unroll`` iterations
    were unrolled.
    """

    kernel: n.Kernel
    launch: Launch
    arrays: Mapping[str, str]
    before: Contents
    after: Contents
    differentiated: bool
    unroll: int


@dataclass(frozen=True, slots=True)
class TapeRun:
    """A backward pass over the steps since the last one."""

    steps: tuple[Step, ...]
    event: p.Backward


def trace(program: p.Program, deviations: Sequence[Deviation] = ()) -> Iterator[Step | TapeRun]:
    """The launches and backward passes of a program, in order.  Raises Undefined where one is undefined."""
    state = _State(
        {constant.name: constant for constant in program.constants},
        contents={array.name: array.value for array in program.arrays},
    )
    for function in program.functions:
        state.define(function)
    taped: list[Step] = []
    for event in program.events:
        match event:
            case p.LaunchKernel():
                taped.append(_launched(state, event, deviations))
                yield taped[-1]
            case p.Backward():
                yield TapeRun(tuple(taped), event)
                taped = []
            case _:
                state.change(event)


def _launched(state: _State, event: p.LaunchKernel, deviations: Sequence[Deviation]) -> Step:
    declared, built = state.kernels[event.kernel], state.built(event.kernel)
    kernel = built.bound(declared.kernel)
    before = state.contents
    inputs = {**event.values, **{param: before[array] for param, array in event.arrays.items()}}
    launch = Launch(event.dim, inputs)
    outputs = run(kernel, launch, deviations=deviations)
    # Of an array that was passed twice, none of whose parameters is written, both are what it was.
    state.contents = {**before, **{event.arrays[param]: value for param, value in outputs.items()}}
    backward = built.backward if declared.backward is None else declared.backward
    return Step(kernel, launch, event.arrays, before, state.contents, backward, built.unroll)


@dataclass(frozen=True, slots=True)
class _Built:
    """What the names of a module meant when it was built, and its options."""

    constants: Mapping[str, n.Constant]
    functions: Mapping[str, n.Function]
    backward: bool
    unroll: int

    def bound(self, kernel: n.Kernel) -> n.Kernel:
        """The kernel with what its names mean."""
        own = kernel.constants if kernel.closure else ()
        constants = tuple([self.constants[name] for name in self.constants]) + own
        functions = tuple([self.functions[each.name] for each in kernel.functions])
        return replace(kernel, functions=functions, constants=constants, closure=False)


@dataclass(slots=True)
class _State:
    """What the names of a program mean just now, and which modules are built."""

    constants: dict[str, n.Constant]
    functions: dict[str, n.Function] = field(default_factory=dict[str, n.Function])
    kernels: dict[str, p.Declare] = field(default_factory=dict[str, p.Declare])
    options: dict[str, bool | int | str] = field(default_factory=dict[str, bool | int | str])
    modules: dict[str, _Built] = field(default_factory=dict[str, _Built])
    contents: Contents = field(default_factory=dict[str, Input])

    def change(self, event: p.Declare | p.SetConstant | p.SetFunction | p.SetOption | p.MarkModified) -> None:
        match event:
            case p.SetConstant(constant=constant):
                self.constants[constant.name] = constant
            case p.SetFunction(function=function):
                self.define(function)
            case p.Declare(name=name, kernel=kernel):
                self.kernels[name] = replace(event, kernel=self._frozen(_captured(kernel)))
                self._modified(_module_of(event))
            case p.SetOption(name=name, value=value):
                self.options[name] = value
                self._modified(p.OWN_MODULE)
            case p.MarkModified(kernel=kernel):
                self._modified(_module_of(self.kernels[kernel]))
            case _:
                assert_never(event)

    def define(self, function: n.Function) -> None:
        """Declare a function (again): it is the module's own."""
        self.functions[function.name] = self._frozen(function)
        self._modified(p.OWN_MODULE)

    def built(self, kernel: str) -> _Built:
        """What the module of a kernel is built of: as it is, unless it was modified."""
        module = _module_of(self.kernels[kernel])
        if module not in self.modules:
            options = self.options if module == p.OWN_MODULE else {}
            backward, unroll = bool(options.get("enable_backward", True)), int(options.get("max_unroll", MAX_UNROLL))
            self.modules[module] = _Built(dict(self.constants), dict(self.functions), backward, unroll)
        return self.modules[module]

    def _modified(self, module: str) -> None:
        self.modules.pop(module, None)

    def _frozen(self, declared: D) -> D:
        """What is declared, with the values of its static expressions: they are evaluated now.

        Those that read a counter of a loop are evaluated when their module is built, as constants are.
        """
        own = {each.name: each for each in declared.constants} if isinstance(declared, n.Kernel) else {}
        constants = {**self.constants, **own}

        def change(node: n.Node) -> n.Node:
            if not isinstance(node, n.Static) or not names_read(node) <= constants.keys():
                return node
            value = static_value(node.value, constants)
            return replace(node, value=n.Literal(value, node.type))

        return transform(declared, change)


def _module_of(declared: p.Declare) -> str:
    return f"{p.UNIQUE} {declared.name}" if declared.module == p.UNIQUE else declared.module


def _captured(kernel: n.Kernel) -> n.Kernel:
    """The kernel of a factory with names of its own for what it captures: functions do not see that."""
    if not kernel.closure:
        return kernel
    names = {each.name: f"{each.name} of {kernel.name}" for each in kernel.constants}

    def change(node: n.Node) -> n.Node:
        return replace(node, id=names[node.id]) if isinstance(node, n.Name) and node.id in names else node

    body = tuple([transform(statement, change) for statement in kernel.body])
    constants = tuple([replace(each, name=names[each.name]) for each in kernel.constants])
    return replace(kernel, body=body, constants=constants)
