"""Which features a kernel must have and which it may have, drawn once per kernel."""

from __future__ import annotations

import functools

from kernelfuzz.strategies.choices import Choices
from kernelfuzz.strategies.options import Options
from kernelfuzz.strategies.vocabulary import ALWAYS, CATEGORIES, FEATURES, REALISTIC

# Features that need others to be drawn at all.
NEEDS: dict[str, tuple[str, ...]] = {
    "else": ("if",),
    "elif": ("if",),
    "dynamic_for": ("for",),
    "range_step": ("for",),
    "nested_loop": ("for",),
    "break": ("for", "if"),
    "continue": ("for", "if"),
    "early_return": ("if",),
    "mixed_widths": ("wide_int", "small_int", "unsigned", "cast"),
    "quaternion": ("vector", "matrix"),
    "transform": ("vector", "quaternion", "matrix"),
    "spatial": ("vector", "matrix"),
    "decomposition": ("matrix", "vector"),
    "nested_struct": ("struct",),
    "struct_array": ("struct",),
    "array_3d": ("array_nd",),
    "view": ("array_nd",),
    "slice": ("vector",),
    "component_store": ("vector",),
    "element_component_store": ("vector",),
    "tuple_return": ("function",),
    "procedure": ("function",),
    "closure": ("constant",),
    "elif_chain": ("if",),
    "early_exit": ("early_return", "break", "continue", "for", "if"),
}

# How often the swarm switches a feature off: often enough that kernels differ in kind, not only in detail.
OFF = 0.25


@functools.lru_cache(maxsize=4096)
def with_needs(wanted: frozenset[str]) -> frozenset[str]:
    """The features, with all that they need."""
    result = set(wanted)
    queue = list(wanted)
    while queue:
        for needed in NEEDS.get(queue.pop(), ()):
            if needed not in result:
                result.add(needed)
                queue.append(needed)
    return frozenset(result)


# What the swarm may switch off, in a fixed order; what is rare in real kernels is switched off more often.
_RARE = {"closure": 0.85, "tile": 0.97, "decomposition": 0.6, "random": 0.6, "float16": 0.5, "spatial": 0.5}


def swarm(choices: Choices, options: Options, category: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The features to plant and the features that are allowed, for the default profile."""
    planted = tuple(dict.fromkeys((*CATEGORIES[category].features, *sorted(options.include))))
    needed = with_needs(frozenset(planted))
    allowed = {
        feature
        for feature in FEATURES
        if feature in needed
        or feature in ALWAYS
        or (feature not in options.exclude and not choices.chance(_RARE.get(feature, OFF)))
    }
    return planted, frozenset(allowed) - options.exclude


def realistic(choices: Choices, options: Options) -> tuple[tuple[str, ...], frozenset[str]]:
    """The same with the frequencies of published kernels.

    The table's shares are of all kernels; what can only stand in a loop is drawn given that there is one, and
    a branch given that nothing planted brings one along.
    """
    rate = REALISTIC
    has: set[str] = set()

    def decide(feature: str, probability: float) -> None:
        if choices.chance(min(1.0, probability)) and feature not in options.exclude:
            has.add(feature)

    for feature in ("tid_nd", "early_return", "for", "atomic", "static", "tuple_return", "while", "ternary", "tile", "closure"):
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
    free = [f for f in FEATURES if f not in rate and f not in _STRUCTURAL and f not in options.exclude]
    allowed = {f for f in free if f in ALWAYS or not choices.chance(_RARE.get(f, OFF))}
    return planted, frozenset(allowed) | (needed - (rate.keys() - has - {"if"})) | {"function"} - options.exclude


# What follows from the features that the table of real kernels has shares for.
_STRUCTURAL = frozenset({"nested_loop", "early_exit", "else", "elif", "range_step"})
