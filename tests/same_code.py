"""Whether two kernels have the same generated code, names aside."""

from __future__ import annotations

import re

from kernelfuzz.toolchain import KernelCode

_WORD = re.compile(r"(?:wp::)?\w+|\S")
# Names that an author chooses: of kernels, functions and structs, each with a number or a hash behind it.
_CHOSEN = re.compile(r"(?:wp_args_|adj_|replay_)?[A-Za-z_]\w*_(?:[0-9a-f]{8}|\d+)(?:_cpu_kernel_\w+)?")
# Not chosen: what the generator counts.
_COUNTED = re.compile(r"(?:adj_|var_|label|start_|end_|for_|while_)\w*|_?wp_\w+")
# Warp has two names for one conversion, and the tree one node for both.
_ALIASES = {f"wp::{pre}{old}": f"wp::{pre}{old}32" for pre in ("", "adj_") for old in ("int", "float")}


def difference(one: KernelCode, other: KernelCode) -> str:
    """The first place where two kernels differ in more than names; empty where there is none."""
    # A name of the first may be several of the second: overloads of one function have one name in C++.
    names: dict[str, str] = {}
    for part, left, right in (
        ("structs", "".join(one.structs), "".join(other.structs)),
        ("functions", "".join(one.functions), "".join(other.functions)),
        ("forward", one.forward, other.forward),
        ("backward", one.backward or "", other.backward or ""),
    ):
        first, second = _words(left), _words(right)
        for at, (a, b) in enumerate(zip(first, second, strict=False)):
            chosen = _is_chosen(a) and _is_chosen(b)
            if not (names.setdefault(b, a) == a if chosen else a == b):
                around = [" ".join(words[max(0, at - 8) : at + 6]) for words in (first, second)]
                return f"{part}: {around[0]} | {around[1]}"
        if len(first) != len(second):
            return f"{part}: {len(first)} words | {len(second)} words"
    return ""


def _words(text: str) -> list[str]:
    found: list[str] = _WORD.findall(text)
    return [_ALIASES.get(each, each) for each in found]


def _is_chosen(word: str) -> bool:
    stem = word.removeprefix("adj_") if word.startswith("adj_") else word
    return _CHOSEN.fullmatch(word) is not None and _COUNTED.fullmatch(stem.removeprefix("wp_args_")) is None
