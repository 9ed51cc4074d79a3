"""The options of every public strategy and of ``kernelfuzz.generate``, checked before anything is drawn."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kernelfuzz.ir.types import SCALAR_BY_NAME, SCALARS, Scalar
from kernelfuzz.strategies.vocabulary import ALIASES, CATEGORIES, FEATURES, SIZES

DEVICES = ("cpu", "cuda")
PROFILES = ("default", "realistic")

T = TypeVar("T")


class InvalidOption(ValueError):
    """An option with a value that kernelfuzz does not know; the message says what would do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What may be drawn.  Make one with ``check_options``.

    ``size`` is the range of the number of statements; ``depth`` the deepest nesting of control flow.
    """

    categories: tuple[str, ...]
    include: frozenset[str]
    exclude: frozenset[str]
    dtypes: tuple[Scalar, ...]
    size: tuple[int, int]
    depth: int
    devices: tuple[str, ...]
    profile: str


def check_options(
    *,
    categories: Iterable[str] | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    dtypes: Iterable[str | Scalar] | None = None,
    size: str | int | tuple[int, int] = "medium",
    depth: int = 5,
    devices: Iterable[str] = DEVICES,
    profile: str = "default",
) -> Options:
    """Validate the options.

    ``categories``: names or aliases (default: all ten).  ``include``: features that every kernel must have;
    ``exclude``: features that no kernel may have.  ``dtypes``: scalar types by name (default: all).
    ``size``: ``small``, ``medium``, ``large``, a number of statements, or a range of them.
    ``depth``: how far control flow nests, 0 for none.  ``devices``: where the kernel must be valid.
    ``profile``: ``default``, or ``realistic`` for the feature frequencies of published Warp code.

    Raises InvalidOption with a sentence that names what is wrong and what would do.
    """
    if isinstance(categories, str):
        categories = (categories,)
    chosen = tuple(dict.fromkeys(category_name(name) for name in categories or DEFAULT_CATEGORIES))
    included = frozenset(_known("feature", include, FEATURES))
    excluded = frozenset(_known("feature", exclude, FEATURES))
    if both := included & excluded:
        raise InvalidOption(f"feature {sorted(both)[0]!r} is both included and excluded; drop one of the two")
    for name in chosen:
        if clash := excluded & set(CATEGORIES[name].features):
            raise InvalidOption(
                f"category {name!r} needs the feature {sorted(clash)[0]!r}, which is excluded; "
                f"choose other categories or allow the feature"
            )
    if not isinstance(depth, int) or depth < 0:
        raise InvalidOption(f"depth must be a whole number of at least 0, not {depth!r}")
    wanted = tuple(_known("device", devices, DEVICES))
    if not wanted:
        raise InvalidOption(f"devices must name at least one of {', '.join(DEVICES)}")
    _known("profile", (profile,), PROFILES)
    return Options(chosen, included, excluded, _dtypes(dtypes), _size(size), depth, wanted, profile)


def category_name(name: str) -> str:
    """The category that a name or an alias stands for."""
    known = ALIASES.get(name, name)
    return _known("category", (known,), CATEGORIES)[0]


def _known(kind: str, names: Iterable[str], table: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        names = (names,)
    choices = list(table)
    result = list(names)
    for name in result:
        if name not in choices:
            near = difflib.get_close_matches(str(name), choices, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(choices)}"
            raise InvalidOption(f"unknown {kind} {name!r}: {hint}")
    return result


def _dtypes(dtypes: Iterable[str | Scalar] | None) -> tuple[Scalar, ...]:
    if dtypes is None:
        return SCALARS
    if isinstance(dtypes, (str, Scalar)):
        dtypes = (dtypes,)
    names = _known("dtype", [d.name if isinstance(d, Scalar) else d for d in dtypes], SCALAR_BY_NAME)
    if not names:
        raise InvalidOption(f"dtypes must name at least one of {', '.join(SCALAR_BY_NAME)}")
    return tuple(scalar for scalar in SCALARS if scalar.name in names)


def _size(size: str | int | Sequence[int]) -> tuple[int, int]:
    if isinstance(size, str):
        return SIZES[_known("size", (size,), SIZES)[0]]
    low, high = (size, size) if isinstance(size, int) else size
    if not 0 <= low <= high or high < 1:
        raise InvalidOption(f"size must be at least one statement and its range in order, not {size!r}")
    return low, high


DEFAULT_CATEGORIES = tuple(name for name, category in CATEGORIES.items() if category.default)
