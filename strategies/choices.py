"""Where the grammar's decisions come from.

The grammar is plain functions that ask a ``Choices`` for an integer, one of several options or a yes or no.
One source draws through Hypothesis, so that everything shrinks; the other is a seeded generator, a pure
function of its seed, for corpora and campaigns.  Index 0, the low end and "no" are the simple side.
"""

from __future__ import annotations

import functools
import hashlib
import operator
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

_WEIGHT = operator.itemgetter(1)


class Choices:
    """A source of decisions: a subclass provides ``integer``; the rest follows from it."""

    __slots__ = ()

    def integer(self, low: int, high: int) -> int:
        """An integer in ``low..high``, both included; ``low`` is the simplest."""
        raise NotImplementedError

    def pick(self, options: Sequence[T]) -> T:
        """One of the options; the first is the simplest.  Draws nothing where there is no choice."""
        if len(options) == 1:
            return options[0]
        return options[self.integer(0, len(options) - 1)]

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of the options, each as often as its whole-number weight says; the first is the simplest."""
        if len(options) == 1:
            return options[0][0]
        at = self.integer(0, sum(map(_WEIGHT, options)) - 1)
        for option, weight in options:
            at -= weight
            if at < 0:
                return option
        raise AssertionError("weights must be positive")

    def possible(self, options: Sequence[tuple[T, int]], possible: Callable[[T], bool]) -> T:
        """One of the options, or where it is not possible just now the nearest simpler one that is.

        What is possible depends on what was drawn before.  The numbers drawn do not, so that when shrinking
        drops one part of an example, the rest keeps its meaning.
        """
        chosen = self.weighted(options)
        if possible(chosen):
            return chosen
        names = [option for option, _ in options]
        at = names.index(chosen)
        return next(option for option in (*names[:at][::-1], *names[at + 1 :]) if possible(option))

    def chance(self, probability: float) -> bool:
        """True with the given probability, in steps of 1/256; False is the simplest."""
        return self.integer(0, 255) >= 256 - round(probability * 256)

    def span(self, draw: Callable[[], T]) -> T:
        """Draw something that may be dropped as a whole when shrinking."""
        return draw()


_NOTHING = st.just(None)


@functools.lru_cache(maxsize=4096)
def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


class DrawnChoices(Choices):
    """Choices drawn through Hypothesis."""

    __slots__ = ("_draw",)

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return low if low == high else self._draw(_integers(low, high))

    def span(self, draw: Callable[[], T]) -> T:
        # Hypothesis deletes as a whole what one strategy drew: this makes a strategy of a piece of grammar.
        return self._draw(_NOTHING.map(lambda _: draw()))


class SeededChoices(Choices):
    """Choices that are a pure function of a key, the same on any machine and Python.

    Only ``random.Random.random`` is used: of Python's generator it is the one method that is documented
    to keep its sequence for a given integer seed.
    """

    __slots__ = ("_random",)

    def __init__(self, *key: object) -> None:
        digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
        self._random = random.Random(int.from_bytes(digest, "big")).random

    def integer(self, low: int, high: int) -> int:
        return low + int(self._random() * (high - low + 1))
