"""A kernel on its way into a corpus, and the rows that are made of it.

The generated code of a row has one naming scheme: Warp's names without the hashes that it puts into them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Any

from kernelfuzz import __version__
from kernelfuzz.analysis.fingerprint import canonical_tokens, hashed
from kernelfuzz.corpus.corpus_plan import Scope
from kernelfuzz.corpus.description import describe
from kernelfuzz.corpus.near_duplicates import sketch
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
from kernelfuzz.ir.walk import nesting, num_lines
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.features import features
from kernelfuzz.strategies.inventory import Inventory
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
    shown = Inventory(kernel)
    had = features(kernel, shown)
    identity = hashed(tokens)
    return Drawn(
        kernel=kernel,
        source=render(kernel),
        id=identity,
        sketch=sketch(tokens),
        category=category or main_category(had),
        features=tuple(sorted(had)),
        description=describe(kernel, shown.nodes),
        launch=_launch(kernel, identity),
        num_lines=num_lines(kernel),
        nesting=nesting(kernel),
        num_nodes=sum(map(len, shown.nodes.values())),
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


# -------------------------------------------------------------------------------- names without hashes

# Where the module defines structs, and functions that are specialised for the functions that they are called
# with.  The arguments of a CPU kernel are a struct too, named after the kernel.
_STRUCT = re.compile(r"\nstruct (\w+)_([0-9a-f]{8})\n")
_CALLABLE = re.compile(r"(?<=\W)((?!adj_)\w+_callable)_([0-9a-f]{12})\(")
_HASHED = re.compile(r"(\w+)_([0-9a-f]{8})")

# Names of C++ that a class in Python may have.
_RESERVED = frozenset(
    """
    alignas alignof and_eq auto bitand bitor bool case catch char char16_t char32_t char8_t compl
    concept const const_cast consteval constexpr constinit decltype default delete do double
    dynamic_cast enum explicit export extern false float friend goto inline int int16_t int32_t int64_t
    int8_t long mutable namespace new noexcept not_eq NULL nullptr operator or_eq private protected
    public register reinterpret_cast requires short signed size_t sizeof static static_assert
    static_cast struct switch template this thread_local throw true typedef typeid typename uint16_t
    uint32_t uint64_t uint8_t union unsigned using virtual void volatile wchar_t wp xor xor_eq
    """.split()  # noqa: SIM905
)


def plain_symbols(lowering: Lowering) -> Lowering:
    """The lowering with names that depend on the source only.

    Warp appends a hash to the name of each kernel and struct, and makes further names of these
    (``wp_args_kernel_1cebf18c``, ``kernel_1cebf18c_cpu_kernel_forward``, ``adj_S0_89bd4622``).  Each gets the
    name alone, or a number instead of the hash where the name means something else already.  Kernels of one
    name are numbered as the source declares them.  The order of a module's kernels is left as it is.  The
    module still builds: ``build`` looks for no name.
    """
    ends = _ends(lowering)
    if not ends:
        return lowering

    def plain(text: str) -> str:
        # A module has few hashes, and str.replace runs many times faster than a pattern.
        for digits, end in ends.items():
            text = text.replace(f"_{digits}", end)
        return text

    return replace(
        lowering,
        module=plain(lowering.module),
        kernels=tuple(
            replace(
                code,
                mangled_name=plain(code.mangled_name),
                forward=plain(code.forward),
                backward=None if code.backward is None else plain(code.backward),
                functions=tuple(map(plain, code.functions)),
                structs=tuple(map(plain, code.structs)),
            )
            for code in lowering.kernels
        ),
    )


def _ends(lowering: Lowering) -> dict[str, str]:
    """For each hash what stands in its place: nothing, or a number."""
    text = lowering.module
    ends: dict[str, str] = {}
    taken: set[str] = set()
    for name, digits in _kernels(lowering):
        if digits not in ends:
            # The bare name of a kernel is never used, so that only names derived from it can collide.
            ends[digits] = _free(name, taken, _never)
            taken |= {name + ends[digits], f"wp_args_{name}{ends[digits]}"}
    others = [*_STRUCT.findall(text), *(_CALLABLE.findall(text) if "_callable_" in text else ())]
    for name, digits in others:
        if digits not in ends:
            # In nearly every module the name occurs only with its hash, and needs no search.
            unused = name not in _RESERVED and text.count(name) == text.count(f"{name}_{digits}")
            ends[digits] = _free(name, taken, _never if unused else partial(_means_something, text))
            taken.add(name + ends[digits])
    return ends


def _kernels(lowering: Lowering) -> Iterator[tuple[str, str]]:
    """The kernels' names without and the digits of their hashes; those that were not asked for come last."""
    text = lowering.module
    mangled = [code.mangled_name for code in lowering.kernels]
    marker = f"_{lowering.device}_kernel_forward("
    at = text.find(marker)
    while at >= 0:
        mangled.append(text[text.rfind(" ", 0, at) + 1 : at])
        at = text.find(marker, at + 1)
    for name in dict.fromkeys(mangled):
        # The module option strip_hash leaves the hash out.
        if found := _HASHED.fullmatch(name):
            yield found[1], found[2]


def _free(name: str, taken: set[str], means_something: Callable[[str], bool]) -> str:
    """The end that makes a new name: none, or the first number that does."""
    end, number = "", 0
    while name + end in taken or means_something(name + end):
        number += 1
        end = f"_{number}"
    return end


def _never(name: str) -> bool:
    return False


def _means_something(text: str, name: str) -> bool:
    """Whether C++ or the text has the name or that of its adjoint already: as a word, hashes apart."""
    if name in _RESERVED:
        return True
    at = text.find(name)
    while at >= 0:
        before, after = text[max(at - 4, 0) : at], text[at + len(name) : at + len(name) + 1]
        alone = before == "adj_" or not (before[-1:].isalnum() or before[-1:] == "_")
        if alone and not (after.isalnum() or after == "_"):
            return True
        at = text.find(name, at + 1)
    return False
