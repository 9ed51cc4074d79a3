"""A corpus to look at: one HTML file with everything in it, the same bytes for the same corpus.

It asks for nothing else: no script, font, style or picture.  Colours follow the reader's light or dark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String

from kernelfuzz.corpus.page_plots import (
    STYLE,
    TIMES,
    Bar,
    bars,
    drift_plot,
    figure,
    histogram,
    ratio_text,
    share_text,
    short,
)
from kernelfuzz.corpus.row import Row
from kernelfuzz.corpus.stats import Spread, Stats, Table, pieces

_LANGUAGES = {"cpu": "C++", "cuda": "CUDA"}

# What each check in ``verified`` says about a row.
_CHECKS = {
    "lowered": "lowered by Warp",
    "built_cpu": "built by clang",
    "built_cuda": "built by NVRTC",
    "ran": "launched",
    "matched": "as the reference",
}

# How many of the most frequent are shown; the table below a plot has them all.
_TYPES, _BUILTINS, _FEATURES = 14, 60, 60


def page(stats: Stats) -> str:
    """The page of a corpus."""
    title = f"{stats.kernels:,} Warp kernels, with the code that Warp generates from them"
    sections = "".join(
        f"<section>\n<h2>{heading}</h2>\n<p class='soft'>{lead}</p>\n{body}</section>\n"
        for heading, lead, body in _sections(stats)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n<header>\n<h1>{title}</h1>\n<p class='soft'>{escape(_lead(stats))}</p>\n"
        f"{_tiles(stats)}</header>\n{sections}{_gallery(stats)}"
        f"<footer>{escape('; '.join(stats.versions))}. Written by <code>kernelfuzz stats</code>.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def _lead(stats: Stats) -> str:
    devices = " and ".join(f"{count:,} for {device}" for device, count in stats.devices.items())
    return f"A corpus of {stats.rows:,} pairs of a Python kernel and generated code: {devices}."


def _tiles(stats: Stats) -> str:
    python = sum(code.python_bytes for code in stats.code.values())
    generated = sum(code.generated_bytes for code in stats.code.values())
    tiles = [
        (f"{stats.rows:,}", "pairs"),
        (f"{stats.kernels:,}", "different kernels"),
        (_size(generated), "of generated code"),
        (f"{generated / max(1, python):.1f} {TIMES}", "as much as Python"),
        (str(len(stats.builtins)), "builtins of Warp called"),
        (share_text(stats.clusters.shared_share), "have a near duplicate"),
    ]
    if matched := stats.verified["matched"]["yes"]:
        tiles.append((share_text(matched / stats.rows), "ran, as the reference does"))
    return (
        '<dl class="tiles">'
        + "".join(f"<div><dt>{label}</dt><dd>{number}</dd></div>" for number, label in tiles)
        + "</dl>\n"
    )


def _sections(stats: Stats) -> Iterator[tuple[str, str, str]]:
    yield (
        "What is in it",
        "Pairs by what their kernel was drawn for, and by what they are for.",
        _cards("two", _categories(stats), _splits(stats) + _verified(stats)),
    )
    yield (
        "How large it is",
        "Kernels by the size of their source; pairs by that of the generated code, with its adjoint.",
        _cards(
            "three",
            _sizes("Lines of Python", "of the kernel's body", stats.sizes["lines"], "kernels"),
            _sizes("Nodes", "of the typed syntax tree", stats.sizes["nodes"], "kernels"),
            _sizes("Parameters", "of the kernel", stats.sizes["parameters"], "kernels"),
        )
        + _cards("three", *_generated(stats), _nesting(stats)),
    )
    yield (
        "What it is made of",
        "How many kernels use what, and what their parameters are.",
        _cards("two", _types(stats), _dimensions(stats) + _clusters(stats))
        + _cards("one", _builtins(stats))
        + _cards("one", _features(stats)),
    )
    yield (
        "How far it is from published code",
        "The share of kernels with each feature, beside 1,598 kernels of newton and mujoco_warp.",
        _cards("one", _drift(stats)),
    )


def _cards(columns: str, *figures: str) -> str:
    # Several figures in one string stand above one another.
    stacked = "".join(f'<div class="stack">{each}</div>\n' if each.count("<figure>") > 1 else each for each in figures)
    return f'<div class="cards {columns}">\n{stacked}</div>\n'


# ---------------------------------------------------------------------------------------------------- figures


def _by_device(table: Table, devices: Mapping[str, int]) -> list[tuple[str, list[Bar]]]:
    """Two bars a row, one for each device; those of the first row say which is which."""
    strongest = list(devices)[-1]
    return [
        (
            name,
            [
                Bar(
                    counts.get(device, 0),
                    f"{counts.get(device, 0):,}{'' if at else f' {device}'}",
                    device == strongest,
                )
                for device in devices
            ],
        )
        for at, (name, counts) in enumerate(table.items())
    ]


def _categories(stats: Stats) -> str:
    return figure(
        "Categories",
        "Pairs of each category, by device",
        bars(_by_device(stats.categories, stats.devices)),
        ("category", *stats.devices),
        [
            (name, *(f"{counts.get(device, 0):,}" for device in stats.devices))
            for name, counts in stats.categories.items()
        ],
    )


def _splits(stats: Stats) -> str:
    totals = {name: sum(counts.values()) for name, counts in stats.splits.items()}
    rows = [(name, [Bar(count, f"{share_text(count / stats.rows)}, {count:,}")]) for name, count in totals.items()]
    return figure(
        "Splits",
        "Pairs in each",
        bars(rows, longest=stats.rows, track=True),
        ("split", *stats.devices, "share"),
        [
            (
                name,
                *(f"{stats.splits[name].get(device, 0):,}" for device in stats.devices),
                share_text(count / stats.rows),
            )
            for name, count in totals.items()
        ],
    )


def _verified(stats: Stats) -> str:
    rows: list[tuple[str, list[Bar]]] = []
    for name, counts in stats.verified.items():
        failed = f", {counts['no']:,} failed" if counts["no"] else ""
        tried = counts["yes"] + counts["no"]
        text = share_text(counts["yes"] / stats.rows) + failed if tried else "not tried"
        rows.append((_CHECKS.get(name, name), [Bar(counts["yes"], text)]))
    return figure(
        "Checks",
        "Pairs whose code did this; the others failed or were not tried",
        bars(rows, longest=stats.rows, track=True),
        ("check", "yes", "no", "not tried"),
        [
            (_CHECKS.get(name, name), *(f"{count:,}" for count in counts.values()))
            for name, counts in stats.verified.items()
        ],
    )


def _sizes(title: str, note: str, spread: Spread, unit: str, color: str = "strong", top: int = 0) -> str:
    table = [
        (
            f"{each.start:,} to {each.end:,}" if each.end is not None else f"{each.start:,} or more",
            f"{each.count:,}",
        )
        for each in spread.bins
    ]
    caption = f"{note}; mean {spread.mean:,.{0 if spread.mean >= 100 else 1}f}, largest {short(spread.maximum)}"
    return figure(title, caption, histogram(spread, color=color, top=top), (title, unit), table)


def _generated(stats: Stats) -> Iterator[str]:
    strongest = list(stats.code)[-1]
    top = max(each.count for code in stats.code.values() for each in code.generated.bins)
    for device, code in stats.code.items():
        adjoint = "all with an adjoint"
        if code.with_backward < code.rows:
            adjoint = f"{share_text(code.with_backward / code.rows)} with an adjoint"
        note = f"a pair, {adjoint}; {ratio_text(code.ratio.median)} the Python in the median"
        color = "strong" if device == strongest else "light"
        yield _sizes(f"Bytes of {_LANGUAGES.get(device, device)}", note, code.generated, "pairs", color, top)


def _shares(
    title: str, note: str, counts: Mapping[str, int], of: int, shown: int, unit: str, *, columns: int = 1
) -> str:
    """Bars of the largest ``shown`` shares, in up to ``columns`` columns."""
    rows = [(name, [Bar(count, share_text(count / of))]) for name, count in list(counts.items())[:shown]]
    longest = max(counts.values(), default=1)
    each = max(1, -(-len(rows) // columns))
    parts = [bars(rows[at : at + each], longest=longest) for at in range(0, len(rows), each)]
    # Bars of the same length are as long in every column.
    widest = max((len(name) for name, _ in rows), default=0)
    style = f' style="--label: {0.58 * widest:.1f}em"' if columns > 1 else ""
    plot = f'<div class="columns-of-bars"{style}>{"".join(parts)}</div>'
    if len(counts) > shown:
        note += f"; the {shown} most frequent of {len(counts)}"
    table = [(name, f"{count:,}", share_text(count / of)) for name, count in counts.items()]
    return figure(title, note, plot, ("", unit, "share"), table)


def _nesting(stats: Stats) -> str:
    spread = stats.sizes["nesting"]
    counts = {f"{each.start:g}{'' if each.end is not None else ' or more'}": each.count for each in spread.bins}
    return _shares("Nesting", "depth of if, for and while", counts, stats.kernels, 20, "kernels")


def _types(stats: Stats) -> str:
    total = sum(stats.types.values())
    note = "of parameters, or of the elements of arrays"
    return _shares("Types", note, stats.types, total, _TYPES, "parameters")


def _dimensions(stats: Stats) -> str:
    counts = {f"{ndim}-D": count for ndim, count in stats.dimensions.items()}
    return _shares("Dimensions", "of array parameters", counts, sum(counts.values()), 9, "arrays")


def _builtins(stats: Stats) -> str:
    total, calls = stats.kernels, stats.builtin_calls
    note = f"kernels that call each; {sum(calls.values()):,} calls in all"
    return _shares("Builtins", note, stats.builtins, total, _BUILTINS, "kernels", columns=3)


def _features(stats: Stats) -> str:
    note = "kernels that have each"
    return _shares("Features", note, stats.kernel_features, stats.kernels, _FEATURES, "kernels", columns=3)


def _clusters(stats: Stats) -> str:
    clusters = stats.clusters
    kernels = {"alone" if size == 1 else f"{size} alike": size * number for size, number in clusters.sizes.items()}
    rows = [(name, [Bar(count, f"{count:,}")]) for name, count in list(kernels.items())[:8]]
    note = (
        f"kernels by how many are in their cluster; {clusters.number:,} clusters, the largest of "
        f"{clusters.largest:,}; exact duplicates: {stats.duplicates:,}"
    )
    table = [(size, f"{number:,}", f"{size * number:,}") for size, number in clusters.sizes.items()]
    return figure("Near duplicates", note, bars(rows), ("kernels in a cluster", "clusters", "kernels"), table)


def _drift(stats: Stats) -> str:
    ordered = sorted(stats.drift, key=lambda row: (-row.ratio, row.name))
    return figure(
        "Drift",
        "On a logarithmic axis; the number is the ratio of this corpus to published code.",
        drift_plot(stats.drift),
        ("", "here", "published", "ratio"),
        [
            (f"{row.name}: {row.meaning}", share_text(row.here), share_text(row.real), ratio_text(row.ratio))
            for row in ordered
        ],
    )


# ---------------------------------------------------------------------------------------------------- gallery


def _gallery(stats: Stats) -> str:
    names = ("A small kernel", "A median kernel", "A large kernel")
    pairs = "".join(_pair(name, row) for name, row in zip(names, stats.samples, strict=False))
    lead = "As they are in the corpus: at the 10th, 50th and 90th percentile of lines, the first of each."
    return f"<section>\n<h2>Pairs</h2>\n<p class='soft'>{lead}</p>\n{pairs}</section>\n"


def _pair(name: str, row: Row) -> str:
    language = _LANGUAGES[row.device]
    code = "\n\n".join(piece.strip("\n") for piece in pieces(row) if piece)
    return (
        f'<figure class="pair"><figcaption><h3>{name}</h3>'
        f"<p>{escape(row.description)}</p></figcaption>\n"
        f'<div class="columns">{_code("Python", row.python_source, "python", f"{name}: Python")}'
        f"{_code(language, code, row.ir_type, f'{name}: {language}')}</div></figure>\n"
    )


def _code(title: str, text: str, language: str, label: str) -> str:
    text = text.strip("\n")
    lines = text.count("\n") + 1
    return (
        f"<div><h4>{title} <span>{lines:,} lines</span></h4>"
        f'<pre tabindex="0" role="region" aria-label="{label}">{highlighted(text, language)}</pre></div>\n'
    )


def _size(count: int) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


# ---------------------------------------------------------------------- code, coloured by four classes

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
