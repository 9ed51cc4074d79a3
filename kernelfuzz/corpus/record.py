"""One row of a corpus: a kernel, and the code that Warp generated from it for one device."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from kernelfuzz import __version__
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.normalize import fingerprint
from kernelfuzz.ir.walk import count_nodes, nesting, num_lines
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.toolchain import Lowering

IR_TYPES = {"cpu": "cpp", "cuda": "cuda"}


@dataclass(frozen=True, slots=True)
class Row:
    """What a line of ``corpus.jsonl`` holds, in the order of its keys.

    ``ir_forward`` and ``ir_backward`` are the kernel's own functions; ``ir_functions`` and ``ir_structs`` are
    the user functions (each with its adjoint where there is a backward) and structs that they need.  There is
    nothing in a row that depends on when or where it was made.
    """

    python_source: str
    category: str
    device: str
    ir_forward: str
    ir_backward: str | None
    ir_functions: tuple[str, ...]
    ir_structs: tuple[str, ...]
    metadata: dict[str, Any]

    def to_json(self) -> str:
        """The row as one line of JSON, with its line end."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A kernel with what its rows share."""

    seed: int
    index: int
    category: str
    source: str
    facts: dict[str, Any]


def describe(kernel: Kernel, source: str, category: str, seed: int, index: int) -> Drawn:
    """Everything about a drawn kernel that does not depend on a device."""
    facts = {
        "num_params": len(kernel.params),
        "num_lines": num_lines(kernel),
        "nesting": nesting(kernel),
        "num_nodes": count_nodes(kernel),
        "features": sorted(features(kernel)),
        "fingerprint": fingerprint(kernel),
    }
    return Drawn(seed, index, category, source, facts)


def make_row(drawn: Drawn, lowering: Lowering, warp_version: str) -> Row:
    """The row for one device.  The source has one kernel."""
    code = lowering.kernels[0]
    metadata = {
        "kernel_name": code.name,
        "mangled_name": code.mangled_name,
        "seed": drawn.seed,
        "index": drawn.index,
        **drawn.facts,
        "arg_types": dict(code.arg_types),
        "has_backward": code.backward is not None,
        "ir_type": IR_TYPES[lowering.device],
        "warp_version": warp_version,
        "kernelfuzz_version": __version__,
        "grammar_version": GRAMMAR_VERSION,
    }
    return Row(
        python_source=drawn.source,
        category=drawn.category,
        device=lowering.device,
        ir_forward=code.forward,
        ir_backward=code.backward,
        ir_functions=code.functions,
        ir_structs=code.structs,
        metadata=metadata,
    )
