"""Whether the builtins without a closed form that a launch calls keep what Warp's documentation promises of them.

The reference takes their values from Warp, so no comparison with it can tell (``kernelfuzz.reference.promises``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kernelfuzz.ir import nodes as n
from kernelfuzz.ir import types as t
from kernelfuzz.ir.launch import Case, Input, Launch
from kernelfuzz.ir.thread_kernels import element, thread_kernel
from kernelfuzz.oracles.chunk import CaseRecord
from kernelfuzz.oracles.request import Evidence
from kernelfuzz.oracles.table import VALUE
from kernelfuzz.oracles.verdict import ANYWHERE, FailedKind, Verdict
from kernelfuzz.reference import Undefined
from kernelfuzz.reference.arithmetic import component_type
from kernelfuzz.reference.promised_calls import Breach, names_of, parts_of, watched
from kernelfuzz.reference.promises import PROMISES
from kernelfuzz.typecheck.builtins import Signature

KIND: FailedKind = "broken promise"


def ask(records: Sequence[CaseRecord]) -> None:
    """Note a verdict of the value oracle on each case with a call that breaks a promise, and which calls had none."""
    for record in records:
        if isinstance(record.wanted, Undefined):
            continue
        calls = watched(record.case)
        record.unasked += calls.unasked
        if found := calls.breaches:
            record.note(_verdict(found), _shown(found))


def again(cases: Sequence[Case]) -> list[Verdict]:
    return [_judged(case) for case in cases]


def explain(case: Case, verdict: Verdict) -> Evidence:
    """Return the call alone, with its arguments."""
    return Evidence(_shown(watched(case).breaches), message=verdict.reason)


def _judged(case: Case) -> Verdict:
    try:
        found = watched(case).breaches
    except Undefined as undefined:
        return VALUE.skipped(f"undefined: {undefined.reason}")
    return _verdict(found) if found else VALUE.passed()


def _first(found: Sequence[Breach]) -> Breach:
    """What is not known comes first."""
    return next((each for each in found if each.bug is None), found[0])


def _verdict(found: Sequence[Breach]) -> Verdict:
    first = _first(found)
    bugs = () if first.bug is None else tuple(dict.fromkeys(each.bug for each in found if each.bug))
    return VALUE.failed(ANYWHERE, f"{first.signature.name}: {first.text}", kind=KIND, bugs=bugs)


def _shown(found: Sequence[Breach]) -> Case:
    """The first call as a case of its own."""
    first = _first(found)
    kernel = call_kernel(first.signature)
    inputs: dict[str, Input] = {}
    for param, value in zip(kernel.params, first.arguments, strict=False):
        inputs[param.name] = np.asarray(value, _numpy_type(param))[None]
    for param, type_ in zip(kernel.params[len(inputs) :], parts_of(first.signature), strict=True):
        assert not isinstance(type_, (t.Struct, t.Array, t.Tuple, t.Tile))
        inputs[param.name] = np.zeros((1, *(() if isinstance(type_, t.Scalar) else t.shape(type_))), _numpy_type(param))
    return Case(kernel, Launch((1,), inputs))


def _numpy_type(param: n.Param) -> np.dtype[Any]:
    assert isinstance(param.type, t.Array)
    return np.dtype(component_type(param.type.dtype).name)


def call_kernel(signature: Signature) -> n.Kernel:
    """A kernel that calls a builtin for each element of arrays; the parameters have the names of the promise."""
    promise = PROMISES[signature.name]
    inputs = dict(zip(names_of(promise, len(signature.params)), signature.params, strict=True))
    outputs = dict(zip(promise.results, parts_of(signature), strict=True))
    body: list[n.Stmt] = []
    arguments: list[n.Expr] = [element(*each) for each in inputs.items()]
    for at in signature.builtin.mutates:
        local = n.Name(f"{list(inputs)[at]}_now", signature.params[at])
        body.append(n.Assign(local, n.Unary("+", arguments[at], local.type)))
        arguments[at] = local
    call = n.Call(signature.name, tuple(arguments), signature.result, signature.keywords)
    values: list[n.Expr] = [call]
    if isinstance(signature.result, t.Tuple):
        parts = [n.Name(f"{name}_part", type_) for name, type_ in outputs.items()]
        body.append(n.Unpack(tuple(part.id for part in parts), (call,)))
        values = list(parts)
    body += [n.Assign(element(*each), value) for each, value in zip(outputs.items(), values, strict=True)]
    return thread_kernel({**inputs, **outputs}, body)
