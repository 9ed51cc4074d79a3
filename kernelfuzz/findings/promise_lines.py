"""What a script says of a call that breaks a promise: the expression as it stands in the table, and its terms."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

from kernelfuzz.ir.nodes import Call, Kernel
from kernelfuzz.ir.walk import walk
from kernelfuzz.reference.promised_calls import TERMS, epsilon
from kernelfuzz.reference.promises import PROMISES
from kernelfuzz.typecheck.builtins import resolve


def promise_parts(kernel: Kernel, reason: str, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The declarations and the last lines of the script of a call (``kernelfuzz.oracles.kept_promises.call_kernel``).

    ``reason`` is that of the verdict, ``names`` has the variable of each parameter.
    """
    builtin, _, text = reason.partition(": ")
    promise = PROMISES[builtin]
    called = next(node for node in walk(kernel) if isinstance(node, Call) and node.name == builtin)
    signature = resolve(builtin, tuple(each.type for each in called.args), called.keywords)
    assert signature is not None
    terms = [inspect.getsource(term) for name, term in TERMS.items() if re.search(rf"\b{name}\(", text)]
    lines = ["# The numbers of the call."]
    for name, variable in names.items():
        lines += [f"{name} = {variable}.numpy()[0].astype(np.float64)", f'print("{name}:", {name}.tolist())']
    for name in promise.arguments:
        if name.startswith("*"):
            rest = [each for each in names if re.fullmatch(rf"{name[1:]}\d+", each)]
            lines.append(f"{name[1:]} = ({''.join(f'{each}, ' for each in rest).rstrip()})")
    lines += [
        f"eps = {epsilon(signature)!r}",
        f"tolerance = {promise.within}",
        f"kept = bool({text})",
        f"print({text + '  expected: True   actual:'!r}, kept)",
        "sys.exit(not kept)",
    ]
    return terms, lines
