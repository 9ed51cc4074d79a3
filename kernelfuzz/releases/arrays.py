"""Arrays as JSON, to the bit, for processes that may have other versions of numpy."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

from kernelfuzz.ir.launch import Case, Input
from kernelfuzz.oracles.compare import leaves
from kernelfuzz.syntax.render import render


def encoded(values: Mapping[str, Input]) -> dict[str, Any]:
    """Values by name as what ``json`` takes."""
    return {name: _encoded(value) for name, value in values.items()}


def _encoded(value: Input) -> dict[str, Any]:
    if not isinstance(value, np.ndarray):
        return {"fields": encoded(value)}
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {"dtype": value.dtype.name, "shape": list(value.shape), "data": data}


def decoded(values: Mapping[str, Any]) -> dict[str, Input]:
    """What ``encoded`` was given."""
    return {name: _decoded(value) for name, value in values.items()}


def _decoded(value: Mapping[str, Any]) -> Input:
    if "fields" in value:
        return decoded(value["fields"])
    flat = np.frombuffer(base64.b64decode(value["data"]), dtype=np.dtype(value["dtype"]))
    return flat.reshape(value["shape"])


def case_digest(case: Case) -> str:
    """The same for two cases exactly when they have the same text, grid and inputs."""
    launch = case.launch
    digest = blake2b(f"{render(case.kernel)}\n{launch.dim} {launch.tiled}\n".encode(), digest_size=16)
    for name, value in sorted(launch.inputs.items()):
        for path, array in leaves(name, value):
            digest.update(f"{path} {array.dtype.name} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
