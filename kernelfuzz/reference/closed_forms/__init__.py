"""Warp's builtins as formulas, written from their definitions: one table row each.

A form works on any kind of number (``kernelfuzz.reference.closed_forms.numbers``): floats of every precision,
Python ints, dual numbers.  It serves to check Warp's implementation of a builtin, to differentiate it, to
evaluate it in a wider precision, and, where it is ``exact``, instead of it.
"""

from __future__ import annotations

from kernelfuzz.reference.closed_forms.form import Form
from kernelfuzz.reference.closed_forms.table import WITHOUT, form

__all__ = ["WITHOUT", "Form", "form"]
