"""Kernels whose threads do the same with an element of each of some arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t

_THREAD = n.Name("i", t.INT32)


def element(array: str, type_: t.Type) -> n.Index:
    """The element of an array that is the thread's own."""
    return n.Index(n.Name(array, _array(type_)), (_THREAD,), type_)


def thread_kernel(arrays: Mapping[str, t.Type], body: Sequence[n.Stmt]) -> n.Kernel:
    """The kernel that does what the body says with the elements of arrays, by the names and types of these."""
    params = tuple([n.Param(name, _array(type_), shape=("x",)) for name, type_ in arrays.items()])
    return n.Kernel("kernel", params, (n.Assign(_THREAD, n.Call("tid", (), t.INT32)), *body))


def _array(type_: t.Type) -> t.Array:
    return t.Array(cast("t.Value", type_))
