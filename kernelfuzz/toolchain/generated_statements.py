"""The functions of generated text, taken apart into typed statements.

Warp writes one statement to a line, declares every variable at the top of its function, and builds loops of
labels and ``goto``: so lines, a stack of open branches and labels are all the syntax there is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias


class NotUnderstood(ValueError):
    """Text that no statement of this module describes; the message is the line."""


@dataclass(frozen=True, slots=True)
class Step:
    """An assignment or a call: ``target operator called(...)``, each of which may be empty.

    ``part`` is what follows the name of the target (``.field``).  ``names`` are the variables that are mentioned
    right of the operator, in their order, those of template and lambda bodies included.
    """

    text: str
    target: str = ""
    part: str = ""
    operator: str = ""
    called: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    text: str
    name: str


@dataclass(frozen=True, slots=True)
class Jump:
    """A ``goto``, under the condition on ``names`` where there are any."""

    text: str
    label: str
    names: tuple[str, ...] = ()

    @property
    def always(self) -> bool:
        return not self.text.startswith("if ")


@dataclass(frozen=True, slots=True)
class Leave:
    """A ``return`` of the kernel or function, or the ``continue`` of a grid-stride loop."""

    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """``if (name) { body }``, or ``if (!name) { body }`` where it is ``negated``."""

    text: str
    name: str
    negated: bool
    body: Sequence[Node]


@dataclass(frozen=True, slots=True)
class Loop:
    """What stands between ``start_name`` and ``end_name``, both labels included."""

    name: str
    body: Sequence[Node]

    @property
    def text(self) -> str:
        return f"start_{self.name}:;"


Node: TypeAlias = "Step | Label | Jump | Leave | Branch | Loop"


@dataclass(frozen=True, slots=True)
class Declaration:
    """``value`` is what the variable starts with, empty for nothing."""

    text: str
    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A function as lines: those of its declarations and statements, which are the same for every device.

    ``loops``: they stand in a loop over the grid, so that what ends one thread of a launch is ``continue``.
    """

    name: str
    parameters: tuple[str, ...]
    lines: tuple[str, ...]
    loops: bool = False


@dataclass(frozen=True, slots=True)
class GeneratedFunction:
    name: str
    parameters: tuple[str, ...]
    declarations: tuple[Declaration, ...]
    body: Sequence[Node]


# ------------------------------------------------------------------------------------------ one statement

_NAME = re.compile(r"\b(?:var|adj|ret)_\w+\b(?!\()|\badj_ret\b")
_ASSIGNED = re.compile(r"((?:var|adj|ret)_[\w.]+) ([-+]?=) ")
_BRANCH = re.compile(r"if \((!?)\(?((?:var|adj)_\w+)\)?\) \{")
_JUMP = re.compile(r"(?:if \(.*\) )?goto (\w+);")


@lru_cache(maxsize=1 << 14)
def statement(line: str) -> Step | Label | Jump | Leave:
    """The statement of a line that opens no branch and declares nothing.  Raises NotUnderstood."""
    if line.endswith(":;"):
        return Label(line, line[:-2])
    names = tuple(_NAME.findall(line))
    jump = _JUMP.fullmatch(line) if "goto " in line else None
    if jump is not None:
        return Jump(line, jump[1], names)
    if line.startswith(("return", "continue")):
        return Leave(line, names)
    assigned = _ASSIGNED.match(line)
    if assigned is not None:
        name, dot, part = assigned[1].partition(".")
        return Step(line, name, dot + part, assigned[2], _called(line[assigned.end() :]), names[1:])
    called = _called(line)
    if not called or not line.endswith(";"):
        raise NotUnderstood(line)
    return Step(line, called=called, names=names)


def _called(value: str) -> str:
    """The name of the function whose call a value is; empty where it is something else."""
    head, bracket, _ = value.partition("(")
    name = head.partition("<")[0]
    return name if bracket and name.replace("::", "_").isidentifier() else ""


@lru_cache(maxsize=1 << 14)
def _declaration(line: str) -> Declaration | None:
    """The declaration of a line: a type and a name in front of a value, or of the end."""
    declared, _, value = line[:-1].removesuffix("{}").partition(" = ")
    type_, _, name = declared.rpartition(" ")
    name = name.lstrip("*&").partition("(")[0]
    if not type_ or type_ == "return" or not name.startswith(("var_", "adj_")) or not name.isidentifier():
        return None
    return Declaration(line, name, type_.removeprefix("const "), value or line[len(declared) : -1])


# ------------------------------------------------------------------------------------------ one function

# The lines around the body of a kernel: how arguments come in, and the loop over the grid.
_FRAME = re.compile(r"_args\b|\bwp_(?:contiguous|linear)_|^wp::tile_shared_storage_t|^for \(size_t |^_idx |^[{}]$")
_GRID_LOOP = "for (size_t "
_ARGUMENT = re.compile(r".* ((?:var|adj)_(\w+)) = _wp_(?:adj_)?args->\2;")


def definitions_in(text: str) -> tuple[Definition, ...]:
    """The functions that generated text without comments defines.  Raises NotUnderstood."""
    found: list[Definition] = []
    for piece in text.split("\n}\n"):
        head, brace, body = f"{piece}\n".partition("\n{\n")
        if brace:
            found.append(_definition(head, body))
    return tuple(found)


def _definition(head: str, body: str) -> Definition:
    before, bracket, signature = head.rpartition("(\n")
    if not bracket:
        raise NotUnderstood(head)
    parameters: list[str] = _NAME.findall(signature)
    lines = [line for line in map(str.strip, body.split("\n")) if line]
    start = opened = 0
    loops = False
    for line in lines:
        if not _FRAME.search(line):
            break
        opened += (line == "{") - (line == "}")
        loops |= line.startswith(_GRID_LOOP)
        if (argument := _ARGUMENT.fullmatch(line)) is not None:
            parameters.append(argument[1])
        start += 1
    # What the frame leaves open is closed at the end.
    return Definition(before.split()[-1], tuple(parameters), tuple(lines[start : len(lines) - opened]), loops)


def understood(definition: Definition) -> GeneratedFunction:
    """The function as declarations and statements.  Raises NotUnderstood."""
    declarations: list[Declaration] = []
    for line in definition.lines:
        if (declared := _declaration(line)) is None:
            break
        declarations.append(declared)
    body = _nodes(definition.lines[len(declarations) :])
    return GeneratedFunction(definition.name, definition.parameters, tuple(declarations), body)


def _nodes(lines: Sequence[str]) -> Sequence[Node]:
    block: list[Node] = []
    # The blocks around it, each with what it is the inside of: the head of a branch, or the name of a loop.
    outer: list[tuple[list[Node], re.Match[str] | str]] = []
    for line in lines:
        if line == "}":
            if not outer or isinstance(outer[-1][1], str):
                raise NotUnderstood("a bracket that closes nothing")
            inside, (block, head) = block, outer.pop()
            assert not isinstance(head, str)
            block.append(Branch(text=head[0], name=head[2], negated=bool(head[1]), body=inside))
        elif line[-1] == "{":
            head = _BRANCH.fullmatch(line)
            if head is None:
                raise NotUnderstood(line)
            outer.append((block, head))
            block = []
        else:
            node = statement(line)
            if not isinstance(node, Label):
                block.append(node)
                continue
            if node.name.startswith("start_"):
                outer.append((block, node.name.removeprefix("start_")))
                block = []
            block.append(node)
            if outer and node.name == f"end_{outer[-1][1]}":
                inside, (block, name) = block, outer.pop()
                block.append(Loop(str(name), inside))
    if outer:
        raise NotUnderstood("a block without its end")
    return block
