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
        "A `return` stays one in the loop over the grid, and ends it for the other elements of a thread. The "
        "value oracle tells of a kernel made for it; too few return in some threads and store in others.",
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
    "8455:40-8455:56 (bool(forward_only))": Reason(
        True, "The adjoints of functions stand elsewhere in the text, and there are some that nothing calls."
    ),
    "3827:12-3827:38 pass": Reason(True, "Each use of a named constant has a constant of its own."),
    "2571:27-2571:28 2": Reason(True, "Labels are numbered in steps of two."),
    "5888:31-5888:32 2": Reason(
        False,
        "The adjoint of a store into a component of an element is lost, where that is a vector. Too few kernels: with "
        "the gradient oracle alone, 104 kernels of the same seed have a finding.",
    ),
    "3883:15-3883:88 (type_scalar_type(var_type) in float_types and isinstance(var_type, Struct))": Reason(
        False,
        "The adjoint of a field of a struct is overwritten where it is added to. Too few kernels: of those with the "
        "feature struct 20 have a finding; of 200 of the same seed with the gradient oracle alone, none.",
    ),
    "8043:15-8043:73 (type_scalar_type(field_type) not in accumulatable_scalar_types)": Reason(
        False,
        "Adding structs adds the fields that are no floats. It takes a gradient that reaches one struct by two ways.",
    ),
    "4162:78-4162:102 (var.constant is None)": Reason(
        False,
        "A dynamic loop that binds the counter of an unrolled loop before it may change a constant. It takes a "
        "kernel that reads such a counter after the loop.",
    ),
    "3554:8-3554:51 pass": Reason(
        False,
        "Adjoints of an inner loop are not zeroed in each iteration of the outer one. It takes another inner loop that "
        "binds the same local; 200 kernels of the same seed with the gradient oracle alone have none.",
    ),
    "4399:8-4399:59 pass": Reason(
        False,
        "What an iteration bound before its `break` is forgotten behind the loop. It takes a kernel that stores what "
        "hangs on it.",
    ),
    "7040:38-7040:39 1": Reason(
        False,
        "Warp rejects a valid kernel, and the campaign says so as unconfirmed: the script fails before it comes to "
        "the kernel's build, with the same error, which does not count as shown.",
    ),
}
