"""The control kernels, and what a release of Warp can do with ``x * x``.

``kernelfuzz.oracles.control_kernels`` has them judged before anything else is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

import numpy as np

from kernelfuzz.devices import Device, Target
from kernelfuzz.ir.launch import Launch
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.build import build
from kernelfuzz.toolchain.compat import UnsupportedWarp
from kernelfuzz.toolchain.lower import lower
from kernelfuzz.toolchain.programs import loaded
from kernelfuzz.toolchain.sources import Failure

EMPTY = """\
import warp as wp


@wp.kernel
def control():
    pass
"""

SQUARE = """\
import warp as wp


@wp.kernel
def control(x: wp.array(dtype=float), out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = x[i] * x[i]
"""

# What is quoted of a message of Warp, in characters.
_LONGEST = 300

_X = np.array([3.0, -0.5], np.float32)

# The inputs of ``SQUARE``, for two threads.
SQUARED: Mapping[str, np.ndarray] = {"x": _X, "out": np.zeros(2, np.float32)}
_TWO_THREADS = Launch((2,), SQUARED)


def lowered(source: str, device: Device) -> str | None:
    """Why a source is not lowered for ``device``; None where it is."""
    result = lower(source, device)
    return str(result) if isinstance(result, Failure) else None


def compiled(source: str) -> str | None:
    """Why NVRTC does not compile a source to PTX; None where it does."""
    lowering = lower(source, "cuda")
    artifact = lowering if isinstance(lowering, Failure) else build(lowering, "ptx")
    return str(artifact) if isinstance(artifact, Failure) else None


def computed(target: Target) -> str | None:
    """What is wrong with ``x * x`` of float32, launched on two threads; None where nothing is."""
    with loaded(SQUARE, target) as program:
        if isinstance(program, Failure):
            return str(program)
        outputs = program.run("control", _TWO_THREADS)
    return _differs("x * x", outputs["out"], _X * _X)


def differentiated(target: Target) -> str | None:
    """What is wrong with the adjoint of ``x * x``; None where nothing is."""
    with loaded(SQUARE, target, backward=True) as program:
        if isinstance(program, Failure):
            return str(program)
        gradients = program.adjoint("control", _TWO_THREADS, {"out": np.ones(2, np.float32)})
    return _differs("the gradient of x * x", gradients["x"], 2.0 * _X)


def _differs(what: str, actual: object, wanted: np.ndarray) -> str | None:
    if np.array_equal(cast("np.ndarray", actual), wanted):
        return None
    return f"{what} at {_X.tolist()} is {np.asarray(actual).tolist()}"


# What a release must do to be judged at all, by the column that says so in notes/releases.md.
QUESTIONS: Mapping[str, Callable[[], str | None]] = {
    "lower cpu": lambda: lowered(SQUARE, "cpu"),
    "lower cuda": lambda: lowered(SQUARE, "cuda"),
    "compile PTX": lambda: compiled(SQUARE),
    "launch cpu": lambda: computed("cpu"),
    "launch cuda-host": lambda: computed("cuda-host"),
    "adjoint cpu": lambda: differentiated("cpu"),
    "adjoint cuda-host": lambda: differentiated("cuda-host"),
}


def answers() -> dict[str, str]:
    """What is wrong, by question of ``QUESTIONS``; an empty text where nothing is."""
    return {question: _asked(ask) or "" for question, ask in QUESTIONS.items()}


def require_lowering(devices: Iterable[Device]) -> None:
    """Raises UnsupportedWarp, with one sentence, where a control kernel is not lowered for one of the devices."""
    for device in devices:
        for name, source in (("an empty kernel", EMPTY), ("x * x", SQUARE)):
            fault = _asked(lambda source=source, device=device: lowered(source, device))
            if fault is not None:
                raise UnsupportedWarp(unusable(f"{name} is not lowered for {device}: {fault}"))


def unusable(fault: str) -> str:
    """The sentence on a Warp that cannot be judged, and what to do about it."""
    text = " ".join(fault.split()).rstrip(".")
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    cannot = f"kernelfuzz cannot judge Warp {compat.version()} on this machine"
    return f"{cannot}: {shown}. Leave that oracle or target out, or take another release of Warp."


def _asked(ask: Callable[[], str | None]) -> str | None:
    """The answer; whatever is raised on the way is what is wrong."""
    try:
        return ask()
    except UnsupportedWarp:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"
