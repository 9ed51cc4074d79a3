"""Rows of a corpus as kernels to ask a release about.

A row is what ``kernelfuzz.corpus`` writes; of its keys only ``python_source`` must be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kernelfuzz.ir.codec import decode_texts, encode
from kernelfuzz.releases.task import Task


def tasks_of(rows: Iterable[Mapping[str, Any]]) -> list[Task]:
    """A task for each kernel; the rows of one kernel for several devices are one task."""
    tasks: dict[str, Task] = {}
    for number, row in enumerate(rows, 1):
        source = row["python_source"]
        if source not in tasks or tasks[source].launch is None:
            label = tasks[source].label if source in tasks else label_of(number, row)
            tasks[source] = Task(label, source=source, launch=launch_of(row))
    return list(tasks.values())


def label_of(number: int, row: Mapping[str, Any]) -> str:
    """What a row is called: its number, from 1, and what it was drawn from where that is known."""
    about = row.get("metadata") or {}
    if about.get("seed") is None or about.get("index") is None:
        return f"row {number}"
    return f"row {number} (seed {about['seed']} index {about['index']})"


def launch_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """How a row was launched, as ``Task.launch`` has it; None where it was not."""
    if not row.get("io"):
        return None
    grid = row["launch"]
    inputs = encode(decode_texts(row["io"]["inputs"]))
    return {"dim": list(grid["dim"]), "tiled": grid["tiled"], "inputs": inputs}


def stored_code(row: Mapping[str, Any]) -> str:
    """The generated code of a row, as ``kernelfuzz.releases.observe.code_text`` puts it together; with the
    scope ``module`` the whole module."""
    if row.get("ir_forward") is None:
        return row.get("generated_code") or ""
    pieces = (*row.get("ir_structs", ()), *row.get("ir_functions", ()), row["ir_forward"], row["ir_backward"])
    return "\n".join(piece.strip("\n") + "\n" for piece in pieces if piece)


def question(row: Mapping[str, Any]) -> dict[str, Any]:
    """What ``kernelfuzz.releases.relower.relower`` needs of a row."""
    about = row.get("metadata") or {}
    return {
        "source": row["python_source"],
        "device": row.get("device", "cpu"),
        "backward": about.get("has_backward", row.get("ir_backward") is not None),
        "module": row.get("ir_forward") is None,
        "launch": launch_of(row),
    }
