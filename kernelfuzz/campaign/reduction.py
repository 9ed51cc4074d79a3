"""The reduction of a failure by the workers of a campaign."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kernelfuzz.campaign.failure import Failure
from kernelfuzz.campaign.judge_pool import JudgePool
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.walk import walk
from kernelfuzz.reduce.reduce_case import Progress, reduce
from kernelfuzz.toolchain import UnsupportedWarp

# What reduction puts in where it takes something out.
_FILLERS: frozenset[type[n.Node]] = frozenset({n.Literal, n.Cast, n.Construct, n.Name, n.Index, n.Assign, n.Pass})


@dataclass(frozen=True, slots=True)
class Reduction:
    """How failures are reduced: by ``judges``, in ``seconds`` at most.

    ``doing`` is told what goes on, ``fault`` what went wrong in kernelfuzz.
    """

    judges: JudgePool
    seconds: float
    doing: Callable[[str], None]
    fault: Callable[[str, Exception], None]

    def smallest(self, failure: Failure, *, with_its_own: bool = False) -> Failure:
        """The same failure of the smallest case that is found; the failure itself where none fails like it.

        ``with_its_own``: of a case that has no kind of node that the failing one lacks.
        """
        deadline = time.monotonic() + self.seconds
        best = failure.case

        def interesting(cases: Sequence[Case]) -> Sequence[bool]:
            if failure.lost:
                # Each that ends its process costs a worker.
                return self._alike_in_time(failure, cases, deadline, first=True)
            asked = [not with_its_own or not has_more_than(case.kernel, failure.case.kernel) for case in cases]
            some = [case for case, ask in zip(cases, asked, strict=True) if ask]
            slow = failure.verdict.kind == "does not compile"
            alike = iter(self._alike_in_time(failure, some, deadline) if slow else self._alike(failure, some))
            return [ask and next(alike) for ask in asked]

        def progress(now: Progress) -> None:
            nonlocal best
            best = now.case
            self.doing(f"reducing {failure.look}: {now.nodes} nodes after {now.asked} candidates")

        self.doing(f"reducing {failure.look}")
        try:
            small = reduce(failure.case, interesting, seconds=self.seconds, on_progress=progress)
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            self.fault("the reduction", error)
            small = best
        (verdict,) = self.judges.again([small], failure.verdict, fresh=failure.lost)
        return failure.of(small, verdict, failure.cause) if failure.is_that_of(small, verdict) else failure

    def _alike(self, failure: Failure, cases: Sequence[Case]) -> list[bool]:
        """Which of the cases fail as the failure does."""
        verdicts = self.judges.again(cases, failure.verdict)
        return [failure.is_that_of(case, verdict) for case, verdict in zip(cases, verdicts, strict=True)]

    def _alike_in_time(
        self, failure: Failure, cases: Sequence[Case], deadline: float, *, first: bool = False
    ) -> list[bool]:
        """The same where each may cost seconds, as a build that fails does: none is judged after the deadline.

        ``first``: the first that fails so will do.
        """
        answers = [False] * len(cases)
        width = max(1, self.judges.pool.jobs // 2)
        for low in range(0, len(cases), width):
            if (first and any(answers)) or time.monotonic() >= deadline:
                break
            answers[low : low + width] = self._alike(failure, cases[low : low + width])
        return answers


def has_more_than(kernel: n.Kernel, other: n.Kernel) -> bool:
    """Whether a kernel has a kind of node that another lacks, but for what stands for values that are left out."""
    return bool({type(node) for node in walk(kernel)} - {type(node) for node in walk(other)} - _FILLERS)
