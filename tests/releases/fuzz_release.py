"""A short campaign with the Warp of the interpreter that runs this, which needs not have the command line's libraries.

    python fuzz_release.py EXAMPLES [FOLDER]

prints the summary as JSON, or ``{"unsupported": ...}`` where the control kernels do not pass.
"""

from __future__ import annotations

import json
import sys

from kernelfuzz.campaign import CampaignPlan, fuzz
from kernelfuzz.devices import HOST_TARGET
from kernelfuzz.findings.recognised import BUGS
from kernelfuzz.oracles.request import Checks
from kernelfuzz.oracles.table import ORACLES
from kernelfuzz.strategies.options import check_options
from kernelfuzz.toolchain import UnsupportedWarp


def main() -> None:
    checks = Checks(tuple(ORACLES), tuple(HOST_TARGET.values()))
    output = sys.argv[2] if len(sys.argv) > 2 else None
    plan = CampaignPlan(check_options(), checks, examples=int(sys.argv[1]), bugs=BUGS, output=output)
    try:
        print(json.dumps(fuzz(plan).to_dict()))
    except UnsupportedWarp as error:
        print(json.dumps({"unsupported": str(error)}))


if __name__ == "__main__":
    main()
