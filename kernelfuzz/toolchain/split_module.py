"""The module's text taken apart: each kernel with the functions and structs that it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.compat import Device
from kernelfuzz.toolchain.text import find_piece, names_in, split_before, strip_comments, strip_header


@dataclass(frozen=True, slots=True)
class KernelCode:
    """The generated code of one kernel, in pieces.

    ``forward`` and ``backward`` are one function each (for the CPU, forward starts with the struct that
    carries the arguments).  ``functions`` and ``structs`` are what the two need, in the module's order; a
    function's text holds its adjoint too where the kernel has a backward.
    """

    name: str
    mangled_name: str
    forward: str
    backward: str | None
    functions: tuple[str, ...]
    structs: tuple[str, ...]
    arg_types: tuple[tuple[str, str], ...]


def stripped(text: str, pieces: tuple[compat.Piece, ...]) -> tuple[str, tuple[compat.Piece, ...]]:
    """The module and its pieces without comments; each piece is stripped once, and the module put together
    again from what is between them."""
    parts: list[str] = []
    bare_pieces: list[compat.Piece] = []
    at = 0
    for piece in pieces:
        start = find_piece(text, piece.text, at)
        between = text[at:start]
        parts.append(strip_header(between) if at == 0 else strip_comments(between))
        bare = strip_comments(piece.text)
        parts.append(bare)
        bare_pieces.append(compat.Piece(piece.kind, piece.owner, piece.name, bare, piece.part))
        at = start + len(piece.text)
    parts.append(strip_comments(text[at:]))
    return "".join(parts), tuple(bare_pieces)


@dataclass(slots=True)
class _Function:
    """The two halves of a user function, wherever in the module they stand."""

    name: str
    forward: str = ""
    reverse: str = ""


def _functions(pieces: Iterable[compat.Piece]) -> list[_Function]:
    functions: dict[int, _Function] = {}
    for piece in pieces:
        if piece.kind != "function":
            continue
        function = functions.setdefault(id(piece.owner), _Function(piece.name))
        if piece.part == "whole":
            forward, reverse = split_before(piece.text, f"void adj_{piece.name}(")
        else:
            forward, reverse = (piece.text, "") if piece.part == "forward" else ("", piece.text)
        function.forward += forward
        function.reverse += reverse
    return list(functions.values())


def kernel_codes(
    generated: compat.Generated, pieces: tuple[compat.Piece, ...], device: Device, wanted: str | None
) -> tuple[KernelCode, ...]:
    functions = _functions(pieces)
    structs = [piece for piece in pieces if piece.kind == "struct"]
    kernels = {piece.name: piece for piece in pieces if piece.kind == "kernel"}
    alone = len(kernels) == 1
    result: list[KernelCode] = []
    for name in generated.order:
        piece = kernels.get(name)
        if piece is None:
            continue
        facts = compat.facts(piece.owner)
        if wanted is not None and wanted not in (facts.name, facts.key):
            continue
        forward, backward = split_before(piece.text, f"{facts.mangled_name}_{device}_kernel_backward(")
        needed = functions if alone else _needed_functions(piece.text, functions, bool(backward))
        texts = [_function_text(function, bool(backward)) for function in needed]
        texts = [text for text in texts if text]
        names = set() if alone else _needed_structs([piece.text, *texts], structs)
        result.append(
            KernelCode(
                name=facts.name,
                mangled_name=facts.mangled_name,
                forward=forward.strip() + "\n",
                backward=backward.strip() + "\n" if backward else None,
                functions=tuple(texts),
                structs=tuple(each.text.strip() + "\n" for each in structs if alone or each.name in names),
                arg_types=facts.arg_types,
            )
        )
    return tuple(result)


def _function_text(function: _Function, backward: bool) -> str:
    halves = [function.forward.strip(), function.reverse.strip() if backward else ""]
    text = "\n\n".join(half for half in halves if half)
    return text + "\n" if text else ""


def _needed_functions(text: str, functions: list[_Function], backward: bool) -> list[_Function]:
    """The functions that ``text`` calls, and what those call; by name, which is unique in a module."""
    names = names_in(text)
    needed: set[int] = set()
    while True:
        added = [
            function
            for function in functions
            if id(function) not in needed
            and not names.isdisjoint((function.name, f"adj_{function.name}", f"replay_{function.name}"))
        ]
        if not added:
            return [function for function in functions if id(function) in needed]
        for function in added:
            needed.add(id(function))
            names |= names_in(_function_text(function, backward))


def _needed_structs(texts: Iterable[str], structs: list[compat.Piece]) -> set[str]:
    """The structs that ``texts`` name, and the ones that their fields name."""
    names = names_in("\n".join(texts))
    needed: set[str] = set()
    # A struct stands behind those that it contains, so one pass backwards is enough.
    for struct in reversed(structs):
        if struct.name in names:
            needed.add(struct.name)
            names |= names_in(struct.text)
    return needed
