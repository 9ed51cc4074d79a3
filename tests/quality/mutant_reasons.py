"""Why a campaign does not notice a mutant of Warp 1.19.0's ``codegen.py``: read off its code by hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """``same_meaning``: no kernel of the campaign can compute anything else; otherwise an oracle has a gap."""

    same_meaning: bool
    text: str


_STRIDES = (
    "The variant of a CPU kernel that is specialised to contiguous arrays is made for fewer kernels or for more. It "
    "computes the same, faster."
)

REASONS: dict[str, Reason] = {
    "8697:7-8697:48 (device == 'cpu' or cpu_linear_contiguous)": Reason(True, _STRIDES),
    "7720:30-7720:31 2": Reason(True, _STRIDES),
    "8208:27-8208:48 (func_type != 'kernel')": Reason(
        False,
        "A `return` stays one in the loop over the grid, which ends it for the other elements of a thread. A launch "
        "here has a thread for each element; fewer blocks than elements need, as the metamorphic oracle launches, "
        "would show it.",
    ),
    "3740:15-3740:37 (not (is_reference(var.type)))": Reason(
        True,
        "In a conditional expression a value is copied where it was taken as it is, and an element loaded where it "
        "was copied.",
    ),
    "8129:7-8129:27 (not (include_tile_helpers))": Reason(
        True,
        "Functions of structs that only tiles of structs call are made where there are none, and not where there are. "
        "The grammar draws no tile of structs.",
    ),
}
