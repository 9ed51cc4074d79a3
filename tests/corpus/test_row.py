"""The row of a corpus: its schema is written down, and nothing is in it that should not be."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import warp

from kernelfuzz.corpus.corpus_plan import Plan, as_dict
from kernelfuzz.corpus.directory import Store
from kernelfuzz.corpus.files import rows
from kernelfuzz.corpus.produce import produce
from kernelfuzz.corpus.row import json_schema
from kernelfuzz.strategies.options import check_options

PUBLISHED = Path(__file__).parents[2] / "notes" / "row.schema.json"


def test_the_published_schema_is_the_real_one() -> None:
    expected = json.dumps(json_schema(), indent=1) + "\n"
    if os.environ.get("KERNELFUZZ_REFRESH"):
        PUBLISHED.write_text(expected, encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == expected, "run this test with KERNELFUZZ_REFRESH=1"


def test_every_key_is_described() -> None:
    parts = json_schema()["$defs"]
    for name, part in parts.items():
        for key, value in part["properties"].items():
            assert value.get("description"), f"{name}.{key}"


# ---------------------------------------------------------------------------------- what must not be in a row

CODE = (
    "ir_forward",
    "ir_backward",
    "generated_code",
    "cpp_forward",
    "cuda_forward",
    "cpp_backward",
    "cuda_backward",
)

# Of the machine, the user, the process and the time.
_MACHINE = {
    *(tempfile.gettempdir(), os.getcwd(), str(Path.home()), sys.prefix, sys.base_prefix, platform.node()),
    str(Path(warp.__file__).parent),
    warp.config.kernel_cache_dir or "/.cache/",
}
_PATH = re.compile(r"/(?:tmp|home|root|usr|opt|var|proc|work)/|site-packages|kernelfuzz[-_/]|\w\.py\b")
# 2**33 / 5 looks like seconds since 1970, and is what compilers multiply by to divide by 5.
_TIME = re.compile(r"\b20\d\d-\d\d-\d\d|\b\d\d:\d\d:\d\d\b|\b(?!1717986919\b)1[78]\d{8}\b")
_HASH = re.compile(r"\w_[0-9a-f]{8}(?:[0-9a-f]{4})?(?![0-9A-Za-z])")


def texts(value: Any) -> Iterator[str]:
    """Every text in a row, at whatever depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def leaks(row: dict[str, Any]) -> Iterator[str]:
    """What a row has that would tell the answer, or the machine."""
    code = [row[key] for key in CODE if row.get(key)] + row["ir_functions"] + row["ir_structs"]
    statements = {line.strip() for line in row["python_source"].splitlines() if "(" in line}
    for text in code:
        if "//" in text or "/*" in text:
            yield "a comment"
        # The generated code has types and semicolons: no line of it is a line of Python.
        if statements & {line.strip() for line in text.splitlines()}:
            yield "a line of the source"
        if _HASH.search(text):
            yield "a hash of Warp's"
    if any(statement in (row["ptx"] or "") for statement in statements):
        yield "a line of the source in the assembly"
    values = {name: value for name, value in row.items() if name not in ("cubin", "io")}
    for text in texts(values):
        yield from (f"the machine: {each}" for each in _MACHINE if len(each) > 3 and each in text)
        for pattern in (_PATH, _TIME):
            if found := pattern.search(text):
                yield f"{pattern.pattern}: {text[max(0, found.start() - 40) : found.end() + 40]!r}"


def corpus(directory: Path, plan: Plan) -> list[dict[str, Any]]:
    store = Store(directory)
    assert not store.open(as_dict(plan))
    produce(plan, store, command="kernelfuzz corpus")
    return list(rows(directory))


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (row,) = corpus(tmp_path, Plan(check_options(size="small"), devices=("cuda",), count=1))
    assert list(leaks(row)) == []
    line = next(line for line in row["python_source"].splitlines() if "(" in line)
    for key, addition in {
        "ir_forward": "// v0 = 1",
        "ir_backward": "/* v0 = 1 */",
        "description": os.getcwd(),
        "license": "2026-01-31",
        "python_source": "# /home/me/file.py",
        "id": "1790000000",
    }.items():
        assert list(leaks({**row, key: row[key] + "\n" + addition})), key
    assert list(leaks({**row, "ir_forward": row["ir_forward"] + "\n" + line}))
    assert list(leaks({**row, "ir_forward": row["ir_forward"] + "kernel_1cebf18c_cpu"}))


@pytest.mark.parametrize(
    ("count", "size"),
    [
        (24, "medium"),
        pytest.param(2000, "small", marks=pytest.mark.slow),
        pytest.param(600, "large", marks=pytest.mark.slow),
    ],
)
def test_no_row_tells_the_answer_or_the_machine(count: int, size: str, tmp_path: Path) -> None:
    plan = Plan(check_options(size=size), count=count, scope="both", old_keys=True)
    found = corpus(tmp_path, plan)
    assert len(found) > 1.9 * count
    assert {(row["id"], leak) for row in found for leak in leaks(row)} == set()
    validator = jsonschema.Draft202012Validator(json_schema())
    assert all(validator.is_valid(row) for row in found)


@pytest.mark.slow
def test_no_compiled_row_tells_the_answer_or_the_machine(tmp_path: Path) -> None:
    plan = Plan(check_options(size="small"), devices=("cuda",), count=4, ptx=True, cubin=True)
    found = corpus(tmp_path / "one", plan)
    assert all(row["ptx"] and row["cubin"] for row in found)
    assert {(row["id"], leak) for row in found for leak in leaks(row)} == set()
    assert corpus(tmp_path / "two", plan) == found
