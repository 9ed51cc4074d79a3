"""Signatures with variables, as ``(mat(r,c,S), vec(c,S)) -> vec(r,S)``, and what they match.

A name in upper case stands for a type, one lower-case letter for a dimension.  ``where`` says which
types a type variable takes (a name of ``CLASSES``) and which sizes a dimension takes (``2..4``); a
dimension without a range takes every size, and ``DIMENSIONS`` where one has to be chosen.
``int32*d`` is a parameter that is repeated d times, d up to ``MOST_REPEATED`` if nothing else says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TypeAlias

from kernelfuzz.ir import types as t  # fmt: skip
from kernelfuzz.ir.nodes import Keyword

# What a type variable may stand for, simplest first.  Where a variable is "value", any value type fits.
CLASSES: dict[str, tuple[t.Type, ...]] = {
    "number": t.NUMBERS,
    "float": t.FLOATS,
    "int": t.INTEGERS,
    "signed": (*t.FLOATS, *t.SIGNED),
    "unsigned": t.UNSIGNED,
    "logical": (t.BOOL, *t.INTEGERS),
    "scalar": t.SCALARS,
    "single": t.FLOATS[:1],
    "wide": t.FLOATS[:2],
    "bits8": tuple(scalar for scalar in t.NUMBERS if scalar.bits == 8),
    "bits16": tuple(scalar for scalar in t.NUMBERS if scalar.bits == 16),
    "bits32": tuple(scalar for scalar in t.NUMBERS if scalar.bits == 32),
    "bits64": tuple(scalar for scalar in t.NUMBERS if scalar.bits == 64),
    "atomic": tuple(scalar for scalar in t.NUMBERS if scalar.bits >= 32),
    "atomic_sum": tuple(scalar for scalar in t.NUMBERS if scalar.bits >= 32 or scalar.is_float),
    "atomic_bits": tuple(scalar for scalar in t.INTEGERS if scalar.bits >= 32),
    "value": t.SCALARS,
}
DIMENSIONS = (2, 3, 4)
MOST_REPEATED = 4

Dimension: TypeAlias = int | str
Bindings: TypeAlias = dict[str, t.Type | int]


@dataclass(frozen=True, slots=True)
class Variable:
    """A type variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Composed:
    """``vec(n,S)``, ``mat(r,c,S)``, ``quat(S)``, ``transform(S)``, ``array(S,d)``."""

    kind: str
    dtype: Pattern
    dimensions: tuple[Dimension, ...] = ()


@dataclass(frozen=True, slots=True)
class Several:
    """``(mat(3,3,S), vec(3,S))``: a tuple of results."""

    elements: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, repeated as often as the dimension ``times`` says, if there is one."""

    pattern: Pattern
    times: tuple[Dimension, ...] = ()


KeywordPattern: TypeAlias = "Pattern | int | str | tuple[Dimension, ...]"
Pattern: TypeAlias = "t.Scalar | Variable | Composed | Several"


@dataclass(frozen=True, slots=True)
class SignaturePattern:
    """A parsed signature.  ``variables``: in order of appearance, from the parameters to the result."""

    params: tuple[Parameter, ...]
    result: Pattern
    keywords: tuple[tuple[str, KeywordPattern], ...]
    where: tuple[tuple[str, str], ...]
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """A signature with every variable replaced.  ``positions``: the written parameter of each one."""

    params: tuple[t.Type, ...]
    result: t.Type
    keywords: tuple[tuple[str, Keyword], ...]
    positions: tuple[int, ...]


# -------------------------------------------------------------------- parsing

_TOKEN = re.compile(r"\s*(->|[A-Za-z_]\w*|\d+|[(),*=])")
# kind: the number of dimensions before (or, for an array, after) its type.
_DIMENSIONS_OF = {"vec": 1, "mat": 2, "quat": 0, "transform": 0, "array": 1}


class _Tokens:
    """The tokens of one signature and the place in them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = _TOKEN.findall(text)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise ValueError(f"expected {expected or 'more'} at token {self.at} of {self.text!r}")
        self.at += 1
        return token

    def skip(self, token: str) -> bool:
        found = self.peek() == token
        self.at += found
        return found


def _dimension(tokens: _Tokens) -> Dimension:
    token = tokens.take()
    return int(token) if token.isdigit() else token


def _pattern(tokens: _Tokens) -> Pattern:
    if tokens.skip("("):
        elements = [_pattern(tokens)]
        while tokens.skip(","):
            elements.append(_pattern(tokens))
        tokens.take(")")
        return Several(tuple(elements))
    token = tokens.take()
    if token in t.SCALAR_BY_NAME:
        return t.SCALAR_BY_NAME[token]
    if token not in _DIMENSIONS_OF:
        if not token.isupper():
            raise ValueError(f"unknown type {token!r} in the signature {tokens.text!r}")
        return Variable(token)
    tokens.take("(")
    dimensions: list[Dimension] = []
    if token == "array":
        dtype = _pattern(tokens)
        tokens.take(",")
        dimensions.append(_dimension(tokens))
    else:
        for _ in range(_DIMENSIONS_OF[token]):
            dimensions.append(_dimension(tokens))
            tokens.take(",")
        dtype = _pattern(tokens)
    tokens.take(")")
    return Composed(token, dtype, tuple(dimensions))


def _parameter(tokens: _Tokens) -> Parameter:
    pattern = _pattern(tokens)
    times: list[Dimension] = []
    while tokens.skip("*"):
        times.append(_dimension(tokens))
    return Parameter(pattern, tuple(times))


def _keyword(tokens: _Tokens) -> tuple[str, KeywordPattern]:
    name = tokens.take()
    tokens.take("=")
    if tokens.skip("("):
        dimensions = [_dimension(tokens)]
        while tokens.skip(","):
            dimensions.append(_dimension(tokens))
        tokens.take(")")
        return name, tuple(dimensions)
    token = tokens.peek()
    if token.isdigit() or (token.islower() and len(token) == 1):
        return name, _dimension(tokens)
    return name, _pattern(tokens)


@cache
def parse(signature: str, keywords: str = "", where: tuple[tuple[str, str], ...] = ()) -> SignaturePattern:
    """Parse ``(params) -> result`` and ``name=pattern, ...``."""
    tokens = _Tokens(signature)
    tokens.take("(")
    params: list[Parameter] = []
    while not tokens.skip(")"):
        params.append(_parameter(tokens))
        tokens.skip(",")
    tokens.take("->")
    result = _pattern(tokens)
    named: list[tuple[str, KeywordPattern]] = []
    rest = _Tokens(keywords)
    while rest.peek():
        named.append(_keyword(rest))
        rest.skip(",")
    variables: dict[str, None] = {}
    for param in params:
        _collect(param.pattern, variables)
        _collect_dimensions(param.times, variables)
    _collect(result, variables)
    for _, pattern in named:
        if isinstance(pattern, tuple):
            _collect_dimensions(pattern, variables)
        elif isinstance(pattern, (int, str)):
            _collect_dimensions((pattern,), variables)
        else:
            _collect(pattern, variables)
    return SignaturePattern(tuple(params), result, tuple(named), where, tuple(variables))


def _collect(pattern: Pattern, into: dict[str, None]) -> None:
    if isinstance(pattern, Variable):
        into[pattern.name] = None
    elif isinstance(pattern, Composed):
        _collect(pattern.dtype, into)
        _collect_dimensions(pattern.dimensions, into)
    elif isinstance(pattern, Several):
        for element in pattern.elements:
            _collect(element, into)


def _collect_dimensions(dimensions: tuple[Dimension, ...], into: dict[str, None]) -> None:
    into.update({dimension: None for dimension in dimensions if isinstance(dimension, str)})


# ------------------------------------------------------------------- matching


def fits(variable: str, value: t.Type | int, where: dict[str, str]) -> bool:
    """Whether ``where`` lets the variable stand for the value."""
    allowed = where.get(variable)
    if isinstance(value, int):
        return allowed is None or value in _sizes(allowed)
    if allowed == "value":
        return not isinstance(value, (t.Array, t.Tile, t.Tuple))
    return value in CLASSES[allowed or "number"]


@cache
def _sizes(text: str) -> range:
    low, _, high = text.partition("..")
    return range(int(low), int(high or low) + 1)


def _bind(variable: str, value: t.Type | int, bindings: Bindings, where: dict[str, str]) -> bool:
    if variable in bindings:
        return bindings[variable] == value
    if not fits(variable, value, where):
        return False
    bindings[variable] = value
    return True


def _match_sizes(
    dimensions: tuple[Dimension, ...], sizes: tuple[int, ...], bindings: Bindings, where: dict[str, str]
) -> bool:
    return all(
        dimension == size if isinstance(dimension, int) else _bind(dimension, size, bindings, where)
        for dimension, size in zip(dimensions, sizes, strict=True)
    )


def match_type(pattern: Pattern, type_: t.Type, bindings: Bindings, where: dict[str, str]) -> bool:
    """Whether the pattern matches the type; the variables that it fixes are added to ``bindings``."""
    match pattern, type_:
        case t.Scalar(), _:
            return pattern == type_
        case Variable(name), _:
            return _bind(name, type_, bindings, where)
        case Composed("vec", dtype, sizes), t.Vector(length, inner):
            return _match_sizes(sizes, (length,), bindings, where) and match_type(dtype, inner, bindings, where)
        case Composed("mat", dtype, sizes), t.Matrix(rows, columns, inner):
            return _match_sizes(sizes, (rows, columns), bindings, where) and match_type(dtype, inner, bindings, where)
        case (Composed("quat", dtype), t.Quaternion(inner)) | (
            Composed("transform", dtype),
            t.Transform(inner),
        ):
            return match_type(dtype, inner, bindings, where)
        case Composed("array", dtype, sizes), t.Array(inner, ndim):
            return _match_sizes(sizes, (ndim,), bindings, where) and match_type(dtype, inner, bindings, where)
        case Several(elements), t.Tuple(types) if len(elements) == len(types):
            return all(
                match_type(element, inner, bindings, where) for element, inner in zip(elements, types, strict=True)
            )
        case _:
            return False


def _match_keyword(pattern: KeywordPattern, value: Keyword, bindings: Bindings, where: dict[str, str]) -> bool:
    if isinstance(pattern, tuple):
        return isinstance(value, tuple) and len(value) == len(pattern) and _match_sizes(pattern, value, bindings, where)
    if isinstance(pattern, (int, str)):
        return type(value) is int and _match_sizes((pattern,), (value,), bindings, where)
    return not isinstance(value, (int, str, tuple)) and match_type(pattern, value, bindings, where)


_CLASS_OF = {
    "vec": t.Vector,
    "mat": t.Matrix,
    "quat": t.Quaternion,
    "transform": t.Transform,
    "array": t.Array,
}


def may_stand_for(pattern: Pattern, kind: type[t.Type]) -> bool:
    """Whether the pattern can match any type of a class; a variable's ``where`` is not looked at."""
    match pattern:
        case Variable():
            return True
        case t.Scalar():
            return kind is t.Scalar
        case Several():
            return kind is t.Tuple
        case Composed():
            return kind is _CLASS_OF[pattern.kind]


# --------------------------------------------------------------- substitution


def _size(dimension: Dimension, bindings: Bindings) -> int:
    size = dimension if isinstance(dimension, int) else bindings[dimension]
    assert isinstance(size, int)
    return size


def substitute(pattern: Pattern, bindings: Bindings) -> t.Type:
    """The type that the pattern stands for under the bindings."""
    match pattern:
        case t.Scalar():
            return pattern
        case Variable(name):
            bound = bindings[name]
            assert not isinstance(bound, int)
            return bound
        case Several(elements):
            return t.Tuple(tuple(substitute(element, bindings) for element in elements))
        case Composed(kind, dtype, dimensions):
            inner = substitute(dtype, bindings)
            sizes = tuple(_size(dimension, bindings) for dimension in dimensions)
            if kind == "array":
                assert not isinstance(inner, (t.Array, t.Tile, t.Tuple))
                return t.Array(inner, *sizes)  # pyright: ignore[reportArgumentType]  # narrowed above
            assert isinstance(inner, t.Scalar)
            if kind == "vec":
                return t.Vector(sizes[0], inner)
            if kind == "mat":
                return t.Matrix(sizes[0], sizes[1], inner)
            return t.Quaternion(inner) if kind == "quat" else t.Transform(inner)


def _keyword_value(pattern: KeywordPattern, bindings: Bindings) -> Keyword:
    if isinstance(pattern, tuple):
        return tuple(_size(dimension, bindings) for dimension in pattern)
    if isinstance(pattern, (int, str)):
        return _size(pattern, bindings)
    return substitute(pattern, bindings)


def _repetitions(param: Parameter, bindings: Bindings) -> int:
    count = 1
    for dimension in param.times:
        count *= _size(dimension, bindings)
    return count


def _solve(pattern: SignaturePattern, bindings: Bindings) -> Solution:
    positions = tuple(
        position for position, param in enumerate(pattern.params) for _ in range(_repetitions(param, bindings))
    )
    types = tuple(substitute(param.pattern, bindings) for param in pattern.params)
    return Solution(
        params=tuple(types[position] for position in positions),
        result=substitute(pattern.result, bindings),
        keywords=tuple((name, _keyword_value(value, bindings)) for name, value in pattern.keywords),
        positions=positions,
    )


def _choices(variable: str, pattern: SignaturePattern, where: dict[str, str]) -> tuple[t.Type | int, ...]:
    allowed = where.get(variable)
    if variable.isupper():
        return CLASSES[allowed or "number"]
    if allowed is not None:
        return tuple(_sizes(allowed))
    if any(variable in param.times for param in pattern.params) and _is_array_rank(variable, pattern):
        return tuple(range(1, MOST_REPEATED + 1))
    return DIMENSIONS


def _is_array_rank(variable: str, pattern: SignaturePattern) -> bool:
    return any(
        isinstance(param.pattern, Composed) and param.pattern.kind == "array" and variable in param.pattern.dimensions
        for param in pattern.params
    )


def solutions(pattern: SignaturePattern, result: t.Type | None = None) -> Iterator[Solution]:
    """Every concrete signature, or every one that gives ``result``, simplest first."""
    where = dict(pattern.where)
    bindings: Bindings = {}
    if result is not None and not match_type(pattern.result, result, bindings, where):
        return
    free = [variable for variable in pattern.variables if variable not in bindings]
    for values in product(*(_choices(variable, pattern, where) for variable in free)):
        yield _solve(pattern, {**bindings, **dict(zip(free, values, strict=True))})


def match_call(
    pattern: SignaturePattern, arguments: tuple[t.Type, ...], keywords: tuple[tuple[str, Keyword], ...] = ()
) -> Solution | None:
    """The concrete signature of a call with these argument types, or None where it does not fit."""
    where = dict(pattern.where)
    bindings: Bindings = {}
    given = dict(keywords)
    if len(given) != len(pattern.keywords):
        return None
    for name, value in pattern.keywords:
        if name not in given or not _match_keyword(value, given[name], bindings, where):
            return None
    at = 0
    for position, param in enumerate(pattern.params):
        count = 1
        if param.times:
            count = len(arguments) - at - (len(pattern.params) - position - 1)
            if len(param.times) == 1 and not _match_sizes(param.times, (count,), bindings, where):
                return None
        if count < 1 or at + count > len(arguments):
            return None
        for type_ in arguments[at : at + count]:
            if not match_type(param.pattern, type_, bindings, where):
                return None
        at += count
    if at != len(arguments) or any(variable not in bindings for variable in pattern.variables):
        return None
    solution = _solve(pattern, bindings)
    return solution if solution.params == arguments else None
