"""Functions of the text whose body is C++: ``@wp.func_native``."""

from __future__ import annotations

import ast

from kernelfuzz.syntax.parse.bindings import FunctionSource, WarpName
from kernelfuzz.syntax.parse.errors import ParseError, error
from kernelfuzz.syntax.parse.values import evaluate


def native_texts(source: FunctionSource) -> tuple[str, ...]:
    """The C++ of a function under ``@wp.func_native``: of its body, its adjoint and its replay; () of any other."""
    for decorator in source.node.decorator_list:
        if isinstance(decorator, ast.Call) and not source.native:
            try:
                found = evaluate(decorator.func, source.namespace)
            except ParseError:
                continue  # a decorator of somebody else
            if found == WarpName("func_native"):
                names = ("snippet", "adj_snippet", "replay_snippet")
                given = dict(zip(names, decorator.args, strict=False))
                given |= {keyword.arg: keyword.value for keyword in decorator.keywords if keyword.arg}
                texts = [evaluate(given[name], source.namespace) if name in given else "" for name in names]
                known = [text or "" for text in texts if isinstance(text, str) or text is None]
                if len(known) < len(names):
                    raise error(f"the C++ of {source.node.name} cannot be told from the text", source.node)
                return tuple(known[: max([at + 1 for at, text in enumerate(known) if text], default=0)])
    return source.native
