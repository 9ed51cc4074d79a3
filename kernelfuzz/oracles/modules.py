"""The modules that are built of a chunk, and stay loaded until its end.

Value and gradient of a kernel are asked of the same module, and what Warp generated for it, for both devices, is kept
for the oracles that read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TypeVar, cast

from kernelfuzz.devices import DEVICES, Target
from kernelfuzz.ir.launch import Case
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.oracles.batch import Action, batch_source, of_built, parts, until_alone
from kernelfuzz.oracles.built_apart import is_built_apart
from kernelfuzz.oracles.lowered import Codes
from kernelfuzz.oracles.verdict import BuildSetting
from kernelfuzz.toolchain import Failure
from kernelfuzz.toolchain.programs import Program, loaded

T = TypeVar("T")

# A kernel, kept so that its identity stays its own; where it was built, and its name there.
_Built = tuple[Kernel, Program, str]


class Modules:
    """``batch.evaluate`` that builds nothing twice; use it in a ``with``, at whose end everything is unloaded.

    ``kernels`` are those of the chunk: they are built ``with_adjoints``, and their codes are kept.  ``fast`` lets
    another clang than Warp's compile (``kernelfuzz.toolchain.fast_clang``).
    """

    def __init__(self, kernels: Iterable[Kernel] = (), *, with_adjoints: bool = False, fast: bool = False) -> None:
        self.fast = fast
        self._own = {id(kernel): kernel for kernel in kernels}
        self._with_adjoints = with_adjoints
        self._stack = ExitStack()
        # By setting, whether with adjoints, and the identity of the kernel.
        self._built: dict[tuple[BuildSetting, bool, int], _Built] = {}
        self._codes: dict[int, Codes] = {}

    def __enter__(self) -> Modules:
        return self

    def __exit__(self, *_: object) -> None:
        self._built.clear()
        self._stack.close()

    def codes(self, kernel: Kernel) -> Codes | None:
        """Return what Warp generated for a kernel of the chunk; None where that was not asked, or did not go."""
        return self._codes.get(id(kernel))

    def built_fast(self, kernel: Kernel) -> bool:
        """Whether another clang than Warp's has compiled the kernel for any setting."""
        return any(built[1].fast for (_, _, key), built in self._built.items() if key == id(kernel))

    def __call__(
        self, cases: Sequence[Case], setting: BuildSetting, action: Action[T], *, backward: bool = False
    ) -> list[T | Failure]:
        """As ``evaluate``."""
        self._build([case.kernel for case in cases], setting, backward)
        found = [self._find(case.kernel, setting, backward) for case in cases]
        built = [(each[1], each[2]) if each is not None else None for each in found]
        return of_built(cases, setting, action, built, backward=backward, fast=self.fast)

    def _find(self, kernel: Kernel, setting: BuildSetting, backward: bool) -> _Built | None:
        with_adjoint = self._built.get((setting, True, id(kernel)))
        return with_adjoint if with_adjoint or backward else self._built.get((setting, False, id(kernel)))

    def _build(self, kernels: Sequence[Kernel], setting: BuildSetting, backward: bool) -> None:
        """Build what is not there yet: those of the chunk in one module, the others in another."""
        missing = {id(each): each for each in kernels if self._find(each, setting, backward) is None}
        own = [each for key, each in missing.items() if key in self._own]
        others = [each for key, each in missing.items() if key not in self._own]
        # Other options are asked of values or of gradients, and of nothing else.
        with_adjoints = backward or (self._with_adjoints and not setting.row)
        self._load(own, setting, with_adjoints, codes=setting.target != "cuda")
        self._load(others, setting, backward, codes=False)

    def _load(self, kernels: Sequence[Kernel], setting: BuildSetting, backward: bool, *, codes: bool) -> None:
        target, options = cast("Target", setting.target), dict(setting.options)

        def build(some: Sequence[Kernel]) -> list[None] | Failure:
            source, names = batch_source(some)
            asked = codes and backward and any(id(kernel) not in self._codes for kernel in some)
            program = self._stack.enter_context(
                loaded(
                    source,
                    target,
                    options=options,
                    backward=backward,
                    block_dim=setting.block_dim,
                    codes=asked,
                    fast=self.fast,
                    # What is refused alone, Warp's own is asked about.
                    fast_refuses=len(some) > 1,
                )
            )
            if isinstance(program, Failure):
                return program
            for kernel, name in zip(some, names, strict=True):
                self._built[setting, backward, id(kernel)] = kernel, program, name
                if asked:
                    self._codes[id(kernel)] = {device: program.codes[device][name] for device in DEVICES}
            return [None] * len(some)

        apart = [(kernel, is_built_apart(kernel)) for kernel in kernels]
        together = [kernel for kernel, alone in apart if not alone]
        for some in (together, *([kernel] for kernel, alone in apart if alone)):
            until_alone(some, build, lambda kernel, failure: None, split=parts)
