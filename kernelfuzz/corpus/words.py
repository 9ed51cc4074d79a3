"""What operators, tile builtins and nodes compute, in words that follow "computes".

What nobody would mention has no words.  The words of the other builtins are in their rows
(``kernelfuzz.typecheck.builtin_rows``).
"""

from __future__ import annotations

OPERATOR_WORDS: dict[str, str] = {
    "+": "sums", "-": "differences", "*": "products", "/": "quotients", "//": "floored quotients",
    "%": "remainders", "@": "matrix products", "**": "powers", "&": "bitwise and", "|": "bitwise or",
    "^": "bitwise exclusive or",
    "<<": "left shifts", ">>": "right shifts",
}  # fmt: skip

# Numbers as words; larger ones are written in digits.
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

SCALAR_WORDS: dict[str, str] = {
    "bool": "boolean", "float16": "16-bit float", "float32": "float", "float64": "64-bit float",
    "int8": "8-bit integer", "int16": "16-bit integer", "int32": "integer", "int64": "64-bit integer",
    "uint8": "unsigned 8-bit integer", "uint16": "unsigned 16-bit integer", "uint32": "unsigned integer",
    "uint64": "unsigned 64-bit integer",
}  # fmt: skip

UNARY_WORDS: dict[str, str] = {"-": "negations", "+": "", "~": "inverted bits", "not": "negated conditions"}

TILE_WORDS: dict[str, str] = {
    "tile_load": "tiles loaded from arrays", "tile_zeros": "tiles of zeros", "tile_ones": "tiles of ones",
    "tile_sum": "sums over tiles", "tile_min": "minima over tiles", "tile_max": "maxima over tiles",
    "tile_astype": "converted tiles", "tile_reshape": "reshaped tiles", "tile_transpose": "transposed tiles",
    "tile_broadcast": "broadcast tiles", "tile_extract": "elements of tiles",
    "tile_store": "tiles stored to arrays",
}  # fmt: skip

# Expressions by their class, and what is constructed by the class of its type.
NODE_WORDS: dict[str, str] = {
    "Cast": "conversions", "IfExp": "conditional values", "Static": "values known in advance",
    "Vector": "new vectors", "Matrix": "new matrices", "Quaternion": "new quaternions",
    "Transform": "new transformations", "Struct": "new structs",
}  # fmt: skip

# What nearly every kernel computes, and so says least.
COMMON = frozenset(OPERATOR_WORDS.values()) - {"matrix products", "powers"} | {
    "minima", "maxima", "clamped values", "conversions", "absolute values", "negations",
    "conditional values", "new vectors", "new matrices", "selections", "values known in advance",
}  # fmt: skip
