"""The program that runs in the environment of a release: ``python -m kernelfuzz.releases.release_worker FD``.

FD is its end of a pair of sockets.  It answers requests, one JSON message each, until the other is closed.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

# Module and function of each action; the other keys of a request are the arguments.
ACTIONS = {
    "observe": ("kernelfuzz.releases.observe", "observe"),
    "seconds": ("kernelfuzz.releases.observe", "seconds"),
    "relower": ("kernelfuzz.releases.observe", "relower"),
    "build file": ("kernelfuzz.releases.observe", "build_file"),
    "control": ("kernelfuzz.toolchain.control", "answers"),
}


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from kernelfuzz.toolchain.compat import UnsupportedWarp

    try:
        module, function = ACTIONS[request.pop("action")]
        return {"answer": getattr(importlib.import_module(module), function)(**request)}
    except UnsupportedWarp as error:
        return {"unsupported": str(error), "of a folder": error.of_a_folder}
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}:{place.lineno}"
        return {"fault": f"{type(error).__name__}: {error} ({where})"}


def _start() -> dict[str, Any]:
    """Get everything ready that is slow, and return the version of Warp."""
    from kernelfuzz import workers
    from kernelfuzz.toolchain import compat

    try:
        compat.initialize()
    except compat.UnsupportedWarp as error:
        return {"unsupported": str(error), "of a folder": error.of_a_folder}
    workers.leave_old_objects_alone()
    return {"answer": compat.version()}


def main() -> None:
    """Answer requests until there are no more."""
    from kernelfuzz.workers import die_with

    # A kernel may never end, and who would kill its process may be killed.
    die_with(os.getppid())
    pipe = Connection(int(sys.argv[1]))
    # What Warp and kernels print goes where nobody takes it for data.
    os.dup2(2, 1)
    pipe.send_bytes(json.dumps(_start()).encode())
    while True:
        try:
            request = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        pipe.send_bytes(json.dumps(_answer(request)).encode())


if __name__ == "__main__":
    main()
