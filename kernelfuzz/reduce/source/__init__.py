"""Anybody's Python file made small: what reduction does with text that need not fit the IR."""

from kernelfuzz.reduce.source.question import Command, Fails, NotInteresting, Question
from kernelfuzz.reduce.source.reduce_text import Limits, Progress, neighbours, reduce_source
from kernelfuzz.reduce.source.tree import Size, has_kernel, measure, parsed

__all__ = [
    "Command",
    "Fails",
    "Limits",
    "NotInteresting",
    "Progress",
    "Question",
    "Size",
    "has_kernel",
    "measure",
    "neighbours",
    "parsed",
    "reduce_source",
]
