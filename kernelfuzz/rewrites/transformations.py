"""Changes of a case that must not change what it computes: one row each.

The metamorphic oracle compares a kernel with itself after one of them.  Each respects what Warp documents
to be different from Python: an expression that changes something is not moved, a constant that a dynamic
loop changes stays a variable, ``+=`` on an element of an array stays atomic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kernelfuzz.analysis.effects import frozen_constants
from kernelfuzz.ir import nodes as n
from kernelfuzz.ir.launch import Case
from kernelfuzz.rewrites import conditions, counting, inlining, parameters, spellings, temporaries
from kernelfuzz.rewrites.places import Change, Picks, Places, at_node, each_statement, each_value, whole
from kernelfuzz.typecheck.verify import VerifyError, verify

# What a rewrite may change besides what it is about: the source text of the kernel, the last bits of its floats,
# its parameters together with what the launch gives them.
Aspect: TypeAlias = Literal["source", "rounding", "launch"]

# How many places are tried before a transformation counts as not applicable.
_TRIES = 12


@dataclass(frozen=True, slots=True)
class Transformation:
    """A change of a case after which it must compute the same outputs, to the bit (``fuse_fp`` off).

    ``name`` goes into the finding; ``does`` says in one sentence what is written instead.  ``places`` lists
    where it may apply, and ``change`` makes the change at one of them, or gives None where a closer look
    forbids it.
    """

    name: str
    does: str
    places: Places
    change: Change
    may_change: tuple[Aspect, ...] = ("source",)

    def apply(self, case: Case, picks: Picks) -> Case | None:
        """The case changed at one place, its kernel verified; None where no tried place allows it.

        A result that does not verify is given up: Warp documents that it takes no such kernel (a constant
        that a dynamic loop changes, for one), so that it is no equal of the original.
        """
        places = list(self.places(case.kernel))
        for _ in range(min(len(places), _TRIES)):
            place = places.pop(picks.integer(0, len(places) - 1))
            changed = self.change(case, place, picks)
            if changed is not None and _is_equal_to(changed.kernel, case.kernel):
                return changed
        return None


def _is_equal_to(changed: n.Kernel, original: n.Kernel) -> bool:
    """Whether the changed kernel is another one, and Warp's documentation lets nobody expect a difference."""
    if changed == original or frozen_constants(changed) - frozen_constants(original):
        return False
    try:
        verify(changed)
    except VerifyError:
        return False
    return True


_LAUNCH: tuple[Aspect, ...] = ("source", "launch")

# The order counts: the oracle draws a row by its number.
TRANSFORMATIONS: tuple[Transformation, ...] = (
    # ------------------------------------------------------------------------------ loops
    Transformation(
        "constant bound to dynamic bound",
        "The bound of a loop is read from a new parameter or from a new array of one element.",
        counting.literal_bounds, counting.dynamic_bound, _LAUNCH,
    ),
    Transformation(
        "dynamic bound to constant bound",
        "The bound of a loop is the number that the launch gives the parameter.",
        counting.param_bounds, spellings.argument_to_literal,
    ),
    Transformation(
        "for to while",
        "A counter of its own is tested and counted, at the start of the body.",
        each_statement(n.For, tiles=False), at_node(counting.for_to_while),
    ),
    Transformation(
        "while with a flag",
        "The condition is kept in a variable, assigned before the loop and at the end of its body.",
        each_statement(n.While), at_node(counting.while_with_flag),
    ),
    Transformation(
        "first iteration peeled off",
        "The body stands once in front of the loop, which starts one step later.",
        each_statement(n.For, counting.runs_twice, tiles=False), at_node(counting.peeled),
    ),
    # -------------------------------------------------------------------------- functions
    Transformation(
        "expression moved into a function",
        "A new function returns an expression, and is called with what the expression reads.",
        each_value(n.Expr, inlining.is_outlinable), inlining.outlined,
    ),
    Transformation(
        "function inlined",
        "What a function of one return returns stands in place of its call.",
        each_value(n.CallFunction, inlining.is_inlinable), at_node(inlining.inlined),
    ),
    Transformation(
        "body moved into a function",
        "All that follows the thread index stands in a new function, which the kernel calls.",
        whole(inlining.has_movable_body), inlining.moved_body,
    ),
    # ----------------------------------------------------- conditions that Warp cannot know
    Transformation(
        "dead code in an if",
        "A copy of a statement stands in an if whose condition reads a new parameter, which is 0.",
        conditions.guardable, conditions.dead_if, _LAUNCH,
    ),
    Transformation(
        "dead code in a while",
        "A copy of a statement stands in a while whose condition reads a new parameter, which is 0.",
        conditions.guardable, conditions.dead_while, _LAUNCH,
    ),
    Transformation(
        "dead code in a for",
        "A copy of a statement stands in a for whose bound is a new parameter, which is 0.",
        conditions.guardable, conditions.dead_for, _LAUNCH,
    ),
    Transformation(
        "true condition",
        "One to three statements stand in an if whose condition asks whether a new parameter is 0.",
        conditions.guardable, conditions.guarded, _LAUNCH,
    ),
    # -------------------------------------------------------------------------- constants
    Transformation(
        "constant to static",
        "A number is written as a wp.static of it.",
        each_value(n.Literal, spellings.is_plain), at_node(spellings.made_static),
    ),
    Transformation(
        "static to constant",
        "The value that Python computes stands in place of a wp.static.",
        each_value(n.Static, spellings.is_known), at_node(spellings.evaluated_static),
    ),
    Transformation(
        "constant to argument",
        "A number is read from a new parameter.",
        each_value(n.Literal, functions=False), spellings.literal_to_argument, _LAUNCH,
    ),
    Transformation(
        "argument to constant",
        "The number that the launch gives a parameter stands where the parameter was read.",
        each_value(n.Name, spellings.is_param, functions=False), spellings.argument_to_literal,
    ),
    Transformation(
        "constant to named constant",
        "A number is read from a new constant of the module.",
        each_value(n.Literal), spellings.literal_to_constant,
    ),
    Transformation(
        "named constant to constant",
        "The value of a constant of the module stands where the constant was read.",
        each_value(n.Name, spellings.is_constant_name), at_node(spellings.constant_to_literal),
    ),
    Transformation(
        "constants into or out of a closure",
        "The constants of the module are parameters of a factory around the kernel, or no longer are.",
        whole(spellings.has_movable_constants), spellings.moved_constants,
    ),
    # ------------------------------------------------------------------------ assignments
    Transformation(
        "augmented to plain assignment",
        "An update in place of a local is an operation and an assignment.",
        each_statement(n.AugAssign, temporaries.is_local_update), at_node(temporaries.expanded),
    ),
    Transformation(
        "plain to augmented assignment",
        "An operation on a local that is assigned to it is an update in place.",
        each_statement(n.Assign, temporaries.is_spelt_out), at_node(temporaries.contracted),
    ),
    Transformation(
        "operands bound to temporaries",
        "Each operand of what a statement evaluates is assigned to a new local before.",
        each_statement(n.Stmt, temporaries.has_operands, tiles=False), at_node(temporaries.with_bound_operands),
    ),
    Transformation(
        "temporary inlined",
        "The value of a local that only the next statement reads stands where it is read.",
        temporaries.temporaries, temporaries.inlined_temporary,
    ),
    # --------------------------------------------------------------------------- branches
    Transformation(
        "branches swapped",
        "The two branches of an if change places under the opposite condition.",
        each_statement(n.If, tiles=False), at_node(conditions.swapped),
    ),
    Transformation(
        "and to nested ifs",
        "The second condition of an and has an if of its own, inside.",
        each_statement(n.If, conditions.is_conjunction, tiles=False), at_node(conditions.nested),
    ),
    Transformation(
        "or to elif",
        "The second condition of an or has an elif of its own, with the same body.",
        each_statement(n.If, conditions.is_disjunction, tiles=False), at_node(conditions.cascaded),
    ),
    Transformation(
        "else after a return dropped",
        "The statements of an else whose if returns follow the if.",
        each_statement(n.If, conditions.has_needless_else, tiles=False), at_node(conditions.without_else),
    ),
    Transformation(
        "else after a return added",
        "The statements that follow an if that returns are its else.",
        each_statement(n.If, conditions.lacks_else, tiles=False), conditions.with_else,
    ),
    Transformation(
        "ternary to if",
        "A conditional expression that is assigned to a local is an if with two assignments.",
        each_statement(n.Assign, conditions.assigns_ternary), at_node(conditions.ternary_to_if),
    ),
    Transformation(
        "if to ternary",
        "An if with two assignments to one local assigns a conditional expression.",
        each_statement(n.If, conditions.is_choice, tiles=False), at_node(conditions.if_to_ternary),
    ),
    Transformation(
        "ternary swapped",
        "The two sides of a conditional expression change places under the opposite condition.",
        each_value(n.IfExp), at_node(conditions.swapped_ternary),
    ),
    Transformation(
        "and or to ternary",
        "An and or an or is a conditional expression with True or False as one side.",
        each_value(n.BoolOp, conditions.is_pure_bool_op), at_node(conditions.bool_op_to_ternary),
    ),
    Transformation(
        "chained comparison split",
        "A chain of comparisons is an and of comparisons of neighbours.",
        each_value(n.Compare, conditions.is_pure_chain), at_node(conditions.split_chain),
    ),
    Transformation(
        "where to ternary",
        "A wp.where is a conditional expression.",
        each_value(n.Call, conditions.is_pure_where), at_node(conditions.where_to_ternary),
    ),
    Transformation(
        "ternary to where",
        "A conditional expression whose sides may both be evaluated is a wp.where.",
        each_value(n.IfExp, conditions.is_total_ternary), at_node(conditions.ternary_to_where),
    ),
    # ----------------------------------------------------------------------- declarations
    Transformation(
        "names changed",
        "Every local, and every parameter of a function, has a new name, some of them words of C++.",
        whole(lambda kernel: True), parameters.renamed,
    ),
    Transformation(
        "parameters reordered",
        "The parameters of the kernel stand in another order.",
        whole(parameters.has_several_params), parameters.reordered,
    ),
    Transformation(
        "unused parameter",
        "The kernel has a parameter that it does not read.",
        whole(lambda kernel: True), parameters.unused_param, _LAUNCH,
    ),
    Transformation(
        "unused local",
        "A local is assigned that nothing reads.",
        each_statement(n.Stmt), parameters.unused_local,
    ),
    Transformation(
        "parameters in a struct",
        "Scalar parameters with one contract are the fields of a struct.",
        parameters.packable, parameters.packed, _LAUNCH,
    ),
)  # fmt: skip
