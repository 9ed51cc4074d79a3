"""The operands of every operation of a case, as the reference computes them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from kernelfuzz.findings.operations import Operation, Value, operation
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.reference import evaluation, execution
from kernelfuzz.reference.compiled import Evaluate, Execute, Frame, Language, Names
from kernelfuzz.reference.exact import Exact
from kernelfuzz.reference.undefined import Stopped

Operands = dict[Operation, list[tuple[Value, ...]]]


def operands(case: Case, most: int) -> Operands:
    """For each operation, in the order in which they end first, up to ``most`` different operands that it had.

    Where the reference has no answer they are those up to there.
    """
    trace = _Trace(most)
    language = Language(trace.expression, trace.statement)
    with contextlib.suppress(Stopped):
        execution.execute(case.kernel, case.launch, Exact(), language=language, rounded=True)
    return {each: list(found.values()) for each, found in trace.seen.items()}


@dataclass(slots=True)
class _Trace:
    """A language that notes what every expression gave last."""

    most: int
    seen: dict[Operation, dict[str, tuple[Value, ...]]] = field(default_factory=dict)
    _last: dict[int, Value] = field(default_factory=dict)
    # What is compiled may be made on the way: alive, it keeps its number to itself.
    _nodes: list[n.Node] = field(default_factory=list)

    def expression(self, node: n.Expr, names: Names) -> Evaluate:
        evaluate = evaluation.expression(node, names)
        self._nodes.append(node)
        found = operation(node)

        def noted(frame: Frame) -> Value:
            value = self._last[id(node)] = evaluate(frame)
            if found is not None:
                self._note(*found)
            return value

        return noted

    def statement(self, node: n.Stmt, names: Names) -> Execute:
        execute = execution.statement(node, names)
        found = operation(node)
        if found is None:
            return execute
        before = names.expression(found[1][0])

        def noted(frame: Frame) -> int:
            before(frame)
            ended = execute(frame)
            self._note(*found)
            return ended

        return noted

    def _note(self, done: Operation, below: tuple[n.Expr, ...]) -> None:
        """Keep the operands; of one that was not evaluated, as in ``a and b``, the last value, if there is one."""
        if any(id(each) not in self._last for each in below):
            return
        values = tuple([self._last[id(each)] for each in below])
        known = self.seen.setdefault(done, {})
        if len(known) < self.most:
            known.setdefault(repr(values), values)
