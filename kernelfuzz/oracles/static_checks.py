"""What holds in generated code whatever the inputs are: one row per check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, zip_longest

from kernelfuzz.devices import Device
from kernelfuzz.oracles.static_backward import Differs, compare
from kernelfuzz.oracles.static_written import RESULTS, unwritten
from kernelfuzz.oracles.verdict import Malformed
from kernelfuzz.toolchain import Failure, KernelCode
from kernelfuzz.toolchain.generated_statements import (
    Definition,
    GeneratedFunction,
    NotUnderstood,
    definitions_in,
    understood,
)


@dataclass(frozen=True)
class Passes:
    """A kernel or a function for one device: its forward pass and, where it has one, its backward pass."""

    forward: Definition
    backward: Definition | None

    @property
    def definitions(self) -> tuple[Definition, ...]:
        return (self.forward,) if self.backward is None else (self.forward, self.backward)

    @cached_property
    def forwards(self) -> GeneratedFunction:
        return understood(self.forward)

    @cached_property
    def backwards(self) -> GeneratedFunction | None:
        return None if self.backward is None else understood(self.backward)

    @cached_property
    def difference(self) -> Differs | None:
        """Where the backward pass is first not what the forward pass makes it."""
        if self.backwards is None:
            return None
        try:
            compare(self.forwards, self.backwards)
        except Differs as difference:
            return difference
        return None


@dataclass(frozen=True)
class Code:
    """What Warp generates for a kernel: ``passes`` of its functions and of itself, ``twins`` for another device.

    ``structs`` are the texts of its structs, for each of the two.
    """

    passes: Sequence[Passes]
    twins: Sequence[Passes] = ()
    structs: tuple[Sequence[str], Sequence[str]] = ((), ())

    @cached_property
    def results(self) -> Mapping[str, int]:
        """How many of the last arguments of a call are results."""
        own: dict[str, int] = {}
        for each in self.passes:
            count = len({name for name in each.forward.parameters if name.startswith("ret_")})
            if count:
                own[each.forward.name] = count
        return {**RESULTS, **own}


def code_of(code: KernelCode, other: KernelCode | None = None) -> Code:
    """What is checked of a kernel, for one device or for both.  Raises NotUnderstood."""
    if other is None:
        return Code(_passes(code))
    return Code(_passes(code), _passes(other), (code.structs, other.structs))


def _passes(code: KernelCode) -> list[Passes]:
    """The functions that a kernel needs, and itself."""
    kernel = (*definitions_in(code.forward), *definitions_in(code.backward or ""))
    pairs = [*map(definitions_in, code.functions), kernel]
    return [Passes(pair[0], pair[1] if len(pair) > 1 else None) for pair in pairs]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, in one sentence, and what finds where code breaks it.  Finding raises NotUnderstood."""

    name: str
    says: str
    find: Callable[[Code], Iterator[Malformed]]


# ------------------------------------------------------------------------------------- the checks


def labels(code: Code) -> Iterator[Malformed]:
    for definition in _definitions(code.passes):
        targets = {line[:-2] for line in definition.lines if line.endswith(":;")}
        jumps = {line.rpartition("goto ")[2][:-1] for line in definition.lines if "goto " in line}
        for name in sorted(targets - jumps):
            yield malformed("labels", definition, f"goto {name};", f"{name}:;")
        for name in sorted(jumps - targets):
            yield malformed("labels", definition, f"{name}:;", f"goto {name};")


def devices(code: Code) -> Iterator[Malformed]:
    if not code.twins:
        return
    ours, theirs = ([*_definitions(passes)] for passes in (code.passes, code.twins))
    structs = ([Definition(text, (), tuple(text.split("\n"))) for text in texts] for texts in code.structs)
    for one, other in chain(zip_longest(ours, theirs), zip_longest(*structs)):
        if one is None or other is None:
            there = one or other
            assert there is not None
            yield malformed("devices", there, *([there.name, ""] if other is None else ["", there.name]))
            continue
        # In a loop over the grid, the end of a thread is that of one turn: a return would end all that follow.
        expected = [("continue;" if line == "return;" else line) for line in one.lines] if other.loops else one.lines
        lines, other_lines = (*one.parameters, *expected), (*other.parameters, *other.lines)
        for wanted, actual in zip_longest(lines, other_lines, fillvalue=""):
            if wanted != actual:
                yield malformed("devices", other, wanted, actual)
                break


def same_text(codes: Mapping[Device, KernelCode | Failure]) -> bool:
    """Whether a kernel has the same statements for both devices, as far as they are understood."""
    cpu, cuda = codes["cpu"], codes["cuda"]
    if isinstance(cpu, Failure) or isinstance(cuda, Failure):
        return False
    try:
        return next(devices(code_of(cpu, cuda)), None) is None
    except NotUnderstood:
        return False


def written(code: Code) -> Iterator[Malformed]:
    for each in code.passes:
        for statement, name in unwritten(each.forwards, code.results):
            yield malformed("written", each.forward, f"{name} = ...;", statement, name)


def _backward(check: str, code: Code) -> Iterator[Malformed]:
    for each in code.passes:
        difference = each.difference
        if difference is not None and difference.check == check and each.backward is not None:
            yield malformed(check, each.backward, difference.wanted, difference.actual)


def _of_backward(check: str, says: str) -> Check:
    return Check(check, says, partial(_backward, check))


CHECKS: dict[str, Check] = {
    row.name: row
    for row in (
        Check("labels", "every label has its goto, and every goto its label", labels),
        Check("devices", "the text for CUDA has the statements of the text for the CPU", devices),
        Check("written", "every variable is written before it is read, on every path", written),
        _of_backward("replay", "the replay has the statements of the forward pass that write to no array"),
        _of_backward("adjoint", "every differentiable call has its adjoint, over its own variables"),
        _of_backward("order", "the adjoints come in the opposite order of their statements"),
        _of_backward("loops", "a loop makes the same turns backwards, from the last to the first"),
        _of_backward("resets", "each turn sets to zero the adjoints of what it computes, and of nothing from outside"),
    )
}  # fmt: skip


# --------------------------------------------------------------------------- where a check is broken


_VARIABLE = re.compile(r"\b(var|adj|ret)_\w+\b(?!\()")
_LABEL = re.compile(r"\b((?:start_|end_)?(?:label|for|while))_?\d+")
_SEVERAL = re.compile(r"\b(var|adj|ret)(?:, \1\b)+")
_NUMBERED = re.compile(r"(?<![:\w])(adj_)?(?!wp\b)\w*\d\w*(?=\()")
_NUMBER = re.compile(r"(?<!\w)-?\d[\w.]*")


def operation(statement: str) -> str:
    """A statement without what differs between two kernels: numbers of variables and labels, names of functions."""
    text = _LABEL.sub(r"\1", _VARIABLE.sub(r"\1", statement))
    text = _NUMBERED.sub(lambda found: f"{found[1] or ''}function", text)
    return _SEVERAL.sub(r"\1", _NUMBER.sub("N", text)).rstrip(";")


def malformed(check: str, definition: Definition, wanted: str, actual: str, about: str = "") -> Malformed:
    """What is wrong in a function, with its lines about a variable or a label (default: the statement's last)."""
    statement = actual if check in ("labels", "written") else wanted or actual
    names = re.findall(r"\b(?:var|adj|ret)_\w+\b(?!\()|\w+(?=:;)|(?<=goto )\w+", statement)
    if about or names:
        name = about or names[-1]
        value = re.escape(re.sub(r"^(var|adj)_", "", name))
        pattern = rf"(?:var|adj)_{value}\b" if name.startswith(("var_", "adj_")) else re.escape(name)
    else:
        # A statement without names: the lines that are as it must be, and those that stand for it.
        pattern = "|".join(re.escape(each) for each in (wanted, actual) if each)
    where = f"kernel_{definition.name.rpartition('_')[2]}" if _is_kernel(definition) else definition.name
    lines = tuple(line for line in definition.lines if re.search(pattern, line))
    return Malformed(check, where, wanted, actual, operation(statement), pattern, lines)


def _is_kernel(definition: Definition) -> bool:
    return definition.name.endswith(("_kernel_forward", "_kernel_backward"))


def _definitions(passes: Sequence[Passes]) -> Iterator[Definition]:
    return chain.from_iterable(each.definitions for each in passes)
