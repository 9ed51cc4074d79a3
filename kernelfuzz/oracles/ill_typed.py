"""Edits after which Warp must refuse a kernel, one row each with the sentence of its user guide that says so.

An edit that the documentation does not forbid has no row, nor has one that Python itself refuses (``break`` outside
of a loop), for Warp never sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.names import FreshNames, own_names
from kernelfuzz.ir.rewrite import Part, Path, replace_at
from kernelfuzz.rewrites.places import function_at, statements, values
from kernelfuzz.typecheck.builtins import is_newer

# The node that must be refused, with the types or the form that it is about; None where the edit does not fit.
Change: TypeAlias = "tuple[str, n.Node | tuple[n.Node, ...]] | None"


@dataclass(frozen=True, slots=True)
class Edited:
    """A kernel after an edit, what that is ``about``, and a ``probe``: with a name that nothing defines in its place.

    A place where Warp does not mind that name is one that it generates nothing for, as in a loop without turns.
    """

    about: str
    kernel: n.Kernel
    probe: n.Kernel


@dataclass(frozen=True, slots=True)
class Edit:
    """``name`` is what is wrong after it.  ``sentence`` of the page ``source`` forbids it, in releases ``since`` one.

    ``expression`` or ``statement`` makes the edit at a node of its kind; a statement's gets free names, and whether
    it stands in a function.
    """

    name: str
    source: str
    sentence: str
    expression: Callable[[n.Expr], Change] | None = None
    statement: Callable[[n.Stmt, FreshNames, bool], Change] | None = None
    since: str = ""

    def documented(self) -> bool:
        """Whether the installed Warp is one whose documentation forbids it."""
        return not (self.since and is_newer(self.since))

    def edited(self, kernel: n.Kernel) -> Iterator[Edited]:
        """The kernel edited at each place where that goes."""
        fresh = FreshNames(own_names(kernel))
        unheard = n.Name(fresh("unheard"), t.INT32)
        if self.expression is not None:
            for path, node in values(kernel):
                if (change := self.expression(node)) is not None:
                    yield _edited(kernel, path, change, (unheard,))
        if self.statement is not None:
            for path, node in statements(kernel):
                change = self.statement(node, fresh, function_at(kernel, path) is not None)
                if change is not None:
                    probe = n.Assign(n.Name(fresh("probed"), t.INT32), unheard)
                    yield _edited(kernel, path, change, (probe, node))


def _edited(kernel: n.Kernel, path: Path, change: tuple[str, n.Node | Part], probe: Part) -> Edited:
    about, new = change
    part = new if isinstance(new, tuple) else (new,)
    return Edited(about, replace_at(kernel, {path: part}), replace_at(kernel, {path: probe}))


# ---------------------------------------------------------------------------------------- what is edited


def _other(value: n.Expr) -> n.Cast | None:
    """A value of another scalar type: no literal, which Warp may take in more than one type.

    It has 32 bits: a conversion to 64 changes the type of a constant (notes/findings/conversion-retypes-a-constant).
    """
    match value:
        case n.Literal():
            return None
        case _ if isinstance(value.type, t.Scalar) and value.type.kind != "bool":
            return n.Cast(t.INT32 if value.type.is_float else t.FLOAT32, value)
        case _:
            return None


def _about(value: n.Expr, other: n.Cast) -> str:
    return f"{t.type_name(value.type)} and {t.type_name(other.type)}"


_ARITHMETIC = frozenset("+-*/%") | {"//"}


def _scalars(node: n.Binary) -> bool:
    return isinstance(node.left.type, t.Scalar) and isinstance(node.right.type, t.Scalar)


def operands(node: n.Expr) -> Change:
    match node:
        case n.Binary(left=left, right=right, op=op) if op in _ARITHMETIC and _scalars(node):
            other = None if isinstance(left, n.Literal) else _other(right)
            return other and (f"{op} of {_about(left, other)}", replace(node, right=other))
        case _:
            return None


def of_integers(operator: str) -> Callable[[n.Expr], Change]:
    """Arithmetic of floats spelled with an operator that only integers have."""

    def change(node: n.Expr) -> Change:
        match node:
            case n.Binary(op=op, type=t.Scalar(kind="float") as scalar) if op in _ARITHMETIC and _scalars(node):
                return f"{operator} of {t.type_name(scalar)}", replace(node, op=operator)
            case _:
                return None

    return change


def lengths(node: n.Expr) -> Change:
    if isinstance(node, n.Binary) and node.op in "+-" and isinstance(left := node.left.type, t.Vector):
        other = t.Vector(3 if left.length == 2 else 2, left.dtype)
        return f"{node.op} of vectors", replace(node, right=n.Construct(other, ()))
    return None


def compared(node: n.Expr) -> Change:
    match node:
        case n.Compare(left=left, ops=(op,), comparators=(right,)) if isinstance(left.type, t.Scalar):
            other = None if isinstance(left, n.Literal) else _other(right)
            return other and (f"{op} of {_about(left, other)}", replace(node, comparators=(other,)))
        case _:
            return None


def sides(node: n.Expr) -> Change:
    match node:
        case n.IfExp(body=body, orelse=orelse) if not isinstance(body, n.Literal):
            other = _other(orelse)
            return other and (_about(body, other), replace(node, orelse=other))
        case _:
            return None


_OF_FLOATS = frozenset({"sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "atan", "floor", "ceil", "round"})


def float_builtin(node: n.Expr) -> Change:
    if isinstance(node, n.Call) and node.name in _OF_FLOATS and not isinstance(node.args[0], n.Literal):
        return f"{node.name} of int32", replace(node, args=(n.Cast(t.INT32, node.args[0]),))
    return None


def builtin_arguments(node: n.Expr) -> Change:
    if isinstance(node, n.Call) and node.name in _OF_FLOATS:
        return node.name, replace(node, args=(*node.args, *node.args))
    return None


_OF_TWO = frozenset({"min", "max", "atan2", "pow", "dot", "cross"})


def fewer_builtin_arguments(node: n.Expr) -> Change:
    """Of numbers or vectors; ``min`` of one vector is another overload."""
    if isinstance(node, n.Call) and node.name in _OF_TWO and len(node.args) == 2:
        of_vectors = not isinstance(node.args[0].type, t.Scalar) and node.name in ("min", "max")
        return None if of_vectors else (node.name, replace(node, args=node.args[:1]))
    return None


def of_two_types(node: n.Expr) -> Change:
    match node:
        case n.Call(name="min" | "max" as name, args=(left, right)) if not isinstance(left, n.Literal):
            other = _other(right)
            return other and (f"{name} of {_about(left, other)}", replace(node, args=(left, other)))
        case _:
            return None


def clamped(node: n.Expr) -> Change:
    match node:
        case n.Call(name="clamp", args=(value, low, high)) if not isinstance(value, n.Literal):
            other = _other(high)
            return other and (_about(value, other), replace(node, args=(value, low, other)))
        case _:
            return None


def inverted(node: n.Expr) -> Change:
    match node:
        case n.Unary(op="-", operand=operand, type=t.Scalar(kind="float") as scalar) if not isinstance(
            operand, n.Literal
        ):
            return f"~ of {t.type_name(scalar)}", replace(node, op="~")
        case _:
            return None


def of_vectors(node: n.Expr) -> Change:
    if isinstance(node, n.Call) and node.name in _OF_FLOATS and isinstance(scalar := node.type, t.Scalar):
        return f"{node.name} of a vector", replace(node, args=(n.Construct(t.Vector(3, scalar), ()),))
    return None


def normalized(node: n.Expr) -> Change:
    if isinstance(node, n.Call) and node.name in _OF_FLOATS and isinstance(node.type, t.Scalar):
        return t.type_name(node.type), replace(node, name="normalize")
    return None


def multiplied(node: n.Expr) -> Change:
    """A dot product of vectors of two lengths."""
    if isinstance(node, n.Call) and node.name == "dot" and isinstance(left := node.args[0].type, t.Vector):
        other = t.Vector(3 if left.length == 2 else 2, left.dtype)
        return "", replace(node, args=(node.args[0], n.Construct(other, ())))
    return None


def crossed(node: n.Expr) -> Change:
    """A cross product in the plane, in place of a sum of vectors."""
    if isinstance(node, n.Binary) and node.op in "+-" and isinstance(made := node.type, t.Vector):
        flat = t.Vector(2, made.dtype)
        return "", n.Call("cross", (n.Construct(flat, ()), n.Construct(flat, ())), flat)
    return None


def measured(node: n.Expr) -> Change:
    """The length of a vector of integers, in place of a dot product."""
    if isinstance(node, n.Call) and node.name == "dot" and isinstance(node.args[0].type, t.Vector):
        return "int32", n.Call("length", (n.Construct(t.Vector(3, t.INT32), ()),), t.INT32)
    return None


def number_for_array(node: n.Expr) -> Change:
    if isinstance(node, n.CallFunction):
        for at, value in enumerate(node.args):
            if isinstance(value.type, t.Array):
                return "", replace(node, args=(*node.args[:at], n.Literal(1, t.INT32), *node.args[at + 1 :]))
    return None


def array_for_number(node: n.Expr) -> Change:
    if isinstance(node, n.CallFunction):
        array = next((value for value in node.args if isinstance(value.type, t.Array)), None)
        for at, value in enumerate(node.args):
            if array is not None and isinstance(value.type, t.Scalar):
                return t.type_name(value.type), replace(node, args=(*node.args[:at], array, *node.args[at + 1 :]))
    return None


def argument_type(node: n.Expr) -> Change:
    if isinstance(node, n.CallFunction):
        for at, value in enumerate(node.args):
            if (other := _other(value)) is not None:
                return _about(value, other), replace(node, args=(*node.args[:at], other, *node.args[at + 1 :]))
    return None


def argument_ndim(node: n.Expr) -> Change:
    if isinstance(node, n.CallFunction):
        for at, value in enumerate(node.args):
            if isinstance(array := value.type, t.Array) and array.ndim > 1:
                row = n.Index(value, (n.Literal(0, t.INT32),), replace(array, ndim=array.ndim - 1))
                return f"{array.ndim - 1} for {array.ndim}", replace(
                    node, args=(*node.args[:at], row, *node.args[at + 1 :])
                )
    return None


def more_arguments(node: n.Expr) -> Change:
    return ("", replace(node, args=(*node.args, n.Literal(1, t.INT32)))) if isinstance(node, n.CallFunction) else None


def fewer_arguments(node: n.Expr) -> Change:
    if isinstance(node, n.CallFunction) and node.args:
        return "", replace(node, args=node.args[:-1])
    return None


def more_indices(node: n.Expr) -> Change:
    if not isinstance(node, n.Index) or not isinstance(array := node.value.type, t.Array):
        return None
    if len(node.indices) == array.ndim < 4 and isinstance(array.dtype, t.Scalar) and array.dtype == node.type:
        return f"{array.ndim + 1} for {array.ndim}", replace(node, indices=(*node.indices, n.Literal(0, t.INT32)))
    return None


def step_zero(node: n.Expr) -> Change:
    if isinstance(node, n.Index):
        for at, each in enumerate(node.indices):
            if isinstance(each, n.Slice):
                indices = (*node.indices[:at], replace(each, step=0), *node.indices[at + 1 :])
                return type(node.value.type).__name__.lower(), replace(node, indices=indices)
    return None


def attribute(node: n.Expr) -> Change:
    if isinstance(node, n.Attribute) and isinstance(node.value.type, (t.Struct, t.Vector, t.Quaternion, t.Transform)):
        return type(node.value.type).__name__.lower(), replace(node, name="unheard")
    return None


def components(node: n.Expr) -> Change:
    match node:
        case n.Construct(type=t.Vector() | t.Matrix() as made, args=(first, _, _, *_)) if isinstance(
            first.type, t.Scalar
        ):
            return type(made).__name__.lower(), replace(node, args=node.args[:-1])
        case _:
            return None


def stored(node: n.Stmt, fresh: FreshNames, of_function: bool) -> Change:
    match node:
        case n.Assign(target=n.Index(value=place) as target, value=value) if isinstance(place.type, t.Array):
            other = _other(value)
            return other and (_about(target, other), replace(node, value=other))
        case _:
            return None


def rebound(node: n.Stmt, fresh: FreshNames, of_function: bool) -> Change:
    if isinstance(node, n.Assign) and isinstance(node.target, n.Name) and (other := _other(node.target)) is not None:
        return _about(node.target, other), (node, n.Assign(node.target, other))
    return None


def float_range(node: n.Stmt, fresh: FreshNames, of_function: bool) -> Change:
    """A range up to a float; of literals Warp makes a loop of its own."""
    if isinstance(node, n.For) and not all(isinstance(bound, n.Literal) for bound in node.bounds):
        last = n.Cast(t.FLOAT32, node.bounds[-1])
        return f"{len(node.bounds)} bounds", replace(node, bounds=(*node.bounds[:-1], last))
    return None


def constant_changed(node: n.Stmt, fresh: FreshNames, of_function: bool) -> Change:
    if isinstance(node, n.While):
        name = n.Name(fresh("fixed"), t.FLOAT32)
        one = n.Literal(1.0, t.FLOAT32)
        change = n.Assign(name, n.Binary("+", name, one, t.FLOAT32))
        return "while", (n.Assign(name, one), replace(node, body=(change, *node.body)))
    return None


def thread_index(node: n.Stmt, fresh: FreshNames, of_function: bool) -> Change:
    if of_function and not isinstance(node, n.Pass):
        return "", (n.Assign(n.Name(fresh("thread"), t.INT32), n.Call("tid", (), t.INT32)), node)
    return None


def returned(node: n.Stmt, fresh: FreshNames, of_function: bool) -> Change:
    if not of_function and isinstance(node, n.Return) and not node.values:
        return "int32", n.Return((n.Literal(1, t.INT32),))
    return None


_CONVERSIONS = "Runtime, Type Conversions"
_STRICT = "Warp does not perform any implicit conversion between numeric types."
_BUILTINS = "Language Reference"

EDITS: dict[str, Edit] = {
    row.name: row
    for row in (
        Edit(
            "operands of unequal types", _CONVERSIONS, "x = float(0.0) + int(4) will result in an error.", operands
        ),
        Edit("compared values of unequal types", _CONVERSIONS, _STRICT, compared),
        Edit("sides of unequal types", _CONVERSIONS, _STRICT, sides),
        Edit("bits of a float", _BUILTINS, "bit_and(a: Int, b: Int)", of_integers("&")),
        Edit("vectors of unequal lengths", _BUILTINS, "add(a: Vector[Any, Scalar], b: Vector[Any, Scalar])", lengths),
        Edit("a function of floats on an integer", _BUILTINS, "sin(x: Float)", float_builtin),
        Edit("too many arguments of a builtin", _BUILTINS, "sin(x: Float)", builtin_arguments),
        Edit("too few arguments of a builtin", _BUILTINS, "atan2(y: Float, x: Float)", fewer_builtin_arguments),
        Edit("the smaller of unequal types", _BUILTINS, "min(a: Scalar, b: Scalar)", of_two_types),
        Edit("a clamp between unequal types", _BUILTINS, "clamp(x: Scalar, low: Scalar, high: Scalar)", clamped),
        Edit("a shift of a float", _BUILTINS, "lshift(a: Int, b: Int)", of_integers("<<")),
        Edit("the bits of a float inverted", _BUILTINS, "invert(a: Int)", inverted),
        Edit("a function of numbers on a vector", _BUILTINS, "sin(x: Float)", of_vectors),
        Edit("a number normalized", _BUILTINS, "normalize(a: Vector[Float, Any])", normalized),
        Edit(
            "a dot product of unequal lengths", _BUILTINS, "dot(a: Vector[Scalar, Any], b: Vector[Scalar, Any])",
            multiplied,
        ),
        Edit(
            "a cross product in the plane", _BUILTINS,
            "cross(a: Vector[Scalar, Literal[3]], b: Vector[Scalar, Literal[3]])", crossed,
        ),
        Edit("the length of integers", _BUILTINS, "length(a: Vector[Float, Any])", measured),
        Edit(
            "a number for an array", "Basics, Strong Typing",
            "Types are inferred from source expressions and function signatures.", number_for_array,
        ),
        Edit(
            "an array for a number", "Basics, Strong Typing",
            "Types are inferred from source expressions and function signatures.", array_for_number,
        ),
        Edit("an argument of another type", _CONVERSIONS, _STRICT, argument_type),
        Edit(
            "an array of other dimensions", "Runtime, Arrays",
            "Slices can be passed to user functions provided the function also declares the expected array dimension.",
            argument_ndim,
        ),
        Edit(
            "too many arguments", "Basics, Strong Typing",
            "Types are inferred from source expressions and function signatures.", more_arguments,
        ),
        Edit(
            "too few arguments", "Basics, Strong Typing",
            "Types are inferred from source expressions and function signatures.", fewer_arguments,
        ),
        Edit(
            "too many indices", "Runtime, Arrays",
            "To create an array slice, the number of indices is less than the array dimensions.", more_indices,
        ),
        Edit(
            "slice with step 0", "Runtime, Arrays",
            "A slice step of zero is invalid.", step_zero,
        ),
        Edit(
            "an attribute that there is not", "Basics, Structs",
            "All attributes of a struct must have valid type hints at class definition time.", attribute,
        ),
        Edit("a component too few", _BUILTINS, "vector(*args: Scalar, length: int, dtype: Scalar)", components),
        Edit("a store of another type", _CONVERSIONS, _STRICT, statement=stored),
        Edit(
            "a local of another type", "Basics, Strong Typing",
            "Unlike Python, in Warp all variables must be typed.", statement=rebound,
        ),
        Edit(
            "a constant changed in a loop", "Code Generation, Dynamic Code Generation",
            "Mutating a genuine (non-iterator) constant inside a dynamic loop still raises an error.",
            statement=constant_changed,
        ),
        Edit("a range up to a float", _CONVERSIONS, _STRICT, statement=float_range),
        Edit(
            "tid in a function", "Limitations", "wp.tid() cannot be called from user functions.",
            statement=thread_index,
        ),
        Edit(
            "a kernel that returns a value", "Basics, Kernels",
            "return <value> statements are invalid for kernels.", statement=returned, since="1.15",
        ),
    )
}  # fmt: skip
