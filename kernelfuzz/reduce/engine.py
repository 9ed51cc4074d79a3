"""Reduction: smaller and smaller cases that are still interesting, until no single edit makes a smaller one.

The interesting test is expensive and takes many cases at once, so the engine asks in rounds of up to
``GROUP`` candidates: first many edits alone, largest cuts first, then unions of those that were interesting.
An edit that was not interesting is put off until nothing else is left; then everything is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

from kernelfuzz.analysis.fingerprint import identity
from kernelfuzz.ir.launch import Case, Launch, leaves
from kernelfuzz.ir.walk import count_nodes
from kernelfuzz.reduce.edit import Edit, Tree, apply
from kernelfuzz.reduce.measure import Measure, measure
from kernelfuzz.reduce.names import canonical
from kernelfuzz.reduce.passes import edits
from kernelfuzz.reduce.statements import runs
from kernelfuzz.typecheck.verify import VerifyError, verify

# Which of the cases still fail in the same way: one answer for each.
Interesting: TypeAlias = Callable[[Sequence[Case]], Sequence[bool]]

# The most candidates in one round.
GROUP = 64


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a reduction is: rounds and candidates asked so far, the best case and its number of nodes."""

    rounds: int
    asked: int
    case: Case
    nodes: int


def reduce(
    case: Case,
    interesting: Interesting,
    *,
    seconds: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Case:
    """The smallest case found that is interesting; the case itself, which is taken to be, at worst.

    After ``seconds`` no further round is started and the best case so far is returned; without a deadline
    the result depends only on the case and on the answers.  ``on_progress`` is called after each round.
    What ``interesting`` raises goes through; raises ValueError where it gives a wrong number of answers.
    """
    search = _Search(case, interesting, seconds, on_progress)
    search.run()
    return search.best.case


def candidates(case: Case) -> Iterator[Case]:
    """Every simpler and well-typed case that one edit makes, each once."""
    best = _candidate(case)
    seen = {best.key}
    for edit in edits(Tree(case)):
        found = _after(best, (edit,))
        if found is not None and found.key not in seen:
            seen.add(found.key)
            if _is_valid(found.case):
                yield found.case


def is_minimal(case: Case, interesting: Interesting) -> bool:
    """Whether no single edit makes an interesting case of it."""
    waiting = list(candidates(case))
    groups = [waiting[low : low + GROUP] for low in range(0, len(waiting), GROUP)]
    return not any(any(interesting(group)) for group in groups)


# ------------------------------------------------------------------ candidates


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A case, its measure, and a key that is equal for cases with the same text and launch."""

    case: Case
    measure: Measure
    key: str
    edits: tuple[Edit, ...] = ()


def _key(case: Case) -> str:
    return f"{identity(case.kernel)} {_launch_key(case.launch)}"


def _launch_key(launch: Launch) -> str:
    digest = blake2b(repr((launch.dim, launch.tiled, list(launch.inputs))).encode(), digest_size=16)
    for _, array in leaves(launch.inputs):
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _candidate(case: Case, made: tuple[Edit, ...] = ()) -> _Candidate:
    return _Candidate(case, measure(case), _key(case), made)


def _after(best: _Candidate, made: tuple[Edit, ...]) -> _Candidate | None:
    """What the edits make of the best case, if that is simpler."""
    case = apply(best.case, made)
    if case is None:
        return None
    size = measure(case)
    return _Candidate(case, size, _key(case), made) if size < best.measure else None


def _is_valid(case: Case) -> bool:
    try:
        verify(case.kernel)
    except VerifyError:
        return False
    return True


# ---------------------------------------------------------------------- search


class _Search:
    """The state of one reduction."""

    def __init__(
        self,
        case: Case,
        interesting: Interesting,
        seconds: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.best = _candidate(case)
        self.interesting = interesting
        self.on_progress = on_progress
        self.deadline = None if seconds is None else time.monotonic() + seconds
        # The answer for every case asked about, by key; False for those that are not well typed.
        self.answers: dict[str, bool] = {self.best.key: True}
        self.put_off: set[Hashable] = set()
        self.rounds = 0
        self.asked = 0

    def run(self) -> None:
        """Reduce until nothing is interesting any more, or until the deadline."""
        while not self.late():
            everything = not self.put_off
            group = self.next_group()
            if not group:
                if everything:
                    break
                self.put_off.clear()
                continue
            start = self.best
            good = self.ask(group)
            self.put_off.update(each.edits[0].label for each in group if not self.answers[each.key])
            if good:
                self.combine(start, good)
        if not self.late():
            self.rename()

    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def next_group(self) -> list[_Candidate]:
        """The first candidates that nobody has asked about, of the edits that are not put off."""
        group: dict[str, _Candidate] = {}
        hopeless: list[Hashable] = []
        for edit in edits(Tree(self.best.case)):
            if edit.label in self.put_off:
                continue
            found = _after(self.best, (edit,))
            if found is None or not self.possible(found):
                hopeless.append(edit.label)
            else:
                group.setdefault(found.key, found)
                if len(group) == GROUP:
                    break
        # Not before: another edit with the same label may do better.
        self.put_off.update(hopeless)
        return list(group.values())

    def possible(self, candidate: _Candidate) -> bool:
        """Whether the candidate is well typed and not known to be uninteresting."""
        known = self.answers.get(candidate.key)
        if known is None and not _is_valid(candidate.case):
            known = self.answers[candidate.key] = False
        return known is not False

    def ask(self, group: Sequence[_Candidate]) -> list[_Candidate]:
        """The interesting ones of a group; asks about those whose answer is not known."""
        unknown = [each for each in group if each.key not in self.answers]
        if unknown:
            answers = list(self.interesting([each.case for each in unknown]))
            if len(answers) != len(unknown):
                raise ValueError(f"interesting gave {len(answers)} answers for {len(unknown)} cases")
            self.answers.update({each.key: bool(answer) for each, answer in zip(unknown, answers, strict=True)})
            self.rounds += 1
            self.asked += len(unknown)
        good = [each for each in group if self.answers[each.key]]
        self.take(good)
        if unknown and self.on_progress is not None:
            nodes = count_nodes(self.best.case.kernel)
            self.on_progress(Progress(self.rounds, self.asked, self.best.case, nodes))
        return good

    def take(self, good: Iterable[_Candidate]) -> None:
        """Keep the simplest of the best case and some interesting ones; of equals the first."""
        self.best = min((self.best, *good), key=lambda each: each.measure)

    def combine(self, start: _Candidate, good: list[_Candidate]) -> None:
        """Make several of the edits of ``start`` at once that were interesting alone.

        Asks about all of them together, their halves, quarters and so on in one round, and then again
        about what is left on top of the best of these, while that makes it better.
        """
        left = sorted([each.edits[0] for each in good], key=lambda edit: -edit.gain)
        made: tuple[Edit, ...] = ()
        while left and not self.late():
            before = self.best.measure
            group: dict[str, _Candidate] = {}
            for union in _unions(left):
                found = _after(start, (*made, *union))
                if found is not None and found.measure < before and self.possible(found):
                    group.setdefault(found.key, found)
            if not group:
                return
            self.ask(list(group.values())[:GROUP])
            if made and self.best.measure >= before:
                return
            made = self.best.edits
            left = [edit for edit in left if edit not in made]

    def rename(self) -> None:
        """Give the best case short names, if it stays interesting: names do not count in the measure."""
        found = _candidate(canonical(self.best.case))
        if found.key != self.best.key and self.possible(found) and self.ask([found]):
            self.best = found


def _unions(edits_: Sequence[Edit]) -> Iterator[tuple[Edit, ...]]:
    """All the edits, their halves, quarters, ... and each alone."""
    for low, high in runs(len(edits_)):
        yield tuple(edits_[low:high])
