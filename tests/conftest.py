"""``pytest --hypothesis-profile=corpus`` without a path runs the suite that is there for it."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Put that suite in the place of all tests; a path on the command line has precedence."""
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS
    if config.getoption("hypothesis_profile", None) == "corpus" and not chosen:
        config.args[:] = [str(Path(__file__).with_name("test_emit_corpus.py"))]
