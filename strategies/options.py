"""The options of every public strategy and of ``kernelfuzz.generate``, checked before anything is drawn."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypedDict, cast

from kernelfuzz.devices import DEVICES, Device
from kernelfuzz.ir.types import SCALAR_BY_NAME, SCALARS, Scalar
from kernelfuzz.strategies.features import FEATURES, INDISPENSABLE, unavailable, with_needs
from kernelfuzz.strategies.vocabulary import ALIASES, CATEGORIES, SIZES

# The names that an option takes.  Those of categories, features and dtypes are tables that grow:
# CATEGORIES (vocabulary), FEATURES (features) and SCALAR_BY_NAME (kernelfuzz.ir.types).
Profile: TypeAlias = Literal["default", "realistic"]
Size: TypeAlias = Literal["small", "medium", "large"]

PROFILES: tuple[Profile, ...] = ("default", "realistic")

# To draw 1000 statements took 1.2 s, 2000 took 10 s and 4000 more than a minute: it is the cube of the size.
MOST_STATEMENTS = 1000


class KernelOptions(TypedDict, total=False):
    """The options of ``kernels``, which the other strategies and ``kernelfuzz.generate`` take as well."""

    categories: Iterable[str] | None
    include: Iterable[str]
    exclude: Iterable[str]
    dtypes: Iterable[str | Scalar] | None
    size: Size | int | tuple[int, int]
    depth: int
    devices: Iterable[Device]
    profile: Profile


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

    @property
    def ruled_out(self) -> frozenset[str]:
        """The features that no kernel can have."""
        return unavailable(self.exclude, self.dtypes, self.depth)


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
    ``size``: ``small``, ``medium``, ``large``, a number of statements, or a range of them, up to 1000.
    ``depth``: how far control flow nests, 0 for none.  ``devices``: where the kernel must be valid.
    ``profile``: ``default``, or ``realistic`` for the feature frequencies of published Warp code.

    Raises InvalidOption with a sentence that names what is wrong and what would do.
    """
    included = frozenset(_known("feature", include, FEATURES))
    excluded = frozenset(_known("feature", exclude, FEATURES))
    if not _is_whole(depth) or depth < 0:
        raise InvalidOption(f"depth must be a whole number of at least 0, not {depth!r}")
    wanted = tuple(_known("device", devices, DEVICES))
    if not wanted:
        raise InvalidOption(f"devices must name at least one of {', '.join(DEVICES)}")
    _known("profile", (profile,), PROFILES)
    options = Options((), included, excluded, _dtypes(dtypes), SIZES["medium"], depth, wanted, profile)
    _check_features(options)
    return replace(options, categories=_categories(categories, options), size=_size(size))


def _check_features(options: Options) -> None:
    if both := options.include & options.exclude:
        raise InvalidOption(f"feature {min(both)!r} is both included and excluded; drop one of the two")
    if needed := options.exclude & INDISPENSABLE:
        raise InvalidOption(f"feature {min(needed)!r} cannot be excluded: operands are kept in their domains with it")
    if lacking := options.include & options.ruled_out:
        raise InvalidOption(f"feature {min(lacking)!r} cannot be included: {_reason(min(lacking), options)}")


def _reason(feature: str, options: Options) -> str:
    """Why a feature cannot be had, as the end of a sentence."""
    needed, excluded = with_needs(frozenset({feature})), sorted(options.exclude)
    without = [f for f in excluded if f in needed] or [f for f in excluded if needed & {*FEATURES[f].stands_for}]
    if without:
        return f"it needs {without[0]!r}, which is excluded; allow that or drop this"
    if max(FEATURES[f].depth for f in needed) > options.depth:
        return f"it needs control flow deeper than depth={options.depth}; raise depth or drop it"
    return f"the dtypes {', '.join(d.name for d in options.dtypes)} have none for it; add one or drop it"


def _categories(names: Iterable[str] | None, options: Options) -> tuple[str, ...]:
    """The categories of these names; by default those of the ten that the other options leave."""
    ruled_out = options.ruled_out
    if names is None:
        left = tuple(name for name in DEFAULT_CATEGORIES if ruled_out.isdisjoint(CATEGORIES[name].features))
        if not left:
            raise InvalidOption("the options rule out every category; exclude less")
        return left
    if isinstance(names, str):
        names = (names,)
    chosen = tuple(dict.fromkeys(category_name(name) for name in _items("categories", names)))
    if not chosen:
        raise InvalidOption(f"categories must name at least one of {', '.join(CATEGORIES)}")
    for name in chosen:
        for feature in (feature for feature in CATEGORIES[name].features if feature in ruled_out):
            raise InvalidOption(f"category {name!r} has the feature {feature!r}: {_reason(feature, options)}")
    return chosen


def _items(kind: str, values: object) -> list[Any]:
    """The values of an option that takes several."""
    if isinstance(values, Iterable):
        return list(cast("Iterable[Any]", values))
    raise InvalidOption(f"{kind} must be a list of names, not {values!r}")


def check_place(seed: int, index: int) -> None:
    """Raise InvalidOption where there is no kernel of that seed and index."""
    if not _is_whole(seed):
        raise InvalidOption(f"the seed must be a whole number, not {seed!r}")
    if not _is_whole(index) or index < 0:
        raise InvalidOption(f"kernels are counted from 0: there is none with the index {index!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def category_name(name: str) -> str:
    """The category that a name or an alias stands for."""
    known = ALIASES.get(name, name)
    return _known("category", (known,), CATEGORIES)[0]


def _known(kind: str, names: Iterable[str], table: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        names = (names,)
    choices = list(table)
    result = _items(f"{kind}s", names)
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
    given = [d.name if isinstance(d, Scalar) else d for d in _items("dtypes", dtypes)]
    names = _known("dtype", given, SCALAR_BY_NAME)
    if not names:
        raise InvalidOption(f"dtypes must name at least one of {', '.join(SCALAR_BY_NAME)}")
    return tuple(scalar for scalar in SCALARS if scalar.name in names)


def _size(size: str | int | Sequence[int]) -> tuple[int, int]:
    if isinstance(size, str):
        return SIZES[_known("size", (size,), SIZES)[0]]
    bounds = (size, size) if isinstance(size, int) else size
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise InvalidOption(f"size must be one of {', '.join(SIZES)}, a number, or two numbers, not {size!r}")
    low, high = bounds
    if not all(map(_is_whole, bounds)) or not 0 <= low <= high or high < 1:
        raise InvalidOption(f"size must be at least one statement and its range in order, not {size!r}")
    if high > MOST_STATEMENTS:
        raise InvalidOption(f"size must be at most {MOST_STATEMENTS} statements, not {size!r}")
    return low, high


DEFAULT_CATEGORIES = tuple(name for name, category in CATEGORIES.items() if category.default)
