"""How the code that two releases generate from one kernel differs, in words that fit many kernels.

What Warp chooses freely is put aside first: hashes in symbols, numbers of variables and labels, white space.
The kinds are read off what is left; one pair of texts can have several.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

NUMBERING = "only numbering or formatting"

_HASH = re.compile(r"_[0-9a-f]{8}(?=_|\b)")
# Warp's own names that end in a number: variables, adjoints, labels of loops.
_NUMBERED = re.compile(r"\b((?:adj|var|label|(?:start|end)_(?:for|while))_)(\d+)\b")
# Not the adjoint of a function, which is called.
_VARIABLE = re.compile(r"\b(var|adj)_\w+(?![\w(<])")
_LABEL = re.compile(r"\b((?:start|end)_(?:for|while)|label)_\d+\b")

_ENTRY = re.compile(
    r"wp_args|wp_contiguous|wp_linear|tile_shared_storage|\b_idx\b|builtin_tid"
    r"|__global__|extern \"C\"|template <"
)
_CONTROL = re.compile(r"(?:if|for|while|else|goto|return|continue|break|switch)\b|\w+:;")
_DECLARED = re.compile(r"(?:const )?([\w:<>,&* ]+?[\w>&*]) ?\b(?:var|adj)_\w+(?: = (.+))?;")
_CALLEE = re.compile(r"\b(?:wp::)?([A-Za-z_]\w*)(?:<[^();]*>)?\(")
_CALL = re.compile(r"\w\(.*;")
_NO_CALLEE = frozenset(("if", "for", "while", "return", "switch", "sizeof"))


@dataclass(frozen=True, slots=True)
class Facts:
    """One generated text: what its kinds of lines are, without the numbers of variables.

    ``entry``: signatures, and what a kernel does before its own statements.  ``control``: loops and branches.
    ``callees`` and ``types``: how often a function is called, a type declared.  ``constants``: the values
    that declarations have.  ``statements``: how many there are.  ``plain``: those that are no declaration and
    no ``control``.  ``lines``: everything.
    """

    entry: tuple[str, ...]
    control: tuple[str, ...]
    callees: Counter[str]
    types: Counter[str]
    constants: Counter[str]
    statements: int
    plain: Counter[str]
    lines: tuple[str, ...]
    renumbered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeChange:
    """The kinds of change, and the functions that are called more often (positive) or less often."""

    kinds: tuple[str, ...]
    callees: Counter[str]


# What each kind means, in the order in which they are shown.
KINDS: dict[str, Callable[[Facts, Facts], bool]] = {
    "signatures and entry code": lambda old, new: old.entry != new.entry,
    "other control flow": lambda old, new: old.control != new.control,
    "other functions called": lambda old, new: old.callees != new.callees,
    "argument passing": lambda old, new: (
        old.callees == new.callees and old.plain != new.plain and old.plain.total() == new.plain.total()
    ),
    "other types": lambda old, new: old.types.total() == new.types.total() and old.types != new.types,
    "other constants": lambda old, new: old.callees == new.callees and old.constants != new.constants,
    "more statements": lambda old, new: old.statements < new.statements,
    "fewer statements": lambda old, new: old.statements > new.statements,
    "another order": lambda old, new: old.lines != new.lines and Counter(old.lines) == Counter(new.lines),
    "other variables": lambda old, new: old.lines == new.lines and old.renumbered != new.renumbered,
}


def code_change(old: str, new: str) -> CodeChange | None:
    """How two generated texts differ; None where they are the same to the byte."""
    if old == new:
        return None
    before, after = facts(old), facts(new)
    if before.renumbered == after.renumbered:
        return CodeChange((NUMBERING,), Counter())
    kinds = tuple(kind for kind, differs in KINDS.items() if differs(before, after))
    callees = Counter(after.callees)
    callees.subtract(before.callees)
    changed = Counter({name: count for name, count in callees.items() if count})
    return CodeChange(kinds or ("other lines",), changed)


def same_code(old: str, new: str) -> bool:
    """Whether two generated texts are the same but for hashes, numbering and white space."""
    return old == new or facts(old).renumbered == facts(new).renumbered


@lru_cache(maxsize=64)
def facts(text: str) -> Facts:
    """What the kinds are told from."""
    bare = [line for line in (_spaced(line) for line in _HASH.sub("", text).split("\n")) if line]
    renumbered = tuple(_renumbered(_HASH.sub("", text)))
    lines = tuple(_without_numbers(line) for line in bare)
    entry: list[str] = []
    control: list[str] = []
    callees: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    types: Counter[str] = Counter()
    constants: Counter[str] = Counter()
    statements = 0
    for line, in_header in zip(lines, _headers(text), strict=True):
        if in_header or _ENTRY.search(line):
            entry.append(line)
            continue
        if line in ("{", "}", "};"):
            continue
        if declared := _DECLARED.fullmatch(line):
            types[declared[1]] += 1
            if declared[2] not in (None, "{}"):
                constants[declared[2]] += 1
            continue
        statements += 1
        if _CONTROL.match(line):
            control.append(line)
        names = [name for name in _CALLEE.findall(line) if name not in _NO_CALLEE]
        callees.update(names)
        if not _CONTROL.match(line):
            plain[line] += 1
    return Facts(tuple(entry), tuple(control), callees, types, constants, statements, plain, lines, renumbered)


def _spaced(line: str) -> str:
    return " ".join(line.split())


def _without_numbers(line: str) -> str:
    return _VARIABLE.sub(r"\1", _LABEL.sub(r"\1", line)) if not _DECLARED.fullmatch(line) else _declared(line)


def _declared(line: str) -> str:
    """A declaration keeps the form of its name, by which it is known as one."""
    return _VARIABLE.sub(r"\1_N", line)


def _headers(text: str) -> Iterator[bool]:
    """For each line that is not empty whether it stands outside of the body of a function."""
    inside = False
    for line in text.split("\n"):
        if line.startswith("}"):
            inside = False
        if line.strip():
            yield not inside and not line.startswith("}")
        if line.startswith("{"):
            inside = True


def _renumbered(text: str) -> Iterator[str]:
    """The lines, with Warp's numbers counted anew in each function: by first appearance."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f"{found[1]}{len(numbers)}")

    for line in text.split("\n"):
        spaced = _spaced(line)
        if spaced:
            yield _NUMBERED.sub(number, spaced)
        if line.startswith("}"):
            numbers.clear()


# How many lines of a diff are shown, and around each place.
_LONGEST = 14
_CONTEXT = 1

# What a line that shows a kind looks like; of the other kinds every place is as good.
_TELLING: dict[str, re.Pattern[str]] = {
    "signatures and entry code": _ENTRY,
    "other control flow": _CONTROL,
    "other functions called": _CALL,
    "argument passing": _CALL,
    "other types": _DECLARED,
    "other constants": _DECLARED,
}


def diff(old: str, new: str, kind: str = "") -> tuple[str, ...]:
    """One place of a unified diff that is made without the numbers of variables, and shows them.

    The first place with a changed line that shows the kind, or else the first.
    """
    before, after = _shown(old), _shown(new)
    keys = [[_without_numbers(line) for line in lines] for lines in (before, after)]
    if keys[0] == keys[1]:
        keys = [list(_renumbered("\n".join(lines))) for lines in (before, after)]
    if keys[0] == keys[1]:
        keys = [before, after] if before != after else [old.split("\n"), new.split("\n")]
        before, after = keys
    places: list[list[str]] = []
    for group in SequenceMatcher(None, *keys, autojunk=False).get_grouped_opcodes(_CONTEXT):
        place: list[str] = []
        for tag, a, b, c, d in group:
            if tag == "equal":
                place += _marked(" ", before[a:b])
            else:
                place += [*_marked("-", before[a:b]), *_marked("+", after[c:d])]
        places.append(place)
    telling = _TELLING.get(kind)
    chosen = next((place for place in places if telling and _tells(place, telling)), places[0])
    return tuple(chosen) if len(chosen) <= _LONGEST else (*chosen[:_LONGEST], "...")


def _tells(place: Sequence[str], telling: re.Pattern[str]) -> bool:
    changed = [line[2:] for line in place if line[0] != " "]
    if telling is _DECLARED:
        return any(telling.fullmatch(line) for line in changed)
    if telling is _CONTROL:
        return any(telling.match(line) for line in changed)
    return any(telling.search(line) and not (telling is _CALL and _ENTRY.search(line)) for line in changed)


def _shown(text: str) -> list[str]:
    return [line for line in (_spaced(line) for line in _HASH.sub("", text).split("\n")) if line]


def _marked(mark: str, lines: Sequence[str]) -> list[str]:
    return [f"{mark} {line}" for line in lines]
