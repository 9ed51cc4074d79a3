"""Code as HTML, coloured by four classes: keywords, functions and types, numbers, strings."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import Any

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String

# The first that holds counts.
_CLASSES = (
    (Keyword.Type, "f"),
    (Keyword, "k"),
    (Name.Decorator, "f"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Builtin, "f"),
    (Number, "n"),
    (String, "s"),
    (Comment.Preproc, "k"),
)


def highlighted(text: str, language: str) -> str:
    """Code as HTML for a ``pre``.  ``language`` is "python", "cpp" or "cuda"."""
    tokens = get_lexer_by_name(language, stripnl=False, ensurenl=False).get_tokens(text)
    runs = groupby(tokens, key=lambda token: _class_of(token[0]))
    return "".join(_span(name, "".join(text for _, text in run)) for name, run in runs)


def _class_of(token: Any) -> str:
    return next((name for kind, name in _CLASSES if token in kind), "")


def _span(name: str, text: str) -> str:
    return f'<span class="{name}">{escape(text)}</span>' if name else escape(text, quote=False)
