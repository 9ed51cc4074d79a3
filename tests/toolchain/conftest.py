"""The programs that tests of launches run, built once for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from launched_programs import GRADIENTS, KERNELS

from kernelfuzz.toolchain.programs import JUDGED, Program, loaded


@pytest.fixture(scope="module")
def programs() -> Iterator[dict[str, Program]]:
    with loaded(KERNELS, "cpu", options=JUDGED) as cpu, loaded(KERNELS, "cuda-host", options=JUDGED) as host:
        assert isinstance(cpu, Program)
        assert isinstance(host, Program)
        yield {"cpu": cpu, "cuda-host": host}


@pytest.fixture(scope="module")
def adjoints() -> Iterator[dict[str, Program]]:
    with (
        loaded(GRADIENTS, "cpu", options=JUDGED, backward=True) as cpu,
        loaded(GRADIENTS, "cuda-host", options=JUDGED, backward=True) as host,
    ):
        assert isinstance(cpu, Program)
        assert isinstance(host, Program)
        yield {"cpu": cpu, "cuda-host": host}
