"""What tests of validation start from: a good corpus, and checks that run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damaged_corpora import FEW, made

from kernelfuzz import workers


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Of a seed whose few kernels are in two splits.
    return made(tmp_path_factory.mktemp("good") / "corpus", "--count", str(FEW + 1), "--size", "small", "--seed", "4")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are checked in this process, which knows Warp already."""

    def in_order(function: Callable[..., Any], tasks: Any, **_: Any) -> Any:
        return (function(*task) for task in tasks)

    monkeypatch.setattr(workers, "in_order", in_order)
    monkeypatch.setattr(workers, "call", lambda function, *arguments, **_: function(*arguments))
