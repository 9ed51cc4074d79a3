"""Run the script of a finding alone, because another kernel of the process may be at fault."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import TIMEOUT_SECONDS, reproducer
from kernelfuzz.findings.signature import signal_name
from kernelfuzz.releases.run_script import run_script

# The script allows its kernel TIMEOUT_SECONDS; starting Warp and building take the rest.
_SECONDS = 4.0 * TIMEOUT_SECONDS


def confirm(finding: Finding, tick: Callable[[], None]) -> bool:
    """Whether the reproducer of a crash or a hang shows it, run alone by this interpreter.

    ``tick`` is called several times a second meanwhile.
    """

    def stopped() -> bool:
        tick()
        return False

    with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as folder:
        script = Path(folder, "reproducer.py")
        script.write_text(reproducer(finding), encoding="utf-8")
        # In the environment of the workers, which may have their Warp by PYTHONPATH.
        outcome = run_script(script, sys.executable, timeout=_SECONDS, stopped=stopped, environ=os.environ)
    # It exits with 1 however its kernel ended, also by an exception; its last line names a signal.
    signalled = bool(signal_name(outcome.detail)) or not signal_name(finding.verdict.reason)
    return outcome.presence == "present" and signalled
