"""Searches of an array by a function of the kernel, instead of a builtin."""

from __future__ import annotations

from dataclasses import replace

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.rewrite import map_expressions
from kernelfuzz.rewrites.places import fresh_names


def own_search(kernel: n.Kernel) -> n.Kernel:
    """A call of a function that searches, instead of ``wp.lower_bound`` and ``wp.sample_cdf``."""
    fresh = fresh_names(kernel)
    made: dict[t.Type, n.Function] = {}

    def call(array: n.Expr, begin: n.Expr, end: n.Expr, sought: n.Expr) -> n.CallFunction:
        assert isinstance(array.type, t.Array)
        if array.type not in made:
            made[array.type] = _search(fresh("search"), array.type, sought.type)
        return n.CallFunction(made[array.type].name, (array, begin, end, sought), t.INT32)

    def change(node: n.Expr) -> n.Expr:
        match node:
            case n.Call(name="lower_bound", args=(array, begin, end, sought)):
                return call(array, begin, end, sought)
            case n.Call(name="lower_bound", args=(array, sought)):
                return call(array, n.Literal(0, t.INT32), n.Call("len", (array,), t.INT32), sought)
            case n.Call(name="sample_cdf", args=(state, array)):
                drawn = n.Call("randf", (state,), t.FLOAT32)
                return call(array, n.Literal(0, t.INT32), n.Call("len", (array,), t.INT32), drawn)
            case _:
                return node

    kernel = map_expressions(kernel, change)
    return replace(kernel, functions=(*made.values(), *kernel.functions))


def _search(name: str, array: t.Array, sought: t.Type) -> n.Function:
    """The place of the first element that is not less than what is sought, or else the last one."""
    a, value = n.Name("a", array), n.Name("value", sought)
    begin, end, lower, upper, middle = (n.Name(each, t.INT32) for each in ("begin", "end", "lower", "upper", "middle"))

    def plus(left: n.Expr, right: n.Expr) -> n.Binary:
        return n.Binary("+", left, right, t.INT32)

    one = n.Literal(1, t.INT32)
    half = n.Binary("//", n.Binary("-", upper, lower, t.INT32), n.Literal(2, t.INT32), t.INT32)
    less = n.Compare(n.Index(a, (middle,), array.dtype), ("<",), (value,))
    body = (
        n.Assign(lower, plus(begin, n.Literal(0, t.INT32))),
        n.Assign(upper, n.Binary("-", end, one, t.INT32)),
        n.While(
            n.Compare(lower, ("<",), (upper,)),
            (
                n.Assign(middle, plus(lower, half)),
                n.If(less, (n.Assign(lower, plus(middle, one)),), (n.Assign(upper, middle),)),
            ),
        ),
        n.Return((lower,)),
    )
    params = (n.Param("a", array), n.Param("begin", t.INT32), n.Param("end", t.INT32), n.Param("value", sought))
    return n.Function(name, params, t.INT32, body)
