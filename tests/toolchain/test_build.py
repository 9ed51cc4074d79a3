"""What build gives: real objects, or the compiler's own words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kernelfuzz.toolchain import Artifact, Failure, Lowering, build, lower

SOURCES = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "sources").glob("*.py"))}


def lowered(name: str, device: str, **settings) -> Lowering:
    result = lower(SOURCES[name], device, **settings)  # pyright: ignore[reportArgumentType]
    assert isinstance(result, Lowering), result
    return result


def built(lowering: Lowering, target: str, *arguments, **settings) -> Artifact:
    result = build(lowering, target, *arguments, **settings)  # pyright: ignore[reportArgumentType]
    assert isinstance(result, Artifact), result
    assert result.seconds > 0.0
    assert (result.target, result.arch is None) == (target, target == "cpu")
    return result


def test_a_module_of_several_kernels_builds_for_the_cpu() -> None:
    data = built(lowered("several", "cpu"), "cpu").data
    assert data.startswith(b"\x7fELF")
    for name in (b"zeta", b"alpha", b"middle"):
        assert name in data


def test_ptx() -> None:
    lowering = lowered("several", "cuda")
    data = built(lowering, "ptx", 80).data
    assert b".target sm_80" in data
    assert b"\0" not in data
    for kernel in lowering.kernels:
        assert f".entry {kernel.mangled_name}_cuda_kernel_forward(".encode() in data


def test_cubin() -> None:
    assert built(lowered("structs", "cuda", backward=False), "cubin", 90).data.startswith(b"\x7fELF")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cpu", "ptx", "cubin"])
@pytest.mark.parametrize("name", SOURCES)
def test_every_source_builds(name: str, target: str) -> None:
    built(lowered(name, "cpu" if target == "cpu" else "cuda"), target)


def test_the_same_text_gives_the_same_bytes() -> None:
    for device, target in (("cpu", "cpu"), ("cuda", "ptx")):
        lowering = lowered("branches", device)
        assert built(lowering, target).data == built(lowering, target).data


def test_build_options() -> None:
    lowering = lowered("branches", "cpu")
    assert built(lowering, "cpu", options={"mode": "debug"}).data != built(lowering, "cpu").data


@pytest.mark.parametrize(("device", "target"), [("cpu", "cpu"), ("cuda", "ptx"), ("cuda", "cubin")])
def test_what_does_not_compile_says_why(device: str, target: str, capfd: pytest.CaptureFixture[str]) -> None:
    lowering = lowered("loops", device)
    broken = dataclasses.replace(lowering, module=lowering.module.replace("wp::add(", "wp::no_such_call("))
    failure = build(broken, target)  # pyright: ignore[reportArgumentType]
    assert isinstance(failure, Failure)
    assert failure.kind == "compile"
    assert "no_such_call" in failure.message
    assert "kernelfuzz" not in failure.message
    assert failure.message.count("errors generated") <= 1
    assert capfd.readouterr() == ("", "")


def test_a_lowering_for_the_other_device_is_an_error() -> None:
    with pytest.raises(ValueError, match="call lower\\(source, 'cuda'\\)"):
        build(lowered("loops", "cpu"), "ptx")
    with pytest.raises(ValueError, match="call lower\\(source, 'cpu'\\)"):
        build(lowered("loops", "cuda"), "cpu")


def test_a_target_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="target must be one of cpu, ptx, cubin"):
        build(lowered("loops", "cpu"), "exe")  # pyright: ignore[reportArgumentType]


def test_an_option_of_the_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="max_unroll"):
        build(lowered("loops", "cpu"), options={"max_unroll": 0})


def test_an_unknown_architecture_names_the_known_ones() -> None:
    failure = build(lowered("loops", "cuda"), "ptx", 7)
    assert isinstance(failure, Failure)
    assert failure.kind == "unsupported"
    assert "arch 7;" in failure.message
    assert "90" in failure.message
