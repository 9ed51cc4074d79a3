"""What Warp makes of one kernel object that it builds again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kernelfuzz.devices import Device
from kernelfuzz.toolchain import compat, sources
from kernelfuzz.toolchain.sources import Failure
from kernelfuzz.toolchain.split_module import strip_comments

# NVRTC of every release compiles for it; the text is the same for all.
_ARCH = 90


@dataclass(frozen=True, slots=True)
class Step:
    """One build: for a ``device``, as a launch builds, or ``ahead`` of time; under module options."""

    name: str
    device: Device
    ahead: bool = False
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """What Warp called a kernel when it was built, and its code: of the kernel, its functions and structs."""

    name: str
    hash: str
    code: frozenset[str]


def built_again(source: str, kernel: str, steps: Sequence[Step]) -> list[Built] | Failure:
    """Run a source once, and generate code for its kernels at every step; what became of the one named.

    Nothing is compiled.  Of a source with other kernels, the ``code`` has theirs too.
    """
    text = sources.source_text(source)
    named = sources.named(text)
    code = sources.compiled(named)
    if isinstance(code, Failure):
        return code
    with (
        compat.LOCK,
        compat.isolated(),
        compat.function_names({}) as numbering,
        compat.declarations(named.name) as declared,
        sources.registered(named) as namespace,
    ):
        try:
            sources.execute(code, namespace)
            unit = compat.collect(declared, None)
            numbering.mark()
            return [_built(unit, namespace[kernel], numbering, step) for step in steps]
        except compat.Unsupported as error:
            return Failure("unsupported", str(error))
        except Exception as error:
            return sources.raised(named, error)


def _built(unit: compat.Unit, kernel: Any, numbering: compat.Numbering, step: Step) -> Built:
    if step.ahead:
        pieces = compat.generate_ahead(unit, numbering, _ARCH)
    else:
        pieces = compat.generate(unit, numbering, step.device, backward=True, options=dict(step.options)).pieces
    code = frozenset(strip_comments(piece.text) for piece in pieces)
    return Built(compat.mangled_name(kernel), compat.hash_of(kernel), code)
