"""The words of the grammar beside its features: categories, sizes, and how often real kernels use what.

A category is a set of features (``kernelfuzz.strategies.features``) that a kernel of that category must have:
that is its definition and its check.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """What a kernel of the category must contain; ``default``: one of the ten of a balanced corpus."""

    features: tuple[str, ...]
    meaning: str
    default: bool = True

    def holds(self, features: frozenset[str]) -> bool:
        """Whether a kernel with these features is of the category."""
        return features.issuperset(self.features)


CATEGORIES: dict[str, Category] = {
    "arithmetic": Category(("arithmetic",), "operators over scalars"),
    "vector": Category(("vector",), "operations on vectors"),
    "matrix": Category(("matrix",), "operations on matrices"),
    "control_flow": Category(("if", "for"), "a branch and a loop"),
    "math": Category(("math",), "mathematical functions"),
    "atomic": Category(("atomic",), "atomic updates of shared memory"),
    "nested_loop": Category(("nested_loop",), "a loop in a loop"),
    "multi_condition": Category(("and_or", "elif"), "joined conditions and a chain of branches"),
    "combined": Category(("if", "for", "vector", "math"), "several of the other categories at once"),
    "scalar_param": Category(("scalar_param",), "scalar parameters of the kernel"),
    "integer": Category(("bitwise", "shift", "mixed_widths"), "bits, shifts, mixed widths", False),
    "function": Category(("function",), "calls of user functions", False),
    "struct": Category(("struct",), "structs as parameters, locals and elements", False),
    "array_nd": Category(("array_nd",), "arrays of several dimensions", False),
    "early_exit": Category(("early_exit",), "break, continue and early return", False),
    "quaternion": Category(("quaternion",), "quaternions", False),
}


def main_category(features: frozenset[str]) -> str:
    """The category that says most about a kernel with these features; "other" where none does."""
    held = [name for name, category in CATEGORIES.items() if category.holds(features)]
    # Of those that ask for as much the later one, which is the rarer.
    return max(reversed(held), key=lambda name: len(CATEGORIES[name].features), default="other")


# The names that other tools used for some of the ten.
ALIASES: dict[str, str] = {
    "conditional": "control_flow",
    "loop": "control_flow",
    "nested": "nested_loop",
    "multi_cond": "multi_condition",
    "multi_conditional": "multi_condition",
}

# How many statements are drawn at the top level of a kernel, beside what its category plants.
SIZES: dict[str, tuple[int, int]] = {"small": (0, 2), "medium": (0, 7), "large": (8, 24)}

# The share of kernels with each feature in newton and mujoco_warp (1,598 kernels).
REALISTIC: dict[str, float] = {
    "if": 0.60,
    "tid_nd": 0.29,
    "and_or": 0.25,
    "early_return": 0.21,
    "for": 0.20,
    "dynamic_for": 0.16,
    "closure": 0.16,
    "atomic": 0.11,
    "static": 0.10,
    "tuple_return": 0.095,
    "while": 0.037,
    "continue": 0.036,
    "ternary": 0.034,
    "break": 0.023,
    "tile": 0.022,
}

# How many array parameters of a thousand have each number of dimensions in the same kernels.
REALISTIC_NDIMS: tuple[tuple[int, int], ...] = ((1, 804), (2, 180), (3, 16))
