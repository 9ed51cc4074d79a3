"""Reduction of text: one edit after the other, until no single edit of any pass makes a smaller text.

The first candidate in order that is interesting is taken, so the result is the same for any number of
workers; with several, the next candidates are asked about ahead of time.  A pass goes on behind the place
where it last succeeded, and the passes are gone through until none of them changes anything.
"""

from __future__ import annotations

import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kernelfuzz.reduce.source.answers import Answers, key_of
from kernelfuzz.reduce.source.definitions import without_other_kernels
from kernelfuzz.reduce.source.layout import tidy
from kernelfuzz.reduce.source.passes import PASSES, Pass
from kernelfuzz.reduce.source.question import Command, Fails, Question
from kernelfuzz.reduce.source.size import Size, has_kernel, measure
from kernelfuzz.reduce.source.tree import Tree
from kernelfuzz.reduce.source.typed import reduce_typed
from kernelfuzz.workers import Pool, PoolTask, WorkerDied, WorkerError, memory_share


class NotInteresting(Exception):
    """What the question says about the original: not what it would have to say."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a reduction is, and at the end what came of it.

    ``tries`` counts the candidates that had to be asked about, also where the answer was on disk.
    ``minimal``: no single edit makes it smaller; ``now`` is the pass at work.
    """

    text: str
    size: Size
    tries: int = 0
    now: str = ""
    minimal: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A smaller text, and the position of its edit among those of the pass."""

    text: str
    size: Size
    position: int = 0


def reduce_source(
    text: str,
    question: Question,
    *,
    kernel: str | None = None,
    jobs: int = 1,
    seconds: float | None = None,
    timeout: float = 60.0,
    state: str | None = None,
    on_better: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """The smallest text found that is interesting in the way of ``text``, which it is at worst.

    Interesting is what fails with the signature of the original, or what the command ends with status 0 for.
    ``kernel`` is the name of a kernel that must stay.  ``timeout`` is for one question, ``seconds`` for all
    but those about the original.
    ``state`` is a file with what was asked already; it is removed when there is nothing left to ask.
    ``on_better`` gets the first text and every better one.

    Raises SyntaxError where the text is no Python, NotInteresting, and what a worker raises.
    """
    answers = Answers(state, key_of(f"{text}\0{question}\0{kernel}"))
    done = False
    try:
        with Pool(jobs, memory=memory_share(jobs)) as pool:
            search = _Search(pool, question, answers, kernel, timeout)
            search.on_better, search.on_progress = on_better, on_progress
            search.start(text)
            search.until = math.inf if seconds is None else time.monotonic() + seconds
            done = search.run()
            return replace(search.best, now="", minimal=done)
    except NotInteresting:
        done = True
        raise
    finally:
        answers.close(done=done)


def neighbours(text: str, kernel: str | None = None) -> Iterator[str]:
    """Every smaller text that one edit makes, each once."""
    tree, size = Tree(text, kernel), measure(text)
    seen: set[str] = set()
    for each in PASSES:
        for found in _smaller(tree, size, each):
            if found.text not in seen:
                seen.add(found.text)
                yield found.text


def is_minimal(text: str, interesting: Callable[[str], bool], kernel: str | None = None) -> bool:
    """Whether no single edit makes an interesting text of it."""
    return not any(map(interesting, neighbours(text, kernel)))


def _smaller(tree: Tree, size: Size, each: Pass, start: int = 0) -> Iterator[_Candidate]:
    """What the edits of a pass make of a text, from a position on, as far as that is smaller Python."""
    for position, edit in enumerate(each(tree)):
        if position < start:
            continue
        text = tree.after(edit)
        if text is None:
            continue
        try:
            made = measure(text)
        except SyntaxError:
            continue
        if made < size and _has_kernel(text, tree.wanted):
            yield _Candidate(text, made, position)


def _has_kernel(text: str, kernel: str | None) -> bool:
    return kernel is None or has_kernel(text, kernel)


class _Search:
    """The state of one reduction."""

    on_better: Callable[[str], None] | None = None
    on_progress: Callable[[Progress], None] | None = None
    until = math.inf

    def __init__(self, pool: Pool, question: Question, answers: Answers, kernel: str | None, timeout: float) -> None:
        self.pool = pool
        self.question = question
        self.answers = answers
        self.kernel = kernel
        self.timeout = timeout
        self.wanted = ""
        self.begun: dict[str, PoolTask[str]] = {}
        self.unsaid = True

    # ------------------------------------------------------------------ the original

    def start(self, text: str) -> None:
        """Ask about the original, and remember what it says."""
        Tree(text)
        self._settle(text)
        if isinstance(self.question, Fails) and self.kernel is not None:
            # Warp says what is wrong with the first kernel that it does not take: that must be this one.
            alone = without_other_kernels(text, self.kernel)
            if alone != text:
                self._settle(alone)

    def _settle(self, text: str) -> None:
        """Begin from a text, and look for what it says.  Raises NotInteresting."""
        task = self.pool.submit(self.question, text, timeout=self.timeout)
        answer = self._said(task, text, math.inf)  # however short the time
        if not _counts(answer, self.question):
            raise NotInteresting(answer)
        self.wanted, self.best = answer, Progress(text, measure(text))
        self.answers.put(key_of(text), True)

    # --------------------------------------------------------------------- the search

    def run(self) -> bool:
        """Reduce until nothing is interesting any more; False where the time was over before that."""
        try:
            while True:
                before = self.best.size
                for each in PASSES:
                    self._exhaust(each)
                if self.best.size == before and not self._typed():
                    break
            self._tidy()
        except TimeoutError:
            return False
        self._say()
        return True

    def _exhaust(self, each: Pass) -> None:
        position: int | None = 0
        while position is not None:
            tree = Tree(self.best.text, self.kernel)
            self.best = replace(self.best, now=each.__name__.replace("_", " "))
            found = self._first(_smaller(tree, self.best.size, each, position))
            position = None if found is None else found.position

    def _typed(self) -> bool:
        """Whether the passes over the typed tree make it smaller."""
        left = None if self.until == math.inf else max(0.0, self.until - time.monotonic())
        self.best = replace(self.best, now="typed tree")
        text = reduce_typed(self.best.text, self.kernel, self._all, left)
        if text is None:
            return False
        size = measure(text)
        return size < self.best.size and self._first([_Candidate(text, size)]) is not None

    def _tidy(self) -> None:
        """The last step changes blank lines only."""
        text = tidy(self.best.text)
        if text != self.best.text:
            self._first([_Candidate(text, measure(text))])

    # ----------------------------------------------------------------------- asking

    def _first(self, candidates: Iterable[_Candidate]) -> _Candidate | None:
        """The first interesting candidate, which is the best from now on.  Raises TimeoutError."""
        coming = iter(candidates)
        waiting: deque[_Candidate] = deque()
        while True:
            while len(waiting) < self.pool.jobs and (candidate := next(coming, None)) is not None:
                self._begin(candidate.text)
                waiting.append(candidate)
            if not waiting:
                return None
            candidate = waiting.popleft()
            if self._is_interesting(candidate.text):
                self.best = replace(self.best, text=candidate.text, size=candidate.size)
                self.unsaid = True
                if not self.replaying:
                    self._say()
                return candidate

    def _all(self, texts: Sequence[str]) -> list[bool]:
        """For each of some texts whether it is interesting."""
        good = [_has_kernel(text, self.kernel) for text in texts]
        for text, possible in zip(texts, good, strict=True):
            if possible:
                self._begin(text)
        return [possible and self._is_interesting(text) for text, possible in zip(texts, good, strict=True)]

    replaying = True

    def _begin(self, text: str) -> None:
        """Have a worker look at a text, unless the answer is known."""
        if time.monotonic() >= self.until:
            raise TimeoutError
        key = key_of(text)
        if self.answers.get(key) is None and key not in self.begun:
            # What is on disk has been gone through: from here on it is new.
            self.replaying = False
            if self.unsaid:
                self._say()
            self.begun[key] = self.pool.submit(self.question, text, timeout=self.timeout)

    def _is_interesting(self, text: str) -> bool:
        key = key_of(text)
        good = self.answers.get(key)
        if good is None:
            good = self._said(self.begun[key], text, self.until) == self.wanted
            del self.begun[key]
            self.answers.put(key, good)
        self.best = replace(self.best, tries=self.best.tries + 1)
        if self.on_progress is not None:
            self.on_progress(self.best)
        return good

    def _said(self, task: PoolTask[str], text: str, until: float) -> str:
        """What the question gives for a text; how its process ended, where it ended."""
        try:
            return self.pool.result(task, until)
        except WorkerDied as error:
            match self.question:
                case Fails(stage=stage):
                    if stage != "lowering" and self._dies_before(text, until):
                        stage = "lowering"
                    return f"{stage} process: it {error}"
                case _:
                    return f"the process {error}"
        except WorkerError as error:
            return f"the process {error}"

    def _dies_before(self, text: str, until: float) -> bool:
        """Whether lowering alone ends the process, so that it is not the compiler that does."""
        assert isinstance(self.question, Fails)
        task = self.pool.submit(replace(self.question, stage="lowering"), text, timeout=self.timeout)
        try:
            self.pool.result(task, until)
        except WorkerError:
            return True
        return False

    def _say(self) -> None:
        self.unsaid = False
        if self.on_better is not None:
            self.on_better(self.best.text)


def _counts(answer: str, question: Question) -> bool:
    """Whether what is said about the original is something to look for in smaller texts."""
    match question:
        case Command():
            return answer == "status 0"
        case Fails(stage=stage):
            # What cannot be imported, or ends its process, says nothing about Warp.
            if re.match(r"lowering codegen: (ModuleNotFoundError|ImportError|SystemExit)\b", answer):
                return False
            return answer.startswith((f"{stage} codegen:", f"{stage} compile:", f"{stage} process:"))
