"""Run the text of a program in this process, and keep what it observes.

A program that crashes takes the process along (``kernelfuzz.workers``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from kernelfuzz.ir.launch import Input
from kernelfuzz.toolchain import compat, sources
from kernelfuzz.toolchain.build import build_message, compile_failure
from kernelfuzz.toolchain.capture import captured_output
from kernelfuzz.toolchain.sources import Failure


@dataclass(frozen=True, slots=True)
class Observed:
    """What a text observed, by label in its order, and the entries of the kernel cache when it began and ended."""

    values: Mapping[str, Input]
    cached_before: frozenset[str]
    cached: frozenset[str]


def run_text(text: str, name: str, cache: str) -> Observed | Failure:
    """Run a text as the Python module ``name``, with a kernel cache in the directory ``cache``.

    It calls ``observe(label, array)``.  A text that raises gives a Failure, and so does one that is not built.
    """
    source = sources.Source(sources.source_text(text), name, f"<kernelfuzz {name}>")
    code = sources.compiled(source)
    if isinstance(code, Failure):
        return code
    values: dict[str, Input] = {}

    def observe(label: str, array: Any) -> None:
        values[label] = _contents(array.numpy())

    with compat.LOCK, compat.isolated(), captured_output() as output:
        compat.set_kernel_cache(cache)
        before = _entries(cache)
        with compat.declarations(name), sources.registered(source) as namespace:
            namespace["observe"] = observe
            try:
                sources.execute(code, namespace)
            except compat.CompilerError as error:
                return compile_failure(build_message(output(), str(error), tempfile.gettempdir()), error.text)
            except (Exception, SystemExit) as error:
                return sources.raised(source, error)
        return Observed(values, before, _entries(cache))


def _entries(cache: str) -> frozenset[str]:
    return frozenset(os.listdir(cache))


def _contents(data: np.ndarray[Any, Any]) -> Input:
    """The contents of an array as an input has them; of structs, by field."""
    if data.dtype.names is None:
        return np.array(data, order="C", copy=True)
    return {field: _contents(cast("np.ndarray[Any, Any]", data[field])) for field in data.dtype.names}
