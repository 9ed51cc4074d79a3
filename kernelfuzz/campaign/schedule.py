"""Where a campaign goes next: spans of indices, and what may be drawn there.

Decisions are taken for whole stretches and from what earlier ones taught, never from what is under way, so
they do not depend on the number of workers.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kernelfuzz.campaign.plan import CampaignPlan
from kernelfuzz.oracles.request import Request
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.features import ALWAYS, FEATURES, INDISPENSABLE, features, with_needs
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION, generate_with
from kernelfuzz.strategies.options import Options
from kernelfuzz.strategies.vocabulary import CATEGORIES

# A result influences the schedule ``LAG`` stretches later, so that workers need not wait.
LAG = 2

# Every ``FORGETFUL``-th stretch ignores what was learnt, because one bug may hide another.
FORGETFUL = 4

# The first chunks are small, so that something is known soon; and a short campaign has none that takes long,
# because the ones under way when its time is up are lost.
FIRST_CHUNKS = (1, 3, 4, 8, 8, 16, 16, 32, 32, 32, 32)

# How many kernels are drawn to see how rare features are.
_SAMPLE = 100


@dataclass(frozen=True, slots=True)
class Learnt:
    """A feature to avoid, and the stretch that taught it."""

    stretch: int
    feature: str


@dataclass(frozen=True, slots=True)
class Span:
    """Some indices in a row, and the stretch that they belong to."""

    stretch: int
    start: int
    count: int


def spans(plan: CampaignPlan) -> Iterator[Span]:
    """The chunks of a campaign; without end, where there is no number of examples."""
    start = 0
    for number in itertools.count():
        count = plan.chunk if number >= len(FIRST_CHUNKS) else min(plan.chunk, FIRST_CHUNKS[number])
        if plan.examples is not None:
            count = min(count, plan.examples - start)
        if count <= 0:
            return
        yield Span(number // plan.stretch, start, count)
        start += count


def request(plan: CampaignPlan, span: Span, learnt: Sequence[Learnt]) -> Request:
    """What is drawn and judged for a span."""
    options = options_of(plan, span.stretch, tuple(each for each in learnt if each.stretch <= span.stretch - LAG))
    return Request(options, plan.seed, span.start, span.count, plan.checks)


def options_of(plan: CampaignPlan, stretch: int, learnt: Sequence[Learnt]) -> Options:
    """What may be drawn in a stretch: less than the plan allows, by chance and by what was learnt."""
    options = plan.options
    for feature in _dropped(plan.seed, stretch):
        less = without(options, feature)
        if less is not None and less.categories == options.categories:
            options = less
    if stretch % FORGETFUL != FORGETFUL - 1:
        for each in learnt:
            options = without(options, each.feature) or options
    return options


def _dropped(seed: int, stretch: int) -> Sequence[str]:
    """The features that a stretch draws without: none in the first and in half of the others."""
    choices = SeededChoices(GRAMMAR_VERSION, seed, stretch, "stretch")
    if stretch == 0 or choices.chance(0.5):
        return ()
    return [choices.pick(tuple(FEATURES)) for _ in range(choices.integer(1, 4))]


def without(options: Options, feature: str) -> Options | None:
    """The options with a feature excluded as well; None where that cannot be."""
    if feature in ALWAYS | INDISPENSABLE | with_needs(options.include):
        return None
    less = replace(options, exclude=options.exclude | {feature})
    if less.include & less.ruled_out:
        return None
    categories = tuple(c for c in options.categories if less.ruled_out.isdisjoint(CATEGORIES[c].features))
    return replace(less, categories=categories) if categories else None


def to_avoid(options: Options, needed: Sequence[str]) -> str | None:
    """Of the features that a bug needs the rarest that can be excluded: it costs the fewest kernels."""
    shares = _shares(options)
    possible = [feature for feature in needed if without(options, feature) is not None]
    return min(possible, key=lambda feature: (shares[feature], feature), default=None)


@functools.lru_cache(maxsize=8)
def _shares(options: Options) -> Counter[str]:
    """How many kernels of a fixed sample have each feature."""
    return Counter(feature for index in range(_SAMPLE) for feature in features(generate_with(options, 0, index)))
