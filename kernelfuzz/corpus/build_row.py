"""A kernel on its way into a corpus, and the rows that are made of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from kernelfuzz import __version__
from kernelfuzz.analysis.fingerprint import canonical_tokens, hashed
from kernelfuzz.corpus.description import describe
from kernelfuzz.corpus.near_duplicates import sketch
from kernelfuzz.corpus.plan import Scope
from kernelfuzz.corpus.row import (
    IR_TYPES,
    LICENSE,
    Argument,
    Inputs,
    Metadata,
    Row,
    Run,
    Setting,
    Verified,
)
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.ir.walk import count_nodes, nesting, num_lines
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.strategies.launch_inputs import draw_grid, is_tiled
from kernelfuzz.strategies.vocabulary import main_category
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Lowering

# The module options that the generated text depends on; a release may lack some.
_TEXT_OPTIONS = (
    "enable_backward",
    "max_unroll",
    "block_dim",
    "default_grid_stride",
    "enable_vector_component_overwrites",
    "verify_autograd_array_access",
    "deterministic",
)

# Known when all rows are.
_LATER = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A kernel with what its rows share."""

    kernel: Kernel
    source: str
    id: str
    sketch: bytes
    category: str
    features: tuple[str, ...]
    description: str
    launch: Inputs
    num_lines: int
    nesting: int
    num_nodes: int
    seed: int | None
    index: int | None

    def launch_choices(self) -> SeededChoices:
        """What ``draw_launch`` draws this kernel's launch from: a function of its id and its contract."""
        return _launch_choices(self.id)


def drawn(kernel: Kernel, category: str | None = None, *, seed: int | None = None, index: int | None = None) -> Drawn:
    """A canonical kernel, rendered and looked at; without a category the one that says most about it."""
    tokens = canonical_tokens(kernel)
    had = features(kernel)
    identity = hashed(tokens)
    return Drawn(
        kernel=kernel,
        source=render(kernel),
        id=identity,
        sketch=sketch(tokens),
        category=category or main_category(had),
        features=tuple(sorted(had)),
        description=describe(kernel),
        launch=_launch(kernel, identity),
        num_lines=num_lines(kernel),
        nesting=nesting(kernel),
        num_nodes=count_nodes(kernel),
        seed=seed,
        index=index,
    )


@dataclass(frozen=True, slots=True)
class Extras:
    """What was made of the generated code besides: each is None where it was not asked for."""

    ptx: bytes | None = None
    cubin: bytes | None = None
    run: Run | None = None
    verified: Verified = field(default_factory=lambda: Verified(lowered=True))


NO_EXTRAS = Extras()


def make_row(kernel: Drawn, lowering: Lowering, warp_version: str, *, scope: Scope, extras: Extras = NO_EXTRAS) -> Row:
    """The row for one device, which gets its split and its cluster when all rows are known."""
    (code,) = lowering.kernels
    pieces, module = scope != "module", scope != "kernel"
    return Row(
        id=kernel.id,
        python_source=kernel.source,
        category=kernel.category,
        features=kernel.features,
        description=kernel.description,
        arg_types=tuple(Argument(name, type_) for name, type_ in code.arg_types),
        device=lowering.device,
        ir_type=IR_TYPES[lowering.device],
        ir_forward=code.forward if pieces else None,
        ir_backward=code.backward if pieces else None,
        ir_functions=code.functions if pieces else (),
        ir_structs=code.structs if pieces else (),
        generated_code=lowering.module if module else None,
        ptx=None if extras.ptx is None else extras.ptx.decode(),
        cubin=None if extras.cubin is None else base64.b64encode(extras.cubin).decode(),
        launch=kernel.launch,
        io=extras.run,
        verified=extras.verified,
        metadata=_metadata(kernel, lowering, warp_version),
        near_duplicate_cluster=_LATER,
        split="train",
        license=LICENSE,
    )


def _launch(kernel: Kernel, identity: str) -> Inputs:
    dim = draw_grid(_launch_choices(identity), kernel)
    return Inputs(dim=dim, tiled=is_tiled(kernel), seed=_launch_seed(identity))


def _launch_seed(identity: str) -> str:
    return f"launch {identity}"


def _launch_choices(identity: str) -> SeededChoices:
    return SeededChoices(GRAMMAR_VERSION, _launch_seed(identity))


def _metadata(kernel: Drawn, lowering: Lowering, warp_version: str) -> Metadata:
    (code,) = lowering.kernels
    return Metadata(
        kernel_name=code.name,
        mangled_name=code.mangled_name,
        category=kernel.category,
        device=lowering.device,
        ir_type=IR_TYPES[lowering.device],
        seed=kernel.seed,
        index=kernel.index,
        num_params=len(kernel.kernel.params),
        num_lines=kernel.num_lines,
        nesting=kernel.nesting,
        num_nodes=kernel.num_nodes,
        module_id=blake2b(lowering.module.encode(), digest_size=16).hexdigest(),
        warp_version=warp_version,
        kernelfuzz_version=__version__,
        grammar_version=GRAMMAR_VERSION,
        options=_settings(lowering.options),
        has_backward=code.backward is not None,
    )


def _settings(options: Mapping[str, Any]) -> tuple[Setting, ...]:
    return tuple(Setting(name, str(options[name])) for name in _TEXT_OPTIONS if name in options)
