"""The script of a finding, run alone: another kernel of the process may have been at fault."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import TIMEOUT_SECONDS, reproducer
from kernelfuzz.releases.scripts import run_script

# A script gives a kernel that hangs its own time; Warp has to be started and the kernel to be built as well.
_SECONDS = 4.0 * TIMEOUT_SECONDS


def confirm(finding: Finding, tick: Callable[[], None]) -> bool:
    """Whether the reproducer of a finding exits with 1, run alone by this interpreter.

    ``tick`` is called several times a second meanwhile.
    """

    def stopped() -> bool:
        tick()
        return False

    with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as folder:
        script = Path(folder, "reproducer.py")
        script.write_text(reproducer(finding), encoding="utf-8")
        return run_script(script, sys.executable, timeout=_SECONDS, stopped=stopped).presence == "present"
