"""Whether a new finding counts: its script must show it, run alone and more than once.

Other kernels of the module or of the worker may be at fault for what was seen, and so may kernelfuzz.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from kernelfuzz.campaign.summary import CampaignSummary, Found
from kernelfuzz.findings.finding import Finding
from kernelfuzz.findings.reproducer import TIMEOUT_SECONDS, reproducer
from kernelfuzz.findings.signature import signal_name
from kernelfuzz.releases.run_script import run_script
from kernelfuzz.toolchain import UnsupportedWarp

# How the signature of a finding starts whose script does not show it, or was not run.
NOT_ALONE = "not reproduced alone"
NOT_TRIED_ALONE = "not tried alone"

# How often the script is run; it must show the finding each time.
_RUNS = 2

# The script of a hang allows its kernel TIMEOUT_SECONDS; starting Warp and building take the rest.
_SCRIPT_SECONDS = 4.0 * TIMEOUT_SECONDS


def confirm(finding: Finding, tick: Callable[[], None]) -> str:
    """Run the script of a finding alone, by this interpreter; return why it is not shown, empty where it is.

    ``tick`` is called several times a second meanwhile.  Raises ValueError where there is no script.
    """
    signalled = bool(signal_name(finding.verdict.reason))
    return confirm_script(reproducer(finding), tick, signalled=signalled)


def confirm_script(text: str, tick: Callable[[], None], *, signalled: bool = False) -> str:
    """Run a script alone, by this interpreter; return why it does not show a bug, empty where it does.

    ``signalled``: it must name a signal.  ``tick`` is called several times a second meanwhile.
    """

    def stopped() -> bool:
        tick()
        return False

    with tempfile.TemporaryDirectory(prefix="kernelfuzz-") as folder:
        script = Path(folder, "reproducer.py")
        script.write_text(text, encoding="utf-8")
        for number in range(1, _RUNS + 1):
            # In the environment of the workers, which may have their Warp by PYTHONPATH.
            outcome = run_script(script, sys.executable, timeout=_SCRIPT_SECONDS, stopped=stopped, environ=os.environ)
            # Where a signal is expected, an exit with 1 may be an exception of the kernel's; the last line tells.
            if outcome.presence != "present" or (signalled and not signal_name(outcome.detail)):
                return f"run {number} of the script: {outcome.detail or outcome.presence}"
    return ""


@dataclass(slots=True)
class Confirmations:
    """The findings of a campaign whose scripts do not show them; each signature is tried once.

    ``run`` returns why the script of a finding does not show it, ``write`` keeps such a finding.
    """

    run: Callable[[Finding], str]
    write: Callable[[Finding], Found]
    summary: CampaignSummary
    _kept: dict[str, Found] = field(default_factory=dict[str, Found])

    def again(self, signature: str) -> bool:
        """Whether the script of a finding with this signature did not show it before; it counts with that one."""
        before = self._kept.get(f"{NOT_ALONE}: {signature}")
        if before is not None:
            before.count += 1
        return before is not None

    def shown(self, finding: Finding, *, interrupted: bool = False) -> bool:
        """Whether a new finding counts; where it does not, it is kept apart.  Once ``interrupted``, none is tried."""
        if interrupted:
            return self._keep(finding, NOT_TRIED_ALONE, "the campaign was interrupted")
        if self.again(finding.signature):
            return False
        try:
            why = self.run(finding)
        except KeyboardInterrupt:
            self._keep(finding, NOT_TRIED_ALONE, "the campaign was interrupted")
            raise
        except (UnsupportedWarp, OSError):
            raise
        except Exception as error:
            why = f"no script: {type(error).__name__}: {error}"
        return not why or self._keep(finding, NOT_ALONE, why)

    def _keep(self, finding: Finding, caveat: str, why: str) -> Literal[False]:
        """Write what does not count as a finding, to be looked into by hand; False."""
        finding = replace(finding, signature=f"{caveat}: {finding.signature}")
        if finding.signature in self._kept:
            self._kept[finding.signature].count += 1
        else:
            found = self._kept[finding.signature] = replace(self.write(finding), why=why)
            self.summary.unconfirmed.append(found)
        return False
