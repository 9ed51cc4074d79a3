"""Whether two kernels have the same generated code, names aside."""

from __future__ import annotations

import re
from collections import Counter

from kernelfuzz.toolchain import KernelCode

_WORD = re.compile(r"(?:wp::)?\w+|\S")
# Names that an author chooses: of kernels, functions and structs, each with a number or a hash behind it.
_CHOSEN = re.compile(r"(?:wp_args_|adj_|replay_)?[A-Za-z_]\w*_(?:[0-9a-f]{8}|\d+)(?:_cpu_kernel_\w+)?")
# Not chosen: what the generator counts.
_COUNTED = re.compile(r"(?:adj_|var_|label|start_|end_|for_|while_)\w*|_?wp_\w+")
# The number of a variable: another one where another constant is declared before it.
_NUMBER = re.compile(r"(?:adj|var)_\d+")
_DECLARED = re.compile(r"^ *(?:const )?[\w:<>, ]+\b((?:adj|var)_\d+)(?: = [^;]*)?;\n", re.MULTILINE)
_CONSTANT = re.compile(r"^ *const [\w:<>, ]+\bvar_(\d+) = ([^;]*);\n", re.MULTILINE)
_OF_A_CONSTANT = re.compile(r"^ *[\w:<>, ]+\badj_constant(?: = [^;]*)?;\n", re.MULTILINE)
# Warp has two names for one conversion, and the tree one node for both.
_ALIASES = {f"wp::{pre}{old}": f"wp::{pre}{old}32" for pre in ("", "adj_") for old in ("int", "float")}


def difference(one: KernelCode, other: KernelCode) -> str:
    """The first place where two kernels differ in more than names; empty where there is none."""
    # A name of the first may be several of the second: overloads of one function have one name in C++.
    names: dict[str, str] = {}
    parts = [("structs", "".join(one.structs), "".join(other.structs))]
    parts += [("functions", *pair) for pair in zip(one.functions, other.functions, strict=False)]
    parts += [("forward", one.forward, other.forward), ("backward", one.backward or "", other.backward or "")]
    if len(one.functions) != len(other.functions):
        return f"functions: {len(one.functions)} | {len(other.functions)}"
    return next(filter(None, [_different(*part, names) for part in parts]), "")


def _different(part: str, left: str, right: str, names: dict[str, str]) -> str:
    """The first place where two texts differ; ``names`` has the chosen ones that were met."""
    first, second = _words(left), _words(right)
    # Each variable of the one stands for one of the other.
    numbers: tuple[dict[str, str], dict[str, str]] = {}, {}
    for at, (a, b) in enumerate(zip(first, second, strict=False)):
        if _is_chosen(a) and _is_chosen(b):
            same = names.setdefault(b, a) == a
        elif _NUMBER.fullmatch(a) and _NUMBER.fullmatch(b) and a[:3] == b[:3]:
            same = numbers[0].setdefault(a, b) == b and numbers[1].setdefault(b, a) == a
        else:
            same = a == b
        if not same:
            around = [" ".join(words[max(0, at - 8) : at + 6]) for words in (first, second)]
            return f"{part}: {around[0]} | {around[1]}"
    return f"{part}: {len(first)} words | {len(second)} words" if len(first) != len(second) else ""


def _by_value(function: str) -> str:
    """The text of a function with the values of constants for their names: how often one is declared says nothing."""
    values = {f"var_{number}": value for number, value in _CONSTANT.findall(function)}
    values |= {f"adj_{name.removeprefix('var_')}": "adj_constant" for name in values}
    named = _NUMBER.sub(lambda each: values.get(each[0], each[0]), _CONSTANT.sub("", function))
    return _OF_A_CONSTANT.sub("", named)


def _words(text: str) -> list[str]:
    found: list[str] = []
    # A function and its adjoint have variables of their own.
    for function in map(_by_value, text.split("\n}\n")):
        times = Counter(_NUMBER.findall(function))
        used = _DECLARED.sub(lambda each, times=times: each[0] if times[each[1]] > 1 else "", function)
        found += [*_WORD.findall(used), "}"]
    return [_ALIASES.get(each, each) for each in found]


def _is_chosen(word: str) -> bool:
    stem = word.removeprefix("adj_") if word.startswith("adj_") else word
    return _CHOSEN.fullmatch(word) is not None and _COUNTED.fullmatch(stem.removeprefix("wp_args_")) is None
