"""Programs: kernels that share a module, declared, changed, launched on each other's arrays and differentiated.

Between two launches of one tape no name changes its meaning: a backward pass builds a module that was modified, so
that Warp's guide says nothing of what its adjoints would then be those of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from kernelfuzz.analysis.effects import written_arrays
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import program as p
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Input, Launch, flattened
from kernelfuzz.strategies.choices import Choices, SeededChoices
from kernelfuzz.strategies.context import Module
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.strategies.launch_inputs import ORDINARY, SMOOTH, Style, draw_launch
from kernelfuzz.strategies.options import Options
from kernelfuzz.strategies.program_kernels import draw_kernels, ends_backward, other_constant, other_function

# How the arrays of a program lie in memory, with weights.
_LAYOUTS = (("contiguous", 8), ("offset", 1), ("strided", 1), ("transposed", 1))

# The module of a kernel, with weights.
_MODULES = ((p.OWN_MODULE, 6), (p.UNIQUE, 3), ("second", 1))

# Options that change no value, of which a program sets some.
_OPTIONS: tuple[tuple[str, tuple[bool | int | str, ...]], ...] = (
    ("enable_backward", (False, True)),
    ("max_unroll", (0, 1, 4, 64)),
    ("mode", ("debug", "release")),
)

# Grids that are small: what several launches do to an array is not a matter of its length.
_PLAIN = replace(ORDINARY, sizes=(1, 2, 3, 5, 8), sides=(1, 2, 3))

# Of a program whose gradients are judged.
_SMOOTH_DTYPES = (t.INT32, t.FLOAT64)

# A kernel of a program is small: there are several.
_MOST_STATEMENTS = 8

# No launch of a program is tiled, or gives a struct with arrays in it.
_NEVER = frozenset({"tile", "array_field"})


def generate_program(options: Options, seed: int, index: int) -> p.Program:
    """The program with a given seed and index; it has a stream of its own beside that of the kernels."""
    return draw_program(SeededChoices(GRAMMAR_VERSION, seed, index, "program"), options)


def draw_program(choices: Choices, options: Options) -> p.Program:
    """A program whose kernels are drawn under the options."""
    draft = new_draft(choices, options)
    for number in range(choices.integer(1, 3)):
        if number or choices.chance(0.3):
            draft.changes()
        for _ in range(choices.integer(1, 3)):
            choices.span(draft.launch)
        draft.differentiate()
    return draft.program()


def new_draft(choices: Choices, options: Options) -> ProgramDraft:
    """A program that declares its kernels, and launches none yet."""
    asked = replace(options, exclude=options.exclude | _NEVER, size=(1, min(_MOST_STATEMENTS, options.size[1])))
    smooth = set(_SMOOTH_DTYPES) <= set(options.dtypes) and not choices.chance(0.2)
    if smooth:
        # Floats that several threads add up in any order are compared only where no order rounds.
        asked = replace(asked, dtypes=_SMOOTH_DTYPES, exclude=asked.exclude | {"atomic"})
    kernels, module = draw_kernels(choices, _possible(asked, options))
    draft = ProgramDraft(choices, module, SMOOTH if smooth else _PLAIN, smooth and all(map(ends_backward, kernels)))
    for kernel in kernels:
        draft.declare(kernel)
    return draft


def _possible(asked: Options, options: Options) -> Options:
    """What is asked for, unless that rules out what every kernel must have."""
    return asked if asked.ruled_out.isdisjoint(asked.include) else replace(options, size=asked.size)


@dataclass(slots=True)
class ProgramDraft:
    """A program under construction.

    ``written`` are the arrays that any launch may have changed, ``read`` those that the present tape has read;
    ``contracts`` has for each array what its elements keep to.
    """

    choices: Choices
    module: Module
    style: Style
    smooth: bool
    arrays: list[p.ArrayVariable] = field(default_factory=list[p.ArrayVariable])
    events: list[p.Event] = field(default_factory=list[p.Event])
    declared: list[p.Declare] = field(default_factory=list[p.Declare])
    written: set[str] = field(default_factory=set[str])
    read: set[str] = field(default_factory=set[str])
    taped: set[str] = field(default_factory=set[str])
    contracts: dict[str, object] = field(default_factory=dict[str, object])
    constants: dict[str, n.Constant] = field(default_factory=dict[str, n.Constant])
    functions: dict[str, n.Function] = field(default_factory=dict[str, n.Function])

    @property
    def taping(self) -> bool:
        """Whether something was launched since the last backward pass, or since the beginning."""
        return bool(self.read)

    def program(self) -> p.Program:
        module = self.module
        return p.Program(
            tuple(self.arrays), tuple(module.structs), tuple(module.constants), tuple(module.functions),
            tuple(self.events),
        )  # fmt: skip

    # ------------------------------------------------------------------------------- declarations

    def declare(self, kernel: n.Kernel) -> None:
        """Declare a kernel, sometimes once more: by its factory, with other values, or in another module."""
        backward = self.choices.weighted(((None, 6), (True, 3), (False, 1))) if self.smooth else None
        self._declare(kernel, self.choices.weighted(_MODULES), backward)
        if kernel.closure and self.choices.chance(0.6):
            values = {each.name: other_constant(each).value for each in kernel.constants}
            self._declare(p.with_values(kernel, values), self.declared[-1].module, backward)
        elif not kernel.closure and self.choices.chance(0.15):
            self._declare(kernel, self.choices.pick((p.UNIQUE, "second")), backward)

    def _declare(self, kernel: n.Kernel, module: str, backward: bool | None) -> None:
        event = p.Declare(f"made{len(self.declared)}", kernel, module, backward)
        self.declared.append(event)
        self.events.append(event)

    # ------------------------------------------------------------------------------------ changes

    def changes(self) -> None:
        """Change one or two things that a module is built of."""
        kinds: list[Callable[[], None]] = [self._set_option]
        if self.module.constants:
            kinds += [self._set_constant, self._set_constant]
        if any(map(other_function, self.module.functions)):
            kinds += [self._set_function, self._set_function]
        if any(each.kernel.constants and each.kernel.closure for each in self.declared):
            kinds.append(self._make_another)
        for _ in range(self.choices.integer(1, 2)):
            self.choices.pick(kinds)()

    def _set_option(self) -> None:
        name, values = self.choices.pick(_OPTIONS)
        self.events.append(p.SetOption(name, self.choices.pick(values)))

    def _set_constant(self) -> None:
        chosen = self.choices.pick(self.module.constants)
        changed = other_constant(self.constants.get(chosen.name, chosen))
        self.constants[chosen.name] = changed
        self.events.append(p.SetConstant(changed))
        if self.choices.chance(0.75):
            self._tell({each.module for each in self.declared}, lambda kernel: True)

    def _set_function(self) -> None:
        able = [each for each in self.module.functions if other_function(each) is not None]
        chosen = self.choices.pick(able)
        changed = other_function(self.functions.get(chosen.name, chosen))
        assert changed is not None
        self.functions[chosen.name] = changed
        self.events.append(p.SetFunction(changed))
        # Its own module learns of it; of others Warp's guide says nothing.
        others = {each.module for each in self.declared} - {p.OWN_MODULE}
        self._tell(others, lambda kernel: any(each.name == chosen.name for each in kernel.functions))

    def _tell(self, modules: set[str], about: Callable[[n.Kernel], bool]) -> None:
        """Mark the modules of some kernels as modified, each once."""
        told: set[str] = set()
        for each in self.declared:
            module = each.name if each.module == p.UNIQUE else f"module {each.module}"
            if each.module in modules and about(each.kernel) and module not in told:
                told.add(module)
                self.events.append(p.MarkModified(each.name))

    def _make_another(self) -> None:
        able = [each for each in self.declared if each.kernel.closure]
        chosen = self.choices.pick(able)
        values = {each.name: other_constant(each).value for each in chosen.kernel.constants}
        self._declare(p.with_values(chosen.kernel, values), chosen.module, chosen.backward)

    # ----------------------------------------------------------------------------------- launches

    def launch(self) -> None:
        """Launch a kernel, some of whose arrays other launches had."""
        kernel = self.choices.pick(self.declared)
        given = self._given(kernel.kernel)
        written = written_arrays(kernel.kernel)
        bound: dict[str, str] = {}
        for param in sorted(kernel.kernel.params, key=lambda each: each.name not in written):
            if isinstance(param.type, t.Array) and given.inputs[param.name] is not None:
                bound[param.name] = self._array(param, given.inputs[param.name], bound, written)
        changed = {bound[name] for name in written if name in bound}
        self.written |= changed
        self.taped |= changed
        self.read |= {*bound.values()}
        arrays = {param.name: bound[param.name] for param in kernel.kernel.params if param.name in bound}
        values = {name: value for name, value in given.inputs.items() if name not in bound}
        self.events.append(p.LaunchKernel(kernel.name, given.dim, arrays, values))

    def _given(self, kernel: n.Kernel) -> Launch:
        style = self.style
        if self.choices.chance(1 / 24):
            style = replace(style, sizes=(0,), sides=(0, 1))
        given = draw_launch(self.choices, kernel, style)
        if self.choices.chance(1 / 24):
            return replace(given, dim=(0, *given.dim[1:]))
        return given

    def _array(self, param: n.Param, value: Input, bound: Mapping[str, str], written: frozenset[str]) -> str:
        """The array that a parameter gets: one that there is, or a new one that holds the value."""
        contract = _contract(param)
        taken = {bound[name] for name in written if name in bound}
        able: list[p.ArrayVariable] = []
        for array in reversed(self.arrays):
            if array.type != param.type or _shape(array.value) != _shape(value) or array.name in taken:
                continue
            if contract is not None and (array.name in self.written or self.contracts[array.name] != contract):
                continue
            if param.name in written and (array.name in self.read or contract is not None):
                continue
            able.append(array)
        if able and self.choices.chance(0.7):
            return self.choices.pick(able).name
        name = f"array{len(self.arrays)}"
        layout = self.choices.weighted(_LAYOUTS) if isinstance(value, np.ndarray) and value.size else "contiguous"
        assert isinstance(param.type, t.Array)
        made = p.ArrayVariable(name, param.type, value, layout, not self.choices.chance(1 / 16))
        self.arrays.append(replace(made, retained=_of_floats(made) and self.choices.chance(1 / 12)))
        self.contracts[name] = contract
        return name

    def differentiate(self) -> None:
        """Run the tape backward, from the arrays that it has written."""
        if self.smooth:
            seeds = [array.name for array in self.arrays if array.name in self.taped and _of_floats(array)]
            self.events.append(p.Backward(tuple(seeds), self.choices.chance(0.3)))
        self.read.clear()
        self.taped.clear()


def _contract(param: n.Param) -> object:
    """What the elements of an array keep to; None for floats in any order."""
    assert isinstance(param.type, t.Array)
    dtype = param.type.dtype
    scalar = dtype if isinstance(dtype, t.Scalar) else getattr(dtype, "dtype", None)
    plain = isinstance(scalar, t.Scalar) and scalar.is_float and not param.ascending
    return None if plain else (param.bounds, param.ascending)


def _of_floats(array: p.ArrayVariable) -> bool:
    dtype = array.type.dtype
    scalar = dtype if isinstance(dtype, t.Scalar) else getattr(dtype, "dtype", None)
    return array.gradient and isinstance(scalar, t.Scalar) and scalar.is_float


def _shape(value: Input) -> dict[str, tuple[int, ...]]:
    return {path: leaf.shape for path, leaf in flattened({"": value}).items()}
