"""Where a kernel differs from Python, one row each: what Warp's documentation says, and what it does not.

``source`` is a page and a section of Warp's user guide or language reference
(https://nvidia.github.io/warp/stable/), an entry of its changelog, or "observed": what releases 1.10, 1.14
and 1.19 do where nothing is written.  ``kept_by`` names the modules of ``kernelfuzz.reference`` that keep the
rule.  Everything else is as "The Python Language Reference" has it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """``changed``: the release that brought the rule, where older supported ones do something else."""

    name: str
    rule: str
    source: str
    kept_by: str
    changed: str = ""


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "remainder", "% has the sign of the dividend, for floats too",
        "Limitations, Modulus Operator: \"follows that of C++11\"", "arithmetic",
    ),
    Difference(
        "power", "** takes floats only",
        "Limitations, Power Operator: \"only works on floating-point numbers\"", "exact",
    ),
    Difference(
        "floor division", "// of floats is the floor of the rounded quotient, not Python's exact floor",
        "Built-ins, floordiv: \"Divide two scalars using floor division\"; observed", "arithmetic",
    ),
    Difference("division of integers", "/ of integers is an integer, truncated", "observed", "arithmetic"),
    Difference(
        "typed numbers", "every number has a type of fixed size; nothing is converted by itself",
        "Basics, Strong Typing", "arithmetic",
    ),
    Difference(
        "literals", "1.5 is a float32 and 1 an int32; a float16 is made from the nearest float32",
        "Limitations, Kernels and User Functions, wp.constant; observed for float16",
        "arithmetic",
    ),
    Difference(
        "rounding", "wp.round takes halves away from zero and gives the type of its argument",
        "Limitations, Rounding", "builtin_values",
    ),
    Difference(
        "inverse sine and cosine", "the argument is clamped to [-1, 1]",
        "Limitations, Inverse Sine and Cosine", "builtin_values",
    ),
    Difference(
        "missing numbers", "min, max, clamp and their atomics return the operand that is not NaN",
        "Changelog, 1.14.0, Fixed (GH-1376): \"NaN-as-missing semantics matching C fmin() / fmax()\"",
        "builtin_values, exact", "1.14.0: before, min(a, b) was a < b ? a : b",
    ),
    Difference(
        "value semantics", "an assignment copies a vector, matrix, quaternion, transform or struct",
        "Basics, Built-in Types: \"a = b generate a copy of the variable b rather than a reference\"; for "
        "structs observed", "value_parts",
    ),
    Difference(
        "arguments", "a function gets its own copy of every value; an array is passed by reference",
        "Basics, User Functions: only wp.ref parameters mutate the caller's storage", "evaluation",
    ),
    Difference(
        "elements", "reading an element of an array copies it, also a vector or a struct",
        "Basics, Built-in Types", "memory",
    ),
    Difference(
        "slices", "a slice of a vector is a new vector",
        "Runtime, Indexing and Slicing: \"Slices always create new copies\"", "value_parts",
    ),
    Difference(
        "negative indices", "of a vector or matrix they count from the end; of an array they are undefined",
        "Runtime, Indexing and Slicing: \"Negative indices are wrapped around\"", "value_parts, memory",
    ),
    Difference(
        "unassigned names", "reading a name that no executed statement assigned is undefined",
        "Limitations, Variable Scope: \"leading to undefined behavior\"", "evaluation",
    ),
    Difference(
        "in-place sums", "a[i] += x is wp.atomic_add(a, i, x), and -= is wp.atomic_sub",
        "Changelog, 1.7.2: \"+= and -= invoke wp.atomic_add() and wp.atomic_sub()\"", "value_parts",
    ),
    Difference(
        "and, or", "the operands after the one that decides are not evaluated, as in Python",
        "Changelog, 1.13.0, Changed (GH-1329)", "evaluation",
        "1.13.0: before, every operand was evaluated (Limitations of that release)",
    ),
    Difference(
        "truth",
        "a number that is not zero is true, and an array that has elements, which None has not; and, or give a bool",
        "Built-ins, unot: \"falsy (False, zero, or an empty/null array)\"; observed", "evaluation",
    ),
    Difference(
        "messages", "print, wp.printf, wp.expect_eq and the like, assert change no value; a check that fails is told",
        "Built-ins, Utility; observed", "compiled_calls",
    ),
    Difference(
        "size of a block", "what wp.block_dim() gives is a matter of the launch, and left open",
        "Built-ins, block_dim", "compiled_calls",
    ),
    Difference(
        "augmented assignments", "the target's parts and the value are evaluated once, as in Python",
        "Changelog, 1.12.1, Fixed (GH-1233) and 1.12.0, Fixed", "value_parts",
        "1.12.1: before, side effects in them happened twice",
    ),
    Difference(
        "random states", "wp.randf(state) and its like change the local that they are given",
        "Built-ins, Random: every call advances the state", "compiled_calls",
    ),
    Difference(
        "where", "wp.where(condition, a, b) evaluates both values",
        "Built-ins, where: a function", "compiled_calls",
    ),
    Difference(
        "wp.static", "is evaluated by Python with Python's numbers when the kernel is declared",
        "Code Generation, Static Expressions", "evaluation",
    ),
    Difference(
        "wp.static of a counter", "has a value for each copy that unrolling makes of a loop's body",
        "Code Generation, Static Expressions", "evaluation",
    ),
    Difference(
        "constants", "a captured vector, matrix or rotation is a value like any other, and keeps every digit",
        "Built-ins, wp.constant; observed", "evaluation",
    ),
    Difference(
        "constants of 64 bits", "wp.float64(K) and wp.int64(wp.static(e)) convert Python's number, unrounded",
        "GH-485 (wp.float64(wp.PI)); Limitations: wp.int64(large_value)", "evaluation",
        "1.12.1: before, the number was rounded to float32 or int32 first",
    ),
    Difference(
        "tiles on the CPU", "a block has one thread, whatever block_dim says",
        "Tiles, CPU Tile Semantics: \"an effective block_dim of 1\"", "compiled_calls",
    ),
    Difference(
        "the end of a sorted array", "wp.lower_bound gives the last place where every element is less",
        "Built-ins, lower_bound; observed", "compiled_calls",
    ),
)  # fmt: skip
