"""Changes of generated code: each kind is told from the others, and what is free is put aside."""

from __future__ import annotations

import pytest

from kernelfuzz.releases.code_changes import NUMBERING, CodeChange, code_change, diff, same_code

OLD = """\
static wp::float32 f_0(
    wp::float32 var_x)
{
    wp::float32 var_0;
    var_0 = wp::sin(var_x);
    return var_0;
}

void kernel_1a2b3c4d_cpu_kernel_forward(
    wp::launch_bounds_t<1> dim,
    wp_args_kernel_1a2b3c4d *_wp_args)
{
    wp::array_t<wp::float32> var_a = _wp_args->a;
    wp::int32 var_0;
    const wp::int32 var_1 = 3;
    wp::float32 var_2;
    wp::float32 var_3;
    builtin_tid1d(var_0);
    var_2 = wp::add(var_2, var_3);
    if (var_0) {
        var_3 = wp::mul(var_2, var_3);
    }
    wp::array_store(var_a, var_1, var_3);
}
"""

# What is changed, and the kinds that this is.
CHANGES = {
    "hash": ([("1a2b3c4d", "5e6f7a8b")], (NUMBERING,)),
    "numbers": ([("var_2", "var_7"), ("var_3", "var_9")], (NUMBERING,)),
    "white space": ([("    var_2 =", "  var_2  =")], (NUMBERING,)),
    "entry": ([("void kernel_", "static void kernel_")], ("signatures and entry code",)),
    "argument": ([("_wp_args->a", "_wp_args->a_0")], ("signatures and entry code",)),
    "branch": ([("if (var_0) {", "if (!var_0) {")], ("other control flow",)),
    "builtin": ([("wp::mul", "wp::div")], ("other functions called",)),
    "builtin of a function": ([("wp::sin", "wp::cos")], ("other functions called",)),
    "passing": ([("array_store(var_a", "array_store(&var_a")], ("argument passing",)),
    "address": ([("var_2 = wp::add(", "var_2 = wp::add(&")], ("argument passing",)),
    "assignment": (
        [("    wp::array_store(var_a, var_1, var_3);", "    var_a.x = var_3;")],
        ("other functions called",),
    ),
    "member": (
        [("builtin_tid1d(var_0);\n", "builtin_tid1d(var_0);\n    var_2 = &(var_a.x);\n")],
        ("more statements",),
    ),
    "type": ([("wp::float32 var_3;", "wp::float64 var_3;")], ("other types",)),
    "constant": ([("var_1 = 3;", "var_1 = 4;")], ("other constants",)),
    "more": (
        [("    var_2 = wp::add", "    var_2 = var_3;\n    var_2 = wp::add")],
        ("more statements",),
    ),
    "fewer": (
        [("    if (var_0) {\n        var_3 = wp::mul(var_2, var_3);\n    }\n", "")],
        ("other control flow", "other functions called", "fewer statements"),
    ),
    "order": (
        [
            (
                "wp::int32 var_0;\n    const wp::int32 var_1 = 3;",
                "const wp::int32 var_1 = 3;\n    wp::int32 var_0;",
            )
        ],
        ("another order",),
    ),
    "alias": ([("wp::mul(var_2, var_3)", "wp::mul(var_3, var_3)")], ("other variables",)),
}


def change_of(old: str, new: str) -> CodeChange:
    change = code_change(old, new)
    assert change is not None
    return change


@pytest.mark.parametrize(("changes", "kinds"), CHANGES.values(), ids=CHANGES)
def test_each_kind(changes: list[tuple[str, str]], kinds: tuple[str, ...]) -> None:
    new = OLD
    for before, after in changes:
        assert before in new
        new = new.replace(before, after)
    assert change_of(OLD, new).kinds == kinds
    assert same_code(OLD, new) == (kinds == (NUMBERING,))
    assert len(change_of(new, OLD).kinds) == len(kinds)


def test_each_function_has_numbers_of_its_own() -> None:
    function, kernel = OLD.split("void kernel_")
    swapped = kernel.replace("var_0", "var_X").replace("var_2", "var_0").replace("var_X", "var_2")
    assert change_of(OLD, f"{function}void kernel_{swapped}").kinds == (NUMBERING,)


def test_an_address_that_is_taken_in_another_way() -> None:
    old = OLD.replace("    if (var_0)", "    var_2 = &(var_a.x);\n    if (var_0)")
    assert change_of(old, old.replace("&(var_a.x)", "&((var_a).x)")).kinds == ("argument passing",)


def test_the_same_is_no_change() -> None:
    assert code_change(OLD, OLD) is None
    assert same_code(OLD, OLD)


def test_what_is_called_more_and_less() -> None:
    assert dict(change_of(OLD, OLD.replace("wp::mul(var_2, var_3)", "wp::copy(wp::copy(var_2))")).callees) == {
        "mul": -1,
        "copy": 2,
    }


def test_the_adjoint_of_a_function_is_not_a_variable() -> None:
    assert dict(change_of(OLD, OLD.replace("wp::mul(", "wp::adj_mul(")).callees) == {"mul": -1, "adj_mul": 1}


def test_a_diff_shows_the_place_without_what_was_renumbered() -> None:
    new = OLD.replace("var_2", "var_5").replace("wp::mul", "wp::div")
    assert diff(OLD, new) == (
        "  if (var_0) {",
        "- var_3 = wp::mul(var_2, var_3);",
        "+ var_3 = wp::div(var_5, var_3);",
        "  }",
    )


def test_a_diff_shows_the_kind_that_is_asked_for() -> None:
    new = OLD.replace("void kernel_", "static void kernel_").replace("wp::mul", "wp::div")
    assert "- void kernel_cpu_kernel_forward(" in diff(OLD, new)
    assert "+ static void kernel_cpu_kernel_forward(" in diff(OLD, new, "signatures and entry code")
    assert "- var_3 = wp::mul(var_2, var_3);" in diff(OLD, new, "other functions called")


def test_a_long_diff_is_cut() -> None:
    new = OLD.replace("    builtin_tid1d", "    var_3 = var_2;\n" * 40 + "    builtin_tid1d")
    assert diff(OLD, new)[-1] == "..."
    assert len(diff(OLD, new)) < 20


def test_a_diff_of_what_differs_in_numbering_only_is_not_empty() -> None:
    assert diff(OLD, OLD.replace("1a2b3c4d", "5e6f7a8b"))
    assert diff(OLD, OLD.replace("wp::mul(var_2, var_3)", "wp::mul(var_3, var_3)"))
