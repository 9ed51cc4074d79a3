"""Everything that decides the content of a corpus, besides the versions of kernelfuzz, its grammar and Warp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any, Literal, TypeAlias

from kernelfuzz import __version__
from kernelfuzz.devices import Device
from kernelfuzz.ir.nodes import Kernel
from kernelfuzz.strategies.choices import SeededChoices
from kernelfuzz.strategies.kernel import GRAMMAR_VERSION, category_of, draw_kernel
from kernelfuzz.strategies.options import Options, check_options
from kernelfuzz.strategies.vocabulary import SIZES

Scope: TypeAlias = Literal["kernel", "module", "both"]
Format: TypeAlias = Literal["jsonl", "json", "parquet"]

SCOPES: tuple[Scope, ...] = ("kernel", "module", "both")

# Kernels in a shard: few enough that a short run has several for each job and a killed one loses little, and
# enough that the files of a very large run can still be counted.
_SMALLEST, _USUAL, _MOST_SHARDS = 4, 256, 100_000

# Kernels that are built as one module to be launched: a shard has as many, where that leaves a few shards.
BATCH = 64
_FEW_SHARDS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What to draw, and what to write about it.

    ``count`` kernels are drawn, or else as many shards as it takes for ``target_mb`` megabytes (1,000,000
    bytes) of rows for each device, before compression.  ``balanced`` goes through the categories in turn;
    otherwise kernels are drawn from none, as ``kernels()`` draws them.  ``ptx`` and ``cubin`` add what NVRTC
    makes of the code; ``execute`` adds a launch, with outputs that the reference agrees with.
    ``warp_symbols`` leaves Warp's hashes in the generated names.
    """

    options: Options
    devices: tuple[Device, ...] = ("cpu", "cuda")
    seed: int = 0
    count: int | None = 1000
    target_mb: float | None = None
    balanced: bool = True
    backward: bool = True
    scope: Scope = "kernel"
    ptx: bool = False
    cubin: bool = False
    execute: bool = False
    warp_symbols: bool = False
    old_keys: bool = False
    format: Format = "jsonl"

    def __post_init__(self) -> None:
        if (self.count is None) == (self.target_mb is None):
            raise ValueError("a corpus needs a number of kernels or of megabytes, and not both")

    @property
    def shard_size(self) -> int:
        """How many kernels a shard has; a function of what is asked for, not of who makes it."""
        if self.count is None:
            return _USUAL
        built = min(BATCH, self.count // _FEW_SHARDS) if self.execute else 0
        return max(_SMALLEST, min(_USUAL, self.count // 64), built, self.count // _MOST_SHARDS)

    def span(self, shard: int) -> tuple[int, int]:
        """The first index of a shard and how many kernels it has: 0 after the last shard."""
        size = self.shard_size
        start = shard * size
        return start, size if self.count is None else max(0, min(size, self.count - start))

    @property
    def shards(self) -> int | None:
        """How many shards there are; None where that depends on how large they turn out."""
        return None if self.count is None else -(-self.count // self.shard_size)

    def draw(self, index: int) -> tuple[Kernel, str | None]:
        """The kernel with an index, and the category that it is drawn for."""
        in_turn = self.balanced and self.options.profile != "realistic"
        category = category_of(self.options, index) if in_turn else None
        return draw_kernel(SeededChoices(GRAMMAR_VERSION, self.seed, index), self.options, category), category


@dataclass(frozen=True, slots=True)
class Part:
    """Which shards a run makes: those whose number leaves ``index`` when divided by ``count``.

    Only for plans that say how many kernels: how many shards others have to make is known for no other.
    """

    index: int = 0
    count: int = 1


ALL = Part()


# The keys of a manifest's plan are the names of the options of ``kernelfuzz corpus``.  What else it has are the
# fields of a Plan by their names.
_FIRST = ("seed", "count", "target-mb")
_DRAWING = {"category": "categories", "size": "size", "profile": "profile", "include": "include", "exclude": "exclude"}


def as_dict(plan: Plan) -> dict[str, Any]:
    """The plan as a manifest has it."""
    own = {each.name.replace("_", "-"): getattr(plan, each.name) for each in fields(Plan)}
    options, devices = own.pop("options"), own.pop("devices")
    drawing = {key: _listed(getattr(options, name)) for key, name in _DRAWING.items()}
    return {**{name: own[name] for name in _FIRST}, "device": list(devices), **drawing, **own}


def _listed(value: Any) -> Any:
    match value:
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case _:
            return value


def from_dict(plan: Mapping[str, Any]) -> Plan | None:
    """The plan that a manifest has; None where it has something else."""
    own = {name.replace("-", "_"): value for name, value in plan.items() if name not in (*_DRAWING, "device")}
    try:
        drawing: dict[str, Any] = {name: plan[key] for key, name in _DRAWING.items()}
        options = check_options(**{**drawing, "size": tuple(drawing["size"])})
        made = Plan(options, tuple(plan["device"]), **own)
    except (KeyError, TypeError, ValueError):
        return None
    return made if as_dict(made) == plan else None


_FLAGS = ("ptx", "cubin", "execute", "warp_symbols", "old_keys")


def command_of(plan: Plan) -> str:
    """The command that makes the same corpus."""
    options = plan.options
    words = ["kernelfuzz corpus"]
    words.append(f"--count {plan.count}" if plan.count is not None else f"--target-mb {plan.target_mb:g}")
    words.append(f"--seed {plan.seed}")
    words += [f"--device {device}" for device in plan.devices]
    if not plan.balanced:
        words.append("--natural")
    elif options.profile != "realistic" and options.categories != check_options().categories:
        words += [f"--category {category}" for category in options.categories]
    size = next((name for name, counts in SIZES.items() if counts == options.size), str(options.size[0]))
    words += [f"--size {size}"] if size != "medium" else []
    words += [f"--profile {options.profile}"] if options.profile != "default" else []
    words += [f"--include {feature}" for feature in sorted(options.include)]
    words += [f"--exclude {feature}" for feature in sorted(options.exclude)]
    words += [] if plan.backward else ["--no-backward"]
    words += [f"--{name.replace('_', '-')}" for name in _FLAGS if getattr(plan, name)]
    return " ".join([*words, f"--scope {plan.scope}", f"--format {plan.format}", "--output DIR"])


def versions() -> dict[str, Any]:
    """What a corpus depends on besides its plan."""
    return {"kernelfuzz": __version__, "grammar": GRAMMAR_VERSION, "warp": version("warp-lang")}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Where two plans, or what two runs were made with, differ: "seed (0, now 1)"."""
    names = dict.fromkeys((*before, *now))
    return [
        f"{name} ({_value(before.get(name))}, now {_value(now.get(name))})"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _value(value: Any) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case None | []:
            return "none"
        case list():
            return " ".join(map(str, value))
        case _:
            return str(value)
