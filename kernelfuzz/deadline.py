"""The deadline that Hypothesis has for a test, and what does not count towards it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator


@contextlib.contextmanager
def off_the_deadline() -> Generator[None]:
    """Have Hypothesis not count what goes on inside: importing, and compilers, take longer than it allows a test."""
    started = time.perf_counter()
    try:
        yield
    finally:
        control = sys.modules.get("hypothesis.control")
        if control is not None and control.currently_in_test_context():
            # As it does with the steps of its own stateful tests; there is no public way.
            spent = getattr(control.current_build_context().data, "_stateful_run_times", None)
            if spent is not None:
                spent["kernelfuzz"] += time.perf_counter() - started
