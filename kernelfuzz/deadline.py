"""What Hypothesis must not take for slowness of a test: its deadline, and its check for data that is slow to draw.

There is no public way to tell it; where a release has not what is used here, that counts as it always did.
"""

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
            read_constants()
            # As it does with the steps of its own stateful tests.
            spent = getattr(control.current_build_context().data, "_stateful_run_times", None)
            if spent is not None:
                spent["kernelfuzz"] += time.perf_counter() - started


def read_constants() -> None:
    """Have Hypothesis read the constants of modules that were imported: otherwise it does so in its next draw.

    It reads those that are not installed: in a checkout ours, for up to a second.
    """
    providers = sys.modules.get("hypothesis.internal.conjecture.providers")
    read = getattr(providers, "_get_local_constants", None)
    if read is not None:
        read()
