"""The first release that has a bug, or the first that no longer has it: a binary search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from kernelfuzz.releases.run_script import Presence, ScriptOutcome

Ending: TypeAlias = Literal["found", "already", "never", "broken"]

# Runs the reproducer under releases, side by side.
Try: TypeAlias = Callable[[Sequence[str]], Sequence[ScriptOutcome]]


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
    width: int = 1,
    on_tried: Callable[[Tried], None] | None = None,
) -> Bisection:
    """The first of ``releases`` (in order, two at least) where the reproducer gives ``wanted``.

    Both ends are tried first, then ``width`` releases at a time.  A release at which it cannot tell is passed over for
    the nearest that is not tried.  Supposes that there is one change between the ends.
    """
    result = Bisection(wanted)

    def outcomes(asked: Sequence[int]) -> Iterator[tuple[int, Presence]]:
        for start in range(0, len(asked), width):
            some = asked[start : start + width]
            for at, outcome in zip(some, attempt([releases[at] for at in some]), strict=True):
                tried = Tried(releases[at], outcome)
                result.tried.append(tried)
                if on_tried is not None:
                    on_tried(tried)
                yield at, outcome.presence

    low, high = 0, len(releases) - 1
    for at, presence in outcomes([low, high]):
        ending: Ending = "already" if at == low else "never"
        if presence == "broken":
            result.ending, result.release = "broken", releases[at]
            return result
        if (presence == wanted) == (at == low):
            result.ending, result.release = ending, releases[at]
            return result
    untold: set[int] = set()
    while places := _places(low, high, untold, width):
        told = dict(outcomes(places))
        untold |= {at for at, presence in told.items() if presence == "broken"}
        high = min((at for at, presence in told.items() if presence == wanted), default=high)
        low = max((at for at in told.keys() - untold if at < high), default=low)
    result.release, result.before = releases[high], releases[low]
    result.untold = tuple(releases[at] for at in range(low + 1, high))
    return result


def _places(low: int, high: int, untold: set[int], width: int) -> list[int]:
    """The places, as many as ``width``, that divide what is between two most evenly and can still tell something."""
    left = [at for at in range(low + 1, high) if at not in untold]
    chosen: set[int] = set()
    for part in range(1, min(width, len(left)) + 1):
        ideal = low + (high - low) * part / (min(width, len(left)) + 1)
        distances = {at: abs(at - ideal) for at in left if at not in chosen}
        chosen.add(min(distances, key=distances.__getitem__))
    return sorted(chosen)
