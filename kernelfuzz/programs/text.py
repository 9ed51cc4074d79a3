"""The text of a program: one Python module that needs Warp and numpy alone.

After a launch it hands every array of the launch to ``observe(label, array)``, after a backward pass every gradient;
whoever runs the text says what becomes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kernelfuzz.findings.script_arguments import array_lines, struct_lines, value_text
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir.exhaustive import assert_never
from kernelfuzz.ir.launch import Input
from kernelfuzz.ir.types import Array, Struct, Type
from kernelfuzz.reference.program_gradients import differentiable
from kernelfuzz.syntax.render import IMPORT_LINE, render, render_function
from kernelfuzz.toolchain.layouts import CONTIGUOUS

# A kernel of a text has one decorator.
_DECORATOR = "@wp.kernel\n"

# What makes a view of a larger array, by layout; ``sizes`` are the lengths of its axes, ``{all}`` the slices.
_VIEWS: Mapping[str, tuple[str, str]] = {
    "offset": ("tuple([size + 1 for size in {x}.shape])", "[{each}]"),
    "strided": ("tuple([2 * size for size in {x}.shape])", "[{each}]"),
    "transposed": ("{x}.shape[::-1]", ".transpose()"),
}
_SLICES = {"offset": "1:", "strided": "::2", "transposed": ""}


def label(what: str, kind: str, number: int) -> str:
    """What the text calls an observation: of an array after a launch, or of a gradient in a backward pass."""
    return f"{what} after {kind} {number}"


def program_text(program: p.Program, options: Mapping[str, object] = MappingProxyType({})) -> str:
    """The text; ``options`` are those of its module that are set before everything else."""
    writer = _Writer(program)
    lines = [*_head(program, options)]
    for array in program.arrays:
        lines += _array(array)
    lines += ["", "tape = wp.Tape()"]
    for event in program.events:
        lines += writer.event(event)
    return "\n".join(lines) + "\n"


def _head(program: p.Program, options: Mapping[str, object]) -> Iterator[str]:
    """The options, and what the kernels share: types, constants, structs and functions."""
    types: list[Type] = [array.type for array in program.arrays]
    types += [param.type for declared in program.declarations.values() for param in declared.kernel.params]
    params = tuple([n.Param(f"p{at}", type_) for at, type_ in enumerate(dict.fromkeys(types))])
    carrier = n.Kernel("shared", params, (n.Pass(),), program.functions, program.structs, program.constants)
    text, _, _ = render(carrier).partition(_DECORATOR)
    first, _, rest = text.partition("\n")
    assert first == IMPORT_LINE.strip()
    yield from ("import numpy as np", first, "", 'device = "cpu"')
    if "optimization_level" in options:
        # Also for the modules that a kernel has alone: it is the cheapest build.
        yield f"wp.config.optimization_level = {options['optimization_level']!r}"
    if options:
        yield f"wp.set_module_options({dict(options)!r})"
    yield from (rest.rstrip("\n"), "")


def _array(array: p.ArrayVariable) -> Iterator[str]:
    gradient = differentiable(array)
    name, type_ = array.name, array.type
    yield from array_lines(name, type_, array.value, gradient=gradient)
    if array.layout != CONTIGUOUS:
        shape, view = _VIEWS[array.layout]
        each = ", ".join([_SLICES[array.layout]] * type_.ndim)
        more = ", requires_grad=True" if gradient else ""
        yield f"{name}_block = wp.zeros({shape.format(x=name)}, dtype={name}.dtype, device=device{more})"
        yield f"{name}_view = {name}_block{view.format(each=each)}"
        yield f"{name}_view.assign({name})"
        yield f"{name} = {name}_view"
    if array.retained:
        yield f"{name}.retain_grad = True"


class _Writer:
    """Writes the events one after the other, which it counts."""

    def __init__(self, program: p.Program) -> None:
        self.program = program
        self.factories: set[str] = set()
        self.launches = 0
        self.passes = 0
        self.taped: list[str] = []

    def event(self, event: p.Event) -> Iterator[str]:
        match event:
            case p.Declare():
                yield from self._declare(event)
            case p.SetConstant(constant=constant):
                yield from ("", f"{constant.name} = wp.constant({constant_text(constant)})")
            case p.SetFunction(function=function):
                yield from ("", "", render_function(function).strip("\n"), "")
            case p.SetOption(name=name, value=value):
                yield f"wp.set_module_options({{{name!r}: {value!r}}})"
            case p.MarkModified(kernel=kernel):
                yield f"{kernel}.module.mark_modified()"
            case p.LaunchKernel():
                yield from self._launch(event)
            case p.Backward():
                yield from self._backward(event)
            case _:
                assert_never(event)

    def _declare(self, event: p.Declare) -> Iterator[str]:
        kernel = event.kernel
        own = kernel.constants if kernel.closure else ()
        bare = n.Kernel(kernel.name, kernel.params, kernel.body, (), (), own, bool(own))
        text = render(bare).removeprefix(IMPORT_LINE).strip("\n")
        text = text.replace(_DECORATOR, f"@wp.kernel{_options(event)}\n", 1)
        made = kernel.name
        if own:
            declared, _, call = text.rpartition("\n")
            _, _, made = call.partition(" = ")
            # A factory makes what it declares: one for each set of options.
            text = declared if declared not in self.factories else ""
            self.factories.add(declared)
        if text.strip():
            yield from ("", "", text.rstrip("\n"), "", "")
        yield f"{event.name} = {made}"

    def _launch(self, event: p.LaunchKernel) -> Iterator[str]:
        kernel = self.program.declarations[event.kernel].kernel
        inputs: list[str] = []
        yield ""
        for param in kernel.params:
            if isinstance(param.type, Array):
                # One that is left out is a value: None.
                inputs.append(event.arrays.get(param.name, "None"))
            elif isinstance(param.type, Struct):
                name = f"{param.name}_of_launch_{self.launches}"
                lines, _ = struct_lines(name, param.type, event.values[param.name])
                yield from lines
                inputs.append(name)
            else:
                inputs.append(value_text(param.type, event.values[param.name]))
        yield "with tape:"
        yield f"    wp.launch({event.kernel}, dim={event.dim!r}, inputs=[{', '.join(inputs)}], device=device)"
        for array in dict.fromkeys(event.arrays.values()):
            yield f"observe({label(array, 'launch', self.launches)!r}, {array})"
            self.taped.append(array)
        self.launches += 1

    def _backward(self, event: p.Backward) -> Iterator[str]:
        with_gradients = [array for array in self.program.arrays if differentiable(array)]
        for kind in ("backward pass", "second backward pass")[: 1 + event.again]:
            yield ""
            for name in event.seeds:
                yield f"{name}.grad.assign(np.arange(1.0, {name}.size * {_width(self.program, name)} + 1.0)" + (
                    f".reshape({_whole_shape(self.program, name)!r}))"
                )
            yield "tape.backward()"
            for array in with_gradients:
                yield f"observe({label(f'gradient of {array.name}', kind, self.passes)!r}, {array.name}.grad)"
            yield "tape.zero()"
            for array in with_gradients:
                if array.name in self.taped:
                    yield (
                        f"observe({label(f'gradient of {array.name}', f'the zero of the {kind}', self.passes)!r}, "
                        f"{array.name}.grad)"
                    )
        yield "tape = wp.Tape()"
        self.taped.clear()
        self.passes += 1


def constant_text(constant: n.Constant) -> str:
    """The value of a constant."""
    carrier = n.Kernel("shared", (), (n.Pass(),), (), (), (constant,))
    _, _, text = render(carrier).partition("wp.constant(")
    return text.partition("\n")[0].removesuffix(")")


def _options(event: p.Declare) -> str:
    given: list[str] = []
    if event.module == p.UNIQUE:
        given.append('module="unique"')
    elif event.module != p.OWN_MODULE:
        given.append(f'module=wp.get_module(__name__ + ".{event.module}")')
    if event.backward is not None:
        given.append(f"enable_backward={event.backward}")
    return f"({', '.join(given)})" if given else ""


def _whole_shape(program: p.Program, name: str) -> tuple[int, ...]:
    value: Input = p.array_named(program, name).value
    assert value is not None
    assert not isinstance(value, Mapping)
    return value.shape


def _width(program: p.Program, name: str) -> int:
    array = p.array_named(program, name)
    width = 1
    for size in _whole_shape(program, name)[array.type.ndim :]:
        width *= size
    return width
