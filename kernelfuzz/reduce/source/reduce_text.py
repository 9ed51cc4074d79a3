"""Reduction of text: one edit after the other, until no single edit of any pass makes a smaller text.

The first candidate in order that is interesting is taken, so the result is the same for any number of
workers; with several, the next candidates are asked about ahead of time.  A pass goes on behind the place
where it last succeeded.  When no pass finds anything, a text that fits the IR is reduced as a typed tree.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from kernelfuzz.ir.launch import Case
from kernelfuzz.reduce.reduce_case import reduce
from kernelfuzz.reduce.search import Asking, OutOfTime, Reducible, Search
from kernelfuzz.reduce.search import neighbours as neighbours_of
from kernelfuzz.reduce.source import cut_declarations, cut_expressions, cut_layout, cut_statements
from kernelfuzz.reduce.source.cut_layout import tidy
from kernelfuzz.reduce.source.question import Answers, Asker, NotInteresting, Question, key_of
from kernelfuzz.reduce.source.tree import Edit, Size, Tree, has_kernel
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.launch_inputs import Style, draw_launch
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render
from kernelfuzz.workers import Pool, memory_share

# Nothing is launched: the smallest launch there is.
_SMALLEST = Style((1,), (1,), lambda _: 0.0)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a reduction is, and at the end its result.

    ``tries`` counts the candidates, also where the answer was known or on disk.
    ``minimal``: no single edit makes it smaller; ``now`` is the pass at work.
    """

    text: str
    size: Size
    tries: int = 0
    now: str = ""
    minimal: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How many workers ask, and how long: ``timeout`` seconds for one question, ``seconds`` for all.

    The questions about the original do not count for ``seconds``.
    """

    jobs: int = 1
    seconds: float | None = None
    timeout: float = 60.0


def reduce_source(
    text: str,
    question: Question,
    *,
    kernel: str | None = None,
    limits: Limits = Limits(),
    state: str | None = None,
    on_better: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Return the smallest text found that is interesting in the way of ``text``, which it is at worst.

    Interesting is what fails with the signature of the original, or what the command ends with status 0 for.
    ``kernel`` is the name of a kernel that must stay.
    ``state`` is a file with the answers so far; it is removed when there is nothing left to ask.
    ``on_better`` gets the first text and every better one.

    Raises SyntaxError where the text is no Python, NotInteresting, and what a worker raises.
    """
    answers = Answers(state, key_of(f"{text}\0{question}\0{kernel}"))
    done = False
    try:
        with Pool(limits.jobs, memory=memory_share(limits.jobs)) as pool:
            asker = Asker(pool, question, answers, limits.timeout)
            reduction = _Reduction(asker, asker.start(text, kernel), limits.seconds)
            reduction.on_better, reduction.on_progress = on_better, on_progress
            done = reduction.run()
            return replace(reduction.progress(), now="", minimal=done)
    except NotInteresting:
        done = True
        raise
    finally:
        answers.close(done=done)


def neighbours(text: str, kernel: str | None = None) -> Iterator[str]:
    """Every smaller text that one edit makes, each once."""
    return (tree.text for tree in neighbours_of(Tree(text, kernel), TEXTS))


# ------------------------------------------------------------- what the search knows of texts

# A pass looks at a tree and lists edits.  What makes a text much smaller goes first, so that the rest has
# little to look at.
PASSES: tuple[Callable[[Tree], Iterator[Edit]], ...] = (
    cut_declarations.keep_one_kernel,
    cut_statements.drop_statements_of_kernels,
    cut_declarations.keep_one_kernel,
    cut_statements.drop_statements,
    cut_statements.hoist_bodies,
    cut_statements.drop_clauses,
    cut_layout.plain_layout,
    cut_statements.flatten_functions,
    cut_statements.inline_functions,
    cut_declarations.drop_params,
    cut_declarations.drop_fields,
    cut_expressions.drop_elements,
    cut_expressions.drop_annotations,
    cut_expressions.replace_by_literal,
    cut_expressions.replace_by_part,
    cut_statements.plainer_statements,
    cut_statements.substitute_locals,
    cut_expressions.simplify_literals,
    cut_layout.drop_parentheses,
)


def _apply(tree: Tree, edits: Sequence[Edit]) -> Tree | None:
    text = tree.after({path: new for edit in edits for path, new in edit.items()})
    if text is None:
        return None
    made = Tree(text, tree.wanted)
    try:
        made.size  # noqa: B018 - Python has to read it
    except SyntaxError:
        return None
    return made


def _has_wanted_kernel(tree: Tree) -> bool:
    return tree.wanted is None or has_kernel(tree.text, tree.wanted)


def _numbered(each: Callable[[Tree], Iterator[Edit]]) -> Callable[[Tree], Iterator[tuple[int, Edit]]]:
    """A pass whose edits go by their position, so that it goes on behind the last success."""

    @functools.wraps(each)
    def numbered(tree: Tree) -> Iterator[tuple[int, Edit]]:
        return enumerate(each(tree))

    return numbered


TEXTS: Reducible[Tree, Edit] = Reducible(
    tuple([_numbered(each) for each in PASSES]),
    _apply,
    lambda tree: tree.size,
    lambda tree: key_of(tree.text),
    _has_wanted_kernel,
)


# --------------------------------------------------------------------------------- the search


class _Reduction:
    """One reduction: a search with the callbacks that show it."""

    on_better: Callable[[str], None] | None = None
    on_progress: Callable[[Progress], None] | None = None

    def __init__(self, asker: Asker, original: Tree, seconds: float | None) -> None:
        self.asker = asker
        self.search = Search(original, TEXTS, Asking(self._begin, asker.pool.jobs), seconds)
        self.search.on_answer = self._answered
        asker.until = self.search.until
        self.now = ""
        # The text that ``on_better`` has; none while all answers come from disk.
        self.shown: str | None = None
        self.replaying = True

    def run(self) -> bool:
        """Reduce until nothing is interesting any more; False where the time was over before that."""
        try:
            self.search.exhaust()
            while self._reduce_typed():
                self.search.exhaust()
            # The last step changes blank lines only.
            best = self.search.best.value
            self.search.offer(Tree(tidy(best.text), best.wanted))
        except OutOfTime:
            return False
        self._show()
        return True

    def progress(self) -> Progress:
        """Where the reduction is."""
        best = self.search.best.value
        now = self.now or getattr(self.search.now, "__name__", "").replace("_", " ")
        return Progress(best.text, best.size, self.search.tried, now)

    def _begin(self, tree: Tree) -> Callable[[], bool]:
        if self.replaying and not self.asker.knows(tree.text):
            self.replaying = False
            self._show()
        return self.asker.begin(tree.text)

    def _answered(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.progress())
        if not self.replaying:
            self._show()

    def _show(self) -> None:
        text = self.search.best.value.text
        if self.on_better is not None and text != self.shown:
            self.on_better(text)
        self.shown = text

    def _reduce_typed(self) -> bool:
        """Whether the passes over the typed tree make the text smaller.

        It must fit the IR, and be interesting for what the IR can say.
        """
        best = self.search.best
        try:
            kernel = parse(best.value.text, best.value.wanted)
            case = Case(kernel, draw_launch(SeededChoices(0, 0), kernel, _SMALLEST))
        except (ParseError, ValueError):
            return False

        def ask(cases: Sequence[Case]) -> Sequence[bool]:
            return self.search.ask([Tree(render(each.kernel), best.value.wanted) for each in cases])

        self.now = "typed tree"
        left = None if self.search.until == math.inf else max(0.0, self.search.until - time.monotonic())
        if all(ask([case])):
            small = Tree(render(reduce(case, ask, seconds=left).kernel), best.value.wanted)
            if small.size < best.measure:
                self.search.offer(small)
        self.now = ""
        return self.search.best is not best
