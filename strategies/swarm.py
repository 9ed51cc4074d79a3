"""Which features a kernel must have and which it may have, drawn once per kernel (swarm testing)."""

from __future__ import annotations

from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.features import ALWAYS, FEATURES, with_needs
from kernelfuzz.strategies.options import Options
from kernelfuzz.strategies.vocabulary import CATEGORIES, REALISTIC


def _switched_on(choices: Choices) -> frozenset[str]:
    """The features that are on: off with 1/4 each, a rare one with 3/4; all on is the simplest.

    The masks of many features are drawn as one number, because every choice has its price in Hypothesis.
    """
    on: set[str] = set(ALWAYS)
    switches = [feature for feature in FEATURES.values() if feature.allowed != "always"]
    half = (len(switches) + 1) // 2
    for features in (switches[:half], switches[half:]):
        first, second = (choices.integer(0, (1 << len(features)) - 1) for _ in range(2))
        for bit, feature in enumerate(features):
            a, b = first >> bit & 1, second >> bit & 1
            if not (a | b if feature.allowed == "rare" else a & b):
                on.add(feature.name)
    return frozenset(on)


def swarm(choices: Choices, options: Options, category: str | None) -> tuple[tuple[str, ...], frozenset[str]]:
    """The features to plant and the features that are allowed, for the default profile."""
    wanted = CATEGORIES[category].features if category else ()
    planted = tuple(dict.fromkeys((*wanted, *sorted(options.include))))
    needed = with_needs(frozenset(planted))
    allowed = _switched_on(choices) | needed
    for one_of in (FEATURES[name].one_of for name in needed):
        if one_of and allowed.isdisjoint({*one_of} - options.ruled_out):
            allowed |= {*one_of}
    return planted, _compatible(allowed, needed) - options.ruled_out


def _compatible(allowed: frozenset[str], needed: frozenset[str]) -> frozenset[str]:
    """What is allowed without one of each two features that exclude each other: the one that is not needed."""
    for one in FEATURES.values():
        for other in one.excludes:
            if {one.name, other} <= allowed:
                allowed -= {other if one.name in needed and other not in needed else one.name}
    return allowed


# The dimensions of input arrays in the realistic profile, with weights.  Outputs have those of the grid, so
# fewer inputs than the table says need several for the shares of all arrays to come out.
INPUT_NDIMS = ((1, 885), (2, 105), (3, 10))


def realistic(choices: Choices, options: Options) -> tuple[tuple[str, ...], frozenset[str]]:
    """The same with the frequencies of published kernels.

    The table's shares are of all kernels; what can only stand in a loop is drawn given that there is one, and
    a branch given that nothing planted brings one along.
    """
    rate = REALISTIC
    ruled_out = options.ruled_out
    has: set[str] = set()

    def decide(feature: str, probability: float) -> None:
        if choices.chance(min(1.0, probability)) and feature not in ruled_out:
            has.add(feature)

    for feature in rate:
        if feature not in _CONDITIONAL:
            decide(feature, rate[feature])
    if "for" in has:
        decide("dynamic_for", rate["dynamic_for"] / rate["for"])
    if has & {"for", "while"}:
        loops = 1 - (1 - rate["for"]) * (1 - rate["while"])
        decide("break", rate["break"] / loops)
        decide("continue", rate["continue"] / loops)
    brings_if = has & {"early_return", "break", "continue"}
    if not brings_if:
        without = (1 - rate["early_return"]) * (1 - rate["continue"] - rate["break"])
        decide("if", 1 - (1 - rate["if"]) / without)
    if "if" in has or brings_if:
        decide("and_or", rate["and_or"] / rate["if"])
    planted = tuple(feature for feature in FEATURES if feature in has or feature in options.include)
    needed = with_needs(frozenset(planted) - {"tile"})
    free = [f for f in FEATURES if f not in rate and f not in _STRUCTURAL]
    allowed = _switched_on(choices).intersection(free) | {"function", "constant"}
    allowed |= needed - (rate.keys() - has - {"if"}) | frozenset(planted)
    return planted, _compatible(frozenset(allowed), frozenset(planted)) - options.ruled_out


# What is drawn given something else.
_CONDITIONAL = frozenset({"if", "and_or", "dynamic_for", "break", "continue"})

# What follows from the features that the table of real kernels has shares for.
_STRUCTURAL = frozenset({"nested_loop", "early_exit", "else", "elif", "range_step"})
