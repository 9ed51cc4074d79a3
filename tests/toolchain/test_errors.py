"""What lower gives for sources that do not work: values, with the place and without made-up names."""

from __future__ import annotations

import pytest

from kernelfuzz.toolchain import Failure, Lowering, lower, lower_devices

KERNEL = "import warp as wp\n\n@wp.kernel\ndef k(a: wp.array(dtype=float)):\n    "


def failed(source: str, **settings) -> Failure:
    result = lower(source, **settings)
    assert isinstance(result, Failure), result
    assert "kernelfuzz" not in result.message
    return result


def test_text_that_is_not_python() -> None:
    failure = failed("x = 1\ndef (:\n    pass\n")
    assert (failure.kind, failure.line, failure.source_line) == ("syntax", 2, "def (:")
    assert failed("a\0b").kind == "syntax"
    assert failed("(" * 5000).kind == "syntax"


@pytest.mark.parametrize("source", ["", "x = 1\n", "import warp as wp\n@wp.func\ndef f(x: int):\n    return x\n"])
def test_a_file_without_kernels(source: str) -> None:
    failure = failed(source)
    assert failure.kind == "empty"
    assert "no @wp.kernel found" in failure.message


def test_a_kernel_that_is_not_there() -> None:
    failure = failed(KERNEL + "a[0] = 1.0\n", kernel="other")
    assert failure.kind == "empty"
    assert failure.message == "no kernel named 'other'; the source has k"


def test_an_import_that_fails() -> None:
    failure = failed("import warp as wp\nimport no_such_module_anywhere\n")
    assert failure.kind == "codegen"
    assert failure.message == "ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    assert (failure.line, failure.source_line) == (2, "import no_such_module_anywhere")


def test_an_exception_while_the_source_runs() -> None:
    failure = failed("def f():\n    return 1 / 0\n\nf()\n")
    assert failure.kind == "codegen"
    assert failure.message == "ZeroDivisionError: division by zero"
    assert (failure.line, failure.source_line) == (2, "return 1 / 0")


def test_a_source_that_exits() -> None:
    assert failed("import sys\nsys.exit(3)\n").message == "SystemExit: 3"


def test_an_interrupt_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        lower("raise KeyboardInterrupt\n")
    assert not isinstance(lower(KERNEL + "a[0] = 1.0\n"), Failure)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_code_that_warp_does_not_take(device: str) -> None:
    failure = failed(KERNEL + "b = a[0]\n    a[0] = wp.no_such_builtin(b)\n", device=device)
    assert failure.kind == "codegen"
    assert (failure.line, failure.source_line) == (6, "a[0] = wp.no_such_builtin(b)")
    assert "no_such_builtin" in failure.message


def test_the_line_is_that_of_the_function_that_is_wrong() -> None:
    source = (
        "import warp as wp\n\n@wp.func\ndef f(x: float):\n    return x + 1\n\n\n"
        "@wp.kernel\ndef k(a: wp.array(dtype=float)):\n    a[0] = f(a[0])\n"
    )
    failure = failed(source)
    assert (failure.kind, failure.line, failure.source_line) == ("codegen", 5, "return x + 1")


def test_an_argument_without_a_type() -> None:
    failure = failed("import warp as wp\n\n@wp.kernel\ndef k(a):\n    pass\n")
    assert failure.kind == "codegen"
    assert failure.line in (3, 4)


def test_a_generic_kernel_without_overloads() -> None:
    source = "import warp as wp\nfrom typing import Any\n@wp.kernel\ndef k(a: wp.array(dtype=Any)):\n    pass\n"
    failure = failed(source)
    assert failure.kind == "unsupported"
    assert "generic" in failure.message


def test_an_option_that_this_warp_does_not_have() -> None:
    failure = failed(KERNEL + "a[0] = 1.0\n", options={"no_such_option": 1})
    assert failure.kind == "unsupported"
    assert "'no_such_option'" in failure.message


def test_a_failure_on_one_device_leaves_the_other_alone() -> None:
    results = lower_devices(KERNEL + "a[0] = 1\n")
    assert [type(each) for each in results.values()] == [Failure, Failure]
    assert results["cpu"] == results["cuda"]


def test_a_failure_does_not_spoil_what_follows() -> None:
    before = lower(KERNEL + "a[0] = 1.0\n")
    failed(KERNEL + "a[0] = 1\n")
    assert getattr(lower(KERNEL + "a[0] = 1.0\n"), "module", None) == getattr(before, "module", "")


def test_a_failure_reads_as_a_sentence() -> None:
    assert str(failed("def (:\n")) == "syntax: line 1: invalid syntax"


def test_the_message_of_a_key_error_is_read_not_quoted() -> None:
    failure = failed(KERNEL + "a[0] = no_such_name\n")
    assert failure.line == 5
    assert "\\n" not in failure.message


def test_kernels_with_different_module_options_are_lowered_one_at_a_time() -> None:
    source = (
        "import warp as wp\nother = wp.get_module('kernelfuzz_test_other')\nother.options['max_unroll'] = 1\n"
        "@wp.kernel\ndef one(a: wp.array(dtype=float)):\n    a[0] = 1.0\n"
        "@wp.kernel(module=other)\ndef two(a: wp.array(dtype=float)):\n    a[0] = 2.0\n"
    )
    assert failed(source).kind == "unsupported"
    for name, unroll in (("one", 16), ("two", 1)):
        result = lower(source, kernel=name)
        assert isinstance(result, Lowering)
        assert [kernel.name for kernel in result.kernels] == [name]
        assert result.options["max_unroll"] == unroll
