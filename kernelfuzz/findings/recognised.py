"""Known bugs of released Warp that nothing predicts: the signatures that each is recognised by, and why.

A bug that changes values is a row of ``kernelfuzz.reference.deviations``, which predicts what Warp computes.
What is left here refuses a kernel, or takes one that means nothing; or what it gives depends on what nothing tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernelfuzz.findings.known import Known
from kernelfuzz.reference.deviations import DEVIATIONS
from kernelfuzz.reference.promises import BREAKING
from kernelfuzz.rewrites.workarounds import WORKAROUNDS


@dataclass(frozen=True, slots=True)
class Rule:
    """Failures that are a known bug: those with a ``signature`` of these.

    In a signature ``*`` stands for any text.  ``why`` says why it is not predicted.
    """

    bug: str
    signatures: tuple[str, ...]
    why: str


_REFUSED = "Warp refuses the kernel: there is nothing to compute."
_TAKEN = "Warp takes a kernel that means nothing: there is nothing that it must compute."
_CONSISTENT = "It is seen in the generated text alone."
_REPLAY = "What the reverse pass finds depends on what the loop left behind."

RULES = (
    Rule(
        "chained-comparison-of-references",
        ("rejected*: WarpCodegenTypeError: Cannot chain comparisons of unequal types: *ref[*",),
        _REFUSED,
    ),
    Rule(
        "conversion-retypes-a-constant",
        (
            "rejected*: RuntimeError: array_store() value argument type (int) must be of the same type as the array"
            " (int)*",
        ),
        _REFUSED,
    ),
    Rule(
        "subscript-of-a-slice",
        ("rejected*: WarpCodegenError: Couldn't find function overload for 'extract' that matched inputs with types:"
         " [vec, slice*",),
        _REFUSED,
    ),
    Rule(
        "tuple-assignment-aliases",
        (
            "rejected*: WarpCodegenTypeError: Error, assigning to existing symbol * (ref[*",
            "rejected*: WarpCodegenTypeError: Error, assigning to existing symbol * with different type (ref[*",
            "rejected*: WarpCodegenTypeError: Error, augmented assignment to '_' (ref[*",
        ),
        _REFUSED,
    ),
    Rule(
        "name-is-a-cpp-keyword",
        (
            "does not compile: expected member name or '_' after declaration specifiers",
            "does not compile: cannot combine with previous '_' declaration specifier",
        ),
        _REFUSED,
    ),
    Rule(
        "constant-in-intersect-tri-tri",
        (
            "does not compile*: no matching function for call to 'intersect_tri_tri'",
            "does not compile*: no instance of overloaded function 'intersect_tri_tri' matches the argument list",
        ),
        _REFUSED,
    ),
    Rule("parameter-named-ret", ("does not compile*: redefinition of parameter 'adj_ret'",), _REFUSED),
    Rule(
        "bit-atomics-in-clang",
        (
            "does not compile on CUDA: no matching function for call to 'atomicMax'",
            "does not compile on CUDA: no matching function for call to 'atomicMin'",
        ),
        _REFUSED,
    ),
    Rule(
        "code-depends-on-hash-seed",
        ("not deterministic*: for(outlives){*", "not deterministic*: for{ *"),
        "Which of the texts a process generates is drawn by Python.",
    ),
    Rule(
        "leaving-a-dynamic-loop",
        tuple(
            f"{kind}*: *{loop}*{{*{exit}*}}*"
            for kind in ("wrong gradient", "writes outside by the adjoint")
            for loop in ("for", "while")
            for exit in ("break", "continue", "return")
        ),
        _REPLAY,
    ),
    Rule(
        "replayed-function-adds-again",
        (
            "wrong gradient*: function{ array op= leaf }; *function(array)*",
            "wrong gradient*: function{ array op= leaf }; *function(array, *",
        ),
        _REPLAY,
    ),
    Rule(
        "sum-changes-what-an-adjoint-reads",
        ("wrong gradient*: *; mat[i, i] op= leaf", "wrong gradient*: *(float); for(len(array)){}"),
        _REPLAY,
    ),
    Rule("comparison-of-unequal-types", ("accepted: compared values of unequal types: *",), _TAKEN),
    Rule("array-of-other-dimensions", ("accepted: an array of other dimensions: *",), _TAKEN),
    Rule("slice-with-step-zero", ("accepted: slice with step 0: array",), _TAKEN),
    Rule("part-is-stored-again", ("malformed code*: replay: wp::index(var)* = var",), _CONSISTENT),
)  # fmt: skip

# The names of all known bugs that are predicted, told by the call that breaks a promise, or recognised by a rewrite.
BUGS = tuple(dict.fromkeys((*DEVIATIONS, *BREAKING, *WORKAROUNDS)))

RECOGNISED = Known(tuple((signature, rule.bug) for rule in RULES for signature in rule.signatures))
