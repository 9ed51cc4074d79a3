"""A finding: a case on which Warp did not do what it must, made small, with all that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.ir.walk import count_nodes, num_lines
from kernelfuzz.oracles.compare import first_mismatch
from kernelfuzz.oracles.verdict import FailedKind, Verdict
from kernelfuzz.strategies.features import features as features_of
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.syntax.render import render


@dataclass(frozen=True, slots=True)
class Finding:
    """A failing case and where it comes from.

    ``verdict`` is that of ``case``, which is ``original`` after reduction.  ``expected`` is what the
    reference computes for ``case``: every array parameter after the launch, or, for ``wrong gradient``, the
    gradient of the arrays whose gradient is judged; None where it is not known or no value is at fault.
    ``seeds`` are the gradients of the outputs that such a backward pass starts from.  ``second`` is the
    kernel that a metamorphic oracle compared with ``case`` (the transformed one).

    ``tolerance`` is the relative error that the oracle allows (0.0: equal to the bit; NaN equals NaN).
    ``needed`` are the features without which the failure was not drawn.  ``seed``, ``index`` and ``options``
    are what the original was drawn from.  ``message`` is what Warp or the compiler printed, ``upstream`` the
    address of an issue that reports the bug, ``seconds`` the time that reduction took.  ``generated`` are the
    statements that Warp generates for the reduced kernel, ``workaround`` is a sentence on how to avoid the bug.
    """

    signature: str
    verdict: Verdict
    case: Case
    original: Case
    expected: Mapping[str, Input] | None = None
    seeds: Mapping[str, Input] | None = None
    second: Case | None = None
    tolerance: float = 0.0
    features: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    grammar_version: int = GRAMMAR_VERSION
    seed: int | None = None
    index: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    warp_version: str = ""
    message: str = ""
    upstream: str = ""
    seconds: float = 0.0
    generated: str = ""
    workaround: str = ""

    def __post_init__(self) -> None:
        if self.verdict.status != "failed" or not self.verdict.kind:
            raise ValueError(f"a finding needs a failed verdict, got {self.verdict.status}")
        if not self.features:
            object.__setattr__(self, "features", tuple(sorted(features_of(self.case.kernel))))

    @property
    def kind(self) -> FailedKind:
        assert self.verdict.kind
        return self.verdict.kind

    @property
    def oracle(self) -> str:
        return self.verdict.oracle

    @property
    def title(self) -> str:
        """One line that names the finding, of 90 characters at most."""
        text = self.signature[:1].upper() + self.signature[1:]
        return text if len(text) <= 90 else text[:87].rstrip() + "..."

    def judged(self) -> dict[str, Input]:
        """Return the part of ``expected`` that matters: what the kernel must change, and what Warp got wrong."""
        expected, inputs = self.expected or {}, self.case.launch.inputs
        wrong = self.verdict.mismatch.output.partition(".")[0] if self.verdict.mismatch else ""
        changed = {
            name: value
            for name, value in expected.items()
            if name == wrong or first_mismatch({name: value}, {name: inputs[name]}) is not None
        }
        return changed or dict(expected)

    @property
    def source(self) -> str:
        """The reduced kernel as Python text."""
        return render(self.case.kernel)

    @property
    def nodes(self) -> int:
        """The size of the reduced kernel in nodes of its tree."""
        return count_nodes(self.case.kernel)

    @property
    def lines(self) -> int:
        """The lines of the reduced kernel function."""
        return num_lines(self.case.kernel)
