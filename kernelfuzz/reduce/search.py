"""The search of every reduction: smaller and smaller values that are still interesting.

A question is expensive, so the search asks each one once, begins several before it needs an answer, and lists
the candidates that cut most first.  An edit that was not interesting is put off until nothing else is left;
then everything is tried again, until no single edit makes an interesting value.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
E = TypeVar("E")

# A pass lists the edits of a value, each with a label; the search takes two edits with one label for the same.
Pass: TypeAlias = Callable[[T], Iterable[tuple[Hashable, E]]]


class OutOfTime(Exception):
    """The time of a reduction is over."""


@dataclass(frozen=True, slots=True)
class Reducible(Generic[T, E]):
    """What a search knows of the values that it makes smaller.

    ``apply`` makes some edits of a value; it gives None where it cannot.  Only a value with a smaller
    ``measure`` is a candidate, and only if it ``is_valid``.  Values with one ``key`` have one answer.
    """

    passes: Sequence[Pass[T, E]]
    apply: Callable[[T, Sequence[E]], T | None]
    measure: Callable[[T], Any]
    key: Callable[[T], str]
    is_valid: Callable[[T], bool]


@dataclass(frozen=True, slots=True)
class Asking(Generic[T]):
    """How a search asks: ``begin`` starts a question and returns what waits for its answer.

    ``ahead`` questions at most are open at a time.  Of each ``group`` of answers the search takes the best
    interesting value and what several of their edits make together; a group of one takes the first.
    """

    begin: Callable[[T], Callable[[], bool]]
    ahead: int = 1
    group: int = 1


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T, E]):
    """A value with its measure, its key and the edits that made it."""

    value: T
    measure: Any
    key: str
    edits: tuple[E, ...] = ()


def runs(count: int) -> Iterator[tuple[int, int]]:
    """Runs of ``count`` things that cover them: one of all, two of half of them, ... each alone."""
    size = count
    seen: set[tuple[int, int]] = set()
    while size >= 1:
        for low in range(0, count, size):
            run = low, min(low + size, count)
            if run not in seen:
                seen.add(run)
                yield run
        size = (size + 1) // 2 if size > 1 else 0


def neighbours(value: T, of: Reducible[T, E]) -> Iterator[T]:
    """Every smaller and valid value that one edit makes, each once."""
    size, seen = of.measure(value), {of.key(value)}
    for each in of.passes:
        for _, edit in each(value):
            found = of.apply(value, (edit,))
            if found is not None and of.measure(found) < size and (key := of.key(found)) not in seen:
                seen.add(key)
                if of.is_valid(found):
                    yield found


class Search(Generic[T, E]):
    """One reduction.

    ``best`` is the smallest interesting value so far, ``asked`` the number of questions, ``tried`` that of
    candidates, those with a known answer included, ``now`` the pass at work.  ``on_answer`` is called after
    each candidate.  What a question raises goes through; OutOfTime is raised at the end of ``seconds``.
    """

    def __init__(self, value: T, of: Reducible[T, E], asking: Asking[T], seconds: float | None = None) -> None:
        self.of = of
        self.asking = asking
        self.until: float = math.inf if seconds is None else time.monotonic() + seconds
        self.best: Candidate[T, E] = self._candidate(value)
        self.asked: int = 0
        self.tried: int = 0
        self.now: Pass[T, E] | None = None
        self.on_answer: Callable[[], None] = lambda: None
        self._answers = {self.best.key: True}
        self._valid: dict[str, bool] = {}
        self._open: dict[str, Callable[[], bool]] = {}

    def exhaust(self) -> None:
        """Go through the passes until no edit of any of them is interesting."""
        while True:
            before = self.best
            self._skipped = False
            for each in self.of.passes:
                self.now = each
                # What was not interesting, or not smaller; an edit with the same label may do better.
                put_off: set[Hashable] = set()
                while self._improve(each, put_off):
                    pass
            if self.best is before and not self._skipped:
                return

    def ask(self, values: Sequence[T]) -> list[bool]:
        """Whether each of some values is valid and interesting."""
        found = [self._candidate(value) for value in values]
        good = [self._is_valid(each) for each in found]
        for each, valid in zip(found, good, strict=True):
            if valid:
                self._begin(each)
        return [valid and self._answer(each) for each, valid in zip(found, good, strict=True)]

    def offer(self, value: T) -> bool:
        """Take another value for the best, whatever its measure, if it is interesting."""
        found = self._candidate(value)
        if found.key == self.best.key or not any(self.ask([value])):
            return False
        self.best = found
        return True

    # -------------------------------------------------------------------- candidates

    def _candidate(self, value: T) -> Candidate[T, E]:
        return Candidate(value, self.of.measure(value), self.of.key(value))

    def _after(self, start: Candidate[T, E], edits: tuple[E, ...]) -> Candidate[T, E] | None:
        """What the edits make of a candidate, if that is smaller and valid."""
        value = self.of.apply(start.value, edits)
        if value is None or not (size := self.of.measure(value)) < start.measure:
            return None
        found = Candidate(value, size, self.of.key(value), edits)
        return found if self._is_valid(found) else None

    def _is_valid(self, candidate: Candidate[T, E]) -> bool:
        known = self._valid.get(candidate.key)
        if known is None:
            known = self._valid[candidate.key] = self.of.is_valid(candidate.value)
        return known

    def _listed(self, each: Pass[T, E], put_off: set[Hashable]) -> Iterator[tuple[Hashable, Candidate[T, E] | None]]:
        """The label of each edit that is not put off, with the candidate that it makes, if any."""
        start = self.best
        seen: set[str] = set()
        for label, edit in each(start.value):
            if label in put_off:
                self._skipped = True
                continue
            found = self._after(start, (edit,))
            if found is None or found.key not in seen:
                yield label, found
            if found is not None:
                seen.add(found.key)

    # ------------------------------------------------------------------------ asking

    def _begin(self, candidate: Candidate[T, E]) -> bool:
        """Have a question asked whose answer is not known; whether it is such a one.  Raises OutOfTime."""
        key = candidate.key
        if key in self._answers:
            return False
        if key not in self._open:
            if time.monotonic() >= self.until:
                raise OutOfTime
            self._open[key] = self.asking.begin(candidate.value)
        return True

    def _answer(self, candidate: Candidate[T, E]) -> bool:
        """The answer to a question that has begun; the best candidate is kept, of equals the first."""
        key = candidate.key
        if key not in self._answers:
            self._answers[key] = self._open.pop(key)()
            self.asked += 1
        self.tried += 1
        if self._answers[key] and candidate.measure < self.best.measure:
            self.best = candidate
        self.on_answer()
        return self._answers[key]

    def _improve(self, each: Pass[T, E], put_off: set[Hashable]) -> bool:
        """Ask about the edits of a pass, group after group, until some are interesting."""
        start = self.best
        for group in self._groups(self._listed(each, put_off)):
            good = [found for _, found in group if found is not None and self._answer(found)]
            put_off.update(label for label, found in group if found is None or not self._answers[found.key])
            if good:
                self._combine(start, good)
                return True
        return False

    def _groups(
        self, listed: Iterable[tuple[Hashable, Candidate[T, E] | None]]
    ) -> Iterator[list[tuple[Hashable, Candidate[T, E] | None]]]:
        """Candidates by the group of questions that they belong to, all of which have begun."""
        waiting: deque[tuple[Hashable, Candidate[T, E] | None, bool]] = deque()
        begun = 0
        for item in chain(listed, (None,)):
            if item is not None:
                is_question = item[1] is not None and self._begin(item[1])
                waiting.append((*item, is_question))
                begun += is_question
            while begun >= self.asking.ahead or (item is None and waiting):
                group: list[tuple[Hashable, Candidate[T, E] | None]] = []
                left = self.asking.group
                while left and waiting:
                    label, found, is_question = waiting.popleft()
                    group.append((label, found))
                    left -= is_question
                    begun -= is_question
                yield group

    def _combine(self, start: Candidate[T, E], good: Sequence[Candidate[T, E]]) -> None:
        """Make several of the edits of ``start`` at once that were interesting alone.

        Asks about all of them together, their halves, quarters and so on in one group, and then again
        about what is left on top of the best of these, while that makes it better.
        """
        left = [each.edits[0] for each in good] if len(good) > 1 else []
        made: tuple[E, ...] = ()
        while left:
            before = self.best.measure
            group: dict[str, Candidate[T, E]] = {}
            for low, high in runs(len(left)):
                found = self._after(start, (*made, *left[low:high]))
                if found is not None and found.measure < before and self._answers.get(found.key, True):
                    group.setdefault(found.key, found)
            asked = [*group.values()][: self.asking.group]
            for each in asked:
                self._begin(each)
            for each in asked:
                self._answer(each)
            if not asked or (made and self.best.measure >= before):
                return
            made = self.best.edits
            left = [edit for edit in left if edit not in made]
