"""The question that a process is at, told before it is asked: what ends the process leaves no answer.

Only what is asked of one case alone is told: that of many does not say which of them it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kernelfuzz.ir.launch import Case
from kernelfuzz.oracles.table import Oracle
from kernelfuzz.oracles.verdict import BuildSetting, Verdict
from kernelfuzz.workers import tell


@dataclass(frozen=True, slots=True)
class Asked:
    """The case that was really judged, and a verdict with the oracle and the setting of the question about it.

    ``kernelfuzz.oracles.judge.judge_again`` asks that once more, and nothing else.
    """

    case: Case
    like: Verdict


def asking(oracle: Oracle, cases: Sequence[Case], setting: BuildSetting) -> None:
    """Tell that an oracle is about to ask about a case under a setting, where there is one case."""
    if len(cases) == 1:
        tell(Asked(cases[0], oracle.skipped("under way", setting)))
