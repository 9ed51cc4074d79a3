"""The first release that has a bug, or the first that no longer has it: a binary search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from kernelfuzz.releases.run_script import ScriptOutcome

Ending: TypeAlias = Literal["found", "already", "never", "broken"]

# Runs the reproducer under a release.
Try: TypeAlias = Callable[[str], ScriptOutcome]


@dataclass(frozen=True, slots=True)
class Tried:
    """A release and what the reproducer did there."""

    release: str
    outcome: ScriptOutcome


@dataclass(slots=True)
class Bisection:
    """The result of a search.

    ``found``: ``release`` is the first with the change and ``before`` the last without it; for those in
    ``untold``, between the two, it cannot be told.  ``already``: the first of the range has the change.
    ``never``: the last has not.  ``broken``: the reproducer cannot tell at one end, which is ``release``.
    """

    wanted: Literal["present", "fixed"]
    ending: Ending = "found"
    release: str = ""
    before: str = ""
    untold: tuple[str, ...] = ()
    tried: list[Tried] = field(default_factory=list[Tried])

    def to_dict(self) -> dict[str, Any]:
        """What ``kernelfuzz bisect --json`` prints."""
        return {
            "ending": self.ending,
            "first": "with the bug" if self.wanted == "present" else "without the bug",
            "release": self.release or None,
            "before": self.before or None,
            "untold": list(self.untold),
            "tried": [{"release": each.release, **asdict(each.outcome)} for each in self.tried],
        }


def bisect(
    releases: Sequence[str],
    attempt: Try,
    *,
    wanted: Literal["present", "fixed"] = "present",
    on_tried: Callable[[Tried], None] | None = None,
) -> Bisection:
    """The first of ``releases`` (in order, two at least) where the reproducer gives ``wanted``.

    Both ends are tried first.  A release at which it cannot tell is passed over for the nearest that is not
    tried.  Supposes that there is one change between the ends.
    """
    result = Bisection(wanted)

    def outcome(release: str) -> ScriptOutcome:
        tried = Tried(release, attempt(release))
        result.tried.append(tried)
        if on_tried is not None:
            on_tried(tried)
        return tried.outcome

    ends: tuple[tuple[str, Ending], ...] = ((releases[0], "already"), (releases[-1], "never"))
    for release, ending in ends:
        presence = outcome(release).presence
        if presence == "broken":
            result.ending, result.release = "broken", release
            return result
        if (presence == wanted) == (ending == "already"):
            result.ending, result.release = ending, release
            return result
    low, high = 0, len(releases) - 1
    untold: set[int] = set()
    while (at := _middle(low, high, untold)) is not None:
        presence = outcome(releases[at]).presence
        if presence == "broken":
            untold.add(at)
        elif presence == wanted:
            high = at
        else:
            low = at
    result.release, result.before = releases[high], releases[low]
    result.untold = tuple(releases[at] for at in range(low + 1, high))
    return result


def _middle(low: int, high: int, untold: set[int]) -> int | None:
    """The place nearest to the middle between two that can still tell something."""
    left = [at for at in range(low + 1, high) if at not in untold]
    return min(left, key=lambda at: abs(2 * at - low - high), default=None)
