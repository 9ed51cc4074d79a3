"""Warp's builtins as formulas, written from their definitions: the functions that rows of the table name.

A form works on any kind of number (``kernelfuzz.reference.closed_forms.numbers``): floats of every precision,
Python ints, dual numbers.  It serves to check Warp's implementation of a builtin, to differentiate it, to
evaluate it in a wider precision, and, where it is ``exact``, instead of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from kernelfuzz.reference.closed_forms import angles, geometry, linear, numbers, rotation, scalar
from kernelfuzz.typecheck.builtin_columns import Builtin
from kernelfuzz.typecheck.builtins import Signature

_MODULES: dict[str, Any] = {
    "angles": angles, "geometry": geometry, "linear": linear, "numbers": numbers, "operator": operator,
    "rotation": rotation, "scalar": scalar,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """A builtin as a formula over numbers.

    ``function`` takes the reference's values; integers are Python ints, also in composites (arrays of objects).
    ``exact``: see ``Builtin``.  ``typed``: the function takes the signature before the arguments, as its result
    depends on more than its arguments.
    """

    function: Callable[..., Any]
    exact: bool = False
    typed: bool = False


def form(signature: Signature) -> Form | None:
    """The closed form of a builtin, or None where it has none: ``without`` of its row is the reason."""
    return _form(signature.builtin)


@cache
def _form(builtin: Builtin) -> Form | None:
    found = builtin.form
    if not isinstance(found, str):
        return None if found is None else Form(found, builtin.exact)
    *manner, place = found.split()
    module, _, name = place.partition(".")
    function = getattr(_MODULES[module], name)
    if manner == ["each"]:
        function = linear.componentwise(function)
    return Form(function, builtin.exact, typed=manner == ["typed"])
