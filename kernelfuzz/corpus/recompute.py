"""A row of a corpus, and what is made of it again to hold it against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from kernelfuzz import __version__
from kernelfuzz.corpus.build_row import drawn, make_row, plain_symbols
from kernelfuzz.corpus.corpus_plan import Plan, from_dict
from kernelfuzz.corpus.execute import host_setting, tensors, written
from kernelfuzz.corpus.row import OLD_KEYS, Row, Run, Tensor, with_old_keys
from kernelfuzz.devices import DEVICES
from kernelfuzz.ir.codec import decode_texts
from kernelfuzz.ir.launch import Case, Launch
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles import batch
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION
from kernelfuzz.syntax.parse import ParseError, parse
from kernelfuzz.syntax.render import render
from kernelfuzz.toolchain import Failure, Lowering, compat, lower
from kernelfuzz.toolchain.programs import Program

# The columns that are computed from the lowering.
_LOWERED = (
    "ir_forward",
    "ir_backward",
    "ir_functions",
    "ir_structs",
    "generated_code",
    *OLD_KEYS,
    "metadata.kernel_name",
    "metadata.mangled_name",
    "metadata.module_id",
    "metadata.options",
    "metadata.has_backward",
)


def warp_version() -> str:
    """The version of the installed Warp, which is quiet from now on.  Raises UnsupportedWarp."""
    compat.initialize()
    return compat.version()


class NotPossible(Exception):
    """A check that cannot be made of this row; the message says why, in a few words."""


class Malformed(ValueError):
    """A part of a row that cannot be read; the message is a sentence without its full stop."""


class Subject:
    """A row, and what is made of it again when a check first asks; ``plan`` is the manifest's."""

    def __init__(self, row: Row, plan: Mapping[str, Any]) -> None:
        self.row = row
        self.plan = plan
        # What the launch of ``case`` gave, or why there was none.
        self.launched: tuple[Tensor, ...] | str = ""

    @cached_property
    def kernel(self) -> Kernel:
        """The kernel that the source says, where kernelfuzz would write the very same source."""
        try:
            kernel = parsed(self.row.python_source)
        except ParseError:
            raise NotPossible("the source is no kernel") from None
        if render(kernel) != self.row.python_source:
            raise NotPossible("the source is not as kernelfuzz writes it")
        return kernel

    def require_kernel(self) -> Kernel:
        """``kernel``, for its exception: NotPossible."""
        return self.kernel

    @cached_property
    def drawn_again(self) -> tuple[Kernel, str | None]:
        """The kernel that the plan draws for the row's index, and its category."""
        metadata = self.row.metadata
        if metadata.seed is None or metadata.index is None:
            raise NotPossible("not drawn from a seed")
        self.need_grammar()
        plan = _plan(msgspec.json.encode(self.plan))
        if plan is None:
            raise NotPossible("the manifest's plan is not one of kernelfuzz corpus")
        return _drawn(plan, metadata.index)

    @cached_property
    def lowering(self) -> Lowering | Failure:
        """What the installed Warp generates from the source."""
        made, here = self.row.metadata.warp_version, compat.version()
        if made != here:
            raise NotPossible(f"made with Warp {made}, and {here} is installed")
        backward = self.plan.get("backward", self.row.metadata.has_backward)
        self.require_kernel()
        lowering = lower(self.row.python_source, self.row.device, backward=backward)
        if isinstance(lowering, Failure) or self.plan.get("warp-symbols", False):
            return lowering
        return plain_symbols(lowering)

    @cached_property
    def other_code(self) -> dict[str, tuple[Any, Any]]:
        """Where the row is not what Warp generates: what is there and what must be, by field."""
        row, lowering = self.row, self.lowering
        if isinstance(lowering, Failure):
            return {}
        seed, index = row.metadata.seed, row.metadata.index
        about = drawn(self.kernel, row.category, seed=seed, index=index)
        held = "module" if row.ir_forward is None else "kernel" if row.generated_code is None else "both"
        wanted = make_row(about, lowering, row.metadata.warp_version, scope=self.plan.get("scope", held))
        if self.plan.get("old-keys", False):
            wanted = with_old_keys(wanted)
        pairs = {name: (attrgetter(name)(row), attrgetter(name)(wanted)) for name in _LOWERED}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def require_same_code(self) -> Lowering:
        """The lowering, where it is what the row holds.  Raises NotPossible."""
        if isinstance(self.lowering, Failure) or self.other_code:
            raise NotPossible("the row's code is not what Warp generates")
        return self.lowering

    @cached_property
    def module(self) -> Lowering:
        """The row's own module to be built; where it has none, the one whose parts it has."""
        if self.row.generated_code is None:
            return self.require_same_code()
        if isinstance(self.lowering, Failure):
            raise NotPossible("Warp does not take the source")
        return replace(self.lowering, module=self.row.generated_code)

    @cached_property
    def case(self) -> Case:
        """The launch that the row states.  Raises Malformed."""
        run = self.stored_run
        try:
            inputs = decode_texts(msgspec.to_builtins(run.inputs))
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise Malformed(f"io.inputs cannot be read: {error}") from None
        if tensors(inputs) != run.inputs:
            raise Malformed("io.inputs has values that are not as kernelfuzz writes them")
        return Case(self.kernel, Launch(self.row.launch.dim, inputs, self.row.launch.tiled))

    def require_case(self) -> Case:
        """``case``, where it is the row's code that would run.  Raises NotPossible and Malformed."""
        self.require_same_code()
        return self.case

    @property
    def stored_run(self) -> Run:
        """The launch that the row holds."""
        if self.row.io is None:
            raise NotPossible("the row holds no launch")
        return self.row.io

    def need_grammar(self) -> None:
        """Raise NotPossible where the installed kernelfuzz may draw or count something else."""
        metadata = self.row.metadata
        made = (metadata.kernelfuzz_version, metadata.grammar_version)
        if made != (__version__, GRAMMAR_VERSION):
            raise NotPossible(f"made with kernelfuzz {made[0]}, grammar {made[1]}")


# The rows of a kernel for several devices follow one another.
@lru_cache(maxsize=8)
def parsed(source: str) -> Kernel:
    """``parse``, for rows with the same source.  Raises ParseError."""
    return parse(source)


@lru_cache(maxsize=8)
def _drawn(plan: Plan, index: int) -> tuple[Kernel, str | None]:
    return plan.draw(index)


@lru_cache(maxsize=1)
def _plan(encoded: bytes) -> Plan | None:
    return from_dict(msgspec.json.decode(encoded))


# ---------------------------------------------------------------------------------------------- launching


def run_all(subjects: Sequence[Subject]) -> None:
    """Launch what can be launched; the kernels for one device are built together, as when they were made."""
    for device in DEVICES:
        mine = [each for each in subjects if each.row.device == device and _has_case(each)]
        cases = [each.case for each in mine]

        def launch(program: Program, name: str, at: int, cases: list[Case] = cases) -> Any:
            case = cases[at]
            try:
                outputs = program.run(name, case.launch)
            except ValueError as error:
                return f"the launch does not fit the kernel: {error}"
            return written(case.kernel, outputs)

        for subject, outcome in zip(mine, batch.evaluate(cases, host_setting(device), launch), strict=True):
            subject.launched = str(outcome) if isinstance(outcome, Failure) else outcome


def _has_case(subject: Subject) -> bool:
    try:
        subject.require_case()
    except (NotPossible, Malformed):  # the check says so
        return False
    return True
