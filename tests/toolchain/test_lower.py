"""What lower gives for kernels that work."""

from __future__ import annotations

import importlib
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernelfuzz.toolchain import KernelCode, Lowering, lower, lower_devices

SOURCES = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "sources").glob("*.py"))}
DEVICES = ("cpu", "cuda")

SIMPLE = """
import warp as wp

@wp.kernel
def simple(a: wp.array(dtype=float), n: int, v: wp.array2d(dtype=wp.vec3)):
    for j in range(5):
        a[wp.tid()] = a[j] * 2.0
"""


def lowered(source: str, device: str = "cpu", **settings) -> Lowering:
    result = lower(source, device, **settings)  # pyright: ignore[reportArgumentType]
    assert isinstance(result, Lowering), result
    return result


def only(lowering: Lowering) -> KernelCode:
    (kernel,) = lowering.kernels
    return kernel


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SOURCES)
def test_every_piece_is_a_piece_of_the_module(name: str, device: str) -> None:
    lowering = lowered(SOURCES[name], device)
    assert lowering.kernels
    for kernel in lowering.kernels:
        for text in (kernel.forward, kernel.backward, *kernel.structs):
            assert text is None or text.strip() in lowering.module
            assert text is None or text.count("{") == text.count("}") > 0
        for text in kernel.functions:
            assert text.count("{") == text.count("}") > 0
            for definition in text.strip().split("\n}\n\n"):
                assert definition.strip() in lowering.module
        assert f"{kernel.mangled_name}_{device}_kernel_forward(" in kernel.forward
        assert "kernel_backward(" not in kernel.forward


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SOURCES)
def test_the_source_does_not_show_in_the_text(name: str, device: str) -> None:
    lowering = lowered(SOURCES[name], device)
    texts = [lowering.module]
    for kernel in lowering.kernels:
        texts += [kernel.forward, kernel.backward or "", *kernel.functions, *kernel.structs]
    for text in texts:
        bare = re.sub(r'"[^"\n]*"', '""', text)
        assert "//" not in bare
        assert "/*" not in bare
        assert "#line" not in bare
        assert "wp.tid" not in text
        assert "kernelfuzz" not in text


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", SOURCES)
def test_without_backward_no_kernel_has_one(name: str, device: str) -> None:
    lowering = lowered(SOURCES[name], device, backward=False)
    assert "kernel_backward" not in lowering.module
    for kernel in lowering.kernels:
        assert kernel.backward is None
        assert not any(re.search(r"void adj_", text) for text in kernel.functions if "// " not in text)


@pytest.mark.parametrize("name", SOURCES)
def test_devices_together_are_as_each_alone(name: str) -> None:
    together = lower_devices(SOURCES[name])
    for device in DEVICES:
        alone = lowered(SOURCES[name], device)
        other = together[device]
        assert isinstance(other, Lowering)
        assert (other.module, other.kernels) == (alone.module, alone.kernels)


def test_comments_are_kept_on_request() -> None:
    text = only(lowered(SIMPLE, keep_comments=True)).forward
    assert "// a[wp.tid()] = a[j] * 2.0" in text
    assert "//" in lowered(SIMPLE, "cuda", keep_comments=True).module


def test_a_comment_in_a_string_of_native_code_survives() -> None:
    for device in DEVICES:
        functions = "".join(only(lowered(SOURCES["native"], device)).functions)
        assert '"// not a comment"' in functions
        assert "a remark" not in functions
        assert "as well" not in functions


def test_line_directives_are_stripped_and_can_be_kept() -> None:
    debug = {"mode": "debug"}
    assert "#line" not in lowered(SIMPLE, "cuda", options=debug).module
    assert "#line" in lowered(SIMPLE, "cuda", options=debug, keep_comments=True).module


def test_the_cpu_function_comes_with_its_arguments() -> None:
    kernel = only(lowered(SIMPLE))
    assert kernel.forward.startswith(f"struct wp_args_{kernel.mangled_name} {{")
    assert kernel.backward is not None
    assert "_cpu_kernel_backward(" in kernel.backward


def test_the_cuda_function_keeps_its_entry_line() -> None:
    kernel = only(lowered(SIMPLE, "cuda"))
    for text in (kernel.forward, kernel.backward):
        assert text is not None
        assert text.startswith('extern "C" __global__ void ')


def test_block_dim_is_that_of_a_launch() -> None:
    assert "WP_TILE_BLOCK_DIM 1\n" in lowered(SIMPLE, "cpu").module
    assert "WP_TILE_BLOCK_DIM 256\n" in lowered(SIMPLE, "cuda").module
    assert "WP_TILE_BLOCK_DIM 64\n" in lowered(SIMPLE, "cuda", options={"block_dim": 64}).module


def test_argument_types_are_as_warp_prints_them() -> None:
    assert only(lowered(SIMPLE)).arg_types == (
        ("a", "array(ndim=1, dtype=float32)"),
        ("n", "int32"),
        ("v", "array(ndim=2, dtype=vec3f)"),
    )
    assert only(lowered(SOURCES["structs"])).arg_types[0] == ("o", "Outer")


@pytest.mark.parametrize("device", DEVICES)
def test_a_kernel_carries_only_what_it_needs(device: str) -> None:
    zeta, alpha, middle = lowered(SOURCES["several"], device).kernels
    assert (zeta.name, alpha.name, middle.name) == ("zeta", "alpha", "middle")
    assert ["deep_0(" in text for text in zeta.functions] == [True, True]
    assert "shared_0(" in zeta.functions[1]
    assert zeta.structs == ()
    assert len(alpha.functions) == 1
    assert len(alpha.structs) == 1
    assert "struct Pair" in alpha.structs[0]
    assert len(middle.functions) == 1
    assert middle.backward is None
    assert "adj_deep_0(" not in middle.functions[0]
    assert "adj_deep_0(" in zeta.functions[0]


@pytest.mark.parametrize("device", DEVICES)
def test_nested_structs_stand_in_order(device: str) -> None:
    kernel = only(lowered(SOURCES["structs"], device))
    assert ["struct Inner" in text for text in kernel.structs] == [True, False]
    assert "struct Outer" in kernel.structs[1]


def test_overloads_of_a_function_are_all_there() -> None:
    kernel = only(lowered(SOURCES["functions"]))
    squares = [text for text in kernel.functions if re.search(r"^static .* square_\d\(", text, re.MULTILINE)]
    assert len(squares) == 2


def test_closures_are_kernels_of_one_name() -> None:
    double, triple = lowered(SOURCES["closures"]).kernels
    assert double.name == triple.name == "scaled"
    assert double.mangled_name != triple.mangled_name
    assert " = 2;" in double.forward
    assert " = 3;" in triple.forward


def test_generic_kernels_are_lowered_once_for_each_overload() -> None:
    kernels = lowered(SOURCES["generic"]).kernels
    assert {kernel.arg_types[0][1] for kernel in kernels} == {
        "array(ndim=1, dtype=float32)",
        "array(ndim=1, dtype=vec3f)",
    }


def test_unique_modules_join_the_others() -> None:
    assert [kernel.name for kernel in lowered(SOURCES["unique"]).kernels] == ["first", "second"]


def test_one_kernel_can_be_picked() -> None:
    whole = lowered(SOURCES["several"])
    picked = lowered(SOURCES["several"], kernel="alpha")
    assert picked.kernels == (whole.kernels[1],)
    assert picked.module == whole.module


def test_options_change_the_text() -> None:
    rolled = only(lowered(SIMPLE, options={"max_unroll": 0})).forward
    unrolled = only(lowered(SIMPLE, options={"max_unroll": 16})).forward
    assert "for_" in rolled
    assert "for_" not in unrolled
    assert lowered(SIMPLE, options={"max_unroll": 3}).options["max_unroll"] == 3


def test_options_of_the_global_configuration_are_put_back() -> None:
    wp = importlib.import_module("warp")
    before = wp.config.verify_fp
    assert lowered(SIMPLE, options={"verify_fp": True}).options["verify_fp"] is True
    assert wp.config.verify_fp == before
    assert lowered(SIMPLE).options["verify_fp"] is False


def test_a_source_cannot_change_the_next_one() -> None:
    before = lowered(SIMPLE)
    lowered("import warp as wp\nwp.config.max_unroll = 0\nwp.config.enable_backward = False\n" + SIMPLE)
    after = lowered(SIMPLE)
    assert (after.module, after.options) == (before.module, before.options)


def test_module_options_of_the_source_hold() -> None:
    source = SIMPLE.replace("@wp.kernel", "wp.set_module_options({'enable_backward': False})\n@wp.kernel")
    assert only(lowered(source)).backward is None


def test_backward_false_beats_the_decorator() -> None:
    source = SIMPLE.replace("@wp.kernel", "@wp.kernel(enable_backward=True)")
    assert only(lowered(source)).backward is not None
    assert only(lowered(source, backward=False)).backward is None


def test_carriage_returns_and_a_missing_last_line_end_change_nothing() -> None:
    expected = lowered(SIMPLE).module
    assert lowered(SIMPLE.replace("\n", "\r\n")).module == expected
    assert lowered("\ufeff" + SIMPLE.rstrip("\n")).module == expected


def test_a_lowering_pickles() -> None:
    lowering = lowered(SIMPLE)
    assert pickle.loads(pickle.dumps(lowering)) == lowering


def test_seconds_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that runs only while the source is run, and while code is generated."""
    module = sys.modules[lower.__module__]
    now = 0.0

    def taking(seconds: float, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            nonlocal now
            now += seconds
            return function(*arguments, **options)

        return timed

    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(module.sources, "execute", taking(5.0, module.sources.execute))
    monkeypatch.setattr(module.compat, "generate", taking(3.0, module.compat.generate))
    cpu, cuda = lower_devices(SIMPLE).values()
    assert isinstance(cpu, Lowering)
    assert isinstance(cuda, Lowering)
    assert (cpu.warp_seconds, cuda.warp_seconds) == (8.0, 3.0)


def test_a_device_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="device must be one of cpu, cuda, got 'gpu'"):
        lower(SIMPLE, "gpu")  # pyright: ignore[reportArgumentType]


def test_a_function_named_as_one_of_an_imported_module_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = "import warp as wp\n@wp.func\ndef scaled(x: float):\n    return x * 2.0\n"
    (tmp_path / "kernelfuzz_test_library.py").write_text(library)
    monkeypatch.syspath_prepend(str(tmp_path))
    source = (
        "import warp as wp\nimport kernelfuzz_test_library as library\n"
        "@wp.func\ndef scaled(x: float):\n    return x * 3.0\n"
        "@wp.kernel\ndef k(a: wp.array(dtype=float)):\n"
        "    a[0] = scaled(a[0]) + library.scaled(a[1])\n"
    )
    first = lowered(source)
    again = lowered(source)
    assert first.module == again.module
    assert len(set(re.findall(r"scaled_\d+", only(first).forward))) == 2


def test_a_kernel_of_the_ir_is_lowered_as_its_text() -> None:
    from kernelfuzz.ir.nodes import Kernel, Param, Pass
    from kernelfuzz.ir.types import INT32
    from kernelfuzz.syntax.render import render

    kernel = Kernel("idle", (Param("n", INT32),), (Pass(),))
    result = lower(kernel, "cuda")
    assert isinstance(result, Lowering)
    assert only(result).name == "idle"
    assert result.module == lowered(render(kernel), "cuda").module


INTEGRAND = """\
import warp as wp
import warp.fem as fem


@fem.integrand
def mass(s: fem.Sample, u: fem.Field, v: fem.Field):
    return u(s) * v(s)


grid = fem.Grid2D(res=wp.vec2i(2))
space = fem.make_polynomial_space(grid, degree=1)
domain = fem.Cells(geometry=grid)
fields = {"u": fem.make_trial(space, domain=domain), "v": fem.make_test(space, domain=domain)}
fem.integrate(mass, fields=fields)
"""


@pytest.mark.slow
def test_the_kernel_that_fem_makes_of_an_integrand() -> None:
    lowering = lower(INTEGRAND, "cpu", backward=False)
    assert isinstance(lowering, Lowering)
    (kernel,) = lowering.kernels
    assert kernel.name.startswith("mass_")
    assert "mass" in kernel.forward
