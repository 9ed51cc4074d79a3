"""Whether every variable of a forward pass is written before it is read, on every path.

One walk in the order of the text.  What a branch writes counts behind it under the branch's condition only:
there ``wp::where(condition, a, b)`` takes ``a`` where the condition holds.  What a loop writes does not count behind
it, unless the loop surely runs.

Of a backward pass it need not be asked: its statements are those of the forward pass in the same branches
(``static_backward``), and what its replay leaves out, the results of loops and of atomics, Warp documents.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from kernelfuzz.toolchain.generated_statements import Branch, GeneratedFunction, Jump, Leave, Loop, Node, Step
from kernelfuzz.typecheck.builtins import ROWS, pattern
from kernelfuzz.typecheck.patterns import Several

# A variable, or what it was loaded from; how often that was written before; whether it is true.
Condition: TypeAlias = "tuple[str, int, bool]"

# How many of the last arguments of a call are results.  Of user functions the text tells.
RESULTS: Mapping[str, int] = {
    **{f"builtin_tid{axes}d": axes for axes in (2, 3, 4)},
    **{
        f"wp::{name}": len(given.elements)
        for name, given in [(each.name, pattern(each).result) for each in ROWS]
        if isinstance(given, Several)
    },
}

# How many questions are asked to find out whether a variable is written; after so many, it counts as such.
_MOST_TRIES = 200

_JOINED = re.compile(r"(var_\w+) = \1 (&&|\|\|) (var_\w+);")
_ENDS_AT = re.compile(r"if \((var_\w+) (<|<=|>|>=) (-?\d+)\) goto .*")
_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def unwritten(function: GeneratedFunction, results: Mapping[str, int] = RESULTS) -> list[tuple[str, str]]:
    """Each statement that reads what is not written on every path to it, with the variable.

    ``results`` is ``RESULTS`` with those of user functions.
    """
    written = [declared.name for declared in function.declarations if declared.value]
    numbers = {d.name: int(d.value) for d in function.declarations if d.value.lstrip("-").isdigit()}
    truths = {d.name: {"true": True, "false": False}.get(d.value) for d in function.declarations if d.type == "bool"}
    walk = _Walk(results, dict.fromkeys((*function.parameters, *written), 0), numbers, truths)
    walk.block(function.body)
    return walk.found


@dataclass(frozen=True, slots=True)
class Write:
    """A write under conditions, and when it was.

    ``values`` are what it passes on, if anything: it writes where, under the condition of each, that is written.
    """

    conditions: frozenset[Condition]
    time: int
    values: tuple[tuple[str, Condition | None], ...] = ()


@dataclass(slots=True)
class _Walk:
    """What is known at one point of the text.

    ``sure`` are the variables that are written on every path, with the time of the write; ``news`` those of them
    that the innermost block wrote; ``under`` has what is written under conditions only.  ``inside`` are the
    conditions of the branches around this point, ``holds`` all that are true here, ``implies`` what else one of
    them means, ``cases`` the sets of which it means one; ``truths`` has the bools, with the value of constants.
    ``left`` has the time of each ``goto``, by its label.
    """

    results: Mapping[str, int]
    sure: dict[str, int]
    numbers: dict[str, int]
    truths: Mapping[str, bool | None]
    found: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    time: int = 0
    tries: int = 0
    news: list[str] = field(default_factory=list[str])
    under: dict[str, list[Write]] = field(default_factory=dict[str, list[Write]])
    inside: tuple[Condition, ...] = ()
    holds: tuple[Condition, ...] = ()
    implies: dict[Condition, tuple[Condition, ...]] = field(default_factory=dict[Condition, tuple[Condition, ...]])
    cases: dict[Condition, tuple[frozenset[Condition], ...]] = field(
        default_factory=dict[Condition, tuple[frozenset[Condition], ...]]
    )
    left: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    writes: dict[str, int] = field(default_factory=dict[str, int])
    loaded: dict[str, str] = field(default_factory=dict[str, str])
    turns: dict[str, range] = field(default_factory=dict[str, range])

    def block(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            if isinstance(node, Step):
                self.step(node)
            elif isinstance(node, Branch):
                self.branch(node)
            elif isinstance(node, Loop):
                self.loop(node)
            elif isinstance(node, (Jump, Leave)):
                self.read(node, node.names)
                if isinstance(node, Jump):
                    self.left.setdefault(node.label, []).append(self.time)

    # ------------------------------------------------------------------------------- reading and writing

    def step(self, node: Step) -> None:
        if node.called == "wp::where":
            self.choose(node)
        elif node.called == "wp::assign":
            self.pass_on(node.names[0], ((node.names[1], None),))
        elif not node.target:
            count = len(node.names) - self.results.get(node.called, 0)
            self.read(node, node.names[:count])
            for name in node.names[count:]:
                self.write(name)
        elif node.part or node.operator != "=":
            self.read(node, (node.target, *node.names))
        else:
            self.read(node, node.names)
            if node.called:
                self.write(node.target)
                self.remember(node)
            else:
                self.set(node)

    def set(self, node: Step) -> None:
        """An assignment of something else than the result of a call."""
        joined = _JOINED.fullmatch(node.text)
        if joined is not None:
            # Once ``a = a && b`` is true inside ``if (a)``, all was true that is true here.
            true = joined[2] == "&&"
            means = (*self.holds, self.condition(joined[3], true))
            self.write(node.target)
            self.implies[self.condition(node.target, true)] = means
            return
        self.write(node.target)
        value = node.text.partition(" = ")[2][:-1]
        if value.lstrip("-").isdigit():
            self.numbers[node.target] = int(value)

    def remember(self, node: Step) -> None:
        """What a call says about conditions and loops that follow."""
        if node.called == "wp::load":
            self.loaded[node.target] = node.names[0]
        elif node.called == "wp::range" and all(name in self.numbers for name in node.names):
            self.turns[node.target] = range(*[self.numbers[name] for name in node.names])

    def choose(self, node: Step) -> None:
        test, left, right = node.names[:3]
        self.read(node, [test])
        yes, no = self.condition(test, True), self.condition(test, False)
        chosen = ((left, yes), (right, no))
        if node.target not in self.truths:
            self.pass_on(node.target, chosen)
            return
        cases = [(true, [{self.condition(name, true), when} for name, when in chosen]) for true in (True, False)]
        self.pass_on(node.target, chosen)
        for true, sets in cases:
            self.cases[self.condition(node.target, true)] = tuple(map(frozenset, sets))

    def pass_on(self, target: str, values: Sequence[tuple[str, Condition | None]]) -> None:
        """Give a variable one of some values, each under a condition, where those are written.

        Warp merges all names so, behind a branch and in a loop, also those that nothing reads any more and that
        are not written on every path: that alone is no read.
        """
        if all(value in self.sure or self.is_plain(value, condition) for value, condition in values):
            self.write(target)
        elif target not in self.sure:
            self.time += 1
            self.under.setdefault(target, []).append(Write(frozenset(self.inside), self.time, tuple(values)))

    def is_plain(self, name: str, also: Condition | None) -> bool:
        """Whether a variable is written in a branch whose conditions hold."""
        writes = self.under.get(name)
        if writes is None:
            return False
        known = self.closed((*self.holds, also) if also is not None else self.holds)
        return any(not write.values and write.conditions <= known for write in writes)

    def read(self, node: Node, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.sure and name.startswith("var_") and not self.is_written(name):
                self.found.append((node.text, name))

    def is_written(self, name: str) -> bool:
        if name in self.sure:
            return True
        if name not in self.under:
            return False
        self.tries = _MOST_TRIES
        return self.is_written_where(name, frozenset(self.holds), frozenset())

    def is_written_where(self, name: str, known: frozenset[Condition], told: frozenset[Condition]) -> bool:
        """Whether a variable is written where conditions hold; the cases of those that are ``told`` are known too."""
        self.tries -= 1
        known = self.closed(known)
        if self.tries < 0 or name in self.sure or not self.possible(known):
            return True
        for write in self.under.get(name, ()):
            if write.conditions <= known and all(
                self.is_written_where(value, known if condition is None else known | {condition}, told)
                for value, condition in write.values
            ):
                return True
        split = next((each for each in sorted(known - told) if each in self.cases), None)
        return split is not None and all(
            self.is_written_where(name, known | case, told | {split}) for case in self.cases[split]
        )

    def possible(self, known: frozenset[Condition]) -> bool:
        """Whether conditions contradict neither each other nor the constants."""
        return not any((name, at, not true) in known or self.truths.get(name) is (not true) for name, at, true in known)

    def closed(self, known: Iterable[Condition]) -> frozenset[Condition]:
        """The conditions and all that they mean."""
        waiting, all_ = [*known], {*known}
        while waiting:
            more = set(self.implies.get(waiting.pop(), ())) - all_
            all_ |= more
            waiting += more
        return frozenset(all_)

    def write(self, name: str) -> None:
        self.time += 1
        self.writes[name] = self.writes.get(name, 0) + 1
        self.numbers.pop(name, None)
        if name not in self.sure:
            self.sure[name] = self.time
            self.news.append(name)

    def condition(self, name: str, true: bool) -> Condition:
        source = self.loaded.get(name, name)
        return source, self.writes.get(source, 0), true

    # ------------------------------------------------------------------------------------------- control

    def within(self, nodes: Sequence[Node]) -> dict[str, int]:
        """Walk through a block; what it wrote, which is not sure behind it."""
        outside, self.news = self.news, []
        self.block(nodes)
        written = {name: self.sure.pop(name) for name in self.news}
        self.news = outside
        return written

    def branch(self, node: Branch) -> None:
        self.read(node, [node.name])
        condition, inside, holds = self.condition(node.name, not node.negated), self.inside, self.holds
        self.inside, self.holds = (*inside, condition), (*holds, condition)
        written = self.within(node.body)
        for name, at in written.items():
            self.under.setdefault(name, []).append(Write(frozenset(self.inside), at))
        self.inside = inside
        self.holds = (*holds, (*condition[:2], not condition[2])) if _leaves(node.body) else holds

    def loop(self, node: Loop) -> None:
        """What a loop writes is sure behind it where it runs, as far as no break or continue passes over it."""
        ends = next(each for each in node.body if isinstance(each, Jump))
        runs, holds = self.surely_runs(ends), self.holds
        written = self.within(node.body)
        self.holds = holds
        if runs:
            _, *breaks = self.left[f"end_{node.name}"]
            passed = min((*breaks, *self.left[f"start_{node.name}"]))
            for name, at in written.items():
                if at <= passed:
                    self.sure[name] = at
                    self.news.append(name)

    def surely_runs(self, ends: Jump) -> bool:
        """Whether a loop that ends at a jump does not end at once."""
        if "iter_cmp" in ends.text:
            return bool(self.turns.get(ends.names[0]))
        found = _ENDS_AT.fullmatch(ends.text)
        if found is None or found[1] not in self.numbers:
            return False
        return not _COMPARE[found[2]](self.numbers[found[1]], int(found[3]))


def _leaves(nodes: Sequence[Node]) -> bool:
    """Whether nothing behind a block runs after it."""
    last = nodes[-1] if nodes else None
    return isinstance(last, Leave) or (isinstance(last, Jump) and last.always)
