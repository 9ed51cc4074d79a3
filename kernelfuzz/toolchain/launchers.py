"""Launching a loaded kernel with arguments that are made: the way through Warp's public functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kernelfuzz.ir.launch import Launch
from kernelfuzz.toolchain import compat
from kernelfuzz.toolchain.argument_types import Parameter

# What Warp takes on CUDA unless it is told otherwise.
CUDA_BLOCK_DIM = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """A kernel that can be launched."""

    kernel: Any
    parameters: tuple[Parameter, ...]


class Launcher(Protocol):
    """How the kernels of a program are launched; one for each kind of target."""

    @property
    def device(self) -> str:
        """Where the arrays lie."""
        ...

    def launch(
        self,
        entry: Entry,
        launch: Launch,
        arguments: list[Any],
        adjoints: list[Any] | None,
        blocks: int | None,
        block_dim: int | None,
    ) -> None:
        """The kernel, or where there are ``adjoints``, its adjoint."""
        ...


@dataclass(frozen=True, slots=True)
class PublicLauncher:
    """Launches through ``wp.launch`` and ``wp.launch_tiled``."""

    device: str
    options: Mapping[str, Any]
    block_dim: int

    def launch(
        self,
        entry: Entry,
        launch: Launch,
        arguments: list[Any],
        adjoints: list[Any] | None,
        blocks: int | None,
        block_dim: int | None,
    ) -> None:
        import warp as wp

        if self.device != "cpu" and block_dim not in (None, self.block_dim):
            raise ValueError(f"the program was loaded for block_dim {self.block_dim}, got {block_dim}")
        # Warp reads some of its options again at each launch.
        compat.configure(self.options, (entry.kernel,))
        more: dict[str, Any] = {} if adjoints is None else {"adjoint": True, "adj_inputs": adjoints}
        start = wp.launch_tiled if launch.tiled else wp.launch
        start(
            entry.kernel,
            dim=list(launch.dim),
            inputs=arguments,
            device=self.device,
            block_dim=self.block_dim,
            max_blocks=blocks or 0,
            record_tape=False,
            **more,
        )
