"""A text that fits the IR, reduced as a typed tree: narrower types, shorter vectors, fields for structs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kernelfuzz.ir.launch import Case
from kernelfuzz.reduce.engine import reduce
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.launch_inputs import Style, draw_launch
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render

# Nothing is launched: the smallest launch there is.
_SMALLEST = Style((1,), (1,), lambda _: 0.0)


def reduce_typed(
    text: str,
    kernel: str | None,
    interesting: Callable[[Sequence[str]], Sequence[bool]],
    seconds: float | None = None,
) -> str | None:
    """The text that the passes over the typed tree make of a text, or None where it does not fit the IR.

    It does not fit either where what the IR cannot say is what makes it interesting.
    """
    try:
        parsed = parse(text, kernel)
        case = Case(parsed, draw_launch(SeededChoices(0, 0), parsed, _SMALLEST))
    except (ParseError, ValueError):
        return None

    def ask(cases: Sequence[Case]) -> Sequence[bool]:
        return interesting([render(each.kernel) for each in cases])

    if not all(ask([case])):
        return None
    return render(reduce(case, ask, seconds=seconds).kernel)
