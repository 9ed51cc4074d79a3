"""Kernels that a command is given by name, ``package.module:kernel``: what importing the module makes.

The module is imported in a worker process: it may take any time, crash or print.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from functools import reduce
from typing import Any

from kernelfuzz.cli.console import INFRASTRUCTURE, USAGE, Problem

_NAMED = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<kernel>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")


def is_named(given: str) -> bool:
    """Whether this names a kernel of a module, and no file."""
    return _NAMED.fullmatch(given) is not None and not os.path.exists(given)


def found(given: str) -> Any:
    """The kernel; imports its module.

    Raises LookupError with a sentence where there is none, UnsupportedWarp where Warp cannot be imported or started.
    """
    from kernelfuzz.toolchain import compat

    match = _NAMED.fullmatch(given)
    assert match is not None
    sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(match["module"])
    except (Exception, SystemExit) as error:
        compat.initialize()  # where no Warp starts, that is the reason
        raise LookupError(f"{match['module']} cannot be imported: {type(error).__name__}: {error}") from None
    try:
        value = reduce(getattr, match["kernel"].split("."), module)
    except AttributeError:
        raise LookupError(f"{match['module']} has no {match['kernel']}") from None
    if not compat.is_kernel(value):
        raise LookupError(f"{given} is no kernel of Warp, but {type(value).__name__}")
    return value


def text_of(given: str) -> tuple[str, str]:
    """A file with the kernel and what it needs, and its name there.  Raises LookupError where it does not fit."""
    from kernelfuzz.syntax.parse import ParseError, parse
    from kernelfuzz.syntax.render import render

    try:
        kernel = parse(found(given))
    except ParseError as failure:
        raise LookupError(f"{given}: {failure}") from None
    return render(kernel), kernel.name


def read_named(given: str, timeout: float) -> tuple[str, str]:
    """``text_of`` in a worker."""
    from kernelfuzz import workers

    try:
        return workers.call(text_of, given, timeout=timeout)
    except LookupError as error:
        raise Problem(f"{error.args[0]}.", USAGE) from None
    except workers.WorkerError as error:
        raise Problem(f"the process that imported {given} {error}.", INFRASTRUCTURE) from None
