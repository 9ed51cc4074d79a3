"""Tests that need a CUDA device.  With one, the single command is

    python -m pytest -m gpu tests/gpu

Without one every test here is skipped, for the one reason below; the default run leaves them out.
"""

from __future__ import annotations

import pytest

from kernelfuzz.toolchain import compat

NO_DEVICE = "no CUDA device that Warp can use on this machine"


@pytest.fixture(scope="session")
def has_device() -> bool:
    """Whether there is a device; asking imports Warp, so it is asked once and not at collection."""
    return compat.has_cuda()


@pytest.fixture(autouse=True)
def _needs_device(has_device: bool) -> None:  # pyright: ignore[reportUnusedFunction]
    if not has_device:
        pytest.skip(NO_DEVICE)
