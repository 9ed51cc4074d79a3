"""What is in a corpus, counted in one pass over its rows.

What a kernel is like (lines, features, types, builtins) counts once for each kernel, what its code is like
once for each row.  Memory grows with the number of kernels by their ids only.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import accumulate, zip_longest
from math import floor, log10
from typing import Any, TypeAlias

import msgspec

from kernelfuzz.corpus.row import SPLITS, Row
from kernelfuzz.strategies.features import FEATURES
from kernelfuzz.strategies.vocabulary import REALISTIC, REALISTIC_NDIMS

# The share of the kernels of REALISTIC whose control flow is at most so deep.
REALISTIC_NESTING = ((2, 0.85), (3, 0.93))

# The quantiles of Spread from p10 to p99, and the most bins that it has.
_QUANTILES = (0.1, 0.5, 0.9, 0.99)
_BINS = 30

_ARRAY = re.compile(r"array\(ndim=(\d+), dtype=(.+)\)")

# Counts by a name and a device, or by a name and an answer.
Table: TypeAlias = dict[str, dict[str, int]]


class NotARow(ValueError):
    """Something among the rows is none; the message says which it is and what is wrong with it."""


# --------------------------------------------------------------------------------------------- what comes out


@dataclass(frozen=True, slots=True)
class Bin:
    """How many numbers are from ``start`` to below ``end``; the last bin has no end."""

    start: float
    end: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers are spread.  ``mean`` is exact, the others have three significant digits."""

    count: int
    mean: float
    minimum: float
    p10: float
    median: float
    p90: float
    p99: float
    maximum: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """The code of one device, in bytes of UTF-8; ``ratio`` is generated to Python code, row by row."""

    rows: int
    with_backward: int
    python_bytes: int
    generated_bytes: int
    generated: Spread
    ratio: Spread


@dataclass(frozen=True, slots=True)
class Clusters:
    """Kernels that are much alike: ``sizes`` says how many clusters have how many kernels.

    ``shared_rows`` are the rows of kernels that are not alone in their cluster.
    """

    number: int
    largest: int
    shared_rows: int
    shared_share: float
    sizes: dict[int, int]


@dataclass(frozen=True, slots=True)
class Drift:
    """A share of this corpus beside that of published Warp code; ``ratio`` is ``here / real``.

    ``of`` says of what: "kernels" or "array parameters".
    """

    name: str
    meaning: str
    of: str
    here: float
    real: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Stats:
    """A corpus in numbers.

    ``duplicates`` are rows whose id and device an earlier row has.  ``kernel_features`` and ``builtins`` are
    numbers of kernels, ``builtin_calls`` of calls in their source.  ``types`` and ``dimensions`` are numbers
    of parameters: by the type or, of arrays, that of the elements ("struct" for all of a kernel's own), and
    of arrays by ndim.  ``verified`` counts rows by "yes", "no" and "not tried".  ``samples`` are a small, a
    median and a large kernel (10th, 50th and 90th percentile of lines): the first row of that size.
    """

    rows: int
    kernels: int
    duplicates: int
    devices: dict[str, int]
    versions: dict[str, int]
    splits: Table
    categories: Table
    features: Table
    kernel_features: dict[str, int]
    sizes: dict[str, Spread]
    code: dict[str, Code]
    types: dict[str, int]
    dimensions: dict[int, int]
    builtins: dict[str, int]
    builtin_calls: dict[str, int]
    verified: Table
    clusters: Clusters
    drift: tuple[Drift, ...]
    samples: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """The numbers as ``kernelfuzz stats --json`` prints them: all but the samples."""
        shown = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "samples"}
        return msgspec.to_builtins(shown, str_keys=True)


# --------------------------------------------------------------------------------------------------- counting


def collect(rows: Iterable[Mapping[str, Any]]) -> Stats | None:
    """The numbers of the rows, which are read once; None where there are no rows.  Raises NotARow."""
    counts = _Counts()
    for number, row in enumerate(rows, 1):
        try:
            counts.add(msgspec.convert(row, Row))
        except msgspec.ValidationError as error:
            raise NotARow(f"row {number}: {error}") from None
        except SyntaxError as error:
            raise NotARow(f"row {number}: python_source is not Python ({error.msg})") from None
    return counts.stats() if counts.rows else None


class _Counts:
    """The state of the pass."""

    def __init__(self) -> None:
        self.rows = 0
        self.pairs: set[tuple[str, str]] = set()
        self.ids: set[str] = set()
        self.cluster_kernels: Counter[str] = Counter()
        self.cluster_rows: Counter[str] = Counter()
        self.by_device: dict[str, defaultdict[str, Counter[str]]] = {
            name: defaultdict(Counter) for name in ("split", "category", "feature")
        }
        self.devices: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.verified: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.sizes: defaultdict[str, _Numbers] = defaultdict(_Numbers)
        self.generated: defaultdict[str, _Numbers] = defaultdict(_Numbers)
        self.ratios: defaultdict[str, _Numbers] = defaultdict(_Numbers)
        self.python_bytes: Counter[str] = Counter()
        self.with_backward: Counter[str] = Counter()
        self.features: Counter[str] = Counter()
        self.types: Counter[str] = Counter()
        self.dimensions: Counter[int] = Counter()
        self.builtins: Counter[str] = Counter()
        self.builtin_calls: Counter[str] = Counter()
        # By rounded number of lines, of which there are few.
        self.samples: dict[float, Row] = {}

    def add(self, row: Row) -> None:
        device = row.device
        self.rows += 1
        self.pairs.add((row.id, device))
        self.devices[device] += 1
        self.versions[f"warp {row.metadata.warp_version}, kernelfuzz {row.metadata.kernelfuzz_version}"] += 1
        self.by_device["split"][row.split][device] += 1
        self.by_device["category"][row.category][device] += 1
        for feature in row.features:
            self.by_device["feature"][feature][device] += 1
        for name, value in msgspec.structs.asdict(row.verified).items():
            self.verified[name]["not tried" if value is None else "yes" if value else "no"] += 1
        python = len(row.python_source.encode())
        generated = sum(len(piece.encode()) for piece in pieces(row))
        self.python_bytes[device] += python
        self.generated[device].add(generated)
        self.ratios[device].add(generated / max(1, python))
        self.with_backward[device] += row.metadata.has_backward
        self.cluster_rows[row.near_duplicate_cluster] += 1
        if row.id not in self.ids:
            self.ids.add(row.id)
            self._add_kernel(row)
        self._keep(row)

    def _add_kernel(self, row: Row) -> None:
        tree = ast.parse(row.python_source)
        metadata = row.metadata
        self.cluster_kernels[row.near_duplicate_cluster] += 1
        self.features.update(row.features)
        self.sizes["lines"].add(metadata.num_lines)
        self.sizes["nodes"].add(metadata.num_nodes)
        self.sizes["parameters"].add(metadata.num_params)
        self.sizes["nesting"].add(metadata.nesting)
        structs = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        for argument in row.arg_types:
            array = _ARRAY.fullmatch(argument.type)
            name = array[2] if array else argument.type
            self.types["struct" if name in structs else name] += 1
            if array:
                self.dimensions[int(array[1])] += 1
        calls = Counter(_calls(tree))
        self.builtins.update(calls.keys())
        self.builtin_calls.update(calls)

    def _keep(self, row: Row) -> None:
        size = _rounded(row.metadata.num_lines)
        held = self.samples.get(size)
        # Of the rows of a kernel that of the last device: CUDA says more than C++.
        if held is None or (held.id == row.id and held.device < row.device):
            self.samples[size] = row

    def stats(self) -> Stats:
        edges = _edges(sum((each.counts for each in self.generated.values()), Counter()))
        lines = self.sizes["lines"].counts
        chosen = dict.fromkeys(_quantile(lines, share) for share in (0.1, 0.5, 0.9))
        return Stats(
            rows=self.rows,
            kernels=len(self.ids),
            duplicates=self.rows - len(self.pairs),
            devices=dict(sorted(self.devices.items())),
            versions=dict(sorted(self.versions.items())),
            splits=_table(self.by_device["split"], SPLITS),
            categories=_table(self.by_device["category"]),
            features=_table(self.by_device["feature"]),
            kernel_features=_most_first(self.features),
            sizes={name: numbers.spread() for name, numbers in self.sizes.items()},
            code={
                device: Code(
                    rows=self.devices[device],
                    with_backward=self.with_backward[device],
                    python_bytes=self.python_bytes[device],
                    generated_bytes=round(numbers.total),
                    generated=numbers.spread(edges),
                    ratio=self.ratios[device].spread(),
                )
                for device, numbers in sorted(self.generated.items())
            },
            types=_most_first(self.types),
            dimensions=dict(sorted(self.dimensions.items())),
            builtins=_most_first(self.builtins),
            builtin_calls=_most_first(self.builtin_calls),
            verified={
                name: {answer: counts[answer] for answer in ("yes", "no", "not tried")}
                for name, counts in self.verified.items()
            },
            clusters=self._clusters(),
            drift=tuple(self._drift()),
            samples=tuple(self.samples[size] for size in chosen),
        )

    def _clusters(self) -> Clusters:
        sizes = self.cluster_kernels
        shared = sum(count for name, count in self.cluster_rows.items() if sizes[name] > 1)
        return Clusters(
            number=len(sizes),
            largest=max(sizes.values()),
            shared_rows=shared,
            shared_share=_share(shared, self.rows),
            sizes=dict(sorted(Counter(sizes.values()).items())),
        )

    def _drift(self) -> Iterator[Drift]:
        kernels, arrays = len(self.ids), self.dimensions.total()
        for feature, real in REALISTIC.items():
            here = _share(self.features[feature], kernels)
            yield Drift(feature, FEATURES[feature].meaning, "kernels", here, real, _ratio(here, real))
        for ndim, per_mille in REALISTIC_NDIMS:
            here, real = _share(self.dimensions[ndim], arrays), per_mille / 1000
            meaning = f"an array parameter with ndim={ndim}"
            yield Drift(f"{ndim}-D array", meaning, "array parameters", here, real, _ratio(here, real))
        depths = self.sizes["nesting"].counts
        for depth, real in REALISTIC_NESTING:
            here = _share(sum(count for found, count in depths.items() if found <= depth), kernels)
            meaning = f"control flow that is at most {depth} deep"
            yield Drift(f"nesting ≤ {depth}", meaning, "kernels", here, real, _ratio(here, real))


def _calls(tree: ast.AST) -> Iterator[str]:
    """The NAME of each call ``wp.NAME(...)`` that a kernel or a function of the module makes when it runs."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, runs = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            # Its decorators and annotations are not code of the kernel.
            waiting += [(statement, True) for statement in node.body]
            continue
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="wp"), attr=name)) if runs:
                yield name
        waiting += [(below, runs) for below in ast.iter_child_nodes(node)]


def pieces(row: Row) -> tuple[str, ...]:
    """The generated code that belongs to the kernel, or else the whole module."""
    if row.ir_forward is None:
        return (row.generated_code or "",)
    return (*row.ir_structs, *row.ir_functions, row.ir_forward, row.ir_backward or "")


def _table(counts: Mapping[str, Counter[str]], order: Iterable[str] = ()) -> Table:
    names = [name for name in order if name in counts]
    names += sorted(set(counts) - set(names))
    return {name: dict(sorted(counts[name].items())) for name in names}


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _share(count: int, total: int) -> float:
    return round(count / total, 6) if total else 0.0


def _ratio(here: float, real: float) -> float:
    return round(here / real, 4)


# ---------------------------------------------------------------------------------------------------- numbers


class _Numbers:
    """Numbers of which only the distinct ones are kept, at three significant digits."""

    def __init__(self) -> None:
        self.counts: Counter[float] = Counter()
        self.total = 0.0

    def add(self, number: float) -> None:
        self.counts[_rounded(number)] += 1
        self.total += number

    def spread(self, edges: tuple[float, ...] = ()) -> Spread:
        """The spread, with the bins that begin at ``edges`` or else at round numbers."""
        edges = edges or _edges(self.counts)
        inside = Counter(bisect_right(edges, number) - 1 for number in self.counts.elements())
        bins = (Bin(start, end, inside[at]) for at, (start, end) in enumerate(zip_longest(edges, edges[1:])))
        count = self.counts.total()
        mean, least, most = round(self.total / count, 3), min(self.counts), max(self.counts)
        p10, median, p90, p99 = (_quantile(self.counts, share) for share in _QUANTILES)
        return Spread(count, mean, least, p10, median, p90, p99, most, tuple(bins))


def _quantile(counts: Counter[float], share: float) -> float:
    """The smallest number that at least this share of the numbers does not exceed."""
    numbers = sorted(counts)
    reached = accumulate(counts[number] for number in numbers)
    wanted = share * counts.total()
    return next(number for number, so_far in zip(numbers, reached, strict=True) if so_far >= wanted)


def _rounded(number: float) -> float:
    rounded = float(f"{number:.3g}")
    return int(rounded) if isinstance(number, int) else rounded


def _edges(counts: Counter[float]) -> tuple[float, ...]:
    """Where bins begin: equally wide ones of 1, 2 or 5 times a power of ten, up to the 99th percentile."""
    low, high = min(counts), _quantile(counts, 0.99)
    whole = all(isinstance(number, int) for number in counts)
    width = max(_round_width((high - low) / _BINS), 1 if whole else 0)
    first = floor(low / width)
    count = floor(high / width) - first + 1
    return tuple(round((first + at) * width, 9) for at in range(count))


def _round_width(width: float) -> float:
    if width <= 0:
        return 1
    power = 10 ** floor(log10(width))
    return next(round(step * power, 9) for step in (1, 2, 5, 10) if step * power >= width * (1 - 1e-9))
