"""The words of the grammar: features, categories, sizes, and how often real kernels use what.

A feature is something that a kernel has or has not; ``kernelfuzz.strategies.features`` finds them, and
``kernelfuzz.strategies.required_features`` knows how to make one appear.  A category is a set of features
that a kernel of that category must have: that is its definition and its check.
"""

from __future__ import annotations

from dataclasses import dataclass

FEATURES: dict[str, str] = {
    # operations
    "arithmetic": "an arithmetic operator over scalars",
    "power": "the operator **",
    "bitwise": "one of & | ^ ~",
    "shift": "one of << >>",
    "cast": "a conversion between scalar types",
    "mixed_widths": "integers of two widths",
    "math": "a mathematical function of scalars",
    "random": "a random number or noise from an explicit state",
    "and_or": "and, or",
    "chained": "a chained comparison (a < b <= c)",
    "ternary": "a conditional expression",
    "where": "wp.where",
    # types
    "bool_data": "an array or a parameter of bool",
    "float16": "a half precision value",
    "float64": "a double precision value",
    "small_int": "an integer of 8 or 16 bits",
    "wide_int": "an integer of 64 bits",
    "unsigned": "an unsigned integer",
    "vector": "an operation that makes a vector",
    "matrix": "an operation that makes a matrix",
    "quaternion": "an operation that makes or takes a quaternion",
    "transform": "an operation that makes or takes a transform",
    "spatial": "a spatial vector or matrix, or another long vector",
    "decomposition": "a matrix decomposition (qr3, svd3, eig3)",
    "struct": "a struct",
    "nested_struct": "a struct within a struct",
    "struct_array": "an array of structs",
    # places
    "array_nd": "an array of two dimensions or more",
    "array_3d": "an array of three dimensions or more",
    "view": "a row or a slice of an array as an array of its own",
    "array_shape": "a.shape[0]",
    "slice": "a slice of a vector",
    "component_store": "an assignment to a component of a local",
    "element_component_store": "an assignment to a component or a field of an array's element",
    "augmented": "an augmented assignment",
    "unpack": "an assignment to several names",
    "outlive": "a name that a block makes and that is read after the block",
    # control flow
    "if": "an if statement",
    "else": "an if statement with an else",
    "elif": "an if statement with an elif",
    "for": "a for loop",
    "dynamic_for": "a for loop whose bounds are known only when it runs",
    "range_step": "a range with a step",
    "while": "a while loop",
    "nested_loop": "a loop in a loop",
    "break": "break",
    "continue": "continue",
    "early_return": "a return before the end of a kernel",
    "early_exit": "break, continue or an early return",
    # the module around
    "atomic": "an atomic operation on shared memory",
    "scalar_param": "a parameter of the kernel that is a scalar",
    "tid_nd": "several names from wp.tid()",
    "function": "a call of a @wp.func",
    "tuple_return": "a function that returns several values",
    "procedure": "a function called for what it stores",
    "effect": "a function that stores, called for its value",
    "constant": "a constant of the module, or captured by a closure",
    "static": "wp.static",
    "closure": "a kernel made by a function, with captured values",
    "tile": "operations on tiles",
}

# What the swarm never switches off: without these there is nothing left to draw.
ALWAYS = frozenset({"arithmetic", "math", "early_exit", "scalar_param"})


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
