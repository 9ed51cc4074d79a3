"""What a text imports: read as it is, never run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render

INIT = """\
from . import math
from .kinds import *
raise RuntimeError("this must not run")
"""
KINDS = """\
from enum import IntEnum
import warp as wp
from .limits import LIMIT

class Kind(IntEnum):
    FREE = 1 << 2
    FIXED = 3

class vec5(wp.types.vector(length=5, dtype=float)):
    pass
"""
MATH = """\
import warp as wp
from .kinds import Kind, vec5

@wp.struct
class Body:
    mass: float
    parts: vec5

@wp.func
def half(x: float):
    return x * 0.5

@wp.func
def energy(body: Body, speed: float):
    return half(body.mass) * speed * speed
"""
KERNEL = """\
import warp as wp
import toy_package
from toy_package import math as toy_math
from toy_package.kinds import LIMIT, Kind
from toy_package.math import Body

@wp.struct
class Pair:
    first: Body
    second: Body

@wp.kernel
def k(pairs: wp.array(dtype=Pair), out: wp.array(dtype=float)):
    i = wp.tid()
    if i < LIMIT:
        x = toy_math.energy(pairs[i].first, 2.0)
        if i == toy_package.Kind.FREE:
            x += {more}
        out[i] = x + float(Kind.FIXED)
"""

READ = """\
import warp as wp
import enum


class Kind(enum.IntEnum):
    FREE = 4
    FIXED = 3


vec5f = wp.types.vector(length=5, dtype=wp.float32)
LIMIT = wp.constant(7)


@wp.struct
class Body:
    mass: float
    parts: vec5f


@wp.struct
class Pair:
    first: Body
    second: Body


@wp.func
def half(x: float) -> float:
    return x * 0.5


@wp.func
def energy(body: Body, speed: float) -> float:
    return half(body.mass) * speed * speed


@wp.kernel
def k(pairs: wp.array(dtype=Pair), out: wp.array(dtype=float)):
    i = wp.tid()
    if i < LIMIT:
        x = energy(pairs[i].first, 2.0)
        if i == Kind.FREE:
            x += half(1.0)
        out[i] = x + float(Kind.FIXED)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "toy_package"
    home.mkdir()
    files = {"__init__": INIT, "kinds": KINDS, "math": MATH, "limits": "LIMIT = 3 + 4\n"}
    for name, text in files.items():
        (home / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return home


def test_what_stands_in_other_modules(package: Path) -> None:
    kernel = parse(KERNEL.replace("{more}", "toy_package.math.half(1.0)"))
    assert render(kernel) == READ
    assert render(parse(READ)) == READ
    assert "toy_package" not in sys.modules


def test_a_module_that_changes_is_read_again(package: Path) -> None:
    text = KERNEL.replace("{more}", "1.0")
    parse(text)
    (package / "limits.py").write_text("LIMIT = 3 + 40000\n")
    assert "LIMIT = wp.constant(40003)" in render(parse(text))


@pytest.mark.parametrize(
    ("more", "said"),
    {
        "toy_math.nowhere(1.0)": "toy_math.nowhere is nothing that a kernel of the IR can call",
        "toy_math.energy(1.0)": "energy gets no speed",
        "toy_package.Kind.OTHER": "the value of toy_package.Kind.OTHER cannot be told",
    }.items(),
)
def test_what_they_do_not_have(more: str, said: str, package: Path) -> None:
    with pytest.raises(ParseError, match=said) as caught:
        parse(KERNEL.replace("{more}", more))
    assert caught.value.line == 18


def test_an_error_in_another_module_has_the_line_of_the_call(package: Path) -> None:
    (package / "math.py").write_text(MATH.replace("x * 0.5", "never(x)"))
    with pytest.raises(ParseError, match="never is not defined") as caught:
        parse(KERNEL.replace("{more}", "1.0"))
    assert caught.value.line == KERNEL[: KERNEL.index("toy_math.energy")].count("\n") + 1


def test_a_module_that_imports_itself(package: Path) -> None:
    (package / "limits.py").write_text("from .kinds import LIMIT\n")
    with pytest.raises(ParseError, match="LIMIT is defined by itself"):
        parse(KERNEL.replace("{more}", "1.0"))


def test_a_relative_import_of_the_text_is_not_known() -> None:
    text = "import warp as wp\nfrom .limits import LIMIT\n\n@wp.kernel\ndef k():\n    x = LIMIT\n"
    with pytest.raises(ParseError, match="LIMIT cannot be told from the text"):
        parse(text)


def test_relative_imports_of_a_file(package: Path) -> None:
    imports = "import warp as wp\nfrom .limits import LIMIT\nimport beside\n"
    text = f"{imports}\n@wp.kernel\ndef k():\n    x = LIMIT + beside.TWO\n"
    inner = package / "no_init"
    inner.mkdir()
    (package / "__init__.py").write_text("")
    (package.parent / "beside.py").write_text("TWO = 2\n")
    (inner / "limits.py").write_text("from ..limits import LIMIT\n")
    assert "LIMIT = wp.constant(7)" in render(parse(text, path=inner / "kernels.py"))
    assert "TWO = wp.constant(2)" in render(parse(text, path=package / "kernels.py"))
