"""What of a kernel the installed Warp does not have, though a supported release has it."""

from __future__ import annotations

from importlib.metadata import version

from kernelfuzz.ir.nodes import Call, Construct, Node
from kernelfuzz.ir.types import Transform
from kernelfuzz.ir.walk import walk
from kernelfuzz.typecheck.builtins import BUILTINS, is_newer, resolve
from kernelfuzz.typecheck.targets import NEWER_PLACES, NewerPlace, newer_places

# The first release that makes a transform of one number, or of another one.
TRANSFORM_OF_ONE = "1.17"


def newer_values(root: Node) -> bool:
    """Whether a tree makes a transform of one argument."""
    return any(
        isinstance(node, Construct) and isinstance(node.type, Transform) and len(node.args) == 1 for node in walk(root)
    )


def lacking(root: Node) -> str:
    """Which builtin or form of a tree the installed Warp does not have, as a reason to skip it; "" where it has all."""
    for found, since in (_builtin(root), _place(root), _value(root)):
        if found:
            return f"Warp {version('warp-lang')} has no {found}, which is there since {since}"
    return ""


def is_complete() -> bool:
    """Whether the installed Warp has every builtin and every form that a supported release has."""
    return not _newer_names() and not any(map(_is_refused, NEWER_PLACES)) and not is_newer(TRANSFORM_OF_ONE)


def _newer_names() -> frozenset[str]:
    """The builtins that the installed Warp lacks, or of which it lacks a row."""
    return frozenset([row.name for row in BUILTINS if is_newer(row.since)])


def _builtin(root: Node) -> tuple[str, str]:
    newer = _newer_names()
    for node in walk(root) if newer else ():
        if isinstance(node, Call) and node.name in newer:
            signature = resolve(node.name, tuple(argument.type for argument in node.args), node.keywords)
            if signature is not None and is_newer(signature.builtin.since):
                return node.name, signature.builtin.since
    return "", ""


def _is_refused(row: NewerPlace) -> bool:
    return is_newer(row.since) and not (row.until and is_newer(row.until))


def _place(root: Node) -> tuple[str, str]:
    if any(map(_is_refused, NEWER_PLACES)):
        for row in newer_places(root):
            if _is_refused(row):
                return row.form, row.since
    return "", ""


def _value(root: Node) -> tuple[str, str]:
    if is_newer(TRANSFORM_OF_ONE) and newer_values(root):
        return "transform of one argument", TRANSFORM_OF_ONE
    return "", ""
