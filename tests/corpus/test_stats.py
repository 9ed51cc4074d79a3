"""The numbers of a corpus: each of them from rows that are written out here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kernelfuzz.corpus.stats import NotARow, Stats, collect
from kernelfuzz.strategies.vocabulary import REALISTIC

SOURCE = """import warp as wp

SIZE = wp.constant(4)


@wp.struct
class S0:
    a: wp.array(dtype=float)


@wp.func
def f(x: wp.vec3) -> float:
    return wp.length(wp.vec3(1.0))


@wp.kernel(enable_backward=False)
def kernel(a: wp.array(dtype=S0)):
    a[wp.tid()].a[0] = f(wp.vec3(0.0)) + float(other.sin(1.0))
"""


def row(identity: str = "a", device: str = "cpu", **changed: Any) -> dict[str, Any]:
    """A row as readers give it; what ``changed`` does not name is small and the same for all."""
    about = {
        "kernel_name": "kernel",
        "mangled_name": "kernel_cpu_kernel_forward",
        "category": "math",
        "device": device,
        "ir_type": "cpp" if device == "cpu" else "cuda",
        "seed": 0,
        "index": 0,
        "num_params": 1,
        "num_lines": 2,
        "nesting": 0,
        "num_nodes": 5,
        "module_id": "0",
        "warp_version": "1.19.0",
        "kernelfuzz_version": "0.1.0",
        "grammar_version": 1,
        "options": [],
        "has_backward": True,
    }
    whole = {
        "id": identity,
        "python_source": "pass\n",
        "category": "math",
        "features": [],
        "description": "Does nothing.",
        "arg_types": [],
        "device": device,
        "ir_type": about["ir_type"],
        "ir_forward": "0123456789",
        "ir_backward": None,
        "ir_functions": [],
        "ir_structs": [],
        "generated_code": None,
        "ptx": None,
        "cubin": None,
        "launch": {"dim": [8], "tiled": False, "seed": None},
        "io": None,
        "verified": {"lowered": True},
        "metadata": about | {name: value for name, value in changed.items() if name in about},
        "near_duplicate_cluster": changed.get("cluster", identity),
        "split": "train",
        "license": "Apache-2.0",
    }
    return whole | {name: value for name, value in changed.items() if name in whole}


def counted(*rows: dict[str, Any]) -> Stats:
    stats = collect(rows)
    assert stats is not None
    return stats


def test_rows_are_counted_by_device_and_kernels_by_id() -> None:
    stats = counted(
        row("a", "cpu", features=["if"]),
        row("a", "cuda", features=["if"]),
        row("b", "cpu", category="atomic", split="test", features=["if", "for"]),
    )
    assert (stats.rows, stats.kernels, stats.duplicates) == (3, 2, 0)
    assert stats.devices == {"cpu": 2, "cuda": 1}
    assert stats.splits == {"train": {"cpu": 1, "cuda": 1}, "test": {"cpu": 1}}
    assert stats.categories == {"atomic": {"cpu": 1}, "math": {"cpu": 1, "cuda": 1}}
    assert stats.features == {"for": {"cpu": 1}, "if": {"cpu": 2, "cuda": 1}}
    assert stats.kernel_features == {"if": 2, "for": 1}


def test_the_same_id_and_device_again_is_an_exact_duplicate() -> None:
    stats = counted(row("a", "cpu"), row("a", "cuda"), row("a", "cpu"), row("a", "cpu"))
    assert (stats.kernels, stats.duplicates) == (1, 2)


def test_near_duplicates() -> None:
    stats = counted(
        row("a", "cpu", cluster="a"),
        row("a", "cuda", cluster="a"),
        row("b", "cpu", cluster="a"),
        row("c", "cpu", cluster="c"),
    )
    clusters = stats.clusters
    assert (clusters.number, clusters.largest, clusters.sizes) == (2, 2, {1: 1, 2: 1})
    assert (clusters.shared_rows, clusters.shared_share) == (3, 0.75)


def test_builtins_are_what_runs_calls() -> None:
    # Not the constant, the decorator, the annotations, or what is called through another name.
    stats = counted(row("a", python_source=SOURCE), row("b", python_source=SOURCE))
    assert stats.builtin_calls == {"vec3": 4, "length": 2, "tid": 2}
    assert stats.builtins == {"length": 2, "tid": 2, "vec3": 2}


def test_types_and_dimensions_of_parameters() -> None:
    types = ("array(ndim=2, dtype=vec3f)", "array(ndim=1, dtype=S0)", "S0", "vec3f", "float32")
    arguments = [{"name": f"p{at}", "type": type_} for at, type_ in enumerate(types)]
    stats = counted(row(python_source=SOURCE, arg_types=arguments))
    assert stats.types == {"struct": 2, "vec3f": 2, "float32": 1}
    assert stats.dimensions == {1: 1, 2: 1}


def test_code_is_measured_in_bytes() -> None:
    stats = counted(
        row("a", python_source="'é'\n", ir_backward="é", ir_functions=["abc", "d"], ir_structs=["ef"]),
        row("b", python_source="'é'\n", ir_backward="x", has_backward=False),
    )
    code = stats.code["cpu"]
    assert (code.rows, code.with_backward) == (2, 1)
    assert (code.python_bytes, code.generated_bytes) == (10, 29)
    assert (code.generated.minimum, code.generated.maximum) == (11, 18)
    assert (code.ratio.minimum, code.ratio.maximum, code.ratio.mean) == (2.2, 3.6, 2.9)


def test_a_module_counts_where_its_pieces_are_not_there() -> None:
    module = counted(row(ir_forward=None, generated_code="0123"))
    both = counted(row(generated_code="0123"))
    assert module.code["cpu"].generated_bytes == 4
    assert both.code["cpu"].generated_bytes == 10


def test_quantiles_and_bins() -> None:
    spread = counted(*(row(str(lines), num_lines=lines) for lines in range(1, 101))).sizes["lines"]
    assert (spread.count, spread.mean) == (100, 50.5)
    assert (spread.minimum, spread.p10, spread.median) == (1, 10, 50)
    assert (spread.p90, spread.p99, spread.maximum) == (90, 99, 100)
    assert [(each.start, each.end) for each in spread.bins[:2]] == [(0, 5), (5, 10)]
    assert [each.count for each in spread.bins] == [4, *[5] * 18, 6]
    assert spread.bins[-1].end is None


def test_what_is_equal_has_one_bin() -> None:
    (only,) = counted(row("a"), row("b")).sizes["lines"].bins
    assert (only.start, only.end, only.count) == (2, None, 2)


def test_large_numbers_have_three_significant_digits_and_an_exact_mean() -> None:
    spread = counted(row("a", num_nodes=12345), row("b", num_nodes=12347)).sizes["nodes"]
    assert (spread.minimum, spread.maximum, spread.mean) == (12300, 12300, 12346)


def test_the_bins_of_the_devices_are_the_same() -> None:
    stats = counted(row("a", "cpu", ir_forward="x" * 100), row("a", "cuda", ir_forward="x" * 900))
    starts = {device: [each.start for each in code.generated.bins] for device, code in stats.code.items()}
    assert starts["cpu"] == starts["cuda"]
    assert sum(each.count for each in stats.code["cpu"].generated.bins) == 1


def test_verified() -> None:
    stats = counted(row("a", verified={"lowered": True, "ran": False}), row("b"))
    assert stats.verified["lowered"] == {"yes": 2, "no": 0, "not tried": 0}
    assert stats.verified["ran"] == {"yes": 0, "no": 1, "not tried": 1}
    assert list(stats.verified) == ["lowered", "built_cpu", "built_cuda", "ran", "matched"]


def test_drift() -> None:
    flat = [{"name": "a", "type": "array(ndim=1, dtype=float32)"}]
    deep = [*flat, {"name": "b", "type": "array(ndim=3, dtype=float32)"}]
    stats = counted(
        row("a", "cpu", features=["if"], nesting=1, arg_types=flat),
        row("a", "cuda", features=["if"], nesting=1, arg_types=flat),
        row("b", "cpu", nesting=3, arg_types=deep),
        row("c", "cpu", nesting=4),
        row("d", "cpu", nesting=2),
    )
    drift = {each.name: each for each in stats.drift}
    assert set(REALISTIC) < set(drift)
    assert (drift["if"].here, drift["if"].real, drift["if"].ratio) == (0.25, 0.6, 0.4167)
    assert (drift["while"].here, drift["while"].ratio) == (0, 0)
    assert [drift[f"{ndim}-D array"].here for ndim in (1, 2, 3)] == [0.666667, 0, 0.333333]
    assert (drift["3-D array"].real, drift["3-D array"].of) == (0.016, "array parameters")
    assert (drift["nesting ≤ 2"].here, drift["nesting ≤ 3"].here) == (0.5, 0.75)


def test_samples_are_small_median_and_large_and_of_the_last_device() -> None:
    rows = [row(f"{n:03}", device, num_lines=n) for n in range(1, 101) for device in ("cpu", "cuda")]
    again = [row("zzz", "cuda", num_lines=50), *rows[::-1]]
    assert [(each.id, each.device) for each in counted(*rows).samples] == [
        ("010", "cuda"),
        ("050", "cuda"),
        ("090", "cuda"),
    ]
    assert "zzz" in [each.id for each in counted(*again).samples]
    assert len(counted(row("a"), row("b")).samples) == 1


def test_rows_are_read_once_and_one_at_a_time() -> None:
    alive = 0

    def stream() -> Iterator[dict[str, Any]]:
        nonlocal alive
        for number in range(50):
            alive += 1
            yield row(str(number))

    rows = stream()
    stats = collect(rows)
    assert stats is not None
    assert stats.rows == alive == 50
    assert next(rows, None) is None


def test_without_rows_there_are_no_numbers() -> None:
    assert collect([]) is None


def test_a_row_that_is_none_is_named() -> None:
    with pytest.raises(NotARow, match=r"row 2: .*\.num_lines"):
        collect([row(), row(num_lines="many")])
    with pytest.raises(NotARow, match=r"row 1: python_source is not Python"):
        collect([row(python_source="def")])


def test_the_numbers_are_json_without_the_code() -> None:
    stats = counted(row("a", ir_forward="SECRET"), row("b", arg_types=[{"name": "a", "type": "float32"}]))
    found = json.loads(json.dumps(stats.to_dict()))
    assert "samples" not in found
    assert "SECRET" not in json.dumps(found)
    assert found["sizes"]["lines"]["bins"] == [{"start": 2, "end": None, "count": 2}]
    assert found["clusters"]["sizes"] == {"1": 2}
