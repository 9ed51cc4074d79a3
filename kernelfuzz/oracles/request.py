"""The requests to a worker, and its answers.

Only integers and names travel to a worker: it draws the kernels itself.  An answer is a function of the
request (and of the versions of kernelfuzz, its grammar and Warp) and of nothing else: not of the time, of the
process it runs in, nor of what that process judged before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.oracles.verdict import Verdict
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION, category_of, generate_with
from kernelfuzz.strategies.launch_inputs import draw_launch
from kernelfuzz.strategies.options import Options


@dataclass(frozen=True, slots=True)
class Checks:
    """What is asked about each case: the names of oracles, and where kernels are built and run."""

    oracles: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """The kernels ``start`` to ``start + count - 1`` of a seed, drawn under ``options``, and what to check.

    ``chunk`` is the start of the chunk that this request is a part of (None: it is a chunk itself): a part
    is judged as the whole was, so that what killed a worker there does so again.
    """

    options: Options
    seed: int
    start: int
    count: int
    checks: Checks
    chunk: int | None = None

    @property
    def key(self) -> int:
        """What to seed with whatever is chosen once for a whole chunk."""
        return self.start if self.chunk is None else self.chunk


@dataclass(frozen=True, slots=True)
class Counts:
    """How far cases got: each number counts cases, so one case adds at most 1 to each.

    ``built_cpu`` counts those built by clang (for the targets cpu and cuda-host), ``built_by_ziglang`` those of them
    that ``kernelfuzz[fast]`` built at least once, and ``built_cuda`` those built by NVRTC.  ``compared`` counts those
    with an output that was compared with the expected one.
    ``gradients_as_written`` and ``gradients_in_another_form`` count those whose gradient was judged, and
    ``gradients_compared`` those of them where a backward pass that does nothing would have failed;
    ``gradients_over_narrow_floats`` those judged over float32 or float16, as the kernel has them.
    """

    lowered: int = 0
    built_cpu: int = 0
    built_cuda: int = 0
    built_by_ziglang: int = 0
    ran: int = 0
    compared: int = 0
    gradients_compared: int = 0
    gradients_as_written: int = 0
    gradients_in_another_form: int = 0
    gradients_over_narrow_floats: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that a verdict on a case is right.

    ``case`` is what was really judged, and what reduction starts from: the gradient oracle, for one, judges
    the kernel at a launch of its own, sometimes over float64.  Judging ``case`` again gives the verdict again, and its
    own evidence has the same ``case``.  ``expected`` is what the reference computes for it (arrays by name,
    or gradients), ``seeds`` the gradients a backward pass starts from, ``tolerance`` the relative error
    that is let pass, ``message`` all the words of Warp or a compiler, ``generated`` the statements that Warp
    generates for the kernel.
    """

    case: Case
    expected: Mapping[str, Input] | None = None
    seeds: Mapping[str, Input] | None = None
    tolerance: float = 0.0
    message: str = ""
    generated: str = ""


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """The verdicts on one case.

    ``evidence`` has one entry for each verdict, or none at all: for a failed verdict what was really judged,
    where that is not the case of ``draw_case``.  A case that no verdict says "failed" of and at least one
    "passed" of passed; why it was skipped is in the reasons of the skipped verdicts.  ``unasked`` has a builtin
    for each call of which Warp promises something, but not for its arguments: its value was taken as it came.
    """

    index: int
    category: str
    verdicts: tuple[Verdict, ...]
    counts: Counts = Counts()
    evidence: tuple[Evidence | None, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The verdicts that say "failed"."""
        return tuple(verdict for verdict in self.verdicts if verdict.status == "failed")

    @property
    def bugs(self) -> frozenset[str]:
        """The known bugs that predict what Warp did with the case."""
        return frozenset(bug for verdict in self.verdicts for bug in verdict.bugs)

    def heeding(self, names: Collection[str]) -> CaseOutcome:
        """The outcome where only bugs of these names are known."""
        return replace(self, verdicts=tuple(verdict.heeding(names) for verdict in self.verdicts))


def draw_case(options: Options, seed: int, index: int) -> Case:
    """The kernel with this index of a seed, with the launch that it is judged by."""
    kernel = generate_with(options, seed, index)
    return Case(kernel, draw_launch(SeededChoices(GRAMMAR_VERSION, seed, index, "launch"), kernel))


def category(request: Request, index: int) -> str:
    """The category that a kernel of the request was drawn for."""
    return category_of(request.options, index)
